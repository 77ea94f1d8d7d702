"""Reports of periods, and complaints beside what merchants report of themselves: over HTTP and as a command."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from fastapi import APIRouter, Query, Response
from fastapi import Path as PathParameter

from adapters import queries, volumes
from adapters.explaining import RecordingPool
from adapters.report_table import as_csv
from adapters.reports import report
from adapters.statistics import Query as SumsQuery
from api import render
from api.acting import Json
from api.paging import read_offset, wait_for, write_cursor
from api.problems import responses
from api.requests import Cursor, Explain, Limit, MerchantId, MinPosition, Principal, Shared, WaitS
from api.running import running
from api.settings import load_settings
from api.statistics import Day, First, Last, behind, today
from domain.errors import InvalidInput, UnknownStream
from domain.periods import period
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
    by: Principal,
    shared: Shared,
    format: Annotated[Format, Query(description="CSV: one table, a figure in each row.")] = Format.JSON,
    min_position: MinPosition = None,
    wait_s: WaitS = 5.0,
) -> Any:
    """Report a month, quarter, half-year or year: all measures with denominators, rankings, awards, funds, warnings."""
    own = period(period_name)
    wait_for(shared, min_position, wait_s)
    found = report(shared.ledger.recorder.pool, own, today=today())
    return Response(as_csv(found), media_type=CSV) if format is Format.CSV else found


@router.get("/merchants/{merchant_id}/per-10000", responses=responses(404))
def read_per_10000(
    merchant_id: MerchantId,
    by: Principal,
    shared: Shared,
    stage: Annotated[str | None, Query(max_length=200, pattern=TEXT)] = None,
    first: First = None,
    last: Last = None,
    explain: Explain = False,
    limit: Limit = 100,
    cursor: Cursor = None,
    min_position: MinPosition = None,
    wait_s: WaitS = 5.0,
) -> dict[str, Any]:
    """Tell a merchant's valid complaints per 10,000 transactions and active users, by stage and reported days."""
    complete_to = wait_for(shared, min_position, wait_s)
    pool = RecordingPool(shared.ledger.recorder.pool)
    if queries.merchant(shared.ledger.recorder.pool, merchant_id) is None:
        raise UnknownStream(f"there is no {merchant_id}", hint="check the id, or give min_position")
    found = volumes.per_10_000(pool, merchant_id=merchant_id, stage=stage, first=first, last=last)
    offset = read_offset(cursor)
    items = found[offset : offset + limit]
    answer = {
        "items": items,
        "next": write_cursor(offset + limit) if offset + limit < len(found) else None,
        "complete_to": complete_to,
    }
    links = [_behind(one["merchant_id"], one["stage"], one["first_day"], one["last_day"]) for one in items]
    return {**answer, "explain": pool.queries, "behind": links} if explain else answer


@router.get("/rankings/merchant/per-10000", responses=responses())
def read_ranking_per_10000(
    by: Principal,
    shared: Shared,
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
    explain: Explain = False,
    limit: Limit = 100,
    cursor: Cursor = None,
    min_position: MinPosition = None,
    wait_s: WaitS = 5.0,
) -> dict[str, Any]:
    """Rank merchants by valid complaints per 10,000 of what they reported of a stage, fewest first."""
    if first > last:
        raise InvalidInput(f"{first} is after {last}", hint="exchange them")
    complete_to = wait_for(shared, min_position, wait_s)
    pool = RecordingPool(shared.ledger.recorder.pool)
    items, left_out = volumes.ranking_per_10_000(
        pool, of, stage=stage, first=first, last=last, industry=industry, least=least
    )
    offset = read_offset(cursor)
    shown = items[offset : offset + limit]
    answer = {
        "items": shown,
        "ranked": len(items),
        "left_out": left_out,
        "next": write_cursor(offset + limit) if offset + limit < len(items) else None,
        "complete_to": complete_to,
    }
    links = [_behind(one["merchant_id"], stage, first, last) for one in shown]
    return {**answer, "explain": pool.queries, "behind": links} if explain else answer


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
