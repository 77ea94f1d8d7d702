"""Calendar days and legal terms, in the time of Shanghai.

A day counts from midnight to midnight in Shanghai. The day on which a term begins is not counted (Civil Code art. 201),
and a due time is the last instant that is in time: 23:59:59.999999 of the last day. Late is what comes after it.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, NamedTuple, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, model_validator

from domain.errors import InvalidInput
from domain.values import FROZEN, LAST_INSTANT, ShortText

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)


class Unit(StrEnum):
    """What a term is counted in."""

    HOURS = "hours"
    DAYS = "days"
    WORKING_DAYS = "working_days"
    MONTHS = "months"


class Term(BaseModel):
    """A term of ``n`` units. ``source``: the article that sets it.

    ``rolls``: a last day that is a day off moves to the next working day (Civil Code art. 203; days only).
    """

    model_config = FROZEN
    n: Annotated[int, Field(ge=1, le=3650, strict=True)]
    unit: Unit
    source: ShortText
    rolls: bool = False

    @model_validator(mode="after")
    def _only_days_roll(self) -> Self:
        if self.rolls and self.unit is not Unit.DAYS:
            raise ValueError(f"a term in {self.unit} cannot roll to the next working day: only one in days can")
        return self


@dataclass(frozen=True, slots=True)
class Year:
    """The working calendar of a year: the days off by public holiday, and the Saturdays and Sundays that are worked.

    Other days off are Saturdays and Sundays. A holiday may fall on one of them.
    """

    holidays: frozenset[date]
    workdays: frozenset[date]


@dataclass(frozen=True, slots=True)
class Calendar:
    """The years whose calendar is published. In any other year Monday to Friday are taken for working days."""

    years: Mapping[int, Year]

    def is_working(self, day: date) -> bool:
        """Return whether ``day`` is a working day."""
        year = self.years.get(day.year)
        if year is None:
            return day.weekday() < 5
        return day in year.workdays or (day.weekday() < 5 and day not in year.holidays)

    def published(self, year: int) -> bool:
        """Return whether the calendar of ``year`` is known."""
        return year in self.years


class Due(NamedTuple):
    """``at``: the last instant in time, in UTC. ``provisional``: it rests on a year without a published calendar."""

    at: datetime
    provisional: bool


def start_of_day(day: date) -> datetime:
    """Return the instant at which ``day`` begins in Shanghai, in UTC."""
    return datetime.combine(day, time.min, SHANGHAI).astimezone(UTC)


def end_of_day(day: date) -> datetime:
    """Return the last instant of ``day`` in Shanghai, in UTC."""
    return start_of_day(day + DAY) - MICROSECOND


def day_of(at: datetime) -> date:
    """Return the day on which ``at`` lies in Shanghai."""
    return at.astimezone(SHANGHAI).date()


def month_of(at: datetime) -> date:
    """Return the first day of the month in which ``at`` lies in Shanghai."""
    return day_of(at).replace(day=1)


def due(start: datetime, term: Term, calendar: Calendar) -> Due:
    """Return when a term that begins at ``start`` ends.

    Hours run from the instant; days of all kinds from the day after; a term in months ends on the same day of the
    last month, or on its last day if there is none (Civil Code art. 202). Raises InvalidInput beyond the year 9999.
    """
    try:
        match term.unit:
            case Unit.HOURS:
                found = Due(start.astimezone(UTC) + timedelta(hours=term.n), provisional=False)
            case Unit.MONTHS:
                found = Due(end_of_day(_months_later(day_of(start), term.n)), provisional=False)
            case Unit.DAYS | Unit.WORKING_DAYS:
                found = due_again(start, term.n, term.unit, calendar, rolls=term.rolls)
    except (OverflowError, ValueError):
        raise _too_late(start) from None
    if found.at > LAST_INSTANT:
        raise _too_late(start)
    return found


def left(stopped: datetime, due_at: datetime, unit: Unit, calendar: Calendar) -> int:
    """Return what is left of a term when its clock stops; ``due_again`` takes it when the clock goes on.

    Working days and days: those after the day of ``stopped``, up to and including the day of ``due_at``; so nothing is
    left on the last day itself, of which the rest is still open. Hours: microseconds. Never negative. Days by which a
    rolling term was moved count as part of it. Raises ValueError for months, whose clocks do not stop.
    """
    match unit:
        case Unit.HOURS:
            return max((due_at - stopped) // MICROSECOND, 0)
        case Unit.DAYS:
            return max((day_of(due_at) - day_of(stopped)).days, 0)
        case Unit.WORKING_DAYS:
            first, last = day_of(stopped).toordinal() + 1, day_of(due_at).toordinal()
            return sum(calendar.is_working(date.fromordinal(n)) for n in range(first, last + 1))
        case Unit.MONTHS:
            raise ValueError("the clock of a term in months does not stop")


def due_again(resumed: datetime, left: int, unit: Unit, calendar: Calendar, rolls: bool = False) -> Due:
    """Return when a term ends of which ``left`` (see ``left``) remained when its clock went on at ``resumed``.

    That is the ``left``-th (working) day after the day of ``resumed``; with nothing left that day itself, or if
    working days are counted and it is none, the next. Raises ValueError for months, OverflowError beyond the year 9999.
    """
    today = day_of(resumed)
    match unit:
        case Unit.HOURS:
            return Due(resumed.astimezone(UTC) + timedelta(microseconds=left), provisional=False)
        case Unit.DAYS:
            last = today + left * DAY
            moved = _next_working(last, calendar) if rolls else last
            return Due(end_of_day(moved), rolls and _unpublished(last, moved, calendar))
        case Unit.WORKING_DAYS:
            first = today if left == 0 else today + DAY
            last = _next_working(today, calendar) if left == 0 else _working_days_later(today, left, calendar)
            return Due(end_of_day(last), _unpublished(first, last, calendar))
        case Unit.MONTHS:
            raise ValueError("the clock of a term in months does not stop")


def _months_later(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def _working_days_later(day: date, count: int, calendar: Calendar) -> date:
    while count:
        day += DAY
        count -= calendar.is_working(day)
    return day


def _next_working(day: date, calendar: Calendar) -> date:
    while not calendar.is_working(day):
        day += DAY
    return day


def _unpublished(first: date, last: date, calendar: Calendar) -> bool:
    return any(not calendar.published(year) for year in range(first.year, last.year + 1))


def _too_late(start: datetime) -> InvalidInput:
    return InvalidInput(f"a term that begins on {day_of(start)} ends beyond the year 9999", hint="check its beginning")
