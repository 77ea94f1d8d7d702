"""How fast are all read models rebuilt on all cores, against the projector that keeps the same tables up live?"""

from __future__ import annotations

import os
import resource
import threading
import time
from collections.abc import Callable

from adapters.database import connect
from adapters.read_store import ensure_progress
from adapters.rebuild import RebuildSettings, rebuild
from adapters.topics import all_partitions, consumer
from bench.corpus import Corpora
from bench.harness import Comparison, Figures, Finding, Scale, Services, alternate, paired, say
from bench.projection import set_published
from bench.worker import peak_mb, worker
from projections.catalogue import PROJECTIONS

TARGET = 1.0


def measure(services: Services, corpora: Corpora, scale: Scale) -> list[Finding]:
    """Compare events per second, from opening the connections until the new generation is in use."""
    corpus = corpora.at_least(scale.grown_events)
    prefix, bootstrap = services.new_topics(), services.kafka_bootstrap
    say(f"rebuild: publishing {corpus.events:,} events")
    with worker("bench.relay:relay", url=corpus.url, bootstrap=bootstrap, prefix=prefix) as publish:
        publish(events=corpus.events)
    peaks: dict[str, list[float]] = {"projector": [], "each process of a rebuild": [], "the one that leads it": []}

    def live() -> float:
        url = services.new_database()
        set_published(url, corpus.events)
        with worker("bench.projection:projector", url=url, bootstrap=bootstrap, prefix=prefix) as project:
            found = project(position=corpus.events)
        services.drop_database(url)
        peaks["projector"].append(found["peak_mb"])
        return corpus.events / float(found["seconds"])

    def rebuilt() -> float:
        url = services.new_database()
        with worker("bench.rebuild:rebuilder", url=url, bootstrap=bootstrap, prefix=prefix) as build:
            found = build()
        services.drop_database(url)
        if found["folded"] > corpus.events or found["folded"] == 0:
            raise RuntimeError(f"{found['folded']} events were folded, of {corpus.events}")
        peaks["each process of a rebuild"].append(found["child_mb"])
        peaks["the one that leads it"].append(found["peak_mb"])
        return corpus.events / float(found["seconds"])

    def read() -> float:
        with worker("bench.projection:poller", bootstrap=bootstrap, prefix=prefix) as poll:
            return corpus.events / float(poll(events=corpus.events))

    say(f"rebuild: {corpus.events:,} events")
    rebuilds, lives, reads = alternate(scale.memory_pairs, rebuilt, live, read)
    services.drop_topics(prefix)
    cores = os.cpu_count() or 1
    what = f"rebuilding all {len(PROJECTIONS)} read models from {corpus.events:,} events on {cores} cores"
    return [
        Comparison(
            f"{what}, against keeping them up live",
            "rebuild",
            "run_projector",
            "events/s",
            paired(rebuilds, lives),
            TARGET,
        ),
        Comparison(
            f"{what}, against one process that only polls and decodes",
            "rebuild",
            "KafkaConsumer.poll and read_record",
            "events/s",
            paired(rebuilds, reads),
        ),
        Figures(
            f"{what}: peak memory",
            "MB",
            peaks,
            ["bounded by a batch of decoded records and the sums of a stretch, whatever the number of events"],
        ),
        Figures(
            f"{what}: share of polling and decoding in the time of all cores",
            "%",
            {"poll and decode": [100 * rate / (cores * alone) for rate, alone in zip(rebuilds, reads, strict=True)]},
        ),
    ]


def rebuilder(url: str, bootstrap: str, prefix: str) -> Callable[[], dict[str, float]]:
    """Rebuild all read models; gives the seconds, the most records that one folded, and the peak memory in MB."""
    reader = consumer(bootstrap)
    partitions = [(tp.topic, tp.partition) for tp in all_partitions(reader, prefix)]
    reader.close()
    conn = connect(url, "ledger_projector")
    ensure_progress(conn, PROJECTIONS, partitions)
    conn.close()

    def run() -> dict[str, float]:
        started = time.perf_counter()
        built = rebuild(RebuildSettings(url, bootstrap, prefix), PROJECTIONS, threading.Event())
        seconds = time.perf_counter() - started
        child_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        folded = max((one.folded for one in built or ()), default=0)
        return {"seconds": seconds, "folded": folded, "child_mb": child_mb, "peak_mb": peak_mb()}

    return run
