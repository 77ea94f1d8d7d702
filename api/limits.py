"""Limits that hold for every request: its size, its time, and how many a sender may make."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import TooManyRequests, problem

MAX_BODY_BYTES = 256 * 1024
BODY_TIMEOUT_S = 15.0
MAX_SENDERS = 10_000


class BodyLimit:
    """Refuses bodies that are too large, of the wrong type, or come too slowly, before anything reads them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The other methods have no routes that read a body.
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if media_type != b"application/json":
            refusal = problem(415, "unsupported-media-type", "the body must be application/json")
            await refusal(scope, receive, send)
            return
        body = bytearray()
        deadline = time.monotonic() + BODY_TIMEOUT_S
        while True:
            try:
                message = await asyncio.wait_for(receive(), max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                refusal = problem(408, "request-timeout", f"the body did not arrive within {BODY_TIMEOUT_S:g} s")
                await refusal(scope, receive, send)
                return
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            if len(body) > MAX_BODY_BYTES:
                refusal = problem(413, "content-too-large", f"the body is larger than {MAX_BODY_BYTES} bytes")
                await refusal(scope, receive, send)
                return
            if not message.get("more_body", False):
                break
        waiting = [{"type": "http.request", "body": bytes(body), "more_body": False}]

        async def replay() -> Message:
            return waiting.pop() if waiting else await receive()

        await self._app(scope, replay, send)


class RateLimit:
    """A token bucket per sender. The least recently seen sender is forgotten first."""

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self._burst = max(1.0, 2 * per_s)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, sender: str, now_s: float) -> None:
        """Count one request at a monotonic time; raises TooManyRequests."""
        with self._lock:
            left, since = self._buckets.pop(sender, (self._burst, now_s))
            left = min(self._burst, left + (now_s - since) * self._per_s)
            self._buckets[sender] = (left - 1 if left >= 1 else left, now_s)
            if len(self._buckets) > MAX_SENDERS:
                self._buckets.popitem(last=False)
        if left < 1:
            raise TooManyRequests(f"more than {self._per_s:g} requests a second", hint="wait a moment")
