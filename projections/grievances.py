"""Read model ``grievances``: what merchants complain of about platforms, apart from what consumers complain of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple, assert_never

from domain.grievance.complaining import Answered, AnswerMissed, Complained, Settled, Withdrawn
from domain.grievance.deciding import Decided, TakenUp
from domain.grievance.life import GRIEVANCE, GrievanceEvent
from domain.grievance.links import ConsequenceLinked
from domain.grievance.state import Status
from projections.items import NONE, dump, following, items_of, listed, load, put
from projections.projection import Key, Projection


class Row(NamedTuple):
    """See the comments on the columns of ``read.grievances``."""

    status: str
    merchant_id: str
    platform_id: str
    violation: str
    complained_at: datetime
    claim_fen: int | None = None
    claim_currency: str | None = None
    answer_due: datetime | None = None
    missed_at: datetime | None = None
    answered_at: datetime | None = None
    answered_late: bool | None = None
    office_id: str | None = None
    taken_up_at: datetime | None = None
    ended_at: datetime | None = None
    upheld: bool | None = None
    found_violation: str | None = None
    items: str = NONE


def fold(row: Row | None, event: GrievanceEvent) -> Row:
    """Return the row after ``event``; raises ValueError when a stream does not begin with its complaint."""
    at = event.occurred_at
    if isinstance(event, Complained):
        return Row(
            status=Status.OPEN,
            merchant_id=event.merchant_id,
            platform_id=event.platform_id,
            violation=event.violation,
            complained_at=at,
            claim_fen=event.claim.fen if event.claim else None,
            claim_currency=event.claim.currency if event.claim else None,
            answer_due=event.term.due if event.term else None,
        )
    if row is None:
        raise ValueError(f"{event.name} before grievance.complained")
    match event:
        case Answered():
            status = row.status if row.status == Status.TAKEN_UP else Status.ANSWERED
            return row._replace(status=status, answered_at=at, answered_late=event.late)
        case AnswerMissed():
            return row._replace(status=Status.UNANSWERED, missed_at=at)
        case Settled():
            return row._replace(status=Status.SETTLED, ended_at=at)
        case Withdrawn():
            return row._replace(status=Status.WITHDRAWN, ended_at=at)
        case TakenUp():
            return row._replace(status=Status.TAKEN_UP, office_id=event.office_id, taken_up_at=at)
        case Decided():
            decided = row._replace(status=Status.DECIDED, ended_at=at)
            return decided._replace(upheld=event.upheld, found_violation=event.violation)
        case ConsequenceLinked():
            items = load(row.items)
            put(items, "consequence", following(items, "consequence"), stream=event.stream)
            return row._replace(items=dump(items))
        case _:
            assert_never(event)


def _consequences(row: Row) -> Iterator[Key]:
    return ((one["stream"],) for one in items_of(row, "consequence"))


ID = "grievance_id"
GRIEVANCES = Projection(
    name="grievances",
    kind=GRIEVANCE,
    table="read.grievances",
    key=ID,
    row=Row,
    fold=fold,
    sums=(listed("grievance_consequences", ID, ("consequence_id",), _consequences),),
)
