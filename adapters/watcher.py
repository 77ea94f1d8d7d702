"""Records what falls due: missed deadlines and all else that the passing of time alone brings about.

Beside that it runs the process managers (``adapters.reactions``), and gives grades for the ends of months
(``adapters.credit_months``), and ends sessions of analysts that take too long (``adapters.analysts``).

The ledger is read by position, not from Kafka or the read models, so that deadlines go on whatever else is away. What
was read becomes a row per stream with the time at which it falls due next; at that time the ``fall_due`` of its kind
decides what has happened, and it is recorded as the command of a cause and a rule. Several watchers share the work;
two that come upon the same cause record it once, by the command's id and the version of the stream.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from hashlib import sha256
from itertools import groupby
from typing import Any

from psycopg2.extensions import connection as Connection

from adapters import dues, metrics
from adapters.analysts import end_overlong
from adapters.credit_months import Grader, grade_ended
from adapters.database import UNAVAILABLE, Role
from adapters.dues import Claim, Failed, Seen
from adapters.execute import Command, Ledger, open_ledger
from adapters.ledger import LedgerUnavailable, listen, wait_for_notify
from adapters.reactions import Reactor, react
from adapters.record import Recorded, canonical
from adapters.rulebook import RulebookReader, stream_of
from domain.calendar import MICROSECOND
from domain.complaint import clocks
from domain.complaint.state import Complaint, Deadline
from domain.event import Event
from domain.rulebook.book import Part, Rulebook
from domain.streams import COMPLAINT, kind_of
from domain.values import CLOCK, format_instant

log = logging.getLogger("watcher")

ROLE: Role = "ledger_watcher"
MAX_BATCH = 2_000
MAX_CLAIM = 200
#: Complaints with one due time are recorded side by side, so that they share commits.
THREADS = 8
#: After an append was announced, others are awaited for so long: a busy ledger is not read for every single one.
GATHER_S = 0.5
#: Without anything announced or due, the watcher looks again after so long; meanwhile it looks at the clock.
LONGEST_S = 30.0
GLANCE_S = 1.0
#: Sessions of analysts are looked at so seldom: their limits are of minutes.
SESSIONS_S = 5.0
#: Between looks while what is due is in the hands of another watcher.
SOON_S = 0.05
#: A long import does not keep deadlines waiting for longer.
READ_ON_S = 15.0
#: Names of the moments at which ``reached`` is called: where a crash is most interesting.
POINTS = ("between_dues_and_progress", "after_progress", "before_execute", "after_execute", "after_dues")

CALENDARS = stream_of(Part.CALENDARS)


@dataclass(frozen=True, slots=True)
class WatcherSettings:
    """Where the ledger is, and how many positions are read, and complaints are recorded, in one transaction."""

    database_url: str
    max_batch: int = MAX_BATCH
    max_claim: int = MAX_CLAIM


def right_now() -> datetime:
    """Tell the time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Watch:
    """A watcher at work. ``conn`` autocommits and is told of appends."""

    settings: WatcherSettings
    conn: Connection
    ledger: Ledger
    book: RulebookReader
    threads: ThreadPoolExecutor
    reactor: Reactor
    grader: Grader
    reached: Callable[[str], None]


def run_watcher(
    settings: WatcherSettings,
    stop: threading.Event,
    reached: Callable[[str], None] = lambda _: None,
    now: Callable[[], datetime] = right_now,
) -> None:
    """Watch until ``stop`` is set. While PostgreSQL is away it starts over, again and again."""
    while not stop.is_set():
        try:
            with watching(settings, reached) as watch:
                log.info("watching")
                sessions_at = 0.0
                while not stop.is_set():
                    if time.monotonic() >= sessions_at:
                        with _stopping_no_deadline("ending overlong sessions"), watch.conn.cursor() as cursor:
                            end_overlong(cursor)
                        sessions_at = time.monotonic() + SESSIONS_S
                    if not look(watch, now, stop):
                        _rest(watch, now, stop)
        except (*UNAVAILABLE, LedgerUnavailable) as error:
            metrics.watcher_started_over()
            log.warning("starting over after %s: %s", type(error).__name__, str(error).strip())
            stop.wait(0.5)


@contextmanager
def watching(settings: WatcherSettings, reached: Callable[[str], None] = lambda _: None) -> Iterator[Watch]:
    """Open what a watcher needs; raises LedgerUnavailable and what psycopg2 raises."""
    with (
        closing(listen(settings.database_url, ROLE)) as conn,
        closing(open_ledger(settings.database_url, ROLE)) as ledger,
        ThreadPoolExecutor(THREADS, thread_name_prefix="watcher") as threads,
    ):
        book = RulebookReader(ledger)
        reactor = Reactor(conn, ledger, book, threads, reached)
        grader = Grader(conn, ledger, book, threads, reached, {})
        yield Watch(settings, conn, ledger, book, threads, reactor, grader, reached)


def look(watch: Watch, now: Callable[[], datetime], stop: threading.Event) -> bool:
    """Take up what is new in the ledger, then record what is due; returns whether anything was due."""
    begun = time.monotonic()
    # What was announced up to here is about to be read.
    watch.conn.poll()
    watch.conn.notifies.clear()
    while _read_on(watch, now()) and not stop.is_set() and time.monotonic() - begun < READ_ON_S:
        pass
    _try_again(watch, now())
    # What was done in time is to be known where it counts before its term is looked at.
    reacted = _react(watch, now, stop)
    recorded = _record_due(watch, now())
    with _stopping_no_deadline("grading"):
        return grade_ended(watch.grader, now()) or recorded or reacted
    return recorded or reacted


def _react(watch: Watch, now: Callable[[], datetime], stop: threading.Event) -> bool:
    """Record what follows from new events; returns whether there may be more."""
    begun = time.monotonic()
    with _stopping_no_deadline("the process managers"):
        while (more := react(watch.reactor, now())) and not stop.is_set():
            if time.monotonic() - begun > READ_ON_S:
                break
        return more
    return False


@contextmanager
def _stopping_no_deadline(what: str) -> Iterator[None]:
    """Tell of an error, and go on behind the block, unless PostgreSQL is away."""
    try:
        yield
    except (*UNAVAILABLE, LedgerUnavailable):
        raise
    except Exception as error:
        metrics.watcher_failed()
        log.error("cannot go on: %s: %s", what, type(error).__name__, exc_info=error)


def _read_on(watch: Watch, now: datetime) -> bool:
    """Take up the next positions; returns whether there may be more."""
    limit = watch.settings.max_batch
    with watch.conn, watch.conn.cursor() as cursor:
        cursor.execute("set local synchronous_commit = off")
        position = dues.take_progress(cursor)
        if position is None:
            return False
        cursor.execute(
            "select position, stream from ledger.events where position > %s order by position limit %s",
            (position, limit),
        )
        batch = cursor.fetchall()
        if not batch:
            return False
        streams = {stream for _, stream in batch}
        own = sorted(stream for stream in streams if kind_of(stream).next_due is not None)
        dues.write(cursor, _see(watch, own, now), now)
        if CALENDARS in streams:
            dues.mark_provisional(cursor)
        watch.reached("between_dues_and_progress")
        dues.set_progress(cursor, batch[-1][0])
    watch.reached("after_progress")
    return len(batch) == limit


def _see(watch: Watch, streams: Sequence[str], now: datetime) -> list[Seen | Failed]:
    """Read streams; one that cannot be read does not stop the others."""
    if not streams:
        return []
    # Read after the streams were named: a calendar that was published before any of their events is in it.
    book = watch.book.current()
    try:
        histories = watch.ledger.histories(streams)
    except LedgerUnavailable:
        raise
    except Exception:
        return [_see_one(watch, stream, book, now) for stream in streams]
    return [_fold(stream, histories[stream], book, now) for stream in streams]


def _see_one(watch: Watch, stream: str, book: Rulebook, now: datetime) -> Seen | Failed:
    try:
        history = watch.ledger.history(stream)
    except LedgerUnavailable:
        raise
    except Exception as error:
        return _failed(stream, error)
    return _fold(stream, history, book, now)


def _fold(stream: str, history: Sequence[Recorded], book: Rulebook, now: datetime) -> Seen | Failed:
    try:
        state = kind_of(stream).fold(recorded.event for recorded in history)
        return _seen(stream, history[-1].originator_version, state, book, now)
    except Exception as error:
        return _failed(stream, error)


def _seen(stream: str, version: int, state: Any, book: Rulebook, now: datetime) -> Seen:
    # Only complaints have terms that rest on a calendar of working days.
    clocked = state.clocks if isinstance(state, Complaint) else ()
    provisional = any(clock.provisional and clock.left is None for clock in clocked)
    revise = provisional and bool(clocks.revise(state, now, CLOCK, book.calendar))
    next_due = kind_of(stream).next_due
    return Seen(stream, version, None if next_due is None else next_due(state), provisional, revise)


def _failed(stream: str, error: Exception) -> Failed:
    metrics.watcher_failed()
    log.error("cannot be handled and waits: %s", type(error).__name__, exc_info=error, extra={"stream": stream})
    return Failed(stream, error)


def _try_again(watch: Watch, now: datetime) -> None:
    """Read again the complaints that failed and have waited long enough."""
    with watch.conn, watch.conn.cursor() as cursor:
        if streams := dues.to_try_again(cursor, now):
            dues.write(cursor, _see(watch, streams, now), now)


def _record_due(watch: Watch, now: datetime) -> bool:
    """Record what was due before ``now``, in the order of the due times; returns whether anything was."""
    with watch.conn, watch.conn.cursor() as cursor:
        cursor.execute("set local synchronous_commit = off")
        claimed = dues.claim(cursor, now, watch.settings.max_claim)
        if not claimed:
            return False
        book = watch.book.current()
        done: list[Seen | Failed] = []
        next_due: datetime | None = None
        for due, group in groupby(claimed, key=lambda one: one.next_due):
            # What those before have led to may be due before this.
            if next_due is not None and next_due < min(due, now):
                break
            recorded = list(watch.threads.map(lambda one: _record(watch, one, book, now), group))
            done += recorded
            new = [one.next_due for one in recorded if isinstance(one, Seen) and one.next_due is not None]
            next_due = min([*new, *([] if next_due is None else [next_due])], default=None)
        watch.reached("after_execute")
        dues.write(cursor, done, now)
    watch.reached("after_dues")
    log.info("recorded what was due, complaints: %d", len(done))
    return True


def _record(watch: Watch, claimed: Claim, book: Rulebook, now: datetime) -> Seen | Failed:
    """Record what is due in a stream: nothing, if it was answered meanwhile."""
    # One due time after another, so that the ledger has them in their order. Only what a new calendar revises is
    # an event of now.
    at = now if claimed.provisional else claimed.next_due + MICROSECOND
    kind = kind_of(claimed.stream)
    state = kind.new

    def decide(found: Any) -> list[Event]:
        nonlocal state
        events = kind.fall_due(found, at=at, book=book)
        state = reduce(kind.evolve, events, found)
        return events

    watch.reached("before_execute")
    try:
        result = watch.ledger.execute(claimed.stream, decide, _command(claimed))
    except LedgerUnavailable:
        raise
    except Exception as error:
        return _failed(claimed.stream, error)
    if result.repeated:
        return _see_one(watch, claimed.stream, book, now)
    _count(result.events)
    return _seen(claimed.stream, result.version, state, book, now)


def _command(claimed: Claim) -> Command:
    """Identify the command of a cause: the version of the complaint that fell due then, and the rule."""
    rule = "revise" if claimed.revise else "fall-due"
    cause = [claimed.stream, claimed.version, format_instant(claimed.next_due), rule]
    digest = sha256(canonical(cause)).hexdigest()
    return Command(digest[:32], digest)


def _count(events: Sequence[Event]) -> None:
    for event in events:
        match event:
            case clocks.DeadlineMissed():
                metrics.recorded_due(event.deadline)
            case clocks.OfferExpired():
                metrics.recorded_due(Deadline.OFFER)
            case clocks.DuesRevised():
                metrics.recorded_due(metrics.REVISED)
            case _ if not event.name.startswith(f"{COMPLAINT.prefix}."):
                metrics.recorded_due(event.name)


def _rest(watch: Watch, now: Callable[[], datetime], stop: threading.Event) -> None:
    """Wait until something falls due, something is appended, or it is time to look again all the same."""
    with watch.conn.cursor() as cursor:
        until = dues.next_look(cursor)
    begun = time.monotonic()
    wait_s = SOON_S
    while not stop.is_set():
        if wait_for_notify(watch.conn, wait_s):
            stop.wait(min(GATHER_S, _left(until, now)))
            break
        wait_s = min(GLANCE_S, _left(until, now), begun + LONGEST_S - time.monotonic())
        if wait_s <= 0:
            break


def _left(until: datetime | None, now: Callable[[], datetime]) -> float:
    """Return in how many seconds ``until`` will have passed."""
    return LONGEST_S if until is None else max((until + MICROSECOND - now()).total_seconds(), 0.0)
