"""Watchers are killed while they grade a month; each merchant gets its grade of it once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.credit_grades import month_after
from adapters.credit_months import POINTS
from adapters.rulebook import publish_first_edition
from adapters.watcher import WatcherSettings
from domain.calendar import day_of, start_of_day
from domain.grade.grading import Given
from domain.grade.state import grades_of
from tests.faults.worker_process import WorkerProcess
from tests.integration.credit_cases import complaint, merchant, named
from tests.integration.credit_ledger import project
from tests.integration.deadlines import Desk, watch_once

SHOPS = 12


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    with closing(Desk(database_url)) as desk:
        publish_first_edition(desk.ledger)
        for n in range(1, SHOPS + 1):
            desk.append(named("merchant", n), merchant(n))
            desk.append(named("complaint", n), *complaint(80, n, consumer=1, resolved=90))
        project(desk.ledger)
        yield desk


def test_e5_killed_at_every_point_watchers_give_each_grade_of_a_month_once(
    desk: Desk, database_url: str, tmp_path: Path
) -> None:
    settings, clock = WatcherSettings(database_url), tmp_path / "clock"
    month = day_of(datetime.now(UTC)).replace(day=1)
    over = start_of_day(month_after(month)) + timedelta(minutes=2)
    clock.write_text(over.isoformat())
    # The month is found, and is to be graded.
    watch_once(settings, start_of_day(month))
    for point in POINTS:
        number = 5 if point == "after_grade" else 1
        with WorkerProcess(settings, f"{point}:{number}:self", clock=clock) as watcher:
            watcher.await_line("dying at")
            assert watcher.await_end() == -signal.SIGKILL
        if point == "after_grade":
            half_way = sum(bool(desk.ledger.history(grades_of(named("merchant", n)))) for n in range(1, SHOPS + 1))
            assert half_way >= number
    watch_once(settings, over)
    for n in range(1, SHOPS + 1):
        (given,) = (recorded.event for recorded in desk.ledger.history(grades_of(named("merchant", n))))
        assert isinstance(given, Given)
        assert given.month == month
