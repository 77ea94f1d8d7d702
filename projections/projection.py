"""What a projection is: two pure functions and the tables that they fill."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import sub
from typing import Any

from domain.event import Event
from domain.streams import Kind

Key = tuple[Any, ...]
Measures = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """A consumed event: its place in the ledger and in its stream."""

    position: int
    stream: str
    version: int
    event: Event


def _none_coarser(key: Key) -> Sequence[Key]:
    return ()


@dataclass(frozen=True, slots=True)
class Sums:
    """A table of sums: at all times the sum of ``contributions`` over all rows of its projection.

    ``keys`` and ``measures`` name its columns; ``contributions`` gives for a row, under each key, one integer per
    measure. ``by_stream``: the id of the stream is the first column of the keys, and not in those of ``contributions``,
    since a row does not know whose it is. ``coarser`` names further keys for which the same counts, such as the month
    of a day. Keys whose measures are all zero are not kept.
    """

    table: str
    keys: tuple[str, ...]
    measures: tuple[str, ...]
    contributions: Callable[[Any], Mapping[Key, Measures]]
    coarser: Callable[[Key], Sequence[Key]] = _none_coarser
    by_stream: bool = False

    def of(self, stream: str, row: Any) -> Mapping[Key, Measures]:
        """Return what the row of a stream counts for, under whole keys."""
        found = self.contributions(row)
        return {(stream, *key): measures for key, measures in found.items()} if self.by_stream else found


@dataclass(frozen=True, slots=True)
class Projection:
    """A table with one row per stream of a kind, made by ``fold(row or None, event) -> row``, and sums over it.

    The table's columns are the stream's id (``key``), ``version`` and ``position`` of the last event folded, and the
    fields of ``row``, a NamedTuple. ``version`` is raised when what they make of the same events changes; the tables
    are then built anew. Events that do not ``concern`` it (None: all do) pass it by: they cost it nothing, and its rows
    do not count them.
    """

    name: str
    kind: Kind
    table: str
    key: str
    row: Any
    fold: Callable[[Any, Any], Any]
    sums: tuple[Sums, ...] = ()
    version: int = 1
    concerns: Callable[[Any], bool] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.key, "version", "position", *self.row._fields)

    def concerning(self, facts: Sequence[Fact]) -> Sequence[Fact]:
        """Return those facts that it folds."""
        concerns = self.concerns
        return facts if concerns is None else [fact for fact in facts if concerns(fact.event)]


def change(sums: Sums, old: Any, new: Any, stream: str = "") -> dict[Key, Measures]:
    """Return by how much ``sums`` changes when row ``old`` (or None) of ``stream`` becomes ``new``."""
    before = sums.of(stream, old) if old is not None else {}
    after = sums.of(stream, new)
    if before == after:
        return {}
    zero = (0,) * len(sums.measures)
    # A row counts the same under most of its keys: each pair of measures is subtracted once.
    differences: dict[tuple[int, int], Measures] = {}
    delta: dict[Key, Measures] = {}
    for key in before.keys() | after.keys():
        was, now = before.get(key, zero), after.get(key, zero)
        pair = (id(was), id(now))
        if pair not in differences:
            differences[pair] = tuple(map(sub, now, was))
        delta[key] = differences[pair]
    return {key: measures for key, measures in delta.items() if any(measures)}


@dataclass(frozen=True, slots=True)
class Batch:
    """What a batch comes to: new rows with all columns, and for each table of sums by how much it changes.

    ``failed`` has, per stream, how many of its facts are in, and why the next one could not be folded.
    """

    rows: list[tuple[Any, ...]]
    deltas: list[dict[Key, list[int]]]
    failed: dict[str, tuple[int, str]]


def fold_batch(projection: Projection, old: Mapping[str, tuple[int, Any]], facts: Sequence[Fact]) -> Batch:
    """Fold a batch into the ``old`` rows, given as stream -> (version, row); each stream's facts are in order."""
    return fold_own(projection, old, facts, projection.concerning(facts))


def fold_own(
    projection: Projection, old: Mapping[str, tuple[int, Any]], facts: Sequence[Fact], own: Sequence[Fact]
) -> Batch:
    """Do what ``fold_batch`` does; ``own`` are those of ``facts`` that concern the projection."""
    by_stream = _by_stream(own)
    batch = Batch([], [{} for _ in projection.sums], {})
    for stream, of_stream in by_stream.items():
        version, before = old.get(stream, (0, None))
        row, done, error = _fold(projection, version, before, of_stream)
        # Whatever is wrong with one stream is not to stop the others.
        try:
            changes = [change(sums, before, row, stream) for sums in projection.sums] if done else []
        except Exception as problem:
            done, changes, error = 0, [], _said(problem)
        if error is not None:
            batch.failed[stream] = (done, error)
        if done:
            batch.rows.append((stream, of_stream[done - 1].version, of_stream[done - 1].position, *row))
        for delta, own_change in zip(batch.deltas, changes, strict=False):
            _add(delta, own_change)
    for sums, delta in zip(projection.sums, batch.deltas, strict=True):
        for key, total in list(delta.items()):
            for coarser in sums.coarser(key):
                _add(delta, {coarser: tuple(total)})
    if batch.failed and projection.concerns:
        # Those that pass it by before the one that could not be folded are in too.
        whole = _by_stream(facts)
        for stream, (done, error) in batch.failed.items():
            batch.failed[stream] = (whole[stream].index(by_stream[stream][done]), error)
    return batch


def _by_stream(facts: Sequence[Fact]) -> dict[str, list[Fact]]:
    found: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        found[fact.stream].append(fact)
    return found


def _add(delta: dict[Key, list[int]], change: Mapping[Key, Measures]) -> None:
    known: dict[int, list[tuple[int, int]]] = {}
    for key, measures in change.items():
        changed = known.get(id(measures))
        if changed is None:
            changed = known[id(measures)] = [(n, value) for n, value in enumerate(measures) if value]
        total = delta.get(key)
        if total is None:
            total = delta[key] = [0] * len(measures)
        for n, value in changed:
            total[n] += value


def _fold(projection: Projection, version: int, row: Any, facts: Sequence[Fact]) -> tuple[Any, int, str | None]:
    """Fold as far as it goes; returns the row, how many facts are in it, and what is wrong with the next one."""
    for done, fact in enumerate(facts):
        # Those that pass it by leave gaps.
        if fact.version <= version if projection.concerns else fact.version != version + 1:
            return row, done, f"version {fact.version} comes behind version {version}"
        try:
            row = projection.fold(row, fact.event)
        except Exception as problem:
            return row, done, _said(problem)
        version = fact.version
    return row, len(facts), None


def _said(problem: Exception) -> str:
    return f"{type(problem).__name__}: {problem}"
