"""What can happen to a merchant."""

from __future__ import annotations

from domain.event import Event
from domain.values import Code, ShortText, TimePrecision


class Registered(Event):
    """A merchant became known, under a name and, where there is one, an official identifier."""

    name = "merchant.registered"

    trade_name: ShortText
    identifier: Code | None = None
    register_name: ShortText | None = None
    precision: TimePrecision = TimePrecision.INSTANT


MerchantEvent = Registered
