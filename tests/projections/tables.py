"""The tables of the projection of complaints, in memory, filled by batches; and what the reference says of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from domain.event import Event
from projections.complaint_details import COMPLAINT_DETAILS
from projections.flows import MEASURES as FLOWS
from projections.projection import Fact, fold_batch
from projections.resolution_statistics import MEASURES
from tests.domain.lives import RECEIVED, RESOLVED
from tests.reference.complaints import dimensions, measures
from tests.reference.flows import flows, histograms_of_the_resolved
from tests.reference.statistics import first_day, histograms, statistics, transfers

Table = dict[tuple[Any, ...], tuple[int, ...]]
#: What is stored, and of which stored grain the others are sums.
STORED = ("day", "month", "year", "all_time")
#: Grains of how long things took.
OF_DURATIONS = ("day", "month", "year")
SUMS_OF = {"week": "day", "quarter": "month", "half_year": "month"}


class Tables:
    """Rows and sums."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[int, Any]] = {}
        self.sums: dict[str, Table] = {sums.table: {} for sums in COMPLAINT_DETAILS.sums}

    def fold(self, facts: Sequence[Fact]) -> None:
        """Take over what a batch comes to."""
        batch = fold_batch(COMPLAINT_DETAILS, self.rows, facts)
        assert not batch.failed
        for stream, version, _, *fields in batch.rows:
            self.rows[stream] = (version, COMPLAINT_DETAILS.row(*fields))
        for sums, delta in zip(COMPLAINT_DETAILS.sums, batch.deltas, strict=True):
            add(self.sums[sums.table], delta)


def add(table: Table, delta: Mapping[tuple[Any, ...], Sequence[int]]) -> None:
    """Add to a table, which keeps no key whose sums are all zero."""
    for key, values in delta.items():
        total = tuple(a + b for a, b in zip(table.get(key, (0,) * len(values)), values, strict=True))
        if any(total):
            table[key] = total
        else:
            table.pop(key, None)


def interleaved(streams: Mapping[str, Sequence[Event]], chance: Random) -> list[Fact]:
    """The events of several streams in one order, by chance, that keeps each stream's own."""
    turns = [stream for stream, events in streams.items() for _ in events]
    chance.shuffle(turns)
    versions = dict.fromkeys(streams, 0)
    facts = []
    for position, stream in enumerate(turns, 1):
        versions[stream] += 1
        facts.append(Fact(position, stream, versions[stream], streams[stream][versions[stream] - 1]))
    return facts


def folded(streams: Mapping[str, Sequence[Event]], chance: Random, most: int = 9) -> Tables:
    """The tables after all events, in batches of any size."""
    tables, facts = Tables(), interleaved(streams, chance)
    while facts:
        size = chance.randint(1, most)
        tables.fold(facts[:size])
        facts = facts[size:]
    return tables


def assert_as_the_reference(sums: Mapping[str, Table], streams: Mapping[str, Sequence[Event]]) -> None:
    """Compare every measure in every dimension and grain, to the unit."""
    lists = list(streams.values())
    known: Table = {}
    for (dimension, scheme, key, of, first), values in sums["read.resolution_statistics"].items():
        for grain in (of, *(longer for longer, stored in SUMS_OF.items() if stored == of)):
            add(known, {(dimension, scheme, key, grain, first_day(first, grain)): values})
    named = {key: dict(zip(MEASURES, values, strict=True)) for key, values in known.items()}
    assert named == statistics(lists, *STORED, *SUMS_OF)
    times = {**histograms(lists, *OF_DURATIONS), **histograms_of_the_resolved(lists, *OF_DURATIONS)}
    assert {key: count for key, (count,) in sums["read.durations"].items()} == times
    flowed = {key: dict(zip(FLOWS, values, strict=True)) for key, values in sums["read.flows"].items()}
    assert flowed == flows(lists, FLOWS, *STORED)
    assert {key: count for key, (count,) in sums["read.transfers"].items()} == transfers(lists)


def counts(history: Sequence[Event], **expected: int) -> None:
    """What a request counts for; the projection agrees with the reference on it, by itself and among others."""
    assert_as_the_reference(folded({"complaint-1": history}, Random(0)).sums, {"complaint-1": history})
    among = {"complaint-1": history, "complaint-2": RESOLVED, "complaint-3": RECEIVED}
    assert_as_the_reference(folded(among, Random(1)).sums, among)
    found = measures(history)
    assert {name: found[name] for name in expected} == expected


def under(history: Sequence[Event], dimension: str) -> str:
    """The key under which it counts."""
    (key,) = [key for name, _, key in dimensions(history) if name == dimension]
    return key
