"""What the public sees: the complaint when a promise is not kept, and how it was decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from domain.action import first_of
from domain.complaint.action import CONSUMER_SIDE, NEUTRAL, OFFICE, PARTIES, acting_side, action, side_of
from domain.complaint.clocks import Published
from domain.complaint.state import ENDED, OPEN, Complaint, Deadline, Side, Status, Way
from domain.errors import RuleViolation
from domain.event import Event
from domain.rulebook.book import Rulebook
from domain.values import Actor, LongText, Role, ShortText


class Withheld(Event):
    """The complaint is not public any more, and will not be."""

    name = "complaint.withheld"

    reason: ShortText


class PublicationConsented(Event):
    """A party agrees that the outcome be published."""

    name = "complaint.publication_consented"

    side: Side


class OutcomePublished(Event):
    """Process, timetable, outcome and reasons were published; ``text`` names nobody."""

    name = "complaint.outcome_published"

    way: Way
    text: LongText


PublicationEvent = Withheld | PublicationConsented | OutcomePublished


def evolve(state: Complaint, event: PublicationEvent) -> Complaint:
    old = state.settlement
    match event:
        case Withheld():
            return state.changed(published=False, withheld=True)
        case PublicationConsented():
            return state.changed(settlement=replace(old, publication_agreed=old.publication_agreed | {event.side}))
        case OutcomePublished():
            return state.changed(settlement=replace(old, decision_published=True))
        case _:
            assert_never(event)


def _stays_private(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if state.published:
        return RuleViolation("publish-once", "it is public already", hint="nothing is to be done")
    if state.withheld:
        return RuleViolation("publish-unless-withheld", "it was withheld", hint="nothing is to be done")
    if state.clock(Deadline.PUBLICATION) is not None:
        return RuleViolation(
            "promise-keeps-it-private",
            "the merchant has signed the promise, and its term is running",
            hint="it becomes public by itself if it is not resolved in time",
        )
    return None


@action(
    "publish-at-wish",
    roles=CONSUMER_SIDE | OFFICE | {Role.PLATFORM},
    during=(OPEN | {Status.CLOSED}) - {Status.FILED, Status.VERIFYING, Status.CASE_FILED},
    unless=_stays_private,
)
def publish(state: Complaint, *, at: datetime, by: Actor) -> list[Published]:
    """Make the complaint public, at the consumer's wish, unless a promise keeps it private."""
    return [Published(occurred_at=at, actor=by, basis="consumer_wish")]


@action(
    "withhold-what-is-public",
    roles=OFFICE | {Role.PLATFORM},
    during=OPEN | ENDED,
    unless=lambda state, at, by, book: (
        None
        if state.published
        else RuleViolation("withhold-what-is-public", "it is not public", hint="nothing is to be done")
    ),
)
def withhold(state: Complaint, *, at: datetime, by: Actor, reason: ShortText) -> list[PublicationEvent]:
    """Take a public complaint back from the public, for a reason."""
    return [Withheld(occurred_at=at, actor=by, reason=reason)]


def _consented(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    agreed_by = state.settlement.publication_agreed
    own = agreed_by >= set(Side) if by.role is Role.SERVICE else side_of(by) in agreed_by
    return RuleViolation("consent-once", "this is consented already", hint="nothing is to be done") if own else None


@action("consent-to-publication", roles=PARTIES, during=(Status.RESOLVED, Status.CLOSED), unless=_consented)
def consent_to_publication(
    state: Complaint, *, at: datetime, by: Actor, side: Side | None = None
) -> list[PublicationEvent]:
    """Agree, as a party, that the outcome be published."""
    own = acting_side(by, side)
    if own in state.settlement.publication_agreed:
        raise RuleViolation("consent-once", f"the {own} has consented already", hint="the other party is asked")
    return [PublicationConsented(occurred_at=at, actor=by, side=own)]


def _way_to_publish(state: Complaint) -> Way:
    settlement = state.settlement
    return settlement.way if settlement.decided else Way.MEDIATION if settlement.mediated else Way.NEGOTIATION


def _nothing_to_publish(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    settlement = state.settlement
    if settlement.decision_published:
        return RuleViolation("publish-once", "the outcome is published already", hint="nothing is to be done")
    if not (settlement.decided or settlement.mediated):
        return RuleViolation(
            "publish-an-outcome", "there is neither a decision nor a mediated agreement", hint="wait for one"
        )
    return None


def _without_consent(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    missing = sorted(set(Side) - state.settlement.publication_agreed)
    if not missing or _way_to_publish(state) in (Way.ADJUDICATION, Way.LITIGATION):
        return None
    return RuleViolation(
        "publish-with-consent",
        f"{_way_to_publish(state)} is confidential, and not consented to by: {', '.join(missing)}",
        hint="both parties have to consent",
    )


@action(
    "publish-an-outcome",
    roles=NEUTRAL | {Role.PLATFORM},
    during=(Status.RESOLVED, Status.CLOSED),
    unless=first_of(_nothing_to_publish, _without_consent),
)
def publish_outcome(state: Complaint, *, at: datetime, by: Actor, text: LongText) -> list[PublicationEvent]:
    """Publish how it ended: process, timetable, outcome and reasons, in a text that names nobody."""
    return [OutcomePublished(occurred_at=at, actor=by, way=_way_to_publish(state), text=text)]
