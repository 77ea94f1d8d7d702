"""Boards that are asked of a ledger with something on every board, and what the reference says to the same."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from inspect import getmembers, isfunction
from itertools import zip_longest
from typing import Any

from adapters import boards_activity
from adapters.boards import Row
from domain.event import Event
from domain.kind import Kind
from domain.streams import kind_of
from tests.integration.active_offices import AT, BOUNDARY, FAR, INSTANT, day
from tests.integration.item_world import World
from tests.reference import boards_activity as offices
from tests.reference import boards_trade as trade

REFERENCES = {
    name: function
    for module in (offices, trade)
    for name, function in getmembers(module, isfunction)
    if function.__module__ == module.__name__
}


def ids(items: World, kind: Kind) -> list[str]:
    return sorted(stream for stream in items.histories if kind_of(stream) is kind)


def moments(items: World, kind: type[Event]) -> set[datetime]:
    """When anything of a kind happened."""
    return {event.occurred_at for events in items.histories.values() for event in events if isinstance(event, kind)}


def times(items: World) -> list[datetime]:
    """Before all of it, at the instant of much, just beside it, in the middle, at the end, and long after."""
    middle = AT + (items.until - AT) / 2
    return [
        datetime(2000, 1, 1, tzinfo=UTC),
        *(AT - INSTANT, AT, AT + INSTANT, day(9), day(10) - INSTANT, day(20), BOUNDARY),
        *(middle, items.until, items.until + timedelta(days=3_650)),
        *(FAR - timedelta(hours=48), FAR + INSTANT),
    ]


def same(items: World, name: str, *given: Any, **asked: Any) -> list[Row]:
    """What a board answers, which is what the events say."""
    found = list(getattr(boards_activity, name)(items.pool, *given, **asked))
    expected = REFERENCES[name](items.histories, *given, **asked)
    assert found == expected, [pair for pair in zip_longest(found, expected) if pair[0] != pair[1]][:3]
    return found


def each(items: World, name: str, column: str, of: Iterable[str], *given: Any, **asked: Any) -> int:
    """Ask for one at a time, which is what all have together; returns how many of them have anything."""
    whole = same(items, name, *given, **asked)
    parts = {one: same(items, name, *given, **{column: one}, **asked) for one in [*of, "nobody"]}
    assert parts == {one: [row for row in whole if row[column] == one] for one in parts}
    return sum(map(bool, parts.values()))
