"""What a request led to elsewhere: measures, listings, credit events and the like, each in a stream of its own."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from domain.complaint.state import Complaint, Status
from domain.event import Event
from domain.values import Actor, StreamId


class Consequence(StrEnum):
    """What can follow from a request."""

    MEASURE = "measure"
    PENALTY = "penalty"
    LISTING = "listing"
    CREDIT_EVENT = "credit_event"
    CORRECTIVE_ACTION = "corrective_action"
    WARNING_CASE = "warning_case"
    ADVANCE = "advance"
    NOTICE = "notice"
    SUPERVISION_REPORT = "supervision_report"


class ConsequenceLinked(Event):
    """Something elsewhere names this request as what it rests on: in which stream, and its number there if it has one.

    Its effect is told where it happened; here it can be found from the request.
    """

    name = "complaint.consequence_linked"

    consequence: Consequence
    stream: StreamId
    number: Annotated[int, Field(ge=1)] | None = None


LinkEvent = ConsequenceLinked


def evolve(state: Complaint, event: LinkEvent) -> Complaint:
    return state


def link(
    state: Complaint,
    *,
    at: datetime,
    by: Actor,
    consequence: Consequence,
    stream: StreamId,
    number: int | None = None,
) -> list[LinkEvent]:
    """Record what followed from a request, at its end too; nothing for one that was never filed."""
    if state.status is Status.NONE:
        return []
    return [ConsequenceLinked(occurred_at=at, actor=by, consequence=consequence, stream=stream, number=number)]
