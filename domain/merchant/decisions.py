"""One function per command on a merchant: state in, events out, or a RuleViolation."""

from __future__ import annotations

from datetime import datetime

from domain.errors import InvalidInput, RuleViolation
from domain.merchant.events import (
    Enrolled,
    EnrolmentEnded,
    MerchantEvent,
    PromiseLeft,
    PromiseSigned,
    Registered,
)
from domain.merchant.state import Membership, Merchant
from domain.rulebook.codes import valid_credit_code
from domain.values import Actor, Code, Role, ShortText, TimePrecision

#: The code list of unified social credit codes.
CREDIT_CODES = "GB 32100"


def register(
    state: Merchant,
    *,
    at: datetime,
    by: Actor,
    trade_name: ShortText,
    identifier: Code | None = None,
    register_name: ShortText | None = None,
    precision: TimePrecision = TimePrecision.INSTANT,
) -> list[MerchantEvent]:
    """Make a merchant known to the ledger. A unified social credit code is checked (GB 32100)."""
    if state.registered:
        raise RuleViolation("merchant-registered-once", "this merchant is registered already")
    if identifier is not None and identifier.scheme == CREDIT_CODES and not valid_credit_code(identifier.value):
        raise InvalidInput(
            f"{identifier.value!r} is not a unified social credit code",
            hint="it has 18 digits and capitals, and the last checks the others (GB 32100); look at the licence",
        )
    return [
        Registered(
            occurred_at=at,
            actor=by,
            trade_name=trade_name,
            identifier=identifier,
            register_name=register_name,
            precision=precision,
        )
    ]


def sign_promise(state: Merchant, *, at: datetime, by: Actor, batch: ShortText) -> list[MerchantEvent]:
    """Sign the seven-day promise, in a batch with others. It holds for complaints filed from now on."""
    _by_merchant(by)
    _joins(state.promises, at, "promise-signed-once", "the promise is signed already")
    return [PromiseSigned(occurred_at=at, actor=by, batch=batch)]


def leave_promise(state: Merchant, *, at: datetime, by: Actor, reason: ShortText) -> list[MerchantEvent]:
    """Leave the seven-day promise. Complaints filed before stay under it."""
    _by_merchant(by)
    _leaves(state.promises, at, "promise-left-when-signed", "the promise is not signed")
    return [PromiseLeft(occurred_at=at, actor=by, reason=reason)]


def enrol(state: Merchant, *, at: datetime, by: Actor) -> list[MerchantEvent]:
    """Enrol for online dispute resolution: the enterprise gets complaints first, from now on."""
    _by_merchant(by)
    _joins(state.enrolments, at, "enrolled-once", "the enterprise is enrolled already")
    return [Enrolled(occurred_at=at, actor=by)]


def end_enrolment(state: Merchant, *, at: datetime, by: Actor, reason: ShortText) -> list[MerchantEvent]:
    """End the enrolment for online dispute resolution."""
    _by_merchant(by)
    _leaves(state.enrolments, at, "enrolment-ended-when-enrolled", "the enterprise is not enrolled")
    return [EnrolmentEnded(occurred_at=at, actor=by, reason=reason)]


def _by_merchant(by: Actor) -> None:
    if by.role not in (Role.MERCHANT, Role.PLATFORM, Role.REGULATOR, Role.SERVICE):
        raise RuleViolation(
            "membership-by-merchant", f"a {by.role} cannot do this", hint="it is for the merchant, or who admits it"
        )


def _joins(memberships: tuple[Membership, ...], at: datetime, rule: str, message: str) -> None:
    if memberships and memberships[-1][1] is None:
        raise RuleViolation(rule, message, hint="leave first")
    if memberships and memberships[-1][1] is not None and at < memberships[-1][1]:
        raise RuleViolation(rule, "this is before the last membership ended", hint="give a later time")


def _leaves(memberships: tuple[Membership, ...], at: datetime, rule: str, message: str) -> None:
    if not memberships or memberships[-1][1] is not None:
        raise RuleViolation(rule, message, hint="join first")
    if at < memberships[-1][0]:
        raise RuleViolation(rule, "this is before it was joined", hint="give a later time")
