"""Between the parties: the promise, enrolled enterprises, one-click settlement, answers, offers, upgrade."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.complaint import ending, filing, negotiation
from domain.complaint.clocks import OfferExpired, Published, Trigger, Upgraded
from domain.complaint.filing import Order
from domain.complaint.negotiation import (
    Answered,
    AnswerKind,
    OfferAccepted,
    OfferDeclined,
    OfferMade,
    PolicyExecuted,
    Regime,
    Routed,
)
from domain.complaint.settlement import Resolved
from domain.complaint.state import Deadline, Outcome, OutcomeKind, Side, Way
from domain.event import Event
from domain.merchant.state import Adoption, Merchant
from domain.merchant.state import Status as MerchantStatus
from domain.rulebook.book import EMPTY, Parameter, Parameters, Scale, TermName
from domain.rulebook.policies import PolicyTemplate
from domain.streams import COMPLAINT
from domain.values import CLOCK, Money, Origin
from tests.domain.lives import (
    ANSWERED,
    FILED,
    FROM_ORDER,
    MEDIATING,
    ONE_CLICK,
    ORDER,
    RECEIVED,
    REFUND,
    RESOLVED,
    ROUTED,
    clock,
    filing_step,
    lapsed,
    lived,
    missed,
    route_step,
    step,
    yuan,
)
from tests.domain.scenario import CONSUMER, FIRST, MERCHANT, MERCHANT_ID, REGULATOR, SERVICE, START, day, given, on

ORDER_20 = "samr-order-20"
ROUTE: dict[str, Any] = {"at": START, "by": REGULATOR, "merchant_id": MERCHANT_ID}
AS_ROUTED = Routed(occurred_at=START, actor=REGULATOR, merchant_id=MERCHANT_ID)
AS_ANSWERED = Answered(occurred_at=day(1), actor=MERCHANT, kind=AnswerKind.EXPLANATION, in_time=True)
DATED = lived(route_step(answer_due=day(8)), since=FILED)

SIGNED = Merchant(promises=((day(-100), None),))
PROMISED = lived(route_step(regime=Regime.PROMISE, merchant=SIGNED), since=FILED)
ENROLLED = Merchant(enrolments=((day(-100), None),))
WITH_ENTERPRISE = lived(route_step(regime=Regime.ENTERPRISE, merchant=ENROLLED), since=FILED)


def test_b1_what_was_promised_is_routed_under_the_promise() -> None:
    given(*FILED).when(negotiation.route, at=day(0), by=REGULATOR, merchant=SIGNED, merchant_id=MERCHANT_ID).refused(
        "promise-when-signed"
    )


def test_a3_routing_sets_until_when_the_merchant_has_to_answer() -> None:
    given(*FILED).when(negotiation.route, merchant=Merchant(), answer_due=day(8), **ROUTE).then(
        AS_ROUTED.model_copy(update={"answer_due": day(8)})
    )


def test_a3_an_answer_cannot_be_due_before_it_is_asked_for() -> None:
    given(*FILED).when(negotiation.route, merchant=Merchant(), answer_due=day(-1), **ROUTE).invalid(
        "before the complaint is routed"
    )


def test_a6_a_routed_complaint_is_not_routed_again() -> None:
    given(*ROUTED).when(negotiation.route, merchant=Merchant(), **ROUTE).refused("route-after-filing")


def test_b1_who_had_signed_answers_in_24_hours_and_resolves_in_7_days_unpublished() -> None:
    clocks = (
        clock(Deadline.ANSWER, START, day(1), "seven-day-promise", TermName.PROMISE_ANSWER),
        clock(Deadline.PUBLICATION, START, "2026-03-09", "seven-day-promise", TermName.PROMISE_RESOLUTION),
    )
    given(*FILED).when(negotiation.route, merchant=SIGNED, regime=Regime.PROMISE, **ROUTE).then(
        AS_ROUTED.model_copy(
            update={"regime": Regime.PROMISE, "signed": True, "rule_set": "seven-day-promise", "clocks": clocks}
        )
    )


NOT_SIGNED = AS_ROUTED.model_copy(update={"regime": Regime.PROMISE, "signed": False})


@pytest.mark.parametrize(
    "promises",
    [
        (),
        # signed only after the filing, and left just then
        ((START.replace(second=1), None),),
        ((day(-100), START),),
    ],
)
def test_b1_without_a_signature_when_it_was_filed_it_is_public_at_once(promises: tuple[Any, ...]) -> None:
    given(*FILED).when(negotiation.route, merchant=Merchant(promises=promises), regime=Regime.PROMISE, **ROUTE).then(
        NOT_SIGNED, Published(occurred_at=START, actor=REGULATOR, basis="no_promise")
    )


@pytest.mark.parametrize("promises", [((START, None),), ((day(-100), START.replace(second=1)),)])
def test_b1_the_promise_holds_for_what_was_filed_while_it_was_signed(promises: tuple[Any, ...]) -> None:
    history = lived(route_step(day(2), regime=Regime.PROMISE, merchant=Merchant(promises=promises)), since=FILED)
    routed = history[-1]
    assert isinstance(routed, Routed)
    assert routed.signed


def test_b1_a_merchant_who_misses_the_24_hours_has_missed_them_however_late_he_answers() -> None:
    given(*PROMISED).when(negotiation.answer, at=day(2), by=MERCHANT, kind=AnswerKind.EXPLANATION).then(
        missed(Deadline.ANSWER, day(1)),
        AS_ANSWERED.model_copy(update={"occurred_at": day(2), "in_time": False}),
    )


def test_b1_what_is_not_resolved_in_7_days_becomes_public() -> None:
    answered = lived(step(negotiation.answer, day(1), MERCHANT, kind="explanation"), since=PROMISED)
    late = on("2026-03-10 00:00")
    given(*answered).when(negotiation.offer, at=late, by=MERCHANT, terms=(REFUND,)).then(
        missed(Deadline.PUBLICATION, "2026-03-09"),
        Published(occurred_at=missed(Deadline.PUBLICATION, "2026-03-09").occurred_at, actor=CLOCK,
                  basis="promise_unkept"),
        offer(1, Side.MERCHANT, late),
    )  # fmt: skip


def test_a5_an_enrolled_enterprise_has_it_first_for_10_working_days() -> None:
    given(*FILED).when(negotiation.route, merchant=ENROLLED, regime=Regime.ENTERPRISE, **ROUTE).then(
        AS_ROUTED.model_copy(
            update={
                "regime": Regime.ENTERPRISE,
                "rule_set": ORDER_20,
                "clocks": (clock(Deadline.ENTERPRISE, START, "2026-03-16", ORDER_20),),
            }
        )
    )


@pytest.mark.parametrize("enrolments", [(), ((day(1), None),), ((day(-9), day(-1)),)])
def test_a5_who_was_not_enrolled_or_only_later_does_not_get_it_first(enrolments: tuple[Any, ...]) -> None:
    given(*FILED).when(
        negotiation.route, merchant=Merchant(enrolments=enrolments), regime=Regime.ENTERPRISE, **ROUTE
    ).refused("enterprise-first-when-enrolled")


@pytest.mark.parametrize("answered", [True, False])
def test_a5_after_10_working_days_without_a_settlement_it_goes_on_to_the_regulator(answered: bool) -> None:
    history = WITH_ENTERPRISE
    if answered:
        history = lived(step(negotiation.answer, day(1), MERCHANT, kind="explanation"), since=history)
    over = missed(Deadline.ENTERPRISE, "2026-03-16")
    first = () if answered else (missed(Deadline.FIRST_RESPONSE, "2026-03-11"),)
    given(*history).when(negotiation.upgrade, at=on("2026-03-17 00:00"), by=CONSUMER).refused(
        "upgrade-from-the-merchant"
    )
    assert lapsed(history, on("2026-03-17 00:00")) == (
        *first,
        over,
        Upgraded(
            occurred_at=over.occurred_at,
            actor=CLOCK,
            trigger=Trigger.ENTERPRISE_TERM,
            rule_set=ORDER_20,
            clocks=(clock(Deadline.ACCEPTANCE, over.occurred_at, "2026-03-25", ORDER_20),),
        ),
    )


def test_a5_an_arrangement_has_its_own_terms() -> None:
    given(*FILED).when(
        negotiation.route, merchant=ENROLLED, regime=Regime.ENTERPRISE, answer_due=day(1), **ROUTE
    ).invalid("leave out answer_due")


def test_c1_c3_one_click_goes_to_the_merchant_for_96_hours() -> None:
    given(*FROM_ORDER).when(negotiation.route, merchant=Merchant(), regime=Regime.ONE_CLICK, **ROUTE).then(
        AS_ROUTED.model_copy(
            update={
                "regime": Regime.ONE_CLICK,
                "rule_set": "one-click-hangzhou",
                "clocks": (clock(Deadline.ESCALATION, START, day(4), "one-click-hangzhou"),),
            }
        )
    )


def bought(at: str) -> Order:
    return ORDER.model_copy(update={"purchased_at": on(at)})


def test_c3_one_click_is_for_a_month_after_the_purchase_to_its_last_instant() -> None:
    for purchased, filed in (("2026-01-31 09:00", "2026-02-28 23:59"), ("2026-02-02 00:00", "2026-03-02 23:59")):
        history = lived(filing_step(on(filed), order=bought(purchased)))
        routed = lived(route_step(on(filed), regime=Regime.ONE_CLICK), since=history)[-1]
        assert routed.name == "complaint.routed"


def test_c3_an_older_order_is_refused_with_the_reason() -> None:
    history = lived(filing_step(on("2026-03-03 00:00"), order=bought("2026-02-02 23:59")))
    outcome = given(*history).when(
        negotiation.route, **{**ROUTE, "at": on("2026-03-03 00:00")}, merchant=Merchant(), regime=Regime.ONE_CLICK
    )
    outcome.refused("one-click-after-purchase")
    assert str(outcome.error) == "the purchase is longer ago than 1 months: let an office receive it"


def test_c1_one_click_begins_from_a_payment_order() -> None:
    given(*FILED).when(negotiation.route, merchant=Merchant(), regime=Regime.ONE_CLICK, **ROUTE).refused(
        "one-click-from-order"
    )


def test_a10_one_click_is_offered_where_its_rules_are_published() -> None:
    given(*FROM_ORDER, book=EMPTY).when(
        negotiation.route, merchant=Merchant(), regime=Regime.ONE_CLICK, **ROUTE
    ).refused("one-click-where-offered")


def upgraded(at: Any, by: Any, trigger: Trigger, last: str) -> Upgraded:
    return Upgraded(
        occurred_at=at,
        actor=by,
        trigger=trigger,
        rule_set=ORDER_20,
        clocks=(clock(Deadline.ACCEPTANCE, at, last, ORDER_20),),
    )


@pytest.mark.parametrize("history", [ONE_CLICK, PROMISED, ROUTED, ANSWERED])
def test_c3_a_dissatisfied_consumer_hands_it_to_the_regulator_with_one_click(history: tuple[Event, ...]) -> None:
    given(*history).when(negotiation.upgrade, at=day(1), by=CONSUMER).then(
        upgraded(day(1), CONSUMER, Trigger.CONSUMER, "2026-03-12")
    )


def test_c3_after_96_hours_of_silence_it_goes_up_at_that_instant() -> None:
    given(*ONE_CLICK).when(negotiation.answer, at=day(5), by=MERCHANT, kind=AnswerKind.EXPLANATION).refused(
        "answer-once-when-routed"
    )
    assert lapsed(ONE_CLICK, on("2026-03-06 09:01")) == (
        missed(Deadline.ESCALATION, day(4)),
        upgraded(day(4), CLOCK, Trigger.SILENCE, "2026-03-17"),
    )


def test_c3_an_answer_in_the_last_instant_of_96_hours_is_in_time() -> None:
    given(*ONE_CLICK).when(negotiation.answer, at=day(4), by=MERCHANT, kind=AnswerKind.EXPLANATION).then(
        AS_ANSWERED.model_copy(update={"occurred_at": day(4)})
    )


@pytest.mark.parametrize(
    "response",
    [
        step(negotiation.answer, day(3), MERCHANT, kind="explanation"),
        step(negotiation.offer, day(3), MERCHANT, terms=(REFUND,), expires=day(20)),
    ],
)
def test_c3_once_the_merchant_has_spoken_silence_does_not_hand_it_up(response: Any) -> None:
    assert lapsed(lived(response, since=ONE_CLICK), on("2026-03-11 23:59")) == ()


def test_c3_a_question_of_the_consumer_does_not_break_the_merchants_silence() -> None:
    history = lived(step(negotiation.offer, day(3), CONSUMER, terms=(REFUND,), expires=day(20)), since=ONE_CLICK)
    assert [event.name for event in lapsed(history, on("2026-03-06 09:01"))] == [
        "complaint.deadline_missed",
        "complaint.upgraded",
    ]


def test_c3_what_the_regulator_has_is_not_handed_up_again() -> None:
    given(*RECEIVED).when(negotiation.upgrade, at=day(2), by=CONSUMER).refused("upgrade-from-the-merchant")


def test_c3_the_merchant_does_not_hand_it_up() -> None:
    given(*ONE_CLICK).when(negotiation.upgrade, at=day(2), by=MERCHANT).refused("upgrade-from-the-merchant-by")


def test_c3_what_a_register_of_origin_handles_is_not_handed_up() -> None:
    imported = lived(filing_step(origin=Origin(register_name="cfpb", reference="1")), route_step())
    given(*imported).when(negotiation.upgrade, at=day(2), by=CONSUMER).refused("upgrade-native-only")


def test_a3_an_answer_before_the_due_time_is_in_time() -> None:
    given(*DATED).when(negotiation.answer, at=day(1), by=MERCHANT, kind=AnswerKind.EXPLANATION).then(AS_ANSWERED)


def test_a3_an_answer_at_the_due_instant_is_in_time() -> None:
    given(*DATED).when(negotiation.answer, at=day(8), by=MERCHANT, kind=AnswerKind.EXPLANATION).then(
        AS_ANSWERED.model_copy(update={"occurred_at": day(8)})
    )


def test_a3_an_answer_without_a_term_is_late_for_the_pledge_only() -> None:
    given(*ROUTED).when(negotiation.answer, at=day(20), by=MERCHANT, kind=AnswerKind.EXPLANATION).then(
        missed(Deadline.FIRST_RESPONSE, "2026-03-11"), AS_ANSWERED.model_copy(update={"occurred_at": day(20)})
    )


def test_a3_an_answer_after_the_deadline_does_not_wipe_the_miss() -> None:
    late = AS_ANSWERED.model_copy(update={"occurred_at": day(8.5), "in_time": False})
    given(*DATED).when(negotiation.answer, at=day(8.5), by=MERCHANT, kind=AnswerKind.EXPLANATION).then(
        missed(Deadline.ANSWER, day(8)), late
    )
    noticed = missed(Deadline.ANSWER, day(8))
    given(*DATED, noticed).when(negotiation.answer, at=day(8.5), by=MERCHANT, kind=AnswerKind.EXPLANATION).then(late)


@pytest.mark.parametrize("history", [FILED, ANSWERED, RECEIVED])
def test_b1_an_answer_is_given_once_and_to_a_routed_complaint(history: tuple[Event, ...]) -> None:
    given(*history).when(negotiation.answer, at=day(3), by=MERCHANT, kind=AnswerKind.EXPLANATION).refused(
        "answer-once-when-routed"
    )


def test_a8_monetary_relief_says_how_much() -> None:
    given(*DATED).when(
        negotiation.answer, at=day(1), by=MERCHANT, kind=AnswerKind.MONETARY_RELIEF, relief=Money(fen=5_000)
    ).then(AS_ANSWERED.model_copy(update={"kind": AnswerKind.MONETARY_RELIEF, "relief": Money(fen=5_000)}))


def test_a8_an_explanation_carries_no_money() -> None:
    given(*DATED).when(
        negotiation.answer, at=day(1), by=MERCHANT, kind=AnswerKind.EXPLANATION, relief=Money(fen=1)
    ).invalid("carries no money")


def offer(number: int, side: Side, at: Any, hours: int = 72, *terms: Outcome) -> OfferMade:
    stands = clock(Deadline.OFFER, at, at + (day(hours / 24) - START), "one-click-hangzhou", n=hours * 3_600_000_000)
    by = CONSUMER if side is Side.CONSUMER else MERCHANT
    return OfferMade(occurred_at=at, actor=by, number=number, side=side, terms=terms or (REFUND,), clocks=(stands,))


HALF = Outcome(kind=OutcomeKind.PARTIAL_REFUND, amount=yuan("99.50"))
OFFERED = lived(step(negotiation.offer, day(1), MERCHANT, terms=(REFUND,)), since=ONE_CLICK)
COUNTERED = lived(step(negotiation.offer, day(2), CONSUMER, terms=(HALF,)), since=OFFERED)


def test_c1_the_parties_make_offers_that_stand_for_72_hours() -> None:
    given(*ONE_CLICK).when(negotiation.offer, at=day(1), by=MERCHANT, terms=(REFUND,)).then(
        offer(1, Side.MERCHANT, day(1))
    )


def test_c1_where_no_rules_are_published_an_offer_stands_as_long() -> None:
    given(*ROUTED, book=EMPTY).when(negotiation.offer, at=day(1), by=MERCHANT, terms=(REFUND,)).then(
        offer(1, Side.MERCHANT, day(1)).model_copy(
            update={"clocks": (offer(1, Side.MERCHANT, day(1)).clocks[0].model_copy(update={"rule_set": None}),)}
        )
    )


def test_c1_an_offer_is_countered_by_the_other_party() -> None:
    given(*OFFERED).when(negotiation.offer, at=day(2), by=CONSUMER, terms=(HALF,)).then(
        offer(2, Side.CONSUMER, day(2), 72, HALF)
    )


def test_c1_an_offer_cannot_have_expired_when_it_is_made() -> None:
    given(*ONE_CLICK).when(negotiation.offer, at=day(1), by=MERCHANT, terms=(REFUND,), expires=day(1)).invalid(
        "expired already"
    )


def test_c1_a_service_says_for_whom_it_offers() -> None:
    given(*ONE_CLICK).when(negotiation.offer, at=day(1), by=SERVICE, terms=(REFUND,)).invalid("one of the parties")
    given(*ONE_CLICK).when(negotiation.offer, at=day(1), by=SERVICE, terms=(REFUND,), side=Side.MERCHANT).then(
        offer(1, Side.MERCHANT, day(1)).model_copy(update={"actor": SERVICE})
    )


def test_c1_a_party_does_not_offer_for_the_other() -> None:
    given(*ONE_CLICK).when(negotiation.offer, at=day(1), by=MERCHANT, terms=(REFUND,), side=Side.CONSUMER).invalid(
        "cannot act for the consumer"
    )


@pytest.mark.parametrize("history", [FILED, RECEIVED, RESOLVED])
def test_c1_offers_are_made_while_the_parties_talk(history: tuple[Event, ...]) -> None:
    given(*history).when(negotiation.offer, at=day(5), by=MERCHANT, terms=(REFUND,)).refused(
        "offer-while-with-the-parties"
    )


def resolved(at: Any, by: Any, way: Way, *terms: Outcome, last: str) -> Resolved:
    return Resolved(
        occurred_at=at,
        actor=by,
        basis="agreement",
        way=way,
        terms=terms,
        clocks=(clock(Deadline.PERFORMANCE, at, last, ORDER_20),),
    )


def test_c1_an_accepted_offer_settles_it_before_any_authority_steps_in() -> None:
    given(*COUNTERED).when(negotiation.accept_offer, at=day(3), by=MERCHANT).then(
        OfferAccepted(occurred_at=day(3), actor=MERCHANT, number=2),
        # 30 days end on a Saturday of the Qingming holiday, and move to the Tuesday after it.
        resolved(day(3), MERCHANT, Way.NEGOTIATION, HALF, last="2026-04-07"),
    )


def test_d1_an_offer_accepted_in_mediation_is_a_mediated_agreement() -> None:
    history = lived(step(negotiation.offer, day(4), MERCHANT, terms=(REFUND,)), since=MEDIATING)
    given(*history).when(negotiation.accept_offer, at=day(5), by=CONSUMER).then(
        OfferAccepted(occurred_at=day(5), actor=CONSUMER, number=1),
        resolved(day(5), CONSUMER, Way.MEDIATION, REFUND, last="2026-04-07").model_copy(
            update={"clocks": (clock(Deadline.PERFORMANCE, day(5), "2026-04-07", ORDER_20),)}
        ),
    )


def test_c1_nobody_accepts_or_declines_the_own_offer() -> None:
    given(*COUNTERED).when(negotiation.accept_offer, at=day(3), by=CONSUMER).refused("offer-of-the-other")
    given(*COUNTERED).when(negotiation.decline_offer, at=day(3), by=CONSUMER).refused("offer-of-the-other")


def test_c1_without_an_offer_nothing_is_accepted() -> None:
    given(*ONE_CLICK).when(negotiation.accept_offer, at=day(3), by=CONSUMER).refused("offer-on-the-table")


def test_c1_an_offer_is_not_accepted_once_it_is_with_the_authority() -> None:
    up = lived(step(negotiation.upgrade, day(2), CONSUMER), since=OFFERED)
    given(*up).when(negotiation.accept_offer, at=day(3), by=CONSUMER).refused("accept-offer-of-the-other")
    given(*up).when(negotiation.decline_offer, at=day(3), by=CONSUMER).refused("decline-offer-of-the-other")


def test_c1_a_declined_offer_is_off_the_table_and_negotiation_goes_on() -> None:
    given(*OFFERED).when(negotiation.decline_offer, at=day(2), by=CONSUMER, text="too little").then(
        OfferDeclined(occurred_at=day(2), actor=CONSUMER, number=1, text="too little")
    )
    declined = lived(step(negotiation.decline_offer, day(2), CONSUMER), since=OFFERED)
    given(*declined).when(negotiation.offer, at=day(3), by=MERCHANT, terms=(REFUND,)).then(
        offer(2, Side.MERCHANT, day(3))
    )


def test_c1_an_offer_is_accepted_up_to_its_last_instant_and_not_after() -> None:
    given(*OFFERED).when(negotiation.accept_offer, at=day(4), by=CONSUMER).then(
        OfferAccepted(occurred_at=day(4), actor=CONSUMER, number=1),
        resolved(day(4), CONSUMER, Way.NEGOTIATION, REFUND, last="2026-04-07"),
    )
    given(*OFFERED).when(negotiation.accept_offer, at=day(4.5), by=CONSUMER).refused("offer-on-the-table")
    assert lapsed(OFFERED, on("2026-03-06 09:01")) == (OfferExpired(occurred_at=day(4), actor=CLOCK, number=1),)


GOES_ON = "merchant-44444444-4444-4444-8444-444444444444"


def test_e5_what_is_about_a_merchant_that_was_merged_goes_to_the_one_that_goes_on() -> None:
    merged = Merchant(MerchantStatus.MERGED, merged_into=GOES_ON)
    outcome = given(*FROM_ORDER).when(negotiation.route, merchant=merged, **ROUTE)
    outcome.refused("route-to-who-goes-on")
    assert GOES_ON in str(outcome.error)
    onward = {**ROUTE, "merchant_id": GOES_ON}
    given(*FROM_ORDER).when(
        negotiation.route, merchant=Merchant(MerchantStatus.REGISTERED, absorbed=frozenset({MERCHANT_ID})), **onward
    ).then(AS_ROUTED.model_copy(update={"merchant_id": GOES_ON}))
    given(*FROM_ORDER).when(negotiation.route, merchant=Merchant(MerchantStatus.REGISTERED), **onward).invalid(
        "the order is from"
    )


def test_e5_a_register_of_origin_routes_to_whom_it_knows() -> None:
    imported = lived(filing_step(origin=Origin(register_name="cfpb", reference="1")))
    given(*imported).when(
        negotiation.route, merchant=Merchant(MerchantStatus.MERGED, merged_into=GOES_ON), **ROUTE
    ).then(AS_ROUTED)


POLICY = FIRST.policies["seven-day-return"]
ADOPTED = Merchant(adoptions=(Adoption(POLICY, 1, day(-100)),))
MINDED: dict[str, Any] = {"order": ORDER, "claim": None, "narrative": "七天无理由退货,商家拒绝退货。"}
CHANGED_MIND = lived(filing_step(**MINDED))
EXECUTED = PolicyExecuted(
    occurred_at=START,
    actor=REGULATOR,
    policy_id="seven-day-return",
    edition=1,
    scenario="return-without-reason",
)
BY_POLICY = Resolved(
    occurred_at=START,
    actor=REGULATOR,
    basis="policy",
    way=Way.NEGOTIATION,
    terms=(Outcome(kind=OutcomeKind.RETURN), Outcome(kind=OutcomeKind.FULL_REFUND, amount=yuan("199.00"))),
    clocks=(clock(Deadline.PERFORMANCE, START, "2026-04-01", ORDER_20),),
)


def adopting(**changed: Any) -> Merchant:
    """A merchant that has adopted the policy, changed."""
    policy = PolicyTemplate.model_validate({**POLICY.model_dump(), **changed})
    return Merchant(adoptions=(Adoption(policy, 3, day(-100)),))


def test_d11_c6_a_policy_that_was_adopted_settles_a_matching_case_at_once() -> None:
    given(*CHANGED_MIND).when(negotiation.route, merchant=ADOPTED, **ROUTE).then(AS_ROUTED, EXECUTED, BY_POLICY)


def test_d11_under_an_arrangement_no_term_of_the_merchant_begins() -> None:
    given(*CHANGED_MIND).when(negotiation.route, merchant=ADOPTED, regime=Regime.ONE_CLICK, **ROUTE).then(
        AS_ROUTED.model_copy(update={"regime": Regime.ONE_CLICK}), EXECUTED, BY_POLICY
    )
    given(*CHANGED_MIND).when(negotiation.route, merchant=ADOPTED, answer_due=day(8), **ROUTE).then(
        AS_ROUTED, EXECUTED, BY_POLICY
    )


def test_d11_b1_without_a_signature_it_is_public_though_it_is_settled() -> None:
    given(*CHANGED_MIND).when(negotiation.route, merchant=ADOPTED, regime=Regime.PROMISE, **ROUTE).then(
        NOT_SIGNED, Published(occurred_at=START, actor=REGULATOR, basis="no_promise"), EXECUTED, BY_POLICY
    )


def test_d11_what_an_arrangement_refuses_is_refused_though_a_policy_was_adopted() -> None:
    given(*CHANGED_MIND).when(negotiation.route, merchant=ADOPTED, regime=Regime.ENTERPRISE, **ROUTE).refused(
        "enterprise-first-when-enrolled"
    )
    signed = Merchant(promises=SIGNED.promises, adoptions=ADOPTED.adoptions)
    given(*CHANGED_MIND).when(negotiation.route, merchant=signed, **ROUTE).refused("promise-when-signed")


@pytest.mark.parametrize(
    "merchant",
    [
        Merchant(),
        Merchant(adoptions=(Adoption(POLICY, 1, START.replace(second=1)),)),
        Merchant(adoptions=(Adoption(POLICY, 1, day(-9), START),)),
        adopting(scenarios=("fraud",)),
        adopting(within_days=2),
        adopting(most_fen=19_899),
        adopting(in_force_to="2026-03-01"),
        adopting(region="310000"),
        adopting(kind="refund", terms=[{"kind": "partial_refund", "permille": 1}], most_fen=None, within_days=2),
    ],
)
def test_d11_another_case_goes_to_the_merchant_as_ever(merchant: Merchant) -> None:
    given(*CHANGED_MIND).when(negotiation.route, merchant=merchant, **ROUTE).then(AS_ROUTED)


@pytest.mark.parametrize(
    "merchant",
    [adopting(within_days=3), adopting(most_fen=19_900), adopting(in_force_to="2026-03-02"), adopting(region="330000")],
)
def test_d11_a_policy_settles_to_its_last_day_and_fen_and_within_its_region(merchant: Merchant) -> None:
    given(*CHANGED_MIND).when(negotiation.route, merchant=merchant, **ROUTE).then(
        AS_ROUTED, EXECUTED.model_copy(update={"edition": 3}), BY_POLICY
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"order": None},
        {"order": ORDER.model_copy(update={"amount": Money(fen=19_900, currency="USD")})},
        {"order": ORDER.model_copy(update={"amount": Money(fen=0)})},
        {"joint": filing.Joint(incident="fire", representatives=(CONSUMER.id,))},
        {"narrative": "it burned"},
        {"claim": yuan("199.01")},
        {"claim": Money(fen=100, currency="USD")},
    ],
)
def test_d11_a_price_that_is_not_known_or_claimed_beyond_or_a_joint_complaint_is_not_settled_by_a_policy(
    changed: dict[str, Any],
) -> None:
    history = lived(filing_step(**{**MINDED, **changed}))
    given(*history).when(negotiation.route, merchant=adopting(terms=REFUND_ONLY, kind="refund"), **ROUTE).then(
        AS_ROUTED
    )


REFUND_ONLY = [{"kind": "full_refund", "permille": 1000}]
#: Words of another scenario beside those of this one.
MIXED_WORDS = f"{MINDED['narrative']} delivery late, parcel lost, not delivered"
MIXED = lived(filing_step(**{**MINDED, "narrative": MIXED_WORDS}))
CLASSIFIED = lived(step(filing.classify, START, REGULATOR, scenario="return-without-reason"), since=MIXED)


def test_d11_a_policy_settles_only_what_is_surely_of_its_scenario_or_was_classified_by_a_person() -> None:
    state = COMPLAINT.fold(MIXED)
    assert (state.scenario, state.confidence < 600) == ("return-without-reason", True)
    given(*MIXED).when(negotiation.route, merchant=ADOPTED, **ROUTE).then(AS_ROUTED)
    given(*CLASSIFIED).when(negotiation.route, merchant=ADOPTED, **ROUTE).then(AS_ROUTED, EXECUTED, BY_POLICY)


@pytest.mark.parametrize(("least", "settles"), [(-1, True), (0, True), (1, False)])
def test_d11_how_surely_a_scenario_has_to_be_known_is_published(least: int, settles: bool) -> None:
    confidence = COMPLAINT.fold(MIXED).confidence
    values = {"least_confidence": Parameter(value=confidence + least, scale=Scale.PERMILLE)}
    published = Parameters(name="policy_execution", values=values, source="chosen")
    book = replace(FIRST, parameters={**FIRST.parameters, "policy_execution": published})
    given(*MIXED, book=book).when(negotiation.route, merchant=ADOPTED, **ROUTE).then(
        AS_ROUTED, *((EXECUTED, BY_POLICY) if settles else ())
    )


def test_d11_where_that_is_not_published_a_policy_settles_what_a_person_has_classified() -> None:
    book = replace(FIRST, parameters={})
    given(*MIXED, book=book).when(negotiation.route, merchant=ADOPTED, **ROUTE).then(AS_ROUTED)
    given(*CLASSIFIED, book=book).when(negotiation.route, merchant=ADOPTED, **ROUTE).then(
        AS_ROUTED, EXECUTED, BY_POLICY
    )


def test_d11_shares_of_the_price_are_rounded_half_up_to_the_fen() -> None:
    thirds = [{"kind": "partial_refund", "permille": 333}, {"kind": "compensation", "permille": 25}]
    odd = ORDER.model_copy(update={"amount": yuan("0.10")})
    history = lived(filing_step(**{**MINDED, "order": odd}))
    terms = (Outcome(kind=OutcomeKind.PARTIAL_REFUND, amount=Money(fen=3)),)
    given(*history).when(negotiation.route, merchant=adopting(kind="refund", terms=thirds), **ROUTE).then(
        AS_ROUTED, EXECUTED.model_copy(update={"edition": 3}), BY_POLICY.model_copy(update={"terms": terms})
    )
    half = [{"kind": "partial_refund", "permille": 250}]
    terms = (Outcome(kind=OutcomeKind.PARTIAL_REFUND, amount=Money(fen=3)),)
    given(*history).when(negotiation.route, merchant=adopting(kind="refund", terms=half), **ROUTE).then(
        AS_ROUTED, EXECUTED.model_copy(update={"edition": 3}), BY_POLICY.model_copy(update={"terms": terms})
    )


def test_d11_the_first_that_was_adopted_settles_it() -> None:
    second = Adoption(POLICY.model_copy(update={"id": "a-later-one"}), 1, day(-50))
    both = Merchant(adoptions=(*ADOPTED.adoptions, second))
    given(*CHANGED_MIND).when(negotiation.route, merchant=both, **ROUTE).then(AS_ROUTED, EXECUTED, BY_POLICY)


def test_d11_a_consumer_who_is_dissatisfied_reopens_it_with_the_merchant() -> None:
    routed = route_step(merchant=ADOPTED, regime=Regime.ONE_CLICK)
    settled = lived(routed, since=CHANGED_MIND)
    reopened = lived(step(ending.reopen, day(3), CONSUMER, reason="nobody came for it"), since=settled)[-1]
    assert isinstance(reopened, ending.Reopened)
    assert reopened.clocks == (clock(Deadline.ESCALATION, day(3), day(7), "one-click-hangzhou"),)
