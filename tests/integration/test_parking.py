"""A record that cannot be taken up parks its stream and nothing else, until it is replayed or skipped."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from adapters import parking, queries
from adapters.cfpb_import import import_cfpb
from adapters.database import Pool, connect
from adapters.execute import command, open_ledger
from adapters.projector import ProjectorSettings, run_projector, wait_until_projected
from adapters.topics import partition_of
from adapters.verify import verify
from domain.complaint import ending
from domain.complaint.negotiation import Answered
from domain.rulebook.book import EMPTY
from domain.streams import COMPLAINT
from domain.values import Actor, Role
from projections.complaint_details import COMPLAINT_DETAILS
from projections.merchants import MERCHANTS
from projections.projection import Projection
from tests.conftest import System, running

LIMIT_S = 60.0
KEY = b"k" * 16
BY = Actor("0b7d6c1e-9a53-4c1f-8e0a-4d2f6b8c9e01", Role.REGULATOR)
NOW = datetime(2026, 1, 31, tzinfo=UTC)
PARTITIONS = 8


@contextmanager
def projecting(system: System, *projections: Projection) -> Iterator[None]:
    settings = ProjectorSettings(*system.where, instance="parking")
    chosen = projections or (COMPLAINT_DETAILS, MERCHANTS)
    with system.relaying(), running(lambda stop: run_projector(settings, stop, projections=chosen)):
        yield


def file_some(system: System, sample: Path, into: Path, rows: int) -> list[str]:
    """Import the first complaints of the sample; returns the streams of those that were closed."""
    with sample.open(encoding="utf-8", newline="") as whole:
        into.write_text("".join(next(whole) for _ in range(rows + 1)), encoding="utf-8")
    ledger = open_ledger(system.database_url)
    import_cfpb(ledger, into, service_key=KEY, today=date(2026, 11, 22))
    ledger.close()
    return [stream for (stream,) in read(system, "select stream from ledger.events where type = 'complaint.closed'")]


def read(system: System, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    conn = connect(system.database_url, "ledger_api")
    try:
        with conn.cursor() as cursor:
            cursor.execute(query, parameters)
            return list(cursor.fetchall())
    finally:
        conn.close()


def put(system: System, stream: bytes | None, value: bytes, *, position: bytes | None, partition: int) -> None:
    """Put a record on the topic of complaints by hand."""
    producer = KafkaProducer(bootstrap_servers=system.kafka_bootstrap)
    headers = [] if position is None else [("position", position)]
    topic = system.topic_prefix + COMPLAINT.topic
    producer.send(topic, key=stream, value=value, headers=headers, partition=partition).get(LIMIT_S)
    producer.close()


def await_parked(system: System, streams: int) -> list[parking.ParkedStream]:
    deadline = time.monotonic() + LIMIT_S
    while True:
        conn = connect(system.database_url, "ledger_api")
        with conn.cursor() as cursor:
            found = parking.parked(cursor)
        conn.close()
        if len(found) == streams:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def take_up_again(system: System, stream: str) -> None:
    """Append one more event to a complaint."""
    ledger = open_ledger(system.database_url)
    done = ledger.execute(
        stream,
        lambda state: ending.reopen(state, by=BY, at=NOW, book=EMPTY, reason="new facts"),
        command(KEY, BY.id, "reopen", None, {}),
    )
    ledger.close()
    assert done.position is not None
    assert wait_until_projected(system.database_url, done.position, LIMIT_S)


def wrong(system: System) -> dict[str, int]:
    return {check.name: check.wrong for check in verify(*system.where, lambda *_: None) if check.wrong}


@pytest.mark.parametrize(
    ("value", "position", "said"),
    [
        (b"\xff\x00 no JSON", b"1", "JSONDecodeError"),
        (b"{}", b"1", "KeyError"),
        (b"[" * 100_000, b"1", "Error"),
        (b"{}", None, "no header"),
        (b"{}", b"one", "no header"),
    ],
    ids=["no JSON", "no record", "nested deeply", "no position", "position is no number"],
)
def test_a_record_that_no_code_can_read_parks_its_stream_and_nothing_else(
    system: System, sample: Path, tmp_path: Path, value: bytes, position: bytes | None, said: str
) -> None:
    streams = file_some(system, sample, tmp_path / "part.csv", 30)
    victim, other = streams[3], streams[4]
    with projecting(system):
        assert wait_until_projected(system.database_url, 60, LIMIT_S)
        put(system, victim.encode(), value, position=position, partition=partition_of(victim, PARTITIONS))
        (one,) = await_parked(system, 1)
        assert (one.projection, one.stream, one.records) == (COMPLAINT_DETAILS.name, victim, 1)
        assert said in one.error
        for stream in (victim, other):
            take_up_again(system, stream)
        rows = dict(read(system, "select complaint_id, reopened from read.complaint_details"))
        assert (rows[victim], rows[other]) == (0, 1)
        assert [(len(rows),)] == read(system, "select count(*) from ledger.events where type = 'complaint.filed'")
        (one,) = await_parked(system, 1)
        assert one.records == 2

        done = parking.replay(system.database_url, COMPLAINT_DETAILS, victim)
        assert (done.folded, done.waiting) == (0, 2)
        assert said in str(done.error)
        assert await_parked(system, 1)[0].parked_at == one.parked_at
        done = parking.skip(system.database_url, COMPLAINT_DETAILS, victim)
        assert (done.folded, done.waiting, done.error) == (1, 0, None)
        rows = dict(read(system, "select complaint_id, reopened from read.complaint_details"))
        assert rows[victim] == 1
        reached = read(system, "select version from read.complaint_details where complaint_id = %s", victim)
        assert reached == read(system, "select max(version) from ledger.events where stream = %s", victim)
    found = wrong(system)
    assert list(found) == ["ledger and topics hold the same bytes, once and in order"]


def test_records_without_a_key_or_with_one_of_no_stream_are_parked_under_it(system: System) -> None:
    with projecting(system):
        put(system, None, b"{}", position=None, partition=0)
        put(system, b"", b"{}", position=None, partition=1)
        put(system, b"nobody\x00\xff", b"{}", position=None, partition=2)
        found = await_parked(system, 2)
    assert {(one.stream, one.records) for one in found} == {("", 2), ("nobody\ufffd\ufffd", 1)}


def test_a_relay_that_starts_passes_over_records_that_it_did_not_make(
    system: System, sample: Path, tmp_path: Path
) -> None:
    file_some(system, sample, tmp_path / "part.csv", 10)
    ((head,),) = read(system, "select position from ledger.head")
    with projecting(system):
        assert wait_until_projected(system.database_url, head, LIMIT_S)
    for partition in range(PARTITIONS):
        put(system, b"nobody", b"{}", position=None, partition=partition)
    with projecting(system):
        await_parked(system, 1)
        file_some(system, sample, tmp_path / "part.csv", 20)
        ((head,),) = read(system, "select position from ledger.head")
        assert wait_until_projected(system.database_url, head, LIMIT_S)


def test_a_record_that_comes_twice_is_parked_and_can_be_skipped(system: System, sample: Path, tmp_path: Path) -> None:
    streams = file_some(system, sample, tmp_path / "part.csv", 30)
    ((position, record),) = read(
        system, "select position, record from ledger.events where stream = %s and version = 1", streams[0]
    )
    with projecting(system):
        assert wait_until_projected(system.database_url, 60, LIMIT_S)
        before = read(system, "select * from read.complaint_details order by 1")
        sums = read(system, "select * from read.resolution_statistics order by 1, 2, 3, 4")
        put(
            system,
            streams[0].encode(),
            bytes(record),
            position=b"%d" % position,
            partition=partition_of(streams[0], PARTITIONS),
        )
        (one,) = await_parked(system, 1)
        assert "version 1 comes behind" in one.error
        assert parking.skip(system.database_url, COMPLAINT_DETAILS, streams[0]).waiting == 0
        assert read(system, "select * from read.complaint_details order by 1") == before
        assert read(system, "select * from read.resolution_statistics order by 1, 2, 3, 4") == sums


def test_a_fault_of_the_program_parks_the_streams_it_touches_and_replay_takes_them_up_in_order(
    system: System, sample: Path, tmp_path: Path
) -> None:
    def stumbling(row: Any, event: Any) -> Any:
        if isinstance(event, Answered):
            raise ZeroDivisionError("a fault of the program")
        return COMPLAINT_DETAILS.fold(row, event)

    faulty = replace(COMPLAINT_DETAILS, fold=stumbling)
    file_some(system, sample, tmp_path / "part.csv", 60)
    ((answered,),) = read(system, "select count(distinct stream) from ledger.events where type = 'complaint.answered'")
    ((head,),) = read(system, "select position from ledger.head")
    with projecting(system, faulty, MERCHANTS):
        assert wait_until_projected(system.database_url, head, LIMIT_S)
        found = await_parked(system, answered)
        assert all("ZeroDivisionError" in one.error and one.records >= 2 for one in found)
        assert wrong(system)
    pool = Pool(system.database_url, "ledger_api")
    (state, _) = queries.projections(pool)
    assert (state["parked_streams"], state["lag_positions"]) == (answered, 0)
    for one in found:
        done = parking.replay(system.database_url, COMPLAINT_DETAILS, one.stream)
        assert (done.folded, done.waiting) == (one.records, 0)
    (state, _) = queries.projections(pool)
    pool.close()
    assert state["parked_streams"] == 0
    assert not wrong(system)


def test_a_value_that_no_column_takes_parks_its_stream_and_nothing_else(
    system: System, sample: Path, tmp_path: Path
) -> None:
    def oversize(row: Any, event: Any) -> Any:
        new = COMPLAINT_DETAILS.fold(row, event)
        return new._replace(recovered_fen=10**30) if new.reference == "1114245" else new

    faulty = replace(COMPLAINT_DETAILS, fold=oversize)
    file_some(system, sample, tmp_path / "part.csv", 60)
    ((head,),) = read(system, "select position from ledger.head")
    with projecting(system, faulty, MERCHANTS):
        assert wait_until_projected(system.database_url, head, LIMIT_S)
        victims = [one.stream for one in await_parked(system, 1)]
    assert len(victims) == 1
    ((rows,),) = read(system, "select count(*) from read.complaint_details")
    assert rows == 59
    done = parking.replay(system.database_url, COMPLAINT_DETAILS, victims[0])
    assert done.waiting == 0
    assert not wrong(system)


def test_asking_for_a_stream_that_is_not_parked_is_told_so(system: System) -> None:
    with projecting(system):
        assert wait_until_projected(system.database_url, 0, LIMIT_S)
        with pytest.raises(parking.NothingParked, match="nothing parked of 'complaint-1'"):
            parking.replay(system.database_url, COMPLAINT_DETAILS, "complaint-1")
        with pytest.raises(parking.NothingParked):
            parking.skip(system.database_url, COMPLAINT_DETAILS, "complaint-1")
