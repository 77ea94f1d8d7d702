"""Process managers are killed at every point where it matters; what follows is recorded once, as by a quiet one."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest

from adapters.reactions import POINTS
from adapters.rulebook import publish_first_edition
from adapters.watcher import WatcherSettings
from domain.merchant.state import ListName
from domain.values import Money
from tests.conftest import create_database
from tests.faults.worker_process import WorkerProcess
from tests.integration.actors import (
    BUYER,
    MERCHANT,
    OFFICE,
    REGULATOR,
    SELLER,
    START,
    Town,
    assert_all_followed_once,
    consequences,
    days,
    everything,
    hours,
)
from tests.integration.deadlines import rows, watch_once

SEED = 20261122
KILLS_PER_POINT = 3
RANDOM_KILLS = 4
LIMIT = 60.0
BACK = START + days(60)
ADVANCES = 24
SILENT = 24


@pytest.fixture
def town(database_url: str) -> Iterator[Town]:
    with closing(Town(database_url, SEED)) as town:
        publish_first_edition(town.ledger)
        yield town


@pytest.fixture
def settings(database_url: str) -> WatcherSettings:
    return WatcherSettings(database_url)


@pytest.fixture
def clock(tmp_path: Path) -> Path:
    clock = tmp_path / "clock"
    clock.write_text(BACK.isoformat())
    return clock


def story(town: Town) -> None:
    """What leads to much elsewhere: silence, lists, advances of which a fund can pay about half."""
    town.begin("merchant", START - days(9), SELLER, MERCHANT, trade_name="West Lake Appliances")
    fund = town.begin("fund", START - days(9), REGULATOR, title="Protection fund", office_id=OFFICE)
    enough = Money(fen=5_000 * ADVANCES // 2)
    town.take(fund, "pay_in", START - days(8), REGULATOR, contributor="platform", amount=enough, reference="1")
    silent = [town.promised(START + hours(n)) for n in range(SILENT)]
    unpaid = [town.settled_and_not_performed(START + hours(n)) for n in range(ADVANCES)]
    for complaint in unpaid:
        town.take(complaint, "request_advance", BACK - hours(3), BUYER, item=0, fund_id=fund)
    town.take(
        MERCHANT,
        "list_merchant",
        BACK - hours(2),
        REGULATOR,
        list=ListName.UNTRUSTWORTHY,
        authority=OFFICE,
        title="List of untrustworthy merchants",
        basis="refuses every refund",
        conditions="pay the consumers",
        complaints=tuple(silent),
    )


def corrective(town: Town) -> None:
    """One more thing that leads to much elsewhere."""
    complaints = tuple(
        stream
        for (stream,) in rows(
            town.ledger.recorder.url,
            "select distinct stream from ledger.events where type = 'complaint.filed' order by stream limit 20",
        )
    )
    town.take(
        MERCHANT,
        "take_corrective_action",
        BACK,
        SELLER,
        title="New packaging",
        description="Boxes that last.",
        complaints=complaints,
        effective_at=BACK + days(1),
    )


def told(town: Town) -> Counter[str]:
    """What the process managers recorded, where. Numbers go by what came first, which is chance."""
    return Counter(
        f"{stream} {event.name} {event.model_dump_json(exclude={'number'})}"
        for stream, event, _ in consequences(town.ledger)
    )


def quiet_run(postgres_url: str) -> Counter[str]:
    url = create_database(postgres_url, f"quiet_{uuid4().hex}")
    with closing(Town(url, SEED)) as town:
        publish_first_edition(town.ledger)
        story(town)
        watch_once(WatcherSettings(url), BACK)
        return told(town)


def await_all(settings: WatcherSettings) -> None:
    deadline = time.monotonic() + LIMIT
    query = (
        "select r.position = h.position and not exists (select from watch.reactions_waiting) "
        "from watch.reactions r, ledger.head h"
    )
    while rows(settings.database_url, query) != [(True,)]:
        assert time.monotonic() < deadline, "not all that follows was recorded"
        time.sleep(0.02)


def test_killed_at_every_point_process_managers_record_what_follows_once_as_a_quiet_one_does(
    town: Town, settings: WatcherSettings, clock: Path, postgres_url: str
) -> None:
    story(town)
    chance = Random(SEED)
    schedule = list(POINTS) * KILLS_PER_POINT
    chance.shuffle(schedule)
    killed: Counter[str] = Counter()
    for point in schedule:
        # Those behind a round come once in it, and rounds come with what is new.
        nth = chance.randint(1, 20) if point in POINTS[:2] else 1
        corrective(town)
        with WorkerProcess(settings, f"{point}:{nth}:self", clock=clock) as watcher:
            killed[watcher.await_line("dying at")] += 1
            assert watcher.await_end() == -signal.SIGKILL
    assert killed == dict.fromkeys(POINTS, KILLS_PER_POINT)
    with WorkerProcess(settings, clock=clock) as steady:
        for _ in range(RANDOM_KILLS):
            with WorkerProcess(settings, clock=clock) as watcher:
                watcher.await_line("watcher watching")
                time.sleep(chance.uniform(0, 0.3))
                watcher.kill()
        await_all(settings)
        steady.stop()
    assert_all_followed_once(town.ledger, settings.database_url)
    found = told(town)
    assert not quiet_run(postgres_url) - found
    assert {line.split()[1] for line in found} == {
        "complaint.advance_paid",
        "complaint.advance_refused",
        "complaint.consequence_linked",
        "complaint.performed",
        "fund.advance_refused",
        "fund.advanced",
        "credit.event_recorded",
    }
    commands = Counter(
        (one.causation_id, one.originator_id, one.event.name)
        for _, one in everything(town.ledger)
        if one.causation_id is not None
    )
    assert set(commands.values()) == {1}
