"""Fees by complexity and amount, shared between the parties."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import BaseModel, Field

from domain.errors import InvalidInput
from domain.rulebook.codes import Region, Slug
from domain.values import FROZEN, ShortText

Fen = Annotated[int, Field(ge=0, le=10**15, strict=True)]
Permille = Annotated[int, Field(ge=0, le=1000, strict=True)]


class Complexity(StrEnum):
    """How much work a case makes."""

    SIMPLE = "simple"
    ORDINARY = "ordinary"
    COMPLEX = "complex"


class FeeBand(BaseModel):
    """``permille`` is charged on the part of the amount above the band before and up to ``up_to_fen`` (None: all)."""

    model_config = FROZEN
    up_to_fen: Annotated[int, Field(gt=0, le=10**15, strict=True)] | None = None
    permille: Permille


class FeeScale(BaseModel):
    """What a case of one complexity costs: a base in fen, and a part of each band of the amount in dispute."""

    model_config = FROZEN
    base_fen: Fen
    bands: tuple[FeeBand, ...]


class FeeSchedule(BaseModel):
    """Fees in a region (``000000``: the whole country); of each, the merchant bears ``merchant_permille``."""

    model_config = FROZEN
    id: Slug
    region: Region
    title: ShortText
    in_force_from: date
    in_force_to: date | None = None
    scales: dict[Complexity, FeeScale]
    merchant_permille: Permille
    source: ShortText
    note: ShortText | None = None


class Fee(NamedTuple):
    """In fen; ``consumer`` and ``merchant`` are shares that add up to ``total``."""

    total: int
    consumer: int
    merchant: int


def fee(schedule: FeeSchedule, amount_fen: int, complexity: Complexity) -> Fee:
    """Compute the fee for an amount in dispute, exact to the fen.

    The total and then the merchant's share are each rounded once, half a fen up; the consumer bears what is left.
    Raises InvalidInput for a negative amount or a complexity without a scale.
    """
    if amount_fen < 0:
        raise InvalidInput(f"the amount in dispute is {amount_fen} fen", hint="give one that is not negative")
    scale = schedule.scales.get(complexity)
    if scale is None:
        raise InvalidInput(
            f"the fee schedule {schedule.id} has no scale for {complexity.value} cases", hint="publish it with one"
        )
    charged, below = 0, 0
    for band in scale.bands:
        above = amount_fen if band.up_to_fen is None else min(amount_fen, band.up_to_fen)
        charged += max(above - below, 0) * band.permille
        below = max(above, below)
    total = scale.base_fen + _rounded(charged)
    merchant = _rounded(total * schedule.merchant_permille)
    return Fee(total, total - merchant, merchant)


def _rounded(thousandths: int) -> int:
    return (thousandths + 500) // 1000
