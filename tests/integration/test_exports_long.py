"""Long exports from a process of its own: in flat memory, so many at a time; what was cut is noticed."""

from __future__ import annotations

import csv
import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import parquet

from adapters.database import connect
from adapters.export_formats import FORMATS, Format
from api.exports import MAX_EXPORTS, MAX_OF_ONE
from domain.values import Actor, Role
from tests.conftest import create_database
from tests.integration.program import eventually
from tests.integration.test_exports import ANALYST, by_sql
from tests.integration.test_http import CONSUMER, KEY, refused, token

OTHER_ANALYST = Actor("88888888-8888-4888-8888-888888888888", Role.ANALYST)
MANY = 1_000_000
#: By how much a process that exports may grow, in bytes, however long the export is.
GROWTH = 120 * 2**20


@pytest.fixture(scope="module")
def long_url(postgres_url: str) -> str:
    """A database with a million funds."""
    url = create_database(postgres_url, f"l{os.getpid()}_{secrets.token_hex(4)}")
    with closing(connect(url, None)) as conn, conn.cursor() as cursor:
        cursor.execute(
            # What a crash would leave of it is nobody's concern.
            "alter table read.funds set unlogged; "
            "insert into read.funds (fund_id, version, position, title, office_id, currency, status, opened_at, "
            "paid_in_fen, advanced_fen, recovered_fen, written_off_fen, stated_balance_fen, items) "
            "select 'fund-' || lpad(n::text, 8, '0'), n, n, 'fund \"' || n %% 7 || '\", of all', '', 'CNY', 'open', "
            "timestamptz '2026-01-01 00:00:00+00' + n * interval '1.000001 s', n * 1000003::bigint, 0, 0, 0, n, '{}' "
            "from generate_series(1, %s) n",
            (MANY,),
        )
    return url


@pytest.fixture(scope="module")
def process(long_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[psutil.Process, str]]:
    """The API as a process of its own, and its address."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "COMPLAINTS_DATABASE_URL": long_url,
        "COMPLAINTS_SERVICE_KEY": KEY.decode(),
        "COMPLAINTS_API_PORT": str(port),
        "COMPLAINTS_DATA_DIR": str(tmp_path_factory.mktemp("api")),
    }
    log = tmp_path_factory.mktemp("log") / "api.log"
    with log.open("wb") as said:
        running = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "api"], env={**os.environ, **settings}, stdout=said, stderr=said
        )
        try:
            address = f"http://127.0.0.1:{port}"

            def answers() -> bool:
                assert running.poll() is None, log.read_text()
                with suppress(httpx.TransportError):
                    return httpx.get(f"{address}/health/live").status_code == 200
                return False

            eventually(answers, "the API answers")
            yield psutil.Process(running.pid), address
        finally:
            running.terminate()
            running.wait()


def most_memory(process: psutil.Process) -> int:
    """The most memory that a process has ever had, in bytes."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def download(address: str, file: Path, **query: Any) -> None:
    bearer = {"Authorization": f"Bearer {token(ANALYST)}"}
    with httpx.stream("GET", f"{address}/exports/funds", params=query, headers=bearer, timeout=120) as answer:
        assert answer.status_code == 200
        with file.open("wb") as out:
            for piece in answer.iter_raw():
                out.write(piece)


COLUMNS = ("fund_id", "opened_at", "paid_in_fen")
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def digest(format: Format, file: Path) -> tuple[int, int, int, str, str]:
    """How many rows there are, sums of the amounts and of the times in µs since a day, the first and the last id."""
    if format in ("csv", "jsonl"):
        count = fen = micros = 0
        first = last = ""
        with file.open(encoding="utf-8", newline="") as text:
            rows: Any = csv.reader(text) if format == "csv" else (list(json.loads(line).values()) for line in text)
            if format == "csv":
                assert tuple(next(rows)) == COLUMNS
            for fund, at, paid in rows:
                assert fund > last
                count, fen = count + 1, fen + int(paid)
                since = datetime.fromisoformat(at) - SINCE
                micros += (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
                first, last = first or fund, fund
        return count, fen, micros, first, last
    table = parquet.read_table(file) if format == "parquet" else pa.ipc.open_stream(file.read_bytes()).read_all()
    assert tuple(table.column_names) == COLUMNS
    micros = pc.sum(pc.subtract(pc.cast(table["opened_at"], pa.int64()), int(SINCE.timestamp()) * 1_000_000)).as_py()
    ends = (table["fund_id"][0].as_py(), table["fund_id"][-1].as_py())
    return table.num_rows, pc.sum(table["paid_in_fen"]).as_py(), micros, *ends


def test_a_million_rows_are_exported_whole_in_each_format_in_flat_memory(
    process: tuple[psutil.Process, str], long_url: str, tmp_path: Path
) -> None:
    server, address = process
    for format in FORMATS:
        # What is loaded once is loaded.
        download(address, tmp_path / "one", format=format, filter="fund_id:fund-00000001")
    before = most_memory(server)
    ((*expected,),) = by_sql(
        long_url,
        "select count(*), sum(paid_in_fen), "
        "sum((extract(epoch from opened_at - timestamptz '2026-01-01 00:00:00+00') * 1000000)::bigint), "
        "min(fund_id), max(fund_id) from read.funds",
    )
    for format in FORMATS:
        file = tmp_path / f"funds.{format}"
        download(address, file, format=format, columns=",".join(COLUMNS))
        assert list(digest(format, file)) == expected, format
        file.unlink()
    assert most_memory(server) - before < GROWTH


def exporting(url: str) -> int:
    ((found,),) = by_sql(
        url,
        "select count(*) from pg_stat_activity where application_name = 'complaints ledger_analyst' "
        "and datname = current_database()",
    )
    return int(found)


def test_an_export_that_is_cut_is_noticed_and_one_that_nobody_reads_is_let_go(
    process: tuple[psutil.Process, str], long_url: str
) -> None:
    _, address = process
    bearer = {"Authorization": f"Bearer {token(ANALYST)}"}
    with httpx.stream("GET", f"{address}/exports/funds", headers=bearer) as answer:
        pieces = answer.iter_raw()
        next(pieces)
        by_sql(
            long_url,
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where application_name = 'complaints ledger_analyst' and datname = current_database()",
        )
        with pytest.raises(httpx.RemoteProtocolError):
            for _ in pieces:
                pass
    with httpx.stream("GET", f"{address}/exports/funds", headers=bearer) as answer:
        # Kept: the answer is closed with what iterates over it.
        pieces = answer.iter_raw()
        next(pieces)
        assert exporting(long_url) == 1
    eventually(lambda: exporting(long_url) == 0, "no export holds a connection")


def test_so_many_exports_run_at_a_time_and_no_more(process: tuple[psutil.Process, str], long_url: str) -> None:
    _, address = process
    eventually(lambda: exporting(long_url) == 0, "no export holds a connection")
    path = f"{address}/exports/funds"
    mine, others = ({"Authorization": f"Bearer {token(one)}"} for one in (ANALYST, OTHER_ANALYST))
    with httpx.Client() as client:
        opened = [client.send(client.build_request("GET", path, headers=mine), stream=True) for _ in range(MAX_OF_ONE)]
        problem = refused(client.get(path, headers=mine), 429, "too-many-requests")
        assert f"{MAX_OF_ONE} exports of yours" in problem["detail"]
        while len(opened) < MAX_EXPORTS:
            opened.append(client.send(client.build_request("GET", path, headers=others), stream=True))
        assert {one.status_code for one in opened} == {200}
        third = {"Authorization": f"Bearer {token(Actor(CONSUMER.id, Role.REGULATOR))}"}
        assert refused(client.get(path, headers=third), 429, "too-many-requests")
        for one in opened:
            one.close()
        eventually(
            lambda: client.get(f"{path}?filter=version:1", headers=mine).status_code == 200, "there is room again"
        )
