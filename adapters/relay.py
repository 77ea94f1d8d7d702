"""Publishes the ledger on Kafka: every event, once, in the order of positions.

One relay leads, by an advisory lock in PostgreSQL; the transactional id fences one that lost the lock without
noticing. Where to go on is read from Kafka itself, never remembered: lock, then init_transactions (which ends
what a predecessor left open), then a look at the tail of every partition.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import psycopg2
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError, KafkaTimeoutError
from psycopg2.extensions import connection as Connection

from adapters import metrics
from adapters.database import connect
from adapters.ledger import wait_for_notify
from adapters.topics import (
    CONTENT_TYPE,
    KafkaLostData,
    all_partitions,
    consumer,
    last_records,
    partition_of,
    position_of,
    topic_of,
)
from domain.streams import KINDS

log = logging.getLogger("relay")

LEADER_LOCK = 0x72656C6179
MAX_BATCH = 5_000
IDLE_S = 1.0
#: Longest wait for Kafka; then the lock is given up, since another relay may reach it.
KAFKA_LIMIT_S = 30.0
#: Longest wait for Kafka once told to stop, less than the patience of those who tell it.
STOP_LIMIT_S = 5.0
BOOTSTRAP_MS = 5_000
OTHER_LEDGER = "this Kafka belongs to another ledger, or the ledger was set back: restore it from Kafka"
#: Names of the moments at which ``reached`` is called: where a crash is most interesting.
POINTS = ("before_send", "after_flush", "before_commit", "after_commit")


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """Where from and where to. ``topic_prefix`` also keeps the transactional ids of deployments apart."""

    database_url: str
    kafka_bootstrap: str
    topic_prefix: str = ""
    max_batch: int = MAX_BATCH


def run_relay(settings: RelaySettings, stop: threading.Event, reached: Callable[[str], None] = lambda _: None) -> None:
    """Publish until ``stop`` is set, as leader or waiting to become it.

    Errors of PostgreSQL or Kafka and fencing start it over; KafkaLostData ends it, since going on would tear a gap.
    """
    while not stop.is_set():
        try:
            conn = connect(settings.database_url, "ledger_relay")
            try:
                if _lead(conn, stop):
                    log.info("leading")
                    metrics.leading(True)
                    _publish_as_leader(settings, conn, stop, reached)
            finally:
                metrics.leading(False)
                conn.close()
        # Any error of PostgreSQL: one that dies in the middle of an answer is not always told as unavailable.
        except (psycopg2.Error, KafkaError) as error:
            metrics.relay_started_over()
            log.warning("starting over after %s: %s", type(error).__name__, str(error).strip())
            stop.wait(0.5)


def _lead(conn: Connection, stop: threading.Event) -> bool:
    """Wait for the leader's lock; False when stopped first."""
    with conn.cursor() as cursor:
        while not stop.is_set():
            cursor.execute("select pg_try_advisory_lock(%s)", (LEADER_LOCK,))
            if cursor.fetchone() == (True,):
                return True
            stop.wait(0.5)
    return False


def _publish_as_leader(
    settings: RelaySettings, conn: Connection, stop: threading.Event, reached: Callable[[str], None]
) -> None:
    producer = KafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap,
        transactional_id=f"{settings.topic_prefix}complaint-ledger-relay",
        acks="all",
        compression_type="lz4",
        linger_ms=5,
        batch_size=262_144,
        # kafka-python 3.0.12 that loses the broker before the first record of a transaction does not find it again: its
        # records wait until they expire, and then a new producer goes on at once.
        request_timeout_ms=7_000,
        delivery_timeout_ms=8_000,
        transaction_timeout_ms=30_000,
        max_block_ms=20_000,
        bootstrap_timeout_ms=BOOTSTRAP_MS,
    )
    try:
        _in_time(producer.init_transactions, stop)
        reader = consumer(settings.kafka_bootstrap, bootstrap_timeout_ms=BOOTSTRAP_MS)
        try:
            position, partitions = resume_position(reader, conn, settings.topic_prefix)
        finally:
            reader.close()
        _set_published(conn, position)
        log.info("resuming after position %d", position)
        with conn.cursor() as cursor:
            cursor.execute("listen ledger")
        while not stop.is_set():
            with conn.cursor() as cursor:
                cursor.execute(
                    "select position, stream, record from ledger.events where position > %s order by position limit %s",
                    (position, settings.max_batch),
                )
                batch = cursor.fetchall()
            if not batch:
                wait_for_notify(conn, IDLE_S)
                continue
            _publish(producer, batch, settings.topic_prefix, partitions, stop, reached)
            metrics.published(len(batch))
            position = batch[-1][0]
            _set_published(conn, position)
    finally:
        _close(producer)


def _publish(
    producer: KafkaProducer,
    batch: list[tuple[int, str, memoryview]],
    prefix: str,
    partitions: int,
    stop: threading.Event,
    reached: Callable[[str], None],
) -> None:
    producer.begin_transaction()
    reached("before_send")
    futures = [
        producer.send(
            topic_of(stream, prefix),
            key=stream.encode(),
            value=bytes(record),
            partition=partition_of(stream, partitions),
            headers=[("position", b"%d" % position), ("content-type", CONTENT_TYPE)],
        )
        for position, stream, record in batch
    ]
    _in_time(producer.flush, stop)
    reached("after_flush")
    for future in futures:
        if not future.succeeded():
            raise future.exception or KafkaError("a record was not acknowledged in time")
    reached("before_commit")
    _in_time(producer.commit_transaction, stop)
    reached("after_commit")


def _in_time(work: Callable[[], object], stop: threading.Event) -> None:
    """Do what waits for Kafka; raises KafkaTimeoutError when that is away for too long.

    The client itself would wait for ever in a commit, and not hear of ``stop`` in any call.
    """
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    worker = threading.Thread(target=run, name="relay-kafka", daemon=True)
    worker.start()
    begun, told = time.monotonic(), None
    while worker.is_alive():
        worker.join(0.2)
        now = time.monotonic()
        if told is None and stop.is_set():
            told = now
        if worker.is_alive() and (now - begun > KAFKA_LIMIT_S or (told is not None and now - told > STOP_LIMIT_S)):
            raise KafkaTimeoutError(f"Kafka did not answer within {now - begun:.0f} s")
    if errors:
        raise errors[0]


def _close(producer: KafkaProducer) -> None:
    """Close in the background, if it takes long: records that cannot be sent any more expire before that."""

    def close() -> None:
        with suppress(KafkaError):
            producer.close(timeout=KAFKA_LIMIT_S)

    closer = threading.Thread(target=close, name="relay-close", daemon=True)
    closer.start()
    closer.join(2)


def _set_published(conn: Connection, position: int) -> None:
    with conn.cursor() as cursor:
        cursor.execute("update ledger.published set position = %s, at = clock_timestamp()", (position,))


def resume_position(reader: KafkaConsumer, conn: Connection, prefix: str) -> tuple[int, int]:
    """Find the highest position on Kafka; returns it and the number of partitions of a topic.

    Raises KafkaLostData if the ledger holds an event at or below that position which its partition lacks, or
    another one in place of a partition's last: then Kafka has lost data, or belongs to another ledger.
    """
    all_tps = all_partitions(reader, prefix)
    last = last_records(reader, all_tps)
    tails = {tp: position_of(record) for tp, record in last.items()}
    position = max(tails.values(), default=0)
    partitions = len({tp.partition for tp in all_tps})
    with conn.cursor() as cursor:
        cursor.execute("select position from ledger.head")
        ((head,),) = cursor.fetchall()
        if position > head:
            raise KafkaLostData(
                f"Kafka holds position {position}, but the ledger ends at {head}",
                hint=OTHER_LEDGER,
            )
        cursor.execute("select position, record from ledger.events where position = any(%s)", (list(tails.values()),))
        own_records = {at: bytes(record) for at, record in cursor}
        for tp, record in last.items():
            if own_records[tails[tp]] != record.value:
                raise KafkaLostData(
                    f"position {tails[tp]} is another record in {tp.topic} partition {tp.partition} than in the ledger",
                    hint=OTHER_LEDGER,
                )
        for kind in KINDS.values():
            own = [TopicPartition(prefix + kind.topic, partition) for partition in range(partitions)]
            floor = min(tails.get(tp, 0) for tp in own)
            cursor.execute(
                "select stream, max(position) from ledger.events "
                "where stream >= %s and stream < %s and position > %s and position <= %s group by stream",
                (f"{kind.prefix}-", f"{kind.prefix}.", floor, position),
            )
            for stream, newest in cursor:
                tp = TopicPartition(topic_of(stream, prefix), partition_of(stream, partitions))
                if newest > tails.get(tp, 0):
                    raise KafkaLostData(
                        f"{tp.topic} partition {tp.partition} ends at position {tails.get(tp, 0)}, but {stream} has an "
                        f"event at {newest}, and position {position} is published",
                        hint="Kafka has lost records; publish the ledger into new topics, or restore Kafka's data",
                    )
    return position, partitions
