"""``complaints reactions``: how far the process managers are, and having them read the ledger again."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer
from rich.table import Table

from adapters import reactions
from adapters.database import connect
from api import render
from api.running import running
from api.settings import load_settings
from domain.reactions import RULES

app = typer.Typer(no_args_is_help=True, help="What follows in one stream from events of another.")

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
MAX_SHOWN = 100


@app.command()
def status(as_json: Json = False) -> None:
    """Tell up to which position what follows is recorded, and what could not be recorded."""
    with (
        running(load_settings(), render.say) as system,
        closing(connect(system.database_url, "ledger_api")) as conn,
        conn.cursor() as cursor,
    ):
        standing, waiting = reactions.standing(cursor), reactions.waiting(cursor, MAX_SHOWN)
    if as_json:
        render.print_json({"position": standing.position, "waiting": standing.waiting, "first": waiting})
        return
    render.out.print(f"recorded up to position {standing.position:,}; {standing.waiting:,} waiting")
    if waiting:
        table = Table()
        for column in ("position", "rule", "stream", "tried", "error"):
            table.add_column(column, overflow="fold")
        for one in waiting:
            values = (one["position"], one["rule"], one["stream"], one["attempts"], one["error"])
            table.add_row(*(render.clean(str(value)) for value in values))
        render.out.print(table)


@app.command()
def rules(as_json: Json = False) -> None:
    """List the rules: which events are looked at, and what follows."""
    rows = [{"event": event, "rule": rule.name, "what": rule.what} for event, found in RULES.items() for rule in found]
    if as_json:
        render.print_json(rows)
        return
    table = Table("event", "rule", "what follows")
    for row in rows:
        table.add_row(row["event"], row["rule"], row["what"])
    render.out.print(table)


@app.command()
def replay(
    after: Annotated[int, typer.Option("--from", min=0, help="Read on from behind this position.")] = 0,
    as_json: Json = False,
) -> None:
    """Have the process managers read the ledger again. What they have recorded before is found, not repeated."""
    with (
        running(load_settings(), render.say) as system,
        closing(connect(system.database_url, "ledger_watcher")) as conn,
        conn.cursor() as cursor,
    ):
        reactions.replay(cursor, after)
        standing = reactions.standing(cursor)
    if as_json:
        render.print_json({"position": standing.position, "waiting": standing.waiting})
    else:
        render.out.print(f"reading on from behind position {standing.position:,}")
