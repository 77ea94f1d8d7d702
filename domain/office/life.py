"""An office: its procedures."""

from __future__ import annotations

from domain.kind import kind
from domain.office import establishment, evaluation, mediators, warnings
from domain.office.establishment import EstablishmentEvent
from domain.office.evaluation import EvaluationEvent
from domain.office.mediators import MediatorEvent
from domain.office.state import NEW
from domain.office.warnings import WarningEvent

OfficeEvent = EstablishmentEvent | MediatorEvent | WarningEvent | EvaluationEvent

OFFICE = kind(
    "office",
    "ledger.governance",
    NEW,
    (establishment, EstablishmentEvent),
    (mediators, MediatorEvent),
    (warnings, WarningEvent),
    (evaluation, EvaluationEvent),
    # Its figures are computed: adapters/evaluation.py.
    unlisted=frozenset({evaluation.evaluate.name}),
)
