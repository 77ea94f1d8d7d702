"""``complaints projections``: how the read models stand, rebuilding them, and what they put aside."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.table import Table

from adapters import parking, queries
from adapters.generations import cancel
from adapters.rebuild import RebuildSettings, Rebuilt, rebuild
from api import render
from api.running import Running, running
from api.settings import load_settings
from domain.errors import InvalidInput
from projections.catalogue import PROJECTIONS
from projections.projection import Projection
from projections.rates import percent

app = typer.Typer(no_args_is_help=True, help="See, rebuild and mend the read models.")

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ONE_OF = f"One of: {', '.join(projection.name for projection in PROJECTIONS)}."
Name = Annotated[str, typer.Argument(help=ONE_OF)]
Stream = Annotated[str, typer.Argument(help="The parked stream, as `parked` lists it.")]


@app.command()
def status(as_json: Json = False) -> None:
    """Tell how far each projection has come, what is parked, and what is being rebuilt."""
    with running(load_settings(), render.say) as system:
        rows = queries.projections(system.ledger.recorder.pool)
    if as_json:
        render.print_json(rows)
        return
    table = Table()
    for column in ("projection", "generation", "version", "position", "lag", "lag s", "parked", "skipped", "building"):
        table.add_column(column, justify="left" if column in ("projection", "building") else "right")
    for row in rows:
        table.add_row(
            row["projection"],
            str(row["generation"]),
            str(row["version"]),
            f"{row['position']:,}",
            f"{row['lag_positions']:,}",
            f"{row['lag_s']:.1f}",
            f"{row['parked_records']:,} of {row['parked_streams']:,} streams" if row["parked_records"] else "0",
            f"{row['skipped_records']:,}",
            _building(row),
        )
    render.out.print(table)


@app.command("rebuild")
def rebuild_command(
    projection: Annotated[str | None, typer.Argument(help=f"{ONE_OF} With --all: none.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Rebuild all of them, in one read of the topics.")] = False,
    cancelled: Annotated[bool, typer.Option("--cancel", help="Drop the generation that is being built.")] = False,
    park: Annotated[
        bool, typer.Option("--park", help="Put streams aside that fail, although they did not fail so far.")
    ] = False,
    processes: Annotated[
        int | None, typer.Option(min=1, max=64, help="How many share the work. Default: one a core, fewer for little.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Build a projection's tables anew from Kafka, beside those in use, and swap them in.

    Queries and projectors go on meanwhile. Interrupted, it goes on where it was when it is called again. It stops at
    the first record that cannot be taken up, unless its stream is parked or was skipped already.
    """
    if every == (projection is not None):
        raise InvalidInput("give the name of a projection, or --all", hint="see: complaints projections rebuild --help")
    wanted = list(PROJECTIONS) if projection is None else [_projection(projection)]
    with running(load_settings(), render.say) as system:
        if cancelled:
            dropped = [(one.name, cancel(system.database_url, one)) for one in wanted]
            told = [{"projection": name, "cancelled": found} for name, found in dropped]
            lines = [
                f"{name}: " + ("the rebuild was cancelled" if found else "nothing was being rebuilt")
                for name, found in dropped
            ]
        else:
            built = _rebuild(system, wanted, processes, park)
            if built is None:
                render.say("stopped; call it again to go on, or with --cancel to drop what is there")
                raise typer.Exit(130)
            told = [
                {
                    "projection": one.projection,
                    "generation": one.generation,
                    "folded": one.folded,
                    "parked_streams": one.parked,
                }
                for one in built
            ]
            lines = [
                f"{one.projection}: generation {one.generation} is in use, {one.folded:,} records folded, "
                f"{one.parked:,} streams parked"
                for one in built
            ]
    _tell(told if every else told[0], "\n".join(lines), as_json)


@app.command()
def parked(as_json: Json = False) -> None:
    """List the streams that are put aside, and why."""
    with running(load_settings(), render.say) as system, system.ledger.recorder.reading() as cursor:
        found = parking.parked(cursor)
    if as_json:
        render.print_json(found)
    elif not found:
        render.out.print("nothing is parked")
    for one in [] if as_json else found:
        render.out.print(
            f"{one.projection}  {render.clean(one.stream) or '(no key)'}  {one.records:,} records since "
            f"{render.local(one.parked_at)}, position {one.position or 'unknown'}: {render.clean(one.error)}"
        )


@app.command("inspect")
def inspect_command(projection: Name, stream: Stream, as_json: Json = False) -> None:
    """Show the parked records of a stream."""
    wanted = _projection(projection)
    with running(load_settings(), render.say) as system, system.ledger.recorder.reading() as cursor:
        records = parking.inspect(cursor, wanted, stream)
    if as_json:
        render.print_json(
            [
                {
                    "topic": one.topic,
                    "partition": one.partition,
                    "offset": one.offset,
                    "position": one.position,
                    "parked_at": one.parked_at,
                    "skipped_at": one.skipped_at,
                    "error": one.error,
                    "record": one.record.decode(errors="backslashreplace"),
                }
                for one in records
            ]
        )
        return
    for one in records:
        why = one.error or "waits behind the one before"
        if one.skipped_at is not None:
            why = f"skipped {render.local(one.skipped_at)} ({why})"
        render.out.print(
            f"{one.topic}-{one.partition}@{one.offset} position {one.position or 'unknown'}: {render.clean(why)}"
        )
        render.out.print(f"  {render.clean(one.record.decode(errors='backslashreplace'))}")


@app.command()
def replay(projection: Name, stream: Stream, as_json: Json = False) -> None:
    """Take up the parked records of a stream, in order, once the cause is mended."""
    _mend(parking.replay, projection, stream, as_json)


@app.command()
def skip(projection: Name, stream: Stream, as_json: Json = False) -> None:
    """Go on without the first parked record of a stream, and take up the others."""
    _mend(parking.skip, projection, stream, as_json)


def _mend(how: Callable[[str, Projection, str], parking.Replayed], projection: str, stream: str, as_json: bool) -> None:
    wanted = _projection(projection)
    with running(load_settings(), render.say) as system:
        done = how(system.database_url, wanted, stream)
    text = f"{render.clean(stream)}: {done.folded:,} records taken up, {done.waiting:,} wait"
    if done.error is not None:
        text += f": {render.clean(done.error)}"
    _tell(
        {"stream": stream, "folded": done.folded, "waiting": done.waiting, "error": done.error},
        text,
        as_json,
    )
    if done.waiting:
        raise typer.Exit(8)


def _rebuild(system: Running, projections: list[Projection], processes: int | None, park: bool) -> list[Rebuilt] | None:
    settings = RebuildSettings(
        system.database_url, system.kafka_bootstrap, system.settings.topic_prefix, processes=processes
    )
    stop = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: stop.set())
    what = projections[0].name if len(projections) == 1 else f"{len(projections)} read models"
    with render.progress_bar("records") as bar:
        task = bar.add_task(f"rebuilding {what}", total=None)
        began: list[tuple[float, int]] = []

        def told(done: int, of: int) -> None:
            now = time.monotonic()
            if not began:
                began.append((now, done))
            seconds, records = now - began[0][0], done - began[0][1]
            rate = f", {records / seconds:,.0f}/s" if seconds >= 1 else ""
            text = f"rebuilding {what}: {percent(done, of) or '0.0'} %{rate}"
            bar.update(task, description=text, completed=done, total=of)

        try:
            return rebuild(settings, projections, stop, told, park=park)
        finally:
            signal.signal(signal.SIGINT, before)


def _building(row: dict[str, Any]) -> str:
    """Say how a rebuild stands."""
    building = row["building"]
    if building is None:
        return ""
    if building["version"] == row["version"]:
        text = f"generation {building['generation']}, {building['read'] or '0.0'} % read"
    else:
        text = f"version {row['version']} in use, {building['version']} being built, {building['read'] or '0.0'} %"
    return text if building["error"] is None else f"{text}; stopped: {render.clean(building['error'])}"


def _projection(name: str) -> Projection:
    for projection in PROJECTIONS:
        if projection.name == name:
            return projection
    known = ", ".join(projection.name for projection in PROJECTIONS)
    raise InvalidInput(f"there is no projection {name!r}", hint=f"there are: {known}")


def _tell(value: Any, text: str, as_json: bool) -> None:
    if as_json:
        render.print_json(value)
    else:
        render.out.print(text)
