"""The relay and the broker are killed at every point where it matters; Kafka ends up with the ledger, exactly."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

from adapters.database import connect
from adapters.embedded.kafka import KafkaServer
from adapters.relay import POINTS, RelaySettings
from adapters.topics import ensure_topics
from tests.faults.published import (
    LIMIT,
    Filler,
    assert_published_once_and_in_order,
    await_published,
    filling,
    read_topics,
)
from tests.faults.worker_process import WorkerProcess

SEED = 20140131
RELAY_KILLS_PER_POINT = 1
RANDOM_RELAY_KILLS = 4
RANDOM_BROKER_KILLS = 1


@pytest.fixture
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """A broker that may be killed."""
    server = KafkaServer(tmp_path_factory.mktemp("own-kafka"))
    server.start()
    yield server
    server.kill()


def kill_and_restart(kafka: KafkaServer) -> None:
    assert kafka.running
    kafka.kill()
    assert not kafka.running
    kafka.start()


def test_killed_at_every_point_relay_and_broker_publish_each_event_once_and_in_order(
    own_kafka: KafkaServer, database_url: str
) -> None:
    prefix = "kill."
    ensure_topics(own_kafka.bootstrap, prefix)
    settings = RelaySettings(database_url, own_kafka.bootstrap, prefix, max_batch=60)
    chance = Random(SEED)
    relay_kills: Counter[str] = Counter()
    broker_kills: Counter[str] = Counter()
    schedule = list(POINTS) * RELAY_KILLS_PER_POINT
    chance.shuffle(schedule)

    with filling(database_url, SEED) as finish:
        for point in schedule:
            with WorkerProcess(settings, f"{point}:{chance.randint(1, 5)}:self") as relay:
                relay_kills[relay.await_line("dying at")] += 1
                assert relay.await_end() == -signal.SIGKILL

        for _ in range(RANDOM_RELAY_KILLS):
            with WorkerProcess(settings) as relay:
                relay.await_line("relay resuming after position")
                time.sleep(chance.uniform(0, 0.5))
                relay.kill()
                relay_kills["random"] += 1

        with WorkerProcess(settings, *(f"{point}:{2 + 3 * n}:test" for n, point in enumerate(POINTS))) as relay:
            for _ in POINTS:
                broker_kills[relay.await_line("waiting at")] += 1
                kill_and_restart(own_kafka)
                relay.go_on()
            for _ in range(RANDOM_BROKER_KILLS):
                time.sleep(chance.uniform(0, 0.5))
                kill_and_restart(own_kafka)
                broker_kills["random"] += 1
            finish()
            await_published(database_url)
            relay.stop()

    assert relay_kills == {**dict.fromkeys(POINTS, RELAY_KILLS_PER_POINT), "random": RANDOM_RELAY_KILLS}
    assert broker_kills == {**dict.fromkeys(POINTS, 1), "random": RANDOM_BROKER_KILLS}
    events = assert_published_once_and_in_order(database_url, own_kafka.bootstrap, prefix)
    assert events > 1_000
    # The kills did hit transactions under way, whose records are there for those who do not ask for committed ones.
    everything = read_topics(own_kafka.bootstrap, prefix, "read_uncommitted")
    assert sum(map(len, everything.values())) > events


def test_a_relay_that_waits_for_a_broker_that_is_gone_stops_when_told(
    own_kafka: KafkaServer, database_url: str
) -> None:
    ensure_topics(own_kafka.bootstrap, "stop.")
    settings = RelaySettings(database_url, own_kafka.bootstrap, "stop.")
    filler = Filler(database_url, SEED)
    try:
        filler.fill(10)
    finally:
        filler.close()
    with WorkerProcess(settings, "before_commit:1:test") as relay:
        relay.await_line("waiting at before_commit")
        own_kafka.kill()
        relay.go_on()
        relay.stop()


def leader_pid(database_url: str) -> int:
    """The process of PostgreSQL that holds the leader's lock."""
    conn = connect(database_url, None)
    try:
        with conn.cursor() as cursor:
            cursor.execute(
                "select l.pid from pg_locks l join pg_database d on d.oid = l.database "
                "where l.locktype = 'advisory' and l.granted and d.datname = current_database()"
            )
            ((pid,),) = cursor.fetchall()
            return int(pid)
    finally:
        conn.close()


def end_session(database_url: str, pid: int) -> None:
    conn = connect(database_url, None)
    try:
        with conn.cursor() as cursor:
            cursor.execute("select pg_terminate_backend(%s, 10000)", (pid,))
            assert cursor.fetchone() == (True,)
    finally:
        conn.close()


def await_relay_sessions(database_url: str, number: int) -> None:
    conn = connect(database_url, None)
    deadline = time.monotonic() + LIMIT
    try:
        with conn.cursor() as cursor:
            while True:
                cursor.execute(
                    "select count(*) from pg_stat_activity "
                    "where datname = current_database() and application_name = 'complaints ledger_relay'"
                )
                if cursor.fetchone() == (number,):
                    return
                assert time.monotonic() < deadline, f"there never were {number} relays"
                time.sleep(0.02)
    finally:
        conn.close()


def test_a_relay_that_stands_by_takes_over_from_one_that_was_killed(
    database_url: str, kafka_bootstrap: str, topic_prefix: str
) -> None:
    settings = RelaySettings(database_url, kafka_bootstrap, topic_prefix, max_batch=20)
    with filling(database_url, SEED) as finish, WorkerProcess(settings, "before_commit:4:test") as first:
        assert first.await_line("waiting at") == "before_commit"
        with WorkerProcess(settings) as second:
            await_relay_sessions(database_url, 2)
            first.kill()
            second.await_line("relay resuming after position")
            assert "relay leading" in second.said
            finish()
            await_published(database_url)
            second.stop()
    assert_published_once_and_in_order(database_url, kafka_bootstrap, topic_prefix)


@pytest.mark.parametrize("point", POINTS)
def test_a_relay_that_was_stopped_while_another_took_over_is_fenced(
    point: str, database_url: str, kafka_bootstrap: str, topic_prefix: str
) -> None:
    settings = RelaySettings(database_url, kafka_bootstrap, topic_prefix, max_batch=20)
    filler = Filler(database_url, SEED)
    try:
        filler.fill(40)
        with WorkerProcess(settings, f"{point}:2:test") as stopped:
            assert stopped.await_line("waiting at") == point
            stopped.signal(signal.SIGSTOP)
            # It finds this when it wakes, and takes up the work at the very point where it was stopped.
            stopped.go_on()
            with WorkerProcess(settings) as successor:
                await_relay_sessions(database_url, 2)
                end_session(database_url, leader_pid(database_url))
                successor.await_line("relay resuming after position")
                await_published(database_url, filler.fill(10))

                stopped.signal(signal.SIGCONT)
                reason = stopped.await_line("relay starting over after")
                # After its commit there is nothing left to fence, but its session is gone. The producer says that it
                # was fenced itself, or as the cause of a refusal to send.
                fenced = ("ProducerFenced", "InvalidProducerEpoch")
                disconnected = ("AdminShutdown", "OperationalError")
                assert any(name in reason for name in (disconnected if point == "after_commit" else fenced)), reason
                await_published(database_url, filler.fill(10))

                successor.kill()
                stopped.await_line("relay resuming after position")
                await_published(database_url, filler.fill(10))
                stopped.stop()
    finally:
        filler.close()
    assert_published_once_and_in_order(database_url, kafka_bootstrap, topic_prefix)
