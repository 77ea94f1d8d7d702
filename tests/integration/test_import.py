"""Published files into a real ledger: once, again, in later editions, by two at once, and interrupted."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from adapters.cfpb import NotCfpbError
from adapters.cfpb_import import Report, import_cfpb
from adapters.database import connect
from adapters.execute import Ledger, command, open_ledger
from adapters.ledger import LedgerUnavailable
from domain.complaint import ending
from domain.rulebook.book import EMPTY
from domain.values import Actor, Role

LIMIT = 60.0
KEY = b"a key of the service"
TODAY = date(2026, 1, 1)
ID, PRODUCT, ISSUE, STATE, CHANNEL, RECEIVED, SENT, COMPANY, RESPONSE, TIMELY, DISPUTED = 0, 1, 3, 5, 7, *range(8, 14)
RELIEF = ("Closed with monetary relief", "Closed with non-monetary relief", "Closed with relief")
IMPORT = """
import json, sys
from datetime import date
from pathlib import Path
from adapters.cfpb_import import import_cfpb
from adapters.execute import open_ledger
ledger = open_ledger(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
report = import_cfpb(ledger, Path(sys.argv[2]), service_key=b"a key of the service", today=date(2026, 1, 1))
ledger.close()
print(json.dumps([report.read, report.imported, report.already, report.updated, len(report.refused)]), flush=True)
"""
Rows = list[list[str]]


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    with closing(open_ledger(database_url)) as ledger:
        yield ledger


@pytest.fixture(scope="module")
def table(sample: Path) -> tuple[list[str], Rows]:
    """The header of the sample and its whole rows."""
    with sample.open(newline="") as file:
        header, *rows = csv.reader(file)
    return header, rows[:-1]


@pytest.fixture
def write(tmp_path: Path, table: tuple[list[str], Rows]) -> Callable[..., Path]:
    def write(rows: Sequence[Sequence[str]], *, header: Sequence[str] = table[0], name: str = "file.csv") -> Path:
        path = tmp_path / name
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *rows])
        return path

    return write


def run(ledger: Ledger, path: Path) -> Report:
    report = import_cfpb(ledger, path, service_key=KEY, today=TODAY)
    assert report.read == report.imported + report.already + report.updated + len(report.refused)
    return report


def counts(report: Report) -> tuple[int, int, int]:
    """Imported, already known, updated; nothing refused."""
    assert report.refused == []
    return report.imported, report.already, report.updated


def edited(rows: Rows, changes: dict[int, dict[int, str]]) -> Rows:
    """The rows with other values, given as {row: {column: value}}."""
    return [[changes.get(n, {}).get(place, value) for place, value in enumerate(row)] for n, row in enumerate(rows)]


def events(database_url: str) -> list[dict[str, Any]]:
    """All records in the order of positions, which have no gap."""
    with closing(connect(database_url, None)) as conn, conn.cursor() as cursor:
        cursor.execute("select position, record from ledger.events order by position")
        found = cursor.fetchall()
    assert [position for position, _ in found] == list(range(1, len(found) + 1))
    return [orjson.loads(bytes(record)) for _, record in found]


def expected_events(row: Sequence[str]) -> list[str]:
    response = row[RESPONSE]
    answered = response not in ("In progress", "Untimely response")
    late = row[TIMELY] == "No" or response == "Untimely response"
    return [
        "complaint.filed",
        "complaint.routed",
        *(["complaint.deadline_missed"] if late else []),
        *(["complaint.answered", "complaint.resolved" if response in RELIEF else "complaint.closed"] * answered),
        *(["complaint.disputed"] if row[DISPUTED] == "Yes" else []),
    ]


def assert_holds(database_url: str, rows: Rows, *, in_order: bool = True) -> None:
    """Assert that the ledger holds each row's complaint and each company once, with all of its events and no other."""
    names: dict[str, str] = {}
    streams: dict[str, list[dict[str, Any]]] = {}
    for event in events(database_url):
        if event["type"] == "merchant.registered":
            assert event["data"]["trade_name"] not in names.values()
            names[event["subject"]] = event["data"]["trade_name"]
        else:
            streams.setdefault(event["subject"], []).append(event)
            assert event["streamversion"] == len(streams[event["subject"]])
            if event["type"] == "complaint.routed":
                # It was registered before: a reader in the order of positions always knows whom it concerns.
                assert event["data"]["merchant_id"] in names
    found = {own[0]["data"]["origin"]["reference"]: own for own in streams.values()}
    assert len(found) == len(streams)
    assert found.keys() == {row[ID] for row in rows}
    assert set(names.values()) == {row[COMPANY] for row in rows}
    for row in rows:
        own = found[row[ID]]
        assert [event["type"] for event in own] == expected_events(row), row
        assert names[own[1]["data"]["merchant_id"]] == row[COMPANY]
    if in_order:
        assert list(found) == [row[ID] for row in rows]


def test_the_sample_is_imported_once_and_only_its_cut_last_line_is_refused(
    ledger: Ledger, database_url: str, sample: Path, table: tuple[list[str], Rows]
) -> None:
    heard: list[int] = []
    first = import_cfpb(ledger, sample, service_key=KEY, today=TODAY, progress=lambda report: heard.append(report.read))
    assert (first.read, first.imported, first.already, first.updated) == (8340, 8339, 0, 0)
    assert [refused.line for refused in first.refused] == [8341]
    assert heard == sorted(heard)
    assert heard[-1] == 8340
    assert_holds(database_url, table[1])
    head = ledger.recorder.max_notification_id()

    again = run(ledger, sample)
    assert (again.read, again.imported, again.already, again.updated) == (8340, 0, 8339, 0)
    assert again.refused == first.refused
    assert ledger.recorder.max_notification_id() == head


def test_a_later_edition_updates_exactly_the_complaints_that_it_states_otherwise(
    ledger: Ledger, database_url: str, table: tuple[list[str], Rows], write: Callable[..., Path]
) -> None:
    rows = table[1][:400]
    run(ledger, write(rows))
    open_row = next(n for n, row in enumerate(rows) if row[RESPONSE] == "In progress" and row[TIMELY] == "Yes")
    closed = next(n for n, row in enumerate(rows) if row[RESPONSE] == "Closed with explanation" and not row[DISPUTED])
    changes = {
        open_row: {RESPONSE: "Closed with monetary relief"},
        closed: {DISPUTED: "Yes"},
        5 + max(open_row, closed): {PRODUCT: "Something else", COMPANY: "A company not seen before"},
    }
    later = edited(rows, changes)
    before = len(events(database_url))
    assert counts(run(ledger, write(later))) == (0, 397, 3)
    new = [(event["type"], event["data"]) for event in events(database_url)[before:]]
    assert sorted(name for name, _ in new) == [
        "complaint.answered",
        "complaint.corrected",
        "complaint.disputed",
        "complaint.resolved",
        "merchant.registered",
    ]
    ((correction),) = (data for name, data in new if name == "complaint.corrected")
    assert correction.keys() == {"consumer_id", "product", "merchant_id"}
    assert counts(run(ledger, write(later))) == (0, 400, 0)


def test_new_columns_of_a_later_form_add_their_facts_only(
    ledger: Ledger, database_url: str, table: tuple[list[str], Rows], write: Callable[..., Path]
) -> None:
    header, rows = table[0], table[1][:50]
    run(ledger, write(rows))
    before = len(events(database_url))
    answered = [n for n, row in enumerate(rows) if row[RESPONSE].startswith("Closed")]
    wide = [[*row[1:], "It broke" * (n < 3), "Our answer" * (n == answered[-1]), row[ID]] for n, row in enumerate(rows)]
    names = [*header[1:], "Consumer complaint narrative", "Company public response", "Complaint ID"]
    assert counts(run(ledger, write(wide, header=names))) == (0, 46, 4)
    data = [event["data"] for event in events(database_url)[before:]]
    assert [{k: v for k, v in facts.items() if k != "consumer_id"} for facts in data] == [
        *[{"narrative": "It broke"}] * 3,
        {"answer_text": "Our answer"},
    ]


def test_without_ids_equal_rows_are_two_complaints_and_a_second_import_changes_nothing(
    ledger: Ledger, table: tuple[list[str], Rows], write: Callable[..., Path]
) -> None:
    rows = [row[1:] for row in table[1][:60]]
    path = write([*rows, rows[0], rows[0]], header=table[0][1:])
    assert counts(run(ledger, path)) == (62, 0, 0)
    assert counts(run(ledger, path)) == (0, 62, 0)
    shuffled = write([rows[0], *reversed(rows), rows[0]], header=table[0][1:])
    assert counts(run(ledger, shuffled)) == (0, 62, 0)
    assert counts(run(ledger, write([*rows, *[rows[0]] * 3], header=table[0][1:]))) == (1, 62, 0)


@pytest.mark.parametrize("between", [0, 30, 1500])
def test_an_id_that_comes_twice_in_a_file_is_one_complaint_with_the_facts_of_both(
    between: int, ledger: Ledger, database_url: str, table: tuple[list[str], Rows], write: Callable[..., Path]
) -> None:
    rows = edited(table[1][: between + 1], {0: {RESPONSE: "In progress", TIMELY: "Yes", DISPUTED: ""}})
    last = edited(rows[:1], {0: {RESPONSE: "Closed with explanation", DISPUTED: "Yes"}})
    assert counts(run(ledger, write([*rows, rows[0], *last, *last]))) == (between + 1, 2, 1)
    assert_holds(database_url, [*last, *rows[1:]])


def test_bad_rows_are_named_by_line_and_the_rest_goes_in(
    ledger: Ledger, database_url: str, table: tuple[list[str], Rows], write: Callable[..., Path], tmp_path: Path
) -> None:
    rows = table[1][:40]
    bad = {
        2: ({RECEIVED: "02/30/2014"}, "does not exist"),
        5: ({SENT: "01/02/2126"}, "lies in the future"),
        8: ({RESPONSE: "Closed with joy"}, "'closed with explanation'"),
        11: ({CHANNEL: "Pigeon"}, "'postal mail'"),
        14: ({ID: "none"}, "no complaint id"),
        17: ({COMPANY: ""}, "'Company' is empty"),
        20: ({ISSUE: "x" * 501}, "501 characters"),
        23: ({STATE: "F\0"}, "U+0000"),
        26: ({TIMELY: "Perhaps"}, "'Timely response?'"),
    }
    path = write(edited(rows, {n: change for n, (change, _) in bad.items()}))
    lines = path.read_bytes().split(b"\r\n")
    lines[30] = lines[30].replace(b",", b",\xe9", 1)
    lines[33] = lines[33].replace(b",", b',"', 1)
    lines[36] = lines[36].rpartition(b",")[0]
    path.write_bytes(b"\r\n".join(lines))
    expected = {n + 2: reason for n, (_, reason) in bad.items()} | {31: "0xe9", 34: "quote", 37: "13 fields"}

    report = run(ledger, path)
    assert {refused.line: refused.line in expected for refused in report.refused} == dict.fromkeys(expected, True)
    for refused in report.refused:
        assert expected[refused.line] in refused.reason
    assert (report.read, report.imported) == (40, 28)
    assert_holds(database_url, [row for n, row in enumerate(rows) if n + 2 not in expected])

    mended = run(ledger, write(rows))
    assert counts(mended) == (12, 28, 0)
    assert_holds(database_url, rows, in_order=False)


def test_a_row_whose_record_would_be_too_large_is_refused_and_the_rest_goes_in(
    ledger: Ledger, table: tuple[list[str], Rows], write: Callable[..., Path]
) -> None:
    header = [*table[0], "Consumer complaint narrative"]
    texts = ["short", "投诉" * 15_000, "short"]
    report = run(ledger, write([[*row, text] for row, text in zip(table[1], texts, strict=False)], header=header))
    assert [refused.line for refused in report.refused] == [3]
    assert "more than 60000" in report.refused[0].reason
    assert report.imported == 2


def test_a_complaint_that_went_another_way_in_the_ledger_is_refused_by_line(
    ledger: Ledger, table: tuple[list[str], Rows], write: Callable[..., Path]
) -> None:
    rows = edited(table[1][:3], {1: {RESPONSE: "In progress", TIMELY: "Yes", DISPUTED: ""}})
    run(ledger, write(rows))
    by = Actor("11111111-1111-4111-8111-111111111111", Role.CONSUMER)
    filed = [n.originator_id for n in ledger.recorder.select_notifications(1, 100, topics=["complaint.filed"])]
    ledger.execute(
        str(filed[1]),
        lambda state: ending.withdraw(state, at=datetime.now(UTC), by=by, book=EMPTY),
        command(KEY, by.id, "withdraw", None, {}),
    )
    report = run(ledger, write(edited(rows, {1: {RESPONSE: "Closed"}})))
    assert [(refused.line, rows[1][ID] in refused.reason) for refused in report.refused] == [(3, True)]
    assert "that is withdrawn" in report.refused[0].reason
    assert report.already == 2


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", "Complaint ID,Product\n".encode("utf-16")])
def test_a_file_of_another_kind_leaves_the_ledger_as_it_was(ledger: Ledger, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.csv"
    path.write_bytes(content)
    with pytest.raises(NotCfpbError):
        run(ledger, path)
    assert ledger.recorder.max_notification_id() is None


def start_import(database_url: str, path: Path) -> subprocess.Popen[str]:
    """A process that imports as soon as it is told."""
    process = subprocess.Popen(
        [sys.executable, "-c", IMPORT, database_url, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def await_head(database_url: str, at_least: int, alive: Callable[[], bool]) -> int:
    deadline = time.monotonic() + LIMIT
    with closing(connect(database_url, None)) as conn, conn.cursor() as cursor:
        while True:
            cursor.execute("select position from ledger.head")
            ((head,),) = cursor.fetchall()
            if head >= at_least or not alive():
                return int(head)
            assert time.monotonic() < deadline
            time.sleep(0.005)


def test_two_importers_at_once_bring_each_complaint_in_once(
    database_url: str, table: tuple[list[str], Rows], write: Callable[..., Path]
) -> None:
    rows = table[1][:3000]
    # The second holds a later edition of some, and goes the other way round.
    answered = {
        n: {RESPONSE: "Closed with explanation", DISPUTED: "Yes"}
        for n, row in enumerate(rows)
        if row[RESPONSE] == "In progress"
    }
    later = edited(rows, answered)
    files = [write(rows, name="a.csv"), write(later[::-1], name="b.csv")]
    processes = [start_import(database_url, path) for path in files]
    for process in processes:
        tell(process)
    reports = [json.loads(process.communicate(timeout=LIMIT)[0]) for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert [sum(report[1:4]) for report in reports] == [3000, 3000]
    assert sum(imported for _, imported, *_ in reports) == 3000
    assert_holds(database_url, later, in_order=False)


def test_an_import_that_is_killed_again_and_again_is_completed_by_the_next(
    database_url: str, ledger: Ledger, sample: Path, table: tuple[list[str], Rows]
) -> None:
    for head in (1, 9_000, 18_000):
        process = start_import(database_url, sample)
        tell(process)
        await_head(database_url, head, lambda process=process: process.poll() is None)  # type: ignore[misc]
        process.kill()
        process.communicate(timeout=LIMIT)
        assert process.returncode == -9
    before = ledger.recorder.max_notification_id() or 0
    report = run(ledger, sample)
    assert 0 < report.already < 8339
    assert report.imported + report.already == 8339
    assert before < (ledger.recorder.max_notification_id() or 0)
    assert_holds(database_url, table[1], in_order=False)


def test_an_import_whose_connections_are_cut_goes_on_or_is_completed_by_the_next(
    database_url: str, ledger: Ledger, table: tuple[list[str], Rows], write: Callable[..., Path]
) -> None:
    rows = table[1][:3500]
    path = write(rows)
    done = threading.Event()
    cut = 0
    ends: list[str] = []

    def importing() -> None:
        try:
            while not done.is_set():
                try:
                    run(ledger, path)
                    ends.append("done")
                    return
                except LedgerUnavailable:
                    ends.append("unavailable")
        finally:
            done.set()

    thread = threading.Thread(target=importing)
    thread.start()
    with closing(connect(database_url, None)) as conn, conn.cursor() as cursor:
        for head in (1, 3_000, 6_000, 9_000):
            await_head(database_url, head, lambda: not done.is_set())
            cursor.execute(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity "
                "where datname = current_database() and application_name = 'complaints ledger_api'"
            )
            ((terminated,),) = cursor.fetchall()
            cut += terminated
    thread.join(LIMIT)
    assert ends[-1:] == ["done"]
    assert cut >= 4
    assert_holds(database_url, rows, in_order=False)
