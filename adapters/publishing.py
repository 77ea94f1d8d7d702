"""What those who publish on Kafka have in common: one leader each, transactions, and no wait without an end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError
from psycopg2.extensions import connection as Connection

#: Longest wait for Kafka; then the lock is given up, since another leader may reach it.
KAFKA_LIMIT_S = 30.0
#: Longest wait for Kafka once told to stop, less than the patience of those who tell it.
STOP_LIMIT_S = 5.0
BOOTSTRAP_MS = 5_000
#: Names of the moments at which ``reached`` is called: where a crash is most interesting.
POINTS = ("before_send", "after_flush", "before_commit", "after_commit")


class Message(NamedTuple):
    """A message to be sent; ``value`` None is a tombstone."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]


def lead(conn: Connection, lock: int, stop: threading.Event) -> bool:
    """Wait for a leader's lock, which is held as long as the connection; False when stopped first."""
    with conn.cursor() as cursor:
        while not stop.is_set():
            cursor.execute("select pg_try_advisory_lock(%s)", (lock,))
            if cursor.fetchone() == (True,):
                return True
            stop.wait(0.5)
    return False


@contextmanager
def transactional(bootstrap: str, transactional_id: str, stop: threading.Event) -> Iterator[KafkaProducer]:
    """Open a producer that has fenced every other of its id, and ended what such a one left open."""
    producer = KafkaProducer(
        bootstrap_servers=bootstrap,
        transactional_id=transactional_id,
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
        yield producer
    finally:
        _close(producer)


def publish(
    producer: KafkaProducer, messages: Sequence[Message], stop: threading.Event, reached: Callable[[str], None]
) -> dict[int, int]:
    """Send messages in one transaction; returns the offset behind the last one of each partition number.

    After any error, which is a KafkaError, the producer is of no more use, and what is on Kafka has to be looked up.
    """
    producer.begin_transaction()
    reached("before_send")
    futures = [
        producer.send(
            message.topic,
            key=message.key,
            value=message.value,
            partition=message.partition,
            headers=message.headers,
        )
        for message in messages
    ]
    _in_time(producer.flush, stop)
    reached("after_flush")
    for future in futures:
        if not future.succeeded():
            raise future.exception or KafkaError("a record was not acknowledged in time")
    reached("before_commit")
    _in_time(producer.commit_transaction, stop)
    reached("after_commit")
    return {future.value.partition: future.value.offset + 1 for future in futures}


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

    worker = threading.Thread(target=run, name="publishing", daemon=True)
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

    closer = threading.Thread(target=close, name="publishing-close", daemon=True)
    closer.start()
    closer.join(2)
