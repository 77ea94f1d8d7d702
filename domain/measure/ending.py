"""How a measure is carried out and ends: payment, lifting, and the passing of its time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from domain.action import action, first_of
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.measure.state import Measure, Status
from domain.rulebook.book import Rulebook
from domain.values import CLOCK, Actor, Money, Role, ShortText

RUNNING = (Status.IN_FORCE, Status.CONTESTED)


class Paid(Event):
    """Something of a fine or a confiscation was paid. ``left`` is what is still due."""

    name = "measure.paid"

    amount: Money
    reference: ShortText
    left: Money


class Lifted(Event):
    """Who imposed the measure lifted it. That it was imposed can still be contested."""

    name = "measure.lifted"

    reason: ShortText


class Ended(Event):
    """The time of the measure is over. ``occurred_at`` is its last instant, however late noticed."""

    name = "measure.ended"


EndingEvent = Paid | Lifted | Ended


def evolve(state: Measure, event: EndingEvent) -> Measure:
    match event:
        case Paid():
            return replace(state, paid_fen=state.paid_fen + event.amount.fen)
        case Lifted() | Ended():
            # An appeal that is open goes on.
            return replace(state, over=True, status=Status.ENDED if state.contested_by is None else state.status)
        case _:
            assert_never(event)


def _over(state: Measure, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if state.over:
        return RuleViolation("lift-what-is-in-force", "this measure has ended already", hint="see its history")
    return None


def _not_who_imposed(state: Measure, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    role = Role.PLATFORM if state.by_platform else Role.REGULATOR
    if by.role in (role, Role.SERVICE):
        return None
    return RuleViolation(
        "lifted-by-who-imposed", f"a {by.role} did not impose this measure", hint=f"it is for a {role} to lift it"
    )


@action(
    "lift-what-is-in-force",
    roles=(Role.PLATFORM, Role.REGULATOR),
    during=RUNNING,
    to=Status.ENDED,
    unless=first_of(_over, _not_who_imposed),
)
def lift(state: Measure, *, at: datetime, by: Actor, reason: ShortText) -> list[EndingEvent]:
    """Lift a measure that one has imposed, before its time or without one."""
    return [Lifted(occurred_at=at, actor=by, reason=reason)]


def _nothing_due(state: Measure, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if state.left_fen == 0 or state.over:
        return RuleViolation("pay-what-is-due", "nothing is due", hint="see the history of the measure")
    return None


@action("pay-what-is-due", roles=(Role.MERCHANT, Role.PLATFORM, Role.REGULATOR), during=RUNNING, unless=_nothing_due)
def pay(state: Measure, *, at: datetime, by: Actor, amount: Money, reference: ShortText) -> list[EndingEvent]:
    """Record a payment on a fine or a confiscation, at most what is still due of it."""
    due = None if state.sanction is None else state.sanction.amount
    assert due is not None
    if amount.currency != due.currency or amount.fen == 0:
        raise InvalidInput(f"{amount} is no payment on {due}", hint=f"give an amount above zero, in {due.currency}")
    left = state.left_fen - amount.fen
    if left < 0:
        raise RuleViolation(
            "pay-what-is-due",
            f"{amount} is more than the {Money(fen=state.left_fen, currency=due.currency)} still due",
            hint="record at most what is due",
        )
    left_over = Money(fen=left, currency=due.currency)
    return [Paid(occurred_at=at, actor=by, amount=amount, reference=reference, left=left_over)]


def ended(until: datetime) -> list[EndingEvent]:
    """Return that the time of the measure is over."""
    return [Ended(occurred_at=until, actor=CLOCK)]
