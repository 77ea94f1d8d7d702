"""A grievance: its procedures."""

from __future__ import annotations

from domain.grievance import complaining, deciding
from domain.grievance.complaining import ComplainingEvent
from domain.grievance.deciding import DecidingEvent
from domain.grievance.state import NEW
from domain.kind import kind

GrievanceEvent = ComplainingEvent | DecidingEvent

GRIEVANCE = kind(
    "grievance",
    "ledger.merchants",
    NEW,
    (complaining, ComplainingEvent),
    (deciding, DecidingEvent),
    fall_due=complaining.fall_due,
    next_due=complaining.next_due,
)
