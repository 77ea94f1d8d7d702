"""What comes later does not change the score of a past day, nor what it is explained by, in the cases by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import date
from typing import Any

import pytest

from adapters import credit
from adapters.credit import Scores
from adapters.credit_explained import explain
from domain.event import Event
from tests.integration.credit_cases import Histories, complaint, merchant, named, on, reopened, solved, withdrawn
from tests.integration.credit_ledger import project, record
from tests.integration.deadlines import Desk
from tests.integration.test_credit import exact
from tests.reference import credit as reference

SHOP, OTHER = named("merchant", 1), named("merchant", 2)
DAY = date(2024, 3, 1)


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    with closing(Desk(database_url)) as desk:
        yield desk


def made(desk: Desk, as_of: date) -> Scores:
    return credit.scores(desk.ledger.recorder.pool, as_of, max_age_s=0)


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
