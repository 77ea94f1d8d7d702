"""What can be done against a measure: appeal, review, suit; and what is decided on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from domain.action import Refusal, action
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.measure.damages import TARGETS, by_its_body, check_award, check_claim
from domain.measure.imposing import remedy
from domain.measure.state import (
    BODIES,
    Measure,
    MeasureKind,
    Remedy,
    RemedyKind,
    Sanction,
    Status,
    check_sanction,
    is_milder,
)
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


class DecisionMissed(Event):
    """The platform did not decide on an appeal in its term. ``occurred_at`` is the last instant of it."""

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


RemedyEvent = Appealed | ReviewSought | Sued | DecisionMissed | Decided


def evolve(state: Measure, event: RemedyEvent) -> Measure:
    state = replace(state, since=state.noted(event.occurred_at))
    match event:
        case Appealed():
            due = None if event.term is None else event.term.due
            return replace(_contested(state, RemedyKind.APPEAL), decision_due=due, claimed=event.damages)
        case ReviewSought():
            return _contested(state, RemedyKind.REVIEW)
        case Sued():
            return _contested(state, RemedyKind.SUIT)
        case DecisionMissed():
            return replace(state, decision_due=None)
        case Decided():
            return _decided(state, event)
        case _:
            assert_never(event)


def _contested(state: Measure, kind: RemedyKind) -> Measure:
    # A suit is final: no review can follow it.
    left = {} if kind is RemedyKind.SUIT else {one: due for one, due in state.remedies.items() if one is not kind}
    return replace(state, status=Status.CONTESTED, contested_by=kind, remedies=left)


def _decided(state: Measure, event: Decided) -> Measure:
    revoked = event.outcome is DecisionOutcome.REVOKED
    state = replace(
        state,
        status=Status.REVOKED if revoked else Status.ENDED if state.over else Status.IN_FORCE,
        contested_by=None,
        decision_due=None,
        remedies={one.kind: None if one.term is None else one.term.due for one in event.remedies},
        over=state.over or revoked,
        paid_fen=state.paid_fen - (0 if event.repay is None else event.repay.fen),
        claimed=state.claimed if revoked and event.damages is None else None,
        awarded=event.damages is not None,
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
    unless=_open(RemedyKind.APPEAL, ""),
)
def appeal(
    state: Measure, *, at: datetime, by: Actor, book: Rulebook, grounds: LongText, damages: Money | None = None
) -> list[RemedyEvent]:
    """Appeal against a measure to the platform that imposed it, which has to decide in a term."""
    check_claim(damages)
    term = begin(TermName.APPEAL_DECISION, at, book)
    return [Appealed(occurred_at=at, actor=by, grounds=grounds, damages=damages, term=term)]


@action(
    "one-remedy-at-a-time",
    roles=TARGETS,
    during=CONTESTABLE,
    to=Status.CONTESTED,
    source=RECONSIDERATION,
    unless=_open(RemedyKind.REVIEW, RECONSIDERATION),
)
def seek_review(state: Measure, *, at: datetime, by: Actor, grounds: LongText, body: ShortText) -> list[RemedyEvent]:
    """Seek an administrative review of a penalty at the body that is competent. A suit can follow it."""
    return [ReviewSought(occurred_at=at, actor=by, grounds=grounds, body=body)]


@action(
    "one-remedy-at-a-time",
    roles=TARGETS,
    during=CONTESTABLE,
    to=Status.CONTESTED,
    source=LITIGATION,
    unless=_open(RemedyKind.SUIT, LITIGATION),
)
def sue(
    state: Measure, *, at: datetime, by: Actor, court: ShortText, reference: ShortText, grounds: LongText
) -> list[RemedyEvent]:
    """Sue against a penalty. What the court decides is final."""
    return [Sued(occurred_at=at, actor=by, court=court, reference=reference, grounds=grounds)]


def _not_its_body(state: Measure, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    assert state.contested_by is not None
    return by_its_body(by, {BODIES[state.contested_by]}, f"a {state.contested_by}")


@action(
    "decide-what-is-contested",
    roles=tuple(BODIES.values()),
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

    ``kind``, ``amount`` and ``until`` say what is in force from then on, where it is varied.
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
        _check_varied(state, varied, at)
    if damages is not None:
        if outcome is DecisionOutcome.UPHELD:
            raise InvalidInput("there are no damages for a measure that is upheld", hint="leave them out")
        check_award(state, damages)
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
            repay=_repaid(state, outcome, varied),
            counts=outcome is not DecisionOutcome.REVOKED,
            remedies=(remedy(RemedyKind.SUIT, at, book),) if review else (),
        )
    ]


def _check_varied(state: Measure, varied: Sanction, at: datetime) -> None:
    assert state.sanction is not None
    if state.over:
        raise RuleViolation(
            "vary-what-is-in-force", "this measure has ended, so nothing of it is left to vary", hint="uphold or revoke"
        )
    check_sanction(varied, at)
    if not is_milder(varied, state.sanction):
        raise RuleViolation(
            "varied-to-something-milder",
            "what was contested cannot be made more severe, or stay the same, by the decision",
            hint="give something milder, or uphold it",
            source="Administrative Reconsideration Law, art. 63",
        )


def _repaid(state: Measure, outcome: DecisionOutcome, varied: Sanction | None) -> Money | None:
    """Return what was paid beyond what is due from now on."""
    amount = None if state.sanction is None else state.sanction.amount
    if amount is None or outcome is DecisionOutcome.UPHELD:
        return None
    due = 0 if varied is None or varied.amount is None else varied.amount.fen
    over = state.paid_fen - due
    return Money(fen=over, currency=amount.currency) if over > 0 else None


def decision_missed(state: Measure) -> list[RemedyEvent]:
    """Return that the term of the decision that is awaited passed."""
    assert state.decision_due is not None
    return [DecisionMissed(occurred_at=state.decision_due, actor=CLOCK)]
