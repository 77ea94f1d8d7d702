"""The state of a grievance: what its decisions need."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar


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
    """``answer_due`` is the last instant for an answer while one is awaited; ``missed``: it passed without one."""

    kind: ClassVar[str] = "grievance"
    since_what: ClassVar[str] = "the last that was recorded of the grievance"

    status: Status = Status.NONE
    since: datetime | None = None
    violation: str = ""
    answer_due: datetime | None = None
    answered: bool = False
    missed: bool = False


NEW = Grievance()
