"""The processes of a deployment, each a command of its own. `complaints up` runs all of them."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Annotated

import typer

from adapters import metrics
from adapters.database import connect
from adapters.execute import open_ledger
from adapters.ledger_figures import LedgerFigures, feed_figures, projection_figures, relay_figures, watcher_figures
from adapters.metrics_endpoint import serving_metrics
from adapters.migrations import migrate
from adapters.projector import ProjectorSettings, run_projector
from adapters.public_feed import FeedSettings, run_feed
from adapters.read_store import ensure_progress
from adapters.relay import RelaySettings, run_relay
from adapters.rulebook import publish_first_edition
from adapters.topics import all_partitions, consumer, ensure_topics
from adapters.watcher import WatcherSettings, run_watcher
from api import logs
from api.settings import Settings, load_settings
from domain.errors import InvalidInput
from projections.catalogue import PROJECTIONS


def prepare() -> None:
    """Bring database and topics to the present schema, and a rulebook to a ledger that has none.

    The services run it before anything else.
    """
    settings = load_settings()
    database_url, bootstrap = _endpoints(settings)
    migrate(database_url, lambda message: print(message, flush=True))
    with closing(open_ledger(database_url)) as ledger:
        if published := publish_first_edition(ledger):
            print(f"published the first edition of the rulebook: {published} events", flush=True)
    ensure_topics(bootstrap, settings.topic_prefix, settings.partitions)
    reader = consumer(bootstrap)
    partitions = [(tp.topic, tp.partition) for tp in all_partitions(reader, settings.topic_prefix)]
    reader.close()
    conn = connect(database_url, "ledger_projector")
    ensure_progress(conn, PROJECTIONS, partitions)
    conn.close()


def api(
    share_port: Annotated[
        bool, typer.Option("--share-port", help="Let other API processes listen on COMPLAINTS_API_PORT too.")
    ] = False,
) -> None:
    """Serve the HTTP API."""
    # Here, since the web framework would more than double the start of every other command.
    from api.serve import serve

    settings = load_settings()
    if settings.database_url is None:
        raise InvalidInput("the API needs COMPLAINTS_DATABASE_URL", hint="or run everything with: complaints up")
    # The server ends by sending itself again the signal that it got; as an exception, that leaves time to close all.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with _process("api", settings):
        serve(settings, settings.database_url, share_port)


def relay() -> None:
    """Publish the ledger on Kafka, or stand by while another relay does."""
    settings = load_settings()
    relay_settings = RelaySettings(*_endpoints(settings), settings.topic_prefix)
    with _process("relay", settings, LedgerFigures(relay_settings.database_url, relay_figures)):
        _until_told(lambda stop: run_relay(relay_settings, stop))


def feed() -> None:
    """Write the redacted public feed, or stand by while another feed does."""
    settings = load_settings()
    feed_settings = FeedSettings(*_endpoints(settings), settings.topic_prefix)
    with _process("feed", settings, LedgerFigures(feed_settings.database_url, feed_figures)):
        _until_told(lambda stop: run_feed(feed_settings, stop))


def projector(
    instance: Annotated[
        str | None, typer.Option(help="A name of its own, kept over restarts: then it goes on at once after a crash.")
    ] = None,
) -> None:
    """Keep the read models up to date, sharing the work with other projectors."""
    settings = load_settings()
    projector_settings = ProjectorSettings(*_endpoints(settings), settings.topic_prefix, instance=instance)
    with _process("projector", settings, LedgerFigures(projector_settings.database_url, projection_figures)):
        _until_told(lambda stop: run_projector(projector_settings, stop))


def watcher() -> None:
    """Record deadlines as they pass, sharing the work with other watchers. It needs no Kafka."""
    settings = load_settings()
    if settings.database_url is None:
        raise InvalidInput("the watcher needs COMPLAINTS_DATABASE_URL", hint="or run everything with: complaints up")
    watcher_settings = WatcherSettings(settings.database_url)
    with _process("watcher", settings, LedgerFigures(settings.database_url, watcher_figures)):
        _until_told(lambda stop: run_watcher(watcher_settings, stop))


def _endpoints(settings: Settings) -> tuple[str, str]:
    if settings.database_url is None or settings.kafka_bootstrap is None:
        raise InvalidInput(
            "a single process needs COMPLAINTS_DATABASE_URL and COMPLAINTS_KAFKA_BOOTSTRAP",
            hint="or run everything with: complaints up",
        )
    return settings.database_url, settings.kafka_bootstrap


@contextmanager
def _process(name: metrics.Process, settings: Settings, *figures: LedgerFigures) -> Iterator[None]:
    """Log and answer Prometheus as the process of this name."""
    logs.configure(name)
    try:
        with serving_metrics(
            name, metrics.registry(name, *figures), settings.metrics_host, settings.metrics_port, settings.data_dir
        ):
            yield
    except Exception:
        logging.getLogger(name).critical("the process ends by an error", exc_info=True)
        raise


def _until_told(work: Callable[[threading.Event], None]) -> None:
    """Work until SIGTERM or SIGINT, then end in order."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    work(stop)
