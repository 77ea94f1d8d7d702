"""Appends the lives of complaints that become public, and holds the public feed against the ledger."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from random import Random
from typing import NamedTuple
from uuid import UUID

from kafka import KafkaConsumer, TopicPartition
from kafka.partitioner.default import murmur2

from adapters.database import connect
from adapters.execute import Command, seal
from adapters.ledger import Appended, PostgresRecorder
from adapters.public_feed import FeedSettings, take_up
from adapters.record import read_record
from domain.complaint.clocks import Published
from domain.event import Event
from projections.projection import Fact
from projections.public_feed import Row
from tests.domain.random_lives import a_life
from tests.domain.scenario import CONSUMER
from tests.faults.published import LIMIT, MAPPER

#: So many complaints are under way at a time.
OPEN = 8
STEPS = 16


class Message(NamedTuple):
    """A message of the feed, without its place."""

    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]

    @property
    def position(self) -> int:
        return int(dict(self.headers)["position"])


class Lives:
    """Appends lives by chance from a seed, side by side, an event at a time; two of three become public at once."""

    def __init__(self, database_url: str, seed: int) -> None:
        self._chance = Random(seed)
        self._recorder = PostgresRecorder(database_url)
        self._versions: dict[str, int] = {}
        self._open: list[tuple[str, list[Event]]] = []

    def fill(self, appends: int) -> int:
        """Append so many events; returns the last position."""
        return max(self.append(*self._next()) for _ in range(appends))

    def append(self, stream: str, *events: Event) -> int:
        """Append events to a complaint; returns the position of the last one."""
        version = self._versions.get(stream, 0)
        command = Command(f"{self._chance.getrandbits(128):032x}", self._chance.randbytes(32).hex())
        writer = self._recorder.writer
        outcome = writer.wait(writer.submit(seal(MAPPER, stream, version, list(events), command)))
        assert isinstance(outcome, Appended)
        self._versions[stream] = version + len(events)
        return outcome.position + len(events) - 1

    def close(self) -> None:
        self._recorder.close()

    def _next(self) -> tuple[str, Event]:
        if len(self._open) < OPEN:
            self._open.append((f"complaint-{UUID(int=self._chance.getrandbits(128), version=4)}", self._life()))
        place = self._chance.randrange(len(self._open))
        stream, left = self._open[place]
        event = left.pop(0)
        if not left:
            del self._open[place]
        return stream, event

    def _life(self) -> list[Event]:
        filed, *later = a_life(self._chance, STEPS)
        if self._chance.random() < 1 / 3:
            return [filed, *later]
        return [filed, Published(occurred_at=filed.occurred_at, actor=CONSUMER, basis="consumer_wish"), *later]


@contextmanager
def living(database_url: str, seed: int) -> Iterator[Callable[[], None]]:
    """Append from a thread until the block ends or what it is given is called; its error becomes the test's."""
    stop = threading.Event()
    errors: list[BaseException] = []

    def run() -> None:
        try:
            with closing(Lives(database_url, seed)) as lives:
                while not stop.wait(0.01):
                    lives.fill(2)
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
        finish()


def fed(database_url: str) -> tuple[int, int]:
    """Return the ledger's last position, and how far the feed says that it is."""
    with closing(connect(database_url, None)) as conn, conn.cursor() as cursor:
        cursor.execute("select h.position, f.position from ledger.head h, ledger.feed f")
        ((head, position),) = cursor.fetchall()
        return head, position


def await_fed(database_url: str, at_least: int | None = None) -> None:
    """Wait until the feed is complete to the end of the ledger, or to a position."""
    deadline = time.monotonic() + LIMIT
    while True:
        head, position = fed(database_url)
        if position >= (head if at_least is None else at_least):
            return
        assert time.monotonic() < deadline, f"fed only up to {position} of {head} within {LIMIT:.0f} s"
        time.sleep(0.02)


def read_feed(settings: FeedSettings, isolation_level: str = "read_committed") -> dict[int, list[Message]]:
    """Read all messages of each partition, by a plain consumer."""
    with closing(
        KafkaConsumer(
            bootstrap_servers=settings.kafka_bootstrap,
            isolation_level=isolation_level,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
    ) as reader:
        tps = [TopicPartition(settings.topic, number) for number in sorted(reader.partitions_for_topic(settings.topic))]
        reader.assign(tps)
        ends = reader.end_offsets(tps)
        found: dict[int, list[Message]] = {tp.partition: [] for tp in tps}
        deadline = time.monotonic() + LIMIT
        while any(reader.position(tp) < ends[tp] for tp in tps):
            assert time.monotonic() < deadline, "the feed cannot be read to its end"
            for tp, records in reader.poll(timeout_ms=100, max_records=5_000).items():
                found[tp.partition] += [Message(record.key, record.value, list(record.headers)) for record in records]
        return found


def expected(database_url: str, upto: int | None = None) -> list[Message]:
    """What the feed has to say of the ledger, in the order of positions: each complaint folded by itself."""
    with closing(connect(database_url, None)) as conn, conn.cursor() as cursor:
        cursor.execute("select position, stream, version, record from ledger.events order by position")
        events = cursor.fetchall()
    rows: dict[str, Row] = {}
    messages = []
    for position, stream, version, record in events:
        if stream.startswith("complaint-") and (upto is None or position <= upto):
            fact = Fact(position, stream, version, read_record(bytes(record)).event)
            rows[stream], change = take_up(rows.get(stream), fact)
            if change is not None:
                headers = [("position", b"%d" % position)]
                headers += [] if change.value is None else [("content-type", b"application/json")]
                messages.append(Message(stream.encode(), change.value, headers))
    return messages


def assert_fed_once_and_in_order(settings: FeedSettings, upto: int | None = None) -> list[Message]:
    """Assert that the feed says of the ledger, message for message, what it has to; returns the messages."""
    found = read_feed(settings)
    messages = expected(settings.database_url, upto)
    partitions: dict[int, list[Message]] = {number: [] for number in found}
    for message in messages:
        partitions[(murmur2(message.key) & 0x7FFFFFFF) % len(found)].append(message)
    assert found == partitions
    return messages
