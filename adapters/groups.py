"""Groups of sums: ranked by few of their measures, and those of a page shown with all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from psycopg2.extensions import cursor as Cursor

from adapters.periods import LENGTHS, days_of, period_of
from adapters.statistics_sources import Source

#: Where the titles of groups are read from: table, key, title.
TITLES = {"merchant": ("read.merchants", "merchant_id", "trade_name"), "office": ("read.offices", "office_id", "title")}


class Asked(Protocol):
    """What is asked for: groups ``by`` a dimension and by ``interval``, of days, in the order of a measure or rate."""

    @property
    def by(self) -> str: ...
    @property
    def interval(self) -> str | None: ...
    @property
    def first(self) -> date | None: ...
    @property
    def last(self) -> date | None: ...
    @property
    def order(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Kind:
    """What is summed: ``measures``; ``rates`` as name -> (part, whole); ``main``, which orders where nothing else does.

    ``rated``: from the measures to the rates as they are shown. A group whose ``present`` comes to nothing is none:
    what is subtracted leaves such behind.
    """

    measures: Sequence[str]
    rates: Mapping[str, tuple[str, str]]
    rated: Callable[[Mapping[str, int]], dict[str, str | None]]
    main: str
    present: str

    def compared(self, order: str | None) -> tuple[str, str]:
        """Return the measure that groups are ordered by, and of what it is a share."""
        return self.rates.get(order or "", (order or self.main, self.main))

    def order_by(self, query: Asked) -> str:
        """Return the order of the groups in SQL, of columns ``period``, ``key``, ``scheme`` and the measures."""
        part, whole = self.compared(query.order)
        if query.order in self.rates:
            exact = f"div({part}::numeric * 1e24, nullif({whole}, 0))"
            return f"{exact} desc nulls last, {whole} desc, key, scheme, period"
        return "period, key, scheme" if query.order is None and query.interval else f"{part} desc, key, scheme, period"

    def nearly(self, order: str | None) -> str:
        """Return a float that is at a rate's place, or level with its neighbours: quicker than the exact order."""
        part, whole = self.compared(order)
        return f"{part}::float8 / nullif({whole}, 0)"


def grouped(source: Source, measures: Sequence[str], period: str = "null::date") -> str:
    """Return the SQL that sums the measures of each group, in columns ``scheme``, ``key``, ``period`` and these."""
    sums = ", ".join(f"read.total(s.{name}) as {name}" for name in measures)
    return f"select s.scheme, s.key, {period} as period, {sums} from {source.rows} group by 1, 2, 3"


def group(
    kind: Kind, query: Asked, today: date, *, scheme: str, key: str, title: str | None, period: date | None, values: Any
) -> dict[str, Any]:
    """Return a group as it is shown; ``values`` in the order of the measures."""
    measures = dict(zip(kind.measures, values, strict=True))
    return {
        "key": key,
        "scheme": scheme,
        "title": title,
        **days_of(query.interval, (query.first, query.last), period, today),
        "measures": measures,
        "rates": kind.rated(measures),
    }


def page_of(
    cursor: Cursor,
    kind: Kind,
    query: Asked,
    sources: tuple[Source, Source | None],
    *,
    ranked: Sequence[str],
    counted: str,
    among: str = "true",
    limit: int | None,
    offset: int,
    today: date,
    before: bool = False,
) -> tuple[Sequence[Any], list[dict[str, Any]]]:
    """Return what is ``counted`` of all groups, and the groups of a page; all of one moment.

    ``sources``: what all groups are ``ranked`` from, by these measures; and, unless the first has all measures, the
    second what those of the ``page`` are summed from. ``among``: which groups are on pages. ``before``: each group has
    ``before``, the main measure of the period before it.
    """
    source, shown = sources
    period, order = period_of(query.interval), kind.order_by(query)
    candidates, bounds = f"select * from ranked where {among}", [limit, offset]
    if limit is not None and query.order in kind.rates:
        # So many, and those level with the last, are enough to order exactly, which takes longer.
        candidates += f" order by {kind.nearly(query.order)} desc nulls last fetch first %s rows with ties"
        bounds = [limit + offset, *bounds]
    title, earlier, summed, joined = "null", "null::bigint", "", ""
    if shown is not None:
        summed = f", summed as materialized ({grouped(shown, kind.measures, period)})"
        joined = "join summed f on f.key = p.key and f.scheme = p.scheme and f.period is not distinct from p.period "
    if query.by in TITLES:
        table, key, of = TITLES[query.by]
        title, joined = f"o.{of}", f"{joined}left join {table} o on o.{key} = p.key "
    if before and query.interval:
        earlier = f"coalesce(b.{kind.main}, 0)"
        joined += (
            "left join ranked b on b.key = p.key and b.scheme = p.scheme "
            f"and b.period = (p.period - interval '{LENGTHS[query.interval]}')::date "
        )
    measures = ", ".join(f"{'p' if shown is None else 'f'}.{name}" for name in kind.measures)
    cursor.execute(
        f"with {source.before}ranked as materialized ({grouped(source, ranked, period)} "
        f"having read.total(s.{kind.present}) <> 0), "
        f"page as materialized (select *, row_number() over (order by {order}) as place "
        f"from (select * from ({candidates}) as c order by {order} limit %s offset %s) as r){summed} "
        f"select c.counted, g.* from (select array[{counted}] as counted from ranked) as c left join "
        f"(select p.place, {earlier} as earlier, {title} as title, p.scheme, p.key, p.period, {measures} "
        f"from page p {joined}) as g on true order by g.place",
        [*source.parameters, *bounds, *(shown.parameters if shown else ())],
    )
    rows = cursor.fetchall()
    items = []
    for _, place, main_before, name, scheme, own, first_day, *values in rows:
        if place is not None:
            one = group(kind, query, today, scheme=scheme, key=own, title=name, period=first_day, values=values)
            items.append({**one, "before": main_before} if before else one)
    return rows[0][0], items
