"""A fund advances what was not paid in time; the consumer has it, and who had to pay owes it to the fund."""

from __future__ import annotations

from typing import Any

import pytest

from domain.complaint import advances, ending, filing, fraud, settlement
from domain.complaint.advances import AdvancePaid, AdvanceRefused, AdvanceRequested
from domain.complaint.fraud import FraudVerified
from domain.complaint.settlement import Performed, Resolved
from domain.complaint.state import Outcome, OutcomeKind
from domain.event import Event
from domain.rulebook.book import EMPTY
from domain.streams import COMPLAINT
from domain.values import Money
from tests.domain.lives import (
    ACCEPT,
    ALLEGE,
    DEFRAUDED,
    DIGEST,
    FROM_ORDER,
    FUND_ID,
    MEDIATE,
    ORDER,
    PLATFORM_ID,
    RESOLVED,
    STRANGER,
    UNPERFORMED,
    filing_step,
    lapsed,
    lived,
    receive_step,
    route_step,
    row_of,
    step,
    yuan,
)
from tests.domain.scenario import CONSUMER, MEDIATOR, MERCHANT, MERCHANT_ID, REGULATOR, SERVICE, day, given, on

#: Item 0 is a return, item 1 a refund of 50 yuan.
REFUND = OutcomeKind.PARTIAL_REFUND
LATE = on("2026-04-10 12:00")
ASK = step(advances.request_advance, LATE, CONSUMER, item=1, fund_id=FUND_ID)
ASKED = lived(ASK, since=UNPERFORMED)
ANSWER: dict[str, Any] = {"at": LATE, "by": SERVICE, "request": 1}
PAID: dict[str, Any] = {**ANSWER, "fund_id": FUND_ID, "number": 7, "amount": yuan("50.00")}


def paid(performs: bool = True) -> AdvancePaid:
    return AdvancePaid(
        occurred_at=LATE,
        actor=SERVICE,
        request=1,
        item=1,
        kind=REFUND,
        fund_id=FUND_ID,
        number=7,
        amount=yuan("50.00"),
        performs=performs,
    )


def performed(complete: bool) -> Performed:
    return Performed(
        occurred_at=LATE,
        actor=SERVICE,
        item=1,
        kind=REFUND,
        amount=yuan("50.00"),
        payer="merchant",
        reference=f"{FUND_ID}#7",
        complete=complete,
        advanced_by=FUND_ID,
    )


@pytest.mark.parametrize("by", [CONSUMER, REGULATOR], ids=lambda by: by.role)
def test_d4_what_was_not_paid_in_time_can_be_advanced(by: Any) -> None:
    given(*UNPERFORMED).when(advances.request_advance, at=LATE, by=by, item=1, fund_id=FUND_ID).then(
        AdvanceRequested(
            occurred_at=LATE,
            actor=by,
            request=1,
            item=1,
            kind=REFUND,
            amount=yuan("50.00"),
            fund_id=FUND_ID,
            payer="merchant",
        )
    )


def test_d4_only_what_is_left_is_advanced() -> None:
    part = lived(
        step(settlement.perform, day(9), CONSUMER, item=1, amount=yuan("20.01")),
        since=RESOLVED,
    )
    history = (*part, *lapsed(part, LATE))
    found = given(*history).when(advances.request_advance, at=LATE, by=CONSUMER, item=1, fund_id=FUND_ID).events
    assert [one.amount for one in found if isinstance(one, AdvanceRequested)] == [yuan("29.99")]


def test_d4_nothing_is_advanced_before_the_term_of_performance_has_passed() -> None:
    given(*RESOLVED).when(advances.request_advance, at=day(9), by=CONSUMER, item=1, fund_id=FUND_ID).refused(
        "advance-after-the-term"
    )


def test_d4_b6_after_a_verified_fraud_it_is_advanced_at_once() -> None:
    given(*DEFRAUDED).when(advances.request_advance, at=day(3), by=CONSUMER, item=0, fund_id=FUND_ID).then(
        AdvanceRequested(
            occurred_at=day(3),
            actor=CONSUMER,
            request=1,
            item=0,
            kind=OutcomeKind.COMPENSATION,
            amount=yuan("199.00"),
            fund_id=FUND_ID,
            payer="platform",
            debtor=PLATFORM_ID,
        )
    )


def test_d4_what_carries_no_money_or_is_pending_is_not_advanced() -> None:
    asking = {"at": LATE, "by": CONSUMER, "fund_id": FUND_ID}
    given(*UNPERFORMED).when(advances.request_advance, item=0, **asking).invalid("of item 0 nothing is to be advanced")
    given(*UNPERFORMED).when(advances.request_advance, item=9, **asking).invalid("these can be: 1")
    given(*ASKED).when(advances.request_advance, item=1, **asking).refused("advance-what-is-left")
    given(*UNPERFORMED).when(advances.request_advance, item=1, **{**asking, "by": MERCHANT}).refused(
        "advance-what-is-left-by"
    )


def test_d4_what_a_fund_is_asked_for_is_not_performed_meanwhile() -> None:
    performing = {"at": LATE, "by": CONSUMER}
    direct = given(*ASKED).when(settlement.perform, item=1, amount=yuan("50.00"), **performing)
    direct.refused("advance-pending")
    assert f"who owes it pays {FUND_ID}" in str(direct.error)
    returned = lived(step(settlement.perform, LATE, CONSUMER, item=0), since=ASKED)
    given(*returned).when(settlement.perform, item=1, amount=yuan("50.00"), **performing).refused("advance-pending")
    assert "perform" not in COMPLAINT.legal_actions(COMPLAINT.fold(returned), at=LATE, by=CONSUMER, book=given().book)


@pytest.mark.parametrize("complete", [False, True])
def test_d4_a7_the_consumer_has_what_the_fund_paid_and_it_counts_once(complete: bool) -> None:
    history = lived(step(settlement.perform, LATE, CONSUMER, item=0), since=ASKED) if complete else ASKED
    given(*history).when(advances.advance_paid, **PAID).then(paid(), performed(complete))
    after: tuple[Event, ...] = (*history, paid(), performed(complete))
    assert row_of(after).recovered_fen == 50_00
    given(*after).when(advances.advance_paid, **PAID).then()
    again = given(*after).when(settlement.perform, at=LATE, by=CONSUMER, item=1, amount=yuan("50.00"))
    if complete:
        again.refused("perform-what-was-agreed")
    else:
        again.invalid("item 1 is not to be performed")


def test_d4_an_answer_may_be_older_than_the_request() -> None:
    assert given(*ASKED).when(advances.advance_paid, **{**PAID, "at": day(1)}).error is None


def test_d4_what_the_fund_refuses_can_be_paid_or_requested_again() -> None:
    given(*ASKED).when(advances.advance_refused, reason="balance", **ANSWER).then(
        refused := AdvanceRefused(occurred_at=LATE, actor=SERVICE, request=1, item=1, fund_id=FUND_ID, reason="balance")
    )
    given(*ASKED, refused).when(advances.advance_refused, reason="balance", **ANSWER).then()
    again = lived(ASK, since=(*ASKED, refused))[-1]
    assert isinstance(again, AdvanceRequested)
    assert again.request == 2
    assert lived(step(settlement.perform, LATE, CONSUMER, item=1, amount=yuan("1.00")), since=(*ASKED, refused))


def test_d4_a7_what_the_fund_pays_after_the_case_was_reopened_counts_by_itself() -> None:
    reopened = lived(step(ending.reopen, LATE, CONSUMER, reason="not paid"), since=ASKED)
    given(*reopened).when(advances.advance_paid, **PAID).then(paid(performs=False))
    assert row_of((*reopened, paid(performs=False))).recovered_fen == 50_00
    assert COMPLAINT.fold((*reopened, paid(performs=False))).recovered == {"CNY": 50_00}


def test_a7_what_came_back_is_known_over_all_rounds_without_punitive_damages() -> None:
    history = lived(
        step(settlement.resolve, day(1), CONSUMER, basis="consumer_confirmed", recovered=yuan("30.00")),
        step(ending.reopen, day(2), CONSUMER, reason="not all of it"),
        step(
            settlement.settle,
            day(3),
            MEDIATOR,
            terms=(paying(OutcomeKind.COMPENSATION, "20.00"), paying(OutcomeKind.PUNITIVE_DAMAGES, "597.00")),
        ),
        step(settlement.perform, day(4), CONSUMER, item=0, amount=yuan("20.00")),
        step(settlement.perform, day(4), CONSUMER, item=1, amount=yuan("597.00")),
        since=lived(route_step(), since=FROM_ORDER),
    )
    assert COMPLAINT.fold(history).recovered == {"CNY": 50_00}
    assert row_of(history).recovered_fen == 50_00


def test_d4_nothing_is_recorded_of_what_was_not_requested() -> None:
    given(*UNPERFORMED).when(advances.advance_paid, **PAID).then()
    given().when(advances.advance_refused, reason="balance", **ANSWER).then()


def unpaid(*terms: Outcome, filed: tuple[Event, ...] = FROM_ORDER, claim: Money | None = None) -> tuple[Event, ...]:
    """A case of an order of 199 yuan that was settled on these terms in mediation, and not performed in time."""
    begun = filed if claim is None else lived(filing_step(order=ORDER, claim=claim))
    settled = lived(
        receive_step(), ACCEPT, *MEDIATE, step(settlement.settle, day(4), MEDIATOR, terms=terms), since=begun
    )
    return (*settled, *lapsed(settled, LATE))


def paying(kind: OutcomeKind, amount: str, payer: Any = None) -> Outcome:
    return Outcome(kind=kind, amount=yuan(amount), payer=payer)


def asked(history: tuple[Event, ...], item: int = 0) -> AdvanceRequested:
    *_, found = lived(step(advances.request_advance, LATE, CONSUMER, item=item, fund_id=FUND_ID), since=history)
    assert isinstance(found, AdvanceRequested)
    return found


def advanced(history: tuple[Event, ...], item: int = 0) -> tuple[Event, ...]:
    """After the fund has paid what it was asked for."""
    history, request = (*history, *lapsed(history, LATE)), asked(history, item)
    answer = {**PAID, "request": request.request, "amount": request.amount}
    return (*history, request, *given(*history, request).when(advances.advance_paid, **answer).events)


@pytest.mark.parametrize(
    ("payer", "debtor"),
    [(None, MERCHANT_ID), ("merchant", MERCHANT_ID), ("platform", "taobao"), ("payment_provider", "alipay")],
)
def test_d4_an_advance_is_owed_by_who_has_to_pay_the_item(payer: Any, debtor: str) -> None:
    request = asked(unpaid(paying(OutcomeKind.COMPENSATION, "20.00", payer)))
    assert (request.payer, request.debtor) == (payer or "merchant", debtor)


def test_d4_b15_punitive_damages_are_not_advanced() -> None:
    history = unpaid(paying(OutcomeKind.PUNITIVE_DAMAGES, "597.00"), paying(OutcomeKind.FULL_REFUND, "199.00"))
    given(*history).when(advances.request_advance, at=LATE, by=CONSUMER, item=0, fund_id=FUND_ID).invalid(
        "these can be: 1"
    )
    given(*unpaid(paying(OutcomeKind.PUNITIVE_DAMAGES, "597.00"))).when(
        advances.request_advance, at=LATE, by=CONSUMER, item=0, fund_id=FUND_ID
    ).refused("advance-what-is-left")


def test_d4_no_more_is_advanced_than_was_lost() -> None:
    beyond = unpaid(paying(OutcomeKind.COMPENSATION, "150.00"), paying(OutcomeKind.FULL_REFUND, "199.00"))
    once = (*beyond, asked(beyond))
    assert asked(once, 1).amount == yuan("49.00")
    both = advanced(advanced(beyond), 1)
    again = given(*both).when(advances.request_advance, at=LATE, by=CONSUMER, item=1, fund_id=FUND_ID)
    again.refused("advance-no-more-than-the-loss")
    # What is left was agreed, and can still be paid.
    left = {"item": 1, "amount": yuan("150.00")}
    assert given(*both).when(settlement.perform, at=LATE, by=CONSUMER, **left).error is None


def test_d4_a_claim_above_the_price_is_the_loss() -> None:
    history = unpaid(paying(OutcomeKind.COMPENSATION, "400.00"), claim=yuan("300.00"))
    assert asked(history).amount == yuan("300.00")


def test_d4_b4_the_loss_of_a_joint_complaint_is_the_sum_in_dispute() -> None:
    joint = lived(
        filing_step(
            order=ORDER, claim=yuan("100.00"), joint=filing.Joint(incident="i", representatives=(CONSUMER.id,))
        ),
        step(filing.join, day(0), CONSUMER, consumer_id=STRANGER, claim=yuan("50.00")),
    )
    assert asked(unpaid(paying(OutcomeKind.COMPENSATION, "400.00"), filed=joint)).amount == yuan("150.00")


def test_d4_the_advances_of_one_complaint_together_are_capped_by_the_rules() -> None:
    half, price = yuan("30000.00"), yuan("90000.00")
    history = unpaid(*(Outcome(kind=OutcomeKind.COMPENSATION, amount=half) for _ in range(3)), claim=price)
    two = advanced(advanced(history), 1)
    assert [one.amount for one in two if isinstance(one, AdvancePaid)] == [half, yuan("20000.00")]
    asking = {"at": LATE, "by": CONSUMER, "item": 2, "fund_id": FUND_ID}
    given(*two).when(advances.request_advance, **asking).refused("advance-within-the-cap")
    uncapped = given(*two, book=EMPTY).when(advances.request_advance, **asking)
    assert [one.amount for one in uncapped.events if isinstance(one, AdvanceRequested)] == [half]


#: Of an order of 199 yuan, 50 came back before it was taken up again, and is alleged to be fraud.
ROUND_2 = lived(
    step(settlement.perform, day(6), CONSUMER, item=0, amount=yuan("50.00")),
    step(ending.reopen, day(7), CONSUMER, reason="it is fraud"),
    (*ALLEGE[:1], day(8), *ALLEGE[2:]),
    step(fraud.submit_evidence, day(8), MERCHANT, digest=DIGEST, what="a waybill"),
    since=lived(
        route_step(),
        step(settlement.settle, day(4), MEDIATOR, terms=(paying(OutcomeKind.COMPENSATION, "50.00"),)),
        since=FROM_ORDER,
    ),
)
VERIFY = step(fraud.verify_fraud, day(8), REGULATOR, verified=True, reasons="the waybill is forged")


def test_d4_a7_b6_what_came_back_before_it_was_reopened_is_not_paid_again() -> None:
    history = lived(VERIFY, since=ROUND_2)
    assert isinstance(resolved := history[-1], Resolved)
    assert resolved.terms == (paying(OutcomeKind.PARTIAL_REFUND, "149.00", "platform"),)
    whole = advanced(history)
    assert row_of(whole).recovered_fen == COMPLAINT.fold(whole).recovered["CNY"] == 199_00
    given(*whole).when(advances.request_advance, at=LATE, by=CONSUMER, item=0, fund_id=FUND_ID).refused(
        "advance-what-is-left"
    )


def test_d4_b6_fraud_can_be_verified_when_all_has_come_back() -> None:
    repaid = lived(
        step(settlement.perform, day(9), CONSUMER, item=0, amount=yuan("149.00")),
        step(ending.reopen, day(10), CONSUMER, reason="again"),
        (*ALLEGE[:1], day(11), *ALLEGE[2:]),
        step(fraud.submit_evidence, day(11), MERCHANT, digest=DIGEST, what="a waybill"),
        since=lived(VERIFY, since=ROUND_2),
    )
    *_, verified, resolved = lived((VERIFY[0], day(12), *VERIFY[2:]), since=repaid)
    assert isinstance(verified, FraudVerified)
    assert isinstance(resolved, Resolved)
    assert (resolved.terms, resolved.clocks) == (None, None)


def test_d4_b6_what_was_found_to_be_lost_is_the_loss_over_all_rounds() -> None:
    history = lived((*VERIFY[:3], {**VERIFY[3], "loss": yuan("250.00")}), since=ROUND_2)
    state = COMPLAINT.fold(history)
    assert (state.lost("CNY"), sum(one.amount.fen for one in state.settlement.terms if one.amount)) == (250_00, 200_00)


def test_d4_b6_fraud_is_not_verified_while_a_fund_may_still_pay_for_an_earlier_round() -> None:
    pending = lived(
        step(ending.reopen, LATE, CONSUMER, reason="it is fraud"),
        step(fraud.allege_fraud, LATE, CONSUMER, text="x", platform_id=PLATFORM_ID),
        step(fraud.submit_evidence, LATE, MERCHANT, digest=DIGEST, what="x"),
        since=(history := unpaid(paying(OutcomeKind.COMPENSATION, "50.00"), filed=lived(filing_step(order=ORDER))))
        + (asked(history),),
    )
    deciding = {"at": LATE, "by": REGULATOR, "reasons": "x"}
    given(*pending).when(fraud.verify_fraud, verified=True, **deciding).refused("advance-pending")
    assert given(*pending).when(fraud.verify_fraud, verified=False, **deciding).error is None
