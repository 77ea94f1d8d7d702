"""The command ``complaints search``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from adapters import search
from api import render
from api.acting import Json
from api.conditions import conditions
from api.running import running
from api.settings import load_settings
from api.statistics_command import day_given


def search_command(
    text: Annotated[
        str | None, typer.Argument(help='Words that were written, all of them: 退款 "late fee" refund*.')
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="field:value, such as status:routed; several of a field are alternatives."),
    ] = None,
    without: Annotated[list[str] | None, typer.Option("--without", help="field:value that is left out.")] = None,
    first: Annotated[str | None, typer.Option("--from", help="First month or day of filing, YYYY-MM[-DD].")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last month or day of filing, YYYY-MM[-DD].")] = None,
    sort: Annotated[str, typer.Option(help=f"One of: {', '.join(search.SORTS)}.", metavar="ORDER")] = "newest",
    limit: Annotated[int, typer.Option(min=1, max=500, help="Complaints shown.")] = 20,
    facets: Annotated[bool, typer.Option("--facets", help="Count all that match, by the values of fields.")] = False,
    as_json: Json = False,
) -> None:
    """Find complaints by text and by any field (docs/definitions.md, "Search")."""
    days = day_given(first, last=False), day_given(last, last=True)
    asked = search.Search(conditions(only), conditions(without), *days, sort=sort, text=text)
    now = datetime.now(UTC)
    with running(load_settings(), render.say) as system:
        render.wait(system)
        pool = system.ledger.recorder.pool
        items, _, complete_to = search.search(pool, asked, now=now, limit=limit)
        counted = search.facets(pool, asked, now=now) if facets else None
    if as_json:
        told = {"items": items, "complete_to": complete_to}
        render.print_json(told if counted is None else told | {"facets": counted})
    else:
        render.print_found(items)
        if counted is not None:
            render.print_facets(counted)
