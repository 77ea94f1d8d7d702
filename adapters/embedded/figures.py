"""The supervisor's own figures for Prometheus, and a note of where they are."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics, start_http_server

from adapters.embedded.address import reached_at
from adapters.embedded.process import ServicesError, write_private

# Otherwise every series has a second one with the time of its birth.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Figures:
    """Serves `/metrics` on any free port of `host`, noted in run/metrics/supervisor-<pid>.json until closed.

    The note has the form of Prometheus' file-based service discovery. Raises ServicesError if it cannot listen.
    """

    def __init__(self, run: Path, host: str) -> None:
        registry = CollectorRegistry()
        self._up = Gauge("complaints_up", "1 while the process runs, else 0.", ["process"], registry=registry)
        self._restarts = Counter(
            "complaints_restarts", "Times that the process was started again.", ["process"], registry=registry
        )
        try:
            self._server, self._thread = start_http_server(0, host, registry)
        except OSError as error:
            raise ServicesError(
                f"the figures of the supervisor cannot be served on {host}: {error.strerror}; "
                "set COMPLAINTS_METRICS_HOST to an address of this machine"
            ) from error
        self._note = run / "metrics" / f"supervisor-{os.getpid()}.json"
        self._note.parent.mkdir(mode=0o700, exist_ok=True)
        target = reached_at(host, self._server.server_port)
        labels = {"process": "supervisor", "pid": str(os.getpid())}
        write_private(self._note, json.dumps([{"targets": [target], "labels": labels}]))

    def show(self, running: Mapping[str, bool]) -> None:
        """Set which processes run; from now on they have a number of restarts too."""
        for name, runs in running.items():
            self._up.labels(name).set(runs)
            self._restarts.labels(name)

    def restarted(self, name: str) -> None:
        self._restarts.labels(name).inc()

    def close(self) -> None:
        self._note.unlink(missing_ok=True)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
