"""Efficiency (C4): how long it took to resolve what was resolved in each of two periods. See docs/definitions.md."""

from __future__ import annotations

from datetime import date
from typing import Any

from adapters import flows, statistics
from adapters.database import Pool
from adapters.snapshots import snapshot
from adapters.spans import spans
from projections.durations import RESOLVED, quantile
from projections.rates import percent

MEDIAN = 500


def efficiency(pool: Pool, before: tuple[date, date], after: tuple[date, date], *, today: date) -> dict[str, Any]:
    """Return both periods, and by how many percent the median fell; None unless both are over on the day ``today``.

    A period: ``n`` resolutions with their ``median_minutes``, and complaints that ``ended``; valid ones that were
    ``filed`` in it, and how many of these are ``open``; whether it is ``incomplete``.
    """
    with snapshot(pool) as moment:
        was, now = (_period(moment, first, last, today) for first, last in (before, after))
    compared = not (was["incomplete"] or now["incomplete"]) and was["n"] and now["n"]
    fell = percent(was["median_minutes"] - now["median_minutes"], was["median_minutes"]) if compared else None
    return {"before": was, "after": now, "fell_by": fell}


def _period(pool: Pool, first: date, last: date, today: date) -> dict[str, Any]:
    took = _histogram(pool, first, last)
    ended = flows.aggregate(pool, flows.Query(first=first, last=last), today=today).items
    filed = statistics.aggregate(pool, statistics.Query(first=first, last=last), today=today).items
    valid, closed = (filed[0]["measures"][name] if filed else 0 for name in ("valid", "ended"))
    return {
        "first": first,
        "last": last,
        "incomplete": last >= today,
        "ended": ended[0]["measures"]["ended"] if ended else 0,
        "n": sum(took.values()),
        "median_minutes": quantile(took, MEDIAN),
        "filed": valid,
        "open": valid - closed,
    }


def _histogram(pool: Pool, first: date, last: date) -> dict[int, int]:
    """Return minutes -> resolutions of the days from first to last."""
    wanted = spans(first, last)
    with pool.cursor() as cursor:
        cursor.execute(
            "select t.minutes, sum(w.sign * t.complaints)::bigint from (values "
            + ", ".join(["(%s::text, %s::date, %s::date, %s::bigint)"] * len(wanted))
            + ") as w (grain, first, last, sign) join read.durations t on t.dimension = 'all' and t.grain = w.grain "
            "and t.what = %s and t.first_day between w.first and w.last "
            "group by 1 having sum(w.sign * t.complaints) > 0",
            [*(value for span in wanted for value in span), RESOLVED],
        )
        return dict(cursor.fetchall())
