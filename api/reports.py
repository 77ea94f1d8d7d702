"""Reports of periods, and complaints beside what merchants report of themselves: over HTTP and as a command."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from fastapi import APIRouter, Query, Response
from fastapi import Path as PathParameter

from adapters import queries, volumes
from adapters.report_table import as_csv
from adapters.reports import SOURCES, Report, report
from adapters.statistics import Query as SumsQuery
from api import render
from api.acting import Json
from api.asking import AskedInPages, AskedWhole
from api.problems import responses
from api.requests import MerchantId
from api.running import running
from api.settings import load_settings
from api.statistics import Day, First, Last, behind, today
from domain.errors import InvalidInput, UnknownStream
from domain.periods import Period, period
from domain.values import TEXT

router = APIRouter(tags=["queries"])

CSV = "text/csv; charset=utf-8"
Stage = Annotated[
    str, Query(max_length=200, pattern=TEXT, description="A code of the list `product-stage`.", examples=["payment"])
]


class Format(StrEnum):
    """How a report is written."""

    JSON = "json"
    CSV = "csv"


@router.get(
    "/reports/{period}",
    responses={**responses(), 200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
    response_model=dict[str, Any],
)
def read_report(
    period_name: Annotated[
        str,
        PathParameter(
            alias="period", max_length=20, description="2026-03, 2026Q1, 2026H1 or 2026.", examples=["2026Q1"]
        ),
    ],
    asking: AskedWhole,
    format: Annotated[Format, Query(description="CSV: one table, a figure in each row.")] = Format.JSON,
) -> Any:
    """Report a month, quarter, half-year or year: all measures with denominators, rankings, awards, funds, warnings."""
    own = period(period_name)
    if asking.explain and format is Format.CSV:
        raise InvalidInput("a table has no place for queries", hint="leave explain or format out")
    asking.wait()
    found = report(asking.pool, own, today=today())
    if format is Format.CSV:
        return Response(as_csv(found), media_type=CSV)
    return {**found, **asking.explained(_behind_report(found, own))}


@router.get("/merchants/{merchant_id}/per-10000", responses=responses(404))
def read_per_10000(
    merchant_id: MerchantId,
    asking: AskedInPages,
    stage: Annotated[str | None, Query(max_length=200, pattern=TEXT)] = None,
    first: First = None,
    last: Last = None,
) -> dict[str, Any]:
    """Tell a merchant's valid complaints per 10,000 transactions and active users, by stage and reported days."""
    complete_to = asking.wait()
    if queries.merchant(asking.shared.ledger.recorder.pool, merchant_id) is None:
        raise UnknownStream(f"there is no {merchant_id}", hint="check the id, or give min_position")
    found = volumes.per_10_000(asking.pool, merchant_id=merchant_id, stage=stage, first=first, last=last)
    end = asking.offset + asking.limit
    items = found[asking.offset : end]
    links = [_behind(one["merchant_id"], one["stage"], one["first_day"], one["last_day"]) for one in items]
    return {
        "items": items,
        "next": asking.next(more=end < len(found)),
        "complete_to": complete_to,
        **asking.explained(links),
    }


@router.get("/rankings/merchant/per-10000", responses=responses())
def read_ranking_per_10000(
    asking: AskedInPages,
    stage: Stage,
    first: Annotated[Day, Query(alias="from", examples=["2026-01-01"])],
    last: Annotated[Day, Query(alias="to", examples=["2026-03-31"])],
    of: Annotated[Literal["transactions", "active_users"], Query(description="What they are counted per.")] = (
        "transactions"
    ),
    industry: Annotated[str | None, Query(max_length=200, pattern=TEXT)] = None,
    least: Annotated[int, Query(ge=0, le=10**15, description="Who reported less is not ranked.")] = (
        volumes.LEAST_VOLUME
    ),
) -> dict[str, Any]:
    """Rank merchants by valid complaints per 10,000 of what they reported of a stage, fewest first."""
    if first > last:
        raise InvalidInput(f"{first} is after {last}", hint="exchange them")
    complete_to = asking.wait()
    items, left_out = volumes.ranking_per_10_000(
        asking.pool, of, stage=stage, first=first, last=last, industry=industry, least=least
    )
    end = asking.offset + asking.limit
    shown = items[asking.offset : end]
    return {
        "items": shown,
        "ranked": len(items),
        "left_out": left_out,
        "next": asking.next(more=end < len(items)),
        "complete_to": complete_to,
        **asking.explained(_behind(one["merchant_id"], stage, first, last) for one in shown),
    }


def _behind_report(found: Report, own: Period) -> Iterator[str]:
    """Return where the requests are listed behind each figure of a report that counts them, and is not 0."""
    for value, days in (("value", own), ("before", own.before()), ("year_ago", own.a_year_ago())):
        query = SumsQuery(first=days.first, last=days.last)
        yield from (behind(query, one["name"]) for one in found["measures"] if one[value])
        flow = f"/flows/all/behind?from={days.first}&to={days.last}&measure="
        yield from (f"{flow}{one['name']}" for one in found["flows"] if one[value])
    groups: list[tuple[str, str, str, str | None]] = []
    groups += [("merchant", "valid", one["merchant_id"], "") for one in found["publication"]["items"]]
    groups += [("scenario", "valid", one["scenario"], None) for one in found["funnel"]["scenarios"]]
    groups += [(one["by"], name, one["key"], None) for one in found["sources"] for name in SOURCES if one[name]]
    ranked = [(ranking["by"], one) for ranking in found["rankings"] for one in ranking["items"]]
    ranked += [("merchant", one["winner"]) for one in found["awards"] if one["winner"]]
    groups += [(by, name, one["key"], one["scheme"]) for by, one in ranked for name in ("resolved", "valid")]
    # Who leads a ranking has won something, too.
    for by, measure, key, scheme in dict.fromkeys(groups):
        yield behind(SumsQuery(by, first=own.first, last=own.last), measure, key, scheme)


def _behind(merchant_id: str, stage: str, first: date, last: date) -> str:
    """Return where the complaints are listed from which those of a reported period are taken."""
    return behind(SumsQuery("merchant", first=first, last=last, filters={"stage": [stage]}), "valid", merchant_id)


def report_command(
    name: Annotated[str, typer.Argument(metavar="PERIOD", help="2026-03, 2026Q1, 2026H1 or 2026.")],
    format: Annotated[Format, typer.Option(help="CSV is one table, a figure in each row.")] = Format.JSON,
    output: Annotated[
        Path | None, typer.Option(help="Write it there, whole or not at all. Default: standard output.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Report a month, quarter, half-year or year: all measures with denominators, rankings, awards, funds, warnings."""
    own = period(name)
    if as_json and format is Format.CSV:
        raise InvalidInput("--json and --format csv exclude each other", hint="give one of them")
    if output is not None and not output.parent.is_dir():
        raise InvalidInput(f"there is no directory {output.parent}", hint="make it first")
    with running(load_settings(), render.say) as system:
        render.wait(system)
        found = report(system.ledger.recorder.pool, own, today=today())
    text = as_csv(found) if format is Format.CSV else render.json_text(found)
    if output is None:
        sys.stdout.write(text)
        sys.stdout.flush()
    else:
        _write(output, text)
        render.say(f"{output}: {own.name}, complete to position {found['complete_to']}")


def _write(output: Path, text: str) -> None:
    """Put a file in its place when it is whole."""
    try:
        descriptor, beside = tempfile.mkstemp(prefix=f".{output.name}.", dir=output.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(beside).chmod(0o644)
            Path(beside).replace(output)
        except BaseException:
            with suppress(FileNotFoundError):
                Path(beside).unlink()
            raise
    except OSError as error:
        raise InvalidInput(f"{output} cannot be written: {error.strerror}", hint="choose another place") from None
