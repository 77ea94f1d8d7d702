"""The Kafka topics of the ledger: names, partitions, and how to read what is committed on them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from functools import lru_cache

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import TopicAlreadyExistsError
from kafka.partitioner.default import murmur2

from domain.errors import LedgerError
from domain.streams import TOPICS, kind_of

CONTENT_TYPE = b"application/cloudevents+json"
DEFAULT_PARTITIONS = 8
#: The redacted public feed. Topics that begin with ``public.`` are for everybody, those with ``ledger.`` are not.
PUBLIC_COMPLAINTS = "public.complaints"
READ_TIMEOUT_S = 30.0
POLL_MS = 100
SETTLE_S = 10.0
CREATE_TIMEOUT_S = 30.0
#: A subscriber that was away for longer than a tombstone is kept has to begin anew: 30 days, in milliseconds.
_COMPACTED = {"cleanup.policy": "compact", "delete.retention.ms": "2592000000"}


class KafkaLostData(LedgerError):
    """Kafka does not hold what the ledger knows to be published."""


class TopicsError(LedgerError):
    """The topics are not as the ledger needs them."""


def topic_of(stream: str, prefix: str = "") -> str:
    """Return the topic of a stream, with the deployment's prefix."""
    return prefix + kind_of(stream).topic


@lru_cache(maxsize=65_536)
def partition_of(stream: str, partitions: int) -> int:
    """Return the partition that Kafka's default partitioner gives to the key ``stream``."""
    hashed: int = murmur2(stream.encode())
    return (hashed & 0x7FFFFFFF) % partitions


def ensure_topics(bootstrap: str, prefix: str = "", partitions: int = DEFAULT_PARTITIONS) -> int:
    """Create the topics that are missing; returns the number of partitions, which is fixed for life.

    Raises TopicsError when topics exist with different numbers of partitions, since an order by key could not be kept.
    """
    wanted = [prefix + topic for topic in (*TOPICS, PUBLIC_COMPLAINTS)]
    deadline = time.monotonic() + CREATE_TIMEOUT_S
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        while True:
            present = {t["name"]: len(t["partitions"]) for t in admin.describe_topics(wanted) if not t["error_code"]}
            counts = set(present.values())
            if len(counts) > 1:
                raise TopicsError(
                    f"the topics differ in their number of partitions: {present}",
                    hint="they were not made by this program",
                )
            missing = [topic for topic in wanted if topic not in present]
            if not missing:
                return counts.pop()
            if time.monotonic() > deadline:
                raise TopicsError(f"the topic {missing[0]} was created but does not appear", hint="try again")
            # A broker learns of a new topic a little later, so the next one waits until its number of partitions,
            # which may be somebody else's choice, can be seen.
            with suppress(TopicAlreadyExistsError):
                _create_topic(admin, missing[0], counts.pop() if counts else partitions)
            time.sleep(0.02)
    finally:
        admin.close()


def _create_topic(admin: KafkaAdminClient, topic: str, partitions: int) -> None:
    configs = {
        "retention.ms": "-1",
        "retention.bytes": "-1",
        "cleanup.policy": "delete",
        **(_COMPACTED if topic.endswith(PUBLIC_COMPLAINTS) else {}),
        "message.timestamp.type": "CreateTime",
        # A relay whose clock is ahead publishes all the same: the times that count are in the records.
        "message.timestamp.after.max.ms": str(2**63 - 1),
    }
    admin.create_topics({topic: {"num_partitions": partitions, "replication_factor": -1, "configs": configs}})


def consumer(bootstrap: str, **settings: object) -> KafkaConsumer:
    """Open a consumer that sees committed records only, unless told otherwise, and commits no offsets to Kafka."""
    defaults: dict[str, object] = {
        "bootstrap_servers": bootstrap,
        "isolation_level": "read_committed",
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        # What is fetched ahead is the memory of a reader: larger fetches were no faster.
        "max_partition_fetch_bytes": 512 * 1024,
        "fetch_max_bytes": 2 * 1024 * 1024,
    }
    return KafkaConsumer(**(defaults | settings))


def all_partitions(reader: KafkaConsumer, prefix: str = "", topics: Iterable[str] = TOPICS) -> list[TopicPartition]:
    """List the partitions of topics, by default all of the ledger; raises TopicsError when a topic is missing."""
    found: list[TopicPartition] = []
    for topic in topics:
        partitions = reader.partitions_for_topic(prefix + topic)
        if not partitions:
            raise TopicsError(f"the topic {prefix + topic} does not exist", hint="run: complaints prepare")
        found.extend(TopicPartition(prefix + topic, partition) for partition in sorted(partitions))
    return found


def position_of(record: ConsumerRecord) -> int:
    """Return the ledger position of a consumed record, from its header."""
    for name, value in record.headers:
        if name == "position":
            return int(value)
    raise ValueError(f"the record at {record.topic}-{record.partition}@{record.offset} has no header 'position'")


def bounds(
    reader: KafkaConsumer, partitions: list[TopicPartition]
) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
    """Return the first and the end offset of each partition. The reader is then assigned to them."""
    # The client only keeps the metadata of topics that it is assigned to, and finds no offsets of others.
    reader.assign(partitions)
    return reader.beginning_offsets(partitions), reader.end_offsets(partitions)


def settled_bounds(
    reader: KafkaConsumer, bootstrap: str, partitions: list[TopicPartition]
) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
    """Return ``bounds`` once whatever was being committed has its markers on every partition.

    Kafka tells a producer of a commit before that. A transaction that stays open is waited for SETTLE_S seconds.
    """
    with closing(consumer(bootstrap, isolation_level="read_uncommitted")) as probe:
        _, written = bounds(probe, partitions)
    deadline = time.monotonic() + SETTLE_S
    while True:
        begins, ends = bounds(reader, partitions)
        if all(ends[tp] >= end for tp, end in written.items()) or time.monotonic() > deadline:
            return begins, ends
        time.sleep(0.02)


def read_range(
    reader: KafkaConsumer, starts: dict[TopicPartition, int], ends: dict[TopicPartition, int]
) -> Iterator[ConsumerRecord]:
    """Yield the committed records of each partition from its start up to its end, which may be a control marker.

    Raises KafkaLostData when the broker stops delivering before the ends are reached.
    """
    open_partitions = [tp for tp, start in starts.items() if start < ends[tp]]
    reader.assign(open_partitions)
    for tp in open_partitions:
        reader.seek(tp, starts[tp])
    reached: dict[TopicPartition, int] = {}
    deadline = time.monotonic() + READ_TIMEOUT_S
    while open_partitions:
        # A poll that only passes control markers and aborted records returns nothing until its time is over.
        for tp, records in reader.poll(timeout_ms=POLL_MS, max_records=5_000).items():
            for record in records:
                if record.offset < ends[tp]:
                    yield record
        before, reached = reached, {tp: reader.position(tp) for tp in open_partitions}
        open_partitions = [tp for tp, offset in reached.items() if offset < ends[tp]]
        if reached != before:
            deadline = time.monotonic() + READ_TIMEOUT_S
        elif time.monotonic() > deadline:
            raise KafkaLostData(f"Kafka delivers no more records before the end of {sorted(open_partitions)}")


def last_records(reader: KafkaConsumer, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, ConsumerRecord]:
    """Return the last committed record with a position of each partition that has one.

    Transactions leave control markers and aborted records, so the last offsets of a partition need not be records:
    each is searched backwards in growing steps.
    """
    partitions = list(partitions)
    begins, ends = bounds(reader, partitions)
    found: dict[TopicPartition, ConsumerRecord] = {}
    searched = dict(ends)
    step = 64
    while True:
        starts = {tp: max(begins[tp], searched[tp] - step) for tp in partitions if tp not in found}
        starts = {tp: start for tp, start in starts.items() if start < searched[tp]}
        if not starts:
            return found
        for record in read_range(reader, starts, searched):
            # One that was put there by hand says nothing about how far the ledger is published.
            with suppress(ValueError):
                position_of(record)
                found[TopicPartition(record.topic, record.partition)] = record
        searched.update(starts)
        step *= 8
