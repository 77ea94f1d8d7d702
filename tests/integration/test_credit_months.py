"""Watchers grade each month that has ended: once, in order, and from nothing less than all that is known of it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import pytest

from adapters import credit_months
from adapters.credit_grades import grade_month, month_after
from adapters.rulebook import publish_first_edition
from adapters.watcher import WatcherSettings
from domain.calendar import day_of, start_of_day
from domain.complaint.clocks import DeadlineMissed
from domain.grade.grading import Given
from domain.grade.state import Grade, Part, grades_of
from tests.integration.credit_cases import complaint, merchant, named, volume
from tests.integration.credit_ledger import project, record
from tests.integration.deadlines import MERCHANT, Desk, rows, watch_once

SHOPS = [named("merchant", n) for n in range(1, 6)]
#: The ledger of a test begins in it.
MONTH = day_of(datetime.now(UTC)).replace(day=1)


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    """Merchants with six complaints each that were resolved."""
    with closing(Desk(database_url)) as desk:
        publish_first_edition(desk.ledger)
        for n, shop in enumerate(SHOPS, 1):
            desk.append(shop, merchant(n))
            for k in range(6):
                desk.append(named("complaint", 10 * n + k), *complaint(80 + k, n, consumer=k, resolved=90))
        yield desk


@pytest.fixture
def settings(database_url: str) -> WatcherSettings:
    return WatcherSettings(database_url)


def after(months: int) -> date:
    month = MONTH
    for _ in range(months):
        month = month_after(month)
    return month


def over(months: int) -> datetime:
    """When so many months are over, the first being that in which the ledger began."""
    return start_of_day(after(months)) + timedelta(minutes=2)


def given(desk: Desk, merchant_id: str) -> list[Given]:
    history = desk.ledger.history(grades_of(merchant_id))
    return [recorded.event for recorded in history if isinstance(recorded.event, Given)]


def all_given(database_url: str) -> int:
    ((count,),) = rows(database_url, "select count(*) from ledger.events where type = 'grade.given'")
    return int(count)


def test_e5_a_month_is_graded_once_when_it_is_over_and_everything_of_it_is_known(
    desk: Desk, settings: WatcherSettings
) -> None:
    url = settings.database_url
    watch_once(settings, over(1))
    assert all_given(url) == 0, "there are no read models"
    project(desk.ledger)
    watch_once(settings, over(1) - timedelta(minutes=3))
    assert all_given(url) == 0, "the month is not over"
    late = desk.promised()
    watch_once(settings, over(1))
    project_to = project(desk.ledger)
    missed = [recorded.event for recorded in desk.ledger.history(late)][-1]
    assert isinstance(missed, DeadlineMissed)
    assert all_given(url) == 0, "what had fallen due was not in the read models"
    watch_once(settings, over(1))
    assert all_given(url) == len(SHOPS) + 1
    (first,) = given(desk, SHOPS[0])
    assert (first.month, first.grade, first.complete_to) == (MONTH, Grade.C, project_to)
    (silent,) = given(desk, MERCHANT)
    assert silent.grade is Grade.NR
    assert silent.score < first.score
    project(desk.ledger)
    watch_once(settings, over(1) + timedelta(days=20))
    assert all_given(url) == len(SHOPS) + 1
    again = grade_month(desk.ledger, desk.book.current(), MONTH, now=over(1))
    assert (again.given, again.known, again.failed) == (0, len(SHOPS) + 1, 0)


def test_e5_months_that_passed_while_nobody_watched_are_graded_in_order_by_two_watchers_each_once(
    desk: Desk, settings: WatcherSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credit_months, "MAX_MERCHANTS", 2)
    with ThreadPoolExecutor(2) as both:
        for _ in range(5):
            list(both.map(lambda at: watch_once(settings, at), [over(3)] * 2))
            project(desk.ledger)
    for shop in SHOPS:
        assert [event.month for event in given(desk, shop)] == [after(0), after(1), after(2)]


def test_e5_months_graded_by_command_are_not_graded_again(desk: Desk, settings: WatcherSettings) -> None:
    project(desk.ledger)
    done = grade_month(desk.ledger, desk.book.current(), MONTH, now=over(1))
    assert (done.given, done.known) == (len(SHOPS), 0)
    for _ in range(3):
        project(desk.ledger)
        watch_once(settings, over(2))
    for shop in SHOPS:
        assert [event.month for event in given(desk, shop)] == [after(0), after(1)]


def test_a_merchant_that_cannot_be_graded_stops_nobody_else(desk: Desk, settings: WatcherSettings) -> None:
    desk.append_rubbish(grades_of(SHOPS[1]))
    for _ in range(2):
        project(desk.ledger, but=grades_of(SHOPS[1]))
        watch_once(settings, over(1))
    assert all_given(settings.database_url) == len(SHOPS) - 1


def test_e5_a_fall_by_volume_names_what_was_filed_in_the_periods_that_were_reported(desk: Desk) -> None:
    shop = SHOPS[0]
    lives = {named("complaint", 100 + k): complaint(90 + k / 10, 1, consumer=50 + k, resolved=95) for k in range(5)}
    record(desk, lives)
    project(desk.ledger)
    april, may = date(2024, 4, 1), date(2024, 5, 1)
    assert grade_month(desk.ledger, desk.book.current(), april, now=over(0), wait_s=0).fell == 0
    # From the day before the first to the day after the third of May.
    filed = [named("complaint", 200 + k) for k in range(5)]
    for k, stream in enumerate(filed):
        desk.append(stream, *complaint(120 + k, 1, consumer=80 + k, resolved=130))
    for merchant_id in SHOPS[:3]:
        desk.append(merchant_id, volume(may, date(2024, 5, 3), 100))
    project(desk.ledger)
    assert grade_month(desk.ledger, desk.book.current(), may, now=over(0), wait_s=0).fell == 1
    before, fallen = given(desk, shop)
    assert fallen.fell is not None
    assert (fallen.fell.part, fallen.fell.before, fallen.fell.after) == (Part.VOLUME, 5_000_000, 0)
    assert list(fallen.fell.complaints) == filed[3:0:-1]
    assert (before.grade, fallen.grade) == (Grade.A, Grade.B)
