"""Read model ``flows``: what came of requests, by the day on which it happened.

Of the requests as they stand now, as ``resolution_statistics`` is, of which each measure here is one: over all days
both come to the same. What was filed is not kept twice: it is in ``resolution_statistics`` by the same keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from projections.projection import Sums
from projections.resolution_statistics import MEASURES as COUNTED
from projections.resolution_statistics import coarser, day_in_shanghai, is_counted, measures

if TYPE_CHECKING:
    from projections.complaint_details import Row

Key = tuple[Any, ...]


def ended_at(row: Row) -> datetime | None:
    """Return since when a complaint is at its end: its resolution, or else what closed it."""
    return row.resolved_at if row.resolved else row.closed_at


#: Each measure that counts once for a request, and when that happened.
WHEN: Mapping[str, Callable[[Row], datetime | None]] = {
    "received": lambda row: row.received_at,
    "checked": lambda row: row.checked_at,
    "checked_on_time": lambda row: row.checked_at,
    "accepted": lambda row: row.accepted_at,
    "answered": lambda row: row.answered_at,
    "answered_on_time": lambda row: row.answered_at,
    "ended": ended_at,
    "resolved": lambda row: row.resolved_at,
    "withdrawn": lambda row: row.withdrawn_at,
    "mediated": lambda row: row.mediated_at,
    "mediation_succeeded": lambda row: row.mediated_at,
    "concluded": lambda row: row.concluded_at,
    "concluded_on_time": lambda row: row.concluded_at,
    "verified": lambda row: row.verified_at,
    "verified_on_time": lambda row: row.verified_at,
    "cases_filed": lambda row: row.verified_at,
    "fines": lambda row: row.penalty_at,
    "fine_fen": lambda row: row.penalty_at,
}
#: Each sum of money, and its days: ``day=fen``, with spaces between.
PAID: Mapping[str, Callable[[Row], str]] = {
    "recovered_fen": lambda row: row.payments,
    "punitive_fen": lambda row: row.damages,
}
#: The columns of sums, in the order of the integers in a contribution. A punitive case counts when it is first paid.
MEASURES = (*WHEN, "recovered_fen", "punitive_cases", "punitive_fen")
#: By whom, where and through what: other dimensions are asked of the day of filing.
DIMENSIONS = ("all", "kind", "merchant", "region", "channel", "register", "office")
#: Each rate as the measure that it is the share of, and the measure among which; both of the same days.
RATES = {
    "success_rate": ("resolved", "ended"),
    "answers_on_time_rate": ("answered_on_time", "answered"),
    "first_check_on_time_rate": ("checked_on_time", "checked"),
    "mediation_success_rate": ("mediation_succeeded", "mediated"),
    "concluded_on_time_rate": ("concluded_on_time", "concluded"),
    "verified_on_time_rate": ("verified_on_time", "verified"),
    "case_rate": ("cases_filed", "verified"),
}
_WHEN = tuple((n, COUNTED.index(name), when) for n, (name, when) in enumerate(WHEN.items()))
_HAPPENED = attrgetter(
    "received_at",
    "checked_at",
    "answered_at",
    "resolved_at",
    "closed_at",
    "withdrawn_at",
    "mediated_at",
    "concluded_at",
    "verified_at",
    "penalty_at",
    "payments",
    "damages",
)
_RECOVERED, _CASES, _PUNITIVE = (MEASURES.index(name) for name in ("recovered_fen", "punitive_cases", "punitive_fen"))
_PAYS = COUNTED.index("recovered_fen"), COUNTED.index("punitive_fen")


def dimensions(row: Row) -> tuple[Key, ...]:
    """Return the keys under which a request counts, without the time: (dimension, scheme, key)."""
    return (
        ("all", "", ""),
        ("kind", "", row.kind),
        ("merchant", "", row.merchant_id or ""),
        ("region", row.region_scheme or "", row.region or ""),
        ("channel", "", row.channel),
        ("register", "", row.register_name or ""),
        ("office", "", row.office_id or ""),
    )


def days(row: Row) -> dict[date, list[int]]:
    """Return what a request counts for on each day, in the order of MEASURES."""
    found: dict[date, list[int]] = {}
    # Most events come before anything of this has happened: so the measures are not reckoned for them.
    if not any(_HAPPENED(row)) or not is_counted(row):
        return found
    counted = measures(row)
    for n, of, when in _WHEN:
        if counted[of] and (at := when(row)) is not None:
            _on(found, day_in_shanghai(at))[n] = counted[of]
    if counted[_PAYS[0]]:
        for day, fen in _paid(row.payments):
            _on(found, day)[_RECOVERED] = fen
    if counted[_PAYS[1]]:
        for day, fen in _paid(row.damages):
            _on(found, day)[_PUNITIVE] = fen
        _on(found, min(day for day, _ in _paid(row.damages)))[_CASES] = 1
    return found


def contributions(row: Row) -> Mapping[Key, tuple[int, ...]]:
    """Return what a request counts for, under the key (dimension, scheme, key, day, day on which it happened)."""
    found = days(row)
    if not found:
        return {}
    own = dimensions(row)
    return {
        (*dimension, "day", day): counted
        for day, counted in [(day, tuple(values)) for day, values in found.items()]
        for dimension in own
    }


def _on(found: dict[date, list[int]], day: date) -> list[int]:
    return found.setdefault(day, [0] * len(MEASURES))


def _paid(text: str) -> list[tuple[date, int]]:
    return [(date.fromisoformat(day), int(fen)) for day, _, fen in (one.partition("=") for one in text.split())]


FLOWS = Sums(
    table="read.flows",
    keys=("dimension", "scheme", "key", "grain", "first_day"),
    measures=MEASURES,
    contributions=contributions,
    coarser=coarser,
)
