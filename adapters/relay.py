"""Publishes the ledger on Kafka: every event, once, in the order of positions.

One relay leads, by an advisory lock in PostgreSQL; the transactional id fences one that lost the lock without
noticing. Where to go on is read from Kafka itself, never remembered: lock, then init_transactions (which ends
what a predecessor left open), then a look at the tail of every partition.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

import psycopg2
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from psycopg2.extensions import connection as Connection

from adapters import metrics, publishing
from adapters.database import connect
from adapters.ledger import wait_for_notify
from adapters.publishing import BOOTSTRAP_MS, Message, lead, publish, transactional
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
OTHER_LEDGER = "this Kafka belongs to another ledger, or the ledger was set back: restore it from Kafka"
POINTS = publishing.POINTS


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
                if lead(conn, LEADER_LOCK, stop):
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


def _publish_as_leader(
    settings: RelaySettings, conn: Connection, stop: threading.Event, reached: Callable[[str], None]
) -> None:
    with transactional(settings.kafka_bootstrap, f"{settings.topic_prefix}complaint-ledger-relay", stop) as producer:
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
            publish(producer, _messages(batch, settings.topic_prefix, partitions), stop, reached)
            metrics.published(len(batch))
            position = batch[-1][0]
            _set_published(conn, position)


def _messages(batch: list[tuple[int, str, memoryview]], prefix: str, partitions: int) -> list[Message]:
    return [
        Message(
            topic_of(stream, prefix),
            partition_of(stream, partitions),
            stream.encode(),
            bytes(record),
            [("position", b"%d" % position), ("content-type", CONTENT_TYPE)],
        )
        for position, stream, record in batch
    ]


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
