"""Appends events with real-looking records, and holds the topics against the ledger."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.partitioner.default import murmur2

from adapters.database import connect
from adapters.execute import Command, seal
from adapters.ledger import Append, Appended, PostgresRecorder
from adapters.record import RecordMapper
from domain.complaint.ending import Closed, Disputed
from domain.complaint.filing import Filed
from domain.complaint.negotiation import Answered, AnswerKind, Routed
from domain.complaint.state import RequestKind
from domain.event import Event
from domain.merchant.registration import Registered
from domain.streams import TOPICS, kind_of
from domain.values import Actor, Channel, Role

LIMIT = 60.0
MAPPER = RecordMapper()
WORDS = "商家至今没有退款也没有回复我的投诉，订单里的商品与描述不符。"


@dataclass
class Stream:
    """A stream that events are appended to, and who it is about."""

    id: str
    version: int = 0


class Filler:
    """Appends what complaints and merchants go through, at random from a seed, each by a command of its own."""

    def __init__(self, database_url: str, seed: int) -> None:
        self._random = Random(seed)
        self._recorder = PostgresRecorder(database_url)
        self._complaints: list[Stream] = []
        self._merchants: list[Stream] = []
        self._at = datetime(2014, 1, 31, tzinfo=UTC)

    def fill(self, appends: int, *, narrative: int | None = None) -> int:
        """Make that many appends, with narratives of so many characters; returns the last position."""
        waiting = [self._append(self._next(narrative)) for _ in range(appends)]
        last = 0
        for append in waiting:
            outcome = self._recorder.writer.wait(append)
            assert isinstance(outcome, Appended)
            last = max(last, outcome.position + len(append.events) - 1)
        return last

    def close(self) -> None:
        self._recorder.close()

    def _append(self, what: tuple[Stream, list[Event]]) -> Append:
        stream, events = what
        by_command = Command(self._uuid().hex, self._random.randbytes(32).hex())
        append = seal(MAPPER, stream.id, stream.version, events, by_command)
        stream.version += len(events)
        return self._recorder.writer.submit(append)

    def _next(self, narrative: int | None) -> tuple[Stream, list[Event]]:
        self._at += timedelta(seconds=self._random.randrange(90))
        who = Actor(str(self._uuid()), self._random.choice(list(Role)))
        chance = self._random.random()
        if narrative is None and (chance < 0.1 or not self._merchants):
            self._merchants.append(Stream(f"merchant-{self._uuid()}"))
            return self._merchants[-1], [
                Registered(occurred_at=self._at, actor=who, trade_name=f"杭州商户 {chance:.6f}")
            ]
        if narrative is not None or chance < 0.6 or not self._complaints:
            self._complaints.append(Stream(f"complaint-{self._uuid()}"))
            length = self._random.randrange(1, 200) if narrative is None else narrative
            filed = Filed(
                occurred_at=self._at,
                actor=who,
                kind=RequestKind.COMPLAINT,
                consumer_id=str(self._uuid()),
                channel=self._random.choice(list(Channel)),
                scheme="test",
                product="网络购物",
                narrative=(WORDS * (length // len(WORDS) + 1))[:length],
            )
            return self._complaints[-1], [
                filed,
                Routed(occurred_at=self._at, actor=who, merchant_id=f"merchant-{self._uuid()}"),
            ]
        answered = Answered(occurred_at=self._at, actor=who, kind=AnswerKind.EXPLANATION, in_time=chance < 0.8)
        closed = Closed(occurred_at=self._at, actor=who, ground="answered")
        disputed = Disputed(occurred_at=self._at, actor=who, text=WORDS)
        return self._random.choice(self._complaints), self._random.choice(
            [[answered], [answered, closed], [disputed], [answered, disputed, closed]]
        )

    def _uuid(self) -> UUID:
        return UUID(int=self._random.getrandbits(128), version=4)


@contextmanager
def filling(database_url: str, seed: int) -> Iterator[Callable[[], None]]:
    """Append from a thread, a few hundred events a second, until the block ends or what it is given is called.

    The thread's error becomes the test's.
    """
    stop = threading.Event()
    errors: list[BaseException] = []
    filler = Filler(database_url, seed)

    def run() -> None:
        try:
            while not stop.wait(0.02):
                filler.fill(3)
        except BaseException as error:
            errors.append(error)

    def finish() -> None:
        stop.set()
        thread.join()
        if errors:
            raise errors[0]

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield finish
    finally:
        try:
            finish()
        finally:
            filler.close()


def positions(database_url: str) -> tuple[int, int]:
    """Return the ledger's last position, and how far it is published."""
    conn = connect(database_url, None)
    try:
        with conn.cursor() as cursor:
            cursor.execute("select h.position, p.position from ledger.head h, ledger.published p")
            ((head, published),) = cursor.fetchall()
            return head, published
    finally:
        conn.close()


def await_published(database_url: str, at_least: int | None = None) -> int:
    """Wait until everything (or everything up to a position) is published; returns how far that is."""
    deadline = time.monotonic() + LIMIT
    while True:
        head, published = positions(database_url)
        if published >= (head if at_least is None else at_least):
            return published
        assert time.monotonic() < deadline, f"published only up to {published} of {head} within {LIMIT:.0f} s"
        time.sleep(0.02)


def read_topics(
    bootstrap: str, prefix: str, isolation_level: str = "read_committed"
) -> dict[TopicPartition, list[ConsumerRecord]]:
    """Read all that is on the topics, by a plain consumer."""
    reader = KafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level=isolation_level,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    try:
        tps = [
            TopicPartition(prefix + topic, partition)
            for topic in TOPICS
            for partition in reader.partitions_for_topic(prefix + topic)
        ]
        reader.assign(tps)
        ends = reader.end_offsets(tps)
        found: dict[TopicPartition, list[ConsumerRecord]] = {tp: [] for tp in tps}
        deadline = time.monotonic() + LIMIT
        while any(reader.position(tp) < ends[tp] for tp in tps):
            assert time.monotonic() < deadline, "the topics cannot be read to their ends"
            for tp, records in reader.poll(timeout_ms=100, max_records=5_000).items():
                found[tp].extend(records)
        return found
    finally:
        reader.close()


def assert_published_once_and_in_order(database_url: str, bootstrap: str, prefix: str) -> int:
    """Assert that the topics hold the ledger, record for record; returns the number of events."""
    found = read_topics(bootstrap, prefix)
    partitions = len(found) // len(TOPICS)
    expected: dict[TopicPartition, list[tuple[bytes, bytes, list[tuple[str, bytes]]]]] = {tp: [] for tp in found}
    conn = connect(database_url, None)
    try:
        with conn.cursor() as cursor:
            cursor.execute("select position, stream, record from ledger.events order by position")
            events = cursor.fetchall()
    finally:
        conn.close()
    for position, stream, record in events:
        key = stream.encode()
        tp = TopicPartition(prefix + kind_of(stream).topic, (murmur2(key) & 0x7FFFFFFF) % partitions)
        headers = [("position", str(position).encode()), ("content-type", b"application/cloudevents+json")]
        expected[tp].append((key, bytes(record), headers))

    times = Counter(int(dict(record.headers)["position"]) for records in found.values() for record in records)
    every = {position for position, _, _ in events}
    assert every == set(range(1, len(events) + 1))
    assert every - times.keys() == set(), "events are missing on Kafka"
    assert times.keys() - every == set(), "Kafka holds events that the ledger does not have"
    assert {position: n for position, n in times.items() if n > 1} == {}, "events are on Kafka more than once"
    for tp, records in found.items():
        actual = [(record.key, record.value, list(record.headers)) for record in records]
        assert actual == expected[tp], f"{tp} differs from the ledger"
    return len(events)
