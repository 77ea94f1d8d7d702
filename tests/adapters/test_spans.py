"""Days are summed from years, months and days that add up to them, each counted once."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.spans import Span, spans

DAYS = st.dates(date(2023, 1, 1), date(2026, 12, 31))


def days_of(span: Span) -> Counter[date]:
    """The days of whatever sums begin within a span."""
    found: Counter[date] = Counter()
    day = span.first
    while day <= span.last:
        following = day + timedelta(days=1)
        if span.grain != "day":
            assert day.day == 1
            following = (day + timedelta(days=31)).replace(day=1)
        if span.grain == "year":
            assert day.month == 1
            following = date(day.year + 1, 1, 1)
        for n in range((following - day).days):
            found[day + timedelta(days=n)] += span.sign
        day = following
    return found


@pytest.mark.parametrize(("months", "years"), [(True, True), (True, False), (False, False)])
@given(DAYS, DAYS)
def test_spans_add_up_to_the_days_asked_for(months: bool, years: bool, one: date, other: date) -> None:
    first, last = sorted((one, other))
    total: Counter[date] = Counter()
    for span in spans(first, last, months=months, years=years):
        total.update(days_of(span))
    wanted = {first + timedelta(days=n) for n in range((last - first).days + 1)}
    assert {day: n for day, n in total.items() if n} == dict.fromkeys(wanted, 1)


@given(DAYS, DAYS)
def test_what_is_subtracted_is_of_the_month_or_year_that_it_is_subtracted_from(one: date, other: date) -> None:
    first, last = sorted((one, other))
    found = spans(first, last, years=False)
    months = {date(day.year, day.month, 1) for span in found if span.grain == "month" for day in days_of(span)}
    for span in found:
        if span.sign < 0:
            assert {day.replace(day=1) for day in days_of(span)} <= months


def test_a_year_up_to_today_is_few_sums() -> None:
    found = spans(date(2025, 11, 22), date(2026, 11, 22))
    assert [(one.grain, one.sign) for one in found] == [
        ("day", 1),
        ("day", -1),
        ("month", 1),
        ("month", -1),
        ("year", 1),
    ]
    assert [one.grain for one in spans(None, None)] == ["year"]
    assert [one.grain for one in spans(None, None, all_time=True)] == ["all_time"]
    for first, last in ((date(2025, 1, 1), None), (None, date(2025, 12, 31))):
        assert [one.grain for one in spans(first, last, all_time=True)] == ["year"]
