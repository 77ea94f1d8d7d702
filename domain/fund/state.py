"""The state of a fund: what came in, what was advanced, and what came back, in hundredths of its currency."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


_PART = 128


class Outstanding(Mapping[int, int]):
    """What is still to be recovered of each advance, by its number, where anything is.

    It never changes: one that differs in an advance shares all with it but the part that this advance is in, so that
    a fund of many advances is folded in time that grows little faster than they do.
    """

    __slots__ = ("_parts",)

    def __init__(self, parts: Mapping[int, Mapping[int, int]] | None = None) -> None:
        self._parts = parts or {}

    def __getitem__(self, number: int) -> int:
        return self._parts.get(number // _PART, {})[number]

    def __iter__(self) -> Iterator[int]:
        return (number for part in self._parts.values() for number in part)

    def __len__(self) -> int:
        return sum(map(len, self._parts.values()))

    def left(self, number: int, fen: int) -> Outstanding:
        """Return what is outstanding when so much is left of an advance."""
        at = number // _PART
        part = {**self._parts.get(at, {}), number: fen}
        if not fen:
            del part[number]
        parts = {**self._parts, at: part}
        if not part:
            del parts[at]
        return Outstanding(parts)


@dataclass(frozen=True, slots=True)
class Fund:
    """What was written off is ``outstanding`` no more, and stays advanced.

    ``since`` is the latest time at which anything happened.
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
    outstanding: Outstanding = field(default_factory=Outstanding)

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
