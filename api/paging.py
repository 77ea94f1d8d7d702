"""Pages of queries: cursors, and waiting until the read models hold what the asker has seen."""

from __future__ import annotations

import base64
from typing import Any

import orjson

from adapters import queries
from api.problems import ReadModelBehind
from api.requests import State
from domain.errors import InvalidInput


def wait_for(shared: State, min_position: int | None, wait_s: float) -> int:
    """Wait until the read models are complete to a position, and return to which they are; raises ReadModelBehind."""
    pool = shared.ledger.recorder.pool
    if min_position and not queries.wait_until_complete(pool, min_position, wait_s):
        raise ReadModelBehind(f"the read models are not complete to position {min_position} yet", hint="try again")
    return queries.complete_to(pool)


def write_cursor(*values: object) -> str:
    """Return the cursor of the page behind these values."""
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")


def read_cursor(text: str | None, *types: type) -> list[Any] | None:
    """Return the values of a cursor; raises InvalidInput for one that holds others than of these types."""
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


def read_offset(cursor: str | None) -> int:
    """Return how many items the pages before had, 0 without a cursor; raises InvalidInput for one of another kind."""
    (offset,) = read_cursor(cursor, int) or (0,)
    if not 0 <= offset < 2**31:
        raise InvalidInput("the cursor is not one of ours", hint="take ``next`` as it was given")
    return int(offset)
