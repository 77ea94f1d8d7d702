"""Alleged fraud: evidence within a day; once verified, the platform compensates the consumer in full."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from domain.action import first_of
from domain.complaint.action import CONSUMER_SIDE, MERCHANT_SIDE, OFFICE, acting_side, action
from domain.complaint.clocks import in_force, rules_of, start
from domain.complaint.settlement import Resolved, advance_pending
from domain.complaint.state import (
    OPEN,
    Clock,
    Complaint,
    Deadline,
    Fraud,
    Outcome,
    OutcomeKind,
    Side,
    Status,
    Way,
)
from domain.complaint.ways import not_final
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.rulebook.book import Authority, Rulebook, TermName
from domain.values import Actor, LongText, MerchantId, Money, PlatformId, Role, Sha256, ShortText

DURING = OPEN - {Status.VERIFYING, Status.CASE_FILED}


class FraudAlleged(Event):
    """The merchant is said to have defrauded the consumer on a platform; its evidence is awaited within a term."""

    name = "complaint.fraud_alleged"

    text: LongText
    platform_id: PlatformId
    merchant_id: MerchantId
    rule_set: ShortText | None = None
    clocks: tuple[Clock, ...] | None = None


class FraudEvidenceSubmitted(Event):
    """A party submitted evidence, by its digest."""

    name = "complaint.fraud_evidence_submitted"

    side: Side
    digest: Sha256
    what: ShortText


class FraudVerified(Event):
    """The fraud is verified; the platform compensates the consumer. ``legal_steps``: it goes to law besides.

    ``loss``: all that was lost, where it was found.
    """

    name = "complaint.fraud_verified"

    platform_id: PlatformId
    merchant_id: MerchantId
    reasons: LongText
    legal_steps: bool
    loss: Money | None = None


class FraudRejected(Event):
    """It is no fraud; the case goes on as it was."""

    name = "complaint.fraud_rejected"

    platform_id: PlatformId
    merchant_id: MerchantId
    reasons: LongText


FraudEvent = FraudAlleged | FraudEvidenceSubmitted | FraudVerified | FraudRejected


def evolve(state: Complaint, event: FraudEvent) -> Complaint:
    match event:
        case FraudAlleged():
            due = next((one.due for one in event.clocks or () if one.deadline is Deadline.EVIDENCE), None)
            return state.with_clocks(event.clocks, fraud=Fraud(event.platform_id, due))
        case FraudEvidenceSubmitted():
            if event.side is not Side.MERCHANT:
                return state
            over = frozenset({Deadline.EVIDENCE})
            return state.with_clocks((), over, fraud=replace(state.fraud, evidence_due=None))
        case FraudVerified():
            settlement = replace(
                state.settlement,
                way=Way.ADJUDICATION,
                decided=True,
                decision_published=False,
                publication_agreed=frozenset(),
                fraud_on=event.platform_id,
            )
            return state.changed(settlement=settlement, fraud=Fraud(), loss=event.loss or state.loss)
        case FraudRejected():
            return state.with_clocks((), frozenset({Deadline.EVIDENCE}), fraud=Fraud())
        case _:
            assert_never(event)


def _not_to_be_alleged(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if state.fraud.platform_id:
        return RuleViolation("allege-fraud-once", "fraud is alleged already", hint="wait for the decision")
    if not state.merchant_id:
        return RuleViolation("allege-fraud-of-a-merchant", "no merchant is known", hint="route the complaint first")
    return None


@action(
    "allege-fraud-while-open",
    roles=CONSUMER_SIDE | OFFICE | {Role.PLATFORM},
    during=DURING,
    unless=first_of(not_final, _not_to_be_alleged),
)
def allege_fraud(
    state: Complaint, *, at: datetime, by: Actor, book: Rulebook, text: LongText, platform_id: PlatformId
) -> list[FraudEvent]:
    """Say that the merchant defrauded the consumer on a platform; the merchant's evidence is due within a day."""
    rules = in_force(book, Authority.SUPERVISION, state.region, at)
    clocks = start(Deadline.EVIDENCE, TermName.EVIDENCE, rules, at, book.calendar)
    return [
        FraudAlleged(
            occurred_at=at,
            actor=by,
            text=text,
            platform_id=platform_id,
            merchant_id=state.merchant_id,
            rule_set=rules.id if rules is not None and clocks else None,
            clocks=clocks or None,
        )
    ]


def _not_alleged(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if state.fraud.platform_id:
        return None
    return RuleViolation("fraud-that-is-alleged", "no fraud is alleged", hint="allege it first")


@action("fraud-that-is-alleged", roles=CONSUMER_SIDE | MERCHANT_SIDE, during=DURING, unless=_not_alleged)
def submit_evidence(
    state: Complaint, *, at: datetime, by: Actor, digest: Sha256, what: ShortText, side: Side | None = None
) -> list[FraudEvent]:
    """Submit evidence on an alleged fraud, by its SHA-256; that of the merchant is awaited, and may still come late."""
    return [FraudEvidenceSubmitted(occurred_at=at, actor=by, side=acting_side(by, side), digest=digest, what=what)]


def _evidence_awaited(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    due = state.fraud.evidence_due
    if due is None or at > due:
        return None
    return RuleViolation(
        "verify-fraud-on-evidence", "the merchant may still submit evidence", hint="wait until the term has passed"
    )


@action(
    "verify-fraud-on-evidence",
    roles=OFFICE | {Role.PLATFORM, Role.ADJUDICATOR},
    during=DURING,
    to=Status.RESOLVED,
    unless=first_of(not_final, _not_alleged, _evidence_awaited),
)
def verify_fraud(
    state: Complaint,
    *,
    at: datetime,
    by: Actor,
    book: Rulebook,
    verified: bool,
    reasons: LongText,
    legal_steps: bool = False,
    loss: Money | None = None,
) -> list[FraudEvent | Resolved]:
    """Decide on an alleged fraud, with reasons. Once it is verified, the platform compensates the consumer in full.

    What has come back already is not paid again, nor is it decided while a fund may still pay.
    ``loss``: all that the consumer lost, where price and claim do not say it. ``legal_steps``: it goes to law besides.
    """
    if not reasons.strip():
        raise RuleViolation("fraud-with-reasons", "there is no decision without reasons", hint="give them")
    platform_id, merchant_id = state.fraud.platform_id, state.merchant_id
    if not verified:
        if legal_steps or loss is not None:
            raise InvalidInput("nothing follows from what is no fraud", hint="leave out legal_steps and loss")
        return [
            FraudRejected(occurred_at=at, actor=by, platform_id=platform_id, merchant_id=merchant_id, reasons=reasons)
        ]
    if state.advances.pending:
        raise advance_pending(next(iter(state.advances.pending.values())))
    terms = full_compensation(state, loss)
    clocks = start(Deadline.PERFORMANCE, TermName.PERFORMANCE, rules_of(state, book, at), at, book.calendar)
    return [
        FraudVerified(
            occurred_at=at,
            actor=by,
            platform_id=platform_id,
            merchant_id=merchant_id,
            reasons=reasons,
            legal_steps=legal_steps,
            loss=loss,
        ),
        Resolved(
            occurred_at=at,
            actor=by,
            basis="decision",
            way=Way.ADJUDICATION,
            terms=terms or None,
            clocks=(clocks or None) if terms else None,
        ),
    ]


def full_compensation(state: Complaint, loss: Money | None) -> tuple[Outcome, ...]:
    """Return what a platform has to pay: what has not come back of the price, and of what was lost beyond it.

    Raises InvalidInput where price, claim and loss are unknown, or in different currencies.
    """
    price, whole = state.paid, loss or state.loss or state.in_dispute
    if price is not None and whole is not None and price.currency != whole.currency:
        raise InvalidInput(
            f"the price was paid in {price.currency}, the loss is in {whole.currency}",
            hint=f"give the whole loss in {price.currency}",
        )
    refund, most = (0 if one is None else one.fen for one in (price, whole))
    if state.members and whole is not None:
        # Of a joint complaint the sum in dispute is all, and the price of one order is in it.
        refund = min(refund, most)
    known = price or whole
    if known is None or max(refund, most) == 0:
        raise InvalidInput("neither price nor claim is known", hint="give the whole loss")
    recovered = state.recovered.get(known.currency, 0)
    left = max(max(refund, most) - recovered, 0)
    refunded = max(refund - recovered, 0)
    amounts = (
        (OutcomeKind.PARTIAL_REFUND if recovered else OutcomeKind.FULL_REFUND, refunded),
        (OutcomeKind.COMPENSATION, left - refunded),
    )
    return tuple(
        Outcome(kind=kind, amount=Money(fen=fen, currency=known.currency), payer="platform")
        for kind, fen in amounts
        if fen
    )
