"""The formats of exports: CSV, JSON Lines, Parquet and Arrow, made batch by batch.

PostgreSQL writes the lines of the first two, so that a row costs the program one value. What it sends for the others
fits their columns: times as microseconds, days as numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

Format = Literal["csv", "jsonl", "parquet", "arrow"]
FORMATS: tuple[Format, ...] = get_args(Format)
MEDIA_TYPES: Mapping[Format, str] = {
    "csv": "text/csv; charset=utf-8; header=present",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}
#: Rows of a row group of Parquet, which is held in memory as a whole.
ROW_GROUP = 50_000
#: How a text begins that a spreadsheet would run as a formula; and the sign put before it, which so has to go in front
#: of itself, too. (OWASP, CSV injection.)
FORMULA = "=+-@\t\r＝＋－＠"
GUARD = "'"

Batch = list[tuple[Any, ...]]
Kind = Literal["text", "bool", "int64", "int32", "date", "instant", "decimal", "number"]
#: By the number that PostgreSQL gives a type. Whatever else there may be is written as text.
_KINDS: Mapping[int, Kind] = {
    **dict.fromkeys((18, 19, 25, 1042, 1043), "text"),
    16: "bool",
    20: "int64",
    21: "int32",
    23: "int32",
    1082: "date",
    1184: "instant",
    1700: "decimal",
}
#: Digits that a decimal of Arrow holds.
_MOST_DIGITS = 38


class Field(NamedTuple):
    """A column of an export. ``digits`` and ``scale`` are of a decimal; a ``number`` may have any."""

    name: str
    kind: Kind | None
    digits: int = 0
    scale: int = 0


def kind_of(described: Any) -> tuple[Kind | None, int, int]:
    """Return the kind, digits and scale of a column that a cursor describes; None for one that is written as text."""
    kind = _KINDS.get(described.type_code)
    if kind != "decimal":
        return kind, 0, 0
    if described.precision is None or not 0 < described.precision <= _MOST_DIGITS:
        return "number", 0, 0
    return kind, described.precision, described.scale


def expressions(format: Format, fields: Sequence[Field]) -> str:
    """Return what to select, in SQL, from a table ``t`` of just these fields."""
    match format:
        case "csv":
            return " || ',' || ".join(f"coalesce({_in_csv(field)}, '')" for field in fields)
        case "jsonl":
            return "row_to_json(t)::text"
        case "parquet" | "arrow":
            return ", ".join(_in_arrow(field) for field in fields)


def _in_csv(field: Field) -> str:
    name = f't."{field.name}"'
    match field.kind:
        case "instant":
            # As JSON has it: ISO 8601.
            return f"trim(both '\"' from to_json({name})::text)"
        case "text" | None:
            # Quoted, so that an empty text is not taken for one that is absent.
            starts = "".join(f"\\u{ord(sign):04x}" for sign in FORMULA + GUARD)
            text = f"{name}::text"
            guarded = f"case when {text} ~ '^[{starts}]' then '''' || {text} else {text} end"
            return f"'\"' || replace({guarded}, '\"', '\"\"') || '\"'"
        case _:
            return f"{name}::text"


def _in_arrow(field: Field) -> str:
    name = f't."{field.name}"'
    match field.kind:
        case "instant":
            return f"(extract(epoch from {name}) * 1000000)::bigint"
        case "date":
            return f"{name} - date '1970-01-01'"
        case "number" | None:
            return f"{name}::text"
        case _:
            return name


def encode(
    format: Format, fields: Sequence[Field], metadata: Mapping[str, str], batches: Iterable[Batch]
) -> Iterator[bytes]:
    """Yield the bytes of an export, of batches of what ``expressions`` selects."""
    match format:
        case "csv":
            yield (",".join(field.name for field in fields) + "\r\n").encode()
            yield from _lines(batches, "\r\n")
        case "jsonl":
            yield from _lines(batches, "\n")
        case "parquet":
            yield from _parquet(fields, metadata, batches)
        case "arrow":
            yield from _arrow(fields, metadata, batches)


def _lines(batches: Iterable[Batch], end: str) -> Iterator[bytes]:
    for batch in batches:
        yield ("".join([f"{line}{end}" for (line,) in batch])).encode()


class _Sink:
    """A file that gives away what was written into it."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._size += len(part)
        return len(part)

    def tell(self) -> int:
        return self._size

    def flush(self) -> None:
        """There is nothing behind it."""

    def close(self) -> None:
        """There is nothing behind it."""

    def take(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _arrow(fields: Sequence[Field], metadata: Mapping[str, str], batches: Iterable[Batch]) -> Iterator[bytes]:
    # Not with the module: nothing else needs it, and it takes as long to import as all the rest.
    import pyarrow as pa

    record = _recorder(fields, metadata)
    sink = _Sink()
    with pa.ipc.new_stream(pa.PythonFile(sink, mode="w"), record([]).schema) as writer:
        yield sink.take()
        for batch in batches:
            writer.write_batch(record(batch))
            yield sink.take()
    yield sink.take()


def _parquet(fields: Sequence[Field], metadata: Mapping[str, str], batches: Iterable[Batch]) -> Iterator[bytes]:
    import pyarrow as pa
    from pyarrow import parquet

    record = _recorder(fields, metadata)
    sink = _Sink()
    writer = parquet.ParquetWriter(pa.PythonFile(sink, mode="w"), record([]).schema, compression="zstd")
    waiting: list[Any] = []
    for batch in batches:
        waiting.append(record(batch))
        if sum(one.num_rows for one in waiting) >= ROW_GROUP:
            writer.write_table(pa.Table.from_batches(waiting))
            waiting = []
        yield sink.take()
    if waiting:
        writer.write_table(pa.Table.from_batches(waiting))
    # Only now comes the footer, without which nothing reads the file: one that was cut is noticed.
    writer.close()
    yield sink.take()


def _recorder(fields: Sequence[Field], metadata: Mapping[str, str]) -> Callable[[Batch], Any]:
    """Return a function that makes a record batch of rows."""
    import pyarrow as pa

    plain: Mapping[str | None, Any] = {
        "bool": pa.bool_(),
        "int64": pa.int64(),
        "int32": pa.int32(),
        "date": pa.date32(),
        "instant": pa.timestamp("us", tz="UTC"),
    }
    types = [
        pa.decimal128(field.digits, field.scale) if field.kind == "decimal" else plain.get(field.kind, pa.string())
        for field in fields
    ]
    schema = pa.schema([(field.name, type_) for field, type_ in zip(fields, types, strict=True)], metadata=metadata)
    sent = {"date": pa.int32(), "instant": pa.int64()}

    def record(batch: Batch) -> Any:
        columns = zip(*batch, strict=True) if batch else ((),) * len(fields)
        arrays = [
            pa.array(column, sent.get(field.kind or "", type_)).cast(type_)
            for field, type_, column in zip(fields, types, columns, strict=True)
        ]
        return pa.record_batch(arrays, schema=schema)

    return record
