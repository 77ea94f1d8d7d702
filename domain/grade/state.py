"""The state of a merchant's grades."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256
from typing import ClassVar
from uuid import UUID


class Status(StrEnum):
    """Whether there is a grade, and whether its last fall can be appealed against, or is."""

    NONE = "none"
    GRADED = "graded"
    FALLEN = "fallen"
    CONTESTED = "contested"


class Grade(StrEnum):
    """A is the best; NR: not rated, for lack of complaints."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    NR = "NR"

    def is_above(self, other: Grade) -> bool:
        """Whether it is better; one that is not rated is neither better nor worse."""
        return Grade.NR not in (self, other) and self < other


class Part(StrEnum):
    """What a score is made of."""

    RESPONSE = "response"
    RESOLUTION = "resolution"
    CONFIRMED = "confirmed"
    VOLUME = "volume"
    VIOLATIONS = "violations"


@dataclass(frozen=True, slots=True)
class Fall:
    """The last fall: of which month, from which grade, and until when an appeal is possible (None: without end)."""

    month: date
    before: Grade
    due: datetime | None


@dataclass(frozen=True, slots=True)
class Grades:
    """``grade`` is the published one, ``grade_now`` what the score of the last ``month`` alone would give.

    ``points``: what each part gave in that month, in millionths of a point. ``fall``: the last one that no appeal has
    been decided on. ``contested``: the fall that is appealed against; ``decision_due``: last instant to decide on it.
    """

    kind: ClassVar[str] = "grade"
    since_what: ClassVar[str] = "the last grade"

    status: Status = Status.NONE
    grade: Grade = Grade.NR
    grade_now: Grade = Grade.NR
    month: date | None = None
    points: tuple[tuple[Part, int], ...] = ()
    fall: Fall | None = None
    contested: Fall | None = None
    decision_due: datetime | None = None
    since: datetime | None = None


NEW = Grades()


def grades_of(merchant_id: str) -> str:
    """Return the stream of a merchant's grades: one a month."""
    return f"grade-{UUID(sha256(f'grades of {merchant_id}'.encode()).hexdigest()[:32])}"


def month_before(month: date) -> date:
    """Return the first day of the month before."""
    return date(month.year - (month.month == 1), (month.month - 2) % 12 + 1, 1)
