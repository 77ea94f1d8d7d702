"""Scores of past days against the reference on what had happened by then; nothing that comes later changes them."""

from __future__ import annotations

from datetime import date

import pytest

from adapters import credit
from adapters.credit import Scores
from adapters.credit_explained import explain
from domain.event import Event
from tests.integration.credit_cases import Histories, by_chance, complaint, merchant, named, reopened, solved, withdrawn
from tests.integration.credit_ledger import made, project, record
from tests.integration.deadlines import Desk
from tests.integration.test_credit import exact
from tests.reference import credit as reference

SHOP = named("merchant", 1)
DAYS = (date(2024, 2, 15), date(2024, 5, 31), date(2024, 9, 10))


def by_group(found: Scores) -> dict[str, dict[str, object]]:
    return {row["group_id"]: row for row in found.ranked}


def test_e5_scores_of_past_days_are_those_of_what_had_happened_by_then(desk: Desk) -> None:
    histories = by_chance(11, 120)
    record(desk, histories)
    project(desk.ledger)
    for as_of in DAYS:
        found = made(desk, as_of)
        expected = reference.scores(histories, as_of, stood=reference.then(histories, as_of))
        rows = by_group(found)
        assert rows.keys() == expected.keys()
        for group, row in expected.items():
            assert {name: exact(rows[group][name]) for name in row} == row
            told = explain(desk.ledger.recorder.pool, group, as_of, found)
            assert told["score"] == found.of(group)
            for part in credit.PARTS:
                assert {side: told["rates"][part][side] for side in "kn"} == {
                    side: rows[group][f"{part}_{side}"] for side in "kn"
                }
            assert len(told["paid_then_withdrawn"]) == rows[group]["paid_then_withdrawn"]


LATER: dict[str, list[Event]] = {
    "resolved": [solved(100)],
    "withdrawn": [withdrawn(100)],
    "resolved and withdrawn": [solved(100, 5), reopened(101), withdrawn(102)],
}


@pytest.mark.parametrize("what", LATER)
def test_e5_what_happens_after_a_day_does_not_change_its_score(desk: Desk, what: str) -> None:
    lives: Histories = {SHOP: [merchant(1)]}
    lives |= {named("complaint", n): complaint(10 + n, 1, consumer=n % 5, order=f"o{n % 7}") for n in range(12)}
    record(desk, lives)
    project(desk.ledger)
    day = date(2024, 3, 1)
    before = by_group(made(desk, day))
    for n in range(12):
        desk.append(named("complaint", n), *LATER[what])
    desk.append(named("complaint", 50), *complaint(90, 1, consumer=1, order="o1"))
    project(desk.ledger)
    assert by_group(made(desk, day)) == before
    after = date(2024, 12, 31)
    assert by_group(made(desk, after)) != by_group(made(desk, day))
