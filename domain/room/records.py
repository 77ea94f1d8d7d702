"""What is kept of the sessions of a room, and for how long."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from domain.action import action
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.merchant.state import not_before
from domain.room.state import Room, Session, Status
from domain.rulebook.book import Rulebook
from domain.values import Actor, Role, Sha256, ShortText, format_instant

SOURCE = "E-Commerce Law, art. 31"
BEGUN = (Status.OPEN, Status.LIVE, Status.CLOSED)


class RecordKept(Event):
    """A record of a session is kept, with its digest."""

    name = "room.record_kept"

    session: int
    digest: Sha256
    what: ShortText


class RecordsDestroyed(Event):
    """The records of a session were destroyed, after the term for which they had to be kept."""

    name = "room.records_destroyed"

    session: int
    reason: ShortText


RecordEvent = RecordKept | RecordsDestroyed


def evolve(state: Room, event: RecordEvent) -> Room:
    session = state.sessions[event.session - 1]
    match event:
        case RecordKept():
            changed = replace(session, records=session.records | {event.digest})
        case RecordsDestroyed():
            changed = replace(session, records=frozenset())
        case _:
            assert_never(event)
    sessions = (*state.sessions[: event.session - 1], changed, *state.sessions[event.session :])
    return replace(state, sessions=sessions)


def _no_session(state: Room, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if not state.sessions:
        return RuleViolation("record-of-a-session", "the room was never live", hint="begin a session first")
    return None


def _session(state: Room, number: int) -> Session:
    if not 1 <= number <= len(state.sessions):
        raise InvalidInput(f"there is no session {number}", hint=f"numbers go from 1 to {len(state.sessions)}")
    return state.sessions[number - 1]


@action("record-of-a-session", roles=(Role.PLATFORM,), during=BEGUN, source=SOURCE, unless=_no_session)
def keep_record(
    state: Room, *, at: datetime, by: Actor, session: int, digest: Sha256, what: ShortText
) -> list[RecordEvent]:
    """Record that something of a session is kept: what it is, and its digest."""
    of = _session(state, session)
    if digest in of.records:
        raise RuleViolation("record-kept-once", "this record is kept already", hint="see the history")
    not_before(of.begun, at, f"session {session} began")
    return [RecordKept(occurred_at=at, actor=by, session=session, digest=digest, what=what)]


def _kept_for(session: Session, at: datetime) -> str | None:
    """Return why records cannot be destroyed; None if they can."""
    if not session.records:
        return "nothing is kept of this session"
    if session.ended is None or at < session.ended:
        return "this session has not ended"
    if session.keep_until is not None and at <= session.keep_until:
        return f"the records of this session have to be kept until {format_instant(session.keep_until)}"
    return None


def _refused(why: str) -> RuleViolation:
    return RuleViolation(
        "records-kept-for-their-term", why, hint="records are destroyed once their term has passed", source=SOURCE
    )


def _none_destroyable(state: Room, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    reasons = [_kept_for(session, at) for session in state.sessions]
    if None in reasons:
        return None
    # The session that ended first tells most.
    return _refused(next((why for why in reasons if why is not None), "the room was never live"))


@action("records-kept-for-their-term", roles=(Role.PLATFORM,), during=BEGUN, source=SOURCE, unless=_none_destroyable)
def destroy_record(state: Room, *, at: datetime, by: Actor, session: int, reason: ShortText) -> list[RecordEvent]:
    """Destroy what is kept of a session, after the term for which it has to be kept."""
    if (why := _kept_for(_session(state, session), at)) is not None:
        raise _refused(why)
    return [RecordsDestroyed(occurred_at=at, actor=by, session=session, reason=reason)]
