"""Closing, disputing, withdrawing, reopening, and what a register of origin corrects."""

from __future__ import annotations

import pytest

from domain.complaint import ending, handling, mediation, negotiation, settlement, ways
from domain.complaint.clocks import DeadlineMissed
from domain.complaint.ending import Closed, Corrected, Disputed, Reopened, Withdrawn
from domain.complaint.negotiation import Answered, AnswerKind, Regime
from domain.complaint.settlement import Resolved
from domain.complaint.state import Deadline, Status
from domain.event import Event
from domain.merchant.state import Merchant
from domain.streams import COMPLAINT
from domain.values import CLOCK, Origin
from tests.domain.lives import (
    ACCEPTED,
    ANSWERED,
    CASE,
    FILED,
    MEDIATING,
    ONE_CLICK,
    RECEIVED,
    REFUND,
    REPORT,
    RESOLVED,
    ROUTED,
    VERIFYING,
    clock,
    filing_step,
    lapsed,
    lived,
    missed,
    receive_step,
    route_step,
    step,
)
from tests.domain.scenario import CONSUMER, MEDIATOR, MERCHANT, REGULATOR, SERVICE, START, day, given, on
from tests.domain.test_ways import BY_PLATFORM, SALE

CLOSE = step(ending.close, day(3), REGULATOR, ground="answered")
CLOSED = lived(CLOSE, since=ANSWERED)
CONFIRMED = lived(step(settlement.resolve, day(3), CONSUMER, basis="consumer_confirmed"), since=ANSWERED)
REFUSED_MEDIATION = lived(step(mediation.refuse_mediation, day(4), MERCHANT), since=MEDIATING)
WITHDRAWN = lived(step(ending.withdraw, day(4), CONSUMER), since=ROUTED)
DISPUTED = Disputed(occurred_at=day(4), actor=CONSUMER)


def test_a13_an_answered_complaint_is_closed_with_a_ground() -> None:
    given(*ANSWERED).when(ending.close, at=day(3), by=REGULATOR, ground="answered").then(
        Closed(occurred_at=day(3), actor=REGULATOR, ground="answered")
    )


def test_a13_it_is_not_closed_as_answered_without_an_answer() -> None:
    given(*ROUTED).when(ending.close, at=day(3), by=REGULATOR, ground="answered").refused(
        "close-as-answered-after-answer"
    )


def test_a13_what_an_office_has_is_not_simply_closed() -> None:
    given(*ACCEPTED).when(ending.close, at=day(3), by=REGULATOR, ground="unfounded").refused("close-once-routed")


@pytest.mark.parametrize("history", [ANSWERED, CLOSED, CONFIRMED])
def test_a13_the_consumer_may_dispute_an_answer_also_after_closing(history: tuple[Event, ...]) -> None:
    given(*history).when(ending.dispute, at=day(4), by=CONSUMER).then(DISPUTED)


def test_a13_without_an_answer_there_is_nothing_to_dispute() -> None:
    unreachable = lived(step(ending.close, day(3), REGULATOR, ground="merchant_unreachable"), since=ROUTED)
    for history in (ROUTED, unreachable):
        given(*history).when(ending.dispute, at=day(4), by=CONSUMER).refused("dispute-after-answer")
    given(*RECEIVED).when(ending.dispute, at=day(4), by=CONSUMER).refused("dispute-after-answer")


def test_a13_an_answer_is_disputed_once() -> None:
    given(*ANSWERED, DISPUTED).when(ending.dispute, at=day(5), by=CONSUMER).refused("dispute-once")


@pytest.mark.parametrize("history", [FILED, ROUTED, ANSWERED, RECEIVED, ACCEPTED, MEDIATING, REPORT, VERIFYING])
def test_a13_the_consumer_may_withdraw_what_is_open(history: tuple[Event, ...]) -> None:
    given(*history).when(ending.withdraw, at=day(4), by=CONSUMER).then(Withdrawn(occurred_at=day(4), actor=CONSUMER))
    over = lived(step(ending.withdraw, day(4), CONSUMER), since=history)
    assert lapsed(over, day(1000)) == ()


def test_a14_a_case_against_the_merchant_is_not_the_reporters_to_withdraw() -> None:
    given(*CASE).when(ending.withdraw, at=day(4), by=CONSUMER).refused("withdraw-while-open")


def test_a13_a_merchant_cannot_withdraw_a_complaint_against_itself() -> None:
    given(*ROUTED).when(ending.withdraw, at=day(4), by=MERCHANT).refused("withdraw-while-open-by")


@pytest.mark.parametrize("history", [CLOSED, CONFIRMED, WITHDRAWN, RESOLVED])
def test_a13_what_has_ended_is_not_withdrawn(history: tuple[Event, ...]) -> None:
    given(*history).when(ending.withdraw, at=day(5), by=CONSUMER).refused("withdraw-while-open")


@pytest.mark.parametrize("history", [CLOSED, CONFIRMED])
def test_a13_a_finished_case_goes_on_with_the_merchant_and_a_new_answer_is_due(history: tuple[Event, ...]) -> None:
    given(*history).when(ending.reopen, at=day(5), by=CONSUMER, reason="the pot broke again", answer_due=day(12)).then(
        Reopened(occurred_at=day(5), actor=CONSUMER, reason="the pot broke again", answer_due=day(12))
    )


def test_a13_an_office_that_had_it_decides_again_on_accepting_it() -> None:
    given(*REFUSED_MEDIATION).when(ending.reopen, at=day(10), by=CONSUMER, reason="he agrees now").then(
        Reopened(
            occurred_at=day(10),
            actor=CONSUMER,
            reason="he agrees now",
            status="received",
            clocks=(clock(Deadline.ACCEPTANCE, day(10), "2026-03-23", "samr-order-20"),),
        )
    )
    given(*REFUSED_MEDIATION).when(ending.reopen, at=day(10), by=CONSUMER, reason="x", answer_due=day(12)).invalid(
        "an office has it, not the merchant"
    )


def test_a13_a_case_that_was_reopened_is_accepted_under_the_rules_of_that_day() -> None:
    again = lived(
        step(ending.reopen, on("2026-04-04 09:00"), CONSUMER, reason="he agrees now"), since=REFUSED_MEDIATION
    )
    given(*again).when(handling.accept, at=on("2026-04-15 09:00"), by=REGULATOR).then(
        *lapsed(again, on("2026-04-15 09:00")),
        handling.Accepted(
            occurred_at=on("2026-04-15 09:00"),
            actor=REGULATOR,
            office_id=COMPLAINT.fold(again).office_id,
            rule_set="samr-order-121",
            clocks=(clock(Deadline.MEDIATION, on("2026-04-15 09:00"), "2026-06-14", "samr-order-121"),),
        ),
    )


def test_a13_it_is_reopened_within_30_days_to_the_last_instant() -> None:
    # 30 days after 5 March end on a holiday Saturday; the term moves to the Tuesday after Qingming.
    given(*CLOSED).when(ending.reopen, at=on("2026-04-07 23:59"), by=CONSUMER, reason="x").then(
        Reopened(occurred_at=on("2026-04-07 23:59"), actor=CONSUMER, reason="x")
    )
    given(*CLOSED).when(ending.reopen, at=on("2026-04-08 00:00"), by=CONSUMER, reason="x").refused("reopen-within-term")


def test_a13_a_new_answer_is_not_due_before_the_reopening() -> None:
    given(*CLOSED).when(ending.reopen, at=day(5), by=CONSUMER, reason="x", answer_due=day(4)).invalid(
        "before the reopening"
    )


@pytest.mark.parametrize(
    "history",
    [
        WITHDRAWN,
        MEDIATING,
        lived(step(handling.refuse, day(2), REGULATOR, ground="out-of-time"), since=RECEIVED),
        lived(step(handling.refer, day(2), REGULATOR, addressee="x", reason="y"), since=RECEIVED),
    ],
)
def test_a13_only_what_was_resolved_or_closed_is_reopened(history: tuple[Event, ...]) -> None:
    given(*history).when(ending.reopen, at=day(5), by=CONSUMER, reason="x").refused("reopen-after-end")


REOPENED = lived(step(ending.reopen, day(5), CONSUMER, reason="x", answer_due=day(12)), since=(*CLOSED, DISPUTED))


def test_a13_a_reopened_complaint_is_answered_and_disputed_anew() -> None:
    again = Answered(occurred_at=day(6), actor=MERCHANT, kind=AnswerKind.EXPLANATION, in_time=True)
    given(*REOPENED).when(negotiation.answer, at=day(6), by=MERCHANT, kind=AnswerKind.EXPLANATION).then(again)
    given(*REOPENED, again).when(ending.dispute, at=day(7), by=CONSUMER).then(
        DISPUTED.model_copy(update={"occurred_at": day(7)})
    )


def test_a13_a_miss_before_reopening_does_not_make_the_new_answer_late() -> None:
    late = lived(route_step(answer_due=day(1)), since=FILED)
    closed = lived(
        step(negotiation.answer, day(2), MERCHANT, kind="explanation"),
        CLOSE,
        step(ending.reopen, day(5), CONSUMER, reason="x", answer_due=day(12)),
        since=late,
    )
    given(*closed).when(negotiation.answer, at=day(12), by=MERCHANT, kind=AnswerKind.EXPLANATION).then(
        Answered(occurred_at=day(12), actor=MERCHANT, kind=AnswerKind.EXPLANATION, in_time=True)
    )


def test_d1_what_was_agreed_before_is_not_performed_after_reopening() -> None:
    again = lived(step(ending.reopen, day(6), CONSUMER, reason="he does not pay"), since=RESOLVED)
    given(*again).when(settlement.perform, at=day(7), by=MERCHANT, item=0).refused("perform-what-was-agreed")
    assert COMPLAINT.fold(again).settlement.terms == ()


def test_d1_a_closed_case_goes_on_in_court_and_ends_there() -> None:
    in_court = lived(step(ways.refer_to_court, day(9), CONSUMER, sale=SALE), since=REFUSED_MEDIATION)
    given(*in_court).when(settlement.settle, at=day(10), by=MEDIATOR, terms=(REFUND,)).then(
        Resolved(
            occurred_at=day(10),
            actor=MEDIATOR,
            basis="agreement",
            way="litigation",
            terms=(REFUND,),
            clocks=(clock(Deadline.PERFORMANCE, day(10), "2026-04-13", "samr-order-20"),),
        )
    )
    given(*BY_PLATFORM).when(ending.close, at=day(10), by=REGULATOR, ground="unfounded").refused("close-once-routed")


def test_a8_what_was_not_performed_in_its_term_may_be_reopened_after_it() -> None:
    given(*RESOLVED).when(ending.reopen, at=day(60), by=CONSUMER, reason="nothing came").then(
        *lapsed(RESOLVED, day(60)),
        *lived(step(ending.reopen, day(60), CONSUMER, reason="nothing came"), since=RESOLVED)[-1:],
    )


SIGNED = Merchant(promises=((day(-1), None),))


def test_b1_a_promise_goes_on_when_a_case_is_reopened() -> None:
    promised = lived(route_step(regime=Regime.PROMISE, merchant=SIGNED), since=FILED)
    closed = lived(step(ending.close, day(1), REGULATOR, ground="no_agreement"), since=promised)
    reopened = lived(step(ending.reopen, day(2), CONSUMER, reason="again"), since=closed)
    state = COMPLAINT.fold(reopened)
    assert {clock.deadline for clock in state.clocks} == {Deadline.ANSWER, Deadline.PUBLICATION}
    assert COMPLAINT.fold((*reopened, *lapsed(reopened, day(20)))).published


def test_c3_silence_is_waited_for_anew_when_a_case_is_reopened() -> None:
    closed = lived(step(ending.close, day(1), REGULATOR, ground="no_agreement"), since=ONE_CLICK)
    reopened = lived(step(ending.reopen, day(2), CONSUMER, reason="again"), since=closed)
    assert COMPLAINT.fold((*reopened, *lapsed(reopened, day(7)))).status is Status.RECEIVED


def test_a13_nothing_happens_before_the_end_of_what_it_follows() -> None:
    given(*RESOLVED).when(ending.reopen, at=day(1), by=CONSUMER, reason="again").invalid("before the case ended")


REGISTER = Origin(register_name="cfpb", reference="1")
IMPORTED = lived(filing_step(by=SERVICE, origin=REGISTER))
IMPORTED_ROUTED = lived(route_step(answer_due=day(8)), since=IMPORTED)
OLD_MISS = DeadlineMissed(occurred_at=day(8), actor=CLOCK, deadline=Deadline.ANSWER)


def test_g1_an_imported_complaint_follows_its_register() -> None:
    given(*IMPORTED).when(ending.correct, at=day(1), by=SERVICE, product="kettle").then(
        Corrected(occurred_at=day(1), actor=SERVICE, consumer_id=CONSUMER.id, product="kettle")
    )


def test_g1_only_an_imported_complaint_is_corrected() -> None:
    given(*FILED).when(ending.correct, at=day(1), by=SERVICE, product="x").refused("correct-imported-only")
    given(*IMPORTED).when(ending.correct, at=day(1), by=REGULATOR, product="x").refused("correct-imported-only-by")


def test_g1_an_answer_is_corrected_once_there_is_one() -> None:
    given(*IMPORTED_ROUTED).when(ending.correct, at=day(1), by=SERVICE, answer=AnswerKind.RELIEF).refused(
        "correct-answer-after-answer"
    )


def test_g1_a_register_that_says_nothing_new_changes_nothing() -> None:
    given(*IMPORTED).when(ending.correct, at=day(1), by=SERVICE).then()


def test_g1_a_register_may_know_of_a_dispute_but_not_of_the_answer() -> None:
    given(*IMPORTED_ROUTED).when(ending.dispute, at=day(4), by=SERVICE).then(
        DISPUTED.model_copy(update={"actor": SERVICE})
    )


@pytest.mark.parametrize(
    ("stated", "in_time", "late"), [("in_time", True, False), ("late", False, True), ("not_stated", None, False)]
)
def test_g1_what_a_register_states_of_timeliness_stands(stated: str, in_time: bool | None, late: bool) -> None:
    answered = Answered(occurred_at=day(2), actor=SERVICE, kind=AnswerKind.EXPLANATION, in_time=in_time)
    given(*IMPORTED_ROUTED).when(
        negotiation.answer, at=day(2), by=SERVICE, kind=AnswerKind.EXPLANATION, stated=stated
    ).then(*([OLD_MISS] if late else []), answered)


def test_g1_what_a_register_says_was_missed_is_recorded_at_the_due_time_once() -> None:
    given(*IMPORTED_ROUTED).when(ending.miss_answer, at=day(20), by=SERVICE).then(OLD_MISS)
    given(*IMPORTED_ROUTED, OLD_MISS).when(ending.miss_answer, at=day(21), by=SERVICE).then()
    undated = lived(route_step(), since=IMPORTED)
    given(*undated).when(ending.miss_answer, at=day(20), by=SERVICE).then(
        OLD_MISS.model_copy(update={"occurred_at": day(20)})
    )


def test_g1_nothing_falls_due_by_itself_where_a_register_watches() -> None:
    assert lapsed(IMPORTED_ROUTED, day(400)) == ()
    given(*ROUTED).when(ending.miss_answer, at=day(20), by=SERVICE).refused("correct-imported-only")
    given(*IMPORTED).when(ending.miss_answer, at=day(20), by=SERVICE).refused("miss-while-awaited")


def test_a11_what_was_reopened_counts_as_one_complaint() -> None:
    assert sum(event.name == "complaint.filed" for event in REOPENED) == 1
    assert COMPLAINT.fold(REOPENED).filed_at == START


def test_a13_a_refusal_is_not_disputed_but_filed_anew_and_linked() -> None:
    refused = lived(receive_step(), step(handling.refuse, day(2), REGULATOR, ground="identity-refused"), since=FILED)
    given(*refused).when(ending.dispute, at=day(3), by=CONSUMER).refused("dispute-after-answer")
    assert missed(Deadline.ANSWER, day(1)) not in refused
