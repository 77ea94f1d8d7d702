"""How fast are events projected, into two tables against Quix Streams and eventsourcing, and into all read models?"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from itertools import zip_longest
from typing import Any

import psycopg2
from kafka import KafkaConsumer
from psycopg2.extensions import connection as Connection

from adapters import database, read_store, read_tables
from adapters.consumption import Decoded
from adapters.database import connect
from adapters.ledger import iterate_events
from adapters.projector import MAX_BATCH, ProjectorSettings, run_projector
from adapters.record import read_record
from adapters.topics import all_partitions, bounds, consumer, read_range
from bench.corpus import Corpora
from bench.harness import Comparison, Figures, Finding, Scale, Services, alternate, paired, say
from bench.peer import QUIX, QUIX_VERSION, peer_python, peer_settings
from bench.stopwatch import Stopwatch
from bench.two_tables import TWO_TABLES
from bench.worker import peak_mb, worker
from projections.catalogue import PROJECTIONS

TARGET = 15.0
QUIX_TARGET = 1.0
#: Of how many batches it is told where the time goes.
TIMED_BATCHES = 6
#: Shares below this, in percent, are told together.
LEAST_SHARE = 0.5


def measure(services: Services, corpora: Corpora, scale: Scale) -> list[Finding]:
    """Compare events per second, from opening the connections until the read models are complete."""
    corpus = corpora.at_least(scale.projected_events)
    events, few = scale.projected_events, scale.peer_projected_events
    prefix = services.new_topics()
    bootstrap = services.kafka_bootstrap
    say(f"projection: publishing {events:,} events")
    with worker("bench.relay:relay", url=corpus.url, bootstrap=bootstrap, prefix=prefix) as publish:
        publish(events=events)
    ((records,),) = iterate_events(
        corpus.url,
        "ledger_api",
        "select count(*) from ledger.events where starts_with(stream, %s) and position <= %s",
        (f"{TWO_TABLES[0].kind.prefix}-", events),
    )
    two_tables: list[str] = []
    compared = False

    def ours(everything: bool) -> float:
        url = services.new_database()
        set_published(url, events)
        with worker(
            "bench.projection:projector", url=url, bootstrap=bootstrap, prefix=prefix, everything=everything
        ) as project:
            seconds = float(project(position=events)["seconds"])
        if everything:
            services.drop_database(url)
        else:
            two_tables.append(url)
        return events / seconds

    def quix() -> float:
        nonlocal compared
        url = services.new_database()
        with worker(
            "bench.peer_quix:application",
            python=peer_python(QUIX),
            url=url,
            bootstrap=bootstrap,
            prefix=prefix,
            group=url.rpartition("/")[2],
        ) as project:
            rate = events / float(project(records=records))
        own = two_tables.pop()
        if not compared:
            require_equal_tables(own, url)
            compared = True
        services.drop_database(own)
        services.drop_database(url)
        return rate

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
            return events / float(poll(events=events))

    def timed() -> dict[str, float]:
        url = services.new_database()
        set_published(url, events)
        with worker("bench.projection:timed_projector", url=url, bootstrap=bootstrap, prefix=prefix) as project:
            found: dict[str, float] = project(position=events)
        services.drop_database(url)
        return found

    say(f"projection: {events:,} events, ProjectionRunner {few:,}")
    projected, quixed, whole, durable, lazy, polled = alternate(
        scale.projected_pairs,
        lambda: ours(False),
        quix,
        lambda: ours(True),
        lambda: peer(True),
        lambda: peer(False),
        ceiling,
    )
    seconds = timed()
    services.drop_topics(prefix)
    what = f"projecting {events:,} events into two tables"
    return [
        Comparison(
            f"{what}, against a batching sink that writes the same",
            "run_projector",
            f"Quix Streams {QUIX_VERSION}",
            "events/s",
            paired(projected, quixed),
            QUIX_TARGET,
        ),
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
            f"projecting {events:,} events into all read models, against only reading them",
            "run_projector",
            "KafkaConsumer.poll and read_record",
            "events/s",
            paired(whole, polled),
        ),
        Figures(
            f"projecting into all read models: where the time of {sum(seconds.values()):.1f} s goes",
            "%",
            shares(seconds),
            [f"of the first {TIMED_BATCHES} batches of at most {MAX_BATCH:,}, in a run of its own"],
        ),
    ]


def require_equal_tables(ours: str, peer: str) -> None:
    """Raise RuntimeError unless the two tables of both databases hold the same rows."""
    tables: list[tuple[str, tuple[str, ...], tuple[str, ...]]]
    tables = [(one.table, (one.key,), one.columns) for one in TWO_TABLES]
    tables += [(sums.table, sums.keys, (*sums.keys, *sums.measures)) for one in TWO_TABLES for sums in one.sums]
    for table, keys, columns in tables:
        query = f"select {', '.join(columns)} from {table} order by {', '.join(keys)}"
        count = 0
        for own, other in zip_longest(*(iterate_events(url, "ledger_api", query) for url in (ours, peer))):
            if own != other:
                raise RuntimeError(f"{table} differs: run_projector wrote {own}, the peer {other}")
            count += 1
        if count == 0:
            raise RuntimeError(f"{table} is empty")
        say(f"  {table}: {count:,} equal rows")


def shares(seconds: dict[str, float]) -> dict[str, list[float]]:
    """Return the share of each part in percent, the largest first; small ones are put together."""
    percent = {name: 100 * part / sum(seconds.values()) for name, part in seconds.items()}
    large = {name: share for name, share in percent.items() if share >= LEAST_SHARE and name != OTHER}
    rest = 100 - sum(large.values())
    return {name: [share] for name, share in sorted(large.items(), key=lambda one: -one[1])} | {OTHER: [rest]}


def set_published(url: str, position: int) -> None:
    """Say that the topics hold everything up to ``position``, in place of a relay."""
    conn = connect(url, "ledger_relay")
    with conn.cursor() as cursor:
        cursor.execute("update ledger.published set position = %s, at = clock_timestamp()", (position,))
    conn.close()


def is_complete(watching: Connection, position: int) -> bool:
    """Whether all read models hold everything up to ``position``."""
    with watching.cursor() as cursor:
        cursor.execute("select min(watermark) from read.progress")
        ((complete,),) = cursor.fetchall()
    return bool(complete >= position)


def projector(url: str, bootstrap: str, prefix: str, everything: bool = True) -> Callable[[int], dict[str, float]]:
    """Project until all read models, or the two tables, are complete to ``position``; gives seconds and peak MB."""
    projections = PROJECTIONS if everything else TWO_TABLES

    def run(position: int) -> dict[str, float]:
        stop = threading.Event()
        ended = 0.0
        watching = connect(url, "ledger_api")

        def reached(point: str) -> None:
            nonlocal ended
            if point == "after_watermark" and not stop.is_set() and is_complete(watching, position):
                ended = time.perf_counter()
                stop.set()

        started = time.perf_counter()
        run_projector(ProjectorSettings(url, bootstrap, prefix), stop, reached, projections)
        watching.close()
        return {"seconds": ended - started, "peak_mb": peak_mb()}

    return run


OTHER = "everything else"


def timed_projector(url: str, bootstrap: str, prefix: str) -> Callable[[int], dict[str, float]]:
    """Project into all read models, as far as TIMED_BATCHES go; a run gives the seconds of each part."""
    watch = Stopwatch()

    class TimedConnection(Connection):
        def commit(self) -> None:
            with watch.span("commits"):
                super().commit()

    def statement(_: Any, sql: str, *__: Any) -> str:
        reads = sql.lstrip().startswith("select")
        return "reading from PostgreSQL: old rows, progress" if reads else "writing to PostgreSQL"

    watch.watch(KafkaConsumer, "poll", lambda *_, **__: "polling Kafka")
    watch.watch(Decoded, "__init__", lambda *_: "decoding records")
    watch.watch(read_tables, "fold_own", lambda projection, *_: f"folding {projection.name}")
    watch.watch(read_store, "write", lambda *_: "making the text of COPY")
    watch.watch(database._Cursor, "execute", statement)
    watch.watch(database._Cursor, "copy_expert", statement)
    psycopg2.connect = partial(psycopg2.connect, connection_factory=TimedConnection)

    def run(position: int) -> dict[str, float]:
        stop = threading.Event()
        batches = 0

        def reached(point: str) -> None:
            nonlocal batches
            batches += point == "after_poll"
            if point == "after_watermark" and (batches == TIMED_BATCHES or is_complete(watching, position)):
                stop.set()

        watching = connect(url, "ledger_api")
        with watch.span(OTHER):
            run_projector(ProjectorSettings(url, bootstrap, prefix), stop, reached)
        watching.close()
        return dict(watch.seconds)

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
