"""Any batching of any interleaving of partitions gives the same rows and sums."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.complaint.life import ComplaintEvent
from domain.event import Event
from projections.complaint_details import COMPLAINT_DETAILS
from projections.projection import Fact, change, fold_batch
from projections.resolution_statistics import RESOLUTION_STATISTICS
from tests.domain.random_lives import histories

Rows = dict[str, tuple[int, Any]]
Sums = dict[tuple[Any, ...], list[int]]


class Store:
    """The tables of a projection, in memory."""

    def __init__(self) -> None:
        self.rows: Rows = {}
        self.sums: Sums = {}
        self.failed: dict[str, tuple[int, str]] = {}

    def apply(self, facts: Sequence[Fact]) -> None:
        batch = fold_batch(COMPLAINT_DETAILS, self.rows, facts)
        self.failed = batch.failed
        (delta,) = batch.deltas
        for stream, version, _, *fields in batch.rows:
            self.rows[stream] = (version, COMPLAINT_DETAILS.row(*fields))
        for key, measures in delta.items():
            total = [a + b for a, b in zip(self.sums.get(key, [0] * len(measures)), measures, strict=True)]
            if any(total):
                self.sums[key] = total
            else:
                self.sums.pop(key, None)


def facts_of(streams: list[list[ComplaintEvent]], chance: Random) -> list[Fact]:
    """Put the events of several streams into one order that keeps each stream's own."""
    queues: list[list[tuple[str, int, Event]]] = [
        [(f"complaint-{n}", version, event) for version, event in enumerate(events, 1)]
        for n, events in enumerate(streams)
    ]
    facts: list[Fact] = []
    while queues := [queue for queue in queues if queue]:
        stream, version, event = chance.choice(queues).pop(0)
        facts.append(Fact(len(facts) + 1, stream, version, event))
    return facts


def project(facts: list[Fact], chance: Random) -> Store:
    store = Store()
    while facts:
        size = chance.randint(1, 7)
        store.apply(facts[:size])
        facts = facts[size:]
    return store


@settings(max_examples=200, deadline=None)
@given(st.lists(histories(), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_any_batching_of_any_interleaving_gives_the_same_tables(
    streams: list[list[ComplaintEvent]], chance: Random
) -> None:
    once = Store()
    once.apply(facts_of(streams, Random(0)))
    piecemeal = project(facts_of(streams, chance), chance)
    assert piecemeal.rows == once.rows
    assert piecemeal.sums == once.sums


@settings(max_examples=200, deadline=None)
@given(st.lists(histories(), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_sums_equal_the_contributions_of_all_rows_and_no_key_is_kept_at_zero(
    streams: list[list[ComplaintEvent]], chance: Random
) -> None:
    store = project(facts_of(streams, chance), chance)
    expected: Sums = {}
    for _, row in store.rows.values():
        for key, measures in RESOLUTION_STATISTICS.contributions(row).items():
            expected[key] = [a + b for a, b in zip(expected.get(key, [0] * len(measures)), measures, strict=True)]
    assert store.sums == {key: measures for key, measures in expected.items() if any(measures)}


@settings(max_examples=100, deadline=None)
@given(histories())
def test_a_row_that_stays_as_it_is_changes_no_sum(history: list[ComplaintEvent]) -> None:
    row = None
    for event in history:
        row = COMPLAINT_DETAILS.fold(row, event)
    assert change(RESOLUTION_STATISTICS, row, row) == {}


@settings(max_examples=100, deadline=None)
@given(histories().filter(lambda history: len(history) > 1), st.data())
def test_an_event_that_is_missing_or_comes_twice_is_noticed(history: list[ComplaintEvent], data: st.DataObject) -> None:
    facts = facts_of([history], Random(0))
    at = data.draw(st.integers(0, len(facts) - 2))
    twice = data.draw(st.booleans())
    broken = [*facts[: at + 1], *facts[at if twice else at + 2 :]]
    if not twice and at + 2 >= len(facts):
        broken = facts[1:]
    store, good = Store(), Store()
    store.apply(broken)
    ((done, error),) = store.failed.values()
    assert "comes behind version" in error
    good.apply(broken[:done])
    assert (store.rows, store.sums) == (good.rows, good.sums)
