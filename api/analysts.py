"""``complaints analyst``: logins for people who query the read models in SQL."""

from __future__ import annotations

from typing import Annotated

import typer

from adapters import analysts
from api import render
from api.acting import Json
from api.running import running
from api.settings import load_settings
from domain.errors import UnknownStream

app = typer.Typer(no_args_is_help=True, help="Logins to PostgreSQL that may read the read models, and nothing else.")

Name = Annotated[str, typer.Argument(help="Lower-case letters, digits and _.")]


@app.command()
def create(name: Name, as_json: Json = False) -> None:
    """Make a login and print its URL, password included; of one that exists, give it a new password."""
    with running(load_settings(), render.say) as system:
        url = analysts.create(system.database_url, name)
    if as_json:
        render.print_json({"name": name, "database_url": url, "limits": analysts.LIMITS})
    else:
        typer.echo(url)


@app.command()
def drop(name: Name, as_json: Json = False) -> None:
    """End the sessions of a login and remove it."""
    with running(load_settings(), render.say) as system:
        found = analysts.drop(system.database_url, name)
    if not found:
        raise UnknownStream(f"there is no analyst {name!r}", hint="see: complaints analyst list")
    if as_json:
        render.print_json({"name": name, "dropped": True})
    else:
        typer.echo(f"dropped {name}")


@app.command("list")
def list_logins(as_json: Json = False) -> None:
    """List the logins."""
    with running(load_settings(), render.say) as system:
        found = analysts.existing(system.database_url)
    if as_json:
        render.print_json([{"name": name} for name in found])
    else:
        typer.echo("\n".join(found) or "none")
