"""Leaks of personal data, which are a category of their own."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from domain.action import action
from domain.event import Event
from domain.subject.state import Status, Subject
from domain.tracing import Traced, check_traced
from domain.values import Actor, ComplaintId, Role, ShortText


class LeakRecorded(Event):
    """Data of this person leaked: from where, and what; the complaints that told of it."""

    name = "subject.leak_recorded"

    source: ShortText
    what: ShortText
    complaints: tuple[ComplaintId, ...]


LeakEvent = LeakRecorded


def evolve(state: Subject, event: LeakEvent) -> Subject:
    return replace(state, since=event.occurred_at)


@action(
    "leak-of-a-known-person",
    roles=(Role.REGULATOR,),
    during=(Status.OPEN,),
    source="Personal Information Protection Law, art. 57",
)
def record_leak(
    state: Subject,
    *,
    at: datetime,
    by: Actor,
    source: ShortText,
    what: ShortText,
    complaints: tuple[ComplaintId, ...],
    traced: tuple[Traced, ...],
) -> list[LeakEvent]:
    """Record that data of this person leaked: from where and what, and which complaints tell of it."""
    check_traced(traced, None)
    return [LeakRecorded(occurred_at=at, actor=by, source=source, what=what, complaints=complaints)]
