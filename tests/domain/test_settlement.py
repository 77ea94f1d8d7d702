"""How it is settled: outcomes that compose, performance to the fen, judicial confirmation."""

from __future__ import annotations

from typing import Any

import pytest

from domain.complaint import ending, filing, mediation, negotiation, settlement
from domain.complaint.settlement import JudiciallyConfirmed, Performed, Resolved
from domain.complaint.state import Deadline, Outcome, OutcomeKind, Way
from domain.event import Event
from domain.values import Money
from tests.domain.lives import (
    ACCEPTED,
    ANSWERED,
    APOLOGY,
    FILED,
    MEDIATING,
    RECEIVED,
    REFUND,
    RESOLVED,
    RETURN,
    ROUTED,
    clock,
    lapsed,
    lived,
    missed,
    row_of,
    step,
    yuan,
)
from tests.domain.scenario import CONSUMER, MEDIATOR, MERCHANT, REGULATOR, day, given, on

DUE = clock(Deadline.PERFORMANCE, day(4), "2026-04-07", "samr-order-20")


def money(kind: OutcomeKind, amount: str, payer: str | None = None) -> Outcome:
    return Outcome(kind=kind, amount=yuan(amount), payer=payer)


@pytest.mark.parametrize(
    "terms",
    [
        (RETURN, REFUND),
        (Outcome(kind=OutcomeKind.EXCHANGE), APOLOGY),
        (Outcome(kind=OutcomeKind.REPAIR), money(OutcomeKind.COMPENSATION, "12.34")),
        (Outcome(kind=OutcomeKind.CONTRACT_ENDED), money(OutcomeKind.FULL_REFUND, "199.00")),
        (RETURN, money(OutcomeKind.FULL_REFUND, "199.00"), money(OutcomeKind.PUNITIVE_DAMAGES, "597.00"), APOLOGY),
    ],
    ids=lambda terms: "+".join(term.kind for term in terms),
)
def test_a8_outcomes_compose(terms: tuple[Outcome, ...]) -> None:
    given(*MEDIATING).when(settlement.settle, at=day(4), by=MEDIATOR, terms=terms).then(
        Resolved(occurred_at=day(4), actor=MEDIATOR, basis="agreement", way=Way.MEDIATION, terms=terms, clocks=(DUE,))
    )


def test_a8_no_agreement_is_an_outcome_too() -> None:
    given(*ANSWERED).when(ending.close, at=day(4), by=REGULATOR, ground="no_agreement").then(
        ending.Closed(occurred_at=day(4), actor=REGULATOR, ground="no_agreement")
    )


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ((), "no terms"),
        ((Outcome(kind=OutcomeKind.PARTIAL_REFUND),), "needs an amount"),
        ((money(OutcomeKind.APOLOGY, "1"),), "carries no money"),
        ((money(OutcomeKind.COMPENSATION, "0"),), "compensation of nothing"),
        ((Outcome(kind=OutcomeKind.REPAIR, payer="merchant"),), "not paid by anybody"),
        ((REFUND, money(OutcomeKind.FULL_REFUND, "199")), "nothing to refund"),
        (
            (REFUND, Outcome(kind=OutcomeKind.COMPENSATION, amount=Money(fen=1, currency="USD"))),
            "mix currencies",
        ),
    ],
)
def test_a8_terms_make_sense_together(terms: tuple[Outcome, ...], message: str) -> None:
    given(*MEDIATING).when(settlement.settle, at=day(4), by=MEDIATOR, terms=terms).invalid(message)


def test_c1_the_parties_settle_before_any_authority_steps_in() -> None:
    given(*ROUTED).when(settlement.settle, at=day(4), by=MEDIATOR, terms=(REFUND,)).then(
        Resolved(
            occurred_at=day(4), actor=MEDIATOR, basis="agreement", way=Way.NEGOTIATION, terms=(REFUND,), clocks=(DUE,)
        )
    )


def test_a8_no_party_alone_settles_for_both_and_the_merchant_does_not_resolve() -> None:
    given(*ROUTED).when(settlement.settle, at=day(4), by=MERCHANT, terms=(REFUND,)).refused("settle-by-agreement-by")
    given(*ROUTED).when(settlement.settle, at=day(4), by=CONSUMER, terms=(REFUND,)).refused("settle-by-agreement-by")
    given(*ROUTED).when(settlement.resolve, at=day(4), by=MERCHANT, basis="agreement").refused("resolve-once-routed-by")


@pytest.mark.parametrize("history", [FILED, RECEIVED, RESOLVED])
def test_a8_it_is_settled_while_somebody_settles_it(history: tuple[Event, ...]) -> None:
    given(*history).when(settlement.settle, at=day(5), by=MEDIATOR, terms=(REFUND,)).refused("settle-by-agreement")


@pytest.mark.parametrize("history", [ROUTED, ANSWERED, RECEIVED, ACCEPTED, MEDIATING])
def test_a7_the_consumer_confirms_what_has_come_back(history: tuple[Event, ...]) -> None:
    given(*history).when(
        settlement.resolve, at=day(4), by=CONSUMER, basis="consumer_confirmed", recovered=yuan("50.00")
    ).then(Resolved(occurred_at=day(4), actor=CONSUMER, basis="consumer_confirmed", recovered=yuan("50.00")))


def test_a8_nothing_is_resolved_before_anybody_has_it() -> None:
    given(*FILED).when(settlement.resolve, at=day(4), by=CONSUMER, basis="agreement").refused("resolve-once-routed")


def performed(item: int, kind: str, amount: str | None, complete: bool, payer: str = "merchant") -> Performed:
    return Performed(
        occurred_at=day(5),
        actor=CONSUMER,
        item=item,
        kind=OutcomeKind(kind),
        amount=yuan(amount) if amount is not None else None,
        payer=payer,
        complete=complete,
    )


def test_a7_what_was_agreed_is_performed_item_by_item_to_the_fen() -> None:
    given(*RESOLVED).when(settlement.perform, at=day(5), by=CONSUMER, item=0).then(performed(0, "return", None, False))
    given(*RESOLVED).when(settlement.perform, at=day(5), by=CONSUMER, item=1, amount=yuan("49.99")).then(
        performed(1, "partial_refund", "49.99", False)
    )
    nearly = lived(
        step(settlement.perform, day(5), CONSUMER, item=0),
        step(settlement.perform, day(5), CONSUMER, item=1, amount=yuan("49.99")),
        since=RESOLVED,
    )
    given(*nearly).when(settlement.perform, at=day(5), by=CONSUMER, item=1, amount=yuan("0.01")).then(
        performed(1, "partial_refund", "0.01", True)
    )


DONE = lived(
    step(settlement.perform, day(5), CONSUMER, item=0),
    step(settlement.perform, day(5), MERCHANT, item=1, amount=yuan("50.00"), reference="tx-1"),
    since=RESOLVED,
)


def test_a7_no_more_is_paid_than_was_agreed() -> None:
    given(*RESOLVED).when(settlement.perform, at=day(5), by=CONSUMER, item=1, amount=yuan("50.01")).refused(
        "perform-no-more-than-agreed"
    )
    given(*RESOLVED).when(settlement.perform, at=day(5), by=CONSUMER, item=1, amount=yuan("0")).refused(
        "perform-no-more-than-agreed"
    )
    given(*DONE).when(settlement.perform, at=day(5), by=CONSUMER, item=1, amount=yuan("0.01")).refused(
        "perform-what-was-agreed"
    )


@pytest.mark.parametrize(
    ("item", "amount", "message"),
    [
        (0, yuan("1"), "return carries no amount"),
        (1, None, "partial_refund needs amount"),
        (1, Money(fen=1, currency="USD"), "agreed was CNY"),
        (2, None, "item 2 is not to be performed: left are: 0, 1"),
    ],
)
def test_a7_what_is_performed_is_what_was_agreed(item: int, amount: Any, message: str) -> None:
    given(*RESOLVED).when(settlement.perform, at=day(5), by=CONSUMER, item=item, amount=amount).invalid(message)


def test_b17_who_has_to_pay_says_how_the_payment_is_found() -> None:
    given(*RESOLVED).when(settlement.perform, at=day(5), by=MERCHANT, item=1, amount=yuan("50.00")).refused(
        "payment-with-reference"
    )


def test_b17_only_a_respondent_pays_and_refunds_are_no_more_than_was_paid() -> None:
    by_provider = Outcome(kind=OutcomeKind.COMPENSATION, amount=yuan("10"), payer="payment_provider")
    given(*MEDIATING).when(settlement.settle, at=day(4), by=MEDIATOR, terms=(by_provider,)).invalid("no respondent")
    full = money(OutcomeKind.FULL_REFUND, "99")
    given(*MEDIATING).when(settlement.settle, at=day(4), by=MEDIATOR, terms=(full, full)).invalid("nothing to refund")


def test_a7_nothing_is_performed_without_an_agreement() -> None:
    given(*MEDIATING).when(settlement.perform, at=day(5), by=CONSUMER, item=0).refused("perform-what-was-agreed")
    confirmed = lived(step(settlement.resolve, day(4), CONSUMER, basis="consumer_confirmed"), since=ROUTED)
    given(*confirmed).when(settlement.perform, at=day(5), by=CONSUMER, item=0).refused("perform-what-was-agreed")


def test_a7_what_is_not_performed_in_30_days_is_missed_unless_it_was_complete() -> None:
    assert lapsed(RESOLVED, on("2026-04-08 00:00")) == (missed(Deadline.PERFORMANCE, "2026-04-07"),)
    assert lapsed(RESOLVED, on("2026-04-07 23:59")) == ()
    assert lapsed(DONE, on("2026-04-08 00:00")) == ()


PUNITIVE = lived(
    step(
        settlement.settle,
        day(4),
        MEDIATOR,
        terms=(money(OutcomeKind.FULL_REFUND, "199.00"), money(OutcomeKind.PUNITIVE_DAMAGES, "597.00")),
    ),
    step(settlement.perform, day(5), CONSUMER, item=0, amount=yuan("199.00")),
    step(settlement.perform, day(5), CONSUMER, item=1, amount=yuan("100.01")),
    since=MEDIATING,
)


def test_b15_punitive_damages_are_summed_apart_from_what_was_recovered() -> None:
    assert (row_of(PUNITIVE).recovered_fen, row_of(PUNITIVE).punitive_fen) == (19_900, 10_001)


def test_b17_the_payment_provider_pays_its_part_and_the_refund_reconciles_to_the_fen() -> None:
    terms = (
        money(OutcomeKind.PARTIAL_REFUND, "120.50"),
        money(OutcomeKind.COMPENSATION, "78.50", "payment_provider"),
    )
    agreed = lived(
        step(filing.add_respondent, day(4), CONSUMER, party="payment_provider", party_id="alipay"),
        step(settlement.settle, day(4), MEDIATOR, terms=terms),
        step(settlement.perform, day(5), CONSUMER, item=0, amount=yuan("120.50")),
        since=MEDIATING,
    )
    given(*agreed).when(settlement.perform, at=day(5), by=CONSUMER, item=1, amount=yuan("78.50")).then(
        performed(1, "compensation", "78.50", True, "payment_provider")
    )
    paid = lived(step(settlement.perform, day(5), CONSUMER, item=1, amount=yuan("78.50")), since=agreed)
    assert row_of(paid).recovered_fen == 19_900


COURT: dict[str, Any] = {"court": "Xihu District People's Court", "reference": "(2026) 0106-7"}


def test_d1_a_court_confirms_a_mediated_agreement_once() -> None:
    given(*RESOLVED).when(settlement.confirm_judicially, at=day(6), by=CONSUMER, **COURT).then(
        JudiciallyConfirmed(occurred_at=day(6), actor=CONSUMER, **COURT)
    )
    confirmed = lived(step(settlement.confirm_judicially, day(6), CONSUMER, **COURT), since=RESOLVED)
    given(*confirmed).when(settlement.confirm_judicially, at=day(6), by=CONSUMER, **COURT).refused(
        "confirm-mediated-agreement"
    )


def test_d1_what_was_agreed_without_mediation_is_not_confirmed() -> None:
    offered = lived(
        step(negotiation.offer, day(1), MERCHANT, terms=(REFUND,)),
        step(negotiation.accept_offer, day(2), CONSUMER),
        since=ROUTED,
    )
    given(*offered).when(settlement.confirm_judicially, at=day(6), by=CONSUMER, **COURT).refused(
        "confirm-mediated-agreement"
    )
    ended = lived(step(mediation.refuse_mediation, day(4), MERCHANT), since=MEDIATING)
    given(*ended).when(settlement.confirm_judicially, at=day(6), by=CONSUMER, **COURT).refused(
        "confirm-mediated-agreement"
    )


@pytest.mark.parametrize("text", ["-1", "1.234", "1e3", "", "１２", "1,000", " 1", ".5", "1.", "NaN"])
def test_a7_an_amount_is_a_plain_decimal_of_yuan_and_fen(text: str) -> None:
    with pytest.raises(Exception, match="is not an amount of money: write a number"):
        Money.parse(text)


@pytest.mark.parametrize(("text", "fen"), [("0", 0), ("12.5", 1250), ("12.50", 1250), ("0.01", 1), ("007", 700)])
def test_a7_an_amount_is_exact_to_the_fen(text: str, fen: int) -> None:
    assert Money.parse(text).fen == fen
