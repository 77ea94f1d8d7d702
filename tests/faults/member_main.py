"""Runs one process of the cluster: ``api``, ``relay``, ``projector`` or ``watcher``. The test can move its clock.

Arguments: its kind, its name, the directory that it shares with the test, and the settings of a worker as JSON.
What is in that directory:
  clock.<name>           seconds that its clock is off
  passed.<name>          a line per named point that it reached
  armed/<kind>:<point>   ``<number> kill`` or ``<number> stop``: what the first one to reach the point does to itself
  struck/<number>        name and process id of the one that did
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any


def shift_of(clock: Path) -> Callable[[], float]:
    """Return what tells by how much the clock is off now."""
    file = os.open(clock, os.O_RDONLY)
    return lambda: float(os.pread(file, 32, 0) or b"0")


def run_api(shift: Callable[[], float]) -> None:
    import jwt.api_jwt

    import api.commands
    import api.http
    from api import processes

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.now(tz) + timedelta(seconds=shift())

    for module in (api.commands, api.http, jwt.api_jwt):
        module.datetime = Shifted  # type: ignore[attr-defined]
    processes.api()


def run_worker(kind: str, name: str, shared: Path, settings: dict[str, Any], shift: Callable[[], float]) -> None:
    right = time.time
    # Before the Kafka client is imported, since that keeps the function for the times of its records.
    time.time = lambda: right() + shift()

    from adapters.projector import ProjectorSettings, run_projector
    from adapters.relay import RelaySettings, run_relay
    from adapters.watcher import WatcherSettings, right_now, run_watcher

    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    passed = os.open(shared / f"passed.{name}", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def reached(point: str) -> None:
        os.write(passed, f"{kind}:{point}\n".encode())
        mine = shared / "struck" / f"{name}.{os.getpid()}"
        try:
            # Only one process gets it.
            (shared / "armed" / f"{kind}:{point}").rename(mine)
        except FileNotFoundError:
            return
        number, action = mine.read_text().split()
        mine.write_text(f"{name} {os.getpid()}")
        mine.rename(shared / "struck" / number)
        os.kill(os.getpid(), signal.SIGKILL if action == "kill" else signal.SIGSTOP)

    match kind:
        case "relay":
            run_relay(RelaySettings(**settings), stop, reached)
        case "projector":
            run_projector(ProjectorSettings(**settings), stop, reached)
        case "watcher":
            run_watcher(WatcherSettings(**settings), stop, reached, lambda: right_now() + timedelta(seconds=shift()))
        case _:
            raise ValueError(f"there is no {kind}")


def main() -> None:
    kind, name, shared = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    logging.basicConfig(stream=sys.stdout, format="%(asctime)s %(name)s %(message)s", level=logging.INFO)
    shift = shift_of(shared / f"clock.{name}")
    if kind == "api":
        run_api(shift)
    else:
        run_worker(kind, name, shared, json.loads(sys.argv[4]), shift)


if __name__ == "__main__":
    main()
