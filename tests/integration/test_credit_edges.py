"""Where a figure of the score turns: violations, volumes, editions and limits against the reference, at each edge."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from adapters.database import Pool
from domain.calendar import SHANGHAI
from domain.complaint.clocks import MediationEnded
from domain.complaint.handling import Referred, Refused
from domain.complaint.state import RequestKind
from domain.event import Event
from domain.measure.imposing import Imposed
from domain.room.opening import SubjectChanged
from domain.room.showing import LabelGapFound
from domain.room.state import Subject
from tests.conftest import create_database
from tests.integration.credit_cases import (
    BY,
    Histories,
    by_chance,
    complaint,
    fill,
    linked,
    measure,
    merchant,
    named,
    on,
    parameters,
    penalty,
    room,
    volume,
    withdrawn,
)
from tests.integration.test_credit import AS_OF, assert_as_the_reference
from tests.reference import credit as reference

SHOP, OTHER = named("merchant", 1), named("merchant", 2)
GOOD = complaint(100, 1, consumer=1, resolved=110)


@pytest.fixture(scope="module")
def pool(postgres_url: str) -> Iterator[Pool]:
    found = Pool(create_database(postgres_url, f"edges{os.getpid()}"), "ledger_api")
    yield found
    found.close()


def filled(pool: Pool, histories: Histories, *days: date, **changed: int) -> list[dict[str, dict[str, Any]]]:
    """The scores of days, as the reference has them too."""
    shops: Histories = {named("merchant", n): [merchant(n)] for n in (1, 2, 3)}
    histories = {**shops, **histories}
    fill(pool.url, histories, Random(1))
    return [assert_as_the_reference(pool, histories, day, changed) for day in days or (AS_OF,)]


def found_by(pool: Pool, histories: Histories, as_of: date) -> list[tuple[str, date]]:
    """Violations as the function tells them to whoever asks it, also of those that have no score."""
    with pool.cursor() as cursor:
        cursor.execute("select merchant_id, found_on from read.credit_violations(%s)", (as_of,))
        found = sorted(cursor.fetchall())
    assert found == sorted(reference.violations(histories, as_of))
    return found


def change(event: Event, **what: Any) -> Event:
    return event.model_copy(update=what)


def taken_over(at: datetime, to: str, which: Subject = Subject.OPERATOR) -> SubjectChanged:
    return SubjectChanged(occurred_at=at, actor=BY, which=which, to=to)


def gap_of(life: list[Event]) -> LabelGapFound:
    (gap,) = (event for event in life if isinstance(event, LabelGapFound))
    return gap


@pytest.mark.parametrize("seed", range(3))
def test_e5_violations_of_any_day_are_those_of_the_reference(pool: Pool, seed: int) -> None:
    histories = by_chance(seed, 40)
    fill(pool.url, histories, Random(seed))
    counts = [len(found_by(pool, histories, date(2024, 1, 1) + timedelta(days=n))) for n in range(0, 310, 7)]
    assert counts == sorted(counts)
    assert counts[-1] > 3


def test_e2_measures_count_that_have_a_violation_are_on_merchants_and_are_not_the_penalty_of_a_report(
    pool: Pool,
) -> None:
    imposed = measure(50, 1)[0]
    assert isinstance(imposed, Imposed)
    lives: Histories = {
        named("measure", 1): [imposed],
        named("measure", 2): [change(imposed, violation=None)],
        named("measure", 3): [change(imposed, report=named("complaint", 9))],
        named("measure", 4): [change(imposed, target=named("platform", 1))],
        named("complaint", 9): penalty(47, 1),
        named("complaint", 8): penalty(47, 1, stands=False),
        named("complaint", 1): GOOD,
    }
    (scores,) = filled(pool, lives)
    assert scores[SHOP]["violations"] == 2
    assert found_by(pool, lives, AS_OF) == [(SHOP, on(50).date())] * 2


def test_e4_gaps_count_that_are_violations_of_a_merchant_that_operates(pool: Pool) -> None:
    life = room(100, 1, 1)
    gap = gap_of(life)
    lawful = [change(event, violation=None) if event is gap else event for event in life]
    hosted = [life[0], *life[1:-1], taken_over(on(100.5), OTHER, Subject.HOST), gap]
    nobodys = [change(life[0], operator="a shop that is not registered"), *life[1:]]
    at_once = [*life[:-1], taken_over(gap.until, OTHER), gap]
    just_before = [*life[:-1], taken_over(gap.until - timedelta(microseconds=1), OTHER), gap]
    lives: Histories = {
        named("room", n): one for n, one in enumerate((life, lawful, hosted, nobodys, at_once, just_before), 1)
    }
    lives |= {named("complaint", 1): GOOD, named("complaint", 2): complaint(100, 2, consumer=1, resolved=110)}
    (scores,) = filled(pool, lives)
    assert (scores[SHOP]["violations"], scores[OTHER]["violations"]) == (3, 1)
    assert len(found_by(pool, lives, AS_OF)) == 4


def test_e5_a_violation_of_the_last_instant_of_a_day_in_shanghai_counts_on_it_and_of_the_next_does_not(
    pool: Pool,
) -> None:
    midnight = datetime(2024, 5, 1, tzinfo=SHANGHAI)
    last = midnight - timedelta(microseconds=1)
    for at, counts in ((last, True), (midnight, False)):
        imposed = [change(measure(50, 1)[0], occurred_at=at)]
        filed, penalised = penalty(50, 1)
        shown = room(100, 1, 1)
        gap = gap_of(shown)
        lives: Histories = {
            named("measure", 1): imposed,
            named("complaint", 9): [filed, change(penalised, occurred_at=at)],
            named("room", 1): [*shown[:-1], change(gap, until=at, occurred_at=at)],
            named("complaint", 1): GOOD,
        }
        day, after = filled(pool, lives, date(2024, 4, 30), date(2024, 5, 1))
        assert (day[SHOP]["violations"], after[SHOP]["violations"]) == (3 * counts, 3)
        found_by(pool, lives, date(2024, 4, 30))


@pytest.mark.parametrize(
    ("first", "last", "counted"),
    [
        (date(2024, 5, 1), date(2024, 5, 31), 4),
        (date(2024, 5, 1), date(2024, 5, 15), 3),
        (date(2024, 5, 10), date(2024, 5, 31), 2),
        (date(2024, 5, 10), date(2024, 5, 15), 1),
    ],
)
def test_e5_volume_counts_what_was_filed_in_the_period_whether_or_not_it_is_whole_months(
    pool: Pool, first: date, last: date, counted: int
) -> None:
    # On the first, the ninth, the fifteenth and the last of May.
    lives = {named("complaint", n): complaint(day, 1, consumer=n) for n, day in enumerate((121, 129, 135, 151), 1)}
    lives[SHOP] = [merchant(1), volume(first, last, 1_000)]
    (scores,) = filled(pool, lives)
    assert scores[SHOP]["volume_complaints"] == counted


def test_e5_a_period_counts_from_its_last_day_on_for_365_days(pool: Pool) -> None:
    lives: Histories = {named("complaint", 1): GOOD}
    last = date(2024, 4, 30)
    lives[SHOP] = [merchant(1), volume(date(2024, 4, 1), last, 1_000)]
    days = [last + timedelta(days=n) for n in (-1, 0, 364, 365)]
    assert [bool(scores[SHOP]["transactions"]) for scores in filled(pool, lives, *days)] == [False, True, True, False]


def test_e5_volume_gives_all_to_who_has_none_and_nothing_from_twice_the_mean_on(pool: Pool) -> None:
    period = (date(2024, 4, 1), date(2024, 4, 30))
    lives: Histories = {named("merchant", n): [merchant(n, "51"), volume(*period, 1_000)] for n in (1, 2, 3)}
    none = {**lives, named("complaint", 1): complaint(10, 1, consumer=1, resolved=20)}
    assert filled(pool, none)[0][SHOP]["volume"] == 1
    # All of one: three times the mean.
    all_of_one = {**lives, named("complaint", 1): complaint(100, 1, consumer=1, resolved=110)}
    assert filled(pool, all_of_one)[0][SHOP]["volume"] == 0


def test_g1_before_the_first_edition_its_parameters_hold_and_later_ones_from_their_day_on(pool: Pool) -> None:
    lives: Histories = {named("complaint", n): complaint(10, 1, consumer=n, resolved=20) for n in (1, 2)}
    day = datetime(2024, 6, 1, tzinfo=SHANGHAI)
    lives["rulebook-parameters"] = [
        parameters(day, 1, {"half_life": 90}),
        parameters(day + timedelta(days=30), 2, {"half_life": 60}),
    ]
    for as_of, edition, half_life in (
        (date(2024, 3, 1), 1, 90),
        (date(2024, 6, 30), 1, 90),
        (date(2024, 7, 1), 2, 60),
    ):
        (scores,) = filled(pool, lives, as_of, half_life=half_life)
        assert scores[SHOP]["edition"] == edition


def test_e5_a_complaint_counts_from_the_day_it_was_filed_on_in_shanghai(pool: Pool) -> None:
    lives: Histories = {named("complaint", n): complaint(day, 1, consumer=n) for n, day in ((1, 10), (2, 40))}
    late = lives[named("complaint", 2)]
    assert late[0].occurred_at.astimezone(SHANGHAI).time() == datetime.min.time()
    before, day = filled(pool, lives, on(39).date(), on(40).date())
    assert (before[SHOP]["n"], day[SHOP]["n"]) == (1, 2)


def test_e5_an_order_that_two_linked_merchants_share_counts_once_and_two_orders_named_alike_elsewhere_twice(
    pool: Pool,
) -> None:
    lives: Histories = {
        named("complaint", n): complaint(20, shop, consumer=n, order="o", resolved=30)
        for n, shop in ((1, 1), (2, 2), (3, 3))
    }
    lives[OTHER] = [merchant(2), linked(1)]
    (scores,) = filled(pool, lives)
    assert (scores[SHOP]["n"], scores[named("merchant", 3)]["n"]) == (1, 1)
    # One that counts no more leaves the order to the other.
    lives[named("complaint", 2)] = complaint(20, 2, consumer=2, order="o", ends=[withdrawn(25)])
    (scores,) = filled(pool, lives)
    assert scores[SHOP]["n"] == 1


@pytest.mark.parametrize("complaints", [3, 4])
def test_e5_the_cap_holds_over_linked_merchants_from_the_first_complaint_above_it(pool: Pool, complaints: int) -> None:
    lives: Histories = {
        named("complaint", n): complaint(20, 1 + n % 2, consumer=1, resolved=30) for n in range(complaints)
    }
    lives[OTHER] = [merchant(2), linked(1)]
    for half_life in (180, 90):
        lives["rulebook-parameters"] = [parameters(on(0), 1, {"half_life": half_life})]
        # On the day of the resolution each weighs one.
        (scores,) = filled(pool, lives, on(30).date(), half_life=half_life)
        assert (scores[SHOP]["n"], round(scores[SHOP]["weight"], 9)) == (3, 3)


@pytest.mark.parametrize("in_time", [None, True, False], ids=["not said", "in time", "late"])
def test_e5_an_answer_of_which_a_register_does_not_say_is_not_in_time_for_complaints_of_one_order_either(
    pool: Pool, in_time: bool | None
) -> None:
    life = complaint(20, 1, consumer=1, order="o", resolved=30)
    life[2] = change(life[2], in_time=in_time)
    lives: Histories = {named("complaint", n): life for n in (1, 2)}
    (scores,) = filled(pool, lives)
    assert (scores[SHOP]["response_k"] > 0, scores[SHOP]["response_n"] > 0) == (in_time is True, True)


INVALID: dict[str, list[Event]] = {
    "refused": [
        Refused(occurred_at=on(25), actor=BY, ground="g", text="t", rule_set="r", source="s", counts=True),
    ],
    "referred": [Referred(occurred_at=on(25), actor=BY, addressee="a court", reason="r")],
    "says nothing of the merchant": [MediationEnded(occurred_at=on(25), actor=BY, ground="g", counts=False)],
    "a report": [],
}


@pytest.mark.parametrize("what", INVALID)
def test_e5_what_is_not_valid_is_not_counted_among_complaints_of_one_order_either(pool: Pool, what: str) -> None:
    invalid = complaint(20, 1, consumer=3, order="o", ends=INVALID[what])
    if what == "a report":
        invalid[0] = change(invalid[0], kind=RequestKind.REPORT)
    lives: Histories = {named("complaint", n): complaint(20, 1, consumer=n, order="o", resolved=30) for n in (1, 2)}
    lives[named("complaint", 3)] = invalid
    lives[named("complaint", 4)] = complaint(20, 1, consumer=4, answered=None)
    (scores,) = filled(pool, lives)
    assert scores[SHOP]["n"] == 2
