"""Periods that days are grouped by, from days to years, in Python and in SQL."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

#: The first day of the period that a day is in, by the length of the period.
INTERVALS = {
    "day": "{day}",
    "week": "date_trunc('week', {day})::date",
    "month": "date_trunc('month', {day})::date",
    "quarter": "date_trunc('quarter', {day})::date",
    "half-year": "make_date(extract(year from {day})::int, 1 + 6 * ((extract(month from {day})::int - 1) / 6), 1)",
    "year": "date_trunc('year', {day})::date",
}
_MONTHS = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}
#: How long the periods are, in SQL.
LENGTHS = {"day": "1 day", "week": "7 days", **{name: f"{months} months" for name, months in _MONTHS.items()}}


def period_of(interval: str | None) -> str:
    """Return the first day of the period of a row ``s``, in SQL; null without an interval."""
    return INTERVALS[interval].format(day="s.day") if interval else "null::date"


def first_of(interval: str, day: date) -> date:
    """Return the first day of the period that a day is in."""
    if interval in _MONTHS:
        return date(day.year, (day.month - 1) // _MONTHS[interval] * _MONTHS[interval] + 1, 1)
    return day - timedelta(days=day.weekday() if interval == "week" else 0)


def last_of(interval: str, first: date) -> date:
    """Return the last day of the period that begins on a day."""
    if interval in _MONTHS:
        months = first.month - 1 + _MONTHS[interval]
        return date(first.year + months // 12, months % 12 + 1, 1) - timedelta(days=1)
    return first + timedelta(days=6 if interval == "week" else 0)


def days_of(
    interval: str | None, asked: tuple[date | None, date | None], period: date | None, today: date
) -> dict[str, Any]:
    """Return ``first_day`` and ``last_day`` of a period, and whether it is ``incomplete``.

    That is one that is not over on ``today``, or of which days are not among those ``asked`` for. Without an interval
    the period is what was asked for.
    """
    first, last = asked
    if interval is None or period is None:
        return {"first_day": first, "last_day": last, "incomplete": last is None or last >= today}
    end = last_of(interval, period)
    cut = (first is not None and period < first) or (last is not None and end > last)
    return {"first_day": period, "last_day": end, "incomplete": end >= today or cut}
