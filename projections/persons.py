"""Whether a person was at work on a complaint, or software alone: docs/definitions.md, ``ended_without_person``."""

from __future__ import annotations

from domain.complaint.clocks import MediationEnded
from domain.complaint.ending import Closed
from domain.complaint.life import ComplaintEvent
from domain.complaint.mediation import MediatorAssigned, MediatorKind, PersonReached, SuggestionMade
from domain.complaint.negotiation import Answered, Routed
from domain.complaint.settlement import Resolved
from domain.complaint.state import OPEN
from domain.complaint.ways import Decided
from domain.values import Role

OFFICIALS = frozenset({Role.REGULATOR, Role.ADJUDICATOR})


def is_persons_work(status: str, mediator_id: str | None, event: ComplaintEvent) -> bool:
    """Whether ``event`` is the work of a person, in a status; ``mediator_id`` is whoever was assigned.

    That mediator's acts say nothing: whether he is software was told when he was assigned. An office that receives,
    accepts and assigns does not mediate; an official who ends or decides it does what a mediator would.
    """
    match event:
        case PersonReached():
            return True
        case SuggestionMade():
            return event.model is None
        case MediatorAssigned() if event.kind is not MediatorKind.SOFTWARE:
            return True
        case Routed() | Answered():
            return False
        case _:
            role = event.actor.role
            ends = isinstance(event, (Closed, Decided, MediationEnded, Resolved))
            by_person = (role in OFFICIALS and ends) or (role is Role.MEDIATOR and event.actor.id != mediator_id)
            return by_person and status in OPEN
