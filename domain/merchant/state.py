"""The state of a merchant: what its decisions need, and those of the complaints against it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from domain.merchant.events import Enrolled, EnrolmentEnded, MerchantEvent, PromiseLeft, PromiseSigned, Registered

#: From when until when (None: still).
Membership = tuple[datetime, datetime | None]


@dataclass(frozen=True, slots=True)
class Merchant:
    """``registered`` is False before the first event."""

    registered: bool = False
    promises: tuple[Membership, ...] = ()
    enrolments: tuple[Membership, ...] = ()

    def had_signed(self, at: datetime) -> bool:
        """Whether the promise was signed at a time."""
        return _held(self.promises, at)

    def was_enrolled(self, at: datetime) -> bool:
        """Whether it was enrolled for online dispute resolution at a time."""
        return _held(self.enrolments, at)


def _held(memberships: tuple[Membership, ...], at: datetime) -> bool:
    return any(begun <= at and (over is None or at < over) for begun, over in memberships)


NEW = Merchant()


def evolve(state: Merchant, event: MerchantEvent) -> Merchant:
    """Return the state after ``event``."""
    match event:
        case Registered():
            return replace(state, registered=True)
        case PromiseSigned():
            return replace(state, promises=(*state.promises, (event.occurred_at, None)))
        case PromiseLeft():
            return replace(state, promises=_ended(state.promises, event.occurred_at))
        case Enrolled():
            return replace(state, enrolments=(*state.enrolments, (event.occurred_at, None)))
        case EnrolmentEnded():
            return replace(state, enrolments=_ended(state.enrolments, event.occurred_at))
        case _:
            assert_never(event)


def _ended(memberships: tuple[Membership, ...], at: datetime) -> tuple[Membership, ...]:
    return (*memberships[:-1], (memberships[-1][0], at))
