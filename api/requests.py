"""What routes have in common: what they share, who asks, and the parameters of a request."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import Depends, Header, Query, Request
from fastapi import Path as PathParameter
from fastapi.dependencies.models import Dependant
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from adapters.execute import Ledger
from adapters.orders import OrderSource
from adapters.rulebook import RulebookReader
from api import bodies, tokens
from api.limits import RateLimit
from api.problems import NotForThisRole
from domain.errors import InvalidInput
from domain.values import Actor, Role

MAX_PAGE = 500
MAX_WAIT_S = 10.0
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

bearer = HTTPBearer(auto_error=False, description="A token of `complaints token`.")


class State:
    """What the routes share: set once, when the application is made."""

    ledger: Ledger
    rulebook: RulebookReader
    orders: OrderSource | None
    service_key: bytes
    rate_limit: RateLimit


async def state(request: Request) -> State:
    shared: State = request.app.state.shared
    return shared


Shared = Annotated[State, Depends(state)]


async def principal(shared: Shared, given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> Actor:
    """Return who acts; raises InvalidToken, TooManyRequests. Who may do what is for each action to say."""
    if given is None:
        raise tokens.InvalidToken("a bearer token is needed", hint="get one with: complaints token")
    actor = tokens.read(shared.service_key, given.credentials)
    shared.rate_limit.take(actor.id, time.monotonic())
    return actor


Principal = Annotated[Actor, Depends(principal)]


async def reader(by: Principal) -> Actor:
    """Return who asks for what people wrote; raises NotForThisRole for an analyst, who has the read models."""
    if by.role is Role.ANALYST:
        raise NotForThisRole(
            "what people wrote is not for the role analyst", hint="the read models say what was done, and when"
        )
    return by


Reader = Annotated[Actor, Depends(reader)]


async def known_parameters(request: Request) -> None:
    """Refuse a query with a parameter that its route does not have: without it the answer would be to another question.

    Raises InvalidInput.
    """
    if not request.query_params:
        return
    known = _parameters(request.scope["route"].dependant)
    for name in request.query_params:
        if name not in known:
            raise InvalidInput(
                f"there is no parameter {name[:50]!r} here", hint=f"there are: {', '.join(sorted(known)) or 'none'}"
            )


def _parameters(of: Dependant) -> set[str]:
    return {field.alias for field in of.query_params}.union(*map(_parameters, of.dependencies))


def in_path(prefix: str) -> Any:
    """Return the parameter of a path that names a stream of a kind: ``<prefix>_id``."""
    return PathParameter(alias=f"{prefix}_id", pattern=f"^{prefix}-{UUID}$", examples=[bodies.example_of(prefix)])


ComplaintId = Annotated[str, in_path("complaint")]
MerchantId = Annotated[str, in_path("merchant")]
OfficeId = Annotated[str, in_path("office")]
IdempotencyKey = Annotated[
    str | None,
    Header(min_length=1, max_length=200, description="The same command under the same key runs once."),
]
IfMatch = Annotated[
    str | None,
    Header(
        pattern=r'^"[0-9]{1,18}"$',
        description="The ETag that the sender saw; 412 if the stream has moved on.",
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
Explain = Annotated[bool, Query(description="Add the queries that the answer was computed with.")]
