"""Mediation: consent, mediators, suggestions, a person at any time, appraisal, the fast track, its end."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from domain.complaint import mediation
from domain.complaint.clocks import ClocksResumed, ClocksStopped, MediationEnded
from domain.complaint.mediation import (
    AppraisalOrdered,
    AppraisalReported,
    Candidate,
    FastTracked,
    MediationBegun,
    MediationConsented,
    MediatorAssigned,
    MediatorKind,
    MediatorRecused,
    PersonReached,
    PersonRequested,
    SessionCut,
    SessionResumed,
    SuggestionAnswered,
    SuggestionMade,
)
from domain.complaint.settlement import Resolved
from domain.complaint.state import Deadline, Side, Status, Way
from domain.event import Event
from domain.values import Actor, Role
from tests.domain.lives import (
    ACCEPT,
    ACCEPTED,
    ANSWERED,
    APOLOGY,
    FILED,
    MEDIATE,
    MEDIATING,
    ORDER,
    RECEIVED,
    REFUND,
    REPORT,
    RESOLVED,
    RETURN,
    ROUTED,
    clock,
    filing_step,
    lapsed,
    lived,
    missed,
    receive_step,
    row_of,
    step,
    yuan,
)
from tests.domain.scenario import (
    CONSUMER,
    FIRST,
    MEDIATOR,
    MERCHANT,
    MERCHANT_ID,
    REGULATOR,
    SERVICE,
    START,
    day,
    given,
    on,
)

ORDER_20 = "samr-order-20"


@pytest.mark.parametrize(("by", "side"), [(CONSUMER, Side.CONSUMER), (MERCHANT, Side.MERCHANT)])
def test_a13_each_party_consents_to_mediation(by: Any, side: Side) -> None:
    given(*ACCEPTED).when(mediation.consent_to_mediation, at=day(3), by=by).then(
        MediationConsented(occurred_at=day(3), actor=by, side=side)
    )


CONSENTED = lived(*MEDIATE[:2], since=ACCEPTED)
ASSIGNED = lived(*MEDIATE[:3], since=ACCEPTED)


def test_a13_a_party_consents_once() -> None:
    one = lived(MEDIATE[0], since=ACCEPTED)
    given(*one).when(mediation.consent_to_mediation, at=day(3), by=CONSUMER).refused("consent-once")
    given(*one).when(mediation.consent_to_mediation, at=day(3), by=SERVICE, side=Side.CONSUMER).refused("consent-once")
    given(*CONSENTED).when(mediation.consent_to_mediation, at=day(3), by=SERVICE, side=Side.MERCHANT).refused(
        "consent-once"
    )


def test_a13_consent_comes_after_acceptance() -> None:
    given(*RECEIVED).when(mediation.consent_to_mediation, at=day(3), by=CONSUMER).refused("consent-after-acceptance")


def test_a13_an_office_does_not_consent_for_a_party() -> None:
    given(*ACCEPTED).when(mediation.consent_to_mediation, at=day(3), by=REGULATOR).refused(
        "consent-after-acceptance-by"
    )


def test_a13_mediation_begins_with_the_consent_of_both() -> None:
    given(*ASSIGNED).when(mediation.begin_mediation, at=day(3), by=MEDIATOR).then(
        MediationBegun(occurred_at=day(3), actor=MEDIATOR)
    )
    one_only = lived(MEDIATE[1], MEDIATE[2], since=ACCEPTED)
    outcome = given(*one_only).when(mediation.begin_mediation, at=day(3), by=MEDIATOR)
    outcome.refused("mediate-with-both-consents")
    assert "no consent yet of: consumer" in str(outcome.error)
    given(*CONSENTED).when(mediation.begin_mediation, at=day(3), by=MEDIATOR).refused("mediate-with-a-mediator")
    given(*RECEIVED).when(mediation.begin_mediation, at=day(3), by=MEDIATOR).refused("mediate-what-was-accepted")


def ended_on(code: str, at: datetime, by: Actor, side: Side | None = None) -> MediationEnded:
    (ground,) = (ground for ground in FIRST.rule_sets[ORDER_20].ending_grounds if ground.code == code)
    return MediationEnded(
        occurred_at=at, actor=by, ground=code, side=side, rule_set=ORDER_20, source=ground.source, counts=ground.counts
    )


@pytest.mark.parametrize("history", [ACCEPTED, CONSENTED, MEDIATING])
def test_a13_refusing_mediation_is_lawful_and_ends_it_and_is_no_missed_deadline(history: tuple[Event, ...]) -> None:
    given(*history).when(mediation.refuse_mediation, at=day(4), by=MERCHANT).then(
        ended_on("mediation-refused", day(4), MERCHANT, side=Side.MERCHANT)
    )
    assert lapsed(lived(step(mediation.refuse_mediation, day(4), MERCHANT), since=history), day(400)) == ()


def test_a13_what_was_not_accepted_is_not_refused_to_be_mediated() -> None:
    given(*ROUTED).when(mediation.refuse_mediation, at=day(4), by=MERCHANT).refused("refuse-mediation-lawfully")


@pytest.mark.parametrize("ground", FIRST.rule_sets[ORDER_20].ending_grounds, ids=lambda ground: ground.code)
def test_a13_each_ground_ends_mediation(ground: Any) -> None:
    given(*MEDIATING).when(mediation.end_mediation, at=day(5), by=MEDIATOR, ground=ground.code).then(
        ended_on(ground.code, day(5), MEDIATOR)
    )


def test_a13_mediation_does_not_end_on_a_ground_that_the_rules_do_not_know() -> None:
    given(*MEDIATING).when(mediation.end_mediation, at=day(5), by=MEDIATOR, ground="tired").invalid(
        "'tired' is not a ground of samr-order-20"
    )


def test_a13_what_was_not_accepted_has_no_mediation_to_end() -> None:
    given(*RECEIVED).when(mediation.end_mediation, at=day(5), by=MEDIATOR, ground="withdrawn").refused(
        "end-mediation-on-a-ground"
    )


@pytest.mark.parametrize("history", [ACCEPTED, MEDIATING])
def test_a4_mediation_ends_with_its_term(history: tuple[Event, ...]) -> None:
    over = missed(Deadline.MEDIATION, "2026-05-11")
    assert lapsed(history, on("2026-05-11 23:59")) == ()
    assert lapsed(history, on("2026-05-12 00:00")) == (
        over,
        ended_on("term-expired", over.occurred_at, over.actor),
    )


def test_a13_the_grounds_on_which_it_ends_by_itself_are_those_of_every_rule_set() -> None:
    for rules in FIRST.rule_sets.values():
        if rules.ending_grounds:
            assert {"mediation-refused", "term-expired"} <= {ground.code for ground in rules.ending_grounds}


BUSY = Candidate(mediator_id="aaaaaaaa-1111-4111-8111-111111111111", kind=MediatorKind.ASSOCIATION, load=3)
FREE = Candidate(mediator_id="bbbbbbbb-1111-4111-8111-111111111111", kind=MediatorKind.PEOPLES_COMMITTEE, load=2)
ALSO_FREE = FREE.model_copy(update={"mediator_id": "cccccccc-1111-4111-8111-111111111111"})
FULL = FREE.model_copy(update={"mediator_id": "dddddddd-1111-4111-8111-111111111111", "load": 1, "capacity": 1})
OF_CARS = FREE.model_copy(update={"load": 0, "classes": frozenset({"cars"})})
PARTIAL = FREE.model_copy(update={"load": 0, "conflicts": frozenset({MERCHANT_ID})})
SOFTWARE = Candidate(mediator_id="eeeeeeee-1111-4111-8111-111111111111", kind=MediatorKind.SOFTWARE)
AGAINST = lived(filing_step(order=ORDER, claim=None), receive_step(), ACCEPT)


def assigned(one: Candidate) -> MediatorAssigned:
    return MediatorAssigned(
        occurred_at=day(3), actor=REGULATOR, mediator_id=one.mediator_id, kind=one.kind, load=one.load
    )


@pytest.mark.parametrize(
    ("candidates", "chosen"),
    [
        ((BUSY, FREE), FREE),
        ((ALSO_FREE, FREE, BUSY), FREE),
        ((FULL, BUSY), BUSY),
        ((OF_CARS, BUSY), BUSY),
        ((PARTIAL, BUSY), BUSY),
    ],
    ids=["least load", "then the lowest id", "no room", "other kind of product", "conflict"],
)
def test_d9_a_case_goes_to_who_fits_and_has_the_least_load(
    candidates: tuple[Candidate, ...], chosen: Candidate
) -> None:
    given(*AGAINST).when(
        mediation.assign_mediator, at=day(3), by=REGULATOR, candidates=candidates, product="rice cooker"
    ).then(assigned(chosen))


def test_d9_a_mediator_may_be_named() -> None:
    given(*AGAINST).when(
        mediation.assign_mediator, at=day(3), by=REGULATOR, candidates=(BUSY, FREE), mediator_id=BUSY.mediator_id
    ).then(assigned(BUSY))


@pytest.mark.parametrize("party", [CONSUMER.id, MERCHANT_ID, "alipay", "taobao"])
def test_d9_a_mediator_with_a_conflict_is_refused(party: str) -> None:
    one = FREE.model_copy(update={"conflicts": frozenset({party})})
    given(*AGAINST).when(
        mediation.assign_mediator, at=day(3), by=REGULATOR, candidates=(one, BUSY), mediator_id=one.mediator_id
    ).refused("mediator-without-conflict")


@pytest.mark.parametrize("candidates", [(), (FULL,), (OF_CARS,), (PARTIAL,)])
def test_d9_when_nobody_fits_it_says_so(candidates: tuple[Candidate, ...]) -> None:
    given(*AGAINST).when(
        mediation.assign_mediator, at=day(3), by=REGULATOR, candidates=candidates, product="rice cooker"
    ).refused("mediator-who-fits")


def test_d9_a_case_has_one_mediator_who_may_recuse_himself() -> None:
    given(*ASSIGNED).when(mediation.assign_mediator, at=day(3), by=REGULATOR, candidates=(FREE,)).refused("assign-once")
    given(*ASSIGNED).when(mediation.recuse_mediator, at=day(3), by=MEDIATOR, reason="my cousin").then(
        MediatorRecused(occurred_at=day(3), actor=MEDIATOR, mediator_id=MEDIATOR.id, reason="my cousin")
    )
    recused = lived(step(mediation.recuse_mediator, day(3), MERCHANT, reason="his cousin"), since=ASSIGNED)
    given(*recused).when(mediation.recuse_mediator, at=day(3), by=MERCHANT, reason="x").refused(
        "recuse-who-was-assigned"
    )
    given(*recused).when(mediation.assign_mediator, at=day(3), by=REGULATOR, candidates=(FREE,)).then(assigned(FREE))


def test_d9_a_mediator_is_assigned_after_acceptance() -> None:
    given(*RECEIVED).when(mediation.assign_mediator, at=day(3), by=REGULATOR, candidates=(FREE,)).refused(
        "assign-after-acceptance"
    )


BY_MODEL: dict[str, Any] = {
    "terms": (REFUND, APOLOGY),
    "law": ("Consumer Protection Law (2013), art. 24",),
    "model": "mediator",
    "model_version": "2026-03",
    "confidence": 840,
}


@pytest.mark.parametrize("history", [ROUTED, ANSWERED, MEDIATING])
def test_c4_a_suggestion_of_software_records_model_law_and_confidence(history: tuple[Event, ...]) -> None:
    given(*history).when(mediation.suggest, at=day(4), by=SERVICE, **BY_MODEL).then(
        SuggestionMade(occurred_at=day(4), actor=SERVICE, number=0, **BY_MODEL)
    )


@pytest.mark.parametrize(
    ("left_out", "message"),
    [
        ("model", "belong together"),
        ("model_version", "belong together"),
        ("confidence", "belong together"),
        ("law", "cites the law"),
        ("terms", "there are no terms"),
    ],
)
def test_c4_software_says_who_it_is_how_sure_and_by_what_law(left_out: str, message: str) -> None:
    arguments = {name: value for name, value in BY_MODEL.items() if name != left_out} | (
        {"terms": ()} if left_out == "terms" else {}
    )
    given(*MEDIATING).when(mediation.suggest, at=day(4), by=SERVICE, **arguments).invalid(message)


def test_c4_a_person_suggests_without_any_of_that() -> None:
    given(*MEDIATING).when(mediation.suggest, at=day(4), by=MEDIATOR, terms=(REFUND,)).then(
        SuggestionMade(occurred_at=day(4), actor=MEDIATOR, number=0, terms=(REFUND,))
    )


def test_c4_nothing_is_suggested_where_nobody_settles() -> None:
    given(*RECEIVED).when(mediation.suggest, at=day(4), by=MEDIATOR, terms=(REFUND,)).refused("suggest-while-settling")


SUGGESTED = lived(step(mediation.suggest, day(4), SERVICE, **BY_MODEL), since=MEDIATING)


def answered(at: Any, by: Any, side: Side, taken: bool, number: int = 0) -> SuggestionAnswered:
    return SuggestionAnswered(occurred_at=at, actor=by, number=number, side=side, taken=taken)


def test_c4_whether_the_parties_took_it_is_recorded_and_both_together_settle() -> None:
    given(*SUGGESTED).when(mediation.answer_suggestion, at=day(4), by=CONSUMER, number=0, taken=True).then(
        answered(day(4), CONSUMER, Side.CONSUMER, True)
    )
    one = lived(step(mediation.answer_suggestion, day(4), CONSUMER, number=0, taken=True), since=SUGGESTED)
    given(*one).when(mediation.answer_suggestion, at=day(5), by=MERCHANT, number=0, taken=True).then(
        answered(day(5), MERCHANT, Side.MERCHANT, True),
        Resolved(
            occurred_at=day(5),
            actor=MERCHANT,
            basis="agreement",
            way=Way.MEDIATION,
            terms=(REFUND, APOLOGY),
            clocks=(clock(Deadline.PERFORMANCE, day(5), "2026-04-07", ORDER_20),),
        ),
    )
    given(*one).when(mediation.answer_suggestion, at=day(5), by=CONSUMER, number=0, taken=True).refused(
        "answer-an-open-suggestion"
    )


def test_c4_a_suggestion_that_one_party_refused_is_off_the_table() -> None:
    given(*SUGGESTED).when(mediation.answer_suggestion, at=day(4), by=MERCHANT, number=0, taken=False).then(
        answered(day(4), MERCHANT, Side.MERCHANT, False)
    )
    off = lived(
        step(mediation.answer_suggestion, day(4), MERCHANT, number=0, taken=False),
        step(mediation.suggest, day(4), MEDIATOR, terms=(RETURN,)),
        since=SUGGESTED,
    )
    given(*off).when(mediation.answer_suggestion, at=day(5), by=CONSUMER, number=0, taken=True).invalid(
        "suggestion 0 is not open for the consumer"
    )
    given(*off).when(mediation.answer_suggestion, at=day(5), by=CONSUMER, number=1, taken=True).then(
        answered(day(5), CONSUMER, Side.CONSUMER, True, 1)
    )


def test_c4_without_a_suggestion_nothing_is_taken() -> None:
    given(*MEDIATING).when(mediation.answer_suggestion, at=day(4), by=CONSUMER, number=0, taken=True).refused(
        "answer-an-open-suggestion"
    )


def test_c4_no_human_means_no_event_of_a_human_mediator() -> None:
    by_software = lived(
        *MEDIATE[:2],
        step(mediation.assign_mediator, day(3), REGULATOR, candidates=(SOFTWARE,)),
        step(mediation.begin_mediation, day(3), Actor(SOFTWARE.mediator_id, Role.MEDIATOR)),
        step(mediation.suggest, day(4), SERVICE, **BY_MODEL),
        step(mediation.answer_suggestion, day(4), CONSUMER, number=0, taken=True),
        step(mediation.answer_suggestion, day(4), MERCHANT, number=0, taken=True),
        since=ACCEPTED,
    )
    assert (row_of(by_software).status, row_of(by_software).human) == ("resolved", False)
    assert row_of(MEDIATING).human
    reached = lived(
        step(mediation.request_person, day(3), CONSUMER),
        step(mediation.reach_person, day(3), MEDIATOR, person_id=MEDIATOR.id),
        since=ACCEPTED,
    )
    assert row_of(reached).human


@pytest.mark.parametrize("history", [FILED, ROUTED, ANSWERED, RECEIVED, ACCEPTED, MEDIATING, SUGGESTED])
def test_c5_one_action_asks_for_a_person_at_any_step(history: tuple[Event, ...]) -> None:
    outcome = given(*history).when(mediation.request_person, at=day(4), by=CONSUMER)
    (asked,) = outcome.events
    assert isinstance(asked, PersonRequested)
    asking = lived(step(mediation.request_person, day(4), CONSUMER), since=history)
    given(*asking).when(mediation.reach_person, at=day(4), by=MEDIATOR, person_id=MEDIATOR.id).then(
        PersonReached(occurred_at=day(4), actor=MEDIATOR, person_id=MEDIATOR.id)
    )


def test_c5_no_step_of_software_comes_before_a_person() -> None:
    given(*FILED).when(mediation.request_person, at=START, by=CONSUMER).then(
        PersonRequested(occurred_at=START, actor=CONSUMER, step="filed")
    )


def test_c5_a_person_is_reached_when_asked_for() -> None:
    given(*ACCEPTED).when(mediation.reach_person, at=day(4), by=MEDIATOR, person_id=MEDIATOR.id).refused(
        "reach-who-was-asked-for"
    )
    given(*RESOLVED).when(mediation.request_person, at=day(5), by=CONSUMER).refused("person-at-any-time")


CUT = lived(step(mediation.cut_session, day(4), MEDIATOR, session="chat-1"), since=MEDIATING)


def test_c5_a_session_that_was_cut_goes_on_and_each_cut_is_counted() -> None:
    given(*MEDIATING).when(mediation.cut_session, at=day(4), by=MEDIATOR, session="chat-1").then(
        SessionCut(occurred_at=day(4), actor=MEDIATOR, session="chat-1")
    )
    given(*CUT).when(mediation.resume_session, at=day(4), by=CONSUMER, session="chat-1").then(
        SessionResumed(occurred_at=day(4), actor=CONSUMER, session="chat-1")
    )
    again = lived(step(mediation.resume_session, day(4), CONSUMER, session="chat-1"), since=CUT)
    given(*again).when(mediation.cut_session, at=day(5), by=MEDIATOR, session="chat-1").then(
        SessionCut(occurred_at=day(5), actor=MEDIATOR, session="chat-1")
    )
    given(*again).when(mediation.resume_session, at=day(5), by=CONSUMER, session="chat-1").refused(
        "resume-what-was-cut"
    )


def test_c5_a_session_is_cut_once_and_resumed_by_its_name() -> None:
    given(*CUT).when(mediation.cut_session, at=day(4), by=MEDIATOR, session="chat-1").refused("session-cut-once")
    given(*CUT).when(mediation.resume_session, at=day(4), by=CONSUMER, session="chat-2").invalid("has not broken off")
    given(*RESOLVED).when(mediation.cut_session, at=day(5), by=MEDIATOR, session="chat-1").refused("session-while-open")


EXPERT: dict[str, Any] = {
    "appraiser": "appliance laboratory",
    "question": "was it dropped?",
    "payer": Side.MERCHANT,
    "cost": yuan("300"),
}
APPRAISED = lived(step(mediation.order_appraisal, day(7), MEDIATOR, **EXPERT), since=MEDIATING)


def test_d10_an_expert_is_paid_by_a_named_party_and_the_clocks_stand_still() -> None:
    standing = (
        clock(Deadline.RESOLUTION, day(7), "2026-05-28", "12315-pledge-2017", left=55),
        clock(Deadline.MEDIATION, day(7), "2026-05-11", ORDER_20, left=42),
    )
    given(*MEDIATING).when(mediation.order_appraisal, at=day(7), by=MEDIATOR, **EXPERT).then(
        ClocksStopped(occurred_at=day(7), actor=MEDIATOR, reason="appraisal", clocks=standing),
        AppraisalOrdered(occurred_at=day(7), actor=MEDIATOR, **EXPERT),
    )


def test_a4_d10_the_time_of_testing_is_not_counted() -> None:
    reported_at = on("2026-04-20 10:00")
    given(*APPRAISED).when(mediation.report_appraisal, at=reported_at, by=MEDIATOR, finding="it was not").then(
        AppraisalReported(occurred_at=reported_at, actor=MEDIATOR, finding="it was not"),
        ClocksResumed(
            occurred_at=reported_at,
            actor=MEDIATOR,
            reason="appraisal",
            clocks=(
                clock(Deadline.RESOLUTION, reported_at, "2026-07-09", "12315-pledge-2017", n=55),
                clock(Deadline.MEDIATION, reported_at, "2026-06-22", ORDER_20, n=42),
            ),
        ),
    )
    assert lapsed(APPRAISED, on("2026-12-31 10:00")) == ()


def test_d9_who_was_recused_is_not_assigned_again() -> None:
    assigned = lived(step(mediation.assign_mediator, day(3), REGULATOR, candidates=(BUSY, FREE)), since=CONSENTED)
    recused = lived(step(mediation.recuse_mediator, day(3), MERCHANT, reason="a relative"), since=assigned)
    given(*recused).when(mediation.assign_mediator, at=day(3), by=REGULATOR, candidates=(BUSY, FREE)).then(
        MediatorAssigned(occurred_at=day(3), actor=REGULATOR, mediator_id=BUSY.mediator_id, kind=BUSY.kind, load=3)
    )
    given(*recused).when(
        mediation.assign_mediator, at=day(3), by=REGULATOR, candidates=(BUSY, FREE), mediator_id=FREE.mediator_id
    ).refused("mediator-not-recused")


def test_d10_one_appraisal_at_a_time_and_one_report_for_each() -> None:
    given(*APPRAISED).when(mediation.order_appraisal, at=day(8), by=MEDIATOR, **EXPERT).refused(
        "appraise-one-at-a-time"
    )
    given(*MEDIATING).when(mediation.report_appraisal, at=day(8), by=MEDIATOR, finding="x").refused(
        "report-what-was-ordered"
    )


def test_d1_a_small_dispute_takes_the_fast_track_once() -> None:
    given(*ACCEPTED).when(mediation.grant_fast_track, at=day(3), by=REGULATOR).then(
        FastTracked(occurred_at=day(3), actor=REGULATOR, limit=yuan("2000"))
    )
    fast = lived(step(mediation.grant_fast_track, day(3), REGULATOR), since=ACCEPTED)
    given(*fast).when(mediation.grant_fast_track, at=day(3), by=REGULATOR).refused("fast-track-once")


@pytest.mark.parametrize("claim", [yuan("2000.01"), None, yuan("10").model_copy(update={"currency": "USD"})])
def test_d1_a_dispute_that_is_not_known_to_be_small_does_not(claim: Any) -> None:
    history = lived(filing_step(claim=claim), receive_step(), ACCEPT)
    given(*history).when(mediation.grant_fast_track, at=day(3), by=REGULATOR).refused("fast-track-for-small-disputes")


def test_d1_up_to_the_limit_it_is_small() -> None:
    history = lived(filing_step(claim=yuan("2000.00")), receive_step(), ACCEPT)
    given(*history).when(mediation.grant_fast_track, at=day(3), by=REGULATOR).then(
        FastTracked(occurred_at=day(3), actor=REGULATOR, limit=yuan("2000"))
    )


def test_c5_a_person_is_there_for_a_report_too() -> None:
    given(*REPORT).when(mediation.request_person, at=day(1), by=CONSUMER).then(
        PersonRequested(occurred_at=day(1), actor=CONSUMER, step=Status.FILED)
    )


def test_a1_a_report_is_not_mediated() -> None:
    given(*REPORT).when(mediation.consent_to_mediation, at=day(1), by=CONSUMER).refused("consent-after-acceptance")
