"""What comes later does not change the score of a past day, nor what it is explained by, in the cases by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pytest

from adapters.credit_explained import explain
from domain.event import Event
from tests.integration.credit_cases import Histories, complaint, merchant, named, on, reopened, solved, withdrawn
from tests.integration.credit_ledger import made, project, record
from tests.integration.deadlines import Desk
from tests.integration.test_credit import exact
from tests.reference import credit as reference

SHOP, OTHER = named("merchant", 1), named("merchant", 2)
DAY = date(2024, 3, 1)


def assert_as_it_was(desk: Desk, lives: Mapping[str, Sequence[Event]], as_of: date = DAY) -> dict[str, dict[str, Any]]:
    """Whatever the past day is asked for, it says what the reference says of what had happened by then."""
    found = made(desk, as_of)
    expected = reference.scores(lives, as_of, stood=reference.then(lives, as_of))
    rows = {row["group_id"]: row for row in found.ranked}
    assert {group: {name: exact(rows[group][name]) for name in row} for group, row in expected.items()} == expected
    assert rows.keys() == expected.keys()
    for group, row in rows.items():
        told = explain(desk.ledger.recorder.pool, group, as_of, found)
        assert told["score"] == row
        assert len(told["paid_then_withdrawn"]) == row["paid_then_withdrawn"]
        assert len(told["violations"]) == row["violations"]
        assert sum(one["deducts"] for one in told["violations"]) == row["deducted"]
    return rows


LATER: Histories = {
    named("complaint", 9): complaint(90, 1, consumer=9, ends=[solved(95, 5), reopened(96), withdrawn(97)])
}


@pytest.mark.parametrize("others_change", [False, True], ids=["nothing else changes", "others change"])
def test_e5_what_was_filed_withdrawn_and_paid_after_a_day_is_no_flag_on_it(desk: Desk, others_change: bool) -> None:
    lives: Histories = {SHOP: [merchant(1)], OTHER: [merchant(2)]}
    lives |= {named("complaint", n): complaint(10, n, consumer=n, resolved=20) for n in (1, 2)}
    record(desk, lives)
    record(desk, LATER)
    if others_change:
        desk.append(named("complaint", 2), reopened(100))
    project(desk.ledger)
    changed = {named("complaint", 2): [*lives[named("complaint", 2)], *([reopened(100)] if others_change else [])]}
    rows = assert_as_it_was(desk, lives | LATER | changed)
    assert rows[SHOP]["paid_then_withdrawn"] == 0
    (later,) = (row for row in made(desk, on(200).date()).ranked if row["group_id"] == SHOP)
    assert later["paid_then_withdrawn"] == 1


@pytest.mark.parametrize(("at", "flagged"), [(60.999, 1), (61, 0)], ids=["in its last minutes", "when it is over"])
def test_e5_what_was_withdrawn_in_the_day_is_flagged_on_it_and_what_was_when_it_was_over_is_not(
    desk: Desk, at: float, flagged: int
) -> None:
    lives: Histories = {SHOP: [merchant(1)], named("complaint", 1): complaint(10, 1, consumer=1, resolved=20)}
    lives[named("complaint", 2)] = complaint(12, 1, consumer=2, ends=[solved(20, 5), reopened(25), withdrawn(at)])
    record(desk, lives)
    project(desk.ledger)
    rows = assert_as_it_was(desk, lives)
    assert (rows[SHOP]["paid_then_withdrawn"], rows[SHOP]["n"]) == (flagged, 2 - flagged)


def test_e5_orders_and_consumers_are_shared_on_a_past_day_with_what_counted_then(desk: Desk) -> None:
    lives: Histories = {SHOP: [merchant(1)], OTHER: [merchant(2)]}
    # Of one order: now one of them counts no more, or did not yet.
    lives[named("complaint", 1)] = complaint(10, 1, consumer=1, order="o", resolved=20)
    lives[named("complaint", 2)] = complaint(11, 1, consumer=2, order="o", ends=[withdrawn(80)])
    lives[named("complaint", 3)] = complaint(70, 1, consumer=3, order="o", resolved=75)
    # Of one consumer: four then, three now, and another that came later.
    lives |= {named("complaint", n): complaint(12, 1, consumer=9, resolved=20) for n in (4, 5, 6)}
    lives[named("complaint", 7)] = complaint(12, 1, consumer=9, ends=[withdrawn(80)])
    lives[named("complaint", 8)] = complaint(90, 1, consumer=9, ends=[solved(95)])
    lives[named("complaint", 9)] = complaint(12, 2, consumer=9, ends=[solved(61)])
    # What was shared then, and is by nobody now.
    lives |= {named("complaint", n): complaint(12, 2, consumer=7, resolved=20) for n in (20, 21, 22)}
    lives[named("complaint", 23)] = complaint(12, 2, consumer=7, ends=[withdrawn(80)])
    lives[named("complaint", 24)] = complaint(12, 2, consumer=4, order="p", resolved=20)
    lives[named("complaint", 25)] = complaint(12, 2, consumer=5, order="p", ends=[withdrawn(80)])
    record(desk, lives)
    project(desk.ledger)
    for day in (59, 60, 61, 69, 70, 79, 80, 90, 95):
        rows = assert_as_it_was(desk, lives, on(day).date())
        assert rows[SHOP]["n"] == 4


def test_e5_an_explanation_of_a_past_day_names_each_complaint_as_it_stood_and_in_the_order_of_filing(
    desk: Desk,
) -> None:
    lives: Histories = {SHOP: [merchant(1)]}
    lives[named("complaint", 5)] = complaint(10, 1, consumer=1, ends=[solved(60.5), reopened(61)])
    lives[named("complaint", 3)] = complaint(12, 1, consumer=2, order="o", answered=None)
    lives[named("complaint", 4)] = complaint(12, 1, consumer=2, order="o", resolved=30)
    lives[named("complaint", 1)] = complaint(61, 1, consumer=1)
    record(desk, lives)
    project(desk.ledger)
    assert_as_it_was(desk, lives)
    told = explain(desk.ledger.recorder.pool, SHOP, DAY)["complaints"]
    assert [(one["complaint_id"], one["status"], one["version"], one["age_days"]) for one in told] == [
        (named("complaint", 5), "resolved", 4, 0),
        (named("complaint", 3), "routed", 3, None),
        (named("complaint", 4), "resolved", 4, 30),
    ]
    assert [one["of_order"] for one in told] == [1, 2, 2]
