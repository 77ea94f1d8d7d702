"""The state of a complaint: only what its decisions need. All that is displayed lives in projections."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from domain.complaint.events import (
    RELIEF,
    Answered,
    Closed,
    ComplaintEvent,
    Corrected,
    DeadlineMissed,
    Disputed,
    Filed,
    Reopened,
    Resolved,
    Routed,
    Withdrawn,
)


class Status(StrEnum):
    """Where a complaint stands. NONE: not filed yet."""

    NONE = "none"
    FILED = "filed"
    ROUTED = "routed"
    ANSWERED = "answered"
    RESOLVED = "resolved"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Complaint:
    """``answer_due`` and ``missed`` concern the answer that is awaited now."""

    status: Status = Status.NONE
    consumer_id: str = ""
    imported: bool = False
    answer_due: datetime | None = None
    missed: bool = False
    answered: bool = False
    disputed: bool = False


NEW = Complaint()


def evolve(state: Complaint, event: ComplaintEvent) -> Complaint:
    """Return the state after ``event``. Checks nothing: what is in the ledger has happened."""
    match event:
        case Filed():
            return replace(
                state,
                status=Status.FILED,
                consumer_id=event.consumer_id,
                imported=event.origin is not None,
            )
        case Routed():
            return replace(state, status=Status.ROUTED, answer_due=event.answer_due)
        case Answered():
            return replace(state, status=Status.ANSWERED, answered=True)
        case Resolved():
            return replace(state, status=Status.RESOLVED)
        case Closed():
            return replace(state, status=Status.CLOSED)
        case DeadlineMissed():
            return replace(state, missed=True)
        case Disputed():
            return replace(state, disputed=True)
        case Withdrawn():
            return replace(state, status=Status.WITHDRAWN)
        case Reopened():
            return replace(
                state,
                status=Status.ROUTED,
                answer_due=event.answer_due,
                missed=False,
                answered=False,
                disputed=False,
            )
        case Corrected():
            return _correct(state, event)
        case _:
            assert_never(event)


def _correct(state: Complaint, event: Corrected) -> Complaint:
    if event.answer is not None:
        state = replace(state, status=Status.RESOLVED if event.answer in RELIEF else Status.CLOSED)
    return state if event.disputed is None else replace(state, disputed=event.disputed)
