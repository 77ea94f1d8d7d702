"""The state of an office: what its decisions need, and the assignment of mediators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import assert_never

from domain.complaint.mediation import Candidate
from domain.office.events import ConflictDeclared, Established, MediatorEnrolled, MediatorReleased, OfficeEvent


@dataclass(frozen=True, slots=True)
class Office:
    """``division`` is empty before the first event; ``mediators`` are those enrolled now, by id, without their
    load; ``conflicts`` whom each must not judge, which holds for those released too."""

    division: str = ""
    mediators: Mapping[str, Candidate] = field(default_factory=dict)
    conflicts: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def candidates(self, loads: Mapping[str, int]) -> tuple[Candidate, ...]:
        """Return the mediators with the number of cases that each has now (absent: none)."""
        return tuple(
            one.model_copy(update={"load": loads.get(mediator_id, 0)}) for mediator_id, one in self.mediators.items()
        )


NEW = Office()


def evolve(state: Office, event: OfficeEvent) -> Office:
    """Return the state after ``event``."""
    match event:
        case Established():
            return replace(state, division=event.division)
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
