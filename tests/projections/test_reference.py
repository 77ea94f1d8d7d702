"""The tables of the complaints against the reference: every measure in every dimension and grain, to the unit."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.complaint.life import ComplaintEvent
from projections.durations import BOUNDARIES, quantile
from projections.resolution_statistics import DIMENSIONS, MEASURES
from tests.domain.lives import (
    FILED,
)
from tests.domain.random_lives import histories
from tests.projections.tables import assert_as_the_reference, folded
from tests.reference import complaints
from tests.reference.complaints import dimensions
from tests.reference.statistics import (
    boundaries,
    bucket,
    exact_quantile,
    within_the_stated_error,
)


def test_the_reference_names_the_measures_and_dimensions_of_the_table() -> None:
    assert tuple(complaints.MEASURES) == MEASURES
    assert {dimension for dimension, _, _ in dimensions(FILED)} == set(DIMENSIONS)
    assert tuple(boundaries()) == BOUNDARIES


@settings(max_examples=150, deadline=None)
@given(st.lists(histories(), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_any_batches_of_any_interleaving_give_the_figures_of_the_reference(
    lives: list[list[ComplaintEvent]], chance: Random
) -> None:
    streams = {f"complaint-{n}": life for n, life in enumerate(lives)}
    assert_as_the_reference(folded(streams, chance).sums, streams)


@settings(max_examples=60, deadline=None)
@given(histories(), st.randoms(use_true_random=False))
def test_the_figures_are_those_of_the_reference_after_every_event(life: list[ComplaintEvent], chance: Random) -> None:
    some = life[: chance.randint(1, len(life))]
    assert_as_the_reference(folded({"complaint-1": some}, chance).sums, {"complaint-1": some})


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(0, 20 * 365 * 24 * 3_600_000_000).map(lambda n: timedelta(microseconds=n)), min_size=1),
    st.integers(1, 1000),
)
def test_a_quantile_of_the_histogram_is_within_its_stated_error(times: list[timedelta], permille: int) -> None:
    histogram: dict[int, int] = {}
    for took in times:
        histogram[bucket(took)] = histogram.get(bucket(took), 0) + 1
    minutes = quantile(histogram, permille)
    assert minutes is not None
    exact = exact_quantile(times, Fraction(permille, 1000))
    assert minutes == bucket(exact)
    assert within_the_stated_error(minutes, exact)
