"""Figures that are more than a sum, over HTTP: durations, awards, publication, the funnel, and what helped."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query

from adapters import figures, queries
from adapters import statistics as sums
from adapters.efficiency import efficiency
from adapters.explaining import RecordingPool
from api.paging import read_offset, wait_for, write_cursor
from api.problems import responses
from api.requests import Cursor, Explain, Limit, MerchantId, MinPosition, Principal, Shared, WaitS
from api.statistics import Day, Dimension, Excluded, Filters, First, Interval, Last, Least, asked, behind, one_of, today
from domain.errors import InvalidInput, UnknownStream
from domain.values import TEXT
from projections.durations import KINDS

router = APIRouter(tags=["queries"])


@router.get("/statistics/{dimension}/durations", responses=responses())
def read_durations(
    dimension: Dimension,
    by: Principal,
    shared: Shared,
    what: Annotated[str, one_of(KINDS)],
    interval: Interval = None,
    first: First = None,
    last: Last = None,
    key: Annotated[str | None, Query(max_length=500, pattern=TEXT)] = None,
    filter: Filters = [],  # noqa: B006
    exclude: Excluded = [],  # noqa: B006
    permille: Annotated[
        list[Annotated[int, Query(ge=1, le=1000)]], Query(max_length=20, description="Quantiles; 500 is the median.")
    ] = [500, 900, 950],  # noqa: B006
    explain: Explain = False,
    limit: Limit = 100,
    cursor: Cursor = None,
    min_position: MinPosition = None,
    wait_s: WaitS = 5.0,
) -> dict[str, Any]:
    """Say how many minutes answers or resolutions took: quantiles, at most a tenth or a minute too high.

    Filters are by the dimension itself; merchants also by industry. The groups with most complaints come first.
    """
    complete_to = wait_for(shared, min_position, wait_s)
    pool, offset = RecordingPool(shared.ledger.recorder.pool), read_offset(cursor)
    filters = [*filter, *([] if key is None else [f"{dimension}:{key}"])]
    query = asked(dimension, interval=interval, first=first, last=last, filters=filters, exclude=exclude)
    found = figures.durations(pool, query, what, permille, today=today(), limit=limit + 1, offset=offset)
    answer = {
        "items": found[:limit],
        "next": write_cursor(offset + limit) if len(found) > limit else None,
        "complete_to": complete_to,
    }
    measure = "answered" if what == "answer" else "resolved"
    return {**answer, "explain": pool.queries, "behind": [behind(query, measure)]} if explain else answer


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
    links = [
        behind(sums.Query("merchant", first=first, last=last), measure, one["winner"]["key"])
        for one in found
        if one["winner"]
        for measure in ("resolved", "valid")
    ]
    return {**answer, "explain": pool.queries, "behind": links} if explain else answer


@router.get("/publication", responses=responses())
def read_publication(
    by: Principal,
    shared: Shared,
    first: Annotated[Day, Query(alias="from", examples=["2026-01-01"])],
    last: Annotated[Day, Query(alias="to", examples=["2026-03-31"])],
    least: Annotated[int, Query(ge=figures.LEAST, le=10**9)] = figures.LEAST,
    explain: Explain = False,
    limit: Limit = 100,
    cursor: Cursor = None,
    min_position: MinPosition = None,
    wait_s: WaitS = 5.0,
) -> dict[str, Any]:
    """Publish per merchant its complaints, growth, mediation success and settlement before the authority steps in."""
    wait_for(shared, min_position, wait_s)
    pool, offset = RecordingPool(shared.ledger.recorder.pool), read_offset(cursor)
    _in_order(first, last)
    lines, others, complete_to = figures.publication(
        pool, first=first, last=last, least=least, today=today(), limit=limit + 1, offset=offset
    )
    answer = {
        "items": lines[:limit],
        "others": others,
        "least": least,
        "next": write_cursor(offset + limit) if len(lines) > limit else None,
        "complete_to": complete_to,
    }
    query = sums.Query("merchant", first=first, last=last)
    links = [behind(query, "valid", line["merchant_id"]) for line in lines[:limit]]
    return {**answer, "explain": pool.queries, "behind": links} if explain else answer


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
    query = sums.Query("scenario", first=first, last=last)
    links = [behind(query, "valid", one["scenario"]) for one in answer["scenarios"]]
    return {**answer, "explain": pool.queries, "behind": links} if explain else answer


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
    """Compare the median time to resolution of what was resolved in two periods; tell what is still open of each."""
    complete_to = wait_for(shared, min_position, wait_s)
    pool = RecordingPool(shared.ledger.recorder.pool)
    _in_order(before_from, before_to)
    _in_order(after_from, after_to)
    periods = (before_from, before_to), (after_from, after_to)
    answer = {**efficiency(pool, *periods, today=today()), "complete_to": complete_to}
    links = [f"/flows/all/behind?measure=resolved&from={first}&to={last}" for first, last in periods]
    return {**answer, "explain": pool.queries, "behind": links} if explain else answer


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
    found = figures.around(pool, merchant_id, day, today=today())
    links = [
        behind(sums.Query("merchant", first=side["first"], last=side["last"]), "valid", merchant_id)
        for side in (found["before"], found["after"])
        if side["days"]
    ]
    answer = {**found, "complete_to": complete_to}
    return {**answer, "explain": pool.queries, "behind": links} if explain else answer


def _in_order(first: date | None, last: date | None) -> None:
    if first is not None and last is not None and first > last:
        raise InvalidInput(f"{first} is after {last}", hint="exchange them")
