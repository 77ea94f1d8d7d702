"""Read model ``resolution_statistics``: how complaints end, by merchant, product, region, channel and month."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from domain.calendar import month_of
from domain.complaint.state import RequestKind, Status
from projections.projection import Sums

if TYPE_CHECKING:
    from projections.complaint_details import Row

#: The columns of sums, in the order of the integers in a contribution.
MEASURES = (
    "filed",
    "valid",
    "answered",
    "answered_on_time",
    "resolved",
    "disputed",
    "reopened",
    "recovered_fen",
)
_NOT_VALID = frozenset({Status.WITHDRAWN, Status.REFUSED, Status.REFERRED})
DIMENSIONS = ("all", "merchant", "product", "region", "channel")


def contributions(row: Row) -> Mapping[tuple[Any, ...], tuple[int, ...]]:
    """Return what a complaint counts for, under the key (dimension, scheme, key, month of filing).

    Nothing but complaints, and one that was merged into another not at all. Valid is every complaint that was neither
    withdrawn, refused nor referred to another authority, nor found to be unfounded or ended on a ground that says
    nothing of the merchant; all other measures but ``filed`` count valid complaints only.
    """
    if row.kind != RequestKind.COMPLAINT or row.status == Status.MERGED:
        return {}
    valid = row.counts and row.status not in _NOT_VALID and row.ground != "unfounded"
    measures = (
        (
            1,
            1,
            int(row.answer is not None),
            int(row.answered_on_time is True),
            int(row.resolved),
            int(row.disputed),
            int(row.reopened > 0),
            row.recovered_fen,
        )
        if valid
        else (1, 0, 0, 0, 0, 0, 0, 0)
    )
    month = _month(row.filed_at)
    return {
        ("all", "", "", month): measures,
        ("merchant", "", row.merchant_id or "", month): measures,
        ("product", row.scheme, row.product, month): measures,
        ("region", row.region_scheme or "", row.region or "", month): measures,
        ("channel", "", row.channel, month): measures,
    }


@lru_cache(maxsize=4096)
def _month(at: Any) -> date:
    return month_of(at)


RESOLUTION_STATISTICS = Sums(
    table="read.resolution_statistics",
    keys=("dimension", "scheme", "key", "month"),
    measures=MEASURES,
    contributions=contributions,
)
