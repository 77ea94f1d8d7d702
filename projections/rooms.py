"""Read model ``rooms``: who stands behind live rooms, what machines made is shown in them, and where labels lacked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple, assert_never

from domain.room.life import ROOM, RoomEvent
from domain.room.opening import Closed, Opened, SubjectChanged
from domain.room.records import RecordKept, RecordsDestroyed
from domain.room.showing import (
    ContentShown,
    ContentStopped,
    LabelGapFound,
    LabelHidden,
    LabelShown,
    SessionBegun,
    SessionEnded,
)
from domain.room.state import Status, Subject
from projections.items import NONE, Items, alter, dump, following, instant, load, number, put, table, text
from projections.projection import Projection


class Row(NamedTuple):
    """See the comments on the columns of ``read.rooms``."""

    status: str
    platform_id: str
    operator: str
    host: str
    agency: str | None
    opened_at: datetime
    closed_at: datetime | None = None
    items: str = NONE


def fold(row: Row | None, event: RoomEvent) -> Row:
    """Return the row after ``event``; raises ValueError when a stream does not begin with its opening."""
    at = event.occurred_at
    if isinstance(event, Opened):
        opened: Items = {}
        for subject in Subject:
            if (name := getattr(event, subject)) is not None:
                _begin(opened, subject, name, at)
        return Row(Status.OPEN, event.platform_id, event.operator, event.host, event.agency, at, items=dump(opened))
    if row is None:
        raise ValueError(f"{event.name} before room.opened")
    items = load(row.items)
    match event:
        case SubjectChanged():
            changed: dict[str, Any] = {event.which.value: event.to}
            row = row._replace(**changed)
            for key, item in items["subject"].items():
                if item["subject"] == event.which and "until_at" not in item:
                    alter(items, "subject", key, until_at=at)
            _begin(items, event.which, event.to, at)
        case Closed():
            return row._replace(status=Status.CLOSED, closed_at=at)
        case SessionBegun():
            put(items, "session", event.session, number=event.session, begun_at=at)
            row = row._replace(status=Status.LIVE)
        case SessionEnded():
            for key, item in items.get("showing", {}).items():
                if "until_at" not in item:
                    _stop(items, key, at)
            keep_until = None if event.term is None else event.term.due
            alter(items, "session", event.session, ended_at=at, keep_until=keep_until)
            row = row._replace(status=Status.OPEN)
        case ContentShown():
            n = following(items, "showing")
            what = {"session": len(items["session"]), "content_id": event.content_id, "kind": event.kind}
            put(items, "showing", n, number=n, **what, from_at=at)
        case ContentStopped():
            (key,) = (
                key
                for key, item in items["showing"].items()
                if item["content_id"] == event.content_id and "until_at" not in item
            )
            _stop(items, key, at)
        case LabelGapFound():
            n = following(items, "label_gap")
            put(
                items,
                "label_gap",
                n,
                number=n,
                session=event.session,
                content_id=event.content_id,
                kind=event.kind,
                from_at=event.first,
                until_at=event.until,
                violation=event.violation,
                microseconds=_microseconds(event.first, event.until),
            )
        case RecordKept():
            kept = items["session"][str(event.session)].get("records", 0)
            alter(items, "session", event.session, records=kept + 1)
        case RecordsDestroyed():
            alter(items, "session", event.session, records=0, destroyed_at=at)
        case LabelShown() | LabelHidden():
            # Where a label lacked is told when the content is no longer shown.
            return row
        case _:
            assert_never(event)
    return row._replace(items=dump(items))


def _begin(items: Items, subject: Subject, name: str, at: datetime) -> None:
    n = following(items, "subject")
    put(items, "subject", n, number=n, subject=subject, name=name, from_at=at)


def _stop(items: Items, key: str, at: datetime) -> None:
    since = datetime.fromisoformat(items["showing"][key]["from_at"])
    alter(items, "showing", key, until_at=at, microseconds=_microseconds(since, at))


def _microseconds(first: datetime, until: datetime) -> int:
    return (until - first) // timedelta(microseconds=1)


ID = "room_id"
ROOMS = Projection(
    name="rooms",
    kind=ROOM,
    table="read.rooms",
    key=ID,
    row=Row,
    fold=fold,
    version=2,
    sums=(
        table(
            "room_subjects",
            ID,
            "subject",
            *(number("number"), text("subject"), text("name"), instant("from_at"), instant("until_at")),
        ),
        table(
            "room_sessions",
            ID,
            "session",
            *(number("number"), instant("begun_at"), instant("ended_at"), instant("keep_until")),
            *(number("records"), instant("destroyed_at")),
        ),
        table(
            "room_showings",
            ID,
            "showing",
            *(number("number"), number("session"), text("content_id"), text("kind")),
            *(instant("from_at"), instant("until_at")),
            amounts=("microseconds",),
        ),
        table(
            "room_label_gaps",
            ID,
            "label_gap",
            *(number("number"), number("session"), text("content_id"), text("kind")),
            *(instant("from_at"), instant("until_at"), text("violation")),
            amounts=("microseconds",),
        ),
    ),
)
