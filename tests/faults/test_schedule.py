"""A small cluster is broken in every way that the schedule knows; it heals by itself, and nothing said was untrue."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.faults.plan import KINDS, POINTS, PRODUCT, ROW, long, short
from tests.faults.schedule import Run

SEED = 20260090
SEEDS = st.integers(0, 10**9)


def test_everything_acknowledged_survives_a_schedule_of_faults_once_and_in_order(tmp_path: Path) -> None:
    report = Run(SEED, tmp_path, print).carry_out(short(SEED))
    # Shown when it fails; the history was printed as it happened.
    print(*report.summary(), f"again: make faults SEED={SEED} SHORT=1", sep="\n")
    assert report.wrong == []
    assert {point: report.struck[f"kill_at {point}"] for point in POINTS} == dict.fromkeys(POINTS, 1)
    assert all(report.passed[point] for point in POINTS)
    assert report.commands["acknowledged"] > 100
    assert report.clocks["missed, recorded by a watcher"] > 10
    assert report.clocks["met or over in time"] > 10


@given(seed=SEEDS)
def test_the_same_seed_makes_the_same_schedule(seed: int) -> None:
    assert short(seed) == short(seed)
    assert long(seed, 600) == long(seed, 600)
    assert long(seed, 60) == long(seed, 600)[: len(long(seed, 60))]


@given(seed=SEEDS)
def test_a_short_schedule_has_every_kind_of_fault_and_a_kill_at_every_point(seed: int) -> None:
    plan = short(seed)
    assert {fault.kind for fault in plan} == KINDS.keys()
    assert {fault.target for fault in plan if fault.kind == "kill_at"} == set(POINTS)
    assert [fault.at_s for fault in plan] == sorted(fault.at_s for fault in plan)
    assert all((fault.kind, fault.target) in PRODUCT for fault in plan)


@given(seed=SEEDS)
def test_eight_short_schedules_in_a_row_or_one_long_one_cover_every_fault_of_every_target(seed: int) -> None:
    row = {(fault.kind, fault.target) for n in range(ROW) for fault in short(seed + n)}
    assert row == set(PRODUCT)
    assert {(fault.kind, fault.target) for fault in long(seed, 300)} == set(PRODUCT)
