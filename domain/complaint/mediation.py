"""Mediation: consent of both parties, a mediator without a conflict, suggestions, a person at any time, appraisal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, assert_never

from pydantic import BaseModel, Field

from domain.action import first_of
from domain.complaint.action import CONSUMER_SIDE, NEUTRAL, OFFICE, PARTIES, acting_side, action, side_of
from domain.complaint.clocks import (
    ClocksResumed,
    ClocksStopped,
    MediationEnded,
    mediation_ended,
    resume,
    rules_of,
    stop,
)
from domain.complaint.handling import ground_of
from domain.complaint.settlement import Resolved, agreed, check_terms, way_of
from domain.complaint.state import OPEN, Complaint, Mediation, Outcome, RequestKind, Side, Status
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.rulebook.book import LimitName, Rulebook
from domain.values import FROZEN, Actor, LongText, Money, RandomId, Role, ShortText

APPRAISAL = "appraisal"
#: The ground of the rule sets for a party that refuses.
MEDIATION_REFUSED = "mediation-refused"
Permille = Annotated[int, Field(ge=0, le=1000)]


class MediatorKind(StrEnum):
    """Who can mediate; an office may do it itself (person) or entrust it."""

    PERSON = "person"
    ASSOCIATION = "association"
    PEOPLES_COMMITTEE = "peoples_committee"
    INSTITUTION = "institution"
    SOFTWARE = "software"


class Candidate(BaseModel):
    """A mediator who could take it. ``classes``: the kinds of product that he takes (none: any); ``conflicts``: whom
    he must not judge; ``load``: how many cases he has now, of at most ``capacity``."""

    model_config = FROZEN
    mediator_id: RandomId
    kind: MediatorKind
    classes: frozenset[ShortText] = frozenset()
    conflicts: frozenset[ShortText] = frozenset()
    load: Annotated[int, Field(ge=0)] = 0
    capacity: Annotated[int, Field(ge=1)] = 20


class MediationConsented(Event):
    """A party agrees to mediation."""

    name = "complaint.mediation_consented"

    side: Side


class MediatorAssigned(Event):
    """A mediator has it. ``load`` is how many cases he had then."""

    name = "complaint.mediator_assigned"

    mediator_id: RandomId
    kind: MediatorKind
    load: int


class MediatorRecused(Event):
    """The mediator withdrew, or was found to have a conflict of interest."""

    name = "complaint.mediator_recused"

    mediator_id: RandomId
    reason: ShortText


class MediationBegun(Event):
    """Both parties consented, and a mediator began."""

    name = "complaint.mediation_begun"


class SuggestionMade(Event):
    """A proposal for settling it. ``model`` and ``model_version`` where software made it; confidence in permille."""

    name = "complaint.suggestion_made"

    number: Annotated[int, Field(ge=0)]
    terms: Annotated[tuple[Outcome, ...], Field(min_length=1)]
    law: tuple[ShortText, ...] = ()
    text: LongText | None = None
    model: ShortText | None = None
    model_version: ShortText | None = None
    confidence: Permille | None = None


class SuggestionAnswered(Event):
    """A party took the suggestion, or did not."""

    name = "complaint.suggestion_answered"

    number: int
    side: Side
    taken: bool


class PersonRequested(Event):
    """The consumer wants to speak with a person."""

    name = "complaint.person_requested"

    step: Status


class PersonReached(Event):
    """A person took over."""

    name = "complaint.person_reached"

    person_id: RandomId


class SessionCut(Event):
    """A session broke off without the consumer wanting it."""

    name = "complaint.session_cut"

    session: ShortText


class SessionResumed(Event):
    """The session went on where it had broken off."""

    name = "complaint.session_resumed"

    session: ShortText


class AppraisalOrdered(Event):
    """An expert looks into it, at the cost of the party named; the clocks stand still."""

    name = "complaint.appraisal_ordered"

    appraiser: ShortText
    question: ShortText
    payer: Side
    cost: Money | None = None


class AppraisalReported(Event):
    """The expert reported; the clocks go on."""

    name = "complaint.appraisal_reported"

    finding: LongText
    report: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None


class FastTracked(Event):
    """Small and simple enough for the short procedure."""

    name = "complaint.fast_tracked"

    limit: Money


MediationEvent = (
    MediationConsented
    | MediatorAssigned
    | MediatorRecused
    | MediationBegun
    | SuggestionMade
    | SuggestionAnswered
    | PersonRequested
    | PersonReached
    | SessionCut
    | SessionResumed
    | AppraisalOrdered
    | AppraisalReported
    | FastTracked
)


def evolve(state: Complaint, event: MediationEvent) -> Complaint:
    if isinstance(event, MediationBegun):
        return state.changed(status=Status.MEDIATING)
    return state.changed(mediation=_evolve(state.mediation, event))


def _evolve(old: Mediation, event: MediationEvent) -> Mediation:
    match event:
        case MediationConsented():
            return replace(old, consents=old.consents | {event.side})
        case MediatorAssigned():
            return replace(old, mediator_id=event.mediator_id)
        case MediatorRecused():
            return replace(old, mediator_id="", recused=old.recused | {event.mediator_id})
        case MediationBegun():
            return old
        case SuggestionMade():
            return replace(old, suggestions=(*old.suggestions, event.terms), taken=(*old.taken, frozenset()))
        case SuggestionAnswered():
            if not event.taken:
                return replace(old, refused=old.refused | {event.number})
            taken = list(old.taken)
            taken[event.number] |= {event.side}
            return replace(old, taken=tuple(taken))
        case PersonRequested():
            return replace(old, person_wanted=True)
        case PersonReached():
            return replace(old, person_wanted=False)
        case SessionCut():
            return replace(old, cut_sessions=old.cut_sessions | {event.session})
        case SessionResumed():
            return replace(old, cut_sessions=old.cut_sessions - {event.session})
        case AppraisalOrdered():
            return replace(old, appraisal=event.appraiser)
        case AppraisalReported():
            return replace(old, appraisal="")
        case FastTracked():
            return replace(old, fast_track=True)
        case _:
            assert_never(event)


def _not_consented(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if by.role is not Role.SERVICE and side_of(by) in state.mediation.consents:
        return RuleViolation("consent-once", "you have consented already", hint="the other party is asked")
    if len(state.mediation.consents) == len(Side):
        return RuleViolation("consent-once", "both parties have consented", hint="assign a mediator and begin")
    return None


@action(
    "consent-after-acceptance",
    roles=PARTIES,
    during=(Status.ACCEPTED,),
    source="Order 121, art. 18",
    unless=_not_consented,
)
def consent_to_mediation(
    state: Complaint, *, at: datetime, by: Actor, side: Side | None = None
) -> list[MediationEvent]:
    """Agree to mediation, as a party."""
    own = acting_side(by, side)
    if own in state.mediation.consents:
        raise RuleViolation("consent-once", f"the {own} has consented already", hint="the other party is asked")
    return [MediationConsented(occurred_at=at, actor=by, side=own)]


@action(
    "refuse-mediation-lawfully",
    roles=PARTIES,
    during=(Status.ACCEPTED, Status.MEDIATING),
    to=Status.CLOSED,
    source="Order 121, art. 18",
)
def refuse_mediation(
    state: Complaint,
    *,
    at: datetime,
    by: Actor,
    book: Rulebook,
    text: ShortText | None = None,
    side: Side | None = None,
) -> list[MediationEnded]:
    """Refuse mediation, as a party. This is lawful, ends it, and is not silence."""
    return [mediation_ended(state, MEDIATION_REFUSED, at, by, book, text=text, side=acting_side(by, side))]


def choose(candidates: Sequence[Candidate], product: str | None, parties: frozenset[str]) -> Candidate | None:
    """Return the candidate with the least load (then the lowest id) who takes such a case and has no conflict."""
    fit = [
        one
        for one in candidates
        if not one.conflicts & parties and one.load < one.capacity and (not one.classes or product in one.classes)
    ]
    return min(fit, key=lambda one: (one.load, one.mediator_id), default=None)


@action(
    "assign-after-acceptance",
    roles=OFFICE,
    during=(Status.ACCEPTED, Status.MEDIATING),
    unless=lambda state, at, by, book: (
        RuleViolation("assign-once", "a mediator has it", hint="recuse him first")
        if state.mediation.mediator_id
        else None
    ),
)
def assign_mediator(
    state: Complaint,
    *,
    at: datetime,
    by: Actor,
    candidates: tuple[Candidate, ...],
    mediator_id: RandomId | None = None,
    product: ShortText | None = None,
) -> list[MediationEvent]:
    """Assign a mediator: the one named, or of the candidates the one with the least load who fits."""
    parties = frozenset({state.consumer_id, state.merchant_id, *state.members})
    parties |= {party for _, party in state.respondents}
    recused = state.mediation.recused
    named = [one for one in candidates if mediator_id in (None, one.mediator_id) and one.mediator_id not in recused]
    chosen = choose(named, product, parties)
    if chosen is not None:
        return [
            MediatorAssigned(
                occurred_at=at, actor=by, mediator_id=chosen.mediator_id, kind=chosen.kind, load=chosen.load
            )
        ]
    if mediator_id in recused:
        raise RuleViolation("mediator-not-recused", "this mediator was recused from it", hint="assign another")
    if mediator_id is not None and any(one.conflicts & parties for one in named):
        raise RuleViolation(
            "mediator-without-conflict",
            "this mediator has a conflict of interest with a party",
            hint="assign another",
        )
    raise RuleViolation(
        "mediator-who-fits", "no mediator takes such a case and has room for it", hint="enrol one, or entrust it"
    )


@action(
    "recuse-who-was-assigned",
    roles=OFFICE | PARTIES | {Role.MEDIATOR},
    during=(Status.ACCEPTED, Status.MEDIATING),
    unless=lambda state, at, by, book: (
        None
        if state.mediation.mediator_id
        else RuleViolation("recuse-who-was-assigned", "no mediator has it", hint="assign one")
    ),
)
def recuse_mediator(state: Complaint, *, at: datetime, by: Actor, reason: ShortText) -> list[MediationEvent]:
    """Take the mediator off the case, because of a conflict of interest or at his own wish."""
    return [MediatorRecused(occurred_at=at, actor=by, mediator_id=state.mediation.mediator_id, reason=reason)]


def _not_ready(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    missing = sorted(set(Side) - state.mediation.consents)
    if missing:
        return RuleViolation(
            "mediate-with-both-consents",
            f"no consent yet of: {', '.join(missing)}",
            hint="mediation needs that of both parties",
            source="Order 121, art. 18",
        )
    if not state.mediation.mediator_id:
        return RuleViolation("mediate-with-a-mediator", "no mediator has it", hint="assign one")
    return None


@action(
    "mediate-what-was-accepted",
    roles=OFFICE | {Role.MEDIATOR},
    during=(Status.ACCEPTED,),
    to=Status.MEDIATING,
    source="Order 121, art. 18",
    unless=_not_ready,
)
def begin_mediation(state: Complaint, *, at: datetime, by: Actor) -> list[MediationEvent]:
    """Begin to mediate, with the consent of both."""
    return [MediationBegun(occurred_at=at, actor=by)]


@action("suggest-while-settling", roles=NEUTRAL, during=(Status.ROUTED, Status.ANSWERED, Status.MEDIATING))
def suggest(
    state: Complaint,
    *,
    at: datetime,
    by: Actor,
    terms: tuple[Outcome, ...],
    law: tuple[ShortText, ...] = (),
    text: LongText | None = None,
    model: ShortText | None = None,
    model_version: ShortText | None = None,
    confidence: Permille | None = None,
) -> list[MediationEvent]:
    """Propose terms. Software says which model in which version, how sure it is (permille), and the law behind it."""
    check_terms(state, terms)
    if len({value is None for value in (model, model_version, confidence)}) > 1:
        raise InvalidInput("a model, its version and its confidence belong together", hint="give all three, or none")
    if model is not None and not law:
        raise InvalidInput("software cites the law that it relies on", hint="name at least one provision")
    return [
        SuggestionMade(
            occurred_at=at,
            actor=by,
            number=len(state.mediation.suggestions),
            terms=terms,
            law=law,
            text=text,
            model=model,
            model_version=model_version,
            confidence=confidence,
        )
    ]


def _open_suggestion(state: Complaint, by: Actor) -> int | None:
    mediation = state.mediation
    for number in range(len(mediation.suggestions)):
        if number not in mediation.refused and (by.role is Role.SERVICE or side_of(by) not in mediation.taken[number]):
            return number
    return None


@action(
    "answer-an-open-suggestion",
    roles=PARTIES,
    during=(Status.ROUTED, Status.ANSWERED, Status.MEDIATING),
    to=Status.RESOLVED,
    unless=lambda state, at, by, book: (
        None
        if _open_suggestion(state, by) is not None
        else RuleViolation("answer-an-open-suggestion", "no suggestion is open for you", hint="wait for one")
    ),
)
def answer_suggestion(
    state: Complaint,
    *,
    at: datetime,
    by: Actor,
    book: Rulebook,
    number: Annotated[int, Field(ge=0)],
    taken: bool,
    side: Side | None = None,
) -> list[MediationEvent | Resolved]:
    """Take a suggestion (counted from 0) or not, as a party. When both take it, it settles the matter."""
    own = acting_side(by, side)
    mediation = state.mediation
    if number >= len(mediation.suggestions) or number in mediation.refused or own in mediation.taken[number]:
        raise InvalidInput(f"suggestion {number} is not open for the {own}", hint="see the history")
    answered = SuggestionAnswered(occurred_at=at, actor=by, number=number, side=own, taken=taken)
    if not taken or not mediation.taken[number]:
        return [answered]
    return [answered, agreed(state, mediation.suggestions[number], at, by, book, way=way_of(state))]


@action(
    "end-mediation-on-a-ground",
    roles=OFFICE | {Role.MEDIATOR},
    during=(Status.ACCEPTED, Status.MEDIATING),
    to=Status.CLOSED,
    source="Order 121, art. 23",
)
def end_mediation(
    state: Complaint, *, at: datetime, by: Actor, book: Rulebook, ground: ShortText, text: ShortText | None = None
) -> list[MediationEnded]:
    """End mediation without an agreement, on a coded ground of the rule set that it was accepted under."""
    rules = rules_of(state, book, at)
    if rules is not None:
        ground_of(ground, rules.ending_grounds, rules.id)
    return [mediation_ended(state, ground, at, by, book, text=text)]


@action("person-at-any-time", roles=CONSUMER_SIDE | {Role.WHISTLE_BLOWER}, during=OPEN, kinds=tuple(RequestKind))
def request_person(state: Complaint, *, at: datetime, by: Actor) -> list[MediationEvent]:
    """Ask for a person, at any step; nothing that software does has to be gone through first."""
    return [PersonRequested(occurred_at=at, actor=by, step=state.status)]


@action(
    "reach-who-was-asked-for",
    roles=OFFICE | {Role.MEDIATOR},
    during=OPEN,
    kinds=tuple(RequestKind),
    unless=lambda state, at, by, book: (
        None
        if state.mediation.person_wanted
        else RuleViolation("reach-who-was-asked-for", "nobody asked for a person", hint="nothing is to be done")
    ),
)
def reach_person(state: Complaint, *, at: datetime, by: Actor, person_id: RandomId) -> list[MediationEvent]:
    """Record that a person took over from the software."""
    return [PersonReached(occurred_at=at, actor=by, person_id=person_id)]


@action("session-while-open", roles=OFFICE | CONSUMER_SIDE | {Role.MEDIATOR}, during=OPEN, kinds=tuple(RequestKind))
def cut_session(state: Complaint, *, at: datetime, by: Actor, session: ShortText) -> list[MediationEvent]:
    """Record that a session broke off."""
    if session in state.mediation.cut_sessions:
        raise RuleViolation("session-cut-once", "this session has broken off already", hint="resume it")
    return [SessionCut(occurred_at=at, actor=by, session=session)]


@action(
    "resume-what-was-cut",
    roles=OFFICE | CONSUMER_SIDE | {Role.MEDIATOR},
    during=OPEN,
    kinds=tuple(RequestKind),
    unless=lambda state, at, by, book: (
        None
        if state.mediation.cut_sessions
        else RuleViolation("resume-what-was-cut", "no session has broken off", hint="nothing is to be resumed")
    ),
)
def resume_session(state: Complaint, *, at: datetime, by: Actor, session: ShortText) -> list[MediationEvent]:
    """Go on with a session where it broke off."""
    if session not in state.mediation.cut_sessions:
        raise InvalidInput(f"the session {session!r} has not broken off", hint="check its name")
    return [SessionResumed(occurred_at=at, actor=by, session=session)]


@action(
    "appraise-one-at-a-time",
    roles=OFFICE | {Role.MEDIATOR, Role.ADJUDICATOR},
    during=(Status.ACCEPTED, Status.MEDIATING, Status.ADJUDICATING),
    unless=lambda state, at, by, book: (
        RuleViolation("appraise-one-at-a-time", "an appraisal is being made", hint="wait for its report")
        if state.mediation.appraisal
        else None
    ),
)
def order_appraisal(
    state: Complaint,
    *,
    at: datetime,
    by: Actor,
    book: Rulebook,
    appraiser: ShortText,
    question: ShortText,
    payer: Side,
    cost: Money | None = None,
) -> list[MediationEvent | ClocksStopped]:
    """Have an expert look into it, at the cost of a party; the clocks stand still until the report."""
    return [
        stop(state, APPRAISAL, at, by, book.calendar),
        AppraisalOrdered(occurred_at=at, actor=by, appraiser=appraiser, question=question, payer=payer, cost=cost),
    ]


@action(
    "report-what-was-ordered",
    roles=NEUTRAL,
    during=(Status.ACCEPTED, Status.MEDIATING, Status.ADJUDICATING),
    unless=lambda state, at, by, book: (
        None
        if state.mediation.appraisal
        else RuleViolation("report-what-was-ordered", "no appraisal was ordered", hint="order one")
    ),
)
def report_appraisal(
    state: Complaint,
    *,
    at: datetime,
    by: Actor,
    book: Rulebook,
    finding: LongText,
    report: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None,
) -> list[MediationEvent | ClocksResumed]:
    """Record what the expert found; ``report`` is the SHA-256 of the report. The clocks go on."""
    return [
        AppraisalReported(occurred_at=at, actor=by, finding=finding, report=report),
        resume(state, APPRAISAL, at, by, book.calendar),
    ]


def _not_small(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    limit = _fast_track_limit(state, at, book)
    dispute = state.in_dispute
    small = dispute is not None and limit is not None and dispute.currency == "CNY" and dispute.fen <= limit
    if small:
        return None
    up_to = f"up to {Money(fen=limit)}" if limit is not None else "where a limit is published"
    return RuleViolation(
        "fast-track-for-small-disputes",
        "it is not small, or its amount is not known" if limit is not None else "no limit is published",
        hint=f"the fast track is for disputes {up_to}",
    )


def _fast_track_limit(state: Complaint, at: datetime, book: Rulebook) -> int | None:
    rules = rules_of(state, book, at)
    return rules.limits.get(LimitName.FAST_TRACK_FEN) if rules is not None else None


def _fast_already(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if not state.mediation.fast_track:
        return None
    return RuleViolation("fast-track-once", "it is on the fast track already", hint="nothing is to be done")


@action(
    "fast-track-for-small-disputes",
    roles=OFFICE | {Role.MEDIATOR, Role.ADJUDICATOR},
    during=(Status.ACCEPTED, Status.MEDIATING, Status.ADJUDICATING),
    unless=first_of(_fast_already, _not_small),
)
def grant_fast_track(state: Complaint, *, at: datetime, by: Actor, book: Rulebook) -> list[MediationEvent]:
    """Put a small and simple dispute on the fast track."""
    limit = _fast_track_limit(state, at, book)
    assert limit is not None
    return [FastTracked(occurred_at=at, actor=by, limit=Money(fen=limit))]
