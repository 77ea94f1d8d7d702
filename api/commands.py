"""The commands over HTTP: a route for each operation, made from its decision and grouped by whom it is for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Response

from adapters.execute import Result
from api import arguments, operations
from api.bodies import Command, Done
from api.problems import responses
from api.requests import IdempotencyKey, IfMatch, Principal, Shared, State, in_path
from domain.action import Action
from domain.kind import Kind
from domain.streams import KINDS
from domain.values import Actor

router = APIRouter()


def done(result: Result, response: Response) -> Done:
    """Tell what a command did, with the version as ETag."""
    response.headers["ETag"] = f'"{result.version}"'
    return Done(
        id=result.stream,
        version=result.version,
        position=result.position,
        events=[event.name for event in result.events],
        repeated=result.repeated,
    )


def _perform(
    shared: State,
    operation: str,
    stream: str | None,
    body: Command,
    by: Actor,
    key: str | None,
    if_match: str | None = None,
) -> Result:
    return operations.perform(
        shared.ledger,
        shared.service_key,
        operation,
        stream,
        arguments.arguments_of(body),
        by=by,
        now=datetime.now(UTC),
        book=shared.rulebook.current(),
        orders=shared.orders,
        at=body.at,
        key=key,
        expected=None if if_match is None else int(if_match.strip('"')),
    )


def _creating(operation: str, kind: Kind) -> None:
    """Make the route of an operation that begins a stream."""

    def create(
        body: Command, by: Principal, shared: Shared, response: Response, idempotency_key: IdempotencyKey = None
    ) -> Done:
        result = _perform(shared, operation, None, body, by, idempotency_key)
        response.headers["Location"] = f"/{kind.prefix}s/{result.stream}"
        return done(result, response)

    # The type is known only now.
    create.__annotations__["body"] = arguments.body_of(None, operation)
    action = operations.CREATING[operation][1]
    router.post(
        f"/{kind.prefix}s",
        status_code=201,
        responses=responses(400, 408, 409, 413, 415),
        **_described(operation, kind, action),
    )(create)


def _acting(operation: str, kind: Kind) -> None:
    """Make the route of an operation on a stream that exists."""

    def act(
        stream: str,
        body: Command,
        by: Principal,
        shared: Shared,
        response: Response,
        idempotency_key: IdempotencyKey = None,
        if_match: IfMatch = None,
    ) -> Done:
        return done(_perform(shared, operation, stream, body, by, idempotency_key, if_match), response)

    act.__annotations__["stream"] = Annotated[str, in_path(kind.prefix)]
    act.__annotations__["body"] = arguments.body_of(kind.prefix, operation)
    action = kind.actions[operation]
    router.post(
        f"/{kind.prefix}s/{{{kind.prefix}_id}}/{arguments.path_of(operation)}",
        responses=responses(400, 404, 408, 409, 412, 413, 415),
        **_described(operation, kind, action),
    )(act)


def _described(name: str, kind: Kind, action: Action) -> dict[str, Any]:
    summary, description = arguments.summary_of(action)
    return {
        "tags": arguments.audiences_of(action),
        "summary": summary,
        "description": description,
        "operation_id": f"{name}_{kind.prefix}",
    }


for _name, (_kind, _) in operations.CREATING.items():
    _creating(_name, _kind)
for _kind in KINDS.values():
    for _name in _kind.actions:
        _acting(_name, _kind)
