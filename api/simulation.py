"""``complaints simulate``: traffic over all procedures of all kinds of stream, in simulated time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Annotated, Any, NamedTuple

import typer
from rich.table import Table

from adapters import reactions
from adapters.rulebook import RulebookReader
from adapters.simulation.run import Traffic, simulate
from api import render
from api.running import Running, running
from api.settings import load_settings
from domain.calendar import start_of_day
from domain.errors import InvalidInput
from domain.streams import KINDS

FIRST_DAY = "2026-01-05"
#: Where there is no terminal, a line tells so often how far it is.
TELL_EVERY_S = 15.0


class Followed(NamedTuple):
    """How many events were recorded after a simulation (with those of others, if others are at work), and whether the
    process managers have recorded all that follows."""

    events: int
    complete: bool


def simulate_command(
    complaints: Annotated[int, typer.Option(min=1, max=10_000_000, help="How many requests are filed.")] = 1_000,
    seed: Annotated[int, typer.Option(help="The same seed, numbers and days give the same traffic.")] = 1,
    days: Annotated[int, typer.Option(min=1, max=3_650, help="Over how many days they are filed.")] = 90,
    first: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD.")] = FIRST_DAY,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Let a simulated market file complaints and go through all procedures, in simulated time.

    Merchants of skewed sizes keep their word, are slow, stay silent or cheat; platforms and authorities take measures,
    which are contested; a fund advances what is not paid. Each step is decided as any other command is. Repeated with
    the same arguments it changes nothing.
    """
    with running(load_settings(), render.say) as system:
        traffic = run_simulation(system, complaints=complaints, seed=seed, days=days, first=first)
        followed = wait_until_followed(system)
    if as_json:
        render.print_json(traffic_json(traffic, followed))
    else:
        print_traffic(traffic, followed)


def run_simulation(system: Running, *, complaints: int, seed: int, days: int, first: str = FIRST_DAY) -> Traffic:
    """Simulate, and tell how far it is; raises InvalidInput for a malformed day, and what ``simulate`` raises."""
    try:
        begins = start_of_day(date.fromisoformat(first))
    except ValueError:
        raise InvalidInput(f"{first!r} is not a day", hint="write it as in 2026-01-05") from None
    with _progress(complaints) as progress:
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


@contextmanager
def _progress(complaints: int) -> Iterator[Callable[[Traffic], None]]:
    """Show a progress bar on a terminal, and now and then a line elsewhere."""
    told = time.monotonic()
    with render.progress_bar("requests") as bar:
        task = bar.add_task("simulating", total=complaints)

        def progress(traffic: Traffic) -> None:
            nonlocal told
            bar.update(task, completed=traffic.complaints - traffic.going_on)
            if bar.disable and time.monotonic() - told >= TELL_EVERY_S:
                told = time.monotonic()
                day = "" if traffic.until is None else f", {traffic.until:%Y-%m-%d}"
                render.say(
                    f"simulating: requests {traffic.complaints:,} of {complaints:,}, going on {traffic.going_on:,}, "
                    f"events {traffic.events.total():,}{day}"
                )

        yield progress


def wait_until_followed(system: Running, at_least_s: float = 0.0) -> Followed:
    """Wait, for a while, until the process managers have recorded what follows; say so if they have not."""
    limit_s = max(at_least_s, system.settings.wait_s)
    begun, head = time.monotonic(), system.head()
    told, before = begun, head
    while True:
        with system.ledger.recorder.reading() as cursor:
            standing = reactions.standing(cursor)
        now, head = time.monotonic(), system.head()
        if standing.position >= head and not standing.waiting:
            return Followed(head - before, complete=True)
        if now - begun > limit_s:
            render.err.print(
                f"[yellow]what follows is not all recorded within {limit_s:g} s: the process managers are at position "
                f"{standing.position:,} of {head:,}, and go on (see: complaints reactions status)[/yellow]"
            )
            return Followed(head - before, complete=False)
        if now - told >= TELL_EVERY_S:
            told = now
            render.say(f"waiting for what follows: position {standing.position:,} of {head:,}")
        time.sleep(0.1)


def by_procedure(traffic: Traffic) -> dict[str, dict[str, dict[str, int]]]:
    """Return how often each event came about, by kind of stream and procedure."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    for kind in KINDS.values():
        if any(traffic.events[name] for name in kind.procedure_of):
            own = found.setdefault(kind.prefix, {})
            for name, procedure in kind.procedure_of.items():
                events = own.setdefault(procedure, {})
                if traffic.events[name]:
                    events[name.removeprefix(f"{kind.prefix}.")] = traffic.events[name]
    return found


def traffic_json(traffic: Traffic, followed: Followed) -> dict[str, Any]:
    """The contract of ``simulate --json``."""
    return {
        "requests": traffic.complaints,
        "events": traffic.events.total(),
        "already": traffic.already,
        "until": traffic.until,
        "ended": {str(status): n for status, n in traffic.ended.most_common()},
        "procedures": by_procedure(traffic),
        "followed": {"events": followed.events, "complete": followed.complete},
    }


def print_traffic(traffic: Traffic, followed: Followed) -> None:
    """Show what came of a simulation, by kind of stream and procedure."""
    out = render.out
    out.print(
        f"requests {traffic.complaints:,}, events {traffic.events.total():,}, until {render.local(traffic.until)}"
    )
    if traffic.already:
        out.print(f"of these steps {traffic.already:,} were in the ledger already")
    table = Table("stream", "procedure", "events", "of these")
    table.columns[2].justify = "right"
    for kind, procedures in by_procedure(traffic).items():
        for procedure, events in procedures.items():
            most = sorted(events.items(), key=lambda item: -item[1])
            told = ", ".join(f"{name} {n:,}" for name, n in most)
            table.add_row(kind, procedure, f"{sum(events.values()):,}", told)
    out.print(table)
    out.print("ended " + ", ".join(f"{status} {n:,}" for status, n in traffic.ended.most_common()))
    more = "" if followed.complete else ", and more to come"
    out.print(f"events that followed from these in other streams {followed.events:,}{more}")
