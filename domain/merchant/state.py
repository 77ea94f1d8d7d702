"""The state of a merchant: what its decisions need."""

from __future__ import annotations

from dataclasses import dataclass

from domain.merchant.events import MerchantEvent


@dataclass(frozen=True, slots=True)
class Merchant:
    """``registered`` is False before the first event."""

    registered: bool = False


NEW = Merchant()


def evolve(state: Merchant, event: MerchantEvent) -> Merchant:
    """Return the state after ``event``."""
    return Merchant(registered=True)
