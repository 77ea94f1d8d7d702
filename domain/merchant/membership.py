"""What a merchant takes part in: the seven-day promise, online dispute resolution, and quality circles."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from domain.action import Refusal, action
from domain.errors import RuleViolation
from domain.event import Event
from domain.merchant.state import Membership, Merchant, Status, ended, joined
from domain.rulebook.book import Rulebook
from domain.rulebook.codes import Slug
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


class CircleJoined(Event):
    """The merchant declares that it meets the standard of a quality circle, and is of it from now on."""

    name = "merchant.circle_joined"

    circle: Slug
    standard: ShortText


class CircleLeft(Event):
    """The merchant leaves a quality circle."""

    name = "merchant.circle_left"

    circle: Slug
    reason: ShortText


class ExpelledFromCircle(Event):
    """The merchant no longer meets the standard of a quality circle, and was put out of it."""

    name = "merchant.expelled_from_circle"

    circle: Slug
    reason: ShortText


MembershipEvent = (
    PromiseSigned | PromiseLeft | Enrolled | EnrolmentEnded | CircleJoined | CircleLeft | ExpelledFromCircle
)


def evolve(state: Merchant, event: MembershipEvent) -> Merchant:
    at = event.occurred_at
    match event:
        case PromiseSigned():
            return replace(state, promises=joined(state.promises, at))
        case PromiseLeft():
            return replace(state, promises=ended(state.promises, at))
        case Enrolled():
            return replace(state, enrolments=joined(state.enrolments, at))
        case EnrolmentEnded():
            return replace(state, enrolments=ended(state.enrolments, at))
        case CircleJoined():
            own = joined(state.circles.get(event.circle, ()), at)
            return replace(state, circles={**state.circles, event.circle: own})
        case CircleLeft() | ExpelledFromCircle():
            own = ended(state.circles[event.circle], at)
            return replace(state, circles={**state.circles, event.circle: own})
        case _:
            assert_never(event)


def _not_joining(memberships: tuple[Membership, ...], at: datetime, rule: str, message: str) -> RuleViolation | None:
    """Refuse to join what was joined and not left, or at a time before it was left."""
    if not memberships:
        return None
    over = memberships[-1][1]
    if over is None:
        return RuleViolation(rule, message, hint="leave first")
    if at < over:
        return RuleViolation(rule, "this is before the last membership ended", hint="give a later time")
    return None


def _not_leaving(memberships: tuple[Membership, ...], at: datetime, rule: str, message: str) -> RuleViolation | None:
    """Refuse to leave what was not joined, or at a time before it was."""
    if not memberships or memberships[-1][1] is not None:
        return RuleViolation(rule, message, hint="join first")
    if at < memberships[-1][0]:
        return RuleViolation(rule, "this is before it was joined", hint="give a later time")
    return None


def _joins(field: str, rule: str, message: str) -> Refusal:
    def refuse(state: Merchant, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
        return _not_joining(getattr(state, field), at, rule, message)

    return refuse


def _leaves(field: str, rule: str, message: str) -> Refusal:
    def refuse(state: Merchant, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
        return _not_leaving(getattr(state, field), at, rule, message)

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


@action("circle-joined-once", roles=(Role.MERCHANT, Role.PLATFORM), during=DURING)
def join_circle(
    state: Merchant, *, at: datetime, by: Actor, circle: Slug, standard: ShortText
) -> list[MembershipEvent]:
    """Join a quality circle by declaring that its standard is met. Several may be joined."""
    refused = _not_joining(
        state.circles.get(circle, ()), at, "circle-joined-once", f"the circle {circle} is joined already"
    )
    if refused is not None:
        raise refused
    return [CircleJoined(occurred_at=at, actor=by, circle=circle, standard=standard)]


def _in_no_circle(state: Merchant, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if any(_not_leaving(own, at, "", "") is None for own in state.circles.values()):
        return None
    return RuleViolation("circle-left-when-joined", "the merchant is in no quality circle", hint="join one first")


def _check_in_circle(state: Merchant, circle: str, at: datetime) -> None:
    own = state.circles.get(circle, ())
    refused = _not_leaving(own, at, "circle-left-when-joined", f"the merchant is not in the circle {circle}")
    if refused is not None:
        raise refused


@action("circle-left-when-joined", roles=(Role.MERCHANT, Role.PLATFORM), during=DURING, unless=_in_no_circle)
def leave_circle(state: Merchant, *, at: datetime, by: Actor, circle: Slug, reason: ShortText) -> list[MembershipEvent]:
    """Leave a quality circle."""
    _check_in_circle(state, circle, at)
    return [CircleLeft(occurred_at=at, actor=by, circle=circle, reason=reason)]


@action("circle-left-when-joined", roles=(Role.REGULATOR, Role.PLATFORM), during=DURING, unless=_in_no_circle)
def expel_from_circle(
    state: Merchant, *, at: datetime, by: Actor, circle: Slug, reason: ShortText
) -> list[MembershipEvent]:
    """Put a merchant out of a quality circle whose standard it does not meet."""
    _check_in_circle(state, circle, at)
    return [ExpelledFromCircle(occurred_at=at, actor=by, circle=circle, reason=reason)]
