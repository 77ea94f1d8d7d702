"""One function per command on an office: state in, events out, or a RuleViolation."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from domain.complaint.jurisdiction import DivisionCode
from domain.complaint.mediation import MediatorKind
from domain.errors import InvalidInput, RuleViolation
from domain.office.events import ConflictDeclared, Established, Level, MediatorEnrolled, MediatorReleased, OfficeEvent
from domain.office.state import Office
from domain.values import Actor, OfficeId, RandomId, Role, ShortText


def establish(
    state: Office,
    *,
    at: datetime,
    by: Actor,
    title: ShortText,
    level: Level,
    division: DivisionCode,
    superior: OfficeId | None = None,
) -> list[OfficeEvent]:
    """Establish an office for a division."""
    _by_office(by)
    if state.division:
        raise RuleViolation("office-established-once", "this office exists already", hint="establish another")
    if (level is Level.NATIONAL) == (superior is not None):
        has = "has no superior" if level is Level.NATIONAL else "needs its superior"
        raise InvalidInput(f"an office of level {level} {has}", hint="only the national one stands at the top")
    return [Established(occurred_at=at, actor=by, title=title, level=level, division=division, superior=superior)]


def enrol_mediator(
    state: Office,
    *,
    at: datetime,
    by: Actor,
    mediator_id: RandomId,
    kind: MediatorKind,
    classes: tuple[ShortText, ...] = (),
    capacity: Annotated[int, Field(ge=1, le=10_000)] = 20,
) -> list[OfficeEvent]:
    """Enrol a mediator: of which kind, for which products (none: any), and for how many cases at a time."""
    _by_office(by)
    if mediator_id in state.mediators:
        raise RuleViolation("mediator-enrolled-once", "this mediator is enrolled already", hint="release him first")
    return [
        MediatorEnrolled(
            occurred_at=at, actor=by, mediator_id=mediator_id, kind=kind, classes=classes, capacity=capacity
        )
    ]


def declare_conflict(
    state: Office, *, at: datetime, by: Actor, mediator_id: RandomId, party_id: ShortText
) -> list[OfficeEvent]:
    """Declare that a mediator must not judge a party."""
    if by.role not in (Role.REGULATOR, Role.MEDIATOR, Role.SERVICE):
        raise RuleViolation("conflict-by-office-or-mediator", f"a {by.role} cannot do this", hint="tell the office")
    if party_id in _enrolled(state, mediator_id):
        raise RuleViolation("conflict-declared-once", "this conflict is declared already")
    return [ConflictDeclared(occurred_at=at, actor=by, mediator_id=mediator_id, party_id=party_id)]


def release_mediator(
    state: Office, *, at: datetime, by: Actor, mediator_id: RandomId, reason: ShortText
) -> list[OfficeEvent]:
    """Release a mediator; the cases that he has stay his until he is recused."""
    _by_office(by)
    _enrolled(state, mediator_id)
    return [MediatorReleased(occurred_at=at, actor=by, mediator_id=mediator_id, reason=reason)]


def _enrolled(state: Office, mediator_id: str) -> frozenset[str]:
    """Return the conflicts of a mediator of the office."""
    one = state.mediators.get(mediator_id)
    if one is None:
        raise RuleViolation("mediator-enrolled", "this mediator is not enrolled here", hint="enrol him first")
    return one.conflicts


def _by_office(by: Actor) -> None:
    if by.role not in (Role.REGULATOR, Role.SERVICE):
        raise RuleViolation("office-by-regulator", f"a {by.role} cannot do this", hint="it is for a regulator")
