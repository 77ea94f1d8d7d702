"""The projector is killed at every point where it matters; its tables end up as those of a run from scratch."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

from adapters.cfpb_import import import_cfpb
from adapters.database import connect
from adapters.execute import open_ledger
from adapters.projector import POINTS, ProjectorSettings, run_projector, wait_until_projected
from adapters.verify import verify
from projections.catalogue import PROJECTIONS
from tests.conftest import System, running
from tests.faults.published import await_published, filling
from tests.faults.worker_process import LIMIT, WorkerProcess

SEED = 20260415
KILLS_PER_POINT = 2


def tables(database_url: str) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all read models, in an order of their own."""
    conn = connect(database_url, None)
    found: dict[str, list[tuple[Any, ...]]] = {}
    with conn.cursor() as cursor:
        for projection in PROJECTIONS:
            for table in (projection.table, *(sums.table for sums in projection.sums)):
                cursor.execute(f"select t.* from {table} t order by t")
                found[table] = cursor.fetchall()
    conn.close()
    return found


def forget(database_url: str) -> None:
    """Throw the read side away."""
    conn = connect(database_url, None)
    with conn.cursor() as cursor:
        for table in (*tables(database_url), "read.progress", "read.active"):
            cursor.execute(f"truncate {table}")
    conn.close()


def head(database_url: str) -> int:
    conn = connect(database_url, None)
    with conn.cursor() as cursor:
        cursor.execute("select position from ledger.head")
        ((position,),) = cursor.fetchall()
    conn.close()
    return int(position)


def import_part(database_url: str, sample: Path, into: Path, rows: int) -> None:
    """Import the first rows of the sample."""
    with sample.open(encoding="utf-8", newline="") as whole:
        into.write_text("".join(next(whole) for _ in range(rows + 1)), encoding="utf-8")
    ledger = open_ledger(database_url)
    import_cfpb(ledger, into, service_key=b"k" * 16, today=date(2026, 11, 22))
    ledger.close()


def test_killed_at_every_point_it_ends_with_the_tables_of_a_run_from_scratch(
    system: System, sample: Path, tmp_path: Path
) -> None:
    settings = ProjectorSettings(*system.where, max_batch=150, instance="killed")
    chance = Random(SEED)
    schedule = list(POINTS) * KILLS_PER_POINT
    chance.shuffle(schedule)
    kills: Counter[str] = Counter()
    import_part(system.database_url, sample, tmp_path / "part.csv", 600)
    with system.relaying():
        for point in schedule:
            with (
                filling(system.database_url, chance.randrange(10**6)) as finish,
                WorkerProcess(settings, f"{point}:{chance.randint(1, 3)}:self") as projector,
            ):
                projector.await_line(f"dying at {point}")
                assert projector.await_end() == -9
                kills[point] += 1
                finish()
        assert kills == dict.fromkeys(POINTS, KILLS_PER_POINT)
        await_published(system.database_url)
        with running(lambda stop: run_projector(settings, stop)):
            assert wait_until_projected(system.database_url, head(system.database_url), LIMIT)
        survived = tables(system.database_url)
        assert not [check for check in verify(*system.where, lambda *_: None) if check.wrong]

        forget(system.database_url)
        whole = ProjectorSettings(*system.where, instance="killed")
        with running(lambda stop: run_projector(whole, stop)):
            assert wait_until_projected(system.database_url, head(system.database_url), LIMIT)
    assert survived == tables(system.database_url)


def test_two_projectors_share_the_partitions_and_one_takes_over_what_the_other_leaves(
    system: System, sample: Path, tmp_path: Path
) -> None:
    settings = ProjectorSettings(*system.where, max_batch=150)
    import_part(system.database_url, sample, tmp_path / "part.csv", 300)
    with system.relaying(), filling(system.database_url, SEED) as finish, WorkerProcess(settings) as stays:
        stays.await_line("projector reading")
        with WorkerProcess(settings) as goes:
            goes.await_line("projector reading")
            stays.await_line("projector reading")
            goes.kill()
        finish()
        assert wait_until_projected(system.database_url, head(system.database_url), LIMIT)
        assert not [check for check in verify(*system.where, lambda *_: None) if check.wrong]
