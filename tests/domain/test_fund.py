"""A protection fund: what comes in, what it advances, and what it recovers."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import pytest

from domain.fund import advances, keeping
from domain.fund.advances import Advanced, AdvanceRefused, Recovered, Shortfall, WrittenOff
from domain.fund.keeping import Closed, Opened, PaidIn
from domain.streams import FUND
from domain.values import Money
from tests.domain.lives import OFFICE_ID, yuan
from tests.domain.scenario import CONSUMER, MERCHANT_ID, REGULATOR, SERVICE, day, given

COMPLAINT_ID = "complaint-11111111-1111-4111-8111-111111111111"
OPENED = Opened(occurred_at=day(0), actor=REGULATOR, title="消费者权益保障金", office_id=OFFICE_ID, currency="CNY")
PAYING: dict[str, Any] = {"contributor": MERCHANT_ID, "reference": "bank 1"}
PAID = PaidIn(occurred_at=day(1), actor=REGULATOR, amount=yuan("1000"), balance=yuan("1000"), **PAYING)
ASKED: dict[str, Any] = {"complaint_id": COMPLAINT_ID, "request": 1, "item": 1, "amount": yuan("300.01")}
OWED: dict[str, Any] = {"payer": "merchant", "debtor": MERCHANT_ID}
ADVANCED = Advanced(occurred_at=day(2), actor=SERVICE, number=1, balance=yuan("699.99"), **OWED, **ASKED)
RECOVERY: dict[str, Any] = {"advance": 1, "reference": "bank 2"}
RECOVERED = Recovered(occurred_at=day(3), actor=REGULATOR, amount=yuan("100"), balance=yuan("799.99"), **RECOVERY)
OUTSTANDING = (OPENED, PAID, ADVANCED, RECOVERED)


def test_d4_a_fund_is_opened_once_and_by_an_office() -> None:
    opening = {"at": day(0), "title": "消费者权益保障金", "office_id": OFFICE_ID}
    given(kind=FUND).when(keeping.open_fund, by=REGULATOR, **opening).then(OPENED)
    given(OPENED, kind=FUND).when(keeping.open_fund, by=REGULATOR, **opening).refused("fund-opened-once")
    given(kind=FUND).when(keeping.open_fund, by=CONSUMER, **opening).refused("fund-opened-once-by")


def test_d4_what_is_paid_in_is_in_the_balance() -> None:
    paying = {"by": REGULATOR, **PAYING}
    given(OPENED, kind=FUND).when(keeping.pay_in, at=day(1), amount=yuan("1000"), **paying).then(PAID)
    given(OPENED, kind=FUND).when(keeping.pay_in, at=day(1), amount=yuan("0"), **paying).invalid("nothing was paid")
    dollars = Money.parse("1", "USD")
    given(OPENED, kind=FUND).when(keeping.pay_in, at=day(1), amount=dollars, **paying).invalid("kept in CNY")
    given(OPENED, PAID, kind=FUND).when(keeping.pay_in, at=day(1), amount=Money(fen=10**15), **paying).invalid(
        "a fund holds no"
    )
    given(OPENED, PAID, kind=FUND).when(keeping.pay_in, at=day(0.5), amount=yuan("1"), **paying).invalid(
        "before the last thing that happened"
    )


def test_d4_nothing_is_paid_into_a_fund_that_is_closed() -> None:
    given(OPENED, kind=FUND).when(keeping.close_fund, at=day(1), by=REGULATOR, reason="merged").then(
        closed := Closed(occurred_at=day(1), actor=REGULATOR, reason="merged", balance=yuan("0"))
    )
    given(OPENED, closed, kind=FUND).when(keeping.pay_in, at=day(2), by=REGULATOR, amount=yuan("1"), **PAYING).refused(
        "pay-into-an-open-fund"
    )


def test_d4_the_fund_advances_what_a_complaint_requested() -> None:
    asking = {"at": day(2), "by": SERVICE, **OWED, **ASKED}
    given(OPENED, PAID, kind=FUND).when(advances.advance, **asking).then(ADVANCED)
    given(kind=FUND).when(advances.advance, **asking).then()
    second = ADVANCED.model_copy(update={"number": 2, "request": 2, "balance": yuan("399.98")})
    given(OPENED, PAID, ADVANCED, kind=FUND).when(advances.advance, **{**asking, "request": 2}).then(second)


def test_d4_the_fund_advances_no_more_than_it_has() -> None:
    def refused(reason: Shortfall, **changed: Any) -> AdvanceRefused:
        return AdvanceRefused(occurred_at=day(2), actor=SERVICE, reason=reason, **{**ASKED, **changed})

    asking = {"at": day(2), "by": SERVICE, **OWED, **ASKED}
    given(OPENED, kind=FUND).when(advances.advance, **asking).then(refused(Shortfall.BALANCE))
    dollars = Money.parse("1", "USD")
    given(OPENED, PAID, kind=FUND).when(advances.advance, **{**asking, "amount": dollars}).then(
        refused(Shortfall.CURRENCY, amount=dollars)
    )
    closed = Closed(occurred_at=day(1), actor=REGULATOR, reason="merged", balance=yuan("1000"))
    given(OPENED, PAID, closed, kind=FUND).when(advances.advance, **asking).then(refused(Shortfall.CLOSED))


@pytest.mark.parametrize(("payer", "debtor"), [("platform", "taobao"), ("payment_provider", None)])
def test_d4_an_advance_is_owed_by_who_has_to_pay(payer: str, debtor: str | None) -> None:
    owed = {"payer": payer, "debtor": debtor}
    given(OPENED, PAID, kind=FUND).when(advances.advance, at=day(2), by=SERVICE, **owed, **ASKED).then(
        ADVANCED.model_copy(update=owed)
    )


def test_d4_a_fund_of_many_advances_is_folded_fast_and_knows_what_is_outstanding() -> None:
    many = [ADVANCED.model_copy(update={"number": number}) for number in range(1, 16_001)]
    back = [RECOVERED.model_copy(update={"advance": number, "amount": many[0].amount}) for number in range(2, 16_001)]
    begun = perf_counter()
    state = FUND.fold((OPENED, PAID, *many))
    taken = perf_counter() - begun
    assert len(state.outstanding) == 16_000
    assert dict(FUND.fold((OPENED, PAID, *many, *back)).outstanding) == {1: 300_01}
    # Twenty times what it takes, and a fraction of what copying all of it each time would.
    assert taken < 2


def test_d4_a_request_may_be_older_than_the_last_thing_that_happened() -> None:
    asking = {"at": day(0.5), "by": SERVICE, **OWED, **ASKED}
    older = ADVANCED.model_copy(update={"occurred_at": day(0.5)})
    given(OPENED, PAID, kind=FUND).when(advances.advance, **asking).then(older)
    assert FUND.fold([OPENED, PAID, older]).since == day(1)


def test_d4_what_the_merchant_pays_back_is_in_the_balance_again() -> None:
    recovering = {"at": day(3), "by": REGULATOR, **RECOVERY}
    given(OPENED, PAID, ADVANCED, kind=FUND).when(advances.recover, amount=yuan("100"), **recovering).then(RECOVERED)
    assert FUND.fold(OUTSTANDING).outstanding == {1: 200_01}


def test_d4_no_more_is_recovered_than_was_advanced() -> None:
    recovering = {"at": day(4), "by": REGULATOR, **RECOVERY}
    given(*OUTSTANDING, kind=FUND).when(advances.recover, amount=yuan("200.02"), **recovering).refused(
        "recover-no-more-than-advanced"
    )
    given(*OUTSTANDING, kind=FUND).when(advances.recover, amount=yuan("1"), **{**recovering, "advance": 2}).invalid(
        "nothing is outstanding of advance 2"
    )
    given(OPENED, PAID, kind=FUND).when(advances.recover, amount=yuan("1"), **recovering).refused(
        "recover-what-is-outstanding"
    )


def test_d4_what_will_not_be_recovered_is_written_off_with_a_reason() -> None:
    given(*OUTSTANDING, kind=FUND).when(advances.write_off, at=day(4), by=REGULATOR, advance=1, reason="gone").then(
        written_off := WrittenOff(occurred_at=day(4), actor=REGULATOR, advance=1, amount=yuan("200.01"), reason="gone")
    )
    after = FUND.fold((*OUTSTANDING, written_off))
    assert (after.balance, dict(after.outstanding)) == (799_99, {})


def test_d4_a_fund_is_closed_with_nothing_outstanding() -> None:
    given(*OUTSTANDING, kind=FUND).when(keeping.close_fund, at=day(4), by=REGULATOR, reason="x").refused(
        "close-with-nothing-outstanding"
    )
