"""Laws of a fund: whatever is tried, its balance adds up and is never negative."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain.errors import LedgerError
from domain.event import Event
from domain.fund import advances, keeping
from domain.fund.advances import Advanced, Recovered, WrittenOff
from domain.fund.keeping import PaidIn
from domain.fund.state import Fund, Status
from domain.streams import FUND
from domain.values import Actor, Money, Role
from tests.domain.arguments import ACTORS, IDS, MERCHANTS, OFFICES
from tests.domain.scenario import FIRST, day

REGULATOR = next(one for one in ACTORS if one.role is Role.REGULATOR)
BY = st.one_of(st.just(REGULATOR), st.sampled_from(ACTORS))
ACTIONS = {"open_fund": keeping.open_fund, **FUND.actions}


class Keeping(RuleBasedStateMachine):
    """A fund that is paid into, asked for advances, and paid back."""

    def __init__(self) -> None:
        super().__init__()
        self.state: Fund = FUND.new
        self.history: list[Event] = []
        self.at: datetime = day(0)

    def arguments(self, name: str, chance: Random) -> dict[str, Any]:
        outstanding = sorted(self.state.outstanding) or [1]
        number = chance.choice([*outstanding, 99] if chance.random() < 0.1 else outstanding)
        most = self.state.outstanding.get(number, 1) if name == "recover" else 10**6
        money = Money(fen=chance.choice((0, most + 1)) if chance.random() < 0.1 else chance.randint(1, most))
        made: dict[str, dict[str, Any]] = {
            "open_fund": {"title": "t", "office_id": OFFICES[0]},
            "pay_in": {"contributor": "c", "amount": money, "reference": "r"},
            "recover": {"advance": number, "amount": money, "reference": "r"},
            "write_off": {"advance": number, "reason": "r"},
            "close_fund": {"reason": "r"},
        }
        return made[name]

    def attempt(self, name: str, by: Actor, chance: Random) -> list[Event]:
        try:
            return FUND.act(ACTIONS[name], self.state, at=self.at, by=by, book=FIRST, **self.arguments(name, chance))
        except LedgerError:
            return []

    @initialize(seed=st.integers(0, 2**32), steps=st.integers(0, 30))
    def begin(self, seed: int, steps: int) -> None:
        chance = Random(seed)
        self.take(self.attempt("open_fund", REGULATOR, chance))
        for request in range(1, steps):
            self.do_something(chance, REGULATOR)
            self.a_complaint_requests(IDS[0], request, chance.randint(1, 5 * 10**5), 0)

    @rule(seed=st.integers(0, 2**32), by=BY)
    def try_something(self, seed: int, by: Actor) -> None:
        self.do_something(Random(seed), by)

    def do_something(self, chance: Random, by: Actor) -> None:
        self.at += timedelta(hours=chance.randint(0, 9))
        legal = FUND.legal_actions(self.state, at=self.at, by=by, book=FIRST)
        # A fund that is closed at once shows little.
        names = [name for name in legal if name != "close_fund" or chance.random() < 0.05] or sorted(ACTIONS)
        self.take(self.attempt(chance.choice(names), by, chance))

    @rule(
        complaint=st.sampled_from(IDS),
        request=st.integers(1, 30),
        fen=st.integers(1, 5 * 10**5),
        ago=st.integers(0, 50),
    )
    def a_complaint_requests(self, complaint: str, request: int, fen: int, ago: int) -> None:
        self.take(
            advances.advance(
                self.state,
                at=self.at - timedelta(hours=ago),
                by=REGULATOR,
                complaint_id=f"complaint-{complaint}",
                request=request,
                item=0,
                amount=Money(fen=fen, currency="USD" if fen % 10 == 0 else "CNY"),
                payer="merchant",
                debtor=MERCHANTS[0],
            )
        )

    @rule(seed=st.integers(0, 2**32), by=st.sampled_from(ACTORS))
    def the_list_of_legal_actions_is_honest(self, seed: int, by: Actor) -> None:
        chance = Random(seed)
        listed = FUND.legal_actions(self.state, at=self.at, by=by, book=FIRST)
        for name in FUND.actions:
            tries = 40 if name in listed else 3
            assert any(self.attempt(name, by, chance) for _ in range(tries)) == (name in listed), name

    def take(self, events: Any) -> None:
        for event in events:
            self.state = FUND.evolve(self.state, event)
            self.history.append(event)

    @invariant()
    def the_balance_adds_up(self) -> None:
        paid_in = sum(one.amount.fen for one in self.history if isinstance(one, PaidIn))
        advanced = sum(one.amount.fen for one in self.history if isinstance(one, Advanced))
        recovered = sum(one.amount.fen for one in self.history if isinstance(one, Recovered))
        written_off = sum(one.amount.fen for one in self.history if isinstance(one, WrittenOff))
        assert self.state.balance == paid_in - advanced + recovered >= 0
        assert sum(self.state.outstanding.values()) == advanced - recovered - written_off >= 0
        told = [one.balance.fen for one in self.history if isinstance(one, PaidIn | Advanced | Recovered)]
        assert (told[-1] if told else 0) == self.state.balance
        if self.state.status is Status.CLOSED:
            assert not self.state.outstanding

    @invariant()
    def what_is_outstanding_is_known_of_each_advance(self) -> None:
        left = {one.number: one.amount.fen for one in self.history if isinstance(one, Advanced)}
        for one in self.history:
            if isinstance(one, Recovered | WrittenOff):
                left[one.advance] -= one.amount.fen
        assert dict(self.state.outstanding) == {number: fen for number, fen in left.items() if fen}

    def teardown(self) -> None:
        assert FUND.fold(self.history) == self.state
        again = [type(event).model_validate_json(event.model_dump_json()) for event in self.history]
        assert FUND.fold(again) == self.state


Keeping.TestCase.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
TestKeeping = Keeping.TestCase
