"""How a case ends without an agreement, how it is taken up again, and corrections by the register of origin."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, assert_never

from domain.action import first_of
from domain.calendar import due
from domain.complaint.action import CONSUMER_SIDE, NEUTRAL, OFFICE, action
from domain.complaint.clocks import DeadlineMissed, ended, in_force, start, until
from domain.complaint.negotiation import RELIEF, AnswerKind, terms_of
from domain.complaint.state import OPEN, Clock, Complaint, Deadline, Mediation, RequestKind, Settlement, Status
from domain.complaint.ways import not_final
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.rulebook.book import Authority, Rulebook, TermName
from domain.values import (
    CLOCK,
    Actor,
    Channel,
    Code,
    Instant,
    LongText,
    MerchantId,
    Personal,
    RandomId,
    Role,
    ShortText,
    TimePrecision,
)

INSTANT = TimePrecision.INSTANT
Ground = Literal["answered", "no_agreement", "unfounded", "merchant_unreachable"]


class Closed(Event):
    """The case was closed without a resolution."""

    name = "complaint.closed"

    ground: Ground
    precision: TimePrecision = INSTANT


class Disputed(Event):
    """The consumer does not accept the answer."""

    name = "complaint.disputed"

    text: LongText | None = None
    precision: TimePrecision = INSTANT


class Withdrawn(Event):
    """The consumer withdrew the complaint."""

    name = "complaint.withdrawn"

    reason: ShortText | None = None


class Reopened(Event):
    """A finished case goes on; what counted as resolved no longer does. A new answer is due.

    ``status``: where it goes on: with the merchant (absent), or with the office that had received it.
    """

    name = "complaint.reopened"

    reason: ShortText
    answer_due: Instant | None = None
    status: Literal["received"] | None = None
    clocks: tuple[Clock, ...] | None = None


class Corrected(Event):
    """A later edition of the register of origin states these facts otherwise; absent fields are unchanged."""

    name = "complaint.corrected"

    consumer_id: RandomId
    merchant_id: MerchantId | None = None
    channel: Channel | None = None
    product: ShortText | None = None
    sub_product: ShortText | None = None
    issue: ShortText | None = None
    sub_issue: ShortText | None = None
    region: Code | None = None
    narrative: Annotated[LongText | None, Personal("consumer_id")] = None
    postal_code: Annotated[ShortText | None, Personal("consumer_id")] = None
    answer: AnswerKind | None = None
    answer_text: LongText | None = None
    in_time: bool | None = None
    disputed: bool | None = None


EndingEvent = Closed | Disputed | Withdrawn | Reopened | Corrected


def evolve(state: Complaint, event: EndingEvent) -> Complaint:
    match event:
        case Closed():
            return ended(state, Status.CLOSED, event.occurred_at, unfounded=event.ground == "unfounded")
        case Disputed():
            return state.changed(disputed=True)
        case Withdrawn():
            return ended(state, Status.WITHDRAWN, event.occurred_at)
        case Reopened():
            return _reopened(state, event)
        case Corrected():
            if event.answer is not None:
                state = state.changed(status=Status.RESOLVED if event.answer in RELIEF else Status.CLOSED)
            return state if event.disputed is None else state.changed(disputed=event.disputed)
        case _:
            assert_never(event)


def _reopened(state: Complaint, event: Reopened) -> Complaint:
    clocks = event.clocks or ()
    if event.answer_due is not None:
        clocks += (until(Deadline.ANSWER, event.occurred_at, event.answer_due),)
    over = frozenset(clock.deadline for clock in state.clocks) - {Deadline.PUBLICATION}
    return state.with_clocks(
        clocks,
        over,
        status=Status.ROUTED if event.status is None else Status.RECEIVED,
        holder=state.merchant_id if event.status is None else state.office_id,
        missed=frozenset(),
        answered=False,
        offered=False,
        disputed=False,
        ended_at=None,
        concluded=False,
        called_back=False,
        reopened=state.reopened + 1,
        settlement=Settlement(arbitrated=state.settlement.arbitrated),
        rules="",
        mediation=Mediation(person_wanted=state.mediation.person_wanted, recused=state.mediation.recused),
    )


@action("close-once-routed", roles=CONSUMER_SIDE | NEUTRAL, during=(Status.ROUTED, Status.ANSWERED), to=Status.CLOSED)
def close(
    state: Complaint, *, at: datetime, by: Actor, ground: Ground, precision: TimePrecision = INSTANT
) -> list[EndingEvent]:
    """End the case without a resolution."""
    if ground == "answered" and not state.answered:
        raise RuleViolation(
            "close-as-answered-after-answer", "there is no answer yet", hint="record it, or close on another ground"
        )
    return [Closed(occurred_at=at, actor=by, ground=ground, precision=precision)]


def _disputable(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    # A register of origin may know of a dispute, but not of the answer.
    if not state.answered and not state.imported:
        return RuleViolation("dispute-after-answer", "there is no answer to dispute", hint="reopen it instead")
    if state.disputed:
        return RuleViolation("dispute-once", "this answer is disputed already", hint="reopen the complaint")
    return None


@action(
    "dispute-after-answer",
    roles=CONSUMER_SIDE | OFFICE,
    during=(Status.FILED, Status.ROUTED, Status.ANSWERED, Status.RESOLVED, Status.CLOSED),
    unless=_disputable,
)
def dispute(
    state: Complaint, *, at: datetime, by: Actor, text: LongText | None = None, precision: TimePrecision = INSTANT
) -> list[EndingEvent]:
    """Record that the consumer does not accept the answer. The outcome stands until it is reopened."""
    return [Disputed(occurred_at=at, actor=by, text=text, precision=precision)]


@action(
    "withdraw-while-open",
    roles=CONSUMER_SIDE | OFFICE | {Role.WHISTLE_BLOWER},
    during=OPEN - {Status.CASE_FILED},
    to=Status.WITHDRAWN,
    kinds=tuple(RequestKind),
)
def withdraw(state: Complaint, *, at: datetime, by: Actor, reason: ShortText | None = None) -> list[EndingEvent]:
    """Take it back, as the consumer."""
    return [Withdrawn(occurred_at=at, actor=by, reason=reason)]


def _too_late(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if state.imported or state.ended_at is None:
        return None
    if Deadline.PERFORMANCE in state.missed:
        # What was agreed was not performed: the term would have passed before anybody could know.
        return None
    rules = in_force(book, Authority.MARKET_REGULATOR, state.region, state.ended_at)
    term = rules.terms.get(TermName.REOPENING) if rules is not None else None
    if term is None or at <= due(state.ended_at, term, book.calendar).at:
        return None
    return RuleViolation(
        "reopen-within-term",
        f"it ended more than {term.n} {term.unit} ago",
        hint="file it anew, and link this one",
        source=term.source,
    )


@action(
    "reopen-after-end",
    roles=CONSUMER_SIDE | OFFICE,
    during=(Status.RESOLVED, Status.CLOSED),
    to=(Status.ROUTED, Status.RECEIVED),
    unless=first_of(not_final, _too_late),
)
def reopen(
    state: Complaint,
    *,
    at: datetime,
    by: Actor,
    book: Rulebook,
    reason: ShortText,
    answer_due: Instant | None = None,
) -> list[EndingEvent]:
    """Take a finished case up again, within the term: with the office that had it, or else with the merchant."""
    if answer_due is not None and answer_due < at:
        raise InvalidInput("the answer would be due before the reopening", hint="give a later due time")
    if not state.office_id:
        clocks = () if answer_due is not None else terms_of(state, at, book)
        return [Reopened(occurred_at=at, actor=by, reason=reason, answer_due=answer_due, clocks=clocks or None)]
    if answer_due is not None:
        raise InvalidInput("an office has it, not the merchant", hint="leave out answer_due")
    rules = in_force(book, Authority.MARKET_REGULATOR, state.region, at)
    clocks = start(Deadline.ACCEPTANCE, TermName.ACCEPTANCE, rules, at, book.calendar)
    return [Reopened(occurred_at=at, actor=by, reason=reason, status="received", clocks=clocks or None)]


def _of_a_register(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if state.imported:
        return None
    return RuleViolation("correct-imported-only", "only an imported complaint follows a register of origin")


@action("correct-imported-only", roles=(), during=tuple(set(Status) - {Status.NONE}), unless=_of_a_register)
def correct(state: Complaint, *, at: datetime, by: Actor, **facts: Any) -> list[EndingEvent]:
    """Take over facts that the register of origin now states otherwise; see Corrected for the names."""
    after = {Status.ANSWERED, Status.RESOLVED, Status.CLOSED}
    if facts.keys() & {"answer", "answer_text", "in_time"} and state.status not in after:
        raise RuleViolation(
            "correct-answer-after-answer",
            f"a complaint that is {state.status} cannot have its answer corrected",
            hint=f"it would have to be {' or '.join(sorted(after))}",
        )
    if not facts:
        return []
    return [Corrected.model_validate({"occurred_at": at, "actor": by, "consumer_id": state.consumer_id, **facts})]


@action("miss-while-awaited", roles=(), during=(Status.ROUTED,), unless=_of_a_register)
def miss_answer(state: Complaint, *, at: datetime, by: Actor) -> list[DeadlineMissed]:
    """Record that the register of origin says no answer came in time; nothing if that is on record already."""
    if Deadline.ANSWER in state.missed:
        return []
    return [DeadlineMissed(occurred_at=state.answer_due or at, actor=CLOCK, deadline=Deadline.ANSWER)]
