"""Connections and servers that go away in the middle of appends: nobody is left guessing, nothing runs twice."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from eventsourcing.persistence import StoredEvent
from psycopg2 import sql

from adapters.database import connect
from adapters.embedded.postgres import PostgresServer
from adapters.execute import Ledger, Result, command, open_ledger
from adapters.ledger import LedgerUnavailable, PostgresRecorder
from adapters.migrations import migrate
from domain.complaint.ending import Withdrawn
from domain.errors import StaleVersion
from domain.event import Event
from domain.values import CLOCK

AT = datetime(2026, 1, 31, 1, 30, tzinfo=UTC)
LIMIT = 60.0
WRITERS = 12


class Writers:
    """Threads that run commands on shared and own streams, repeating each until it has a result."""

    def __init__(self, ledger: Ledger, seed: int) -> None:
        self.ledger = ledger
        self.results: list[tuple[str, Result]] = []
        self.errors: list[BaseException] = []
        self.refusals = 0
        self.done = threading.Event()
        self._streams = [f"complaint-{uuid4()}" for _ in range(4)]
        self._threads = [
            threading.Thread(target=self._run, args=(random.Random(f"{seed} {n}"),)) for n in range(WRITERS)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Let each finish the command it is at."""
        self.done.set()
        for thread in self._threads:
            thread.join(LIMIT)
            assert not thread.is_alive(), "a caller has been left without a result"
        if self.errors:
            raise self.errors[0]

    def _run(self, choice: random.Random) -> None:
        try:
            own = f"complaint-{uuid4()}"
            while not self.done.is_set():
                stream = choice.choice([own, own, *self._streams])
                self._command(stream, choice.choice([1, 1, 3]))
        except BaseException as error:
            self.errors.append(error)

    def _command(self, stream: str, size: int) -> None:
        mine = command(b"k", CLOCK.id, "note", None, {})

        def decide(state: Any) -> list[Event]:
            return [Withdrawn(occurred_at=AT, actor=CLOCK, reason=f"{mine.id} {n}") for n in range(size)]

        deadline = time.monotonic() + LIMIT
        while True:
            try:
                self.results.append((mine.id, self.ledger.execute(stream, decide, mine, new=True)))
            except (LedgerUnavailable, StaleVersion) as error:  # the latter: it lost every race for a busy stream
                self.refusals += isinstance(error, LedgerUnavailable)
                assert time.monotonic() < deadline
                time.sleep(0.01)
            else:
                return


def check(url: str, results: list[tuple[str, Result]]) -> None:
    """Every command is in the ledger once, whole, and where its sender was told."""
    conn = connect(url, None)
    with conn.cursor() as cursor:
        cursor.execute(
            "select position, stream, version, command_id, command_index from ledger.events order by position"
        )
        rows = cursor.fetchall()
    conn.close()
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    runs: dict[str, list[tuple[Any, ...]]] = {}
    for row in rows:
        runs.setdefault(row[3], []).append(row)
    assert len(results) == len({command_id for command_id, _ in results})
    assert set(runs) == {command_id for command_id, _ in results}
    for command_id, result in results:
        run = runs[command_id]
        assert [row[4] for row in run] == list(range(len(result.events)))
        assert {row[1] for row in run} == {result.stream}
        assert (run[-1][0], run[-1][2]) == (result.position, result.version)
        assert [event.reason for event in result.events if isinstance(event, Withdrawn)] == [
            f"{command_id} {n}" for n in range(len(run))
        ]


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize("seed", [1, 2])
def test_connections_that_break_at_any_moment_leave_every_command_run_once(
    database_url: str, closing: ExitStack, seed: int
) -> None:
    ledger = open_ledger(database_url)
    closing.callback(ledger.close)
    owner = connect(database_url, None)
    closing.callback(owner.close)
    choice = random.Random(seed)
    writers = Writers(ledger, seed)
    writers.start()
    hit = {"append": 0, "other": 0}
    try:
        deadline = time.monotonic() + LIMIT
        while hit["append"] < 15 and time.monotonic() < deadline and not writers.errors:
            time.sleep(choice.uniform(0, 0.05))
            with owner.cursor() as cursor:
                # Those to end are chosen first: the order of conditions in one query is not ours to say.
                cursor.execute(
                    "with present as materialized (select pid, query like '%%ledger.append(%%' as appending "
                    "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() "
                    "and application_name = 'complaints ledger_api' and (state = 'active' or %s)) "
                    "select appending from present where pg_terminate_backend(pid)",
                    (choice.random() < 0.3,),
                )
                for (appending,) in cursor:
                    hit["append" if appending else "other"] += 1
    finally:
        writers.join()
    assert hit["append"] >= 15, hit
    assert len(writers.results) > WRITERS
    check(database_url, writers.results)


def test_a_server_that_is_killed_again_and_again_keeps_what_it_acknowledged(
    tmp_path_factory: pytest.TempPathFactory, closing: ExitStack
) -> None:
    server = PostgresServer(tmp_path_factory.mktemp("killed"))
    server.start()
    closing.callback(server.stop)
    migrate(server.url)
    ledger = open_ledger(server.url)
    closing.callback(ledger.close)
    choice = random.Random(3)
    writers = Writers(ledger, seed=3)
    writers.start()
    try:
        for _ in range(3):
            before, deadline = len(writers.results), time.monotonic() + LIMIT
            while len(writers.results) < before + 50 and not writers.errors:
                assert time.monotonic() < deadline, "the writers have not recovered"
                time.sleep(0.005)
            time.sleep(choice.uniform(0, 0.1))
            server.kill()
            server.start()
    finally:
        writers.join()
    assert writers.refusals
    check(server.url, writers.results)


def test_an_append_without_command_id_is_never_repeated_when_its_outcome_is_unknown(
    database_url: str, closing: ExitStack
) -> None:
    recorder = PostgresRecorder(database_url)
    closing.callback(recorder.close)
    owner = connect(database_url, None, autocommit=False)
    closing.callback(owner.close)
    recorder.insert_events([StoredEvent("a-1", 1, "tried", b"x")])
    outcome: list[object] = []

    def append() -> None:
        try:
            outcome.append(recorder.insert_events([StoredEvent("a-1", 2, "tried", b"y")]))
        except LedgerUnavailable as error:
            outcome.append(error)

    with owner.cursor() as cursor:
        cursor.execute("select from ledger.head for update")  # so that the append has to wait
        thread = threading.Thread(target=append)
        thread.start()
        waiting = sql.SQL(
            "with present as materialized (select pid from pg_stat_activity where datname = current_database() "
            "and pid <> pg_backend_pid() and wait_event_type = 'Lock') select pg_terminate_backend(pid) from present"
        )
        deadline = time.monotonic() + LIMIT
        while not outcome:
            assert time.monotonic() < deadline
            cursor.execute(waiting)
            cursor.execute("select pg_stat_clear_snapshot()")
    owner.rollback()
    thread.join(LIMIT)
    assert isinstance(outcome[0], LedgerUnavailable)
    assert "PostgreSQL did not answer" in str(outcome[0])
    assert recorder.max_notification_id() == 1
    assert recorder.insert_events([StoredEvent("a-1", 2, "tried", b"y")]) == [2]
