"""Damages for a measure that was wrong: claimed by its target, decided by the body that can."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from domain.action import action, first_of
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.measure.state import BODIES, Measure, Status
from domain.merchant.state import not_before
from domain.rulebook.book import Rulebook
from domain.values import Actor, LongText, Money, Role

#: For whom a measure can be wrong.
TARGETS = (Role.MERCHANT, Role.PLATFORM)


class DamagesClaimed(Event):
    """Damages are claimed for a measure that was revoked."""

    name = "measure.damages_claimed"

    amount: Money
    grounds: LongText


class DamagesAwarded(Event):
    """It was decided what of the damages claimed is to be paid; nothing of them is zero."""

    name = "measure.damages_awarded"

    amount: Money
    reasons: LongText


DamagesEvent = DamagesClaimed | DamagesAwarded


def evolve(state: Measure, event: DamagesEvent) -> Measure:
    state = replace(state, latest=event.occurred_at)
    match event:
        case DamagesClaimed():
            return replace(state, claimed=event.amount)
        case DamagesAwarded():
            return replace(state, claimed=None, awarded=True)
        case _:
            assert_never(event)


def by_its_body(by: Actor, theirs: set[Role], what: str) -> RuleViolation | None:
    """Return why ``by`` does not decide on something; None for a role of ``theirs``, and a service."""
    if by.role in theirs | {Role.SERVICE}:
        return None
    return RuleViolation(
        "decided-by-its-body",
        f"a {by.role} does not decide on {what}",
        hint=f"it is for: {', '.join(sorted(theirs))}",
    )


def not_its_target(state: Measure, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    """Refuse to contest a measure for somebody who is of another kind than its target."""
    if by.role in (state.target, Role.SERVICE):
        return None
    return RuleViolation(
        "contested-by-its-target",
        f"a {by.role} contests no measure on a {state.target}",
        hint=f"it is for the {state.target} that the measure is on",
    )


def check_order(state: Measure, at: datetime) -> None:
    """Raise InvalidInput for a step before the one that it follows."""
    if state.latest is not None:
        not_before(state.latest, at, "what was done last against the measure")


def check_claim(amount: Money | None) -> None:
    """Raise InvalidInput for a claim of nothing."""
    if amount is not None and amount.fen == 0:
        raise InvalidInput("a claim of nothing is no claim", hint="give the amount, or leave it out")


def check_award(state: Measure, amount: Money) -> None:
    """Raise RuleViolation for more than was claimed."""
    claimed = state.claimed
    if claimed is None or amount.currency != claimed.currency or amount.fen > claimed.fen:
        raise RuleViolation(
            "damages-as-claimed",
            f"{amount} is more than was claimed, which is {claimed or 'nothing'}",
            hint="award at most what was claimed",
        )


def _claimed(state: Measure, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if state.claimed is None and not state.awarded:
        return None
    return RuleViolation("damages-claimed-once", "damages were claimed already", hint="see what is decided on them")


@action("damages-after-revocation", roles=TARGETS, during=(Status.REVOKED,), unless=first_of(not_its_target, _claimed))
def claim_damages(state: Measure, *, at: datetime, by: Actor, amount: Money, grounds: LongText) -> list[DamagesEvent]:
    """Claim damages for a measure that was revoked."""
    check_claim(amount)
    check_order(state, at)
    return [DamagesClaimed(occurred_at=at, actor=by, amount=amount, grounds=grounds)]


def _unclaimed(state: Measure, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if state.claimed is None:
        return RuleViolation("damages-as-claimed", "no damages are claimed", hint="they have to be claimed first")
    return None


def _not_who_awards(state: Measure, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    own = Role.PLATFORM if state.by_platform else Role.APPEAL_REVIEWER
    return by_its_body(by, {own, Role.ADJUDICATOR}, "damages for this measure")


@action(
    "damages-after-revocation",
    roles=tuple(BODIES.values()),
    during=(Status.REVOKED,),
    unless=first_of(_unclaimed, _not_who_awards),
)
def award_damages(state: Measure, *, at: datetime, by: Actor, amount: Money, reasons: LongText) -> list[DamagesEvent]:
    """Decide, with reasons, what of the damages claimed is to be paid."""
    if not reasons.strip():
        raise RuleViolation("decision-has-reasons", "there is no decision without reasons", hint="give them")
    check_award(state, amount)
    check_order(state, at)
    return [DamagesAwarded(occurred_at=at, actor=by, amount=amount, reasons=reasons)]
