"""Laws that hold for whatever is tried, in whatever order, on a request of any kind."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from typing import Any

import pytest
from hypothesis import assume, settings
from hypothesis import given as for_all
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain.action import Action
from domain.complaint import clocks, filing, life
from domain.complaint.advances import AdvancePaid, AdvanceRefused, AdvanceRequested
from domain.complaint.clocks import ClocksResumed, ClocksStopped, DuesRevised, next_due
from domain.complaint.life import ACTIONS, OF_A_REGISTER, ComplaintEvent
from domain.complaint.links import ConsequenceLinked
from domain.complaint.reports import PenaltyRevised
from domain.complaint.settlement import Performed, Resolved
from domain.complaint.state import ENDED, NEW, Complaint, Deadline, Outcome, OutcomeKind, RequestKind, Status
from domain.errors import LedgerError, RuleViolation
from domain.event import Event
from domain.rulebook.book import LimitName
from domain.streams import COMPLAINT
from domain.values import Money
from projections.complaint_details import COMPLAINT_DETAILS, Row
from projections.resolution_statistics import MEASURES, contributions
from projections.running_clocks import first_due
from tests.domain.arguments import ACTORS, Occasion, arguments
from tests.domain.lives import lapsed
from tests.domain.procedures import by_time
from tests.domain.random_lives import (
    BEGINNINGS,
    BEGUN,
    BOOKS,
    CONSUMER,
    PAUSES,
    SERVICE,
    answered,
    attempt,
    choose,
    histories,
)
from tests.domain.scenario import day
from tests.domain.sources import events_of

#: What comes back from other streams, whenever it comes.
ANSWERS = {AdvancePaid.name, AdvanceRefused.name, ConsequenceLinked.name, PenaltyRevised.name}
#: The events that may follow each end: those of the actions that it allows, and what other streams and time bring.
AFTER = {
    status: ANSWERS
    | {event.name for action in ACTIONS.values() if status in action.during for event in events_of(action)}
    | {event.name for event in by_time()}
    for status in ENDED
}


class Life(RuleBasedStateMachine):
    """A request, on which actors of all roles try all there is, while time passes and calendars are published."""

    def __init__(self) -> None:
        super().__init__()
        self.state: Complaint = NEW
        self.history: list[ComplaintEvent] = []
        self.row: Row | None = None
        self.at: datetime = BEGINNINGS[0]
        self.book = BOOKS[0]

    @initialize(seed=st.integers(0, 2**32), begun=st.sampled_from((None, *BEGUN)))
    def begin(self, seed: int, begun: Any) -> None:
        chance = Random(seed)
        self.at = chance.choice(BEGINNINGS) if begun is None else day(5)
        events = list(begun or ())
        while not events:
            events = attempt(filing.file, NEW, self.at, CONSUMER, self.book, chance)
        self.take(events)

    @rule(seed=st.integers(0, 2**32), by=st.sampled_from(ACTORS), pause=st.sampled_from(PAUSES))
    def try_something(self, seed: int, by: Any, pause: timedelta) -> None:
        self.at += pause
        chance = Random(seed)
        action = choose(self.state, self.at, by, self.book, chance)
        self.take(attempt(action, self.state, self.at, by, self.book, chance))

    @rule(pause=st.sampled_from(PAUSES))
    def time_passes(self, pause: timedelta) -> None:
        self.at += pause
        self.take(life.fall_due(self.state, at=self.at, book=self.book))

    @rule(seed=st.integers(0, 2**32))
    def another_stream_answers(self, seed: int) -> None:
        self.take(answered(self.history, self.state, self.at, Random(seed)))

    @rule()
    def the_calendar_of_the_next_year_is_published(self) -> None:
        self.book = BOOKS[1]

    @rule(seed=st.integers(0, 2**32), by=st.sampled_from(ACTORS))
    def the_list_of_legal_actions_is_honest(self, seed: int, by: Any) -> None:
        """Each that is listed is accepted for some arguments, and each that is not listed for none."""
        chance = Random(seed)
        listed = COMPLAINT.legal_actions(self.state, at=self.at, by=by, book=self.book)
        for name, action in ACTIONS.items():
            if name in listed:
                assert any(self.accepts(action, by, chance) for _ in range(60)), f"{name} is listed, and never accepted"
            elif name not in OF_A_REGISTER:
                assert not any(self.accepts(action, by, chance) for _ in range(2)), f"{name} is not listed"

    def accepts(self, action: Action, by: Any, chance: Random) -> bool:
        return bool(attempt(action, self.state, self.at, by, self.book, chance))

    def take(self, events: Iterable[ComplaintEvent]) -> None:
        for event in events:
            before, self.state = self.state, life.evolve(self.state, event)
            self.history.append(event)
            self.row = COMPLAINT_DETAILS.fold(self.row, event)
            if isinstance(event, AdvanceRequested):
                no_more_is_advanced_than_was_lost(before, event)
            if before.status in ENDED:
                assert event.name in AFTER[before.status]
            if event.name != "complaint.reopened":
                assert self.state.missed >= before.missed, "what was missed stays missed"
                self.no_deadline_moves_earlier(before, event)

    def no_deadline_moves_earlier(self, before: Complaint, event: ComplaintEvent) -> None:
        for old in before.clocks:
            new = self.state.clock(old.deadline)
            # Another offer has a term of its own.
            if new is not None and old.deadline is not Deadline.OFFER and not old.provisional:
                assert new.due >= old.due
                if new != old:
                    assert isinstance(event, ClocksStopped | ClocksResumed | DuesRevised) or new.due > old.due

    @invariant()
    def the_row_agrees_with_the_state(self) -> None:
        if self.row is None:
            return
        row, state = self.row, self.state
        assert row.status == state.status
        assert row.resolved == (state.status is Status.RESOLVED)
        assert (row.office_id or "", row.holder or "") == (state.office_id, state.holder)
        assert (row.public, row.disputed, row.reopened) == (state.published, state.disputed, state.reopened)
        assert (row.kind, row.consumer_id) == (state.kind, state.consumer_id)
        assert (row.concluded_at is not None) == state.concluded
        assert (row.mediator_id or "") == state.mediation.mediator_id
        assert row.recovered_fen == state.recovered.get("CNY", 0)
        assert first_due(row.clocks)[0] == row.next_due == next_due(state)
        if not state.imported:
            assert row.dispute_fen == in_yuan(state.in_dispute)
            assert (row.merchant_id or "") == state.merchant_id

    @invariant()
    def a_complaint_counts_the_same_in_every_dimension(self) -> None:
        if self.row is None or not (counted := contributions(self.row)):
            return
        assert len(set(counted.values())) == 1
        measures = dict(zip(MEASURES, next(iter(counted.values())), strict=True))
        of = measures.__getitem__
        assert of("answered_on_time") <= of("answered") <= of("answer_ended") <= of("valid") <= of("filed")
        assert of("filed") <= of("requests") == 1
        assert of("confirmed") <= of("resolved") >= of("resolved_on_time")
        assert of("self_settled") <= of("resolved") <= of("ended") <= of("valid")
        assert of("ended_without_person") <= of("ended")
        assert of("mediation_succeeded") <= of("mediated") <= of("valid")
        assert of("checked_on_time") <= of("checked") <= of("filed")
        assert of("verified_on_time") <= of("verified") <= of("reports")
        assert of("concluded_on_time") <= of("concluded")
        assert min(measures.values()) >= 0

    def teardown(self) -> None:
        self.what_was_decided_replays_to_the_same_state()
        money_adds_up(self.history, self.row)
        self.nothing_lapses_twice()

    def what_was_decided_replays_to_the_same_state(self) -> None:
        assert COMPLAINT.fold(self.history) == self.state
        again = [type(event).model_validate_json(event.model_dump_json()) for event in self.history]
        assert COMPLAINT.fold(again) == self.state

    def nothing_lapses_twice(self) -> None:
        later = self.at + timedelta(days=400)
        late = lapsed(tuple(self.history), later, self.book)
        assert lapsed((*self.history, *late), later, self.book) == ()


def money_adds_up(history: list[ComplaintEvent], row: Row | None) -> None:
    """Nothing is paid beyond what was agreed, and what the read model has recovered is the sum of all that was paid."""
    recovered = punitive = 0
    terms: tuple[Outcome, ...] = ()
    paid: list[int] = []
    for event in history:
        match event:
            case AdvancePaid() if not event.performs:
                recovered += in_yuan(event.amount) if event.kind is not OutcomeKind.PUNITIVE_DAMAGES else 0
                punitive += in_yuan(event.amount) if event.kind is OutcomeKind.PUNITIVE_DAMAGES else 0
            case Resolved():
                terms, paid = event.terms or (), [0] * len(event.terms or ())
                recovered += in_yuan(event.recovered)
            case Performed():
                agreed = terms[event.item].amount
                paid[event.item] += event.amount.fen if event.amount else 0
                assert paid[event.item] <= (agreed.fen if agreed else 0)
                if event.kind is OutcomeKind.PUNITIVE_DAMAGES:
                    punitive += in_yuan(event.amount)
                else:
                    recovered += in_yuan(event.amount)
    if row is not None:
        assert (row.recovered_fen, row.punitive_fen) == (recovered, punitive)


def no_more_is_advanced_than_was_lost(before: Complaint, event: AdvanceRequested) -> None:
    """With what has come back and what is being advanced, over all rounds; and never punitive damages."""
    currency, advances = event.amount.currency, before.advances
    lost, recovered = before.lost(currency), before.recovered.get(currency, 0)
    assert event.kind is not OutcomeKind.PUNITIVE_DAMAGES
    assert event.amount.fen > 0
    assert lost is None or recovered + advances.awaited(currency) + event.amount.fen <= lost
    cap = BOOKS[0].rule_sets["supervision-2019"].limits[LimitName.ADVANCE_CAP_FEN]
    assert advances.paid.get(currency, 0) + advances.awaited(currency) + event.amount.fen <= cap


def in_yuan(money: Money | None) -> int:
    return money.fen if money is not None and money.currency == "CNY" else 0


Life.TestCase.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
TestLife = Life.TestCase


@settings(max_examples=300, deadline=None)
@for_all(histories())
def test_a_deadline_is_missed_once_between_its_beginnings(history: list[ComplaintEvent]) -> None:
    missed: set[str] = set()
    for event in history:
        if event.name == "complaint.reopened":
            missed = set()
        for one in getattr(event, "clocks", None) or ():
            missed.discard(one.deadline)
        if isinstance(event, clocks.DeadlineMissed):
            assert event.deadline not in missed
            missed.add(event.deadline)


@settings(max_examples=200, deadline=None)
@for_all(histories())
def test_what_falls_due_falls_due_at_its_due_time(history: list[ComplaintEvent]) -> None:
    state = NEW
    for event in history:
        if isinstance(event, clocks.DeadlineMissed) and not state.imported:
            running = state.clock(event.deadline)
            assert running is not None
            assert running.due == event.occurred_at
        state = life.evolve(state, event)


@settings(max_examples=200, deadline=None)
@for_all(histories(), st.integers(0, 400))
def test_looking_often_or_once_finds_the_same(history: list[ComplaintEvent], days: int) -> None:
    end = history[-1].occurred_at + timedelta(days=days)
    assume(end > history[-1].occurred_at)
    once = lapsed(tuple(history), end)
    seen: tuple[Event, ...] = tuple(history)
    for n in range(1, 9):
        seen = (*seen, *lapsed(seen, history[-1].occurred_at + (end - history[-1].occurred_at) * n / 8))
    assert seen == (*history, *once)


def statuses_that_actions_lead_to() -> set[StrEnum]:
    return {status for action in (*ACTIONS.values(), filing.file) for status in action.to}


def test_every_status_is_reached_and_left_by_some_action() -> None:
    assert statuses_that_actions_lead_to() == set(Status) - {Status.NONE}
    assert {status for action in (*ACTIONS.values(), filing.file) for status in action.during} == set(Status)


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_who_has_another_role_is_refused_by_name(action: Action) -> None:
    """Every action names its roles; a service may take any."""
    status = Status(min(action.during - {Status.NONE}))
    state = NEW._replace(status=status, kind=RequestKind(min(action.kinds)))
    for by in ACTORS:
        refused = action.illegal(state, BEGINNINGS[0], by, BOOKS[0])
        if by.role in action.roles or by == SERVICE:
            assert refused is None or refused.rule != f"{action.rule}-by"
        else:
            assert refused is not None
            assert refused.rule == f"{action.rule}-by"


@settings(max_examples=300, deadline=None)
@for_all(histories(), st.integers(0, 2**32), st.sampled_from(ACTORS), st.sampled_from(sorted(ACTIONS)))
def test_a_refusal_names_the_rule_and_never_breaks(
    history: list[ComplaintEvent], seed: int, by: Any, name: str
) -> None:
    state = COMPLAINT.fold(history)
    at = history[-1].occurred_at + timedelta(days=1)
    chance = Random(seed)
    made = arguments(ACTIONS[name], Occasion(state, at, by, BOOKS[0], chance))
    refused: LedgerError | None = None
    try:
        COMPLAINT.act(ACTIONS[name], state, at=at, by=by, book=BOOKS[0], **made)
    except LedgerError as error:
        refused = error
    assert refused is None or (refused.message and (refused.hint or isinstance(refused, RuleViolation)))
