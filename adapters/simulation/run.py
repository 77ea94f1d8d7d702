"""Runs the simulated market against a ledger: what is filed and all that comes of it, in the order of simulated time.

What follows by the rules of the process managers in a stream that goes on here is recorded at once, under the command
that they would use, so that they find it there; all else that follows is left to them.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from itertools import count

from adapters.database import connect
from adapters.execute import Command, Ledger, command, seal
from adapters.ledger import Append, Appended, Duplicate
from adapters.reactions import command_of
from adapters.record import canonical
from adapters.simulation.cases import open_case
from adapters.simulation.duties import duties, next_month
from adapters.simulation.lives import Step, carry_out, plan, take, until_due
from adapters.simulation.market import Life, Market, Planned, identifier, make_market
from adapters.simulation.occasions import take_occasions
from adapters.simulation.openings import openings
from domain.complaint.reports import PenaltyImposed
from domain.errors import InvalidInput, LedgerError
from domain.event import Event
from domain.reactions import RULES, reactions_to
from domain.rulebook.book import Rulebook
from domain.streams import COMPLAINT, GRIEVANCE, MEASURE

#: How many appends are on their way at most; so many records are in memory.
IN_FLIGHT = 2_000
SIMULATOR = identifier("simulator")
#: The market is older than the filings by so much: records of its first days may be destroyed meanwhile.
OLDER = timedelta(days=1_300)
MOST_MERCHANTS = 5_000


@dataclass(slots=True)
class Traffic:
    """What came of a simulation: events by name, requests by the status that they ended in, and the simulated end."""

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
    """File ``complaints`` requests, evenly over ``days`` from ``start``, and let all go on until its end.

    Deterministic for the arguments and the rulebook: run again, it finds everything there already. The memory that it
    takes goes with the number of streams that go on at once, not with ``complaints``. Raises SimulationDiffers,
    InvalidInput, LedgerUnavailable.
    """
    if complaints < 1 or days < 1:
        raise InvalidInput("nothing is to be simulated", hint="give at least one complaint and one day")
    with _watchers_standing_by(ledger.recorder.url):
        name, ends = f"{seed}:{complaints}:{days}:{start.isoformat()}", start + timedelta(days=days)
        market = make_market(name, max(10, min(MOST_MERCHANTS, complaints // 20)), start - OLDER, ends, book)
        run = _Run(ledger, service_key, market, complaints, timedelta(days=days) / complaints, start, progress)
        return run.through()


@contextmanager
def _watchers_standing_by(url: str) -> Iterator[None]:
    """Keep the watchers from reading on: by their clock, everything that is under way in simulated time is overdue."""
    with closing(connect(url, "ledger_watcher", autocommit=False)) as conn, conn.cursor() as cursor:
        cursor.execute("set idle_in_transaction_session_timeout = 0")
        cursor.execute("set local lock_timeout = '60s'")
        cursor.execute("select from watch.progress, watch.reactions for update")
        yield
        # What was appended meanwhile was announced to nobody who could read it.
        cursor.execute("notify ledger")
        conn.commit()


@dataclass(slots=True)
class _Run:
    ledger: Ledger
    service_key: bytes
    market: Market
    complaints: int
    apart: timedelta
    start: datetime
    progress: Callable[[Traffic], None]
    traffic: Traffic = field(default_factory=Traffic)
    sent: deque[tuple[Append, str]] = field(default_factory=deque)
    #: What is done next, by time, and in the order in which it was planned.
    agenda: list[tuple[datetime, int, Callable[[datetime], None]]] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)

    def through(self) -> Traffic:
        for life, steps in openings(self.market):
            self.market.lives[life.stream] = life
            self.record(life, steps, self.market.opened)
            self.put(self.start if life.stays else self.market.opened, partial(self.go_on, life))
        self.put(self.start, partial(self.duties, first=True))
        self.put(self.start, partial(self.file, 0))
        while self.agenda:
            at, _, do = heapq.heappop(self.agenda)
            do(at)
            self.progress(self.traffic)
        self.settle(0)
        return self.traffic

    def put(self, at: datetime, do: Callable[[datetime], None]) -> None:
        heapq.heappush(self.agenda, (at, next(self.numbers), do))

    def file(self, number: int, at: datetime) -> None:
        case, steps = open_case(self.market, number, at)
        self.traffic.until = at
        self.traffic.complaints += 1
        self.traffic.going_on += 1
        self.done(case, steps, at)
        if number + 1 < self.complaints:
            self.put(self.start + self.apart * (number + 1), partial(self.file, number + 1))
        for life, taken in take_occasions(case):
            self.done(life, taken, at)

    def duties(self, at: datetime, *, first: bool = False) -> None:
        for life, steps in duties(self.market, at, first=first):
            self.done(life, steps, at)
        if (following := next_month(at)) < self.market.ends:
            self.put(following, self.duties)

    def done(self, life: Life, steps: Sequence[Step], at: datetime, by_command: Command | None = None) -> None:
        """Record what was done to a life beside what is planned in it, if anything was; one that it begins goes on."""
        if not steps:
            return
        self.market.lives.setdefault(life.stream, life)
        self.record(life, steps, at, by_command)
        if life.planned is None:
            self.go_on(life, at)
        elif (sooner := until_due(life, at)) is not None and sooner.at < life.planned.at:
            self.agree(life, sooner)

    def go_on(self, life: Life, at: datetime) -> None:
        """Plan what happens next in a life; one in which nothing does any more ends."""
        planned = plan(life, at)
        if planned is not None:
            self.agree(life, planned)
            return
        life.planned = None
        if not life.stays:
            del self.market.lives[life.stream]
        if life.kind is COMPLAINT:
            self.traffic.ended[life.state.status] += 1
            self.traffic.going_on -= 1

    def agree(self, life: Life, planned: Planned) -> None:
        life.planned = planned
        self.put(planned.at, partial(self.carry_out, life, planned))

    def carry_out(self, life: Life, planned: Planned, at: datetime) -> None:
        if life.planned is planned:
            self.traffic.until = at
            self.record(life, carry_out(life, planned), at)
            self.go_on(life, at)

    def record(self, life: Life, steps: Sequence[Step], at: datetime, by_command: Command | None = None) -> None:
        """Append what happened to a life, and what follows from it in lives that go on."""
        if not steps:
            return
        before = life.version - len(steps)
        self.append(life.stream, before, [event for event, _ in steps], by_command)
        if life.kind is COMPLAINT:
            self.market.remember(life)
        elif life.kind is GRIEVANCE:
            self.market.remember_decision(life)
        for version, (event, state) in enumerate(steps, before + 1):
            for reaction in reactions_to(life.stream, event, state) if event.name in RULES else ():
                other = self.market.lives.get(reaction.stream)
                if other is None and isinstance(event, PenaltyImposed) and event.merchant_id is not None:
                    shop = self.market.lives[event.merchant_id].shop
                    other = Life(MEASURE, reaction.stream, self.market, life.number, shop)
                if other is not None:
                    following = take(other, reaction.decide(other.state, self.market.book))
                    self.done(other, following, at, command_of(life.stream, version, reaction))

    def append(self, stream: str, version: int, events: Sequence[Event], by_command: Command | None) -> None:
        by_command = by_command or _command(self.service_key, self.market.name, stream, version, events)
        correlation = _command(self.service_key, self.market.name, stream, 0, ()).id
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
