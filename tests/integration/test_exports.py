"""Exports: what is in them is what SQL says, of one moment, in flat memory; and what was cut is noticed."""

from __future__ import annotations

import csv
import io
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest
from pyarrow import parquet

from adapters import exports, statistics
from adapters.database import Pool, connect
from adapters.export_formats import FORMATS, MEDIA_TYPES, Format
from adapters.exports import Source, begin, of_table
from api import export_command
from api.statistics import today
from domain.errors import InvalidInput
from domain.values import Actor, Role
from projections.resolution_statistics import MEASURES
from tests.conftest import create_database
from tests.filled import fill
from tests.integration.test_http import CONSUMER, Server, ok, refused, token

ANALYST = Actor("77777777-7777-4777-8777-777777777777", Role.ANALYST)
#: What a format has to carry, in the columns of a table of the tests.
ODD = (
    (1, "plain", "", True, date(2026, 1, 31), datetime(2025, 12, 31, 16, 30, tzinfo=UTC), 2**62),
    (2, 'with "quotes", commas\nand\r\nlines', None, None, None, None, None),
    (3, "=cmd|' /C calc'!A1", "-1", False, date(9999, 12, 30), datetime(9999, 12, 30, tzinfo=UTC), -1),
    (4, "电饭锅 ＝1", "'", True, date(1970, 1, 1), datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), 0),
)
Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def database_url(postgres_url: str) -> str:
    url = create_database(postgres_url, f"e{os.getpid()}_{secrets.token_hex(4)}")
    fill(url)
    with closing(connect(url, None)) as conn, conn.cursor() as cursor:
        cursor.execute(
            "create table read.odd (n int primary key, text text, other text, flag bool, day date, at timestamptz, "
            "big bigint); grant select on read.odd to ledger_analyst, ledger_api"
        )
        for row in ODD:
            cursor.execute("insert into read.odd values (%s, %s, %s, %s, %s, %s, %s)", row)
    return url


@pytest.fixture(scope="module")
def http(database_url: str) -> Iterator[httpx.Client]:
    server = Server(database_url)
    with server.client(ANALYST) as client:
        yield client
    server.stop()


def by_sql(url: str, query: str, *parameters: object) -> Rows:
    with closing(connect(url, None)) as conn, conn.cursor() as cursor:
        cursor.execute(query, parameters or None)
        return list(cursor.fetchall())


def unguarded(text: str) -> str:
    return text.removeprefix("'")


#: How a value of CSV is read back, by the type of its column in SQL.
READ: Mapping[str, Callable[[str], Any]] = {
    "text": unguarded,
    "boolean": lambda text: text == "true",
    "numeric": Decimal,
    "date": date.fromisoformat,
    "timestamp with time zone": datetime.fromisoformat,
}


def read_back(format: Format, content: bytes, types: list[str]) -> tuple[list[str], Rows]:
    """The names of the columns and the rows of an export; of CSV None for what is empty."""
    match format:
        case "csv":
            csv.field_size_limit(2**24)
            names, *rows = csv.reader(io.StringIO(content.decode(), newline=""))
            readers = [READ.get(type_, int) for type_ in types]
            return names, [
                tuple(read(cell) if cell else None for read, cell in zip(readers, row, strict=True)) for row in rows
            ]
        case "jsonl":
            objects = [json.loads(line) for line in content.splitlines()]
            read = [
                READ[one] if one in ("date", "timestamp with time zone") else (lambda value: value) for one in types
            ]
            return list(objects[0]) if objects else [], [
                tuple(None if value is None else own(value) for own, value in zip(read, one.values(), strict=True))
                for one in objects
            ]
        case "parquet":
            table = parquet.read_table(io.BytesIO(content))
        case "arrow":
            table = pa.ipc.open_stream(content).read_all()
    return table.column_names, list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def exported(url: str, table: str, format: Format, **conditions: Any) -> bytes:
    export = begin(url, lambda cursor: of_table(cursor, table, **conditions), format, batch=97)
    try:
        return b"".join(export.chunks())
    finally:
        export.close()


@pytest.mark.parametrize("format", FORMATS)
def test_every_table_is_in_its_export_as_sql_says(database_url: str, format: Format) -> None:
    with closing(connect(database_url, "ledger_analyst")) as conn, conn.cursor() as cursor:
        found = exports.tables(cursor)
    assert {"complaint_details", "resolution_statistics", "merchants", "odd"} <= found.keys()
    assert not found.keys() & {"subjects", "parked", "builds_whole"}
    filled = 0
    conn = connect(database_url, None)
    said = conn.cursor()
    for table in found.values():
        types = [column.type for column in table.columns]
        names, rows = read_back(format, exported(database_url, table.name, format), types)
        order = f"order by {', '.join(table.key)}" if table.key else ""
        said.execute(f"select * from read.{table.name} {order}")
        expected = said.fetchall()
        if format == "csv":
            expected = [tuple(None if value == "" else value for value in row) for row in expected]
        if format in ("parquet", "arrow"):
            # Of no stated size: more digits than the decimals of Arrow may have.
            expected = [tuple(str(value) if isinstance(value, Decimal) else value for value in row) for row in expected]
        assert rows == expected, table.name
        assert names == [column.name for column in table.columns] or not rows
        filled += bool(rows)
    conn.close()
    assert filled > 40


def test_csv_is_as_rfc_4180_has_it_and_keeps_formulas_from_being_run(database_url: str) -> None:
    lines = exported(database_url, "odd", "csv").decode()
    assert lines == (
        "n,text,other,flag,day,at,big\r\n"
        '1,"plain","",true,2026-01-31,2025-12-31T16:30:00+00:00,4611686018427387904\r\n'
        '2,"with ""quotes"", commas\nand\r\nlines",,,,,\r\n'
        "3,\"'=cmd|' /C calc'!A1\",\"'-1\",false,9999-12-30,9999-12-30T00:00:00+00:00,-1\r\n"
        '4,"电饭锅 ＝1","\'\'",true,1970-01-01,1969-12-31T23:59:59.999999+00:00,0\r\n'
    )


def test_columnar_formats_have_the_types_and_say_what_they_are_complete_to(http: httpx.Client) -> None:
    for format in ("parquet", "arrow"):
        answer = http.get("/exports/odd", params={"format": format})
        content = answer.content
        schema = parquet.read_schema(io.BytesIO(content)) if format == "parquet" else pa.ipc.open_stream(content).schema
        instant = pa.timestamp("us", tz="UTC")
        assert schema.types == [pa.int32(), pa.string(), pa.string(), pa.bool_(), pa.date32(), instant, pa.int64()]
        assert schema.metadata[b"complete_to"].decode() == answer.headers["x-complete-to"]
        assert schema.metadata[b"source"] == b"read.odd"
    footer = parquet.ParquetFile(io.BytesIO(http.get("/exports/odd", params={"format": "parquet"}).content)).metadata
    assert footer.row_group(0).column(0).compression == "ZSTD"


def test_columns_and_conditions_choose_what_is_exported(database_url: str) -> None:
    chosen = {"columns": ["status", "complaint_id"], "filters": {"merchant_id": [""], "kind": ["complaint", "report"]}}
    content = exported(database_url, "complaint_details", "jsonl", **chosen, exclude={"status": ["closed"]})
    _, rows = read_back("jsonl", content, ["text", "text"])
    assert rows == by_sql(
        database_url,
        "select status, complaint_id from read.complaint_details where merchant_id is null "
        "and kind in ('complaint', 'report') and status <> 'closed' order by complaint_id",
    )
    assert len(rows) > 20
    # Who has no merchant is not one of those left out, and a number is compared as one.
    _, others = read_back("csv", exported(database_url, "odd", "csv", exclude={"big": ["0", "-01"]}), ["text"] * 7)
    assert [row[0] for row in others] == ["1", "2"]
    _, known = read_back("csv", exported(database_url, "odd", "csv", exclude={"other": [""]}), ["text"] * 7)
    assert [row[0] for row in known] == ["3", "4"]


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_empty_is_exported_as_such(database_url: str, format: Format) -> None:
    content = exported(database_url, "odd", format, filters={"n": ["17"]})
    names, rows = read_back(format, content, ["text"] * 7)
    assert rows == []
    assert len(names) == (0 if format == "jsonl" else 7)


@pytest.mark.parametrize("by", ["merchant", "region", "industry"])
@pytest.mark.parametrize(
    "asked", [{}, {"interval": "quarter"}, {"order": "answered_on_time_rate", "least": 2}], ids=str
)
def test_g2_exported_statistics_are_those_of_the_api(
    database_url: str, http: httpx.Client, by: str, asked: Any
) -> None:
    with closing(Pool(database_url, "ledger_api")) as pool:
        items = statistics.aggregate(pool, statistics.Query(by, **asked), today=today()).items
    answer = http.get(f"/exports/statistics/{by}", params={**asked, "format": "arrow"})
    rows = pa.ipc.open_stream(answer.content).read_all().to_pylist()
    assert tuple(rows[0]) == exports.STATISTICS
    for row in rows:
        row["measures"] = {name: row.pop(name) for name in MEASURES}
        row["rates"] = {name: None if row[name] is None else str(row[name]) for name in items[0]["rates"]}
    named = ("key", "scheme", "title", "first_day", "last_day", "incomplete", "measures", "rates")
    assert [{name: row[name] for name in named} for row in rows] == [
        {name: item[name] for name in named} for item in items
    ]
    assert len(items) > 1


def test_an_answer_names_the_file_and_the_position(http: httpx.Client) -> None:
    position = ok(http.get("/merchants"))["complete_to"]
    for format in FORMATS:
        answer = http.get("/exports/transfers", params={"format": format, "min_position": position})
        assert answer.status_code == 200
        assert answer.headers["content-type"] == MEDIA_TYPES[format]
        assert answer.headers["x-complete-to"] == str(position)
        assert answer.headers["content-disposition"] == f'attachment; filename="transfers-{position}.{format}"'
        assert answer.headers["transfer-encoding"] == "chunked"


def test_the_tables_are_listed_with_what_they_mean(http: httpx.Client) -> None:
    items = {item["name"]: item for item in ok(http.get("/exports"))["items"]}
    assert items["transfers"]["key"] == ["from_office", "to_office", "day"]
    assert all(column["comment"] for name in items.keys() - {"odd"} for column in items[name]["columns"])


@pytest.mark.parametrize(
    ("path", "query", "status", "kind"),
    [
        ("subjects", {}, 404, "unknown"),
        ("parked", {}, 404, "unknown"),
        ("nothing", {}, 404, "unknown"),
        ("odd", {"columns": "n,password"}, 422, "invalid"),
        ("odd", {"columns": "n,n"}, 422, "invalid"),
        ("odd", {"columns": "n;select 1"}, 422, "invalid"),
        ("odd", {"filter": "n:one"}, 422, "invalid"),
        ("odd", {"filter": "at:someday"}, 422, "invalid"),
        ("odd", {"filter": "nothing:1"}, 422, "invalid"),
        ("odd", {"filter": "n"}, 422, "invalid"),
        ("odd", {"format": "xlsx"}, 422, "invalid"),
        ("odd", {"min_position": 10**9, "wait_s": 0}, 503, "read-model-behind"),
        ("statistics/nothing", {}, 422, "invalid"),
        ("statistics/merchant", {"columns": "password"}, 422, "invalid"),
    ],
)
def test_what_cannot_be_exported_is_refused(
    http: httpx.Client, path: str, query: dict[str, Any], status: int, kind: str
) -> None:
    refused(http.get(f"/exports/{path}", params=query), status, kind)


def test_exports_are_not_for_those_who_only_file_or_answer(http: httpx.Client) -> None:
    bearer = {"Authorization": f"Bearer {token(CONSUMER)}"}
    for path in ("/exports", "/exports/odd", "/exports/statistics/merchant"):
        refused(http.get(path, headers=bearer), 403, "forbidden")


def test_an_export_is_of_one_moment_whatever_is_written_meanwhile(database_url: str) -> None:
    count = "select count(*) from read.codes"
    ((before,),) = by_sql(database_url, count)
    export = begin(database_url, lambda cursor: of_table(cursor, "codes", columns=["code"]), "jsonl", batch=10)
    pieces = export.chunks()
    next(pieces)
    with closing(connect(database_url, None)) as conn, conn.cursor() as cursor:
        cursor.execute("insert into read.codes select 'new', n::text, '', 'n', 1 from generate_series(1, 100) n")
        # Nor can the tables of another generation take its place.
        cursor.execute("set lock_timeout = '50ms'")
        with pytest.raises(Exception, match="lock timeout"):
            cursor.execute("drop table read.codes")
    for _ in pieces:
        pass
    export.close()
    assert export.rows == before
    assert by_sql(database_url, count) == [(before + 100,)]


def test_a_file_takes_its_name_once_it_is_whole(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "odd.csv"
    file.write_text("of before")

    def failing(cursor: Any) -> Source:
        return Source("odd", "select 1 / (100 - n) as n from generate_series(1, 200) n", (), ("odd",))

    export = begin(database_url, failing, "csv", batch=10)
    with pytest.raises(Exception, match="division by zero"):
        export_command.write(export, file)
    export.close()
    assert file.read_text() == "of before"
    export = begin(database_url, lambda cursor: of_table(cursor, "odd"), "csv")
    assert export_command.write(export, file) == file.stat().st_size
    export.close()
    assert file.read_bytes() == exported(database_url, "odd", "csv")
    assert [one.name for one in tmp_path.iterdir()] == ["odd.csv"]


def test_a_file_that_cannot_be_written_is_said_so(database_url: str, tmp_path: Path) -> None:
    export = begin(database_url, lambda cursor: of_table(cursor, "odd"), "csv")
    with pytest.raises(InvalidInput, match="cannot be written"):
        export_command.write(export, tmp_path / "nowhere" / "odd.csv")
    export.close()
