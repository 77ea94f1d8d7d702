"""Statistics over HTTP: sums and rates, rankings, awards, publication, and what is behind each figure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from adapters import figures, queries, statistics
from adapters.explaining import RecordingPool
from adapters.statistics import GROUPS, INTERVALS, ORDERS
from api import bodies
from api.conditions import conditions
from api.paging import read_cursor, read_offset, wait_for, write_cursor
from api.problems import responses
from api.requests import MAX_PAGE, Cursor, Explain, Limit, MerchantId, MinPosition, Principal, Shared, WaitS
from domain.calendar import day_of
from domain.errors import InvalidInput, UnknownStream
from domain.values import TEXT
from projections.durations import KINDS
from projections.rates import RATES
from projections.resolution_statistics import DIMENSIONS, MEASURES

router = APIRouter(tags=["queries"])


def _one_of(names: Iterable[str], **more: Any) -> Any:
    return Query(json_schema_extra={"enum": list(names)}, max_length=100, **more)


def _in_path(names: Iterable[str]) -> Any:
    return Path(json_schema_extra={"enum": list(names)}, max_length=100)


# Which names there are is checked with the query, which says what they are.
Dimension = Annotated[str, _in_path(GROUPS)]
Interval = Annotated[str | None, _one_of(INTERVALS, description="Divide the days into periods.")]
Rate = Annotated[str, _one_of(RATES)]
Measure = Annotated[str, _one_of(MEASURES)]
Order = Annotated[
    str | None, _one_of(ORDERS, description="Greatest first. Default: by valid complaints; periods in order.")
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
Condition = Annotated[str, Query(max_length=600, pattern=TEXT)]
Filters = Annotated[
    list[Condition],
    Query(
        max_length=50,
        description="dimension:value. Values of one dimension are alternatives; different dimensions hold together.",
        examples=["region:330106"],
    ),
]
Excluded = Annotated[list[Condition], Query(max_length=50, description="dimension:value that is left out.")]
Least = Annotated[int, Query(ge=0, le=10**9, description="Groups with a smaller n are left out, and counted as such.")]


class Group(BaseModel):
    """A group of requests in a period. Every measure and rate is defined in docs/definitions.md."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(examples=["Debt collection"])
    scheme: str = Field(description="Code list of key; empty where there is none.")
    title: str | None = Field(description="Name of a merchant or office.")
    first_day: date | None
    last_day: date | None
    incomplete: bool = Field(description="The period is not over yet.")
    measures: dict[str, int]
    rates: dict[str, str | None] = Field(description="Percent, one decimal, half-up; null where nothing is divided by.")


class Explained(BaseModel):
    """The same figures in SQL, from the requests beneath; and where the requests behind one figure are listed."""

    sql: str
    parameters: list[Any]
    behind: str = Field(description="Add &measure=…&key=…")


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
    parameters: list[Any]


def today() -> date:
    """Return the day in Shanghai."""
    return day_of(datetime.now(UTC))


def asked(
    by: str,
    *,
    interval: str | None = None,
    first: date | None = None,
    last: date | None = None,
    filters: list[str] | None = None,
    exclude: list[str] | None = None,
    order: str | None = None,
    least: int = 0,
) -> statistics.Query:
    """Return the query that a request means; raises InvalidInput for a condition that is none."""
    return statistics.Query(by, interval, first, last, conditions(filters), conditions(exclude), order, least)


def _explained(query: statistics.Query, by: str) -> Explained:
    own = [(name, day) for name, day in (("from", query.first), ("to", query.last)) if day is not None]
    asked_for = [
        (name, f"{dimension}:{value}")
        for name, given in (("filter", query.filters), ("exclude", query.exclude))
        for dimension, values in given.items()
        for value in values
    ]
    link = "&".join(f"{name}={value}" for name, value in (*own, *asked_for))
    return Explained(**statistics.explain(query), behind=f"/statistics/{by}/behind?{link}")


@router.get("/statistics/{dimension}", responses=responses())
def read_statistics(
    dimension: Dimension,
    by: Principal,
    shared: Shared,
    interval: Interval = None,
    first: First = None,
    last: Last = None,
    filter: Filters = [],  # noqa: B006
    exclude: Excluded = [],  # noqa: B006
    order: Order = None,
    least: Least = 0,
    explain: Explain = False,
    limit: Limit = 100,
    cursor: Cursor = None,
    min_position: MinPosition = None,
    wait_s: WaitS = 5.0,
) -> Statistics:
    """Count requests by a dimension and by period of filing, with every measure and rate."""
    wait_for(shared, min_position, wait_s)
    query = asked(
        dimension,
        interval=interval,
        first=first,
        last=last,
        filters=filter,
        exclude=exclude,
        order=order,
        least=least,
    )
    offset = read_offset(cursor)
    answer = statistics.aggregate(shared.ledger.recorder.pool, query, today=today(), limit=limit, offset=offset)
    return Statistics(
        items=[Group(**item) for item in answer.items],
        groups=answer.groups,
        left_out=answer.left_out,
        explain=_explained(query, dimension) if explain else None,
        next=write_cursor(offset + limit) if offset + limit < answer.groups else None,
        complete_to=answer.complete_to,
    )


@router.get("/statistics/{dimension}/behind", responses=responses())
def read_behind(
    dimension: Dimension,
    by: Principal,
    shared: Shared,
    measure: Measure,
    key: Annotated[
        str | None, Query(max_length=500, pattern=TEXT, description="Of the group; default: of all.")
    ] = None,
    first: First = None,
    last: Last = None,
    filter: Filters = [],  # noqa: B006
    exclude: Excluded = [],  # noqa: B006
    limit: Limit = 100,
    cursor: Cursor = None,
    min_position: MinPosition = None,
    wait_s: WaitS = 5.0,
) -> BehindFigure:
    """List the requests behind a measure of a group, with what each adds: the items add up to the figure."""
    complete_to = wait_for(shared, min_position, wait_s)
    query = asked(dimension, first=first, last=last, filters=filter, exclude=exclude)
    after = read_cursor(cursor, str)
    found, count, sql, parameters = statistics.behind(
        shared.ledger.recorder.pool, query, measure, key=key, after=after[0] if after else "", limit=limit + 1
    )
    items = [Behind(**item) for item in found[:limit]]
    return BehindFigure(
        items=items,
        count=count,
        sql=sql,
        parameters=parameters,
        next=write_cursor(items[-1].complaint_id) if len(found) > limit else None,
        complete_to=complete_to,
    )


@router.get("/statistics/{dimension}/durations", responses=responses())
def read_durations(
    dimension: Annotated[str, _in_path(DIMENSIONS)],
    by: Principal,
    shared: Shared,
    what: Annotated[str, _one_of(KINDS)],
    first: First = None,
    last: Last = None,
    key: Annotated[str | None, Query(max_length=500, pattern=TEXT)] = None,
    permille: Annotated[
        list[Annotated[int, Query(ge=1, le=1000)]], Query(max_length=20, description="Quantiles; 500 is the median.")
    ] = [500, 900, 950],  # noqa: B006
    explain: Explain = False,
    min_position: MinPosition = None,
    wait_s: WaitS = 5.0,
) -> dict[str, Any]:
    """Say how many minutes answers or resolutions took: quantiles, at most a tenth or a minute too high."""
    complete_to = wait_for(shared, min_position, wait_s)
    pool = RecordingPool(shared.ledger.recorder.pool)
    query = statistics.Query(dimension, None, first, last, {} if key is None else {dimension: [key]})
    found = figures.durations(pool, query, what, permille)
    answer = {"items": found[:MAX_PAGE], "complete_to": complete_to}
    return {**answer, "explain": pool.queries} if explain else answer


@router.get("/rankings/{dimension}", responses=responses())
def read_ranking(
    dimension: Dimension,
    by: Principal,
    shared: Shared,
    rate: Rate = "resolved_rate",
    first: First = None,
    last: Last = None,
    filter: Filters = [],  # noqa: B006
    exclude: Excluded = [],  # noqa: B006
    least: Least = figures.LEAST,
    explain: Explain = False,
    limit: Limit = 100,
    cursor: Cursor = None,
    min_position: MinPosition = None,
    wait_s: WaitS = 5.0,
) -> Ranking:
    """Rank by a rate, exactly; ties by the greater n, then by id. Who has less than ``least`` is not ranked."""
    wait_for(shared, min_position, wait_s)
    query = asked(dimension, first=first, last=last, filters=filter, exclude=exclude, order=rate, least=max(least, 1))
    offset = read_offset(cursor)
    items, ranked, left_out, complete_to = figures.ranking(
        shared.ledger.recorder.pool, query, today=today(), limit=limit, offset=offset
    )
    return Ranking(
        items=[Ranked(**item) for item in items],
        ranked=ranked,
        left_out=left_out,
        explain=_explained(query, dimension) if explain else None,
        next=write_cursor(offset + limit) if offset + limit < ranked else None,
        complete_to=complete_to,
    )


@router.get("/awards", responses=responses())
def read_awards(
    by: Principal,
    shared: Shared,
    first: Annotated[Day, Query(alias="from", examples=["2026-01-01"])],
    last: Annotated[Day, Query(alias="to", examples=["2026-12-31"])],
    least: Least = figures.LEAST,
    explain: Explain = False,
    min_position: MinPosition = None,
    wait_s: WaitS = 5.0,
) -> dict[str, Any]:
    """Name in each industry the merchant with the highest resolved rate among those with enough valid complaints."""
    complete_to = wait_for(shared, min_position, wait_s)
    pool = RecordingPool(shared.ledger.recorder.pool)
    _in_order(first, last)
    found = figures.awards(pool, first=first, last=last, least=least, today=today())
    answer = {"items": found, "least": max(least, 1), "complete_to": complete_to}
    return {**answer, "explain": pool.queries} if explain else answer


@router.get("/publication", responses=responses())
def read_publication(
    by: Principal,
    shared: Shared,
    first: Annotated[Day, Query(alias="from", examples=["2026-01-01"])],
    last: Annotated[Day, Query(alias="to", examples=["2026-03-31"])],
    least: Annotated[int, Query(ge=figures.LEAST, le=10**9)] = figures.LEAST,
    explain: Explain = False,
    min_position: MinPosition = None,
    wait_s: WaitS = 5.0,
) -> dict[str, Any]:
    """Publish per merchant its complaints, growth, mediation success and settlement before the authority steps in."""
    wait_for(shared, min_position, wait_s)
    pool = RecordingPool(shared.ledger.recorder.pool)
    _in_order(first, last)
    lines, others, complete_to = figures.publication(pool, first=first, last=last, least=least, today=today())
    answer = {"items": lines, "others": others, "least": least, "complete_to": complete_to}
    return {**answer, "explain": pool.queries} if explain else answer


@router.get("/funnel", responses=responses())
def read_funnel(
    by: Principal,
    shared: Shared,
    first: First = None,
    last: Last = None,
    explain: Explain = False,
    min_position: MinPosition = None,
    wait_s: WaitS = 5.0,
) -> dict[str, Any]:
    """Say which share of valid complaints the ten most frequent scenarios cover."""
    wait_for(shared, min_position, wait_s)
    pool = RecordingPool(shared.ledger.recorder.pool)
    _in_order(first, last)
    answer = figures.funnel(pool, first=first, last=last, today=today())
    return {**answer, "explain": pool.queries} if explain else answer


@router.get("/efficiency", responses=responses())
def read_efficiency(
    by: Principal,
    shared: Shared,
    before_from: Annotated[Day, Query(examples=["2026-01-01"])],
    before_to: Annotated[Day, Query(examples=["2026-03-31"])],
    after_from: Annotated[Day, Query(examples=["2026-04-01"])],
    after_to: Annotated[Day, Query(examples=["2026-06-30"])],
    explain: Explain = False,
    min_position: MinPosition = None,
    wait_s: WaitS = 5.0,
) -> dict[str, Any]:
    """Compare the median time to resolution of two periods."""
    complete_to = wait_for(shared, min_position, wait_s)
    pool = RecordingPool(shared.ledger.recorder.pool)
    _in_order(before_from, before_to)
    _in_order(after_from, after_to)
    found = figures.efficiency(pool, (before_from, before_to), (after_from, after_to))
    answer = {**found, "complete_to": complete_to}
    return {**answer, "explain": pool.queries} if explain else answer


@router.get("/merchants/{merchant_id}/around", responses=responses(404))
def read_around(
    merchant_id: MerchantId,
    by: Principal,
    shared: Shared,
    day: Annotated[Day, Query(examples=["2026-03-15"])],
    explain: Explain = False,
    min_position: MinPosition = None,
    wait_s: WaitS = 5.0,
) -> dict[str, Any]:
    """Compare a merchant's complaints before and after a day, such as that of a corrective action."""
    complete_to = wait_for(shared, min_position, wait_s)
    if queries.merchant(shared.ledger.recorder.pool, merchant_id) is None:
        raise UnknownStream(f"there is no {merchant_id}", hint="check the id, or give min_position")
    pool = RecordingPool(shared.ledger.recorder.pool)
    answer = {**figures.around(pool, merchant_id, day, today=today()), "complete_to": complete_to}
    return {**answer, "explain": pool.queries} if explain else answer


def _in_order(first: date | None, last: date | None) -> None:
    if first is not None and last is not None and first > last:
        raise InvalidInput(f"{first} is after {last}", hint="exchange them")
