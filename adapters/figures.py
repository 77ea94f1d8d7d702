"""Figures that are more than a sum, by docs/definitions.md: rankings, awards, publication, funnel, durations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from adapters.database import Pool
from adapters.statistics import Query, aggregate, grain_of
from domain.errors import InvalidInput
from projections.durations import KINDS, quantile
from projections.rates import RATES, growth, percent, ratio
from projections.resolution_statistics import DIMENSIONS

#: Below so many complaints a merchant is neither ranked nor named, unless asked otherwise.
LEAST = 30
TOP_SCENARIOS = 10
QUANTILES = (500, 900, 950)
AROUND_DAYS = 180
#: What merchants report of themselves; of less than so many of them a ratio says little.
VOLUMES = ("transactions", "active_users")
LEAST_VOLUME = 10_000


def ranking(
    pool: Pool, query: Query, *, today: date, limit: int = 100, offset: int = 0
) -> tuple[list[dict[str, Any]], int, int, int]:
    """Return the groups by the query's rate, best first, with ``rank``, ``n``; how many; how many left out; as of."""
    if query.order not in RATES:
        raise InvalidInput(f"{query.order!r} is not a rate", hint=f"rates are: {', '.join(RATES)}")
    answer = aggregate(pool, _known(query), today=today, limit=limit, offset=offset)
    part, whole = RATES[query.order]
    items = [
        {
            "rank": rank,
            "n": one["measures"][whole],
            "count": one["measures"][part],
            "rate": one["rates"][query.order],
            **one,
        }
        for rank, one in enumerate(answer.items, offset + 1)
    ]
    return items, answer.groups, answer.left_out, answer.complete_to


def _known(query: Query) -> Query:
    """Without what is not known: nobody is to be ranked first under no name."""
    if query.by == "all":
        return query
    return replace(query, exclude={**query.exclude, query.by: [*query.exclude.get(query.by, ()), ""]})


def awards(pool: Pool, *, first: date, last: date, least: int = LEAST, today: date) -> list[dict[str, Any]]:
    """Return for each industry the ``winner`` by the exact resolved rate; None where nobody had enough complaints."""
    industries = aggregate(pool, Query(by="industry", first=first, last=last), today=today).items
    given = []
    for industry in industries:
        code = industry["key"]
        query = Query(
            by="merchant",
            first=first,
            last=last,
            filters={"industry": [code]},
            order="resolved_rate",
            least=max(least, 1),
        )
        best, ranked, left_out, _ = ranking(pool, query, today=today, limit=1)
        given.append(
            {
                "industry": code,
                "scheme": industry["scheme"],
                "winner": best[0] if best else None,
                "ranked": ranked,
                "left_out": left_out,
            }
        )
    return given


def publication(
    pool: Pool, *, first: date, last: date, least: int = LEAST, today: date
) -> tuple[list[dict[str, Any]], dict[str, Any], int]:
    """Return the publication table: a line per merchant that is named, one for all others together, and as of.

    A line: complaints, growth against the same days a year ago, mediation success, settled before the authority.
    """
    query = _known(Query(by="merchant", first=first, last=last, order="valid", least=max(least, 1)))
    named = aggregate(pool, query, today=today)
    earlier = replace(query, first=_a_year_before(first), last=_a_year_before(last), least=0)
    before = {one["key"]: one["measures"] for one in aggregate(pool, earlier, today=today).items}
    whole = aggregate(pool, Query(first=first, last=last), today=today).items
    lines = [
        {
            "merchant_id": one["key"],
            "merchant": one["title"],
            "complaints": one["measures"]["valid"],
            "growth": growth(one["measures"]["valid"], before.get(one["key"], {}).get("valid", 0)),
            "incomplete": one["incomplete"],
            **{name: one["rates"][name] for name in ("mediation_success_rate", "settled_before_authority_rate")},
        }
        for one in named.items
    ]
    total = sum(one["measures"]["valid"] for one in whole)
    others = {"merchants": named.left_out, "complaints": total - sum(line["complaints"] for line in lines)}
    return lines, others, named.complete_to


def _a_year_before(day: date) -> date:
    return day.replace(year=day.year - 1, day=28) if (day.month, day.day) == (2, 29) else day.replace(year=day.year - 1)


def funnel(pool: Pool, *, first: date | None, last: date | None, today: date) -> dict[str, Any]:
    """Return the most frequent scenarios, and the share of all valid complaints with a known one that they cover."""
    query = _known(Query(by="scenario", first=first, last=last, order="valid"))
    found = aggregate(pool, query, today=today)
    known = sum(one["measures"]["valid"] for one in found.items)
    top = found.items[:TOP_SCENARIOS]
    covered = sum(one["measures"]["valid"] for one in top)
    return {
        "scenarios": [{"scenario": one["key"], "valid": one["measures"]["valid"]} for one in top],
        "covered": covered,
        "known": known,
        "share": percent(covered, known),
        "complete_to": found.complete_to,
    }


def durations(pool: Pool, query: Query, what: str, quantiles: Sequence[int] = QUANTILES) -> list[dict[str, Any]]:
    """Return per key how long answers or resolutions took: ``complaints``, and minutes by quantile in permille."""
    if what not in KINDS:
        raise InvalidInput(f"there is no duration {what!r}", hint=f"there are: {', '.join(KINDS)}")
    if query.by not in DIMENSIONS or query.filters.keys() - {query.by} or query.exclude:
        raise InvalidInput("durations are kept by one dimension", hint=f"dimensions are: {', '.join(DIMENSIONS)}")
    keys = query.filters.get(query.by)
    with pool.cursor() as cursor:
        cursor.execute(
            "select scheme, key, minutes, sum(complaints)::bigint from read.durations "
            "where dimension = %s and grain = %s and what = %s and first_day >= %s and first_day <= %s "
            "and (%s::text[] is null or key = any(%s)) "
            "group by 1, 2, 3",
            (query.by, grain_of(query), what, query.first or date.min, query.last or date.max, keys, keys),
        )
        counts: dict[tuple[str, str], dict[int, int]] = {}
        for scheme, key, minutes, complaints in cursor:
            counts.setdefault((scheme, key), {})[minutes] = complaints
    return [
        {
            "key": key,
            "scheme": scheme,
            "complaints": sum(own.values()),
            "minutes": {str(permille): quantile(own, permille) for permille in quantiles},
        }
        for (scheme, key), own in sorted(counts.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    ]


def efficiency(pool: Pool, before: tuple[date, date], after: tuple[date, date]) -> dict[str, Any]:
    """Return the median minutes to resolution of two periods of filing, and by how many percent it fell."""
    medians = []
    for first, last in (before, after):
        found = durations(pool, Query(first=first, last=last), "resolution", (500,))
        medians.append(found[0]["minutes"]["500"] if found else None)
    was, now = medians
    return {
        "median_before": was,
        "median_after": now,
        "fell_by": None if was is None or now is None else percent(was - now, was),
    }


def per_10_000(
    pool: Pool,
    *,
    merchant_id: str | None = None,
    industry: str | None = None,
    stage: str | None = None,
    first: date | None = None,
    last: date | None = None,
) -> list[dict[str, Any]]:
    """Return valid complaints per 10,000 transactions and active users (B9), by merchant, stage and reported days.

    Only what was reported for days that are all from ``first`` to ``last``, in its newest edition. What merged
    merchants reported for the same stage and days is one; complaints about one of them that reported for other days
    which overlap are not in it, since their transactions are not. By merchant, first day, last day and stage.
    """
    with pool.cursor() as cursor:
        cursor.execute(
            "with merged as materialized (select * from read.merged_merchants()), "
            "reported as materialized (select coalesce(g.going_on_id, v.merchant_id) as merchant_id, v.stage, "
            "v.first_day, v.last_day, sum(v.transactions)::bigint as transactions, "
            "sum(v.active_users)::bigint as active_users from read.merchant_volumes v "
            "left join merged g on g.merchant_id = v.merchant_id "
            "where (%(stage)s::text is null or v.stage = %(stage)s) "
            "and v.first_day >= %(first)s and v.last_day <= %(last)s group by 1, 2, 3, 4) "
            "select r.merchant_id, m.trade_name, r.stage, r.first_day, r.last_day, c.valid, r.transactions, "
            "r.active_users from reported r join read.merchants m on m.merchant_id = r.merchant_id "
            "cross join lateral (select count(*) as valid from read.complaint_details d "
            "join read.complaint_measures() s using (complaint_id) where d.merchant_id in (select r.merchant_id "
            "union all select g.merchant_id from merged g where g.going_on_id = r.merchant_id) "
            "and s.valid = 1 and s.stage = r.stage "
            "and d.filed_at >= (r.first_day::timestamp at time zone 'Asia/Shanghai') "
            "and d.filed_at < ((r.last_day + 1)::timestamp at time zone 'Asia/Shanghai') "
            "and not exists (select from read.merchant_volumes o where o.merchant_id = d.merchant_id "
            "and o.stage = r.stage and (o.first_day, o.last_day) <> (r.first_day, r.last_day) "
            "and o.first_day <= r.last_day and o.last_day >= r.first_day)) c "
            "where (%(merchant)s::text is null or r.merchant_id = coalesce("
            "(select going_on_id from merged where merchant_id = %(merchant)s), %(merchant)s)) "
            "and (%(industry)s::text is null or m.industry = %(industry)s) order by 1, 4, 5, 3",
            {
                "merchant": merchant_id,
                "industry": industry,
                "stage": stage,
                "first": first or date.min,
                "last": last or date.max,
            },
        )
        names = ("merchant_id", "merchant", "stage", "first_day", "last_day", "valid", "transactions", "active_users")
        found = [dict(zip(names, row, strict=True)) for row in cursor]
    return [{**one, **{f"per_10_000_{of}": ratio(one["valid"], one[of], 10_000, 2) for of in VOLUMES}} for one in found]


def ranking_per_10_000(
    pool: Pool,
    of: str,
    *,
    stage: str,
    first: date,
    last: date,
    industry: str | None = None,
    least: int = LEAST_VOLUME,
) -> tuple[list[dict[str, Any]], int]:
    """Return merchants by complaints per 10,000 of what was reported at a stage, fewest first; how many left out.

    Periods within the days are added up. ``n``: transactions, or active users of all periods; who has less than
    ``least`` of them is not ranked. By the exact fraction, ties by the greater n, then by id.
    """
    if of not in VOLUMES:
        raise InvalidInput(f"nothing is counted per {of!r}", hint=f"choose {' or '.join(VOLUMES)}")
    sums: dict[str, dict[str, Any]] = {}
    for one in per_10_000(pool, industry=industry, stage=stage, first=first, last=last):
        empty = {"merchant_id": one["merchant_id"], "merchant": one["merchant"], "n": 0, "valid": 0, "periods": 0}
        total = sums.setdefault(one["merchant_id"], empty)
        total["n"] += one[of]
        total["valid"] += one["valid"]
        total["periods"] += 1
    ranked = [one for one in sums.values() if one["n"] >= max(least, 1)]
    ranked.sort(key=lambda one: (Fraction(one["valid"], one["n"]), -one["n"], one["merchant_id"]))
    items = [
        {"rank": rank, **one, "per_10_000": ratio(one["valid"], one["n"], 10_000, 2)}
        for rank, one in enumerate(ranked, 1)
    ]
    return items, len(sums) - len(ranked)


def around(pool: Pool, merchant_id: str, day: date, *, today: date) -> dict[str, Any]:
    """Return a merchant's valid complaints before and from a day on, at most 180 days each, and both per 30 days."""
    whole = day + timedelta(days=AROUND_DAYS - 1)
    until = min(whole, today - timedelta(days=1))
    of = {"merchant": [merchant_id]}
    counts = []
    for first, last in ((day - timedelta(days=AROUND_DAYS), day - timedelta(days=1)), (day, until)):
        days = max((last - first).days + 1, 0)
        items = (
            aggregate(pool, Query(by="merchant", first=first, last=last, filters=of), today=today).items if days else []
        )
        valid = sum(one["measures"]["valid"] for one in items)
        counts.append(
            {"first": first, "last": last, "days": days, "valid": valid, "per_30_days": ratio(valid, days, 30, 2)}
        )
    return {"before": counts[0], "after": {**counts[1], "incomplete": until < whole}}
