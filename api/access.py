"""What is told of every HTTP request: a correlation id, one line in the log, and the figures at /metrics."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Sequence
from uuid import uuid4

from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters import metrics
from api import logs
from api.problems import problem

log = logging.getLogger("api")

CORRELATION_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})
#: Status told of a request whose sender went away before the answer.
GONE = 499


class Access:
    """Gives each request its correlation id, and tells how it went. Outside of everything else that answers.

    The sender's own X-Correlation-ID is taken if it is a plain word; anything else is replaced by a new one, and the
    answer says which. A request is not refused for it: it is only a label, and a proxy may have put it there.
    """

    def __init__(self, app: ASGIApp, routes: Sequence[BaseRoute]) -> None:
        self._app = app
        self._routes = [route for route in routes if isinstance(route, Route)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        given = dict(scope["headers"]).get(b"x-correlation-id", b"")
        own = given if CORRELATION_ID.fullmatch(given) else uuid4().hex.encode()
        # Never unset: the server's own lines on this request come after this.
        logs.begin(correlation_id=own.decode())
        status: int | None = None
        failure: Exception | None = None

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), (b"x-correlation-id", own)]}
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except Exception as error:
            failure = error
            if status is not None:
                raise
            unforeseen = problem(500, "internal", "this should not happen", hint="report the correlation id")
            await unforeseen(scope, receive, answer)
        finally:
            self._tell(scope, GONE if status is None else status, time.perf_counter() - started, failure)

    def _tell(self, scope: Scope, status: int, seconds: float, failure: Exception | None) -> None:
        route = self._template(scope)
        method = scope["method"] if scope["method"] in METHODS else "other"
        metrics.answered(route, method, status, seconds)
        level = logging.ERROR if failure else logging.WARNING if status >= 500 else logging.INFO
        fields = {"method": method, "route": route, "status": status, "duration_ms": round(seconds * 1e3, 3)}
        log.log(level, "%s %s %d", method, route, status, extra=fields, exc_info=failure)

    def _template(self, scope: Scope) -> str:
        """Return the path with names instead of ids; what was asked for may hold anything."""
        route = scope.get("route") or next((r for r in self._routes if r.matches(scope)[0] is not Match.NONE), None)
        return route.path if isinstance(route, Route) else "unmatched"


def install(app: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """Tell of every request to ``app``, whose ``routes`` those are, and serve the figures of this process."""
    figures = metrics.registry("api")

    # Not in a thread: those may all be waiting for PostgreSQL.
    async def show(request: Request) -> Response:
        return Response(generate_latest(figures), media_type=CONTENT_TYPE_LATEST)

    app.add_route("/metrics", show, include_in_schema=False)
    app.add_middleware(Access, routes=[*routes, *app.routes])
