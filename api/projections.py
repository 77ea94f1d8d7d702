"""``complaints projections``: how the read models stand, rebuilding them, and what they put aside."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.table import Table

from adapters import parking, queries
from adapters.projector import ProjectorSettings
from adapters.rebuild import Rebuilt, cancel, rebuild
from api import render
from api.running import Running, running
from api.settings import load_settings
from domain.errors import InvalidInput
from projections.catalogue import PROJECTIONS
from projections.projection import Projection

app = typer.Typer(no_args_is_help=True, help="See, rebuild and mend the read models.")

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[str, typer.Argument(help=f"One of: {', '.join(projection.name for projection in PROJECTIONS)}.")]
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
    for column in ("projection", "generation", "position", "lag", "lag s", "parked", "skipped", "building"):
        table.add_column(column, justify="left" if column in ("projection", "building") else "right")
    for row in rows:
        building = row["building"]
        table.add_row(
            row["projection"],
            str(row["generation"]),
            f"{row['position']:,}",
            f"{row['lag_positions']:,}",
            f"{row['lag_s']:.1f}",
            f"{row['parked_records']:,} of {row['parked_streams']:,} streams" if row["parked_records"] else "0",
            f"{row['skipped_records']:,}",
            "" if building is None else f"generation {building['generation']}, {building['read'] or '0.0'} % read",
        )
    render.out.print(table)


@app.command("rebuild")
def rebuild_command(
    projection: Name,
    cancelled: Annotated[bool, typer.Option("--cancel", help="Drop the generation that is being built.")] = False,
    as_json: Json = False,
) -> None:
    """Build a projection's tables anew from Kafka, beside those in use, and swap them in.

    Queries and projectors go on meanwhile. Interrupted, it goes on where it was when it is called again.
    """
    wanted = _projection(projection)
    with running(load_settings(), render.say) as system:
        if cancelled:
            dropped = cancel(system.database_url, wanted)
            told: dict[str, Any] = {"projection": wanted.name, "cancelled": dropped}
            text = f"{wanted.name}: " + ("the rebuild was cancelled" if dropped else "nothing was being rebuilt")
        else:
            built = _rebuild(system, wanted)
            if built is None:
                render.say("stopped; call it again to go on, or with --cancel to drop what is there")
                raise typer.Exit(130)
            told = {
                "projection": wanted.name,
                "generation": built.generation,
                "folded": built.folded,
                "parked_streams": built.parked,
            }
            text = (
                f"{wanted.name}: generation {built.generation} is in use, {built.folded:,} records folded, "
                f"{built.parked:,} streams parked"
            )
    _tell(told, text, as_json)


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


def _rebuild(system: Running, projection: Projection) -> Rebuilt | None:
    settings = ProjectorSettings(system.database_url, system.kafka_bootstrap, system.settings.topic_prefix)
    stop = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: stop.set())
    with render.progress_bar("records") as bar:
        task = bar.add_task(f"rebuilding {projection.name}", total=None)
        try:
            return rebuild(settings, projection, stop, lambda done, of: bar.update(task, completed=done, total=of))
        finally:
            signal.signal(signal.SIGINT, before)


def _projection(name: str) -> Projection:
    for projection in PROJECTIONS:
        if projection.name == name:
            return projection
    known = ", ".join(projection.name for projection in PROJECTIONS)
    raise InvalidInput(f"there is no projection {name!r}", hint=f"there are: {known}")


def _tell(value: dict[str, Any], text: str, as_json: bool) -> None:
    if as_json:
        render.print_json(value)
    else:
        render.out.print(text)
