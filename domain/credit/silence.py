"""Silence beyond a term, which counts in the credit of the merchant."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from domain.credit.state import Credit, Status
from domain.event import Event
from domain.values import Actor, ComplaintId, MerchantId, ShortText


class CreditBasis(StrEnum):
    """Why a credit event was recorded."""

    SILENCE = "silence"


class CreditEventRecorded(Event):
    """The merchant let a deadline of a complaint pass in silence. ``number`` counts those of the day."""

    name = "credit.event_recorded"

    merchant_id: MerchantId
    number: Annotated[int, Field(ge=1)]
    basis: CreditBasis
    complaint_id: ComplaintId
    deadline: ShortText


CreditEvent = CreditEventRecorded


def evolve(state: Credit, event: CreditEvent) -> Credit:
    return replace(state, status=Status.RECORDED, causes=state.causes | {(event.complaint_id, event.deadline)})


def record_silence(
    state: Credit, *, at: datetime, by: Actor, merchant_id: str, complaint_id: str, deadline: str
) -> list[CreditEvent]:
    """Record that a deadline of a complaint passed in silence; once for each."""
    if (complaint_id, deadline) in state.causes:
        return []
    return [
        CreditEventRecorded(
            occurred_at=at,
            actor=by,
            merchant_id=merchant_id,
            number=len(state.causes) + 1,
            basis=CreditBasis.SILENCE,
            complaint_id=complaint_id,
            deadline=deadline,
        )
    ]
