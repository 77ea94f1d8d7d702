"""The rules of a platform: its own rules, the authority's notices, and supervision."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from domain.complaint.links import ConsequenceLinked
from domain.complaint.state import RequestKind
from domain.complaint.state import Status as Standing
from domain.event import Event
from domain.merchant.state import Merchant
from domain.merchant.state import Status as MerchantStatus
from domain.platform import admission, notices, rules, supervision
from domain.platform.admission import Admitted
from domain.platform.notices import NoticeAnswered, NoticeDeclined, NoticeGiven, NoticeMissed
from domain.platform.rules import HiddenChangeReported, MembershipChangeAnnounced, RuleAnnounced, RuleWithdrawn
from domain.platform.state import Platform, rule_in_force
from domain.platform.supervision import PrivacyAuditRecorded, ReportedViolation, SupervisionReported
from domain.reactions import reactions_to
from domain.rulebook.book import TermName
from domain.rulebook.terms import RunningTerm
from domain.streams import COMPLAINT as COMPLAINTS
from domain.streams import PLATFORM as KIND
from domain.tracing import Traced
from domain.values import CLOCK, Code
from tests.domain.lives import FILED
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
    on,
)

OTHER = "merchant-99999999-9999-4999-8999-999999999999"
OFFICE = "office-55555555-5555-4555-8555-555555555555"
MEASURE = "measure-66666666-6666-4666-8666-666666666666"
COMPLAINT = "complaint-44444444-4444-4444-8444-444444444444"
SECOND = "complaint-55555555-5555-4555-8555-555555555555"
PLATFORM_ID = "platform-77777777-7777-4777-8777-777777777777"
TRACED = (Traced(COMPLAINT, RequestKind.COMPLAINT, Standing.ROUTED, MERCHANT_ID),)
BEHIND: dict[str, Any] = {"complaints": (COMPLAINT,), "traced": TRACED}
TEXT = "ab" * 32
ADMITTED = Admitted(occurred_at=day(0), actor=PLATFORM, title="买买网")


def term(name: TermName, due: datetime, source: str) -> RunningTerm:
    return RunningTerm(name=name, due=due, rule_set="supervision-2019", source=source)


def announcement(last: str) -> RunningTerm:
    return term(TermName.ANNOUNCEMENT, on(last) + timedelta(microseconds=999_999), "E-Commerce Law, art. 34")


def announced(version: int, at: datetime, effective_from: datetime, last: str) -> RuleAnnounced:
    return RuleAnnounced(
        occurred_at=at,
        actor=PLATFORM,
        rule_id="no-forged-reviews",
        rule_version=version,
        title="No forged reviews",
        text=TEXT,
        effective_from=effective_from,
        announcement=announcement(last),
    )


#: Announced on 2 March, so that it takes effect on the 10th at the earliest.
FIRST_VERSION = announced(1, day(0), on("2026-03-10 00:00"), "2026-03-09 23:59:59")
SECOND_VERSION = announced(2, day(10), on("2026-04-01 00:00"), "2026-03-19 23:59:59")
GIVEN = NoticeGiven(
    occurred_at=day(1),
    actor=REGULATOR,
    number=1,
    office_id=OFFICE,
    merchant_id=MERCHANT_ID,
    demand="limit its functions",
    basis="E-Commerce Law, art. 29",
    complaints=(COMPLAINT,),
    term=term(TermName.NOTICE, day(4), "chosen"),
)
GOING_ON = Merchant(status=MerchantStatus.REGISTERED)
GIVING: dict[str, Any] = {
    "at": day(1),
    "by": REGULATOR,
    "office_id": OFFICE,
    "merchant_id": MERCHANT_ID,
    "merchant": GOING_ON,
    "demand": "limit its functions",
    "basis": "E-Commerce Law, art. 29",
}
MISSED = NoticeMissed(occurred_at=day(4), actor=CLOCK, number=1)


def announce(*history: Event, at: datetime, effective_from: datetime, **other: Any) -> Outcome:
    arguments = {"by": PLATFORM, "rule_id": "no-forged-reviews", "title": "No forged reviews", "text": TEXT} | other
    return given(ADMITTED, *history, kind=KIND).when(
        rules.announce_rule, at=at, effective_from=effective_from, **arguments
    )


def withdraw(*history: Event, at: datetime, effective_at: datetime, rule_id: str = "no-forged-reviews") -> Outcome:
    return given(ADMITTED, *history, kind=KIND).when(
        rules.withdraw_rule, at=at, by=PLATFORM, rule_id=rule_id, effective_at=effective_at
    )


def in_force(*history: Event, version: int, at: datetime, rule_id: str = "no-forged-reviews") -> bool:
    state: Platform = KIND.fold([ADMITTED, *history])
    return rule_in_force(state, rule_id, version, at)


def test_e7_a_platform_is_an_actor_with_a_stream_of_its_own() -> None:
    given(kind=KIND).when(admission.admit_platform, at=day(0), by=PLATFORM, title="买买网").then(ADMITTED)
    code = Code(scheme="GB 32100", value="91330106MA27XA1B2H")
    admitting = {"at": day(0), "title": "买买网", "identifier": code}
    given(kind=KIND).when(
        admission.admit_platform, by=PLATFORM, **{**admitting, "identifier": Code(scheme="lei", value="x")}
    ).then(ADMITTED.model_copy(update={"identifier": Code(scheme="lei", value="x")}))
    given(kind=KIND).when(
        admission.admit_platform, by=PLATFORM, **{**admitting, "identifier": Code(scheme="GB 32100", value="9133")}
    ).invalid("not a unified social credit code")
    given(kind=KIND).when(admission.admit_platform, by=CONSUMER, **admitting).refused("platform-admitted-once-by")
    given(ADMITTED, kind=KIND).when(admission.admit_platform, by=PLATFORM, **admitting).refused(
        "platform-admitted-once"
    )


def test_e8_rules_are_announced_seven_days_before_they_take_effect() -> None:
    announce(at=day(0), effective_from=on("2026-03-10 00:00")).then(FIRST_VERSION)
    announce(at=day(0), effective_from=on("2026-03-09 23:59")).refused("announce-before-effect")
    announce(at=day(0), effective_from=day(-30)).refused("announce-before-effect")


def test_e8_a_version_is_in_force_until_the_next_one_is() -> None:
    announce(FIRST_VERSION, at=day(10), effective_from=on("2026-04-01 00:00")).then(SECOND_VERSION)
    both = (FIRST_VERSION, SECOND_VERSION)
    moment = timedelta(microseconds=1)
    assert not in_force(*both, version=1, at=FIRST_VERSION.effective_from - moment)
    assert in_force(*both, version=1, at=FIRST_VERSION.effective_from)
    assert in_force(*both, version=1, at=SECOND_VERSION.effective_from - moment)
    assert not in_force(*both, version=1, at=SECOND_VERSION.effective_from)
    assert in_force(*both, version=2, at=SECOND_VERSION.effective_from)
    assert not in_force(*both, version=3, at=day(400))
    assert not in_force(*both, version=0, at=day(400))
    assert not in_force(*both, version=1, at=day(20), rule_id="another")


def test_e8_versions_take_effect_in_their_order() -> None:
    later = announced(1, day(0), on("2026-05-01 00:00"), "2026-03-09 23:59:59")
    announce(later, at=day(1), effective_from=on("2026-05-01 00:00")).refused("versions-in-order")
    announce(later, at=day(1), effective_from=on("2026-04-01 00:00")).refused("versions-in-order")


def withdrawal(at: datetime, effective_at: datetime, last: str) -> RuleWithdrawn:
    return RuleWithdrawn(
        occurred_at=at,
        actor=PLATFORM,
        rule_id="no-forged-reviews",
        effective_at=effective_at,
        announcement=announcement(last),
    )


def test_e8_the_end_of_a_rule_is_announced_as_its_beginning_is_and_never_for_the_past() -> None:
    withdrawn = withdrawal(day(20), day(28), "2026-03-29 23:59:59")
    withdraw(FIRST_VERSION, SECOND_VERSION, at=day(20), effective_at=day(28)).then(withdrawn)
    withdraw(FIRST_VERSION, at=day(20), effective_at=day(19)).refused("announce-before-effect")
    withdraw(FIRST_VERSION, at=day(20), effective_at=day(27)).refused("announce-before-effect")
    withdraw(FIRST_VERSION, withdrawn, at=day(21), effective_at=day(32)).refused("withdraw-what-stands")
    withdraw(FIRST_VERSION, at=day(20), effective_at=day(31), rule_id="x").refused("withdraw-what-stands")
    withdraw(at=day(20), effective_at=day(31)).refused("withdraw-what-stands")
    all_of_it = (FIRST_VERSION, SECOND_VERSION, withdrawn)
    assert in_force(*all_of_it, version=1, at=day(27.9))
    assert not in_force(*all_of_it, version=1, at=day(28))
    assert not in_force(*all_of_it, version=2, at=day(60))


def test_e8_a_rule_that_was_withdrawn_can_come_back_later() -> None:
    withdrawn = withdrawal(day(20), day(60), "2026-03-29 23:59:59")
    history = (FIRST_VERSION, withdrawn)
    announce(*history, at=day(21), effective_from=day(59)).refused("versions-in-order")
    back = announced(2, day(21), day(60), "2026-03-30 23:59:59")
    announce(*history, at=day(21), effective_from=day(60)).then(back)
    assert in_force(*history, back, version=2, at=day(61))
    assert in_force(*history, back, version=1, at=day(59))
    withdraw(*history, back, at=day(22), effective_at=day(70)).then(withdrawal(day(22), day(70), "2026-03-31 23:59:59"))


def test_e8_the_changes_of_a_rule_are_recorded_in_order() -> None:
    history = (FIRST_VERSION, SECOND_VERSION)
    announce(*history, at=day(9), effective_from=day(90)).invalid("the last change of no-forged-reviews")
    withdraw(*history, at=day(9), effective_at=day(90)).invalid("the last change of no-forged-reviews")


def test_e7_what_is_recorded_late_of_one_thing_is_not_refused_because_of_another() -> None:
    other = announced(1, day(9), day(90), "2026-03-18 23:59:59").model_copy(update={"rule_id": "another"})
    announce(FIRST_VERSION, SECOND_VERSION, at=day(9), effective_from=day(90), rule_id="another").then(other)
    given(ADMITTED, SECOND_VERSION, kind=KIND).when(notices.give_notice, **GIVING, **BEHIND).then(GIVEN)
    declined = NoticeDeclined(occurred_at=day(2), actor=PLATFORM, number=1, reason="not our merchant", late=False)
    declining = {"by": PLATFORM, "number": 1, "reason": "not our merchant"}
    given(ADMITTED, GIVEN, SECOND_VERSION, MISSED, kind=KIND).when(notices.decline_notice, at=day(2), **declining).then(
        declined
    )
    given(ADMITTED, GIVEN, kind=KIND).when(notices.decline_notice, at=day(0), **declining).invalid("notice 1 was given")


def test_e4_a_change_of_membership_is_announced_before_it_applies() -> None:
    changing = {"at": day(0), "by": PLATFORM, "programme": "plus", "change": "free delivery from 99 yuan"}
    given(ADMITTED, kind=KIND).when(
        rules.announce_membership_change, **changing, effective_from=on("2026-03-10 00:00")
    ).then(
        MembershipChangeAnnounced(
            occurred_at=day(0),
            actor=PLATFORM,
            programme="plus",
            change="free delivery from 99 yuan",
            effective_from=on("2026-03-10 00:00"),
            announcement=announcement("2026-03-09 23:59:59"),
        )
    )
    given(ADMITTED, kind=KIND).when(rules.announce_membership_change, **changing, effective_from=day(7)).refused(
        "announce-before-effect"
    )


def test_e3_a_hidden_change_of_membership_is_found_by_complaints() -> None:
    change = MembershipChangeAnnounced(
        occurred_at=day(0), actor=PLATFORM, programme="plus", change="x", effective_from=day(20)
    )
    found: dict[str, Any] = {"at": day(30), "by": REGULATOR, "programme": "plus", "change": "delivery is charged"}

    def report(**other: Any) -> Outcome:
        arguments = {**found, "took_effect_at": day(12), **BEHIND, **other}
        return given(ADMITTED, change, kind=KIND).when(rules.report_hidden_change, **arguments)

    report().then(
        HiddenChangeReported(
            occurred_at=day(30),
            actor=REGULATOR,
            programme="plus",
            change="delivery is charged",
            took_effect_at=day(12),
            violation="hidden-membership-change",
            complaints=(COMPLAINT,),
        )
    )
    report(took_effect_at=day(20)).refused("change-was-hidden")
    report(took_effect_at=day(31)).refused("change-was-hidden")
    report(by=PLATFORM).refused("change-was-hidden-by")
    report(complaints=(), traced=()).refused("consequence-traces-to-complaints")


def test_e7_a_notice_demands_a_measure_within_its_term() -> None:
    def give(*history: Event, **other: Any) -> Outcome:
        return given(*history, kind=KIND).when(notices.give_notice, **{**GIVING, **BEHIND, **other})

    give(ADMITTED).then(GIVEN)
    give(ADMITTED, by=MERCHANT).refused("notice-to-a-platform-by")
    give().refused("notice-to-a-platform")
    give(ADMITTED, merchant_id=OTHER).refused("consequence-of-own-complaints")


def test_e7_a_notice_is_about_a_merchant_that_goes_on() -> None:
    def give(**other: Any) -> Outcome:
        return given(ADMITTED, kind=KIND).when(notices.give_notice, **{**GIVING, **BEHIND, **other})

    merged = Merchant(status=MerchantStatus.MERGED, merged_into=OTHER)
    give(merchant=merged).refused("consequence-for-who-goes-on")
    sent = (Traced(COMPLAINT, RequestKind.COMPLAINT, Standing.ROUTED, OTHER),)
    give(traced=sent).refused("consequence-of-own-complaints")
    give(traced=sent, merchant=replace(GOING_ON, absorbed=frozenset({OTHER}))).then(GIVEN)


def test_e7_a_notice_without_a_measure_is_missed_when_its_term_has_passed() -> None:
    state = KIND.fold([ADMITTED, GIVEN])
    assert KIND.next_due is not None
    assert KIND.next_due(state) == day(4)
    assert KIND.fall_due(state, at=day(4), book=FIRST) == []
    assert KIND.fall_due(state, at=day(5), book=FIRST) == [MISSED]
    assert KIND.next_due(KIND.evolve(state, MISSED)) is None


@pytest.mark.parametrize("at", [day(3), day(4)])
def test_e7_a_measure_answers_its_notice(at: datetime) -> None:
    answered = NoticeAnswered(occurred_at=at, actor=SERVICE, number=1, measure=MEASURE, late=False)
    answering = {"at": at, "by": SERVICE, "number": 1, "measure": MEASURE}
    given(ADMITTED, GIVEN, kind=KIND).when(notices.answer_notice, **answering).then(answered)
    given(ADMITTED, GIVEN, answered, kind=KIND).when(notices.answer_notice, **answering).then()
    given(ADMITTED, GIVEN, MISSED, kind=KIND).when(notices.answer_notice, **answering).then(answered)
    given(ADMITTED, GIVEN, kind=KIND).when(notices.answer_notice, **{**answering, "number": 2}).then()
    given(ADMITTED, GIVEN, kind=KIND).when(notices.answer_notice, **{**answering, "number": 0}).then()


def test_e7_a_measure_that_comes_late_leaves_the_miss_as_it_is() -> None:
    late = NoticeAnswered(occurred_at=day(5), actor=SERVICE, number=1, measure=MEASURE, late=True)
    answering = {"at": day(5), "by": SERVICE, "number": 1, "measure": MEASURE}
    given(ADMITTED, GIVEN, kind=KIND).when(notices.answer_notice, **answering).then(MISSED, late)
    given(ADMITTED, GIVEN, MISSED, kind=KIND).when(notices.answer_notice, **answering).then(late)


def test_e7_a_platform_can_decline_a_notice_with_a_reason() -> None:
    declined = NoticeDeclined(occurred_at=day(2), actor=PLATFORM, number=1, reason="not our merchant", late=False)
    declining = {"at": day(2), "by": PLATFORM, "number": 1, "reason": "not our merchant"}
    given(ADMITTED, GIVEN, kind=KIND).when(notices.decline_notice, **declining).then(declined)
    given(ADMITTED, GIVEN, kind=KIND).when(notices.decline_notice, **{**declining, "at": day(6)}).then(
        MISSED, declined.model_copy(update={"occurred_at": day(6), "late": True})
    )
    second = GIVEN.model_copy(update={"number": 2})
    given(ADMITTED, GIVEN, second, declined, kind=KIND).when(notices.decline_notice, **declining).refused(
        "decline-what-waits"
    )
    given(ADMITTED, GIVEN, declined, kind=KIND).when(notices.decline_notice, **declining).refused("decline-what-waits")
    given(ADMITTED, GIVEN, kind=KIND).when(notices.decline_notice, **{**declining, "number": 2}).invalid("no notice 2")


def test_d7_a_privacy_audit_is_recorded_with_its_findings() -> None:
    auditing: dict[str, Any] = {
        "at": day(0),
        "auditor": "Audit & Co.",
        "scope": "deliveries",
        "first": date(2025, 1, 1),
        "last": date(2025, 12, 31),
        "findings": ("addresses are kept too long",),
        "conforms": False,
        "report": TEXT,
    }
    recorded = PrivacyAuditRecorded(
        occurred_at=day(0), actor=REGULATOR, number=1, **{name: auditing[name] for name in auditing if name != "at"}
    )
    record = supervision.record_privacy_audit
    given(ADMITTED, kind=KIND).when(record, by=REGULATOR, **auditing).then(recorded)
    given(ADMITTED, recorded, kind=KIND).when(record, by=REGULATOR, **auditing).then(
        recorded.model_copy(update={"number": 2})
    )
    given(ADMITTED, kind=KIND).when(record, by=REGULATOR, **{**auditing, "findings": ()}).invalid("no finding")
    given(ADMITTED, kind=KIND).when(record, by=REGULATOR, **{**auditing, "first": date(2026, 1, 1)}).invalid(
        "no period that has passed"
    )
    given(ADMITTED, kind=KIND).when(record, by=REGULATOR, **{**auditing, "last": date(2026, 3, 3)}).invalid(
        "no period that has passed"
    )
    given(ADMITTED, kind=KIND).when(record, by=MERCHANT, **auditing).refused("audit-of-a-platform-by")
    given(kind=KIND).when(record, by=REGULATOR, **auditing).refused("audit-of-a-platform")


def test_d7_a_platform_reports_violations_of_its_merchants_once_per_period() -> None:
    violation = ReportedViolation(
        merchant_id=MERCHANT_ID, violation="forged-reviews", complaints=(COMPLAINT,), measure=MEASURE
    )
    reporting: dict[str, Any] = {
        "at": day(0),
        "by": PLATFORM,
        "first": date(2026, 1, 1),
        "last": date(2026, 1, 31),
        "violations": (violation,),
        **BEHIND,
    }
    reported = SupervisionReported(
        occurred_at=day(0),
        actor=PLATFORM,
        first=date(2026, 1, 1),
        last=date(2026, 1, 31),
        edition=1,
        violations=(violation,),
        new_complaints=(COMPLAINT,),
    )
    report = supervision.report_supervision
    given(ADMITTED, kind=KIND).when(report, **reporting).then(reported)
    given(ADMITTED, reported, kind=KIND).when(report, **reporting).then(
        reported.model_copy(update={"edition": 2, "new_complaints": ()})
    )
    given(ADMITTED, reported, kind=KIND).when(report, **{**reporting, "first": date(2026, 1, 15)}).refused(
        "periods-apart"
    )
    february = {"first": date(2026, 2, 1), "last": date(2026, 2, 28)}
    given(ADMITTED, reported, kind=KIND).when(report, **{**reporting, **february}).then(
        reported.model_copy(update=february)
    )
    odd = violation.model_copy(update={"violation": "rudeness"})
    given(ADMITTED, kind=KIND).when(report, **{**reporting, "violations": (odd,)}).invalid("no violation")


def supervised(*history: Event, violations: tuple[ReportedViolation, ...], **other: Any) -> Outcome:
    arguments: dict[str, Any] = {"at": day(0), "by": PLATFORM, "first": date(2026, 1, 1), "last": date(2026, 1, 31)}
    return given(ADMITTED, *history, kind=KIND).when(
        supervision.report_supervision, violations=violations, **arguments, **other
    )


def found_by(*complaints: str, merchant_id: str = MERCHANT_ID) -> ReportedViolation:
    return ReportedViolation(merchant_id=merchant_id, violation="forged-reviews", complaints=complaints)


def test_d7_each_violation_that_is_reported_traces_to_complaints_about_its_merchant() -> None:
    assert supervised(violations=(), complaints=(), traced=()).error is None
    with pytest.raises(ValidationError, match="at least 1 item"):
        found_by()
    other = Traced(SECOND, RequestKind.COMPLAINT, Standing.ROUTED, OTHER)
    both = {"complaints": (COMPLAINT, SECOND), "traced": (*TRACED, other)}
    assert supervised(violations=(found_by(COMPLAINT), found_by(SECOND, merchant_id=OTHER)), **both).error is None
    supervised(violations=(found_by(COMPLAINT), found_by(SECOND)), **both).refused("consequence-of-own-complaints")
    supervised(violations=(found_by(COMPLAINT),), **both).invalid("not what any violation names")
    supervised(violations=(found_by(COMPLAINT, SECOND),), **BEHIND).invalid("not among the complaints")
    supervised(violations=(found_by(COMPLAINT),), complaints=(COMPLAINT,), traced=()).refused(
        "consequence-traces-to-complaints"
    )


def test_d7_a_later_edition_is_linked_with_the_complaints_that_no_earlier_one_named() -> None:
    def edition(number: int, new: tuple[str, ...], *named: str) -> SupervisionReported:
        return SupervisionReported(
            occurred_at=day(0),
            actor=PLATFORM,
            first=date(2026, 1, 1),
            last=date(2026, 1, 31),
            edition=number,
            violations=(found_by(*named),),
            new_complaints=new,
        )

    first, second = edition(1, (COMPLAINT,), COMPLAINT), edition(2, (SECOND,), SECOND)
    third = edition(3, (), COMPLAINT)
    also = Traced(SECOND, RequestKind.COMPLAINT, Standing.ROUTED, MERCHANT_ID)
    supervised(first, violations=(found_by(SECOND),), complaints=(SECOND,), traced=(also,)).then(second)
    supervised(first, second, violations=(found_by(COMPLAINT),), **BEHIND).then(third)

    def linked(event: SupervisionReported) -> list[tuple[str, int | None]]:
        found = reactions_to(PLATFORM_ID, event, KIND.fold([ADMITTED, event]))
        links = ((one.stream, link) for one in found for link in one.decide(COMPLAINTS.fold(FILED), FIRST))
        return [(stream, link.number) for stream, link in links if isinstance(link, ConsequenceLinked)]

    assert linked(first) == [(COMPLAINT, 1)]
    assert linked(second) == [(SECOND, 2)]
    assert linked(third) == []
