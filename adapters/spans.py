"""Days as all time, whole years, whole months and single days: sums are read from as few rows as there can be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import NamedTuple

DAY = timedelta(days=1)
#: The first and the last of all days are the beginning of a year and the end of one.
BEGINNING, END = date.min, date.max


class Span(NamedTuple):
    """The sums of a grain whose ``first_day`` is from ``first`` to ``last``; to be subtracted if ``sign`` is -1."""

    grain: str
    first: date
    last: date
    sign: int


def spans(
    first: date | None, last: date | None, *, months: bool = True, years: bool = True, all_time: bool = False
) -> list[Span]:
    """Return spans that add up to the days from first to last (None: from the beginning, to the end).

    Of grains as named: not all tables have sums of all time, and not all periods can be told from those of years.

    A month or year of which more than half is wanted is taken whole, and the rest of it subtracted. What is subtracted
    is of the same month or year as what it is subtracted from.
    """
    if all_time and first is None and last is None:
        return [_span("all_time", BEGINNING, END, 1)]
    begin, end = first or BEGINNING, END if last is None or last == END else last + DAY
    if not months:
        return [_span("day", begin, end, 1)]
    found: list[Span] = []
    begin, end = _whole(found, "day", begin, end, _month, _after_month)
    if years:
        begin, end = _whole(found, "month", begin, end, _year, _after_year)
    if begin < end:
        found.append(_span("year" if years else "month", begin, end, 1))
    return found


def _whole(
    found: list[Span], grain: str, begin: date, end: date, floor: Callable[[date], date], after: Callable[[date], date]
) -> tuple[date, date]:
    """Return the nearest bounds that are those of whole units, having added what lies between in a smaller grain."""
    if begin >= end:
        return begin, begin
    from_, to = floor(begin), end if end == END or floor(end) == end else after(end)
    if to != END and after(from_) == to:
        if (end - begin) * 2 <= to - from_:
            _add(found, grain, begin, end, 1)
            return begin, begin
        _add(found, grain, from_, begin, -1)
        _add(found, grain, end, to, -1)
        return from_, to
    if (begin - from_) * 2 > after(begin) - from_:
        _add(found, grain, begin, after(begin), 1)
        from_ = after(begin)
    else:
        _add(found, grain, from_, begin, -1)
    if (to - end) * 2 > to - floor(end):
        _add(found, grain, floor(end), end, 1)
        to = floor(end)
    else:
        _add(found, grain, end, to, -1)
    return from_, to


def _add(found: list[Span], grain: str, begin: date, end: date, sign: int) -> None:
    if begin < end:
        found.append(_span(grain, begin, end, sign))


def _span(grain: str, begin: date, end: date, sign: int) -> Span:
    return Span(grain, begin, END if end == END else end - DAY, sign)


def _month(day: date) -> date:
    return day.replace(day=1)


def _after_month(day: date) -> date:
    return _month(_month(day) + timedelta(days=31))


def _year(day: date) -> date:
    return day.replace(month=1, day=1)


def _after_year(day: date) -> date:
    return _year(_year(day) + timedelta(days=366))
