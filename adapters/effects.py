"""Whether it helped: complaints before and after joining a quality circle (B8), and a corrective action (B16)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from adapters.boards import Rows
from adapters.boards_activity import circle_members, corrective_actions
from adapters.database import Pool
from adapters.figures import AROUND_DAYS
from domain.calendar import day_of
from projections.rates import ratio


def circle_effects(pool: Pool, at: datetime, *, circle: str | None = None) -> Rows:
    """Return every membership of a quality circle with the merchant's valid complaints ``before`` and ``after`` it
    joined (B8): at most 180 days each, and per 30 days; what is not over at ``at`` is ``incomplete``.

    Complaints of merchants that were merged count for the one that goes on. In the order of the memberships.
    """
    found = circle_members(pool, circle=circle)
    return _with(pool, found, [(one["merchant_id"], day_of(one["begun_at"]), None) for one in found], day_of(at))


def corrective_effects(pool: Pool, at: datetime, *, merchant_id: str | None = None) -> Rows:
    """Return every corrective action with the merchant's valid complaints ``before`` and ``after`` it took effect
    (B16), as of circles; where the action names a stage of the product, the complaints of that stage only."""
    found = corrective_actions(pool, merchant_id=merchant_id)
    days = [(one["merchant_id"], day_of(one["effective_at"]), one["stage"]) for one in found]
    return _with(pool, found, days, day_of(at))


def _with(pool: Pool, found: Rows, days: Sequence[tuple[str, date, str | None]], today: date) -> Rows:
    return [{**one, **sides} for one, sides in zip(found, _around(pool, days, today), strict=True)]


def _around(pool: Pool, days: Sequence[tuple[str, date, str | None]], today: date) -> list[dict[str, Any]]:
    """Return for each (merchant, day, stage or None for all) the complaints before and from that day on."""
    wanted = [
        (merchant, stage, first, min(last, _on(today, -1)), last)
        for merchant, day, stage in days
        for first, last in (
            (_on(day, -AROUND_DAYS), _on(day, -1)),
            (day, _on(day, AROUND_DAYS - 1)),
        )
    ]
    with pool.cursor() as cursor:
        cursor.execute(
            "with merged as materialized (select * from read.merged_merchants()), "
            "wanted as (select n, coalesce(g.going_on_id, w.merchant_id) as merchant_id, stage, first, last "
            "from unnest(%s::text[], %s::text[], %s::date[], %s::date[]) with ordinality "
            "as w (merchant_id, stage, first, last, n) left join merged g on g.merchant_id = w.merchant_id) "
            "select case when w.stage is null then coalesce((select sum(s.valid) from read.resolution_statistics s "
            "where s.dimension = 'merchant' and s.grain = 'day' and s.first_day between w.first and w.last "
            "and s.key in (select w.merchant_id union all "
            "select g.merchant_id from merged g where g.going_on_id = w.merchant_id)), 0) "
            "else (select count(*) from read.complaint_details d join read.complaint_measures() s "
            "using (complaint_id) where s.valid = 1 and s.stage = w.stage "
            "and d.filed_at >= (w.first::timestamp at time zone 'Asia/Shanghai') "
            "and d.filed_at < ((w.last + 1)::timestamp at time zone 'Asia/Shanghai') and d.merchant_id in "
            "(select w.merchant_id union all select g.merchant_id from merged g where g.going_on_id = w.merchant_id)) "
            "end::bigint from wanted w order by w.n",
            ([one[0] for one in wanted], *([one[n] for one in wanted] for n in (1, 2, 3))),
        )
        counted = [valid for (valid,) in cursor]
    sides = []
    for (_, _, first, until, last), valid in zip(wanted, counted, strict=True):
        days_over = max((until - first).days + 1, 0)
        sides.append(
            {
                "first": first,
                "last": until,
                "days": days_over,
                "valid": valid,
                "per_30_days": ratio(valid, days_over, 30, 2),
                "incomplete": until < last,
            }
        )
    return [{"before": before, "after": after} for before, after in zip(sides[::2], sides[1::2], strict=True)]


def _on(day: date, days: int) -> date:
    """So many days on, as far as there are days: what takes effect may be stated for any of them."""
    return date.fromordinal(min(max(day.toordinal() + days, date.min.toordinal()), date.max.toordinal()))
