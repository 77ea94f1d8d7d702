"""Beside what was reported stands each complaint once (B9): those of merchants that are one by now, too."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from adapters.volumes import Counted, Days, counted

YEAR = date(2026, 1, 1)
MARCH, QUARTER = Days(date(2026, 3, 1), date(2026, 3, 31)), Days(date(2026, 1, 1), date(2026, 3, 31))


def test_b9_of_a_silent_merchant_a_complaint_is_counted_once_in_the_shortest_period() -> None:
    found = list(counted({"m1": [MARCH], "m2": [QUARTER]}, ["m1", "m2", "m3"]))
    assert found == [
        Counted(MARCH, "m1", MARCH),
        Counted(QUARTER, "m2", QUARTER),
        Counted(MARCH, "m3", MARCH),
        Counted(QUARTER, "m3", Days(date(2026, 1, 1), date(2026, 2, 28))),
    ]


def test_b9_of_a_merchant_that_reported_other_days_nothing_stands_beside_those_that_overlap() -> None:
    april = Days(date(2026, 4, 1), date(2026, 4, 30))
    half = Days(date(2026, 3, 1), date(2026, 3, 15))
    found = list(counted({"m1": [half], "m2": [MARCH, april]}, ["m1"]))
    assert found == [Counted(half, "m1", half), Counted(april, "m1", april)]


@st.composite
def reports(draw: st.DrawFn) -> dict[str, list[Days]]:
    """What three of four merchants reported: the periods of one do not overlap."""
    found: dict[str, list[Days]] = {}
    for merchant in ("a", "b", "c"):
        bounds = sorted(draw(st.sets(st.integers(0, 40), max_size=6)))
        pairs = zip(bounds[::2], bounds[1::2], strict=False)
        found[merchant] = [Days(YEAR + timedelta(days=one), YEAR + timedelta(days=other)) for one, other in pairs]
    return found


@given(reports())
def test_b9_every_complaint_is_counted_in_one_period_at_most_as_the_definition_has_it(
    reported: dict[str, list[Days]],
) -> None:
    found = list(counted(reported, ["a", "b", "c", "d"]))
    everything = {days for own in reported.values() for days in own}
    for merchant in ("a", "b", "c", "d"):
        own = reported.get(merchant, [])
        for day in (YEAR + timedelta(days=n) for n in range(42)):
            periods = [one.period for one in found if one.merchant_id == merchant and one.days[0] <= day <= one.days[1]]
            expected = [days for days in own if days.first <= day <= days.last]
            if not expected:
                others = [
                    days
                    for days in everything
                    if days.first <= day <= days.last
                    and not any(one.first <= days.last and one.last >= days.first for one in own)
                ]
                expected = sorted(others, key=lambda one: ((one.last - one.first).days, one.first))[:1]
            assert periods == expected
