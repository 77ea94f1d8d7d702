"""What statistics are summed from: the sums of a dimension, or the requests where these do not suffice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from adapters.listed import require_listed
from adapters.periods import INTERVALS
from adapters.spans import BEGINNING, END, spans
from domain.calendar import start_of_day
from domain.errors import InvalidInput
from projections.rates import RATES
from projections.resolution_statistics import DIMENSIONS, MEASURES

#: Years that days are reckoned with.
YEARS = range(1900, 2200)
#: Dimensions of a request that are read from its merchant.
OF_MERCHANT = ("industry",)
GROUPS = (*DIMENSIONS, *OF_MERCHANT)
ORDERS = (*MEASURES, *RATES)
#: A merchant that was merged into another counts as that one. Made once in a query: what it holds is not known before.
MERGED = "merged as materialized (select * from read.merged_merchants())"
#: The industry of the merchant that goes on, and its code list, where they are joined by ``going_on``.
INDUSTRY, INDUSTRY_SCHEME = "coalesce(i.industry, '')", "coalesce(i.industry_scheme, '')"
#: The merchants of a list that go on, and those that were merged into them, in SQL; two parameters, both the list.
ALL_OF = (
    "array(select v from unnest(%s::text[]) v where v not in (select merchant_id from merged) "
    "union all select merchant_id from merged where going_on_id = any(%s::text[]))"
)
#: The same of the groups of a page.
ALL_OF_PAGE = (
    "array(select p.key from page p union all select g.merchant_id from merged g join page p on p.key = g.going_on_id)"
)


def require_known(
    interval: str | None, order: str | None, orders: Sequence[str], first: date | None, last: date | None
) -> None:
    """Raise InvalidInput for an interval, an order, or days that nothing can be asked by."""
    if interval is not None and interval not in INTERVALS:
        raise InvalidInput(f"there is no interval {interval!r}", hint=f"there are: {', '.join(INTERVALS)}")
    if order is not None and order not in orders:
        raise InvalidInput(f"nothing is ordered by {order!r}", hint=f"there are: {', '.join(orders)}")
    for day in (first, last):
        if day is not None and day.year not in YEARS:
            raise InvalidInput(f"{day} is out of reach", hint=f"give a day from {YEARS[0]} to {YEARS[-1]}")
    if first and last and first > last:
        raise InvalidInput(f"{first} is after {last}", hint="exchange them")


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked: groups ``by`` a dimension and, where given, by ``interval``, of the days from first to last.

    ``filters``: dimension -> values, of which one has to fit; ``exclude``: of which none may.
    ``order``: a measure or a rate, greatest first; without one periods are in order, and the rest by valid complaints.
    ``least``: groups in which the denominator of the order (or, with a measure, ``valid``) is less are left out.
    ``known``: what is not known is no group, and not left out as too small.
    """

    by: str = "all"
    interval: str | None = None
    first: date | None = None
    last: date | None = None
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    exclude: Mapping[str, Sequence[str]] = field(default_factory=dict)
    order: str | None = None
    least: int = 0
    known: bool = False

    def __post_init__(self) -> None:
        for name in (self.by, *self.filters, *self.exclude):
            if name not in GROUPS:
                raise InvalidInput(f"there is no dimension {name!r}", hint=f"dimensions are: {', '.join(GROUPS)}")
        require_listed(self.filters)
        require_listed(self.exclude)
        require_known(self.interval, self.order, ORDERS, self.first, self.last)

    @property
    def limited_by(self) -> set[str]:
        """The dimensions that are filtered by, or of which values are left out."""
        return {*self.filters, *self.exclude}


@dataclass(frozen=True, slots=True)
class Source:
    """Rows ``s (scheme, key, day, measures)`` in SQL; ``needs`` what stands before the query (``with …``).

    Groups of which ``requests`` add up to nothing are none: what is subtracted leaves such behind.
    """

    needs: str
    rows: str
    parameters: list[Any]

    @property
    def before(self) -> str:
        """What stands before other common table expressions of a query."""
        return f"{self.needs}, " if self.needs else ""

    @property
    def alone(self) -> str:
        """The rows with all that they need."""
        return f"(with {self.needs} select s.* from {self.rows}) as s" if self.needs else self.rows


def dimension_of(query: Query) -> str | None:
    """Return the dimension whose sums suffice for a query; None where the requests are needed."""
    used = {query.by, *query.limited_by} - {"all"} or {"all"}
    if used <= {"merchant", *OF_MERCHANT}:
        return "merchant"
    return used.pop() if len(used) == 1 else None


def source_of(query: Query, columns: Iterable[str] = MEASURES, *, of_page: bool = False) -> Source:
    """Return the sums, or the requests where they are needed, with these measures at least.

    ``of_page``: of the keys of a ``page`` only.
    """
    dimension = dimension_of(query)
    if dimension is None:
        return requests_of(query)
    return sums_of(query, "read.resolution_statistics", dimension, columns, all_time=True, of_page=of_page)


def sums_of(
    query: Query,
    table: str,
    dimension: str,
    columns: Iterable[str] | Mapping[str, str],
    *,
    all_time: bool = False,
    of_page: bool = False,
    keys: Sequence[str] = (),
    conditions: Mapping[str, str] | None = None,
) -> Source:
    """Return the rows of a table of sums, one that has those of ``all_time`` too if so.

    ``columns`` are added up: columns of the table, or names of what is reckoned from a row ``t`` of it. ``keys`` stand
    with them, ``conditions`` hold.
    """
    within = spans(
        query.first,
        query.last,
        months=query.interval not in ("day", "week"),
        years=query.interval in (None, "year"),
        all_time=all_time and query.interval is None,
    )
    more = "".join(f" and t.{name} = %s" for name in conditions or {})
    given = list((conditions or {}).values())
    merchants = dimension == "merchant"
    own, own_parameters = _of_keys(query, dimension)
    if of_page:
        # In place of what was filtered by: both together, the planner would expect next to nothing.
        own, own_parameters = f" and t.key = any({ALL_OF_PAGE if merchants else 'array(select key from page)'})", []
    if of_page and query.interval:
        own += " and t.first_day >= (select min(period) from page)"
    parts, parameters = [], []
    added = columns if isinstance(columns, Mapping) else {name: f"t.{name}" for name in columns}
    stand = "".join(f"t.{name}, " for name in keys)
    for one in within:
        # Columns that nobody asks for would be taken out of each row all the same.
        sums = ", ".join(f"{f'-({of})' if one.sign < 0 else of} as {name}" for name, of in added.items())
        bounded = [("t.first_day >= %s", one.first)] if one.first != BEGINNING else []
        bounded += [("t.first_day <= %s", one.last)] if one.last != END else []
        parts.append(
            f"select t.scheme, t.key, t.first_day, {stand}{sums} from {table} t "
            "where t.dimension = %s and t.grain = %s "
            f"{''.join(f'and {condition} ' for condition, _ in bounded)}{more}{own}"
        )
        parameters += [dimension, one.grain, *(day for _, day in bounded), *given, *own_parameters]
    key, scheme, joined, needs = "t.key", "t.scheme", "", ""
    # Neither is a key of these sums, which both may limit.
    where, others = _conditions(query, {"all": "''", **({"industry": INDUSTRY} if merchants else {})})
    parameters += others
    if merchants:
        needs, joined = going_on("t.key", classified=bool({query.by, *query.limited_by} & {*OF_MERCHANT}))
        key = "coalesce(g.going_on_id, t.key)"
    if query.by == "industry":
        key, scheme = INDUSTRY, INDUSTRY_SCHEME
    if query.by == "all":
        key, scheme = "''", "''"
    rows = (
        f"(select {scheme} as scheme, {key} as key, t.first_day as day, {stand}{', '.join(f't.{c}' for c in added)} "
        f"from ({' union all '.join(parts)}) as t{joined} where true{where}) as s"
    )
    return Source(needs, rows, parameters)


def requests_of(query: Query, key: str | None = None) -> Source:
    """Return the requests themselves, with ``complaint_id``, ``version`` and ``position``; of one ``key`` if given."""
    conditions, parameters = "", list[Any]()
    if query.first is not None:
        conditions += " and t.filed_at >= %s"
        parameters.append(start_of_day(query.first))
    if query.last is not None:
        conditions += " and t.filed_at < %s"
        parameters.append(start_of_day(query.last + timedelta(days=1)))
    used = {query.by, *query.limited_by}
    columns = {name: f"t.{name}" for name in DIMENSIONS if name not in ("all", "merchant")}
    columns |= {"all": "''", "industry": INDUSTRY}
    needs, joined = "", ""
    if used & {"merchant", *OF_MERCHANT}:
        needs, joined = going_on("t.merchant", classified=bool(used & {*OF_MERCHANT}))
    of_keys, of_keys_parameters = _of_merchants(query, key)
    where, others = _conditions(query, columns)
    columns["merchant"] = "coalesce(g.going_on_id, t.merchant)"
    parameters += [*of_keys_parameters, *others]
    if key is not None:
        where += f" and {columns[query.by]} = %s"
        parameters.append(key)
    schemes = {"product": "t.product_scheme", "issue": "t.product_scheme", "region": "t.region_scheme"}
    schemes["industry"] = INDUSTRY_SCHEME
    rows = (
        f"(select {schemes.get(query.by, repr(''))} as scheme, {columns[query.by]} as key, t.complaint_id, t.version, "
        f"t.position, t.day, {', '.join(f't.{name}' for name in MEASURES)} from read.complaint_measures() t{joined} "
        f"where true{conditions}{of_keys}{where}) as s"
    )
    return Source(needs, rows, parameters)


def going_on(column: str, *, classified: bool) -> tuple[str, str]:
    """Return what a query needs to know which merchant goes on as ``g.going_on_id``, and how it is joined.

    ``classified``: also its INDUSTRY and INDUSTRY_SCHEME.
    """
    joined = f" left join merged g on g.merchant_id = {column}"
    if classified:
        joined += f" left join read.merchants i on i.merchant_id = coalesce(g.going_on_id, {column})"
    return MERGED, joined


def _of_keys(query: Query, dimension: str) -> tuple[str, list[Any]]:
    """Return the conditions on the keys of sums, with their parameters."""
    where, parameters = "", []
    for asked, compare in ((query.filters, "= any"), (query.exclude, "<> all")):
        if (values := asked.get(dimension)) is None:
            continue
        of = ALL_OF if dimension == "merchant" else "%s::text[]"
        where += f" and t.key {compare}({of})"
        parameters += [list(values)] * of.count("%s")
    return where, parameters


def _of_merchants(query: Query, key: str | None) -> tuple[str, list[Any]]:
    """Return the conditions on the merchant of requests: on the column itself, whose index they can use."""
    where, parameters = "", []
    wanted = [query.filters["merchant"]] if "merchant" in query.filters else []
    if query.by == "merchant" and key is not None:
        wanted.append([key])
    for values in wanted:
        known = "" if "" in values else "t.merchant_id"
        where += f" and {known or 't.merchant'} = any({ALL_OF})"
        parameters += [list(values)] * 2
    if "merchant" in query.exclude:
        where += f" and t.merchant <> all({ALL_OF})"
        parameters += [list(query.exclude["merchant"])] * 2
    return where, parameters


def _conditions(query: Query, columns: Mapping[str, str]) -> tuple[str, list[Any]]:
    where, parameters = "", []
    for asked, compare in ((query.filters, "= any(%s)"), (query.exclude, "<> all(%s)")):
        for name, values in asked.items():
            if name in columns:
                where += f" and {columns[name]} {compare}"
                parameters.append(list(values))
    return where, parameters
