"""What definitions are hard about, by hand: each case by the reference and by the tables, with its figures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from domain.complaint import ending, filing, handling, mediation, negotiation, reports, settlement
from domain.complaint.ending import Reopened
from domain.complaint.filing import Joint
from domain.complaint.mediation import Candidate, MediatorKind
from domain.complaint.settlement import Resolved
from domain.complaint.state import Outcome, OutcomeKind
from domain.complaint.ways import CourtReferred, Decided
from domain.event import Event
from domain.merchant.state import Merchant
from domain.values import Actor, Channel, Money, Origin
from projections import credit
from projections.resolution_statistics import MEASURES
from tests.domain.lives import (
    ACCEPT,
    CASE,
    FROM_ORDER,
    MEDIATE,
    MEDIATING,
    OFFICE_ID,
    ONE_CLICK,
    OTHER_OFFICE,
    PUDONG,
    RECEIVED,
    RESOLVED,
    ROUTED,
    SETTLE,
    STRANGER,
    filing_step,
    lapsed,
    lived,
    receive_step,
    route_step,
    row_of,
    step,
    yuan,
)
from tests.domain.scenario import ADJUDICATOR, CONSUMER, MEDIATOR, MERCHANT, MERCHANT_ID, REGULATOR, SERVICE, day, on
from tests.domain.test_publication import PROMISED
from tests.projections.tables import assert_as_the_reference, counts, folded, under
from tests.reference.complaints import durations
from tests.reference.credit import paid_then_withdrawn
from tests.reference.history import day_filed
from tests.reference.statistics import (
    histograms,
    statistics,
)

OTHER_MERCHANT = "merchant-23232323-2323-4232-8232-232323232323"
MEMBER = "34343434-3434-4434-8434-343434343434"
MEASURE_ID = "measure-98989898-9898-4898-8898-989898989898"


def reopened(at: datetime, history: Sequence[Event]) -> tuple[Event, ...]:
    return (*history, Reopened(occurred_at=at, actor=CONSUMER, reason="it broke again", status="received"))


def solved(at: datetime, history: Sequence[Event], **how: Any) -> tuple[Event, ...]:
    return (*history, Resolved(occurred_at=at, actor=REGULATOR, basis="consumer_confirmed", **how))


# Late and old

IMPORTED = lived(
    step(
        filing.file,
        on("2014-02-01 00:00"),
        SERVICE,
        consumer_id=STRANGER,
        channel=Channel.IMPORT,
        product="Mortgage",
        scheme="CFPB",
        issue="Loan servicing",
        origin=Origin(register_name="CFPB", reference="1"),
        precision="day",
    ),
    route_step(on("2014-02-03 00:00"), answer_due=on("2014-02-18 00:00")),
    step(negotiation.answer, on("2014-02-20 00:00"), SERVICE, kind="monetary_relief", stated="in_time"),
    step(settlement.resolve, on("2014-02-20 00:00"), SERVICE, basis="relief_granted", recovered=yuan("12.34")),
)


def test_an_import_counts_in_the_period_in_which_it_was_filed_however_late_it_is_told() -> None:
    counts(IMPORTED, filed=1, valid=1, answered_on_time=1, resolved=1, recovered_fen=1234)
    counts(IMPORTED, ended=1, valid_here=0, routed_here=0, ended_here=0, self_settled=0, ended_without_person=0)
    assert day_filed(IMPORTED) == date(2014, 2, 1)
    assert under(IMPORTED, "register") == "CFPB"
    assert durations(IMPORTED) == {"answer": timedelta(days=17), "resolution": timedelta(days=19)}
    streams = {"complaint-1": RESOLVED, "complaint-2": IMPORTED}
    assert_as_the_reference(folded(streams, Random(0)).sums, streams)


def test_a_merchant_that_a_register_corrects_takes_the_complaint_over_from_the_other() -> None:
    corrected = lived(step(ending.correct, day(0), SERVICE, merchant_id=OTHER_MERCHANT, in_time=False), since=IMPORTED)
    counts(corrected, answered=1, answered_on_time=0, resolved=1)
    assert under(IMPORTED, "merchant") == MERCHANT_ID
    assert under(corrected, "merchant") == OTHER_MERCHANT


def test_b3_an_answer_that_a_register_corrects_is_a_resolution_no_more_or_becomes_one() -> None:
    gone = lived(step(ending.correct, day(0), SERVICE, answer="explanation"), since=IMPORTED)
    counts(gone, valid=1, answered=1, resolved=0, ended=1, recovered_fen=1234)
    back = lived(step(ending.correct, day(1), SERVICE, answer="relief"), since=gone)
    counts(back, resolved=1, confirmed=1)
    assert durations(back)["resolution"] == day(1) - on("2014-02-01 00:00")


@pytest.mark.parametrize(("answer", "valid"), [("explanation", 0), ("relief", 1)])
def test_b3_what_a_register_closed_as_unfounded_stays_so_unless_it_says_that_there_was_relief(
    answer: str, valid: int
) -> None:
    closed = lived(step(ending.close, on("2014-02-21 00:00"), SERVICE, ground="unfounded"), since=IMPORTED[:-1])
    counts(closed, valid=0, ended=0)
    corrected = lived(step(ending.correct, day(0), SERVICE, answer=answer), since=closed)
    counts(corrected, valid=valid, ended=valid, resolved=valid)


def test_a_year_begins_at_midnight_in_shanghai() -> None:
    last, first = (lived(filing_step(datetime(2025, 12, 31, hour, 30, tzinfo=UTC))) for hour in (15, 16))
    assert [day_filed(one) for one in (last, first)] == [date(2025, 12, 31), date(2026, 1, 1)]
    streams = {"complaint-1": last, "complaint-2": first}
    assert_as_the_reference(folded(streams, Random(0)).sums, streams)
    for grain, days in (("year", (date(2025, 1, 1), date(2026, 1, 1))), ("week", (date(2025, 12, 29),) * 2)):
        found = statistics(streams.values(), grain)
        assert {found["all", "", "", grain, first_day]["filed"] for first_day in days} == {3 - len(set(days))}


# Reopened


@pytest.mark.parametrize(
    ("hours", "confirmed"), [(29 * 24, 0), (720, 0), (720 + Fraction(1, 3_600_000_000), 1), (31 * 24, 1)]
)
def test_b3_reopening_within_30_days_of_a_resolution_takes_the_confirmation_for_good(
    hours: Fraction, confirmed: int
) -> None:
    again = day(4) + timedelta(microseconds=int(hours * 3_600_000_000))
    once = reopened(again, RESOLVED)
    counts(once, valid=1, resolved=0, confirmed=0, reopened=1, accepted=0, checked=0, mediated=0, received=1)
    counts(solved(again + timedelta(days=1), once), resolved=1, confirmed=confirmed, reopened=1, mediated=0)


@pytest.mark.parametrize("pauses", [(29, 31), (31, 29), (31, 31)])
def test_b3_each_of_two_reopenings_can_take_the_confirmation(pauses: tuple[int, int]) -> None:
    history, at = RESOLVED, day(4)
    for pause in pauses:
        at += timedelta(days=pause)
        history = solved(at, reopened(at, history), recovered=yuan("1.00"))
    counts(history, resolved=1, reopened=1, confirmed=int(min(pauses) > 30), recovered_fen=200)
    assert durations(history)["resolution"] == at - day(0)


def test_what_is_said_after_a_reopening_is_of_that_round_alone() -> None:
    first = lived(
        step(handling.call_back, day(5), REGULATOR, reached=True, satisfaction=5),
        step(handling.conclude, day(6), REGULATOR),
        since=RESOLVED,
    )
    counts(first, concluded=1, called_back=1, rated=1, satisfaction_points=5)
    second = reopened(day(7), first)
    counts(second, concluded=0, called_back=0, rated=0, satisfaction_points=0)
    refused = lived(ACCEPT_AGAIN, since=second)
    counts(refused, checked=1, checked_on_time=1, accepted=1)


ACCEPT_AGAIN = step(handling.accept, day(8), REGULATOR)


# Elsewhere


def test_a11_one_that_was_merged_into_another_is_not_counted() -> None:
    merged = lived(step(filing.merge, day(3), REGULATOR, into=f"complaint-{STRANGER}"), since=MEDIATING)
    counts(merged, **dict.fromkeys(MEASURES, 0))
    assert not statistics([merged], "day")
    assert not histograms([merged], "day")


def test_a6_a_transferred_complaint_counts_for_the_office_that_has_it() -> None:
    moved = lived(
        step(handling.transfer, day(2), REGULATOR, office_id=OTHER_OFFICE, division=PUDONG, reason="it moved"),
        since=RECEIVED,
    )
    counts(moved, received=1, filed=1)
    assert (under(RECEIVED, "office"), under(moved, "office")) == (OFFICE_ID, OTHER_OFFICE)
    assert under(moved, "region") == under(RECEIVED, "region")


def test_b3_a_withdrawn_complaint_is_filed_and_not_valid_whatever_was_paid() -> None:
    paid = reopened(day(6), solved(day(5), RECEIVED, recovered=yuan("50.00")))
    counts(paid, valid=1, recovered_fen=5000, dispute_fen=19900)
    counts(
        lived(step(ending.withdraw, day(7), CONSUMER), since=paid),
        filed=1,
        withdrawn=1,
        valid=0,
        recovered_fen=0,
        dispute_fen=0,
        reopened=0,
        received=1,
    )


def test_a12_a_referral_is_outside_every_rate() -> None:
    referral = step(handling.refer, day(2), REGULATOR, addressee="the health commission", reason="a medical dispute")
    counts(lived(referral, since=RECEIVED), filed=1, referred=1, valid=0, checked=0, mediated=0, received=1)


@pytest.mark.parametrize(("ground", "valid"), [("unfounded", 0), ("no_agreement", 1)])
def test_b3_closed_as_unfounded_is_not_valid_until_a_court_has_it(ground: str, valid: int) -> None:
    closed = lived(step(ending.close, day(1), REGULATOR, ground=ground), since=ROUTED)
    counts(closed, valid=valid, ended=valid, resolved=0, routed=valid)
    court = (*closed, CourtReferred(occurred_at=day(2), actor=CONSUMER, division=PUDONG, basis="buyer_domicile"))
    counts(court, valid=1, ended=0)
    against = Decided(occurred_at=day(9), actor=ADJUDICATOR, way="litigation", for_consumer=False, reasons="no proof")
    counts((*court, against), valid=1, ended=1, resolved=0)


def test_b14_the_claims_of_a_joint_complaint_are_summed_without_those_of_who_left() -> None:
    joined = lived(
        filing_step(joint=Joint(incident="the gym closed", representatives=(CONSUMER.id, STRANGER))),
        step(filing.join, day(1), CONSUMER, consumer_id=MEMBER, claim=yuan("3000.01")),
        step(filing.join, day(1), CONSUMER, consumer_id=MERCHANT.id, claim=yuan("10.00")),
    )
    counts(joined, dispute_fen=19900 + 300001 + 1000)
    left = lived(step(filing.leave, day(2), CONSUMER, consumer_id=MEMBER), since=joined)
    counts(left, dispute_fen=19900 + 1000)


def test_g2_a_fine_that_was_revoked_does_not_stand() -> None:
    fined = lived(
        step(
            reports.impose_penalty,
            day(9),
            REGULATOR,
            case_number="2026-17",
            basis="Advertising Law, art. 56",
            violation="price-fraud",
            fine=yuan("20000.00"),
            merchant_id=MERCHANT_ID,
        ),
        since=CASE,
    )
    counts(fined, reports=1, filed=0, valid=0, received=1, verified=1, cases_filed=1, fines=1, fine_fen=2_000_000)
    for fine, fines, fen in ((yuan("5000.00"), 1, 500_000), (None, 0, 0)):
        revise = reports.PenaltyRevised(
            occurred_at=day(30),
            actor=SERVICE,
            measure=MEASURE_ID,
            fine=fine,
            counts=fine is not None,
        )
        counts((*fined, revise), cases_filed=1, fines=fines, fine_fen=fen)
        assert under((*fined, revise), "violation") == "price-fraud"


def test_b1_a_promise_that_was_not_kept_is_no_resolution_in_time() -> None:
    unkept = (*PROMISED, *lapsed(PROMISED, day(8)))
    assert unkept[-1].name == "complaint.published"
    counts(unkept, valid=1, routed=1, answer_ended=1, answered=0)
    counts(solved(day(9), unkept), resolved=1, resolved_on_time=0, self_settled=1, answered=0)
    counts(solved(day(1), PROMISED), resolved=1, resolved_on_time=1, answer_ended=0)


def test_c3_what_silence_handed_to_the_authority_is_mediated_and_not_self_settled() -> None:
    silent = (*ONE_CLICK, *lapsed(ONE_CLICK, day(4.5)))
    assert silent[-1].name == "complaint.upgraded"
    counts(silent, received=0, valid=1, answered=0, answer_ended=1)
    mediated = lived(
        receive_step(day(5)),
        (ACCEPT[0], day(6), *ACCEPT[2:]),
        *((action, day(7), by, arguments) for action, _, by, arguments in MEDIATE),
        (SETTLE[0], day(8), *SETTLE[2:]),
        since=silent,
    )
    counts(
        mediated,
        received=1,
        accepted=1,
        mediated=1,
        mediation_succeeded=1,
        self_settled=0,
        resolved=1,
        resolved_on_time=0,
        ended_without_person=0,
    )
    alone = lived(
        step(negotiation.offer, day(1), MERCHANT, terms=SETTLE[3]["terms"]),
        step(negotiation.accept_offer, day(2), CONSUMER),
        since=ONE_CLICK,
    )
    counts(alone, self_settled=1, resolved_on_time=1, ended_without_person=1, received=0)


def test_a_call_back_about_an_end_that_was_none_does_not_count() -> None:
    told = lived(
        step(ending.close, day(1), REGULATOR, ground="no_agreement"),
        step(handling.call_back, day(2), REGULATOR, reached=True, satisfaction=1),
        since=ROUTED,
    )
    counts(told, called_back=1, rated=1)
    court = CourtReferred(occurred_at=day(3), actor=CONSUMER, division=PUDONG, basis="buyer_domicile")
    counts((*told, court), called_back=0, rated=0, satisfaction_points=0)


SUGGESTION: dict[str, Any] = {"terms": SETTLE[3]["terms"], "law": ("Consumer Protection Law, art. 24",)}
SOFTWARE = {"model": "settler", "model_version": "3.1", "confidence": 810}


@pytest.mark.parametrize(("by", "model", "alone"), [(SERVICE, SOFTWARE, 1), (MEDIATOR, {}, 0)])
def test_c4_without_a_person_means_that_none_suggested_mediated_or_took_over(
    by: Actor, model: dict[str, Any], alone: int
) -> None:
    suggested = lived(step(mediation.suggest, day(1), by, **SUGGESTION, **model), since=ONE_CLICK)
    counts(suggested, suggested=1, suggestion_taken=0)
    taken = lived(
        step(mediation.answer_suggestion, day(2), CONSUMER, number=0, taken=True),
        step(mediation.answer_suggestion, day(2), MERCHANT, number=0, taken=True),
        since=suggested,
    )
    counts(taken, suggestion_taken=1, resolved=1, self_settled=1, ended=1, ended_without_person=alone)


def test_c5_a_person_who_was_asked_for_and_took_over_is_counted() -> None:
    asked = lived(step(mediation.request_person, day(1), CONSUMER), since=ONE_CLICK)
    counts(asked, person_requested=1, person_reached=0)
    alone = lived(step(settlement.resolve, day(2), CONSUMER, basis="consumer_confirmed"), since=asked)
    counts(alone, ended=1, ended_without_person=1)
    reached = lived(step(mediation.reach_person, day(2), MEDIATOR, person_id=MEDIATOR.id), since=asked)
    counts(solved(day(3), reached), person_requested=1, person_reached=1, ended=1, ended_without_person=0)


def test_b15_punitive_damages_stand_apart_from_what_came_back() -> None:
    terms = (
        Outcome(kind=OutcomeKind.FULL_REFUND, amount=yuan("199.00")),
        Outcome(kind=OutcomeKind.PUNITIVE_DAMAGES, amount=yuan("500.00")),
    )
    agreed = lived((SETTLE[0], day(4), SETTLE[2], {"terms": terms}), since=MEDIATING)
    counts(agreed, recovered_fen=0, punitive_cases=0, punitive_fen=0)
    paid = lived(
        step(settlement.perform, day(5), CONSUMER, item=0, amount=yuan("100.00")),
        step(settlement.perform, day(6), CONSUMER, item=0, amount=yuan("99.00")),
        step(settlement.perform, day(7), CONSUMER, item=1, amount=yuan("500.00")),
        since=agreed,
    )
    counts(paid, recovered_fen=19900, punitive_cases=1, punitive_fen=50000)
    counts(reopened(day(8), paid), recovered_fen=19900, punitive_fen=50000)


# What the merchant says, and does not say

OFFER = step(negotiation.offer, day(1), MERCHANT, terms=SETTLE[3]["terms"])


def test_c3_silence_under_every_arrangement_ends_the_time_to_answer() -> None:
    enterprise = lived(
        route_step(merchant=Merchant(enrolments=((day(-1), None),)), regime="enterprise"), since=FROM_ORDER
    )
    for routed in (ONE_CLICK, PROMISED, enterprise):
        counts(routed, routed=1, answer_ended=0)
        silent = (*routed, *lapsed(routed, day(30)))
        counts(silent, answer_ended=1, answered=0, answered_on_time=0)
        row = row_of(silent)
        assert credit.contributions(row) == {(MERCHANT_ID,): (1, 1, 1, 0, 0, 0, 0, 0, 0, 0)}


def test_c2_an_offer_of_the_merchants_while_it_is_with_him_is_an_answer() -> None:
    offered = lived(OFFER, since=ONE_CLICK)
    counts(offered, answered=1, answered_on_time=1, answer_ended=1)
    assert durations(offered)["answer"] == day(1) - day(0)
    declined = lived(
        step(negotiation.decline_offer, day(2), CONSUMER),
        step(negotiation.answer, day(3), MERCHANT, kind="explanation"),
        since=offered,
    )
    counts(declined, answered=1, answered_on_time=1, answer_ended=1)
    assert durations(declined)["answer"] == day(1) - day(0)
    of_the_consumer = lived((OFFER[0], day(1), CONSUMER, OFFER[3]), since=ONE_CLICK)
    counts(of_the_consumer, answered=0, answer_ended=0)


def test_c3_an_offer_that_comes_behind_the_term_is_no_answer_in_time_and_in_mediation_it_is_none() -> None:
    late = lived((OFFER[0], day(6), *OFFER[2:]), since=(*PROMISED, *lapsed(PROMISED, day(6))))
    counts(late, answered=1, answered_on_time=0, answer_ended=1)
    in_mediation = lived((OFFER[0], day(4), *OFFER[2:]), since=MEDIATING)
    counts(in_mediation, answered=0, answer_ended=0)


# What an office does

ACCEPTED = lived(ACCEPT, since=RECEIVED)


@pytest.mark.parametrize("begun", [ACCEPTED, MEDIATING])
def test_a9_what_is_settled_or_ended_after_acceptance_succeeded_or_failed_by_one_rule(begun: tuple[Event, ...]) -> None:
    for agreed in (
        SETTLE,
        step(settlement.resolve, day(4), REGULATOR, basis="agreement"),
        step(settlement.resolve, day(4), CONSUMER, basis="consumer_confirmed"),
    ):
        counts(lived(agreed, since=begun), mediated=1, mediation_succeeded=1, self_settled=0)
    ended = lived(step(mediation.end_mediation, day(4), REGULATOR, ground="no-agreement"), since=begun)
    counts(ended, valid=1, mediated=1, mediation_succeeded=0)


def test_a9_what_is_settled_before_acceptance_or_in_court_is_no_mediation() -> None:
    counts(lived(step(settlement.resolve, day(2), CONSUMER, basis="agreement"), since=RECEIVED), mediated=0, resolved=1)
    court = CourtReferred(occurred_at=day(4), actor=CONSUMER, division=PUDONG, basis="buyer_domicile")
    counts(solved(day(9), (*ACCEPTED, court)), mediated=0, resolved=1)


def test_c4_what_an_officer_ended_is_the_work_of_a_person() -> None:
    ended = lived(step(mediation.end_mediation, day(4), REGULATOR, ground="no-agreement"), since=ACCEPTED)
    counts(ended, ended=1, ended_here=1, ended_without_person=0)
    for by, alone in ((MEDIATOR, 0), (ADJUDICATOR, 0), (REGULATOR, 0), (CONSUMER, 1), (SERVICE, 1)):
        closed = lived(step(ending.close, day(2), by, ground="no_agreement"), since=ONE_CLICK)
        counts(closed, ended=1, ended_without_person=alone)
        after = lived(step(handling.conclude, day(3), REGULATOR), since=closed)
        counts(after, ended=1, ended_without_person=alone)


def test_c4_software_that_was_assigned_is_no_person_until_it_is_recused() -> None:
    software = Candidate(mediator_id=MEDIATOR.id, kind=MediatorKind.SOFTWARE)
    assigned = lived(
        (receive_step()[0], day(1), SERVICE, receive_step()[3]),
        (ACCEPT[0], day(2), SERVICE, ACCEPT[3]),
        *MEDIATE[:2],
        step(mediation.assign_mediator, day(3), SERVICE, candidates=(software,)),
        MEDIATE[3],
        since=ONE_CLICK[:1],
    )
    counts(lived(SETTLE, since=assigned), mediation_succeeded=1, ended_without_person=1)
    recused = lived(step(mediation.recuse_mediator, day(4), SERVICE, reason="a conflict"), since=assigned)
    counts(lived(SETTLE, since=recused), mediation_succeeded=1, ended_without_person=0)


def test_g2_only_what_an_office_received_is_concluded() -> None:
    alone = lived(OFFER, step(negotiation.accept_offer, day(2), CONSUMER), since=ONE_CLICK)
    counts(lived(step(handling.conclude, day(3), REGULATOR), since=alone), resolved=1, received=0, concluded=0)
    ended = lived(step(mediation.end_mediation, day(4), REGULATOR, ground="no-agreement"), since=ACCEPTED)
    concluded = lived(step(handling.conclude, day(5), REGULATOR), since=ended)
    counts(concluded, received=1, concluded=1, concluded_on_time=1)


@pytest.mark.parametrize("currency", ["CNY", "USD"])
@pytest.mark.parametrize("kind", ["full_refund", "punitive_damages"])
def test_e5_a_withdrawal_after_any_payment_is_flagged(currency: str, kind: str) -> None:
    amount = Money(fen=100, currency=currency)
    agreed = lived(
        (SETTLE[0], day(4), SETTLE[2], {"terms": (Outcome(kind=OutcomeKind(kind), amount=amount),)}), since=MEDIATING
    )
    paid = lived(step(settlement.perform, day(5), CONSUMER, item=0, amount=amount), since=agreed)
    for history, flagged in ((agreed, False), (paid, True)):
        gone = lived(step(ending.withdraw, day(7), CONSUMER), since=reopened(day(6), history))
        counts(gone, withdrawn=1)
        assert row_of(gone).paid_when_withdrawn is flagged
        assert paid_then_withdrawn(gone) is flagged


# Own words


@pytest.mark.parametrize("scheme", ["free", "unspecified"])
def test_b4_what_stands_in_the_consumers_own_words_is_in_no_row_and_no_key(scheme: str) -> None:
    told: dict[str, Any] = {
        "product": "my neighbour Zhang's phone",
        "sub_product": "Zhang's",
        "issue": "Zhang",
        "sub_issue": "Zhang",
    }
    filed = lived(filing_step(scheme=scheme, **told))
    assert "Zhang" not in str(row_of(filed))
    assert (under(filed, "product"), under(filed, "issue")) == ("", "")
    counts(filed, filed=1)
    listed = lived(filing_step(**told))
    assert row_of(listed).product == told["product"]
    imported = [event.model_copy(update={"scheme": scheme}) if event is IMPORTED[0] else event for event in IMPORTED]
    corrected = lived(step(ending.correct, day(0), SERVICE, **told), since=tuple(imported))
    assert "Zhang" not in str(row_of(corrected))
    counts(corrected, resolved=1)
