"""The base of the reference of tables: what is found is counted under its key, and how events are looked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from domain.event import Event

Keys = dict[tuple[Any, ...], list[int]]
Tables = dict[str, Keys]
History = Sequence[Event]

OPEN = datetime(9999, 12, 30, tzinfo=UTC)
OPEN_DAY = date(9999, 12, 30)


class Found:
    """Tables that grow; ``add`` counts a key once more."""

    def __init__(self) -> None:
        self.tables: Tables = defaultdict(dict)

    def add(self, table: str, *key: Any, amounts: Sequence[int] = ()) -> None:
        own = self.tables[f"read.{table}"]
        before = own.get(key, [0] * (1 + len(amounts)))
        own[key] = [a + b for a, b in zip(before, (1, *amounts), strict=True)]

    def texts(self, table: str, stream: str, item: str, number: int, **whole: str | None) -> None:
        for field, one in whole.items():
            rest, part = one or "", 0
            while rest:
                part += 1
                self.add(table, stream, item, number, field, part, rest[:500])
                rest = rest[500:]

    def cite(self, table: str, stream: str, item: str, number: int, complaints: Iterable[str]) -> None:
        for complaint in set(complaints):
            self.add(table, stream, item, number, complaint)


def of(history: History, *types: type[Any]) -> list[Any]:
    return [event for event in history if isinstance(event, types)]


def behind(history: History, event: Event, *types: type[Any]) -> list[Any]:
    """What came behind an event in its stream."""
    return of(history[[id(one) for one in history].index(id(event)) + 1 :], *types)


def first_at(events: Sequence[Event]) -> datetime:
    return events[0].occurred_at if events else OPEN


def said(value: Any) -> Any:
    return "" if value is None else str(value)


def due(term: Any, absent: datetime = OPEN) -> datetime:
    found: datetime = absent if term is None else term.due
    return found
