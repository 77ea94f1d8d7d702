"""The kinds of stream: prefix of the id, topic, events, and how to fold them. One line per kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, get_args

from domain.complaint import state as complaint
from domain.complaint.events import ComplaintEvent
from domain.errors import InvalidInput
from domain.event import Event
from domain.merchant import state as merchant
from domain.merchant.events import MerchantEvent


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of stream. ``topic`` is the name without any deployment's prefix."""

    prefix: str
    topic: str
    new: Any
    evolve: Callable[[Any, Any], Any]
    events: tuple[type[Event], ...]

    def fold(self, events: Iterable[Event]) -> Any:
        """Return the state after ``events``."""
        state = self.new
        for event in events:
            state = self.evolve(state, event)
        return state


COMPLAINT = Kind("complaint", "ledger.complaints", complaint.NEW, complaint.evolve, get_args(ComplaintEvent))
MERCHANT = Kind("merchant", "ledger.merchants", merchant.NEW, merchant.evolve, (MerchantEvent,))
KINDS = {kind.prefix: kind for kind in (COMPLAINT, MERCHANT)}

EVENT_TYPES: dict[str, type[Event]] = {event.name: event for kind in KINDS.values() for event in kind.events}
TOPICS = tuple(dict.fromkeys(kind.topic for kind in KINDS.values()))


def kind_of(stream: str) -> Kind:
    """Return the kind of a stream id such as ``complaint-<uuid>``; raises InvalidInput for an unknown prefix."""
    kind = KINDS.get(stream.partition("-")[0])
    if kind is None:
        raise InvalidInput(f"{stream!r} is not the id of a stream", hint=f"ids begin with one of: {', '.join(KINDS)}")
    return kind
