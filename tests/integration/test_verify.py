"""Verification passes on what is whole, and names each kind of damage: which check, and where."""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
from kafka import KafkaProducer
from psycopg2 import sql

from adapters.cfpb_import import import_cfpb
from adapters.database import connect
from adapters.execute import open_ledger
from adapters.projector import ProjectorSettings, run_projector, wait_until_projected
from adapters.record import canonical
from adapters.relay import RelaySettings, run_relay
from adapters.topics import ensure_topics, partition_of, topic_of
from adapters.verify import Check, verify
from projections.catalogue import PROJECTIONS
from tests.conftest import create_database, running

LIMIT = 60.0
ROWS = 120
POSITIONS = "positions are contiguous, and times of recording never go back"
RECORDS = "records are canonical and say what their columns say"
VERSIONS = "versions are contiguous in every stream"
COMMANDS = "every command ran once, in one stream"
TOPICS = "ledger and topics hold the same bytes, once and in order"
FEED = "the public feed says of every complaint what is public, and nothing else"
DETAILS = "read.complaint_details equals a fold of the ledger"
STATISTICS = "read.resolution_statistics equals the sum of contributions"
DURATIONS = "read.durations equals the sum of contributions"
TEXTS = "private.complaint_texts equals a fold of the ledger"
MERCHANTS = "read.merchants equals a fold of the ledger"
READ_MODELS = [
    check
    for projection in PROJECTIONS
    for check in (
        f"{projection.table} equals a fold of the ledger",
        *(f"{sums.table} equals the sum of contributions" for sums in projection.sums),
    )
]
ALL = [POSITIONS, RECORDS, VERSIONS, COMMANDS, TOPICS, FEED, *READ_MODELS]

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Event:
    """A row of the ledger."""

    position: int
    stream: str
    version: int
    type: str
    record: bytes
    command_id: str


@dataclass(frozen=True)
class Whole:
    """A ledger with its topics and read models, all of it sound. Its tests damage copies."""

    server: str
    name: str
    kafka_bootstrap: str
    prefix: str
    events: tuple[Event, ...]

    @property
    def head(self) -> int:
        return len(self.events)

    def first(self, type_: str) -> Event:
        """An event of this type, with another one of its stream before and after it where there can be."""
        return next(event for event in self.events[20:] if event.type == type_)

    @contextmanager
    def copy(self) -> Iterator[str]:
        """The URL of a copy of the database."""
        name = f"verify_copy_{next(_numbers)}_{uuid4().hex[:8]}"
        with closing(connect(self.server, None)) as conn, conn.cursor() as cursor:
            cursor.execute(
                sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(self.name))
            )
        yield self.server.rpartition("/")[0] + "/" + name


def first_rows(sample: Path, target: Path, rows: int) -> Path:
    with sample.open("rb") as source:
        target.write_bytes(b"".join(itertools.islice(source, rows + 1)))
    return target


@pytest.fixture(scope="module")
def whole(postgres_url: str, kafka_bootstrap: str, sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    name, prefix = f"verify_{uuid4().hex[:8]}", f"verify-{uuid4().hex[:8]}."
    url = create_database(postgres_url, name)
    ensure_topics(kafka_bootstrap, prefix)
    file = first_rows(sample, tmp_path_factory.mktemp("verify") / "part.csv", ROWS)
    with closing(open_ledger(url)) as ledger:
        report = import_cfpb(ledger, file, service_key=b"key", today=date(2026, 1, 1))
        head = ledger.recorder.max_notification_id()
    assert report.imported == ROWS
    assert head is not None
    relay, projector = RelaySettings(url, kafka_bootstrap, prefix), ProjectorSettings(url, kafka_bootstrap, prefix)
    with running(lambda stop: run_relay(relay, stop)), running(lambda stop: run_projector(projector, stop)):
        assert wait_until_projected(url, head, LIMIT)
    with closing(connect(url, None)) as conn, conn.cursor() as cursor:
        cursor.execute(
            "select position, stream, version, type, record, command_id from ledger.events order by position"
        )
        events = tuple(Event(at, s, v, t, bytes(record), c) for at, s, v, t, record, c in cursor)
    return Whole(postgres_url, name, kafka_bootstrap, prefix, events)


def checks(whole: Whole, database_url: str, prefix: str | None = None) -> list[Check]:
    found = list(verify(database_url, whole.kafka_bootstrap, prefix or whole.prefix, lambda *_: None))
    assert [check.name for check in found] == ALL
    for check in found:
        assert (check.wrong == 0) == (check.findings == ())
        assert len(check.findings) <= check.wrong
    return found


def failing(found: list[Check]) -> dict[str, str]:
    """The checks that failed, each with its findings."""
    return {check.name: "\n".join(check.findings) for check in found if check.wrong}


Damage = Callable[[Any, Whole], None]


def damaged(whole: Whole, damage: Damage) -> dict[str, str]:
    """What fails after the owner of the database has got round its triggers and done this."""
    with whole.copy() as url:
        with closing(connect(url, None)) as conn, conn.cursor() as cursor:
            cursor.execute("alter table ledger.events disable trigger all")
            damage(cursor, whole)
            cursor.execute("alter table ledger.events enable always trigger refuse_change_statement")
            cursor.execute("alter table ledger.events enable always trigger refuse_change_row")
        return failing(checks(whole, url))


def test_a_sound_system_passes_every_check_and_each_looks_at_everything(whole: Whole) -> None:
    with whole.copy() as url:
        found = checks(whole, url)
    assert failing(found) == {}
    looked = {check.name: check.checked for check in found}
    complaints = {event.stream for event in whole.events if event.stream.startswith("complaint-")}
    merchants = {event.stream for event in whole.events} - complaints
    assert len(complaints) == ROWS
    assert looked[POSITIONS] == looked[RECORDS] == looked[TOPICS] == whole.head
    assert looked[VERSIONS] == len(complaints | merchants)
    assert looked[COMMANDS] == len({event.command_id for event in whole.events})
    assert (looked[DETAILS], looked[MERCHANTS]) == (len(complaints), len(merchants))
    assert looked[STATISTICS] > 4


def test_an_empty_system_passes(database_url: str, kafka_bootstrap: str, topic_prefix: str) -> None:
    found = list(verify(database_url, kafka_bootstrap, topic_prefix, lambda *_: None))
    assert failing(found) == {}
    assert {check.checked for check in found} == {0}


def rewrite(cursor: Any, event: Event, change: Callable[[dict[str, Any]], None]) -> None:
    """Put a record in its place that is canonical and says something else."""
    envelope = orjson.loads(event.record)
    change(envelope)
    cursor.execute("update ledger.events set record = %s where position = %s", (canonical(envelope), event.position))


@pytest.mark.parametrize(
    "attribute", [b'{"actor"', b'"data"', b'"recordedat":"2', b'"streamversion":', b'"type":"', b"}"]
)
def test_a_flipped_bit_in_a_record(whole: Whole, attribute: bytes) -> None:
    event = whole.first("complaint.routed")

    def damage(cursor: Any, whole: Whole) -> None:
        record = bytearray(event.record)
        record[event.record.rindex(attribute) + len(attribute) - 1] ^= 1
        cursor.execute("update ledger.events set record = %s where position = %s", (bytes(record), event.position))

    found = damaged(whole, damage)
    # The topics still hold the right bytes; a record that cannot be read cannot be folded either.
    assert {RECORDS, TOPICS} <= found.keys() <= {RECORDS, TOPICS, DETAILS, TEXTS}
    assert f"position {event.position}:" in found[RECORDS]
    assert f"position {event.position} at " in found[TOPICS]
    assert event.stream in found.get(DETAILS, event.stream)


def test_a_flipped_bit_in_any_place_of_any_record_is_seen_beside_the_topics(whole: Whole) -> None:
    with whole.copy() as url:
        with closing(connect(url, None)) as conn, conn.cursor() as cursor:
            cursor.execute("alter table ledger.events disable trigger all")
            for event in whole.events:
                record = bytearray(event.record)
                record[7 * event.position % len(record)] ^= 1
                cursor.execute(
                    "update ledger.events set record = %s where position = %s", (bytes(record), event.position)
                )
        found = {check.name: check for check in checks(whole, url)}
    assert found[TOPICS].wrong == whole.head
    assert found[POSITIONS].wrong == found[VERSIONS].wrong == found[COMMANDS].wrong == 0


def test_a_record_that_says_something_else_in_good_form(whole: Whole) -> None:
    event = whole.first("complaint.filed")
    found = damaged(whole, lambda c, _: rewrite(c, event, lambda e: e["data"].update(sub_issue="Another")))
    # In itself the ledger is sound: it takes the topics and the read models to tell.
    assert found.keys() == {TOPICS, DETAILS, TEXTS}
    assert f"position {event.position} at {whole.prefix}ledger.complaints-" in found[TOPICS]
    assert found[DETAILS] == f"the row of {event.stream} differs in sub_issue"
    assert found[TEXTS] == f"the row of {event.stream} differs in length, words"


@pytest.mark.parametrize(
    ("column", "value"), [("type", "complaint.closed"), ("version", 77), ("recorded_at", "infinity")]
)
def test_a_column_that_no_longer_says_what_the_record_says(whole: Whole, column: str, value: object) -> None:
    event = whole.events[-1]
    found = damaged(
        whole,
        lambda c, _: c.execute(f"update ledger.events set {column} = %s where position = %s", (value, whole.head)),
    )
    assert f"position {event.position}: the record says" in found[RECORDS]
    assert found.keys() - {RECORDS} <= {VERSIONS, DETAILS, TEXTS, COMMANDS, MERCHANTS}
    assert (VERSIONS in found) == (column == "version")


def test_a_deleted_event(whole: Whole) -> None:
    event = whole.first("complaint.answered")
    found = damaged(whole, lambda c, _: c.execute("delete from ledger.events where position = %s", (event.position,)))
    assert found.keys() == {POSITIONS, VERSIONS, COMMANDS, TOPICS, DETAILS}
    assert found[POSITIONS] == f"position {event.position + 1} comes where {event.position} should"
    assert event.stream in found[VERSIONS]
    assert event.command_id in found[COMMANDS]
    assert re.fullmatch(rf"position {event.position} at \S+ is not in the ledger", found[TOPICS])
    assert f"the row of {event.stream} differs in" in found[DETAILS]


def test_the_last_events_deleted(whole: Whole) -> None:
    found = damaged(
        whole, lambda c, _: c.execute("delete from ledger.events where stream = %s", (whole.events[-1].stream,))
    )
    own = [event.position for event in whole.events if event.stream == whole.events[-1].stream]
    assert found.keys() == {POSITIONS, TOPICS, DETAILS, TEXTS}
    assert f"the ledger ends at {own[0] - 1}, but its head says {whole.head}" in found[POSITIONS]
    assert found[TOPICS].count("is not in the ledger") == len(own)
    assert found[DETAILS] == f"{whole.events[-1].stream} has a row but no events"


def test_an_event_inserted_behind_a_gap(whole: Whole) -> None:
    stream, model = f"complaint-{uuid4()}", whole.first("complaint.filed")

    def damage(cursor: Any, whole: Whole) -> None:
        envelope = orjson.loads(whole.events[-1].record)
        recorded_at = envelope["recordedat"]
        envelope = orjson.loads(model.record)
        envelope |= {
            "subject": stream, "id": f"{stream}:1", "commandid": "c" * 32, "correlationid": "c" * 32,
            "recordedat": recorded_at,
        }  # fmt: skip
        cursor.execute(
            "insert into ledger.events values (%s, %s, 1, %s, %s, %s, %s, 0)",
            (whole.head + 5, stream, model.type, canonical(envelope), recorded_at, "c" * 32),
        )

    found = damaged(whole, damage)
    assert found.keys() == {POSITIONS}
    assert f"position {whole.head + 5} comes where {whole.head + 1} should" in found[POSITIONS]


def test_a_time_of_recording_set_back(whole: Whole) -> None:
    event = whole.events[len(whole.events) // 2]

    def damage(cursor: Any, whole: Whole) -> None:
        rewrite(cursor, event, lambda envelope: envelope.update(recordedat="2020-01-01T00:00:00.000000Z"))
        cursor.execute("update ledger.events set recorded_at = '2020-01-01Z' where position = %s", (event.position,))

    found = damaged(whole, damage)
    assert found.keys() == {POSITIONS, TOPICS}
    assert found[POSITIONS] == f"position {event.position} was recorded before the one below it"


def test_two_swapped_records(whole: Whole) -> None:
    filed = [event for event in whole.events if event.type == "complaint.filed"]
    one, two = filed[3], filed[7]

    def damage(cursor: Any, whole: Whole) -> None:
        for at, record in ((one.position, two.record), (two.position, one.record)):
            cursor.execute("update ledger.events set record = %s where position = %s", (record, at))

    found = damaged(whole, damage)
    assert {RECORDS, TOPICS} <= found.keys() <= {RECORDS, TOPICS, DETAILS, TEXTS}
    for event in (one, two):
        assert f"position {event.position}: the record says" in found[RECORDS]
        assert f"position {event.position} at" in found[TOPICS]


def test_swapped_records_of_streams_of_different_kinds(whole: Whole) -> None:
    one, two = whole.first("merchant.registered"), whole.first("complaint.filed")

    def damage(cursor: Any, whole: Whole) -> None:
        for at, record in ((one.position, two.record), (two.position, one.record)):
            cursor.execute("update ledger.events set record = %s where position = %s", (record, at))

    found = damaged(whole, damage)
    assert found.keys() == {RECORDS, TOPICS, DETAILS, TEXTS, MERCHANTS}
    assert two.stream in found[DETAILS]
    assert one.stream in found[MERCHANTS]


def test_a_command_that_ran_in_two_streams(whole: Whole) -> None:
    one, *_, other = (event for event in whole.events if event.type == "complaint.filed")

    def damage(cursor: Any, whole: Whole) -> None:
        rewrite(cursor, other, lambda envelope: envelope.update(commandid=one.command_id))
        cursor.execute(
            "update ledger.events set command_id = %s, command_index = 1 where position = %s",
            (one.command_id, other.position),
        )

    found = damaged(whole, damage)
    assert found.keys() == {COMMANDS, TOPICS}
    assert f"command {one.command_id} is spread over 2 streams" in found[COMMANDS]


def test_a_head_that_is_not_the_end_of_the_ledger(whole: Whole) -> None:
    found = damaged(whole, lambda c, _: c.execute("update ledger.head set position = position + 3"))
    assert found == {POSITIONS: f"the ledger ends at {whole.head}, but its head says {whole.head + 3}"}


def test_a_published_position_that_kafka_does_not_hold(whole: Whole) -> None:
    found = damaged(whole, lambda c, _: c.execute("update ledger.published set position = position + 1"))
    assert found == {TOPICS: f"position {whole.head + 1} is published, but not on the topics"}


@pytest.mark.parametrize("measure", ["valid", "resolved", "recovered_fen"])
def test_a_changed_sum(whole: Whole, measure: str) -> None:
    found = damaged(
        whole,
        lambda c, _: c.execute(
            f"update read.resolution_statistics set {measure} = {measure} + 1 where dimension = 'channel' "
            "and key = 'phone' and grain = 'month' and first_day = '2014-11-01'"
        ),
    )
    assert found.keys() == {STATISTICS}
    assert "'channel', '', 'phone', 'month', datetime.date(2014, 11, 1)" in found[STATISTICS]


def test_a_sum_that_is_missing_and_one_that_should_not_be(whole: Whole) -> None:
    def damage(cursor: Any, whole: Whole) -> None:
        cursor.execute(
            "update read.resolution_statistics set key = 'wax' "
            "where dimension = 'channel' and key = 'web' and grain = 'year'"
        )

    found = damaged(whole, damage)
    assert found.keys() == {STATISTICS}
    assert re.search(r"'wax', .* but its rows contribute None", found[STATISTICS])
    assert re.search(r"'web', .* is missing", found[STATISTICS])


@pytest.mark.parametrize(
    ("change", "also"),
    [
        ("sub_product = 'Another'", set()),
        ("version = version + 1", set()),
        ("position = position + 1", set()),
        ("routed_at = routed_at - interval '1 s'", set()),
        ("disputed = not disputed", {STATISTICS}),
        ("product = 'Another'", {STATISTICS, DURATIONS}),
    ],
)
def test_a_changed_row_of_details(whole: Whole, change: str, also: set[str]) -> None:
    stream = whole.first("complaint.answered").stream
    found = damaged(
        whole, lambda c, _: c.execute(f"update read.complaint_details set {change} where complaint_id = %s", (stream,))
    )
    assert found.keys() == {DETAILS} | also
    assert found[DETAILS] == f"the row of {stream} differs in {change.split()[0]}"


def test_a_missing_row_of_details(whole: Whole) -> None:
    stream = whole.first("complaint.answered").stream
    found = damaged(
        whole, lambda c, _: c.execute("delete from read.complaint_details where complaint_id = %s", (stream,))
    )
    assert found.keys() >= {DETAILS, STATISTICS, DURATIONS}
    assert found[DETAILS] == f"{stream} has no row"


@pytest.mark.parametrize("name", ["complaint-0", "complaint-zzz"])
def test_a_row_of_details_that_nothing_accounts_for(whole: Whole, name: str) -> None:
    stream = whole.first("complaint.answered").stream
    found = damaged(
        whole,
        lambda c, _: c.execute(
            "update read.complaint_details set complaint_id = %s where complaint_id = %s", (name, stream)
        ),
    )
    assert found.keys() == {DETAILS}
    assert sorted(found[DETAILS].splitlines()) == sorted([f"{name} has a row but no events", f"{stream} has no row"])


def test_a_changed_and_a_missing_merchant(whole: Whole) -> None:
    one, two = [event.stream for event in whole.events if event.type == "merchant.registered"][:2]

    def damage(cursor: Any, whole: Whole) -> None:
        cursor.execute("update read.merchants set trade_name = 'Another' where merchant_id = %s", (one,))
        cursor.execute("delete from read.merchants where merchant_id = %s", (two,))

    found = damaged(whole, damage)
    assert found.keys() == {MERCHANTS}
    assert set(found[MERCHANTS].splitlines()) == {f"the row of {one} differs in trade_name", f"{two} has no row"}


def test_more_damage_than_is_told_is_counted(whole: Whole) -> None:
    with whole.copy() as url:
        with closing(connect(url, None)) as conn, conn.cursor() as cursor:
            cursor.execute("update read.complaint_details set issue = 'Another'")
        (details,) = (check for check in checks(whole, url) if check.name == DETAILS)
    assert (details.wrong, len(details.findings)) == (ROWS, 5)


@dataclass
class Message:
    """A record as it is sent to a topic."""

    key: bytes
    value: bytes
    topic: str
    partition: int
    headers: list[tuple[str, bytes]]


def topics_with(whole: Whole, change: Callable[[list[Message]], None]) -> dict[str, str]:
    """What fails with topics on which the ledger was put after ``change``."""
    prefix = f"verify-{uuid4().hex[:8]}."
    partitions = ensure_topics(whole.kafka_bootstrap, prefix)
    messages = [
        Message(
            event.stream.encode(),
            event.record,
            topic_of(event.stream, prefix),
            partition_of(event.stream, partitions),
            [("position", b"%d" % event.position), ("content-type", b"application/cloudevents+json")],
        )
        for event in whole.events
    ]
    change(messages)
    with closing(KafkaProducer(bootstrap_servers=whole.kafka_bootstrap, acks="all", linger_ms=5)) as producer:
        for m in messages:
            producer.send(m.topic, key=m.key, value=m.value, partition=m.partition, headers=m.headers)
        producer.flush(timeout=LIMIT)
    with whole.copy() as url:
        found = failing(checks(whole, url, prefix))
    assert found.keys() <= {TOPICS}
    return {name: findings.replace(prefix, "") for name, findings in found.items()}


def on(message: Message) -> str:
    return f"ledger.{'merchants' if message.key.startswith(b'm') else 'complaints'}-{message.partition}@"


def test_topics_with_the_same_records_pass_whoever_sent_them(whole: Whole) -> None:
    assert topics_with(whole, lambda messages: None) == {}


def test_records_missing_on_a_topic(whole: Whole) -> None:
    def change(messages: list[Message]) -> None:
        del messages[30], messages[-1]

    assert topics_with(whole, change) == {
        TOPICS: "position 31 is published, but not on the topics\n"
        f"position {whole.head} is published, but not on the topics"
    }


@pytest.mark.parametrize(
    "change",
    [
        lambda message: {"value": message.value.replace(b'"time":"2014', b'"time":"2013')},
        lambda message: {"key": b"complaint-of-another"},
        lambda message: {"key": None},
        lambda message: {"value": None},
    ],
)
def test_an_altered_record_on_a_topic(whole: Whole, change: Callable[[Message], dict[str, Any]]) -> None:
    where = ""

    def alter(messages: list[Message]) -> None:
        nonlocal where
        where = on(messages[30])
        for name, value in change(messages[30]).items():
            assert getattr(messages[30], name) != value
            setattr(messages[30], name, value)

    found = topics_with(whole, alter)
    assert re.fullmatch(rf"position 31 at {where}\d+ differs from the ledger", found[TOPICS])


@pytest.mark.parametrize(
    ("position", "finding"),
    [
        (b"31", "position 31 is on the topics more than once, again at "),
        (b"1000000", "position 1000000 at {} is not in the ledger"),
        (b"99999999999999999999", "position 99999999999999999999 at {} is not in the ledger"),
        (b"0", "position 0 at {} is not in the ledger"),
        (b"-7", "position -7 at {} is not in the ledger"),
        (b"many", "{} has no position that can be read"),
        (None, "{} has no position that can be read"),
    ],
)
def test_an_extra_record_on_a_topic(whole: Whole, position: bytes | None, finding: str) -> None:
    where = ""

    def change(messages: list[Message]) -> None:
        nonlocal where
        extra = messages[30]
        where = on(extra)
        headers = [] if position is None else [("position", position)]
        messages.append(Message(extra.key, extra.value, extra.topic, extra.partition, headers))

    found = topics_with(whole, change)
    assert re.search(re.escape(finding).replace(r"\{\}", rf"{where}\d+"), found[TOPICS])


def test_records_out_of_order_on_a_topic(whole: Whole) -> None:
    filed = whole.first("complaint.filed").position

    def change(messages: list[Message]) -> None:
        one, two = messages[filed - 1 : filed + 1]
        assert one.key == two.key
        messages[filed - 1 : filed + 1] = [two, one]

    found = topics_with(whole, change)
    assert re.fullmatch(rf"position {filed} at \S+ comes after {filed + 1}", found[TOPICS])


def test_a_record_in_the_wrong_partition(whole: Whole) -> None:
    where = ""

    def change(messages: list[Message]) -> None:
        nonlocal where
        messages[-1].partition = (messages[-1].partition + 1) % 8
        where = on(messages[-1])

    found = topics_with(whole, change)
    assert re.fullmatch(rf"position {whole.head} at {where}\d+ is in the wrong partition", found[TOPICS])


def test_what_goes_on_while_it_runs_is_no_damage(
    database_url: str, kafka_bootstrap: str, topic_prefix: str, sample: Path, tmp_path: Path
) -> None:
    relay = RelaySettings(database_url, kafka_bootstrap, topic_prefix)
    projector = ProjectorSettings(database_url, kafka_bootstrap, topic_prefix)
    files = [first_rows(sample, tmp_path / f"{rows}.csv", rows) for rows in range(100, 1_600, 100)]
    imported = threading.Event()

    def importing(stop: threading.Event) -> None:
        with closing(open_ledger(database_url)) as ledger:
            for file in files:
                import_cfpb(ledger, file, service_key=b"key", today=date(2026, 1, 1))
        imported.set()

    heads: list[int] = []
    with (
        running(lambda stop: run_relay(relay, stop)),
        running(lambda stop: run_projector(projector, stop)),
        running(importing),
    ):
        deadline = time.monotonic() + LIMIT
        while not imported.is_set():
            found = list(verify(database_url, kafka_bootstrap, topic_prefix, lambda *_: None))
            assert failing(found) == {}
            heads.append(found[0].checked)
            assert time.monotonic() < deadline
    assert heads == sorted(heads)
    assert len(set(heads)) > 1
