"""Policies: what a merchant gives of itself in a frequent kind of dispute, which it may adopt beforehand."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field

from domain.rulebook.codes import Region, Slug
from domain.values import FROZEN, ShortText


class PolicyKind(StrEnum):
    """What a policy is about."""

    RETURN = "return"
    EXCHANGE = "exchange"
    REPAIR = "repair"
    REFUND = "refund"


class Relief(StrEnum):
    """What a policy gives; the outcomes of the same names."""

    RETURN = "return"
    EXCHANGE = "exchange"
    REPAIR = "repair"
    PARTIAL_REFUND = "partial_refund"
    FULL_REFUND = "full_refund"
    COMPENSATION = "compensation"


#: The parameters of when a policy executes itself: how surely, in permille, the scenario has to be known.
POLICY_EXECUTION = "policy_execution"
LEAST_CONFIDENCE = "least_confidence"
#: What is paid, as a share of the price.
PAID = frozenset({Relief.PARTIAL_REFUND, Relief.FULL_REFUND, Relief.COMPENSATION})
REFUNDS = frozenset({Relief.PARTIAL_REFUND, Relief.FULL_REFUND})
#: What a policy of each kind gives at least one of.
GIVES = {
    PolicyKind.RETURN: frozenset({Relief.RETURN}),
    PolicyKind.EXCHANGE: frozenset({Relief.EXCHANGE}),
    PolicyKind.REPAIR: frozenset({Relief.REPAIR}),
    PolicyKind.REFUND: REFUNDS,
}


class PolicyTerm(BaseModel):
    """One item of what is given; ``permille`` is the share of the price where money is paid."""

    model_config = FROZEN
    kind: Relief
    permille: Annotated[int, Field(ge=1, le=10_000, strict=True)] | None = None

    def fen(self, price_fen: int) -> int | None:
        """Return what it is of a price, rounded half-up; None where no money is paid."""
        return None if self.permille is None else (price_fen * self.permille + 500) // 1000


class PolicyTemplate(BaseModel):
    """A standard policy: in which scenarios, how many days after the purchase, up to which price, and what it gives."""

    model_config = FROZEN
    id: Slug
    title_zh: ShortText
    title_en: ShortText
    kind: PolicyKind
    scenarios: Annotated[tuple[Slug, ...], Field(min_length=1)]
    within_days: Annotated[int, Field(ge=1, le=3650, strict=True)]
    most_fen: Annotated[int, Field(ge=1, le=10**15, strict=True)] | None = None
    terms: Annotated[tuple[PolicyTerm, ...], Field(min_length=1)]
    in_force_from: date
    in_force_to: date | None = None
    region: Region
    source: ShortText
    note: ShortText | None = None
