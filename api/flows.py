"""What came of requests by the day on which it happened: over HTTP and as a command."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

import typer
from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from rich.table import Table

from adapters import flows
from adapters.flows import GROUPS, MEASURES, ORDERS
from adapters.periods import INTERVALS
from api import bodies, render
from api.acting import Json
from api.asking import AskedInPages, Asking
from api.conditions import Condition, Excluded, conditions, filters
from api.paging import read_cursor, wait_for
from api.problems import responses
from api.requests import Cursor, Limit, MinPosition, Principal, Shared, WaitS
from api.running import running
from api.settings import load_settings
from api.statistics import NOT_WHOLE, BehindFigure, Day, Explained, Interval, behind_figure, today
from api.statistics_command import day_given
from domain.errors import InvalidInput
from domain.values import TEXT

router = APIRouter(tags=["queries"])

Dimension = Annotated[str, Path(json_schema_extra={"enum": list(GROUPS)}, max_length=100, examples=["region"])]
Measure = Annotated[str, Query(json_schema_extra={"enum": list(MEASURES)}, max_length=100)]
First = Annotated[
    Day | None, Query(alias="from", description="First day of what happened, in Shanghai.", examples=["2026-01-01"])
]
Last = Annotated[Day | None, Query(alias="to", description="Last day of it.", examples=["2026-03-31"])]
Filters = Annotated[list[Condition], filters("dimension:value, of the dimension itself.", "region:330106")]
Order = Annotated[
    str | None,
    Query(
        json_schema_extra={"enum": list(ORDERS)},
        max_length=100,
        description="Greatest first. Default: by filed; periods in order.",
    ),
]
Text = Annotated[str | None, Query(max_length=500, pattern=TEXT, description="Of the group; default: of all.")]


class Flow(BaseModel):
    """What happened in a group and a period. Each measure is defined in docs/definitions.md, "By day of the event"."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(examples=["330106"])
    scheme: str = Field(description="Code list of key; empty where there is none.")
    title: str | None = Field(description="Name of a merchant or office.")
    first_day: date | None
    last_day: date | None
    incomplete: bool = Field(description=NOT_WHOLE)
    measures: dict[str, int]
    rates: dict[str, str | None] = Field(description="Percent, one decimal, half-up; null where nothing is divided by.")


class FlowPage(bodies.Page):
    """Groups in which something happened."""

    items: list[Flow]
    groups: int
    explain: Explained | None = None


def _asked(
    by: str,
    interval: str | None,
    days: tuple[date | None, date | None],
    only: list[str] | None,
    without: list[str] | None,
    order: str | None = None,
) -> flows.Query:
    chosen, left_out = (flows.of_conditions(by, conditions(given)) for given in (only, without))
    return flows.Query(by, interval, *days, chosen, left_out or (), order)


def _explained(asking: Asking, query: flows.Query) -> Explained | None:
    if not asking.explain:
        return None
    asked = [("measure", flows.KIND.compared(query.order)[0])]
    asked += [(name, str(day)) for name, day in (("from", query.first), ("to", query.last)) if day is not None]
    asked += [("filter", f"{query.by}:{value}") for value in query.only or ()]
    asked += [("exclude", f"{query.by}:{value}") for value in query.without]
    link = f"/flows/{query.by}/behind?{urlencode(asked)}"
    return Explained(queries=asking.pool.queries, sql=flows.explain(asking.pool, query), behind=link)


@router.get("/flows/{dimension}", responses=responses())
def read_flows(
    dimension: Dimension,
    asking: AskedInPages,
    interval: Interval = None,
    first: First = None,
    last: Last = None,
    filter: Filters = [],  # noqa: B006
    exclude: Excluded = [],  # noqa: B006
    order: Order = None,
) -> FlowPage:
    """Count what happened to requests, and what was paid, by the day on which it did: answered, resolved, fined …."""
    asking.wait()
    query = _asked(dimension, interval, (first, last), filter, exclude, order)
    limit, offset = asking.limit, asking.offset
    found = flows.aggregate(asking.pool, query, today=today(), limit=limit, offset=offset)
    return FlowPage(
        items=[Flow(**item) for item in found.items],
        groups=found.groups,
        explain=_explained(asking, query),
        next=asking.next(more=offset + limit < found.groups),
        complete_to=found.complete_to,
    )


@router.get("/flows/{dimension}/behind", responses=responses())
def read_behind_flow(
    dimension: Dimension,
    by: Principal,
    shared: Shared,
    measure: Measure,
    key: Text = None,
    scheme: Text = None,
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
    query = _asked(dimension, None, (first, last), filter, exclude)
    after = read_cursor(cursor, str)
    found = flows.behind(
        shared.ledger.recorder.pool,
        query,
        measure,
        key=key,
        scheme=scheme,
        after=after[0] if after else "",
        limit=limit + 1,
    )
    return behind_figure(found, limit, complete_to)


def flows_command(
    by: Annotated[str, typer.Option(help=f"One of: {', '.join(GROUPS)}.", metavar="DIMENSION")] = "all",
    interval: Annotated[
        str | None, typer.Option(help=f"Divide the days into periods: {', '.join(INTERVALS)}.", metavar="LENGTH")
    ] = None,
    first: Annotated[str | None, typer.Option("--from", help="First month or day, YYYY-MM[-DD].")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last month or day, YYYY-MM[-DD].")] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="dimension:value of the dimension itself, such as region:330106.")
    ] = None,
    without: Annotated[list[str] | None, typer.Option("--without", help="dimension:value that is left out.")] = None,
    order: Annotated[str | None, typer.Option(help="Measure or rate, greatest first.", metavar="NAME")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Rows shown; 0 for all. JSON always has all.")] = 20,
    sql: Annotated[bool, typer.Option("--explain", help="Print the SQL that gives the same figures instead.")] = False,
    as_json: Json = False,
) -> None:
    """Count what came of complaints, and what was paid, by the day on which it happened, whenever they were filed.

    Every measure is defined in docs/definitions.md, "By day of the event".
    """
    days = day_given(first, last=False), day_given(last, last=True)
    if days[0] and days[1] and days[0] > days[1]:
        raise InvalidInput(f"--from {first} is after --to {last}", hint="exchange them")
    query = _asked(by, interval, days, only, without, order)
    with running(load_settings(), render.say) as system:
        if sql:
            render.print_sql(flows.explain(system.ledger.recorder.pool, query), as_json)
            return
        render.wait(system)
        found = flows.aggregate(system.ledger.recorder.pool, query, today=today())
    if as_json:
        whose = ("key", "scheme", "title", "first_day", "last_day", "incomplete")
        render.print_json(
            [{**{name: one[name] for name in whose}, **one["measures"], **one["rates"]} for one in found.items]
        )
    else:
        _print(by, found.items, limit or None)


def _print(by: str, items: list[dict[str, Any]], limit: int | None) -> None:
    table = Table(title=f"What happened, by {by}", title_justify="left")
    for column in (by, "period"):
        table.add_column(column, overflow="fold", max_width=40)
    columns = ("filed", "answered", "ended", "resolved", "withdrawn", "concluded", "cases_filed")
    for column in (*columns, "recovered CNY"):
        table.add_column(column.replace("_", " "), justify="right", no_wrap=True)
    for one in items[:limit]:
        name = render.clean(one["title"] or one["key"]) or ("all" if by == "all" else "(not known)")
        period = f"{one['first_day'] or '…'} - {one['last_day'] or '…'}{' (not whole)' if one['incomplete'] else ''}"
        counted = [f"{one['measures'][column]:,}" for column in columns]
        table.add_row(name, period, *counted, f"{one['measures']['recovered_fen'] / 100:,.2f}")
    render.out.print(table)
    if limit is not None and len(items) > limit:
        render.out.print(f"… and {len(items) - limit:,} more; --limit 0 shows them all")
