"""Read model ``credit_days``: credit events of merchants, by day, with the complaints behind them."""

from __future__ import annotations

from typing import NamedTuple, assert_never

from domain.credit.life import CREDIT
from domain.credit.silence import CreditEvent, CreditEventRecorded, CreditEventWithdrawn
from projections.items import NONE, alter, dump, instant, load, number, put, table, text, texts
from projections.projection import Projection


class Row(NamedTuple):
    """See the comments on the columns of ``read.credit_days``."""

    merchant_id: str
    recorded: int = 0
    withdrawn: int = 0
    items: str = NONE


def fold(row: Row | None, event: CreditEvent) -> Row:
    """Return the row after ``event``; raises ValueError when a stream does not begin with a credit event."""
    if row is None and isinstance(event, CreditEventRecorded):
        row = Row(event.merchant_id)
    if row is None:
        raise ValueError(f"{event.name} before credit.event_recorded")
    items, at, n = load(row.items), event.occurred_at, event.number
    match event:
        case CreditEventRecorded():
            about = {"merchant_id": event.merchant_id, "complaint_id": event.complaint_id}
            put(items, "credit_event", n, number=n, **about, basis=event.basis, deadline=event.deadline, missed_at=at)
            row = row._replace(recorded=row.recorded + 1)
        case CreditEventWithdrawn():
            alter(items, "credit_event", n, withdrawn_at=at, texts={"reason": event.reason})
            row = row._replace(withdrawn=row.withdrawn + 1)
        case _:
            assert_never(event)
    return row._replace(items=dump(items))


ID = "credit_id"
CREDIT_DAYS = Projection(
    name="credit_days",
    kind=CREDIT,
    table="read.credit_days",
    key=ID,
    row=Row,
    fold=fold,
    sums=(
        table(
            "credit_events",
            ID,
            "credit_event",
            *(number("number"), text("merchant_id"), text("complaint_id"), text("basis"), text("deadline")),
            *(instant("missed_at"), instant("withdrawn_at")),
        ),
        texts("credit_texts", ID),
    ),
)
