"""A grade for the end of each month: it rises after two months in a row, and falls at once, with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, Field

from domain.action import action
from domain.event import Event
from domain.grade.state import Fall, Grade, Grades, Part, Status, month_before
from domain.rulebook.book import Rulebook, TermName
from domain.rulebook.terms import RunningTerm, begin
from domain.values import FROZEN, Actor, ComplaintId, MerchantId

#: Complaints named with a fall.
NAMED = 20
Integer = Annotated[int, Field(strict=True)]


class Points(BaseModel):
    """What each part of a score gives, in millionths of a point; violations take, so theirs are not positive."""

    model_config = FROZEN
    response: Integer
    resolution: Integer
    confirmed: Integer
    volume: Integer
    violations: Integer

    def of(self, part: Part) -> int:
        """Return the points of one part."""
        points: int = getattr(self, part.value)
        return points


class Reason(BaseModel):
    """Which part of the score fell most against the month before, from what to what, in millionths of a point.

    ``complaints``: the latest of those that weigh it down.
    """

    model_config = FROZEN
    part: Part
    before: Integer
    after: Integer
    complaints: tuple[ComplaintId, ...] = ()


class Given(Event):
    """The grade of a merchant for the end of a month (its first day is named).

    ``score`` and ``lower_score`` (with lower bounds) are in hundredths of a point, ``n`` is in millionths of a
    complaint. ``grade_now`` is what the score alone gives, ``grade`` what is published. ``edition``: of the parameters.
    ``complete_to``: the position up to which the score knows of everything. ``fell``: why the grade fell, if it did;
    ``term``: in which an appeal is possible then.
    """

    name = "grade.given"

    merchant_id: MerchantId
    month: date
    score: Integer
    lower_score: Integer
    n: Annotated[int, Field(ge=0, strict=True)]
    points: Points
    grade_now: Grade
    grade: Grade
    edition: Annotated[int, Field(ge=0, strict=True)]
    complete_to: Annotated[int, Field(ge=0, strict=True)]
    fell: Reason | None = None
    term: RunningTerm | None = None


GradingEvent = Given


def evolve(state: Grades, event: GradingEvent) -> Grades:
    fall, status = state.fall, state.status
    if event.fell is not None:
        fall = Fall(event.month, state.grade, None if event.term is None else event.term.due)
        status = Status.CONTESTED if state.contested is not None else Status.FALLEN
    return replace(
        state,
        status=Status.GRADED if status is Status.NONE else status,
        grade=event.grade,
        grade_now=event.grade_now,
        month=event.month,
        points=tuple((part, event.points.of(part)) for part in Part),
        fall=fall,
        since=event.occurred_at,
    )


def published(state: Grades, month: date, now: Grade) -> Grade:
    """Return the grade that is published for a month whose score gives ``now``.

    It rises only if the month before was above it too, and then to the lower of both; it falls at once. From and to
    "not rated" there is neither rise nor fall.
    """
    if not now.is_above(state.grade):
        return now
    if state.month == month_before(month) and state.grade_now.is_above(state.grade):
        return state.grade_now if now.is_above(state.grade_now) else now
    return state.grade


@action("graded-by-what-is-computed", roles=(), during=Status, to=(Status.GRADED, Status.FALLEN, Status.CONTESTED))
def give(
    state: Grades,
    *,
    at: datetime,
    by: Actor,
    book: Rulebook,
    merchant_id: str,
    month: date,
    score: int,
    lower_score: int,
    n: int,
    points: Points,
    grade_now: Grade,
    edition: int,
    complete_to: int,
    behind: Mapping[Part, Sequence[str]],
) -> list[GradingEvent]:
    """Give the grade for the end of a month; once, and in the order of months.

    ``behind``: the complaints that weigh each part down, latest first; named if that part made the grade fall.
    """
    if state.month is not None and month <= state.month:
        return []
    grade = published(state, month, grade_now)
    fell = state.grade.is_above(grade)
    return [
        Given(
            occurred_at=at,
            actor=by,
            merchant_id=merchant_id,
            month=month,
            score=score,
            lower_score=lower_score,
            n=n,
            points=points,
            grade_now=grade_now,
            grade=grade,
            edition=edition,
            complete_to=complete_to,
            fell=_reason(state, points, behind) if fell else None,
            term=begin(TermName.APPEAL, at, book) if fell else None,
        )
    ]


def _reason(state: Grades, points: Points, behind: Mapping[Part, Sequence[str]]) -> Reason:
    before = dict(state.points)
    part = min(Part, key=lambda one: points.of(one) - before.get(one, 0))
    return Reason(
        part=part,
        before=before.get(part, 0),
        after=points.of(part),
        complaints=tuple(behind.get(part, ())[:NAMED]),
    )
