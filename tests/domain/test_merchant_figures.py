"""What can be published of a merchant: each figure counts events that a complaint has recorded."""

from __future__ import annotations

from domain.complaint import negotiation, settlement
from domain.complaint.clocks import MediationEnded
from domain.complaint.filing import Filed
from domain.complaint.handling import Accepted, Received
from domain.complaint.mediation import MediationBegun, end_mediation
from domain.complaint.negotiation import Routed
from domain.complaint.settlement import Resolved
from domain.complaint.state import Deadline, Way
from domain.event import Event
from domain.merchant.state import Merchant
from tests.domain.lives import ANSWERED, FILED, MEDIATING, REFUND, ROUTED, clock
from tests.domain.scenario import FIRST, MEDIATOR, MERCHANT_ID, REGULATOR, START, day, given

ORDER_20 = "samr-order-20"
PLEDGE = clock(Deadline.PERFORMANCE, day(4), "2026-04-07", ORDER_20)


def kinds(history: tuple[Event, ...]) -> set[type[Event]]:
    return {type(event) for event in history}


def test_a9_a_complaint_counts_for_its_merchant_in_the_period_of_its_filing() -> None:
    given(*FILED).when(negotiation.route, at=day(1), by=REGULATOR, merchant=Merchant(), merchant_id=MERCHANT_ID).then(
        Routed(occurred_at=day(1), actor=REGULATOR, merchant_id=MERCHANT_ID)
    )
    assert kinds(FILED) == {Filed}
    assert FILED[0].occurred_at == START


def test_a9_a_mediation_that_succeeds_says_so() -> None:
    assert {MediationBegun, Accepted} < kinds(MEDIATING)
    given(*MEDIATING).when(settlement.settle, at=day(4), by=MEDIATOR, terms=(REFUND,)).then(
        Resolved(
            occurred_at=day(4), actor=MEDIATOR, basis="agreement", way=Way.MEDIATION, terms=(REFUND,), clocks=(PLEDGE,)
        )
    )


def test_a9_a_mediation_that_fails_says_why_and_whether_that_counts() -> None:
    ground = FIRST.rule_sets[ORDER_20].ending_grounds[0]
    given(*MEDIATING).when(end_mediation, at=day(4), by=MEDIATOR, ground=ground.code).then(
        MediationEnded(
            occurred_at=day(4),
            actor=MEDIATOR,
            ground=ground.code,
            rule_set=ORDER_20,
            source=ground.source,
            counts=ground.counts,
        )
    )


def test_a9_what_is_settled_before_the_administration_steps_in_was_never_received_by_an_office() -> None:
    for history in (ROUTED, ANSWERED):
        assert Received not in kinds(history)
        given(*history).when(settlement.settle, at=day(4), by=MEDIATOR, terms=(REFUND,)).then(
            Resolved(
                occurred_at=day(4),
                actor=MEDIATOR,
                basis="agreement",
                way=Way.NEGOTIATION,
                terms=(REFUND,),
                clocks=(PLEDGE,),
            )
        )
