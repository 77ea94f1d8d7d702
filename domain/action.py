"""What an action on a stream is: who may take it and when, and the decision behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from inspect import signature
from typing import Any, Protocol

from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.rulebook.book import Rulebook
from domain.values import Actor, Role, format_instant

#: The status of a stream before its first event.
NONE = "none"


class Stateful(Protocol):
    """What the state of a stream tells of itself.

    ``status``: where it stands, ``none`` before the first event; ``kind``: what it is called in an error, such as
    ``report``; ``since``: nothing can have happened before that time, with ``since_what`` as the reason.
    """

    @property
    def status(self) -> StrEnum: ...
    @property
    def kind(self) -> str: ...
    @property
    def since(self) -> datetime | None: ...
    @property
    def since_what(self) -> str: ...


#: Decides on a state: ``decide(state, at=, by=, [book=,] **arguments)``.
Decision = Callable[..., Sequence[Event]]
#: Why an action is not legal in a state at a time, whatever its arguments; None when it is.
Refusal = Callable[[Any, datetime, Actor, Rulebook], RuleViolation | None]


@dataclass(frozen=True, slots=True)
class Action:
    """A command on a stream. A service may take any; the others those of their role.

    ``during``: the statuses in which it is legal; ``to``: those that it can lead to (none: the status stays);
    ``kinds``: of what kind the stream must be, where a stream can be of several (none: of any).
    ``refusal`` says more about the state, where the status is not enough.
    """

    name: str
    decide: Decision
    rule: str
    roles: frozenset[Role]
    during: frozenset[StrEnum]
    to: tuple[StrEnum, ...]
    kinds: frozenset[str]
    source: str
    refusal: Refusal | None
    takes_book: bool

    @property
    def said(self) -> str:
        """The name as words."""
        return self.name.replace("_", " ")

    @property
    def begins(self) -> bool:
        """Whether it begins a stream."""
        return NONE in self.during

    def illegal(self, state: Stateful, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
        """Return why nobody with the role of ``by`` may take it now, whatever the arguments; None when he may."""
        begun = state.status != NONE
        if state.status not in self.during:
            where = " or ".join(sorted(_said(status) for status in self.during))
            return RuleViolation(
                self.rule,
                f"{self.said}: this is not legal for a {state.kind} that is {_said(state.status)}"
                + ("" if begun else " yet"),
                hint="begin another" if self.begins else f"it would have to be {where}",
                source=self.source,
            )
        if begun and self.kinds and state.kind not in self.kinds:
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
                f"{self.said}: this is not for the role {by.role}",
                hint=f"it is for: {', '.join(sorted(self.roles)) or 'services'}",
                source=self.source,
            )
        return None if self.refusal is None else self.refusal(state, at, by, book)

    def __call__(self, state: Stateful, *, at: datetime, by: Actor, book: Rulebook, **arguments: Any) -> list[Any]:
        """Decide. Raises RuleViolation, InvalidInput."""
        if (refused := self.illegal(state, at, by, book)) is not None:
            raise refused
        since = state.since
        if since is not None and at < since:
            raise InvalidInput(
                f"{format_instant(at)} is before {state.since_what} at {format_instant(since)}",
                hint="give the time at which it happened",
            )
        if self.takes_book:
            arguments["book"] = book
        return list(self.decide(state, at=at, by=by, **arguments))


def _said(status: StrEnum) -> str:
    return "not there" if status == NONE else status.replace("_", " ")


def action(
    rule: str,
    *,
    roles: Iterable[Role],
    during: Iterable[StrEnum],
    to: StrEnum | tuple[StrEnum, ...] = (),
    kinds: Iterable[str] = (),
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


def actions_of(*modules: Any) -> dict[str, Action]:
    """Return the actions that modules define themselves, by name, in their order."""
    return {
        found.name: found
        for module in modules
        for found in vars(module).values()
        if isinstance(found, Action) and found.decide.__module__ == module.__name__
    }


def first_of(*refusals: Refusal) -> Refusal:
    """Combine refusals; the first that applies is told."""

    def refuse(state: Any, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
        return next((found for one in refusals if (found := one(state, at, by, book)) is not None), None)

    return refuse
