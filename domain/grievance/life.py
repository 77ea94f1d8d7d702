"""A grievance: its procedures."""

from __future__ import annotations

from domain.grievance import complaining, deciding, links
from domain.grievance.complaining import ComplainingEvent
from domain.grievance.deciding import DecidingEvent
from domain.grievance.links import LinkEvent
from domain.grievance.state import NEW
from domain.kind import kind

GrievanceEvent = ComplainingEvent | DecidingEvent | LinkEvent

GRIEVANCE = kind(
    "grievance",
    "ledger.merchants",
    NEW,
    (complaining, ComplainingEvent),
    (deciding, DecidingEvent),
    (links, LinkEvent),
    fall_due=complaining.fall_due,
    next_due=complaining.next_due,
)
