"""What the projector put aside: looking at it, taking it up once its cause is mended, going on without it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from adapters.consumption import NO_POSITION, read_fact
from adapters.database import connect
from adapters.read_store import Consumed, Target, fold, hold_in_use, in_use
from domain.errors import LedgerError
from projections.projection import Projection


class NothingParked(LedgerError):
    """The stream has no parked records in this projection."""


class OtherVersion(LedgerError):
    """The tables in use were made by another version of the projection than this program's."""


@dataclass(frozen=True, slots=True)
class ParkedStream:
    """A stream that is put aside: how many of its records wait, and what is wrong with the first of them."""

    projection: str
    stream: str
    records: int
    position: int | None
    parked_at: datetime
    error: str


@dataclass(frozen=True, slots=True)
class ParkedRecord:
    """A record that waits. ``error`` is None for one that waits behind another."""

    topic: str
    partition: int
    offset: int
    position: int | None
    parked_at: datetime
    skipped_at: datetime | None
    error: str | None
    record: bytes


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many records of a stream were taken up, how many still wait, and what is wrong with the first of those."""

    stream: str
    folded: int
    waiting: int
    error: str | None


def parked(cursor: Any) -> list[ParkedStream]:
    """List the streams that are put aside in the generations in use, longest waiting first."""
    cursor.execute(
        "select p.projection, p.stream, count(*), "
        "(array_agg(p.position order by p.at_offset))[1], min(p.parked_at), "
        "(array_agg(p.error order by p.at_offset))[1] "
        "from read.parked p join read.active a using (projection, generation) where p.skipped_at is null "
        "group by p.projection, p.stream order by 5, 1, 2"
    )
    return [ParkedStream(*row) for row in cursor]


def inspect(cursor: Any, projection: Projection, stream: str) -> list[ParkedRecord]:
    """Return the records of a stream that wait or were skipped, in order; raises NothingParked."""
    cursor.execute(
        "select p.topic, p.partition, p.at_offset, p.position, p.parked_at, p.skipped_at, p.error, p.record "
        "from read.parked p join read.active a using (projection, generation) "
        "where p.projection = %s and p.stream = %s order by p.at_offset",
        (projection.name, stream),
    )
    found = [
        ParkedRecord(topic, partition, offset, position, parked_at, skipped_at, error, bytes(record))
        for topic, partition, offset, position, parked_at, skipped_at, error, record in cursor
    ]
    if not found:
        raise _nothing(projection, stream)
    return found


def replay(database_url: str, projection: Projection, stream: str) -> Replayed:
    """Take up the records of a stream that wait, in order, as far as it goes; raises NothingParked."""
    with _held(database_url, projection) as (cursor, target):
        _waiting(cursor, target, stream)
        return _replay(cursor, target, stream)


def skip(database_url: str, projection: Projection, stream: str) -> Replayed:
    """Go on without the first waiting record of a stream, and take up the others; raises NothingParked.

    It stays listed as skipped. Where it is an event of the ledger, the row's version passes over it.
    """
    with _held(database_url, projection) as (cursor, target):
        first, *_ = _waiting(cursor, target, stream)
        cursor.execute(
            "update read.parked set skipped_at = clock_timestamp() where projection = %s and generation = %s "
            "and topic = %s and partition = %s and at_offset = %s",
            (projection.name, target.generation, first.topic, first.partition, first.offset),
        )
        cursor.execute(
            f"update {projection.table} set version = version + 1 where {projection.key} = %s and version = %s",
            (stream, _version_of(first.record) - 1),
        )
        return _replay(cursor, target, stream)


@contextmanager
def _held(database_url: str, projection: Projection) -> Iterator[tuple[Any, Target]]:
    """Lend a transaction during which no projector writes this projection."""
    conn = connect(database_url, "ledger_projector", autocommit=False)
    try:
        with conn, conn.cursor() as cursor:
            target = in_use(cursor, projection, "for update")
            if target.version != projection.version:
                raise OtherVersion(
                    f"{projection.name} is in use in version {target.version}, and this program makes version "
                    f"{projection.version}",
                    hint="wait until it is rebuilt, or use the newer program",
                )
            hold_in_use(cursor, target)
            yield cursor, target
    finally:
        conn.close()


def _waiting(cursor: Any, target: Target, stream: str) -> list[Consumed]:
    cursor.execute(
        "select topic, partition, at_offset, position, record from read.parked where projection = %s "
        "and generation = %s and stream = %s and skipped_at is null order by at_offset",
        (target.projection.name, target.generation, stream),
    )
    found = []
    for topic, partition, offset, position, kept in cursor:
        record = bytes(kept)
        read = NO_POSITION if position is None else read_fact(position, stream, record)
        found.append(Consumed(stream, topic, partition, offset, position, record, read))
    if not found:
        raise _nothing(target.projection, stream)
    return found


def _replay(cursor: Any, target: Target, stream: str) -> Replayed:
    key = (target.projection.name, target.generation, stream)
    try:
        records = _waiting(cursor, target, stream)
    except NothingParked:
        return Replayed(stream, 0, 0, None)
    cursor.execute(
        "delete from read.parked where projection = %s and generation = %s and stream = %s and skipped_at is null "
        "returning at_offset, parked_at",
        key,
    )
    since = cursor.fetchall()
    folded = fold(cursor, target, records, set(), one_by_one=True)
    cursor.execute(
        "update read.parked p set parked_at = s.parked_at "
        "from unnest(%s::bigint[], %s::timestamptz[]) as s (at_offset, parked_at) "
        "where p.projection = %s and p.generation = %s and p.stream = %s and p.at_offset = s.at_offset",
        ([offset for offset, _ in since], [at for _, at in since], *key),
    )
    cursor.execute(
        "select count(*), (array_agg(error order by at_offset))[1] from read.parked "
        "where projection = %s and generation = %s and stream = %s and skipped_at is null",
        key,
    )
    ((waiting, error),) = cursor.fetchall()
    return Replayed(stream, folded, waiting, error)


def _version_of(record: bytes) -> int:
    """Return the version that a record claims, 0 when it claims none that could be one."""
    try:
        version = orjson.loads(record)["streamversion"]
    except (ValueError, KeyError, TypeError, IndexError):
        return 0
    return version if isinstance(version, int) and 0 < version < 2**62 else 0


def _nothing(projection: Projection, stream: str) -> NothingParked:
    return NothingParked(
        f"{projection.name} has nothing parked of {stream!r}", hint="list what is parked: complaints projections parked"
    )
