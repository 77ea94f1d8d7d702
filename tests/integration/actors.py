"""All kinds of actors on a real ledger, and what the process managers made of it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from inspect import signature
from typing import Any

from adapters.execute import Ledger
from adapters.record import read_record
from domain.complaint.negotiation import Regime
from domain.complaint.state import Outcome, OutcomeKind
from domain.event import Event
from domain.reactions import PROCESS, reactions_to
from domain.streams import EVENT_TYPES, KINDS, kind_of
from domain.tracing import traced
from domain.values import Actor, Money, Role
from tests.integration.deadlines import MERCHANT, SIGNED, START, Desk, days, hours, rows

SELLER = Actor("22222222-2222-4222-8222-222222222222", Role.MERCHANT)
REGULATOR = Actor("33333333-3333-4333-8333-333333333333", Role.REGULATOR)
HOST = Actor("77777777-7777-4777-8777-777777777777", Role.PLATFORM)
BUYER = Actor("11111111-1111-4111-8111-111111111111", Role.CONSUMER)
OFFICE = "office-55555555-5555-4555-8555-555555555555"
REFUND = Outcome(kind=OutcomeKind.PARTIAL_REFUND, amount=Money(fen=5_000))


class Town(Desk):
    """A desk at which merchants, platforms, offices and funds act as well."""

    def begin(self, prefix: str, at: datetime, by: Actor, stream: str | None = None, **arguments: Any) -> str:
        """Begin a stream; returns its id."""
        kind, own = KINDS[prefix], stream or f"{prefix}-{self._id()}"
        begin = kind.begin
        assert begin is not None
        self._execute(own, lambda state, book: kind.act(begin, state, at=at, by=by, book=book, **arguments), new=True)
        return own

    def take(self, stream: str, action: str, at: datetime, by: Actor, **arguments: Any) -> None:
        """Take an action; ``complaints`` are looked up."""
        kind = kind_of(stream)
        if "complaints" in arguments:
            arguments["traced"] = self.behind(*arguments["complaints"])
        if "own_id" in signature(kind.actions[action].decide).parameters:
            arguments["own_id"] = stream
        self._execute(
            stream,
            lambda state, book: kind.act(kind.actions[action], state, at=at, by=by, book=book, **arguments),
        )

    def behind(self, *complaints: str) -> tuple[Any, ...]:
        return tuple(traced(one, self.state(one)) for one in complaints)

    def state(self, stream: str) -> Any:
        return kind_of(stream).fold(recorded.event for recorded in self.ledger.history(stream))

    def settled_and_not_performed(self, at: datetime = START) -> str:
        """A complaint whose agreement was not kept within its term."""
        complaint = self.one_click(at)
        self.act(complaint, "settle", at + hours(1), terms=(REFUND,))
        return complaint


def consequences(ledger: Ledger) -> list[tuple[str, Event, str | None]]:
    """What the process managers recorded, by position: stream, event, and its cause."""
    return [
        (one.originator_id, one.event, one.causation_id) for _, one in everything(ledger) if one.event.actor == PROCESS
    ]


def everything(ledger: Ledger) -> list[tuple[int, Any]]:
    """All records that can be read, with their positions."""
    with ledger.recorder.reading() as cursor:
        cursor.execute(
            "select position, record from ledger.events where type = any(%s) order by position", (list(EVENT_TYPES),)
        )
        return [(position, read_record(bytes(record))) for position, record in cursor]


def assert_all_followed_once(ledger: Ledger, database_url: str) -> Counter[str]:
    """For every event, what follows by the rules was recorded by one command; returns how often each rule was applied.

    A rule may find nothing to be done.
    """
    assert rows(database_url, "select count(*) from watch.reactions_waiting") == [(0,)]
    recorded = everything(ledger)
    by_cause: Counter[tuple[str, str]] = Counter()
    for command, stream, cause in {
        (one.command_id, one.originator_id, one.causation_id) for _, one in recorded if one.causation_id is not None
    }:
        assert command
        by_cause[cause, stream] += 1
    applied: Counter[str] = Counter()
    histories: dict[str, list[Event]] = {}
    allowed: Counter[tuple[str, str]] = Counter()
    for _, one in recorded:
        history = histories.setdefault(one.originator_id, [])
        history.append(one.event)
        state = kind_of(one.originator_id).fold(history)
        for reaction in reactions_to(one.originator_id, one.event, state):
            applied[reaction.rule] += 1
            allowed[f"{one.originator_id}:{one.originator_version}", reaction.stream] += 1
    assert all(count <= allowed[key] for key, count in by_cause.items()), by_cause - allowed
    return applied


__all__ = [
    "BUYER",
    "HOST",
    "MERCHANT",
    "OFFICE",
    "REFUND",
    "REGULATOR",
    "SELLER",
    "SIGNED",
    "START",
    "Regime",
    "Town",
    "assert_all_followed_once",
    "consequences",
    "days",
    "everything",
    "hours",
    "timedelta",
]
