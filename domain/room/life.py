"""A live room: its procedures."""

from __future__ import annotations

from domain.kind import kind
from domain.room import opening, records, showing
from domain.room.opening import OpeningEvent
from domain.room.records import RecordEvent
from domain.room.showing import ShowingEvent
from domain.room.state import NEW

RoomEvent = OpeningEvent | ShowingEvent | RecordEvent

ROOM = kind("room", "ledger.merchants", NEW, (opening, OpeningEvent), (showing, ShowingEvent), (records, RecordEvent))
