"""Real PostgreSQL and real Kafka, started by the program and shared by all its users of one data directory.

The servers belong to a background process, the daemon, which nobody but its users keeps alive: each user
holds a lock that the kernel releases when the user ends in whatever way, and the daemon stops everything when
no lock is held.

Logs are in data_dir/logs, one file per process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType

from adapters.embedded import lease
from adapters.embedded.kafka import KafkaServer, server_properties
from adapters.embedded.lease import Endpoints, Restarts, State, Wanted
from adapters.embedded.postgres import PostgresServer
from adapters.embedded.process import ServicesError, make_directories, rotate, tail

__all__ = [
    "Endpoints",
    "KafkaServer",
    "PostgresServer",
    "Restarts",
    "ServicesError",
    "Status",
    "follow",
    "server_properties",
    "services",
    "status",
]

# Longer than the daemon allows any of its steps, so that it is the daemon that says what took too long.
SILENCE_LIMIT = 960.0
STOP_LIMIT = 120.0
LAUNCH_LIMIT = 60.0
POLL = 0.1
FOLLOW = 0.25


@dataclass(frozen=True)
class Status:
    """The services of a data directory: `pids` of daemon and servers, `workers` by name, `users` as pids.

    `running` says whether a daemon lives; `status` is starting, ready, stopping or failed. `restarts` has servers and
    workers by name, also those that do not run at the moment.
    """

    running: bool
    status: str
    message: str
    endpoints: Endpoints | None
    pids: Mapping[str, int]
    workers: Mapping[str, int]
    restarts: Mapping[str, Restarts]
    users: Sequence[int]


@contextmanager
def services(
    data_dir: Path,
    *,
    database_url: str | None,
    kafka_bootstrap: str | None,
    prepare: Sequence[str] = (),
    workers: Mapping[str, Sequence[str]] = MappingProxyType({}),
    cache_dir: Path | None = None,
    api_host: str = "127.0.0.1",
    api_ports: Sequence[int] = (),
    metrics_host: str = "127.0.0.1",
    report: Callable[[str], None],
) -> Iterator[Endpoints]:
    """Use the services of `data_dir` for the length of the block, starting them when they do not run.

    Where `database_url` or `kafka_bootstrap` is given, that server is used and none is started. Once both
    answer, the command `prepare` runs to its end, then the `workers` (name to command) are kept running; all
    of them get COMPLAINTS_DATABASE_URL, COMPLAINTS_KAFKA_BOOTSTRAP and COMPLAINTS_DATA_DIR. Of `api_ports` (0: any)
    the first free one on `api_host` is kept for the workers, who get it as COMPLAINTS_API_PORT; figures of the
    restarts are served on any port of `metrics_host`. Who joins running services gets them as they are, with
    the workers of whoever started them. `report` is told what is being done. The last user to leave waits
    until all has been stopped.

    The block must be left for the services to stop in order: turn SIGTERM into an exception (SystemExit),
    as Python does with SIGINT. A user that is killed is noticed too.

    Raises ServicesError when the services cannot be had.
    """
    data_dir = data_dir.resolve()
    make_directories(data_dir)
    run = data_dir / "run"
    wanted = Wanted(database_url, kafka_bootstrap)
    orders = {
        "data_dir": str(data_dir),
        "cache_dir": None if cache_dir is None else str(cache_dir.resolve()),
        "wanted": asdict(wanted),
        "prepare": list(prepare),
        "workers": {name: list(command) for name, command in workers.items()},
        "cwd": str(Path.cwd()),
        "api_host": api_host,
        "api_ports": list(api_ports),
        "metrics_host": metrics_host,
    }
    try:
        with lease.lease(run):
            _join(data_dir, wanted, json.dumps(orders), report)
            yield _await_ready(data_dir, report)
    finally:
        _await_end(data_dir, report)


def status(data_dir: Path) -> Status | None:
    """What runs for this data directory, or None when nothing does and nothing failed last."""
    run = data_dir.resolve() / "run"
    if not run.is_dir():
        return None
    with lease.gate(run):
        running = lease.daemon_lives(run)
        users = lease.live_users(run)
        state = lease.read_state(run)
    if state is None or not (running or state.status == "failed"):
        return None
    pids = {name: process.pid for name, process in state.processes.items()} if running else {}
    servers: dict[str, int] = {name: pids.pop(name) for name in ("postgres", "kafka") if name in pids}
    return Status(
        running=running,
        status=state.status,
        message=state.message,
        endpoints=state.endpoints if running else None,
        pids={"daemon": state.pid, **servers} if running else {},
        workers=pids,
        restarts=state.restarts if running else {},
        users=users,
    )


def follow(data_dir: Path, since: float, report: Callable[[str], None]) -> None:
    """Report what is started again, from `since` (seconds since the epoch) on, for as long as the services run.

    For a user of the services. Raises ServicesError when they are stopped although it still uses them.
    """
    run = data_dir.resolve() / "run"
    told = 0
    while True:
        with lease.gate(run):
            lives = lease.daemon_lives(run)
            state = lease.read_state(run)
        for notice in () if state is None else state.notices:
            if notice.number > told and notice.at >= since:
                report(notice.message)
                told = notice.number
        if not lives or state is None or state.status != "ready":
            if state is not None and state.status == "failed":
                raise ServicesError(state.message)
            raise ServicesError(
                f"the services were stopped by somebody else\n{tail(run.parent / 'logs' / 'daemon.log')}"
            )
        time.sleep(FOLLOW)


def _join(data_dir: Path, wanted: Wanted, orders: str, report: Callable[[str], None]) -> None:
    """Find a daemon that starts or is ready, or start one. Call with a lease held."""
    run = data_dir / "run"
    deadline = time.monotonic() + STOP_LIMIT
    waiting = False
    while True:
        with lease.gate(run):
            lock = lease.take_daemon_lock(run)
            if lock is not None:
                try:
                    _launch(data_dir, wanted, orders, lock)
                finally:
                    os.close(lock)
                return
            state = lease.read_state(run)
            if state is not None and state.status in ("starting", "ready"):
                if state.wanted != wanted:
                    raise ServicesError(
                        f"the services of {data_dir} run with another COMPLAINTS_DATABASE_URL or "
                        "COMPLAINTS_KAFKA_BOOTSTRAP than yours; end their users first, or use their settings"
                    )
                return
        if time.monotonic() > deadline:
            raise ServicesError(
                f"the services of {data_dir} have been stopping for {STOP_LIMIT:.0f} seconds\n"
                f"{tail(data_dir / 'logs' / 'daemon.log')}"
            )
        if not waiting:
            report("waiting for the services to stop before they are started again")
            waiting = True
        time.sleep(POLL)


def _launch(data_dir: Path, wanted: Wanted, orders: str, lock: int) -> None:
    run, log = data_dir / "run", data_dir / "logs" / "daemon.log"
    rotate(log.parent)
    former = lease.read_state(run) or State("starting", "", 0, wanted)
    # The processes of a daemon that was killed stay listed, for its successor to look after.
    new = State("starting", "starting", 0, wanted, processes=former.processes)
    lease.write_state(run, new)
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH")) if part)
    with log.open("ab") as output:
        try:
            result = subprocess.run(
                [sys.executable, "-m", "adapters.embedded.daemon", str(lock)],
                input=orders.encode(),
                stdout=output,
                stderr=output,
                env={**os.environ, "PYTHONPATH": path},
                cwd=data_dir,
                pass_fds=[lock],
                start_new_session=True,
                timeout=LAUNCH_LIMIT,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ServicesError(f"cannot start the services with {sys.executable}: {error}") from error
    if result.returncode:
        raise ServicesError(f"cannot start the services with {sys.executable}\n{tail(log)}")


def _await_ready(data_dir: Path, report: Callable[[str], None]) -> Endpoints:
    run = data_dir / "run"
    seen: State | None = None
    changed = time.monotonic()
    while True:
        with lease.gate(run):
            lives = lease.daemon_lives(run)
            state = lease.read_state(run)
        if state is not None and state != seen:
            changed = time.monotonic()
            if state.status == "ready" and state.endpoints is not None:
                return state.endpoints
            if state.status == "failed":
                raise ServicesError(state.message)
            if seen is None or state.message != seen.message:
                report(state.message)
            seen = state
        if not lives:
            raise ServicesError(
                f"the services of {data_dir} were stopped before they were ready; try again\n"
                f"{tail(data_dir / 'logs' / 'daemon.log')}"
            )
        if time.monotonic() - changed > SILENCE_LIMIT:
            raise ServicesError(
                f"the services of {data_dir} have been silent for {SILENCE_LIMIT:.0f} seconds; "
                f"end their process {'' if state is None else state.pid} and try again\n"
                f"{tail(data_dir / 'logs' / 'daemon.log')}"
            )
        time.sleep(POLL)


def _await_end(data_dir: Path, report: Callable[[str], None]) -> None:
    """Wait for the daemon's end, unless there are other users."""
    run = data_dir / "run"
    deadline = time.monotonic() + STOP_LIMIT
    told = False
    while True:
        with lease.gate(run):
            if not lease.daemon_lives(run) or lease.live_users(run):
                return
        if not told:
            report("stopping the services")
            told = True
        if time.monotonic() > deadline:
            report(f"the services are still stopping after {STOP_LIMIT:.0f} seconds; see {data_dir / 'logs'}")
            return
        time.sleep(POLL)
