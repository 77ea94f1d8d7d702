"""Any batching of any interleaving of partitions gives the same rows and sums, in every read model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.complaint.life import ComplaintEvent
from domain.event import Event
from domain.streams import kind_of
from projections.catalogue import PROJECTIONS
from projections.complaint_details import COMPLAINT_DETAILS
from projections.projection import Fact, Projection, change, fold_batch
from projections.rulebook import RULEBOOKS
from tests.domain.random_lives import histories
from tests.projections.histories import interleaved, of_a_market, of_a_rulebook
from tests.projections.reference_items import KINDS

Rows = dict[str, tuple[int, Any]]
Sums = dict[tuple[Any, ...], list[int]]
SEEDS = st.integers(0, 2**32)
#: The read models of streams that a market has.
OF_A_MARKET = [one for one in PROJECTIONS if one.kind.prefix in {"complaint", *KINDS} - {"rulebook"}]
STEPS = 250


class Store:
    """The tables of a projection, in memory."""

    def __init__(self, projection: Projection) -> None:
        self.projection = projection
        self.rows: Rows = {}
        self.sums: list[Sums] = [{} for _ in projection.sums]
        self.failed: dict[str, tuple[int, str]] = {}

    def apply(self, facts: Sequence[Fact]) -> None:
        batch = fold_batch(self.projection, self.rows, facts)
        self.failed = batch.failed
        for stream, version, _, *fields in batch.rows:
            self.rows[stream] = (version, self.projection.row(*fields))
        for own, delta in zip(self.sums, batch.deltas, strict=True):
            for key, measures in delta.items():
                total = [a + b for a, b in zip(own.get(key, [0] * len(measures)), measures, strict=True)]
                if any(total):
                    own[key] = total
                else:
                    own.pop(key, None)


def complaints_of(streams: list[list[ComplaintEvent]]) -> dict[str, Sequence[Event]]:
    return {f"complaint-{n}": events for n, events in enumerate(streams)}


def project(projection: Projection, facts: Sequence[Fact], chance: Random, most: int = 7) -> Store:
    store = Store(projection)
    while facts:
        size = chance.randint(1, most)
        store.apply(facts[:size])
        facts = facts[size:]
    return store


def check_batches(projection: Projection, streams: dict[str, Sequence[Event]], chance: Random, most: int) -> None:
    """Once and piecemeal, in different orders, come to the same; and the sums are those of all rows."""
    once = Store(projection)
    once.apply(interleaved(streams, Random(0)))
    assert once.failed == {}
    piecemeal = project(projection, interleaved(streams, chance), chance, most)
    assert piecemeal.rows == once.rows
    assert piecemeal.sums == once.sums
    for sums, kept in zip(projection.sums, piecemeal.sums, strict=True):
        expected: Sums = {}
        for stream, (_, row) in piecemeal.rows.items():
            for key, measures in sums.of(stream, row).items():
                for each in (key, *sums.coarser(key)):
                    before = expected.get(each, [0] * len(measures))
                    expected[each] = [a + b for a, b in zip(before, measures, strict=True)]
        assert kept == {key: measures for key, measures in expected.items() if any(measures)}, sums.table


@settings(max_examples=100, deadline=None)
@given(st.lists(histories(), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_any_batching_of_complaints_gives_the_same_tables_which_equal_the_contributions_of_all_rows(
    streams: list[list[ComplaintEvent]], chance: Random
) -> None:
    check_batches(COMPLAINT_DETAILS, complaints_of(streams), chance, 7)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_any_batching_of_a_market_gives_the_same_tables_which_equal_the_contributions_of_all_rows(seed: int) -> None:
    chance = Random(seed)
    market = of_a_market(seed, STEPS)
    for projection in PROJECTIONS:
        streams: dict[str, Sequence[Event]] = {
            stream: events for stream, events in market.items() if kind_of(stream) is projection.kind
        }
        check_batches(projection, streams, chance, 30)


@settings(max_examples=2, deadline=None)
@given(SEEDS)
def test_g1_any_batching_of_the_rulebook_gives_the_same_tables(seed: int) -> None:
    chance = Random(seed)
    check_batches(RULEBOOKS, dict(of_a_rulebook(chance)), chance, 30)


@settings(max_examples=100, deadline=None)
@given(histories())
def test_a_row_that_stays_as_it_is_changes_no_sum(history: list[ComplaintEvent]) -> None:
    row = None
    for event in history:
        row = COMPLAINT_DETAILS.fold(row, event)
    for sums in COMPLAINT_DETAILS.sums:
        assert change(sums, row, row) == {}


@settings(max_examples=100, deadline=None)
@given(histories().filter(lambda history: len(history) > 1), st.data())
def test_an_event_that_is_missing_or_comes_twice_is_noticed(history: list[ComplaintEvent], data: st.DataObject) -> None:
    facts = interleaved(complaints_of([history]), Random(0))
    at = data.draw(st.integers(0, len(facts) - 2))
    twice = data.draw(st.booleans())
    broken = [*facts[: at + 1], *facts[at if twice else at + 2 :]]
    if not twice and at + 2 >= len(facts):
        broken = facts[1:]
    store, good = Store(COMPLAINT_DETAILS), Store(COMPLAINT_DETAILS)
    store.apply(broken)
    ((done, error),) = store.failed.values()
    assert "comes behind version" in error
    good.apply(broken[:done])
    assert (store.rows, store.sums) == (good.rows, good.sums)


@cache
def _long_market() -> dict[str, list[Event]]:
    return of_a_market(1, 3_000)


@pytest.mark.parametrize("projection", OF_A_MARKET, ids=lambda one: one.name)
def test_a_stream_that_does_not_begin_with_its_beginning_fails_by_name(projection: Projection) -> None:
    streams = (events for stream, events in _long_market().items() if kind_of(stream) is projection.kind)
    later = next(event for events in streams for event in events if type(event) is not type(events[0]))
    with pytest.raises(ValueError, match=f"{later.name} before "):
        projection.fold(None, later)
