"""Read model ``credit_graded``: the grades of merchants by month, why they fell, and what was done against it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple, assert_never

from domain.grade.appealing import AppealDecided, DecisionMissed, FallAppealed
from domain.grade.grading import Given
from domain.grade.life import GRADE, GradeEvent
from domain.grade.state import Status
from projections.items import (
    NONE,
    Items,
    alter,
    day,
    dump,
    following,
    instant,
    items_of,
    listed,
    load,
    number,
    put,
    table,
    text,
    texts,
)
from projections.projection import Key, Projection


class Row(NamedTuple):
    """See the comments on the columns of ``read.credit_graded``."""

    merchant_id: str
    status: str
    grade: str
    month: date
    contested_month: date | None = None
    items: str = NONE


def fold(row: Row | None, event: GradeEvent) -> Row:
    """Return the row after ``event``; raises ValueError when a stream does not begin with a grade."""
    if isinstance(event, Given):
        return _given(row, event)
    if row is None:
        raise ValueError(f"{event.name} before grade.given")
    items, at = load(row.items), event.occurred_at
    match event:
        case FallAppealed():
            month = _last_fall(items)
            alter(items, "grade", month, appealed_at=at, texts={"grounds": event.grounds})
            row = row._replace(status=Status.CONTESTED, contested_month=date.fromisoformat(month))
        case DecisionMissed():
            alter(items, "grade", row.contested_month, missed_at=at)
        case AppealDecided():
            outcome = "granted" if event.granted else "upheld"
            texts = {"reasons": event.reasons}
            alter(items, "grade", row.contested_month, decided_at=at, outcome=outcome, texts=texts)
            contested = row.contested_month.isoformat() if row.contested_month else ""
            status = Status.FALLEN if _last_fall(items) > contested else Status.GRADED
            row = row._replace(status=status, grade=event.grade, contested_month=None)
        case _:
            assert_never(event)
    return row._replace(items=dump(items))


def _given(row: Row | None, event: Given) -> Row:
    items = load(row.items) if row else {}
    put(
        items,
        "grade",
        event.month,
        number=following(items, "grade"),
        merchant_id=event.merchant_id,
        month=event.month,
        grade=event.grade,
        grade_now=event.grade_now,
        score=event.score,
        lower_score=event.lower_score,
        n=event.n,
        edition=event.edition,
        complete_to=event.complete_to,
        given_at=event.occurred_at,
        **({f"points_{part}": points for part, points in event.points}),
        **(
            {}
            if event.fell is None
            else {
                "fell": event.fell.part,
                "fell_from": event.fell.before,
                "fell_to": event.fell.after,
                "complaints": event.fell.complaints,
            }
        ),
    )
    status = row.status if row else Status.GRADED
    if event.fell is not None and status != Status.CONTESTED:
        status = Status.FALLEN
    contested = row.contested_month if row else None
    return Row(event.merchant_id, status, event.grade, event.month, contested, dump(items))


def _last_fall(items: Items) -> str:
    return max(month for month, item in items["grade"].items() if "fell" in item)


def _behind(row: Row) -> Iterator[Key]:
    for item in items_of(row, "grade"):
        for complaint in item.get("complaints", ()):
            yield date.fromisoformat(item["month"]), complaint


ID = "grade_id"
CREDIT_GRADES = Projection(
    name="credit_graded",
    kind=GRADE,
    table="read.credit_graded",
    key=ID,
    row=Row,
    fold=fold,
    sums=(
        table(
            "credit_grades",
            ID,
            "grade",
            *(number("number"), text("merchant_id"), day("month"), text("grade"), text("grade_now")),
            *(number("score"), number("lower_score"), number("n"), number("edition"), number("complete_to")),
            *(number("points_response"), number("points_resolution"), number("points_confirmed")),
            *(number("points_volume"), number("points_violations"), instant("given_at")),
            *(text("fell"), number("fell_from"), number("fell_to"), instant("appealed_at")),
            *(instant("missed_at"), instant("decided_at"), text("outcome")),
        ),
        listed("credit_grade_complaints", ID, ("month", "complaint_id"), _behind),
        texts("credit_grade_texts", ID),
    ),
)
