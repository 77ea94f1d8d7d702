"""What a regulator watches: what is overdue, how things develop, and what stands out. See docs/definitions.md."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from adapters.boards_activity import leaks
from adapters.database import Pool
from adapters.statistics import Query, aggregate
from adapters.worklists import AT_RISK, IS_OPEN, OVERDUE
from domain.calendar import start_of_day
from domain.errors import InvalidInput
from projections.rates import growth

RECENT_DAYS, BASE_DAYS = 7, 56
LEAST_RISE, LEAST_THEME, TIMES = 10, 20, 3
LEAK_DAYS = 30
#: So many of the complaints behind an alert are named with it.
CITED = 100


def overdue(
    pool: Pool, by: str, *, now: datetime, office_id: str | None = None, limit: int = 100
) -> list[dict[str, Any]]:
    """Return per office or merchant how many requests are open, overdue and at risk; most overdue first."""
    if by not in ("office", "merchant"):
        raise InvalidInput(f"nothing is overdue by {by!r}", hint="choose office or merchant")
    title = {
        "office": "left join read.offices t on t.office_id = f.id",
        "merchant": "left join read.merchants t on t.merchant_id = f.id",
    }[by]
    with pool.cursor() as cursor:
        cursor.execute(
            f"select f.id, t.{'title' if by == 'office' else 'trade_name'}, f.open, f.overdue, f.at_risk from ("
            f"select d.{by}_id as id, count(*) as open, count(*) filter (where {OVERDUE}) as overdue, "
            f"count(*) filter (where not coalesce({OVERDUE}, false) and d.next_due <= %(risk)s) as at_risk "
            f"from read.complaint_details d where {IS_OPEN} and (%(office)s::text is null or d.office_id = %(office)s) "
            f"group by 1) f {title} order by f.overdue desc, f.at_risk desc, f.id limit %(limit)s",
            {"now": now, "risk": now + AT_RISK, "office": office_id, "limit": limit},
        )
        names = ("id", "title", "open", "overdue", "at_risk")
        return [dict(zip(names, row, strict=True)) for row in cursor]


def trend(pool: Pool, query: Query, *, today: date) -> list[dict[str, Any]]:
    """Return a query's periods, each with its ``growth`` against the period before; none for one that is not over."""
    if query.interval is None:
        raise InvalidInput("a trend is of periods", hint="give an interval")
    items = aggregate(pool, query, today=today).items
    valid = {(one["scheme"], one["key"], one["last_day"]): one["measures"]["valid"] for one in items}
    for one in items:
        before = valid.get((one["scheme"], one["key"], one["first_day"] - timedelta(days=1)), 0)
        one["growth"] = None if one["incomplete"] else growth(one["measures"]["valid"], before)
    return items


def alerts(pool: Pool, *, today: date) -> list[dict[str, Any]]:
    """Return what stands out in the last complete days, each with the first hundred complaints behind it.

    ``kind`` is sudden_rise, theme or data_leak; ``recent`` and ``base`` are counts, the latter of so many more days.
    """
    recent = today - timedelta(days=RECENT_DAYS)
    base = recent - timedelta(days=BASE_DAYS)
    times = {"recent": recent, "today": today, "base": base, "factor": BASE_DAYS, "times": TIMES * RECENT_DAYS}
    since = {"recent_at": start_of_day(recent), "today_at": start_of_day(today), "base_at": start_of_day(base)}
    with pool.cursor() as cursor:
        found = [*_rises(cursor, times | since), *_themes(cursor, times | since)]
    return [*found, *_leaked(pool, start_of_day(today - timedelta(days=LEAK_DAYS)))]


def _rises(cursor: Any, given: dict[str, Any]) -> list[dict[str, Any]]:
    cursor.execute(
        "with recent as materialized ("
        "select coalesce(g.going_on_id, s.key) as key, sum(s.valid)::bigint as valid from read.resolution_statistics s "
        "left join read.merged_merchants() g on g.merchant_id = s.key where s.dimension = 'merchant' "
        "and s.grain = 'day' and s.first_day >= %(recent)s and s.first_day < %(today)s and s.key <> '' "
        "group by 1 having sum(s.valid) >= %(least)s) "
        "select r.key, m.trade_name, r.valid, b.valid from recent r "
        "cross join lateral (select coalesce(sum(s.valid), 0)::bigint as valid from read.resolution_statistics s "
        f"where s.dimension = 'merchant' and s.grain = 'day' and s.key in {_all_of('r.key')} "
        "and s.first_day >= %(base)s "
        "and s.first_day < %(recent)s) b left join read.merchants m on m.merchant_id = r.key "
        "where r.valid * %(factor)s >= b.valid * %(times)s order by r.valid desc, r.key",
        {**given, "least": LEAST_RISE},
    )
    return [
        {
            "kind": "sudden_rise",
            "merchant_id": merchant,
            "merchant": name,
            "recent": recent,
            "base": base,
            **_cited(cursor, f"t.merchant in {_all_of('%(merchant)s')}", {**given, "merchant": merchant}),
        }
        for merchant, name, recent, base in cursor.fetchall()
    ]


def _all_of(merchant: str) -> str:
    """Return the ids of a merchant and of those that were merged into it, in SQL."""
    merged = f"select g.merchant_id from read.merged_merchants() g where g.going_on_id = {merchant}"
    return f"(select {merchant} union all {merged})"


def _themes(cursor: Any, given: dict[str, Any]) -> list[dict[str, Any]]:
    cursor.execute(
        "with recent as materialized ("
        "select scenario, region, sum(valid)::bigint as valid from read.complaint_measures() "
        "where filed_at >= %(recent_at)s and filed_at < %(today_at)s and scenario <> '' and region <> '' "
        "group by 1, 2 having sum(valid) >= %(least)s) "
        "select r.scenario, r.region, r.valid, b.valid from recent r cross join lateral ("
        "select coalesce(sum(s.valid), 0)::bigint as valid from read.complaint_measures() s "
        "where s.scenario = r.scenario and s.region = r.region and s.filed_at >= %(base_at)s "
        "and s.filed_at < %(recent_at)s) b "
        "where r.valid * %(factor)s >= b.valid * %(times)s order by r.valid desc, 1, 2",
        {**given, "least": LEAST_THEME},
    )
    return [
        {
            "kind": "theme",
            "scenario": scenario,
            "region": region,
            "recent": recent,
            "base": base,
            **_cited(
                cursor,
                "t.scenario = %(scenario)s and t.region = %(region)s",
                {**given, "scenario": scenario, "region": region},
            ),
        }
        for scenario, region, recent, base in cursor.fetchall()
    ]


def _leaked(pool: Pool, since: datetime) -> list[dict[str, Any]]:
    return [
        {
            "kind": "data_leak",
            "recorded_at": leak["recorded_at"],
            "source": leak["source"],
            "what": leak["what"],
            "complaints": leak["complaints"],
        }
        for leak in leaks(pool)
        if leak["recorded_at"] >= since
    ]


def _cited(cursor: Any, condition: str, given: dict[str, Any]) -> dict[str, Any]:
    cursor.execute(
        "select t.complaint_id from read.complaint_measures() t where t.filed_at >= %(recent_at)s "
        f"and t.filed_at < %(today_at)s and t.valid = 1 and {condition} order by 1 limit %(cited)s",
        {**given, "cited": CITED},
    )
    return {"complaints": [complaint for (complaint,) in cursor]}
