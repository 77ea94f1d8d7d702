"""What is not paid by who has to, a protection fund can advance; it is owed to the fund then."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, assert_never

from pydantic import Field

from domain.complaint.action import CONSUMER_SIDE, OFFICE, action
from domain.complaint.clocks import in_force
from domain.complaint.settlement import Performed, left_of, performed
from domain.complaint.state import Complaint, Deadline, OutcomeKind, Payer, PendingAdvance, Status
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.rulebook.book import Authority, LimitName, Rulebook
from domain.values import Actor, FundId, Money, ShortText

Request = Annotated[int, Field(ge=1)]
Item = Annotated[int, Field(ge=0)]


class AdvanceRequested(Event):
    """A fund is asked to pay what is left of an item of the terms. ``request`` counts those of this complaint.

    ``payer`` has to pay the item, as the one whose id or name is ``debtor``, where that is known.
    """

    name = "complaint.advance_requested"

    request: Request
    item: Item
    kind: OutcomeKind
    amount: Money
    fund_id: FundId
    payer: Payer
    debtor: ShortText | None = None


class AdvancePaid(Event):
    """The fund paid, as its advance ``number``.

    ``performs``: that the item of the terms is performed by it follows; False where the case was reopened meanwhile,
    so that those terms stand no more and the money counts by itself.
    """

    name = "complaint.advance_paid"

    request: Request
    item: Item
    kind: OutcomeKind
    fund_id: FundId
    number: Annotated[int, Field(ge=1)]
    amount: Money
    performs: bool


class AdvanceRefused(Event):
    """The fund did not pay."""

    name = "complaint.advance_refused"

    request: Request
    item: Item
    fund_id: FundId
    reason: ShortText


AdvanceEvent = AdvanceRequested | AdvancePaid | AdvanceRefused


def evolve(state: Complaint, event: AdvanceEvent) -> Complaint:
    old = state.advances
    match event:
        case AdvanceRequested():
            one = PendingAdvance(event.item, event.kind, event.amount, event.fund_id, state.reopened)
            pending = {**old.pending, event.request: one}
            return state.changed(advances=replace(old, requested=event.request, pending=pending))
        case AdvancePaid():
            paid = {**old.paid, event.amount.currency: old.paid.get(event.amount.currency, 0) + event.amount.fen}
            state = state.changed(advances=replace(old, pending=_others(state, event.request), paid=paid))
            # Otherwise that it is performed by it follows.
            return state if event.performs else state.recovering(event.amount)
        case AdvanceRefused():
            return state.changed(advances=replace(old, pending=_others(state, event.request)))
        case _:
            assert_never(event)


def _others(state: Complaint, answered: int) -> dict[int, PendingAdvance]:
    return {request: one for request, one in state.advances.pending.items() if request != answered}


def _to_advance(state: Complaint) -> list[int]:
    """The items of which money is left that no fund was asked for. Punitive damages are no loss."""
    settlement = state.settlement
    return [
        item
        for item in range(len(settlement.terms))
        if settlement.terms[item].kind is not OutcomeKind.PUNITIVE_DAMAGES
        and left_of(settlement, item) > 0
        and state.advance_pending(item) is None
    ]


def _left_of_loss(state: Complaint, currency: str) -> int | None:
    lost = state.lost(currency)
    if lost is None:
        return None
    return max(lost - state.recovered.get(currency, 0) - state.advances.awaited(currency), 0)


def _left_of_cap(state: Complaint, currency: str, at: datetime, book: Rulebook) -> int | None:
    rules = in_force(book, Authority.SUPERVISION, state.region, at)
    cap = None if rules is None else rules.limits.get(LimitName.ADVANCE_CAP_FEN)
    if cap is None:
        return None
    return max(cap - state.advances.paid.get(currency, 0) - state.advances.awaited(currency), 0)


def _owed_by(state: Complaint, payer: str) -> str | None:
    """Return who has to pay, as far as anybody is known."""
    if payer == "merchant":
        return state.merchant_id or None
    if payer == "platform" and state.settlement.fraud:
        return state.settlement.fraud_on
    return next((party_id for party, party_id in state.respondents if party == payer), None)


def _not_to_be_advanced(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if not (Deadline.PERFORMANCE in state.missed or state.settlement.fraud):
        return RuleViolation(
            "advance-after-the-term",
            "the term of performance has not passed, and no fraud was verified",
            hint="wait for the payment until the term has passed",
        )
    if not (items := _to_advance(state)):
        return RuleViolation("advance-what-is-left", "no money is left to advance", hint="see what was performed")
    currency = _amount(state, items[0]).currency
    if _left_of_loss(state, currency) == 0:
        return RuleViolation(
            "advance-no-more-than-the-loss",
            "what came back or is being advanced makes up the whole loss",
            hint="what was agreed beyond it is paid by who has to",
        )
    if _left_of_cap(state, currency, at, book) == 0:
        return RuleViolation(
            "advance-within-the-cap",
            "as much was advanced as may be for one complaint",
            hint="what is left is paid by who has to",
        )
    return None


def _amount(state: Complaint, item: int) -> Money:
    amount = state.settlement.terms[item].amount
    assert amount is not None
    return amount


@action(
    "advance-what-is-left",
    roles=OFFICE | CONSUMER_SIDE,
    during=(Status.RESOLVED,),
    unless=_not_to_be_advanced,
)
def request_advance(
    state: Complaint, *, at: datetime, by: Actor, book: Rulebook, item: Item, fund_id: FundId
) -> list[AdvanceEvent]:
    """Ask a fund to advance what is left of an item of the terms (counted from 0) that was not paid in time.

    It is no more than what is left of the loss, and of the cap on all advances of one complaint.
    """
    if item not in (left := _to_advance(state)):
        raise InvalidInput(
            f"of item {item} nothing is to be advanced", hint=f"these can be: {', '.join(map(str, left))}"
        )
    agreed_on, currency = state.settlement.terms[item], _amount(state, item).currency
    bounds = (left_of(state.settlement, item), _left_of_loss(state, currency), _left_of_cap(state, currency, at, book))
    payer = agreed_on.payer or "merchant"
    return [
        AdvanceRequested(
            occurred_at=at,
            actor=by,
            request=state.advances.requested + 1,
            item=item,
            kind=agreed_on.kind,
            amount=Money(fen=min(fen for fen in bounds if fen is not None), currency=currency),
            fund_id=fund_id,
            payer=payer,
            debtor=_owed_by(state, payer),
        )
    ]


def advance_paid(
    state: Complaint, *, at: datetime, by: Actor, request: int, fund_id: FundId, number: int, amount: Money
) -> list[AdvanceEvent | Performed]:
    """Record that the fund paid what it was asked for, which performs the item; nothing for what is not pending."""
    if (asked := state.advances.pending.get(request)) is None:
        return []
    performs = state.status is Status.RESOLVED and asked.round == state.reopened
    paid = AdvancePaid(
        occurred_at=at,
        actor=by,
        request=request,
        item=asked.item,
        kind=asked.kind,
        fund_id=fund_id,
        number=number,
        amount=amount,
        performs=performs,
    )
    if not performs:
        return [paid]
    return [paid, performed(state.settlement, at, by, asked.item, amount, f"{fund_id}#{number}", fund_id)]


def advance_refused(
    state: Complaint, *, at: datetime, by: Actor, request: int, reason: ShortText
) -> list[AdvanceEvent]:
    """Record that the fund did not pay; nothing for what is not pending."""
    if (asked := state.advances.pending.get(request)) is None:
        return []
    return [
        AdvanceRefused(occurred_at=at, actor=by, request=request, item=asked.item, fund_id=asked.fund_id, reason=reason)
    ]
