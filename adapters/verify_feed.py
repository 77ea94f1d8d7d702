"""Holds the public feed against the ledger: nothing that is public is missing, and nothing else is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from hashlib import sha256
from itertools import groupby

from kafka.consumer.fetcher import ConsumerRecord
from psycopg2.extensions import connection as Connection

from adapters.public_feed import OWN, Change, FeedStopped, take_up_record
from adapters.topics import (
    PUBLIC_COMPLAINTS,
    all_partitions,
    consumer,
    partition_of,
    position_of,
    read_range,
    settled_bounds,
)
from projections.public_feed import Row

CHUNK = 2_000
#: Stream, version, position and record.
Stored = tuple[str, int, int, memoryview]


def check_feed(conn: Connection, head: int, noted: int, bootstrap: str, prefix: str, add: Callable[[str], None]) -> int:
    """Compare the last message of each complaint with its public view, and ``add`` what is wrong.

    ``conn`` sees the ledger up to position ``head``; what is younger is passed over. The feed is complete at least to
    ``noted``. Returns how many complaints are public.
    """
    last = _last_messages(bootstrap, prefix, add)
    checked = 0
    for stream, history in groupby(_events(conn), lambda event: event[0]):
        position, digest = last.pop(stream, (0, None))
        if position > head:
            continue
        try:
            expected = _last_change(stream, history, max(noted, position))
        except FeedStopped as error:
            add(str(error))
            continue
        checked += expected.value is not None
        if position == 0 and expected.value is None:
            # Never public, or a tombstone that was cleaned away.
            continue
        if position == 0:
            add(f"{stream} is public since position {expected.position}, but not in the feed")
        elif position != expected.position:
            add(f"{stream} was told last of position {position}, not {expected.position}")
        elif digest != _digest(expected.value):
            add(f"what is told of {stream} at position {position} is not what the ledger says")
    for stream, (position, _) in last.items():
        if position <= head:
            add(f"{stream} is in the feed, but not in the ledger")
    return checked


def _events(conn: Connection) -> Iterator[Stored]:
    with conn.cursor(name="verify_feed") as cursor:
        cursor.itersize = CHUNK
        cursor.execute(
            "select stream, version, position, record from ledger.events where stream >= %s and stream < %s "
            "order by stream, version",
            OWN,
        )
        yield from cursor


def _last_change(stream: str, history: Iterable[Stored], upto: int) -> Change:
    row: Row | None = None
    last = Change(0, stream, None)
    for _, version, position, record in history:
        if position > upto:
            break
        row, change = take_up_record(row, stream, version, position, bytes(record))
        last = change or last
    return last


def _last_messages(bootstrap: str, prefix: str, add: Callable[[str], None]) -> dict[str, tuple[int, bytes | None]]:
    """Read the feed; returns by key the position of the last message, and the digest of its value."""
    last: dict[str, tuple[int, bytes | None]] = {}
    with closing(consumer(bootstrap)) as reader:
        partitions = all_partitions(reader, prefix, (PUBLIC_COMPLAINTS,))
        begins, ends = settled_bounds(reader, bootstrap, partitions)
        for record in read_range(reader, begins, ends):
            try:
                position, stream = position_of(record), (record.key or b"").decode()
            except ValueError as error:
                add(f"{_place(record)} cannot be read: {error}")
                continue
            before, _ = last.get(stream, (0, None))
            if position <= before:
                add(f"position {position} of {stream} at {_place(record)} comes after {before}")
            if record.partition != partition_of(stream, len(partitions)):
                add(f"{stream} at {_place(record)} is in the wrong partition")
            last[stream] = position, _digest(record.value)
    return last


def _digest(value: bytes | None) -> bytes | None:
    return None if value is None else sha256(value).digest()


def _place(record: ConsumerRecord) -> str:
    return f"{record.topic}-{record.partition}@{record.offset}"
