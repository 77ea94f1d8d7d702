"""docs/read-models.md, made from the catalog of a migrated database: ``python -m tests.read_models``."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from adapters.database import connect
from adapters.embedded.postgres import PostgresServer
from adapters.migrations import migrate
from projections.catalogue import PROJECTIONS

PATH = Path(__file__).parent.parent / "docs" / "read-models.md"
AGAIN = "python -m tests.read_models"
#: Where the streams of each kind have their row: what a column of that name joins with.
JOINS = {one.key: one.table for one in PROJECTIONS if one.table.startswith("read.")} | {
    "going_on_id": "read.merchants",
    "into_id": "read.merchants",
    "other_id": "read.merchants",
    "merchant": "read.merchants",
    "penalty_on": "read.merchants",
    "operator": "read.merchants",
    "authority_id": "read.offices",
    "superior": "read.offices",
    "from_office": "read.offices",
    "to_office": "read.offices",
    "office": "read.offices",
    "holder": "read.merchants, read.offices",
    "target_id": "read.merchants, read.platforms",
    "imposed_by": "read.offices, read.platforms",
    "report_id": "read.complaint_details",
    "scenario": "read.scenarios",
    "scenario_id": "read.scenarios",
    "policy_id": "read.policies",
    "rule_set": "read.rule_sets",
    "rule_set_id": "read.rule_sets",
    "industry": "read.codes by (scheme, code) = (industry_scheme, industry)",
}
HEAD = f"""# Read models

Made from the database's own comments by `{AGAIN}`; do not edit it. What the figures mean is in
[definitions](definitions.md), how to get a login and exports in [analysts](analysts.md), and worked questions in
[questions](analyst-questions.md).

- **Access.** An analyst may SELECT from every table here that is not marked *not for analysts*, and call the functions.
- **Fresh.** Rows change soon after an event, in one transaction per batch. To which position of the ledger they are
  complete: `select projection, min(watermark) from read.active join read.progress using (projection, generation)
  group by 1`.
- **Keys.** `version` and `position` of a row are those of the last event in it. Times are with zone, days are of
  Shanghai, money is in fen. In tables of items the empty text, 0 and `9999-12-30` stand for what there is not, and
  `items` counts.
- **Joins.** Columns of the same name and meaning join; a column that names a stream is followed by → and its table.
- **Names stay.** A changed read model is built beside the old one and takes its place under the same name.
"""


class Column(NamedTuple):
    name: str
    type: str
    comment: str | None


class Relation(NamedTuple):
    """A table of the schema read, with whether analysts may read it."""

    name: str
    comment: str | None
    key: list[str]
    open: bool
    columns: list[Column]


class Function(NamedTuple):
    """A function of the schema read, with whether analysts may call it."""

    name: str
    arguments: str
    result: str
    comment: str | None
    open: bool


def relations(cursor: Any) -> dict[str, Relation]:
    """Return all tables, by name."""
    cursor.execute(
        "select c.relname, obj_description(c.oid, 'pg_class'), "
        "coalesce((select array_agg(a.attname::text order by k.n) from pg_index i "
        "cross join unnest(i.indkey) with ordinality as k (number, n) "
        "join pg_attribute a on a.attrelid = c.oid and a.attnum = k.number "
        "where i.indrelid = c.oid and i.indisprimary), '{}'), has_table_privilege('ledger_analyst', c.oid, 'select'), "
        "array_agg(array[a.attname::text, format_type(a.atttypid, a.atttypmod), "
        "col_description(c.oid, a.attnum)] order by a.attnum) "
        "from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped "
        "where c.relnamespace = 'read'::regnamespace and c.relkind in ('r', 'p', 'v', 'm') "
        "and not c.relispartition group by c.oid order by c.relname"
    )
    return {
        name: Relation(f"read.{name}", comment, key, is_open, [Column(*column) for column in columns])
        for name, comment, key, is_open, columns in cursor
    }


def functions(cursor: Any) -> list[Function]:
    """Return all functions, by name."""
    cursor.execute(
        "select 'read.' || p.proname, pg_get_function_identity_arguments(p.oid), pg_get_function_result(p.oid), "
        "obj_description(p.oid, 'pg_proc'), has_function_privilege('ledger_analyst', p.oid, 'execute') "
        "from pg_proc p where p.pronamespace = 'read'::regnamespace order by 1, 2"
    )
    return [Function(*found) for found in cursor]


def document(cursor: Any) -> str:
    """Return the text of docs/read-models.md."""
    found = relations(cursor)
    lines = [HEAD]
    for title, names in _topics(found):
        lines.append(f"## {title}\n")
        for name in names:
            lines.extend(_described(found[name]))
    lines.append("## Functions\n\n| function | returns | what |\n|---|---|---|")
    lines += [
        f"| `{one.name}({one.arguments})` | {_cell(one.result)} | {_cell(one.comment)} |"
        for one in functions(cursor)
        if one.open
    ]
    return "\n".join(lines) + "\n"


def _topics(found: Mapping[str, Relation]) -> Iterator[tuple[str, list[str]]]:
    left = set(found)
    for projection in PROJECTIONS:
        tables = [projection.table, *(sums.table for sums in projection.sums)]
        names = [table.removeprefix("read.") for table in tables if table.startswith("read.")]
        if not names:
            continue
        left -= set(names)
        yield projection.name.replace("_", " ").capitalize(), names
    yield "The read models themselves", sorted(left)


def _described(one: Relation) -> Iterator[str]:
    yield f"### {one.name}\n"
    access = "" if one.open else " *Not for analysts.*"
    yield f"{one.comment}{access} Key: {', '.join(f'`{name}`' for name in one.key) or 'none'}.\n"
    yield "| column | type | what |\n|---|---|---|"
    for column in one.columns:
        joined = JOINS.get(column.name)
        to = f" → {joined}" if joined and joined != one.name else ""
        yield f"| `{column.name}` | {column.type} | {_cell(column.comment)}{to} |"
    yield ""


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|").replace("\n", " ")


def main() -> None:
    """Write it again, from a database of its own."""
    with tempfile.TemporaryDirectory() as directory:
        server = PostgresServer(Path(directory))
        server.start()
        try:
            migrate(server.url)
            with closing(connect(server.url, None)) as conn, conn.cursor() as cursor:
                PATH.write_text(document(cursor), encoding="utf-8")
        finally:
            server.stop()


if __name__ == "__main__":
    main()
