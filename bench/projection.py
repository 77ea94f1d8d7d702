"""How fast are events projected, into two tables against eventsourcing's ProjectionRunner, and into all read models?"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from adapters.database import connect
from adapters.projector import MAX_BATCH, ProjectorSettings, run_projector
from adapters.record import read_record
from adapters.topics import all_partitions, bounds, consumer, read_range
from bench.corpus import Corpora
from bench.harness import Comparison, Scale, Services, alternate, paired, say
from bench.peer import peer_python, peer_settings
from bench.two_tables import TWO_TABLES
from bench.worker import peak_mb, worker
from projections.catalogue import PROJECTIONS

TARGET = 15.0


def measure(services: Services, corpora: Corpora, scale: Scale) -> list[Comparison]:
    """Compare events per second, from opening the connections until the read models are complete."""
    corpus = corpora.at_least(scale.projected_events)
    prefix = services.new_topics()
    bootstrap = services.kafka_bootstrap
    say(f"projection: publishing {corpus.events:,} events")
    with worker("bench.relay:relay", url=corpus.url, bootstrap=bootstrap, prefix=prefix) as publish:
        publish(events=corpus.events)
    few = scale.peer_projected_events

    def ours(everything: bool) -> float:
        url = services.new_database()
        set_published(url, corpus.events)
        with worker(
            "bench.projection:projector", url=url, bootstrap=bootstrap, prefix=prefix, everything=everything
        ) as project:
            seconds = float(project(position=corpus.events)["seconds"])
        services.drop_database(url)
        return corpus.events / seconds

    def peer(synchronous: bool) -> float:
        url = services.new_database()
        with worker(
            "bench.peer_projection:runner",
            python=peer_python(),
            settings=peer_settings(url),
            source=peer_settings(corpus.url),
            events=few,
            synchronous=synchronous,
        ) as project:
            services.checkpoint()
            rate = few / float(project())
        services.drop_database(url)
        return rate

    def ceiling() -> float:
        with worker("bench.projection:poller", bootstrap=bootstrap, prefix=prefix) as poll:
            return corpus.events / float(poll(events=corpus.events))

    say(f"projection: {corpus.events:,} events, the peer {few:,}")
    projected, whole, durable, lazy, polled = alternate(
        scale.pairs, lambda: ours(False), lambda: ours(True), lambda: peer(True), lambda: peer(False), ceiling
    )
    services.drop_topics(prefix)
    what = f"projecting {corpus.events:,} events into two tables"
    return [
        Comparison(
            f"{what}, against one event per transaction ({few:,} events)",
            "run_projector",
            "eventsourcing.ProjectionRunner",
            "events/s",
            paired(projected, durable),
            TARGET,
        ),
        Comparison(
            f"{what}, against the same with synchronous_commit off, as we have it",
            "run_projector",
            "eventsourcing.ProjectionRunner",
            "events/s",
            paired(projected, lazy),
        ),
        Comparison(
            f"{what}, against only reading them",
            "run_projector",
            "KafkaConsumer.poll and read_record",
            "events/s",
            paired(projected, polled),
        ),
        Comparison(
            f"projecting {corpus.events:,} events into all read models, against only reading them",
            "run_projector",
            "KafkaConsumer.poll and read_record",
            "events/s",
            paired(whole, polled),
        ),
    ]


def set_published(url: str, position: int) -> None:
    """Say that the topics hold everything up to ``position``, in place of a relay."""
    conn = connect(url, "ledger_relay")
    with conn.cursor() as cursor:
        cursor.execute("update ledger.published set position = %s, at = clock_timestamp()", (position,))
    conn.close()


def projector(url: str, bootstrap: str, prefix: str, everything: bool = True) -> Callable[[int], dict[str, float]]:
    """Project until all read models, or the two tables, are complete to ``position``; gives seconds and peak MB."""
    projections = PROJECTIONS if everything else TWO_TABLES

    def run(position: int) -> dict[str, float]:
        stop = threading.Event()
        ended = 0.0
        watching = connect(url, "ledger_api")

        def reached(point: str) -> None:
            nonlocal ended
            if point == "after_watermark" and not stop.is_set():
                with watching.cursor() as cursor:
                    cursor.execute("select min(watermark) from read.progress")
                    ((complete,),) = cursor.fetchall()
                if complete >= position:
                    ended = time.perf_counter()
                    stop.set()

        started = time.perf_counter()
        run_projector(ProjectorSettings(url, bootstrap, prefix), stop, reached, projections)
        watching.close()
        return {"seconds": ended - started, "peak_mb": peak_mb()}

    return run


def poller(bootstrap: str, prefix: str) -> Callable[[int], float]:
    """Read the topics and decode every event, nothing else; gives the seconds."""

    def run(events: int) -> float:
        started = time.perf_counter()
        reader = consumer(bootstrap, max_poll_records=MAX_BATCH)
        begins, ends = bounds(reader, all_partitions(reader, prefix))
        count = sum(bool(read_record(record.value)) for record in read_range(reader, begins, ends))
        seconds = time.perf_counter() - started
        reader.close()
        if count != events:
            raise RuntimeError(f"{count} events were read, not {events}")
        return seconds

    return run
