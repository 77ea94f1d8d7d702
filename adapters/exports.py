"""Whole tables and figures to take away: on one snapshot, in flat memory, read as an analyst reads them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, NamedTuple

import psycopg2
from psycopg2.extensions import connection as Connection

from adapters import snapshots
from adapters.database import connect
from adapters.export_formats import Field, Format, encode, expressions, kind_of
from adapters.groups import TITLES, grouped
from adapters.periods import LENGTHS, period_of
from adapters.read_store import complete_to
from adapters.statistics import FILED, Query, least_of
from adapters.statistics_sources import source_of
from domain.errors import InvalidInput, LedgerError
from projections.rates import RATES
from projections.resolution_statistics import MEASURES

#: Rows that are fetched, and held, at a time.
BATCH = 5_000
#: PostgreSQL ends an export whose next batch takes longer. Whoever takes a batch more slowly than a minute is cut off.
STATEMENT_TIMEOUT_S = 300
#: Tables of a generation that is being built are nobody's to read.
_BEING_BUILT = re.compile(r"_(next|parts)$")
#: What statistics are made of.
_OF_STATISTICS = ("resolution_statistics", "complaint_details", "merchants", "offices")


class UnknownTable(LedgerError):
    """There is no such table, or it is not for analysts."""


class Described(NamedTuple):
    """A column: its name, its type in SQL, and its comment."""

    name: str
    type: str
    comment: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table of ``read``, by its name without the schema."""

    name: str
    comment: str
    key: tuple[str, ...]
    columns: tuple[Described, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """What is exported: rows of a query ``sql`` with ``parameters``, from ``tables`` of ``read`` that must not be
    swapped meanwhile. ``columns``: which of its columns, in this order; none: all."""

    name: str
    sql: str
    parameters: Sequence[Any]
    tables: Sequence[str]
    columns: Sequence[str] = ()


def tables(cursor: Any, name: str | None = None) -> dict[str, Table]:
    """Return the tables that analysts may read, by name; or only one of them."""
    cursor.execute(
        "select c.relname, coalesce(obj_description(c.oid, 'pg_class'), ''), "
        "coalesce((select array_agg(a.attname::text order by k.place) from pg_index i "
        "cross join unnest(i.indkey) with ordinality as k (number, place) "
        "join pg_attribute a on a.attrelid = c.oid and a.attnum = k.number "
        "where i.indrelid = c.oid and i.indisprimary), '{}'), "
        "array_agg(array[a.attname::text, format_type(a.atttypid, a.atttypmod), "
        "coalesce(col_description(c.oid, a.attnum), '')] order by a.attnum) "
        "from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped "
        "where c.relnamespace = 'read'::regnamespace and c.relkind in ('r', 'p', 'v', 'm') "
        "and has_table_privilege('ledger_analyst', c.oid, 'select') and c.relname = coalesce(%s, c.relname) "
        "group by c.oid, c.relname order by c.relname",
        (name,),
    )
    return {
        name: Table(name, comment, tuple(key), tuple(Described(*column) for column in columns))
        for name, comment, key, columns in cursor
        if not _BEING_BUILT.search(name)
    }


def of_table(
    cursor: Any,
    name: str,
    *,
    columns: Sequence[str] = (),
    filters: Mapping[str, Sequence[str]] | None = None,
    exclude: Mapping[str, Sequence[str]] | None = None,
) -> Source:
    """Return a table as a source, in the order of its key; raises UnknownTable, and InvalidInput.

    ``filters``: column -> values, of which one has to fit; ``exclude``: of which none may. The empty value stands for
    what is not known: an empty text, or null.
    """
    known = tables(cursor, name)
    if name not in known:
        raise UnknownTable(f"there is no table {name!r} for analysts", hint="GET /exports lists them")
    table = known[name]
    types = {column.name: column.type for column in table.columns}
    for column in (*columns, *(filters or ()), *(exclude or ())):
        if column not in types:
            raise InvalidInput(f"read.{name} has no column {column!r}", hint=f"it has: {', '.join(types)}")
    if len(set(columns)) < len(columns):
        raise InvalidInput("a column is named twice", hint="name each once")
    conditions, parameters = ["true"], list[Any]()
    for asked, negation in ((filters, ""), (exclude, "not ")):
        for column, values in (asked or {}).items():
            own = list(values) if types[column] == "text" else [value for value in values if value != ""]
            unknown = f"t.{column} is null or " if "" in values else ""
            # A null is neither one of the values nor left out by them.
            fits = f"({unknown}coalesce(t.{column} = any(%s::{types[column]}[]), false))"
            _require_fit(cursor, column, own, types[column])
            conditions.append(negation + fits)
            parameters.append(own)
    order = f" order by {', '.join(f't.{column}' for column in table.key)}" if table.key else ""
    sql = f"select t.* from read.{name} t where {' and '.join(conditions)}{order}"
    return Source(f"read.{name}", sql, parameters, (name,), columns)


def _require_fit(cursor: Any, column: str, values: list[str], type_: str) -> None:
    try:
        cursor.execute(f"select %s::{type_}[]", (values,))
    except psycopg2.DataError:
        raise InvalidInput(f"a value for {column} is no {type_}: {', '.join(values)}") from None


def of_statistics(query: Query, *, today: date, columns: Sequence[str] = ()) -> Source:
    """Return the groups of a query as a source, flat: what they are, every measure and every rate."""
    source = source_of(query)
    sums = grouped(replace(source, rows=source.alone), MEASURES, period_of(query.interval))
    first, last = "%s::date", "%s::date"
    own: list[Any] = [query.first, query.last]
    if query.interval:
        first, last, own = "g.period", f"(g.period + interval '{LENGTHS[query.interval]}')::date - 1", []
    rates = ", ".join(
        f"{_ratio(part, whole, factor)} as {name}"
        for name, (part, whole, factor) in {
            **{name: (part, whole, 100) for name, (part, whole) in RATES.items()},
            "satisfaction": ("satisfaction_points", "rated", 1),
        }.items()
    )
    title, joined = "null::text", ""
    if query.by in TITLES:
        table, key, of = TITLES[query.by]
        title, joined = f"o.{of}", f"left join {table} o on o.{key} = g.key"
    unknown = [column for column in columns if column not in STATISTICS]
    if unknown:
        raise InvalidInput(f"statistics have no column {unknown[0]!r}", hint=f"they have: {', '.join(STATISTICS)}")
    return Source(
        f"statistics/{query.by}",
        f"select d.key, d.scheme, d.title, d.first_day, d.last_day, coalesce(d.last_day >= %s, true) or "
        f"coalesce(d.first_day < %s, false) or coalesce(d.last_day > %s, false) as incomplete, "
        f"{', '.join(f'd.{name}' for name in MEASURES)}, {rates} from "
        f"(select g.*, {title} as title, {first} as first_day, {last} as last_day from "
        f"({sums} having read.total(s.requests) <> 0) as g {joined} "
        f"where g.{least_of(query)} >= %s) as d order by {FILED.order_by(query)}",
        [today, query.first, query.last, *own, *source.parameters, query.least],
        _OF_STATISTICS,
        columns,
    )


#: The columns of exported statistics.
STATISTICS = (
    *("key", "scheme", "title", "first_day", "last_day", "incomplete"),
    *MEASURES,
    *RATES,
    "satisfaction",
)


def _ratio(part: str, whole: str, factor: int) -> str:
    """``projections.rates.ratio`` in SQL, exactly: with one decimal, half-up."""
    units = f"div({2 * factor * 10} * d.{part}::numeric + d.{whole}, nullif(2 * d.{whole}, 0))"
    return f"({units} / 10)::numeric(12, 1)"


@dataclass
class Export:
    """An export that has begun: its first rows are there. Close it, whatever becomes of it.

    ``complete_to``: position up to which everything is in; ``rows``: how many were given out so far.
    """

    source: str
    complete_to: int
    format: Format
    fields: Sequence[Field]
    _conn: Connection
    _batches: Iterator[list[tuple[Any, ...]]] = field(repr=False)
    rows: int = 0

    def chunks(self) -> Iterator[bytes]:
        """Give it out, piece by piece; an error means that what was given out is not whole."""
        metadata = {"source": self.source, "complete_to": str(self.complete_to)}
        return encode(self.format, self.fields, metadata, self._counted())

    def _counted(self) -> Iterator[list[tuple[Any, ...]]]:
        for batch in self._batches:
            self.rows += len(batch)
            yield batch

    def close(self) -> None:
        """Let go of the snapshot."""
        self._conn.close()


def begin(url: str, choose: Callable[[Any], Source], format: Format, *, batch: int = BATCH) -> Export:
    """Begin an export of what ``choose`` returns, given a cursor; raises what that raises.

    Reads as ledger_analyst, whoever the user of ``url`` is.
    """
    conn = connect(url, "ledger_analyst", statement_timeout_s=STATEMENT_TIMEOUT_S)
    try:
        with conn.cursor() as cursor:
            source = choose(cursor)
        snapshots.begin(conn, [f"read.{name}" for name in source.tables])
        with conn.cursor() as cursor:
            complete = complete_to(cursor)
            fields = _fields(cursor, source)
        rows = conn.cursor(name="export")
        rows.execute(
            f"select {expressions(format, fields)} from (select {_named(fields)} from ({source.sql}) as t) as t",
            source.parameters,
        )
        first = rows.fetchmany(batch)
    except BaseException:
        conn.close()
        raise

    def batches() -> Iterator[list[tuple[Any, ...]]]:
        found = first
        while found:
            yield found
            found = rows.fetchmany(batch)

    return Export(source.name, complete, format, fields, conn, batches())


def _fields(cursor: Any, source: Source) -> list[Field]:
    cursor.execute(f"select * from ({source.sql}) as t limit 0", source.parameters)
    found = {column.name: Field(column.name, *kind_of(column)) for column in cursor.description}
    return [found[name] for name in source.columns or found]


def _named(fields: Sequence[Field]) -> str:
    return ", ".join(f't."{field.name}"' for field in fields)
