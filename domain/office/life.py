"""An office: its procedures."""

from __future__ import annotations

from domain.kind import kind
from domain.office import establishment, mediators
from domain.office.establishment import EstablishmentEvent
from domain.office.mediators import MediatorEvent
from domain.office.state import NEW

OfficeEvent = EstablishmentEvent | MediatorEvent

OFFICE = kind("office", "ledger.governance", NEW, (establishment, EstablishmentEvent), (mediators, MediatorEvent))
