"""Statistics over requests: sums and rates by any dimension and period, rankings, and what is behind each figure.

Terms, periods and rounding are those of docs/definitions.md. What concerns one dimension is read from the sums; what
is filtered by others is summed over the requests, by the same measures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from adapters.database import Pool
from adapters.explaining import filled
from adapters.read_store import complete_to
from adapters.statistics_sources import (
    GROUPS,
    INTERVALS,
    ORDERS,
    Query,
    dimension_of,
    period_of,
    requests_of,
    source_of,
)
from domain.errors import InvalidInput
from projections.rates import RATES, rates
from projections.resolution_statistics import MEASURES

__all__ = ["GROUPS", "INTERVALS", "MONTHS", "ORDERS", "Answer", "Query", "aggregate", "behind", "explain", "source_of"]

MONTHS = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}
#: How long the periods are, in SQL.
LENGTHS = {"day": "1 day", "week": "7 days", **{name: f"{months} months" for name, months in MONTHS.items()}}


@dataclass(frozen=True, slots=True)
class Answer:
    """The groups of a page; how many groups there are, and how many were left out as too small; complete to a position.

    A group: ``key``, ``scheme``, ``title`` of a merchant or office, ``first_day`` and ``last_day`` of its period and
    whether that is ``incomplete``, ``measures``, ``rates``. ``valid`` are the valid complaints of all that was asked
    for, ``valid_of_groups`` those of the groups of all pages.
    """

    items: list[dict[str, Any]]
    groups: int
    left_out: int
    complete_to: int
    valid: int
    valid_of_groups: int


def aggregate(
    pool: Pool,
    query: Query,
    *,
    today: date,
    limit: int | None = None,
    offset: int = 0,
    before: bool = False,
) -> Answer:
    """Return the groups of a query; ``today`` decides which periods are incomplete.

    ``before`` true: each group has ``before``, the valid complaints of the period before it. All is of one moment.
    """
    period, order = period_of(query.interval), order_of(query)
    # Where few of many groups are shown, all measures are summed for them alone.
    few = limit is not None and dimension_of(query) not in (None, "all") and query.by not in ("all", "industry")
    needed = tuple(dict.fromkeys((*compared(query), "valid", "requests"))) if few else MEASURES
    source, shown = source_of(query, needed), source_of(query, of_page=few)
    known, small = _known(query), f"{least_of(query)} < {query.least:d}"
    candidates, bounds = f"select * from ranked where {known} and not {small}", [limit, offset]
    if limit is not None and query.order in RATES:
        # A fraction as a float is at its place or level with its neighbours: so many, and those level with the last,
        # are enough to order exactly, which takes longer.
        part, whole = compared(query)
        candidates += f" order by {part}::float8 / nullif({whole}, 0) desc nulls last fetch first %s rows with ties"
        bounds = [limit + offset, *bounds]
    measures, summed, joined = "p", "", ""
    if few:
        everything = ", ".join(f"read.total(s.{name}) as {name}" for name in MEASURES)
        summed = (
            f", summed as materialized (select s.scheme, s.key, {period} as period, {everything} from {shown.rows} "
            "group by 1, 2, 3)"
        )
        measures, joined = (
            "f",
            ("join summed f on f.key = p.key and f.scheme = p.scheme and f.period is not distinct from p.period "),
        )
    earlier, of_before = "null::bigint", ""
    if before and query.interval:
        earlier = "coalesce(b.valid, 0)"
        of_before = (
            "left join ranked b on b.key = p.key and b.scheme = p.scheme "
            f"and b.period = (p.period - interval '{LENGTHS[query.interval]}')::date "
        )
    shown_measures = ", ".join(f"{measures}.{name}" for name in MEASURES)
    with pool.cursor() as cursor:
        complete = complete_to(cursor)
        cursor.execute(
            f"with {source.before}ranked as materialized (select s.scheme, s.key, {period} as period, "
            f"{', '.join(f'read.total(s.{name}) as {name}' for name in needed)} "
            f"from {source.rows} group by 1, 2, 3 having read.total(s.requests) <> 0), "
            f"page as materialized (select *, row_number() over (order by {order}) as place "
            f"from (select * from ({candidates}) as c order by {order} limit %s offset %s) as r){summed} "
            f"select counted.*, shown.* from (select count(*) filter (where {known} and not {small}), "
            f"count(*) filter (where {known} and {small}), read.total(valid), "
            f"read.total(valid) filter (where {known} and not {small}) from ranked) as counted "
            f"left join (select {earlier}, p.place, p.scheme, p.key, p.period, {shown_measures} "
            f"from page p {joined}{of_before}) as shown on true order by place",
            [*source.parameters, *bounds, *(shown.parameters if few else ())],
        )
        rows = cursor.fetchall()
        groups, left_out, valid, valid_of_groups = rows[0][:4]
        rows = [row[4:] for row in rows if row[5] is not None]
        titles = _titles(cursor, query.by, [key for _, _, _, key, *_ in rows])
    items = [
        {
            **group(query, today, scheme, key, titles.get(key), first_day, values),
            **({"before": valid_before} if before else {}),
        }
        for valid_before, _, scheme, key, first_day, *values in rows
    ]
    return Answer(items, groups, left_out, complete, valid, valid_of_groups)


def group(
    query: Query,
    today: date,
    scheme: str,
    key: str,
    title: str | None,
    first_day: date | None,
    values: Sequence[int],
) -> dict[str, Any]:
    """Return a group as in ``Answer``; ``values`` in the order of MEASURES."""
    measures = dict(zip(MEASURES, values, strict=True))
    last_day = last_of(query.interval, first_day) if query.interval and first_day else query.last
    return {
        "key": key,
        "scheme": scheme,
        "title": title,
        "first_day": first_day or query.first,
        "last_day": last_day,
        "incomplete": last_day is None or last_day >= today or is_cut(query, first_day, last_day),
        "measures": measures,
        "rates": rates(measures),
    }


def is_cut(query: Query, first_day: date | None, last_day: date) -> bool:
    """Whether days of a period are not among those that were asked for."""
    if first_day is None:
        return False
    return bool((query.first and first_day < query.first) or (query.last and last_day > query.last))


def compared(query: Query) -> tuple[str, str]:
    """Return the measure that groups are ordered by, and of what it is a share."""
    return RATES.get(query.order or "", (query.order or "valid", "valid"))


def order_of(query: Query) -> str:
    """Return the order of the groups in SQL, of columns ``period``, ``key``, ``scheme`` and the measures."""
    part, whole = compared(query)
    if query.order in RATES:
        return f"div({part}::numeric * 1e24, nullif({whole}, 0)) desc nulls last, {whole} desc, key, scheme"
    return "period, key, scheme" if query.order is None and query.interval else f"{part} desc, key, scheme"


def _known(query: Query) -> str:
    return "key <> ''" if query.known and query.by != "all" else "true"


def least_of(query: Query) -> str:
    """Return the measure of which a group needs at least the query's ``least``."""
    return compared(query)[1] if query.order in RATES else "valid"


def first_of(interval: str, day: date) -> date:
    """Return the first day of the period that a day is in."""
    if interval in MONTHS:
        return date(day.year, (day.month - 1) // MONTHS[interval] * MONTHS[interval] + 1, 1)
    return day - timedelta(days=day.weekday() if interval == "week" else 0)


def last_of(interval: str, first: date) -> date:
    """Return the last day of the period that begins on a day."""
    if interval in MONTHS:
        months = first.month - 1 + MONTHS[interval]
        return date(first.year + months // 12, months % 12 + 1, 1) - timedelta(days=1)
    return first + timedelta(days=6 if interval == "week" else 0)


def behind(
    pool: Pool,
    query: Query,
    measure: str,
    *,
    key: str | None,
    scheme: str | None = None,
    after: str = "",
    limit: int = 100,
) -> tuple[list[dict[str, Any]], int, str]:
    """Return the requests behind a measure of a group, in the order of ids, behind ``after``, with what each adds.

    And how many there are, and the SQL that lists them all. ``scheme``: the code list of the key; None: of any.
    """
    if measure not in MEASURES:
        raise InvalidInput(f"there is no measure {measure!r}", hint=f"measures are: {', '.join(MEASURES)}")
    source = requests_of(query, key)
    where = f"s.{measure} <> 0" + (" and s.scheme = %s" if scheme is not None else "")
    own = [*source.parameters, *([scheme] if scheme is not None else [])]
    sql = f"select s.complaint_id, s.version, s.position, s.{measure} from {source.alone} where {where} order by 1"
    with pool.cursor() as cursor:
        # One statement, so that the number and the page are of one moment.
        cursor.execute(
            f"with found as materialized ({sql}) select counted.*, page.* from (select count(*) from found) as counted "
            "left join (select * from found where complaint_id > %s order by 1 limit %s) as page on true order by 2",
            [*own, after, limit],
        )
        rows = cursor.fetchall()
    names = ("complaint_id", "version", "position", "adds")
    found = [dict(zip(names, row[1:], strict=True)) for row in rows if row[1] is not None]
    return found, rows[0][0], filled(pool, sql, own)


def explain(pool: Pool, query: Query) -> str:
    """Return the SQL that sums a query over the requests: the same figures from beneath, in the same order."""
    source = requests_of(query)
    sums = ", ".join(f"sum(s.{name})::bigint as {name}" for name in MEASURES)
    sql = (
        f"select scheme, key, period as first_day, {', '.join(MEASURES)} from (select s.scheme, s.key, "
        f"{period_of(query.interval)} as period, {sums} from {source.alone} group by 1, 2, 3) as g "
        f"where {_known(query)} and {least_of(query)} >= {query.least:d} order by {order_of(query)}"
    )
    return filled(pool, sql, source.parameters)


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
