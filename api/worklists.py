"""Worklists and the regulator's board over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from adapters import oversight, queries, statistics, worklists
from api import bodies
from api.asking import AskedInPages, AskedWhole
from api.conditions import conditions
from api.paging import read_cursor, write_cursor
from api.problems import responses
from api.requests import Limit, Principal, Shared
from api.statistics import BEHIND, Dimension, Filters, First, Group, Last, behind, today
from domain.errors import InvalidInput
from domain.values import parse_instant

router = APIRouter(tags=["queries"])


class Work(BaseModel):
    """A request that waits for somebody. ``clocks``: due times of the terms that run, by deadline, or ``stopped``.

    ``missed``: those of terms that passed without what was due having happened since.
    """

    complaint_id: str
    version: int
    status: str
    kind: str
    consumer_id: str
    merchant_id: str | None
    merchant: str | None
    office_id: str | None
    mediator_id: str | None
    holder: str | None
    product: str
    issue: str | None
    scenario: str | None
    filed_at: datetime
    dispute_fen: int
    next_due: datetime | None
    next_deadline: str | None
    clocks: dict[str, str]
    missed: dict[str, str]
    overdue: bool
    at_risk: bool


class Worklist(bodies.Page):
    """Due next first. The counts are of the whole list."""

    items: list[Work]
    total: int
    overdue: int
    at_risk: int
    explain: list[str] | None = None


@router.get("/worklists/{of}/{whose}", responses=responses())
def read_worklist(
    of: Annotated[
        Literal["merchant", "mediator", "office", "division", "consumer"], Path(description="Whose list it is.")
    ],
    whose: Annotated[str, Path(pattern="^[a-z0-9-]{1,60}$", examples=[bodies.MERCHANT])],
    asking: AskedInPages,
) -> Worklist:
    """List what a merchant, mediator or office has pending, or all that a consumer filed; due next first.

    Of a ``division``, by its code of GB/T 2260: what was filed or upgraded there, and no office has received yet.
    """
    asking.wait()
    limit, after = asking.limit, _place(asking.cursor)
    found = worklists.worklist(asking.pool, of, whose, now=datetime.now(UTC), after=after, limit=limit + 1)
    items = [Work(**item) for item in found.items[:limit]]
    last = items[-1] if len(found.items) > limit else None
    due = "" if last is None or last.next_due is None else last.next_due.isoformat()
    return Worklist(
        items=items,
        total=found.total,
        overdue=found.overdue,
        at_risk=found.at_risk,
        next=write_cursor(due, last.complaint_id) if last else None,
        complete_to=found.complete_to,
        **asking.explained(),
    )


def _place(cursor: str | None) -> worklists.Place | None:
    read = read_cursor(cursor, str, str)
    if read is None:
        return None
    try:
        return (parse_instant(read[0]) if read[0] else None), read[1]
    except InvalidInput:
        raise InvalidInput("the cursor is not one of ours", hint="take ``next`` as it was given") from None


class Overdue(BaseModel):
    """Open requests of an office or a merchant."""

    id: str | None
    title: str | None
    open: int
    overdue: int
    at_risk: int


class OverdueBoard(BaseModel):
    items: list[Overdue]
    complete_to: int
    explain: list[str] | None = None


@router.get("/boards/overdue/{of}", responses=responses())
def read_overdue(
    of: Annotated[Literal["office", "merchant"], Path()],
    asking: AskedWhole,
    office_id: Annotated[
        str | None, Query(max_length=60, pattern="^[a-z0-9-]+$", description="Of this office only.")
    ] = None,
    limit: Limit = 100,
) -> OverdueBoard:
    """Count what is open, overdue and at risk (due within 48 hours) by office or merchant; most overdue first."""
    complete_to = asking.wait()
    found = oversight.overdue(asking.pool, of, now=datetime.now(UTC), office_id=office_id, limit=limit)
    items = [Overdue(**item) for item in found]
    return OverdueBoard(items=items, complete_to=complete_to, **asking.explained())


class Period(Group):
    """A period; ``growth`` of valid complaints against the one before, in percent; null where one of both is not over,
    or not whole within the days asked for."""

    growth: str | None


class Trend(bodies.Page):
    items: list[Period]
    explain: list[str] | None = None
    behind: list[str] | None = BEHIND


@router.get("/boards/trend/{dimension}", responses=responses())
def read_trend(
    dimension: Dimension,
    asking: AskedInPages,
    interval: Annotated[Literal["week", "month", "quarter", "half-year", "year"], Query()] = "month",
    first: First = None,
    last: Last = None,
    filter: Filters = [],  # noqa: B006
) -> Trend:
    """Show how a dimension develops by period, with growth; the period that is not over, or not whole, is marked."""
    complete_to, limit = asking.wait(), asking.limit
    query = statistics.Query(dimension, interval, first, last, conditions(filter))
    found = oversight.trend(asking.pool, query, today=today(), limit=limit + 1, offset=asking.offset)
    return Trend(
        items=[Period(**item) for item in found[:limit]],
        next=asking.next(more=len(found) > limit),
        complete_to=complete_to,
        **asking.explained([behind(query, "valid")]),
    )


@router.get("/boards/alerts", responses=responses())
def read_alerts(asking: AskedWhole) -> dict[str, Any]:
    """Show what stands out: a sudden rise, many complaints on one theme, data leaks; each with its complaints, of which
    ``behind`` lists all."""
    complete_to = asking.wait()
    items = [{**one, **_behind_alert(one)} for one in oversight.alerts(asking.pool, today=today())]
    return {"items": items, "complete_to": complete_to, **asking.explained()}


def _behind_alert(one: dict[str, Any]) -> dict[str, str]:
    if one["kind"] == "sudden_rise":
        query = statistics.Query("merchant", first=one["first"], last=one["last"])
        return {"behind": behind(query, "valid", one["merchant_id"])}
    if one["kind"] == "theme":
        of = {"scenario": [one["scenario"]], "region": one["regions"]}
        query = statistics.Query("region", first=one["first"], last=one["last"], filters=of)
        return {"behind": behind(query, "valid", scheme=one["scheme"])}
    return {}


@router.get("/boards/freshness", responses=responses())
def read_freshness(by: Principal, shared: Shared) -> dict[str, Any]:
    """Show how far every read model is, in positions and seconds behind the ledger."""
    return {"items": queries.projections(shared.ledger.recorder.pool)}
