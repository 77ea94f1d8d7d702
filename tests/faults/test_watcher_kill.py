"""Watchers are killed at every point where it matters; each deadline is recorded once, as a quiet one does it."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest

from adapters.database import connect
from adapters.rulebook import publish_first_edition
from adapters.watcher import POINTS, WatcherSettings
from domain.complaint.state import Deadline
from tests.conftest import create_database
from tests.faults.worker_process import WorkerProcess
from tests.integration.deadlines import (
    START,
    Desk,
    Line,
    assert_as_the_rules_have_it,
    days,
    hours,
    lines,
    of_time,
    rows,
    watch_once,
)

SEED = 20260415
COMPLAINTS = 80
KILLS_PER_POINT = 2
RANDOM_KILLS = 4
LIMIT = 60.0
BACK = START + days(30)
#: Small, so that there are many transactions to be killed in.
MAX_BATCH, MAX_CLAIM = 40, 6


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    with closing(Desk(database_url, SEED)) as desk:
        publish_first_edition(desk.ledger)
        yield desk


@pytest.fixture
def settings(database_url: str) -> WatcherSettings:
    return WatcherSettings(database_url, max_batch=MAX_BATCH, max_claim=MAX_CLAIM)


@pytest.fixture
def clock(tmp_path: Path) -> Path:
    """What time it is for the watchers: the outage is over."""
    clock = tmp_path / "clock"
    clock.write_text(BACK.isoformat())
    return clock


def quiet_run(postgres_url: str) -> tuple[list[Line], list[tuple[object, ...]]]:
    """The same complaints, watched by one that nobody disturbs: the events by stream, and the rows of the watchers."""
    url = create_database(postgres_url, f"quiet_{uuid4().hex}")
    with closing(Desk(url, SEED)) as desk:
        publish_first_edition(desk.ledger)
        desk.many(COMPLAINTS, days(20))
        watch_once(WatcherSettings(url), BACK)
        return by_stream(desk), known(url)


def by_stream(desk: Desk) -> list[Line]:
    return sorted(lines(desk.ledger), key=lambda line: line[:2])


def known(database_url: str) -> list[tuple[object, ...]]:
    # Versions go with what followed from events elsewhere, which another test is about.
    return rows(database_url, "select stream, next_due, provisional, revise from watch.dues order by stream")


def await_all_recorded(settings: WatcherSettings, at: datetime) -> None:
    deadline = time.monotonic() + LIMIT
    query = (
        f"select p.position = h.position and not exists (select from watch.dues where next_due < '{at.isoformat()}') "
        "from watch.progress p, ledger.head h"
    )
    while rows(settings.database_url, query) != [(True,)]:
        assert time.monotonic() < deadline, "not everything was recorded"
        time.sleep(0.02)


def test_killed_at_every_point_watchers_record_each_deadline_once_as_a_quiet_one_does(
    desk: Desk, settings: WatcherSettings, clock: Path, postgres_url: str
) -> None:
    desk.many(COMPLAINTS, days(20))
    chance = Random(SEED)
    schedule = list(POINTS) * KILLS_PER_POINT
    chance.shuffle(schedule)
    killed: Counter[str] = Counter()
    for point in schedule:
        with WorkerProcess(settings, f"{point}:{chance.randint(1, 3)}:self", clock=clock) as watcher:
            killed[watcher.await_line("dying at")] += 1
            assert watcher.await_end() == -signal.SIGKILL
    assert killed == dict.fromkeys(POINTS, KILLS_PER_POINT)
    half_way = len(of_time(desk.ledger))
    assert half_way > 0
    with WorkerProcess(settings, clock=clock) as steady:
        for _ in range(RANDOM_KILLS):
            with WorkerProcess(settings, clock=clock) as watcher:
                watcher.await_line("watcher watching")
                time.sleep(chance.uniform(0, 0.3))
                watcher.kill()
        await_all_recorded(settings, BACK)
        steady.stop()
    assert len(of_time(desk.ledger)) > half_way
    assert_as_the_rules_have_it(desk.ledger, desk.book.current(), BACK)
    assert (by_stream(desk), known(settings.database_url)) == quiet_run(postgres_url)


@pytest.mark.parametrize("point", ["before_execute", "after_execute"])
def test_a_watcher_that_was_held_up_while_another_did_its_work_does_not_do_it_again(
    point: str, desk: Desk, settings: WatcherSettings, clock: Path
) -> None:
    clock.write_text((START + hours(25)).isoformat())
    stream = desk.promised()
    with WorkerProcess(settings, f"{point}:1:test", clock=clock) as held_up:
        held_up.await_line("waiting at")
        # As when the network gives it up: its claim is free again, and it does not know.
        end_claim(settings.database_url)
        with WorkerProcess(settings, clock=clock) as other:
            await_all_recorded(settings, START + hours(25))
            held_up.go_on()
            held_up.await_line("watcher starting over after")
            held_up.stop()
            other.stop()
    assert of_time(desk.ledger) == [(stream, Deadline.ANSWER, START + timedelta(hours=24))]


def end_claim(database_url: str) -> None:
    """End the session that has claimed what is due."""
    conn = connect(database_url, None)
    with conn.cursor() as cursor:
        cursor.execute(
            "select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = current_database() "
            "and application_name = 'complaints ledger_watcher' and state = 'idle in transaction'"
        )
        assert cursor.fetchall() == [(True,)]
    conn.close()
