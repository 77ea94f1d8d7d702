"""What a regulator watches: what is overdue, how things develop, and what stands out. See docs/definitions.md."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from adapters.boards_activity import leaks
from adapters.database import Pool
from adapters.periods import first_of
from adapters.snapshots import snapshot
from adapters.statistics import Query, aggregate
from adapters.statistics_sources import MERGED, source_of
from adapters.worklists import AT_RISK, IS_LATE
from domain.calendar import start_of_day
from domain.complaint.filing import DIVISIONS
from domain.errors import InvalidInput
from projections.rates import growth

RECENT_DAYS, BASE_DAYS = 7, 56
LEAST_RISE, LEAST_THEME, TIMES = 10, 20, 3
LEAK_DAYS = 30
#: So many of the complaints behind an alert are named with it.
CITED = 100
#: What a valid complaint is, as the index complaint_details_valid has it: see "valid" in docs/definitions.md.
IS_VALID = (
    "d.kind = 'complaint' and (d.resolved or d.counts and d.ground is distinct from 'unfounded') "
    "and d.status not in ('withdrawn', 'refused', 'referred', 'merged')"
)


def overdue(
    pool: Pool, by: str, *, now: datetime, office_id: str | None = None, limit: int = 100
) -> list[dict[str, Any]]:
    """Return per office or merchant how many requests are open, overdue and at risk; most overdue first.

    What is resolved while its performance is awaited is overdue or at risk, but not open. Of a merchant are those of
    the merchants that were merged into it.
    """
    if by not in ("office", "merchant"):
        raise InvalidInput(f"nothing is overdue by {by!r}", hint="choose office or merchant")
    goes_on, joined, title = {
        "office": ("b.id", "", "read.offices t on t.office_id = f.id"),
        "merchant": (
            "coalesce(g.going_on_id, b.id)",
            "left join read.merged_merchants() g on g.merchant_id = b.id",
            "read.merchants t on t.merchant_id = f.id",
        ),
    }[by]
    of_one = "" if office_id is None else "and d.office_id = %(office)s"
    with pool.cursor() as cursor:
        cursor.execute(
            f"select f.id, t.{'title' if by == 'office' else 'trade_name'}, f.open, f.overdue, f.at_risk from ("
            f"select {goes_on} as id, sum(b.open)::bigint as open, sum(b.overdue)::bigint as overdue, "
            f"sum(b.at_risk)::bigint as at_risk from (select d.{by}_id as id, "
            f"count(*) filter (where d.status <> 'resolved') as open, count(*) filter (where {IS_LATE}) as overdue, "
            f"count(*) filter (where not {IS_LATE} and d.next_due <= %(risk)s) as at_risk "
            f"from read.complaint_details d where d.pending {of_one} "
            f"group by 1) b {joined} group by 1 order by overdue desc, at_risk desc, id limit %(limit)s) f "
            f"left join {title} order by f.overdue desc, f.at_risk desc, f.id",
            {"now": now, "risk": now + AT_RISK, "office": office_id, "limit": limit},
        )
        names = ("id", "title", "open", "overdue", "at_risk")
        return [dict(zip(names, row, strict=True)) for row in cursor]


def trend(pool: Pool, query: Query, *, today: date, limit: int | None = None, offset: int = 0) -> list[dict[str, Any]]:
    """Return a query's periods, each with its ``growth`` against the period before.

    None where one of both is not over, or is not whole within the days that were asked for.
    """
    if query.interval is None:
        raise InvalidInput("a trend is of periods", hint="give an interval")
    items = aggregate(pool, query, today=today, limit=limit, offset=offset, before=True).items
    for one in items:
        earlier = first_of(query.interval, one["first_day"] - timedelta(days=1))
        before = one.pop("before")
        whole = not one["incomplete"] and (query.first is None or earlier >= query.first)
        one["growth"] = growth(one["measures"]["valid"], before) if whole else None
    return items


def alerts(pool: Pool, *, today: date) -> list[dict[str, Any]]:
    """Return what stands out in the last complete days, each with the first hundred complaints behind it.

    ``kind`` is sudden_rise, theme or data_leak; ``recent`` and ``base`` are counts, the latter of so many more days.
    All complaints of a rise or theme are the valid ones of the merchant, or of the scenario and ``regions``, that were
    filed from ``first`` to ``last``.
    """
    days = Recent(today - timedelta(days=RECENT_DAYS), today - timedelta(days=1))
    with snapshot(pool) as moment:
        with moment.cursor() as cursor:
            found = [*_rises(cursor, days), *_themes(cursor, days)]
        return [*found, *_leaked(moment, start_of_day(today - timedelta(days=LEAK_DAYS)))]


class Recent(NamedTuple):
    """The last complete days; the base are the days before them."""

    first: date
    last: date

    @property
    def base(self) -> tuple[date, date]:
        return self.first - timedelta(days=BASE_DAYS), self.first - timedelta(days=1)

    @property
    def filed(self) -> tuple[datetime, datetime]:
        return start_of_day(self.first), start_of_day(self.last + timedelta(days=1))


def _stands_out(recent: int, base: int, least: int) -> bool:
    return recent >= least and recent * BASE_DAYS >= base * TIMES * RECENT_DAYS


def _rises(cursor: Any, days: Recent) -> list[dict[str, Any]]:
    recent = source_of(Query("merchant", first=days.first, last=days.last), ("valid",))
    base = source_of(Query("merchant", first=days.base[0], last=days.base[1]), ("valid",), of_page=True)
    cursor.execute(
        f"with {MERGED}, page as materialized (select s.key, read.total(s.valid) as valid from {recent.rows} "
        "where s.key <> '' group by 1 having read.total(s.valid) >= %s), "
        f"base as materialized (select s.key, read.total(s.valid) as valid from {base.rows} group by 1), "
        "risen as materialized (select p.key, p.valid as recent, coalesce(b.valid, 0) as base from page p "
        "left join base b using (key) where p.valid * %s >= coalesce(b.valid, 0) * %s) "
        "select r.key, m.trade_name, r.recent, r.base, array(select t.complaint_id from read.complaint_measures() t "
        "where t.merchant_id = any(array(select r.key union all "
        "select g.merchant_id from merged g where g.going_on_id = r.key)) and t.filed_at >= %s and t.filed_at < %s "
        "and t.valid = 1 order by 1 limit %s) from risen r left join read.merchants m on m.merchant_id = r.key "
        "order by r.recent desc, r.key",
        [
            *(*recent.parameters, LEAST_RISE, *base.parameters, BASE_DAYS, TIMES * RECENT_DAYS),
            *(*days.filed, CITED),
        ],
    )
    names = ("merchant_id", "merchant", "recent", "base", "complaints")
    return [{"kind": "sudden_rise", **days._asdict(), **dict(zip(names, row, strict=True))} for row in cursor]


def _themes(cursor: Any, days: Recent) -> list[dict[str, Any]]:
    cursor.execute(
        "select d.scenario, d.region_scheme, d.region, count(*) filter (where d.filed_at >= %s), "
        "count(*) filter (where d.filed_at < %s) from read.complaint_details d where d.filed_at >= %s "
        f"and d.filed_at < %s and d.scenario is not null and d.region is not null and {IS_VALID} group by 1, 2, 3",
        (days.filed[0], days.filed[0], start_of_day(days.base[0]), days.filed[1]),
    )
    counts: dict[str, dict[Region, tuple[int, int]]] = {}
    for scenario, scheme, region, recent, base in cursor:
        counts.setdefault(scenario, {})[scheme or "", region] = recent, base
    found = [
        {
            "kind": "theme",
            **days._asdict(),
            "scenario": scenario,
            "region": division,
            "scheme": regions[0][0],
            "regions": sorted(region for _, region in regions),
            "recent": sum(own[one][0] for one in regions),
            "base": sum(own[one][1] for one in regions),
            "complaints": [],
        }
        for scenario, own in counts.items()
        for division, regions in outstanding(own)
    ]
    if found:
        cursor.execute(
            "select d.complaint_id, d.scenario, d.region_scheme, d.region from read.complaint_details d "
            "where d.filed_at >= %s and d.filed_at < %s and d.scenario = any(%s) and d.region = any(%s) "
            f"and {IS_VALID} order by 1",
            (
                *days.filed,
                [one["scenario"] for one in found],
                [region for one in found for region in one["regions"]],
            ),
        )
        of = {(one["scenario"], one["scheme"], region): one["complaints"] for one in found for region in one["regions"]}
        for complaint, scenario, scheme, region in cursor:
            cited = of.get((scenario, scheme or "", region), [])
            if len(cited) < CITED:
                cited.append(complaint)
    return sorted(found, key=lambda one: (-one["recent"], one["scenario"], one["region"], one["scheme"]))


#: A code list, and a code of it.
Region = tuple[str, str]


def outstanding(counts: Mapping[Region, tuple[int, int]]) -> list[tuple[str, list[Region]]]:
    """Return the divisions that stand out: counties, then cities by what is left in them, then provinces likewise."""
    left, found = dict(counts), []
    for digits in (6, 4, 2):
        groups: dict[Region, list[Region]] = {}
        for scheme, region in left:
            if scheme == DIVISIONS:
                division = region[:digits].ljust(6, "0")
                # A city is no county, and a province no city.
                if division != region or digits == 2 or region[digits - 2 : digits] != "00":
                    groups.setdefault((scheme, division), []).append((scheme, region))
            elif digits == 6:
                groups[scheme, region] = [(scheme, region)]
        for (_, division), regions in groups.items():
            recent, base = (sum(left[one][n] for one in regions) for n in (0, 1))
            if _stands_out(recent, base, LEAST_THEME):
                found.append((division, regions))
        for _, regions in found:
            for one in regions:
                left.pop(one, None)
    return found


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
