"""Runs the simulated market against a ledger: cases are filed and go on, in the order of simulated time."""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from adapters.database import connect
from adapters.execute import Command, Ledger, command, seal
from adapters.ledger import Append, Appended, Duplicate
from adapters.record import canonical
from adapters.simulation.cases import Planned, carry_out, open_case, plan
from adapters.simulation.market import Case, identifier, make_market, openings
from domain.errors import InvalidInput, LedgerError
from domain.event import Event
from domain.rulebook.book import Rulebook

#: How many appends are on their way at most; so many records are in memory.
IN_FLIGHT = 2_000
SIMULATOR = identifier("simulator")


@dataclass(slots=True)
class Traffic:
    """What came of a simulation: events by name, cases by the status that they ended in, and the simulated end."""

    complaints: int = 0
    going_on: int = 0
    already: int = 0
    events: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    until: datetime | None = None


class SimulationDiffers(LedgerError):
    """The ledger holds something else under the ids of this simulation."""


def simulate(
    ledger: Ledger,
    service_key: bytes,
    book: Rulebook,
    *,
    complaints: int,
    seed: int,
    start: datetime,
    days: int,
    progress: Callable[[Traffic], None] = lambda traffic: None,
) -> Traffic:
    """File ``complaints`` cases, evenly over ``days`` from ``start``, and let them go on until their end.

    Deterministic for the arguments and the rulebook: run again, it finds everything there already. The memory that it
    takes goes with the number of cases that go on at once, not with ``complaints``. Raises SimulationDiffers,
    InvalidInput, LedgerUnavailable.
    """
    if complaints < 1 or days < 1:
        raise InvalidInput("nothing is to be simulated", hint="give at least one complaint and one day")
    with _watchers_standing_by(ledger.recorder.url):
        return _simulate(ledger, service_key, book, complaints, seed, start, days, progress)


@contextmanager
def _watchers_standing_by(url: str) -> Iterator[None]:
    """Keep the watchers from reading on: by their clock, everything that is under way in simulated time is overdue."""
    with closing(connect(url, "ledger_watcher", autocommit=False)) as conn, conn.cursor() as cursor:
        cursor.execute("set idle_in_transaction_session_timeout = 0")
        cursor.execute("set local lock_timeout = '60s'")
        cursor.execute("select position from watch.progress for update")
        yield


def _simulate(
    ledger: Ledger,
    service_key: bytes,
    book: Rulebook,
    complaints: int,
    seed: int,
    start: datetime,
    days: int,
    progress: Callable[[Traffic], None],
) -> Traffic:
    run = _Run(ledger, service_key, Traffic(), f"{seed}:{complaints}:{days}:{start.isoformat()}")
    merchants = max(10, min(5_000, complaints // 20))
    market = make_market(run.name, merchants, start - timedelta(days=400))
    for stream, events in openings(market):
        run.append(stream, 0, events)
    waiting: list[tuple[datetime, int]] = [(start, 0)]
    going_on: dict[int, tuple[Case, Planned]] = {}
    apart = timedelta(days=days) / complaints
    while waiting:
        at, number = heapq.heappop(waiting)
        if number in going_on:
            case, planned = going_on.pop(number)
            before = case.version
            events = carry_out(case, market, planned, book)
        else:
            before = 0
            case, events = open_case(market, number, at, book)
            run.traffic.complaints += 1
            if number + 1 < complaints:
                heapq.heappush(waiting, (start + apart * (number + 1), number + 1))
        run.append(case.stream, before, events)
        following = plan(case, market, at, book)
        if following is None:
            run.traffic.ended[case.state.status] += 1
        else:
            going_on[number] = case, following
            heapq.heappush(waiting, (following.at, number))
        run.traffic.going_on, run.traffic.until = len(going_on), at
        progress(run.traffic)
    run.settle(0)
    return run.traffic


@dataclass(slots=True)
class _Run:
    ledger: Ledger
    service_key: bytes
    traffic: Traffic
    name: str
    sent: deque[tuple[Append, str]] = field(default_factory=deque)

    def append(self, stream: str, version: int, events: Sequence[Event]) -> None:
        if not events:
            return
        by_command = _command(self.service_key, self.name, stream, version, events)
        correlation = _command(self.service_key, self.name, stream, 0, ()).id
        append = seal(self.ledger.mapper, stream, version, events, by_command, correlation_id=correlation)
        self.sent.append((self.ledger.recorder.writer.submit(append), stream))
        self.traffic.events.update(event.name for event in events)
        self.settle(IN_FLIGHT)

    def settle(self, at_most: int) -> None:
        """Wait until no more than ``at_most`` appends are on their way."""
        while len(self.sent) > at_most:
            append, stream = self.sent.popleft()
            match self.ledger.recorder.writer.wait(append):
                case Appended():
                    pass
                case Duplicate():
                    self.traffic.already += 1
                case _:
                    raise SimulationDiffers(
                        f"{stream} is in the ledger already, but goes on otherwise",
                        hint="use another seed, or an empty ledger",
                    )


def _command(service_key: bytes, name: str, stream: str, version: int, events: Sequence[Event]) -> Command:
    # With what happened in the key, a simulation that goes otherwise than before is a conflict, not a repetition.
    digest = sha256(canonical([event.model_dump(mode="json", exclude_none=True) for event in events])).hexdigest()
    return command(service_key, SIMULATOR, "simulate", f"{name}:{stream}:{version}:{digest}", {"events": digest})
