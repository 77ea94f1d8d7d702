"""The public feed between a real PostgreSQL and a real Kafka: where it goes on, when it refuses, what it leaves."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import ConfigResource

from adapters import public_feed
from adapters.database import connect
from adapters.public_feed import FeedSettings, FeedStopped, run_feed
from adapters.topics import KafkaLostData, ensure_topics
from adapters.verify import Check, verify
from domain.complaint.clocks import Published
from domain.complaint.ending import Closed, Disputed
from domain.complaint.filing import Filed
from domain.complaint.publication import Withheld
from domain.complaint.state import RequestKind
from domain.values import Channel
from tests.conftest import System, running
from tests.domain.scenario import CONSUMER, REGULATOR, START
from tests.faults.public import Lives, Message, assert_fed_once_and_in_order, await_fed, fed, read_feed
from tests.faults.published import LIMIT, await_published

SEED = 20141130
CHECK = "the public feed says of every complaint what is public, and nothing else"
KEPT = "complaint-aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
TAKEN_BACK = "complaint-bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"
FILED = Filed(
    occurred_at=START,
    actor=CONSUMER,
    kind=RequestKind.COMPLAINT,
    consumer_id=CONSUMER.id,
    channel=Channel.APP,
    scheme="own",
    product="kettle",
)
PUBLIC = Published(occurred_at=START, actor=CONSUMER, basis="consumer_wish")
DISPUTED = Disputed(occurred_at=START, actor=CONSUMER)
CLOSED = Closed(occurred_at=START, actor=REGULATOR, ground="no_agreement")
WITHHELD = Withheld(occurred_at=START, actor=REGULATOR, reason="names a child")


@pytest.fixture(autouse=True)
def _soon_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.relay.IDLE_S", 0.1)
    monkeypatch.setattr("adapters.public_feed.IDLE_S", 0.1)


@pytest.fixture
def settings(system: System) -> FeedSettings:
    return FeedSettings(*system.where, max_batch=40)


@pytest.fixture
def lives(system: System) -> Iterator[Lives]:
    with closing(Lives(system.database_url, SEED)) as lives:
        yield lives


def feeding(settings: FeedSettings) -> AbstractContextManager[None]:
    """Run the feed in a thread."""
    return running(lambda stop: run_feed(settings, stop))


def feed(settings: FeedSettings) -> None:
    """Run the feed until it is complete."""
    with feeding(settings):
        await_fed(settings.database_url)


def publish(system: System) -> None:
    """Run the relay until all is published."""
    with system.relaying():
        await_published(system.database_url)


def refusal(settings: FeedSettings, kind: type[Exception]) -> str:
    """Run the feed, which must end by itself; returns its message."""
    stop = threading.Event()
    giving_up = threading.Timer(LIMIT, stop.set)
    giving_up.start()
    try:
        with pytest.raises(kind) as refused:
            run_feed(settings, stop)
    finally:
        giving_up.cancel()
    return str(refused.value)


def owner(settings: FeedSettings, *statements: str) -> None:
    """Do what only the owner of the database can, with its triggers out of the way."""
    with closing(connect(settings.database_url, None)) as conn, conn.cursor() as cursor:
        cursor.execute("alter table ledger.events disable trigger all")
        for statement in statements:
            cursor.execute(statement)


def messages(settings: FeedSettings) -> list[Message]:
    found = [message for partition in read_feed(settings).values() for message in partition]
    return sorted(found, key=lambda message: message.position)


def send(settings: FeedSettings, *sent: Message, partition: int | None = None) -> None:
    """Put messages on the topic that are not of the feed."""
    with closing(KafkaProducer(bootstrap_servers=settings.kafka_bootstrap)) as producer:
        for message in sent:
            producer.send(
                settings.topic, key=message.key, value=message.value, headers=message.headers, partition=partition
            )
        producer.flush()


def check(settings: FeedSettings) -> Check:
    found = verify(settings.database_url, settings.kafka_bootstrap, settings.topic_prefix, lambda *_: None)
    (of_the_feed,) = [one for one in found if one.name == CHECK]
    return of_the_feed


def test_b1_each_change_is_told_once_and_in_order_over_restarts_lost_notes_and_forgotten_complaints(
    system: System, settings: FeedSettings, lives: Lives, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.public_feed.MAX_ROWS", 3)
    with system.relaying():
        for note in (0, 0, 17):
            await_published(system.database_url, lives.fill(80))
            # The note may lag, as after a crash that lost it.
            owner(settings, f"update ledger.feed set position = {note}, ends = '{{}}'")
            feed(settings)
            assert_fed_once_and_in_order(settings)
    assert len(messages(settings)) > 40
    sound = check(settings)
    assert (sound.wrong, sound.findings) == (0, ())
    assert sound.checked > 5


def test_the_feed_is_never_ahead_of_the_relay(system: System, settings: FeedSettings, lives: Lives) -> None:
    lives.fill(60)
    publish(system)
    last = lives.fill(20)
    with feeding(settings):
        await_fed(system.database_url, last - 20)
        with system.relaying():
            await_fed(system.database_url, last)
    assert_fed_once_and_in_order(settings)


def test_a_stretch_without_anything_public_is_not_read_again(
    system: System, settings: FeedSettings, lives: Lives, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = lives.append(KEPT, FILED)
    publish(system)
    feed(settings)
    assert (fed(system.database_url), messages(settings)) == ((last, last), [])
    positions: list[int] = []
    read_on = public_feed.read_on

    def noted(conn: Any, position: int, limit: int) -> Any:
        positions.append(position)
        return read_on(conn, position, limit)

    monkeypatch.setattr(public_feed, "read_on", noted)
    last = lives.append(KEPT, PUBLIC)
    publish(system)
    feed(settings)
    assert positions[0] == last - 1
    assert_fed_once_and_in_order(settings)


def test_a_damaged_event_hides_its_complaint_for_good_and_holds_up_no_other(
    system: System, settings: FeedSettings, lives: Lives, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.public_feed.MAX_ROWS", 0)
    lives.append(KEPT, FILED, PUBLIC)
    lives.append(TAKEN_BACK, FILED, PUBLIC)
    damaged = lives.append(TAKEN_BACK, DISPUTED)
    lives.append(TAKEN_BACK, CLOSED)
    publish(system)
    owner(settings, f"update ledger.events set record = 'nothing'::bytea where position = {damaged}")
    feed(settings)
    lives.append(KEPT, CLOSED)
    lives.append(TAKEN_BACK, DISPUTED)
    publish(system)
    feed(settings)
    told = messages(settings)
    assert [(message.key.decode(), message.value is None) for message in told] == [
        (KEPT, False),
        (TAKEN_BACK, False),
        (TAKEN_BACK, True),
        (KEPT, False),
    ]
    assert told[2].position == damaged
    assert check(settings).findings == ()


def test_an_event_of_a_newer_program_ends_the_feed_behind_all_before_it(
    system: System, settings: FeedSettings, lives: Lives
) -> None:
    public = lives.append(KEPT, FILED, PUBLIC)
    unread = lives.append(KEPT, WITHHELD)
    lives.append(TAKEN_BACK, FILED, PUBLIC)
    publish(system)
    owner(
        settings,
        "update ledger.events set record = replace(convert_from(record, 'utf-8'), 'withheld:1', 'withheld:9')::bytea "
        f"where position = {unread}",
    )
    for _ in range(2):
        said = refusal(settings, FeedStopped)
        assert f"the event at position {unread}, version 3 of {KEPT}, cannot be read: " in said
        assert "newer than this program" in said
        assert "bring this program up to date" in said
    assert fed(system.database_url)[1] == unread - 1
    assert [message.position for message in messages(settings)] == [public]


def test_a_kafka_that_belongs_to_another_ledger_is_refused(settings: FeedSettings) -> None:
    send(settings, Message(KEPT.encode(), b"{}", [("position", b"7")]))
    assert "holds position 7, but the ledger ends at 0" in refusal(settings, KafkaLostData)


def test_a_feed_that_lost_messages_is_refused_and_a_new_topic_is_filled_again(
    system: System, settings: FeedSettings, lives: Lives
) -> None:
    lives.fill(60)
    publish(system)
    feed(settings)
    before = messages(settings)
    assert len(before) > 10
    with closing(connect(system.database_url, None)) as conn, conn.cursor() as cursor:
        cursor.execute("select ends from ledger.feed")
        ((ends,),) = cursor.fetchall()
    owner(settings, f"update ledger.feed set ends = '{{{','.join(str(end + 10) for end in ends)}}}'")
    assert "Kafka has lost records; delete the topic" in refusal(settings, KafkaLostData)

    with closing(KafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)) as admin:
        admin.delete_topics([settings.topic])
    deadline = time.monotonic() + LIMIT
    while True:
        # The broker takes a while to forget the old one.
        ensure_topics(settings.kafka_bootstrap, settings.topic_prefix)
        if not messages(settings):
            break
        assert time.monotonic() < deadline
        time.sleep(0.1)
    with feeding(settings):
        while len(messages(settings)) < len(before):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert_fed_once_and_in_order(settings)


def test_verify_tells_what_is_missing_in_the_feed_and_what_should_not_be_there(
    system: System, settings: FeedSettings, lives: Lives
) -> None:
    public = lives.append(KEPT, FILED, PUBLIC)
    publish(system)
    feed(settings)
    last = lives.append(TAKEN_BACK, FILED, PUBLIC, WITHHELD)
    publish(system)
    assert check(settings).findings == ()
    owner(settings, f"update ledger.feed set position = {last - 1}")
    assert check(settings).findings == (f"{TAKEN_BACK} is public since position {last - 1}, but not in the feed",)
    owner(settings, f"update ledger.feed set position = {public}")
    feed(settings)
    assert check(settings).findings == ()
    (shown,) = [message for message in messages(settings) if message.position == last - 1]
    send(settings, shown)
    assert check(settings).wrong == 2
    send(settings, Message(b"complaint-other", b"{}", [("position", b"1")]))
    send(settings, Message(KEPT.encode(), b"{}", [("position", b"%d" % public)]))
    findings = check(settings).findings
    assert "complaint-other is in the feed, but not in the ledger" in findings
    assert f"what is told of {KEPT} at position {public} is not what the ledger says" in findings
    assert f"{TAKEN_BACK} was told last of position {last - 1}, not {last}" in findings


@contextmanager
def eager_cleaner(settings: FeedSettings) -> Iterator[None]:
    """Have the broker clean the feed as soon as it can, tombstones included."""
    topic = {
        "segment.ms": "50",
        "min.cleanable.dirty.ratio": "0.0",
        "max.compaction.lag.ms": "1",
        "delete.retention.ms": "0",
    }
    with closing(KafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)) as admin:
        admin.alter_configs([ConfigResource("topic", settings.topic, topic)])
        admin.alter_configs([ConfigResource("broker", "1", {"log.cleaner.backoff.ms": "100"})])
        yield
        admin.alter_configs([ConfigResource("broker", "1", {"log.cleaner.backoff.ms": "15000"})])


def test_b1_compaction_takes_nothing_public_and_the_feed_goes_on_behind_a_tombstone_that_is_gone(
    system: System, settings: FeedSettings, lives: Lives
) -> None:
    lives.append(KEPT, FILED, PUBLIC)
    lives.append(TAKEN_BACK, FILED, PUBLIC)
    last = lives.append(TAKEN_BACK, WITHHELD)
    publish(system)
    feed(settings)
    told = assert_fed_once_and_in_order(settings)
    assert [message.value is None for message in told] == [False, False, True]
    with eager_cleaner(settings), foreign(settings) as aborted:
        deadline = time.monotonic() + LIMIT
        while messages(settings) != told[:1]:
            assert time.monotonic() < deadline, messages(settings)
            # What comes behind it closes a segment, and only then is it cleaned.
            aborted()
            time.sleep(0.1)
        for _ in range(2):
            feed(settings)
            assert messages(settings) == told[:1]
        assert (check(settings).wrong, check(settings).checked) == (0, 1)
        last = lives.append(KEPT, WITHHELD)
        publish(system)
        feed(settings)
        assert messages(settings)[-1] == Message(KEPT.encode(), None, [("position", b"%d" % last)])
        assert check(settings).wrong == 0


@contextmanager
def foreign(settings: FeedSettings) -> Iterator[Any]:
    """Gives what leaves an aborted record on each partition."""
    with closing(
        KafkaProducer(bootstrap_servers=settings.kafka_bootstrap, transactional_id=f"{settings.topic_prefix}other")
    ) as producer:
        producer.init_transactions()

        def aborted() -> None:
            producer.begin_transaction()
            for partition in range(8):
                producer.send(settings.topic, key=b"aborted", value=b"aborted", partition=partition)
            producer.flush()
            producer.abort_transaction()

        yield aborted
