"""Runs a relay, a feed, a projector or a watcher as a process that can be made to die, or to wait, at its named points.

Arguments: which worker, its settings as JSON, then any number of ``point:n:who``. At the n-th time that ``point`` is
reached the process kills itself (``self``), or says so and waits for a line on its input (``test``). It ends with its
input. ``CLOCK`` in the environment names a file with the time that it is for a watcher.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from collections import Counter
from datetime import datetime
from pathlib import Path

from adapters.projector import ProjectorSettings, run_projector
from adapters.public_feed import FeedSettings, run_feed
from adapters.relay import RelaySettings, run_relay
from adapters.watcher import WatcherSettings, right_now, run_watcher


def main() -> None:
    settings = json.loads(sys.argv[2])
    faults: dict[tuple[str, int], str] = {}
    for argument in sys.argv[3:]:
        name, number, who = argument.split(":")
        faults[name, int(number)] = who
    stop = threading.Event()
    lines = threading.Semaphore(0)
    times: Counter[str] = Counter()

    def hear() -> None:
        for _ in sys.stdin:
            lines.release()
        os._exit(1)

    def reached(point: str) -> None:
        times[point] += 1
        who = faults.get((point, times[point]))
        if who == "self":
            print(f"dying at {point}", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        elif who == "test":
            print(f"waiting at {point}", flush=True)
            lines.acquire()

    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    logging.basicConfig(stream=sys.stdout, format="%(name)s %(message)s", level=logging.INFO)
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    threading.Thread(target=hear, daemon=True).start()
    if sys.argv[1] == "relay":
        run_relay(RelaySettings(**settings), stop, reached)
    elif sys.argv[1] == "feed":
        run_feed(FeedSettings(**settings), stop, reached)
    elif sys.argv[1] == "projector":
        run_projector(ProjectorSettings(**settings), stop, reached)
    else:
        clock = os.environ.get("CLOCK")
        run_watcher(
            WatcherSettings(**settings),
            stop,
            reached,
            right_now if clock is None else lambda: datetime.fromisoformat(Path(clock).read_text()),
        )


if __name__ == "__main__":
    main()
