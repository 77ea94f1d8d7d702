"""The state of a merchant's credit events of a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256
from typing import ClassVar
from uuid import UUID

#: Why there is a credit event: the complaint, the deadline, and when that passed.
Cause = tuple[str, str, datetime]


class Status(StrEnum):
    """Whether there are any."""

    NONE = "none"
    RECORDED = "recorded"


@dataclass(frozen=True, slots=True)
class Credit:
    """``causes`` are why a credit event was recorded, with its number; ``withdrawn`` the numbers that count no more."""

    kind: ClassVar[str] = "credit"
    since: ClassVar[datetime | None] = None
    since_what: ClassVar[str] = ""

    status: Status = Status.NONE
    causes: Mapping[Cause, int] = field(default_factory=dict)
    withdrawn: frozenset[int] = frozenset()


NEW = Credit()


def credit_of(merchant_id: str, day: date) -> str:
    """Return the stream of a merchant's credit events of a day in Shanghai.

    One stream for each day keeps them short: a command reads the whole stream that it is about.
    """
    return f"credit-{UUID(sha256(f'credit of {merchant_id} on {day.isoformat()}'.encode()).hexdigest()[:32])}"
