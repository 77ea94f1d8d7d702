"""The progress of a complaint as server-sent events: what is in its history, and each event as it is appended.

One thread and one connection of a process wait for PostgreSQL's word of appends, whatever the number of streams, and
only while there are any. At each word they look up where the complaints that somebody follows stand; a stream then
reads what is new to it. So nothing depends on every word arriving.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from typing import Annotated, Any
from weakref import WeakSet

import orjson
from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import StreamingResponse
from psycopg2.extensions import connection as Connection
from starlette.concurrency import run_in_threadpool
from starlette.types import Send

from adapters.database import UNAVAILABLE
from adapters.ledger import LedgerUnavailable, PostgresRecorder, listen, wait_for_notify
from adapters.record import Recorded, read_record
from api import bodies
from api.problems import TooManyRequests, responses
from api.render import history_json
from api.requests import ComplaintId, Reader, Shared, State
from api.streams import history_of

log = logging.getLogger("api")
router = APIRouter()

MAX_STREAMS = 200
MAX_OF_ONE = 10
#: A stream ends after this, and its reader comes again with a token that is checked anew.
MAX_STREAM_S = 900.0
HEARTBEAT_S = 15.0
#: Looks at most this often, however fast events come; and this often at least, should a word be lost.
PAUSE_S = 0.1
LOOK_S = 1.0
RETRY_MS = 2_000


class Follower:
    """One who follows a stream: told of its version, in the event loop that it belongs to."""

    def __init__(self, stream: str, by: str) -> None:
        self.stream, self.by = stream, by
        self.version = 0
        self.ended = False
        self._loop = asyncio.get_running_loop()
        self._told = asyncio.Event()

    def tell(self, version: int | None) -> None:
        """Say that the stream has come to a version, or with None that it is time to end. From any thread."""
        with suppress(RuntimeError):  # Its event loop has ended.
            self._loop.call_soon_threadsafe(self._tell, version)

    def _tell(self, version: int | None) -> None:
        if version is None or self.ended:
            self.ended = True
        elif version <= self.version:
            return
        else:
            self.version = version
        self._told.set()

    async def wait(self, seconds: float) -> bool:
        """Wait until something was told; False when the time is over first."""
        try:
            await asyncio.wait_for(self._told.wait(), max(0.0, seconds))
        except TimeoutError:
            return False
        self._told.clear()
        return True


class Progress:
    """Who follows which streams in this process, and the thread that tells them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Weak: a request may be dropped before its answer begins, and then nobody says so.
        self._followers: WeakSet[Follower] = WeakSet()
        self._thread: threading.Thread | None = None
        self._ended = False

    def follow(self, stream: str, by: str, recorder: PostgresRecorder) -> Follower:
        """Take up one more; raises TooManyRequests."""
        with self._lock:
            own = Counter(one.by for one in self._followers)[by]
            if own >= MAX_OF_ONE or len(self._followers) >= MAX_STREAMS:
                raise TooManyRequests(
                    f"{own} streams of yours are open, {len(self._followers)} of all",
                    hint=f"close one; {MAX_OF_ONE} of one sender and {MAX_STREAMS} of all may be",
                )
            follower = Follower(stream, by)
            self._followers.add(follower)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, args=(recorder,), name="progress", daemon=True)
                self._thread.start()
        return follower

    def leave(self, follower: Follower) -> None:
        """Let one go."""
        with self._lock:
            self._followers.discard(follower)

    def end(self) -> None:
        """End all streams soon, those to come as well. May be called by the handler of a signal."""
        self._ended = True

    def _run(self, recorder: PostgresRecorder) -> None:
        listening: Connection | None = None
        try:
            while followers := self._present():
                if self._ended:
                    for one in followers:
                        one.tell(None)
                    time.sleep(PAUSE_S)
                    continue
                try:
                    if listening is None:
                        listening = listen(recorder.url, recorder.pool.role)
                    versions = _versions(listening, {one.stream for one in followers})
                    for one in followers:
                        one.tell(versions[one.stream])
                    time.sleep(PAUSE_S)
                    wait_for_notify(listening, LOOK_S)
                except UNAVAILABLE as error:
                    log.warning("progress is not seen: %s", type(error).__name__)
                    if listening is not None:
                        listening.close()
                    listening = None
                    time.sleep(LOOK_S)
        finally:
            if listening is not None:
                listening.close()

    def _present(self) -> list[Follower]:
        """Return who follows; with nobody left the thread ends, and the next one begins another."""
        with self._lock:
            followers = list(self._followers)
            if not followers:
                self._thread = None
            return followers


def _versions(conn: Connection, streams: set[str]) -> dict[str, int]:
    with conn.cursor() as cursor:
        cursor.execute(
            "select asked, coalesce((select max(version) from ledger.events where stream = asked), 0) "
            "from unnest(%s) as asked",
            (list(streams),),
        )
        return dict(cursor.fetchall())


async def progress_of(request: Request) -> Progress:
    found: Progress = request.app.state.progress
    return found


def _after(shared: State, stream: str, version: int) -> list[Recorded]:
    return [read_record(stored.state) for stored in shared.ledger.recorder.select_events(stream, gt=version)]


@router.get(
    "/complaints/{complaint_id}/events/stream",
    tags=["queries"],
    responses={
        200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "Server-sent events."},
        **responses(403, 404),
    },
    response_class=StreamingResponse,
    summary="Follow the history of a complaint, as server-sent events",
    operation_id="follow_complaint_events",
)
async def follow_events(
    complaint_id: ComplaintId,
    by: Reader,
    shared: Shared,
    progress: Annotated[Progress, Depends(progress_of)],
    after: Annotated[int, Query(ge=0, lt=2**63, description="Only events above this version.")] = 0,
    last_event_id: Annotated[
        str | None,
        Header(pattern=r"^[0-9]{1,18}$", description="The ``id`` seen last; goes before ``after``.", examples=["1"]),
    ] = None,
) -> StreamingResponse:
    """Send what has happened to a complaint, then each event as it is appended.

    ``id`` is the version in the stream, ``event`` the type, ``data`` one item of ``GET /complaints/{id}/events`` as
    JSON: ``version``, ``type``, ``occurred_at``, ``recorded_at``, ``actor``, ``role``, ``data``. That is not the record
    of the topics, and names no schema: the inner ``data`` is in the newest version of its event that this program
    knows, whichever it was written in. Comments come while nothing happens. The stream ends after a quarter of an hour
    at the latest; a client then comes again with ``Last-Event-ID``, the ``id`` that it saw last, for what is above it.
    """
    await run_in_threadpool(history_of, shared, complaint_id, 1)
    follower = progress.follow(complaint_id, by.id, shared.ledger.recorder)
    sent = after if last_event_id is None else int(last_event_id)
    return _Stream(
        _events(shared, progress, follower, sent),
        media_type="text/event-stream",
        # Proxies that gather an answer before they pass it on would hold it back.
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


class _Stream(StreamingResponse):
    """An answer that is given up some time after its end, when its reader takes nothing and waits for ever."""

    async def stream_response(self, send: Send) -> None:
        with suppress(TimeoutError):
            async with aclosing(self.body_iterator), asyncio.timeout(MAX_STREAM_S + HEARTBEAT_S):  # type: ignore[type-var]
                await super().stream_response(send)


async def _events(shared: State, progress: Progress, follower: Follower, sent: int) -> AsyncIterator[bytes]:
    end = time.monotonic() + MAX_STREAM_S
    try:
        yield b"retry: %d\n\n" % RETRY_MS
        # Once without being told, which may take a moment.
        look = True
        while (left := end - time.monotonic()) > 0 and not follower.ended:
            if look or follower.version > sent:
                look = False
                for recorded in await run_in_threadpool(_after, shared, follower.stream, sent):
                    yield _event(recorded)
                    sent = recorded.originator_version
                    # Each may have taken long to be taken.
                    if time.monotonic() >= end or follower.ended:
                        break
            elif not await follower.wait(min(HEARTBEAT_S, left)):
                yield b": nothing new\n\n"
    except LedgerUnavailable:
        return  # The client comes again, and is told then.
    finally:
        progress.leave(follower)


def _event(recorded: Recorded) -> bytes:
    (item,) = history_json([recorded])
    data: dict[str, Any] = bodies.RecordedEvent(**item).model_dump(mode="json")
    # JSON of one line: a line break within a text is escaped.
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (
        recorded.originator_version,
        recorded.event.name.encode(),
        orjson.dumps(data),
    )
