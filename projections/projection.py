"""What a projection is: two pure functions and the tables that they fill."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from domain.streams import Kind

Key = tuple[Any, ...]
Measures = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sums:
    """A table of sums: at all times the sum of ``contributions`` over all rows of its projection.

    ``keys`` and ``measures`` name its columns; ``contributions`` gives for a row, under each key, one integer per
    measure. Keys whose measures are all zero are not kept.
    """

    table: str
    keys: tuple[str, ...]
    measures: tuple[str, ...]
    contributions: Callable[[Any], Mapping[Key, Measures]]


@dataclass(frozen=True, slots=True)
class Projection:
    """A table with one row per stream of a kind, made by ``fold(row or None, event) -> row``, and sums over it.

    The table's columns are the stream's id (``key``), ``version`` and ``position`` of the last event folded, and the
    fields of ``row``, a NamedTuple.
    """

    name: str
    kind: Kind
    table: str
    key: str
    row: Any
    fold: Callable[[Any, Any], Any]
    sums: tuple[Sums, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.key, "version", "position", *self.row._fields)


def change(sums: Sums, old: Any, new: Any) -> dict[Key, Measures]:
    """Return by how much ``sums`` changes when row ``old`` (or None) becomes ``new``."""
    before = sums.contributions(old) if old is not None else {}
    after = sums.contributions(new)
    if before == after:
        return {}
    delta = dict(after)
    zero = (0,) * len(sums.measures)
    for key, measures in before.items():
        delta[key] = tuple(n - o for n, o in zip(delta.get(key, zero), measures, strict=True))
    return {key: measures for key, measures in delta.items() if any(measures)}
