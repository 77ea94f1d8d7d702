"""Statistics over HTTP: sums and rates, rankings, awards, publication, and what is behind each figure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from adapters import figures, statistics
from adapters.periods import INTERVALS
from adapters.statistics import GROUPS, ORDERS
from api import bodies
from api.asking import AskedInPages, Asking
from api.conditions import Condition, Excluded, conditions, filters
from api.paging import read_cursor, wait_for, write_cursor
from api.problems import responses
from api.requests import Cursor, Limit, MinPosition, Principal, Shared, WaitS
from domain.calendar import day_of
from domain.values import TEXT
from projections.rates import RATES
from projections.resolution_statistics import MEASURES

router = APIRouter(tags=["queries"])


def one_of(names: Iterable[str], **more: Any) -> Any:
    """Return a parameter of the query that is one of these names."""
    return Query(json_schema_extra={"enum": list(names)}, max_length=100, **more)


def _in_path(names: Iterable[str]) -> Any:
    return Path(json_schema_extra={"enum": list(names)}, max_length=100)


# Which names there are is checked with the query, which says what they are.
Dimension = Annotated[str, _in_path(GROUPS)]
Interval = Annotated[str | None, one_of(INTERVALS, description="Divide the days into periods.")]
Rate = Annotated[str, one_of(RATES)]
Measure = Annotated[str, one_of(MEASURES)]
Order = Annotated[
    str | None, one_of(ORDERS, description="Greatest first. Default: by valid complaints; periods in order.")
]


def _in_time(day: date) -> date:
    # Days around it are reckoned with, which have to exist, in Shanghai and in UTC.
    if not 1900 <= day.year <= 2199:
        raise ValueError("give a day from 1900-01-01 to 2199-12-31")
    return day


Day = Annotated[bodies.Day, AfterValidator(_in_time)]
First = Annotated[
    Day | None, Query(alias="from", description="First day of filing, in Shanghai.", examples=["2026-01-01"])
]
Last = Annotated[Day | None, Query(alias="to", description="Last day of filing.", examples=["2026-03-31"])]
Filters = Annotated[
    list[Condition],
    filters(
        "dimension:value. Values of one dimension are alternatives; different dimensions hold together.",
        "region:330106",
    ),
]
Least = Annotated[int, Query(ge=0, le=10**9, description="Groups with a smaller n are left out, and counted as such.")]


NOT_WHOLE = "The period is not over yet, or not all of its days are among those asked for."


class Group(BaseModel):
    """A group of requests in a period. Every measure and rate is defined in docs/definitions.md."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(examples=["Debt collection"])
    scheme: str = Field(description="Code list of key; empty where there is none.")
    title: str | None = Field(description="Name of a merchant or office.")
    first_day: date | None
    last_day: date | None
    incomplete: bool = Field(description=NOT_WHOLE)
    measures: dict[str, int]
    rates: dict[str, str | None] = Field(description="Percent, one decimal, half-up; null where nothing is divided by.")


#: Where the requests behind the figures of an answer are listed, if it was asked to explain itself.
BEHIND = Field(None, description="Where the requests behind the figures are listed.")


class Explained(BaseModel):
    """The same figures in SQL, from the requests beneath; and where the requests behind one figure are listed."""

    queries: list[str] = Field(description="What was run: sums, where they suffice, of the groups of this page.")
    sql: str = Field(description="From the requests: every group, in the same order.")
    behind: str = Field(description="Of all groups. Add &key=…&scheme=… of one; measure may be any other.")


class Statistics(bodies.Page):
    """Groups of requests. ``left_out``: how many groups were smaller than ``least``."""

    items: list[Group]
    groups: int
    left_out: int
    explain: Explained | None = None


class Ranked(Group):
    """A group with its rank; n is the denominator of the rate, count the numerator."""

    rank: int
    n: int
    count: int
    rate: str | None


class Ranking(bodies.Page):
    items: list[Ranked]
    ranked: int
    left_out: int
    explain: Explained | None = None


class Behind(BaseModel):
    """A request behind a figure: as it stands in the read model, and the position of its last event."""

    complaint_id: str
    version: int
    position: int
    adds: int


class BehindFigure(bodies.Page):
    items: list[Behind]
    count: int
    sql: str


def behind_figure(answer: tuple[list[dict[str, Any]], int, str], limit: int, complete_to: int) -> BehindFigure:
    """Make a page of what ``behind`` found, which was asked for one request more than are shown."""
    found, count, sql = answer
    items = [Behind(**item) for item in found[:limit]]
    return BehindFigure(
        items=items,
        count=count,
        sql=sql,
        next=write_cursor(items[-1].complaint_id) if len(found) > limit else None,
        complete_to=complete_to,
    )


def today() -> date:
    """Return the day in Shanghai."""
    return day_of(datetime.now(UTC))


async def _asked(
    dimension: Dimension,
    by: Principal,
    first: First = None,
    last: Last = None,
    filter: Filters = [],  # noqa: B006
    exclude: Excluded = [],  # noqa: B006
) -> statistics.Query:
    return statistics.Query(dimension, None, first, last, conditions(filter), conditions(exclude))


#: What a request is about; raises InvalidInput for a condition that is none.
Asked = Annotated[statistics.Query, Depends(_asked)]


def behind(query: statistics.Query, measure: str, key: str | None = None, scheme: str | None = None) -> str:
    """Return where the requests behind a measure are listed: of one group, or of all."""
    own = [("measure", measure), ("key", key), ("scheme", scheme), ("from", query.first), ("to", query.last)]
    of = [
        (name, f"{dimension}:{value}")
        for name, given in (("filter", query.filters), ("exclude", query.exclude))
        for dimension, values in given.items()
        for value in values
    ]
    asked_for = urlencode([(name, value) for name, value in (*own, *of) if value is not None])
    return f"/statistics/{query.by}/behind?{asked_for}"


def _explained(asking: Asking, query: statistics.Query) -> Explained | None:
    if not asking.explain:
        return None
    sql = statistics.explain(asking.pool, query)
    return Explained(
        queries=asking.pool.queries, sql=sql, behind=behind(query, statistics.FILED.compared(query.order)[0])
    )


@router.get("/statistics/{dimension}", responses=responses())
def read_statistics(
    asked: Asked,
    asking: AskedInPages,
    interval: Interval = None,
    order: Order = None,
    least: Least = 0,
) -> Statistics:
    """Count requests by a dimension and by period of filing, with every measure and rate."""
    asking.wait()
    query = replace(asked, interval=interval, order=order, least=least)
    limit, offset = asking.limit, asking.offset
    answer = statistics.aggregate(asking.pool, query, today=today(), limit=limit, offset=offset)
    return Statistics(
        items=[Group(**item) for item in answer.items],
        groups=answer.groups,
        left_out=answer.left_out,
        explain=_explained(asking, query),
        next=asking.next(more=offset + limit < answer.groups),
        complete_to=answer.complete_to,
    )


@router.get("/statistics/{dimension}/behind", responses=responses())
def read_behind(
    asked: Asked,
    by: Principal,
    shared: Shared,
    measure: Measure,
    key: Annotated[
        str | None, Query(max_length=500, pattern=TEXT, description="Of the group; default: of all.")
    ] = None,
    scheme: Annotated[
        str | None, Query(max_length=500, pattern=TEXT, description="Code list of the key; default: any.")
    ] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
    min_position: MinPosition = None,
    wait_s: WaitS = 5.0,
) -> BehindFigure:
    """List the requests behind a measure of a group, with what each adds: the items add up to the figure."""
    complete_to = wait_for(shared, min_position, wait_s)
    after = read_cursor(cursor, str)
    found = statistics.behind(
        shared.ledger.recorder.pool,
        asked,
        measure,
        key=key,
        scheme=scheme,
        after=after[0] if after else "",
        limit=limit + 1,
    )
    return behind_figure(found, limit, complete_to)


@router.get("/rankings/{dimension}", responses=responses())
def read_ranking(
    asked: Asked,
    asking: AskedInPages,
    rate: Rate = "resolved_rate",
    least: Least = figures.LEAST,
) -> Ranking:
    """Rank by a rate, exactly; ties by the greater n, then by id. Who has less than ``least`` is not ranked."""
    asking.wait()
    query = replace(asked, order=rate, least=max(least, 1), known=True)
    limit, offset = asking.limit, asking.offset
    items, ranked, left_out, complete_to = figures.ranking(
        asking.pool, query, today=today(), limit=limit, offset=offset
    )
    return Ranking(
        items=[Ranked(**item) for item in items],
        ranked=ranked,
        left_out=left_out,
        explain=_explained(asking, query),
        next=asking.next(more=offset + limit < ranked),
        complete_to=complete_to,
    )
