"""Errors over HTTP: problem details (RFC 9457), one status per kind of error."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from adapters.database import UNAVAILABLE
from adapters.exports import UnknownTable
from adapters.ledger import LedgerUnavailable
from adapters.orders import OrdersUnavailable
from api import logs
from api.tokens import InvalidToken
from domain.errors import InvalidInput, LedgerError, ReusedKey, RuleViolation, StaleVersion, UnknownStream
from domain.streams import COMPLAINT, KINDS, kind_of

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 2
_SCHEMAS = "#/components/schemas/"


class ReadModelBehind(LedgerError):
    """The read models did not reach the position asked for in time."""


class NotForThisRole(LedgerError):
    """Something that may be read, but not by everybody."""


class TooManyRequests(LedgerError):
    """The sender has used up its share for now."""


class Problem(BaseModel):
    """What went wrong (RFC 9457). ``errors`` are the fields at fault.

    ``rule`` names the rule that forbids an action, ``source`` the law behind it, ``hint`` what would make it legal;
    ``version`` and ``complaint_status`` say where what was acted on stands now.
    """

    type: str = Field(examples=["urn:complaint-ledger:problem:rule-violation"])
    title: str = Field(examples=["Conflict"])
    status: int = Field(examples=[409])
    detail: str = Field(examples=["answer: this is not legal for a complaint that is filed"])
    hint: str | None = Field(None, examples=["it would have to be routed"])
    rule: str | None = Field(None, examples=["answer-once-when-routed"])
    source: str | None = Field(None, examples=["Order 121, art. 15"])
    version: int | None = Field(None, description="Of what was acted on, as it is now.")
    complaint_status: str | None = Field(None, examples=["routed"])
    errors: list[dict[str, str]] | None = Field(None, examples=[[{"where": "body.channel", "what": "not a channel"}]])
    correlation_id: str = Field(description="Finds the request in the log.", examples=["6f1b"])


def problem(status: int, kind: str, detail: str, headers: dict[str, str] | None = None, **more: Any) -> JSONResponse:
    """Make the response."""
    body = {
        "type": f"urn:complaint-ledger:problem:{kind}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **{name: value for name, value in more.items() if value},
        "correlation_id": logs.correlation_id(),
    }
    return JSONResponse(body, status, headers, media_type=MEDIA_TYPE)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Document these error statuses of an operation, and those that any may answer with."""
    return {
        status: {"content": {MEDIA_TYPE: {"schema": {"$ref": f"{_SCHEMAS}Problem"}}}, "description": phrase}
        for status in sorted({*statuses, 401, 422, 429, 503})
        for phrase in [HTTPStatus(status).phrase]
    }


def _from_domain(request: Request, error: Exception) -> JSONResponse:
    detail, hint = (error.message, error.hint) if isinstance(error, LedgerError) else (str(error), "")
    retry = {"Retry-After": str(RETRY_AFTER_S)}
    match error:
        case UnknownStream():
            return problem(404, "unknown", detail, hint=hint)
        case RuleViolation(rule=rule, source=source):
            etag, now = _standing(request)
            return problem(409, "rule-violation", detail, etag, hint=hint, rule=rule, source=source, **now)
        case StaleVersion():
            status = 412 if "if-match" in request.headers else 409
            etag, now = _standing(request)
            return problem(status, "stale-version", detail, etag, hint=hint, **now)
        case ReusedKey():
            return problem(409, "reused-key", detail, hint=hint)
        case InvalidToken():
            return problem(401, "unauthorized", detail, {"WWW-Authenticate": "Bearer"}, hint=hint)
        case NotForThisRole():
            return problem(403, "forbidden", detail, hint=hint)
        case UnknownTable():
            return problem(404, "unknown", detail, hint=hint)
        case TooManyRequests():
            return problem(429, "too-many-requests", detail, retry, hint=hint)
        case ReadModelBehind():
            return problem(503, "read-model-behind", detail, retry, hint=hint)
        case InvalidInput():
            return problem(422, "invalid", detail, hint=hint)
        case OrdersUnavailable():
            return problem(503, "orders-unavailable", "the order source does not answer", retry, hint="try again later")
        case _:
            return problem(503, "unavailable", "the ledger's database does not answer", retry, hint="try again later")


def _standing(request: Request) -> tuple[dict[str, str], dict[str, Any]]:
    """Return where the stream that a request acts on stands now, as ETag and as members of a problem."""
    ids = [id for name, id in request.path_params.items() if name.removesuffix("_id") in KINDS]
    try:
        history = request.app.state.shared.ledger.history(ids[0]) if ids else []
    except (LedgerUnavailable, *UNAVAILABLE):
        # What is to be told is the refusal; it does not depend on this.
        return {}, {}
    if not history:
        return {}, {}
    now: dict[str, Any] = {"version": len(history)}
    if kind_of(ids[0]) is COMPLAINT:
        now["complaint_status"] = COMPLAINT.fold(recorded.event for recorded in history).status
    return {"ETag": f'"{len(history)}"'}, now


def _from_validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [
        # What was sent is not echoed: it may be huge, personal, or no text at all.
        {"where": ".".join(map(str, found["loc"])).encode("utf-8", "replace").decode(), "what": str(found["msg"])}
        for found in error.errors()[:20]
    ]
    malformed = any(found["type"] == "json_invalid" for found in error.errors())
    first = f"{errors[0]['where']}: {errors[0]['what']}"
    return problem(400 if malformed else 422, "malformed" if malformed else "invalid", first, errors=errors)


def _from_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    kind = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    return problem(error.status_code, kind, str(error.detail), dict(error.headers or {}))


def install(app: FastAPI) -> None:
    """Answer every error of ours, of validation and of routing as a problem, and document its shape."""
    # Not as the ``model`` of the responses: FastAPI would document it as application/json.
    document = app.openapi()
    document["components"]["schemas"]["Problem"] = Problem.model_json_schema(ref_template=f"{_SCHEMAS}{{model}}")
    for kind in (LedgerError, LedgerUnavailable, OrdersUnavailable, *UNAVAILABLE):
        app.add_exception_handler(kind, _from_domain)
    app.add_exception_handler(RequestValidationError, _from_validation)
    app.add_exception_handler(HTTPException, _from_http)
