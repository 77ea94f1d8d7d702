"""The state of an office: what its decisions need, and the assignment of mediators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import BaseModel, Field

from domain.complaint.mediation import Candidate
from domain.values import FROZEN


class Status(StrEnum):
    """Where an office stands. NONE: not established yet."""

    NONE = "none"
    ESTABLISHED = "established"


Permille = Annotated[int, Field(ge=0, le=1000)]


class Figures(BaseModel):
    """What an evaluation found: cases, the median of the hours to resolve them, satisfaction and success.

    Absent is what there was nothing to tell it from. ``resolved`` is of how many cases the median is, ``rated`` of how
    many the satisfaction; absent where somebody gave the figures without them.
    """

    model_config = FROZEN
    cases: Annotated[int, Field(ge=1)]
    resolution_hours_median: Annotated[int, Field(ge=0)] | None = None
    satisfaction_permille: Permille | None = None
    success_permille: Permille | None = None
    resolved: Annotated[int, Field(ge=0)] | None = None
    rated: Annotated[int, Field(ge=0)] | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Whom an evaluation was of, in which period, and what it found."""

    evaluated: str
    first: date
    last: date
    figures: Figures


@dataclass(frozen=True, slots=True)
class Finding:
    """An open finding of an evaluation; ``acted``: the day on which something was first done about it."""

    evaluation: int
    acted: date | None = None


@dataclass(frozen=True, slots=True)
class Office:
    """``mediators`` are those enrolled now, by id, without their load; ``conflicts`` whom each must not judge, which
    holds for those released too.

    ``warnings``: the year of each warning case, by number; ``yearly_lists``: how often the list of a year was
    published. ``evaluations`` by number; ``findings``: how many there were, ``open_findings`` those not measured again.
    """

    kind: ClassVar[str] = "office"
    since: ClassVar[datetime | None] = None
    since_what: ClassVar[str] = ""

    status: Status = Status.NONE
    division: str = ""
    mediators: Mapping[str, Candidate] = field(default_factory=dict)
    conflicts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    warnings: Mapping[int, int] = field(default_factory=dict)
    yearly_lists: Mapping[int, int] = field(default_factory=dict)
    evaluations: Mapping[int, Evaluation] = field(default_factory=dict)
    findings: int = 0
    open_findings: Mapping[int, Finding] = field(default_factory=dict)

    def candidates(self, loads: Mapping[str, int]) -> tuple[Candidate, ...]:
        """Return the mediators with the number of cases that each has now (absent: none)."""
        return tuple(
            one.model_copy(update={"load": loads.get(mediator_id, 0)}) for mediator_id, one in self.mediators.items()
        )


NEW = Office()
