"""The kinds of stream: prefix of the id, topic, events, and how to fold them. One line per kind."""

from __future__ import annotations

from domain.complaint.life import COMPLAINT
from domain.credit.life import CREDIT
from domain.errors import InvalidInput
from domain.event import Event
from domain.fund.life import FUND
from domain.grade.life import GRADE
from domain.grievance.life import GRIEVANCE
from domain.kind import Kind
from domain.measure.life import MEASURE
from domain.merchant.life import MERCHANT
from domain.office.life import OFFICE
from domain.platform.life import PLATFORM
from domain.room.life import ROOM
from domain.rulebook.life import RULEBOOK
from domain.subject.life import SUBJECT

__all__ = [
    "COMPLAINT",
    "CREDIT",
    "EVENT_TYPES",
    "FUND",
    "GRADE",
    "GRIEVANCE",
    "KINDS",
    "MEASURE",
    "MERCHANT",
    "OFFICE",
    "PLATFORM",
    "ROOM",
    "RULEBOOK",
    "SUBJECT",
    "TOPICS",
    "Kind",
    "kind_of",
]

KINDS = {
    kind.prefix: kind
    for kind in (
        COMPLAINT,
        CREDIT,
        GRADE,
        MERCHANT,
        OFFICE,
        RULEBOOK,
        FUND,
        SUBJECT,
        PLATFORM,
        MEASURE,
        GRIEVANCE,
        ROOM,
    )
}

EVENT_TYPES: dict[str, type[Event]] = {event.name: event for kind in KINDS.values() for event in kind.events}
TOPICS = tuple(dict.fromkeys(kind.topic for kind in KINDS.values()))


def kind_of(stream: str) -> Kind:
    """Return the kind of a stream id such as ``complaint-<uuid>``; raises InvalidInput for an unknown prefix."""
    kind = KINDS.get(stream.partition("-")[0])
    if kind is None:
        raise InvalidInput(f"{stream!r} is not the id of a stream", hint=f"ids begin with one of: {', '.join(KINDS)}")
    return kind
