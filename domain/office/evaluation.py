"""Evaluation of a quarter or half-year, and what it leads to: finding, action, measured again."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Any, assert_never

from pydantic import Field

from domain.action import action
from domain.calendar import SHANGHAI
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.office.state import Evaluation, Figures, Finding, Office, Permille, Status
from domain.rulebook.book import Rulebook
from domain.values import Actor, LongText, Role, StreamId

EVALUATORS = (Role.REGULATOR, Role.AUDITOR, Role.ANALYST)
DURING = (Status.ESTABLISHED,)
#: Whose work is evaluated.
EVALUATED = ("platform", "office", "fund", "merchant")
Number = Annotated[int, Field(ge=1)]


class EvaluationRecorded(Event):
    """How somebody did in a quarter or half-year. The same period again has the next ``edition``.

    ``as_of``: the figures were computed when the read models were complete to this position; absent where somebody
    gave them.
    """

    name = "office.evaluation_recorded"
    version = 2

    number: Number
    edition: Number
    evaluated: StreamId
    first: date
    last: date
    figures: Figures
    as_of: Annotated[int, Field(ge=1)] | None = None

    @staticmethod
    def upcast_v1(data: dict[str, Any]) -> dict[str, Any]:
        """All figures had to be there."""
        return data


class FindingRecorded(Event):
    """What an evaluation shows has to change."""

    name = "office.finding_recorded"

    number: Number
    evaluation: Number
    text: LongText


class ActionTaken(Event):
    """Something was done about a finding."""

    name = "office.action_taken"

    finding: Number
    text: LongText


class MeasuredAgain(Event):
    """A later evaluation shows what became of a finding, which is closed by it."""

    name = "office.measured_again"
    version = 2

    finding: Number
    evaluation: Number
    before: Figures
    after: Figures

    @staticmethod
    def upcast_v1(data: dict[str, Any]) -> dict[str, Any]:
        """All figures had to be there."""
        return data


EvaluationEvent = EvaluationRecorded | FindingRecorded | ActionTaken | MeasuredAgain


def evolve(state: Office, event: EvaluationEvent) -> Office:
    match event:
        case EvaluationRecorded():
            made = Evaluation(event.evaluated, event.first, event.last, event.figures)
            return replace(state, evaluations={**state.evaluations, event.number: made})
        case FindingRecorded():
            found = {**state.open_findings, event.number: Finding(event.evaluation)}
            return replace(state, findings=event.number, open_findings=found)
        case ActionTaken():
            one = state.open_findings[event.finding]
            one = replace(one, acted=one.acted or event.occurred_at.astimezone(SHANGHAI).date())
            return replace(state, open_findings={**state.open_findings, event.finding: one})
        case MeasuredAgain():
            left = {number: one for number, one in state.open_findings.items() if number != event.finding}
            return replace(state, open_findings=left)
        case _:
            assert_never(event)


def check_period(first: date, last: date) -> None:
    """Raise InvalidInput for days that are neither a quarter nor a half-year."""
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    whole = first.day == 1 and last.day == monthrange(last.year, last.month)[1]
    if not (whole and months in (3, 6) and (first.month - 1) % months == 0):
        raise InvalidInput(
            f"{first} to {last} is neither a quarter nor a half-year",
            hint="give its first and last day, such as 2026-01-01 and 2026-03-31",
        )


@action("evaluate-a-period-that-is-over", roles=EVALUATORS, during=DURING)
def record_evaluation(
    state: Office,
    *,
    at: datetime,
    by: Actor,
    evaluated: StreamId,
    first: date,
    last: date,
    cases: Annotated[int, Field(ge=1)],
    resolution_hours_median: Annotated[int, Field(ge=0)] | None = None,
    satisfaction_permille: Permille | None = None,
    success_permille: Permille | None = None,
) -> list[EvaluationEvent]:
    """Record how a platform, office, fund or merchant did in a quarter or half-year: speed, satisfaction, success."""
    figures = Figures(
        cases=cases,
        resolution_hours_median=resolution_hours_median,
        satisfaction_permille=satisfaction_permille,
        success_permille=success_permille,
    )
    return [_recorded(state, at, by, evaluated, first, last, figures, None)]


@action("evaluate-a-period-that-is-over", roles=EVALUATORS, during=DURING)
def evaluate(
    state: Office,
    *,
    at: datetime,
    by: Actor,
    evaluated: StreamId,
    first: date,
    last: date,
    computed: Figures,
    as_of: int,
    again: bool = False,
) -> list[EvaluationEvent]:
    """Record figures that were computed from what all complete read models say; once, or ``again``."""
    made = _recorded(state, at, by, evaluated, first, last, computed, as_of)
    if made.edition > 1 and not again:
        raise RuleViolation(
            "evaluate-again-when-asked",
            f"{evaluated} is evaluated from {first} to {last}, in {made.edition - 1} editions",
            hint="ask for a new edition with again",
        )
    return [made]


def check_evaluated(evaluated: str) -> None:
    """Raise InvalidInput for what is not evaluated."""
    if evaluated.partition("-")[0] not in EVALUATED:
        raise InvalidInput(f"{evaluated} is not evaluated", hint=f"evaluated is: {', '.join(EVALUATED)}")


def check_over(last: date, at: datetime) -> None:
    """Raise RuleViolation for a period that is not over."""
    if at.astimezone(SHANGHAI).date() <= last:
        raise RuleViolation(
            "evaluate-a-period-that-is-over", f"the period ends on {last}", hint="evaluate it when it is over"
        )


def _recorded(
    state: Office,
    at: datetime,
    by: Actor,
    evaluated: str,
    first: date,
    last: date,
    figures: Figures,
    as_of: int | None,
) -> EvaluationRecorded:
    check_evaluated(evaluated)
    check_period(first, last)
    check_over(last, at)
    period = (evaluated, first, last)
    earlier = sum((one.evaluated, one.first, one.last) == period for one in state.evaluations.values())
    return EvaluationRecorded(
        occurred_at=at,
        actor=by,
        number=len(state.evaluations) + 1,
        edition=earlier + 1,
        evaluated=evaluated,
        first=first,
        last=last,
        figures=figures,
        as_of=as_of,
    )


def _not_evaluated(state: Office, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if state.evaluations:
        return None
    return RuleViolation("find-by-evaluation", "nothing was evaluated", hint="record the evaluation first")


@action("find-by-evaluation", roles=EVALUATORS, during=DURING, unless=_not_evaluated)
def record_finding(
    state: Office, *, at: datetime, by: Actor, evaluation: Number, text: LongText
) -> list[EvaluationEvent]:
    """Record what an evaluation shows has to change."""
    _evaluation(state, evaluation)
    return [FindingRecorded(occurred_at=at, actor=by, number=state.findings + 1, evaluation=evaluation, text=text)]


def _evaluation(state: Office, number: int) -> Evaluation:
    if number not in state.evaluations:
        raise InvalidInput(f"there is no evaluation {number}", hint="name one that was recorded")
    return state.evaluations[number]


def _open(state: Office, finding: int) -> Finding:
    if finding not in state.open_findings:
        raise RuleViolation(
            "act-on-an-open-finding",
            f"finding {finding} is {'closed' if 0 < finding <= state.findings else 'not there'}",
            hint=f"open are: {', '.join(map(str, state.open_findings)) or 'none'}",
        )
    return state.open_findings[finding]


def _none_open(state: Office, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if state.open_findings:
        return None
    return RuleViolation("act-on-an-open-finding", "no finding is open", hint="record the finding first")


@action("act-on-an-open-finding", roles=(Role.REGULATOR,), during=DURING, unless=_none_open)
def take_action(state: Office, *, at: datetime, by: Actor, finding: Number, text: LongText) -> list[EvaluationEvent]:
    """Record what was done about a finding."""
    _open(state, finding)
    return [ActionTaken(occurred_at=at, actor=by, finding=finding, text=text)]


def _later_evaluations(state: Office, finding: Finding) -> list[int]:
    """The evaluations of the same one, of later periods, which did not end before something was done."""
    old, acted = state.evaluations[finding.evaluation], finding.acted
    if acted is None:
        return []
    return [
        number
        for number, one in state.evaluations.items()
        if one.evaluated == old.evaluated and one.first > old.last and one.last >= acted
    ]


def _not_to_be_measured(state: Office, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if not any(one.acted for one in state.open_findings.values()):
        return RuleViolation("measure-after-action", "nothing was done about an open finding", hint="take action first")
    if not any(_later_evaluations(state, one) for one in state.open_findings.values()):
        return RuleViolation(
            "measure-a-later-period", "no later period of the same one was evaluated", hint="evaluate one first"
        )
    return None


@action("measure-after-action", roles=EVALUATORS, during=DURING, unless=_not_to_be_measured)
def measure_again(
    state: Office, *, at: datetime, by: Actor, finding: Number, evaluation: Number
) -> list[EvaluationEvent]:
    """Close a finding by an evaluation of a later period, which shows what the action has changed."""
    one = _open(state, finding)
    if one.acted is None:
        raise RuleViolation(
            "measure-after-action", f"nothing was done about finding {finding}", hint="take action first"
        )
    after = _evaluation(state, evaluation)
    if evaluation not in _later_evaluations(state, one):
        raise RuleViolation(
            "measure-a-later-period",
            f"evaluation {evaluation} is not one of a later period of the same one",
            hint="evaluate the one that the finding is about, in a later period",
        )
    before = state.evaluations[one.evaluation].figures
    return [
        MeasuredAgain(
            occurred_at=at, actor=by, finding=finding, evaluation=evaluation, before=before, after=after.figures
        )
    ]
