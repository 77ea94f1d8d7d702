"""The state of a merchant's credit events of a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256
from typing import ClassVar
from uuid import UUID


class Status(StrEnum):
    """Whether there are any."""

    NONE = "none"
    RECORDED = "recorded"


@dataclass(frozen=True, slots=True)
class Credit:
    """``causes`` are the complaints and deadlines that a credit event was recorded for."""

    kind: ClassVar[str] = "credit"
    since: ClassVar[datetime | None] = None
    since_what: ClassVar[str] = ""

    status: Status = Status.NONE
    causes: frozenset[tuple[str, str]] = frozenset()


NEW = Credit()


def credit_of(merchant_id: str, day: date) -> str:
    """Return the stream of a merchant's credit events of a day in Shanghai.

    One stream for each day keeps them short: a command reads the whole stream that it is about.
    """
    return f"credit-{UUID(sha256(f'credit of {merchant_id} on {day.isoformat()}'.encode()).hexdigest()[:32])}"
