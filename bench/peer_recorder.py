"""The peer of the question ``appends``: eventsourcing's own recorder. Runs in the peer's environment."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from eventsourcing.persistence import InfrastructureFactory, StoredEvent, TrackingRecorder
from eventsourcing.utils import Environment

from bench.writers import appends_per_second


def appender(settings: dict[str, str], record: str) -> Callable[[int, float], float]:
    """Append ``record`` to new streams; a run takes the number of writers and the seconds."""
    recorder = InfrastructureFactory[TrackingRecorder].construct(Environment("", settings)).application_recorder()
    state = record.encode()

    def new_event() -> StoredEvent:
        return StoredEvent(uuid4(), 1, "complaint.filed", state)

    def run(writers: int, seconds: float) -> float:
        return appends_per_second(recorder, lambda event: recorder.insert_events([event]), new_event, writers, seconds)

    return run
