"""How fast are appends of single events, with ready bytes, against eventsourcing's own PostgreSQL recorder?"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import uuid4

from eventsourcing.persistence import StoredEvent

from adapters.ledger import PostgresRecorder
from bench.corpus import Corpora
from bench.harness import Comparison, Scale, Services, alternate, paired, say
from bench.peer import peer_python, peer_settings
from bench.worker import Run, worker
from bench.writers import appends_per_second

WRITERS = (1, 8, 32)
RECORD_BYTES = 900
TARGETS = {32: 4.0}


def measure(services: Services, corpora: Corpora, scale: Scale) -> list[Comparison]:
    """Compare appends per second at 1, 8 and 32 writers."""
    record = corpora.record_of(RECORD_BYTES)
    ours_url, peer_url = services.new_database(), services.new_database("template1")
    found: list[Comparison] = []
    with (
        worker("bench.appends:appender", url=ours_url, record=record) as ours,
        worker(
            "bench.peer_recorder:appender",
            python=peer_python(),
            settings=peer_settings(peer_url, pool_size=max(WRITERS)),
            record=record,
        ) as peer,
    ):
        for writers in WRITERS:
            say(f"appends: concurrent writers: {writers}")
            sides = [partial(_rested, services, side, writers, scale) for side in (ours, peer)]
            rates = alternate(scale.pairs, *sides)
            found.append(
                Comparison(
                    f"appends of single events of {len(record)} bytes, concurrent writers: {writers}",
                    "PostgresRecorder",
                    "eventsourcing.postgres",
                    "events/s",
                    paired(*rates),
                    TARGETS.get(writers),
                )
            )
    services.drop_database(ours_url)
    services.drop_database(peer_url)
    return found


def _rested(services: Services, run: Run, writers: int, scale: Scale) -> float:
    services.checkpoint()
    return float(run(writers=writers, seconds=scale.append_seconds))


def appender(url: str, record: str) -> Callable[[int, float], float]:
    """Append ``record`` to new streams, each as a command of its own."""
    recorder = PostgresRecorder(url)
    state = record.encode()

    def new_event() -> StoredEvent:
        return StoredEvent(f"complaint-{uuid4()}", 1, "complaint.filed", state)

    def run(writers: int, seconds: float) -> float:
        return appends_per_second(
            recorder,
            lambda event: recorder.insert_events([event], command_id=uuid4().hex),
            new_event,
            writers,
            seconds,
        )

    return run
