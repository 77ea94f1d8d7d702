"""Keeping a fund: opened by an office, paid into, closed when nothing is outstanding."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, assert_never

from pydantic import Field

from domain.action import action
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.fund.state import Fund, Status
from domain.rulebook.book import Rulebook
from domain.values import Actor, Money, OfficeId, Role, ShortText

OFFICE = frozenset({Role.REGULATOR})
#: More than an amount of money can hold.
_TOO_MUCH = 10**15 + 1


class Opened(Event):
    """An office opened a fund."""

    name = "fund.opened"

    title: ShortText
    office_id: OfficeId
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class PaidIn(Event):
    """Money came in: from whom, and how the payment can be found. ``balance`` is what the fund has after it."""

    name = "fund.paid_in"

    contributor: ShortText
    amount: Money
    reference: ShortText
    balance: Money


class Closed(Event):
    """The fund advances nothing any more. ``balance`` is what was left in it."""

    name = "fund.closed"

    reason: ShortText
    balance: Money


KeepingEvent = Opened | PaidIn | Closed


def evolve(state: Fund, event: KeepingEvent) -> Fund:
    state = state.happened(event.occurred_at)
    match event:
        case Opened():
            return replace(state, status=Status.OPEN, currency=event.currency)
        case PaidIn():
            return replace(state, paid_in=state.paid_in + event.amount.fen)
        case Closed():
            return replace(state, status=Status.CLOSED)
        case _:
            assert_never(event)


def check_amount(state: Fund, amount: Money) -> None:
    """Raise InvalidInput for no money, or money of another currency than the fund's."""
    if amount.fen == 0:
        raise InvalidInput("nothing was paid", hint="give the amount that was")
    if amount.currency != state.currency:
        raise InvalidInput(f"the fund is kept in {state.currency}, not {amount.currency}", hint="use its currency")


@action("fund-opened-once", roles=OFFICE, during=(Status.NONE,), to=Status.OPEN)
def open_fund(
    state: Fund,
    *,
    at: datetime,
    by: Actor,
    title: ShortText,
    office_id: OfficeId,
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "CNY",
) -> list[KeepingEvent]:
    """Open a fund of an office, which advances to consumers what others have to pay them."""
    return [Opened(occurred_at=at, actor=by, title=title, office_id=office_id, currency=currency)]


@action("pay-into-an-open-fund", roles=OFFICE, during=(Status.OPEN,))
def pay_in(
    state: Fund, *, at: datetime, by: Actor, contributor: ShortText, amount: Money, reference: ShortText
) -> list[KeepingEvent]:
    """Record money that came in: from whom (a name, or the id of a merchant or platform), with its reference."""
    check_amount(state, amount)
    if state.paid_in + amount.fen >= _TOO_MUCH:
        raise InvalidInput(f"a fund holds no {amount} more", hint="check the amount")
    return [
        PaidIn(
            occurred_at=at,
            actor=by,
            contributor=contributor,
            amount=amount,
            reference=reference,
            balance=state.money(state.balance + amount.fen),
        )
    ]


def _outstanding(state: Fund, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if not state.outstanding:
        return None
    return RuleViolation(
        "close-with-nothing-outstanding",
        f"{state.money(sum(state.outstanding.values()))} of {len(state.outstanding)} advances are outstanding",
        hint="recover them or write them off first",
    )


@action("close-with-nothing-outstanding", roles=OFFICE, during=(Status.OPEN,), to=Status.CLOSED, unless=_outstanding)
def close_fund(state: Fund, *, at: datetime, by: Actor, reason: ShortText) -> list[KeepingEvent]:
    """Close a fund of which no advance is outstanding."""
    return [Closed(occurred_at=at, actor=by, reason=reason, balance=state.money(state.balance))]
