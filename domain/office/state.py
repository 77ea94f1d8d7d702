"""The state of an office: what its decisions need, and the assignment of mediators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from domain.complaint.mediation import Candidate


class Status(StrEnum):
    """Where an office stands. NONE: not established yet."""

    NONE = "none"
    ESTABLISHED = "established"


@dataclass(frozen=True, slots=True)
class Office:
    """``mediators`` are those enrolled now, by id, without their load; ``conflicts`` whom each must not judge, which
    holds for those released too."""

    kind: ClassVar[str] = "office"
    since: ClassVar[datetime | None] = None
    since_what: ClassVar[str] = ""

    status: Status = Status.NONE
    division: str = ""
    mediators: Mapping[str, Candidate] = field(default_factory=dict)
    conflicts: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def candidates(self, loads: Mapping[str, int]) -> tuple[Candidate, ...]:
        """Return the mediators with the number of cases that each has now (absent: none)."""
        return tuple(
            one.model_copy(update={"load": loads.get(mediator_id, 0)}) for mediator_id, one in self.mediators.items()
        )


NEW = Office()
