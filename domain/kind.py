"""What a kind of stream is: procedures, each with its events, how they change the state, and the actions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import ModuleType
from typing import Any, get_args

from domain.action import Action, actions_of
from domain.event import Event
from domain.rulebook.book import Rulebook
from domain.values import Actor

#: A module with ``evolve(state, event)`` and actions, and the events that it is about: a class, or a union of some.
Procedure = tuple[ModuleType, Any]


def _never(state: Any, *, at: datetime, book: Rulebook) -> list[Any]:
    return []


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of stream. ``topic`` is the name without any deployment's prefix.

    ``begin`` is the action that begins a stream, where people begin them; ``actions`` are those on one that exists.
    ``fall_due(state, at=, book=)`` returns what the passing of time alone has brought about by then,
    ``next_due(state)`` the last instant in time of the term that ends first; None for a kind without terms.
    """

    prefix: str
    topic: str
    new: Any
    evolve: Callable[[Any, Any], Any]
    events: tuple[type[Event], ...]
    procedure_of: Mapping[str, str]
    procedures: tuple[ModuleType, ...]
    begin: Action | None
    actions: Mapping[str, Action]
    fall_due: Callable[..., list[Any]]
    next_due: Callable[[Any], datetime | None] | None

    def fold(self, events: Iterable[Event]) -> Any:
        """Return the state after ``events``."""
        state = self.new
        for event in events:
            state = self.evolve(state, event)
        return state

    def act(
        self, action: Action, state: Any, *, at: datetime, by: Actor, book: Rulebook, **arguments: Any
    ) -> list[Any]:
        """Return what had fallen due by ``at``, followed by what the action itself decides.

        So a late answer comes behind the deadline that it missed, whether or not anybody had noticed that before.
        Raises RuleViolation, InvalidInput.
        """
        due = self.fall_due(state, at=at, book=book)
        for event in due:
            state = self.evolve(state, event)
        return due + action(state, at=at, by=by, book=book, **arguments)

    def legal_actions(self, state: Any, *, at: datetime, by: Actor, book: Rulebook) -> list[str]:
        """Return the names of the actions that somebody in the role of ``by`` may take, in the order of a life."""
        for event in self.fall_due(state, at=at, book=book):
            state = self.evolve(state, event)
        return [
            name
            for name, action in self.actions.items()
            if state.status in action.during and action.illegal(state, at, by, book) is None
        ]


def kind(
    prefix: str,
    topic: str,
    new: Any,
    *procedures: Procedure,
    unlisted: frozenset[str] = frozenset(),
    fall_due: Callable[..., list[Any]] = _never,
    next_due: Callable[[Any], datetime | None] | None = None,
) -> Kind:
    """Make a kind of stream of its procedures, in the order of a life; ``unlisted``: actions not for people."""
    by_event: dict[type[Event], Callable[[Any, Any], Any]] = {
        event: module.evolve for module, events in procedures for event in get_args(events) or (events,)
    }
    found = actions_of(*(module for module, _ in procedures))
    return Kind(
        prefix=prefix,
        topic=topic,
        new=new,
        evolve=lambda state, event: by_event[type(event)](state, event),
        events=tuple(by_event),
        procedure_of={
            event.name: module.__name__.rpartition(".")[2]
            for module, events in procedures
            for event in get_args(events) or (events,)
        },
        procedures=tuple(module for module, _ in procedures),
        begin=next((one for name, one in found.items() if one.begins and name not in unlisted), None),
        actions={name: one for name, one in found.items() if not one.begins and name not in unlisted},
        fall_due=fall_due,
        next_due=next_due,
    )
