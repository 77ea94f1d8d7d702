"""The command ``complaints export``."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from adapters import exports
from adapters.export_formats import FORMATS, Format
from adapters.exports import Export, Source
from adapters.periods import INTERVALS
from adapters.statistics import Query
from api import render
from api.acting import Json
from api.conditions import conditions
from api.running import running
from api.settings import load_settings
from api.statistics_command import day_given
from domain.calendar import day_of
from domain.errors import InvalidInput, UnknownStream

STATISTICS = "statistics/"


def export(
    table: Annotated[str, typer.Argument(help="A table of the schema read, or statistics/DIMENSION.")],
    output: Annotated[Path, typer.Option(help="File to write; there once it is whole.")],
    as_format: Annotated[
        Format | None, typer.Option("--format", help="Default: as the name of the file ends.", metavar="FORMAT")
    ] = None,
    columns: Annotated[str, typer.Option(help="Names with commas between. Default: all.")] = "",
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="column:value, for statistics dimension:value; several of one are alternatives."),
    ] = None,
    without: Annotated[list[str] | None, typer.Option("--without", help="column:value that is left out.")] = None,
    interval: Annotated[
        str | None, typer.Option(help=f"Of statistics: {', '.join(INTERVALS)}.", metavar="LENGTH")
    ] = None,
    first: Annotated[str | None, typer.Option("--from", help="Of statistics: first month or day of filing.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Of statistics: last month or day of filing.")] = None,
    order: Annotated[str | None, typer.Option(help="Of statistics: measure or rate, greatest first.")] = None,
    least: Annotated[int, typer.Option(min=0, help="Of statistics: leave out groups with a smaller n.")] = 0,
    as_json: Json = False,
) -> None:
    """Write a table of the read models, or statistics, to a file: CSV, JSON Lines, Parquet or Arrow (docs/analysts.md).

    It is of one moment; what it is complete to is printed, and stands in files of Parquet and Arrow.
    """
    format = as_format or _format_of(output)
    names = [name for name in columns.split(",") if name]
    filters, exclude = conditions(only), conditions(without)
    source: Source | None = None
    if table.startswith(STATISTICS):
        days = day_given(first, last=False), day_given(last, last=True)
        query = Query(table.removeprefix(STATISTICS), interval, *days, filters, exclude, order, least)
        source = exports.of_statistics(query, today=day_of(datetime.now(UTC)), columns=names)
    elif any((interval, first, last, order, least)):
        raise InvalidInput("a table is not divided or ordered", hint="export statistics/DIMENSION, or leave it out")

    def choose(cursor: Any) -> Source:
        return source or exports.of_table(cursor, table, columns=names, filters=filters, exclude=exclude)

    with running(load_settings(), render.say) as system:
        render.wait(system)
        try:
            begun = exports.begin(system.database_url, choose, format)
        except exports.UnknownTable as error:
            raise UnknownStream(error.message, hint="docs/read-models.md lists them") from None
        try:
            size = write(begun, output)
        finally:
            begun.close()
    told = {"file": str(output), "rows": begun.rows, "bytes": size, "complete_to": begun.complete_to}
    if as_json:
        render.print_json({"source": begun.source, "format": format, **told})
    else:
        render.out.print(
            f"{begun.rows:,} rows, complete to position {begun.complete_to:,}: {render.clean(str(output))}"
        )


def write(export: Export, output: Path) -> int:
    """Write an export to a file, which takes its name once it is whole and on the disk; returns its size in bytes."""
    part = output.with_name(f".{output.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file, render.progress_bar("rows") as bar:
            task = bar.add_task("exporting", total=None)
            for piece in export.chunks():
                file.write(piece)
                bar.update(task, completed=export.rows)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        part.replace(output)
    except OSError as error:
        raise InvalidInput(f"{output} cannot be written: {error.strerror}", hint="choose another place") from error
    finally:
        part.unlink(missing_ok=True)
    return size


def _format_of(output: Path) -> Format:
    ending = output.suffix.removeprefix(".").lower()
    for format in FORMATS:
        if format == ending:
            return format
    raise InvalidInput(f"{output.name} does not say in which format", hint=f"add --format: {', '.join(FORMATS)}")
