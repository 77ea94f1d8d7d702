"""The mediators of an office: who is enrolled, and whom each must not judge."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, assert_never

from pydantic import Field

from domain.action import action
from domain.complaint.mediation import Candidate, MediatorKind
from domain.errors import RuleViolation
from domain.event import Event
from domain.office.state import Office, Status
from domain.values import Actor, RandomId, Role, ShortText

DURING = (Status.ESTABLISHED,)


class MediatorEnrolled(Event):
    """A mediator takes cases of this office: of these kinds of product (none: any), at most ``capacity`` at a time."""

    name = "office.mediator_enrolled"

    mediator_id: RandomId
    kind: MediatorKind
    classes: tuple[ShortText, ...] = ()
    capacity: Annotated[int, Field(ge=1, le=10_000)]


class ConflictDeclared(Event):
    """The mediator must not judge this party: a merchant, a consumer, a platform or a payment provider."""

    name = "office.conflict_declared"

    mediator_id: RandomId
    party_id: ShortText


class MediatorReleased(Event):
    """The mediator takes no more cases of this office."""

    name = "office.mediator_released"

    mediator_id: RandomId
    reason: ShortText


MediatorEvent = MediatorEnrolled | ConflictDeclared | MediatorReleased


def evolve(state: Office, event: MediatorEvent) -> Office:
    match event:
        case MediatorEnrolled():
            one = Candidate(
                mediator_id=event.mediator_id,
                kind=event.kind,
                classes=frozenset(event.classes),
                conflicts=state.conflicts.get(event.mediator_id, frozenset()),
                capacity=event.capacity,
            )
            return replace(state, mediators={**state.mediators, event.mediator_id: one})
        case ConflictDeclared():
            own = state.conflicts.get(event.mediator_id, frozenset()) | {event.party_id}
            one = state.mediators[event.mediator_id].model_copy(update={"conflicts": own})
            return replace(
                state,
                mediators={**state.mediators, event.mediator_id: one},
                conflicts={**state.conflicts, event.mediator_id: own},
            )
        case MediatorReleased():
            left = {
                mediator_id: one for mediator_id, one in state.mediators.items() if mediator_id != event.mediator_id
            }
            return replace(state, mediators=left)
        case _:
            assert_never(event)


@action("mediator-enrolled-once", roles=(Role.REGULATOR,), during=DURING)
def enrol_mediator(
    state: Office,
    *,
    at: datetime,
    by: Actor,
    mediator_id: RandomId,
    kind: MediatorKind,
    classes: tuple[ShortText, ...] = (),
    capacity: Annotated[int, Field(ge=1, le=10_000)] = 20,
) -> list[MediatorEvent]:
    """Enrol a mediator: of which kind, for which products (none: any), and for how many cases at a time."""
    if mediator_id in state.mediators:
        raise RuleViolation("mediator-enrolled-once", "this mediator is enrolled already", hint="release him first")
    return [
        MediatorEnrolled(
            occurred_at=at, actor=by, mediator_id=mediator_id, kind=kind, classes=classes, capacity=capacity
        )
    ]


@action("conflict-declared-once", roles=(Role.REGULATOR, Role.MEDIATOR), during=DURING)
def declare_conflict(
    state: Office, *, at: datetime, by: Actor, mediator_id: RandomId, party_id: ShortText
) -> list[MediatorEvent]:
    """Declare that a mediator must not judge a party."""
    if party_id in _enrolled(state, mediator_id):
        raise RuleViolation("conflict-declared-once", "this conflict is declared already")
    return [ConflictDeclared(occurred_at=at, actor=by, mediator_id=mediator_id, party_id=party_id)]


@action("mediator-enrolled", roles=(Role.REGULATOR,), during=DURING)
def release_mediator(
    state: Office, *, at: datetime, by: Actor, mediator_id: RandomId, reason: ShortText
) -> list[MediatorEvent]:
    """Release a mediator; the cases that he has stay his until he is recused."""
    _enrolled(state, mediator_id)
    return [MediatorReleased(occurred_at=at, actor=by, mediator_id=mediator_id, reason=reason)]


def _enrolled(state: Office, mediator_id: str) -> frozenset[str]:
    """Return the conflicts of a mediator of the office."""
    one = state.mediators.get(mediator_id)
    if one is None:
        raise RuleViolation("mediator-enrolled", "this mediator is not enrolled here", hint="enrol him first")
    return one.conflicts
