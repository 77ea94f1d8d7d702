"""Evaluation every quarter and half-year: finding, action, measured again."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from domain.event import Event
from domain.office import evaluation
from domain.office.evaluation import ActionTaken, EvaluationRecorded, FindingRecorded, MeasuredAgain
from domain.office.state import Figures
from domain.streams import OFFICE
from tests.domain.lives import PLATFORM_ID
from tests.domain.scenario import CONSUMER, MERCHANT_ID, REGULATOR, given, on
from tests.domain.test_office import ESTABLISHED

BEFORE = Figures(cases=1200, resolution_hours_median=96, satisfaction_permille=610, success_permille=334)
AFTER = Figures(cases=900, resolution_hours_median=48, satisfaction_permille=705, success_permille=512)
APRIL, MAY, JULY = on("2026-04-02 10:00"), on("2026-05-02 10:00"), on("2026-07-02 10:00")
Q1: dict[str, Any] = {"evaluated": PLATFORM_ID, "first": date(2026, 1, 1), "last": date(2026, 3, 31)}
Q2: dict[str, Any] = {"evaluated": PLATFORM_ID, "first": date(2026, 4, 1), "last": date(2026, 6, 30)}


def evaluated(number: int, at: Any, period: dict[str, Any], figures: Figures, edition: int = 1) -> EvaluationRecorded:
    return EvaluationRecorded(
        occurred_at=at, actor=REGULATOR, number=number, edition=edition, figures=figures, **period
    )


FIRST = evaluated(1, APRIL, Q1, BEFORE)
SECOND = evaluated(2, JULY, Q2, AFTER)
FINDING = FindingRecorded(occurred_at=APRIL, actor=REGULATOR, number=1, evaluation=1, text="answers come late")
ACTION = ActionTaken(occurred_at=MAY, actor=REGULATOR, finding=1, text="a second shift")
MEASURED = MeasuredAgain(occurred_at=JULY, actor=REGULATOR, finding=1, evaluation=2, before=BEFORE, after=AFTER)
MEASURABLE: tuple[Event, ...] = (ESTABLISHED, FIRST, FINDING, ACTION, SECOND)


def test_d6_a_quarter_is_evaluated_by_speed_satisfaction_and_success() -> None:
    recording = {"at": APRIL, "by": REGULATOR, **Q1, **BEFORE.model_dump(exclude_none=True)}
    given(ESTABLISHED, kind=OFFICE).when(evaluation.record_evaluation, **recording).then(FIRST)
    given(ESTABLISHED, FIRST, kind=OFFICE).when(evaluation.record_evaluation, **recording).then(
        evaluated(2, APRIL, Q1, BEFORE, edition=2)
    )


@pytest.mark.parametrize(
    ("first", "last"),
    [("2026-01-01", "2026-03-31"), ("2025-10-01", "2025-12-31"), ("2025-07-01", "2025-12-31")],
)
def test_d6_a_period_is_a_quarter_or_a_half_year(first: str, last: str) -> None:
    evaluation.check_period(date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2026-01-01", "2026-03-30"),
        ("2026-01-02", "2026-03-31"),
        ("2026-02-01", "2026-04-30"),
        ("2025-04-01", "2025-09-30"),
        ("2025-01-01", "2025-12-31"),
        ("2026-03-31", "2026-01-01"),
        ("9999-10-01", "9999-12-30"),
    ],
)
def test_d6_other_periods_are_not_evaluated(first: str, last: str) -> None:
    period = {"evaluated": PLATFORM_ID, "first": date.fromisoformat(first), "last": date.fromisoformat(last)}
    given(ESTABLISHED, kind=OFFICE).when(
        evaluation.record_evaluation, at=APRIL, by=REGULATOR, **period, **BEFORE.model_dump(exclude_none=True)
    ).invalid("neither a quarter nor a half-year")


def test_d6_who_is_evaluated_works_for_consumers_and_the_period_is_over() -> None:
    recording = {"by": REGULATOR, **BEFORE.model_dump(exclude_none=True)}
    given(ESTABLISHED, kind=OFFICE).when(
        evaluation.record_evaluation, at=on("2026-03-31 23:59"), **Q1, **recording
    ).refused("evaluate-a-period-that-is-over")
    other = {**Q1, "evaluated": "complaint-11111111-1111-4111-8111-111111111111"}
    given(ESTABLISHED, kind=OFFICE).when(evaluation.record_evaluation, at=APRIL, **other, **recording).invalid(
        "is not evaluated"
    )
    given(ESTABLISHED, kind=OFFICE).when(
        evaluation.record_evaluation, at=APRIL, **Q1, **{**recording, "by": CONSUMER}
    ).refused("evaluate-a-period-that-is-over-by")


def test_d6_computed_figures_are_recorded_with_their_position_and_again_only_when_asked() -> None:
    figures = Figures(cases=3, success_permille=0, resolved=0, rated=0)
    made = evaluated(1, APRIL, Q1, figures).model_copy(update={"as_of": 4711})
    recording: dict[str, Any] = {"at": APRIL, "by": REGULATOR, **Q1, "computed": figures, "as_of": 4711}
    given(ESTABLISHED, kind=OFFICE).when(evaluation.evaluate, **recording).then(made)
    given(ESTABLISHED, made, kind=OFFICE).when(evaluation.evaluate, **recording).refused("evaluate-again-when-asked")
    given(ESTABLISHED, made, kind=OFFICE).when(evaluation.evaluate, again=True, **recording).then(
        made.model_copy(update={"number": 2, "edition": 2})
    )


def test_d12_an_evaluation_leads_to_a_finding_an_action_and_is_measured_again() -> None:
    by: dict[str, Any] = {"by": REGULATOR}
    given(ESTABLISHED, FIRST, kind=OFFICE).when(
        evaluation.record_finding, at=APRIL, evaluation=1, text="answers come late", **by
    ).then(FINDING)
    given(ESTABLISHED, FIRST, FINDING, kind=OFFICE).when(
        evaluation.take_action, at=MAY, finding=1, text="a second shift", **by
    ).then(ACTION)
    given(*MEASURABLE, kind=OFFICE).when(evaluation.measure_again, at=JULY, finding=1, evaluation=2, **by).then(
        MEASURED
    )
    assert not OFFICE.fold((*MEASURABLE, MEASURED)).open_findings


def test_d12_nothing_is_found_without_an_evaluation() -> None:
    finding = {"at": APRIL, "by": REGULATOR, "text": "x"}
    given(ESTABLISHED, kind=OFFICE).when(evaluation.record_finding, evaluation=1, **finding).refused(
        "find-by-evaluation"
    )
    given(ESTABLISHED, FIRST, kind=OFFICE).when(evaluation.record_finding, evaluation=2, **finding).invalid(
        "there is no evaluation 2"
    )


def test_d12_action_is_taken_on_findings_that_are_open() -> None:
    acting = {"at": JULY, "by": REGULATOR, "text": "x"}
    given(ESTABLISHED, FIRST, kind=OFFICE).when(evaluation.take_action, finding=1, **acting).refused(
        "act-on-an-open-finding"
    )
    another = FINDING.model_copy(update={"number": 2})
    for finding in (1, 3):
        given(*MEASURABLE, MEASURED, another, kind=OFFICE).when(
            evaluation.take_action, finding=finding, **acting
        ).refused("act-on-an-open-finding")


def test_d12_nothing_is_measured_again_before_something_was_done() -> None:
    measuring = {"at": JULY, "by": REGULATOR, "evaluation": 2}
    given(ESTABLISHED, FIRST, FINDING, SECOND, kind=OFFICE).when(
        evaluation.measure_again, finding=1, **measuring
    ).refused("measure-after-action")
    another = FINDING.model_copy(update={"number": 2})
    given(*MEASURABLE, another, kind=OFFICE).when(evaluation.measure_again, finding=2, **measuring).refused(
        "measure-after-action"
    )


def test_d12_what_is_measured_again_is_a_later_period_of_the_same_one() -> None:
    measuring = {"at": JULY, "by": REGULATOR, "finding": 1}
    given(ESTABLISHED, FIRST, FINDING, ACTION, kind=OFFICE).when(
        evaluation.measure_again, evaluation=1, **measuring
    ).refused("measure-a-later-period")
    other = evaluated(3, JULY, {**Q2, "evaluated": MERCHANT_ID}, AFTER)
    for number in (1, 3):
        given(*MEASURABLE, other, kind=OFFICE).when(evaluation.measure_again, evaluation=number, **measuring).refused(
            "measure-a-later-period"
        )
    given(*MEASURABLE, kind=OFFICE).when(evaluation.measure_again, evaluation=9, **measuring).invalid(
        "there is no evaluation 9"
    )
    late = ACTION.model_copy(update={"occurred_at": JULY})
    given(ESTABLISHED, FIRST, FINDING, late, SECOND, kind=OFFICE).when(
        evaluation.measure_again, evaluation=2, **measuring
    ).refused("measure-a-later-period")
