"""Boards of supervision on a real database against the reference: every row, whenever and however they are asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import pairwise
from typing import Any, Literal

import pytest

from adapters import boards
from domain.measure.state import MeasureKind, RemedyKind
from domain.merchant.state import ListName
from tests.integration.contested import ALPHA, BETA, EDGE, LATER, PLATFORM, START, TICK, an_id, day
from tests.integration.item_world import World
from tests.reference import boards as reference

Row = dict[str, Any]
NOBODY = an_id("merchant", 0)
EDGE_DAY, EVE, EVER = day(EDGE).date(), day(EDGE - 1).date(), date(2099, 12, 31)
#: All days, none of those in which something happens, and days that begin and end where something does.
PERIODS = (
    (date(2000, 1, 1), EVER),
    (date(2000, 1, 1), date(2000, 12, 31)),
    (START.date(), EVE),
    (START.date(), EDGE_DAY),
    (EVE, EVE),
    (EDGE_DAY, EDGE_DAY),
    (EDGE_DAY, EVER),
    (day(1).date(), day(40).date()),
)


def moments(items: World) -> tuple[datetime, ...]:
    """Before all, in the course of it, at its end, when every term has passed unrecorded, and long after."""
    return (START - TICK, day(3.5), day(EDGE), day(60), items.until, day(LATER) + TICK, day(10 * LATER))


def around(rows: Sequence[Row], *names: str) -> Iterator[datetime]:
    """Each time that the rows tell, the last one before it, and the first one behind it."""
    for at in sorted({row[name] for row in rows for name in names} - {None}):
        yield from (at - TICK, at, at + TICK)


def values(rows: Sequence[Row], name: str) -> set[Any]:
    return {row[name] for row in rows}


def tied(rows: Sequence[Row], *names: str) -> bool:
    """Whether rows that follow each other are the same in these, so that what comes after them in order decides."""
    return any(all(one[name] == other[name] for name in names) for one, other in pairwise(rows))


@pytest.mark.parametrize("name", ListName)
def test_e6_a_list_has_at_any_time_whom_the_events_put_there(items: World, name: ListName) -> None:
    ever = reference.listings(items.histories, items.until, name=name, standing=False)
    for at in (*moments(items), *around(ever, "listed_at", "ends_due", "ended_at")):
        for standing in (True, False):
            found = list(boards.listings(items.pool, at, name=name, standing=standing))
            assert found == reference.listings(items.histories, at, name=name, standing=standing), (at, standing)
    for merchant in (*values(ever, "merchant_id"), NOBODY):
        own = reference.listings(items.histories, items.until, name=name, standing=False, merchant_id=merchant)
        assert list(boards.listings(items.pool, items.until, name=name, standing=False, merchant_id=merchant)) == own


def test_e6_listings_of_every_kind_and_ending_were_compared(items: World) -> None:
    ever = {name: reference.listings(items.histories, items.until, name=name, standing=False) for name in ListName}
    endings = {name: values(rows, "ending") for name, rows in ever.items()}
    assert endings[ListName.UNTRUSTWORTHY] >= {"", "removed", "repaired", "ended"}
    assert endings[ListName.BLACKLIST] >= {"", "removed"}
    assert endings[ListName.WARNING] >= {"", "ended"}
    assert all(tied(rows, "listed_at") for rows in (ever[ListName.BLACKLIST], ever[ListName.UNTRUSTWORTHY]))
    assert tied(ever[ListName.BLACKLIST], "listed_at", "merchant_id")
    assert all(values(rows, "stands") == {True, False} for rows in ever.values())
    (one,) = (row for row in ever[ListName.UNTRUSTWORTHY] if (row["merchant_id"], row["number"]) == (ALPHA, 1))
    assert (len(one["complaints"]), one["ends_due"], one["repair_from"], one["repairs"]) == (3, day(50), day(6), 2)


def test_e6_a_repair_is_to_be_decided_on_until_the_listing_is_over(items: World) -> None:
    asked = {
        at: [row["repair_open"] for row in boards.listings(items.pool, at, name="warning", standing=False)]
        for at in (day(LATER), day(LATER) + TICK)
    }
    assert [any(waits) for waits in asked.values()] == [True, False]


def test_e6_repairs_are_as_they_were_asked_for_and_decided(items: World) -> None:
    expected = reference.repairs(items.histories)
    assert list(boards.repairs(items.pool)) == expected
    assert values(expected, "granted") == {True, False, None}
    assert tied(expected, "applied_at", "merchant_id")
    for merchant in (*values(expected, "merchant_id"), NOBODY):
        own = reference.repairs(items.histories, merchant_id=merchant)
        assert list(boards.repairs(items.pool, merchant_id=merchant)) == own


def test_b7_what_followed_from_complaints_is_all_that_the_events_name_them_for(items: World) -> None:
    expected = reference.consequences(items.histories)
    assert list(boards.consequences(items.pool)) == expected
    kinds = {kind: [row for row in expected if row["kind"] == kind] for kind in values(expected, "kind")}
    assert kinds.keys() == {"listing", "credit_event", "measure", "warning", "notice", "report"}
    assert all(max(len(row["complaints"]) for row in kinds[kind]) > 1 for kind in kinds.keys() - {"credit_event"})
    assert all(len(values(kinds[kind], "ended")) > 1 for kind in ("listing", "credit_event", "measure"))
    assert None in values(kinds["measure"], "merchant_id")
    assert tied(kinds["report"], "since", "stream", "number")
    assert all(tied(kinds[kind], "since", "stream") for kind in ("credit_event", "warning", "notice", "listing"))


def test_b7_consequences_of_a_complaint_or_a_merchant_are_those_that_name_it(items: World) -> None:
    every = reference.consequences(items.histories)
    for merchant in (*values(every, "merchant_id") - {None}, NOBODY):
        own = reference.consequences(items.histories, merchant_id=merchant)
        assert list(boards.consequences(items.pool, merchant_id=merchant)) == own
    for complaint in {one for row in every for one in row["complaints"]} | {an_id("complaint", 0)}:
        own = reference.consequences(items.histories, complaint_id=complaint)
        assert list(boards.consequences(items.pool, complaint_id=complaint)) == own
        both = reference.consequences(items.histories, complaint_id=complaint, merchant_id=BETA)
        assert list(boards.consequences(items.pool, complaint_id=complaint, merchant_id=BETA)) == both


def test_e7_notices_and_their_clocks_stand_at_any_time_as_the_events_say(items: World) -> None:
    ever = reference.notices(items.histories, items.until)
    for at in (*moments(items), *around(ever, "given_at", "due_at", "answered_at", "declined_at")):
        assert list(boards.notices(items.pool, at)) == reference.notices(items.histories, at), at
    for platform in (*values(ever, "platform_id"), an_id("platform", 0)):
        own = reference.notices(items.histories, items.until, platform_id=platform)
        assert list(boards.notices(items.pool, items.until, platform_id=platform)) == own
    lates = {
        status: values([row for row in ever if row["status"] == status], "late") for status in values(ever, "status")
    }
    assert lates == {"open": {None}, "missed": {None}, "answered": {True, False}, "declined": {True, False}}
    assert any(row["missed_at"] and row["late"] is False for row in ever)
    assert any(row["declined_at"] and row["status"] == "answered" for row in ever)
    assert tied(ever, "given_at", "platform_id")
    assert len({row["platform_id"] for row in ever if row["given_at"] == day(1)}) > 1


def test_e1_e2_the_measures_in_force_at_any_time_are_those_the_events_leave_in_force(items: World) -> None:
    ever: list[Row] = []
    imposed = [row for row in reference.consequences(items.histories) if row["kind"] == "measure"]
    for at in (*moments(items), *around(imposed, "since", "ended")):
        expected = reference.measures_in_force(items.histories, at)
        assert list(boards.measures_in_force(items.pool, at)) == expected, at
        ever += expected
    assert {(row["ladder"], row["contested_by"]) for row in ever} >= {
        ("platform", None),
        ("authority", None),
        ("platform", RemedyKind.APPEAL),
        ("authority", RemedyKind.REVIEW),
        ("authority", RemedyKind.SUIT),
    }
    assert values(ever, "kind") == set(MeasureKind)
    assert values(ever, "currency") == {None, "CNY", "USD"}
    assert tied(reference.measures_in_force(items.histories, day(1)), "imposed_at")


def test_e1_e2_measures_are_asked_for_by_whom_they_are_on_and_who_imposed_them(items: World) -> None:
    for at in (day(1), day(60), items.until):
        every = reference.measures_in_force(items.histories, at)
        for one in values(every, "target_id") | values(every, "imposed_by") | {NOBODY}:
            own = reference.measures_in_force(items.histories, at, merchant_id=one)
            assert list(boards.measures_in_force(items.pool, at, merchant_id=one)) == own
            theirs = reference.measures_in_force(items.histories, at, platform_id=one)
            assert list(boards.measures_in_force(items.pool, at, platform_id=one)) == theirs
        assert PLATFORM in values(every, "target_id") & values(every, "imposed_by")
        both = reference.measures_in_force(items.histories, at, merchant_id=ALPHA, platform_id=PLATFORM)
        assert list(boards.measures_in_force(items.pool, at, merchant_id=ALPHA, platform_id=PLATFORM)) == both


@pytest.mark.parametrize("by", ["kind", "imposed_by", "target_id", "violation", "contested_by"])
def test_e1_e2_counts_of_measures_are_of_those_in_force(
    items: World, by: Literal["kind", "imposed_by", "target_id", "violation", "contested_by"]
) -> None:
    expected = {at: reference.measure_counts(items.histories, at, by) for at in moments(items)}
    for at, rows in expected.items():
        assert list(boards.measure_counts(items.pool, at, by)) == rows, at
    assert any(tied(rows, "in_force") for rows in expected.values())
    found = expected[day(3.5)]
    assert any(0 < row["contested"] < row["in_force"] for row in found) == (by != "contested_by")
    assert (None in values(found, "key")) == (by in ("violation", "contested_by"))
    assert (values(found, "name") != {None}) == (by in ("imposed_by", "target_id", "violation"))


@pytest.mark.parametrize(("first", "last"), PERIODS)
def test_e3_violations_count_by_their_day_in_shanghai(items: World, first: date, last: date) -> None:
    expected = reference.violations(items.histories, first, last)
    assert list(boards.violations(items.pool, first, last)) == expected
    assert bool(expected) == (last >= START.date())


def test_e3_everything_that_is_counted_per_violation_happened_on_either_side_of_a_midnight(items: World) -> None:
    every = reference.violations(items.histories, *PERIODS[0])
    assert all(sum(row[what] for row in every) for what in boards.VIOLATION_MEASURES)
    assert None in values(every, "name")
    told = {
        EVE: {"by_authorities", "upheld", "hidden_changes", "label_gaps"},
        EDGE_DAY: {"by_platforms", "grievances", "upheld", "reported", "hidden_changes", "label_gaps"},
    }
    for on, names in told.items():
        rows = reference.violations(items.histories, on, on)
        assert all(sum(row[what] for row in rows) for what in names)


@pytest.mark.parametrize("by", ["platform_id", "merchant_id", "violation"])
def test_e9_grievances_stand_as_the_events_say(
    items: World, by: Literal["platform_id", "merchant_id", "violation"]
) -> None:
    expected = reference.grievances(items.histories, by)
    assert list(boards.grievances(items.pool, by)) == expected
    assert all(sum(row[count] for row in expected) for count in expected[0].keys() - {"key", "name"})
    assert tied(expected, "complained")
    assert any(row["answered_in_time"] < row["answered"] and row["upheld"] < row["decided"] for row in expected)
