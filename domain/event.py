"""The base of all events: what happened, when in the world, and who did it."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel

from domain.values import FROZEN, Actor, Instant


class Event(BaseModel):
    """A fact in the past tense.

    ``name`` is fixed for ever on the wire. When the shape of ``data`` changes, ``version`` goes up by one and a
    static method ``upcast_v<old>(data) -> data`` turns the old shape into the next.
    """

    model_config = FROZEN
    name: ClassVar[str]
    version: ClassVar[int] = 1

    occurred_at: Instant
    actor: Actor


def upcast(event_type: type[Event], version: int, data: dict[str, Any]) -> dict[str, Any]:
    """Bring ``data`` of an older ``version`` to the present shape; raises ValueError for an unknown version."""
    if not 1 <= version <= event_type.version:
        raise ValueError(f"{event_type.name} version {version} is not known (newest: {event_type.version})")
    for old in range(version, event_type.version):
        data = getattr(event_type, f"upcast_v{old}")(data)
    return data
