"""The complaint-handling score in PostgreSQL against the reference; what does not move it; and its explanation."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from adapters import credit
from adapters.credit_explained import explain
from adapters.database import Pool
from domain.calendar import SHANGHAI
from domain.event import Event
from projections.credit import EPOCH, units
from tests.conftest import create_database
from tests.integration import credit_cases as cases
from tests.integration.credit_cases import (
    Histories,
    by_chance,
    closed,
    complaint,
    fill,
    linked,
    measure,
    named,
    reopened,
    solved,
    withdrawn,
)
from tests.integration.program import eventually
from tests.reference import credit as reference

AS_OF = date(2024, 10, 1)
SHOP = named("merchant", 1)


@pytest.fixture(scope="module")
def pool(postgres_url: str) -> Iterator[Pool]:
    url = create_database(postgres_url, f"credit{os.getpid()}")
    found = Pool(url, "ledger_api")
    yield found
    found.close()


def rows(pool: Pool, as_of: date) -> dict[str, dict[str, Any]]:
    with pool.cursor() as cursor:
        cursor.execute("select * from read.credit_scores(%s)", (as_of,))
        names = [column.name for column in cursor.description]
        return {row[0]: dict(zip(names, row, strict=True)) for row in cursor}


def exact(value: Any) -> Any:
    return Fraction(value) if isinstance(value, Decimal) else value


def assert_as_the_reference(
    pool: Pool, histories: Histories, as_of: date, changed: dict[str, int] | None = None
) -> dict[str, dict[str, Any]]:
    found, expected = rows(pool, as_of), reference.scores(histories, as_of, changed)
    assert found.keys() == expected.keys()
    for group, row in expected.items():
        assert {name: exact(found[group][name]) for name in row} == row
    return found


def scored(pool: Pool, histories: Histories, as_of: date = AS_OF, shop: int = 1) -> dict[str, Any]:
    """The score of a shop, as the reference has it too."""
    for n in range(1, 4):
        histories.setdefault(named("merchant", n), [cases.merchant(n)])
    fill(pool.url, histories, Random(1))
    return assert_as_the_reference(pool, histories, as_of).get(named("merchant", shop), {})


def about(*lives: list[Event]) -> Histories:
    return {named("complaint", n): life for n, life in enumerate(lives, 1)}


@pytest.mark.parametrize(
    ("k", "n", "smoothed", "lower"),
    [(420, 423, "0.990", "0.978"), (27, 27, "0.954", "0.843"), (3, 3, "0.733", "0.377")],
)
def test_e5_the_sanity_values_of_the_method(pool: Pool, k: int, n: int, smoothed: str, lower: str) -> None:
    with pool.cursor() as cursor:
        cursor.execute("select * from read.credit_bounds(%s, %s, 0.3336, 2, 1.645)", (k, n))
        found = cursor.fetchone()
    assert tuple(map(Fraction, found)) == reference.bounds(
        Fraction(k), Fraction(n), Fraction("0.3336"), 2, Fraction("1.645")
    )
    assert [str(round(value, 3)) for value in found[:2]] == [smoothed, lower]


@pytest.mark.parametrize("half_life", [180, 1, 97, 365])
def test_e5_units_of_days_are_the_same_integers_everywhere(pool: Pool, half_life: int) -> None:
    days = [EPOCH + timedelta(days=n) for n in (*range(-400, 400, 7), -30_000, -1, 0, 1, 9_800, 12_345, 40_000)]
    with pool.cursor() as cursor:
        cursor.execute("select day, read.credit_units(day, %s) from unnest(%s) as day", (half_life, days))
        assert dict(cursor.fetchall()) == {day: units(day, half_life) for day in days}
    assert all(units(day, half_life) == reference.units(day, half_life) for day in days)


@pytest.mark.parametrize("seed", range(4))
def test_e5_scores_are_those_of_the_reference_whatever_the_order_and_the_day(pool: Pool, seed: int) -> None:
    histories = by_chance(seed, 160)
    changed = {"prior_least_complaints": 8, "consumer_cap": 2}
    published = datetime(2024, 9, 1, tzinfo=SHANGHAI)
    histories["rulebook-parameters"] = [
        cases.parameters(published - timedelta(days=90), 1, changed),
        cases.parameters(published, 2, changed | {"half_life": 90, "z": 1000, "violation_points": 3}),
    ]
    fill(pool.url, histories, Random(seed))
    later = changed | {"half_life": 90, "z": 1000, "violation_points": 3}
    for as_of, given in ((date(2024, 6, 30), changed), (date(2024, 8, 31), changed), (date(2024, 12, 31), later)):
        found = assert_as_the_reference(pool, histories, as_of, given)
    assert {row["edition"] for row in found.values()} == {2}
    histories["rulebook-parameters"].pop()
    fill(pool.url, histories, Random(-seed))
    last = assert_as_the_reference(pool, histories, date(2025, 2, 1), changed)
    assert any(row["response_prior_of"] > 1 for row in last.values())
    explained_as_scored(pool, last, date(2025, 2, 1))


def explained_as_scored(pool: Pool, scores: dict[str, dict[str, Any]], as_of: date) -> None:
    known = credit.scores(pool, as_of, max_age_s=0)
    for group, row in scores.items():
        found = explain(pool, group, as_of, known)
        assert found["score"] == known.of(group)
        for part in credit.PARTS:
            assert {side: found["rates"][part][side] for side in "kn"} == {side: row[f"{part}_{side}"] for side in "kn"}
        assert round(sum(one["counted"] for one in found["complaints"]), 6) == row["n"]
        assert sum((one["deducts"] for one in found["violations"]), Decimal()) == row["deducted"]
        assert len(found["violations"]) == row["violations"]
        assert len(found["paid_then_withdrawn"]) == row["paid_then_withdrawn"]
        transactions = sum(one["transactions"] for one in found["volumes"])
        assert (transactions, sum(one["complaints"] for one in found["volumes"])) == (
            row["transactions"],
            row["volume_complaints"],
        )


GOOD = complaint(100, 1, consumer=1, order="o", resolved=110)
BAD = complaint(100, 1, consumer=2, answered=None)


def test_e5_one_order_counts_once_however_often_it_is_complained_of(pool: Pool) -> None:
    once = scored(pool, about(GOOD, BAD))
    ten = scored(pool, about(*(GOOD for _ in range(10)), BAD))
    assert (once["n"], ten["n"]) == (2, 2)
    assert round(ten["response"], 9) == round(once["response"], 9)
    other = [complaint(100, 1, consumer=1, order=f"o{n}", resolved=110) for n in range(3)]
    assert scored(pool, about(*other, BAD))["response"] > once["response"]


def test_e5_fifty_complaints_of_one_consumer_weigh_no_more_than_the_cap(pool: Pool) -> None:
    found = scored(pool, about(*(complaint(100, 1, consumer=1, answered=None) for _ in range(50))))
    assert (found["n"], found["weight"], found["response_n"]) == (3, 3, 3)
    assert found["grade_now"] == "NR"
    resolved = [complaint(100, 1, consumer=2, resolved=101 + n) for n in range(50)]
    assert scored(pool, about(*resolved))["weight"] == pytest.approx(Decimal(3))


def test_e5_what_the_merchant_closed_is_not_resolved_and_does_not_age(pool: Pool) -> None:
    lives = about(complaint(10, 1, consumer=1, ends=[closed(12)]))
    found = scored(pool, lives)
    assert (found["resolution_k"], found["resolution_n"], found["confirmed_n"]) == (0, 1, 0)
    assert scored(pool, lives, AS_OF + timedelta(days=3_600))["resolution_n"] == 1


@pytest.mark.parametrize(("after", "confirmed"), [(29, 0), (31, 1)])
def test_e5_reopening_takes_the_success_back_and_within_30_days_for_good(
    pool: Pool, after: int, confirmed: int
) -> None:
    taken = scored(pool, about(complaint(10, 1, consumer=1, resolved=20, ends=[reopened(20 + after)])))
    assert (taken["resolution_k"], taken["resolution_n"], taken["confirmed_n"]) == (0, 1, 0)
    ends = [reopened(20 + after), solved(100)]
    again = scored(pool, about(complaint(10, 1, consumer=1, resolved=20, ends=ends)))
    assert again["resolution_k"] == again["confirmed_n"] > 0
    assert again["confirmed_k"] == again["confirmed_n"] * confirmed


def test_e5_a_complaint_withdrawn_after_payment_is_flagged_and_does_not_count(pool: Pool) -> None:
    paid = complaint(10, 1, consumer=1, ends=[solved(20, 100), reopened(25), withdrawn(30)])
    unpaid = complaint(10, 1, consumer=2, ends=[withdrawn(30)])
    found = scored(pool, about(paid, unpaid, GOOD))
    assert (found["n"], found["paid_then_withdrawn"]) == (1, 1)
    (flagged,) = explain(pool, SHOP, AS_OF)["paid_then_withdrawn"]
    assert flagged["complaint_id"] == named("complaint", 1)


@pytest.mark.parametrize("later", [None, 2])
def test_e4_what_a_room_lacked_is_a_violation_of_who_operated_it_then(pool: Pool, later: int | None) -> None:
    lives = about(GOOD, complaint(100, 2, consumer=1, resolved=110))
    lives[named("merchant", 2)] = [cases.merchant(2)]
    first = {**lives, named("room", 1): cases.room(100, 1, 1, later)}
    assert [scored(pool, first, shop=shop)["violations"] for shop in (1, 2)] == [1, 0]
    both = {**lives, named("room", 1): cases.room(100, 1, 3, later)}
    assert [scored(pool, both, shop=shop)["violations"] for shop in (1, 2)] == [1, 1 if later else 0]


@pytest.mark.parametrize(("day", "deducted"), [(100, None), (101, 0), (102, 0), (103, 0), (283, 180)])
def test_e5_what_a_session_lacked_by_a_day_counts_on_it_whatever_it_lacks_later(
    pool: Pool, day: int, deducted: int | None
) -> None:
    lives = about(GOOD) | {named("room", 1): cases.room(100, 1, 3)}
    found = scored(pool, lives, cases.on(day).date())
    # Ten points, halved in 180 days, of when it last lacked by then.
    assert found["deducted"] == (0 if deducted is None else Decimal(10) / 2 ** (deducted // 180))
    assert found["violations"] == (deducted is not None)


def test_e5_linked_merchants_share_history_orders_and_the_cap(pool: Pool) -> None:
    shared = complaint(50, 2, consumer=1, order="o", resolved=60)
    others = [complaint(50, shop, consumer=7, answered=None) for shop in (1, 2, 1, 2)]
    lives = about(complaint(50, 1, consumer=1, order="o", resolved=60), shared, *others)
    lives[named("merchant", 2)] = [cases.merchant(2), linked(1)]
    found = scored(pool, lives)
    assert found["n"] == 1 + 3
    scores = credit.scores(pool, AS_OF, max_age_s=0)
    assert scores.of(named("merchant", 2)) == scores.of(SHOP)
    assert credit.merchants_of(scores, SHOP) == [SHOP, named("merchant", 2)]


def test_e5_age_halves_the_weight_of_what_is_resolved_in_180_days(pool: Pool) -> None:
    lives = about(complaint(0, 1, consumer=1, resolved=10))
    day = cases.on(10).date()
    for halvings in range(3):
        found = scored(pool, lives, day + timedelta(days=180 * halvings))
        assert found["resolution_k"] == Decimal(1) / 2**halvings
    assert scored(pool, lives, day - timedelta(days=3))["weight"] == 1


def test_e2_a_measure_that_is_revoked_costs_nothing_and_one_that_stands_decays(pool: Pool) -> None:
    lives = about(GOOD)
    lives[named("measure", 1)] = measure(120, 1, stands=False)
    assert scored(pool, lives)["deducted"] == 0
    lives[named("measure", 2)] = measure(120, 1)
    day = cases.on(120).date()
    assert scored(pool, lives, day)["deducted"] == 10
    assert scored(pool, lives, day + timedelta(days=180))["deducted"] == 5
    assert scored(pool, lives, day - timedelta(days=1))["violations"] == 0


def test_e5_small_merchants_are_not_ranked_above_large_ones_for_luck_alone(pool: Pool) -> None:
    lives = about(
        *(complaint(100, 1, consumer=n, resolved=110) for n in range(5)),
        *(complaint(100, 2, consumer=n, resolved=110) for n in range(99)),
        complaint(100, 2, consumer=200, answered=False, resolved=110),
        *(complaint(100, 3, consumer=n, resolved=110) for n in range(4)),
    )
    scored(pool, lives)
    page, ranked, left_out = credit.ranking(credit.scores(pool, AS_OF, max_age_s=0))
    assert [row["group_id"] for row in page] == [named("merchant", 2), SHOP]
    assert (ranked, left_out) == (2, 1)


@pytest.mark.parametrize("make", [explain], ids=["explain"])
def test_e5_a_merchant_without_complaints_has_no_score(pool: Pool, make: Callable[..., Any]) -> None:
    scored(pool, about(GOOD))
    with pytest.raises(Exception, match="nothing is known"):
        make(pool, named("merchant", 2), AS_OF)


def test_old_scores_are_told_at_once_and_made_anew_behind(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    scored(pool, about(GOOD))
    first = credit.scores(pool, AS_OF, max_age_s=0)
    assert credit.scores(pool, AS_OF) is first
    monkeypatch.setattr(credit, "KEPT_S", 0.0)
    assert credit.scores(pool, AS_OF) is first
    eventually(lambda: credit.scores(pool, AS_OF) is not first, "scores made anew")
    assert credit.scores(pool, AS_OF).ranked == first.ranked
    assert credit.scores(pool, AS_OF, min_position=first.complete_to).complete_to >= first.complete_to
