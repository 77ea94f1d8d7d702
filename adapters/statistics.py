"""Statistics over requests: sums and rates by any dimension and period, rankings, and what is behind each figure.

Terms, periods and rounding are those of docs/definitions.md. What concerns one dimension is read from the sums; what
is filtered by others is summed over the requests, by the same measures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from adapters.database import Pool
from adapters.read_store import complete_to
from domain.calendar import start_of_day
from domain.errors import InvalidInput
from projections.rates import RATES, rates
from projections.resolution_statistics import DIMENSIONS, MEASURES

#: Years that days are reckoned with.
YEARS = range(1900, 2200)
#: The first day of the period that a day is in, by the length of the period.
INTERVALS = {
    "day": "{day}",
    "week": "date_trunc('week', {day})::date",
    "month": "date_trunc('month', {day})::date",
    "quarter": "date_trunc('quarter', {day})::date",
    "half-year": "make_date(extract(year from {day})::int, 1 + 6 * ((extract(month from {day})::int - 1) / 6), 1)",
    "year": "date_trunc('year', {day})::date",
}
MONTHS = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}
#: Dimensions of a request that are read from its merchant.
OF_MERCHANT = ("industry",)
GROUPS = (*DIMENSIONS, *OF_MERCHANT)
ORDERS = (*MEASURES, *RATES)
#: A merchant that was merged into another counts as that one.
MERGED = "read.merged_merchants() g"


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked: groups ``by`` a dimension and, where given, by ``interval``, of the days from first to last.

    ``filters``: dimension -> values, of which one has to fit; ``exclude``: of which none may.
    ``order``: a measure or a rate, greatest first; without one periods are in order, and the rest by valid complaints.
    ``least``: groups in which the denominator of the order (or, with a measure, ``valid``) is less are left out.
    """

    by: str = "all"
    interval: str | None = None
    first: date | None = None
    last: date | None = None
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    exclude: Mapping[str, Sequence[str]] = field(default_factory=dict)
    order: str | None = None
    least: int = 0

    def __post_init__(self) -> None:
        for name in (self.by, *self.filters, *self.exclude):
            if name not in GROUPS:
                raise InvalidInput(f"there is no dimension {name!r}", hint=f"dimensions are: {', '.join(GROUPS)}")
        if self.interval is not None and self.interval not in INTERVALS:
            raise InvalidInput(f"there is no interval {self.interval!r}", hint=f"there are: {', '.join(INTERVALS)}")
        if self.order is not None and self.order not in ORDERS:
            raise InvalidInput(f"nothing is ordered by {self.order!r}", hint=f"there are: {', '.join(ORDERS)}")
        for day in (self.first, self.last):
            if day is not None and day.year not in YEARS:
                raise InvalidInput(f"{day} is out of reach", hint=f"give a day from {YEARS[0]} to {YEARS[-1]}")
        if self.first and self.last and self.first > self.last:
            raise InvalidInput(f"{self.first} is after {self.last}", hint="exchange them")


@dataclass(frozen=True, slots=True)
class Answer:
    """The groups of a page; how many groups there are, and how many were left out as too small; complete to a position.

    A group: ``key``, ``scheme``, ``title`` of a merchant or office, ``first_day`` and ``last_day`` of its period and
    whether that is ``incomplete``, ``measures``, ``rates``.
    """

    items: list[dict[str, Any]]
    groups: int
    left_out: int
    complete_to: int


def aggregate(pool: Pool, query: Query, *, today: date, limit: int | None = None, offset: int = 0) -> Answer:
    """Return the groups of a query; ``today`` decides which periods are incomplete."""
    source, parameters = source_of(query)
    period = INTERVALS[query.interval].format(day="s.day") if query.interval else "null::date"
    order = order_of(query)
    needed = dict.fromkeys((*_compared(query), "valid"))
    sums = ", ".join(f"sum(s.{name})::bigint as {name}" for name in needed)
    small = f"{least_of(query)} < %s"
    ranked = f"select s.scheme, s.key, {period} as period, {sums} from {source} group by 1, 2, 3"
    everything = ", ".join(f"sum(s.{name})::bigint" for name in MEASURES)
    with pool.cursor() as cursor:
        complete = complete_to(cursor)
        # The page is found by what it is ordered by; all measures are summed for its groups only.
        cursor.execute(
            f"with ranked as materialized ({ranked}), "
            f"page as materialized (select *, row_number() over (order by {order}) as place from ranked "
            f"where not {small} order by place limit %s offset %s), "
            f"summed as (select p.place, p.scheme, p.key, p.period, {everything} from {source} join page p "
            f"on p.key = s.key and p.scheme = s.scheme and p.period is not distinct from {period} group by 1, 2, 3, 4) "
            f"select counted.*, summed.* from (select count(*) filter (where not {small}), "
            f"count(*) filter (where {small}) from ranked) as counted left join summed on true order by place",
            [*parameters, query.least, limit, offset, *parameters, query.least, query.least],
        )
        rows = cursor.fetchall()
        groups, left_out = rows[0][:2]
        rows = [row[2:] for row in rows if row[2] is not None]
        titles = _titles(cursor, query.by, [key for _, _, key, *_ in rows])
    items = []
    for _, scheme, key, first_day, *values in rows:
        measures = dict(zip(MEASURES, values, strict=True))
        last_day = last_of(query.interval, first_day) if query.interval else query.last
        items.append(
            {
                "key": key,
                "scheme": scheme,
                "title": titles.get(key),
                "first_day": first_day or query.first,
                "last_day": last_day,
                "incomplete": last_day is None or last_day >= today,
                "measures": measures,
                "rates": rates(measures),
            }
        )
    return Answer(items, groups, left_out, complete)


def _compared(query: Query) -> tuple[str, str]:
    return RATES.get(query.order or "", (query.order or "valid", "valid"))


def order_of(query: Query) -> str:
    """Return the order of the groups in SQL, of columns ``period``, ``key``, ``scheme`` and the measures."""
    part, whole = _compared(query)
    if query.order in RATES:
        return f"div({part}::numeric * 1e24, nullif({whole}, 0)) desc nulls last, {whole} desc, key, scheme"
    return "period, key, scheme" if query.order is None and query.interval else f"{part} desc, key, scheme"


def least_of(query: Query) -> str:
    """Return the measure of which a group needs at least the query's ``least``."""
    return _compared(query)[1] if query.order in RATES else "valid"


def last_of(interval: str, first: date) -> date:
    """Return the last day of the period that begins on a day."""
    if interval in MONTHS:
        months = first.month - 1 + MONTHS[interval]
        return date(first.year + months // 12, months % 12 + 1, 1) - timedelta(days=1)
    return first + timedelta(days=6 if interval == "week" else 0)


def behind(
    pool: Pool, query: Query, measure: str, *, key: str | None, after: str = "", limit: int = 100
) -> tuple[list[dict[str, Any]], int, str, list[Any]]:
    """Return the requests behind a measure of a group, in the order of ids, behind ``after``, with what each adds.

    And how many there are, and the query in SQL with its parameters.
    """
    if measure not in MEASURES:
        raise InvalidInput(f"there is no measure {measure!r}", hint=f"measures are: {', '.join(MEASURES)}")
    source, parameters = _requests(query)
    where = f"s.{measure} <> 0" + (" and s.key = %s" if key is not None else "")
    own = [*parameters, *([key] if key is not None else [])]
    sql = f"select s.complaint_id, s.version, s.position, s.{measure} from {source} where {where} order by 1"
    with pool.cursor() as cursor:
        cursor.execute(f"select count(*) from ({sql}) as found", own)
        ((count,),) = cursor.fetchall()
        cursor.execute(
            f"select * from ({sql}) as found where complaint_id > %s order by 1 limit %s", [*own, after, limit]
        )
        names = ("complaint_id", "version", "position", "adds")
        return [dict(zip(names, row, strict=True)) for row in cursor], count, sql, own


def explain(query: Query) -> dict[str, Any]:
    """Return the SQL that sums a query over the requests, with its parameters: the same figures from beneath."""
    source, parameters = _requests(query)
    period = INTERVALS[query.interval].format(day="s.day") if query.interval else "null::date"
    sums = ", ".join(f"sum(s.{name}) as {name}" for name in MEASURES)
    return {
        "sql": f"select s.scheme, s.key, {period} as first_day, {sums} from {source} group by 1, 2, 3 order by 2, 1, 3",
        "parameters": parameters,
    }


def source_of(query: Query) -> tuple[str, list[Any]]:
    """Return the sums, or the requests where they are needed, as ``s (scheme, key, day, measures)``."""
    of_key = {*query.filters, *query.exclude} <= {query.by, *(("industry",) if query.by == "merchant" else ())}
    if not of_key or (query.by in OF_MERCHANT and {*query.filters, *query.exclude} - {query.by}):
        return _requests(query)
    dimension = "merchant" if query.by in OF_MERCHANT else query.by
    grain = grain_of(query)
    conditions = ["t.dimension = %s", "t.grain = %s"]
    parameters: list[Any] = [dimension, grain]
    for day, compare in ((query.first, ">="), (query.last, "<=")):
        if day is not None:
            conditions.append(f"t.first_day {compare} %s")
            parameters.append(day)
    key, joined = "t.key", ""
    if dimension == "merchant":
        joined = f" left join {MERGED} on g.merchant_id = t.key"
        key = "coalesce(g.going_on_id, t.key)"
        if query.by in OF_MERCHANT or "industry" in {*query.filters, *query.exclude}:
            joined += f" left join read.merchants m on m.merchant_id = {key}"
    columns = {query.by: "t.key", "merchant": key, "industry": "coalesce(m.industry, '')"}
    conditions, parameters = _filtered(query, columns, conditions, parameters)
    scheme = "coalesce(m.industry_scheme, '')" if query.by == "industry" else "t.scheme"
    return (
        f"(select {scheme} as scheme, {columns[query.by]} as key, t.first_day as day, "
        f"{', '.join(f't.{name}' for name in MEASURES)} from read.resolution_statistics t{joined} "
        f"where {' and '.join(conditions)}) as s",
        parameters,
    )


def _requests(query: Query) -> tuple[str, list[Any]]:
    conditions: list[str] = ["true"]
    parameters: list[Any] = []
    if query.first is not None:
        conditions.append("t.filed_at >= %s")
        parameters.append(start_of_day(query.first))
    if query.last is not None:
        conditions.append("t.filed_at < %s")
        parameters.append(start_of_day(query.last + timedelta(days=1)))
    used = {query.by, *query.filters, *query.exclude}
    columns = {name: f"t.{name}" for name in DIMENSIONS if name not in ("all", "merchant")}
    columns |= {"all": "''", "merchant": "coalesce(g.going_on_id, t.merchant)", "industry": "coalesce(m.industry, '')"}
    joined = ""
    if used & {"merchant", "industry"}:
        joined = f" left join {MERGED} on g.merchant_id = t.merchant"
        if "industry" in used:
            joined += " left join read.merchants m on m.merchant_id = coalesce(g.going_on_id, t.merchant)"
    conditions, parameters = _filtered(query, columns, conditions, parameters)
    schemes = {"product": "t.product_scheme", "issue": "t.product_scheme", "region": "t.region_scheme"}
    schemes["industry"] = "coalesce(m.industry_scheme, '')"
    return (
        f"(select {schemes.get(query.by, repr(''))} as scheme, {columns[query.by]} as key, t.complaint_id, t.version, "
        f"t.position, t.day, {', '.join(f't.{name}' for name in MEASURES)} from read.complaint_measures() t{joined} "
        f"where {' and '.join(conditions)}) as s",
        parameters,
    )


def _filtered(
    query: Query, columns: Mapping[str, str], conditions: list[str], parameters: list[Any]
) -> tuple[list[str], list[Any]]:
    for asked, compare in ((query.filters, "= any(%s)"), (query.exclude, "<> all(%s)")):
        for name, values in asked.items():
            conditions = [*conditions, f"{columns[name]} {compare}"]
            parameters = [*parameters, list(values)]
    return conditions, parameters


def grain_of(query: Query) -> str:
    """Return the longest grain of the sums that the days and the interval of a query are made of."""
    first, after = query.first, None if query.last is None else query.last + timedelta(days=1)
    bounds = [day for day in (first, after) if day is not None]
    if query.interval in (None, "year") and all((day.month, day.day) == (1, 1) for day in bounds):
        return "year"
    if query.interval not in ("day", "week") and all(day.day == 1 for day in bounds):
        return "month"
    return "day"


def _titles(cursor: Any, by: str, keys: Sequence[str]) -> dict[str, str]:
    table = {
        "merchant": ("read.merchants", "merchant_id", "trade_name"),
        "office": ("read.offices", "office_id", "title"),
    }
    if by not in table:
        return {}
    name, column, title = table[by]
    cursor.execute(f"select {column}, {title} from {name} where {column} = any(%s)", (list(keys),))
    return dict(cursor.fetchall())
