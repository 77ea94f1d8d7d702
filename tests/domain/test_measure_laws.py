"""Laws that hold for whatever is tried on a measure."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis.stateful import invariant

from domain.complaint.state import RequestKind
from domain.complaint.state import Status as Standing
from domain.event import Event
from domain.measure.damages import DamagesAwarded, DamagesClaimed
from domain.measure.ending import Ended, Paid
from domain.measure.imposing import Imposed
from domain.measure.remedies import Appealed, Decided, DecisionOutcome, ReviewSought, Sued
from domain.measure.state import (
    AUTHORITY_LADDER,
    PLATFORM_LADDER,
    WITH_AMOUNT,
    WITH_END,
    Measure,
    MeasureKind,
    RuleReference,
    Status,
    is_milder,
)
from domain.merchant.state import Merchant
from domain.merchant.state import Status as MerchantStatus
from domain.platform.state import Platform, RuleVersion, rule_in_force
from domain.streams import MEASURE
from domain.tracing import Traced
from domain.values import Money
from tests.domain.chance import UUIDS, Life, Makers, Occasion
from tests.domain.scenario import day

MERCHANT = f"merchant-{UUIDS[0]}"
COMPLAINT = f"complaint-{UUIDS[0]}"
#: Version 1 is no longer in force when a measure is imposed here.
PLATFORM = Platform(rules={"reviews": (RuleVersion(day(-30), day(-1)), RuleVersion(day(-1)))})
KINDS = tuple(MeasureKind)


def _kind(occasion: Occasion) -> MeasureKind:
    """Of the measure's own ladder mostly, and the same kind now and then."""
    state: Measure = occasion.state
    if state.sanction is None:
        return occasion.chance.choice(KINDS)
    ladder = PLATFORM_LADDER if state.by_platform else AUTHORITY_LADDER
    return occasion.chance.choice([*ladder, state.sanction.kind])


MAKERS: Makers = {
    "target": lambda occasion: occasion.one_of(MERCHANT, MERCHANT, f"platform-{UUIDS[1]}"),
    "target_state": lambda occasion: Merchant(status=MerchantStatus.REGISTERED),
    "imposed_by": lambda occasion: occasion.one_of(f"platform-{UUIDS[0]}", f"office-{UUIDS[0]}"),
    "kind": _kind,
    "violation": lambda occasion: "forged-reviews",
    "complaints": lambda occasion: (COMPLAINT,),
    "traced": lambda occasion: (Traced(COMPLAINT, RequestKind.COMPLAINT, Standing.ROUTED, MERCHANT),),
    "rule": lambda occasion: RuleReference(rule_id="reviews", version=occasion.one_of(1, 2, 2)),
    "grievances": lambda occasion: (),
    "grieved": lambda occasion: (),
    "notice": lambda occasion: None,
    "platform_id": lambda occasion: f"platform-{UUIDS[0]}",
    "platform": lambda occasion: PLATFORM,
    "amount": Occasion.money,
    "damages": Occasion.money,
    "until": lambda occasion: occasion.later() + timedelta(microseconds=1),
    # Most decisions leave the measure as it was, or revoke it.
    ("decide_appeal", "kind"): lambda occasion: occasion.one_of(None, None, _kind(occasion)),
    ("decide_appeal", "amount"): lambda occasion: occasion.one_of(None, None, occasion.money()),
    ("decide_appeal", "until"): lambda occasion: occasion.one_of(None, None, occasion.later()),
    ("decide_appeal", "damages"): lambda occasion: occasion.one_of(None, None, occasion.money()),
    "outcome": lambda occasion: occasion.one_of(*DecisionOutcome),
}


class MeasureLife(Life):
    """A measure that is contested, carried out and ended."""

    kind = MEASURE
    makers = MAKERS
    rare = frozenset({"lift"})

    def happened(self, before: Measure, event: Event) -> None:
        if isinstance(event, Imposed):
            self.was_imposed_lawfully(event)
        if isinstance(event, Appealed | ReviewSought | Sued):
            assert before.contested_by is None, "one remedy at a time"
            assert self.state.contested_by not in self.state.remedies, "each is used once"
        if isinstance(event, Decided):
            assert event.remedy is before.contested_by
            assert event.counts == (self.state.status is not Status.REVOKED)
            if event.outcome is DecisionOutcome.VARIED:
                assert before.sanction is not None
                assert is_milder(self.state.sanction, before.sanction)
        if isinstance(event, Ended):
            assert before.sanction is not None
            assert event.occurred_at == before.sanction.until
        if before.status is Status.REVOKED:
            assert self.state.status is Status.REVOKED
            assert isinstance(event, DamagesClaimed | DamagesAwarded)
        if before.over and not self.state.over:
            raise AssertionError("what has ended is in force again")

    def was_imposed_lawfully(self, event: Imposed) -> None:
        assert event.reason
        assert event.basis
        assert event.remedies
        assert event.complaints
        assert (event.amount is not None) == (event.kind in WITH_AMOUNT)
        assert (event.until is not None) == (event.kind in WITH_END)
        if event.kind in PLATFORM_LADDER:
            assert event.rule is not None
            assert rule_in_force(PLATFORM, event.rule.rule_id, event.rule.version, event.occurred_at)
        else:
            assert event.case_number

    @invariant()
    def what_was_paid_and_not_paid_back_is_never_more_than_is_due(self) -> None:
        state: Measure = self.state
        paid = sum(event.amount.fen for event in self.history if isinstance(event, Paid))
        back = sum(event.repay.fen for event in self.history if isinstance(event, Decided) and event.repay)
        assert state.paid_fen == paid - back
        due = 0 if state.sanction is None or state.sanction.amount is None else state.sanction.amount.fen
        assert state.paid_fen <= (0 if state.status is Status.REVOKED else due)

    @invariant()
    def no_more_is_awarded_than_was_claimed(self) -> None:
        claimed = [_claim(event) for event in self.history]
        awarded = [
            event.damages if isinstance(event, Decided) else event.amount
            for event in self.history
            if isinstance(event, Decided | DamagesAwarded)
        ]
        assert sum(one.fen for one in awarded if one is not None) <= sum(one.fen for one in claimed if one is not None)
        assert len([one for one in awarded if one is not None]) <= 1

    @invariant()
    def it_is_contested_while_a_remedy_is_open(self) -> None:
        assert (self.state.status is Status.CONTESTED) == (self.state.contested_by is not None)


def _claim(event: Any) -> Money | None:
    found: Money | None = (
        event.damages if isinstance(event, Appealed) else event.amount if isinstance(event, DamagesClaimed) else None
    )
    return found


MeasureLife.TestCase.settings = settings(max_examples=80, stateful_step_count=20, deadline=None)
TestMeasureLife = MeasureLife.TestCase
