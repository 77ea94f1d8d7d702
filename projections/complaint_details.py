"""Read model ``complaint_details``: one row per complaint, as it stands now. Holds no personal data."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, assert_never

from domain.complaint.events import (
    RELIEF,
    Answered,
    Closed,
    ComplaintEvent,
    Corrected,
    DeadlineMissed,
    Disputed,
    Filed,
    Reopened,
    Resolved,
    Routed,
    Withdrawn,
)
from domain.complaint.state import Status
from domain.streams import COMPLAINT
from projections.projection import Projection
from projections.resolution_statistics import RESOLUTION_STATISTICS


class Row(NamedTuple):
    """See the comments on the columns of ``read.complaint_details``."""

    status: str
    consumer_id: str
    channel: str
    scheme: str
    product: str
    filed_at: datetime
    sub_product: str | None = None
    issue: str | None = None
    sub_issue: str | None = None
    region_scheme: str | None = None
    region: str | None = None
    register_name: str | None = None
    reference: str | None = None
    claim_fen: int | None = None
    claim_currency: str | None = None
    merchant_id: str | None = None
    routed_at: datetime | None = None
    answer_due: datetime | None = None
    answer: str | None = None
    answered_at: datetime | None = None
    answered_on_time: bool | None = None
    deadlines_missed: int = 0
    resolved: bool = False
    resolved_at: datetime | None = None
    recovered_fen: int = 0
    ground: str | None = None
    closed_at: datetime | None = None
    disputed: bool = False
    reopened: int = 0
    withdrawn_at: datetime | None = None


def fold(row: Row | None, event: ComplaintEvent) -> Row:
    """Return the row after ``event``; raises ValueError when a stream does not begin with its filing."""
    if isinstance(event, Filed):
        return Row(
            status=Status.FILED,
            consumer_id=event.consumer_id,
            channel=event.channel,
            scheme=event.scheme,
            product=event.product,
            filed_at=event.occurred_at,
            sub_product=event.sub_product,
            issue=event.issue,
            sub_issue=event.sub_issue,
            region_scheme=event.region.scheme if event.region else None,
            region=event.region.value if event.region else None,
            register_name=event.origin.register_name if event.origin else None,
            reference=event.origin.reference if event.origin else None,
            claim_fen=event.claim.fen if event.claim else None,
            claim_currency=event.claim.currency if event.claim else None,
        )
    if row is None:
        raise ValueError(f"{event.name} before complaint.filed")
    match event:
        case Routed():
            return row._replace(
                status=Status.ROUTED,
                merchant_id=event.merchant_id,
                routed_at=event.occurred_at,
                answer_due=event.answer_due,
            )
        case Answered():
            return row._replace(
                status=Status.ANSWERED,
                answer=event.kind,
                answered_at=event.occurred_at,
                answered_on_time=event.in_time,
            )
        case Resolved():
            in_cny = event.recovered is not None and event.recovered.currency == "CNY"
            recovered = event.recovered.fen if event.recovered is not None and in_cny else 0
            return row._replace(
                status=Status.RESOLVED,
                resolved=True,
                resolved_at=event.occurred_at,
                recovered_fen=row.recovered_fen + recovered,
            )
        case Closed():
            return row._replace(status=Status.CLOSED, ground=event.ground, closed_at=event.occurred_at)
        case DeadlineMissed():
            return row._replace(deadlines_missed=row.deadlines_missed + 1)
        case Disputed():
            return row._replace(disputed=True)
        case Withdrawn():
            return row._replace(status=Status.WITHDRAWN, withdrawn_at=event.occurred_at)
        case Reopened():
            return row._replace(
                status=Status.ROUTED,
                answer_due=event.answer_due,
                answer=None,
                answered_at=None,
                answered_on_time=None,
                resolved=False,
                resolved_at=None,
                ground=None,
                closed_at=None,
                disputed=False,
                reopened=row.reopened + 1,
            )
        case Corrected():
            return _correct(row, event)
        case _:
            assert_never(event)


def _correct(row: Row, event: Corrected) -> Row:
    stated = {
        name: value
        for name in ("merchant_id", "channel", "product", "sub_product", "issue", "sub_issue", "disputed")
        if (value := getattr(event, name)) is not None
    }
    if event.region is not None:
        stated |= {"region_scheme": event.region.scheme, "region": event.region.value}
    if event.in_time is not None:
        stated["answered_on_time"] = event.in_time
    if event.answer is not None:
        relief = event.answer in RELIEF
        stated |= {
            "answer": event.answer,
            "resolved": relief,
            "status": Status.RESOLVED if relief else Status.CLOSED,
            "resolved_at": (row.resolved_at or event.occurred_at) if relief else None,
        }
    return row._replace(**stated)


COMPLAINT_DETAILS = Projection(
    name="complaint_details",
    kind=COMPLAINT,
    table="read.complaint_details",
    key="complaint_id",
    row=Row,
    fold=fold,
    sums=(RESOLUTION_STATISTICS,),
)
