"""What every implementation of the eventsourcing library's ApplicationRecorder promises, and what ours adds.

The published cases are reached through their module, since pytest would collect them as names of this one.
"""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg2
import pytest
from eventsourcing.persistence import ApplicationRecorder, IntegrityError, Notification, StoredEvent
from eventsourcing.popo import POPOApplicationRecorder
from eventsourcing.tests import persistence as published

from adapters import ledger
from adapters.ledger import (
    MAX_BATCH_EVENTS,
    Append,
    LedgerUnavailable,
    PostgresRecorder,
    PostgresSubscription,
    wait_for_notify,
)

LIMIT = 20.0


class OnPostgres:
    """Gives a unittest case the recorder under test, over a fresh database."""

    @pytest.fixture(autouse=True)
    def _fresh_database(self, database_url: str) -> Iterator[None]:
        self._recorders: list[PostgresRecorder] = []
        self._url = database_url
        yield
        for recorder in self._recorders:
            recorder.close()

    def create_recorder(self) -> PostgresRecorder:
        assert not self._recorders, "a published case makes one recorder"
        self._recorders.append(PostgresRecorder(self._url))
        return self._recorders[0]


class InMemory:
    """Gives a unittest case the library's own recorder: what the cases take for granted."""

    def create_recorder(self) -> POPOApplicationRecorder:
        return POPOApplicationRecorder()


class TestPublishedCasesOnPostgres(OnPostgres, published.ApplicationRecorderTestCase[PostgresRecorder]):
    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestPublishedCasesInMemory(InMemory, published.ApplicationRecorderTestCase[POPOApplicationRecorder]):
    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestNonInterleavingOnPostgres(OnPostgres, published.NonInterleavingNotificationIDsBaseCase):
    pass


class TestNonInterleavingInMemory(InMemory, published.NonInterleavingNotificationIDsBaseCase):
    pass


def made(stream: UUID | str, versions: Sequence[int], topic: str = "tried") -> list[StoredEvent]:
    return [StoredEvent(stream, version, topic, f"{stream} {version}".encode()) for version in versions]


def versions_of(events: Sequence[StoredEvent]) -> list[int]:
    return [event.originator_version for event in events]


@pytest.fixture
def postgres(database_url: str) -> Iterator[PostgresRecorder]:
    recorder = PostgresRecorder(database_url)
    yield recorder
    recorder.close()


@pytest.fixture(params=["postgres", "memory"])
def recorder(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue("postgres") if request.param == "postgres" else POPOApplicationRecorder()


def test_a_refused_append_leaves_no_gap_between_positions(recorder: ApplicationRecorder) -> None:
    assert recorder.insert_events(made("a-1", [1, 2])) == [1, 2]
    for _ in range(3):
        with pytest.raises(IntegrityError):
            recorder.insert_events(made("a-1", [2, 3]))
    assert recorder.insert_events(made("a-2", [1])) == [3]
    with pytest.raises(IntegrityError):
        recorder.insert_events([*made("a-3", [1]), *made("a-2", [1])])
    assert recorder.insert_events(made("a-1", [3])) == [4]
    assert recorder.max_notification_id() == 4
    assert [event.id for event in recorder.select_notifications(None, 100)] == [1, 2, 3, 4]


def test_the_events_of_one_append_succeed_or_fail_together(recorder: ApplicationRecorder) -> None:
    recorder.insert_events(made("b-1", [1]))
    with pytest.raises(IntegrityError):
        recorder.insert_events([*made("b-2", [1, 2]), *made("b-1", [1]), *made("b-3", [1])])
    assert [recorder.select_events(stream) for stream in ("b-2", "b-3")] == [[], []]
    assert recorder.insert_events([*made("b-2", [1, 2]), *made("b-1", [2]), *made("b-3", [1])]) == [2, 3, 4, 5]
    assert [event.originator_id for event in recorder.select_notifications(2, 100)] == ["b-2", "b-2", "b-1", "b-3"]


@pytest.mark.parametrize("stream", ["complaint-1", uuid4()])
def test_a_stream_is_read_by_ranges_of_versions(recorder: ApplicationRecorder, stream: UUID | str) -> None:
    recorder.insert_events(made(stream, range(10)))
    recorder.insert_events(made("other", [0]))
    assert recorder.select_events(stream) == made(stream, range(10))
    assert versions_of(recorder.select_events(stream, gt=0)) == list(range(1, 10))
    assert versions_of(recorder.select_events(stream, gt=3, lte=6)) == [4, 5, 6]
    assert versions_of(recorder.select_events(stream, lte=6, limit=2)) == [0, 1]
    assert versions_of(recorder.select_events(stream, gt=3, lte=6, desc=True)) == [6, 5, 4]
    assert versions_of(recorder.select_events(stream, desc=True, limit=1)) == [9]
    assert recorder.select_events(stream, gt=9) == []
    assert recorder.select_events("unknown") == []


def test_positions_are_read_by_ranges_and_topics(recorder: ApplicationRecorder) -> None:
    for n in range(10):
        recorder.insert_events(made(f"c-{n}", [1], "even" if n % 2 == 0 else "odd"))

    def read(*args: Any, **kwargs: Any) -> list[int]:
        return [event.id for event in recorder.select_notifications(*args, **kwargs)]

    assert read(None, 3) == [1, 2, 3]
    assert read(4, 3) == [4, 5, 6]
    assert read(4, 3, inclusive_of_start=False) == [5, 6, 7]
    assert read(4, 100, 6) == [4, 5, 6]
    assert read(2, 100, topics=["odd"]) == [2, 4, 6, 8, 10]
    assert read(11, 100) == []


@pytest.mark.parametrize("first", [0, 1])
def test_a_stream_may_start_at_0_or_1(postgres: PostgresRecorder, first: int) -> None:
    postgres.insert_events(made("d-1", [first, first + 1]))
    postgres.insert_events(made("d-1", [first + 2]))
    assert versions_of(postgres.select_events("d-1")) == [first, first + 1, first + 2]


@pytest.mark.parametrize("versions", [[2], [-1], [-1, 0], [1, 3], [1, 1], [0, 1, 1, 2]])
def test_a_stream_cannot_start_elsewhere_or_with_a_gap(postgres: PostgresRecorder, versions: list[int]) -> None:
    with pytest.raises(IntegrityError, match="e-1"):
        postgres.insert_events(made("e-1", versions))
    assert postgres.max_notification_id() is None


@pytest.mark.parametrize("versions", [[2], [1], [4], [5], [3, 5], [4, 3, 5, 5]])
def test_a_stream_cannot_go_on_elsewhere_or_with_a_gap(postgres: PostgresRecorder, versions: list[int]) -> None:
    postgres.insert_events(made("f-1", [1, 2]))
    with pytest.raises(IntegrityError, match="f-1 is at version 2"):
        postgres.insert_events(made("f-1", versions))
    assert postgres.insert_events(made("f-1", [3])) == [3]


def test_a_command_id_is_accepted_once_whatever_the_stream(postgres: PostgresRecorder) -> None:
    postgres.insert_events(made("g-1", [1, 2]), command_id="c")
    for events in (made("g-1", [3]), made("g-2", [1]), made("g-1", [1, 2])):
        with pytest.raises(IntegrityError, match="at position 1"):
            postgres.insert_events(events, command_id="c")
    assert postgres.max_notification_id() == 2


def test_an_append_larger_than_a_batch_is_one_append(postgres: PostgresRecorder) -> None:
    size = MAX_BATCH_EVENTS + 1
    assert postgres.insert_events(made("h-1", range(1, size + 1))) == list(range(1, size + 1))
    with pytest.raises(IntegrityError):
        postgres.insert_events([*made("h-2", range(1, size)), *made("h-1", [1])])
    assert postgres.max_notification_id() == size


def test_a_bad_append_is_refused_alone_though_it_shared_a_batch(postgres: PostgresRecorder) -> None:
    too_long = [StoredEvent("i-bad", 1, "tried", b"x" * 60_001)]
    batches = [made("i-1", [1]), too_long, made("i-2", [2]), made("i-3", [1, 2]), made("i-\0", [1])]
    appends = [postgres.writer.submit(Append(events)) for events in batches]
    outcomes: list[str] = []
    for append in appends:
        try:
            outcomes.append(type(postgres.writer.wait(append)).__name__)
        except Exception as error:
            outcomes.append(type(error).__name__)
    assert outcomes == ["Appended", "CheckViolation", "Conflict", "Appended", "ValueError"]
    assert [event.id for event in postgres.select_notifications(1, 10)] == [1, 2, 3]


def test_texts_that_look_like_array_syntax_come_back_as_they_were(postgres: PostgresRecorder) -> None:
    for n, stream in enumerate(['q-"', "q-\\", "q-{a,b}", "NULL", "q- ' ", "q-诉", "q-\n", ""], 1):
        assert postgres.insert_events(made(stream, [1], topic=stream)) == [n]
        assert postgres.select_events(stream) == made(stream, [1], topic=stream)


class AppendsMeanwhile(PostgresRecorder):
    """Its first read of the ledger's end is answered only after ``then`` has run."""

    then: Callable[[], object] | None = None

    def select_notifications(self, *args: Any, **kwargs: Any) -> Sequence[Notification]:
        found = super().select_notifications(*args, **kwargs)
        then, self.then = self.then, None
        if then is not None:
            then()
        return found


def test_an_event_appended_right_after_a_subscriptions_first_pull_is_announced(
    postgres: PostgresRecorder, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without the pull once a second, only NOTIFY can tell of it.
    monkeypatch.setattr(ledger, "wait_for_notify", lambda conn, _: wait_for_notify(conn, LIMIT))
    follower = AppendsMeanwhile(database_url)
    follower.then = lambda: postgres.insert_events(made("k-1", [1]))
    with ending(follower.subscribe()) as subscription:
        assert next(subscription).originator_id == "k-1"
        subscription.stop()
        postgres.insert_events(made("k-1", [2]))
    follower.close()


def test_a_subscription_outlives_the_loss_of_its_listening_connection(
    postgres: PostgresRecorder, postgres_url: str
) -> None:
    with ending(postgres.subscribe()) as subscription:
        postgres.insert_events(made("l-1", [1]))
        assert next(subscription).id == 1
        terminate(postgres_url, postgres.url, "listen ledger")
        postgres.insert_events(made("l-1", [2]))
        assert next(subscription).id == 2


def terminate(owner_url: str, url: str, query: str) -> None:
    conn = psycopg2.connect(owner_url)
    with conn, conn.cursor() as cursor:
        cursor.execute(
            "select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity where datname = %s and query = %s",
            (url.rpartition("/")[2], query),
        )
        assert cursor.fetchone() == (1,)
    conn.close()


@contextmanager
def ending(subscription: PostgresSubscription) -> Iterator[PostgresSubscription]:
    """Stop a subscription that delivers nothing, so that the test fails instead of waiting for ever."""
    timer = threading.Timer(LIMIT, subscription.stop)
    timer.start()
    with subscription:
        yield subscription
    timer.cancel()


def test_a_closed_recorder_takes_no_more_appends(postgres: PostgresRecorder) -> None:
    postgres.insert_events(made("m-1", [1]))
    postgres.close()
    with pytest.raises(LedgerUnavailable, match="closed"):
        postgres.insert_events(made("m-1", [2]))
    assert postgres.max_notification_id() == 1


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Make threads take turns as often as possible."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty_threads")
def test_appends_that_race_with_closing_take_effect_or_are_refused(database_url: str) -> None:
    ends: list[tuple[str, int]] = []

    def append(recorder: PostgresRecorder) -> None:
        stream = str(uuid4())
        for version in itertools.count():
            try:
                recorder.insert_events(made(stream, [version]))
            except LedgerUnavailable:
                ends.append((stream, version))
                break

    for _ in range(20):
        recorder = PostgresRecorder(database_url)
        threads = [threading.Thread(target=append, args=(recorder,), daemon=True) for _ in range(8)]
        for thread in threads:
            thread.start()
        recorder.insert_events(made(str(uuid4()), [1]))
        recorder.close()
        for thread in threads:
            thread.join(LIMIT)
        assert len(ends) == len(threads)
        for stream, appended in ends:
            assert len(recorder.select_events(stream)) == appended
        recorder.close()
        ends.clear()
