"""Silence beyond a term, which counts in the credit of the merchant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, assert_never

from pydantic import Field

from domain.credit.state import Credit, Status
from domain.event import Event
from domain.values import Actor, ComplaintId, MerchantId, ShortText

Number = Annotated[int, Field(ge=1)]


class CreditBasis(StrEnum):
    """Why a credit event was recorded."""

    SILENCE = "silence"


class CreditEventRecorded(Event):
    """The merchant let a deadline of a complaint pass in silence. ``number`` counts those of the day."""

    name = "credit.event_recorded"

    merchant_id: MerchantId
    number: Number
    basis: CreditBasis
    complaint_id: ComplaintId
    deadline: ShortText


class CreditEventWithdrawn(Event):
    """The complaint turned out not to count, nor does the credit event ``number`` of the day."""

    name = "credit.event_withdrawn"

    merchant_id: MerchantId
    number: Number
    complaint_id: ComplaintId
    reason: ShortText


CreditEvent = CreditEventRecorded | CreditEventWithdrawn


def evolve(state: Credit, event: CreditEvent) -> Credit:
    match event:
        case CreditEventRecorded():
            cause = (event.complaint_id, event.deadline, event.occurred_at)
            return replace(state, status=Status.RECORDED, causes={**state.causes, cause: event.number})
        case CreditEventWithdrawn():
            return replace(state, withdrawn=state.withdrawn | {event.number})
        case _:
            assert_never(event)


def record_silence(
    state: Credit, *, at: datetime, by: Actor, merchant_id: str, complaint_id: str, deadline: str
) -> list[CreditEvent]:
    """Record that a deadline of a complaint passed in silence then; once for each."""
    if (complaint_id, deadline, at) in state.causes:
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


def withdraw_silences(
    state: Credit,
    *,
    at: datetime,
    by: Actor,
    merchant_id: str,
    complaint_id: str,
    silences: Iterable[tuple[str, datetime]],
    reason: str,
) -> list[CreditEvent]:
    """Withdraw what was recorded for these deadlines of a complaint, with their due times; once for each."""
    numbers = (state.causes.get((complaint_id, deadline, due)) for deadline, due in silences)
    return [
        CreditEventWithdrawn(
            occurred_at=at, actor=by, merchant_id=merchant_id, number=number, complaint_id=complaint_id, reason=reason
        )
        for number in numbers
        if number is not None and number not in state.withdrawn
    ]
