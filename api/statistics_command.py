"""The command ``complaints stats``."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer

from adapters.periods import INTERVALS
from adapters.statistics import GROUPS, Query, aggregate, explain
from api import render
from api.acting import Json
from api.conditions import conditions
from api.running import Running, running
from api.settings import load_settings
from domain.calendar import day_of
from domain.errors import InvalidInput

#: ``month`` is ``all`` by month: what most people ask for first.
BY = (*GROUPS, "month")
WRITTEN_SO = "write a month or a day, as in 2026-03 or 2026-03-31"


def stats(
    by: Annotated[str, typer.Option(help=f"One of: {', '.join(BY)}.", metavar="DIMENSION")] = "product",
    interval: Annotated[
        str | None, typer.Option(help=f"Divide the days into periods: {', '.join(INTERVALS)}.", metavar="LENGTH")
    ] = None,
    first: Annotated[str | None, typer.Option("--from", help="First month or day of filing, YYYY-MM[-DD].")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last month or day of filing, YYYY-MM[-DD].")] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="dimension:value, such as region:330106; several of a dimension are alternatives."),
    ] = None,
    without: Annotated[list[str] | None, typer.Option("--without", help="dimension:value that is left out.")] = None,
    order: Annotated[str | None, typer.Option(help="Measure or rate, greatest first.", metavar="NAME")] = None,
    least: Annotated[int, typer.Option(min=0, help="Leave out groups with a smaller n.")] = 0,
    limit: Annotated[int, typer.Option(min=0, help="Rows shown; 0 for all. JSON always has all.")] = 20,
    sql: Annotated[bool, typer.Option("--explain", help="Print the SQL that gives the same figures instead.")] = False,
    as_json: Json = False,
) -> None:
    """Count complaints, answers, resolutions … by any dimension and period of filing; rates with their denominators.

    Every measure is defined in docs/definitions.md.
    """
    days = day_given(first, last=False), day_given(last, last=True)
    if days[0] and days[1] and days[0] > days[1]:
        raise InvalidInput(f"--from {first} is after --to {last}", hint="exchange them")
    dimension, period = ("all", "month") if by == "month" else (by, interval)
    query = Query(
        dimension,
        period,
        *days,
        conditions(only),
        conditions(without),
        order,
        least,
    )
    with running(load_settings(), render.say) as system:
        if sql:
            render.print_sql(explain(system.ledger.recorder.pool, query), as_json)
            return
        render.wait(system)
        shown = rows(system, by, query)
    if as_json:
        render.print_json(shown)
    else:
        render.print_statistics(by, shown, limit or None)


def rows(system: Running, by: str, query: Query | None = None) -> list[dict[str, Any]]:
    """Return the groups of a query, flat: ``key`` (of a merchant its name), ``id``, ``period``, measures and rates."""
    today = day_of(datetime.now(UTC))
    found = aggregate(system.ledger.recorder.pool, query or Query(by), today=today).items
    return [
        {
            "key": f"{one['first_day']:%Y-%m}" if by == "month" else one["title"] or one["key"],
            "id": f"{one['first_day']:%Y-%m}" if by == "month" else one["key"],
            "scheme": one["scheme"],
            "period": f"{one['first_day']} – {one['last_day']}" if query and query.interval and by != "month" else None,
            "incomplete": one["incomplete"],
            **one["measures"],
            **one["rates"],
        }
        for one in found
    ]


def day_given(text: str | None, *, last: bool) -> date | None:
    """Return the day that a month or day given as text means, of a month its first or last; raises InvalidInput."""
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}(-[0-9]{2})?", text):
        raise InvalidInput(f"{text!r} is neither a month nor a day", hint=WRITTEN_SO)
    try:
        if len(text) > len("2026-03"):
            return date.fromisoformat(text)
        month = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise InvalidInput(f"{text!r} is neither a month nor a day", hint=WRITTEN_SO) from None
    return month.replace(day=monthrange(month.year, month.month)[1]) if last else month
