"""More appends at once than one batch holds: the next batch is made while one is sent, and nobody notices."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from eventsourcing.persistence import StoredEvent

from adapters import ledger
from adapters.database import connect
from adapters.ledger import Append, Appended, Conflict, Duplicate, GroupCommit, LedgerUnavailable, PostgresRecorder

FULL = 40
THREADS = 4
LIMIT = 60.0


@pytest.fixture
def recorder(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresRecorder]:
    """One whose batches are full soon."""
    monkeypatch.setattr(ledger, "MAX_BATCH_EVENTS", FULL)
    recorder = PostgresRecorder(database_url)
    yield recorder
    recorder.close()


@pytest.fixture
def senders(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The thread and the number of events of each batch, as it is sent."""
    sent: list[str] = []
    send = ledger.append_batch

    def noted(conn: Any, batch: Any, statement: bytes | None = None) -> Any:
        sent.append(f"{threading.current_thread().name} {sum(len(append.events) for append in batch) >= FULL}")
        return send(conn, batch, statement)

    monkeypatch.setattr(ledger, "append_batch", noted)
    return sent


def made(stream: str, first: int, n: int = 1) -> list[StoredEvent]:
    return [StoredEvent(stream, version, "tried", b"it's %d" % version) for version in range(first, first + n)]


def full(command_id: str | None) -> Append:
    return Append(made(f"full-{uuid4()}", 1, FULL), command_id)


class Stopped:
    """Holds the ledger's head, so that appends wait in PostgreSQL."""

    def __init__(self, url: str) -> None:
        self._conn = connect(url, None, autocommit=False)
        self._watch = connect(url, None)
        self.run("select from ledger.head for update", self._conn)

    def run(self, statement: str, conn: Any = None) -> list[Any]:
        with (conn or self._watch).cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def waits(self, then: str = "true") -> None:
        """Wait until an append waits, and evaluate ``then`` for its backend."""
        waiting = (
            "with present as materialized (select pid from pg_stat_activity where datname = current_database() "
            f"and wait_event_type = 'Lock' and query like '%ledger.append(%') select {then} from present"
        )
        deadline = time.monotonic() + LIMIT
        while not self.run(waiting):
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def breaks(self) -> None:
        self.waits("pg_terminate_backend(pid, 10000)")

    def go_on(self) -> None:
        self._conn.rollback()

    def close(self) -> None:
        self._conn.close()
        self._watch.close()


@contextmanager
def stopped(url: str) -> Iterator[Stopped]:
    held = Stopped(url)
    try:
        yield held
    finally:
        held.close()


def rows_of(url: str) -> list[tuple[Any, ...]]:
    conn = connect(url, None)
    with conn.cursor() as cursor:
        cursor.execute(
            "select position, stream, version, command_id, command_index, record, recorded_at "
            "from ledger.events order by position"
        )
        rows = cursor.fetchall()
    conn.close()
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    return rows


def check_order(rows: list[tuple[Any, ...]]) -> None:
    last: Counter[str] = Counter()
    for _, stream, version, *_ in rows:
        last[stream] += 1
        assert version == last[stream]


def where(rows: list[tuple[Any, ...]], append: Append) -> int:
    """Return the position of an append that is in the ledger as it was handed over."""
    (first,) = (row[0] for row in rows if row[3] == append.command_id and row[4] == 0)
    found = [(row[1], row[2], bytes(row[5])) for row in rows[first - 1 : first - 1 + len(append.events)]]
    assert found == [(event.originator_id, event.originator_version, event.state) for event in append.events]
    return int(first)


def in_threads(run: Callable[[int], list[Append]]) -> list[Append]:
    with ThreadPoolExecutor(THREADS) as threads:
        return [append for part in threads.map(run, range(THREADS)) for append in part]


def test_many_full_batches_keep_each_streams_order_and_answer_every_append_by_itself(
    recorder: PostgresRecorder, senders: list[str]
) -> None:
    expected: dict[int, type[object]] = {}

    def submit(thread: int) -> list[Append]:
        """Streams that grow by one to three events, and between them what is to be refused."""
        appends = []
        for n in range(240):
            stream, size = f"s-{thread}-{n % 24}", 1 + n % 3  # so a stream's appends are all of one size
            first = 1 + size * (n // 24)
            appends.append(Append(made(stream, first, size), f"{thread} {n}"))
            expected[id(appends[-1])] = Appended
            if n % 10 == 9:
                refused = {
                    Conflict: Append(made(stream, first, size), f"{thread} {n} stale"),
                    Duplicate: Append(made(stream, first + size, 1), f"{thread} {n}"),
                    ValueError: Append(made(f"bad-\0-{n}", 1), f"{thread} {n} bad"),
                }
                appends += refused.values()
                expected.update({id(append): kind for kind, append in refused.items()})
        return [recorder.writer.submit(append) for append in appends]

    with stopped(recorder.url) as held:
        recorder.writer.submit(full("first"))
        held.waits()
        appends = in_threads(submit)
        held.go_on()
        outcomes: list[Any] = []
        for append in appends:
            try:
                outcomes.append(recorder.writer.wait(append))
            except ValueError as error:
                outcomes.append(error)

    assert [type(outcome) for outcome in outcomes] == [expected[id(append)] for append in appends]
    rows = rows_of(recorder.url)
    check_order(rows)
    assert len(rows) == FULL + sum(len(a.events) for a in appends if expected[id(a)] is Appended)
    for append, outcome in zip(appends, outcomes, strict=True):
        if not isinstance(outcome, Conflict | ValueError):
            own = next(other for other in appends if other.command_id == append.command_id)
            assert outcome.position == where(rows, own)
    assert Counter(senders)["ledger-sender True"] > 5


def test_batches_as_large_as_they_get_are_appended_whole_and_in_order(database_url: str) -> None:
    recorder = PostgresRecorder(database_url)

    def submit(thread: int) -> list[Append]:
        return [
            recorder.writer.submit(Append(made(f"s-{thread}-{stream}", 1 + 3 * n, 3), f"{thread} {stream} {n}"))
            for n in range(2)
            for stream in range(1_000)
        ]

    appends = in_threads(submit)
    outcomes = [recorder.writer.wait(append) for append in appends]
    recorder.close()
    rows = rows_of(database_url)
    check_order(rows)
    assert len(rows) == THREADS * 6_000
    for append, outcome in zip(appends, outcomes, strict=True):
        assert isinstance(outcome, Appended)
        assert [row[3] for row in rows[outcome.position - 1 : outcome.position + 2]] == [append.command_id] * 3


def test_a_connection_that_breaks_under_full_batches_leaves_every_command_run_once(recorder: PostgresRecorder) -> None:
    def submit(thread: int) -> list[Append]:
        return [
            recorder.writer.submit(Append(made(f"s-{thread}-{n % 7}", 1 + n // 7), f"{thread} {n}")) for n in range(140)
        ]

    with stopped(recorder.url) as held:
        appends = [recorder.writer.submit(full("first"))]
        held.waits()
        appends += in_threads(submit)
        for _ in range(3):
            held.breaks()
        held.waits()
        held.go_on()
        ended = threading.Event()

        def end_connections() -> None:
            """End them at any moment, also between the commit and its answer."""
            while not ended.is_set():
                held.run(
                    "with present as materialized (select pid from pg_stat_activity "
                    "where datname = current_database() and state = 'active' and query like '%ledger.append(%' "
                    "and pid <> pg_backend_pid()) select pg_terminate_backend(pid) from present"
                )
                ended.wait(0.02)

        breaker = threading.Thread(target=end_connections)
        breaker.start()
        try:
            outcomes = [recorder.writer.wait(append) for append in appends]
        finally:
            ended.set()
            breaker.join(LIMIT)

    rows = rows_of(recorder.url)
    check_order(rows)
    assert len(rows) == sum(len(append.events) for append in appends)
    for append, outcome in zip(appends, outcomes, strict=True):
        assert isinstance(outcome, Appended | Duplicate)
        assert outcome.position == where(rows, append)


def test_of_full_batches_without_command_ids_only_the_one_that_was_sent_is_told_unknown(
    recorder: PostgresRecorder,
) -> None:
    with stopped(recorder.url) as held:
        lost = recorder.writer.submit(full(None))
        held.waits()
        kept = [recorder.writer.submit(append) for append in (full(None), full("named"), full(None))]
        held.breaks()
        with pytest.raises(LedgerUnavailable, match="PostgreSQL did not answer"):
            recorder.writer.wait(lost)
        held.go_on()
        positions = [recorder.writer.wait(append).position for append in kept]  # type: ignore[union-attr]
    assert positions == [1, 1 + FULL, 1 + 2 * FULL]
    assert len(rows_of(recorder.url)) == 3 * FULL


def go_on_submitting(writer: GroupCommit, appends: list[Append]) -> None:
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        appends.append(writer.submit(Append(made(f"until-then-{uuid4()}", 1), str(uuid4()))))
        time.sleep(0.005)


def test_closing_finishes_the_full_batches_that_wait(recorder: PostgresRecorder) -> None:
    writer = recorder.writer
    with stopped(recorder.url) as held:
        appends = [writer.submit(full("first"))]
        held.waits()
        appends += [writer.submit(Append(made("one-stream", n, 1), f"one {n}")) for n in range(1, 30)]
        appends += [writer.submit(full(f"full {n}")) for n in range(4)]
        appends += [writer.submit(Append(made("one-stream", 30, FULL), "full, and alone at the end"))]
        closer = threading.Thread(target=recorder.close)
        closer.start()
        with pytest.raises(LedgerUnavailable, match="has been closed"):
            go_on_submitting(writer, appends)
        held.go_on()
        closer.join(LIMIT)
        assert not closer.is_alive()
    assert [type(append.outcome) for append in appends] == [Appended] * len(appends)
    rows = rows_of(recorder.url)
    check_order(rows)
    assert sum(len(append.events) for append in appends) == len(rows)


def test_a_full_batch_is_sent_though_the_system_has_no_thread_to_give(
    recorder: PostgresRecorder, senders: list[str]
) -> None:
    writer = recorder.writer
    before = threading.stack_size(1 << 47)
    try:
        assert writer.append(full("a")) == Appended(1, recorded(recorder))
    finally:
        threading.stack_size(before)
    writer.append(full("b"))
    assert senders == ["ledger-writer True", "ledger-sender True"]


def recorded(recorder: PostgresRecorder) -> Any:
    return rows_of(recorder.url)[0][6]
