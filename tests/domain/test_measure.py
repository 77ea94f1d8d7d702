"""The two ladders of measures: imposing, payment, ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from domain.event import Event
from domain.grievance.state import Grieved
from domain.measure import ending, imposing
from domain.measure.ending import Ended, Lifted, Paid
from domain.measure.state import MeasureKind, Remedy, RemedyKind, RuleReference, Status
from domain.merchant.state import Merchant
from domain.reactions import reactions_to
from domain.rulebook.book import EMPTY
from domain.streams import MEASURE as KIND
from domain.values import CLOCK, Money
from tests.domain.measures import (
    ADMITTED,
    APPEALED,
    BY_OFFICE,
    BY_PLATFORM,
    CLOSED,
    COMPLAINT,
    FINED,
    LIMITED,
    MERGED,
    OFFICE,
    OLD,
    OTHER,
    PLATFORM_ID,
    SOUGHT,
    UPHELD,
)
from tests.domain.scenario import (
    CONSUMER,
    FIRST,
    MERCHANT,
    MERCHANT_ID,
    PLATFORM,
    REGULATOR,
    SERVICE,
    Outcome,
    day,
    given,
)

GRIEVANCE = "grievance-66666666-6666-4666-8666-666666666666"
MEASURE = "measure-66666666-6666-4666-8666-666666666666"
OTHER_PLATFORM = "platform-99999999-9999-4999-8999-999999999999"
UPHELD_GRIEVANCE = Grieved(GRIEVANCE, PLATFORM_ID, upheld=True)


def impose(of: dict[str, Any], **other: Any) -> Outcome:
    return given(kind=KIND).when(imposing.impose, **{**of, **other})


def test_e1_a_platform_measure_has_reason_basis_term_and_remedy() -> None:
    impose(BY_PLATFORM).then(LIMITED)
    impose(BY_PLATFORM, by=SERVICE).then(LIMITED.model_copy(update={"actor": SERVICE}))


def test_e1_a_penalty_has_case_number_basis_amount_and_remedies() -> None:
    impose(BY_OFFICE).then(FINED)
    impose(BY_OFFICE, case_number=None).refused("penalty-has-case")
    impose(BY_OFFICE, case_number=" ").refused("penalty-has-case")


def test_e1_a_measure_without_a_reason_or_a_basis_is_refused() -> None:
    impose(BY_PLATFORM, reason=" ").refused("measure-has-reason")
    impose(BY_OFFICE, reason="").refused("measure-has-reason")
    impose(BY_OFFICE, basis=" ").refused("measure-has-reason")


def test_e1_each_ladder_has_measures_of_its_own() -> None:
    impose(BY_PLATFORM, kind=MeasureKind.FINE).refused("measure-of-its-ladder")
    impose(BY_OFFICE, kind=MeasureKind.ACCOUNT_CLOSURE).refused("measure-of-its-ladder")
    impose(BY_PLATFORM, by=REGULATOR).refused("measure-of-its-ladder")
    impose(BY_OFFICE, by=PLATFORM).refused("measure-of-its-ladder")
    impose(BY_OFFICE, by=CONSUMER).refused("measure-imposed-once-by")
    given(FINED, kind=KIND).when(imposing.impose, **BY_OFFICE).refused("measure-imposed-once")


def test_e1_an_authority_measures_platforms_too_and_a_platform_merchants_only() -> None:
    impose(BY_OFFICE, target=PLATFORM_ID, target_state=ADMITTED).then(FINED.model_copy(update={"target": PLATFORM_ID}))
    impose(BY_PLATFORM, target=PLATFORM_ID).refused("platform-measures-merchants")


@pytest.mark.parametrize(
    ("kind", "amount", "until", "part"),
    [
        (MeasureKind.FINE, None, None, "needs an amount"),
        (MeasureKind.CONFISCATION, Money(fen=0), None, "needs an amount"),
        (MeasureKind.PENALTY_WARNING, Money(fen=1), None, "has no amount"),
        (MeasureKind.PENALTY_WARNING, Money(fen=0), None, "has no amount"),
        (MeasureKind.SUSPENSION, None, None, "needs its end"),
        (MeasureKind.LICENCE_REVOKED, None, day(40), "has no end"),
        (MeasureKind.SUSPENSION, None, day(10), "would end before it begins"),
    ],
)
def test_e1_amount_and_end_are_those_of_the_kind(
    kind: MeasureKind, amount: Money | None, until: datetime | None, part: str
) -> None:
    impose(BY_OFFICE, kind=kind, amount=amount, until=until).invalid(part)


@pytest.mark.parametrize("kind", [MeasureKind.TRAFFIC_CONTROL, MeasureKind.LIMITED_FUNCTIONS])
def test_e1_a_platform_measure_that_limits_needs_its_end(kind: MeasureKind) -> None:
    impose(BY_PLATFORM, kind=kind, until=None).invalid("needs its end")


def test_e1_a_measure_traces_to_complaints_about_its_target() -> None:
    impose(BY_OFFICE, complaints=(), traced=()).refused("consequence-traces-to-complaints")
    impose(BY_OFFICE, target=OTHER).refused("consequence-of-own-complaints")


def test_e1_what_belongs_to_the_other_ladder_is_not_accepted() -> None:
    impose(BY_PLATFORM, case_number="12").invalid("no case number")
    impose(BY_PLATFORM, platform_id=None, platform=None).invalid("not who imposes")
    impose(BY_OFFICE, notice=1).invalid("rests on law")


def test_e3_a_measure_names_a_violation_of_the_published_list() -> None:
    impose(BY_PLATFORM, violation="rudeness").invalid("no violation of the published list")


def test_e8_a_measure_cites_a_rule_that_is_in_force() -> None:
    old, new = RuleReference(rule_id="reviews", version=1), RuleReference(rule_id="reviews", version=2)
    impose(BY_PLATFORM, rule=old).refused("measure-cites-rule-in-force")
    impose(BY_PLATFORM, rule=None).refused("measure-cites-rule-in-force")
    impose(BY_PLATFORM, rule=RuleReference(rule_id="x", version=1)).refused("measure-cites-rule-in-force")
    impose(BY_PLATFORM, at=day(4), rule=new).refused("measure-cites-rule-in-force")
    assert impose(BY_PLATFORM, at=day(4), rule=old).error is None


def test_e7_a_measure_answers_a_notice_about_its_target() -> None:
    impose(BY_PLATFORM, notice=1).then(LIMITED.model_copy(update={"notice": 1}))
    impose(BY_PLATFORM, notice=2).refused("measure-answers-its-notice")
    impose(BY_PLATFORM, notice=3).refused("measure-answers-its-notice")
    impose(BY_PLATFORM, notice=5).invalid("no notice 5")
    impose(BY_PLATFORM, at=day(8), notice=1).invalid("notice 1 was given")


def test_e7_a_measure_on_who_goes_on_answers_a_notice_about_who_was_merged_into_it() -> None:
    impose(BY_PLATFORM, notice=4).then(LIMITED.model_copy(update={"notice": 4}))


def test_e1_a_measure_is_on_a_merchant_that_goes_on() -> None:
    impose(BY_OFFICE, target_state=MERGED).refused("consequence-for-who-goes-on")
    impose(BY_PLATFORM, target_state=MERGED).refused("consequence-for-who-goes-on")
    impose(BY_PLATFORM, target_state=Merchant()).refused("consequence-for-who-goes-on")
    merged = impose(BY_OFFICE, target_state=MERGED).error
    assert merged is not None
    assert OTHER in (merged.hint or "")


def test_e1_complaints_that_were_sent_to_a_merchant_merged_into_the_target_count() -> None:
    (one,) = BY_OFFICE["traced"]
    impose(BY_OFFICE, traced=(replace(one, merchant_id=OLD),)).then(FINED)
    impose(BY_OFFICE, traced=(replace(one, merchant_id=OTHER),)).refused("consequence-of-own-complaints")


def test_e9_an_upheld_grievance_can_lead_to_a_penalty_on_the_platform() -> None:
    on_platform: dict[str, Any] = {**BY_OFFICE, "target": PLATFORM_ID, "target_state": ADMITTED}
    alone = {"complaints": (), "traced": (), "grievances": (GRIEVANCE,), "grieved": (UPHELD_GRIEVANCE,)}
    fined = FINED.model_copy(update={"target": PLATFORM_ID, "grievances": (GRIEVANCE,)})
    impose({**on_platform, **alone}).then(fined.model_copy(update={"complaints": ()}))
    impose(on_platform, grievances=(GRIEVANCE,), grieved=(UPHELD_GRIEVANCE,)).then(fined)
    impose(on_platform, complaints=(), traced=()).refused("consequence-traces-to-complaints")
    for odd in (replace(UPHELD_GRIEVANCE, upheld=False), replace(UPHELD_GRIEVANCE, platform_id=OTHER_PLATFORM)):
        impose({**on_platform, **alone}, grieved=(odd,)).refused("consequence-of-upheld-grievances")
    impose({**on_platform, **alone}, grieved=()).refused("consequence-of-upheld-grievances")
    impose(BY_OFFICE, grievances=(GRIEVANCE,), grieved=(UPHELD_GRIEVANCE,)).invalid("about platforms")


def test_e9_the_penalty_is_found_from_its_grievances() -> None:
    imposed = FINED.model_copy(update={"grievances": (GRIEVANCE, GRIEVANCE)})
    found = [one for one in reactions_to(MEASURE, imposed, KIND.fold([imposed])) if one.stream == GRIEVANCE]
    assert [one.rule for one in found] == ["grievances-behind-a-measure"]
    assert not [one for one in reactions_to(MEASURE, FINED, KIND.fold([FINED])) if one.stream == GRIEVANCE]


def from_report(*history: Event, **other: Any) -> Outcome:
    arguments: dict[str, Any] = {
        "at": day(10),
        "by": SERVICE,
        "merchant_id": MERCHANT_ID,
        "office_id": OFFICE,
        "case_number": "12",
        "basis": "Advertising Law, art. 55",
        "reason": "false advertising",
        "amount": Money(fen=200_000),
        "violation": "false-advertising",
        "complaint_id": COMPLAINT,
        "book": FIRST,
    }
    return given(*history, kind=KIND).when(imposing.impose_from_report, **{**arguments, **other})


def test_e1_a_report_that_led_to_a_penalty_begins_a_measure() -> None:
    as_reported = {"actor": SERVICE, "case_number": "12", "reason": "false advertising", "report": COMPLAINT}
    fined = FINED.model_copy(update=as_reported)
    from_report().then(fined)
    from_report(FINED).then()
    warned = fined.model_copy(update={"kind": MeasureKind.PENALTY_WARNING, "amount": None, "violation": None})
    from_report(amount=None, violation=None).then(warned)
    from_report(amount=Money(fen=0), violation=None).then(warned)
    endless = (Remedy(kind=RemedyKind.REVIEW), Remedy(kind=RemedyKind.SUIT))
    from_report(book=EMPTY).then(fined.model_copy(update={"remedies": endless}))


def test_e1_a_measure_ends_with_its_time_or_is_lifted_by_who_imposed_it() -> None:
    ended = Ended(occurred_at=day(40), actor=CLOCK)
    state = KIND.fold([LIMITED])
    assert KIND.next_due is not None
    assert KIND.next_due(state) == day(40)
    assert KIND.fall_due(state, at=day(40), book=FIRST) == []
    assert KIND.fall_due(state, at=day(41), book=FIRST) == [ended]
    assert KIND.fold([LIMITED, ended]).status is Status.ENDED
    assert KIND.fold([LIMITED, APPEALED, ended]).status is Status.CONTESTED
    assert KIND.fold([LIMITED, APPEALED, ended, UPHELD]).status is Status.ENDED
    lifting = {"at": day(20), "reason": "reviews were removed"}
    lifted = Lifted(occurred_at=day(20), actor=PLATFORM, reason="reviews were removed")
    given(LIMITED, kind=KIND).when(ending.lift, by=PLATFORM, at=day(9), reason="x").invalid("the measure was imposed")
    for history in ((LIMITED,), (CLOSED,), (LIMITED, APPEALED)):
        given(*history, kind=KIND).when(ending.lift, by=PLATFORM, **lifting).then(lifted)
    given(LIMITED, kind=KIND).when(ending.lift, by=REGULATOR, **lifting).refused("lifted-by-who-imposed")
    given(FINED, kind=KIND).when(ending.lift, by=PLATFORM, **lifting).refused("lifted-by-who-imposed")
    given(LIMITED, APPEALED, lifted, kind=KIND).when(ending.lift, by=PLATFORM, **lifting).refused(
        "lift-what-is-in-force"
    )
    given(LIMITED, lifted, kind=KIND).when(ending.lift, by=PLATFORM, **lifting).refused("lift-what-is-in-force")
    assert KIND.next_due(KIND.fold([CLOSED])) is None


def test_e1_a_fine_is_paid_to_the_fen_and_never_more() -> None:
    paying = {"at": day(11), "by": MERCHANT, "reference": "transfer 7"}
    half = Paid(
        occurred_at=day(11),
        actor=MERCHANT,
        amount=Money(fen=150_000),
        reference="transfer 7",
        left=Money(fen=50_000),
    )
    rest = half.model_copy(update={"amount": Money(fen=50_000), "left": Money(fen=0)})
    pay = ending.pay
    given(FINED, kind=KIND).when(pay, **paying, amount=Money(fen=150_000)).then(half)
    given(FINED, half, kind=KIND).when(pay, **paying, amount=Money(fen=50_000)).then(rest)
    given(FINED, half, kind=KIND).when(pay, **paying, amount=Money(fen=50_001)).refused("pay-what-is-due")
    given(FINED, half, rest, kind=KIND).when(pay, **paying, amount=Money(fen=1)).refused("pay-what-is-due")
    given(LIMITED, kind=KIND).when(pay, **paying, amount=Money(fen=1)).refused("pay-what-is-due")
    earlier = half.model_copy(update={"occurred_at": day(10.5)})
    given(FINED, SOUGHT, kind=KIND).when(pay, **{**paying, "at": day(10.5)}, amount=Money(fen=150_000)).then(earlier)
    given(FINED, kind=KIND).when(pay, **paying, amount=Money(fen=1, currency="USD")).invalid("no payment on")
    given(FINED, kind=KIND).when(pay, **paying, amount=Money(fen=0)).invalid("no payment on")
