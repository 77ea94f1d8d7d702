"""One function per command on a merchant: state in, events out, or a RuleViolation."""

from __future__ import annotations

from datetime import datetime

from domain.errors import RuleViolation
from domain.merchant.events import MerchantEvent, Registered
from domain.merchant.state import Merchant
from domain.values import Actor, Code, TimePrecision


def register(
    state: Merchant,
    *,
    at: datetime,
    by: Actor,
    trade_name: str,
    identifier: Code | None = None,
    register_name: str | None = None,
    precision: TimePrecision = TimePrecision.INSTANT,
) -> list[MerchantEvent]:
    """Make a merchant known to the ledger."""
    if state.registered:
        raise RuleViolation("merchant-registered-once", "this merchant is registered already")
    return [
        Registered(
            occurred_at=at,
            actor=by,
            trade_name=trade_name,
            identifier=identifier,
            register_name=register_name,
            precision=precision,
        )
    ]
