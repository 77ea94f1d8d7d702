"""Read models are rebuilt beside those in use and swapped in, under load, cancelled, killed and resumed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import psutil
import pytest
from kafka import TopicPartition
from psycopg2 import sql

from adapters import queries
from adapters.database import Pool, connect
from adapters.filling import Work
from adapters.filling_processes import divide
from adapters.generations import RebuildError, cancel
from adapters.projector import ProjectorSettings, run_projector, wait_until_projected
from adapters.rebuild import RebuildSettings, Rebuilt, rebuild
from adapters.search import Search, search
from adapters.verify import verify
from projections.catalogue import PROJECTIONS
from projections.complaint_details import COMPLAINT_DETAILS
from tests.conftest import System, running
from tests.faults.published import filling
from tests.faults.test_projector_kill import head, tables

SEED = 20261122
LIMIT_S = 60.0


@contextmanager
def projecting(system: System) -> Iterator[ProjectorSettings]:
    settings = ProjectorSettings(*system.where, max_batch=200, instance="generations")
    with system.relaying(), running(lambda stop: run_projector(settings, stop)):
        yield settings


def state_of(system: System) -> dict[str, Any]:
    """How complaint_details stands."""
    pool = Pool(system.database_url, "ledger_api")
    (found,) = [row for row in queries.projections(pool) if row["projection"] == COMPLAINT_DETAILS.name]
    pool.close()
    return found


def fill(system: System, seed: int, at_least: int) -> None:
    """Append until the ledger has so many events."""
    deadline = time.monotonic() + LIMIT_S
    with filling(system.database_url, seed) as finish:
        while head(system.database_url) < at_least:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        finish()


def where(settings: ProjectorSettings) -> RebuildSettings:
    return RebuildSettings(settings.database_url, settings.kafka_bootstrap, settings.topic_prefix, stretch=200)


def build(settings: ProjectorSettings, reached: Callable[[str], None] = lambda _: None) -> Rebuilt | None:
    built = rebuild(where(settings), [COMPLAINT_DETAILS], threading.Event(), reached=reached)
    return built[0] if built else None


def wrong(system: System) -> list[object]:
    return [check for check in verify(*system.where, lambda *_: None) if check.wrong]


def test_a_rebuild_under_live_load_ends_with_the_same_tables_and_readers_never_see_it_go_back(system: System) -> None:
    seen: list[int] = []
    failures: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        pool = Pool(system.database_url, "ledger_api")
        try:
            while not done.is_set():
                _, _, complete = search(pool, Search(), now=datetime.now(UTC), limit=1)
                ((count,),) = rows(
                    system,
                    "select sum(filed) from read.resolution_statistics where dimension = 'all' and grain = 'year'",
                )
                seen.append(complete)
                counts.append(count or 0)
        except BaseException as error:
            failures.append(error)
        finally:
            pool.close()

    counts: list[int] = []
    fill_to = 1_500
    with projecting(system) as settings:
        fill(system, SEED, fill_to)
        with filling(system.database_url, SEED + 1) as finish:
            reader = threading.Thread(target=read)
            reader.start()
            results = [build(settings), build(settings)]
            done.set()
            reader.join()
            finish()
        assert wait_until_projected(system.database_url, head(system.database_url), LIMIT_S)
        assert not failures
        assert [built.generation for built in results if built] == [2, 3]
        assert seen == sorted(seen)
        assert counts == sorted(counts)
        assert len(seen) > 1
        assert not wrong(system)
        state = state_of(system)
        assert (state["generation"], state["building"], state["lag_positions"]) == (3, None, 0)
        kept = tables(system.database_url)
        assert build(settings) is not None
        assert tables(system.database_url) == kept


def rows(system: System, query: str) -> list[tuple[Any, ...]]:
    """Run a statement as the owner; returns its rows, if it has any."""
    conn = connect(system.database_url, None)
    try:
        with conn.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall()) if cursor.description else []
    finally:
        conn.close()


def test_a_swapped_table_keeps_its_indexes_comments_grants_options_and_partitions(system: System) -> None:
    query = (
        "select 'index', tablename, indexdef from pg_indexes "
        "where schemaname = 'read' union all "
        "select 'table', relname, concat(relkind, reloptions, pg_get_expr(relpartbound, oid)) from pg_class "
        "where relnamespace = 'read'::regnamespace union all "
        "select 'grant', table_name, grantee || privilege_type from information_schema.role_table_grants "
        "where table_schema = 'read' union all "
        "select 'comment', c.relname, d.description from pg_description d join pg_class c on c.oid = d.objoid "
        "where c.relnamespace = 'read'::regnamespace order by 1, 2, 3"
    )
    conn = connect(system.database_url, None)
    with projecting(system) as settings, conn.cursor() as cursor:
        fill(system, SEED, 50)
        assert wait_until_projected(system.database_url, 50, LIMIT_S)
        cursor.execute(query)
        before = cursor.fetchall()
        assert build(settings) is not None
        cursor.execute(query)
        assert cursor.fetchall() == before
    conn.close()


def test_a_rebuild_that_is_stopped_goes_on_where_it_was_and_can_be_cancelled(system: System) -> None:
    with projecting(system) as settings:
        fill(system, SEED, 1_200)
        assert wait_until_projected(system.database_url, 1_200, LIMIT_S)
        stop = threading.Event()
        assert rebuild(where(settings), [COMPLAINT_DETAILS], stop, reached=lambda point: stop.set()) is None
        building = state_of(system)["building"]
        assert isinstance(building, dict)
        assert building["generation"] == 2
        assert building["read"] not in (None, "0.0")
        resumed = build(settings)
        assert resumed is not None
        (filed,) = rows(system, "select count(*) from ledger.events where stream like 'complaint-%'")
        assert 0 < resumed.folded < filed[0]

        # What a crash of PostgreSQL does to the tables in which sums gather: it has to begin anew.
        stop = threading.Event()
        assert rebuild(where(settings), [COMPLAINT_DETAILS], stop, reached=lambda point: stop.set()) is None
        rows(system, "truncate read.builds_whole, read.resolution_statistics_parts")
        renewed = build(settings)
        assert renewed is not None
        assert renewed.folded >= filed[0]
        assert not wrong(system)

        stop = threading.Event()
        assert rebuild(where(settings), [COMPLAINT_DETAILS], stop, reached=lambda point: stop.set()) is None
        assert cancel(system.database_url, COMPLAINT_DETAILS)
        assert not cancel(system.database_url, COMPLAINT_DETAILS)
        assert state_of(system)["building"] is None
        assert not [row for row in _names(system) if row.endswith("_next")]
        assert not wrong(system)


def test_a_build_that_is_cancelled_while_it_runs_ends_with_an_error(system: System) -> None:
    with projecting(system) as settings:
        fill(system, SEED, 600)

        def cancel_at(point: str) -> None:
            if point == "after_batch":
                cancel(system.database_url, COMPLAINT_DETAILS)

        with pytest.raises(RebuildError, match="cancelled"):
            build(settings, cancel_at)
        assert state_of(system)["generation"] == 1


def test_only_one_builds_a_projection_at_a_time(system: System) -> None:
    with projecting(system) as settings:
        fill(system, SEED, 100)
        refused: list[str] = []

        def second(point: str) -> None:
            if not refused:
                with pytest.raises(RebuildError, match="already") as found:
                    build(settings)
                refused.append(str(found.value))

        assert build(settings, second) is not None
        assert refused


def test_a_swap_waits_for_a_long_query_and_lets_other_readers_pass(system: System) -> None:
    analyst = connect(system.database_url, "ledger_analyst", autocommit=False)
    with projecting(system) as settings:
        fill(system, SEED, 200)
        assert wait_until_projected(system.database_url, 200, LIMIT_S)
        with analyst.cursor() as cursor:
            cursor.execute("select count(*) from read.complaint_details")
            swaps: list[int] = []
            reads = 0
            swapped: list[Rebuilt | None] = []

            def tried(point: str) -> None:
                if point == "before_swap":
                    swaps.append(1)

            with running(lambda stop: swapped.append(build(settings, tried))):
                deadline = time.monotonic() + LIMIT_S
                while len(swaps) < 3:
                    assert time.monotonic() < deadline
                    assert rows(system, "select count(*) from read.complaint_details")
                    reads += 1
                assert state_of(system)["generation"] == 1
                analyst.rollback()
        assert reads > 3
        assert state_of(system)["generation"] == 2
        assert not wrong(system)
    analyst.close()


def _names(system: System) -> list[str]:
    conn = connect(system.database_url, None)
    try:
        with conn.cursor() as cursor:
            cursor.execute(sql.SQL("select relname from pg_class where relnamespace = 'read'::regnamespace"))
            return [name for (name,) in cursor]
    finally:
        conn.close()


def die_at(settings: ProjectorSettings, left: int, processes: int) -> None:
    """Build in this process and be killed when the ``left``-th point is reached, or else while others fill."""

    def reached(point: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def told(done: int, of: int) -> None:
        if processes > 1 and done:
            os.kill(os.getpid(), signal.SIGKILL)

    rebuild(replace(where(settings), processes=processes), PROJECTIONS, threading.Event(), told, reached)


def children_of(process: Any) -> set[psutil.Process]:
    """Wait for a process to end; returns all children that it was seen to have."""
    seen: set[psutil.Process] = set()
    with suppress(psutil.NoSuchProcess):
        while process.is_alive():
            seen.update(psutil.Process(process.pid).children())
            process.join(0.02)
    process.join(LIMIT_S)
    return seen


def test_a_rebuild_killed_at_any_point_leaves_all_in_order_and_the_next_one_ends_it(system: System) -> None:
    chance = Random(SEED)
    kills = 0
    with projecting(system) as settings:
        fill(system, SEED, 600)
        for processes in (1, 2, 1):
            builder = multiprocessing.get_context("spawn").Process(
                target=die_at, args=(settings, chance.randint(1, 4), processes)
            )
            builder.start()
            children = children_of(builder)
            kills += builder.exitcode == -signal.SIGKILL
            _, left = psutil.wait_procs(children, LIMIT_S)
            assert not left
        assert kills == 3
        assert wait_until_projected(system.database_url, head(system.database_url), LIMIT_S)
        assert not wrong(system)
        kept = tables(system.database_url)
        assert rebuild(where(settings), PROJECTIONS, threading.Event()) is not None
        assert tables(system.database_url) == kept
        assert state_of(system)["building"] is None


def test_all_read_models_rebuilt_by_several_processes_equal_those_kept_up_live(system: System) -> None:
    with projecting(system) as settings:
        fill(system, SEED + 2, 400)
        assert wait_until_projected(system.database_url, head(system.database_url), LIMIT_S)
        kept = tables(system.database_url)
        seen: list[int] = []
        built = rebuild(
            replace(where(settings), processes=2),
            PROJECTIONS,
            threading.Event(),
            lambda done, of: seen.append(done),
        )
        assert built is not None
        assert sorted(one.projection for one in built) == sorted(projection.name for projection in PROJECTIONS)
        assert sum(one.folded for one in built) > 0
        assert tables(system.database_url) == kept
        assert seen[-1] > 0
        assert wait_until_projected(system.database_url, head(system.database_url), LIMIT_S)


def test_partitions_are_divided_among_processes_by_how_much_is_in_them() -> None:
    sizes = {TopicPartition("t", n): size for n, size in enumerate((90, 10, 40, 60, 0))}
    shares = divide(Work((), sizes, park=False), 2)
    assert [sum(share.ends.values()) for share in shares] == [100, 100]
    assert len(divide(Work((), sizes, park=False), 9)) == 5
