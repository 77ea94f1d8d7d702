"""Read model ``measures``: what platforms and authorities imposed, what was done against it, and how it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple, assert_never

from domain.measure.damages import DamagesAwarded, DamagesClaimed
from domain.measure.ending import Ended, Lifted, Paid
from domain.measure.imposing import Imposed
from domain.measure.life import MEASURE, MeasureEvent
from domain.measure.remedies import (
    Appealed,
    Decided,
    DecisionMissed,
    DecisionOutcome,
    RemedyEvent,
    RemedyWithdrawn,
    ReviewSought,
    Sued,
)
from domain.measure.state import PLATFORM_LADDER, RemedyKind, Status
from projections.items import (
    NONE,
    Items,
    alter,
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
    """See the comments on the columns of ``read.measures``."""

    status: str
    target_id: str
    imposed_by: str
    ladder: str
    kind: str
    imposed_at: datetime
    reason: str
    basis: str
    case_number: str | None = None
    rule_id: str | None = None
    rule_version: int | None = None
    amount_fen: int | None = None
    currency: str | None = None
    ends_due: datetime | None = None
    violation: str | None = None
    notice: int | None = None
    report_id: str | None = None
    contested_by: str | None = None
    counts: bool = True
    paid_fen: int = 0
    claimed_fen: int | None = None
    awarded_fen: int | None = None
    ended_at: datetime | None = None
    ending: str | None = None
    items: str = NONE


def fold(row: Row | None, event: MeasureEvent) -> Row:
    """Return the row after ``event``; raises ValueError when a stream does not begin with its imposing."""
    if isinstance(event, Imposed):
        return _imposed(event)
    if row is None:
        raise ValueError(f"{event.name} before measure.imposed")
    at = event.occurred_at
    match event:
        case Appealed() | ReviewSought() | Sued() | RemedyWithdrawn() | DecisionMissed() | Decided():
            items = load(row.items)
            _remedy(items, event)
            return _contested(row, event)._replace(items=dump(items))
        case DamagesClaimed():
            return row._replace(claimed_fen=event.amount.fen)
        case DamagesAwarded():
            return row._replace(awarded_fen=event.amount.fen)
        case Paid():
            return row._replace(paid_fen=row.paid_fen + event.amount.fen)
        case Lifted() | Ended():
            # What is contested stays so: whether it was right is still to be decided.
            status = row.status if row.contested_by else Status.ENDED
            ending = "lifted" if isinstance(event, Lifted) else "ended"
            return row._replace(status=status, ended_at=at, ending=ending)
        case _:
            assert_never(event)


def _imposed(event: Imposed) -> Row:
    items: Items = {}
    put(items, "grounds", 1, complaints=event.complaints, grievances=event.grievances, number=1)
    return Row(
        status=Status.IN_FORCE,
        target_id=event.target,
        imposed_by=event.imposed_by,
        ladder="platform" if event.kind in PLATFORM_LADDER else "authority",
        kind=event.kind,
        imposed_at=event.occurred_at,
        reason=event.reason,
        basis=event.basis,
        case_number=event.case_number,
        rule_id=event.rule.rule_id if event.rule else None,
        rule_version=event.rule.version if event.rule else None,
        amount_fen=event.amount.fen if event.amount else None,
        currency=event.amount.currency if event.amount else None,
        ends_due=event.until,
        violation=event.violation,
        notice=event.notice,
        report_id=event.report,
        items=dump(items),
    )


def _contested(row: Row, event: RemedyEvent) -> Row:
    match event:
        case Appealed():
            damages = row.claimed_fen if event.damages is None else event.damages.fen
            return row._replace(status=Status.CONTESTED, contested_by=RemedyKind.APPEAL, claimed_fen=damages)
        case ReviewSought():
            return row._replace(status=Status.CONTESTED, contested_by=RemedyKind.REVIEW)
        case Sued():
            return row._replace(status=Status.CONTESTED, contested_by=RemedyKind.SUIT)
        case DecisionMissed():
            return row
        case RemedyWithdrawn():
            return row._replace(status=Status.ENDED if row.ended_at else Status.IN_FORCE, contested_by=None)
        case Decided():
            return _decided(row, event)
        case _:
            assert_never(event)


def _decided(row: Row, event: Decided) -> Row:
    row = row._replace(
        status=Status.ENDED if row.ended_at else Status.IN_FORCE,
        contested_by=None,
        counts=event.counts,
        paid_fen=row.paid_fen - (0 if event.repay is None else event.repay.fen),
        awarded_fen=row.awarded_fen if event.damages is None else event.damages.fen,
    )
    if event.outcome is DecisionOutcome.REVOKED:
        ended = row.ended_at or event.occurred_at
        return row._replace(status=Status.REVOKED, ended_at=ended, ending="revoked")
    if event.kind is None:
        return row
    amount = event.amount
    return row._replace(
        kind=event.kind,
        amount_fen=amount.fen if amount else None,
        currency=amount.currency if amount else None,
        ends_due=event.until,
    )


def _remedy(items: Items, event: RemedyEvent) -> None:
    at = event.occurred_at
    last = len(items.get("remedy", {}))
    match event:
        case Appealed():
            due = None if event.term is None else event.term.due
            _begin(items, RemedyKind.APPEAL, at, {"grounds": event.grounds}, due)
        case ReviewSought():
            _begin(items, RemedyKind.REVIEW, at, {"grounds": event.grounds, "body": event.body})
        case Sued():
            said = {"grounds": event.grounds, "body": event.court, "reference": event.reference}
            _begin(items, RemedyKind.SUIT, at, said)
        case DecisionMissed():
            alter(items, "remedy", last, missed_at=at)
        case RemedyWithdrawn():
            alter(items, "remedy", last, ended_at=at, outcome="withdrawn", texts={"reason": event.reason})
        case Decided():
            alter(items, "remedy", last, ended_at=at, outcome=event.outcome, texts={"reasons": event.reasons})
        case _:
            assert_never(event)


def _begin(items: Items, remedy: RemedyKind, at: datetime, said: dict[str, str], due: datetime | None = None) -> None:
    n = following(items, "remedy")
    put(items, "remedy", n, number=n, remedy=remedy, begun_at=at, decision_due=due, texts=said)


def _grounds(name: str) -> Callable[[Row], Iterator[Key]]:
    return lambda row: ((one,) for item in items_of(row, "grounds") for one in item[name])


ID = "measure_id"
MEASURES = Projection(
    name="measures",
    kind=MEASURE,
    table="read.measures",
    key=ID,
    row=Row,
    fold=fold,
    sums=(
        table(
            "measure_remedies",
            ID,
            "remedy",
            *(number("number"), text("remedy"), instant("begun_at"), instant("decision_due")),
            *(instant("missed_at"), instant("ended_at"), text("outcome")),
        ),
        listed("measure_complaints", ID, ("complaint_id",), _grounds("complaints")),
        listed("measure_grievances", ID, ("grievance_id",), _grounds("grievances")),
        texts("measure_texts", ID),
    ),
)
