"""A stream of any kind on which actors of all roles try all there is, while time passes: the base of their laws."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from inspect import Parameter, signature
from random import Random
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain.action import Action
from domain.errors import LedgerError
from domain.event import Event
from domain.kind import Kind
from domain.values import Actor, Money, Role
from tests.domain.scenario import FIRST, on

UUIDS = tuple(f"{n:08d}-1111-4111-8111-111111111111" for n in range(1, 4))
DIGESTS = ("aa" * 32, "bb" * 32, "cc" * 32)
#: One actor per role.
EVERYBODY = tuple(Actor(f"{n:08d}-2222-4222-8222-222222222222", role) for n, role in enumerate(Role))
SERVICE = next(one for one in EVERYBODY if one.role is Role.SERVICE)
PAUSES = tuple(timedelta(microseconds=n) for n in (0, 1, 1)) + tuple(timedelta(hours=n) for n in (1, 1, 24, 24, 200))

#: Longer than any term.
YEARS = timedelta(days=1200)


@dataclass(frozen=True)
class Occasion:
    """On what, when and by whose choice something is tried."""

    state: Any
    at: datetime
    by: Actor
    chance: Random

    def one_of(self, *choices: Any) -> Any:
        return self.chance.choice(choices)

    def later(self) -> datetime:
        return self.at + timedelta(hours=self.chance.randint(0, 24 * 30))

    def money(self) -> Money:
        currency = self.one_of("CNY", "CNY", "CNY", "CNY", "USD")
        return Money(fen=self.one_of(0, 1, self.chance.randint(0, 1000)), currency=currency)


#: How an argument is made, by its name, or by action and name.
Makers = Mapping[Any, Callable[[Occasion], Any]]


class Life(RuleBasedStateMachine):
    """A stream of ``kind``; ``makers`` make the arguments of its actions, sensible ones mostly.

    ``rare``: actions that are chosen seldom, because little can follow them.
    """

    kind: ClassVar[Kind]
    makers: ClassVar[Makers]
    rare: ClassVar[frozenset[str]] = frozenset()

    def __init__(self) -> None:
        super().__init__()
        self.state: Any = self.kind.new
        self.history: list[Event] = []
        self.at = on("2026-03-02 09:00")

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        chance = Random(seed)
        assert self.kind.begin is not None
        while not self.history:
            self.take(self.attempt(self.kind.begin, chance.choice(EVERYBODY), chance))

    @rule(seed=st.integers(0, 2**32), tries=st.integers(1, 20))
    def actors_try_something(self, seed: int, tries: int) -> None:
        chance = Random(f"{seed} {len(self.history)}")
        for _ in range(tries):
            self.at += YEARS if chance.random() < 0.05 else chance.choice(PAUSES)
            by = SERVICE if chance.random() < 0.5 else chance.choice(EVERYBODY)
            names = self.legal(by)
            if not names or chance.random() < 0.1:
                names = list(self.kind.actions)
            (name,) = chance.choices(names, [1 if one in self.rare else 10 for one in names])
            self.take(self.attempt(self.kind.actions[name], by, chance))

    @rule(pause=st.sampled_from((*PAUSES, YEARS)))
    def time_passes(self, pause: timedelta) -> None:
        self.at += pause
        self.take(self.kind.fall_due(self.state, at=self.at, book=FIRST))

    @rule(seed=st.integers(0, 2**32), by=st.sampled_from(EVERYBODY))
    def the_list_of_legal_actions_is_honest(self, seed: int, by: Actor) -> None:
        """Each that is listed is accepted for some arguments, and each that is not listed for none."""
        chance, listed = Random(f"{seed} {len(self.history)}"), self.legal(by)
        for name, action in self.kind.actions.items():
            tries = 300 if name in listed else 2
            accepted = any(self.attempt(action, by, chance) for _ in range(tries))
            assert accepted == (name in listed), f"{name} is {'never accepted' if name in listed else 'not listed'}"

    def legal(self, by: Actor) -> Sequence[str]:
        return self.kind.legal_actions(self.state, at=self.at, by=by, book=FIRST)

    def attempt(self, action: Action, by: Actor, chance: Random) -> list[Event]:
        """Try an action with arguments by chance; nothing happens where it is refused."""
        occasion = Occasion(self.state, self.at, by, chance)
        try:
            return self.kind.act(
                action, self.state, at=self.at, by=by, book=FIRST, **_arguments(action, self.makers, occasion)
            )
        except LedgerError:
            return []

    def take(self, events: Sequence[Event]) -> None:
        for event in events:
            before, self.state = self.state, self.kind.evolve(self.state, event)
            self.history.append(event)
            self.happened(before, event)

    def happened(self, before: Any, event: Event) -> None:
        """What has to hold after each event."""

    @invariant()
    def what_is_replayed_is_the_same(self) -> None:
        assert self.kind.fold(self.history) == self.state

    @invariant()
    def what_fell_due_is_noticed_once_and_at_its_due_time(self) -> None:
        state, next_due = self.state, self.kind.next_due
        if next_due is None:
            return
        for event in self.kind.fall_due(state, at=self.at, book=FIRST):
            due = next_due(state)
            assert due is not None
            assert event.occurred_at == due < self.at
            state = self.kind.evolve(state, event)
        assert self.kind.fall_due(state, at=self.at, book=FIRST) == []
        assert (due := next_due(state)) is None or due >= self.at


def _arguments(action: Action, makers: Makers, occasion: Occasion) -> dict[str, Any]:
    """Make arguments for an action; those with a default are left out half of the time."""
    made = {}
    for name, parameter in signature(action.decide).parameters.items():
        if name in ("state", "at", "by", "book"):
            continue
        make = makers.get((action.name, name)) or makers.get(name) or (lambda occasion: occasion.one_of("a", "b"))
        if parameter.default is Parameter.empty or occasion.chance.random() < 0.5:
            made[name] = make(occasion)
    return made
