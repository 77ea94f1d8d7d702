"""What is answered together is of one moment: a writer commits between two statements, and the answer is as before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date
from typing import Any

import psycopg2
import pytest
from psycopg2 import errors
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from adapters import effects, figures, flows, oversight, search, volumes
from adapters.around import Turn, around
from adapters.database import Pool, connect
from adapters.efficiency import efficiency
from adapters.explaining import RecordingPool
from adapters.queries import complete_to
from adapters.reports import report
from adapters.snapshots import OPEN, TABLES, snapshot
from domain.complaint.ending import Withdrawn
from domain.event import Event
from domain.subject.consents import ConsentsOpened
from domain.subject.leaks import LeakRecorded
from tests.integration.reported import (
    BEGUN,
    CONSUMER,
    DAYS,
    GREAT,
    IDS,
    MAY,
    Q1,
    REGULATOR,
    SMALL,
    World,
    complaint,
    filled,
)

SUBJECT = f"subject-{IDS}1"
LATER = date(2026, 7, 1)


@pytest.fixture(scope="module")
def world(postgres_url: str) -> Iterator[World]:
    found = filled(postgres_url)
    found.append(SUBJECT, ConsentsOpened(occurred_at=BEGUN, actor=REGULATOR, consumer_id=CONSUMER))
    found.follow()
    yield found
    found.close()


class Interrupted(Pool):
    """Lends the cursors of another pool; something is done once, between the first statement and the second."""

    def __init__(self, pool: Pool, between: Callable[[], object]) -> None:
        super().__init__(pool.url, pool.role)
        self._pool, self._between = pool, between
        self.statements = 0

    @contextmanager
    def cursor(self) -> Iterator[Any]:
        with self._pool.cursor() as cursor:
            yield _Interrupted(cursor, self)

    def before_statement(self) -> None:
        self.statements += 1
        if self.statements == 2:
            self._between()


class _Interrupted:
    def __init__(self, cursor: Any, pool: Interrupted) -> None:
        self._cursor, self._pool = cursor, pool

    def execute(self, query: str, parameters: Any = None) -> None:
        self._pool.before_statement()
        self._cursor.execute(query, parameters)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._cursor)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)


def withdrawn(n: int) -> tuple[str, Event]:
    return complaint(n), Withdrawn(occurred_at=MAY, actor=REGULATOR)


def leaked() -> tuple[str, Event]:
    told = {"source": "s", "what": "w", "complaints": (complaint(0),)}
    return SUBJECT, LeakRecorded(occurred_at=MAY, actor=REGULATOR, **told)


@pytest.mark.parametrize(
    ("answer", "written"),
    [
        pytest.param(lambda pool: oversight.alerts(pool, today=date(2026, 5, 2)), leaked(), id="alerts"),
        pytest.param(
            lambda pool: figures.publication(pool, **DAYS, least=30, today=LATER), withdrawn(101), id="publication"
        ),
        pytest.param(
            lambda pool: efficiency(pool, (Q1.first, Q1.last), (Q1.last, date(2026, 6, 30)), today=LATER),
            withdrawn(33),
            id="efficiency",
        ),
        pytest.param(
            lambda pool: around(pool, [Turn(GREAT, MAY.date()), Turn(GREAT, MAY.date(), "payment")], today=LATER),
            withdrawn(34),
            id="around",
        ),
        pytest.param(lambda pool: effects.circle_effects(pool, MAY).page(10), withdrawn(35), id="circle_effects"),
        pytest.param(
            lambda pool: effects.corrective_effects(pool, MAY).page(10), withdrawn(36), id="corrective_effects"
        ),
        pytest.param(lambda pool: volumes.per_10_000(pool, merchant_id=SMALL), withdrawn(60), id="per_10_000"),
        pytest.param(
            lambda pool: search.facets(pool, search.Search({"merchant": [GREAT]}), now=MAY), withdrawn(37), id="facets"
        ),
        pytest.param(
            lambda pool: flows.behind(pool, flows.Query(), "withdrawn", key=None, scheme=None)[:2],
            withdrawn(38),
            id="behind",
        ),
        pytest.param(lambda pool: report(pool, Q1, today=LATER), withdrawn(39), id="report"),
    ],
)
def test_what_is_answered_together_is_of_one_moment(
    world: World, answer: Callable[[Pool], object], written: tuple[str, Event]
) -> None:
    def write() -> None:
        world.append(*written)
        world.follow()

    before = answer(world.pool)
    interrupted = Interrupted(world.pool, write)
    assert answer(interrupted) == before
    assert interrupted.statements >= 2
    # So that what was written could have been seen.
    assert answer(world.pool) != before


@pytest.mark.parametrize("within", [lambda pool: pool, RecordingPool], ids=["plain", "recorded"])
def test_a_snapshot_within_another_is_of_the_same_moment_and_does_not_end_it(
    world: World, within: Callable[[Pool], Pool]
) -> None:
    with snapshot(world.pool) as outer:
        before = complete_to(outer)
        world.append(*leaked())
        assert world.follow() > before
        with snapshot(within(outer)) as inner:
            assert complete_to(inner) == before
        assert complete_to(outer) == before
    assert complete_to(world.pool) > before


def test_the_cursor_of_a_snapshot_is_lent_to_one_reader_at_a_time(world: World) -> None:
    with snapshot(world.pool) as moment:
        with moment.cursor(), pytest.raises(RuntimeError, match="is lent"), moment.cursor():
            pass
        assert complete_to(moment) == complete_to(world.pool)


def test_no_generation_takes_the_place_of_tables_while_a_snapshot_lasts(world: World) -> None:
    def replaced(table: str) -> None:
        with closing(connect(world.url, None, autocommit=False)) as conn, conn.cursor() as cursor:
            cursor.execute(f"lock table {table} in access exclusive mode nowait")

    watcher = Pool(world.url, "ledger_watcher")
    for pool, held in ((watcher, OPEN), (world.pool, TABLES)):
        with snapshot(pool):
            for table in held:
                with pytest.raises(errors.LockNotAvailable):
                    replaced(table)
        for table in held:
            replaced(table)
    watcher.close()


def _fails(cursor: Any) -> None:
    cursor.execute("select 1 / 0")


def _takes_too_long(cursor: Any) -> None:
    cursor.execute("set local statement_timeout = 1")
    cursor.execute("select pg_sleep(60)")


def _raises(cursor: Any) -> None:
    cursor.execute("select 1")
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (_fails, psycopg2.DataError),
        (_takes_too_long, errors.QueryCanceled),
        (_raises, KeyboardInterrupt),
        (lambda cursor: cursor.connection.close(), psycopg2.InterfaceError),
    ],
    ids=["statement", "time-out", "program", "connection"],
)
def test_after_an_error_within_a_snapshot_the_pool_lends_connections_as_before(
    world: World, body: Callable[[Any], None], error: type[BaseException]
) -> None:
    def read(pool: Pool) -> None:
        with snapshot(pool) as moment, moment.cursor() as cursor:
            body(cursor)
            cursor.execute("select 1")

    with closing(Pool(world.url, "ledger_api")) as pool:
        with pytest.raises(error):
            read(pool)
        for _ in range(2):
            with pool.cursor() as cursor:
                cursor.execute(
                    "select current_setting('transaction_isolation'), current_setting('transaction_read_only')"
                )
                assert cursor.fetchall() == [("read committed", "off")]
                assert cursor.connection.autocommit
                assert cursor.connection.info.transaction_status == TRANSACTION_STATUS_IDLE


def test_a_snapshot_takes_no_connection_of_its_own(world: World) -> None:
    def session(pool: Pool) -> int:
        with pool.cursor() as cursor:
            cursor.execute("select pg_backend_pid()")
            return int(cursor.fetchone()[0])

    with closing(Pool(world.url, "ledger_api")) as pool:
        own = session(pool)
        with snapshot(pool) as moment:
            assert session(moment) == own
        assert session(pool) == own
