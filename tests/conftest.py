"""One real PostgreSQL and one real Kafka for the whole run; a test gets a database and topics of its own."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of the owner of a real server."""
    server = PostgresServer(tmp_path_factory.mktemp("postgres"))
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
    conn = connect(postgres_url, None)
    with conn.cursor() as cursor:
        cursor.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    conn.close()
    url = postgres_url.rpartition("/")[0] + "/" + name
    migrate(url)
    return url


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
