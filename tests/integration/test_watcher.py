"""The watcher on a real ledger: what falls due is recorded once, in order, at its due time, whatever is away."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from adapters.embedded.kafka import KafkaServer
from adapters.embedded.postgres import PostgresServer
from adapters.execute import Command
from adapters.migrations import migrate
from adapters.rulebook import publish_first_edition
from adapters.topics import ensure_topics
from adapters.watcher import WatcherSettings, run_watcher
from domain.calendar import MICROSECOND, end_of_day
from domain.complaint.clocks import DeadlineMissed, DuesRevised, until
from domain.complaint.filing import Filed
from domain.complaint.handling import Accepted
from domain.complaint.negotiation import Answered, AnswerKind
from domain.complaint.state import Clock, Deadline, RequestKind
from domain.event import Event
from domain.rulebook import decisions
from domain.rulebook.book import Authority, RuleSet, WorkingYear
from domain.values import CLOCK, Actor, Channel, Role
from tests.conftest import System, running
from tests.faults.published import Filler
from tests.faults.worker_process import WorkerProcess
from tests.integration.deadlines import (
    CONSUMER,
    SERVICE,
    START,
    Desk,
    assert_as_the_rules_have_it,
    days,
    hours,
    lines,
    of_time,
    rows,
    standing,
    watch_once,
)
from tests.integration.observed import figure, watched

LIMIT = 60.0
EDITOR = Actor("66666666-6666-4666-8666-666666666666", Role.RULEBOOK_EDITOR)
OFFICE = "office-33333333-3333-4333-8333-333333333333"


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    with closing(Desk(database_url)) as desk:
        publish_first_edition(desk.ledger)
        yield desk


@pytest.fixture
def settings(database_url: str) -> WatcherSettings:
    return WatcherSettings(database_url)


def eventually(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline, f"not within {LIMIT:.0f} s: {what}"
        time.sleep(0.02)


def all_is_done(database_url: str) -> bool:
    """Whether everything in the ledger is known to the watchers and nothing is overdue."""
    ((head,),) = rows(database_url, "select position from ledger.head")
    found = standing(database_url)
    return (found.position, found.overdue) == (head, 0)


def filed(*deadlines: tuple[Deadline, datetime], at: datetime = START) -> Filed:
    """A complaint with clocks set by hand."""
    return Filed(
        occurred_at=at,
        actor=SERVICE,
        kind=RequestKind.COMPLAINT,
        consumer_id=CONSUMER,
        channel=Channel.APP,
        scheme="free",
        product="电饭锅",
        clocks=tuple(until(deadline, at, due) for deadline, due in deadlines),
    )


def due_of(desk: Desk, stream: str, deadline: Deadline) -> datetime:
    found: list[Clock] = [
        clock for own, _, event in lines(desk.ledger) if own == stream for clock in getattr(event, "clocks", None) or ()
    ]
    return next(clock.due for clock in found if clock.deadline is deadline)


def test_a3_what_is_due_at_its_last_microsecond_is_not_missed_and_one_later_is(
    desk: Desk, settings: WatcherSettings
) -> None:
    stream = desk.file()
    due = due_of(desk, stream, Deadline.FIRST_RESPONSE)
    assert due == end_of_day(date(2026, 3, 11))
    watch_once(settings, due)
    assert of_time(desk.ledger) == []
    watch_once(settings, due + MICROSECOND)
    watch_once(settings, due + MICROSECOND)
    assert of_time(desk.ledger) == [(stream, Deadline.FIRST_RESPONSE, due)]


def test_a3_a_late_answer_that_comes_before_the_watcher_stays_late_and_the_watcher_adds_nothing(
    desk: Desk, settings: WatcherSettings
) -> None:
    stream = desk.promised()
    watch_once(settings, START + hours(1))
    desk.act(stream, "answer", START + hours(25), kind=AnswerKind.EXPLANATION)
    watch_once(settings, START + hours(26))
    missed, answered = [event for _, _, event in lines(desk.ledger)][-2:]
    assert isinstance(missed, DeadlineMissed)
    assert (missed.deadline, missed.occurred_at, missed.actor) == (Deadline.ANSWER, START + hours(24), CLOCK)
    assert isinstance(answered, Answered)
    assert answered.in_time is False
    assert len(of_time(desk.ledger)) == 1


def test_a3_an_answer_in_time_leaves_nothing_to_miss(desk: Desk, settings: WatcherSettings) -> None:
    stream = desk.promised()
    watch_once(settings, START + hours(1))
    desk.act(stream, "answer", START + hours(24), kind=AnswerKind.EXPLANATION)
    watch_once(settings, START + hours(26))
    assert of_time(desk.ledger) == []


def test_c3_silence_hands_the_complaint_over_and_the_term_of_the_authority_runs_at_once(
    desk: Desk, settings: WatcherSettings
) -> None:
    stream = desk.one_click()
    watch_once(settings, START + days(60))
    assert of_time(desk.ledger) == [
        (stream, Deadline.ESCALATION, START + hours(96)),
        (stream, "complaint.upgraded", START + hours(96)),
        (stream, Deadline.FIRST_RESPONSE, end_of_day(date(2026, 3, 11))),
        (stream, Deadline.ACCEPTANCE, end_of_day(date(2026, 3, 17))),
    ]


def test_a3_after_an_outage_all_is_caught_up_in_the_order_of_the_due_times(
    desk: Desk, settings: WatcherSettings
) -> None:
    desk.many(40, days(3))
    watch_once(settings, START)
    desk.many(40, days(3))
    back = START + days(12)
    watch_once(settings, back)
    found = of_time(desk.ledger)
    assert len(found) > 100
    assert [at for _, _, at in found] == sorted(at for _, _, at in found)
    assert_as_the_rules_have_it(desk.ledger, desk.book.current(), back)
    watch_once(settings, back)
    assert of_time(desk.ledger) == found


def test_a3_two_watchers_record_200_deadlines_that_pass_at_once_once(
    desk: Desk, settings: WatcherSettings, tmp_path: Path
) -> None:
    clock = tmp_path / "clock"
    streams = [desk.promised() for _ in range(200)]
    due = START + hours(24)
    clock.write_text(due.isoformat())
    with WorkerProcess(settings, clock=clock) as first, WorkerProcess(settings, clock=clock) as second:
        for watcher in (first, second):
            watcher.await_line("watcher watching")
        eventually(lambda: standing(settings.database_url).running == 200, "all clocks are known")
        new = tmp_path / "new"
        new.write_text((due + hours(1)).isoformat())
        new.replace(clock)
        eventually(lambda: len(of_time(desk.ledger)) >= 200, "all is recorded")
        for watcher in (first, second):
            watcher.stop()
    assert Counter(of_time(desk.ledger)) == Counter((stream, Deadline.ANSWER, due) for stream in streams)


def test_a3_what_the_calendar_of_a_new_year_moves_is_revised_by_an_event(desk: Desk, settings: WatcherSettings) -> None:
    late = datetime(2026, 11, 23, 1, tzinfo=UTC)
    streams = [desk.file(late), desk.file(late)]
    watch_once(settings, late + hours(1))
    provisional = due_of(desk, streams[0], Deadline.RESOLUTION)
    assert rows(settings.database_url, "select provisional, revise from watch.dues") == [(True, False)] * 2
    holidays = tuple(date(2027, 2, day) for day in range(5, 12))
    year = WorkingYear(year=2027, holidays=holidays, workdays=(), source="test")
    publish(
        desk, lambda book, at: decisions.publish_calendar(book, at=at, by=EDITOR, edition=1, calendar=year), "calendars"
    )
    watch_once(settings, late + hours(2))
    watch_once(settings, late + hours(3))
    revised = [(stream, event) for stream, _, event in lines(desk.ledger) if isinstance(event, DuesRevised)]
    assert {stream for stream, _ in revised} == set(streams)
    for _, event in revised:
        (clock,) = event.clocks
        assert (clock.deadline, clock.provisional, event.occurred_at) == (Deadline.RESOLUTION, None, late + hours(2))
        assert clock.due > provisional
    assert len(revised) == 2
    assert rows(settings.database_url, "select provisional, revise from watch.dues") == [(False, False)] * 2


def publish(desk: Desk, decide: Callable[..., Sequence[Event]], part: str) -> None:
    stream = f"rulebook-{part}"
    version = len(desk.ledger.history(stream))
    at = datetime(2026, 11, 23, tzinfo=UTC)
    desk.ledger.execute(stream, lambda book: decide(book, at), Command(f"{version:032x}", f"{version:064x}"))


def test_a_complaint_that_cannot_be_read_or_decided_waits_and_stops_nobody(
    desk: Desk, settings: WatcherSettings
) -> None:
    good = desk.promised()
    unreadable = desk.file()
    undecidable = "complaint-77777777-7777-4777-8777-777777777777"
    desk.append_rubbish(unreadable)
    desk.append(
        undecidable,
        filed((Deadline.ESCALATION, START + hours(2))),
        Accepted(occurred_at=START, actor=SERVICE, office_id=OFFICE, rule_set="rules-to-come"),
    )
    now = START + hours(25)
    failed = "select stream, attempts, again - at from watch.failed order by stream"
    for wait, attempts, pause in ((0, 1, 5), (4, 1, 5), (1, 2, 10), (9, 2, 10), (1, 3, 20)):
        now += timedelta(seconds=wait)
        watch_once(settings, now)
        assert rows(settings.database_url, failed) == sorted(
            (stream, attempts, timedelta(seconds=pause)) for stream in (unreadable, undecidable)
        )
    errors = dict(rows(settings.database_url, "select stream, error from watch.failed"))
    assert "rules-to-come" in errors[undecidable]
    assert of_time(desk.ledger) == [(good, Deadline.ANSWER, START + hours(24))]

    rules = RuleSet.model_validate(
        {
            "id": "rules-to-come",
            "authority": Authority.MARKET_REGULATOR,
            "region": "999999",
            "title": "test",
            "in_force_from": date(2026, 1, 1),
            "terms": {name: {"n": 7, "unit": "working_days", "source": "test"} for name in ("acceptance", "mediation")},
            "refusal_grounds": [{"code": "a", "text": "a", "source": "test", "counts": False}],
            "ending_grounds": [{"code": "b", "text": "b", "source": "test", "counts": True}],
            "source": "test",
        }
    )
    publish(
        desk, lambda book, at: decisions.publish_rule_set(book, at=at, by=EDITOR, edition=1, rule_set=rules), "rules"
    )
    watch_once(settings, now + hours(1))
    assert (undecidable, "complaint.upgraded", START + hours(2)) in of_time(desk.ledger)
    assert rows(settings.database_url, "select stream, attempts from watch.failed") == [(unreadable, 4)]


def test_only_complaints_with_a_clock_that_runs_leave_a_row(desk: Desk, settings: WatcherSettings) -> None:
    with closing(Filler(settings.database_url, 7)) as filler:
        filler.fill(500)
    withdrawn, stopped = desk.file(), desk.file()
    watch_once(WatcherSettings(settings.database_url, max_batch=60), START)
    assert rows(settings.database_url, "select stream from watch.dues order by 1") == sorted([(withdrawn,), (stopped,)])
    desk.act(withdrawn, "withdraw", START + hours(1))
    watch_once(settings, START + hours(1))
    assert rows(settings.database_url, "select stream from watch.dues") == [(stopped,)]
    assert standing(settings.database_url).position == (desk.ledger.recorder.max_notification_id() or 0)


def test_a_watcher_at_rest_wakes_when_something_is_appended_and_when_it_falls_due(
    desk: Desk, settings: WatcherSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without being told of the append it would look again only after the test has given up.
    monkeypatch.setattr("adapters.watcher.LONGEST_S", 10 * LIMIT)
    with running(lambda stop: run_watcher(settings, stop)):
        eventually(lambda: all_is_done(settings.database_url), "the watcher is at rest")
        for number in range(3):
            now = datetime.now(UTC)
            stream = f"complaint-{number:08d}-7777-4777-8777-777777777777"
            due = now + timedelta(seconds=1.5)
            desk.append(stream, filed((Deadline.FIRST_RESPONSE, due), at=now))
            eventually(lambda: len(of_time(desk.ledger)) > number, "the deadline is recorded")  # noqa: B023
            assert of_time(desk.ledger)[-1] == (stream, Deadline.FIRST_RESPONSE, due)


def test_deadlines_are_recorded_while_kafka_is_away_and_published_when_it_is_back(
    desk: Desk, database_url: str, tmp_path: Path
) -> None:
    kafka = KafkaServer(tmp_path / "kafka")
    kafka.start()
    try:
        ensure_topics(kafka.bootstrap, "away.")
        system = System(database_url, kafka.bootstrap, "away.")
        with watched("relay", system, tmp_path) as relay, watched("watcher", system, tmp_path) as watcher:
            relay.await_figure(0, "relay_lag_positions")
            kafka.kill()
            stream = desk.promised(datetime.now(UTC) - days(2))
            watcher.await_figure(1, "watcher_recorded_total", deadline="answer")
            watcher.await_figure(0, "watcher_lag_positions")
            assert [line[:2] for line in of_time(desk.ledger)] == [(stream, Deadline.ANSWER)]
            seen = watcher.figures()
            assert figure(seen, "watcher_dues_waiting") == 1
            assert figure(seen, "watcher_overdue") == figure(seen, "watcher_overdue_seconds") == 0
            assert figure(seen, "watcher_failed") == figure(seen, "watcher_failures_total") == 0
            watcher.await_figure(1, "reactions_total", rule="silence-of-a-merchant")
            watcher.await_figure(1, "reactions_total", rule="complaint-behind-a-credit-event")
            assert figure(watcher.figures(), "appends_total", outcome="appended") == 3
            watcher.await_line(logger="watcher", message="recorded what was due, complaints: 1")
            assert (figure(relay.figures(), "relay_lag_positions") or 0) >= 3
            kafka.start()
            relay.await_figure(0, "relay_lag_positions")
            watcher.stop()
    finally:
        kafka.kill()


def test_a_watcher_outlives_postgresql_and_goes_on(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / "postgres")
    server.start()
    try:
        migrate(server.url)
        with closing(Desk(server.url)) as desk:
            publish_first_edition(desk.ledger)
            desk.promised()
        clock = START + hours(25)
        with running(lambda stop: run_watcher(WatcherSettings(server.url), stop, now=lambda: clock)):
            for number, end in enumerate((server.stop, server.kill), 1):
                await_recorded(server.url, number)
                end()
                server.start()
                with closing(Desk(server.url, seed=1 + number)) as desk:
                    desk.promised()
            await_recorded(server.url, 3)
    finally:
        server.stop()


def await_recorded(database_url: str, number: int) -> None:
    with closing(Desk(database_url)) as desk:
        eventually(lambda: len(of_time(desk.ledger)) == number, f"{number} deadlines are recorded")
