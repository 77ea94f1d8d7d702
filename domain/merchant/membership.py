"""What a merchant takes part in: the seven-day promise, and online dispute resolution."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from domain.action import Refusal, action
from domain.errors import RuleViolation
from domain.event import Event
from domain.merchant.state import Membership, Merchant, Status
from domain.rulebook.book import Rulebook
from domain.values import Actor, Role, ShortText

BY_MERCHANT = (Role.MERCHANT, Role.PLATFORM, Role.REGULATOR)
DURING = (Status.REGISTERED,)


class PromiseSigned(Event):
    """The merchant promises to answer within a day and to try to resolve within seven, from now on."""

    name = "merchant.promise_signed"

    batch: ShortText


class PromiseLeft(Event):
    """The merchant leaves the promise; complaints filed before stay under it."""

    name = "merchant.promise_left"

    reason: ShortText


class Enrolled(Event):
    """The enterprise takes part in online dispute resolution: it gets complaints first, from now on."""

    name = "merchant.enrolled"


class EnrolmentEnded(Event):
    """The enterprise no longer gets complaints first."""

    name = "merchant.enrolment_ended"

    reason: ShortText


MembershipEvent = PromiseSigned | PromiseLeft | Enrolled | EnrolmentEnded


def evolve(state: Merchant, event: MembershipEvent) -> Merchant:
    match event:
        case PromiseSigned():
            return replace(state, promises=(*state.promises, (event.occurred_at, None)))
        case PromiseLeft():
            return replace(state, promises=_ended(state.promises, event.occurred_at))
        case Enrolled():
            return replace(state, enrolments=(*state.enrolments, (event.occurred_at, None)))
        case EnrolmentEnded():
            return replace(state, enrolments=_ended(state.enrolments, event.occurred_at))
        case _:
            assert_never(event)


def _ended(memberships: tuple[Membership, ...], at: datetime) -> tuple[Membership, ...]:
    return (*memberships[:-1], (memberships[-1][0], at))


def _joins(field: str, rule: str, message: str) -> Refusal:
    """Refuse to join what was joined and not left, or at a time before it was left."""

    def refuse(state: Merchant, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
        memberships: tuple[Membership, ...] = getattr(state, field)
        if not memberships:
            return None
        over = memberships[-1][1]
        if over is None:
            return RuleViolation(rule, message, hint="leave first")
        if at < over:
            return RuleViolation(rule, "this is before the last membership ended", hint="give a later time")
        return None

    return refuse


def _leaves(field: str, rule: str, message: str) -> Refusal:
    """Refuse to leave what was not joined, or at a time before it was."""

    def refuse(state: Merchant, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
        memberships: tuple[Membership, ...] = getattr(state, field)
        if not memberships or memberships[-1][1] is not None:
            return RuleViolation(rule, message, hint="join first")
        if at < memberships[-1][0]:
            return RuleViolation(rule, "this is before it was joined", hint="give a later time")
        return None

    return refuse


@action(
    "promise-signed-once",
    roles=BY_MERCHANT,
    during=DURING,
    unless=_joins("promises", "promise-signed-once", "the promise is signed already"),
)
def sign_promise(state: Merchant, *, at: datetime, by: Actor, batch: ShortText) -> list[MembershipEvent]:
    """Sign the seven-day promise, in a batch with others. It holds for complaints filed from now on."""
    return [PromiseSigned(occurred_at=at, actor=by, batch=batch)]


@action(
    "promise-left-when-signed",
    roles=BY_MERCHANT,
    during=DURING,
    unless=_leaves("promises", "promise-left-when-signed", "the promise is not signed"),
)
def leave_promise(state: Merchant, *, at: datetime, by: Actor, reason: ShortText) -> list[MembershipEvent]:
    """Leave the seven-day promise. Complaints filed before stay under it."""
    return [PromiseLeft(occurred_at=at, actor=by, reason=reason)]


@action(
    "enrolled-once",
    roles=BY_MERCHANT,
    during=DURING,
    unless=_joins("enrolments", "enrolled-once", "the enterprise is enrolled already"),
)
def enrol(state: Merchant, *, at: datetime, by: Actor) -> list[MembershipEvent]:
    """Enrol for online dispute resolution: the enterprise gets complaints first, from now on."""
    return [Enrolled(occurred_at=at, actor=by)]


@action(
    "enrolment-ended-when-enrolled",
    roles=BY_MERCHANT,
    during=DURING,
    unless=_leaves("enrolments", "enrolment-ended-when-enrolled", "the enterprise is not enrolled"),
)
def end_enrolment(state: Merchant, *, at: datetime, by: Actor, reason: ShortText) -> list[MembershipEvent]:
    """End the enrolment for online dispute resolution."""
    return [EnrolmentEnded(occurred_at=at, actor=by, reason=reason)]
