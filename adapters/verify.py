"""Checks that nothing was altered: the ledger in itself, the topics against it, the read models against both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import orjson
from kafka import TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from psycopg2.extensions import connection as Connection

from adapters import snapshots
from adapters.database import connect
from adapters.read_store import complete_to, in_use, parked_streams
from adapters.record import RecordMapper, canonical, read_record
from adapters.topics import (
    all_partitions,
    consumer,
    partition_of,
    position_of,
    read_range,
    settled_bounds,
    topic_of,
)
from adapters.verify_feed import check_feed
from domain.errors import InvalidInput
from domain.values import format_instant
from projections.catalogue import PROJECTIONS
from projections.projection import Key, Projection, Sums

CHUNK = 2_000
#: Sums are checked in passes of so many rows of their projection, on the average.
ROWS_A_PASS = 200_000
#: At most so many findings are told per check.
TOLD = 5
#: What reading a record raises when it is none.
UNREADABLE = (ValueError, KeyError, TypeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Check:
    """A check, how many things it looked at, and what it found wrong (at most ``TOLD`` of them, and how many)."""

    name: str
    checked: int
    wrong: int
    findings: tuple[str, ...] = ()


class _Findings:
    def __init__(self, name: str) -> None:
        self.name, self.checked, self.wrong = name, 0, 0
        self.told: list[str] = []

    def add(self, finding: str) -> None:
        self.wrong += 1
        if len(self.told) < TOLD:
            self.told.append(finding)

    def done(self) -> Check:
        return Check(self.name, self.checked, self.wrong, tuple(self.told))


def verify(
    database_url: str, kafka_bootstrap: str, topic_prefix: str, progress: Callable[[str, int, int], None]
) -> Iterator[Check]:
    """Run all checks on one snapshot of the database, telling progress as (check, done, of).

    Kafka may be behind a ledger that is being written to; it is compared up to what the relay says is published.
    """
    conn = connect(database_url, "ledger_api", autocommit=False, statement_timeout_s=0)
    try:
        snapshots.begin(conn, snapshots.TABLES)
        with conn.cursor() as cursor:
            cursor.execute("set idle_in_transaction_session_timeout = 0")
            cursor.execute(
                "select h.position, p.position, f.position from ledger.head h, ledger.published p, ledger.feed f"
            )
            ((head, published, fed),) = cursor.fetchall()
        yield from _ledger(conn, head, progress)
        yield from _runs(conn)
        yield _topics(conn, database_url, kafka_bootstrap, topic_prefix, published, progress)
        feed = _Findings("the public feed says of every complaint what is public, and nothing else")
        feed.checked = check_feed(conn, head, fed, kafka_bootstrap, topic_prefix, feed.add)
        yield feed.done()
        with conn.cursor() as cursor:
            used = {projection.name: in_use(cursor, projection).version for projection in PROJECTIONS}
        for projection in PROJECTIONS:
            if used[projection.name] != projection.version:
                # Right or wrong is for the version to say that made it.
                yield Check(f"{projection.table} is of version {used[projection.name]}: not compared", 0, 0)
                continue
            yield _rows(conn, projection, progress)
            for sums in projection.sums:
                yield _sums(conn, projection, sums, progress)
    finally:
        conn.close()


def _stream(conn: Connection, sql: str, parameters: tuple[object, ...] = ()) -> Iterator[tuple[Any, ...]]:
    name = f"verify_{abs(hash(sql))}"
    with conn.cursor(name=name) as cursor:
        cursor.itersize = CHUNK
        cursor.execute(sql, parameters)
        yield from cursor


def _ledger(conn: Connection, head: int, progress: Callable[[str, int, int], None]) -> Iterator[Check]:
    positions = _Findings("positions are contiguous, and times of recording never go back")
    records = _Findings("records are canonical and say what their columns say")
    mapper = RecordMapper()
    expected, last_recorded_at = 0, None
    for position, stream, version, type_, record, recorded_at, command_id in _stream(
        conn,
        "select position, stream, version, type, record, recorded_at, command_id from ledger.events order by position",
    ):
        expected += 1
        if position != expected:
            positions.add(f"position {position} comes where {expected} should")
            expected = position
        if last_recorded_at is not None and recorded_at < last_recorded_at:
            positions.add(f"position {position} was recorded before the one below it")
        last_recorded_at = recorded_at
        record = bytes(record)
        problem = _problem(mapper, record, stream, version, type_, recorded_at, command_id)
        if problem:
            records.add(f"position {position}: {problem}")
        positions.checked += 1
        records.checked += 1
        if position % CHUNK == 0:
            progress("ledger", position, head)
    if expected != head:
        positions.add(f"the ledger ends at {expected}, but its head says {head}")
    yield positions.done()
    yield records.done()


def _problem(
    mapper: RecordMapper, record: bytes, stream: str, version: int, type_: str, recorded_at: Any, command_id: str | None
) -> str | None:
    try:
        envelope = orjson.loads(record)
        if canonical(envelope) != record:
            return "the bytes are not canonical JSON"
        recorded = read_record(record)
        said = (
            envelope["subject"],
            envelope["streamversion"],
            envelope["type"],
            envelope["recordedat"],
            recorded.command_id,
        )
        current = envelope["dataschema"].endswith(f":{recorded.event.version}")
        rewritten = mapper.to_stored_event(recorded).state if current else record
    except (*UNREADABLE, InvalidInput) as error:
        return f"the record cannot be read: {error}"
    kept = (stream, version, type_, format_instant(recorded_at), command_id)
    if said != kept or recorded.originator_id != stream:
        return f"the record says {said}, its columns {kept}"
    if rewritten != record:
        return "writing what was read gives other bytes"
    return None


def _runs(conn: Connection) -> Iterator[Check]:
    versions = _Findings("versions are contiguous in every stream")
    commands = _Findings("every command ran once, in one stream")
    with conn.cursor() as cursor:
        cursor.execute("select count(distinct stream), count(distinct command_id) from ledger.events")
        ((versions.checked, commands.checked),) = cursor.fetchall()
    for stream, low, high, count in _stream(
        conn,
        "select stream, min(version), max(version), count(*) from ledger.events group by stream "
        "having min(version) <> 1 or max(version) <> count(*)",
    ):
        versions.add(f"{stream} has {count} events with versions {low} to {high}")
    for command_id, streams, runs in _stream(
        conn,
        "select command_id, count(distinct stream), max(version) - min(version) + 1 - count(*) from ledger.events "
        "where command_id is not null group by command_id "
        "having count(distinct stream) > 1 or max(version) - min(version) + 1 <> count(*) "
        "or max(position) - min(position) + 1 <> count(*) "
        "or min(command_index) <> 0 or max(command_index) + 1 <> count(*)",
    ):
        commands.add(f"command {command_id} is spread over {streams} streams, with {runs} gaps")
    yield versions.done()
    yield commands.done()


def _topics(
    conn: Connection,
    database_url: str,
    bootstrap: str,
    prefix: str,
    published: int,
    progress: Callable[[str, int, int], None],
) -> Check:
    findings = _Findings("ledger and topics hold the same bytes, once and in order")
    # What was published after the snapshot is younger than it, but never than the ledger as it is now.
    now = connect(database_url, "ledger_api")
    reader = consumer(bootstrap, max_poll_records=CHUNK)
    try:
        partitions = all_partitions(reader, prefix)
        count = len({tp.partition for tp in partitions})
        begins, ends = settled_bounds(reader, bootstrap, partitions)
        last: dict[TopicPartition, int] = {}
        seen = _Seen(published)
        chunk: list[tuple[int, ConsumerRecord]] = []
        for record in read_range(reader, begins, ends):
            try:
                position = position_of(record)
            except ValueError as error:
                findings.add(f"{_place(record)} has no position that can be read: {error}")
                continue
            tp = TopicPartition(record.topic, record.partition)
            if seen.before(position):
                findings.add(f"position {position} is on the topics more than once, again at {_place(record)}")
            elif position < last.get(tp, 0):
                findings.add(f"position {position} at {_place(record)} comes after {last[tp]}")
            last[tp] = max(position, last.get(tp, 0))
            findings.checked += position <= published
            chunk.append((position, record))
            if len(chunk) == CHUNK:
                _compare(now, chunk, prefix, count, findings)
                chunk.clear()
                progress("topics", findings.checked, published)
        _compare(now, chunk, prefix, count, findings)
    finally:
        reader.close()
        now.close()
    for position in seen.missing():
        findings.add(f"position {position} is published, but not on the topics")
    return findings.done()


class _Seen:
    """Which of the positions 1 to ``last`` have been met, a bit each."""

    def __init__(self, last: int) -> None:
        self._last, self._bits = last, bytearray(last // 8 + 1)

    def before(self, position: int) -> bool:
        """Note a position; returns whether it had been met before. Positions beyond are not noted."""
        if not 1 <= position <= self._last:
            return False
        byte, bit = position // 8, 1 << position % 8
        met = bool(self._bits[byte] & bit)
        self._bits[byte] |= bit
        return met

    def missing(self) -> Iterator[int]:
        for byte, bits in enumerate(self._bits):
            if bits != 0xFF:
                yield from (8 * byte + n for n in range(8) if not bits & 1 << n and 1 <= 8 * byte + n <= self._last)


def _place(record: ConsumerRecord) -> str:
    return f"{record.topic}-{record.partition}@{record.offset}"


def _compare(
    conn: Connection, chunk: list[tuple[int, ConsumerRecord]], prefix: str, partitions: int, findings: _Findings
) -> None:
    with conn.cursor() as cursor:
        cursor.execute(
            "select position, stream, record from ledger.events where position = any(%s::bigint[])",
            ([position for position, _ in chunk if abs(position) < 2**63],),
        )
        kept = {position: (stream, bytes(record)) for position, stream, record in cursor}
    for position, record in chunk:
        where = f"position {position} at {_place(record)}"
        if position not in kept:
            findings.add(f"{where} is not in the ledger")
            continue
        stream, value = kept[position]
        if record.value != value or record.key != stream.encode():
            findings.add(f"{where} differs from the ledger")
        elif (record.topic, record.partition) != (topic_of(stream, prefix), partition_of(stream, partitions)):
            findings.add(f"{where} is in the wrong partition")


def _rows(conn: Connection, projection: Projection, progress: Callable[[str, int, int], None]) -> Check:
    findings = _Findings(f"{projection.table} equals a fold of the ledger")
    with conn.cursor() as cursor:
        complete = complete_to(cursor, projection)
        parked = parked_streams(cursor, in_use(cursor, projection))
        cursor.execute(f"select count(*) from {projection.table}")
        ((total,),) = cursor.fetchall()
    prefix = projection.kind.prefix
    events = _stream(
        conn,
        "select stream, version, position, record from ledger.events "
        'where stream collate "C" >= %s and stream collate "C" < %s order by stream collate "C", version',
        (f"{prefix}-", f"{prefix}."),
    )
    rows = _stream(
        conn,
        f'select {", ".join(projection.columns)} from {projection.table} order by {projection.key} collate "C"',
    )
    present = next(rows, None)
    for stream, history in groupby(events, key=lambda event: event[0]):
        while present is not None and present[0] < stream:
            findings.add(f"{present[0]} has a row but no events")
            present = next(rows, None)
        if stream in parked:
            findings.add(f"{stream} is parked; see: complaints projections inspect {projection.name} {stream}")
            if present is not None and present[0] == stream:
                present = next(rows, None)
            continue
        up_to = present[2] if present is not None and present[0] == stream else complete
        folded, reached = None, (0, 0)
        try:
            for _, version, position, record in history:
                if position > max(up_to, complete):
                    continue
                event = read_record(bytes(record)).event
                if projection.concerns is None or projection.concerns(event):
                    folded = projection.fold(folded, event)
                    reached = (version, position)
        except Exception as error:  # a damaged record can break a fold in any way
            findings.add(f"{stream} cannot be folded from position {position} on: {error}")
            if present is not None and present[0] == stream:
                present = next(rows, None)
            continue
        if folded is None:
            continue
        if present is None or present[0] != stream:
            findings.add(f"{stream} has no row")
            continue
        if present != (stream, *reached, *folded):
            differ = [
                c for c, a, b in zip(projection.columns, present, (stream, *reached, *folded), strict=True) if a != b
            ]
            findings.add(f"the row of {stream} differs in {', '.join(differ)}")
        findings.checked += 1
        if findings.checked % CHUNK == 0:
            progress(projection.name, findings.checked, total)
        present = next(rows, None)
    for row in (present, *rows) if present is not None else ():
        findings.add(f"{row[0]} has a row but no events")
    return findings.done()


def _sums(conn: Connection, projection: Projection, sums: Sums, progress: Callable[[str, int, int], None]) -> Check:
    """Check a table of sums; of a large one in several passes, so that the expected sums fit into memory."""
    findings = _Findings(f"{sums.table} equals the sum of contributions")
    with conn.cursor() as cursor:
        cursor.execute(f"select count(*) from {projection.table}")
        ((rows,),) = cursor.fetchall()
    passes = 1 + rows // ROWS_A_PASS
    for number in range(passes):
        _sums_of(conn, projection, sums, findings, lambda key, own=number: hash(key) % passes == own)  # type: ignore[misc]
        progress(sums.table, number + 1, passes)
    return findings.done()


def _sums_of(
    conn: Connection, projection: Projection, sums: Sums, findings: _Findings, is_ours: Callable[[Key], bool]
) -> None:
    total: dict[Key, list[int]] = {}
    rows = _stream(conn, f"select {', '.join((projection.key, *projection.row._fields))} from {projection.table}")
    for stream, *row in rows:
        for finest, measures in sums.of(stream, projection.row(*row)).items():
            for key in (finest, *sums.coarser(finest)):
                if is_ours(key):
                    present = total.setdefault(key, [0] * len(sums.measures))
                    for n, measure in enumerate(measures):
                        present[n] += measure
    width = len(sums.keys)
    for kept_row in _stream(conn, f"select {', '.join((*sums.keys, *sums.measures))} from {sums.table}"):
        key, kept = tuple(kept_row[:width]), list(kept_row[width:])
        if not is_ours(key):
            continue
        findings.checked += 1
        if (expected := total.pop(key, None)) != kept:
            findings.add(f"{key} holds {kept}, but its rows contribute {expected}")
    for key, expected in total.items():
        if any(expected):
            findings.add(f"{key} is missing; its rows contribute {expected}")
