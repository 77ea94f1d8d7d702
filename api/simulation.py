"""``complaints simulate``: traffic over all procedures, in simulated time."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import typer
from rich.table import Table

from adapters.rulebook import RulebookReader
from adapters.simulation.run import Traffic, simulate
from api import render
from api.running import Running, running
from api.settings import load_settings
from domain.calendar import start_of_day
from domain.errors import InvalidInput
from domain.streams import COMPLAINT

FIRST_DAY = "2026-01-05"


def simulate_command(
    complaints: Annotated[int, typer.Option(min=1, max=10_000_000, help="How many requests are filed.")] = 1_000,
    seed: Annotated[int, typer.Option(help="The same seed, numbers and days give the same traffic.")] = 1,
    days: Annotated[int, typer.Option(min=1, max=3_650, help="Over how many days they are filed.")] = 90,
    first: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD.")] = FIRST_DAY,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Let a simulated market file complaints and go through all procedures, in simulated time.

    Merchants of skewed sizes keep their word, are slow, stay silent or cheat; each step is decided as any other command
    is. Repeated with the same arguments it changes nothing.
    """
    with running(load_settings(), render.say) as system:
        traffic = run_simulation(system, complaints=complaints, seed=seed, days=days, first=first)
    if as_json:
        render.print_json(traffic_json(traffic))
    else:
        print_traffic(traffic)


def run_simulation(system: Running, *, complaints: int, seed: int, days: int, first: str = FIRST_DAY) -> Traffic:
    """Simulate, with a progress bar; raises InvalidInput for a malformed day, and what ``simulate`` raises."""
    try:
        begins = start_of_day(date.fromisoformat(first))
    except ValueError:
        raise InvalidInput(f"{first!r} is not a day", hint="write it as in 2026-01-05") from None
    with render.progress_bar("requests") as bar:
        task = bar.add_task("simulating", total=complaints)

        def progress(traffic: Traffic) -> None:
            bar.update(task, completed=traffic.complaints - traffic.going_on)

        return simulate(
            system.ledger,
            system.settings.key(),
            RulebookReader(system.ledger).current(),
            complaints=complaints,
            seed=seed,
            start=begins,
            days=days,
            progress=progress,
        )


def by_procedure(traffic: Traffic) -> dict[str, dict[str, int]]:
    """Return how often each event came about, by procedure."""
    found: dict[str, dict[str, int]] = {procedure: {} for procedure in dict.fromkeys(COMPLAINT.procedure_of.values())}
    for name, procedure in COMPLAINT.procedure_of.items():
        if traffic.events[name]:
            found[procedure][name.removeprefix("complaint.")] = traffic.events[name]
    return found


def traffic_json(traffic: Traffic) -> dict[str, Any]:
    """The contract of ``simulate --json``."""
    return {
        "requests": traffic.complaints,
        "events": traffic.events.total(),
        "already": traffic.already,
        "until": traffic.until,
        "ended": dict(traffic.ended.most_common()),
        "procedures": by_procedure(traffic),
    }


def print_traffic(traffic: Traffic) -> None:
    """Show what came of a simulation, by procedure."""
    out = render.out
    out.print(
        f"requests {traffic.complaints:,}, events {traffic.events.total():,}, until {render.local(traffic.until)}"
    )
    if traffic.already:
        out.print(f"of these steps {traffic.already:,} were in the ledger already")
    table = Table("procedure", "events", "of these")
    table.columns[1].justify = "right"
    for procedure, events in by_procedure(traffic).items():
        most = sorted(events.items(), key=lambda item: -item[1])
        table.add_row(procedure, f"{sum(events.values()):,}", ", ".join(f"{name} {n:,}" for name, n in most))
    out.print(table)
    out.print("ended " + ", ".join(f"{status} {n:,}" for status, n in traffic.ended.most_common()))
