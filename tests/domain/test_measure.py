"""The two ladders of measures: imposing, payment, ends."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from domain.event import Event
from domain.measure import ending, imposing
from domain.measure.ending import Ended, Lifted, Paid
from domain.measure.state import MeasureKind, Remedy, RemedyKind, RuleReference, Status
from domain.rulebook.book import EMPTY
from domain.streams import MEASURE as KIND
from domain.values import CLOCK, Money
from tests.domain.measures import (
    APPEALED,
    BY_OFFICE,
    BY_PLATFORM,
    CLOSED,
    COMPLAINT,
    FINED,
    LIMITED,
    OFFICE,
    OTHER,
    PLATFORM_ID,
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
    impose(BY_OFFICE, target=PLATFORM_ID).then(FINED.model_copy(update={"target": PLATFORM_ID}))
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
    impose(BY_PLATFORM, notice=4).invalid("no notice 4")


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
    fined = FINED.model_copy(update={"actor": SERVICE, "case_number": "12", "reason": "false advertising"})
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
    given(FINED, kind=KIND).when(pay, **paying, amount=Money(fen=1, currency="USD")).invalid("no payment on")
    given(FINED, kind=KIND).when(pay, **paying, amount=Money(fen=0)).invalid("no payment on")
