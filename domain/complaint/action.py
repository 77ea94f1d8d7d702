"""What an action on a complaint is: who may take it and when, and the decision behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from inspect import signature
from typing import Any

from domain.complaint.state import Complaint, RequestKind, Side, Status
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.rulebook.book import Rulebook
from domain.values import Actor, Role, format_instant

CONSUMER_SIDE = frozenset({Role.CONSUMER, Role.AGENT, Role.LAWYER})
MERCHANT_SIDE = frozenset({Role.MERCHANT})
#: Who can have to pay: nobody but the merchant answers for it, or binds it.
RESPONDENTS = MERCHANT_SIDE | {Role.PLATFORM, Role.PAYMENT_PROVIDER}
PARTIES = CONSUMER_SIDE | MERCHANT_SIDE
OFFICE = frozenset({Role.REGULATOR})
NEUTRAL = frozenset({Role.MEDIATOR, Role.REGULATOR, Role.ADJUDICATOR})

#: Decides on a state: ``decide(state, at=, by=, [book=,] **arguments)``.
Decision = Callable[..., Sequence[Event]]
#: Why an action is not legal in a state at a time, whatever its arguments; None when it is.
Refusal = Callable[[Complaint, datetime, Actor, Rulebook], RuleViolation | None]


@dataclass(frozen=True, slots=True)
class Action:
    """A command on a complaint. A service may take any; the others those of their role.

    ``during``: the statuses in which it is legal; ``to``: those that it can lead to (none: the status stays).
    ``refusal`` says more about the state, where the status is not enough.
    """

    name: str
    decide: Decision
    rule: str
    roles: frozenset[Role]
    during: frozenset[Status]
    to: tuple[Status, ...]
    kinds: frozenset[RequestKind]
    source: str
    refusal: Refusal | None
    takes_book: bool

    @property
    def said(self) -> str:
        """The name as words."""
        return self.name.replace("_", " ")

    def illegal(self, state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
        """Return why nobody with the role of ``by`` may take it now, whatever the arguments; None when he may."""
        if state.status not in self.during:
            where = " or ".join(sorted("not filed" if s is Status.NONE else s.value for s in self.during))
            is_at = "not filed yet" if state.status is Status.NONE else state.status.value
            return RuleViolation(
                self.rule,
                f"{self.said}: this is not legal for a {state.kind} that is {is_at}",
                hint=f"it would have to be {where}",
                source=self.source,
            )
        if state.kind not in self.kinds and state.status is not Status.NONE:
            only = " or ".join(sorted(self.kinds))
            return RuleViolation(
                "kind-has-its-own-path",
                f"{self.said}: this is not for a {state.kind}",
                hint=f"it is for a {only}; a consumer who wants that files one",
                source=self.source,
            )
        if by.role not in self.roles and by.role is not Role.SERVICE:
            return RuleViolation(
                f"{self.rule}-by",
                f"{self.said}: this is not for a {by.role}",
                hint=f"it is for: {', '.join(sorted(self.roles))}",
                source=self.source,
            )
        return None if self.refusal is None else self.refusal(state, at, by, book)

    def __call__(self, state: Complaint, *, at: datetime, by: Actor, book: Rulebook, **arguments: Any) -> list[Any]:
        """Decide. Raises RuleViolation, InvalidInput."""
        if (refused := self.illegal(state, at, by, book)) is not None:
            raise refused
        if state.filed_at is not None and at < state.filed_at and not state.imported:
            raise InvalidInput(
                f"{format_instant(at)} is before the filing at {format_instant(state.filed_at)}",
                hint="give the time at which it happened",
            )
        if state.ended_at is not None and at < state.ended_at and not state.imported:
            raise InvalidInput(
                f"{format_instant(at)} is before the case ended at {format_instant(state.ended_at)}",
                hint="give the time at which it happened",
            )
        if self.takes_book:
            arguments["book"] = book
        return list(self.decide(state, at=at, by=by, **arguments))


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
    """Make an action of a decision; its name is that of the function."""

    def wrap(decide: Decision) -> Action:
        return Action(
            name=decide.__name__,
            decide=decide,
            rule=rule,
            roles=frozenset(roles),
            during=frozenset(during),
            to=to if isinstance(to, tuple) else (to,),
            kinds=frozenset(kinds),
            source=source,
            refusal=unless,
            takes_book="book" in signature(decide).parameters,
        )

    return wrap


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


def first_of(*refusals: Refusal) -> Refusal:
    """Combine refusals; the first that applies is told."""

    def refuse(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
        return next((found for one in refusals if (found := one(state, at, by, book)) is not None), None)

    return refuse
