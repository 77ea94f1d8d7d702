"""Writes projections into PostgreSQL: rows, sums, parked records and progress of a batch in one transaction, set-wise.

A projection's tables exist in generations: one in use, of which ``read.active`` holds the number, and at most one that
is being built beside it (``adapters.rebuild``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import psycopg2
from psycopg2.extensions import connection as Connection

from adapters.read_tables import UNFIT, write
from projections.projection import Fact, Key, Projection

#: A text column cannot hold U+0000; a key of a record can.
NUL, REPLACEMENT = "\0", "\ufffd"


#: Next offset per (topic, partition).
Offsets = Mapping[tuple[str, int], int]


class LostPartition(Exception):
    """Another projector has written this partition's progress, or other tables are in use: read progress and seek."""

    def __init__(self, projection: str, why: str, /) -> None:
        super().__init__(projection, why)
        self.projection, self.why = projection, why

    def __str__(self) -> str:
        return f"{self.projection}: {self.why}"


class UnknownFailure(Exception):
    """A record that could not be taken up, of a stream that may not be parked."""

    def __init__(self, projection: str, stream: str, version: int | None, position: int | None, error: str, /) -> None:
        super().__init__(projection, stream, version, position, error)
        self.projection, self.stream, self.version = projection, stream, version
        self.position, self.error = position, error


@dataclass(frozen=True, slots=True)
class Target:
    """A generation of a projection's tables, and the version of the projection that made it.

    ``building``: it stands beside the one in use.
    """

    projection: Projection
    generation: int
    version: int
    building: bool = False

    @property
    def tables(self) -> list[str]:
        """Names of its tables, with the schema."""
        return [self.projection.table, *(sums.table for sums in self.projection.sums)]


def beside(target: Target) -> Target:
    """Return the generation after ``target``, in tables of its own, made by the present version."""
    projection = replace(
        target.projection,
        table=f"{target.projection.table}_next",
        sums=tuple(replace(sums, table=f"{sums.table}_next") for sums in target.projection.sums),
    )
    return Target(projection, target.generation + 1, projection.version, building=True)


class Step(NamedTuple):
    """How far one partition is read by a batch: from the offset in the progress to the next."""

    topic: str
    partition: int
    offset: int
    next_offset: int


class Consumed(NamedTuple):
    """A record of a topic, under the stream that its key names. ``read``: the fact, or why there is none."""

    stream: str
    topic: str
    partition: int
    offset: int
    position: int | None
    record: bytes
    read: Fact | str


def in_use(cursor: Any, projection: Projection, lock: Literal["", "for share", "for update"] = "") -> Target:
    """Return the generation that answers queries; the first, where there is none yet. ``lock``: of its row."""
    cursor.execute(f"select generation, version from read.active where projection = %s {lock}", (projection.name,))
    found = cursor.fetchone()
    return Target(projection, *(found or (1, projection.version)))


def ensure_progress(conn: Connection, projections: Iterable[Projection], partitions: Iterable[tuple[str, int]]) -> None:
    """Make the rows of progress that the generations in use lack, at offset 0 and watermark 0."""
    partitions = list(partitions)
    with conn.cursor() as cursor:
        for projection in projections:
            cursor.execute(
                "insert into read.active (projection, generation, version) values (%s, 1, %s) on conflict do nothing",
                (projection.name, projection.version),
            )
            begin_progress(cursor, in_use(cursor, projection), partitions)


def begin_progress(cursor: Any, target: Target, partitions: Iterable[tuple[str, int]]) -> None:
    """Make the rows of progress that are missing for partitions of the target's topic."""
    own = [(t, p) for t, p in partitions if t.endswith(target.projection.kind.topic)]
    cursor.execute(
        "insert into read.progress (projection, generation, topic, partition, next_offset, watermark) "
        "select %s, %s, topic, partition, 0, 0 from unnest(%s::text[], %s::int[]) as p (topic, partition) "
        "on conflict do nothing",
        (target.projection.name, target.generation, [t for t, _ in own], [p for _, p in own]),
    )


def read_progress(
    cursor: Any, target: Target, partitions: Iterable[tuple[str, int]] | None = None, *, hold: bool = False
) -> dict[tuple[str, int], int]:
    """Return the next offset per (topic, partition), of all or of some; empty where the generation does not exist.

    ``hold``: nobody else may move them until the transaction's end.
    """
    chosen = None if partitions is None else list(partitions)
    cursor.execute(
        "select topic, partition, next_offset from read.progress where projection = %s and generation = %s "
        + ("" if chosen is None else "and (topic, partition) in (select * from unnest(%s::text[], %s::int[])) ")
        + ("order by topic, partition for update" if hold else ""),
        (
            target.projection.name,
            target.generation,
            *(() if chosen is None else ([topic for topic, _ in chosen], [partition for _, partition in chosen])),
        ),
    )
    return {(topic, partition): offset for topic, partition, offset in cursor}


def apply_batch(
    conn: Connection,
    target: Target,
    records: Sequence[Consumed],
    steps: Sequence[Step],
    known: Container[str] | None = None,
) -> int:
    """Fold ``records`` into the target's tables and advance its progress by ``steps``, in one transaction.

    What cannot be folded is parked, with what follows it in the same stream, unless the stream is none of ``known``
    (None: all are). Returns how many records were folded. Raises LostPartition and UnknownFailure; then nothing has
    changed.
    """
    try:
        with conn, conn.cursor() as cursor:
            hold_in_use(cursor, target)
            return take_up(cursor, target, records, steps, known)
    except UNFIT:
        # Some value is not for a column: go stream by stream, to find whose.
        with conn, conn.cursor() as cursor:
            hold_in_use(cursor, target)
            return take_up(cursor, target, records, steps, known, one_by_one=True)


def hold_in_use(cursor: Any, target: Target) -> None:
    """Keep the generation in use from being swapped until the transaction's end; raises LostPartition if it was."""
    cursor.execute("set local synchronous_commit = off")
    active = in_use(cursor, target.projection, "for share").generation
    if target.building != (active < target.generation):
        raise LostPartition(target.projection.name, f"generation {active} is in use now")


def take_up(
    cursor: Any,
    target: Target,
    records: Sequence[Consumed],
    steps: Sequence[Step],
    known: Container[str] | None = None,
    *,
    one_by_one: bool = False,
) -> int:
    """Do what ``apply_batch`` does, within the caller's transaction; raises LostPartition and UnknownFailure."""
    move_progress(cursor, target, steps)
    return fold(cursor, target, records, parked_streams(cursor, target), known=known, one_by_one=one_by_one)


def move_progress(cursor: Any, target: Target, steps: Sequence[Step]) -> None:
    """Advance the progress by ``steps``; raises LostPartition where it is not where they begin."""
    cursor.execute(
        "update read.progress p set next_offset = s.next_offset "
        "from unnest(%s::text[], %s::int[], %s::bigint[], %s::bigint[]) "
        "as s (topic, partition, old_offset, next_offset) "
        "where p.projection = %s and p.generation = %s and p.topic = s.topic and p.partition = s.partition "
        "and p.next_offset = s.old_offset",
        (
            [s.topic for s in steps],
            [s.partition for s in steps],
            [s.offset for s in steps],
            [s.next_offset for s in steps],
            target.projection.name,
            target.generation,
        ),
    )
    if cursor.rowcount != len(steps):
        raise LostPartition(target.projection.name, "progress has been moved by somebody else")


def fold(
    cursor: Any,
    target: Target,
    records: Sequence[Consumed],
    waiting: set[str],
    *,
    known: Container[str] | None = None,
    one_by_one: bool = False,
    sums: Sequence[dict[Key, Sequence[int]]] | None = None,
) -> int:
    """Fold what can be folded, park the rest; returns how many were folded. ``waiting``: streams that stay parked.

    ``sums``: for each table of sums where to add what it changes by, in place of the table. Raises UnknownFailure for
    a stream that is none of ``known`` (None: all are).
    """
    good: dict[str, list[Fact]] = defaultdict(list)
    errors: dict[str, str] = {}
    for record in records:
        if record.stream in waiting or record.stream in errors:
            continue
        if isinstance(record.read, str):
            errors[record.stream] = record.read
        else:
            good[record.stream].append(record.read)
    done = {stream: len(facts) for stream, facts in good.items()}
    parts = [{stream: facts} for stream, facts in good.items()] if one_by_one else [good] if good else []
    for part in parts:
        facts = [fact for own in part.values() for fact in own]
        for stream, (count, error) in write(cursor, target.projection, facts, one_by_one, sums).items():
            done[stream], errors[stream] = count, error
    if known is not None:
        for stream in errors:
            if stream not in known:
                raise _unknown(target, records, stream, done.get(stream, 0), errors[stream])
    if errors or waiting:
        _park(cursor, target, records, waiting, done, errors)
    return sum(done.values())


def _unknown(target: Target, records: Sequence[Consumed], stream: str, done: int, error: str) -> UnknownFailure:
    failed = [record for record in records if record.stream == stream][done]
    version = failed.read.version if isinstance(failed.read, Fact) else None
    return UnknownFailure(target.projection.name, stream, version, failed.position, error)


def parked_streams(cursor: Any, target: Target, *, skipped: bool = False) -> set[str]:
    """Return the streams whose records have to wait, and with ``skipped`` those of which one was skipped."""
    cursor.execute(
        "select distinct stream from read.parked where projection = %s and generation = %s "
        "and (skipped_at is null or %s)",
        (target.projection.name, target.generation, skipped),
    )
    return {stream for (stream,) in cursor}


def advance_watermark(conn: Connection, target: Target, steps: Mapping[tuple[str, int], int], position: int) -> None:
    """Set the watermark of partitions that are read to their end, given as (topic, partition) -> next offset."""
    with conn, conn.cursor() as cursor:
        cursor.execute("set local synchronous_commit = off")
        cursor.execute(
            "update read.progress p set watermark = %s "
            "from unnest(%s::text[], %s::int[], %s::bigint[]) as s (topic, partition, next_offset) "
            "where p.projection = %s and p.generation = %s and p.topic = s.topic and p.partition = s.partition "
            "and p.next_offset = s.next_offset and p.watermark < %s",
            (
                position,
                [topic for topic, _ in steps],
                [partition for _, partition in steps],
                list(steps.values()),
                target.projection.name,
                target.generation,
                position,
            ),
        )


def complete_to(cursor: Any, projection: Projection | None = None) -> int:
    """Return the position up to which a projection, or all of them, are complete: 0 before a projector first ran."""
    cursor.execute(
        "select coalesce(min(p.watermark), 0) from read.progress p join read.active a using (projection, generation) "
        "where projection = coalesce(%s, projection)",
        (projection.name if projection else None,),
    )
    return int(cursor.fetchone()[0])


def _park(
    cursor: Any,
    target: Target,
    records: Sequence[Consumed],
    waiting: set[str],
    done: Mapping[str, int],
    errors: dict[str, str],
) -> None:
    passed: dict[str, int] = defaultdict(int)
    begun: set[str] = set()
    rows = []
    for record in records:
        stream = record.stream
        if stream not in waiting and stream not in errors:
            continue
        passed[stream] += 1
        if stream in waiting or passed[stream] > done.get(stream, 0):
            behind = stream in waiting or stream in begun
            rows.append((record, None if behind else errors[stream]))
            begun.add(stream)
    cursor.execute(
        "insert into read.parked (projection, generation, stream, topic, partition, at_offset, position, record, error)"
        " select %s, %s, * from unnest"
        "(%s::text[], %s::text[], %s::int[], %s::bigint[], %s::bigint[], %s::bytea[], %s::text[])",
        (
            target.projection.name,
            target.generation,
            [record.stream for record, _ in rows],
            [record.topic for record, _ in rows],
            [record.partition for record, _ in rows],
            [record.offset for record, _ in rows],
            [record.position for record, _ in rows],
            [psycopg2.Binary(record.record) for record, _ in rows],
            [None if error is None else error.replace(NUL, REPLACEMENT) for _, error in rows],
        ),
    )
