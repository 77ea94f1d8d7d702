"""Terms and calendars: due dates against the notices of the State Council, and laws that hold for any calendar."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import assume, settings
from hypothesis import given as for_all
from hypothesis import strategies as st
from pydantic import ValidationError

from adapters.rulebook import FIRST_EDITION, FIRST_EDITION_AT, PUBLISHER, first_edition, publish_all
from domain.calendar import SHANGHAI, Calendar, Term, Unit, Year, day_of, due, due_again, left, start_of_day
from domain.errors import InvalidInput
from domain.rulebook.book import EMPTY
from domain.streams import RULEBOOK
from tests.domain import rulebook_sources

BUNDLED = RULEBOOK.fold(publish_all(EMPTY, first_edition(), FIRST_EDITION_AT, PUBLISHER)).calendar
SEVEN = Term(n=7, unit=Unit.WORKING_DAYS, source="Order 121, art. 15")

#: The notices of the State Council: the days off from first to last, and the Saturdays and Sundays that are worked.
#: That of 2020 is as changed in January of that year, that of 2019 as changed in March.
NOTICES: dict[int, tuple[list[tuple[str, str]], str]] = {
    2019: (
        [
            ("01-01", "01-01"),
            ("02-04", "02-10"),
            ("04-05", "04-07"),
            ("05-01", "05-04"),
            ("06-07", "06-09"),
            ("09-13", "09-15"),
            ("10-01", "10-07"),
        ],
        "02-02 02-03 04-28 05-05 09-29 10-12",
    ),
    2020: (
        [
            ("01-01", "01-01"),
            ("01-24", "02-02"),
            ("04-04", "04-06"),
            ("05-01", "05-05"),
            ("06-25", "06-27"),
            ("10-01", "10-08"),
        ],
        "01-19 04-26 05-09 06-28 09-27 10-10",
    ),
    2021: (
        [
            ("01-01", "01-03"),
            ("02-11", "02-17"),
            ("04-03", "04-05"),
            ("05-01", "05-05"),
            ("06-12", "06-14"),
            ("09-19", "09-21"),
            ("10-01", "10-07"),
        ],
        "02-07 02-20 04-25 05-08 09-18 09-26 10-09",
    ),
    2022: (
        [
            ("01-01", "01-03"),
            ("01-31", "02-06"),
            ("04-03", "04-05"),
            ("04-30", "05-04"),
            ("06-03", "06-05"),
            ("09-10", "09-12"),
            ("10-01", "10-07"),
            ("12-31", "12-31"),
        ],
        "01-29 01-30 04-02 04-24 05-07 10-08 10-09",
    ),
    2023: (
        [
            ("01-01", "01-02"),
            ("01-21", "01-27"),
            ("04-05", "04-05"),
            ("04-29", "05-03"),
            ("06-22", "06-24"),
            ("09-29", "10-06"),
        ],
        "01-28 01-29 04-23 05-06 06-25 10-07 10-08",
    ),
    2024: (
        [
            ("01-01", "01-01"),
            ("02-10", "02-17"),
            ("04-04", "04-06"),
            ("05-01", "05-05"),
            ("06-10", "06-10"),
            ("09-15", "09-17"),
            ("10-01", "10-07"),
        ],
        "02-04 02-18 04-07 04-28 05-11 09-14 09-29 10-12",
    ),
    2025: (
        [
            ("01-01", "01-01"),
            ("01-28", "02-04"),
            ("04-04", "04-06"),
            ("05-01", "05-05"),
            ("05-31", "06-02"),
            ("10-01", "10-08"),
        ],
        "01-26 02-08 04-27 09-28 10-11",
    ),
    2026: (
        [
            ("01-01", "01-03"),
            ("02-15", "02-23"),
            ("04-04", "04-06"),
            ("05-01", "05-05"),
            ("06-19", "06-21"),
            ("09-25", "09-27"),
            ("10-01", "10-07"),
        ],
        "01-04 02-14 02-28 05-09 09-20 10-10",
    ),
}


def days(first: date, last: date) -> Iterator[date]:
    for n in range(first.toordinal(), last.toordinal() + 1):
        yield date.fromordinal(n)


def shanghai(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def in_words(at: datetime) -> str:
    return at.astimezone(SHANGHAI).replace(tzinfo=None).isoformat(sep=" ")


@pytest.mark.parametrize("year", NOTICES)
def test_a3_the_bundled_calendar_is_that_of_the_notice(year: int) -> None:
    spans, worked = NOTICES[year]
    off = {
        day
        for first, last in spans
        for day in days(date.fromisoformat(f"{year}-{first}"), date.fromisoformat(f"{year}-{last}"))
    }
    moved = {date.fromisoformat(f"{year}-{day}") for day in worked.split()}
    for day in days(date(year, 1, 1), date(year, 12, 31)):
        assert BUNDLED.is_working(day) == (day in moved or (day.weekday() < 5 and day not in off)), day


def test_a3_the_bundled_calendars_are_those_of_the_library() -> None:
    bundled = json.loads((FIRST_EDITION / "calendars.json").read_text(encoding="utf-8"))
    assert bundled == rulebook_sources.calendars()
    assert [one["content"]["year"] for one in bundled] == list(range(2004, 2027))


@pytest.mark.parametrize(
    ("filed", "last_day"),
    [
        # Spring Festival
        ("2019-02-01 10:00", "2019-02-15"),
        ("2020-01-20 10:00", "2020-02-06"),
        ("2021-02-08 10:00", "2021-02-23"),
        ("2024-02-08 10:00", "2024-02-23"),
        ("2025-01-25 10:00", "2025-02-10"),
        ("2026-02-13 10:00", "2026-03-02"),
        # National Day, with two worked weekend days after it, and with one before it
        ("2022-09-28 10:00", "2022-10-12"),
        ("2023-09-27 10:00", "2023-10-12"),
        ("2026-09-18 10:00", "2026-09-29"),
        ("2026-09-29 10:00", "2026-10-14"),
        # over the turn of the year, with a worked Sunday
        ("2025-12-29 10:00", "2026-01-08"),
        # filed on a holiday, on a worked Saturday, on an ordinary Saturday
        ("2026-10-03 10:00", "2026-10-15"),
        ("2026-10-10 10:00", "2026-10-20"),
        ("2026-11-14 10:00", "2026-11-24"),
        # an instant before midnight and midnight
        ("2026-02-13 23:59:59.999999", "2026-03-02"),
        ("2026-02-14 00:00", "2026-03-03"),
    ],
)
def test_a3_seven_working_days_end_with_the_right_day(filed: str, last_day: str) -> None:
    found = due(shanghai(filed), SEVEN, BUNDLED)
    assert in_words(found.at) == f"{last_day} 23:59:59.999999"
    assert not found.provisional
    assert found.at.tzinfo is UTC


@pytest.mark.parametrize(
    ("start", "term", "last"),
    [
        ("2026-04-15 09:00", Term(n=60, unit=Unit.DAYS, source="x"), "2026-06-14 23:59:59.999999"),
        # the last day is a Sunday
        ("2026-04-15 09:00", Term(n=60, unit=Unit.DAYS, source="x", rolls=True), "2026-06-15 23:59:59.999999"),
        # the last day is in the middle of the National Day holidays
        ("2026-09-03 09:00", Term(n=30, unit=Unit.DAYS, source="x", rolls=True), "2026-10-08 23:59:59.999999"),
        ("2025-03-03 09:00", Term(n=45, unit=Unit.WORKING_DAYS, source="x"), "2025-05-08 23:59:59.999999"),
        ("2026-03-01 23:30", Term(n=96, unit=Unit.HOURS, source="x"), "2026-03-05 23:30:00"),
        ("2026-01-31 09:00", Term(n=1, unit=Unit.MONTHS, source="x"), "2026-02-28 23:59:59.999999"),
        ("2027-12-31 09:00", Term(n=2, unit=Unit.MONTHS, source="x"), "2028-02-29 23:59:59.999999"),
        ("2026-03-15 00:00", Term(n=12, unit=Unit.MONTHS, source="x"), "2027-03-15 23:59:59.999999"),
    ],
)
def test_a4_terms_of_every_unit_end_where_the_law_says(start: str, term: Term, last: str) -> None:
    assert in_words(due(shanghai(start), term, BUNDLED).at) == last


def test_a3_no_gap_is_left_between_the_last_minute_of_the_term_and_midnight() -> None:
    found = due(shanghai("2026-03-02 09:00"), SEVEN, BUNDLED).at
    assert shanghai("2026-03-11 23:59:30") <= found
    assert found + timedelta(microseconds=1) == shanghai("2026-03-12 00:00")


def test_a3_a_term_that_runs_into_a_year_without_a_calendar_is_provisional_until_that_is_published() -> None:
    filed = shanghai("2026-12-28 10:00")
    before = due(filed, SEVEN, BUNDLED)
    assert before == (start_of_day(date(2027, 1, 7)) - timedelta(microseconds=1), True)
    published = Calendar({**BUNDLED.years, 2027: Year(frozenset({date(2027, 1, 1)}), frozenset({date(2027, 1, 3)}))})
    assert due(filed, SEVEN, published) == (start_of_day(date(2027, 1, 7)) - timedelta(microseconds=1), False)
    longer = Calendar({**BUNDLED.years, 2027: Year(frozenset({date(2027, 1, 1), date(2027, 1, 4)}), frozenset())})
    assert due(filed, SEVEN, longer).at == start_of_day(date(2027, 1, 9)) - timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("term", "provisional"),
    [
        (Term(n=30, unit=Unit.DAYS, source="x"), False),
        (Term(n=30, unit=Unit.DAYS, source="x", rolls=True), True),
        (Term(n=2, unit=Unit.WORKING_DAYS, source="x"), False),
        (Term(n=96, unit=Unit.HOURS, source="x"), False),
        (Term(n=1, unit=Unit.MONTHS, source="x"), False),
    ],
)
def test_a3_only_what_asks_for_working_days_of_that_year_is_provisional(term: Term, provisional: bool) -> None:
    assert due(shanghai("2026-12-28 10:00"), term, BUNDLED).provisional == provisional


def test_a4_only_a_term_in_days_rolls() -> None:
    with pytest.raises(ValidationError, match="cannot roll to the next working day"):
        Term(n=7, unit=Unit.WORKING_DAYS, source="x", rolls=True)


def test_a4_the_clock_of_a_term_in_months_does_not_stop() -> None:
    with pytest.raises(ValueError, match="does not stop"):
        left(shanghai("2026-01-01"), shanghai("2026-02-01"), Unit.MONTHS, BUNDLED)
    with pytest.raises(ValueError, match="does not stop"):
        due_again(shanghai("2026-01-01"), 1, Unit.MONTHS, BUNDLED)


def test_a4_a_term_beyond_what_a_time_can_hold_is_refused() -> None:
    for unit in Unit:
        with pytest.raises(InvalidInput, match="beyond the year 9999"):
            due(datetime(9999, 12, 29, tzinfo=UTC), Term(n=3650, unit=unit, source="x"), BUNDLED)


def test_a4_a_clock_that_stopped_goes_on_with_what_was_left() -> None:
    found = due(shanghai("2026-02-12 10:00"), SEVEN, BUNDLED).at
    assert day_of(found) == date(2026, 2, 28)
    # Two working days have passed (the 13th, and Saturday the 14th), five are left.
    remaining = left(shanghai("2026-02-14 12:00"), found, Unit.WORKING_DAYS, BUNDLED)
    assert remaining == 5
    again = due_again(shanghai("2026-09-30 12:00"), remaining, Unit.WORKING_DAYS, BUNDLED).at
    assert day_of(again) == date(2026, 10, 13)


def test_a4_a_clock_that_stopped_on_its_last_day_has_that_day_when_it_goes_on() -> None:
    found = due(shanghai("2026-03-02 10:00"), SEVEN, BUNDLED).at
    assert left(found, found, Unit.WORKING_DAYS, BUNDLED) == 0
    assert due_again(shanghai("2026-03-20 10:00"), 0, Unit.WORKING_DAYS, BUNDLED).at == shanghai(
        "2026-03-20 23:59:59.999999"
    )
    # the 21st is a Saturday
    assert due_again(shanghai("2026-03-21 10:00"), 0, Unit.WORKING_DAYS, BUNDLED).at == shanghai(
        "2026-03-23 23:59:59.999999"
    )


def calendar_years(year: int) -> st.SearchStrategy[Year]:
    all_days = list(days(date(year, 1, 1), date(year, 12, 31)))
    weekend = [day for day in all_days if day.weekday() >= 5]
    return st.builds(
        lambda off, worked: Year(frozenset(off) - frozenset(worked), frozenset(worked)),
        st.sets(st.sampled_from(all_days), max_size=40),
        st.sets(st.sampled_from(weekend), max_size=10),
    )


calendars = st.fixed_dictionaries({}, optional={year: calendar_years(year) for year in (2025, 2026, 2027)}).map(
    Calendar
)
instants = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))
stopping = st.sampled_from([Unit.HOURS, Unit.DAYS, Unit.WORKING_DAYS])
counts = st.integers(1, 90)


@st.composite
def terms(draw: st.DrawFn, units: st.SearchStrategy[Unit]) -> Term:
    unit = draw(units)
    return Term(n=draw(counts), unit=unit, source="x", rolls=unit is Unit.DAYS and draw(st.booleans()))


@settings(max_examples=300, deadline=None)
@for_all(instants, terms(st.sampled_from(Unit)), calendars)
def test_a4_a_term_never_ends_before_it_begins(start: datetime, term: Term, calendar: Calendar) -> None:
    assert due(start, term, calendar).at >= start


@settings(max_examples=300, deadline=None)
@for_all(instants, instants, terms(st.sampled_from(Unit)), calendars)
def test_a4_what_begins_later_never_ends_earlier(a: datetime, b: datetime, term: Term, calendar: Calendar) -> None:
    assert due(min(a, b), term, calendar).at <= due(max(a, b), term, calendar).at


@settings(max_examples=300, deadline=None)
@for_all(instants, terms(stopping), calendars, st.integers(0, 10**6))
def test_a4_stopping_and_going_on_at_once_changes_nothing(
    start: datetime, term: Term, calendar: Calendar, part: int
) -> None:
    found = due(start, term, calendar)
    stopped = start + (found.at - start) * part / 10**6
    remaining = left(stopped, found.at, term.unit, calendar)
    assume(calendar.is_working(day_of(stopped)) or remaining > 0)
    assert due_again(stopped, remaining, term.unit, calendar, term.rolls).at == found.at


@settings(max_examples=300, deadline=None)
@for_all(instants, instants, st.integers(0, 90), stopping, st.booleans(), calendars)
def test_a4_stopping_longer_never_gives_an_earlier_due_time(
    a: datetime, b: datetime, remaining: int, unit: Unit, rolls: bool, calendar: Calendar
) -> None:
    rolls = rolls and unit is Unit.DAYS
    early = due_again(min(a, b), remaining, unit, calendar, rolls).at
    assert min(a, b) <= early <= due_again(max(a, b), remaining, unit, calendar, rolls).at


def elapsed(start: datetime, end: datetime, unit: Unit, calendar: Calendar) -> int:
    """The time that runs between two instants, counted one by one, apart from the code that is tested."""
    if unit is Unit.HOURS:
        return round((end - start).total_seconds() * 10**6)
    counted = list(days(day_of(start), day_of(end)))[1:]
    return len(counted) if unit is Unit.DAYS else len([day for day in counted if calendar.is_working(day)])


@settings(max_examples=300, deadline=None)
@for_all(
    instants,
    counts,
    stopping,
    calendars,
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 60 * 24 * 40)), max_size=4),
)
def test_a4_a_clock_that_stops_and_goes_on_runs_for_exactly_its_term(
    start: datetime, n: int, unit: Unit, calendar: Calendar, pauses: list[tuple[int, int]]
) -> None:
    term = Term(n=n, unit=unit, source="x")
    end, ran = due(start, term, calendar).at, 0
    for part, minutes in pauses:
        stopped = start + (end - start) * part / 10**6
        remaining = left(stopped, end, unit, calendar)
        # On its last day no whole day is left, but the rest of that day is given again.
        assume(remaining > 0)
        ran += elapsed(start, stopped, unit, calendar)
        start = stopped + timedelta(minutes=minutes)
        end = due_again(start, remaining, unit, calendar).at
    assert ran + elapsed(start, end, unit, calendar) == (n * 3600 * 10**6 if unit is Unit.HOURS else n)
