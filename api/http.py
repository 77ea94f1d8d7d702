"""The HTTP API: every route, with the command or query behind it."""

from __future__ import annotations

import base64
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Response
from fastapi import Path as PathParameter
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from adapters import queries
from adapters.execute import Ledger, Result
from adapters.record import Recorded
from api import access, bodies, operations, problems, tokens
from api.limits import BodyLimit, RateLimit
from api.problems import ReadModelBehind, responses
from api.render import history_json
from domain.errors import InvalidInput, UnknownStream
from domain.values import TEXT, Actor, parse_instant
from projections.complaint_details import COMPLAINT_DETAILS

MAX_PAGE = 500
MAX_WAIT_S = 10.0
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

bearer = HTTPBearer(auto_error=False, description="A token of `complaints token`.")


class State:
    """What the routes share: set once, when the application is made."""

    ledger: Ledger
    service_key: bytes
    rate_limit: RateLimit


async def state(request: Request) -> State:
    shared: State = request.app.state.shared
    return shared


Shared = Annotated[State, Depends(state)]


async def principal(shared: Shared, given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> Actor:
    """Return who acts; raises InvalidToken, TooManyRequests. Who may do what is for each route to say."""
    if given is None:
        raise tokens.InvalidToken("a bearer token is needed", hint="get one with: complaints token")
    actor = tokens.read(shared.service_key, given.credentials)
    shared.rate_limit.take(actor.id, time.monotonic())
    return actor


Principal = Annotated[Actor, Depends(principal)]
ComplaintId = Annotated[
    str, PathParameter(pattern=f"^complaint-{UUID}$", examples=["complaint-5173ac4c-f3ac-dde1-bbfc-354afefec15d"])
]
MerchantId = Annotated[
    str, PathParameter(pattern=f"^merchant-{UUID}$", examples=["merchant-f3f3a985-9840-ca16-6825-698f8803c309"])
]
IdempotencyKey = Annotated[
    str | None,
    Header(min_length=1, max_length=200, description="The same command under the same key runs once."),
]
IfMatch = Annotated[
    str | None,
    Header(
        pattern=r'^"[0-9]{1,18}"$',
        description="The ETag that the sender saw; 412 if the complaint has moved on.",
        examples=['"1"'],
    ),
]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]
Cursor = Annotated[str | None, Query(max_length=500, description="``next`` of the page before.")]
MinPosition = Annotated[
    int | None,
    Query(ge=0, lt=2**63, description="Wait until the read models are complete to this position, or answer 503."),
]
WaitS = Annotated[float, Query(ge=0, le=MAX_WAIT_S, description="How long to wait for min_position, in seconds.")]
Month = Annotated[str | None, Query(pattern=r"^[1-9][0-9]{3}-(0[1-9]|1[0-2])$", examples=["2026-03"])]

router = APIRouter()


# --- commands --------------------------------------------------------------------------------------------------------


def _perform(
    shared: State,
    response: Response,
    operation: str,
    stream: str | None,
    body: Any,
    by: Actor,
    key: str | None,
    if_match: str | None = None,
) -> bodies.Done:
    arguments = {name: value for name, value in body if name != "at" and value is not None}
    result: Result = operations.perform(
        shared.ledger,
        shared.service_key,
        operation,
        stream,
        arguments,
        by=by,
        now=datetime.now(UTC),
        at=body.at,
        key=key,
        expected=None if if_match is None else int(if_match.strip('"')),
    )
    response.headers["ETag"] = f'"{result.version}"'
    if stream is None:
        kind = "complaints" if result.stream.startswith("complaint-") else "merchants"
        response.headers["Location"] = f"/{kind}/{result.stream}"
    return bodies.Done(
        id=result.stream,
        version=result.version,
        position=result.position,
        events=[event.name for event in result.events],
        repeated=result.repeated,
    )


@router.post("/complaints", status_code=201, tags=["complaints"], responses=responses(400, 408, 409, 413, 415))
def file_complaint(
    body: bodies.FileComplaint,
    by: Principal,
    shared: Shared,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> bodies.Done:
    """File a complaint."""
    return _perform(shared, response, "file", None, body, by, idempotency_key)


@router.post("/merchants", status_code=201, tags=["merchants"], responses=responses(400, 408, 409, 413, 415))
def register_merchant(
    body: bodies.RegisterMerchant,
    by: Principal,
    shared: Shared,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> bodies.Done:
    """Register a merchant."""
    return _perform(shared, response, "register", None, body, by, idempotency_key)


def _action(path: str, operation: str, body_type: type[bodies.Command], summary: str) -> None:
    def act(
        complaint_id: ComplaintId,
        body: body_type,  # type: ignore[valid-type]
        by: Principal,
        shared: Shared,
        response: Response,
        idempotency_key: IdempotencyKey = None,
        if_match: IfMatch = None,
    ) -> bodies.Done:
        return _perform(shared, response, operation, complaint_id, body, by, idempotency_key, if_match)

    # The annotations are evaluated here, since FastAPI could not resolve the local name.
    act.__annotations__ = {
        "complaint_id": ComplaintId,
        "body": body_type,
        "by": Principal,
        "shared": Shared,
        "response": Response,
        "idempotency_key": IdempotencyKey,
        "if_match": IfMatch,
        "return": bodies.Done,
    }
    router.post(
        f"/complaints/{{complaint_id}}/{path}",
        tags=["complaints"],
        summary=summary,
        operation_id=f"{operation}_complaint",
        responses=responses(400, 404, 408, 409, 412, 413, 415),
    )(act)


_action("routing", "route", bodies.Route, "Send it to the merchant who has to answer")
_action("answer", "answer", bodies.Answer, "Record the merchant's answer")
_action("resolution", "resolve", bodies.Resolve, "Record that it is settled")
_action("closing", "close", bodies.Close, "End it without a resolution")
_action("dispute", "dispute", bodies.Dispute, "Record that the consumer does not accept the answer")
_action("withdrawal", "withdraw", bodies.Withdraw, "Take it back")
_action("reopening", "reopen", bodies.Reopen, "Take it up again")


# --- queries ---------------------------------------------------------------------------------------------------------


@router.get("/complaints/{complaint_id}", tags=["complaints"], responses=responses(404))
def read_complaint(
    complaint_id: ComplaintId,
    by: Principal,
    shared: Shared,
    response: Response,
    version: Annotated[int | None, Query(ge=1, lt=2**63, description="As it was at this version.")] = None,
    at: Annotated[bodies.Time | None, Query(description="As it was known at this time, with zone.")] = None,
) -> bodies.Complaint:
    """Read a complaint from the ledger: as it is now, as it was at a version, or as it was known at a time."""
    history = _history(shared, complaint_id, version, at)
    row: Any = None
    for recorded in history:
        row = COMPLAINT_DETAILS.fold(row, recorded.event)
    response.headers["ETag"] = f'"{len(history)}"'
    return bodies.Complaint(complaint_id=complaint_id, version=len(history), **row._asdict())


@router.get("/complaints/{complaint_id}/events", tags=["complaints"], responses=responses(404))
def read_events(
    complaint_id: ComplaintId,
    by: Principal,
    shared: Shared,
    after: Annotated[int, Query(ge=0, lt=2**63, description="Only events above this version.")] = 0,
    limit: Limit = 100,
) -> bodies.Events:
    """Read the history of a complaint, oldest first."""
    history = _history(shared, complaint_id, None, None)
    page = history[after : after + limit]
    return bodies.Events(
        items=[bodies.RecordedEvent(**event) for event in history_json(page)],
        next=after + limit if after + limit < len(history) else None,
    )


def _history(shared: State, complaint_id: str, version: int | None, at: datetime | None) -> Sequence[Recorded]:
    if at is not None and version is not None:
        raise InvalidInput("version and at exclude each other", hint="give one of them")
    history = shared.ledger.history(complaint_id, version=version, known_at=at)
    if not history:
        raise UnknownStream(f"there is no {complaint_id}" + (" at that time" if at else ""), hint="check the id")
    if version is not None and len(history) < version:
        raise UnknownStream(f"{complaint_id} has {len(history)} versions, not {version}", hint="ask for one of them")
    return history


@router.get("/complaints", tags=["complaints"], responses=responses())
def list_complaints(
    by: Principal,
    shared: Shared,
    merchant_id: Annotated[
        str | None, Query(pattern=f"^merchant-{UUID}$", examples=["merchant-f3f3a985-9840-ca16-6825-698f8803c309"])
    ] = None,
    status: Annotated[Literal["filed", "routed", "answered", "resolved", "closed", "withdrawn"] | None, Query()] = None,
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


@router.get("/statistics/{dimension}", tags=["statistics"], responses=responses())
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


@router.get("/merchants", tags=["merchants"], responses=responses())
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


@router.get("/merchants/{merchant_id}", tags=["merchants"], responses=responses(404))
def read_merchant(
    merchant_id: MerchantId, by: Principal, shared: Shared, min_position: MinPosition = None, wait_s: WaitS = 5.0
) -> bodies.Merchant:
    """Read a merchant."""
    _wait(shared, min_position, wait_s)
    found = queries.merchant(shared.ledger.recorder.pool, merchant_id)
    if found is None:
        raise UnknownStream(f"there is no {merchant_id}", hint="check the id, or give min_position")
    return bodies.Merchant(**found)


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


# --- health ----------------------------------------------------------------------------------------------------------


@router.get("/health/live", tags=["health"])
async def live() -> bodies.Health:
    """The process answers."""
    return bodies.Health()


@router.get("/health/ready", tags=["health"], responses={503: responses()[503]})
def ready(shared: Shared) -> bodies.Health:
    """PostgreSQL answers, so that commands can be taken. Kafka may be away: commands go on without it."""
    shared.ledger.recorder.max_notification_id()
    return bodies.Health()


def create_app(ledger: Ledger, service_key: bytes, requests_per_s: float) -> FastAPI:
    """Make the application on an open ledger."""
    app = FastAPI(
        title="Complaint ledger",
        version="0.1.0",
        description="File complaints and act on them; read them, their history and the statistics. Errors are problem "
        "details (RFC 9457). Commands answer with a position; queries take it as min_position. "
        "Every answer has an X-Correlation-ID.",
    )
    shared = State()
    shared.ledger, shared.service_key = ledger, service_key
    shared.rate_limit = RateLimit(requests_per_s)
    app.state.shared = shared
    app.include_router(router)
    app.add_middleware(BodyLimit)
    access.install(app, router.routes)
    problems.install(app)
    return app
