"""A merchant appeals against the fall of its grade; if it is right, the grade is what it was before."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from domain.action import action
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.grade.state import Grade, Grades, Status
from domain.rulebook.book import Rulebook, TermName
from domain.rulebook.terms import RunningTerm, begin
from domain.values import CLOCK, Actor, LongText, Role, format_instant


class FallAppealed(Event):
    """The merchant appeals against the last fall; there is a term to decide."""

    name = "grade.fall_appealed"

    grounds: LongText
    term: RunningTerm | None = None


class DecisionMissed(Event):
    """Nobody decided on the appeal in the term. ``occurred_at`` is the last instant of it."""

    name = "grade.decision_missed"


class AppealDecided(Event):
    """What was decided on the appeal. ``grade``: what is published from now on."""

    name = "grade.appeal_decided"

    granted: bool
    reasons: LongText
    grade: Grade


AppealEvent = FallAppealed | DecisionMissed | AppealDecided


def evolve(state: Grades, event: AppealEvent) -> Grades:
    match event:
        case FallAppealed():
            due = None if event.term is None else event.term.due
            fall = state.fall
            return replace(
                state,
                status=Status.CONTESTED,
                contested=fall,
                fall=None,
                decision_due=due,
                since=event.occurred_at,
            )
        case DecisionMissed():
            return replace(state, decision_due=None)
        case AppealDecided():
            return replace(
                state,
                status=Status.GRADED if state.fall is None else Status.FALLEN,
                grade=event.grade,
                contested=None,
                decision_due=None,
                since=event.occurred_at,
            )
        case _:
            assert_never(event)


def _too_late(state: Grades, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    due = None if state.fall is None else state.fall.due
    if due is None or at <= due:
        return None
    return RuleViolation(
        "fall-appealed-within-term",
        f"the term of an appeal against the fall ended at {format_instant(due)}",
        hint="the grade rises again with the scores of two months in a row",
    )


@action(
    "appeal-against-a-fall",
    roles=(Role.MERCHANT,),
    during=(Status.FALLEN,),
    to=Status.CONTESTED,
    unless=_too_late,
)
def appeal_fall(state: Grades, *, at: datetime, by: Actor, book: Rulebook, grounds: LongText) -> list[AppealEvent]:
    """Appeal against the last fall of the grade, which stays what it is until the decision."""
    term = begin(TermName.APPEAL_DECISION, at, book)
    return [FallAppealed(occurred_at=at, actor=by, grounds=grounds, term=term)]


@action(
    "decide-on-a-fall",
    roles=(Role.REGULATOR, Role.APPEAL_REVIEWER),
    during=(Status.CONTESTED,),
    to=(Status.GRADED, Status.FALLEN),
)
def decide_fall_appeal(
    state: Grades, *, at: datetime, by: Actor, granted: bool, reasons: LongText
) -> list[AppealEvent]:
    """Decide on an appeal, with reasons. If it is granted the grade is what it was before the fall, if that is better,
    unless it has fallen again since."""
    if not reasons.strip():
        raise InvalidInput("there is no decision without reasons", hint="give them")
    assert state.contested is not None
    before = state.contested.before
    restored = granted and state.fall is None and before.is_above(state.grade)
    grade = before if restored else state.grade
    return [AppealDecided(occurred_at=at, actor=by, granted=granted, reasons=reasons, grade=grade)]


def fall_due(state: Grades, *, at: datetime, book: Rulebook) -> list[AppealEvent]:
    """Return that the term of the decision passed, if it did by ``at``."""
    if state.decision_due is None or at <= state.decision_due:
        return []
    return [DecisionMissed(occurred_at=state.decision_due, actor=CLOCK)]


def next_due(state: Grades) -> datetime | None:
    """Return the last instant to decide on the appeal."""
    return state.decision_due
