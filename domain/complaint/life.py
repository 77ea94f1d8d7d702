"""The whole life of a request: its events, how they change its state, and the actions on it."""

from __future__ import annotations

from datetime import datetime

from domain.action import actions_of
from domain.complaint import (
    advances,
    clocks,
    ending,
    filing,
    fraud,
    handling,
    links,
    mediation,
    negotiation,
    publication,
    reports,
    settlement,
    ways,
)
from domain.complaint.advances import AdvanceEvent
from domain.complaint.clocks import TimeEvent
from domain.complaint.ending import EndingEvent
from domain.complaint.filing import FilingEvent
from domain.complaint.fraud import FraudEvent
from domain.complaint.handling import HandlingEvent
from domain.complaint.links import LinkEvent
from domain.complaint.mediation import MediationEvent
from domain.complaint.negotiation import NegotiationEvent
from domain.complaint.publication import PublicationEvent
from domain.complaint.reports import ReportEvent
from domain.complaint.settlement import SettlementEvent
from domain.complaint.state import NEW, Complaint
from domain.complaint.ways import WayEvent
from domain.kind import kind
from domain.rulebook.book import Rulebook
from domain.values import CLOCK

ComplaintEvent = (
    FilingEvent
    | NegotiationEvent
    | HandlingEvent
    | MediationEvent
    | WayEvent
    | FraudEvent
    | SettlementEvent
    | AdvanceEvent
    | PublicationEvent
    | ReportEvent
    | EndingEvent
    | LinkEvent
    | TimeEvent
)

#: The actions that a register of origin takes, and nobody else.
OF_A_REGISTER = frozenset({"correct", "miss_answer"})


def fall_due(state: Complaint, *, at: datetime, book: Rulebook) -> list[ComplaintEvent]:
    """Return what has fallen due by ``at``, behind due times that a calendar published meanwhile revises."""
    revised = clocks.revise(state, at, CLOCK, book.calendar)
    for event in revised:
        state = clocks.evolve(state, event)
    return [*revised, *clocks.lapse(state, at, book)]


COMPLAINT = kind(
    "complaint",
    "ledger.complaints",
    NEW,
    (filing, FilingEvent),
    (negotiation, NegotiationEvent),
    (handling, HandlingEvent),
    (mediation, MediationEvent),
    (ways, WayEvent),
    (fraud, FraudEvent),
    (settlement, SettlementEvent),
    (advances, AdvanceEvent),
    (publication, PublicationEvent),
    (reports, ReportEvent),
    (ending, EndingEvent),
    (links, LinkEvent),
    (clocks, TimeEvent),
    unlisted=OF_A_REGISTER,
    fall_due=fall_due,
    next_due=clocks.next_due,
)
#: Every action on a request that exists, by name.
ACTIONS = {name: found for name, found in actions_of(*COMPLAINT.procedures).items() if not found.begins}


def evolve(state: Complaint, event: ComplaintEvent) -> Complaint:
    """Return the state after ``event``. Checks nothing: what is in the ledger has happened."""
    found: Complaint = COMPLAINT.evolve(state, event)
    return found
