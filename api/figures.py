"""Figures that are more than a sum, over HTTP: durations, awards, publication, the funnel, and what helped."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query

from adapters import figures, queries
from adapters import statistics as sums
from adapters.efficiency import efficiency
from api.asking import AskedInPages, AskedWhole
from api.problems import responses
from api.requests import MerchantId
from api.statistics import Asked, Day, First, Interval, Last, Least, behind, one_of, today
from domain.errors import InvalidInput, UnknownStream
from domain.values import TEXT
from projections.durations import KINDS

router = APIRouter(tags=["queries"])


@router.get("/statistics/{dimension}/durations", responses=responses())
def read_durations(
    asked: Asked,
    asking: AskedInPages,
    what: Annotated[str, one_of(KINDS)],
    interval: Interval = None,
    key: Annotated[str | None, Query(max_length=500, pattern=TEXT)] = None,
    permille: Annotated[
        list[Annotated[int, Query(ge=1, le=1000)]], Query(max_length=20, description="Quantiles; 500 is the median.")
    ] = [500, 900, 950],  # noqa: B006
) -> dict[str, Any]:
    """Say how many minutes answers or resolutions took: quantiles, at most a tenth or a minute too high.

    Filters are by the dimension itself; merchants also by industry. The groups with most complaints come first.
    """
    complete_to, limit = asking.wait(), asking.limit
    of_key = {} if key is None else {asked.by: [*asked.filters.get(asked.by, ()), key]}
    query = replace(asked, interval=interval, filters={**asked.filters, **of_key})
    found = figures.durations(asking.pool, query, what, permille, today=today(), limit=limit + 1, offset=asking.offset)
    return {
        "items": found[:limit],
        "next": asking.next(more=len(found) > limit),
        "complete_to": complete_to,
        **asking.explained([behind(query, "answered" if what == "answer" else "resolved")]),
    }


@router.get("/awards", responses=responses())
def read_awards(
    asking: AskedWhole,
    first: Annotated[Day, Query(alias="from", examples=["2026-01-01"])],
    last: Annotated[Day, Query(alias="to", examples=["2026-12-31"])],
    least: Least = figures.LEAST,
) -> dict[str, Any]:
    """Name in each industry the merchant with the highest resolved rate among those with enough valid complaints."""
    complete_to = asking.wait()
    _in_order(first, last)
    found = figures.awards(asking.pool, first=first, last=last, least=least, today=today())
    links = [
        behind(sums.Query("merchant", first=first, last=last), measure, one["winner"]["key"])
        for one in found
        if one["winner"]
        for measure in ("resolved", "valid")
    ]
    return {"items": found, "least": max(least, 1), "complete_to": complete_to, **asking.explained(links)}


@router.get("/publication", responses=responses())
def read_publication(
    asking: AskedInPages,
    first: Annotated[Day, Query(alias="from", examples=["2026-01-01"])],
    last: Annotated[Day, Query(alias="to", examples=["2026-03-31"])],
    least: Annotated[
        int | None,
        Query(ge=0, le=10**9, description="Name nobody with fewer. Default, and the least: as the rulebook says."),
    ] = None,
) -> dict[str, Any]:
    """Publish per merchant its complaints, growth, mediation success and settlement before the authority steps in."""
    asking.wait()
    _in_order(first, last)
    named_from, limit = figures.named_from(asking.pool, last), asking.limit
    if least is not None and least < named_from:
        raise InvalidInput(
            f"on {last} nobody with fewer than {named_from} complaints is named", hint="leave least out, or give more"
        )
    least = named_from if least is None else least
    lines, others, complete_to = figures.publication(
        asking.pool, first=first, last=last, least=least, today=today(), limit=limit + 1, offset=asking.offset
    )
    query = sums.Query("merchant", first=first, last=last)
    return {
        "items": lines[:limit],
        "others": others,
        "least": least,
        "next": asking.next(more=len(lines) > limit),
        "complete_to": complete_to,
        **asking.explained(behind(query, "valid", line["merchant_id"]) for line in lines[:limit]),
    }


@router.get("/funnel", responses=responses())
def read_funnel(asking: AskedWhole, first: First = None, last: Last = None) -> dict[str, Any]:
    """Say which share of valid complaints the ten most frequent scenarios cover."""
    asking.wait()
    _in_order(first, last)
    found = figures.funnel(asking.pool, first=first, last=last, today=today())
    query = sums.Query("scenario", first=first, last=last)
    return {**found, **asking.explained(behind(query, "valid", one["scenario"]) for one in found["scenarios"])}


@router.get("/efficiency", responses=responses())
def read_efficiency(
    asking: AskedWhole,
    before_from: Annotated[Day, Query(examples=["2026-01-01"])],
    before_to: Annotated[Day, Query(examples=["2026-03-31"])],
    after_from: Annotated[Day, Query(examples=["2026-04-01"])],
    after_to: Annotated[Day, Query(examples=["2026-06-30"])],
) -> dict[str, Any]:
    """Compare the median time to resolution of what was resolved in two periods; tell what is still open of each."""
    complete_to = asking.wait()
    _in_order(before_from, before_to)
    _in_order(after_from, after_to)
    periods = (before_from, before_to), (after_from, after_to)
    found = efficiency(asking.pool, *periods, today=today())
    links = [f"/flows/all/behind?measure=resolved&from={first}&to={last}" for first, last in periods]
    return {**found, "complete_to": complete_to, **asking.explained(links)}


@router.get("/merchants/{merchant_id}/around", responses=responses(404))
def read_around(
    merchant_id: MerchantId, asking: AskedWhole, day: Annotated[Day, Query(examples=["2026-03-15"])]
) -> dict[str, Any]:
    """Compare a merchant's complaints before and after a day, such as that of a corrective action."""
    complete_to = asking.wait()
    if queries.merchant(asking.shared.ledger.recorder.pool, merchant_id) is None:
        raise UnknownStream(f"there is no {merchant_id}", hint="check the id, or give min_position")
    found = figures.around(asking.pool, merchant_id, day, today=today())
    links = [
        behind(sums.Query("merchant", first=side["first"], last=side["last"]), "valid", merchant_id)
        for side in (found["before"], found["after"])
        if side["days"]
    ]
    return {**found, "complete_to": complete_to, **asking.explained(links)}


def _in_order(first: date | None, last: date | None) -> None:
    if first is not None and last is not None and first > last:
        raise InvalidInput(f"{first} is after {last}", hint="exchange them")
