"""Terms: how clocks start, stop and go on, and what happens by the passing of time alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from domain.calendar import SHANGHAI, Calendar, Term, Unit, due, due_again, left
from domain.complaint.state import ENDED, Clock, Complaint, Deadline, Fraud, Side, Status
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.rulebook.book import Authority, Rulebook, RuleSet, TermName
from domain.values import CLOCK, Actor, ShortText, format_instant

#: Clocks of officials and of the merchant, which do not run against them while something is awaited.
STOPPABLE = frozenset(
    {
        Deadline.ACCEPTANCE,
        Deadline.MEDIATION,
        Deadline.RESOLUTION,
        Deadline.VERIFICATION,
        Deadline.ANSWER,
        Deadline.FIRST_RESPONSE,
        Deadline.ENTERPRISE,
    }
)
#: Deadlines of the merchant: to let one pass without a word is silence.
SILENCE = frozenset({Deadline.ANSWER, Deadline.ENTERPRISE, Deadline.ESCALATION})
#: The ground of the rule sets on which mediation ends by itself.
TERM_EXPIRED = "term-expired"
#: What goes on running when a case has ended without the consumer having given it up.
AFTER_CLOSING = frozenset({Deadline.PUBLICATION})
AFTER_SETTLING = frozenset({Deadline.PERFORMANCE})


class DeadlineMissed(Event):
    """A due time passed. ``occurred_at`` is that due time, however late it was noticed."""

    name = "complaint.deadline_missed"

    deadline: Deadline


class ClocksStopped(Event):
    """The clocks stand still while something is awaited; each says how much of it is left."""

    name = "complaint.clocks_stopped"

    reason: ShortText
    clocks: tuple[Clock, ...]


class ClocksResumed(Event):
    """What was awaited is there, or will not come; the clocks go on with what was left of them."""

    name = "complaint.clocks_resumed"

    reason: ShortText
    clocks: tuple[Clock, ...]


class DuesRevised(Event):
    """The calendar of a year was published; due times that had been reckoned without it are replaced."""

    name = "complaint.dues_revised"

    clocks: tuple[Clock, ...]


class OfferExpired(Event):
    """Nobody accepted the offer in time."""

    name = "complaint.offer_expired"

    number: int


class Trigger(StrEnum):
    """Why a complaint goes from the merchant to the authority."""

    CONSUMER = "consumer"
    SILENCE = "silence"
    ENTERPRISE_TERM = "enterprise_term"


class Upgraded(Event):
    """The complaint goes from the merchant to the authority, which has to decide on accepting it."""

    name = "complaint.upgraded"

    trigger: Trigger
    rule_set: ShortText | None = None
    clocks: tuple[Clock, ...] | None = None


class Published(Event):
    """The complaint is public from now on. ``basis``: no_promise, promise_unkept or consumer_wish."""

    name = "complaint.published"

    basis: ShortText


class MediationEnded(Event):
    """Mediation ended without an agreement. ``ground`` is a code of the rule set; refusing it is lawful.

    ``side``: the party that refused; ``counts``: False for a ground that says nothing of the merchant.
    """

    name = "complaint.mediation_ended"

    ground: ShortText
    text: ShortText | None = None
    side: Side | None = None
    rule_set: ShortText | None = None
    source: ShortText | None = None
    counts: bool | None = None


TimeEvent = (
    DeadlineMissed | ClocksStopped | ClocksResumed | DuesRevised | OfferExpired | Upgraded | Published | MediationEnded
)


def evolve(state: Complaint, event: TimeEvent) -> Complaint:
    match event:
        case DeadlineMissed():
            if is_silence(state, event.deadline):
                state = state.changed(silences=(*state.silences, (event.deadline, event.occurred_at)))
            state = state.with_clocks((), frozenset({event.deadline}))
            status = Status.RECEIVED if event.deadline is Deadline.SUPPLEMENT else state.status
            return state.changed(missed=state.missed | {event.deadline}, status=status)
        case ClocksStopped():
            return state.with_clocks(event.clocks, stopped=state.stopped | {event.reason})
        case ClocksResumed():
            return state.with_clocks(event.clocks, stopped=state.stopped - {event.reason})
        case DuesRevised():
            return state.with_clocks(event.clocks)
        case OfferExpired():
            return state.with_clocks((), frozenset({Deadline.OFFER}), offer=None)
        case Upgraded():
            over = {Deadline.ANSWER, Deadline.ESCALATION, Deadline.ENTERPRISE, Deadline.OFFER}
            state = state.with_clocks(event.clocks, frozenset(over))
            return state.changed(status=Status.RECEIVED, holder=state.office_id, offer=None)
        case Published():
            return state.with_clocks((), frozenset({Deadline.PUBLICATION}), published=True)
        case MediationEnded():
            return ended(state, Status.CLOSED, event.occurred_at, unfounded=event.counts is False)
        case _:
            assert_never(event)


def is_silence(state: Complaint, deadline: Deadline) -> bool:
    """Whether a merchant who lets a deadline pass is silent: it has neither answered nor offered anything."""
    responded = deadline is not Deadline.ANSWER and (state.answered or state.offered)
    return deadline in SILENCE and not responded and not state.imported and bool(state.merchant_id)


def ended(
    state: Complaint,
    status: Status,
    at: datetime,
    started: tuple[Clock, ...] | None = None,
    *,
    unfounded: bool = False,
) -> Complaint:
    """Return the state at its end: no clock runs on but what may follow that end, and no fraud is alleged any more.

    ``unfounded``: it was not for the merchant to settle it, so that no promise is unkept.
    """
    going_on = AFTER_SETTLING if status is not Status.CLOSED else frozenset() if unfounded else AFTER_CLOSING
    over = frozenset(clock.deadline for clock in state.clocks) - going_on
    mediation = replace(state.mediation, appraisal="") if state.mediation.appraisal else state.mediation
    return state.with_clocks(
        started,
        over,
        status=status,
        ended_at=at,
        stopped=frozenset(),
        offer=None,
        mediation=mediation,
        unfounded=unfounded,
        fraud=Fraud(),
    )


def start(
    deadline: Deadline, name: TermName, rules: RuleSet | None, at: datetime, calendar: Calendar
) -> tuple[Clock, ...]:
    """Start the clock of ``deadline`` by the term ``name`` of a rule set; nothing when it has none."""
    term = rules.terms.get(name) if rules is not None else None
    if rules is None or term is None:
        return ()
    return (run(deadline, term, at, calendar, rules.id),)


def run(deadline: Deadline, term: Term, at: datetime, calendar: Calendar, rule_set: str | None = None) -> Clock:
    """Start a clock of ``term`` at ``at``."""
    by = due(at, term, calendar)
    return Clock(
        deadline=deadline,
        due=by.at,
        since=at,
        n=term.n * 3_600_000_000 if term.unit is Unit.HOURS else term.n,
        unit=term.unit,
        rolls=term.rolls or None,
        provisional=by.provisional or None,
        rule_set=rule_set,
        source=term.source,
    )


def until(deadline: Deadline, at: datetime, last: datetime) -> Clock:
    """Make a clock that was set to a time instead of a term: hours, to the microsecond."""
    return Clock.model_validate(
        {"deadline": deadline, "due": last, "since": at, "n": (last - at) // timedelta(microseconds=1), "unit": "hours"}
    )


def stop(state: Complaint, reason: str, at: datetime, by: Actor, calendar: Calendar) -> ClocksStopped:
    """Stop what runs against those who wait for ``reason``. Raises InvalidInput for a time before they began to run."""
    standing = tuple(
        clock.model_copy(
            update={"left": left(_after(clock, at), _unrolled(clock, calendar), clock.unit, calendar), "since": at}
        )
        for clock in state.clocks
        if clock.deadline in STOPPABLE and clock.left is None and at <= clock.due
    )
    return ClocksStopped(occurred_at=at, actor=by, reason=reason, clocks=standing)


def _after(clock: Clock, at: datetime) -> datetime:
    if at < clock.since:
        raise InvalidInput(
            f"{format_instant(at)} is before {format_instant(clock.since)}, when the term of {clock.deadline} "
            + ("began to run" if clock.left is None else "was stopped"),
            hint="give the time at which it happened",
        )
    return at


def _unrolled(clock: Clock, calendar: Calendar) -> datetime:
    # The days gained because the last one was a day off are no part of the term: they would be gained twice.
    return due_again(clock.since, clock.n, clock.unit, calendar).at if clock.rolls else clock.due


def resume(state: Complaint, reason: str, at: datetime, by: Actor, calendar: Calendar) -> ClocksResumed:
    """Let the clocks go on, unless more is awaited. Raises InvalidInput for a time before they stopped."""
    going_on: tuple[Clock, ...] = ()
    if state.stopped <= {reason}:
        going_on = tuple(_again(clock, at, calendar) for clock in state.clocks if clock.left is not None)
    return ClocksResumed(occurred_at=at, actor=by, reason=reason, clocks=going_on)


def _again(clock: Clock, at: datetime, calendar: Calendar) -> Clock:
    assert clock.left is not None
    by = due_again(_after(clock, at), clock.left, clock.unit, calendar, rolls=bool(clock.rolls))
    update = {"due": by.at, "since": at, "n": clock.left, "left": None, "provisional": by.provisional or None}
    return clock.model_copy(update=update)


def revise(state: Complaint, at: datetime, by: Actor, calendar: Calendar) -> list[DuesRevised]:
    """Reckon provisional due times again; nothing when that changes none of them."""
    revised = []
    for clock in state.clocks:
        if clock.provisional and clock.left is None:
            again = due_again(clock.since, clock.n, clock.unit, calendar, rolls=bool(clock.rolls))
            update = {"due": again.at, "provisional": again.provisional or None}
            if (again.at, again.provisional) != (clock.due, True):
                revised.append(clock.model_copy(update=update))
    return [DuesRevised(occurred_at=at, actor=by, clocks=tuple(revised))] if revised else []


def next_due(state: Complaint) -> datetime | None:
    """Return when the next clock falls due; None when none runs, or a register of origin watches them."""
    if state.imported:
        return None
    return min((clock.due for clock in state.clocks if clock.left is None), default=None)


def lapse(state: Complaint, at: datetime, book: Rulebook) -> list[TimeEvent]:
    """Return what has happened by ``at`` through the passing of time alone, in the order of the due times."""
    happened: list[TimeEvent] = []
    while not state.imported:
        overdue = [clock for clock in state.clocks if clock.left is None and clock.due < at]
        if not overdue:
            break
        clock = min(overdue, key=lambda clock: (clock.due, clock.deadline))
        for event in _fallen_due(state, clock, book):
            state = evolve(state, event)
            happened.append(event)
    return happened


def _fallen_due(state: Complaint, clock: Clock, book: Rulebook) -> list[TimeEvent]:
    at = clock.due
    missed = DeadlineMissed(occurred_at=at, actor=CLOCK, deadline=clock.deadline)
    match clock.deadline:
        case Deadline.OFFER:
            assert state.offer is not None
            return [OfferExpired(occurred_at=at, actor=CLOCK, number=state.offer.number)]
        case Deadline.PUBLICATION if not (state.published or state.withheld):
            return [missed, Published(occurred_at=at, actor=CLOCK, basis="promise_unkept")]
        case Deadline.ESCALATION:
            return [missed, to_authority(state, Trigger.SILENCE, at, CLOCK, book)]
        case Deadline.ENTERPRISE:
            return [missed, to_authority(state, Trigger.ENTERPRISE_TERM, at, CLOCK, book)]
        case Deadline.MEDIATION if state.status not in ENDED:
            return [missed, mediation_ended(state, TERM_EXPIRED, at, CLOCK, book)]
        case Deadline.SUPPLEMENT:
            return [missed, resume(state, "supplement", at, CLOCK, book.calendar)]
        case _:
            return [missed]


def mediation_ended(
    state: Complaint,
    ground: str,
    at: datetime,
    by: Actor,
    book: Rulebook,
    *,
    text: str | None = None,
    side: Side | None = None,
) -> MediationEnded:
    """End mediation on a ground of the rule set that the complaint was accepted under."""
    rules = rules_of(state, book, at)
    found = next((one for one in rules.ending_grounds if one.code == ground), None) if rules is not None else None
    return MediationEnded(
        occurred_at=at,
        actor=by,
        ground=ground,
        text=text,
        side=side,
        rule_set=rules.id if rules is not None else None,
        source=found.source if found is not None else None,
        counts=found.counts if found is not None else None,
    )


def to_authority(state: Complaint, trigger: Trigger, at: datetime, by: Actor, book: Rulebook) -> Upgraded:
    """Hand the complaint to the authority; its term for acceptance begins."""
    rules = rules_of(state, book, at)
    return Upgraded(
        occurred_at=at,
        actor=by,
        trigger=trigger,
        rule_set=rules.id if rules is not None else None,
        clocks=start(Deadline.ACCEPTANCE, TermName.ACCEPTANCE, rules, at, book.calendar) or None,
    )


def rules_of(
    state: Complaint, book: Rulebook, at: datetime, authority: Authority = Authority.MARKET_REGULATOR
) -> RuleSet | None:
    """Return the rule set that a complaint comes under at a time; None when nothing is published for its region then.

    A complaint that was accepted stays under the rule set that it was accepted under.
    """
    if state.rules and authority is Authority.MARKET_REGULATOR:
        return book.rule_set(state.rules)
    return in_force(book, authority, state.region, at)


def in_force(book: Rulebook, authority: Authority, region: str, at: datetime) -> RuleSet | None:
    """Return the rule set of an authority in force at a time; None when there is none."""
    try:
        return book.rules(authority, region or "000000", at.astimezone(SHANGHAI).date())
    except RuleViolation:
        return None
