"""Decision by the platform, arbitration, court, and what they cost."""

from __future__ import annotations

from typing import Any

import pytest

from domain.complaint import ending, handling, mediation, negotiation, settlement, ways
from domain.complaint.jurisdiction import Sale
from domain.complaint.settlement import Resolved
from domain.complaint.state import Deadline, Side, Status, Way
from domain.complaint.ways import (
    AdjudicationOpened,
    ArbitrationAgreed,
    ArbitrationReferred,
    CourtReferred,
    Decided,
    FeeCharged,
)
from domain.event import Event
from domain.rulebook.book import EMPTY
from domain.rulebook.fees import Complexity
from domain.streams import COMPLAINT
from tests.domain.lives import (
    ACCEPT,
    ACCEPTED,
    ANSWERED,
    FILED,
    FROM_ORDER,
    MEDIATING,
    ONE_CLICK,
    ORDER,
    RECEIVED,
    REFUND,
    REPORT,
    RESOLVED,
    ROUTED,
    clock,
    filing_step,
    lapsed,
    lived,
    missed,
    receive_step,
    route_step,
    row_of,
    step,
    yuan,
)
from tests.domain.scenario import ADJUDICATOR, CONSUMER, MEDIATOR, MERCHANT, PLATFORM, REGULATOR, SERVICE, day, given

SALE = Sale(delivered="otherwise", receipt_division="440305")
CLOSED = lived(step(mediation.refuse_mediation, day(4), MERCHANT), since=MEDIATING)
ON_A_PLATFORM = lived(route_step(), since=FROM_ORDER)
BEFORE = [ROUTED, ANSWERED, ACCEPTED, MEDIATING, CLOSED]
AGREED = lived(
    step(ways.agree_arbitration, day(5), CONSUMER), step(ways.agree_arbitration, day(5), MERCHANT), since=MEDIATING
)
COMMISSION: dict[str, Any] = {"commission": "Hangzhou Arbitration Commission", "reference": "2026-9"}
ARBITRATED = lived(step(ways.refer_to_arbitration, day(6), CONSUMER, **COMMISSION), since=AGREED)
BY_PLATFORM = lived(step(ways.open_adjudication, day(1), CONSUMER, rules="jury rules, 3rd"), since=ON_A_PLATFORM)
IN_COURT = lived(step(ways.refer_to_court, day(5), CONSUMER, sale=SALE), since=MEDIATING)


def test_d1_a_platform_decides_by_its_published_rules() -> None:
    given(*ON_A_PLATFORM).when(ways.open_adjudication, at=day(1), by=CONSUMER, rules="jury rules, 3rd").then(
        AdjudicationOpened(occurred_at=day(1), actor=CONSUMER, platform_id="taobao", rules="jury rules, 3rd")
    )


def test_d1_neither_merchant_nor_platform_takes_it_out_of_the_consumers_hands() -> None:
    for by in (MERCHANT, PLATFORM):
        given(*ON_A_PLATFORM).when(ways.open_adjudication, at=day(1), by=by, rules="x").refused(
            "adjudicate-on-a-platform-by"
        )


def test_d1_an_agreement_on_arbitration_excludes_court_and_platform() -> None:
    given(*AGREED).when(ways.refer_to_court, at=day(6), by=CONSUMER, sale=SALE).refused("arbitration-excludes-court")
    given(*AGREED).when(ways.open_adjudication, at=day(6), by=CONSUMER, rules="x").refused("arbitration-excludes-court")


def test_d1_a_respondent_records_neither_award_nor_judgment() -> None:
    for history in (IN_COURT, ARBITRATED):
        given(*history).when(ways.decide, at=day(9), by=PLATFORM, reasons="no").refused("decide-as-commission-or-court")


def test_d1_what_a_platform_decided_is_no_judgment() -> None:
    decided = lived(step(ways.decide, day(2), PLATFORM, reasons="no defect"), since=BY_PLATFORM)
    in_court = lived(step(ways.refer_to_court, day(3), CONSUMER, sale=SALE), since=decided)
    settled = lived(step(settlement.settle, day(4), MEDIATOR, terms=(REFUND,)), since=in_court)
    assert not COMPLAINT.fold(settled).settlement.final


def test_a6_whoever_decides_has_it() -> None:
    assert COMPLAINT.fold(BY_PLATFORM).holder == row_of(BY_PLATFORM).holder == "taobao"
    assert COMPLAINT.fold(IN_COURT).holder == row_of(IN_COURT).holder == "court of 440305"


def test_d1_without_a_platform_there_is_nobody_to_adjudicate() -> None:
    given(*ROUTED).when(ways.open_adjudication, at=day(1), by=CONSUMER, rules="x").refused("adjudicate-on-a-platform")


@pytest.mark.parametrize("history", BEFORE)
def test_d1_arbitration_is_agreed_by_each_party_from_anywhere_since_the_ways_are_parallel(
    history: tuple[Event, ...],
) -> None:
    for by, side in ((CONSUMER, Side.CONSUMER), (MERCHANT, Side.MERCHANT)):
        given(*history).when(ways.agree_arbitration, at=day(5), by=by).then(
            ArbitrationAgreed(occurred_at=day(5), actor=by, side=side)
        )


def test_d1_arbitration_needs_the_agreement_of_both() -> None:
    one = lived(step(ways.agree_arbitration, day(5), CONSUMER), since=MEDIATING)
    given(*one).when(ways.agree_arbitration, at=day(5), by=CONSUMER).refused("arbitrate-with-both")
    given(*one).when(ways.agree_arbitration, at=day(5), by=SERVICE, side=Side.CONSUMER).refused("arbitrate-with-both")
    outcome = given(*one).when(ways.refer_to_arbitration, at=day(6), by=CONSUMER, **COMMISSION)
    outcome.refused("arbitrate-with-both")
    assert "not agreed yet: merchant" in str(outcome.error)
    given(*AGREED).when(ways.refer_to_arbitration, at=day(6), by=CONSUMER, **COMMISSION).then(
        ArbitrationReferred(occurred_at=day(6), actor=CONSUMER, **COMMISSION)
    )


@pytest.mark.parametrize("history", [FILED, RECEIVED, REPORT, RESOLVED])
def test_d1_another_way_begins_with_the_parties_or_after_acceptance(history: tuple[Event, ...]) -> None:
    given(*history).when(ways.refer_to_court, at=day(5), by=CONSUMER, sale=SALE).refused("court-unless-arbitrated")


AWARD = lived(step(ways.decide, day(9), ADJUDICATOR, reasons="no defect"), since=ARBITRATED)


def test_d1_a_judgment_is_final() -> None:
    judged = lived(step(ways.decide, day(9), ADJUDICATOR, reasons="no defect"), since=IN_COURT)
    for action, arguments in (
        (ways.refer_to_court, {"sale": SALE}),
        (ways.agree_arbitration, {}),
        (ending.reopen, {"reason": "again"}),
    ):
        given(*judged).when(action, at=day(10), by=CONSUMER, **arguments).refused("judgment-is-final")


def test_d1_an_award_is_final_and_excludes_court_and_platform() -> None:
    for action, arguments in (
        (ways.refer_to_court, {"sale": SALE}),
        (ways.open_adjudication, {"rules": "x"}),
        (ways.agree_arbitration, {}),
        (ways.refer_to_arbitration, COMMISSION),
        (ending.reopen, {"reason": "again"}),
    ):
        given(*AWARD).when(action, at=day(10), by=CONSUMER, **arguments).refused("arbitration-is-final")


@pytest.mark.parametrize("history", BEFORE)
def test_d1_the_court_is_open_without_anybodys_agreement(history: tuple[Event, ...]) -> None:
    given(*history).when(ways.refer_to_court, at=day(5), by=CONSUMER, sale=SALE).then(
        CourtReferred(occurred_at=day(5), actor=CONSUMER, division="440305", basis="place_of_receipt")
    )


def test_d1_a_decision_of_the_platform_leaves_the_court_open() -> None:
    decided = lived(step(ways.decide, day(2), PLATFORM, reasons="no defect"), since=BY_PLATFORM)
    given(*decided).when(ways.refer_to_court, at=day(5), by=CONSUMER, sale=SALE).then(
        CourtReferred(occurred_at=day(5), actor=CONSUMER, division="440305", basis="place_of_receipt")
    )


@pytest.mark.parametrize(("history", "way"), [(BY_PLATFORM, "adjudication"), (ARBITRATED, "arbitration")])
def test_d1_each_way_can_end_in_agreement(history: tuple[Event, ...], way: Way) -> None:
    outcome = given(*history).when(settlement.settle, at=day(7), by=MEDIATOR, terms=(REFUND,))
    (resolved,) = outcome.events
    assert isinstance(resolved, Resolved)
    assert (resolved.basis, resolved.way) == ("agreement", way)


@pytest.mark.parametrize("history", [ONE_CLICK, MEDIATING])
def test_d1_on_another_way_silence_and_the_end_of_mediation_are_not_waited_for(history: tuple[Event, ...]) -> None:
    in_court = lived(step(ways.refer_to_court, day(4), CONSUMER, sale=SALE), since=history)
    later = {event.deadline for event in lapsed(in_court, day(300)) if event.name == "complaint.deadline_missed"}  # type: ignore[attr-defined]
    assert later <= {Deadline.FIRST_RESPONSE, Deadline.RESOLUTION}
    assert COMPLAINT.fold((*in_court, *lapsed(in_court, day(300)))).status is Status.ADJUDICATING


def decided(by: Any, way: Way, for_consumer: bool) -> Decided:
    return Decided(
        occurred_at=day(9), actor=by, way=way, for_consumer=for_consumer, reasons="as the report says", law=("art. 24",)
    )


REASONS: dict[str, Any] = {"reasons": "as the report says", "law": ("art. 24",)}


@pytest.mark.parametrize(
    ("history", "by", "way", "basis"),
    [
        (BY_PLATFORM, PLATFORM, Way.ADJUDICATION, "decision"),
        (ARBITRATED, ADJUDICATOR, Way.ARBITRATION, "award"),
        (IN_COURT, ADJUDICATOR, Way.LITIGATION, "judgment"),
    ],
)
def test_d1_d3_a_decision_for_the_consumer_has_reasons_and_terms_to_be_performed(
    history: tuple[Event, ...], by: Any, way: Way, basis: Any
) -> None:
    rule_set = "samr-order-20"
    given(*history).when(ways.decide, at=day(9), by=by, terms=(REFUND,), **REASONS).then(
        *lapsed(history, day(9)),
        decided(by, way, True),
        Resolved(
            occurred_at=day(9),
            actor=by,
            basis=basis,
            way=way,
            terms=(REFUND,),
            clocks=(clock(Deadline.PERFORMANCE, day(9), "2026-04-10", rule_set),),
        ),
    )


def test_d3_a_decision_for_the_merchant_has_reasons_too() -> None:
    given(*IN_COURT).when(ways.decide, at=day(9), by=ADJUDICATOR, **REASONS).then(
        decided(ADJUDICATOR, Way.LITIGATION, False)
    )


@pytest.mark.parametrize("reasons", [" ", "\n\t "])
def test_d3_there_is_no_decision_without_reasons(reasons: str) -> None:
    given(*IN_COURT).when(ways.decide, at=day(9), by=ADJUDICATOR, reasons=reasons).refused("decide-with-reasons")


def test_d1_only_who_was_asked_to_decide_decides() -> None:
    given(*MEDIATING).when(ways.decide, at=day(9), by=ADJUDICATOR, **REASONS).refused("decide-with-reasons")
    given(*IN_COURT).when(ways.decide, at=day(9), by=MEDIATOR, **REASONS).refused("decide-with-reasons-by")


def test_d1_a_decision_on_no_terms_is_refused_as_any_agreement_would_be() -> None:
    given(*IN_COURT).when(ways.decide, at=day(9), by=ADJUDICATOR, terms=(REFUND, REFUND.model_copy(
        update={"kind": "full_refund"})), **REASONS).invalid("nothing to refund")  # fmt: skip


@pytest.mark.parametrize(
    ("claim", "complexity", "total", "consumer", "merchant"),
    [
        # 10 + 0.005 x 199 = 10.995, half a fen up
        ("199.00", Complexity.SIMPLE, "11.00", "3.30", "7.70"),
        # 50 + 0.01 x 199
        ("199.00", Complexity.ORDINARY, "51.99", "15.60", "36.39"),
        # 200 + 0.02 x 10,000 + 0.01 x 2,345.67
        ("12345.67", Complexity.COMPLEX, "423.46", "127.04", "296.42"),
    ],
)
def test_d2_a_fee_follows_complexity_and_amount_and_is_shared(
    claim: str, complexity: Complexity, total: str, consumer: str, merchant: str
) -> None:
    history = lived(filing_step(claim=yuan(claim)), receive_step(), ACCEPT)
    given(*history).when(ways.charge_fee, at=day(3), by=REGULATOR, complexity=complexity).then(
        FeeCharged(
            occurred_at=day(3),
            actor=REGULATOR,
            schedule="first-schedule",
            edition=1,
            complexity=complexity,
            amount=yuan(claim),
            total=yuan(total),
            consumer=yuan(consumer),
            merchant=yuan(merchant),
        )
    )


def test_d2_a_fee_needs_an_amount_in_dispute() -> None:
    history = lived(filing_step(claim=None), receive_step(), ACCEPT)
    given(*history).when(ways.charge_fee, at=day(3), by=REGULATOR, complexity=Complexity.SIMPLE).invalid(
        "the amount in dispute is not known"
    )


def test_d2_where_no_schedule_is_in_force_nothing_is_charged() -> None:
    given(*MEDIATING, book=EMPTY).when(ways.charge_fee, at=day(5), by=REGULATOR, complexity=Complexity.SIMPLE).refused(
        "fee-by-the-schedule"
    )
    given(*ROUTED).when(ways.charge_fee, at=day(5), by=REGULATOR, complexity=Complexity.SIMPLE).refused(
        "fee-by-the-schedule"
    )


def test_d1_the_merchant_answers_no_more_once_it_is_in_court() -> None:
    dated = lived(route_step(answer_due=day(3)), since=lived(filing_step(order=ORDER)))
    in_court = lived(step(ways.refer_to_court, day(2), CONSUMER, sale=SALE), since=dated)
    given(*in_court).when(negotiation.answer, at=day(2), by=MERCHANT, kind="explanation").refused(
        "answer-once-when-routed"
    )
    assert lapsed(in_court, day(4)) == ()
    assert lapsed(dated, day(4)) == (missed(Deadline.ANSWER, day(3)),)


def test_a13_a_file_that_was_complete_is_completed_again_after_the_court() -> None:
    history = lived(
        step(handling.conclude, day(5), REGULATOR),
        step(ways.refer_to_court, day(6), CONSUMER, sale=SALE),
        step(ways.decide, day(9), ADJUDICATOR, reasons="no defect"),
        since=CLOSED,
    )
    given(*history).when(handling.conclude, at=day(10), by=REGULATOR).then(
        handling.Concluded(occurred_at=day(10), actor=REGULATOR)
    )
