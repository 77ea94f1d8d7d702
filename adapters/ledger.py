"""The ledger on PostgreSQL, as an application of the eventsourcing library.

``PostgresRecorder`` is that library's ApplicationRecorder over opaque bytes. Concurrent appends of one process
share a commit (``GroupCommit``). ``Ledger.execute`` runs a decision against a stream.
"""

from __future__ import annotations

import queue
import select
import threading
import time
from _thread import allocate_lock
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from typing import Any, cast
from uuid import UUID

import psycopg2
from eventsourcing import persistence
from eventsourcing.persistence import ApplicationRecorder, Notification, StoredEvent
from psycopg2.extensions import connection as Connection

from adapters import metrics
from adapters.database import UNAVAILABLE, Pool, Role, connect
from adapters.record import STAMP, UNSTAMPED
from domain.errors import LedgerError

MAX_BATCH_EVENTS = 5_000
MAX_BATCH_BYTES = 8_000_000
RECONNECT_FOR_S = 15.0
PLACEHOLDER = STAMP + UNSTAMPED.encode() + b'"'


class LedgerUnavailable(LedgerError, persistence.OperationalError):
    """PostgreSQL did not answer. Whether the append took effect is unknown: repeat it with the same command id."""


@dataclass(slots=True)
class Appended:
    """The append took effect: its first position, and the time of recording."""

    position: int
    recorded_at: datetime


@dataclass(slots=True)
class Duplicate:
    """Its command had run before; ``position`` is that of the first event of that run."""

    position: int


@dataclass(slots=True)
class Conflict:
    """``stream`` is not where the append expected it; ``version`` is its last (None: it does not exist)."""

    stream: str
    version: int | None


Outcome = Appended | Duplicate | Conflict


@dataclass(slots=True)
class Append:
    """Events that succeed or fail together, and the command that they come from (None: a bare recorder's)."""

    events: Sequence[StoredEvent]
    command_id: str | None = None
    outcome: Outcome | BaseException | None = None
    done: Any = field(default_factory=allocate_lock)


def append_batch(conn: Connection, batch: Sequence[Append], statement: bytes | None = None) -> list[Outcome]:
    """Append ``batch``, in which no two share a stream, in one call and one commit. The connection autocommits.

    ``statement`` is what ``prepare`` made of the batch, if that has been done before. On return the accepted events
    are durable. Raises ValueError for a text with NUL, and what psycopg2 raises; then nothing or all may be durable.
    """
    with conn.cursor() as cursor:
        cursor.execute(statement or prepare(batch))
        refused: dict[int, Outcome] = {}
        for number, outcome, first, recorded_at, stream, version in cursor:
            match outcome:
                case "appended":
                    position, at = first, recorded_at
                case "duplicate":
                    refused[number] = Duplicate(first)
                case _:
                    refused[number] = Conflict(stream, version)
    outcomes: list[Outcome] = []
    for number, append in enumerate(batch):
        if number in refused:
            outcomes.append(refused[number])
        else:
            outcomes.append(Appended(position, at))
            position += len(append.events)
    return outcomes


def prepare(batch: Sequence[Append]) -> bytes:
    """Return the statement that appends ``batch``, in UTF-8. Raises ValueError for a text with NUL."""
    events = [event for append in batch for event in append.events]
    records = [event.state for event in events]
    lengths = [len(record) for record in records]
    # A text inside the record cannot look like the attribute, since its quotes are escaped.
    stamps = [found + len(STAMP) + 1 if (found := record.rfind(PLACEHOLDER)) >= 0 else 0 for record in records]
    arguments = [
        _integers(number for number, append in enumerate(batch) for _ in append.events),
        _texts([str(event.originator_id) for event in events]),
        _integers(event.originator_version for event in events),
        _texts([event.topic for event in events]),
        _texts([append.command_id or "" for append in batch for _ in append.events]),
        _integers(index for append in batch for index, _ in enumerate(append.events)),
        _integers(stamps),
        _integers(accumulate(lengths[:-1], initial=1)),
        _integers(lengths),
        _bytes(b"".join(records)),
    ]
    statement = b"select append_no, outcome, first_position, at, conflict_stream, last_version from ledger.append(%s)"
    statement %= b",".join(arguments)
    if b"\0" in statement:
        raise ValueError("a stream, an event's type or a command id contains NUL (0x00), which PostgreSQL cannot keep")
    return statement


def _bytes(value: bytes) -> bytes:
    """Return the expression for ``value``: as text where it is text, at half the size of hex."""
    try:
        value.decode()
        is_text = b"\0" not in value
    except UnicodeDecodeError:
        is_text = False
    return b"convert_to(%s, 'UTF8')" % _quoted(value) if is_text else b"'\\x%s'::bytea" % value.hex().encode()


def _quoted(value: bytes) -> bytes:
    """Quote for a session with standard_conforming_strings (``connect`` sees to it)."""
    return b"'" + value.replace(b"'", b"''") + b"'"


def _integers(values: Iterable[int]) -> bytes:
    return _quoted(("{" + ",".join(map(str, values)) + "}").encode())


def _texts(values: list[str]) -> bytes:
    joined = '","'.join(values)
    if "\\" in joined or joined.count('"') > 2 * (len(values) - 1):
        joined = '","'.join(value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return _quoted(('{"' + joined + '"}').encode())


class GroupCommit:
    """One writer thread takes whatever appends are waiting and commits them together.

    A full batch is sent by a thread of its own, so that the next one is made while PostgreSQL works. There is one such
    thread at a time, and the writer sends nothing meanwhile. ``_waiting`` is shared; the connection belongs to who
    sends, everything else to the writer. Each caller waits on its own lock and gets its own outcome.
    """

    def __init__(self, url: str, role: Role) -> None:
        self._url, self._role = url, role
        self._waiting: queue.SimpleQueue[Append | None] = queue.SimpleQueue()
        self._held: deque[Append] = deque()
        self._sender: threading.Thread | None = None
        self._conn: Connection | None = None
        self._closed = self._ended = False
        self._closing = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    def append(self, append: Append) -> Outcome:
        """Append and return when it is durable, or is refused. Raises LedgerUnavailable."""
        return self.wait(self.submit(append))

    def submit(self, append: Append) -> Append:
        """Hand over an append without waiting."""
        with self._closing:  # nothing may queue up behind the end
            if self._closed:
                raise LedgerUnavailable("the ledger's writer has been closed")
            append.done.acquire()
            self._waiting.put(append)
        return append

    def wait(self, append: Append) -> Outcome:
        """Wait for an append handed over before."""
        append.done.acquire()
        outcome = append.outcome
        if isinstance(outcome, BaseException):
            raise outcome
        assert outcome is not None
        return outcome

    def close(self) -> None:
        """Finish what is waiting, then stop."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while self._held or not self._ended:
            batch, full = self._take()
            if full:
                statement = None
                with suppress(Exception):  # _commit meets it again, and finds the append that is to blame
                    statement = prepare(batch)
                self._let_sender_end()
                send = threading.Thread(target=self._answer, args=(batch, statement), name="ledger-sender", daemon=True)
                try:
                    send.start()
                    self._sender = send
                except RuntimeError:  # the system has no thread to give
                    self._answer(batch, statement)
            elif batch:
                self._answer(batch)
        self._let_sender_end()
        if self._conn is not None:
            self._conn.close()

    def _let_sender_end(self) -> None:
        if self._sender is not None:
            self._sender.join()
            self._sender = None

    def _take(self) -> tuple[list[Append], bool]:
        """Wait for an append, then take all that wait with it; a second one to a stream is held for the next.

        Tells whether the batch is full. If it is not, no other is on its way.
        """
        batch: list[Append] = []
        streams: set[UUID | str] = set()
        held: deque[Append] = deque()
        events = size = 0
        while events < MAX_BATCH_EVENTS and size < MAX_BATCH_BYTES:
            append = self._next(wait=not batch)
            if append is None:
                self._held = held
                return batch, False
            own = {event.originator_id for event in append.events}
            if own & streams:
                held.append(append)
            else:
                batch.append(append)
                events += len(append.events)
                size += sum(len(event.state) for event in append.events)
            streams |= own
        held.extend(self._held)
        self._held = held
        return batch, True

    def _next(self, *, wait: bool) -> Append | None:
        """Take the next append, waiting for one with ``wait``. None: there is none, and no batch is on its way."""
        while True:
            if self._held:
                return self._held.popleft()
            try:
                append = self._waiting.get(block=wait and not self._ended)
            except queue.Empty:
                if self._sender is None:
                    return None
                self._let_sender_end()  # more may come until then
            else:
                if append is not None:
                    return append
                self._ended = True

    def _answer(self, batch: list[Append], statement: bytes | None = None) -> None:
        self._commit(batch, statement)
        for append in batch:
            append.done.release()

    def _commit(self, batch: list[Append], statement: bytes | None = None) -> None:
        deadline = time.monotonic() + RECONNECT_FOR_S
        pause = 0.05
        sent = False
        while True:
            try:
                if self._conn is None or self._conn.closed:
                    self._conn = connect(self._url, self._role)
                sent = True
                started = time.perf_counter()
                outcomes = append_batch(self._conn, batch, statement)
                _count(batch, outcomes, time.perf_counter() - started)
                for append, outcome in zip(batch, outcomes, strict=True):
                    append.outcome = outcome
                return
            except UNAVAILABLE as error:
                self._drop_connection()
                # After a broken commit the function itself tells what took effect, by command id. A bare append
                # has none, so its caller has to be told that the outcome is unknown.
                unknown = sent and any(append.command_id is None for append in batch)
                if unknown or self._closed or time.monotonic() > deadline:
                    failure = LedgerUnavailable(
                        f"PostgreSQL did not answer ({str(error).strip()})", hint="repeat the command later"
                    )
                    metrics.appends_lost("unavailable", len(batch))
                    for append in batch:
                        append.outcome = failure
                    return
                time.sleep(pause)
                pause = min(pause * 2, 1.0)
            except BaseException as error:  # belongs to the callers, not to this thread
                self._drop_connection()
                if len(batch) == 1:
                    metrics.appends_lost("failed", 1)
                    batch[0].outcome = error
                else:
                    for append in batch:
                        self._commit([append])
                return

    def _drop_connection(self) -> None:
        if self._conn is not None:
            with suppress(psycopg2.Error):
                self._conn.close()
            self._conn = None


def _count(batch: Sequence[Append], outcomes: Sequence[Outcome], seconds: float) -> None:
    kinds = Counter(map(type, outcomes))
    accepted = (len(append.events) for append, ended in zip(batch, outcomes, strict=True) if type(ended) is Appended)
    metrics.appends_committed({kind.__name__.lower(): n for kind, n in kinds.items()}, sum(accepted), seconds)


class PostgresRecorder(ApplicationRecorder):
    """Stores opaque events under (originator_id, originator_version) and numbers them 1, 2, 3 … without gaps."""

    def __init__(self, url: str, role: Role = "ledger_api") -> None:
        self.url = url
        self.pool = Pool(url, role)
        self._role = role
        self._group_commit: GroupCommit | None = None
        self._starting = threading.Lock()

    @property
    def writer(self) -> GroupCommit:
        """The writer thread of this recorder, started at the first append."""
        with self._starting:
            if self._group_commit is None:
                self._group_commit = GroupCommit(self.url, self._role)
            return self._group_commit

    def insert_events(
        self, stored_events: Sequence[StoredEvent], *, command_id: str | None = None, **_: Any
    ) -> Sequence[int]:
        """Append; returns the positions. Raises IntegrityError when a stream is elsewhere or the command has run."""
        if not stored_events:
            return []
        outcome = self.writer.append(Append(stored_events, command_id))
        match outcome:
            case Appended(position=first):
                return list(range(first, first + len(stored_events)))
            case Conflict(stream=stream, version=version):
                raise persistence.IntegrityError(f"{stream} is at version {version}, not where the append expects it")
            case Duplicate(position=position):
                raise persistence.IntegrityError(f"the command has run already, at position {position}")

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Read events of a stream, those with version in (gt, lte]."""
        with self.reading() as cursor:
            cursor.execute(
                "select version, type, record from ledger.events where stream = %s"
                + (" and version > %s" if gt is not None else "")
                + (" and version <= %s" if lte is not None else "")
                + (" order by version desc" if desc else " order by version")
                + (" limit %s" if limit is not None else ""),
                [str(originator_id), *(value for value in (gt, lte, limit) if value is not None)],
            )
            return [StoredEvent(originator_id, version, type_, bytes(record)) for version, type_, record in cursor]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Read events by position."""
        first = 1 if start is None else start if inclusive_of_start else start + 1
        with self.reading() as cursor:
            cursor.execute(
                "select position, stream, version, type, record from ledger.events where position >= %s"
                + (" and position <= %s" if stop is not None else "")
                + (" and type = any(%s)" if topics else "")
                + " order by position limit %s",
                [first, *([stop] if stop is not None else []), *([list(topics)] if topics else []), limit],
            )
            return [
                Notification(_originator_id(stream), version, type_, bytes(record), position)
                for position, stream, version, type_, record in cursor
            ]

    def max_notification_id(self) -> int | None:
        """Return the highest position, None for an empty ledger."""
        with self.reading() as cursor:
            cursor.execute("select max(position) from ledger.events")
            (position,) = cursor.fetchone()
            return None if position is None else int(position)

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> PostgresSubscription:
        """Iterate over events after ``gt``, then over new ones as they come."""
        return PostgresSubscription(self, gt=gt, topics=topics)

    def close(self) -> None:
        """Finish what is waiting and close all connections."""
        with self._starting:
            if self._group_commit is not None:
                self._group_commit.close()
        self.pool.close()

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """Lend a cursor to read with; raises LedgerUnavailable for a connection that cannot be had or breaks."""
        try:
            with self.pool.cursor() as cursor:
                yield cursor
        except UNAVAILABLE as error:
            raise LedgerUnavailable(f"PostgreSQL did not answer ({str(error).strip()})") from error


def _originator_id(stream: str) -> UUID | str:
    if len(stream) == 36 and stream[8] == "-":
        with suppress(ValueError):
            return UUID(stream)
    return stream


class PostgresSubscription(persistence.ListenNotifySubscription[PostgresRecorder]):
    """Pulls when told by NOTIFY, and once a second in case a notification was lost with a connection."""

    def __init__(self, recorder: PostgresRecorder, gt: int | None = None, topics: Sequence[str] = ()) -> None:
        self._stop_listening = threading.Event()
        self._listening = listen(recorder.url, recorder.pool.role)
        super().__init__(recorder, gt=gt, topics=topics)
        self._listen_thread = threading.Thread(target=self._listen, daemon=True)
        self._listen_thread.start()

    def stop(self) -> None:
        super().stop()
        self._stop_listening.set()

    def __exit__(self, *args: object, **kwargs: Any) -> None:
        super().__exit__(*args, **kwargs)
        self._listen_thread.join()

    def _listen(self) -> None:
        try:
            while not self._stop_listening.is_set():
                try:
                    wait_for_notify(self._listening, 1.0)
                except UNAVAILABLE:
                    with suppress(*UNAVAILABLE):
                        self._listening = listen(self._recorder.url, self._recorder.pool.role)
                    self._stop_listening.wait(1.0)
                self._has_been_notified.set()
        finally:
            self._listening.close()


def listen(url: str, role: Role | None) -> Connection:
    """Open a connection that is told of every append."""
    conn = connect(url, role)
    with conn.cursor() as cursor:
        cursor.execute("listen ledger")
    return conn


def wait_for_notify(conn: Connection, timeout_s: float) -> bool:
    """Wait until an append was announced or ``timeout_s`` has passed; False for the latter."""
    conn.poll()
    if not conn.notifies:
        select.select([conn], [], [], timeout_s)
        conn.poll()
    told = bool(conn.notifies)
    conn.notifies.clear()
    return told


class Factory(persistence.InfrastructureFactory[persistence.TrackingRecorder]):
    """Makes the recorder from the environment; ``PERSISTENCE_MODULE`` is this module."""

    def application_recorder(self) -> PostgresRecorder:
        role = cast(Role, self.env.get("COMPLAINTS_DATABASE_ROLE", "ledger_api"))
        return PostgresRecorder(self.env["COMPLAINTS_DATABASE_URL"], role)

    def aggregate_recorder(self, purpose: str = "events") -> PostgresRecorder:
        return self.application_recorder()

    def tracking_recorder(self, tracking_recorder_class: Any = None) -> Any:
        raise persistence.InfrastructureFactoryError("projections keep their progress in read.progress themselves")

    def process_recorder(self) -> Any:
        raise persistence.InfrastructureFactoryError("events are appended by commands only")


def iterate_events(url: str, role: Role, sql: str, parameters: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
    """Stream the rows of a long query in flat memory, from one snapshot."""
    conn = connect(url, role, autocommit=False, statement_timeout_s=0)
    try:
        with conn.cursor(name="stream") as cursor:
            cursor.itersize = 2_000
            cursor.execute(sql, parameters)
            yield from cursor
    finally:
        conn.close()
