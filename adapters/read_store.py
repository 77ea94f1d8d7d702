"""Writes projections into PostgreSQL: rows, sums, parked records and progress of a batch in one transaction, set-wise.

A projection's tables exist in generations: one in use, of which ``read.active`` holds the number, and at most one that
is being built beside it (``adapters.rebuild``).
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import psycopg2
from psycopg2.extensions import connection as Connection

from projections.projection import Batch, Fact, Key, Projection, Sums, fold_batch

#: What PostgreSQL raises for values that it cannot take, as opposed to being away or busy.
UNFIT = (psycopg2.DataError, psycopg2.IntegrityError)
#: A text column cannot hold U+0000; a key of a record can.
NUL, REPLACEMENT = "\0", "\ufffd"


class LostPartition(Exception):
    """Another projector has written this partition's progress, or other tables are in use: read progress and seek."""


@dataclass(frozen=True, slots=True)
class Target:
    """A generation of a projection's tables; ``building``: it stands beside the one in use."""

    projection: Projection
    generation: int
    building: bool = False

    @property
    def tables(self) -> list[str]:
        """Names of its tables, with the schema."""
        return [self.projection.table, *(sums.table for sums in self.projection.sums)]


def beside(target: Target) -> Target:
    """Return the generation after ``target``, in tables of its own."""
    projection = replace(
        target.projection,
        table=f"{target.projection.table}_next",
        sums=tuple(replace(sums, table=f"{sums.table}_next") for sums in target.projection.sums),
    )
    return Target(projection, target.generation + 1, building=True)


@dataclass(frozen=True, slots=True)
class Step:
    """How far one partition is read by a batch: from the offset in the progress to the next."""

    topic: str
    partition: int
    offset: int
    next_offset: int


@dataclass(frozen=True, slots=True)
class Consumed:
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
    cursor.execute(f"select generation from read.active where projection = %s {lock}", (projection.name,))
    found = cursor.fetchone()
    return Target(projection, int(found[0]) if found else 1)


def ensure_progress(conn: Connection, projections: Iterable[Projection], partitions: Iterable[tuple[str, int]]) -> None:
    """Make the rows of progress that the generations in use lack, at offset 0 and watermark 0."""
    partitions = list(partitions)
    with conn.cursor() as cursor:
        for projection in projections:
            cursor.execute(
                "insert into read.active (projection, generation) values (%s, 1) on conflict do nothing",
                (projection.name,),
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


def read_progress(cursor: Any, target: Target) -> dict[tuple[str, int], int]:
    """Return the next offset per (topic, partition); empty where the generation does not exist."""
    cursor.execute(
        "select topic, partition, next_offset from read.progress where projection = %s and generation = %s",
        (target.projection.name, target.generation),
    )
    return {(topic, partition): offset for topic, partition, offset in cursor}


def apply_batch(conn: Connection, target: Target, records: Sequence[Consumed], steps: Sequence[Step]) -> int:
    """Fold ``records`` into the target's tables and advance its progress by ``steps``, in one transaction.

    What cannot be folded is parked, with what follows it in the same stream. Returns how many records were folded.
    Raises LostPartition; then nothing has changed.
    """
    try:
        with conn, conn.cursor() as cursor:
            hold_in_use(cursor, target)
            return take_up(cursor, target, records, steps)
    except UNFIT:
        # Some value is not for a column: go stream by stream, to find whose.
        with conn, conn.cursor() as cursor:
            hold_in_use(cursor, target)
            return take_up(cursor, target, records, steps, one_by_one=True)


def hold_in_use(cursor: Any, target: Target) -> None:
    """Keep the generation in use from being swapped until the transaction's end; raises LostPartition if it was."""
    cursor.execute("set local synchronous_commit = off")
    active = in_use(cursor, target.projection, "for share").generation
    if target.building != (active < target.generation):
        raise LostPartition(f"{target.projection.name}: generation {active} is in use now")


def take_up(
    cursor: Any, target: Target, records: Sequence[Consumed], steps: Sequence[Step], *, one_by_one: bool = False
) -> int:
    """Do what ``apply_batch`` does, within the caller's transaction; raises LostPartition."""
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
        raise LostPartition(f"{target.projection.name}: progress has been moved by somebody else")
    return fold(cursor, target, records, parked_streams(cursor, target), one_by_one=one_by_one)


def fold(
    cursor: Any, target: Target, records: Sequence[Consumed], waiting: set[str], *, one_by_one: bool = False
) -> int:
    """Fold what can be folded, park the rest; returns how many were folded. ``waiting``: streams that stay parked."""
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
        for stream, (count, error) in _write(cursor, target.projection, facts, guarded=one_by_one).items():
            done[stream], errors[stream] = count, error
    if errors or waiting:
        _park(cursor, target, records, waiting, done, errors)
    return sum(done.values())


def parked_streams(cursor: Any, target: Target) -> set[str]:
    """Return the streams whose records have to wait."""
    cursor.execute(
        "select distinct stream from read.parked where projection = %s and generation = %s and skipped_at is null",
        (target.projection.name, target.generation),
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


def _write(cursor: Any, projection: Projection, facts: Sequence[Fact], *, guarded: bool) -> dict[str, tuple[int, str]]:
    """Write a batch; returns what failed as Batch does. ``guarded``: of one stream, whose bad values fail it only."""
    if guarded:
        cursor.execute("savepoint stream")
    try:
        # A stream that begins in this batch has no row yet; looking for it would cost a third of the rate.
        begun = set() if guarded else {fact.stream for fact in facts if fact.version == 1}
        old = _read_rows(cursor, projection, list({fact.stream for fact in facts} - begun))
        batch: Batch = fold_batch(projection, old, facts)
        _copy(cursor, projection.table, projection.columns, (row for row in batch.rows if row[0] in begun))
        _merge_rows(cursor, projection, [row for row in batch.rows if row[0] not in begun])
        for sums, delta in zip(projection.sums, batch.deltas, strict=True):
            _add(cursor, sums, delta)
        return batch.failed
    except UNFIT as error:
        if not guarded:
            raise
        cursor.execute("rollback to savepoint stream")
        return {facts[0].stream: (0, f"{type(error).__name__}: {str(error).strip()}")}


def _read_rows(cursor: Any, projection: Projection, streams: list[str]) -> dict[str, tuple[int, Any]]:
    if not streams:
        return {}
    cursor.execute(
        f"select {', '.join(projection.columns)} from {projection.table} where {projection.key} = any(%s)", (streams,)
    )
    return {stream: (version, projection.row(*fields)) for stream, version, _, *fields in cursor}


def _merge_rows(cursor: Any, projection: Projection, rows: list[tuple[Any, ...]]) -> None:
    if not rows:
        return
    columns = projection.columns
    incoming = _incoming(cursor, projection.table)
    _copy(cursor, incoming, columns, rows)
    cursor.execute(
        f"insert into {projection.table} ({', '.join(columns)}) select {', '.join(columns)} from {incoming} "
        f"on conflict ({projection.key}) do update set "
        + ", ".join(f"{column} = excluded.{column}" for column in columns[1:])
    )


def _add(cursor: Any, sums: Sums, delta: Mapping[Key, Sequence[int]]) -> None:
    if not delta:
        return
    keys, measures = ", ".join(sums.keys), ", ".join(sums.measures)
    incoming = _incoming(cursor, sums.table)
    # Rows are taken in one order by all projectors, so that two of them cannot wait for each other.
    _copy(cursor, incoming, (*sums.keys, *sums.measures), sorted((*key, *values) for key, values in delta.items()))
    cursor.execute(
        f"insert into {sums.table} as t ({keys}, {measures}) select {keys}, {measures} from {incoming} "
        f"order by {keys} on conflict ({keys}) do update set "
        + ", ".join(f"{measure} = t.{measure} + excluded.{measure}" for measure in sums.measures)
    )
    cursor.execute(
        f"delete from {sums.table} t using {incoming} i where "
        + " and ".join(f"t.{key} = i.{key}" for key in sums.keys)
        + "".join(f" and t.{measure} = 0" for measure in sums.measures)
    )


def _incoming(cursor: Any, table: str) -> str:
    """Return the name of an empty temporary table like ``table``."""
    incoming = f"pg_temp.incoming_{table.partition('.')[2]}"
    cursor.execute("select to_regclass(%s) is null", (incoming,))
    if cursor.fetchone() == (True,):
        cursor.execute(f"create temporary table {incoming.partition('.')[2]} (like {table}) on commit delete rows")
        return incoming
    cursor.execute(f"select exists (select from {incoming})")
    if cursor.fetchone() == (True,):
        cursor.execute(f"truncate {incoming}")
    return incoming


def _copy(cursor: Any, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    text = "\n".join(["\t".join([_text(value) for value in row]) for row in rows])
    if text:
        cursor.copy_expert(f"copy {table} ({', '.join(columns)}) from stdin", io.StringIO(text + "\n"))


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _text(value: Any) -> str:
    """Write a value in the text format of COPY."""
    if value is None:
        return "\\N"
    if isinstance(value, str):
        return value if value.isprintable() and "\\" not in value else value.translate(_ESCAPES)
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
