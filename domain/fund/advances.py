"""Advances: paid to consumers in place of who has to pay, recovered from these, or written off."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, assert_never

from pydantic import Field

from domain.action import action
from domain.complaint.state import Payer
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.fund.keeping import OFFICE, check_amount
from domain.fund.state import Fund, Status
from domain.rulebook.book import Rulebook
from domain.values import Actor, ComplaintId, Money, ShortText

Number = Annotated[int, Field(ge=1)]


class Shortfall(StrEnum):
    """Why a fund advances nothing."""

    BALANCE = "balance"
    CLOSED = "closed"
    CURRENCY = "currency"


class Advanced(Event):
    """The fund paid a consumer what is left of an item of the terms, in place of who has to pay it and owes it now.

    ``request`` is the number of the request of that complaint; ``balance`` what the fund has after it. ``debtor``: the
    id or the name of the ``payer``, where that is known.
    """

    name = "fund.advanced"

    number: Number
    complaint_id: ComplaintId
    request: Number
    item: Annotated[int, Field(ge=0)]
    amount: Money
    payer: Payer
    debtor: ShortText | None = None
    balance: Money


class AdvanceRefused(Event):
    """The fund does not advance what a complaint requested."""

    name = "fund.advance_refused"

    complaint_id: ComplaintId
    request: Number
    item: Annotated[int, Field(ge=0)]
    amount: Money
    reason: Shortfall


class Recovered(Event):
    """Who owes it paid back an advance, or a part of it. ``balance`` is what the fund has after it."""

    name = "fund.recovered"

    advance: Number
    amount: Money
    reference: ShortText
    balance: Money


class WrittenOff(Event):
    """What is left of an advance will not be recovered."""

    name = "fund.written_off"

    advance: Number
    amount: Money
    reason: ShortText


AdvanceEvent = Advanced | AdvanceRefused | Recovered | WrittenOff


def evolve(state: Fund, event: AdvanceEvent) -> Fund:
    state = state.happened(event.occurred_at)
    match event:
        case Advanced():
            return replace(
                state,
                advanced=state.advanced + event.amount.fen,
                advances=event.number,
                outstanding=state.outstanding.left(event.number, event.amount.fen),
            )
        case AdvanceRefused():
            return state
        case Recovered():
            left = state.outstanding[event.advance] - event.amount.fen
            return replace(
                state,
                recovered=state.recovered + event.amount.fen,
                outstanding=state.outstanding.left(event.advance, left),
            )
        case WrittenOff():
            return replace(state, outstanding=state.outstanding.left(event.advance, 0))
        case _:
            assert_never(event)


def advance(
    state: Fund,
    *,
    at: datetime,
    by: Actor,
    complaint_id: ComplaintId,
    request: int,
    item: int,
    amount: Money,
    payer: Payer,
    debtor: ShortText | None,
) -> list[AdvanceEvent]:
    """Advance what a complaint requested, or refuse it; nothing without a fund.

    Whoever carries out a request does so under a command of its own, so that each is answered once.
    """
    if state.status is Status.NONE:
        return []
    if (reason := _shortfall(state, amount)) is not None:
        return [
            AdvanceRefused(
                occurred_at=at,
                actor=by,
                complaint_id=complaint_id,
                request=request,
                item=item,
                amount=amount,
                reason=reason,
            )
        ]
    return [
        Advanced(
            occurred_at=at,
            actor=by,
            number=state.advances + 1,
            complaint_id=complaint_id,
            request=request,
            item=item,
            amount=amount,
            payer=payer,
            debtor=debtor,
            balance=state.money(state.balance - amount.fen),
        )
    ]


def _shortfall(state: Fund, amount: Money) -> Shortfall | None:
    if state.status is Status.CLOSED:
        return Shortfall.CLOSED
    if amount.currency != state.currency:
        return Shortfall.CURRENCY
    return Shortfall.BALANCE if amount.fen > state.balance else None


def _nothing_outstanding(state: Fund, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if state.outstanding:
        return None
    return RuleViolation("recover-what-is-outstanding", "no advance is outstanding", hint="nothing is to be recovered")


def _outstanding(state: Fund, number: int) -> int:
    if number not in state.outstanding:
        raise InvalidInput(
            f"nothing is outstanding of advance {number}",
            hint=f"outstanding are: {', '.join(map(str, sorted(state.outstanding)))}",
        )
    return state.outstanding[number]


@action("recover-what-is-outstanding", roles=OFFICE, during=(Status.OPEN,), unless=_nothing_outstanding)
def recover(
    state: Fund, *, at: datetime, by: Actor, advance: Number, amount: Money, reference: ShortText
) -> list[AdvanceEvent]:
    """Record what was paid back of an advance by who owes it, with the reference of the payment."""
    check_amount(state, amount)
    left = _outstanding(state, advance)
    if amount.fen > left:
        raise RuleViolation(
            "recover-no-more-than-advanced",
            f"{amount} is recovered of what is outstanding, {state.money(left)}",
            hint="what is beyond that is not the fund's",
        )
    return [
        Recovered(
            occurred_at=at,
            actor=by,
            advance=advance,
            amount=amount,
            reference=reference,
            balance=state.money(state.balance + amount.fen),
        )
    ]


@action("recover-what-is-outstanding", roles=OFFICE, during=(Status.OPEN,), unless=_nothing_outstanding)
def write_off(state: Fund, *, at: datetime, by: Actor, advance: Number, reason: ShortText) -> list[AdvanceEvent]:
    """Give up what is left of an advance, and say why. What comes back all the same is paid in."""
    left = state.money(_outstanding(state, advance))
    return [WrittenOff(occurred_at=at, actor=by, advance=advance, amount=left, reason=reason)]
