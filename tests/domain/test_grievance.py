"""Merchants complain too, against platforms."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.event import Event
from domain.grievance import complaining, deciding, links
from domain.grievance.complaining import Answered, AnswerMissed, Complained, Settled, Withdrawn
from domain.grievance.deciding import Decided, TakenUp
from domain.grievance.links import ConsequenceLinked
from domain.grievance.state import Grieved, grieved
from domain.rulebook.book import TermName
from domain.rulebook.terms import RunningTerm
from domain.streams import COMPLAINT
from domain.streams import GRIEVANCE as KIND
from domain.values import CLOCK, Money
from tests.domain.scenario import (
    CONSUMER,
    FIRST,
    MERCHANT,
    MERCHANT_ID,
    PLATFORM,
    REGULATOR,
    SERVICE,
    Outcome,
    day,
    given,
    on,
)

PLATFORM_ID = "platform-77777777-7777-4777-8777-777777777777"
GRIEVANCE = "grievance-66666666-6666-4666-8666-666666666666"
MEASURE = "measure-66666666-6666-4666-8666-666666666666"
OFFICE = "office-55555555-5555-4555-8555-555555555555"
#: Complained on 2 March; the term is 15 days.
DUE = on("2026-03-18 00:00") - timedelta(microseconds=1)
COMPLAINED = Complained(
    occurred_at=day(0),
    actor=MERCHANT,
    merchant_id=MERCHANT_ID,
    platform_id=PLATFORM_ID,
    violation="refund-only-forced",
    text="refunds without return were forced on us",
    claim=Money(fen=120_000),
    term=RunningTerm(name=TermName.GRIEVANCE_ANSWER, due=DUE, rule_set="supervision-2019", source="chosen"),
)
ANSWERED = Answered(occurred_at=day(3), actor=PLATFORM, text="it is our rule", late=False)
MISSED = AnswerMissed(occurred_at=DUE, actor=CLOCK)
TAKEN_UP = TakenUp(occurred_at=day(20), actor=REGULATOR, office_id=OFFICE)
SETTLED = Settled(occurred_at=day(21), actor=MERCHANT, terms="the sums are paid back")
WITHDRAWN = Withdrawn(occurred_at=day(21), actor=MERCHANT, reason="sold the shop")
DECIDED = Decided(
    occurred_at=day(21), actor=REGULATOR, upheld=True, reasons="it was forced", violation="refund-only-forced"
)
COMPLAINING: dict[str, Any] = {
    "at": day(0),
    "by": MERCHANT,
    "merchant_id": MERCHANT_ID,
    "platform_id": PLATFORM_ID,
    "violation": "refund-only-forced",
    "text": "refunds without return were forced on us",
    "claim": Money(fen=120_000),
}


def decide(*history: Event, **other: Any) -> Outcome:
    arguments = {"at": day(21), "by": REGULATOR, "upheld": True, "reasons": "it was forced"} | other
    return given(COMPLAINED, *history, kind=KIND).when(deciding.decide_grievance, **arguments)


def test_e9_a_merchant_complains_about_a_platform_apart_from_what_consumers_complain_about() -> None:
    given(kind=KIND).when(complaining.complain_of_platform, **COMPLAINING).then(COMPLAINED)
    assert not set(KIND.events) & set(COMPLAINT.events)
    complain = complaining.complain_of_platform
    given(kind=KIND).when(complain, **{**COMPLAINING, "by": CONSUMER}).refused("grievance-begun-once-by")
    given(COMPLAINED, kind=KIND).when(complain, **COMPLAINING).refused("grievance-begun-once")


@pytest.mark.parametrize(
    "practice",
    [
        "refund-only-forced",
        "forced-choice",
        "data-price-discrimination",
        "unreasonable-restriction",
        "unfair-fee",
        "hidden-membership-change",
    ],
)
def test_e3_a_grievance_is_about_a_practice_that_is_named(practice: str) -> None:
    complained = COMPLAINED.model_copy(update={"violation": practice})
    given(kind=KIND).when(complaining.complain_of_platform, **{**COMPLAINING, "violation": practice}).then(complained)
    given(kind=KIND).when(complaining.complain_of_platform, **{**COMPLAINING, "violation": "rudeness"}).invalid(
        "no violation of the published list"
    )


def test_e9_the_platform_answers_in_its_term_or_the_miss_is_recorded() -> None:
    answering = {"at": day(3), "by": PLATFORM, "text": "it is our rule"}
    answer = complaining.answer_grievance
    given(COMPLAINED, kind=KIND).when(answer, **answering).then(ANSWERED)
    given(COMPLAINED, kind=KIND).when(answer, **{**answering, "at": DUE}).then(
        ANSWERED.model_copy(update={"occurred_at": DUE})
    )
    late = ANSWERED.model_copy(update={"occurred_at": day(17), "late": True})
    given(COMPLAINED, kind=KIND).when(answer, **{**answering, "at": day(17)}).then(MISSED, late)
    given(COMPLAINED, kind=KIND).when(answer, **{**answering, "by": MERCHANT}).refused("answer-grievance-once-by")
    given(COMPLAINED, ANSWERED, kind=KIND).when(answer, **answering).refused("answer-grievance-once")
    given(COMPLAINED, ANSWERED, TAKEN_UP, kind=KIND).when(answer, **{**answering, "at": day(21)}).refused(
        "answer-grievance-once"
    )
    given(COMPLAINED, MISSED, TAKEN_UP, kind=KIND).when(answer, **{**answering, "at": day(21)}).then(
        late.model_copy(update={"occurred_at": day(21)})
    )


def test_e9_an_answer_in_time_that_is_recorded_late_is_in_time() -> None:
    answering = {"at": day(3), "by": PLATFORM, "text": "it is our rule"}
    given(COMPLAINED, MISSED, kind=KIND).when(complaining.answer_grievance, **answering).then(ANSWERED)
    given(COMPLAINED, MISSED, TAKEN_UP, kind=KIND).when(complaining.answer_grievance, **answering).then(ANSWERED)


def test_e9_its_steps_are_recorded_in_their_order() -> None:
    before = {"at": day(-1), "by": PLATFORM, "text": "it is our rule"}
    given(COMPLAINED, kind=KIND).when(complaining.answer_grievance, **before).invalid("before the grievance")
    taking = {"at": day(2), "by": REGULATOR, "office_id": OFFICE}
    given(COMPLAINED, ANSWERED, kind=KIND).when(deciding.take_up, **taking).invalid("the platform answered")
    given(COMPLAINED, MISSED, kind=KIND).when(deciding.take_up, **taking).invalid("its term passed")
    decide(ANSWERED, TAKEN_UP, at=day(19)).invalid("it was taken up")
    settled = SETTLED.model_copy(update={"occurred_at": day(2)})
    given(COMPLAINED, ANSWERED, kind=KIND).when(
        complaining.settle_grievance, at=day(2), by=MERCHANT, terms="the sums are paid back"
    ).then(settled)


def test_e9_what_a_grievance_led_to_is_found_from_it() -> None:
    linked = ConsequenceLinked(occurred_at=day(30), actor=SERVICE, stream=MEASURE)
    linking: dict[str, Any] = {"at": day(30), "by": SERVICE, "stream": MEASURE}
    history = (COMPLAINED, ANSWERED, TAKEN_UP, DECIDED)
    given(*history, kind=KIND).when(links.link, **linking).then(linked)
    given(kind=KIND).when(links.link, **linking).then()
    assert KIND.fold([*history, linked]) == KIND.fold(history)
    assert grieved(GRIEVANCE, KIND.fold(history)) == Grieved(GRIEVANCE, PLATFORM_ID, upheld=True)
    for undecided in ((COMPLAINED,), (*history[:-1], DECIDED.model_copy(update={"upheld": False}))):
        assert grieved(GRIEVANCE, KIND.fold(undecided)) == Grieved(GRIEVANCE, PLATFORM_ID, upheld=False)


def test_e9_a_term_that_passed_is_noticed_once() -> None:
    state = KIND.fold([COMPLAINED])
    assert KIND.next_due is not None
    assert KIND.next_due(state) == DUE
    assert KIND.fall_due(state, at=DUE, book=FIRST) == []
    assert KIND.fall_due(state, at=day(30), book=FIRST) == [MISSED]
    for after in (ANSWERED, MISSED, SETTLED, WITHDRAWN):
        assert KIND.next_due(KIND.evolve(state, after)) is None


def test_e9_an_office_takes_it_up_after_the_answer_or_the_miss() -> None:
    taking = {"at": day(20), "by": REGULATOR, "office_id": OFFICE}
    given(COMPLAINED, ANSWERED, kind=KIND).when(deciding.take_up, **taking).then(TAKEN_UP)
    given(COMPLAINED, kind=KIND).when(deciding.take_up, **taking).then(MISSED, TAKEN_UP)
    given(COMPLAINED, kind=KIND).when(deciding.take_up, **{**taking, "at": day(2)}).refused("take-up-after-the-answer")


def test_e9_an_office_decides_with_reasons() -> None:
    decide(ANSWERED, TAKEN_UP).then(DECIDED)
    decide(ANSWERED, TAKEN_UP, violation="unfair-fee").then(DECIDED.model_copy(update={"violation": "unfair-fee"}))
    decide(ANSWERED, TAKEN_UP, upheld=False).then(DECIDED.model_copy(update={"upheld": False, "violation": None}))
    decide(ANSWERED, TAKEN_UP, reasons=" ").refused("decision-has-reasons")
    decide(ANSWERED, TAKEN_UP, upheld=False, violation="unfair-fee").invalid("not upheld")
    decide(ANSWERED, TAKEN_UP, violation="rudeness").invalid("no violation")
    decide(ANSWERED).refused("decide-what-was-taken-up")
    decide(ANSWERED, TAKEN_UP, DECIDED).refused("decide-what-was-taken-up")


def test_e9_it_ends_with_a_settlement_or_a_withdrawal_too() -> None:
    settling = {"at": day(21), "by": MERCHANT, "terms": "the sums are paid back"}
    withdrawing = {"at": day(21), "by": MERCHANT, "reason": "sold the shop"}
    settle, withdraw = complaining.settle_grievance, complaining.withdraw_grievance
    for history in ((COMPLAINED, ANSWERED), (COMPLAINED, MISSED), (COMPLAINED, MISSED, TAKEN_UP)):
        given(*history, kind=KIND).when(settle, **settling).then(SETTLED)
        given(*history, kind=KIND).when(withdraw, **withdrawing).then(WITHDRAWN)
    given(COMPLAINED, ANSWERED, kind=KIND).when(settle, **{**settling, "by": PLATFORM}).refused(
        "settle-what-goes-on-by"
    )
    for end in (SETTLED, WITHDRAWN, DECIDED):
        given(COMPLAINED, ANSWERED, TAKEN_UP, end, kind=KIND).when(settle, **settling).refused("settle-what-goes-on")
        given(COMPLAINED, ANSWERED, TAKEN_UP, end, kind=KIND).when(withdraw, **withdrawing).refused(
            "withdraw-what-goes-on"
        )
