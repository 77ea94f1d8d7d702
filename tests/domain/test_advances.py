"""A fund advances what was not paid in time; the consumer has it, and the merchant owes it to the fund."""

from __future__ import annotations

from typing import Any

import pytest

from domain.complaint import advances, ending, settlement
from domain.complaint.advances import AdvancePaid, AdvanceRefused, AdvanceRequested
from domain.complaint.settlement import Performed
from domain.complaint.state import OutcomeKind
from domain.event import Event
from domain.streams import COMPLAINT
from tests.domain.lives import DEFRAUDED, FUND_ID, RESOLVED, UNPERFORMED, lapsed, lived, row_of, step, yuan
from tests.domain.scenario import CONSUMER, MERCHANT, MERCHANT_ID, REGULATOR, SERVICE, day, given, on

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
            occurred_at=LATE, actor=by, request=1, item=1, kind=REFUND, amount=yuan("50.00"), fund_id=FUND_ID
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
            merchant_id=MERCHANT_ID,
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
    given(*ASKED).when(settlement.perform, item=1, amount=yuan("50.00"), **performing).refused("advance-pending")
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


def test_d4_nothing_is_recorded_of_what_was_not_requested() -> None:
    given(*UNPERFORMED).when(advances.advance_paid, **PAID).then()
    given().when(advances.advance_refused, reason="balance", **ANSWER).then()
