"""The kinds of stream: prefix of the id, topic, events, and how to fold them. One line per kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, get_args

from domain.complaint import life, state
from domain.errors import InvalidInput
from domain.event import Event
from domain.merchant import state as merchant
from domain.merchant.events import MerchantEvent
from domain.office import state as office
from domain.office.events import OfficeEvent
from domain.rulebook import state as rulebook
from domain.rulebook.events import RulebookEvent


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


COMPLAINT = Kind("complaint", "ledger.complaints", state.NEW, life.evolve, get_args(life.ComplaintEvent))
MERCHANT = Kind("merchant", "ledger.merchants", merchant.NEW, merchant.evolve, get_args(MerchantEvent))
RULEBOOK = Kind("rulebook", "ledger.governance", rulebook.NEW, rulebook.evolve, get_args(RulebookEvent))
OFFICE = Kind("office", "ledger.governance", office.NEW, office.evolve, get_args(OfficeEvent))
KINDS = {kind.prefix: kind for kind in (COMPLAINT, MERCHANT, OFFICE, RULEBOOK)}

EVENT_TYPES: dict[str, type[Event]] = {event.name: event for kind in KINDS.values() for event in kind.events}
TOPICS = tuple(dict.fromkeys(kind.topic for kind in KINDS.values()))


def kind_of(stream: str) -> Kind:
    """Return the kind of a stream id such as ``complaint-<uuid>``; raises InvalidInput for an unknown prefix."""
    kind = KINDS.get(stream.partition("-")[0])
    if kind is None:
        raise InvalidInput(f"{stream!r} is not the id of a stream", hint=f"ids begin with one of: {', '.join(KINDS)}")
    return kind
