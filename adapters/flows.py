"""What came of requests, by the day on which it happened: sums by dimension and period, and what is behind each.

Terms are those of docs/definitions.md, "By day of the event".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from adapters.database import Pool
from adapters.explaining import filled
from adapters.groups import Kind, page_of
from adapters.listed import require_listed
from adapters.periods import period_of
from adapters.read_store import complete_to
from adapters.snapshots import snapshot
from adapters.statistics_sources import (
    INDUSTRY,
    INDUSTRY_SCHEME,
    Source,
    going_on,
    require_known,
    sums_of,
)
from adapters.statistics_sources import Query as Filed
from domain.errors import InvalidInput
from projections.flows import DIMENSIONS, RATES
from projections.flows import MEASURES as KEPT
from projections.rates import percent

#: What was filed stands beside what came of it.
MEASURES = ("filed", *KEPT)
GROUPS = (*DIMENSIONS, "industry")
ORDERS = (*MEASURES, *RATES)
HAPPENED = "happened"
KIND = Kind(
    MEASURES,
    RATES,
    lambda measures: {name: percent(measures[part], measures[whole]) for name, (part, whole) in RATES.items()},
    main="filed",
    present=HAPPENED,
)


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked: groups ``by`` a dimension and, where given, by ``interval``, of the days from first to last.

    ``only``: values of the dimension, of which one has to fit; ``without``: of which none may. ``order``: a measure or
    a rate, greatest first; without one periods are in order, and the rest by what was filed.
    """

    by: str = "all"
    interval: str | None = None
    first: date | None = None
    last: date | None = None
    only: Sequence[str] | None = None
    without: Sequence[str] = field(default=())
    order: str | None = None

    def __post_init__(self) -> None:
        if self.by not in GROUPS:
            raise InvalidInput(f"there are no flows by {self.by!r}", hint=f"dimensions are: {', '.join(GROUPS)}")
        require_listed({self.by: [*(self.only or ()), *self.without]})
        require_known(self.interval, self.order, ORDERS, self.first, self.last)


@dataclass(frozen=True, slots=True)
class Flows:
    """The groups of a page, how many there are in all, and the position that they are complete to.

    A group: ``key``, ``scheme``, ``title`` of a merchant or office, ``first_day`` and ``last_day`` of its period and
    whether that is ``incomplete``, ``measures``, ``rates``.
    """

    items: list[dict[str, Any]]
    groups: int
    complete_to: int


def of_conditions(by: str, given: Mapping[str, Sequence[str]]) -> list[str] | None:
    """Return the values of the own dimension, None where there are none; raises InvalidInput for another one."""
    other = [name for name in given if name != by]
    if other:
        raise InvalidInput(
            f"flows by {by} cannot be filtered by {other[0]!r}",
            hint="filter by the dimension itself; GET /statistics filters by all, of the day of filing",
        )
    return list(given[by]) if by in given else None


def aggregate(pool: Pool, query: Query, *, today: date, limit: int | None = None, offset: int = 0) -> Flows:
    """Return the groups of a query in which something happened; ``today`` decides which periods are incomplete."""
    # Where few of many groups are shown, all measures are summed for them alone.
    few = limit is not None and query.by not in ("all", "industry")
    ranked = tuple(dict.fromkeys(KIND.compared(query.order))) if few else MEASURES
    sources = _sums(query, ranked), _sums(query, of_page=True) if few else None
    with pool.cursor() as cursor:
        complete = complete_to(cursor)
        (groups,), items = page_of(
            cursor,
            KIND,
            query,
            sources,
            ranked=ranked,
            counted="count(*)",
            limit=limit,
            offset=offset,
            today=today,
        )
    return Flows(items, groups, complete)


def behind(
    pool: Pool, query: Query, measure: str, *, key: str | None, scheme: str | None, after: str = "", limit: int = 100
) -> tuple[list[dict[str, Any]], int, str]:
    """Return the requests behind a measure of a group, in the order of ids, behind ``after``, with what each adds.

    And how many there are, and the SQL that lists them all.
    """
    if measure not in MEASURES:
        raise InvalidInput(f"there is no measure {measure!r}", hint=f"measures are: {', '.join(MEASURES)}")
    source = _events(query)
    conditions, own = ["s.measure = %s"], [*source.parameters, measure]
    for column, value in (("key", key), ("scheme", scheme)):
        if value is not None:
            conditions.append(f"s.{column} = %s")
            own.append(value)
    sql = (
        "select s.complaint_id, s.version, s.position, sum(s.adds)::bigint as adds "
        f"from {source.alone} where {' and '.join(conditions)} group by 1, 2, 3 order by 1"
    )
    with snapshot(pool) as moment, moment.cursor() as cursor:
        cursor.execute(f"select count(*) from ({sql}) as found", own)
        ((count,),) = cursor.fetchall()
        cursor.execute(
            f"select * from ({sql}) as found where complaint_id > %s order by 1 limit %s", [*own, after, limit]
        )
        names = ("complaint_id", "version", "position", "adds")
        found = [dict(zip(names, row, strict=True)) for row in cursor]
    return found, count, filled(pool, sql, own)


def explain(pool: Pool, query: Query) -> str:
    """Return the SQL that sums a query over the requests: the same figures from beneath, in the same order."""
    source = _events(query)
    sums = ", ".join(
        f"coalesce(sum(s.adds) filter (where s.measure = '{name}'), 0)::bigint as {name}" for name in MEASURES
    )
    sql = (
        f"select scheme, key, period as first_day, {', '.join(MEASURES)} from (select s.scheme, s.key, "
        f"{period_of(query.interval)} as period, {sums} from {source.alone} group by 1, 2, 3) as g "
        f"order by {KIND.order_by(query)}"
    )
    return filled(pool, sql, source.parameters)


def _sums(query: Query, measures: Sequence[str] = MEASURES, *, of_page: bool = False) -> Source:
    """Return the sums of what was kept as ``s (scheme, key, day, measures)``; some are to be subtracted.

    And HAPPENED: all measures together, since a group in which they come to nothing is none. ``of_page``: without it,
    of the keys of a ``page`` only.
    """
    only = {query.by: query.only} if query.only is not None else {}
    without = {query.by: query.without} if query.without else {}
    asked = Filed(query.by, query.interval, query.first, query.last, only, without)
    dimension = "merchant" if query.by == "industry" else query.by
    named = measures if of_page else (*measures, HAPPENED)
    parts, parameters, needs = [], list[Any](), ""
    for table, present in (("read.flows", KEPT), ("read.resolution_statistics", ("filed",))):
        columns = {name: f"t.{name}" for name in measures if name in present}
        if not of_page:
            columns[HAPPENED] = " + ".join(f"t.{name}" for name in present)
        kept = sums_of(asked, table, dimension, columns, all_time=True, of_page=of_page)
        sums = ", ".join(f"s.{name}" if name in columns else "0::bigint" for name in named)
        parts.append(f"select s.scheme, s.key, s.day, {sums} from {kept.rows}")
        parameters += kept.parameters
        needs = kept.needs
    return Source(needs, f"({' union all '.join(parts)}) as s (scheme, key, day, {', '.join(named)})", parameters)


def _events(query: Query) -> Source:
    """Return what happened to requests, as ``s (scheme, key, complaint_id, version, position, day, measure, adds)``."""
    dimension = "merchant" if query.by == "industry" else query.by
    column = "''" if dimension == "all" else f"t.{dimension}"
    own, parameters = _own_rows(query, column)
    needs, joined, key, scheme = _group(query, column, "t.region_scheme" if dimension == "region" else "''")
    for day, compare in ((query.first, ">="), (query.last, "<=")):
        if day is not None:
            own += f" and t.day {compare} %s"
            parameters.append(day)
    rows = (
        f"(select {scheme} as scheme, {key} as key, t.complaint_id, t.version, t.position, t.day, t.measure, t.adds "
        f"from read.flow_events() t{joined} where {own}) as s"
    )
    return Source(needs, rows, parameters)


def _own_rows(query: Query, column: str) -> tuple[str, list[Any]]:
    """Return the condition on events by ``only`` and ``without``: a merchant's are also those of the merged ones."""
    conditions, parameters = ["true"], list[Any]()
    if query.by == "merchant":
        column_of = f"coalesce(g.going_on_id, {column})"
        if query.only is not None:
            # First by what is stored, for which there is an index.
            conditions.append(
                f"{column} = any(%s::text[] || array(select merchant_id from merged where going_on_id = any(%s)))"
            )
            parameters += [list(query.only), list(query.only)]
    else:
        column_of = INDUSTRY if query.by == "industry" else column
    if query.only is not None:
        conditions.append(f"{column_of} = any(%s)")
        parameters.append(list(query.only))
    if query.without:
        conditions.append(f"{column_of} <> all(%s)")
        parameters.append(list(query.without))
    return " and ".join(conditions), parameters


def _group(query: Query, column: str, scheme: str) -> tuple[str, str, str, str]:
    """Return what a query needs, what is joined, and the key and scheme of a row's group."""
    if query.by == "merchant":
        return *going_on(column, classified=False), f"coalesce(g.going_on_id, {column})", scheme
    if query.by == "industry":
        return *going_on(column, classified=True), INDUSTRY, INDUSTRY_SCHEME
    return "", "", column, scheme
