"""Concurrent writers of single events, the same for both recorders. Runs in the peer's environment too."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from eventsourcing.persistence import ApplicationRecorder, StoredEvent


def appends_per_second(
    recorder: ApplicationRecorder,
    insert: Callable[[StoredEvent], object],
    new_event: Callable[[], StoredEvent],
    writers: int,
    seconds: float,
) -> float:
    """Let ``writers`` threads append one event after the other for ``seconds``; returns events per second.

    Raises RuntimeError when the recorder does not hold exactly what was acknowledged.
    """
    counts = [0] * writers
    errors: list[BaseException] = []
    ready = threading.Barrier(writers + 1)
    deadline = 0.0

    def write(number: int) -> None:
        try:
            insert(new_event())  # opens the connection
            ready.wait()
            ready.wait()
            while time.perf_counter() < deadline:
                insert(new_event())
                counts[number] += 1
        except BaseException as error:
            ready.abort()
            errors.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    try:
        ready.wait()
        before = recorder.max_notification_id() or 0
        started = time.perf_counter()
        deadline = started + seconds
        ready.wait()
    except threading.BrokenBarrierError:
        pass
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    elapsed = time.perf_counter() - started
    stored = (recorder.max_notification_id() or 0) - before
    if stored != sum(counts):
        raise RuntimeError(f"{sum(counts)} events were acknowledged, {stored} are there")
    return sum(counts) / elapsed
