"""The rules of a complaint."""

from __future__ import annotations

import pytest

from domain.complaint import decisions as decide
from domain.complaint.events import (
    Answered,
    AnswerKind,
    Closed,
    Corrected,
    DeadlineMissed,
    Disputed,
    Filed,
    Reopened,
    Resolved,
    Routed,
    Withdrawn,
)
from domain.values import CLOCK, Channel, Money, Origin
from tests.domain.scenario import CONSUMER, MERCHANT, MERCHANT_ID, REGULATOR, SERVICE, day, given

FILED = Filed(
    occurred_at=day(0),
    actor=CONSUMER,
    consumer_id=CONSUMER.id,
    channel=Channel.APP,
    scheme="GB/T 36431",
    product="电饭锅",
    claim=Money(fen=19_900),
)
IMPORTED = FILED.model_copy(update={"origin": Origin(register_name="cfpb", reference="1")})
ROUTED = Routed(occurred_at=day(1), actor=REGULATOR, merchant_id=MERCHANT_ID, answer_due=day(8))
ANSWERED = Answered(occurred_at=day(2), actor=MERCHANT, kind=AnswerKind.EXPLANATION, in_time=True)
RELIEVED = Answered(
    occurred_at=day(2), actor=MERCHANT, kind=AnswerKind.MONETARY_RELIEF, in_time=True, relief=Money(fen=5_000)
)
RESOLVED = Resolved(occurred_at=day(3), actor=CONSUMER, basis="consumer_confirmed", recovered=Money(fen=5_000))
CLOSED = Closed(occurred_at=day(3), actor=REGULATOR, ground="answered")
MISSED = DeadlineMissed(occurred_at=day(8), actor=CLOCK, deadline="answer")
DISPUTED = Disputed(occurred_at=day(4), actor=CONSUMER)
WITHDRAWN = Withdrawn(occurred_at=day(4), actor=CONSUMER)
REOPENED = Reopened(occurred_at=day(5), actor=CONSUMER, reason="the pot broke again", answer_due=day(12))


def test_a1_a2_a_complaint_is_filed_through_a_channel() -> None:
    given().when(
        decide.file,
        at=day(0),
        by=CONSUMER,
        consumer_id=CONSUMER.id,
        channel=Channel.APP,
        scheme="GB/T 36431",
        product="电饭锅",
        claim=Money(fen=19_900),
    ).then(FILED)


def test_a1_a_complaint_is_filed_once() -> None:
    given(FILED).when(
        decide.file, at=day(0), by=CONSUMER, consumer_id=CONSUMER.id, channel=Channel.APP, scheme="x", product="y"
    ).refused("file-once")


def test_a3_routing_sets_until_when_the_merchant_has_to_answer() -> None:
    given(FILED).when(decide.route, at=day(1), by=REGULATOR, merchant_id=MERCHANT_ID, answer_due=day(8)).then(ROUTED)


def test_a3_an_answer_cannot_be_due_before_it_is_asked_for() -> None:
    given(FILED).when(decide.route, at=day(1), by=REGULATOR, merchant_id=MERCHANT_ID, answer_due=day(0)).invalid(
        "before the complaint is routed"
    )


def test_a6_a_routed_complaint_is_not_routed_again() -> None:
    given(FILED, ROUTED).when(decide.route, at=day(1), by=REGULATOR, merchant_id=MERCHANT_ID).refused(
        "route-after-filing"
    )


def test_a3_an_answer_before_the_due_time_is_in_time() -> None:
    given(FILED, ROUTED).when(decide.answer, at=day(2), by=MERCHANT, kind=AnswerKind.EXPLANATION).then(ANSWERED)


def test_a3_an_answer_at_the_due_instant_is_in_time() -> None:
    given(FILED, ROUTED).when(decide.answer, at=day(8), by=MERCHANT, kind=AnswerKind.EXPLANATION).then(
        ANSWERED.model_copy(update={"occurred_at": day(8)})
    )


def test_a3_a_late_answer_is_preceded_by_the_missed_deadline_at_its_due_time() -> None:
    given(FILED, ROUTED).when(decide.answer, at=day(9), by=MERCHANT, kind=AnswerKind.EXPLANATION).then(
        MISSED, ANSWERED.model_copy(update={"occurred_at": day(9), "in_time": False})
    )


def test_a3_a_miss_on_record_is_not_recorded_twice_and_the_answer_stays_late() -> None:
    given(FILED, ROUTED, MISSED).when(decide.answer, at=day(9), by=MERCHANT, kind=AnswerKind.EXPLANATION).then(
        ANSWERED.model_copy(update={"occurred_at": day(9), "in_time": False})
    )


def test_a3_an_answer_without_a_term_is_never_late() -> None:
    given(FILED, ROUTED.model_copy(update={"answer_due": None})).when(
        decide.answer, at=day(900), by=MERCHANT, kind=AnswerKind.EXPLANATION
    ).then(ANSWERED.model_copy(update={"occurred_at": day(900)}))


@pytest.mark.parametrize("history", [(FILED,), (FILED, ROUTED, ANSWERED), (FILED, ROUTED, ANSWERED, CLOSED)])
def test_b1_an_answer_is_given_once_and_to_a_routed_complaint(history: tuple[Filed, ...]) -> None:
    given(*history).when(decide.answer, at=day(5), by=MERCHANT, kind=AnswerKind.EXPLANATION).refused(
        "answer-once-when-routed"
    )


def test_a8_monetary_relief_says_how_much() -> None:
    given(FILED, ROUTED).when(
        decide.answer, at=day(2), by=MERCHANT, kind=AnswerKind.MONETARY_RELIEF, relief=Money(fen=5_000)
    ).then(RELIEVED)


def test_a8_an_explanation_carries_no_money() -> None:
    given(FILED, ROUTED).when(
        decide.answer, at=day(2), by=MERCHANT, kind=AnswerKind.EXPLANATION, relief=Money(fen=1)
    ).invalid("carries no money")


def test_b7_a_missed_answer_is_recorded_at_the_due_time_however_late_it_is_noticed() -> None:
    given(FILED, ROUTED).when(decide.miss_answer, at=day(20), by=CLOCK).then(MISSED)


def test_b7_an_answer_is_not_missed_before_it_is_due() -> None:
    given(FILED, ROUTED).when(decide.miss_answer, at=day(8), by=CLOCK).refused("miss-after-due")


def test_b7_a_miss_is_recorded_once() -> None:
    given(FILED, ROUTED, MISSED).when(decide.miss_answer, at=day(20), by=CLOCK).then()


def test_e5_the_consumer_confirms_the_resolution_and_what_was_recovered() -> None:
    given(FILED, ROUTED, RELIEVED).when(
        decide.resolve, at=day(3), by=CONSUMER, basis="consumer_confirmed", recovered=Money(fen=5_000)
    ).then(RESOLVED)


def test_e5_a_merchant_alone_cannot_declare_a_complaint_resolved() -> None:
    given(FILED, ROUTED, RELIEVED).when(decide.resolve, at=day(3), by=MERCHANT, basis="agreement").refused(
        "resolved-not-by-merchant-alone"
    )


def test_c2_the_parties_may_agree_before_any_answer() -> None:
    given(FILED, ROUTED).when(decide.resolve, at=day(3), by=CONSUMER, basis="agreement").then(
        Resolved(occurred_at=day(3), actor=CONSUMER, basis="agreement")
    )


def test_a13_an_answered_complaint_is_closed_with_a_ground() -> None:
    given(FILED, ROUTED, ANSWERED).when(decide.close, at=day(3), by=REGULATOR, ground="answered").then(CLOSED)


def test_a13_it_is_not_closed_as_answered_without_an_answer() -> None:
    given(FILED, ROUTED).when(decide.close, at=day(3), by=REGULATOR, ground="answered").refused(
        "close-as-answered-after-answer"
    )


@pytest.mark.parametrize("history", [(FILED, ROUTED, ANSWERED), (FILED, ROUTED, ANSWERED, CLOSED)])
def test_a13_the_consumer_may_dispute_an_answer_also_after_closing(history: tuple[Filed, ...]) -> None:
    given(*history).when(decide.dispute, at=day(4), by=CONSUMER).then(DISPUTED)


def test_a13_without_an_answer_there_is_nothing_to_dispute() -> None:
    given(FILED, ROUTED, CLOSED.model_copy(update={"ground": "merchant_unreachable"})).when(
        decide.dispute, at=day(4), by=CONSUMER
    ).refused("dispute-after-answer")


def test_g1_a_register_may_know_of_a_dispute_but_not_of_the_answer() -> None:
    given(IMPORTED, ROUTED).when(decide.dispute, at=day(4), by=SERVICE).then(
        DISPUTED.model_copy(update={"actor": SERVICE})
    )


def test_a13_an_answer_is_disputed_once() -> None:
    given(FILED, ROUTED, ANSWERED, DISPUTED).when(decide.dispute, at=day(5), by=CONSUMER).refused("dispute-once")


@pytest.mark.parametrize("history", [(FILED,), (FILED, ROUTED), (FILED, ROUTED, ANSWERED)])
def test_a13_the_consumer_may_withdraw_an_open_complaint(history: tuple[Filed, ...]) -> None:
    given(*history).when(decide.withdraw, at=day(4), by=CONSUMER).then(WITHDRAWN)


def test_a13_a_merchant_cannot_withdraw_a_complaint_against_itself() -> None:
    given(FILED, ROUTED).when(decide.withdraw, at=day(4), by=MERCHANT).refused("withdrawn-by-consumer")


@pytest.mark.parametrize("last", [CLOSED, RESOLVED, WITHDRAWN])
def test_a13_a_finished_complaint_is_not_withdrawn(last: Closed) -> None:
    given(FILED, ROUTED, ANSWERED, last).when(decide.withdraw, at=day(5), by=CONSUMER).refused("withdraw-while-open")


@pytest.mark.parametrize("last", [CLOSED, RESOLVED])
def test_e5_a_finished_complaint_is_reopened_with_a_new_term(last: Closed) -> None:
    given(FILED, ROUTED, ANSWERED, last).when(
        decide.reopen, at=day(5), by=CONSUMER, reason="the pot broke again", answer_due=day(12)
    ).then(REOPENED)


def test_e5_a_withdrawn_complaint_is_not_reopened() -> None:
    given(FILED, WITHDRAWN).when(decide.reopen, at=day(5), by=CONSUMER, reason="x").refused("reopen-after-end")


def test_e5_a_reopened_complaint_is_answered_and_disputed_anew() -> None:
    history = (FILED, ROUTED, ANSWERED, CLOSED, DISPUTED, REOPENED)
    again = ANSWERED.model_copy(update={"occurred_at": day(6)})
    given(*history).when(decide.answer, at=day(6), by=MERCHANT, kind=AnswerKind.EXPLANATION).then(again)
    given(*history, again).when(decide.dispute, at=day(7), by=CONSUMER).then(
        DISPUTED.model_copy(update={"occurred_at": day(7)})
    )


def test_g1_an_imported_complaint_follows_its_register() -> None:
    given(IMPORTED).when(decide.correct, at=day(1), by=SERVICE, product="电水壶").then(
        Corrected(occurred_at=day(1), actor=SERVICE, consumer_id=CONSUMER.id, product="电水壶")
    )


def test_g1_only_an_imported_complaint_is_corrected() -> None:
    given(FILED).when(decide.correct, at=day(1), by=SERVICE, product="x").refused("correct-imported-only")


def test_g1_an_answer_is_corrected_once_there_is_one() -> None:
    given(IMPORTED, ROUTED).when(decide.correct, at=day(1), by=SERVICE, answer=AnswerKind.RELIEF).refused(
        "correct-answer-after-answer"
    )


def test_g1_a_register_that_says_nothing_new_changes_nothing() -> None:
    given(IMPORTED).when(decide.correct, at=day(1), by=SERVICE).then()


@pytest.mark.parametrize(
    ("stated", "in_time", "missed"), [("in_time", True, False), ("late", False, True), ("not_stated", None, False)]
)
def test_g1_what_a_register_states_of_timeliness_stands(stated: str, in_time: bool | None, missed: bool) -> None:
    answered = ANSWERED.model_copy(update={"actor": SERVICE, "in_time": in_time})
    given(IMPORTED, ROUTED).when(decide.answer, at=day(2), by=SERVICE, kind=AnswerKind.EXPLANATION, stated=stated).then(
        *([MISSED] if missed else []), answered
    )


@pytest.mark.parametrize("text", ["-1", "1.234", "1e3", "", "１２", "1,000", " 1", ".5", "1.", "NaN"])
def test_a7_an_amount_is_a_plain_decimal_of_yuan_and_fen(text: str) -> None:
    with pytest.raises(Exception, match="is not an amount of money: write a number"):
        Money.parse(text)


@pytest.mark.parametrize(("text", "fen"), [("0", 0), ("12.5", 1250), ("12.50", 1250), ("0.01", 1), ("007", 700)])
def test_a7_an_amount_is_exact_to_the_fen(text: str, fen: int) -> None:
    assert Money.parse(text).fen == fen
