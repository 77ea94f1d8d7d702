"""Filing: four kinds, many doors, orders, accounts, joint complaints, what is linked and merged."""

from __future__ import annotations

import pytest

from domain.complaint import filing
from domain.complaint.filing import (
    AccountMatched,
    AttemptLinked,
    Filed,
    Joint,
    MatchCorrected,
    MemberJoined,
    MemberLeft,
    Merged,
    RespondentAdded,
    ScenarioClassified,
)
from domain.complaint.state import Deadline, RequestKind
from domain.rulebook.book import EMPTY
from domain.streams import COMPLAINT
from domain.values import Actor, Channel, Code, Money, Origin, Role
from tests.domain.lives import (
    CASE,
    FILED,
    FILING,
    FROM_ORDER,
    ORDER,
    RECEIVED,
    REPORT,
    RESOLVED,
    STRANGER,
    clock,
    filing_step,
    lived,
    row_of,
    step,
    yuan,
)
from tests.domain.scenario import CONSUMER, MERCHANT, PARTNER, REGULATOR, START, day, given

PLEDGE = "12315-pledge-2017"
FIRST_RESPONSE = clock(Deadline.FIRST_RESPONSE, START, "2026-03-11", PLEDGE)
RESOLUTION = clock(Deadline.RESOLUTION, START, "2026-05-28", PLEDGE)
AS_FILED = Filed(
    occurred_at=START,
    actor=CONSUMER,
    kind=RequestKind.COMPLAINT,
    clocks=(FIRST_RESPONSE, RESOLUTION),
    **FILING,
)


def test_a1_a3_filing_begins_the_pledge_of_7_and_60_working_days() -> None:
    given().when(filing.file, at=START, by=CONSUMER, **FILING).then(AS_FILED)


@pytest.mark.parametrize("kind", [RequestKind.REPORT, RequestKind.CONSULTATION, RequestKind.SUGGESTION])
def test_a1_a_request_of_another_kind_is_answered_but_not_resolved(kind: RequestKind) -> None:
    given().when(filing.file, at=START, by=CONSUMER, kind=kind, **FILING).then(
        AS_FILED.model_copy(update={"kind": kind, "clocks": (FIRST_RESPONSE,)})
    )


@pytest.mark.parametrize("channel", Channel)
def test_a2_every_door_leads_into_the_one_ledger(channel: Channel) -> None:
    given().when(filing.file, at=START, by=CONSUMER, **{**FILING, "channel": channel}).then(
        AS_FILED.model_copy(update={"channel": channel})
    )


def test_a3_where_no_pledge_is_published_none_runs() -> None:
    given(book=EMPTY).when(filing.file, at=START, by=CONSUMER, **FILING).then(
        AS_FILED.model_copy(update={"clocks": None})
    )


def test_a1_a_request_is_filed_once() -> None:
    given(*FILED).when(filing.file, at=START, by=CONSUMER, **FILING).refused("file-once")


def test_a2_a_merchant_does_not_file_as_a_consumer() -> None:
    given().when(filing.file, at=START, by=MERCHANT, **FILING).refused("file-once-by")


def test_a10_a_region_that_is_no_division_is_refused() -> None:
    region = Code(scheme="GB/T 2260", value="Hangzhou")
    given(book=EMPTY).when(filing.file, at=START, by=CONSUMER, **{**FILING, "region": region}).invalid("six digits")


def test_g1_a_region_that_is_not_in_the_published_list_is_refused() -> None:
    region = Code(scheme="GB/T 2260", value="990000")
    given().when(filing.file, at=START, by=CONSUMER, **{**FILING, "region": region}).invalid(
        "'990000' is no value of the code list GB/T 2260"
    )


def test_a14_a_report_may_be_anonymous() -> None:
    reporter = Actor(CONSUMER.id, Role.WHISTLE_BLOWER)
    given().when(filing.file, at=START, by=reporter, kind=RequestKind.REPORT, anonymous=True, **FILING).then(
        AS_FILED.model_copy(
            update={"actor": reporter, "kind": RequestKind.REPORT, "anonymous": True, "clocks": (FIRST_RESPONSE,)}
        )
    )


def test_a14_a_complaint_is_never_anonymous() -> None:
    given().when(filing.file, at=START, by=CONSUMER, anonymous=True, **FILING).refused("anonymous-reports-only")


def test_c1_a_complaint_from_an_order_has_its_sum_and_its_receipt() -> None:
    given().when(filing.file, at=START, by=CONSUMER, order=ORDER, **{**FILING, "claim": None}).then(
        AS_FILED.model_copy(update={"order": ORDER, "claim": ORDER.amount})
    )


def test_c1_what_is_claimed_may_be_less_than_the_order() -> None:
    given().when(filing.file, at=START, by=CONSUMER, order=ORDER, **{**FILING, "claim": yuan("20.00")}).then(
        AS_FILED.model_copy(update={"order": ORDER, "claim": yuan("20.00")})
    )


def test_c1_nobody_complains_of_a_purchase_that_is_still_to_come() -> None:
    tomorrow = ORDER.model_copy(update={"purchased_at": day(1)})
    given().when(filing.file, at=START, by=CONSUMER, order=tomorrow, **FILING).invalid("later than the filing")


def test_c7_a_partner_abroad_files_with_its_own_reference() -> None:
    forwarded = Origin(register_name="Consumer Council", reference="HK-2026-77")
    given().when(filing.file, at=START, by=PARTNER, forwarded=forwarded, **FILING).then(
        AS_FILED.model_copy(update={"actor": PARTNER, "forwarded": forwarded})
    )


def test_a1_an_act_is_not_dated_before_the_filing() -> None:
    given(*FILED).when(filing.merge, at=day(-1), by=REGULATOR, into=f"complaint-{STRANGER}").invalid(
        "is before the filing"
    )


MATCHED = lived(step(filing.match_account, START, REGULATOR, consumer_id=STRANGER, basis="phone_number"), since=FILED)


def test_b13_a_caller_who_is_known_is_matched() -> None:
    given(*FILED).when(filing.match_account, at=START, by=REGULATOR, consumer_id=STRANGER, basis="phone_number").then(
        AccountMatched(occurred_at=START, actor=REGULATOR, consumer_id=STRANGER, basis="phone_number")
    )


def test_b13_an_account_is_matched_once() -> None:
    given(*MATCHED).when(filing.match_account, at=START, by=REGULATOR, consumer_id=STRANGER, basis="account").refused(
        "match-once"
    )


def test_b13_a_wrong_match_is_corrected() -> None:
    given(*MATCHED).when(filing.correct_match, at=day(1), by=CONSUMER, consumer_id=CONSUMER.id, reason="my son's").then(
        MatchCorrected(occurred_at=day(1), actor=CONSUMER, consumer_id=CONSUMER.id, reason="my son's")
    )


def test_b13_a_correction_names_somebody_else() -> None:
    given(*MATCHED).when(filing.correct_match, at=day(1), by=CONSUMER, consumer_id=STRANGER, reason="x").invalid(
        "the account that was matched"
    )


def test_b13_without_a_match_nothing_is_corrected() -> None:
    given(*FILED).when(filing.correct_match, at=day(1), by=CONSUMER, consumer_id=STRANGER, reason="x").refused(
        "correct-match-of-account"
    )


def test_b13_an_account_is_matched_while_the_case_is_open() -> None:
    given(*RESOLVED).when(filing.match_account, at=day(5), by=REGULATOR, consumer_id=STRANGER, basis="account").refused(
        "match-while-open"
    )


ATTEMPT = Origin(register_name="Shanghai hotline", reference="12345-9")
LINKED = lived(
    step(filing.link_attempt, day(1), REGULATOR, attempt=ATTEMPT, made_at=day(-30), outcome="no answer"), since=FILED
)


def test_a11_earlier_attempts_elsewhere_are_linked_and_begin_no_clock_anew() -> None:
    given(*FILED).when(
        filing.link_attempt, at=day(1), by=REGULATOR, attempt=ATTEMPT, made_at=day(-30), outcome="no answer"
    ).then(AttemptLinked(occurred_at=day(1), actor=REGULATOR, attempt=ATTEMPT, made_at=day(-30), outcome="no answer"))


def test_a11_an_attempt_is_linked_once() -> None:
    given(*LINKED).when(
        filing.link_attempt, at=day(1), by=REGULATOR, attempt=ATTEMPT, made_at=day(-30), outcome="x"
    ).refused("link-attempt-once")


def test_a11_an_attempt_lies_in_the_past() -> None:
    given(*FILED).when(
        filing.link_attempt, at=day(1), by=REGULATOR, attempt=ATTEMPT, made_at=day(2), outcome="x"
    ).invalid("later than now")


def test_a11_a_finished_case_gets_no_further_attempt() -> None:
    given(*RESOLVED).when(
        filing.link_attempt, at=day(5), by=REGULATOR, attempt=ATTEMPT, made_at=day(2), outcome="x"
    ).refused("link-attempt-while-open")


FIRST_COMPLAINT = f"complaint-{STRANGER}"


@pytest.mark.parametrize("history", [FILED, RECEIVED, REPORT, CASE])
def test_a11_a14_a_repeated_matter_is_joined_to_the_first_and_counted_once(history: tuple[Filed, ...]) -> None:
    given(*history).when(filing.merge, at=day(3), by=REGULATOR, into=FIRST_COMPLAINT).then(
        Merged(occurred_at=day(3), actor=REGULATOR, into=FIRST_COMPLAINT)
    )


def test_a11_a_finished_case_is_not_merged() -> None:
    given(*RESOLVED).when(filing.merge, at=day(5), by=REGULATOR, into=FIRST_COMPLAINT).refused("merge-while-open")


JOINT = Joint(incident="the gym closed", representatives=(CONSUMER.id, STRANGER))
TOGETHER = lived(filing_step(joint=JOINT))
MEMBER = "34343434-3434-4434-8434-343434343434"
JOINED = lived(step(filing.join, day(1), CONSUMER, consumer_id=MEMBER, claim=yuan("3000.01")), since=TOGETHER)


def test_b13_what_the_account_says_fills_in_what_the_caller_did_not() -> None:
    called = lived(filing_step(region=None))
    where = {"region": Code(scheme="GB/T 2260", value="330106"), "postal_code": "310012"}
    given(*called).when(
        filing.match_account, at=day(1), by=REGULATOR, consumer_id=STRANGER, basis="phone_number", **where
    ).then(AccountMatched(occurred_at=day(1), actor=REGULATOR, consumer_id=STRANGER, basis="phone_number", **where))
    matched = lived(
        step(filing.match_account, day(1), REGULATOR, consumer_id=STRANGER, basis="phone_number", **where),
        since=called,
    )
    assert (COMPLAINT.fold(matched).region, row_of(matched).region) == ("330106", "330106")


def test_b14_one_incident_has_representatives() -> None:
    given().when(filing.file, at=START, by=CONSUMER, joint=JOINT, **FILING).then(
        AS_FILED.model_copy(update={"joint": JOINT})
    )


def test_b14_at_most_five_represent_the_others() -> None:
    many = Joint(incident="x", representatives=tuple(f"{n}2121212-1212-4212-8212-121212121212" for n in range(6)))
    given().when(filing.file, at=START, by=CONSUMER, joint=many, **FILING).refused("representatives-at-most")


def test_b14_a_representative_is_named_once() -> None:
    twice = Joint(incident="x", representatives=(CONSUMER.id, CONSUMER.id))
    given().when(filing.file, at=START, by=CONSUMER, joint=twice, **FILING).invalid("named twice")


def test_b14_a_report_is_nobodys_joint_complaint() -> None:
    given().when(filing.file, at=START, by=CONSUMER, kind=RequestKind.REPORT, joint=JOINT, **FILING).refused(
        "joint-complaints-only"
    )


def test_b14_each_victim_joins_with_an_own_sum() -> None:
    given(*TOGETHER).when(filing.join, at=day(1), by=CONSUMER, consumer_id=MEMBER, claim=yuan("3000.01")).then(
        MemberJoined(occurred_at=day(1), actor=CONSUMER, consumer_id=MEMBER, claim=Money(fen=300_001))
    )


def test_b14_a_victim_joins_once() -> None:
    given(*TOGETHER).when(filing.join, at=day(1), by=CONSUMER, consumer_id=STRANGER, claim=yuan("1")).refused(
        "member-once"
    )


def test_b14_nobody_joins_a_complaint_that_is_not_joint() -> None:
    given(*FILED).when(filing.join, at=day(1), by=CONSUMER, consumer_id=MEMBER, claim=yuan("1")).refused(
        "members-of-joint"
    )


def test_b14_nobody_joins_after_the_end() -> None:
    ended = lived(step(filing.merge, day(1), REGULATOR, into=FIRST_COMPLAINT), since=TOGETHER)
    given(*ended).when(filing.join, at=day(2), by=CONSUMER, consumer_id=MEMBER, claim=yuan("1")).refused(
        "members-while-open"
    )


def test_b14_a_victim_may_leave() -> None:
    given(*JOINED).when(filing.leave, at=day(1), by=CONSUMER, consumer_id=MEMBER).then(
        MemberLeft(occurred_at=day(1), actor=CONSUMER, consumer_id=MEMBER, claim=yuan("3000.01"))
    )


def test_b14_the_representatives_do_not_leave_but_withdraw() -> None:
    given(*TOGETHER).when(filing.leave, at=day(1), by=CONSUMER, consumer_id=CONSUMER.id).refused("representatives-stay")
    given(*JOINED).when(filing.leave, at=day(1), by=CONSUMER, consumer_id=STRANGER).invalid("not of the party")


def test_b14_the_sums_of_all_are_in_dispute() -> None:
    assert COMPLAINT.fold(JOINED).in_dispute == yuan("3199.01")
    left = lived(step(filing.leave, day(1), CONSUMER, consumer_id=MEMBER), since=JOINED)
    assert COMPLAINT.fold(left).in_dispute == yuan("199.00")
    dollars = Money(fen=100, currency="USD")
    given(*TOGETHER).when(filing.join, at=day(1), by=CONSUMER, consumer_id=MEMBER, claim=dollars).invalid("not USD")


def test_b17_the_payment_provider_is_a_second_respondent() -> None:
    given(*FILED).when(filing.add_respondent, at=day(1), by=CONSUMER, party="payment_provider", party_id="alipay").then(
        RespondentAdded(occurred_at=day(1), actor=CONSUMER, party="payment_provider", party_id="alipay")
    )


def test_b17_the_providers_of_the_order_are_respondents_already() -> None:
    given(*FROM_ORDER).when(
        filing.add_respondent, at=day(1), by=CONSUMER, party="payment_provider", party_id="alipay"
    ).refused("respondent-once")


def test_b17_nobody_becomes_respondent_after_the_end() -> None:
    given(*RESOLVED).when(filing.add_respondent, at=day(5), by=CONSUMER, party="platform", party_id="taobao").refused(
        "respondent-while-open"
    )


def test_b17_a_report_has_no_respondents() -> None:
    given(*REPORT).when(filing.add_respondent, at=day(1), by=CONSUMER, party="platform", party_id="taobao").refused(
        "kind-has-its-own-path"
    )


def test_b9_a_filing_says_at_which_stage_of_the_product_it_went_wrong() -> None:
    given().when(filing.file, at=START, by=CONSUMER, stage="delivery", **FILING).then(
        AS_FILED.model_copy(update={"stage": "delivery"})
    )
    given().when(filing.file, at=START, by=CONSUMER, stage="packing", **FILING).invalid(
        "'packing' is no value of the code list product-stage"
    )


def test_b10_what_kind_of_dispute_it_is_is_found_by_its_words() -> None:
    told = {"issue": "does not work", "narrative": "The seller wants neither repair nor replacement; a quality defect."}
    given().when(filing.file, at=START, by=CONSUMER, **told, **FILING).then(
        AS_FILED.model_copy(update={**told, "scenario": "quality", "scenario_confidence": 1000})
    )


def test_b10_a_register_of_origin_is_not_classified() -> None:
    origin = Origin(register_name="cfpb", reference="1")
    given().when(filing.file, at=START, by=CONSUMER, origin=origin, issue="fraud", **FILING).then(
        AS_FILED.model_copy(update={"origin": origin, "issue": "fraud", "clocks": None})
    )


def test_b10_a_person_says_what_kind_of_dispute_it_is() -> None:
    classified = ScenarioClassified(occurred_at=day(1), actor=REGULATOR, scenario="fraud")
    given(*FILED).when(filing.classify, at=day(1), by=REGULATOR, scenario="fraud").then(classified)
    assert COMPLAINT.fold([*FILED, classified]).scenario == "fraud"
    given(*FILED).when(filing.classify, at=day(1), by=REGULATOR, scenario="weather").invalid("no scenario 'weather'")
    given(*RESOLVED).when(filing.classify, at=day(5), by=REGULATOR, scenario="fraud").refused("classify-while-open")
    given(*FILED).when(filing.classify, at=day(1), by=MERCHANT, scenario="fraud").refused("classify-while-open-by")
