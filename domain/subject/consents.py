"""Consents: one per use and recipient, withdrawn at any time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from domain.action import action, first_of
from domain.complaint.action import CONSUMER_SIDE
from domain.errors import RuleViolation
from domain.event import Event
from domain.rulebook.book import Rulebook
from domain.subject.state import Purpose, Status, Subject
from domain.values import Actor, RandomId, Role, Sha256, ShortText

LAW = "Personal Information Protection Law, art. 14"
WITHDRAWAL = "Personal Information Protection Law, art. 15"


class ConsentsOpened(Event):
    """From now on it is recorded what this person consents to."""

    name = "subject.consents_opened"

    consumer_id: RandomId


class ConsentGiven(Event):
    """The person consents to one use by one recipient. ``text`` is the digest of what was agreed to.

    ``agent_id``: who consented on the person's behalf.
    """

    name = "subject.consent_given"

    purpose: Purpose
    recipient: ShortText
    text: Sha256
    agent_id: RandomId | None = None


class ConsentWithdrawn(Event):
    """The person no longer consents to that use; what was done before stays lawful."""

    name = "subject.consent_withdrawn"

    purpose: Purpose
    recipient: ShortText
    agent_id: RandomId | None = None


ConsentEvent = ConsentsOpened | ConsentGiven | ConsentWithdrawn


def evolve(state: Subject, event: ConsentEvent) -> Subject:
    state = replace(state, since=event.occurred_at)
    match event:
        case ConsentsOpened():
            return replace(state, status=Status.OPEN, consumer_id=event.consumer_id)
        case ConsentGiven():
            use = (event.purpose, event.recipient)
            periods = (*state.consents.get(use, ()), (event.occurred_at, None))
            return replace(state, consents={**state.consents, use: periods})
        case ConsentWithdrawn():
            use = (event.purpose, event.recipient)
            *before, (begun, _) = state.consents[use]
            return replace(state, consents={**state.consents, use: (*before, (begun, event.occurred_at))})
        case _:
            assert_never(event)


def _another_than(consumer_id: str, by: Actor) -> RuleViolation | None:
    if by.role is not Role.CONSUMER or by.id == consumer_id:
        return None
    return RuleViolation(
        "consent-by-the-person", "these are the consents of somebody else", hint="an agent may act for him", source=LAW
    )


def _by_another(state: Subject, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    return _another_than(state.consumer_id, by)


def _nothing_given(state: Subject, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if any(state.consents_now(*use) for use in state.consents):
        return None
    return RuleViolation("withdraw-what-was-given", "no consent was given", hint="there is nothing to withdraw")


def _agent(by: Actor, agent_id: str | None) -> str | None:
    return by.id if by.role in CONSUMER_SIDE - {Role.CONSUMER} else agent_id


@action("consents-opened-once", roles=CONSUMER_SIDE | {Role.REGULATOR}, during=(Status.NONE,), to=Status.OPEN)
def open_consents(state: Subject, *, at: datetime, by: Actor, consumer_id: RandomId) -> list[ConsentEvent]:
    """Begin to record what a person consents to; nothing is consented to yet.

    An authority begins it to record a leak of the person's data.
    """
    if (refused := _another_than(consumer_id, by)) is not None:
        raise refused
    return [ConsentsOpened(occurred_at=at, actor=by, consumer_id=consumer_id)]


@action("consent-given-once", roles=CONSUMER_SIDE, during=(Status.OPEN,), source=LAW, unless=_by_another)
def give_consent(
    state: Subject,
    *,
    at: datetime,
    by: Actor,
    purpose: Purpose,
    recipient: ShortText,
    text: Sha256,
    agent_id: RandomId | None = None,
) -> list[ConsentEvent]:
    """Consent to one use of one's data by one recipient. ``text`` is the SHA-256 of what was agreed to.

    ``agent_id``: who consents on the person's behalf, if not the one who acts.
    """
    if state.consents_now(purpose, recipient):
        raise RuleViolation(
            "consent-given-once",
            f"{purpose} by {recipient} is consented to already",
            hint="withdraw it first to consent to another text",
            source=LAW,
        )
    return [
        ConsentGiven(
            occurred_at=at, actor=by, purpose=purpose, recipient=recipient, text=text, agent_id=_agent(by, agent_id)
        )
    ]


@action(
    "withdraw-what-was-given",
    roles=CONSUMER_SIDE,
    during=(Status.OPEN,),
    source=WITHDRAWAL,
    unless=first_of(_by_another, _nothing_given),
)
def withdraw_consent(
    state: Subject,
    *,
    at: datetime,
    by: Actor,
    purpose: Purpose,
    recipient: ShortText,
    agent_id: RandomId | None = None,
) -> list[ConsentEvent]:
    """Withdraw a consent; it ends at once, and what was done before stays lawful."""
    if not state.consents_now(purpose, recipient):
        raise RuleViolation(
            "withdraw-what-was-given",
            f"{purpose} by {recipient} is not consented to",
            hint="see the consents that were given",
            source=WITHDRAWAL,
        )
    return [
        ConsentWithdrawn(occurred_at=at, actor=by, purpose=purpose, recipient=recipient, agent_id=_agent(by, agent_id))
    ]
