"""Laws that hold for whatever is tried on a grievance."""

from __future__ import annotations

from datetime import datetime

from hypothesis import settings
from hypothesis.stateful import invariant

from domain.event import Event
from domain.grievance.complaining import Answered, AnswerMissed, Complained
from domain.grievance.deciding import Decided, TakenUp
from domain.grievance.state import Grievance, Status
from domain.streams import GRIEVANCE
from tests.domain.chance import UUIDS, Life, Makers, Occasion

MAKERS: Makers = {
    "merchant_id": lambda occasion: f"merchant-{UUIDS[0]}",
    "platform_id": lambda occasion: f"platform-{UUIDS[0]}",
    "office_id": lambda occasion: f"office-{UUIDS[0]}",
    "violation": lambda occasion: occasion.one_of("unfair-fee", "forced-choice"),
    "claim": Occasion.money,
    "upheld": lambda occasion: occasion.one_of(True, False),
}


class GrievanceLife(Life):
    """A grievance between a merchant, a platform and an office."""

    kind = GRIEVANCE
    makers = MAKERS
    rare = frozenset({"answer_grievance", "settle_grievance", "withdraw_grievance"})

    def happened(self, before: Grievance, event: Event) -> None:
        assert before.status not in (Status.SETTLED, Status.DECIDED, Status.WITHDRAWN), "nothing follows an end"
        if isinstance(event, Answered):
            assert event.late == any(isinstance(one, AnswerMissed) for one in self.history)
            assert event.late == (event.occurred_at > self.due())
        if isinstance(event, AnswerMissed):
            assert event.occurred_at == self.due()
        if isinstance(event, TakenUp):
            assert before.answered is not None or before.status is Status.UNANSWERED
        if isinstance(event, Decided):
            assert event.upheld == (event.violation is not None)

    def due(self) -> datetime:
        (begun, *_) = self.history
        assert isinstance(begun, Complained)
        assert begun.term is not None
        return begun.term.due

    @invariant()
    def it_is_answered_and_missed_once_at_most(self) -> None:
        for one in (Answered, AnswerMissed, TakenUp):
            assert sum(isinstance(event, one) for event in self.history) <= 1


GrievanceLife.TestCase.settings = settings(max_examples=100, stateful_step_count=20, deadline=None)
TestGrievanceLife = GrievanceLife.TestCase
