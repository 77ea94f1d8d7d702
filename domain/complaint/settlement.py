"""How it is settled: outcomes that compose, their performance to the fen, judicial confirmation."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal, assert_never

from pydantic import Field

from domain.complaint.action import CONSUMER_SIDE, NEUTRAL, RESPONDENTS, action
from domain.complaint.clocks import ended, rules_of, start
from domain.complaint.state import (
    Clock,
    Complaint,
    Deadline,
    Outcome,
    OutcomeKind,
    PendingAdvance,
    Settlement,
    Status,
    Way,
)
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.rulebook.book import Rulebook, TermName
from domain.values import Actor, FundId, Money, Role, ShortText, TimePrecision

MONEY = frozenset(
    {
        OutcomeKind.PARTIAL_REFUND,
        OutcomeKind.FULL_REFUND,
        OutcomeKind.COMPENSATION,
        OutcomeKind.PUNITIVE_DAMAGES,
    }
)
REFUNDS = frozenset({OutcomeKind.PARTIAL_REFUND, OutcomeKind.FULL_REFUND})
Basis = Literal["relief_granted", "agreement", "consumer_confirmed", "decision", "award", "judgment", "policy"]


class Resolved(Event):
    """The consumer got what settles the matter.

    ``recovered`` is money that has come back already; ``terms`` is what is still to be performed, each item on its own.
    """

    name = "complaint.resolved"

    basis: Basis
    recovered: Money | None = None
    precision: TimePrecision = TimePrecision.INSTANT
    way: Way | None = None
    terms: tuple[Outcome, ...] | None = None
    clocks: tuple[Clock, ...] | None = None


class Performed(Event):
    """An item of the terms was performed, or a part of its amount. ``complete``: nothing is left of all the terms.

    ``advanced_by``: the fund that paid in place of the payer, who owes it now.
    """

    name = "complaint.performed"

    item: Annotated[int, Field(ge=0)]
    kind: OutcomeKind
    amount: Money | None = None
    payer: ShortText
    reference: ShortText | None = None
    complete: bool
    advanced_by: FundId | None = None


class JudiciallyConfirmed(Event):
    """A court confirmed the mediated agreement, which can be enforced now."""

    name = "complaint.judicially_confirmed"

    court: ShortText
    reference: ShortText


SettlementEvent = Resolved | Performed | JudiciallyConfirmed


def evolve(state: Complaint, event: SettlementEvent) -> Complaint:
    match event:
        case Resolved():
            terms = event.terms or ()
            state = state.recovering(event.recovered)
            state = ended(state, Status.RESOLVED, event.occurred_at, event.clocks)
            if not terms and not state.settlement.terms:
                return state
            settlement = replace(
                state.settlement,
                terms=terms,
                performed=(0,) * len(terms),
                done=frozenset(),
                mediated=event.way is Way.MEDIATION,
            )
            return state.changed(settlement=settlement)
        case Performed():
            old = state.settlement
            paid = list(old.performed)
            paid[event.item] += event.amount.fen if event.amount is not None else 0
            settlement = replace(old, performed=tuple(paid))
            if left_of(settlement, event.item) == 0:
                settlement = replace(settlement, done=old.done | {event.item})
            over = frozenset({Deadline.PERFORMANCE}) if event.complete else frozenset()
            if event.kind is not OutcomeKind.PUNITIVE_DAMAGES:
                state = state.recovering(event.amount)
            return state.with_clocks((), over, settlement=settlement)
        case JudiciallyConfirmed():
            return state.changed(settlement=replace(state.settlement, confirmed=True))
        case _:
            assert_never(event)


def left_of(settlement: Settlement, item: int) -> int:
    """Return how much of an item is still to be paid; 0 for one without an amount."""
    amount = settlement.terms[item].amount
    return 0 if amount is None else amount.fen - settlement.performed[item]


def check_terms(state: Complaint, terms: tuple[Outcome, ...]) -> None:
    """Raise InvalidInput for terms that make no sense together, or not in this case.

    Who pays is the merchant or a respondent; refunds together are no more than the order's amount, where it is known.
    """
    if not terms:
        raise InvalidInput("there are no terms", hint="name at least one outcome")
    for outcome in terms:
        if (outcome.amount is None) == (outcome.kind in MONEY):
            needs = "needs an amount" if outcome.kind in MONEY else "carries no money"
            raise InvalidInput(f"{outcome.kind} {needs}", hint="give an amount with refunds and damages only")
        if outcome.amount is not None and outcome.amount.fen == 0:
            raise InvalidInput(f"{outcome.kind} of nothing", hint="leave it out")
        if outcome.payer is not None and outcome.amount is None:
            raise InvalidInput(f"{outcome.kind} is not paid by anybody", hint="leave out the payer")
    kinds = [outcome.kind for outcome in terms]
    if OutcomeKind.FULL_REFUND in kinds and (
        OutcomeKind.PARTIAL_REFUND in kinds or kinds.count(OutcomeKind.FULL_REFUND) > 1
    ):
        raise InvalidInput("besides a full refund there is nothing to refund", hint="choose one")
    parties = {"merchant", *(party for party, _ in state.respondents)}
    for outcome in terms:
        if outcome.payer is not None and outcome.payer not in parties:
            raise InvalidInput(f"the {outcome.payer} is no respondent", hint="add it as one first")
    refunds = [outcome.amount for outcome in terms if outcome.kind in REFUNDS and outcome.amount is not None]
    paid = state.paid
    refunded = sum(amount.fen for amount in refunds if paid is not None and amount.currency == paid.currency)
    if paid is not None and refunded > paid.fen:
        raise InvalidInput(
            f"refunds of {Money(fen=refunded, currency=paid.currency)} are more than the {paid} that were paid",
            hint="what is beyond that is compensation",
        )
    if len({outcome.amount.currency for outcome in terms if outcome.amount is not None}) > 1:
        raise InvalidInput("the terms mix currencies", hint="use one")


_IMPOSED: dict[Way, Basis] = {Way.ADJUDICATION: "decision", Way.ARBITRATION: "award", Way.LITIGATION: "judgment"}


def agreed(
    state: Complaint,
    terms: tuple[Outcome, ...],
    at: datetime,
    by: Actor,
    book: Rulebook,
    *,
    way: Way,
    imposed: bool = False,
) -> Resolved:
    """Settle by ``terms``, agreed in the course of ``way`` or imposed by it; the term of performance begins."""
    clocks = start(Deadline.PERFORMANCE, TermName.PERFORMANCE, rules_of(state, book, at), at, book.calendar)
    basis: Basis = _IMPOSED[way] if imposed else "agreement"
    return Resolved(occurred_at=at, actor=by, basis=basis, way=way, terms=terms, clocks=clocks or None)


@action(
    "resolve-once-routed",
    roles=CONSUMER_SIDE | NEUTRAL,
    during=(
        Status.ROUTED,
        Status.ANSWERED,
        Status.RECEIVED,
        Status.ACCEPTED,
        Status.MEDIATING,
        Status.ADJUDICATING,
    ),
    to=Status.RESOLVED,
)
def resolve(
    state: Complaint,
    *,
    at: datetime,
    by: Actor,
    basis: Literal["relief_granted", "agreement", "consumer_confirmed"],
    recovered: Money | None = None,
    precision: TimePrecision = TimePrecision.INSTANT,
) -> list[SettlementEvent]:
    """Record that the matter is settled and performed. The merchant alone cannot say so."""
    return [Resolved(occurred_at=at, actor=by, basis=basis, recovered=recovered, precision=precision)]


@action(
    "settle-by-agreement",
    roles=NEUTRAL,
    during=(Status.ROUTED, Status.ANSWERED, Status.ACCEPTED, Status.MEDIATING, Status.ADJUDICATING),
    to=Status.RESOLVED,
)
def settle(
    state: Complaint, *, at: datetime, by: Actor, book: Rulebook, terms: tuple[Outcome, ...]
) -> list[SettlementEvent]:
    """Record the agreement of both parties, as who heard both; what is agreed has to be performed within its term."""
    check_terms(state, terms)
    return [agreed(state, terms, at, by, book, way=way_of(state))]


def way_of(state: Complaint) -> Way:
    """Return the way in which it is being settled."""
    if state.status is Status.ADJUDICATING:
        return state.settlement.way
    return Way.MEDIATION if state.status is Status.MEDIATING else Way.NEGOTIATION


def _to_perform(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    left = set(range(len(state.settlement.terms))) - state.settlement.done
    if not left:
        return RuleViolation("perform-what-was-agreed", "nothing is left to perform", hint="settle on terms first")
    if (awaited := state.advance_pending(min(left))) is not None and all(map(state.advance_pending, left)):
        return advance_pending(awaited)
    return None


def advance_pending(awaited: PendingAdvance) -> RuleViolation:
    """Refuse what would pay twice: the fund may have paid by now."""
    return RuleViolation(
        "advance-pending",
        f"{awaited.fund_id} is asked to advance item {awaited.item}",
        hint=f"wait for its answer; who owes it pays {awaited.fund_id}, which records it as recovered",
    )


@action(
    "perform-what-was-agreed",
    roles=CONSUMER_SIDE | RESPONDENTS | NEUTRAL,
    during=(Status.RESOLVED,),
    unless=_to_perform,
)
def perform(
    state: Complaint,
    *,
    at: datetime,
    by: Actor,
    item: Annotated[int, Field(ge=0)],
    amount: Money | None = None,
    reference: ShortText | None = None,
) -> list[SettlementEvent]:
    """Record that an item of the terms was performed (counted from 0), or a part of its amount paid.

    ``reference`` is that of the payment. Raises RuleViolation when more is paid than was agreed.
    """
    settlement = state.settlement
    if item >= len(settlement.terms) or item in settlement.done:
        left = sorted(set(range(len(settlement.terms))) - settlement.done)
        raise InvalidInput(f"item {item} is not to be performed", hint=f"left are: {', '.join(map(str, left))}")
    if (awaited := state.advance_pending(item)) is not None:
        raise advance_pending(awaited)
    agreed_on = settlement.terms[item]
    if (amount is None) != (agreed_on.amount is None):
        raise InvalidInput(
            f"{agreed_on.kind} {'needs' if amount is None else 'carries no'} amount", hint="see the terms"
        )
    left_of_it = left_of(settlement, item)
    if amount is not None and agreed_on.amount is not None:
        if amount.currency != agreed_on.amount.currency:
            raise InvalidInput(f"agreed was {agreed_on.amount.currency}, not {amount.currency}", hint="use the same")
        if not 0 < amount.fen <= left_of_it:
            raise RuleViolation(
                "perform-no-more-than-agreed",
                f"{amount} is paid of what is left, {Money(fen=left_of_it, currency=amount.currency)}",
                hint="record what was agreed; anything beyond needs new terms",
            )
    if amount is not None and reference is None and by.role in RESPONDENTS:
        raise RuleViolation(
            "payment-with-reference",
            "who has to pay says that it was paid, but not how that can be found",
            hint="give the reference of the payment, or let the consumer confirm it",
        )
    return [performed(settlement, at, by, item, amount, reference)]


def performed(
    settlement: Settlement,
    at: datetime,
    by: Actor,
    item: int,
    amount: Money | None,
    reference: str | None,
    advanced_by: str | None = None,
) -> Performed:
    """Return that an item was performed, or a part of its amount paid, and whether nothing is left of all then."""
    agreed_on = settlement.terms[item]
    finished = amount is None or amount.fen == left_of(settlement, item)
    return Performed(
        occurred_at=at,
        actor=by,
        item=item,
        kind=agreed_on.kind,
        amount=amount,
        payer=agreed_on.payer or "merchant",
        reference=reference,
        complete=finished and len(settlement.done) + 1 == len(settlement.terms),
        advanced_by=advanced_by,
    )


def _confirmable(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if state.settlement.mediated and not state.settlement.confirmed:
        return None
    why = "it is confirmed already" if state.settlement.confirmed else "it was not agreed in mediation"
    return RuleViolation(
        "confirm-mediated-agreement",
        f"a court cannot confirm this: {why}",
        hint="only a mediated agreement is confirmed, once",
        source="Civil Procedure Law, art. 205",
    )


@action(
    "confirm-mediated-agreement",
    roles=NEUTRAL | CONSUMER_SIDE | {Role.MERCHANT},
    during=(Status.RESOLVED,),
    source="Civil Procedure Law, art. 205",
    unless=_confirmable,
)
def confirm_judicially(
    state: Complaint, *, at: datetime, by: Actor, court: ShortText, reference: ShortText
) -> list[SettlementEvent]:
    """Record that a court confirmed the mediated agreement."""
    return [JudiciallyConfirmed(occurred_at=at, actor=by, court=court, reference=reference)]
