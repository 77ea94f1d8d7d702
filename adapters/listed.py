"""Values that a field can have, where these are a list of our own: anything else would find nothing, in silence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from domain.complaint.negotiation import Regime
from domain.complaint.state import RequestKind, Status, Way
from domain.errors import InvalidInput
from domain.values import Channel

LISTS: Mapping[str, type[StrEnum]] = {
    "status": Status,
    "kind": RequestKind,
    "channel": Channel,
    "regime": Regime,
    "way": Way,
}


def require_listed(given: Mapping[str, Sequence[str]]) -> None:
    """Raise InvalidInput for a value that its field cannot have; an empty one stands for what is not known."""
    for name, values in given.items():
        if name not in LISTS:
            continue
        known = [one.value for one in LISTS[name]]
        for value in values:
            if value and value not in known:
                raise InvalidInput(f"there is no {name} {value[:50]!r}", hint=f"there are: {', '.join(known)}")
