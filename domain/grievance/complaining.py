"""Between a merchant and a platform: what is complained of, the answer, a settlement."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from domain.action import action
from domain.errors import RuleViolation
from domain.event import Event
from domain.grievance.state import Grievance, Status
from domain.rulebook.book import Rulebook, TermName
from domain.rulebook.codes import CodeValue
from domain.rulebook.terms import RunningTerm, begin
from domain.values import CLOCK, Actor, LongText, MerchantId, Money, PlatformId, Role, ShortText
from domain.violations import check_violation

#: Who complains, or an office for a merchant who does so on paper.
COMPLAINING = (Role.MERCHANT, Role.REGULATOR)
GOING_ON = (Status.OPEN, Status.ANSWERED, Status.UNANSWERED, Status.TAKEN_UP)
SOURCE = "E-Commerce Law, art. 35"


class Complained(Event):
    """A merchant complains about a practice of a platform, which has a term to answer."""

    name = "grievance.complained"

    merchant_id: MerchantId
    platform_id: PlatformId
    violation: CodeValue
    text: LongText
    claim: Money | None = None
    term: RunningTerm | None = None


class Answered(Event):
    """The platform answered. ``late``: its term had passed."""

    name = "grievance.answered"

    text: LongText
    late: bool


class AnswerMissed(Event):
    """The platform did not answer in its term. ``occurred_at`` is the last instant of it, however late noticed."""

    name = "grievance.answer_missed"


class Settled(Event):
    """Merchant and platform have settled."""

    name = "grievance.settled"

    terms: LongText


class Withdrawn(Event):
    """The merchant complains no longer."""

    name = "grievance.withdrawn"

    reason: ShortText


ComplainingEvent = Complained | Answered | AnswerMissed | Settled | Withdrawn


def evolve(state: Grievance, event: ComplainingEvent) -> Grievance:
    match event:
        case Complained():
            due = None if event.term is None else event.term.due
            return replace(
                state,
                status=Status.OPEN,
                since=event.occurred_at,
                platform_id=event.platform_id,
                violation=event.violation,
                answer_due=due,
            )
        case Answered():
            status = state.status if state.status is Status.TAKEN_UP else Status.ANSWERED
            return replace(state, status=status, answered=event.occurred_at)
        case AnswerMissed():
            return replace(state, status=Status.UNANSWERED)
        case Settled():
            return replace(state, status=Status.SETTLED)
        case Withdrawn():
            return replace(state, status=Status.WITHDRAWN)
        case _:
            assert_never(event)


@action("grievance-begun-once", roles=COMPLAINING, during=(Status.NONE,), to=Status.OPEN, source=SOURCE)
def complain_of_platform(
    state: Grievance,
    *,
    at: datetime,
    by: Actor,
    book: Rulebook,
    merchant_id: MerchantId,
    platform_id: PlatformId,
    violation: CodeValue,
    text: LongText,
    claim: Money | None = None,
) -> list[ComplainingEvent]:
    """Complain as a merchant about a practice of a platform; it has a term to answer."""
    check_violation(violation, book)
    return [
        Complained(
            occurred_at=at,
            actor=by,
            merchant_id=merchant_id,
            platform_id=platform_id,
            violation=violation,
            text=text,
            claim=claim,
            term=begin(TermName.GRIEVANCE_ANSWER, at, book),
        )
    ]


def _answered(state: Grievance, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if state.answered is not None:
        return RuleViolation("answer-grievance-once", "it was answered already", hint="settle it with the merchant")
    return None


@action(
    "answer-grievance-once",
    roles=(Role.PLATFORM,),
    during=(Status.OPEN, Status.UNANSWERED, Status.TAKEN_UP),
    to=Status.ANSWERED,
    unless=_answered,
)
def answer_grievance(state: Grievance, *, at: datetime, by: Actor, text: LongText) -> list[ComplainingEvent]:
    """Answer a merchant's grievance. An answer that comes late is recorded as that."""
    late = state.answer_due is not None and state.answer_due < at
    return [Answered(occurred_at=at, actor=by, text=text, late=late)]


@action("settle-what-goes-on", roles=COMPLAINING, during=GOING_ON, to=Status.SETTLED)
def settle_grievance(state: Grievance, *, at: datetime, by: Actor, terms: LongText) -> list[ComplainingEvent]:
    """Record, for the merchant, that it has settled with the platform, and on which terms."""
    return [Settled(occurred_at=at, actor=by, terms=terms)]


@action("withdraw-what-goes-on", roles=COMPLAINING, during=GOING_ON, to=Status.WITHDRAWN)
def withdraw_grievance(state: Grievance, *, at: datetime, by: Actor, reason: ShortText) -> list[ComplainingEvent]:
    """Withdraw a grievance."""
    return [Withdrawn(occurred_at=at, actor=by, reason=reason)]


def fall_due(state: Grievance, *, at: datetime, book: Rulebook) -> list[ComplainingEvent]:
    """Return that the answer was missed, if it was by ``at``."""
    due = next_due(state)
    return [] if due is None or at <= due else [AnswerMissed(occurred_at=due, actor=CLOCK)]


def next_due(state: Grievance) -> datetime | None:
    """Return until when an answer is awaited."""
    return state.answer_due if state.status is Status.OPEN else None
