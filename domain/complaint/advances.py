"""What the merchant does not pay, a protection fund can advance; the merchant owes it to the fund then."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, assert_never

from pydantic import Field

from domain.complaint.action import CONSUMER_SIDE, OFFICE, action
from domain.complaint.settlement import Performed, left_of, performed
from domain.complaint.state import Complaint, Deadline, OutcomeKind, PendingAdvance, Status
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.rulebook.book import Rulebook
from domain.values import Actor, FundId, MerchantId, Money, ShortText

Request = Annotated[int, Field(ge=1)]
Item = Annotated[int, Field(ge=0)]


class AdvanceRequested(Event):
    """A fund is asked to pay what is left of an item of the terms. ``request`` counts those of this complaint."""

    name = "complaint.advance_requested"

    request: Request
    item: Item
    kind: OutcomeKind
    amount: Money
    fund_id: FundId
    merchant_id: MerchantId | None = None


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
            one = PendingAdvance(event.item, event.kind, event.fund_id, state.reopened)
            pending = {**old.pending, event.request: one}
            return state._replace(advances=replace(old, requested=event.request, pending=pending))
        case AdvancePaid() | AdvanceRefused():
            pending = {request: one for request, one in old.pending.items() if request != event.request}
            return state._replace(advances=replace(old, pending=pending))
        case _:
            assert_never(event)


def _to_advance(state: Complaint) -> list[int]:
    """The items of which money is left that no fund was asked for."""
    settlement = state.settlement
    return [
        item
        for item in range(len(settlement.terms))
        if left_of(settlement, item) > 0 and not state.advance_pending(item)
    ]


def _not_to_be_advanced(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if not (Deadline.PERFORMANCE in state.missed or state.settlement.fraud):
        return RuleViolation(
            "advance-after-the-term",
            "the term of performance has not passed, and no fraud was verified",
            hint="wait for the payment until the term has passed",
        )
    if not _to_advance(state):
        return RuleViolation("advance-what-is-left", "no money is left to advance", hint="see what was performed")
    return None


@action(
    "advance-what-is-left",
    roles=OFFICE | CONSUMER_SIDE,
    during=(Status.RESOLVED,),
    unless=_not_to_be_advanced,
)
def request_advance(state: Complaint, *, at: datetime, by: Actor, item: Item, fund_id: FundId) -> list[AdvanceEvent]:
    """Ask a fund to advance what is left of an item of the terms (counted from 0) that was not paid in time."""
    if item not in (left := _to_advance(state)):
        raise InvalidInput(
            f"of item {item} nothing is to be advanced", hint=f"these can be: {', '.join(map(str, left))}"
        )
    agreed_on = state.settlement.terms[item]
    assert agreed_on.amount is not None
    return [
        AdvanceRequested(
            occurred_at=at,
            actor=by,
            request=state.advances.requested + 1,
            item=item,
            kind=agreed_on.kind,
            amount=agreed_on.amount.model_copy(update={"fen": left_of(state.settlement, item)}),
            fund_id=fund_id,
            merchant_id=state.merchant_id or None,
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
