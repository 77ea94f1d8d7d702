"""The state of a fund: what came in, what was advanced, and what came back, in hundredths of its currency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from domain.values import Money


class Status(StrEnum):
    """Where a fund stands. NONE: not opened yet."""

    NONE = "none"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Fund:
    """``outstanding``: what is still to be recovered of each advance, by its number, where anything is.

    ``answered``: the requests that were answered, by complaint and number of the request there. What was written off
    is outstanding no more, and stays advanced; ``since`` is the latest time at which anything happened.
    """

    kind: ClassVar[str] = "fund"
    since_what: ClassVar[str] = "the last thing that happened"

    status: Status = Status.NONE
    since: datetime | None = None
    currency: str = "CNY"
    paid_in: int = 0
    advanced: int = 0
    recovered: int = 0
    advances: int = 0
    outstanding: Mapping[int, int] = field(default_factory=dict)
    answered: frozenset[tuple[str, int]] = frozenset()

    @property
    def balance(self) -> int:
        """What the fund can advance; never negative."""
        return self.paid_in - self.advanced + self.recovered

    def happened(self, at: datetime) -> Fund:
        """Return the state after something happened; a request may have been made before what was recorded last."""
        return replace(self, since=at if self.since is None else max(self.since, at))

    def money(self, fen: int) -> Money:
        """Return an amount in the fund's currency."""
        return Money(fen=fen, currency=self.currency)


NEW = Fund()
