"""Where Prometheus gets the figures of one process, and how it learns of the address.

The API has such a place too, since several of its processes may share the port that everybody else uses.

Every process writes a file data_dir/run/metrics/<process>-<pid>.json as Prometheus' file_sd_configs read it.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socketserver import ThreadingTCPServer

import psutil
from prometheus_client import CollectorRegistry, MetricsHandler

from adapters.embedded.address import reached_at
from adapters.metrics import Process

log = logging.getLogger("metrics")


class _Handler(MetricsHandler):
    timeout = 10.0  # of a client that sends nothing


@contextmanager
def serving_metrics(
    process: Process, figures: CollectorRegistry, host: str, port: int, data_dir: Path
) -> Iterator[None]:
    """Answer ``GET /metrics`` for the length of the block; ``port`` 0: any that is free.

    A port that is taken is replaced by a free one: a process does its work whether or not somebody watches it.
    """
    server = _listen(host, port, _Handler.factory(figures))
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    target = _note(data_dir, process, reached_at(*server.socket.getsockname()[:2]))
    try:
        yield
    finally:
        with suppress(OSError):
            target.unlink()
        server.shutdown()
        server.server_close()


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class _Server6(_Server):
    address_family = socket.AF_INET6


def _listen(host: str, port: int, handler: type[MetricsHandler]) -> ThreadingTCPServer:
    try:
        return (_Server6 if ":" in host else _Server)((host, port), handler)
    except OSError as error:
        log.warning("no metrics on %s:%d (%s); taking a free port of this machine", host, port, error.strerror)
    return _Server(("127.0.0.1", 0), handler)


def _note(data_dir: Path, process: Process, target: str) -> Path:
    """Write the file of this process, and remove those of processes that are gone."""
    directory = data_dir / "run" / "metrics"
    file = directory / f"{process}-{os.getpid()}.json"
    content = [{"targets": [target], "labels": {"process": process, "pid": str(os.getpid())}}]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for other in directory.glob("*.json"):
            if not psutil.pid_exists(int(other.stem.rpartition("-")[2])):
                other.unlink(missing_ok=True)
        # Renamed when it is complete: Prometheus watches the directory.
        new = file.with_suffix(".new")
        new.write_text(json.dumps(content))
        new.replace(file)
    except (OSError, ValueError) as error:
        log.warning("cannot note where the metrics are in %s (%s)", file, error)
    return file
