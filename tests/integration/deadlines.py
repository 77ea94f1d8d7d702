"""Complaints with clocks on a real ledger, and what became of their deadlines."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from eventsourcing.persistence import StoredEvent

from adapters import dues
from adapters.database import connect
from adapters.execute import Command, Ledger, open_ledger
from adapters.ledger import Append, Appended
from adapters.record import read_record
from adapters.rulebook import RulebookReader
from adapters.watcher import WatcherSettings, look, watching
from domain.complaint import filing, life
from domain.complaint.negotiation import Regime
from domain.event import Event
from domain.merchant.state import Merchant
from domain.reactions import PROCESS
from domain.rulebook.book import Rulebook
from domain.streams import COMPLAINT, EVENT_TYPES
from domain.values import CLOCK, Actor, Channel, Code, Role

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
SERVICE = Actor("44444444-4444-4444-8444-444444444444", Role.SERVICE)
CONSUMER = "11111111-1111-4111-8111-111111111111"
MERCHANT = "merchant-22222222-2222-4222-8222-222222222222"
HANGZHOU = Code(scheme=filing.DIVISIONS, value="330106")
SIGNED = Merchant(promises=((datetime(2020, 1, 1, tzinfo=UTC), None),))

#: A stream, the version, type, time and actor of an event.
Line = tuple[str, int, Event]


def hours(n: float) -> timedelta:
    return timedelta(hours=n)


def days(n: float) -> timedelta:
    return timedelta(days=n)


class Desk:
    """Files complaints and acts on them at times of its choosing, with ids from a seed."""

    def __init__(self, database_url: str, seed: int = 1) -> None:
        self.ledger = open_ledger(database_url)
        self.book = RulebookReader(self.ledger)
        self._random = Random(seed)

    def file(self, at: datetime = START) -> str:
        """File a complaint: a first response is due in 7 working days, a resolution in 60."""
        stream = f"complaint-{self._id()}"
        self._execute(
            stream,
            lambda state, book: filing.file(
                state,
                at=at,
                by=SERVICE,
                book=book,
                consumer_id=CONSUMER,
                channel=Channel.APP,
                product="电饭锅",
                region=HANGZHOU,
                order=filing.Order.model_validate(
                    {"source": "test", "reference": stream, "purchased_at": at, "amount": {"fen": 19900}}
                ),
            ),
            new=True,
        )
        return stream

    def promised(self, at: datetime = START) -> str:
        """File one against a merchant who has 24 hours to answer."""
        stream = self.file(at)
        self.act(stream, "route", at, merchant_id=MERCHANT, merchant=SIGNED, regime=Regime.PROMISE)
        return stream

    def one_click(self, at: datetime = START) -> str:
        """File one that silence hands to the authority after 96 hours."""
        stream = self.file(at)
        self.act(stream, "route", at, merchant_id=MERCHANT, merchant=SIGNED, regime=Regime.ONE_CLICK)
        return stream

    def act(self, stream: str, action: str, at: datetime, **arguments: Any) -> None:
        self._execute(
            stream,
            lambda state, book: COMPLAINT.act(life.ACTIONS[action], state, at=at, by=SERVICE, book=book, **arguments),
        )

    def append(self, stream: str, *events: Event) -> None:
        """Append what no action would decide."""
        self._execute(stream, lambda state, book: events, new=True)

    def append_rubbish(self, stream: str) -> None:
        """Append a record that nobody can read."""
        version = len(self.ledger.history(stream)) + 1
        stored = StoredEvent(stream, version, "complaint.from_the_future", b'{"dataschema": "no such thing:1"}')
        assert isinstance(self.ledger.recorder.writer.append(Append([stored])), Appended)

    def many(self, count: int, spread: timedelta) -> list[str]:
        """File complaints of all these sorts over a while."""
        make = (self.file, self.promised, self.one_click)
        return [make[self._random.randrange(len(make))](START + spread * self._random.random()) for _ in range(count)]

    def close(self) -> None:
        self.ledger.close()

    def _execute(self, stream: str, decide: Callable[[Any, Rulebook], Sequence[Event]], *, new: bool = False) -> None:
        book = self.book.current()
        by_command = Command(self._id().hex, self._random.randbytes(32).hex())
        self.ledger.execute(stream, lambda state: decide(state, book), by_command, new=new)

    def _id(self) -> UUID:
        return UUID(int=self._random.getrandbits(128), version=4)


def watch_once(settings: WatcherSettings, at: datetime) -> None:
    """Have a watcher do all that there is to do at a time."""
    with watching(settings) as watch:
        while look(watch, lambda: at, threading.Event()):
            pass


def lines(ledger: Ledger) -> list[Line]:
    """All events of complaints that can be read, by position, but for what followed from events elsewhere.

    Versions are those that the streams would have without that.
    """
    with ledger.recorder.reading() as cursor:
        cursor.execute(
            "select record from ledger.events where stream like 'complaint-%%' and type = any(%s) order by position",
            (list(EVENT_TYPES),),
        )
        records = [read_record(bytes(record)) for (record,) in cursor]
    own = [one for one in records if one.event.actor != PROCESS]
    seen: Counter[str] = Counter()
    found: list[Line] = []
    for one in own:
        seen[one.originator_id] += 1
        found.append((one.originator_id, seen[one.originator_id], one.event))
    return found


def of_time(ledger: Ledger) -> list[tuple[str, str, datetime]]:
    """What was recorded because time passed: stream, name or deadline, and when it happened; by position."""
    return [
        (stream, getattr(event, "deadline", event.name), event.occurred_at)
        for stream, _, event in lines(ledger)
        if event.actor == CLOCK
    ]


def assert_as_the_rules_have_it(ledger: Ledger, book: Rulebook, at: datetime) -> None:
    """What time did to each complaint by ``at`` is what the domain says of its other events, each once.

    For complaints on which nobody acted after something had fallen due.
    """
    for stream in {stream for stream, _, _ in lines(ledger)}:
        history = [recorded.event for recorded in ledger.history(stream) if recorded.event.actor != PROCESS]
        own = [event for event in history if event.actor != CLOCK]
        expected = life.fall_due(COMPLAINT.fold(own), at=at, book=book)
        assert history == [*own, *expected], stream


def standing(database_url: str) -> dues.Standing:
    conn = connect(database_url, "ledger_api")
    with conn.cursor() as cursor:
        found = dues.standing(cursor)
    conn.close()
    return found


def rows(database_url: str, query: str) -> list[tuple[Any, ...]]:
    conn = connect(database_url, "ledger_api")
    with conn.cursor() as cursor:
        cursor.execute(query)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    conn.close()
    return found
