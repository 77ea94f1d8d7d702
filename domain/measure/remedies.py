"""What can be done against a measure: appeal, review, suit; and what is decided on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from domain.action import Refusal, action, first_of
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.measure.damages import TARGETS, by_its_body, check_award, check_claim, check_order, not_its_target
from domain.measure.imposing import remedy
from domain.measure.state import (
    BODIES,
    Measure,
    MeasureKind,
    Remedy,
    RemedyKind,
    Sanction,
    Status,
)
from domain.measure.varying import check_varied, repaid
from domain.rulebook.book import Rulebook, TermName
from domain.rulebook.terms import RunningTerm, begin
from domain.values import CLOCK, Actor, Instant, LongText, Money, Role, ShortText, format_instant

#: A measure that has ended can still be wrong.
CONTESTABLE = (Status.IN_FORCE, Status.ENDED)
RECONSIDERATION = "Administrative Reconsideration Law, art. 20"
LITIGATION = "Administrative Litigation Law, art. 46"


class DecisionOutcome(StrEnum):
    """What becomes of a measure that was contested."""

    UPHELD = "upheld"
    VARIED = "varied"
    REVOKED = "revoked"


class Appealed(Event):
    """The merchant appeals to the platform, which has a term to decide."""

    name = "measure.appealed"

    grounds: LongText
    damages: Money | None = None
    term: RunningTerm | None = None


class ReviewSought(Event):
    """An administrative review is sought at a body."""

    name = "measure.review_sought"

    grounds: LongText
    body: ShortText


class Sued(Event):
    """A suit is filed at a court."""

    name = "measure.sued"

    court: ShortText
    reference: ShortText
    grounds: LongText


class RemedyWithdrawn(Event):
    """The target contests the measure no longer. The remedy is used up."""

    name = "measure.remedy_withdrawn"

    remedy: RemedyKind
    reason: ShortText


class DecisionMissed(Event):
    """The platform did not decide on an appeal in its term. ``occurred_at`` is the last instant of it.

    From then on an authority or an adjudicator can decide too.
    """

    name = "measure.decision_missed"


class Decided(Event):
    """What was decided on an appeal, a review or a suit.

    ``kind``, ``amount`` and ``until``: what is in force from now on, where it was varied; ``repay``: what was paid and
    is no longer due. ``counts``: False where it is revoked, so that it does not count in credit. ``remedies``: what
    can be done against the decision.
    """

    name = "measure.decided"

    remedy: RemedyKind
    outcome: DecisionOutcome
    reasons: LongText
    kind: MeasureKind | None = None
    amount: Money | None = None
    until: Instant | None = None
    damages: Money | None = None
    repay: Money | None = None
    counts: bool
    remedies: tuple[Remedy, ...] = ()


RemedyEvent = Appealed | ReviewSought | Sued | RemedyWithdrawn | DecisionMissed | Decided


def evolve(state: Measure, event: RemedyEvent) -> Measure:
    match event:
        case Appealed():
            due = None if event.term is None else event.term.due
            return replace(_contested(state, RemedyKind.APPEAL, event), decision_due=due, claimed=event.damages)
        case ReviewSought():
            return _contested(state, RemedyKind.REVIEW, event)
        case Sued():
            return _contested(state, RemedyKind.SUIT, event)
        case RemedyWithdrawn():
            return _closed(state, event)
        case DecisionMissed():
            return replace(state, decision_due=None, missed=event.occurred_at)
        case Decided():
            return _decided(state, event)
        case _:
            assert_never(event)


def _contested(state: Measure, kind: RemedyKind, event: Event) -> Measure:
    # A suit is final: no review can follow it.
    left = {} if kind is RemedyKind.SUIT else {one: due for one, due in state.remedies.items() if one is not kind}
    return replace(state, status=Status.CONTESTED, contested_by=kind, remedies=left, latest=event.occurred_at)


def _closed(state: Measure, event: Event) -> Measure:
    return replace(
        state,
        status=Status.ENDED if state.over else Status.IN_FORCE,
        contested_by=None,
        decision_due=None,
        missed=None,
        claimed=None,
        latest=event.occurred_at,
    )


def _decided(state: Measure, event: Decided) -> Measure:
    revoked = event.outcome is DecisionOutcome.REVOKED
    closed = _closed(state, event)
    state = replace(
        closed,
        status=Status.REVOKED if revoked else closed.status,
        remedies={one.kind: None if one.term is None else one.term.due for one in event.remedies},
        over=state.over or revoked,
        paid_fen=state.paid_fen - (0 if event.repay is None else event.repay.fen),
        awarded=state.awarded or event.damages is not None,
    )
    if event.kind is None:
        return state
    return replace(state, sanction=Sanction(kind=event.kind, amount=event.amount, until=event.until))


def _open(kind: RemedyKind, source: str) -> Refusal:
    """Refuse what cannot be done against this measure, or was done, or whose term has passed."""

    def refuse(state: Measure, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
        if kind not in state.remedies:
            return RuleViolation(
                "remedy-of-this-measure",
                f"{'an' if kind is RemedyKind.APPEAL else 'a'} {kind} is not open against this measure, or was used",
                hint=f"open are: {', '.join(state.remedies) or 'none'}",
                source=source,
            )
        due = state.remedies[kind]
        if due is not None and due < at:
            return RuleViolation(
                "remedy-within-term",
                f"the term of the {kind} ended at {format_instant(due)}",
                hint="the measure can no longer be contested in this way",
                source=source,
            )
        return None

    return refuse


@action(
    "one-remedy-at-a-time",
    roles=(Role.MERCHANT,),
    during=CONTESTABLE,
    to=Status.CONTESTED,
    unless=first_of(not_its_target, _open(RemedyKind.APPEAL, "")),
)
def appeal(
    state: Measure, *, at: datetime, by: Actor, book: Rulebook, grounds: LongText, damages: Money | None = None
) -> list[RemedyEvent]:
    """Appeal against a measure to the platform that imposed it, which has to decide in a term."""
    check_claim(damages)
    check_order(state, at)
    term = begin(TermName.APPEAL_DECISION, at, book)
    return [Appealed(occurred_at=at, actor=by, grounds=grounds, damages=damages, term=term)]


@action(
    "one-remedy-at-a-time",
    roles=TARGETS,
    during=CONTESTABLE,
    to=Status.CONTESTED,
    source=RECONSIDERATION,
    unless=first_of(not_its_target, _open(RemedyKind.REVIEW, RECONSIDERATION)),
)
def seek_review(state: Measure, *, at: datetime, by: Actor, grounds: LongText, body: ShortText) -> list[RemedyEvent]:
    """Seek an administrative review of a penalty at the body that is competent. A suit can follow it."""
    check_order(state, at)
    return [ReviewSought(occurred_at=at, actor=by, grounds=grounds, body=body)]


@action(
    "one-remedy-at-a-time",
    roles=TARGETS,
    during=CONTESTABLE,
    to=Status.CONTESTED,
    source=LITIGATION,
    unless=first_of(not_its_target, _open(RemedyKind.SUIT, LITIGATION)),
)
def sue(
    state: Measure, *, at: datetime, by: Actor, court: ShortText, reference: ShortText, grounds: LongText
) -> list[RemedyEvent]:
    """Sue against a penalty. What the court decides is final."""
    check_order(state, at)
    return [Sued(occurred_at=at, actor=by, court=court, reference=reference, grounds=grounds)]


@action(
    "withdraw-what-is-contested",
    roles=TARGETS,
    during=(Status.CONTESTED,),
    to=(Status.IN_FORCE, Status.ENDED),
    unless=not_its_target,
)
def withdraw_remedy(state: Measure, *, at: datetime, by: Actor, reason: ShortText) -> list[RemedyEvent]:
    """Withdraw an appeal, a review or a suit. It cannot be tried again; another remedy that is open can."""
    assert state.contested_by is not None
    check_order(state, at)
    return [RemedyWithdrawn(occurred_at=at, actor=by, remedy=state.contested_by, reason=reason)]


def _not_its_body(state: Measure, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    assert state.contested_by is not None
    theirs = {BODIES[state.contested_by]}
    if state.missed is not None and state.missed < at:
        theirs |= {Role.REGULATOR, Role.ADJUDICATOR}
    return by_its_body(by, theirs, f"what is contested by {state.contested_by}")


@action(
    "decide-what-is-contested",
    roles=(*BODIES.values(), Role.REGULATOR),
    during=(Status.CONTESTED,),
    to=(Status.IN_FORCE, Status.ENDED, Status.REVOKED),
    unless=_not_its_body,
)
def decide_appeal(
    state: Measure,
    *,
    at: datetime,
    by: Actor,
    book: Rulebook,
    outcome: DecisionOutcome,
    reasons: LongText,
    kind: MeasureKind | None = None,
    amount: Money | None = None,
    until: Instant | None = None,
    damages: Money | None = None,
) -> list[RemedyEvent]:
    """Decide on an appeal, a review or a suit, with reasons: the measure is upheld, made milder or revoked.

    ``kind``, ``amount`` and ``until`` say what is in force from then on, where it is varied. Where damages were claimed
    and it is not upheld, ``damages`` says what of them is to be paid, which can be nothing. An appeal that the platform
    has not decided on in its term is for an authority or an adjudicator too.
    """
    assert state.contested_by is not None
    assert state.sanction is not None
    if not reasons.strip():
        raise RuleViolation("decision-has-reasons", "there is no decision without reasons", hint="give them")
    varied = None if kind is None else Sanction(kind=kind, amount=amount, until=until)
    if (outcome is DecisionOutcome.VARIED) != (varied is not None) or (varied is None and (amount or until)):
        raise InvalidInput(
            f"what is in force after a measure is {outcome} is not clear",
            hint="give kind, with amount or until where it has one, for one that is varied and for no other",
        )
    if varied is not None:
        check_varied(state, varied, at)
    if damages is not None:
        if outcome is DecisionOutcome.UPHELD:
            raise InvalidInput("there are no damages for a measure that is upheld", hint="leave them out")
        check_award(state, damages)
    elif state.claimed is not None and outcome is not DecisionOutcome.UPHELD:
        raise RuleViolation(
            "damages-decided-with-appeal",
            f"{state.claimed} of damages are claimed, and nothing is decided on them",
            hint="give damages, at most what is claimed; 0.00 where nothing is to be paid",
        )
    check_order(state, at)
    review = state.contested_by is RemedyKind.REVIEW and outcome is not DecisionOutcome.REVOKED
    return [
        Decided(
            occurred_at=at,
            actor=by,
            remedy=state.contested_by,
            outcome=outcome,
            reasons=reasons,
            kind=kind,
            amount=amount,
            until=until,
            damages=damages,
            repay=None if outcome is DecisionOutcome.UPHELD else repaid(state, varied),
            counts=outcome is not DecisionOutcome.REVOKED,
            remedies=(remedy(RemedyKind.SUIT, at, book),) if review else (),
        )
    ]


def decision_missed(state: Measure) -> list[RemedyEvent]:
    """Return that the term of the decision that is awaited passed."""
    assert state.decision_due is not None
    return [DecisionMissed(occurred_at=state.decision_due, actor=CLOCK)]
