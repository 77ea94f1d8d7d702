"""What a grievance led to elsewhere: the penalty on the platform, in a stream of its own."""

from __future__ import annotations

from datetime import datetime

from domain.event import Event
from domain.grievance.state import Grievance, Status
from domain.values import Actor, StreamId


class ConsequenceLinked(Event):
    """Something elsewhere names this grievance as what it rests on. Its effect is told there."""

    name = "grievance.consequence_linked"

    stream: StreamId


LinkEvent = ConsequenceLinked


def evolve(state: Grievance, event: LinkEvent) -> Grievance:
    return state


def link(state: Grievance, *, at: datetime, by: Actor, stream: StreamId) -> list[LinkEvent]:
    """Record what followed from a grievance; nothing for one that never began."""
    if state.status is Status.NONE:
        return []
    return [ConsequenceLinked(occurred_at=at, actor=by, stream=stream)]
