"""Whom a consequence is about: somebody who goes on, and the complaints sent to it."""

from __future__ import annotations

from collections.abc import Iterable

from domain.errors import RuleViolation
from domain.merchant.registration import as_own
from domain.merchant.state import Merchant, Status
from domain.tracing import Traced, check_traced


def check_about(merchant_id: str, merchant: Merchant, traced: Iterable[Traced]) -> None:
    """Check that a consequence is about a merchant that goes on, and names complaints that were sent to it.

    What was sent to one that was merged into it counts as well. Raises RuleViolation, InvalidInput.
    """
    if merchant.status is not Status.REGISTERED:
        merged = merchant.merged_into
        raise RuleViolation(
            "consequence-for-who-goes-on",
            f"{merchant_id} is {f'merged into {merged}' if merged else 'not registered'}",
            hint=f"name {merged}, which goes on in its place" if merged else "name one that is registered",
        )
    check_traced(as_own(merchant, merchant_id, traced), merchant_id)
