"""The relay between a real PostgreSQL and a real Kafka: where it begins, where it goes on, when it refuses."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from uuid import uuid4

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition

from adapters.database import connect
from adapters.relay import POINTS, RelaySettings, run_relay
from adapters.topics import KafkaLostData, all_partitions, consumer, ensure_topics, last_records, position_of
from tests.conftest import create_database, running
from tests.faults.published import (
    LIMIT,
    Filler,
    assert_published_once_and_in_order,
    await_published,
    positions,
    read_topics,
)

SEED = 20140228


@pytest.fixture(autouse=True)
def _soon_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.relay.IDLE_S", 0.1)


@pytest.fixture
def settings(database_url: str, kafka_bootstrap: str, topic_prefix: str) -> RelaySettings:
    return RelaySettings(database_url, kafka_bootstrap, topic_prefix)


@pytest.fixture
def filler(database_url: str) -> Iterator[Filler]:
    with closing(Filler(database_url, SEED)) as filler:
        yield filler


@pytest.fixture
def other_database_url(postgres_url: str) -> str:
    """A ledger that has nothing to do with the first."""
    return create_database(postgres_url, f"other_{uuid4().hex}")


def relaying(settings: RelaySettings, reached: Callable[[str], None] = lambda _: None) -> AbstractContextManager[None]:
    """Run the relay in a thread."""
    return running(lambda stop: run_relay(settings, stop, reached))


def publish(settings: RelaySettings) -> None:
    """Run the relay until all is published."""
    with relaying(settings):
        await_published(settings.database_url)


def refusal(settings: RelaySettings) -> str:
    """Run the relay, which must refuse by itself; returns its message."""
    before = read_topics(settings.kafka_bootstrap, settings.topic_prefix)
    stop = threading.Event()
    giving_up = threading.Timer(LIMIT, stop.set)
    giving_up.start()
    try:
        with pytest.raises(KafkaLostData) as refused:
            run_relay(settings, stop)
    finally:
        giving_up.cancel()
    assert read_topics(settings.kafka_bootstrap, settings.topic_prefix) == before
    return str(refused.value)


def assert_published(settings: RelaySettings) -> int:
    return assert_published_once_and_in_order(settings.database_url, settings.kafka_bootstrap, settings.topic_prefix)


def leave_aborted(settings: RelaySettings, *, transactions: int, records: int) -> None:
    """Leave aborted transactions of another producer on every partition, with so many records each."""
    with closing(consumer(settings.kafka_bootstrap)) as reader:
        tps = all_partitions(reader, settings.topic_prefix)
    with closing(
        KafkaProducer(
            bootstrap_servers=settings.kafka_bootstrap, transactional_id=f"{settings.topic_prefix}other", linger_ms=5
        )
    ) as producer:
        producer.init_transactions()
        for _ in range(transactions):
            producer.begin_transaction()
            for tp in tps:
                for _ in range(records):
                    producer.send(tp.topic, value=b"aborted", partition=tp.partition, headers=[("position", b"999999")])
            producer.flush()
            producer.abort_transaction()


def test_everything_is_published_in_order(settings: RelaySettings, filler: Filler) -> None:
    filler.fill(300)
    publish(settings)
    assert assert_published(settings) > 300


def test_an_empty_ledger_publishes_nothing_and_is_no_error(settings: RelaySettings, filler: Filler) -> None:
    publish(settings)
    assert assert_published(settings) == 0
    filler.fill(5)
    publish(settings)
    assert assert_published(settings) > 0


def test_a_restart_goes_on_where_kafka_ends(settings: RelaySettings, filler: Filler) -> None:
    for _ in range(3):
        filler.fill(40)
        publish(settings)
    assert_published(settings)


@pytest.mark.parametrize(("transactions", "records"), [(10, 1), (1, 80)])
def test_a_restart_goes_on_where_kafka_ends_behind_aborted_transactions(
    settings: RelaySettings, filler: Filler, transactions: int, records: int
) -> None:
    leave_aborted(settings, transactions=1, records=1)
    filler.fill(60)
    publish(settings)
    leave_aborted(settings, transactions=transactions, records=records)
    filler.fill(60)
    publish(settings)
    leave_aborted(settings, transactions=1, records=1)
    publish(settings)
    assert_published(settings)


def test_where_kafka_ends_counts_and_not_what_is_noted_in_postgresql(settings: RelaySettings, filler: Filler) -> None:
    filler.fill(30)
    publish(settings)
    head, _ = positions(settings.database_url)
    conn = connect(settings.database_url, None)
    for noted in (0, head + 50):
        with conn.cursor() as cursor:
            cursor.execute("update ledger.published set position = %s", (noted,))
        with relaying(settings):
            last = filler.fill(10)
            deadline = time.monotonic() + LIMIT
            while positions(settings.database_url)[1] != last:
                assert time.monotonic() < deadline
                time.sleep(0.02)
    conn.close()
    assert_published(settings)


def test_published_follows_kafka_and_is_never_ahead(settings: RelaySettings, filler: Filler) -> None:
    seen: list[tuple[str, int, int]] = []
    with closing(consumer(settings.kafka_bootstrap)) as reader:
        tps = all_partitions(reader, settings.topic_prefix)

        def look(point: str) -> None:
            _, published = positions(settings.database_url)
            # Kafka tells of a commit before all partitions have its marker.
            deadline = time.monotonic() + LIMIT
            on_kafka = -1
            while on_kafka < published + (point == "after_commit"):
                assert time.monotonic() < deadline, (point, published, on_kafka)
                on_kafka = max((position_of(record) for record in last_records(reader, tps).values()), default=0)
            seen.append((point, published, on_kafka))

        small = RelaySettings(settings.database_url, settings.kafka_bootstrap, settings.topic_prefix, max_batch=40)
        filler.fill(100)
        with relaying(small, look):
            last = await_published(settings.database_url)
    assert Counter(point for point, _, _ in seen).keys() == set(POINTS)
    # Between a commit and its note, the note is one batch behind; else they agree.
    assert all((point == "after_commit") == (published < on_kafka) for point, published, on_kafka in seen)
    assert positions(settings.database_url) == (last, last)


def test_events_appended_while_the_relay_is_idle_are_announced_to_it(
    settings: RelaySettings, filler: Filler, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without being told it would look again only after the test has given up.
    monkeypatch.setattr("adapters.relay.IDLE_S", 10 * LIMIT)
    stop = threading.Event()
    thread = threading.Thread(target=run_relay, args=(settings, stop))
    thread.start()
    try:
        for _ in range(20):
            await_published(settings.database_url, filler.fill(1))
    finally:
        stop.set()
        while thread.is_alive():
            filler.fill(1)
            thread.join(0.1)
    monkeypatch.undo()
    publish(settings)
    assert_published(settings)


def test_more_events_than_a_batch_holds_go_in_several_transactions(settings: RelaySettings, filler: Filler) -> None:
    commits: list[str] = []
    last = filler.fill(60)
    small = RelaySettings(settings.database_url, settings.kafka_bootstrap, settings.topic_prefix, max_batch=10)
    with relaying(small, lambda point: commits.append(point) if point == "after_commit" else None):
        await_published(settings.database_url)
    assert len(commits) == -(-last // 10)
    assert_published(settings)


def test_records_of_the_greatest_size_are_published(settings: RelaySettings, filler: Filler) -> None:
    filler.fill(200, narrative=19_600)
    publish(settings)
    assert_published(settings)
    found = read_topics(settings.kafka_bootstrap, settings.topic_prefix)
    sizes = [len(record.value) for records in found.values() for record in records]
    assert sum(59_000 < size <= 60_000 for size in sizes) == 200


def test_the_relay_survives_the_end_of_its_session(settings: RelaySettings, filler: Filler) -> None:
    conn = connect(settings.database_url, None)
    with relaying(settings), conn.cursor() as cursor:
        for _ in range(3):
            await_published(settings.database_url, filler.fill(20))
            cursor.execute(
                "select pg_terminate_backend(pid, 10000) from pg_stat_activity "
                "where datname = current_database() and application_name = 'complaints ledger_relay'"
            )
            assert (True,) in cursor.fetchall()
        await_published(settings.database_url, filler.fill(20))
    conn.close()
    assert_published(settings)


def fullest(settings: RelaySettings) -> TopicPartition:
    found = read_topics(settings.kafka_bootstrap, settings.topic_prefix)
    return max(found, key=lambda tp: len(found[tp]))


def test_the_relay_refuses_when_a_partition_has_lost_its_records(settings: RelaySettings, filler: Filler) -> None:
    filler.fill(100)
    publish(settings)
    lost = fullest(settings)
    with closing(consumer(settings.kafka_bootstrap)) as reader:
        reader.assign([lost])
        end = reader.end_offsets([lost])[lost]
    with closing(KafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)) as admin:
        admin.delete_records({lost: end})
    message = refusal(settings)
    assert f"{lost.topic} partition {lost.partition} ends at position 0" in message
    assert "Kafka has lost records" in message


def test_the_relay_refuses_when_a_topic_was_made_anew(settings: RelaySettings, filler: Filler) -> None:
    filler.fill(100)
    publish(settings)
    lost = settings.topic_prefix + "ledger.merchants"
    with closing(KafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)) as admin:
        admin.delete_topics([lost])
        deadline = time.monotonic() + LIMIT
        while not admin.describe_topics([lost])[0]["error_code"]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    ensure_topics(settings.kafka_bootstrap, settings.topic_prefix)
    message = refusal(settings)
    assert f"{lost} partition" in message
    assert "ends at position 0" in message


def test_the_relay_refuses_a_kafka_that_is_ahead_of_the_ledger(
    settings: RelaySettings, filler: Filler, other_database_url: str
) -> None:
    last = filler.fill(30)
    publish(settings)
    other = RelaySettings(other_database_url, settings.kafka_bootstrap, settings.topic_prefix)
    message = refusal(other)
    assert f"Kafka holds position {last}, but the ledger ends at 0" in message
    assert "belongs to another ledger" in message


def test_the_relay_refuses_a_kafka_that_holds_other_records_than_the_ledger(
    settings: RelaySettings, filler: Filler, other_database_url: str
) -> None:
    filler.fill(30)
    publish(settings)
    # The same streams with the same events, recorded at another time: only the bytes tell them apart.
    with closing(Filler(other_database_url, SEED)) as again:
        again.fill(40)
    other = RelaySettings(other_database_url, settings.kafka_bootstrap, settings.topic_prefix)
    assert "is another record" in refusal(other)
