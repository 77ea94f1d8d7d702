"""Exports over HTTP: whole tables and statistics as CSV, JSON Lines, Parquet or Arrow, of one snapshot."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from adapters import exports
from adapters.export_formats import MEDIA_TYPES, Format
from adapters.exports import Export, Source
from api.conditions import Condition, Excluded, conditions, filters
from api.paging import wait_for
from api.problems import NotForThisRole, TooManyRequests, responses
from api.requests import MinPosition, Principal, Shared, State, WaitS
from api.statistics import Asked, Interval, Least, Order, today
from domain.values import Actor, Role

router = APIRouter(tags=["auditor"])

#: Exports that a process makes at a time, and of these for one sender.
MAX_EXPORTS = 4
MAX_OF_ONE = 2
ROLES = frozenset({Role.ANALYST, Role.REGULATOR, Role.AUDITOR, Role.SERVICE})


class Exports:
    """The exports that are under way in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: list[str] = []

    def begin(self, by: str) -> None:
        """Count one more; raises TooManyRequests."""
        with self._lock:
            own = self._of.count(by)
            if own >= MAX_OF_ONE or len(self._of) >= MAX_EXPORTS:
                raise TooManyRequests(
                    f"{own} exports of yours are under way, {len(self._of)} of all",
                    hint=f"wait for one to end; {MAX_OF_ONE} of one sender and {MAX_EXPORTS} of all may be",
                )
            self._of.append(by)

    def end(self, by: str) -> None:
        """Count one less."""
        with self._lock:
            self._of.remove(by)


async def exports_of(request: Request) -> Exports:
    found: Exports = request.app.state.exports
    return found


async def entitled(by: Principal) -> Actor:
    """Return who asks; raises NotForThisRole."""
    if by.role not in ROLES:
        raise NotForThisRole(
            f"exports are not for the role {by.role}",
            hint=f"they are for: {', '.join(sorted(ROLES))}; see GET /statistics",
        )
    return by


Entitled = Annotated[Actor, Depends(entitled)]
UnderWay = Annotated[Exports, Depends(exports_of)]
Wanted = Annotated[Format, Query(alias="format", description="Parquet and Arrow hold types; see docs/analysts.md.")]
Columns = Annotated[
    str,
    Query(
        max_length=4_000,
        pattern="^([a-z0-9_]+(,[a-z0-9_]+)*)?$",
        description="Names with commas between, in the order wanted. Default: all.",
    ),
]
ColumnFilters = Annotated[
    list[Condition], filters("column:value. Values of a column are alternatives; nothing: not known.")
]
_DOCUMENTED: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {media.partition(";")[0]: {"schema": {"type": "string"}} for media in MEDIA_TYPES.values()},
        "description": "The whole of it, in chunks; without the last one the transfer broke off and is not whole.",
        "headers": {"X-Complete-To": {"schema": {"type": "integer"}, "description": "Position up to which all is in."}},
    },
    **responses(403),
}


class ExportedColumn(BaseModel):
    name: str
    type: str
    comment: str


class Exportable(BaseModel):
    """A table that can be exported. ``key``: the columns in whose order it is."""

    name: str
    comment: str
    key: list[str]
    columns: list[ExportedColumn]


class Exportables(BaseModel):
    items: list[Exportable]


@router.get("/exports", responses=responses(403))
def list_exports(by: Entitled, shared: Shared) -> Exportables:
    """List the tables that can be exported, with what they and their columns mean."""
    with shared.ledger.recorder.pool.cursor() as cursor:
        found = exports.tables(cursor).values()
    return Exportables(
        items=[
            Exportable(
                name=table.name,
                comment=table.comment,
                key=list(table.key),
                columns=[ExportedColumn(**column._asdict()) for column in table.columns],
            )
            for table in found
        ]
    )


@router.get("/exports/statistics/{dimension}", responses=_DOCUMENTED, response_class=StreamingResponse)
def export_statistics(
    by: Entitled,
    asked: Asked,
    shared: Shared,
    under_way: UnderWay,
    format: Wanted = "csv",
    columns: Columns = "",
    interval: Interval = None,
    order: Order = None,
    least: Least = 0,
    min_position: MinPosition = None,
    wait_s: WaitS = 5.0,
) -> StreamingResponse:
    """Export what GET /statistics/{dimension} says, all groups of it: a line each, with every measure and rate."""
    wait_for(shared, min_position, wait_s)
    query = replace(asked, interval=interval, order=order, least=least)
    source = exports.of_statistics(query, today=today(), columns=_split(columns))
    return _answer(shared, under_way, by, lambda _: source, format)


@router.get(
    "/exports/{table}",
    responses={**_DOCUMENTED, **responses(404)},
    response_class=StreamingResponse,
)
def export_table(
    table: Annotated[str, Path(max_length=63, pattern="^[a-z_]+$", examples=["transfers"])],
    by: Entitled,
    shared: Shared,
    under_way: UnderWay,
    format: Wanted = "csv",
    columns: Columns = "",
    filter: ColumnFilters = [],  # noqa: B006
    exclude: Excluded = [],  # noqa: B006
    min_position: MinPosition = None,
    wait_s: WaitS = 5.0,
) -> StreamingResponse:
    """Export a table of the read models, in the order of its key. GET /exports lists the tables."""
    wait_for(shared, min_position, wait_s)
    only, without = conditions(filter), conditions(exclude)

    def choose(cursor: Any) -> Source:
        return exports.of_table(cursor, table, columns=_split(columns), filters=only, exclude=without)

    return _answer(shared, under_way, by, choose, format)


def _split(columns: str) -> list[str]:
    return columns.split(",") if columns else []


def _answer(
    shared: State, under_way: Exports, by: Actor, choose: Callable[[Any], Source], format: Format
) -> StreamingResponse:
    under_way.begin(by.id)
    try:
        export = exports.begin(shared.ledger.recorder.url, choose, format)
    except BaseException:
        under_way.end(by.id)
        raise

    def end() -> None:
        export.close()
        under_way.end(by.id)

    return _Exported(export, format, end)


class _Exported(StreamingResponse):
    """Streams an export; ends it when all is sent, when it fails, and when its reader has gone."""

    def __init__(self, export: Export, format: Format, end: Callable[[], None]) -> None:
        name = export.source.removeprefix("read.").replace("/", "-")
        super().__init__(
            _pieces(export),
            media_type=MEDIA_TYPES[format],
            headers={
                "X-Complete-To": str(export.complete_to),
                "Content-Disposition": f'attachment; filename="{name}-{export.complete_to}.{format}"',
                "Cache-Control": "no-store",
            },
        )
        self._end = end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            # Also when the request was cancelled: the snapshot is not to be held any longer.
            with anyio.CancelScope(shield=True):
                await run_in_threadpool(self._end)


async def _pieces(export: Export) -> AsyncIterator[bytes]:
    pieces = export.chunks()
    while (piece := await run_in_threadpool(next, pieces, None)) is not None:
        # An empty piece would be taken for the end.
        if piece:
            yield piece
