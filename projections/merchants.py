"""Read model ``merchants``: who the merchants are."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from domain.merchant.events import MerchantEvent
from domain.streams import MERCHANT
from projections.projection import Projection


class Row(NamedTuple):
    """See the comments on the columns of ``read.merchants``."""

    trade_name: str
    registered_at: datetime
    identifier_scheme: str | None = None
    identifier: str | None = None
    register_name: str | None = None


def fold(row: Row | None, event: MerchantEvent) -> Row:
    """Return the row after ``event``."""
    return Row(
        trade_name=event.trade_name,
        registered_at=event.occurred_at,
        identifier_scheme=event.identifier.scheme if event.identifier else None,
        identifier=event.identifier.value if event.identifier else None,
        register_name=event.register_name,
    )


MERCHANTS = Projection(name="merchants", kind=MERCHANT, table="read.merchants", key="merchant_id", row=Row, fold=fold)
