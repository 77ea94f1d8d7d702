"""Reports, consultations and suggestions: the paths of the other three kinds."""

from __future__ import annotations

from typing import Any

import pytest

from domain.complaint import filing, handling, mediation, reports
from domain.complaint.reports import (
    CaseDeclined,
    CaseDismissed,
    CaseFiled,
    ConsultationAnswered,
    PenaltyImposed,
    PenaltyRevised,
    RewardGranted,
    SuggestionAcknowledged,
    VerificationBegun,
    VerificationExtended,
)
from domain.complaint.state import Deadline, RequestKind
from domain.event import Event
from domain.measure import remedies as measures
from domain.merchant.state import Merchant
from domain.reactions import PROCESS, reactions_to
from domain.rulebook.book import EMPTY, TermName
from domain.streams import COMPLAINT, MEASURE
from domain.values import Actor, Money, Role
from tests.domain.lives import (
    CASE,
    FILED,
    OFFICE_ID,
    REPORT,
    STRANGER,
    VERIFYING,
    XIHU,
    clock,
    filing_step,
    lapsed,
    lived,
    missed,
    row_of,
    step,
)
from tests.domain.scenario import CONSUMER, FIRST, MERCHANT_ID, REGULATOR, SERVICE, START, day, given, on

OTHER = "merchant-23232323-2323-4232-8232-232323232323"
REPORT_ID = "complaint-97979797-9797-4979-8979-979797979797"
ORDER_20 = "samr-order-20"
WHERE: dict[str, Any] = {"office_id": OFFICE_ID, "division": XIHU}
EXTEND = step(reports.extend_verification, day(5), REGULATOR, reason="a laboratory tests it")


def test_a14_a_report_is_verified_within_15_working_days() -> None:
    given(*REPORT).when(reports.begin_verification, at=day(1), by=REGULATOR, **WHERE).then(
        VerificationBegun(
            occurred_at=day(1),
            actor=REGULATOR,
            rule_set=ORDER_20,
            clocks=(clock(Deadline.VERIFICATION, day(1), "2026-03-24", ORDER_20),),
            **WHERE,
        )
    )


def test_a14_verification_that_takes_longer_is_missed_and_goes_on() -> None:
    assert missed(Deadline.VERIFICATION, "2026-03-24") in lapsed(VERIFYING, on("2026-03-25 00:00"))
    given(*VERIFYING).when(reports.file_case, at=on("2026-03-25 00:00"), by=REGULATOR, case_number="2026-17").then(
        missed(Deadline.VERIFICATION, "2026-03-24"),
        CaseFiled(occurred_at=on("2026-03-25 00:00"), actor=REGULATOR, case_number="2026-17"),
    )


def test_a14_verification_is_extended_once_by_15_working_days_from_the_end_of_the_first_term() -> None:
    began = COMPLAINT.fold(VERIFYING).clock(Deadline.VERIFICATION)
    assert began is not None
    longer = clock(Deadline.VERIFICATION, began.since, "2026-04-15", ORDER_20, TermName.VERIFICATION_EXTENSION, n=30)
    given(*VERIFYING).when(reports.extend_verification, at=day(5), by=REGULATOR, reason="a laboratory tests it").then(
        VerificationExtended(occurred_at=day(5), actor=REGULATOR, reason="a laboratory tests it", clocks=(longer,))
    )
    extended = lived(EXTEND, since=VERIFYING)
    given(*extended).when(reports.extend_verification, at=day(6), by=REGULATOR, reason="again").refused("extend-once")


def test_a14_a_term_that_has_passed_is_not_extended() -> None:
    given(*VERIFYING).when(
        reports.extend_verification, at=on("2026-03-25 00:00"), by=REGULATOR, reason="too late"
    ).refused("extend-before-the-end")


def test_a14_without_a_rule_that_allows_it_nothing_is_extended() -> None:
    given(*VERIFYING, book=EMPTY).when(reports.extend_verification, at=day(5), by=REGULATOR, reason="x").refused(
        "extend-by-rule"
    )


def test_a14_what_was_not_reported_is_not_verified() -> None:
    given(*FILED).when(reports.begin_verification, at=day(1), by=REGULATOR, **WHERE).refused("kind-has-its-own-path")
    given(*VERIFYING).when(reports.begin_verification, at=day(1), by=REGULATOR, **WHERE).refused(
        "verify-what-was-reported"
    )


def test_a14_after_verification_a_case_is_filed_or_declined_with_a_reason() -> None:
    given(*VERIFYING).when(reports.file_case, at=day(2), by=REGULATOR, case_number="2026-17").then(
        CaseFiled(occurred_at=day(2), actor=REGULATOR, case_number="2026-17")
    )
    given(*VERIFYING).when(reports.decline_case, at=day(2), by=REGULATOR, reason="no evidence").then(
        CaseDeclined(occurred_at=day(2), actor=REGULATOR, reason="no evidence")
    )


def test_a14_no_case_is_filed_before_verification() -> None:
    given(*REPORT).when(reports.file_case, at=day(2), by=REGULATOR, case_number="x").refused("file-case-or-decline")
    given(*REPORT).when(reports.decline_case, at=day(2), by=REGULATOR, reason="x").refused("file-case-or-decline")


PENALTY: dict[str, Any] = {
    "case_number": "2026-17",
    "basis": "Advertising Law, art. 55",
    "merchant_id": MERCHANT_ID,
    "violation": "price-fraud",
}


def test_a14_a_case_ends_in_a_penalty_or_without_one() -> None:
    given(*CASE).when(reports.impose_penalty, at=day(30), by=REGULATOR, fine=Money(fen=1), **PENALTY).then(
        PenaltyImposed(occurred_at=day(30), actor=REGULATOR, fine=Money(fen=1), **PENALTY)
    )
    given(*CASE).when(reports.dismiss_case, at=day(30), by=REGULATOR, reason="corrected in time").then(
        CaseDismissed(occurred_at=day(30), actor=REGULATOR, reason="corrected in time")
    )


def test_a14_there_is_no_penalty_without_a_case() -> None:
    given(*VERIFYING).when(reports.impose_penalty, at=day(3), by=REGULATOR, **PENALTY).refused("penalty-after-case")
    given(*VERIFYING).when(reports.dismiss_case, at=day(3), by=REGULATOR, reason="x").refused("penalty-after-case")


def test_a14_e3_a_penalty_names_whom_it_was_imposed_on_and_for_what() -> None:
    given(*CASE).when(reports.impose_penalty, at=day(30), by=REGULATOR, **PENALTY).then(
        PenaltyImposed(occurred_at=day(30), actor=REGULATOR, **PENALTY)
    )
    nobody = {name: value for name, value in PENALTY.items() if name != "merchant_id"}
    given(*CASE).when(reports.impose_penalty, at=day(30), by=REGULATOR, **nobody).refused("penalty-on-who-was-reported")
    unheard = {**PENALTY, "violation": "unheard-of"}
    given(*CASE).when(reports.impose_penalty, at=day(30), by=REGULATOR, **unheard).invalid("no violation of the")
    # Nobody can look it up where the list is not published.
    given(*CASE, book=EMPTY).when(reports.impose_penalty, at=day(30), by=REGULATOR, **unheard).then(
        PenaltyImposed(occurred_at=day(30), actor=REGULATOR, **unheard)
    )


def test_a14_e3_the_penalty_is_on_the_merchant_that_the_report_names() -> None:
    nobody = {name: value for name, value in PENALTY.items() if name != "merchant_id"}
    named = lived(step(handling.name_merchant, day(3), REGULATOR, merchant_id=OTHER, merchant=Merchant()), since=CASE)
    given(*named).when(reports.impose_penalty, at=day(30), by=REGULATOR, **nobody).then(
        PenaltyImposed(occurred_at=day(30), actor=REGULATOR, **{**PENALTY, "merchant_id": OTHER})
    )
    given(*named).when(reports.impose_penalty, at=day(30), by=REGULATOR, **PENALTY).refused(
        "penalty-on-who-was-reported"
    )


@pytest.mark.parametrize("blank", ["case_number", "basis"])
def test_a14_e3_there_is_no_penalty_without_the_number_of_a_case_and_a_basis(blank: str) -> None:
    given(*CASE).when(reports.impose_penalty, at=day(30), by=REGULATOR, **{**PENALTY, blank: " "}).refused(
        "penalty-has-case-and-basis"
    )


def fined(fen: int | None) -> tuple[Event, ...]:
    fine = Money(fen=fen) if fen is not None else None
    return lived(step(reports.impose_penalty, day(30), REGULATOR, fine=fine, **PENALTY), since=CASE)


REWARD: dict[str, Any] = {"at": day(40), "by": REGULATOR, "recipient_id": CONSUMER.id}


@pytest.mark.parametrize(
    ("fine", "reward"),
    [
        # 5 % up to 100,000 yuan, then 3 % up to a million, then 1 %, at most a million yuan
        (10, 1),
        (9_999_999, 500_000),
        (10_000_000, 500_000),
        (20_000_000, 800_000),
        (200_000_000, 4_200_000),
        (10**12, 100_000_000),
    ],
)
def test_a14_the_reward_is_a_share_of_the_fine_by_published_steps(fine: int, reward: int) -> None:
    given(*fined(fine)).when(reports.grant_reward, injured=False, **REWARD).then(
        RewardGranted(
            occurred_at=day(40), actor=REGULATOR, recipient_id=CONSUMER.id, amount=Money(fen=reward), rule_set=ORDER_20
        )
    )


def test_a14_the_injured_party_gets_no_reward() -> None:
    given(*fined(10_000_000)).when(reports.grant_reward, injured=True, **REWARD).refused("reward-not-to-the-injured")


@pytest.mark.parametrize("fine", [None, 0, 9])
def test_a14_without_a_fine_there_is_nothing_to_share(fine: int | None) -> None:
    given(*fined(fine)).when(reports.grant_reward, injured=False, **REWARD).refused("reward-of-a-fine")
    given(*CASE).when(reports.grant_reward, injured=False, **REWARD).refused("reward-of-a-fine")


def test_a14_the_reward_is_for_who_reported() -> None:
    given(*fined(10**7)).when(reports.grant_reward, injured=False, **{**REWARD, "recipient_id": STRANGER}).refused(
        "reward-to-who-reported"
    )


MEASURE_ID = "measure-98989898-9898-4898-8898-989898989898"
BODY = Actor("98989898-9898-4898-8898-989898989898", Role.APPEAL_REVIEWER)


def contested(fen: int | None, history: tuple[Event, ...]) -> tuple[Event, ...]:
    """What a report's stream is told when its penalty is contested, and so much of the fine is left (None: nothing)."""
    (penalty,) = (one for one in history if isinstance(one, PenaltyImposed))
    (begun,) = reactions_to(REPORT_ID, penalty, COMPLAINT.fold(history))
    measure = MEASURE.fold(begun.decide(MEASURE.new, FIRST))
    (change,) = (MEASURE.act(measures.seek_review, measure, at=day(31), by=SERVICE, book=FIRST, grounds="x", body="x"),)
    measure = MEASURE.fold([*begun.decide(MEASURE.new, FIRST), *change])
    left = {} if fen is None else {"kind": "fine", "amount": Money(fen=fen)}
    outcome = measures.DecisionOutcome.REVOKED if fen is None else measures.DecisionOutcome.VARIED
    (decided,) = MEASURE.act(
        measures.decide_appeal, measure, at=day(32), by=BODY, book=FIRST, outcome=outcome, reasons="x", **left
    )
    (told,) = (
        one for one in reactions_to(MEASURE_ID, decided, MEASURE.evolve(measure, decided)) if one.stream == REPORT_ID
    )
    return tuple(told.decide(COMPLAINT.fold(history), FIRST))


@pytest.mark.parametrize(("left", "reward"), [(20_000_000, 800_000), (None, 0)])
def test_a14_e8_the_reward_is_a_share_of_what_stands_of_a_penalty_that_was_contested(
    left: int | None, reward: int
) -> None:
    history = fined(200_000_000)
    revised = contested(left, history)
    assert revised == (
        PenaltyRevised(
            occurred_at=day(32),
            actor=PROCESS,
            measure=MEASURE_ID,
            fine=None if left is None else Money(fen=left),
            counts=left is not None,
        ),
    )
    assert row_of((*history, *revised)).counts == (left is not None)
    granted = given(*history, *revised).when(reports.grant_reward, injured=False, **REWARD)
    if reward:
        assert [one.amount.fen for one in granted.events if isinstance(one, RewardGranted)] == [reward]
    else:
        granted.refused("reward-of-a-fine")


def test_a14_nothing_is_revised_where_there_was_no_penalty() -> None:
    revising = {"at": day(1), "by": SERVICE, "measure": MEASURE_ID, "fine": None, "counts": False}
    given(*CASE).when(reports.revise_penalty, **revising).then()
    given().when(reports.revise_penalty, **revising).then()


def test_a14_a_reward_is_granted_once() -> None:
    granted = lived(
        step(reports.grant_reward, day(40), REGULATOR, recipient_id=CONSUMER.id, injured=False), since=fined(10**7)
    )
    given(*granted).when(reports.grant_reward, injured=False, **REWARD).refused("reward-once")


def test_a14_a_duplicate_report_is_joined_to_the_first_and_its_clocks_end() -> None:
    joined = lived(step(filing.merge, day(2), REGULATOR, into=f"complaint-{STRANGER}"), since=VERIFYING)
    assert COMPLAINT.fold(joined).clocks == ()


QUESTION = lived(filing_step(kind=RequestKind.CONSULTATION))
IDEA = lived(filing_step(kind=RequestKind.SUGGESTION))


def test_a1_a_consultation_is_answered() -> None:
    given(*QUESTION).when(reports.answer_consultation, at=day(1), by=REGULATOR, text="within seven days").then(
        ConsultationAnswered(occurred_at=day(1), actor=REGULATOR, text="within seven days")
    )
    answered = lived(step(reports.answer_consultation, day(1), REGULATOR, text="x"), since=QUESTION)
    given(*answered).when(reports.answer_consultation, at=day(1), by=REGULATOR, text="x").refused(
        "consultation-is-answered"
    )


def test_a1_a_suggestion_is_acknowledged() -> None:
    given(*IDEA).when(reports.acknowledge_suggestion, at=day(1), by=REGULATOR).then(
        SuggestionAcknowledged(occurred_at=day(1), actor=REGULATOR)
    )
    done = lived(step(reports.acknowledge_suggestion, day(1), REGULATOR), since=IDEA)
    given(*done).when(reports.acknowledge_suggestion, at=day(1), by=REGULATOR).refused("suggestion-is-acknowledged")


@pytest.mark.parametrize(
    ("action", "own", "arguments"),
    [
        (reports.answer_consultation, QUESTION, {"text": "x"}),
        (reports.acknowledge_suggestion, IDEA, {}),
        (reports.begin_verification, REPORT, WHERE),
    ],
)
def test_a1_each_kind_has_its_own_path(action: Any, own: tuple[Event, ...], arguments: Any) -> None:
    for history in (FILED, REPORT, QUESTION, IDEA):
        outcome = given(*history).when(action, at=day(1), by=REGULATOR, **arguments)
        if history is own:
            assert outcome.error is None
        else:
            outcome.refused("kind-has-its-own-path")


def test_a1_a_report_is_neither_answered_by_the_merchant_nor_mediated() -> None:
    for action in (mediation.begin_mediation, mediation.suggest):
        given(*REPORT).when(action, at=START, by=SERVICE).refused(action.rule)
