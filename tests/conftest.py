"""One real PostgreSQL and one real Kafka for each worker of a run; a test gets a database and topics of its own."""

from __future__ import annotations

import fcntl
import itertools
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from psycopg2 import sql

from adapters.database import connect
from adapters.embedded.kafka import KafkaServer
from adapters.embedded.postgres import PostgresServer
from adapters.migrations import migrate
from adapters.relay import RelaySettings, run_relay
from adapters.topics import ensure_topics

_numbers = itertools.count(1)

#: Files that take longest, which come first.
LONGEST = (
    "test_cli.py",
    "test_http_fuzz.py",
    "test_relay_kill.py",
    "test_schedule.py",
    "test_processes.py",
    "test_embedded.py",
    "test_record.py",
    "test_simulation.py",
    "test_verify.py",
    "test_generations.py",
    "test_rulebook.py",
    "test_http_life.py",
)

# A broker starts in half the time without its best compiler, and a run starts many.
os.environ.setdefault("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every test an id of its own, and begin with those that take longest.

    Of tests with the same id, workers run one and say nothing of the others. A long test that begins last is waited
    for by a worker that has nothing left to do.
    """
    for item in items:
        # With pytest 9.2, what schemathesis makes of a test for each operation has one id for all.
        operation = getattr(item, "operation_label", None)
        if operation is not None and not item.nodeid.endswith("]"):
            item._id = item.id.with_params(operation)
    twice = [name for name, times in Counter(item.nodeid for item in items).items() if times > 1]
    if twice:
        raise pytest.UsageError(f"tests have the same id: {', '.join(twice)}")
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of the owner of a real server."""
    server = PostgresServer(tmp_path_factory.mktemp("postgres"))
    # The first server that root starts on a machine makes the user that all of them run as.
    with (tmp_path_factory.getbasetemp().parent / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        server.start()
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def kafka_bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """host:port of a real broker."""
    server = KafkaServer(tmp_path_factory.mktemp("kafka"))
    server.start()
    yield server.bootstrap
    server.stop()


def create_database(postgres_url: str, name: str) -> str:
    """Create a database with the ledger's schema; returns its URL."""
    return _create(postgres_url, name, template=_migrated(postgres_url))


@cache
def _migrated(postgres_url: str) -> str:
    """The name of a database that was migrated once, for copies."""
    name = "migrated"
    migrate(_create(postgres_url, name, template="template1"))
    return name


def _create(postgres_url: str, name: str, template: str) -> str:
    conn = connect(postgres_url, None)
    with conn.cursor() as cursor:
        statement = sql.SQL("create database {} template {}")
        cursor.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
    conn.close()
    return postgres_url.rpartition("/")[0] + "/" + name


@pytest.fixture
def database_url(postgres_url: str) -> str:
    """A fresh database with the ledger's schema."""
    return create_database(postgres_url, f"t{os.getpid()}_{next(_numbers)}")


@pytest.fixture
def topic_prefix(kafka_bootstrap: str) -> str:
    """A fresh set of topics, named by the prefix."""
    prefix = f"t{os.getpid()}-{next(_numbers)}."
    ensure_topics(kafka_bootstrap, prefix)
    return prefix


@dataclass(frozen=True)
class System:
    """A database and topics of one test, with its relay at hand."""

    database_url: str
    kafka_bootstrap: str
    topic_prefix: str

    @property
    def where(self) -> tuple[str, str, str]:
        """The same, in the order in which everybody takes them."""
        return self.database_url, self.kafka_bootstrap, self.topic_prefix

    @contextmanager
    def relaying(self) -> Iterator[None]:
        """Run the relay in a thread."""
        settings = RelaySettings(*self.where)
        with running(lambda stop: run_relay(settings, stop)):
            yield


@contextmanager
def running(target: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run ``target`` in a thread until the block ends; its error becomes the test's."""
    stop = threading.Event()
    errors: list[BaseException] = []

    def run() -> None:
        try:
            target(stop)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    if errors:
        raise errors[0]


@pytest.fixture
def system(database_url: str, kafka_bootstrap: str, topic_prefix: str) -> System:
    """A fresh database and fresh topics."""
    return System(database_url, kafka_bootstrap, topic_prefix)


@pytest.fixture(scope="session")
def sample() -> Path:
    """The bundled file of real complaints."""
    return Path(__file__).parent.parent / "adapters" / "data" / "cfpb_2014.csv"
