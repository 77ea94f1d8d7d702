"""Laws that hold for whatever is tried on a platform."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from domain.complaint.state import RequestKind
from domain.complaint.state import Status as Standing
from domain.event import Event
from domain.merchant.state import Merchant
from domain.merchant.state import Status as MerchantStatus
from domain.platform import notices
from domain.platform.notices import NoticeAnswered, NoticeGiven, NoticeMissed
from domain.platform.rules import RuleAnnounced
from domain.platform.state import Platform, rule_in_force
from domain.platform.supervision import ReportedViolation, SupervisionReported
from domain.streams import PLATFORM
from domain.tracing import Traced
from tests.domain.chance import DIGESTS, PAUSES, SERVICE, UUIDS, Life, Makers, Occasion

MERCHANT = f"merchant-{UUIDS[0]}"
COMPLAINT = f"complaint-{UUIDS[0]}"
DAYS = tuple(date(2026, 1, 1) + timedelta(days=n) for n in range(3))


def after_all_others(occasion: Occasion) -> datetime:
    """A time after that of every version that is to come."""
    state: Platform = occasion.state
    ends = [at for versions in state.rules.values() for one in versions for at in (one.effective_from, one.until)]
    return max([occasion.at, *(at for at in ends if at is not None)]) + timedelta(days=occasion.one_of(1, 9, 60))


MAKERS: Makers = {
    "identifier": lambda occasion: None,
    "rule_id": lambda occasion: occasion.one_of("rule-a", "rule-b"),
    "text": lambda occasion: occasion.one_of(*DIGESTS),
    "report": lambda occasion: occasion.one_of(*DIGESTS),
    "effective_from": lambda occasion: occasion.one_of(occasion.later(), after_all_others(occasion)),
    "effective_at": lambda occasion: occasion.one_of(occasion.later(), occasion.at, occasion.at - timedelta(days=1)),
    "took_effect_at": lambda occasion: occasion.at - timedelta(days=occasion.one_of(-1, 0, 1, 7)),
    "programme": lambda occasion: occasion.one_of("a", "b", "c"),
    "complaints": lambda occasion: (COMPLAINT,),
    "traced": lambda occasion: (Traced(COMPLAINT, RequestKind.COMPLAINT, Standing.ROUTED, MERCHANT),),
    "merchant_id": lambda occasion: MERCHANT,
    "merchant": lambda occasion: Merchant(status=MerchantStatus.REGISTERED),
    "office_id": lambda occasion: f"office-{UUIDS[0]}",
    "number": lambda occasion: occasion.chance.randint(0, len(occasion.state.notices) + 1),
    "first": lambda occasion: occasion.one_of(*DAYS),
    "last": lambda occasion: occasion.one_of(*DAYS),
    "findings": lambda occasion: ("x",),
    "conforms": lambda occasion: occasion.one_of(True, False),
    "violations": lambda occasion: (
        ReportedViolation(merchant_id=MERCHANT, violation="forged-reviews", complaints=(COMPLAINT,)),
    ),
}


class PlatformLife(Life):
    """A platform that announces, is noticed and reports."""

    kind = PLATFORM
    makers = MAKERS

    @rule(seed=st.integers(0, 2**32), pause=st.sampled_from(PAUSES))
    def a_measure_answers_a_notice(self, seed: int, pause: timedelta) -> None:
        """At its own time, which may be before the last that was recorded here."""
        chance = Random(seed)
        number = chance.randint(0, len(self.state.notices) + 1)
        self.take(
            notices.answer_notice(
                self.state, at=self.at - pause, by=SERVICE, number=number, measure=f"measure-{UUIDS[0]}"
            )
        )

    def happened(self, before: Any, event: Event) -> None:
        past = [at for at in self.moments() if at < event.occurred_at]
        for rule_id, versions in before.rules.items():
            for version in range(1, len(versions) + 1):
                for at in past:
                    assert rule_in_force(before, rule_id, version, at) == rule_in_force(
                        self.state, rule_id, version, at
                    ), "what was in force stays so for the past"
        if isinstance(event, RuleAnnounced):
            assert event.announcement is not None
            assert event.occurred_at < event.announcement.due < event.effective_from
        if isinstance(event, NoticeMissed):
            assert self.given(event.number).due == event.occurred_at
        if isinstance(event, NoticeAnswered):
            assert event.late == (event.occurred_at > self.given(event.number).due)
            answers = [one for one in self.history if isinstance(one, NoticeAnswered) and one.number == event.number]
            assert answers == [event]
        if isinstance(event, SupervisionReported):
            assert all(one.complaints for one in event.violations)
            linked = [
                one
                for report in self.history
                if isinstance(report, SupervisionReported) and report.first == event.first
                for one in report.new_complaints
            ]
            assert len(linked) == len(set(linked)), "a complaint is new once"
        for rule_id, versions in self.state.rules.items():
            for at in self.moments():
                assert sum(rule_in_force(self.state, rule_id, one, at) for one in range(1, len(versions) + 1)) <= 1

    def given(self, number: int) -> Any:
        return [event.term for event in self.history if isinstance(event, NoticeGiven)][number - 1]

    def moments(self) -> list[datetime]:
        """The instants at which something changes, and those just before."""
        found = {one.occurred_at for one in self.history}
        for versions in self.state.rules.values():
            found |= {at for one in versions for at in (one.effective_from, one.until) if at is not None}
        return [at - pause for at in found for pause in (timedelta(0), timedelta(microseconds=1))]


PlatformLife.TestCase.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
TestPlatformLife = PlatformLife.TestCase
