"""Filled read models and an API process on them, of each module its own; a module may have another `server`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from adapters.database import Pool
from tests.conftest import create_database
from tests.filled import fill
from tests.integration import item_world, level
from tests.integration.deadlines import Desk
from tests.integration.reported import World, filled
from tests.integration.test_http import Server


@pytest.fixture(scope="module")
def world(postgres_url: str) -> Iterator[World]:
    found = filled(postgres_url)
    yield found
    found.close()


@pytest.fixture(scope="module")
def server(world: World) -> Iterator[Server]:
    found = Server(world.url)
    yield found
    found.stop()


@pytest.fixture(scope="module")
def http(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


@pytest.fixture(scope="session")
def items(postgres_url: str, kafka_bootstrap: str) -> Iterator[item_world.World]:
    """A ledger with something on every board; nothing is to be written to it."""
    with item_world.items(postgres_url, kafka_bootstrap) as found:
        yield found


@pytest.fixture(scope="session")
def level_pool(postgres_url: str) -> Iterator[Pool]:
    """Connections of the API to read models in which much is level; nothing is to be written to them."""
    url = create_database(postgres_url, f"level_{os.getpid()}")
    fill(url, level.streams())
    with closing(Pool(url, "ledger_api")) as pool:
        yield pool


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    with closing(Desk(database_url)) as desk:
        yield desk
