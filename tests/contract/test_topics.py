"""What subscribers may rely on: partitions, retention, what is read back, and the form of a message."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from random import Random
from uuid import UUID

import orjson
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka_event
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource

from adapters.relay import RelaySettings, run_relay
from adapters.topics import (
    PUBLIC_COMPLAINTS,
    KafkaLostData,
    TopicsError,
    all_partitions,
    bounds,
    consumer,
    ensure_topics,
    last_records,
    partition_of,
    position_of,
    read_range,
    settled_bounds,
    topic_of,
)
from domain.errors import InvalidInput
from domain.streams import TOPICS
from tests.conftest import running
from tests.faults.published import Filler, await_published, read_topics

SEED = 20140331
#: From the tests of Kafka's Java client (UtilsTest.testMurmur2).
MURMUR2 = {
    "21": -973932308,
    "foobar": -790332482,
    "a-little-bit-long-string": -985981536,
    "a-little-bit-longer-string": -1486304829,
    "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    "abc": 479470107,
}


@pytest.fixture
def reader(kafka_bootstrap: str) -> Iterator[KafkaConsumer]:
    with closing(consumer(kafka_bootstrap)) as reader:
        yield reader


@pytest.fixture
def admin(kafka_bootstrap: str) -> Iterator[KafkaAdminClient]:
    with closing(KafkaAdminClient(bootstrap_servers=kafka_bootstrap)) as admin:
        yield admin


@pytest.fixture
def producer(kafka_bootstrap: str, topic_prefix: str) -> Iterator[KafkaProducer]:
    with closing(KafkaProducer(bootstrap_servers=kafka_bootstrap, transactional_id=f"{topic_prefix}test")) as producer:
        producer.init_transactions()
        yield producer


def transact(producer: KafkaProducer, tp: TopicPartition, positions: range, *, commit: bool = True) -> None:
    """Send one transaction with a record for each position."""
    producer.begin_transaction()
    for position in positions:
        value = b"%d" % position
        producer.send(tp.topic, value=value, partition=tp.partition, headers=[("position", value)])
    producer.flush()
    if commit:
        producer.commit_transaction()
    else:
        producer.abort_transaction()


def partition_counts(admin: KafkaAdminClient, prefix: str) -> dict[str, int]:
    described = admin.describe_topics([prefix + topic for topic in TOPICS])
    return {topic["name"].removeprefix(prefix): len(topic["partitions"]) for topic in described}


@pytest.mark.parametrize(("key", "hashed"), MURMUR2.items())
def test_the_partition_comes_from_the_hash_of_the_java_client(key: str, hashed: int) -> None:
    assert partition_of(key, 2**31) == hashed & 0x7FFFFFFF
    for partitions in (1, 3, 8, 50):
        assert partition_of(key, partitions) == (hashed & 0x7FFFFFFF) % partitions


def test_the_partition_is_the_one_that_a_plain_producer_chooses(kafka_bootstrap: str, topic_prefix: str) -> None:
    chance = Random(SEED)
    streams = [
        f"{kind}-{UUID(int=chance.getrandbits(128), version=4)}"
        for kind in ("complaint", "merchant")
        for _ in range(100)
    ]
    with closing(KafkaProducer(bootstrap_servers=kafka_bootstrap, linger_ms=5)) as plain:
        sent = {stream: plain.send(topic_of(stream, topic_prefix), key=stream.encode()) for stream in streams}
        plain.flush(timeout=30)
        chosen = {stream: future.get(timeout=30).partition for stream, future in sent.items()}
    assert chosen == {stream: partition_of(stream, 8) for stream in streams}
    assert set(chosen.values()) == set(range(8))


def test_the_topic_of_a_stream_is_that_of_its_kind() -> None:
    assert topic_of("complaint-1", "north.") == "north.ledger.complaints"
    assert topic_of("merchant-1") == "ledger.merchants"
    with pytest.raises(InvalidInput, match="ids begin with one of: complaint, credit, grade, merchant"):
        topic_of("unheard-of-1")


def test_topics_keep_everything_for_ever(admin: KafkaAdminClient, topic_prefix: str) -> None:
    for topic in TOPICS:
        name = topic_prefix + topic
        configs = admin.describe_configs([ConfigResource("topic", name)], config_filter="all")["topic"][name]
        values = {key: config["value"] for key, config in configs.items()}
        assert values["retention.ms"] == "-1"
        assert values["retention.bytes"] == "-1"
        assert values["cleanup.policy"] == "delete"
        assert values["message.timestamp.type"] == "CreateTime"


def test_the_public_feed_keeps_the_last_of_each_complaint_and_tombstones_for_30_days(
    admin: KafkaAdminClient, topic_prefix: str
) -> None:
    name = topic_prefix + PUBLIC_COMPLAINTS
    configs = admin.describe_configs([ConfigResource("topic", name)], config_filter="all")["topic"][name]
    values = {key: config["value"] for key, config in configs.items()}
    assert values["cleanup.policy"] == "compact"
    assert values["delete.retention.ms"] == str(30 * 24 * 3600 * 1000)
    assert values["retention.ms"] == "-1"


def test_making_topics_again_changes_nothing_and_keeps_the_number_of_partitions(
    admin: KafkaAdminClient, kafka_bootstrap: str, topic_prefix: str
) -> None:
    prefix = f"{topic_prefix}three."
    assert ensure_topics(kafka_bootstrap, prefix, 3) == 3
    assert ensure_topics(kafka_bootstrap, prefix, 3) == 3
    assert ensure_topics(kafka_bootstrap, prefix, 12) == 3
    assert partition_counts(admin, prefix) == dict.fromkeys(TOPICS, 3)


def test_a_topic_that_is_missing_is_made_with_as_many_partitions_as_the_others(
    admin: KafkaAdminClient, kafka_bootstrap: str, topic_prefix: str
) -> None:
    prefix = f"{topic_prefix}five."
    admin.create_topics({prefix + TOPICS[0]: {"num_partitions": 5, "replication_factor": 1}})
    assert ensure_topics(kafka_bootstrap, prefix, 8) == 5
    assert partition_counts(admin, prefix) == dict.fromkeys(TOPICS, 5)


def test_topics_that_differ_in_their_partitions_are_refused(
    admin: KafkaAdminClient, kafka_bootstrap: str, topic_prefix: str
) -> None:
    prefix = f"{topic_prefix}mixed."
    for partitions, topic in enumerate(TOPICS, 1):
        admin.create_topics({prefix + topic: {"num_partitions": partitions, "replication_factor": 1}})
    with pytest.raises(TopicsError, match="differ in their number of partitions"):
        ensure_topics(kafka_bootstrap, prefix)


def test_topics_can_be_used_as_soon_as_they_are_made(kafka_bootstrap: str, topic_prefix: str) -> None:
    for n in range(5):
        prefix = f"{topic_prefix}new{n}."
        ensure_topics(kafka_bootstrap, prefix, 2)
        with closing(consumer(kafka_bootstrap)) as reader:
            assert last_records(reader, all_partitions(reader, prefix)) == {}


def test_missing_topics_are_named(reader: KafkaConsumer, topic_prefix: str) -> None:
    with pytest.raises(TopicsError, match=r"nowhere\.ledger\.complaints does not exist: run: complaints prepare"):
        all_partitions(reader, f"{topic_prefix}nowhere.")


@pytest.mark.parametrize(
    ("transactions", "records"),
    [
        pytest.param(0, 0, id="nothing"),
        pytest.param(1, 1, id="one marker and one record"),
        pytest.param(35, 1, id="markers for more than one step"),
        pytest.param(1, 1_000, id="a long aborted transaction"),
    ],
)
def test_the_last_record_is_found_behind_markers_and_aborted_records(
    reader: KafkaConsumer, producer: KafkaProducer, topic_prefix: str, transactions: int, records: int
) -> None:
    tps = all_partitions(reader, topic_prefix)
    full, only_aborted = tps[0], tps[1]
    transact(producer, full, range(1, 4))
    for _ in range(transactions):
        transact(producer, full, range(100, 100 + records), commit=False)
    transact(producer, only_aborted, range(100, 101), commit=False)
    found = last_records(reader, tps)
    assert {tp: position_of(record) for tp, record in found.items()} == {full: 3}


def test_a_partition_of_nothing_but_aborted_records_has_no_last_record(
    reader: KafkaConsumer, producer: KafkaProducer, topic_prefix: str
) -> None:
    tp = TopicPartition(topic_prefix + TOPICS[0], 0)
    transact(producer, tp, range(1, 200), commit=False)
    assert last_records(reader, [tp]) == {}


def test_a_range_holds_the_committed_records_from_its_start_up_to_its_end(
    reader: KafkaConsumer, producer: KafkaProducer, kafka_bootstrap: str, topic_prefix: str
) -> None:
    first, second = (TopicPartition(topic_prefix + topic, 0) for topic in TOPICS[:2])
    # Offsets: records 0-9, marker 10, aborted 11-15, marker 16, records 17-26, marker 27.
    transact(producer, first, range(10))
    transact(producer, first, range(100, 105), commit=False)
    transact(producer, first, range(10, 20))
    transact(producer, second, range(20, 23))
    begins, ends = settled_bounds(reader, kafka_bootstrap, [first, second])
    assert begins == {first: 0, second: 0}
    assert ends == {first: 28, second: 4}

    def read(starts: dict[TopicPartition, int], ends: dict[TopicPartition, int]) -> list[int]:
        return sorted(position_of(record) for record in read_range(reader, starts, ends))

    assert read(begins, ends) == list(range(23))
    assert read({first: 3}, {first: 8}) == [3, 4, 5, 6, 7]
    assert read({first: 10}, {first: 17}) == []
    assert read({first: 27}, {first: 28}) == []
    assert read({first: 9}, {first: 18}) == [9, 10]
    assert read({first: 5, second: 1}, {first: 5, second: 3}) == [21, 22]
    assert read({}, {}) == []


def test_a_range_that_the_broker_does_not_deliver_is_an_error(
    reader: KafkaConsumer, producer: KafkaProducer, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.topics.READ_TIMEOUT_S", 0.5)
    tp = TopicPartition(topic_prefix + TOPICS[0], 0)
    transact(producer, tp, range(3))
    with pytest.raises(KafkaLostData, match="delivers no more records before the end"):
        list(read_range(reader, {tp: 0}, {tp: 100}))


def test_a_record_without_a_position_is_named_and_does_not_count_as_the_last(
    reader: KafkaConsumer, kafka_bootstrap: str, topic_prefix: str
) -> None:
    tp = TopicPartition(topic_prefix + TOPICS[0], 2)
    with closing(KafkaProducer(bootstrap_servers=kafka_bootstrap)) as plain:
        plain.send(tp.topic, value=b"{}", partition=tp.partition)
        plain.flush(timeout=30)
    begins, ends = bounds(reader, [tp])
    [record] = read_range(reader, begins, ends)
    with pytest.raises(ValueError, match="-2@0 has no header 'position'"):
        position_of(record)
    assert last_records(reader, [tp]) == {}


def test_a_message_parses_with_the_public_cloudevents_sdk(
    database_url: str, kafka_bootstrap: str, topic_prefix: str
) -> None:
    settings = RelaySettings(database_url, kafka_bootstrap, topic_prefix)
    with closing(Filler(database_url, SEED)) as filler:
        last = filler.fill(50)
    with running(lambda stop: run_relay(settings, stop)):
        await_published(database_url)
    messages = [record for records in read_topics(kafka_bootstrap, topic_prefix).values() for record in records]
    assert len(messages) == last
    for message in messages:
        event = from_kafka_event(KafkaMessage(dict(message.headers), message.key, message.value))
        record = orjson.loads(message.value)
        assert event.get_specversion() == "1.0"
        assert event.get_source() == "urn:complaint-ledger"
        assert event.get_type() == record["type"]
        assert event.get_subject() == message.key.decode() == record["subject"]
        assert event.get_id() == f"{message.key.decode()}:{record['streamversion']}"
        assert event.get_datacontenttype() == "application/json"
        assert event.get_dataschema() == record["dataschema"]
        assert event.get_data() == record["data"]
        time = event.get_time()
        assert time is not None
        assert time.isoformat(timespec="microseconds") == record["time"].replace("Z", "+00:00")
        extensions = {
            name: event.get_extension(name)
            for name in (
                "actor",
                "actorrole",
                "commanddigest",
                "commandid",
                "correlationid",
                "recordedat",
                "streamversion",
            )
        }
        assert None not in extensions.values()
        assert extensions == {name: record[name] for name in extensions}
        core = {"data", "datacontenttype", "dataschema", "id", "source", "specversion", "subject", "time", "type"}
        assert record.keys() == core | extensions.keys()
