"""The whole life of a request: its events, how they change its state, and the actions on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from types import ModuleType
from typing import Any, get_args

from domain.complaint import (
    clocks,
    ending,
    filing,
    handling,
    mediation,
    negotiation,
    publication,
    reports,
    settlement,
    ways,
)
from domain.complaint.action import Action
from domain.complaint.clocks import TimeEvent
from domain.complaint.ending import EndingEvent
from domain.complaint.filing import FilingEvent
from domain.complaint.handling import HandlingEvent
from domain.complaint.mediation import MediationEvent
from domain.complaint.negotiation import NegotiationEvent
from domain.complaint.publication import PublicationEvent
from domain.complaint.reports import ReportEvent
from domain.complaint.settlement import SettlementEvent
from domain.complaint.state import Complaint
from domain.complaint.ways import WayEvent
from domain.event import Event
from domain.rulebook.book import Rulebook
from domain.values import CLOCK, Actor

ComplaintEvent = (
    FilingEvent
    | NegotiationEvent
    | HandlingEvent
    | MediationEvent
    | WayEvent
    | SettlementEvent
    | PublicationEvent
    | ReportEvent
    | EndingEvent
    | TimeEvent
)

#: The procedures, in the order of a life.
PROCEDURES = (filing, negotiation, handling, mediation, ways, settlement, publication, reports, ending)

_PARTS: tuple[tuple[ModuleType, Any], ...] = (
    (filing, FilingEvent),
    (negotiation, NegotiationEvent),
    (handling, HandlingEvent),
    (mediation, MediationEvent),
    (ways, WayEvent),
    (settlement, SettlementEvent),
    (publication, PublicationEvent),
    (reports, ReportEvent),
    (ending, EndingEvent),
    (clocks, TimeEvent),
)
#: The procedure that an event belongs to, by the event's name; ``clocks`` is what time alone does.
PROCEDURE_OF: dict[str, str] = {
    event.name: part.__name__.rpartition(".")[2] for part, events in _PARTS for event in get_args(events)
}
_EVOLVE: dict[type[Event], Callable[[Complaint, Any], Complaint]] = {
    event: part.evolve for part, events in _PARTS for event in get_args(events)
}

#: Every action on a request that exists, by name; ``file`` begins one.
ACTIONS: dict[str, Action] = {
    found.name: found
    for procedure in PROCEDURES
    for found in vars(procedure).values()
    if isinstance(found, Action) and found.decide.__module__ == procedure.__name__ and found is not filing.file
}
#: Those that a register of origin takes, and nobody else.
OF_A_REGISTER = frozenset({"correct", "miss_answer"})


def evolve(state: Complaint, event: ComplaintEvent) -> Complaint:
    """Return the state after ``event``. Checks nothing: what is in the ledger has happened."""
    return _EVOLVE[type(event)](state, event)


def fall_due(state: Complaint, *, at: datetime, by: Actor, book: Rulebook) -> list[ComplaintEvent]:
    """Return what has fallen due by ``at``, behind due times that a calendar published meanwhile revises."""
    revised = clocks.revise(state, at, by, book.calendar)
    for event in revised:
        state = evolve(state, event)
    return [*revised, *clocks.lapse(state, at, book)]


def act(
    action: Action, state: Complaint, *, at: datetime, by: Actor, book: Rulebook, **arguments: Any
) -> list[ComplaintEvent]:
    """Return what had fallen due by ``at``, followed by what the action itself decides.

    So a late answer comes behind the deadline that it missed, whether or not anybody had noticed that before. Raises
    RuleViolation, InvalidInput.
    """
    due = fall_due(state, at=at, by=CLOCK, book=book)
    for event in due:
        state = evolve(state, event)
    return due + action(state, at=at, by=by, book=book, **arguments)


def legal_actions(state: Complaint, *, at: datetime, by: Actor, book: Rulebook) -> list[str]:
    """Return the names of the actions that somebody in the role of ``by`` may take, in the order of a life."""
    for event in fall_due(state, at=at, by=CLOCK, book=book):
        state = evolve(state, event)
    return [
        name
        for name, action in ACTIONS.items()
        if state.status in action.during and name not in OF_A_REGISTER and action.illegal(state, at, by, book) is None
    ]
