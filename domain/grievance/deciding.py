"""The authority takes a grievance up, and decides whether the platform did what it must not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from domain.action import action
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.grievance.state import Grievance, Status
from domain.merchant.state import not_before
from domain.rulebook.book import Rulebook
from domain.rulebook.codes import CodeValue
from domain.values import Actor, LongText, OfficeId, Role
from domain.violations import check_violation

SOURCE = "E-Commerce Law, art. 82"


class TakenUp(Event):
    """An office takes the grievance up."""

    name = "grievance.taken_up"

    office_id: OfficeId


class Decided(Event):
    """The office decided. ``violation``: what the platform was found to do, where the grievance was upheld."""

    name = "grievance.decided"

    upheld: bool
    reasons: LongText
    violation: CodeValue | None = None


DecidingEvent = TakenUp | Decided


def evolve(state: Grievance, event: DecidingEvent) -> Grievance:
    match event:
        case TakenUp():
            return replace(state, status=Status.TAKEN_UP, taken_up=event.occurred_at)
        case Decided():
            return replace(state, status=Status.DECIDED, upheld=event.upheld)
        case _:
            assert_never(event)


@action(
    "take-up-after-the-answer",
    roles=(Role.REGULATOR,),
    during=(Status.ANSWERED, Status.UNANSWERED),
    to=Status.TAKEN_UP,
    source=SOURCE,
)
def take_up(state: Grievance, *, at: datetime, by: Actor, office_id: OfficeId) -> list[DecidingEvent]:
    """Take a grievance up as an office, once the platform has answered or its term has passed."""
    ready = state.answered or state.answer_due
    if ready is not None:
        not_before(ready, at, "the platform answered, or its term passed,")
    return [TakenUp(occurred_at=at, actor=by, office_id=office_id)]


@action(
    "decide-what-was-taken-up", roles=(Role.REGULATOR,), during=(Status.TAKEN_UP,), to=Status.DECIDED, source=SOURCE
)
def decide_grievance(
    state: Grievance,
    *,
    at: datetime,
    by: Actor,
    book: Rulebook,
    upheld: bool,
    reasons: LongText,
    violation: CodeValue | None = None,
) -> list[DecidingEvent]:
    """Decide on a grievance, with reasons. ``violation``: what was found, if not what was complained of."""
    if state.taken_up is not None:
        not_before(state.taken_up, at, "it was taken up")
    if not reasons.strip():
        raise RuleViolation("decision-has-reasons", "there is no decision without reasons", hint="give them")
    if violation is not None and not upheld:
        raise InvalidInput("a violation was found, but the grievance is not upheld", hint="uphold it, or leave it out")
    if violation is not None:
        check_violation(violation, book)
    found = (violation or state.violation) if upheld else None
    return [Decided(occurred_at=at, actor=by, upheld=upheld, reasons=reasons, violation=found)]
