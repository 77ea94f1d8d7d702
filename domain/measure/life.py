"""A measure: its procedures, and what the passing of time does to it."""

from __future__ import annotations

from datetime import datetime

from domain.kind import kind
from domain.measure import damages, ending, imposing, remedies
from domain.measure.damages import DamagesEvent
from domain.measure.ending import EndingEvent
from domain.measure.imposing import ImposingEvent
from domain.measure.remedies import RemedyEvent
from domain.measure.state import NEW, Measure
from domain.rulebook.book import Rulebook

MeasureEvent = ImposingEvent | RemedyEvent | DamagesEvent | EndingEvent


def _until(state: Measure) -> datetime | None:
    return None if state.over or state.sanction is None else state.sanction.until


def fall_due(state: Measure, *, at: datetime, book: Rulebook) -> list[MeasureEvent]:
    """Return what the passing of time has brought about by ``at``: a decision missed, the end of the measure."""
    due: list[tuple[datetime, MeasureEvent]] = []
    if state.decision_due is not None and state.decision_due < at:
        due += [(state.decision_due, event) for event in remedies.decision_missed(state)]
    if (until := _until(state)) is not None and until < at:
        due += [(until, event) for event in ending.ended(until)]
    return [event for _, event in sorted(due, key=lambda one: one[0])]


def next_due(state: Measure) -> datetime | None:
    """Return when the next of these falls due."""
    return min((one for one in (state.decision_due, _until(state)) if one is not None), default=None)


MEASURE = kind(
    "measure",
    "ledger.merchants",
    NEW,
    (imposing, ImposingEvent),
    (remedies, RemedyEvent),
    (damages, DamagesEvent),
    (ending, EndingEvent),
    fall_due=fall_due,
    next_due=next_due,
)
