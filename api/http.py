"""The HTTP API: every route, with the command or query behind it."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, FastAPI, Query, Response

from adapters import queries
from adapters.execute import Ledger
from adapters.orders import OrderSource
from adapters.rulebook import RulebookReader
from api import access, bodies, commands, problems, rulebook_routes, streams
from api.arguments import AUDIENCES
from api.limits import BodyLimit, RateLimit
from api.operations import workload
from api.problems import ReadModelBehind, responses
from api.representation import next_actions, standing
from api.requests import (
    UUID,
    ComplaintId,
    Cursor,
    Limit,
    MerchantId,
    MinPosition,
    Month,
    OfficeId,
    Principal,
    Shared,
    State,
    WaitS,
)
from api.streams import history_of
from domain.complaint.state import Status
from domain.errors import InvalidInput, UnknownStream
from domain.office.establishment import Established
from domain.streams import COMPLAINT, OFFICE
from domain.values import TEXT, parse_instant
from projections.complaint_details import COMPLAINT_DETAILS

router = APIRouter()


@router.get("/complaints/{complaint_id}", tags=["queries"], responses=responses(404))
def read_complaint(
    complaint_id: ComplaintId,
    by: Principal,
    shared: Shared,
    response: Response,
    version: Annotated[int | None, Query(ge=1, lt=2**63, description="As it was at this version.")] = None,
    at: Annotated[bodies.Time | None, Query(description="As it was known at this time, with zone.")] = None,
) -> bodies.ComplaintInFull:
    """Read a complaint from the ledger: as it is now, as it was at a version, or as it was known at a time."""
    history = history_of(shared, complaint_id, version, at)
    row: Any = None
    for recorded in history:
        row = COMPLAINT_DETAILS.fold(row, recorded.event)
    folded = COMPLAINT.fold(recorded.event for recorded in history)
    now = datetime.now(UTC)
    past = history[-1].recorded_at if version is not None else at
    actions = next_actions(complaint_id, folded, at=now, by=by, book=shared.rulebook.current()) if past is None else []
    response.headers["ETag"] = f'"{len(history)}"'
    return bodies.ComplaintInFull(
        complaint_id=complaint_id,
        version=len(history),
        **row._asdict(),
        **standing(folded, past or now),
        actions=actions,
    )


@router.get("/complaints", tags=["queries"], responses=responses())
def list_complaints(
    by: Principal,
    shared: Shared,
    merchant_id: Annotated[
        str | None, Query(pattern=f"^merchant-{UUID}$", examples=["merchant-f3f3a985-9840-ca16-6825-698f8803c309"])
    ] = None,
    status: Annotated[Status | None, Query()] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
    min_position: MinPosition = None,
    wait_s: WaitS = 5.0,
) -> bodies.Complaints:
    """List complaints, newest filing first. The order does not change under writes."""
    _wait(shared, min_position, wait_s)
    after = _read_cursor(cursor, str, str)
    try:
        filed_before = None if after is None else (parse_instant(after[0]), after[1])
    except InvalidInput:
        raise InvalidInput("the cursor is not one of ours", hint="take ``next`` as it was given") from None
    found, complete_to = queries.complaints(
        shared.ledger.recorder.pool, merchant_id=merchant_id, status=status, after=filed_before, limit=limit + 1
    )
    items = [bodies.Complaint(**{k: v for k, v in row.items() if k != "position"}) for row in found[:limit]]
    more = len(found) > limit
    last = items[-1] if items else None
    return bodies.Complaints(
        items=items,
        next=_cursor(last.filed_at.isoformat(), last.complaint_id) if more and last else None,
        complete_to=complete_to,
    )


@router.get("/statistics/{dimension}", tags=["queries"], responses=responses())
def read_statistics(
    dimension: Literal["merchant", "product", "region", "channel", "month"],
    by: Principal,
    shared: Shared,
    first_month: Month = None,
    last_month: Month = None,
    limit: Limit = 100,
    cursor: Cursor = None,
    min_position: MinPosition = None,
    wait_s: WaitS = 5.0,
) -> bodies.Statistics:
    """Count complaints by a dimension, most first (months in order)."""
    _wait(shared, min_position, wait_s)
    (offset,) = _read_cursor(cursor, int) or (0,)
    if offset < 0:
        raise InvalidInput("the cursor is not one of ours", hint="take ``next`` as it was given")
    pool = shared.ledger.recorder.pool
    months = [None if text is None else date.fromisoformat(f"{text}-01") for text in (first_month, last_month)]
    rows = queries.statistics(pool, dimension, first_month=months[0], last_month=months[1])
    return bodies.Statistics(
        items=[bodies.Sums(**row) for row in rows[offset : offset + limit]],
        next=_cursor(offset + limit) if offset + limit < len(rows) else None,
        complete_to=queries.complete_to(pool),
    )


@router.get("/merchants", tags=["queries"], responses=responses())
def list_merchants(
    by: Principal,
    shared: Shared,
    name: Annotated[
        str | None,
        Query(max_length=500, pattern=TEXT, description="Only this trade name.", examples=["West Lake Appliances"]),
    ] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
    min_position: MinPosition = None,
    wait_s: WaitS = 5.0,
) -> bodies.Merchants:
    """List merchants by id."""
    _wait(shared, min_position, wait_s)
    after = _read_cursor(cursor, str)
    found, complete_to = queries.merchants(
        shared.ledger.recorder.pool, name=name, after=None if after is None else after[0], limit=limit + 1
    )
    items = [bodies.Merchant(**row) for row in found[:limit]]
    return bodies.Merchants(
        items=items,
        next=_cursor(items[-1].merchant_id) if len(found) > limit else None,
        complete_to=complete_to,
    )


@router.get("/merchants/{merchant_id}", tags=["queries"], responses=responses(404))
def read_merchant(
    merchant_id: MerchantId, by: Principal, shared: Shared, min_position: MinPosition = None, wait_s: WaitS = 5.0
) -> bodies.Merchant:
    """Read a merchant."""
    _wait(shared, min_position, wait_s)
    found = queries.merchant(shared.ledger.recorder.pool, merchant_id)
    if found is None:
        raise UnknownStream(f"there is no {merchant_id}", hint="check the id, or give min_position")
    return bodies.Merchant(**found)


@router.get("/offices/{office_id}", tags=["queries"], responses=responses(404))
def read_office(office_id: OfficeId, by: Principal, shared: Shared, response: Response) -> bodies.Office:
    """Read an office from the ledger."""
    history = history_of(shared, office_id)
    first = history[0].event
    assert isinstance(first, Established)
    response.headers["ETag"] = f'"{len(history)}"'
    told = first.model_dump(include={"title", "level", "division", "superior"})
    return bodies.Office(office_id=office_id, version=len(history), **told)


@router.get("/offices/{office_id}/workload", tags=["queries"], responses=responses(404))
def read_workload(
    office_id: OfficeId, by: Principal, shared: Shared, min_position: MinPosition = None, wait_s: WaitS = 5.0
) -> bodies.Workload:
    """Show the mediators of an office, and how many open cases each has."""
    _wait(shared, min_position, wait_s)
    office = OFFICE.fold(recorded.event for recorded in history_of(shared, office_id))
    complete_to = queries.complete_to(shared.ledger.recorder.pool)
    return bodies.Workload(
        office_id=office_id,
        complete_to=complete_to,
        items=[
            bodies.Mediator(
                mediator_id=one.mediator_id,
                kind=one.kind,
                classes=sorted(one.classes),
                conflicts=sorted(one.conflicts),
                load=one.load,
                capacity=one.capacity,
            )
            for one in workload(shared.ledger, office)
        ],
    )


def _wait(shared: State, min_position: int | None, wait_s: float) -> None:
    if min_position and not queries.wait_until_complete(shared.ledger.recorder.pool, min_position, wait_s):
        raise ReadModelBehind(f"the read models are not complete to position {min_position} yet", hint="try again")


def _cursor(*values: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")


def _read_cursor(text: str | None, *types: type) -> list[Any] | None:
    if text is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        values = orjson.loads(raw)
    except ValueError:
        raw, values = b"", None
    # Ours never need an escape; another's could smuggle in what PostgreSQL cannot hold.
    if not isinstance(values, list) or tuple(map(type, values)) != types or b"\\" in raw:
        raise InvalidInput("the cursor is not one of ours", hint="take ``next`` as it was given")
    return values


@router.get("/health/live", tags=["health"])
async def live() -> bodies.Health:
    """The process answers."""
    return bodies.Health()


@router.get("/health/ready", tags=["health"], responses={503: responses()[503]})
def ready(shared: Shared) -> bodies.Health:
    """PostgreSQL answers, so that commands can be taken. Kafka may be away: commands go on without it."""
    shared.ledger.recorder.max_notification_id()
    return bodies.Health()


def create_app(ledger: Ledger, service_key: bytes, requests_per_s: float, orders: OrderSource | None = None) -> FastAPI:
    """Make the application on an open ledger, and the source of payment orders if there is one."""
    app = FastAPI(
        title="Complaint ledger",
        version="0.1.0",
        description="File complaints and act on them; read them, their history and the statistics. Errors are problem "
        "details (RFC 9457). Commands answer with a position; queries take it as min_position. "
        "Every answer has an X-Correlation-ID. A complaint tells which actions are legal next for whoever asks.",
        openapi_tags=[
            *({"name": name, "description": about} for name, (about, _) in AUDIENCES.items()),
            {"name": "queries", "description": "For everybody who has a token."},
            {"name": "health", "description": "For whoever runs it."},
        ],
    )
    shared = State()
    shared.ledger, shared.service_key = ledger, service_key
    shared.rulebook, shared.orders = RulebookReader(ledger), orders
    shared.rate_limit = RateLimit(requests_per_s)
    app.state.shared = shared
    routers = (commands.router, router, streams.router, rulebook_routes.router)
    for one in routers:
        app.include_router(one)
    app.add_middleware(BodyLimit)
    access.install(app, [route for one in routers for route in one.routes])
    problems.install(app)
    return app
