"""Laws of an office: whatever is tried, what it warns of and finds keeps its order."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain.complaint.mediation import MediatorKind
from domain.complaint.state import RequestKind
from domain.complaint.state import Status as Standing
from domain.errors import LedgerError
from domain.event import Event
from domain.office import establishment
from domain.office.establishment import Level
from domain.office.evaluation import ActionTaken, EvaluationRecorded, FindingRecorded, MeasuredAgain
from domain.office.state import Office
from domain.office.warnings import WarningIssued, YearlyListPublished
from domain.streams import OFFICE
from domain.tracing import Traced
from domain.values import Actor, Role
from tests.domain.arguments import ACTORS, IDS, OFFICES
from tests.domain.scenario import FIRST, day

REGULATOR = next(one for one in ACTORS if one.role is Role.REGULATOR)
BY = st.one_of(st.just(REGULATOR), st.sampled_from(ACTORS))
#: What follows on one another, and chance seldom brings.
EVALUATING = ("record_evaluation", "record_finding", "take_action", "measure_again")
ACTIONS = {"establish": establishment.establish, **OFFICE.actions}
PERIODS = tuple((date(year, month, 1), date(year, month + 2, last)) for year in (2025, 2026, 2027)
                for month, last in ((1, 31), (4, 30), (7, 30), (10, 31)))  # fmt: skip
TRACED = Traced(f"complaint-{IDS[0]}", RequestKind.COMPLAINT, Standing.FILED, "")


class Work(RuleBasedStateMachine):
    """An office at work for years, and others who try to do its work."""

    def __init__(self) -> None:
        super().__init__()
        self.state: Office = OFFICE.new
        self.history: list[Event] = []
        self.at: datetime = day(0)

    def arguments(self, name: str, chance: Random) -> dict[str, Any]:
        state, rarely = self.state, chance.random() < 0.1
        first, last = chance.choice([one for one in PERIODS if one[1] < self.at.date() or rarely])
        numbers = sorted(state.evaluations) or [1]
        findings = sorted(state.open_findings) or [1]
        measurable = [
            (finding, number)
            for finding, one in state.open_findings.items()
            for number, later in state.evaluations.items()
            if one.acted and later.first > state.evaluations[one.evaluation].last and later.last >= one.acted
        ]
        again = chance.choice(measurable if measurable and not rarely else [(findings[0], numbers[0])])
        year = chance.choice(sorted(state.warnings.values()) or [2026])
        mediators = sorted(state.mediators)
        made: dict[str, dict[str, Any]] = {
            "establish": {"title": "t", "level": Level.COUNTY, "division": "330106", "superior": OFFICES[0]},
            "enrol_mediator": {
                "mediator_id": chance.choice([one for one in IDS if one not in mediators] or IDS),
                "kind": MediatorKind.PERSON,
            },
            "declare_conflict": {
                "mediator_id": chance.choice(mediators or IDS),
                "party_id": str(chance.randint(1, 10**9)),
            },
            "release_mediator": {"mediator_id": chance.choice(mediators or IDS), "reason": "r"},
            "issue_warning": {
                "theme": "t",
                "text": "t",
                "complaints": (TRACED.complaint_id,),
                "traced": () if rarely else (TRACED,),
            },
            "publish_yearly_list": {
                "year": year,
                "warnings": tuple(one for one, of in state.warnings.items() if of == year or rarely),
            },
            "record_evaluation": {
                "evaluated": f"{'merchant' if rarely else 'platform'}-{IDS[0]}",
                "first": first,
                "last": last,
                "cases": chance.randint(1, 99),
                "resolution_hours_median": 1,
                "satisfaction_permille": 2,
                "success_permille": 3,
            },
            "record_finding": {"evaluation": chance.choice(numbers), "text": "t"},
            "take_action": {"finding": chance.choice(findings), "text": "t"},
            "measure_again": {"finding": again[0], "evaluation": again[1]},
        }
        return made[name]

    def attempt(self, name: str, by: Actor, chance: Random) -> list[Event]:
        try:
            return OFFICE.act(ACTIONS[name], self.state, at=self.at, by=by, book=FIRST, **self.arguments(name, chance))
        except LedgerError:
            return []

    @initialize(seed=st.integers(0, 2**32), steps=st.integers(0, 40))
    def begin(self, seed: int, steps: int) -> None:
        chance = Random(seed)
        self.take(self.attempt("establish", REGULATOR, chance))
        for _ in range(steps):
            self.do_something(chance, REGULATOR)

    @rule(seed=st.integers(0, 2**32), by=BY)
    def try_something(self, seed: int, by: Actor) -> None:
        self.do_something(Random(seed), by)

    def do_something(self, chance: Random, by: Actor) -> None:
        self.at = min(self.at + timedelta(days=chance.randint(0, 90)), day(700))
        legal = OFFICE.legal_actions(self.state, at=self.at, by=by, book=FIRST)
        likely = [name for name in legal if name in EVALUATING] or legal
        names = chance.choice((likely, legal)) or sorted(ACTIONS)
        self.take(self.attempt(chance.choice(names), by, chance))

    def take(self, events: list[Event]) -> None:
        for event in events:
            self.state = OFFICE.evolve(self.state, event)
            self.history.append(event)

    @rule(seed=st.integers(0, 2**32), by=BY)
    def the_list_of_legal_actions_is_honest(self, seed: int, by: Actor) -> None:
        chance = Random(seed)
        listed = OFFICE.legal_actions(self.state, at=self.at, by=by, book=FIRST)
        for name in OFFICE.actions:
            accepted = any(self.attempt(name, by, chance) for _ in range(80))
            # Nobody may be enrolled of whom one could tell.
            needs_mediators = name in ("declare_conflict", "release_mediator") and not self.state.mediators
            all_enrolled = name == "enrol_mediator" and len(self.state.mediators) == len(IDS)
            assert accepted == (name in listed) or needs_mediators or all_enrolled, name

    @invariant()
    def what_was_found_is_acted_on_and_then_measured_in_a_later_period(self) -> None:
        evaluations: dict[int, EvaluationRecorded] = {}
        findings: dict[int, FindingRecorded] = {}
        acted: set[int] = set()
        closed: set[int] = set()
        for event in self.history:
            match event:
                case EvaluationRecorded():
                    evaluations[event.number] = event
                case FindingRecorded():
                    findings[event.number] = event
                case ActionTaken():
                    assert event.finding in findings.keys() - closed
                    acted.add(event.finding)
                case MeasuredAgain():
                    assert event.finding in acted - closed
                    old, new = evaluations[findings[event.finding].evaluation], evaluations[event.evaluation]
                    assert (old.evaluated, old.last) < (new.evaluated, new.first)
                    assert old.evaluated == new.evaluated
                    assert (event.before, event.after) == (old.figures, new.figures)
                    closed.add(event.finding)
        assert self.state.open_findings.keys() == findings.keys() - closed

    @invariant()
    def numbers_and_editions_count_from_one(self) -> None:
        issued = [one.number for one in self.history if isinstance(one, WarningIssued)]
        assert issued == list(range(1, len(issued) + 1))
        for year in {2026, 2027, 2028}:
            editions = [
                one.edition for one in self.history if isinstance(one, YearlyListPublished) and one.year == year
            ]
            assert editions == list(range(1, len(editions) + 1))

    def teardown(self) -> None:
        assert OFFICE.fold(self.history) == self.state
        again = [type(event).model_validate_json(event.model_dump_json()) for event in self.history]
        assert OFFICE.fold(again) == self.state


Work.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestWork = Work.TestCase
