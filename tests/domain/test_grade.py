"""Grades of how merchants handle complaints: when they rise and fall, and appeals against a fall."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from domain.event import Event
from domain.grade import appealing
from domain.grade.appealing import AppealDecided, DecisionMissed, FallAppealed
from domain.grade.grading import Given, Points, Reason, give
from domain.grade.state import Grade, Part, grades_of, month_before
from domain.rulebook.book import TermName
from domain.rulebook.terms import begin
from domain.streams import GRADE
from domain.values import CLOCK
from tests.domain.scenario import CONSUMER, FIRST, MERCHANT, MERCHANT_ID, REGULATOR, SERVICE, day, given

COMPLAINTS = tuple(f"complaint-{n:08d}-3333-4333-8333-444444444444" for n in range(30))
SCORES = {"A": 9000, "B": 7500, "C": 6000, "D": 3000, "NR": 9900}


def points(response: int = 30_000_000) -> Points:
    return Points(response=response, resolution=1, confirmed=1, volume=1, violations=0)


def arguments(month: int, now: str, **more: Any) -> dict[str, Any]:
    """The month ``month`` of 2026 (13: January 2027), graded on the day of that number."""
    return {
        "at": day(month),
        "by": CLOCK,
        "merchant_id": MERCHANT_ID,
        "month": date(2026 + (month - 1) // 12, (month - 1) % 12 + 1, 1),
        "score": SCORES[now],
        "lower_score": SCORES[now] - 500,
        "n": 12_000_000,
        "points": points(),
        "grade_now": Grade(now),
        "edition": 1,
        "complete_to": 100 + month,
        "behind": {},
        **more,
    }


def graded(*months: str, since: int = 1) -> tuple[Event, ...]:
    """A month after another, each with what its score gives."""
    history: list[Event] = []
    for month, now in enumerate(months, since):
        history += give(GRADE.fold(history), book=FIRST, **arguments(month, now))
    return tuple(history)


def published(history: tuple[Event, ...]) -> list[str]:
    return [event.grade.value for event in history if isinstance(event, Given)]


@pytest.mark.parametrize(
    ("now", "grades"),
    [
        ("CAA", "CCA"),
        ("CAB", "CCB"),
        ("CBA", "CCB"),
        ("CACA", "CCCC"),
        ("CABA", "CCBB"),
        ("DABAA", "DDBBA"),
        ("AAC", "AAC"),
        ("ADA", "ADD"),
        ("ADAA", "ADDA"),
    ],
)
def test_e5_a_grade_rises_after_two_months_in_a_row_to_the_lower_of_both_and_falls_at_once(
    now: str, grades: str
) -> None:
    assert published(graded(*now)) == list(grades)


def test_e5_two_months_with_another_between_are_not_in_a_row() -> None:
    history = graded("C", "A")
    later = give(GRADE.fold(history), book=FIRST, **arguments(4, "A"))
    assert published((*history, *later)) == ["C", "C", "C"]
    over_new_year = graded("C", "A", "A", since=11)
    assert published(over_new_year) == ["C", "C", "A"]
    assert month_before(date(2027, 1, 1)) == date(2026, 12, 1)


def test_e5_the_first_grade_and_one_after_not_rated_are_given_at_once() -> None:
    assert published(graded("NR", "A", "NR", "D", "NR", "A")) == ["NR", "A", "NR", "D", "NR", "A"]
    assert not any(event.fell for event in graded("A", "NR", "D") if isinstance(event, Given))


def test_e5_a_fall_names_the_part_that_fell_most_and_the_complaints_behind_it() -> None:
    behind = {Part.RESPONSE: COMPLAINTS, Part.VOLUME: COMPLAINTS[:1]}
    (first,) = graded("A")
    given(first, kind=GRADE).when(give, **arguments(2, "C", points=points(20_000_000), behind=behind)).then(
        Given(
            occurred_at=day(2),
            actor=CLOCK,
            merchant_id=MERCHANT_ID,
            month=date(2026, 2, 1),
            score=6000,
            lower_score=5500,
            n=12_000_000,
            points=points(20_000_000),
            grade_now=Grade.C,
            grade=Grade.C,
            edition=1,
            complete_to=102,
            fell=Reason(part=Part.RESPONSE, before=30_000_000, after=20_000_000, complaints=COMPLAINTS[:20]),
            term=begin(TermName.APPEAL, day(2), FIRST),
        )
    )


def test_e5_nobody_gives_grades_by_hand() -> None:
    rule = "graded-by-what-is-computed"
    given(kind=GRADE).when(give, **arguments(1, "A", by=REGULATOR)).refused(f"{rule}-by")
    assert GRADE.begin is None
    assert "give" not in GRADE.actions


def test_e5_a_month_is_graded_once_and_never_again() -> None:
    history = graded("A", "B")
    given(*history, kind=GRADE).when(give, **arguments(2, "D")).then()
    given(*history, kind=GRADE).when(give, **arguments(1, "D", at=day(9))).then()
    assert grades_of(MERCHANT_ID).startswith("grade-")


FALLEN = graded("A", "C")
APPEAL: dict[str, Any] = {"at": day(3), "by": MERCHANT, "grounds": "they were answered by phone"}
APPEALED = FallAppealed(
    occurred_at=day(3),
    actor=MERCHANT,
    grounds="they were answered by phone",
    term=begin(TermName.APPEAL_DECISION, day(3), FIRST),
)
DECIDE: dict[str, Any] = {"at": day(5), "by": REGULATOR, "granted": True, "reasons": "so they were"}


def decided(grade: str, granted: bool = True) -> AppealDecided:
    return AppealDecided(
        occurred_at=day(5), actor=REGULATOR, granted=granted, reasons="so they were", grade=Grade(grade)
    )


def test_e2_a_merchant_appeals_against_a_fall_and_the_grade_stays_until_the_decision() -> None:
    given(*FALLEN, kind=GRADE).when(appealing.appeal_fall, **APPEAL).then(APPEALED)
    assert GRADE.fold((*FALLEN, APPEALED)).grade is Grade.C


@pytest.mark.parametrize(("granted", "grade"), [(True, "A"), (False, "C")])
def test_e2_an_appeal_that_is_granted_brings_back_the_grade_from_before(granted: bool, grade: str) -> None:
    history = (*FALLEN, APPEALED)
    given(*history, kind=GRADE).when(appealing.decide_fall_appeal, **{**DECIDE, "granted": granted}).then(
        decided(grade, granted)
    )
    assert GRADE.fold((*history, decided(grade, granted))).grade == grade


def test_e2_a_later_fall_stays_and_can_be_appealed_against_for_itself() -> None:
    again = give(GRADE.fold((*FALLEN, APPEALED)), book=FIRST, **arguments(4, "D"))
    history = (*FALLEN, APPEALED, *again)
    given(*history, kind=GRADE).when(appealing.decide_fall_appeal, **DECIDE).then(decided("D"))
    second = {**APPEAL, "at": day(6)}
    term = begin(TermName.APPEAL_DECISION, day(6), FIRST)
    given(*history, decided("D"), kind=GRADE).when(appealing.appeal_fall, **second).then(
        APPEALED.model_copy(update={"occurred_at": day(6), "term": term})
    )


def test_e2_without_a_fall_there_is_nothing_to_appeal_against() -> None:
    given(*graded("A", "A"), kind=GRADE).when(appealing.appeal_fall, **APPEAL).refused("appeal-against-a-fall")
    given(*FALLEN, APPEALED, kind=GRADE).when(appealing.appeal_fall, **APPEAL).refused("appeal-against-a-fall")
    given(*FALLEN, APPEALED, decided("A"), kind=GRADE).when(appealing.appeal_fall, **APPEAL | {"at": day(6)}).refused(
        "appeal-against-a-fall"
    )


def test_e2_a_fall_is_appealed_against_within_the_term() -> None:
    given(*FALLEN, kind=GRADE).when(appealing.appeal_fall, **APPEAL | {"at": day(400)}).refused(
        "fall-appealed-within-term"
    )


def test_e2_the_merchant_appeals_and_the_authority_decides() -> None:
    given(*FALLEN, kind=GRADE).when(appealing.appeal_fall, **APPEAL | {"by": CONSUMER}).refused(
        "appeal-against-a-fall-by"
    )
    given(*FALLEN, APPEALED, kind=GRADE).when(appealing.decide_fall_appeal, **DECIDE | {"by": MERCHANT}).refused(
        "decide-on-a-fall-by"
    )
    given(*FALLEN, kind=GRADE).when(appealing.decide_fall_appeal, **DECIDE).refused("decide-on-a-fall")


def test_e2_there_is_no_decision_without_reasons() -> None:
    given(*FALLEN, APPEALED, kind=GRADE).when(appealing.decide_fall_appeal, **DECIDE | {"reasons": " "}).invalid(
        "without reasons"
    )


def test_e2_a_decision_that_is_late_was_missed_before() -> None:
    assert APPEALED.term is not None
    late = {**DECIDE, "at": day(300)}
    given(*FALLEN, APPEALED, kind=GRADE).when(appealing.decide_fall_appeal, **late).then(
        DecisionMissed(occurred_at=APPEALED.term.due, actor=CLOCK),
        decided("A").model_copy(update={"occurred_at": day(300)}),
    )
    state = GRADE.fold((*FALLEN, APPEALED))
    assert GRADE.next_due is not None
    assert GRADE.next_due(state) == APPEALED.term.due
    assert GRADE.fall_due(state, at=APPEALED.term.due, book=FIRST) == []


def test_e2_services_may_act_for_others() -> None:
    given(*FALLEN, kind=GRADE).when(appealing.appeal_fall, **APPEAL | {"by": SERVICE}).then(
        APPEALED.model_copy(update={"actor": SERVICE})
    )
