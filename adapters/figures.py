"""Figures that are more than a sum, by docs/definitions.md: rankings, awards, publication, funnel, durations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from adapters.around import Turn
from adapters.around import around as sides
from adapters.credit import parameters_of
from adapters.database import Pool
from adapters.groups import group, grouped
from adapters.periods import days_of, period_of
from adapters.snapshots import snapshot
from adapters.statistics import FILED, Query, aggregate
from adapters.statistics_sources import dimension_of, source_of, sums_of
from domain.errors import InvalidInput
from projections.durations import KINDS, quantile
from projections.rates import RATES, growth, percent
from projections.resolution_statistics import MEASURES

#: Below so many complaints a merchant is not ranked, unless asked otherwise.
LEAST = 30
TOP_SCENARIOS = 10
QUANTILES = (500, 900, 950)


def ranking(
    pool: Pool, query: Query, *, today: date, limit: int = 100, offset: int = 0
) -> tuple[list[dict[str, Any]], int, int, int]:
    """Return the groups by the query's rate, best first, with ``rank``, ``n``; how many; how many left out; as of.

    A query should ask for groups that are ``known``: nobody is to be first under no name.
    """
    if query.order not in RATES:
        raise InvalidInput(f"{query.order!r} is not a rate", hint=f"rates are: {', '.join(RATES)}")
    answer = aggregate(pool, query, today=today, limit=limit, offset=offset)
    items = [_ranked(one, rank, query.order) for rank, one in enumerate(answer.items, offset + 1)]
    return items, answer.groups, answer.left_out, answer.complete_to


def _ranked(one: dict[str, Any], rank: int, rate: str) -> dict[str, Any]:
    part, whole = RATES[rate]
    return {
        "rank": rank,
        "n": one["measures"][whole],
        "count": one["measures"][part],
        "rate": one["rates"][rate],
        **one,
    }


def awards(pool: Pool, *, first: date, last: date, least: int = LEAST, today: date) -> list[dict[str, Any]]:
    """Return for each industry the ``winner`` by the exact resolved rate; None where nobody had enough complaints.

    Industries are those of a code list (``scheme``), by their valid complaints; merchants of none are in no industry.
    """
    query = Query(by="merchant", first=first, last=last, order="resolved_rate", least=max(least, 1))
    source, shown = source_of(query, ("requests", "resolved", "valid")), source_of(query, of_page=True)
    with pool.cursor() as cursor:
        cursor.execute(
            f"with {source.before}placed as materialized (select m.industry, coalesce(m.industry_scheme, '') as "
            f"industry_scheme, r.* from ({grouped(source, ('resolved', 'valid'))} having read.total(s.requests) <> 0) "
            "as r join read.merchants m on m.merchant_id = r.key where m.industry <> ''), "
            # Those level with the first of their industry are enough to order exactly, which takes longer.
            "best as (select *, rank() over (partition by industry_scheme, industry "
            f"order by {FILED.nearly(query.order)} desc nulls last) as nearly from placed where valid >= %s), "
            "page as materialized (select distinct on (industry_scheme, industry) * from best where nearly = 1 "
            f"order by industry_scheme, industry, {FILED.order_by(query)}), "
            f"summed as ({grouped(shown, MEASURES)}) "
            "select i.*, m.trade_name, s.* from (select industry, industry_scheme, "
            "count(*) filter (where valid >= %s), count(*) filter (where valid < %s), read.total(valid) as valid "
            "from placed group by 1, 2) as i "
            "left join page p using (industry_scheme, industry) left join summed s on s.key = p.key "
            "left join read.merchants m on m.merchant_id = p.key order by i.valid desc, 1, 2",
            [*source.parameters, query.least, *shown.parameters, query.least, query.least],
        )
        rows = cursor.fetchall()
    given = []
    for industry, code_list, ranked, left_out, _, name, scheme, key, period, *values in rows:
        best = None
        if ranked:
            own = group(FILED, query, today, scheme=scheme, key=key, title=name, period=period, values=values)
            best = _ranked(own, 1, "resolved_rate")
        given.append(
            {"industry": industry, "scheme": code_list, "winner": best, "ranked": ranked, "left_out": left_out}
        )
    return given


def named_from(pool: Pool, last: date) -> int:
    """Return from how many complaints on a merchant is named in public: as the rulebook says at the end of a day."""
    with pool.cursor() as cursor:
        return int(parameters_of(cursor, last)["naming_least"])


def publication(
    pool: Pool,
    *,
    first: date,
    last: date,
    least: int,
    today: date,
    limit: int | None = None,
    offset: int = 0,
) -> tuple[list[dict[str, Any]], dict[str, Any], int]:
    """Return the publication table: a line per merchant that is named, one for all others together, and as of.

    A line: complaints, growth against the same days a year ago (None while the days are not over), mediation success,
    settled before the authority. The others are all that are not named on any page.
    """
    query = Query(by="merchant", first=first, last=last, order="valid", least=max(least, 1), known=True)
    before: dict[str, int] = {}
    with snapshot(pool) as moment:
        named = aggregate(moment, query, today=today, limit=limit, offset=offset)
        if named.items and last < today:
            of = {"merchant": [one["key"] for one in named.items]}
            days = _a_year_before(first, last=False), _a_year_before(last)
            earlier = Query(by="merchant", first=days[0], last=days[1], filters=of)
            before = {one["key"]: one["measures"]["valid"] for one in aggregate(moment, earlier, today=today).items}
    lines = [
        {
            "merchant_id": one["key"],
            "merchant": one["title"],
            "complaints": one["measures"]["valid"],
            "growth": growth(one["measures"]["valid"], before.get(one["key"], 0)),
            "incomplete": one["incomplete"],
            **{name: one["rates"][name] for name in ("mediation_success_rate", "settled_before_authority_rate")},
        }
        for one in named.items
    ]
    return lines, {"merchants": named.left_out, "complaints": named.valid - named.valid_of_groups}, named.complete_to


def _a_year_before(day: date, *, last: bool = True) -> date:
    """Return the same day a year ago; the last of a month becomes the last of that month where a period ends."""
    following = day + timedelta(days=1)
    if last and following.day == 1:
        return following.replace(year=following.year - 1) - timedelta(days=1)
    return day.replace(year=day.year - 1, day=28) if (day.month, day.day) == (2, 29) else day.replace(year=day.year - 1)


def funnel(pool: Pool, *, first: date | None, last: date | None, today: date) -> dict[str, Any]:
    """Return the most frequent scenarios, and the share of all valid complaints with a known one that they cover."""
    query = Query(by="scenario", first=first, last=last, order="valid", least=1, known=True)
    found = aggregate(pool, query, today=today, limit=TOP_SCENARIOS)
    known, top = found.valid_of_groups, found.items
    covered = sum(one["measures"]["valid"] for one in top)
    return {
        "scenarios": [{"scenario": one["key"], "valid": one["measures"]["valid"]} for one in top],
        "covered": covered,
        "known": known,
        "share": percent(covered, known),
        "complete_to": found.complete_to,
    }


def durations(
    pool: Pool,
    query: Query,
    what: str,
    quantiles: Sequence[int] = QUANTILES,
    *,
    today: date,
    limit: int | None = None,
    offset: int = 0,
) -> list[dict[str, Any]]:
    """Return per key how long answers or resolutions took: ``complaints``, and minutes by quantile in permille.

    By interval, each with its days, and whether these are ``incomplete`` on ``today``. Most complaints first; periods
    in order.
    """
    if what not in KINDS:
        raise InvalidInput(f"there is no duration {what!r}", hint=f"there are: {', '.join(KINDS)}")
    dimension = dimension_of(query)
    if dimension is None:
        raise InvalidInput("durations are kept by one dimension", hint="filter by that dimension only")
    source = sums_of(query, "read.durations", dimension, ("complaints",), keys=("minutes",), conditions={"what": what})
    with pool.cursor() as cursor:
        cursor.execute(
            f"with {source.before}counted as materialized ("
            f"select s.scheme, s.key, {period_of(query.interval)} as period, s.minutes, "
            "sum(s.complaints)::bigint as complaints "
            f"from {source.rows} group by 1, 2, 3, 4 having sum(s.complaints) <> 0), "
            "page as materialized (select scheme, key, period, sum(complaints)::bigint as total from counted "
            "group by 1, 2, 3 order by period, total desc, scheme, key limit %s offset %s) "
            "select p.scheme, p.key, p.period, p.total, array_agg(c.minutes), array_agg(c.complaints) "
            "from page p join counted c on c.scheme = p.scheme and c.key = p.key "
            "and c.period is not distinct from p.period group by 1, 2, 3, 4 order by p.period, p.total desc, 1, 2",
            [*source.parameters, limit, offset],
        )
        found = []
        for scheme, key, first_day, total, minutes, complaints in cursor:
            own = dict(zip(minutes, complaints, strict=True))
            took = {str(permille): quantile(own, permille) for permille in quantiles}
            found.append({"key": key, "scheme": scheme, "complaints": total, "minutes": took})
            if query.interval is not None:
                found[-1] |= days_of(query.interval, (query.first, query.last), first_day, today)
    return found


def around(pool: Pool, merchant_id: str, day: date, *, today: date) -> dict[str, Any]:
    """Return a merchant's valid complaints before and from a day on, at most 180 days each, and both per 30 days."""
    (found,) = sides(pool, [Turn(merchant_id, day)], today=today)
    return found
