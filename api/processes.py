"""The processes of a deployment, each a command of its own. `complaints up` runs all of them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Annotated

import typer

from adapters.database import connect
from adapters.migrations import migrate
from adapters.projector import ProjectorSettings, run_projector
from adapters.read_store import ensure_progress
from adapters.relay import RelaySettings, run_relay
from adapters.topics import all_partitions, consumer, ensure_topics
from api.settings import Settings, load_settings
from domain.errors import InvalidInput
from projections.catalogue import PROJECTIONS


def prepare() -> None:
    """Bring database and topics to the present schema. The services run it before anything else."""
    settings = load_settings()
    database_url, bootstrap = _endpoints(settings)
    migrate(database_url, lambda message: print(message, flush=True))
    ensure_topics(bootstrap, settings.topic_prefix, settings.partitions)
    reader = consumer(bootstrap)
    partitions = [(tp.topic, tp.partition) for tp in all_partitions(reader, settings.topic_prefix)]
    reader.close()
    conn = connect(database_url, "ledger_projector")
    ensure_progress(conn, PROJECTIONS, partitions)
    conn.close()


def api() -> None:
    """Serve the HTTP API."""
    # Here, since the web framework would more than double the start of every other command.
    from api.serve import serve

    settings = load_settings()
    if settings.database_url is None:
        raise InvalidInput("the API needs COMPLAINTS_DATABASE_URL", hint="or run everything with: complaints up")
    serve(settings, settings.database_url)


def relay() -> None:
    """Publish the ledger on Kafka, or stand by while another relay does."""
    settings = load_settings()
    relay_settings = RelaySettings(*_endpoints(settings), settings.topic_prefix)
    _until_told(lambda stop: run_relay(relay_settings, stop))


def projector(
    instance: Annotated[
        str | None, typer.Option(help="A name of its own, kept over restarts: then it goes on at once after a crash.")
    ] = None,
) -> None:
    """Keep the read models up to date, sharing the work with other projectors."""
    settings = load_settings()
    projector_settings = ProjectorSettings(*_endpoints(settings), settings.topic_prefix, instance=instance)
    _until_told(lambda stop: run_projector(projector_settings, stop))


def _endpoints(settings: Settings) -> tuple[str, str]:
    if settings.database_url is None or settings.kafka_bootstrap is None:
        raise InvalidInput(
            "a single process needs COMPLAINTS_DATABASE_URL and COMPLAINTS_KAFKA_BOOTSTRAP",
            hint="or run everything with: complaints up",
        )
    return settings.database_url, settings.kafka_bootstrap


def _until_told(work: Callable[[threading.Event], None]) -> None:
    """Work until SIGTERM or SIGINT, then end in order."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    work(stop)
