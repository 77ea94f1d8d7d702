"""The public feed is killed at every point where it matters; each change of what is public is told once, in order."""

from __future__ import annotations

import signal
import time
from collections import Counter
from random import Random

from adapters.database import connect
from adapters.public_feed import LEADER_LOCK, POINTS, FeedSettings
from tests.conftest import System
from tests.faults.public import Lives, assert_fed_once_and_in_order, await_fed, living, read_feed
from tests.faults.worker_process import WorkerProcess

SEED = 20141231
RANDOM_KILLS = 1


def test_killed_at_every_point_the_feed_tells_each_change_once_and_in_order(system: System) -> None:
    settings = FeedSettings(*system.where, max_batch=7)
    chance = Random(SEED)
    kills: Counter[str] = Counter()
    schedule = list(POINTS)
    chance.shuffle(schedule)
    with system.relaying(), living(system.database_url, SEED) as finish:
        for point in schedule:
            with WorkerProcess(settings, f"{point}:{chance.randint(1, 4)}:self") as feed:
                kills[feed.await_line("dying at")] += 1
                assert feed.await_end() == -signal.SIGKILL
        for _ in range(RANDOM_KILLS):
            with WorkerProcess(settings) as feed:
                feed.await_line("feed resuming after position")
                time.sleep(chance.uniform(0, 0.3))
                feed.kill()
                kills["random"] += 1
        finish()
        with WorkerProcess(settings) as feed:
            await_fed(system.database_url)
            feed.stop()
    assert kills == {**dict.fromkeys(POINTS, 1), "random": RANDOM_KILLS}
    messages = assert_fed_once_and_in_order(settings)
    assert len(messages) > 100
    assert sum(message.value is None for message in messages) > 5
    # The kills did hit transactions under way.
    assert sum(map(len, read_feed(settings, "read_uncommitted").values())) > len(messages)


def leader_pid(database_url: str) -> int | None:
    """The session of PostgreSQL that holds the lock of the feed's leader."""
    conn = connect(database_url, None)
    with conn.cursor() as cursor:
        cursor.execute(
            "select l.pid from pg_locks l join pg_database d on d.oid = l.database "
            "where l.locktype = 'advisory' and l.granted and l.objid = %s and d.datname = current_database()",
            (LEADER_LOCK,),
        )
        found = cursor.fetchone()
    conn.close()
    return None if found is None else int(found[0])


def end_leader(database_url: str) -> None:
    conn = connect(database_url, None)
    with conn.cursor() as cursor:
        cursor.execute("select pg_terminate_backend(%s, 10000)", (leader_pid(database_url),))
        assert cursor.fetchone() == (True,)
    conn.close()


def test_a_feed_that_was_stopped_while_another_took_over_is_fenced_and_tells_nothing_again(system: System) -> None:
    settings = FeedSettings(*system.where, max_batch=7)
    lives = Lives(system.database_url, SEED)
    try:
        with system.relaying():
            lives.fill(60)
            with WorkerProcess(settings, "before_commit:2:test") as stopped:
                assert stopped.await_line("waiting at") == "before_commit"
                stopped.signal(signal.SIGSTOP)
                # It finds this when it wakes, and takes up the work where it was stopped.
                stopped.go_on()
                with WorkerProcess(settings) as successor:
                    end_leader(system.database_url)
                    successor.await_line("feed resuming after position")
                    await_fed(system.database_url, lives.fill(20))
                    stopped.signal(signal.SIGCONT)
                    reason = stopped.await_line("feed starting over after")
                    assert reason.startswith(("ProducerFenced", "InvalidProducerEpoch")), reason
                    await_fed(system.database_url, lives.fill(20))
                    successor.kill()
                    stopped.await_line("feed resuming after position")
                    await_fed(system.database_url, lives.fill(20))
                    stopped.stop()
    finally:
        lives.close()
    assert len(assert_fed_once_and_in_order(settings)) > 20
