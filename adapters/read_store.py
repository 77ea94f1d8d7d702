"""Writes projections into PostgreSQL: rows, sums and progress of a batch in one transaction, set-wise."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg2.extensions import connection as Connection

from projections.projection import Fact, Key, Projection, Sums, fold_batch

GENERATION = 1


class LostPartition(Exception):
    """Another projector has written this partition's progress: read it again and seek."""


@dataclass(frozen=True, slots=True)
class Step:
    """How far one partition is read by a batch: from the offset in the progress to the next."""

    topic: str
    partition: int
    offset: int
    next_offset: int


def ensure_progress(conn: Connection, projections: Iterable[Projection], partitions: Iterable[tuple[str, int]]) -> None:
    """Make the rows of progress that are missing, at offset 0 and watermark 0."""
    partitions = list(partitions)
    with conn.cursor() as cursor:
        for projection in projections:
            cursor.execute(
                "insert into read.active (projection, generation) values (%s, %s) on conflict do nothing",
                (projection.name, GENERATION),
            )
            own = [(t, p) for t, p in partitions if t.endswith(projection.kind.topic)]
            cursor.execute(
                "insert into read.progress (projection, generation, topic, partition, next_offset, watermark) "
                "select %s, %s, topic, partition, 0, 0 from unnest(%s::text[], %s::int[]) as p (topic, partition) "
                "on conflict do nothing",
                (projection.name, GENERATION, [t for t, _ in own], [p for _, p in own]),
            )


def read_progress(conn: Connection, projection: Projection) -> dict[tuple[str, int], int]:
    """Return the next offset per (topic, partition)."""
    with conn.cursor() as cursor:
        cursor.execute(
            "select topic, partition, next_offset from read.progress where projection = %s and generation = %s",
            (projection.name, GENERATION),
        )
        return {(topic, partition): offset for topic, partition, offset in cursor}


def apply_batch(conn: Connection, projection: Projection, facts: Sequence[Fact], steps: Sequence[Step]) -> None:
    """Fold ``facts`` into the projection's tables and advance its progress by ``steps``, in one transaction.

    Raises LostPartition or BrokenStream; then nothing has changed.
    """
    with conn, conn.cursor() as cursor:
        cursor.execute("set local synchronous_commit = off")
        cursor.execute("select generation from read.active where projection = %s for share", (projection.name,))
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
                projection.name,
                GENERATION,
            ),
        )
        if cursor.rowcount != len(steps):
            raise LostPartition(f"{projection.name}: progress has been moved by another projector")
        if facts:
            _write(cursor, projection, facts)


def advance_watermark(
    conn: Connection, projection: Projection, steps: Mapping[tuple[str, int], int], position: int
) -> None:
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
                projection.name,
                GENERATION,
                position,
            ),
        )


def watermark(cursor: Any, projection: Projection) -> int:
    """Return the position up to which the projection is complete: 0 before its projector first ran."""
    cursor.execute(
        "select coalesce(min(p.watermark), 0) from read.progress p join read.active a using (projection, generation) "
        "where projection = %s",
        (projection.name,),
    )
    return int(cursor.fetchone()[0])


def _write(cursor: Any, projection: Projection, facts: Sequence[Fact]) -> None:
    # A stream that begins in this batch has no row yet; looking for it would cost a third of the rate.
    begun = {fact.stream for fact in facts if fact.version == 1}
    old = _read_rows(cursor, projection, list({fact.stream for fact in facts} - begun))
    rows, deltas = fold_batch(projection, old, facts)
    _merge_rows(cursor, projection, rows)
    for sums, delta in zip(projection.sums, deltas, strict=True):
        _add(cursor, sums, delta)


def _read_rows(cursor: Any, projection: Projection, streams: list[str]) -> dict[str, tuple[int, Any]]:
    if not streams:
        return {}
    cursor.execute(
        f"select {', '.join(projection.columns)} from {projection.table} where {projection.key} = any(%s)", (streams,)
    )
    return {stream: (version, projection.row(*fields)) for stream, version, _, *fields in cursor}


def _merge_rows(cursor: Any, projection: Projection, rows: list[tuple[Any, ...]]) -> None:
    columns = projection.columns
    incoming = _copy(cursor, projection.table, columns, rows)
    cursor.execute(
        f"insert into {projection.table} ({', '.join(columns)}) select {', '.join(columns)} from {incoming} "
        f"on conflict ({projection.key}) do update set "
        + ", ".join(f"{column} = excluded.{column}" for column in columns[1:])
    )


def _add(cursor: Any, sums: Sums, delta: Mapping[Key, Sequence[int]]) -> None:
    if not delta:
        return
    keys, measures = ", ".join(sums.keys), ", ".join(sums.measures)
    # Rows are taken in one order by all projectors, so that two of them cannot wait for each other.
    incoming = _copy(
        cursor, sums.table, (*sums.keys, *sums.measures), sorted((*key, *values) for key, values in delta.items())
    )
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


def _copy(cursor: Any, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> str:
    """Put rows for ``columns`` of ``table`` into a temporary table like it, empty at each commit; returns its name."""
    incoming = f"pg_temp.incoming_{table.partition('.')[2]}"
    cursor.execute("select to_regclass(%s) is null", (incoming,))
    if cursor.fetchone() == (True,):
        cursor.execute(f"create temporary table {incoming.partition('.')[2]} (like {table}) on commit delete rows")
    text = "\n".join(["\t".join([_text(value) for value in row]) for row in rows])
    cursor.copy_expert(f"copy {incoming} ({', '.join(columns)}) from stdin", io.StringIO(text + "\n"))
    return incoming


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
