"""One function per command on a complaint: state in, events out, or a RuleViolation.

Guards come first; each names its rule, and its hint says what would make the action legal.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from domain.complaint.events import (
    RELIEF,
    Answered,
    AnswerKind,
    Closed,
    ComplaintEvent,
    Corrected,
    DeadlineMissed,
    Disputed,
    Filed,
    Reopened,
    Resolved,
    Routed,
    Withdrawn,
)
from domain.complaint.state import Complaint, Status
from domain.errors import InvalidInput, RuleViolation
from domain.values import CLOCK, Actor, Channel, Code, Money, Origin, Role, TimePrecision

INSTANT = TimePrecision.INSTANT


def file(
    state: Complaint,
    *,
    at: datetime,
    by: Actor,
    consumer_id: str,
    channel: Channel,
    scheme: str,
    product: str,
    sub_product: str | None = None,
    issue: str | None = None,
    sub_issue: str | None = None,
    region: Code | None = None,
    claim: Money | None = None,
    narrative: str | None = None,
    postal_code: str | None = None,
    origin: Origin | None = None,
    precision: TimePrecision = INSTANT,
) -> list[ComplaintEvent]:
    """Open the case."""
    _require(state, {Status.NONE}, "file-once", "be filed a second time")
    return [
        Filed(
            occurred_at=at,
            actor=by,
            consumer_id=consumer_id,
            channel=channel,
            scheme=scheme,
            product=product,
            sub_product=sub_product,
            issue=issue,
            sub_issue=sub_issue,
            region=region,
            claim=claim,
            narrative=narrative,
            postal_code=postal_code,
            origin=origin,
            precision=precision,
        )
    ]


def route(
    state: Complaint,
    *,
    at: datetime,
    by: Actor,
    merchant_id: str,
    answer_due: datetime | None = None,
    precision: TimePrecision = INSTANT,
) -> list[ComplaintEvent]:
    """Send the complaint to the merchant who has to answer it."""
    _require(state, {Status.FILED}, "route-after-filing", "be routed")
    if answer_due is not None and answer_due < at:
        raise InvalidInput("the answer would be due before the complaint is routed", hint="give a later due time")
    return [Routed(occurred_at=at, actor=by, merchant_id=merchant_id, answer_due=answer_due, precision=precision)]


def answer(
    state: Complaint,
    *,
    at: datetime,
    by: Actor,
    kind: AnswerKind,
    relief: Money | None = None,
    text: str | None = None,
    stated: Literal["in_time", "late", "not_stated"] | None = None,
    precision: TimePrecision = INSTANT,
) -> list[ComplaintEvent]:
    """Record the merchant's answer; a late one is preceded by the missed deadline.

    ``stated`` is what a register of origin says about its timeliness; otherwise the due time decides.
    """
    _require(state, {Status.ROUTED}, "answer-once-when-routed", "be answered")
    if relief is not None and kind not in RELIEF:
        raise InvalidInput(f"an answer of kind {kind} carries no money", hint="use monetary_relief, or no amount")
    late = state.missed or (state.answer_due is not None and at > state.answer_due)
    if stated is not None:
        late = stated == "late"
    return [
        *(_missed(state, at) if late else []),
        Answered(
            occurred_at=at,
            actor=by,
            kind=kind,
            in_time=None if stated == "not_stated" else not late,
            relief=relief,
            text=text,
            precision=precision,
        ),
    ]


def miss_answer(state: Complaint, *, at: datetime, by: Actor) -> list[ComplaintEvent]:
    """Record that no answer came in time; nothing if that is on record already."""
    _require(state, {Status.ROUTED}, "miss-while-awaited", "miss its answer")
    if not state.imported and (state.answer_due is None or at <= state.answer_due):
        raise RuleViolation("miss-after-due", "the answer is not overdue", hint="wait until it is")
    return _missed(state, at)


def resolve(
    state: Complaint,
    *,
    at: datetime,
    by: Actor,
    basis: Literal["relief_granted", "agreement", "consumer_confirmed"],
    recovered: Money | None = None,
    precision: TimePrecision = INSTANT,
) -> list[ComplaintEvent]:
    """Record that the matter is settled. The merchant alone cannot say so (E5)."""
    _require(state, {Status.ROUTED, Status.ANSWERED}, "resolve-once-routed", "be resolved")
    if by.role is Role.MERCHANT:
        raise RuleViolation(
            "resolved-not-by-merchant-alone",
            "a merchant cannot declare a complaint against itself resolved",
            hint="answer it; the consumer, a mediator or the authority confirms",
        )
    return [Resolved(occurred_at=at, actor=by, basis=basis, recovered=recovered, precision=precision)]


def close(
    state: Complaint,
    *,
    at: datetime,
    by: Actor,
    ground: Literal["answered", "no_agreement", "unfounded", "merchant_unreachable"],
    precision: TimePrecision = INSTANT,
) -> list[ComplaintEvent]:
    """End the case without a resolution."""
    _require(state, {Status.ROUTED, Status.ANSWERED}, "close-once-routed", "be closed")
    if ground == "answered" and not state.answered:
        raise RuleViolation(
            "close-as-answered-after-answer",
            "there is no answer yet",
            hint="record it, or close on another ground",
        )
    return [Closed(occurred_at=at, actor=by, ground=ground, precision=precision)]


def dispute(
    state: Complaint, *, at: datetime, by: Actor, text: str | None = None, precision: TimePrecision = INSTANT
) -> list[ComplaintEvent]:
    """Record that the consumer does not accept the answer. The outcome stands until it is reopened."""
    # A register of origin may know of a dispute, but not of the answer.
    open_too = {Status.FILED, Status.ROUTED} if state.imported else set()
    allowed = {Status.ANSWERED, Status.RESOLVED, Status.CLOSED} | open_too
    _require(state, allowed, "dispute-after-answer", "be disputed")
    if not state.answered and not state.imported:
        raise RuleViolation("dispute-after-answer", "there is no answer to dispute", hint="reopen it instead")
    if state.disputed:
        raise RuleViolation("dispute-once", "this answer is disputed already", hint="reopen the complaint")
    return [Disputed(occurred_at=at, actor=by, text=text, precision=precision)]


def withdraw(state: Complaint, *, at: datetime, by: Actor, reason: str | None = None) -> list[ComplaintEvent]:
    """Take the complaint back, as the consumer."""
    _require(state, {Status.FILED, Status.ROUTED, Status.ANSWERED}, "withdraw-while-open", "be withdrawn")
    if by.role is Role.MERCHANT:
        raise RuleViolation(
            "withdrawn-by-consumer", "a merchant cannot withdraw a complaint", hint="only its consumer can"
        )
    return [Withdrawn(occurred_at=at, actor=by, reason=reason)]


def reopen(
    state: Complaint, *, at: datetime, by: Actor, reason: str, answer_due: datetime | None = None
) -> list[ComplaintEvent]:
    """Take a finished case up again."""
    _require(state, {Status.RESOLVED, Status.CLOSED}, "reopen-after-end", "be reopened")
    if answer_due is not None and answer_due < at:
        raise InvalidInput("the answer would be due before the reopening", hint="give a later due time")
    return [Reopened(occurred_at=at, actor=by, reason=reason, answer_due=answer_due)]


def correct(state: Complaint, *, at: datetime, by: Actor, **facts: object) -> list[ComplaintEvent]:
    """Take over facts that the register of origin now states otherwise; see Corrected for the names."""
    if not state.imported:
        raise RuleViolation("correct-imported-only", "only an imported complaint follows a register of origin")
    if facts.keys() & {"answer", "answer_text", "in_time"}:
        ended = {Status.ANSWERED, Status.RESOLVED, Status.CLOSED}
        _require(state, ended, "correct-answer-after-answer", "have its answer corrected")
    if not facts:
        return []
    return [Corrected.model_validate({"occurred_at": at, "actor": by, "consumer_id": state.consumer_id, **facts})]


def _require(state: Complaint, allowed: set[Status], rule: str, action: str) -> None:
    if state.status not in allowed:
        where = " or ".join(sorted("not filed" if s is Status.NONE else s.value for s in allowed))
        is_at = "not filed yet" if state.status is Status.NONE else state.status.value
        raise RuleViolation(rule, f"a complaint that is {is_at} cannot {action}", hint=f"it would have to be {where}")


def _missed(state: Complaint, at: datetime) -> list[ComplaintEvent]:
    if state.missed:
        return []
    return [DeadlineMissed(occurred_at=state.answer_due or at, actor=CLOCK, deadline="answer")]
