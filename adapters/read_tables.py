"""Writes folded batches into the tables of a projection, set-wise: rows by key, sums by what is to be added."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import psycopg2

from projections.projection import Batch, Fact, Key, Projection, Sums, fold_own

#: What PostgreSQL raises for values that it cannot take, as opposed to being away or busy.
UNFIT = (psycopg2.DataError, psycopg2.IntegrityError)
#: How many rows are written out while the server takes up those before.
LINES = 100


def parts(sums: Sums) -> str:
    """Return the table in which gathers what is to be added to a table of sums that is being built."""
    return f"{sums.table.removesuffix('_next')}_parts"


def write(
    cursor: Any,
    projection: Projection,
    facts: Sequence[Fact],
    guarded: bool,
    totals: Sequence[dict[Key, Sequence[int]]] | None,
) -> dict[str, tuple[int, str]]:
    """Write a batch; returns what failed as Batch does. ``guarded``: of one stream, whose bad values fail it only.

    ``totals``: for each table of sums where to add what it changes by, in place of the table. Raises UNFIT.
    """
    if guarded:
        cursor.execute("savepoint stream")
    try:
        # A stream that begins in this batch has no row yet; looking for it would cost a third of the rate.
        begun = set() if guarded else {fact.stream for fact in facts if fact.version == 1}
        own = projection.concerning(facts)
        old = _read_rows(cursor, projection, list({fact.stream for fact in own} - begun))
        batch: Batch = fold_own(projection, old, facts, own)
        copy(cursor, projection.table, projection.columns, (row for row in batch.rows if row[0] in begun))
        _merge_rows(cursor, projection, [row for row in batch.rows if row[0] not in begun])
        for number, (sums, delta) in enumerate(zip(projection.sums, batch.deltas, strict=True)):
            if totals is None:
                add(cursor, sums, delta)
            else:
                gather(totals[number], delta)
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
    copy(cursor, incoming, columns, rows)
    cursor.execute(
        f"insert into {projection.table} ({', '.join(columns)}) select {', '.join(columns)} from {incoming} "
        f"on conflict ({projection.key}) do update set "
        + ", ".join(f"{column} = excluded.{column}" for column in columns[1:])
    )


def add(cursor: Any, sums: Sums, delta: Mapping[Key, Sequence[int]]) -> None:
    """Add to a table of sums what it changes by; rows that come to nothing are deleted."""
    if not delta:
        return
    keys, measures = ", ".join(sums.keys), ", ".join(sums.measures)
    incoming = _incoming(cursor, sums.table)
    # Rows are taken in one order by all projectors, so that two of them cannot wait for each other.
    copy(cursor, incoming, (*sums.keys, *sums.measures), sorted((*key, *values) for key, values in delta.items()))
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


def gather(total: dict[Key, Sequence[int]], delta: Mapping[Key, Sequence[int]]) -> None:
    """Add ``delta`` to ``total``."""
    for key, values in delta.items():
        present = total.get(key)
        total[key] = values if present is None else [a + b for a, b in zip(present, values, strict=True)]


def stage(cursor: Any, sums: Sums, total: Mapping[Key, Sequence[int]]) -> None:
    """Put aside what is to be added to a table of sums that is being built."""
    copy(cursor, parts(sums), (*sums.keys, *sums.measures), ((*key, *values) for key, values in total.items()))


def add_staged(cursor: Any, sums: Sums) -> None:
    """Add what was put aside to a table of sums that is being built."""
    keys, measures = ", ".join(sums.keys), ", ".join(sums.measures)
    cursor.execute(
        f"insert into {sums.table} as t ({keys}, {measures}) "
        f"select {keys}, {', '.join(f'sum({measure})' for measure in sums.measures)} from {parts(sums)} "
        f"group by {keys} having {' or '.join(f'sum({measure}) <> 0' for measure in sums.measures)} "
        f"on conflict ({keys}) do update set "
        + ", ".join(f"{measure} = t.{measure} + excluded.{measure}" for measure in sums.measures)
    )
    cursor.execute(f"delete from {sums.table} where " + " and ".join(f"{measure} = 0" for measure in sums.measures))
    cursor.execute(f"truncate {parts(sums)}")


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


def copy(cursor: Any, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert rows by COPY. The server takes up the first ones while the next are written out."""
    lines = _Lines(rows, len(columns))
    if lines.text:
        cursor.copy_expert(f"copy {table} ({', '.join(columns)}) from stdin (null '{NULL}')", lines)


class _Lines:
    """Rows in the text format of COPY, some at a time, as a file. ``text``: what is read next."""

    def __init__(self, rows: Iterable[tuple[Any, ...]], width: int) -> None:
        self._rows, self._width = iter(rows), width
        self._line = "\t".join(["%s"] * width) + "\n"
        self.text = self._write()

    def read(self, size: int = -1) -> str:
        """Return the next lines, of any length, and nothing behind the last."""
        text = self.text
        if text:
            self.text = self._write()
        return text

    def _write(self) -> str:
        rows = list(islice(self._rows, LINES))
        values = tuple(chain.from_iterable(rows))
        text = self._line * len(rows) % values
        # All at once takes a third less time. Where a value has what stands for something else, the counts differ.
        plain = (
            "\\" not in text
            and "\r" not in text
            and text.count("\n") == len(rows)
            and text.count("\t") == len(rows) * (self._width - 1)
            and text.count(NULL) == values.count(None)
        )
        return text if plain else self._line * len(rows) % tuple(map(_escaped, values))


#: What ``%s`` makes of None.
NULL = "None"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _escaped(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    # An escaped letter is the letter itself, and the value no longer what stands for null.
    return f"\\{value}" if value == NULL else value.translate(_ESCAPES)
