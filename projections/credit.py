"""Sums for the complaint-handling score: docs/definitions.md, "Complaint-handling score".

What grows old is summed in units that grow with the day, so that sums are exact, whatever their order, and are right on
every later day: only the quotient by the units of that day decays. Orders and consumers with several complaints are
counted, so that reading finds what is to be taken off.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from domain.calendar import day_of
from domain.complaint.state import RequestKind, Status
from projections.projection import Sums
from projections.resolution_statistics import is_valid

if TYPE_CHECKING:
    from projections.complaint_details import Row

#: Days that the weight takes to halve in the sums. Under an edition with another one they are not used.
HALF_LIFE = 180
#: Binary places of a unit on the day that units are counted from.
PLACES = 40
EPOCH = date(2000, 1, 1)

MEASURES = (
    "complaints",
    "unresolved",
    "unresolved_ended",
    "unresolved_on_time",
    "units",
    "units_ended",
    "units_on_time",
    "units_settled",
    "units_confirmed",
    "paid_then_withdrawn",
)
_PAID_THEN_WITHDRAWN = (0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
_UNANSWERED = (1, 1, 0, 0, 0, 0, 0, 0, 0, 0)
_ONE = (1,)

Key = tuple[Any, ...]


@lru_cache(maxsize=16_384)
def units(day: date, half_life: int = HALF_LIFE) -> int:
    """Return what a complaint that was resolved on a day weighs, in units: 2^(40 + days since 2000-01-01 / half-life).

    The part of the exponent within a half-life is rounded to the nearest integer, then shifted by whole ones.
    """
    halvings, rest = divmod((day - EPOCH).days, half_life)
    within = _within(rest, half_life)
    return within << halvings if halvings >= 0 else (within + (1 << -halvings >> 1)) >> -halvings


@lru_cache(maxsize=2 * HALF_LIFE)
def _within(rest: int, half_life: int) -> int:
    with localcontext() as context:
        context.prec = 60
        exact = Decimal(2) ** (PLACES + Decimal(rest) / half_life)
        return int(exact.to_integral_value(ROUND_HALF_UP))


def contributions(row: Row) -> Mapping[Key, tuple[int, ...]]:
    """Return what a complaint counts for at its merchant, in the order of MEASURES."""
    if row.merchant_id is None or row.kind != RequestKind.COMPLAINT:
        return {}
    if row.status == Status.WITHDRAWN and row.paid_when_withdrawn:
        return {(row.merchant_id,): _PAID_THEN_WITHDRAWN}
    if not is_valid(row):
        return {}
    answered = row.answered_at is not None
    ended = answered or row.answer_missed
    on_time = answered and row.answered_on_time is True
    if not row.resolved or row.resolved_at is None:
        if not ended:
            return {(row.merchant_id,): _UNANSWERED}
        return {(row.merchant_id,): (1, 1, 1, int(on_time), 0, 0, 0, 0, 0, 0)}
    weight = units(day_of(row.resolved_at))
    return {
        (row.merchant_id,): (
            1,
            0,
            0,
            0,
            weight,
            weight if ended else 0,
            weight if on_time else 0,
            0 if row.resolution_missed else weight,
            0 if row.reopened_soon else weight,
            0,
        )
    }


def _of_consumer(row: Row) -> Mapping[Key, tuple[int, ...]]:
    return {(row.merchant_id, row.consumer_id): _ONE} if row.merchant_id is not None and is_valid(row) else {}


def _of_order(row: Row) -> Mapping[Key, tuple[int, ...]]:
    if row.order_reference is None or row.merchant_id is None or not is_valid(row):
        return {}
    return {(row.merchant_id, row.order_reference): _ONE}


COUNT = ("complaints",)
CREDIT = (
    Sums("read.credit_sums", ("merchant_id",), MEASURES, contributions),
    Sums("read.credit_consumers", ("merchant_id", "consumer_id"), COUNT, _of_consumer),
    Sums("read.credit_orders", ("merchant_id", "order_reference"), COUNT, _of_order),
)
