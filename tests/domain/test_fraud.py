"""Alleged fraud: evidence within 24 hours, and a platform that compensates in full once it is verified."""

from __future__ import annotations

from typing import Any

import pytest

from domain.complaint import ending, fraud, publication, ways
from domain.complaint.fraud import FraudAlleged, FraudEvidenceSubmitted, FraudRejected, FraudVerified
from domain.complaint.jurisdiction import Sale
from domain.complaint.settlement import Resolved
from domain.complaint.state import Deadline, Fraud, Outcome, OutcomeKind, RequestKind, Side, Status, Way
from domain.event import Event
from domain.rulebook.book import EMPTY
from domain.streams import COMPLAINT
from domain.values import Actor, Money
from tests.domain.lives import (
    ALLEGED,
    DEFRAUDED,
    DIGEST,
    FILED,
    FROM_ORDER,
    PLATFORM_ID,
    RESOLVED,
    ROUTED,
    XIHU,
    clock,
    filing_step,
    lapsed,
    lived,
    missed,
    route_step,
    row_of,
    step,
    yuan,
)
from tests.domain.scenario import (
    ADJUDICATOR,
    CONSUMER,
    MEDIATOR,
    MERCHANT,
    MERCHANT_ID,
    PLATFORM,
    REGULATOR,
    SERVICE,
    day,
    given,
)

RULES = "supervision-2019"
ALLEGING: dict[str, Any] = {"text": "it never sent anything", "platform_id": PLATFORM_ID}
EVIDENCE: dict[str, Any] = {"digest": DIGEST, "what": "a waybill"}
PARTIES: dict[str, Any] = {"platform_id": PLATFORM_ID, "merchant_id": MERCHANT_ID}
SUBMITTED = lived(step(fraud.submit_evidence, day(1.5), MERCHANT, **EVIDENCE), since=ALLEGED)
VERIFY: dict[str, Any] = {"verified": True, "reasons": "the waybill is forged"}


def by_platform(kind: OutcomeKind, amount: str) -> Outcome:
    return Outcome(kind=kind, amount=yuan(amount), payer="platform")


@pytest.mark.parametrize("by", [CONSUMER, REGULATOR, PLATFORM], ids=lambda by: by.role)
def test_b6_an_alleged_fraud_asks_the_merchant_for_evidence_within_24_hours(by: Actor) -> None:
    given(*ROUTED).when(fraud.allege_fraud, at=day(1), by=by, **ALLEGING).then(
        FraudAlleged(
            occurred_at=day(1),
            actor=by,
            merchant_id=MERCHANT_ID,
            rule_set=RULES,
            clocks=(clock(Deadline.EVIDENCE, day(1), day(2), RULES),),
            **ALLEGING,
        )
    )


def test_b6_fraud_is_alleged_of_a_known_merchant_while_the_case_is_open_and_once_at_a_time() -> None:
    def alleging(history: tuple[Event, ...], by: Actor = CONSUMER) -> Any:
        return given(*history).when(fraud.allege_fraud, at=day(5), by=by, **ALLEGING)

    alleging(FILED).refused("allege-fraud-of-a-merchant")
    alleging(RESOLVED).refused("allege-fraud-while-open")
    alleging(ALLEGED).refused("allege-fraud-once")
    alleging(ROUTED, MERCHANT).refused("allege-fraud-while-open-by")


def test_b6_no_evidence_in_time_is_a_deadline_missed() -> None:
    assert missed(Deadline.EVIDENCE, day(2)) in lapsed(ALLEGED, day(2.01))
    assert missed(Deadline.EVIDENCE, day(2)) not in lapsed(SUBMITTED, day(2.01))


@pytest.mark.parametrize(("by", "side"), [(MERCHANT, None), (CONSUMER, None), (SERVICE, Side.MERCHANT)])
def test_b6_both_parties_submit_evidence_and_the_merchants_is_what_is_awaited(by: Actor, side: Side | None) -> None:
    own = side or Side(by.role.value)
    given(*ALLEGED).when(fraud.submit_evidence, at=day(1.5), by=by, side=side, **EVIDENCE).then(
        submitted := FraudEvidenceSubmitted(occurred_at=day(1.5), actor=by, side=own, **EVIDENCE)
    )
    after = COMPLAINT.fold((*ALLEGED, submitted))
    assert (after.clock(Deadline.EVIDENCE) is None) == (own is Side.MERCHANT)


def test_b6_late_evidence_comes_behind_the_deadline_that_it_missed() -> None:
    given(*ALLEGED).when(fraud.submit_evidence, at=day(2.5), by=MERCHANT, **EVIDENCE).then(
        missed(Deadline.EVIDENCE, day(2)),
        FraudEvidenceSubmitted(occurred_at=day(2.5), actor=MERCHANT, side=Side.MERCHANT, **EVIDENCE),
    )


def test_b6_evidence_is_for_parties_and_for_what_is_alleged() -> None:
    given(*ROUTED).when(fraud.submit_evidence, at=day(1), by=MERCHANT, **EVIDENCE).refused("fraud-that-is-alleged")
    given(*ALLEGED).when(fraud.submit_evidence, at=day(1), by=REGULATOR, **EVIDENCE).refused("fraud-that-is-alleged-by")
    given(*ROUTED).when(fraud.verify_fraud, at=day(5), by=PLATFORM, **VERIFY).refused("fraud-that-is-alleged")


def test_b6_nothing_is_decided_while_evidence_may_still_come() -> None:
    given(*ALLEGED).when(fraud.verify_fraud, at=day(2), by=PLATFORM, **VERIFY).refused("verify-fraud-on-evidence")
    given(*SUBMITTED).when(fraud.verify_fraud, at=day(1.6), by=CONSUMER, **VERIFY).refused(
        "verify-fraud-on-evidence-by"
    )
    given(*ALLEGED).when(fraud.verify_fraud, at=day(2.01), by=PLATFORM, verified=False, reasons="it was sent").then(
        missed(Deadline.EVIDENCE, day(2)),
        FraudRejected(occurred_at=day(2.01), actor=PLATFORM, reasons="it was sent", **PARTIES),
    )


def test_b6_without_rules_in_force_no_evidence_is_waited_for() -> None:
    alleged = lived(step(fraud.allege_fraud, day(1), CONSUMER, **ALLEGING), since=ROUTED, book=EMPTY)
    given(*alleged, book=EMPTY).when(fraud.verify_fraud, at=day(1), by=PLATFORM, verified=False, reasons="x").then(
        FraudRejected(occurred_at=day(1), actor=PLATFORM, reasons="x", **PARTIES)
    )


def test_b6_there_is_no_decision_without_reasons() -> None:
    given(*SUBMITTED).when(fraud.verify_fraud, at=day(2), by=PLATFORM, verified=True, reasons=" ").refused(
        "fraud-with-reasons"
    )
    given(*SUBMITTED).when(
        fraud.verify_fraud, at=day(2), by=PLATFORM, verified=False, reasons="x", legal_steps=True
    ).invalid("nothing follows")


@pytest.mark.parametrize("by", [REGULATOR, PLATFORM, ADJUDICATOR], ids=lambda by: by.role)
def test_b6_once_verified_the_platform_compensates_the_consumer_in_full(by: Actor) -> None:
    history = lived(
        route_step(),
        step(fraud.allege_fraud, day(1), CONSUMER, **ALLEGING),
        step(fraud.submit_evidence, day(1.5), MERCHANT, **EVIDENCE),
        since=lived(filing_step(order=FROM_ORDER[0].order, claim=yuan("250.50"))),  # type: ignore[attr-defined]
    )
    given(*history).when(fraud.verify_fraud, at=day(2), by=by, legal_steps=True, **VERIFY).then(
        FraudVerified(occurred_at=day(2), actor=by, reasons=VERIFY["reasons"], legal_steps=True, **PARTIES),
        Resolved(
            occurred_at=day(2),
            actor=by,
            basis="decision",
            way=Way.ADJUDICATION,
            terms=(
                by_platform(OutcomeKind.FULL_REFUND, "199.00"),
                by_platform(OutcomeKind.COMPENSATION, "51.50"),
            ),
            clocks=(clock(Deadline.PERFORMANCE, day(2), "2026-04-03", "samr-order-20"),),
        ),
    )


def test_b6_a_claim_below_the_price_is_in_the_price_and_without_a_price_the_claim_is_all() -> None:
    state = COMPLAINT.fold(SUBMITTED)
    paid = state._replace(paid=yuan("199.00"), claim=yuan("150.00"))
    assert fraud.full_compensation(paid, None) == (by_platform(OutcomeKind.FULL_REFUND, "199.00"),)
    unpaid = state._replace(paid=None, claim=yuan("150.00"))
    assert fraud.full_compensation(unpaid, None) == (by_platform(OutcomeKind.COMPENSATION, "150.00"),)
    joint = state._replace(paid=yuan("199.00"), claim=yuan("100.00"), members={"x": 50_00})
    assert fraud.full_compensation(joint, None) == (by_platform(OutcomeKind.FULL_REFUND, "150.00"),)
    loss = yuan("300.00")
    assert sum(one.amount.fen for one in fraud.full_compensation(paid, loss) if one.amount) == loss.fen


def test_b6_what_was_lost_is_told_where_neither_price_nor_claim_says_it() -> None:
    unknown = lived(
        route_step(),
        step(fraud.allege_fraud, day(1), CONSUMER, **ALLEGING),
        step(fraud.submit_evidence, day(1.5), MERCHANT, **EVIDENCE),
        since=lived(filing_step(claim=None)),
    )
    given(*unknown).when(fraud.verify_fraud, at=day(2), by=PLATFORM, **VERIFY).invalid("neither price nor claim")
    dollars = lived(step(fraud.submit_evidence, day(1.5), MERCHANT, **EVIDENCE), since=ALLEGED)
    state = COMPLAINT.fold(dollars)._replace(paid=Money.parse("9", "USD"))
    with pytest.raises(Exception, match="the price was paid in USD"):
        fraud.full_compensation(state, None)


def test_b6_what_is_no_fraud_leaves_the_case_as_it_was_and_can_be_alleged_again() -> None:
    rejected = lived(step(fraud.verify_fraud, day(2), PLATFORM, verified=False, reasons="it was sent"), since=SUBMITTED)
    assert COMPLAINT.fold(rejected) == COMPLAINT.fold(ROUTED)
    assert row_of(rejected) == row_of(ROUTED)
    assert lived(step(fraud.allege_fraud, day(3), CONSUMER, **ALLEGING), since=rejected) != rejected


def test_b6_d3_the_decision_is_published_like_any_of_a_platform() -> None:
    state, row = COMPLAINT.fold(DEFRAUDED), row_of(DEFRAUDED)
    assert (state.status, state.settlement.fraud, state.fraud) == (Status.RESOLVED, True, Fraud())
    assert (row.resolved, row.way) == (True, "adjudication")
    given(*DEFRAUDED).when(publication.publish_outcome, at=day(9), by=REGULATOR, text="the waybill was forged").then(
        publication.OutcomePublished(
            occurred_at=day(9), actor=REGULATOR, way=Way.ADJUDICATION, text="the waybill was forged"
        )
    )


def test_b6_a_fraud_that_was_not_decided_when_the_case_ended_is_alleged_anew_with_a_new_term() -> None:
    again = lived(
        step(ending.close, day(1.5), MEDIATOR, ground="no_agreement"),
        step(ending.reopen, day(4), CONSUMER, reason="it is fraud"),
        since=ALLEGED,
    )
    assert COMPLAINT.fold(again[:-1]).fraud == Fraud()
    given(*again).when(fraud.verify_fraud, at=day(5), by=PLATFORM, **VERIFY).refused("fraud-that-is-alleged")
    given(*again).when(fraud.allege_fraud, at=day(5), by=CONSUMER, **ALLEGING).then(
        FraudAlleged(
            occurred_at=day(5),
            actor=CONSUMER,
            merchant_id=MERCHANT_ID,
            rule_set=RULES,
            clocks=(clock(Deadline.EVIDENCE, day(5), day(6), RULES),),
            **ALLEGING,
        )
    )


def test_d1_b6_what_is_arbitrated_is_not_decided_as_fraud() -> None:
    arbitrated = lived(
        step(ways.agree_arbitration, day(2), CONSUMER),
        step(ways.agree_arbitration, day(2), MERCHANT),
        step(ways.refer_to_arbitration, day(2), CONSUMER, commission="CIETAC", reference="1"),
        since=SUBMITTED,
    )
    given(*arbitrated).when(fraud.verify_fraud, at=day(5), by=PLATFORM, **VERIFY).refused("arbitration-is-final")
    in_court = lived(
        step(ways.refer_to_court, day(2), CONSUMER, sale=Sale(delivered="otherwise", receipt_division=XIHU)),
        since=SUBMITTED,
    )
    assert given(*in_court).when(fraud.verify_fraud, at=day(5), by=PLATFORM, **VERIFY).error is None


def test_b6_only_a_complaint_tells_of_a_fraud_on_a_consumer() -> None:
    report = lived(filing_step(kind=RequestKind.REPORT))
    given(*report).when(fraud.allege_fraud, at=day(1), by=CONSUMER, **ALLEGING).refused("kind-has-its-own-path")
