"""Grades: given by the program, contested by merchants."""

from __future__ import annotations

from domain.grade import appealing, grading
from domain.grade.appealing import AppealEvent
from domain.grade.grading import GradingEvent
from domain.grade.state import NEW
from domain.kind import kind

GradeEvent = GradingEvent | AppealEvent

GRADE = kind(
    "grade",
    "ledger.merchants",
    NEW,
    (grading, GradingEvent),
    (appealing, AppealEvent),
    # Its figures are computed: adapters/credit_grades.py.
    unlisted=frozenset({grading.give.name}),
    fall_due=appealing.fall_due,
    next_due=appealing.next_due,
)
