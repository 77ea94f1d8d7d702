"""Who acts on a complaint, and for which party."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from domain import action as general
from domain.action import Action, Decision, Refusal
from domain.complaint.state import RequestKind, Side, Status
from domain.errors import InvalidInput, RuleViolation
from domain.values import Actor, Role

CONSUMER_SIDE = frozenset({Role.CONSUMER, Role.AGENT, Role.LAWYER})
MERCHANT_SIDE = frozenset({Role.MERCHANT})
#: Who can have to pay: nobody but the merchant answers for it, or binds it.
RESPONDENTS = MERCHANT_SIDE | {Role.PLATFORM, Role.PAYMENT_PROVIDER}
PARTIES = CONSUMER_SIDE | MERCHANT_SIDE
OFFICE = frozenset({Role.REGULATOR})
NEUTRAL = frozenset({Role.MEDIATOR, Role.REGULATOR, Role.ADJUDICATOR})


def action(
    rule: str,
    *,
    roles: Iterable[Role],
    during: Iterable[Status],
    to: Status | tuple[Status, ...] = (),
    kinds: Iterable[RequestKind] = (RequestKind.COMPLAINT,),
    source: str = "",
    unless: Refusal | None = None,
) -> Callable[[Decision], Action]:
    """Make an action on a complaint of a decision, or on a request of other kinds; its name is that of the function."""
    return general.action(rule, roles=roles, during=during, to=to, kinds=kinds, source=source, unless=unless)


def side_of(actor: Actor) -> Side:
    """Return for which party an actor stands; raises RuleViolation for who is no party."""
    if actor.role in CONSUMER_SIDE:
        return Side.CONSUMER
    if actor.role in MERCHANT_SIDE:
        return Side.MERCHANT
    raise RuleViolation(
        "party-only", f"a {actor.role} is no party to this", hint="act as the consumer, the merchant or their agent"
    )


def acting_side(actor: Actor, side: Side | None) -> Side:
    """Return for which party an actor stands; a service says it with ``side``. Raises InvalidInput, RuleViolation."""
    if actor.role is Role.SERVICE:
        if side is None:
            raise InvalidInput("a service acts for one of the parties", hint="say for which: consumer or merchant")
        return side
    own = side_of(actor)
    if side not in (None, own):
        raise InvalidInput(f"a {actor.role} cannot act for the {side}", hint="leave out the side")
    return own
