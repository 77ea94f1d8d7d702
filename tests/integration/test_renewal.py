"""Read models that an older version of the program made are built anew by themselves, and answer until then."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from adapters import parking
from adapters.database import connect
from adapters.generations import RebuildError, RebuildStopped
from adapters.projector import ProjectorSettings, run_projector, wait_until_projected
from adapters.rebuild import RebuildSettings, rebuild
from adapters.topics import ensure_topics
from projections.complaint_details import COMPLAINT_DETAILS
from projections.merchants import MERCHANTS
from projections.projection import Projection
from tests.conftest import System, create_database, running
from tests.faults.published import Filler, await_published
from tests.faults.test_projector_kill import head, tables
from tests.integration.changed_folds import FAULTY, MENDED, NEXT, RENAMED
from tests.integration.test_generations import LIMIT_S, SEED, rows, state_of

OLD = COMPLAINT_DETAILS.version


@pytest.fixture(scope="module")
def system(postgres_url: str, kafka_bootstrap: str) -> Iterator[System]:
    """Some hundred events, projected by the present version. The tests raise it one after the other."""
    prefix = f"renewal{os.getpid()}."
    ensure_topics(kafka_bootstrap, prefix)
    found = System(create_database(postgres_url, f"renewal{os.getpid()}"), kafka_bootstrap, prefix)
    with found.relaying():
        append(found, 400)
        with projecting(found, COMPLAINT_DETAILS, MERCHANTS):
            assert wait_until_projected(found.database_url, head(found.database_url), LIMIT_S)
        yield found


def append(system: System, appends: int) -> None:
    filler = Filler(system.database_url, SEED + appends)
    filler.fill(appends)
    filler.close()
    await_published(system.database_url)


def projecting(system: System, *projections: Projection, instance: str = "renewal") -> Any:
    settings = ProjectorSettings(*system.where, instance=instance)
    return running(lambda stop: run_projector(settings, stop, projections=projections))


def products(system: System) -> set[str]:
    return {str(product) for (product,) in rows(system, "select distinct product from read.complaint_details")}


def await_version(system: System, version: int) -> None:
    deadline = time.monotonic() + LIMIT_S
    while state_of(system)["version"] != version:
        assert time.monotonic() < deadline, state_of(system)
        time.sleep(0.05)


def await_building(system: System, key: str) -> dict[str, Any]:
    deadline = time.monotonic() + LIMIT_S
    while True:
        building = state_of(system)["building"]
        if isinstance(building, dict) and building[key]:
            return building
        assert time.monotonic() < deadline, state_of(system)
        time.sleep(0.05)


def test_a_raised_version_is_built_by_itself_while_the_old_one_stands_still_and_answers(system: System) -> None:
    ((filed,),) = rows(system, "select count(*) from read.complaint_details")
    before = head(system.database_url)
    analyst = connect(system.database_url, "ledger_analyst", autocommit=False)
    # Two of them: one builds, the other waits for it.
    with (
        analyst.cursor() as cursor,
        projecting(system, NEXT, MERCHANTS, instance="renewal-1"),
        projecting(system, NEXT, MERCHANTS, instance="renewal-2"),
    ):
        cursor.execute("select count(*) from read.complaint_details")
        building = await_building(system, "read")
        append(system, 60)
        after = head(system.database_url)
        deadline = time.monotonic() + LIMIT_S
        while rows(system, "select min(watermark) from read.progress where projection = 'merchants'") < [(after,)]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        state = state_of(system)
        assert (state["version"], state["position"], building["version"]) == (OLD, before, OLD + 1)
        assert RENAMED not in products(system)
        assert rows(system, "select count(*) from read.complaint_details") == [(filed,)]
        analyst.rollback()
        await_version(system, OLD + 1)
        assert wait_until_projected(system.database_url, after, LIMIT_S)
        assert products(system) == {RENAMED}
        assert state_of(system)["building"] is None
    analyst.close()

    stop = threading.Event()
    with pytest.raises(RebuildError, match="upgrade"):
        run_projector(ProjectorSettings(*system.where), stop, projections=[COMPLAINT_DETAILS])
    with pytest.raises(parking.OtherVersion):
        parking.replay(system.database_url, COMPLAINT_DETAILS, "complaint-1")
    with pytest.raises(RebuildError, match="upgrade"):
        rebuild(RebuildSettings(*system.where), [COMPLAINT_DETAILS], stop)


def test_a_rebuild_stops_at_the_first_failure_that_was_not_known_and_says_which(system: System) -> None:
    used = state_of(system)
    kept = tables(system.database_url)
    with projecting(system, FAULTY, MERCHANTS):
        error = await_building(system, "error")["error"]
    assert "ZeroDivisionError" in error or "10" in error
    assert "complaint-" in error
    assert "at position" in error
    assert (state_of(system)["generation"], state_of(system)["version"]) == (used["generation"], used["version"])
    assert tables(system.database_url) == kept

    settings, stop = RebuildSettings(*system.where, stretch=100), threading.Event()
    with pytest.raises(RebuildStopped, match=r"complaint-\S+ version \d+ at position \d+ cannot be taken up: .*--park"):
        rebuild(settings, [FAULTY], stop)
    parked = rebuild(settings, [FAULTY], stop, park=True)
    assert parked is not None
    (answered_or_closed,) = rows(
        system,
        "select count(distinct stream) from ledger.events where type in ('complaint.answered', 'complaint.closed')",
    )
    assert (parked[0].parked,) == answered_or_closed
    assert rows(system, "select distinct product from read.complaint_details") == [(RENAMED,)]
    # Known from now on.
    again = rebuild(settings, [FAULTY], stop)
    assert again is not None
    assert (again[0].parked,) == answered_or_closed

    assert rebuild(settings, [MENDED, MERCHANTS], stop) is not None
    assert rows(system, "select count(*) from read.parked") == [(0,)]
    with projecting(system, MENDED, MERCHANTS):
        assert wait_until_projected(system.database_url, head(system.database_url), LIMIT_S)
    built = tables(system.database_url)
    with connect(system.database_url, None) as conn, conn.cursor() as cursor:
        cursor.execute("update read.active set version = %s where projection = 'complaint_details'", (OLD,))
    assert rebuild(RebuildSettings(*system.where, processes=2), [COMPLAINT_DETAILS, MERCHANTS], stop) is not None
    assert tables(system.database_url) == built
