"""Statistics over requests: sums and rates by any dimension and period, rankings, and what is behind each figure.

Terms, periods and rounding are those of docs/definitions.md. What concerns one dimension is read from the sums; what
is filtered by others is summed over the requests, by the same measures.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from adapters.database import Pool
from adapters.explaining import filled
from adapters.groups import Kind, page_of
from adapters.periods import period_of
from adapters.read_store import complete_to
from adapters.statistics_sources import GROUPS, ORDERS, Query, dimension_of, requests_of, source_of
from domain.errors import InvalidInput
from projections.rates import RATES, rates
from projections.resolution_statistics import MEASURES

__all__ = ["FILED", "GROUPS", "ORDERS", "Answer", "Query", "aggregate", "behind", "explain", "source_of"]

#: What is counted by the day of filing.
FILED = Kind(MEASURES, RATES, rates, main="valid", present="requests")


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
    # Where few of many groups are shown, all measures are summed for them alone.
    few = limit is not None and dimension_of(query) not in (None, "all") and query.by not in ("all", "industry")
    needed = tuple(dict.fromkeys((*FILED.compared(query.order), "valid", "requests"))) if few else MEASURES
    sources = source_of(query, needed), source_of(query, of_page=True) if few else None
    known, small = _known(query), f"{least_of(query)} < {query.least:d}"
    among = f"{known} and not {small}"
    counted = (
        f"count(*) filter (where {among}), count(*) filter (where {known} and {small}), read.total(valid), "
        f"read.total(valid) filter (where {among})"
    )
    with pool.cursor() as cursor:
        complete = complete_to(cursor)
        (groups, left_out, valid, valid_of_groups), items = page_of(
            cursor,
            FILED,
            query,
            sources,
            ranked=needed,
            counted=counted,
            among=among,
            limit=limit,
            offset=offset,
            today=today,
            before=before,
        )
    return Answer(items, groups, left_out, complete, valid, valid_of_groups)


def _known(query: Query) -> str:
    return "key <> ''" if query.known and query.by != "all" else "true"


def least_of(query: Query) -> str:
    """Return the measure of which a group needs at least the query's ``least``."""
    return FILED.compared(query.order)[1] if query.order in RATES else "valid"


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
        f"where {_known(query)} and {least_of(query)} >= {query.least:d} order by {FILED.order_by(query)}"
    )
    return filled(pool, sql, source.parameters)
