"""A room and its four subjects: the platform, the operator of the room, the host, and the service agency."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from domain.action import action
from domain.errors import RuleViolation
from domain.event import Event
from domain.merchant.state import not_before
from domain.room.state import Room, Status, Subject
from domain.values import Actor, PlatformId, Role, ShortText

RUNNING = (Role.PLATFORM, Role.MERCHANT)
SOURCE = "Measures for the Supervision of Live-Streaming E-Commerce"


class Opened(Event):
    """A room exists. Its subjects are ids or names; there need not be an agency."""

    name = "room.opened"

    platform_id: PlatformId
    operator: ShortText
    host: ShortText
    agency: ShortText | None = None


class SubjectChanged(Event):
    """Somebody else is operator, host or agency from now on."""

    name = "room.subject_changed"

    which: Subject
    to: ShortText


class Closed(Event):
    """The room is closed. Its records are kept."""

    name = "room.closed"

    reason: ShortText


OpeningEvent = Opened | SubjectChanged | Closed


def evolve(state: Room, event: OpeningEvent) -> Room:
    match event:
        case Opened():
            subjects = {Subject.OPERATOR: event.operator, Subject.HOST: event.host}
            if event.agency is not None:
                subjects[Subject.AGENCY] = event.agency
            return replace(state, status=Status.OPEN, since=event.occurred_at, subjects=subjects)
        case SubjectChanged():
            return replace(
                state,
                subjects={**state.subjects, event.which: event.to},
                changed={**state.changed, event.which: event.occurred_at},
            )
        case Closed():
            return replace(state, status=Status.CLOSED)
        case _:
            assert_never(event)


def after_last_session(state: Room, at: datetime) -> None:
    """Raise InvalidInput for a time before the end of the last session."""
    ended = state.sessions[-1].ended if state.sessions else None
    if ended is not None:
        not_before(ended, at, "the last session ended")


@action("room-opened-once", roles=RUNNING, during=(Status.NONE,), to=Status.OPEN, source=SOURCE)
def open_room(
    state: Room,
    *,
    at: datetime,
    by: Actor,
    platform_id: PlatformId,
    operator: ShortText,
    host: ShortText,
    agency: ShortText | None = None,
) -> list[OpeningEvent]:
    """Open a live room on a platform, and say who operates it, who hosts, and which agency serves it."""
    return [Opened(occurred_at=at, actor=by, platform_id=platform_id, operator=operator, host=host, agency=agency)]


@action("subject-of-a-room", roles=RUNNING, during=(Status.OPEN, Status.LIVE), source=SOURCE)
def change_subject(state: Room, *, at: datetime, by: Actor, which: Subject, to: ShortText) -> list[OpeningEvent]:
    """Record that somebody else is operator, host or agency from now on."""
    if state.subjects.get(which) == to:
        raise RuleViolation("subject-of-a-room", f"{to} is the {which} already", hint="name who comes in its place")
    if which in state.changed:
        not_before(state.changed[which], at, f"the {which} changed last")
    return [SubjectChanged(occurred_at=at, actor=by, which=which, to=to)]


@action("close-between-sessions", roles=(*RUNNING, Role.REGULATOR), during=(Status.OPEN,), to=Status.CLOSED)
def close_room(state: Room, *, at: datetime, by: Actor, reason: ShortText) -> list[OpeningEvent]:
    """Close a room, when no session goes on. Its records are kept for their term."""
    after_last_session(state, at)
    return [Closed(occurred_at=at, actor=by, reason=reason)]
