"""Reading streams over HTTP: where each stands, what may be done next, and its history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response

from adapters.record import Recorded
from api import bodies
from api.problems import responses
from api.render import history_json
from api.representation import next_actions
from api.requests import Limit, Principal, Reader, Shared, State, in_path
from domain.errors import InvalidInput, UnknownStream
from domain.kind import Kind
from domain.streams import COMPLAINT, KINDS, MERCHANT, OFFICE, RULEBOOK

router = APIRouter()


def history_of(
    shared: State, stream: str, version: int | None = None, at: datetime | None = None
) -> Sequence[Recorded]:
    """Read a stream up to a version, or as it was known at a time; raises UnknownStream, InvalidInput."""
    if at is not None and version is not None:
        raise InvalidInput("version and at exclude each other", hint="give one of them")
    history = shared.ledger.history(stream, version=version, known_at=at)
    if not history:
        raise UnknownStream(f"there is no {stream}" + (" at that time" if at else ""), hint="check the id")
    if version is not None and len(history) < version:
        raise UnknownStream(f"{stream} has {len(history)} versions, not {version}", hint="ask for one of them")
    return history


def _reading(kind: Kind) -> None:
    """Make the routes that show where a stream of a kind stands, and which actions are legal next."""

    def read(stream: str, by: Principal, shared: Shared, response: Response) -> bodies.Standing:
        history = history_of(shared, stream)
        state = kind.fold(recorded.event for recorded in history)
        response.headers["ETag"] = f'"{len(history)}"'
        return bodies.Standing(
            id=stream,
            version=len(history),
            status=state.status,
            next_due=None if kind.next_due is None else kind.next_due(state),
            actions=next_actions(stream, state, at=datetime.now(UTC), by=by, book=shared.rulebook.current()),
        )

    read.__annotations__["stream"] = Annotated[str, in_path(kind.prefix)]
    # What a merchant or an office is has a representation of its own.
    path = f"/{kind.prefix}s/{{{kind.prefix}_id}}" + ("/standing" if kind in (MERCHANT, OFFICE) else "")
    router.get(
        path,
        tags=["queries"],
        responses=responses(404),
        summary=f"Read where a {kind.prefix} stands, and what may be done next",
        operation_id=f"read_{kind.prefix}_standing",
    )(read)


def _listing(kind: Kind) -> None:
    """Make the route of the history of streams of a kind."""

    def read_events(
        stream: str,
        by: Reader,
        shared: Shared,
        after: Annotated[int, Query(ge=0, lt=2**63, description="Only events above this version.")] = 0,
        limit: Limit = 100,
    ) -> bodies.Events:
        history = history_of(shared, stream)
        page = history[after : after + limit]
        return bodies.Events(
            items=[bodies.RecordedEvent(**event) for event in history_json(page)],
            next=after + limit if after + limit < len(history) else None,
        )

    read_events.__annotations__["stream"] = Annotated[str, in_path(kind.prefix)]
    router.get(
        f"/{kind.prefix}s/{{{kind.prefix}_id}}/events",
        tags=["queries"],
        responses=responses(403, 404),
        summary=f"Read the history of a {kind.prefix}, oldest first",
        operation_id=f"read_{kind.prefix}_events",
    )(read_events)


for _kind in KINDS.values():
    if _kind is not RULEBOOK:
        _listing(_kind)
        if _kind is not COMPLAINT:
            _reading(_kind)
