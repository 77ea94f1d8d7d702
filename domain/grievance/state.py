"""The state of a grievance: what its decisions need."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

GrievanceId = Annotated[str, Field(pattern="^grievance-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]


class Status(StrEnum):
    """Where a grievance stands. UNANSWERED: the platform's term passed without an answer."""

    NONE = "none"
    OPEN = "open"
    ANSWERED = "answered"
    UNANSWERED = "unanswered"
    TAKEN_UP = "taken_up"
    SETTLED = "settled"
    DECIDED = "decided"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Grievance:
    """``since`` is when the merchant complained, ``answer_due`` the last instant for an answer."""

    kind: ClassVar[str] = "grievance"
    since_what: ClassVar[str] = "the grievance"

    status: Status = Status.NONE
    since: datetime | None = None
    platform_id: str = ""
    violation: str = ""
    answer_due: datetime | None = None
    answered: datetime | None = None
    taken_up: datetime | None = None
    upheld: bool = False


NEW = Grievance()


@dataclass(frozen=True, slots=True)
class Grieved:
    """A grievance that is named as a reason, as it stands."""

    grievance_id: str
    platform_id: str
    upheld: bool


def grieved(grievance_id: str, state: Grievance) -> Grieved:
    """Return what a consequence has to know of a grievance."""
    return Grieved(grievance_id, state.platform_id, state.upheld)
