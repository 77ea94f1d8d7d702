"""Read model ``offices``: their tree, their mediators, what they warn of, and what they evaluate."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple, assert_never

from domain.calendar import SHANGHAI
from domain.office.establishment import Established
from domain.office.evaluation import ActionTaken, EvaluationEvent, EvaluationRecorded, FindingRecorded, MeasuredAgain
from domain.office.life import OFFICE, OfficeEvent
from domain.office.mediators import ConflictDeclared, MediatorEnrolled, MediatorEvent, MediatorReleased
from domain.office.warnings import WarningEvent, WarningIssued, YearlyListPublished
from projections.items import (
    NONE,
    Column,
    Items,
    alter,
    cited,
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
    """See the comments on the columns of ``read.offices``."""

    title: str
    level: str
    division: str
    superior: str | None
    established_at: datetime
    items: str = NONE


def fold(row: Row | None, event: OfficeEvent) -> Row:
    """Return the row after ``event``; raises ValueError when a stream does not begin with its establishment."""
    if isinstance(event, Established):
        return Row(event.title, event.level, event.division, event.superior, event.occurred_at)
    if row is None:
        raise ValueError(f"{event.name} before office.established")
    items = load(row.items)
    match event:
        case MediatorEnrolled() | ConflictDeclared() | MediatorReleased():
            _mediate(items, event)
        case WarningIssued() | YearlyListPublished():
            _warn(items, event)
        case EvaluationRecorded() | FindingRecorded() | ActionTaken() | MeasuredAgain():
            _evaluate(items, event)
        case _:
            assert_never(event)
    return row._replace(items=dump(items))


def _mediate(items: Items, event: MediatorEvent) -> None:
    at, who = event.occurred_at, event.mediator_id
    match event:
        case MediatorEnrolled():
            n = following(items, "mediator")
            stated = {"kind": event.kind, "capacity": event.capacity, "classes": event.classes, "enrolled_at": at}
            put(items, "mediator", n, number=n, mediator_id=who, **stated)
        case ConflictDeclared():
            n = following(items, "conflict")
            put(items, "conflict", n, number=n, mediator_id=who, party_id=event.party_id, declared_at=at)
        case MediatorReleased():
            (n,) = (
                one["number"]
                for one in items["mediator"].values()
                if one["mediator_id"] == who and "released_at" not in one
            )
            alter(items, "mediator", n, released_at=at, texts={"reason": event.reason})
        case _:
            assert_never(event)


def _warn(items: Items, event: WarningEvent) -> None:
    at = event.occurred_at
    match event:
        case WarningIssued():
            put(
                items,
                "warning",
                event.number,
                number=event.number,
                year=at.astimezone(SHANGHAI).year,
                issued_at=at,
                theme=event.theme,
                complaints=event.complaints,
                texts={"text": event.text},
            )
        case YearlyListPublished():
            edition = {"year": event.year, "edition": event.edition}
            key = f"{event.year}/{event.edition}"
            put(items, "yearly_list", key, **edition, published_at=at, warnings=event.warnings)
            for one in event.external:
                n = following(items, "external_figure")
                said = {"source": one.source, "what": one.what, "value": one.value}
                put(items, "external_figure", n, number=n, **edition, texts=said)
        case _:
            assert_never(event)


def _evaluate(items: Items, event: EvaluationEvent) -> None:
    at = event.occurred_at
    match event:
        case EvaluationRecorded():
            put(
                items,
                "evaluation",
                event.number,
                number=event.number,
                edition=event.edition,
                evaluated_id=event.evaluated,
                first_day=event.first,
                last_day=event.last,
                recorded_at=at,
                as_of=event.as_of,
                **event.figures.model_dump(),
            )
        case FindingRecorded():
            n = event.number
            stated = {"evaluation": event.evaluation, "found_at": at, "texts": {"text": event.text}}
            put(items, "finding", n, number=n, **stated)
        case ActionTaken():
            n = following(items, "action")
            put(items, "action", n, number=n, finding=event.finding, taken_at=at, texts={"text": event.text})
        case MeasuredAgain():
            alter(items, "finding", event.finding, measured_at=at, measured_by=event.evaluation)
        case _:
            assert_never(event)


def _classes(row: Row) -> Iterator[Key]:
    return ((one["number"], each) for one in items_of(row, "mediator") for each in one["classes"])


def _entries(row: Row) -> Iterator[Key]:
    for one in items_of(row, "yearly_list"):
        for place, warning in enumerate(one["warnings"], 1):
            yield one["year"], one["edition"], place, warning


ID = "office_id"
#: Figures that may be unknown, which is not nothing.
FIGURES = tuple(
    Column(name, -1, int)
    for name in ("resolution_hours_median", "satisfaction_permille", "success_permille", "resolved", "rated")
)
OFFICES = Projection(
    name="offices",
    kind=OFFICE,
    table="read.offices",
    key=ID,
    row=Row,
    fold=fold,
    sums=(
        table(
            "office_mediators",
            ID,
            "mediator",
            *(number("number"), text("mediator_id"), text("kind"), number("capacity")),
            *(instant("enrolled_at"), instant("released_at")),
        ),
        listed("office_mediator_classes", ID, ("mediator", "class"), _classes),
        table(
            "office_conflicts",
            ID,
            "conflict",
            *(number("number"), text("mediator_id"), text("party_id"), instant("declared_at")),
        ),
        table(
            "office_warnings",
            ID,
            "warning",
            *(number("number"), number("year"), instant("issued_at"), text("theme")),
        ),
        table("office_yearly_lists", ID, "yearly_list", number("year"), number("edition"), instant("published_at")),
        listed("office_yearly_entries", ID, ("year", "edition", "place", "warning"), _entries),
        table("office_external_figures", ID, "external_figure", number("number"), number("year"), number("edition")),
        table(
            "office_evaluations",
            ID,
            "evaluation",
            *(number("number"), number("edition"), text("evaluated_id"), day("first_day"), day("last_day")),
            *(instant("recorded_at"), number("cases"), *FIGURES, number("as_of")),
        ),
        table(
            "office_findings",
            ID,
            "finding",
            *(number("number"), number("evaluation"), instant("found_at")),
            *(instant("measured_at"), number("measured_by")),
        ),
        table("office_actions", ID, "action", number("number"), number("finding"), instant("taken_at")),
        cited("office_citations", ID, "warning"),
        texts("office_texts", ID),
    ),
)
