"""Writes the redacted public feed: one message to ``public.complaints`` per event that changes what is public.

One process leads, by an advisory lock, and a transactional id of its own fences one that lost the lock. It follows the
ledger by position, up to what the relay has published, and writes in that order, a batch per transaction. Where to go
on is the higher of two: the last position on the topic, and the one noted in PostgreSQL after a batch, behind which
nothing may have been public for long. So nothing is ever sent twice, and an older view never behind a newer one.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple

import orjson
import psycopg2
from kafka import TopicPartition
from kafka.errors import KafkaError
from psycopg2.extensions import connection as Connection

from adapters import metrics, publishing
from adapters.database import connect
from adapters.ledger import wait_for_notify
from adapters.publishing import BOOTSTRAP_MS, Message, lead, publish, transactional
from adapters.record import SCHEMA, canonical, read_record
from adapters.topics import (
    PUBLIC_COMPLAINTS,
    KafkaLostData,
    all_partitions,
    bounds,
    consumer,
    last_records,
    partition_of,
    position_of,
)
from domain.errors import LedgerError
from domain.streams import COMPLAINT, EVENT_TYPES
from projections.projection import Fact
from projections.public_feed import Row, fold, hide, public_view

log = logging.getLogger("feed")

LEADER_LOCK = 0x66656564
#: Events of complaints, and positions, that are taken up in one transaction.
MAX_BATCH = 2_000
MAX_POSITIONS = 50_000
#: So many complaints are remembered as they were last; others are read again when something happens to them.
MAX_ROWS = 10_000
IDLE_S = 1.0
#: Between looks while the relay has still to publish what was appended.
SOON_S = 0.1
CONTENT_TYPE = b"application/json"
POINTS = (*publishing.POINTS, "after_note")
#: The streams of complaints, as a range of ids.
OWN = (f"{COMPLAINT.prefix}-", f"{COMPLAINT.prefix}.")


#: Position, stream, version and record.
Stored = tuple[int, str, int, bytes]


class FeedStopped(LedgerError):
    """An event is from a newer program, so that this one cannot tell what is public behind it."""


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """Where from and where to. ``topic_prefix`` also keeps the transactional ids of deployments apart."""

    database_url: str
    kafka_bootstrap: str
    topic_prefix: str = ""
    max_batch: int = MAX_BATCH

    @property
    def topic(self) -> str:
        return self.topic_prefix + PUBLIC_COMPLAINTS


def run_feed(settings: FeedSettings, stop: threading.Event, reached: Callable[[str], None] = lambda _: None) -> None:
    """Write the feed until ``stop`` is set, as leader or waiting to become it.

    Errors of PostgreSQL or Kafka and fencing start it over. KafkaLostData and FeedStopped end it: to go on would leave
    out a message, and a complaint that was withheld could stay public.
    """
    while not stop.is_set():
        try:
            with closing(connect(settings.database_url, "ledger_relay")) as conn:
                if lead(conn, LEADER_LOCK, stop):
                    log.info("leading")
                    metrics.feeding(True)
                    _write_as_leader(settings, conn, stop, reached)
        except (psycopg2.Error, KafkaError) as error:
            metrics.feed_started_over()
            log.warning("starting over after %s: %s", type(error).__name__, str(error).strip())
            stop.wait(0.5)
        finally:
            metrics.feeding(False)


def _write_as_leader(
    settings: FeedSettings, conn: Connection, stop: threading.Event, reached: Callable[[str], None]
) -> None:
    with transactional(settings.kafka_bootstrap, f"{settings.topic_prefix}complaint-ledger-feed", stop) as producer:
        position, ends = resume_position(settings, conn)
        _note(conn, position, ends)
        log.info("resuming after position %d", position)
        with conn.cursor() as cursor:
            cursor.execute("listen ledger")
        views = Views(conn)
        while not stop.is_set():
            upto, facts = read_on(conn, position, settings.max_batch)
            if upto == position:
                _rest(conn, position, stop)
                continue
            changes, upto = views.take_up(facts, upto)
            if changes:
                messages = [message_of(change, settings.topic, len(ends)) for change in changes]
                for partition, end in publish(producer, messages, stop, reached).items():
                    ends[partition] = end
                metrics.fed(len(changes))
            position = upto
            _note(conn, position, ends)
            reached("after_note")


def _note(conn: Connection, position: int, ends: list[int]) -> None:
    """Note how far the feed is. It is written behind the messages, and may be lost: it lags, and never leads."""
    with conn, conn.cursor() as cursor:
        cursor.execute("set local synchronous_commit = off")
        cursor.execute("update ledger.feed set position = %s, ends = %s, at = clock_timestamp()", (position, ends))


def _rest(conn: Connection, position: int, stop: threading.Event) -> None:
    """Wait for an append, or for the relay to publish one."""
    with conn.cursor() as cursor:
        cursor.execute("select position from ledger.head")
        ((head,),) = cursor.fetchall()
    if head > position:
        stop.wait(SOON_S)
    else:
        wait_for_notify(conn, IDLE_S)


def read_on(conn: Connection, position: int, limit: int) -> tuple[int, list[Stored]]:
    """Read what was published behind ``position``; returns up to which position, and the events of complaints."""
    with conn.cursor() as cursor:
        cursor.execute("select least(position, %s) from ledger.published", (position + MAX_POSITIONS,))
        ((upto,),) = cursor.fetchall()
        if upto <= position:
            return position, []
        cursor.execute(
            "select position, stream, version, record from ledger.events "
            "where position > %s and position <= %s and stream >= %s and stream < %s order by position limit %s",
            (position, upto, *OWN, limit),
        )
        facts = [(at, stream, version, bytes(record)) for at, stream, version, record in cursor]
    return (facts[-1][0] if len(facts) == limit else upto), facts


class Change(NamedTuple):
    """What is public of a complaint from a position on; ``value`` None: nothing any more."""

    position: int
    stream: str
    value: bytes | None


def take_up(row: Row | None, fact: Fact) -> tuple[Row, Change | None]:
    """Fold an event; returns the row, and the change of what is public if it makes one."""
    row = fold(row, fact)
    if row.position != fact.position:
        return row, None
    view = public_view(row)
    value = None if view is None else canonical(view.model_dump(mode="json", exclude_none=True))
    return row, Change(fact.position, fact.stream, value)


def message_of(change: Change, topic: str, partitions: int) -> Message:
    """Make the message of a change."""
    headers = [("position", b"%d" % change.position)]
    if change.value is not None:
        headers.append(("content-type", CONTENT_TYPE))
    return Message(topic, partition_of(change.stream, partitions), change.stream.encode(), change.value, headers)


def take_up_record(
    row: Row | None, stream: str, version: int, position: int, record: bytes
) -> tuple[Row | None, Change | None]:
    """Fold a record. A complaint is hidden from the first one on that is damaged, as nobody can tell what it said.

    Raises FeedStopped for one that only a newer program can read.
    """
    try:
        return take_up(row, Fact(position, stream, version, read_record(record).event))
    except Exception as error:  # a damaged record can break reading and folding in any way
        where = f"the event at position {position}, version {version} of {stream}"
        if _from_newer_program(record):
            raise FeedStopped(
                f"{where}, cannot be read: {error}", hint="bring this program up to date; the feed then goes on"
            ) from error
        metrics.feed_failed()
        log.error("damaged, so that its complaint is hidden: %s", where, exc_info=error, extra={"stream": stream})
        hidden = hide(row, position)
        shown_before = hidden is not None and hidden.position == position
        return hidden, Change(position, stream, None) if shown_before else None


def _from_newer_program(record: bytes) -> bool:
    try:
        base, name, version = orjson.loads(record)["dataschema"].rsplit(":", 2)
        known = EVENT_TYPES[name].version if name in EVENT_TYPES else 0
        return base == SCHEMA and int(version) > known
    except Exception:
        return False


class Views:
    """The complaints as they were last, by stream; those used least are forgotten, and read again from the ledger."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._rows: OrderedDict[str, Row | None] = OrderedDict()

    def take_up(self, events: list[Stored], upto: int) -> tuple[list[Change], int]:
        """Fold the next events; returns what changes, and up to which position.

        That is less than ``upto`` if an event is from a newer program; raises FeedStopped if it is the first one.
        """
        histories = self._histories(events)
        changes: list[Change] = []
        for number, (position, stream, version, record) in enumerate(events):
            try:
                row = self._rows[stream] if stream in self._rows else _fold(stream, histories.get(stream, ()))
                self._rows[stream], change = take_up_record(row, stream, version, position, record)
            except FeedStopped:
                if number > 0:
                    return changes, position - 1
                raise
            self._rows.move_to_end(stream)
            if change is not None:
                changes.append(change)
        while len(self._rows) > MAX_ROWS:
            self._rows.popitem(last=False)
        return changes, upto

    def _histories(self, events: list[Stored]) -> dict[str, list[Stored]]:
        """Read what had happened before to complaints that are not remembered."""
        unknown = {stream for _, stream, version, _ in events if version > 1 and stream not in self._rows}
        found: dict[str, list[Stored]] = {stream: [] for stream in unknown}
        if unknown:
            with self._conn.cursor() as cursor:
                cursor.execute(
                    "select position, stream, version, record from ledger.events "
                    "where stream = any(%s) and position < %s order by stream, version",
                    (list(unknown), events[0][0]),
                )
                for position, stream, version, record in cursor:
                    found[stream].append((position, stream, version, bytes(record)))
        return found


def _fold(stream: str, history: Iterable[Stored]) -> Row | None:
    row: Row | None = None
    for position, _, version, record in history:
        row, _ = take_up_record(row, stream, version, position, record)
    return row


def resume_position(settings: FeedSettings, conn: Connection) -> tuple[int, list[int]]:
    """Find how far the feed is; returns that position, and the end of each partition.

    The last message of a partition may be a tombstone that was cleaned away since, and there may be none for long:
    then the noted position says more than the topic. It is believed as long as no partition ends before it did then;
    a topic that is new is filled from the beginning. Raises KafkaLostData where some of it is missing, or Kafka is that
    of another ledger.
    """
    with closing(consumer(settings.kafka_bootstrap, bootstrap_timeout_ms=BOOTSTRAP_MS)) as reader:
        partitions = all_partitions(reader, settings.topic_prefix, (PUBLIC_COMPLAINTS,))
        last = max(map(position_of, last_records(reader, partitions).values()), default=0)
        _, found = bounds(reader, partitions)
    ends = [found[TopicPartition(settings.topic, number)] for number in range(len(partitions))]
    with conn.cursor() as cursor:
        cursor.execute("select h.position, f.position, f.ends from ledger.head h, ledger.feed f")
        ((head, noted, noted_ends),) = cursor.fetchall()
    if last > head:
        raise KafkaLostData(
            f"{settings.topic} holds position {last}, but the ledger ends at {head}",
            hint="this Kafka belongs to another ledger, or the ledger was set back: restore it from Kafka",
        )
    before = dict(enumerate(noted_ends))
    if all(end >= before.get(number, 0) for number, end in enumerate(ends)):
        return max(last, noted), ends
    if not any(ends):
        return 0, ends
    raise KafkaLostData(
        f"{settings.topic} ends at the offsets {ends}, but ended at {noted_ends} before",
        hint="Kafka has lost records; delete the topic and run: complaints prepare. The feed then fills it again",
    )
