"""The HTTP API: every route, with the command or query behind it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Query, Response

from adapters import queries
from adapters.execute import Ledger
from adapters.orders import OrderSource
from adapters.rulebook import RulebookReader
from api import (
    access,
    boards,
    bodies,
    commands,
    contract,
    credit,
    evaluation,
    exports,
    figures,
    flows,
    problems,
    progress,
    reports,
    rulebook_routes,
    search,
    statistics,
    streams,
    worklists,
)
from api.arguments import AUDIENCES
from api.asking import AskedWhole
from api.limits import BodyLimit, RateLimit
from api.operations import workload
from api.paging import read_cursor, wait_for, write_cursor
from api.problems import responses
from api.representation import next_actions, standing
from api.requests import (
    ComplaintId,
    Cursor,
    Limit,
    MerchantId,
    MinPosition,
    OfficeId,
    Principal,
    Shared,
    State,
    WaitS,
    known_parameters,
)
from api.streams import history_of
from domain.errors import UnknownStream
from domain.office.establishment import Established
from domain.streams import COMPLAINT, OFFICE
from domain.values import TEXT, Role
from projections.complaint_details import COMPLAINT_DETAILS, told

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
    in_own_words = {} if by.role is Role.ANALYST else told(recorded.event for recorded in history)
    folded = COMPLAINT.fold(recorded.event for recorded in history)
    now = datetime.now(UTC)
    past = history[-1].recorded_at if version is not None else at
    actions = next_actions(complaint_id, folded, at=now, by=by, book=shared.rulebook.current()) if past is None else []
    response.headers["ETag"] = f'"{len(history)}"'
    return bodies.ComplaintInFull(
        complaint_id=complaint_id,
        version=len(history),
        **{**row._asdict(), **in_own_words, **standing(folded, past or now)},
        actions=actions,
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
    wait_for(shared, min_position, wait_s)
    after = read_cursor(cursor, str)
    found, complete_to = queries.merchants(
        shared.ledger.recorder.pool, name=name, after=None if after is None else after[0], limit=limit + 1
    )
    items = [bodies.Merchant(**row) for row in found[:limit]]
    return bodies.Merchants(
        items=items,
        next=write_cursor(items[-1].merchant_id) if len(found) > limit else None,
        complete_to=complete_to,
    )


@router.get("/merchants/{merchant_id}", tags=["queries"], responses=responses(404))
def read_merchant(
    merchant_id: MerchantId, by: Principal, shared: Shared, min_position: MinPosition = None, wait_s: WaitS = 5.0
) -> bodies.Merchant:
    """Read a merchant."""
    wait_for(shared, min_position, wait_s)
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
def read_workload(office_id: OfficeId, asking: AskedWhole) -> bodies.Workload:
    """Show the mediators of an office, and how many open cases each has."""
    asking.wait()
    office = OFFICE.fold(recorded.event for recorded in history_of(asking.shared, office_id))
    complete_to = queries.complete_to(asking.shared.ledger.recorder.pool)
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
            for one in workload(asking.pool, office)
        ],
        **asking.explained(f"/worklists/mediator/{mediator_id}" for mediator_id in office.mediators),
    )


@router.get("/health/live", tags=["health"])
async def live() -> bodies.Health:
    """The process answers."""
    return bodies.Health()


@router.get("/health/ready", tags=["health"], responses={503: responses()[503]})
def ready(shared: Shared) -> bodies.Readiness:
    """PostgreSQL answers, so that commands can be taken. Kafka may be away: commands go on without it.

    A read model that is being built anew answers from its older version until then.
    """
    found = queries.projections(shared.ledger.recorder.pool)
    return bodies.Readiness(
        read_models=[
            bodies.ReadModel(
                name=row["projection"],
                version=row["version"],
                complete_to=row["position"],
                building=(building := row["building"])
                and bodies.BuiltModel(
                    version=building["version"],
                    read_percent=building["read"],
                    stopped=building["error"] is not None,
                ),
            )
            for row in found
        ]
    )


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
    app.state.shared, app.state.progress = shared, progress.Progress()
    app.state.exports = exports.Exports()
    routers = (
        commands.router,
        search.router,
        router,
        statistics.router,
        figures.router,
        flows.router,
        reports.router,
        evaluation.router,
        worklists.router,
        exports.router,
        boards.router,
        credit.router,
        streams.router,
        progress.router,
        rulebook_routes.router,
        contract.router,
    )
    for one in routers:
        app.include_router(one, dependencies=[Depends(known_parameters)])
    app.add_middleware(BodyLimit)
    access.install(app, [route for one in routers for route in one.routes])
    problems.install(app)
    return app
