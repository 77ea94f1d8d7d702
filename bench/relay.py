"""How fast does the relay publish, against kafka-python's plain idempotent producer with the same records?"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from kafka import KafkaProducer

from adapters.ledger import iterate_events
from adapters.relay import MAX_BATCH, RelaySettings, run_relay
from adapters.topics import CONTENT_TYPE, topic_of
from bench.corpus import Corpora
from bench.harness import Comparison, Scale, Services, alternate, paired, say
from bench.worker import peak_mb, worker

TARGET = 0.5
#: The relay's own settings, but for the transactions.
SAME = {"compression_type": "lz4", "linger_ms": 5, "batch_size": 262_144}


def measure(services: Services, corpora: Corpora, scale: Scale) -> list[Comparison]:
    """Compare events per second, from opening the connections to the last acknowledgement."""
    source = corpora.at_least(scale.relay_events).url
    events = scale.relay_events
    bootstrap = services.kafka_bootstrap
    _into_new_topics(services, _relayed(source, bootstrap, MAX_BATCH))  # makes the topic of transactions
    with worker("bench.relay:producer", source=source, bootstrap=bootstrap, events=events) as produce:
        say(f"relay: {events:,} events against KafkaProducer")
        relayed, same, default = alternate(
            scale.pairs,
            lambda: _into_new_topics(services, _relayed(source, bootstrap, events)),
            lambda: _into_new_topics(services, lambda prefix: float(produce(prefix=prefix, settings=SAME))),
            lambda: _into_new_topics(services, lambda prefix: float(produce(prefix=prefix, settings={}))),
        )
    what = f"publishing {events:,} events from the ledger"
    return [
        Comparison(
            f"{what}, against the same settings from memory",
            "run_relay",
            "KafkaProducer, idempotent, lz4",
            "events/s",
            paired(relayed, same),
            TARGET,
        ),
        Comparison(
            f"{what}, against default settings from memory",
            "run_relay",
            "KafkaProducer, idempotent, defaults",
            "events/s",
            paired(relayed, default),
        ),
    ]


def _into_new_topics(services: Services, run: Callable[[str], float]) -> float:
    prefix = services.new_topics()
    rate = run(prefix)
    services.drop_topics(prefix)
    return rate


def _relayed(source: str, bootstrap: str, events: int) -> Callable[[str], float]:
    def run(prefix: str) -> float:
        with worker("bench.relay:relay", url=source, bootstrap=bootstrap, prefix=prefix) as publish:
            return events / float(publish(events=events)["seconds"])

    return run


def relay(url: str, bootstrap: str, prefix: str) -> Callable[[int], dict[str, float]]:
    """Run the relay until ``events`` events are committed; gives the seconds and the peak memory in MB."""

    def run(events: int) -> dict[str, float]:
        stop = threading.Event()
        batches = -(-events // MAX_BATCH)
        ended = 0.0

        def reached(point: str) -> None:
            nonlocal batches, ended
            if point == "after_commit":
                batches -= 1
                if batches == 0:
                    ended = time.perf_counter()
                    stop.set()

        started = time.perf_counter()
        run_relay(RelaySettings(url, bootstrap, prefix), stop, reached)
        return {"seconds": ended - started, "peak_mb": peak_mb()}

    return run


def producer(source: str, bootstrap: str, events: int) -> Callable[[str, dict[str, Any]], float]:
    """Send the first ``events`` events of ``source`` from memory; a run gives events per second."""
    records = [
        (
            topic_of(stream),
            stream.encode(),
            bytes(record),
            [("position", b"%d" % position), ("content-type", CONTENT_TYPE)],
        )
        for position, stream, record in iterate_events(
            source,
            "ledger_relay",
            "select position, stream, record from ledger.events where position <= %s order by position",
            (events,),
        )
    ]

    def run(prefix: str, settings: dict[str, Any]) -> float:
        started = time.perf_counter()
        client = KafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True, acks="all", **settings)
        futures = [
            client.send(prefix + topic, key=key, value=value, headers=headers) for topic, key, value, headers in records
        ]
        client.flush()
        seconds = time.perf_counter() - started
        if not all(future.succeeded() for future in futures):
            raise RuntimeError("not everything was acknowledged")
        client.close()
        return events / seconds

    return run
