"""Read model ``resolution_statistics``: how requests end, by what they are about and when they were filed.

What each figure means, and of what it is a share, is in docs/definitions.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from domain.calendar import day_of
from domain.complaint.state import RequestKind, Status, Way
from projections.projection import Sums

if TYPE_CHECKING:
    from projections.complaint_details import Row

#: The columns of sums, in the order of the integers in a contribution.
MEASURES = (
    "requests",
    "filed",
    "valid",
    "withdrawn",
    "refused",
    "referred",
    "routed",
    "answer_ended",
    "answered",
    "answered_on_time",
    "resolved",
    "resolved_on_time",
    "confirmed",
    "disputed",
    "reopened",
    "self_settled",
    "received",
    "checked",
    "checked_on_time",
    "accepted",
    "mediated",
    "mediation_succeeded",
    "ended",
    "ended_without_person",
    "concluded",
    "concluded_on_time",
    "person_requested",
    "person_reached",
    "suggested",
    "suggestion_taken",
    "called_back",
    "rated",
    "satisfaction_points",
    "dispute_fen",
    "recovered_fen",
    "punitive_cases",
    "punitive_fen",
    "reports",
    "verified",
    "verified_on_time",
    "cases_filed",
    "fines",
    "fine_fen",
    "valid_here",
    "routed_here",
    "ended_here",
)
DIMENSIONS = (
    "all",
    "kind",
    "merchant",
    "product",
    "issue",
    "region",
    "channel",
    "register",
    "scenario",
    "stage",
    "violation",
    "office",
)
#: Lengths of time that sums are kept for: of the day of filing in Shanghai, and of its month and year.
GRAINS = ("day", "month", "year", "all_time")
KEYS = ("dimension", "scheme", "key", "grain", "first_day")
_NOT_VALID = frozenset({Status.WITHDRAWN, Status.REFUSED, Status.REFERRED})
_ENDED = frozenset({Status.RESOLVED, Status.CLOSED})

Key = tuple[Any, ...]


def is_counted(row: Row) -> bool:
    """Whether a request is counted at all: one that was merged into another is counted as that."""
    return row.status != Status.MERGED


def is_valid(row: Row) -> bool:
    """Whether it is a valid complaint: see "valid" in docs/definitions.md."""
    return (
        row.kind == RequestKind.COMPLAINT
        and row.status not in _NOT_VALID
        and row.status != Status.MERGED
        # A register of origin may state the answer of what was closed otherwise.
        and (row.resolved or (row.counts and row.ground != "unfounded"))
    )


def dimensions(row: Row) -> tuple[Key, ...]:
    """Return the keys under which a request counts, without the time: (dimension, scheme, key)."""
    return (
        ("all", "", ""),
        ("kind", "", row.kind),
        ("merchant", "", row.merchant_id or ""),
        ("product", row.scheme, row.product),
        ("issue", row.scheme, row.issue or ""),
        ("region", row.region_scheme or "", row.region or ""),
        ("channel", "", row.channel),
        ("register", "", row.register_name or ""),
        ("scenario", "", row.scenario or ""),
        ("stage", "", row.stage or ""),
        ("violation", "", row.violation or ""),
        ("office", "", row.office_id or ""),
    )


def measures(row: Row) -> tuple[int, ...]:
    """Return what a request counts for, in the order of MEASURES."""
    valid = is_valid(row)
    complaint = row.kind == RequestKind.COMPLAINT
    answered = valid and row.answered_at is not None
    resolved = valid and row.resolved
    mediated = valid and row.mediated is not None
    ended = valid and row.status in _ENDED
    decided = complaint and row.checked_at is not None
    concluded = row.concluded_at is not None and row.received_at is not None
    # A register of origin handles what was imported, and tells neither who was at work nor whether an office had it.
    here = valid and row.register_name is None
    fined = row.fined and row.counts
    verified = row.verified_at is not None
    return (
        1,
        int(complaint),
        int(valid),
        int(complaint and row.status == Status.WITHDRAWN),
        int(complaint and row.status == Status.REFUSED),
        int(complaint and row.status == Status.REFERRED),
        int(valid and row.routed_at is not None),
        int(answered or (valid and row.answer_missed)),
        int(answered),
        int(answered and row.answered_on_time is True),
        int(resolved),
        int(resolved and not row.resolution_missed),
        int(resolved and row.reopened_soon == 0),
        int(valid and row.disputed),
        int(valid and row.reopened > 0),
        int(here and resolved and row.received_at is None and row.way in (None, Way.NEGOTIATION)),
        int(row.received_at is not None),
        int(decided),
        int(decided and row.checked_on_time is True),
        int(complaint and row.accepted_at is not None),
        int(mediated),
        int(mediated and row.mediated is True),
        int(ended),
        int(here and ended and not row.human),
        int(concluded),
        int(concluded and not row.mediation_missed),
        int(row.person_requests > 0),
        int(row.person_requests > 0 and row.persons_reached > 0),
        int(row.suggestions > 0),
        int(row.suggestions_taken > 0),
        int(row.called_back),
        int(row.satisfaction is not None),
        row.satisfaction or 0,
        row.dispute_fen if valid else 0,
        row.recovered_fen if valid else 0,
        int(valid and row.punitive_fen > 0),
        row.punitive_fen if valid else 0,
        int(row.kind == RequestKind.REPORT),
        int(verified),
        int(verified and row.verified_on_time is True),
        int(row.case_filed),
        int(fined),
        row.fine_fen if fined else 0,
        int(here),
        int(here and row.routed_at is not None),
        int(here and ended),
    )


def contributions(row: Row) -> Mapping[Key, tuple[int, ...]]:
    """Return what a request counts for, under the key (dimension, scheme, key, day, day of filing)."""
    if not is_counted(row):
        return {}
    counted, day = measures(row), day_filed(row)
    return {(*dimension, "day", day): counted for dimension in dimensions(row)}


def coarser(key: Key) -> tuple[Key, ...]:
    """Return the keys of the month and of the year that the day of ``key`` is in, and of all time."""
    return *longer(key), (*key[:3], "all_time", date.min)


def longer(key: Key) -> tuple[Key, Key]:
    """Return the keys of the month and of the year that the day of ``key`` is in."""
    *dimension, _, day = key[:5]
    rest = key[5:]
    return (
        (*dimension, "month", day.replace(day=1), *rest),
        (*dimension, "year", day.replace(month=1, day=1), *rest),
    )


def day_filed(row: Row) -> date:
    """Return the day of filing in Shanghai."""
    return day_in_shanghai(row.filed_at)


@lru_cache(maxsize=65_536)
def day_in_shanghai(at: Any) -> date:
    """Return the day of an instant; many instants of a batch are the same ones."""
    return day_of(at)


RESOLUTION_STATISTICS = Sums(
    table="read.resolution_statistics",
    keys=KEYS,
    measures=MEASURES,
    contributions=contributions,
    coarser=coarser,
)
