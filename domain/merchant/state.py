"""The state of a merchant: what its decisions need, and those of the complaints against it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

#: From when until when (None: still).
Membership = tuple[datetime, datetime | None]


class Status(StrEnum):
    """Where a merchant stands. NONE: not registered yet."""

    NONE = "none"
    REGISTERED = "registered"


@dataclass(frozen=True, slots=True)
class Merchant:
    """A merchant, or nobody before the first event."""

    kind: ClassVar[str] = "merchant"
    since: ClassVar[datetime | None] = None
    since_what: ClassVar[str] = ""

    status: Status = Status.NONE
    promises: tuple[Membership, ...] = ()
    enrolments: tuple[Membership, ...] = ()

    def had_signed(self, at: datetime) -> bool:
        """Whether the promise was signed at a time."""
        return held(self.promises, at)

    def was_enrolled(self, at: datetime) -> bool:
        """Whether it was enrolled for online dispute resolution at a time."""
        return held(self.enrolments, at)


def held(memberships: tuple[Membership, ...], at: datetime) -> bool:
    """Return whether one of the memberships held at a time."""
    return any(begun <= at and (over is None or at < over) for begun, over in memberships)


NEW = Merchant()
