"""Read model ``durations``: how long answers and resolutions took, as histograms with fixed boundaries.

A quantile read from a histogram is the upper boundary of the bucket that it is in: at most a tenth, or a minute, more
than the true one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from projections.projection import Sums
from projections.resolution_statistics import Key, day_filed, day_in_shanghai, dimensions, is_valid, longer

if TYPE_CHECKING:
    from projections.complaint_details import Row


def _boundaries() -> tuple[int, ...]:
    found = [1]
    while found[-1] < 20 * 366 * 24 * 60:
        found.append(max(found[-1] + 1, found[-1] * 11 // 10))
    return tuple(found)


#: Upper boundaries of the buckets, in minutes; each is in its bucket. The last takes everything longer.
BOUNDARIES = _boundaries()
#: What took so long: from being sent to the merchant to its answer, and from the filing to the resolution.
KINDS = ("answer", "resolution")
#: The same as resolution by the day of the resolution, of all requests only: what efficiency is told from.
RESOLVED = "resolved"


def bucket(duration: timedelta) -> int:
    """Return the upper boundary of a duration's bucket, in minutes; what took less than no time is in the first."""
    minutes = -(-duration // timedelta(minutes=1))
    return BOUNDARIES[min(bisect_left(BOUNDARIES, minutes), len(BOUNDARIES) - 1)]


def contributions(row: Row) -> Mapping[Key, tuple[int, ...]]:
    """Return 1 for each duration of a valid complaint: (dimension, scheme, key, day, its day, what, minutes).

    Its day is that of the filing; of ``resolved`` that of the resolution.
    """
    if not is_valid(row):
        return {}
    took: list[tuple[str, datetime, datetime]] = []
    if row.answered_at is not None and row.routed_at is not None:
        took.append(("answer", row.routed_at, row.answered_at))
    if row.resolved and row.resolved_at is not None:
        took.append(("resolution", row.filed_at, row.resolved_at))
    if not took:
        return {}
    day = day_filed(row)
    buckets = [(kind, bucket(until - since)) for kind, since, until in took]
    found: dict[Key, tuple[int, ...]] = {
        (*dimension, "day", day, *one): ONE for dimension in dimensions(row) for one in buckets
    }
    kind, minutes = buckets[-1]
    if kind == "resolution" and row.resolved_at is not None:
        found["all", "", "", "day", day_in_shanghai(row.resolved_at), RESOLVED, minutes] = ONE
    return found


ONE = (1,)


def quantile(counts: Mapping[int, int], permille: int) -> int | None:
    """Return the least boundary, in minutes, within which that many permille of the durations are; None of none."""
    total = sum(counts.values())
    if total == 0:
        return None
    wanted, passed = -(-total * permille // 1000), 0
    boundaries: Sequence[int] = sorted(counts)
    for boundary in boundaries:
        passed += counts[boundary]
        if passed >= wanted:
            return boundary
    raise AssertionError("the counts add up to their total")


DURATIONS = Sums(
    table="read.durations",
    keys=("dimension", "scheme", "key", "grain", "first_day", "what", "minutes"),
    measures=("complaints",),
    contributions=contributions,
    coarser=longer,
)
