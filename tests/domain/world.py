"""All streams at once, in memory: commands on them, and process managers that are killed at any moment.

The ledger is a list by position, as PostgreSQL keeps it: whoever reacts reads it in batches from the position that he
noted, and what he records is known by its cause, rule and stream.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from inspect import Parameter, signature
from random import Random
from typing import Any, NamedTuple

from domain.action import Action
from domain.complaint.filing import Filed
from domain.complaint.state import Status
from domain.errors import InvalidInput, LedgerError
from domain.event import Event
from domain.grievance.state import grieved
from domain.kind import Kind
from domain.reactions import RULES, Reaction, reactions_to
from domain.rulebook.book import Rulebook
from domain.streams import KINDS, kind_of
from domain.tracing import traced
from domain.values import Actor, Money
from tests.domain.arguments import IDS
from tests.domain.scenario import FIRST

#: What a command is known by: of a process manager its cause, rule and stream.
CommandId = tuple[Any, ...]
#: Arguments that are the state of a stream, and those that name it.
STATE_OF = {"merchant": "merchant_id", "platform": "platform_id", "target_state": "target"}
#: Arguments that name a stream, which has to exist.
NAMING = ("merchant_id", "office_id", "platform_id", "fund_id", "superior", "into", "other", "target", "imposed_by",
          "authority", "evaluated")  # fmt: skip


class Recorded(NamedTuple):
    """An event at its position: that is where it stands in the log, and here where it stands in its stream."""

    stream: str
    version: int
    event: Event
    command: CommandId
    cause: tuple[str, int] | None


@cache
def parameters(action: Action) -> Mapping[str, Parameter]:
    """The arguments of an action, by name."""
    return signature(action.decide).parameters


class Killed(Exception):
    """The process managers died."""


class World:
    """Streams, their states after each version, and how far the process managers have come."""

    def __init__(self, book: Rulebook = FIRST) -> None:
        self.book = book
        self.log: list[Recorded] = []
        self.states: dict[str, list[Any]] = {}
        self.commands: Counter[tuple[str, CommandId]] = Counter()
        self._begun: dict[str, list[str]] = defaultdict(list)
        #: The last position of which it is noted that all that follows from it is recorded.
        self.noted = 0
        self.refused: Counter[str] = Counter()

    def state(self, stream: str) -> Any:
        """Where a stream stands."""
        found = self.states.get(stream)
        return found[-1] if found else kind_of(stream).new

    def of(self, *prefixes: str) -> list[str]:
        """The streams of some kinds, of each in the order in which they began."""
        return [stream for prefix in prefixes for stream in self._begun[prefix]]

    def histories(self) -> dict[str, list[Event]]:
        """The events of each stream."""
        found: dict[str, list[Event]] = defaultdict(list)
        for one in self.log:
            found[one.stream].append(one.event)
        return found

    def append(
        self, stream: str, events: Sequence[Event], command: CommandId, cause: tuple[str, int] | None = None
    ) -> None:
        """Record events behind the others of their stream, all or none."""
        self.commands[stream, command] += 1
        if stream not in self.states:
            self._begun[stream.partition("-")[0]].append(stream)
        states = self.states.setdefault(stream, [])
        for event in events:
            states.append(kind_of(stream).evolve(self.state(stream), event))
            self.log.append(Recorded(stream, len(states), event, command, cause))

    def take(self, stream: str, action: Action, at: datetime, by: Actor, arguments: Mapping[str, Any]) -> bool:
        """Carry out a command; returns whether it was accepted. Nothing but a LedgerError may come out of it."""
        kind = kind_of(stream)
        try:
            whole = self._complete(stream, action, arguments)
            events = kind.act(action, self.state(stream), at=at, by=by, book=self.book, **whole)
        except LedgerError as error:
            self.refused[getattr(error, "rule", type(error).__name__)] += 1
            return False
        self.append(stream, events, ("command", len(self.log)))
        return True

    def _complete(self, stream: str, action: Action, given: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments with what the program knows of other streams."""
        whole = dict(given)
        for name in NAMING:
            if whole.get(name) is not None and whole[name] not in self.states:
                raise InvalidInput(f"there is no {whole[name]}")
        wanted, state = parameters(action), self.state(stream)
        for argument, naming in STATE_OF.items():
            if argument in wanted and whole.get(naming) is not None:
                whole[argument] = self.state(whole[naming])
        for argument, naming, found in (("traced", "complaints", traced), ("grieved", "grievances", grieved)):
            if argument in wanted:
                if any(one not in self.states for one in whole.get(naming, ())):
                    raise InvalidInput(f"there is no such one among the {naming}")
                whole[argument] = tuple(found(one, self.state(one)) for one in whole.get(naming, ()))
        if "own_id" in wanted:
            whole["own_id"] = stream
        if "subject" in wanted:
            whole["subject"] = self.state(f"subject-{state.consumer_id}")
        if action.name == "merge" and (
            whole["into"] == stream or self.state(whole["into"]).status in (Status.NONE, Status.MERGED)
        ):
            raise InvalidInput("another one goes on")
        if action.name == "assign_mediator":
            office = self.state(state.office_id) if state.office_id else KINDS["office"].new
            filed = next(one.event for one in self.log if one.stream == stream)
            assert isinstance(filed, Filed)
            whole |= {"candidates": office.candidates({}), "product": filed.product}
        return whole

    def watch(self, at: datetime) -> None:
        """Record what the passing of time has brought about."""
        for stream in list(self.states):
            kind = kind_of(stream)
            due = None if kind.next_due is None else kind.next_due(self.state(stream))
            if due is not None and due < at and (events := self._fall_due(kind, stream, at)):
                self.append(stream, events, ("due", len(self.log)))

    def _fall_due(self, kind: Kind, stream: str, at: datetime) -> list[Event]:
        return kind.fall_due(self.state(stream), at=at, book=self.book)

    def react(self, chance: Random, batch: int, dies_after: int | None = None) -> bool:
        """Record what follows from the next causes; returns whether there may be more.

        In each stream in the order of the causes, between streams in any. Raises Killed after ``dies_after`` of them:
        then nothing is noted, and what was recorded stays.
        """
        upto, causes = self._read(batch)
        if upto == self.noted:
            return False
        by_stream: dict[str, list[tuple[Recorded, Reaction]]] = defaultdict(list)
        for cause in causes:
            state = self.states[cause.stream][cause.version - 1]
            for reaction in reactions_to(cause.stream, cause.event, state):
                by_stream[reaction.stream].append((cause, reaction))
        done = 0
        while by_stream:
            stream = chance.choice(sorted(by_stream))
            if done == dies_after:
                raise Killed
            self._record(*by_stream[stream].pop(0))
            done += 1
            if not by_stream[stream]:
                del by_stream[stream]
        if dies_after is not None:
            raise Killed
        self.noted = upto
        return True

    def _read(self, batch: int) -> tuple[int, list[Recorded]]:
        causes: list[Recorded] = []
        for position, one in enumerate(self.log[self.noted :], self.noted + 1):
            if one.event.name in RULES:
                causes.append(one)
                if len(causes) == batch:
                    return position, causes
        return len(self.log), causes

    def _record(self, cause: Recorded, reaction: Reaction) -> None:
        """Record what follows, unless it is there already."""
        stream, version = cause.stream, cause.version
        command = (stream, version, reaction.rule, reaction.stream)
        if (reaction.stream, command) in self.commands:
            return
        assert reaction.begins or reaction.stream in self.states, f"{reaction.rule}: there is no {reaction.stream}"
        events = reaction.decide(self.state(reaction.stream), self.book)
        if events:
            self.append(reaction.stream, list(events), command, (stream, version))

    def catch_up(self, chance: Random) -> None:
        """Have the process managers record all that follows."""
        while self.react(chance, chance.randint(1, 20)):
            pass


@dataclass(frozen=True)
class Scene:
    """On which stream, as it stands, when and by whom something is tried; ``plot``: what is meant to come of it."""

    world: World
    stream: str
    state: Any
    at: datetime
    by: Actor
    chance: Random
    plot: tuple[str, ...] = ()

    def one_of(self, *choices: Any) -> Any:
        return self.chance.choice(choices)

    def any_of(self, *prefixes: str) -> str:
        """A stream that exists, or an id of which there is none."""
        return str(self.one_of(*(self.world.of(*prefixes) or [f"{prefixes[0]}-{IDS[0]}"])))

    def odd(self) -> bool:
        """Now and then: something that may well be refused."""
        return self.chance.random() < 0.05

    def yuan(self, most: int = 10**5) -> Money:
        return Money(fen=self.chance.randint(1, most), currency="USD" if self.odd() else "CNY")

    def later(self, most: int = 30) -> datetime:
        return self.at + timedelta(hours=self.chance.randint(1, 24 * most))
