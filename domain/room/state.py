"""The state of a live room: what its decisions need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

#: From an instant, and before another.
Interval = tuple[datetime, datetime]


class Status(StrEnum):
    """Where a room stands. LIVE: a session goes on."""

    NONE = "none"
    OPEN = "open"
    LIVE = "live"
    CLOSED = "closed"


class Subject(StrEnum):
    """Who can change in a room. The platform, the fourth, cannot."""

    OPERATOR = "operator"
    HOST = "host"
    AGENCY = "agency"


class ContentKind(StrEnum):
    """What machines made, and what has to be labelled."""

    AI_IMAGE = "ai_image"
    DIGITAL_HOST = "digital_host"


@dataclass(frozen=True, slots=True)
class Shown:
    """Content that is shown since a time, with the intervals of its label that are over."""

    kind: ContentKind
    since: datetime
    labelled: tuple[Interval, ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """A session of a room. ``keep_until``: the last instant up to which its records have to be kept."""

    begun: datetime
    ended: datetime | None = None
    keep_until: datetime | None = None
    records: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Room:
    """``since`` is when it was opened, ``changed`` when each subject was last.

    ``shown``: the content that is shown now, by id; ``labels`` since when each label is shown, ``latest`` when
    something happened last to either in this session, by the same id.
    """

    kind: ClassVar[str] = "room"
    since_what: ClassVar[str] = "the room was opened"

    status: Status = Status.NONE
    since: datetime | None = None
    subjects: Mapping[Subject, str] = field(default_factory=dict)
    changed: Mapping[Subject, datetime] = field(default_factory=dict)
    sessions: tuple[Session, ...] = ()
    shown: Mapping[str, Shown] = field(default_factory=dict)
    labels: Mapping[str, datetime] = field(default_factory=dict)
    latest: Mapping[str, datetime] = field(default_factory=dict)


NEW = Room()


def label_gaps(shown: Interval, labelled: Iterable[Interval]) -> list[Interval]:
    """Return the parts of an interval that no other covers, in their order: exact, and none of them empty.

    Each begins at its first instant, and ends before its second.
    """
    first, until = shown
    gaps = []
    for begun, over in sorted((begun, over) for begun, over in labelled if begun < over):
        if begun > first and first < until:
            gaps.append((first, min(begun, until)))
        first = max(first, over)
    return [*gaps, (first, until)] if first < until else gaps
