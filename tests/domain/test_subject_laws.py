"""Laws of consents: whatever is tried, a use is consented to between its giving and its withdrawal, and never else."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain.complaint.state import RequestKind
from domain.complaint.state import Status as Standing
from domain.errors import LedgerError
from domain.event import Event
from domain.streams import SUBJECT
from domain.subject import consents
from domain.subject.consents import ConsentGiven, ConsentWithdrawn
from domain.subject.state import Purpose, Subject
from domain.tracing import Traced
from domain.values import Actor, Role
from tests.domain.arguments import ACTORS, IDS
from tests.domain.scenario import FIRST, day

CONSUMER = next(one for one in ACTORS if one.role is Role.CONSUMER)
USES = tuple((purpose, recipient) for purpose in Purpose for recipient in ("a", "b"))
BY = st.one_of(st.just(CONSUMER), st.sampled_from(ACTORS))
ACTIONS = {"open_consents": consents.open_consents, **SUBJECT.actions}


class Consents(RuleBasedStateMachine):
    """A person who consents and withdraws, and others who try to."""

    def __init__(self) -> None:
        super().__init__()
        self.state: Subject = SUBJECT.new
        self.history: list[Event] = []
        self.at: datetime = day(0)

    def arguments(self, name: str, chance: Random) -> dict[str, Any]:
        sensible = [use for use in USES if self.state.consents_now(*use) == (name == "withdraw_consent")]
        purpose, recipient = chance.choice(sensible if sensible and chance.random() < 0.8 else USES)
        use = {"purpose": purpose, "recipient": recipient}
        traced = Traced(f"complaint-{IDS[0]}", RequestKind.COMPLAINT, Standing.FILED, "")
        made: dict[str, dict[str, Any]] = {
            "open_consents": {"consumer_id": CONSUMER.id},
            "give_consent": {**use, "text": "ab" * 32},
            "withdraw_consent": use,
            "record_leak": {
                "source": "s",
                "what": "w",
                "complaints": (traced.complaint_id,),
                "traced": (traced,) if chance.random() < 0.9 else (),
            },
        }
        return made[name]

    def attempt(self, name: str, by: Actor, chance: Random) -> list[Event]:
        try:
            return SUBJECT.act(ACTIONS[name], self.state, at=self.at, by=by, book=FIRST, **self.arguments(name, chance))
        except LedgerError:
            return []

    @initialize(seed=st.integers(0, 2**32), steps=st.integers(0, 30))
    def begin(self, seed: int, steps: int) -> None:
        chance = Random(seed)
        self.take(self.attempt("open_consents", CONSUMER, chance))
        for _ in range(steps):
            self.at += timedelta(hours=chance.randint(0, 9))
            self.take(self.attempt(chance.choice(sorted(ACTIONS)), CONSUMER, chance))

    @rule(
        name=st.sampled_from((*ACTIONS, "give_consent", "withdraw_consent")),
        seed=st.integers(0, 2**32),
        by=BY,
        pause=st.integers(-1, 9),
    )
    def try_something(self, name: str, seed: int, by: Actor, pause: int) -> None:
        self.at += timedelta(hours=pause)
        self.take(self.attempt(name, by, Random(seed)))

    def take(self, events: list[Event]) -> None:
        for event in events:
            self.state = SUBJECT.evolve(self.state, event)
            self.history.append(event)

    @rule(seed=st.integers(0, 2**32), by=st.sampled_from(ACTORS))
    def the_list_of_legal_actions_is_honest(self, seed: int, by: Actor) -> None:
        self.at = max(self.at, self.state.since or self.at)
        chance = Random(seed)
        listed = SUBJECT.legal_actions(self.state, at=self.at, by=by, book=FIRST)
        for name in SUBJECT.actions:
            full = name == "give_consent" and all(self.state.consents_now(*use) for use in USES)
            accepted = any(self.attempt(name, by, chance) for _ in range(60))
            assert accepted == (name in listed) or full, name

    @invariant()
    def a_use_is_consented_to_between_giving_and_withdrawal(self) -> None:
        moments = [event.occurred_at for event in self.history]
        for use in USES:
            for moment in moments:
                consented = False
                for event in self.history:
                    if not isinstance(event, ConsentGiven | ConsentWithdrawn) or event.occurred_at > moment:
                        continue
                    if (event.purpose, event.recipient) == use:
                        consented = isinstance(event, ConsentGiven)
                assert self.state.consented(*use, moment) == consented

    @invariant()
    def nobody_but_the_person_and_agents_changed_anything(self) -> None:
        side = {Role.CONSUMER, Role.AGENT, Role.LAWYER, Role.SERVICE}
        for event in self.history:
            if isinstance(event, ConsentGiven | ConsentWithdrawn):
                assert event.actor.role in side
                assert event.actor.role is not Role.CONSUMER or event.actor.id == self.state.consumer_id

    def teardown(self) -> None:
        assert SUBJECT.fold(self.history) == self.state
        again = [type(event).model_validate_json(event.model_dump_json()) for event in self.history]
        assert SUBJECT.fold(again) == self.state


Consents.TestCase.settings = settings(max_examples=80, stateful_step_count=25, deadline=None)
TestConsents = Consents.TestCase
