"""Who uses the services of a data directory: locks that the kernel releases when their holder dies; state.

run/gate         held for a moment by whoever joins, or decides to stop: so nobody joins services that stop
run/daemon.lock  held by the daemon for as long as it lives, handed to it by the user that starts it
run/users/*      one per user, held for as long as the user lives
run/state.json   what the daemon last said
"""

from __future__ import annotations

import fcntl
import json
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import psutil

from adapters.embedded.process import ServicesError, write_private

GATE_LIMIT = 60.0
Status = Literal["starting", "ready", "failed", "stopping"]


@dataclass(frozen=True)
class Endpoints:
    """Where the services are: the PostgreSQL URL of the owner's role, Kafka's host:port, the URL for the workers."""

    database_url: str
    kafka_bootstrap: str
    http_url: str | None = None


@dataclass(frozen=True)
class Wanted:
    """The servers of others that were asked for (None: start one); the same for all its users."""

    database_url: str | None
    kafka_bootstrap: str | None


@dataclass(frozen=True)
class Process:
    """A process, told from a later one with the same pid by its start time (seconds since the epoch)."""

    pid: int
    started: float

    @staticmethod
    def of(pid: int) -> Process | None:
        try:
            return Process(pid, psutil.Process(pid).create_time())
        except psutil.NoSuchProcess:
            return None


@dataclass(frozen=True)
class Restarts:
    """How often a process was started again; the last time (seconds since the epoch), and how it had ended before."""

    count: int = 0
    last: float | None = None
    ended: str | None = None


@dataclass(frozen=True)
class Notice:
    """Something that the daemon did by itself, at a time in seconds since the epoch. Numbers count from 1."""

    number: int
    at: float
    message: str


@dataclass(frozen=True)
class State:
    """What the daemon last said.

    `processes` maps the names of services and workers to their processes, and lacks those that do not run; `restarts`
    has all that are kept running. `notices` are the newest ones.
    """

    status: Status
    message: str
    pid: int
    wanted: Wanted
    endpoints: Endpoints | None = None
    processes: dict[str, Process] = field(default_factory=dict)
    restarts: dict[str, Restarts] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()


def read_state(run: Path) -> State | None:
    """The state in this run directory, or None when there is none."""
    try:
        value = json.loads((run / "state.json").read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ServicesError(f"cannot read {run / 'state.json'}: {error}; delete it when nothing runs") from error
    value["wanted"] = Wanted(**value["wanted"])
    value["endpoints"] = value["endpoints"] and Endpoints(**value["endpoints"])
    value["processes"] = {name: Process(**process) for name, process in value["processes"].items()}
    value["restarts"] = {name: Restarts(**restarts) for name, restarts in value.get("restarts", {}).items()}
    value["notices"] = tuple(Notice(**notice) for notice in value.get("notices", ()))
    return State(**value)


def write_state(run: Path, state: State) -> None:
    write_private(run / "state.json", json.dumps(asdict(state)))


@contextmanager
def gate(run: Path, patience: float = GATE_LIMIT) -> Iterator[None]:
    """Hold the gate of this run directory; raises ServicesError when held for over `patience` seconds."""
    deadline = time.monotonic() + patience
    file = os.open(run / "gate", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while not try_lock(file):
            if time.monotonic() > deadline:
                raise ServicesError(f"another program has held {run / 'gate'} for {patience:.0f} seconds; end it")
            time.sleep(0.01)
        yield
    finally:
        os.close(file)


def try_lock(file: int) -> bool:
    """Lock an open file if nobody else holds it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise ServicesError(
            f"the file system of the data directory cannot lock files: {error}; "
            "set COMPLAINTS_DATA_DIR to a directory on a local disk"
        ) from error
    return True


def take_daemon_lock(run: Path) -> int | None:
    """An open file that holds the daemon's lock, or None when a daemon lives. Call with the gate held."""
    file = os.open(run / "daemon.lock", os.O_RDWR | os.O_CREAT, 0o600)
    if try_lock(file):
        return file
    os.close(file)
    return None


def daemon_lives(run: Path) -> bool:
    """Whether a daemon lives, whatever its state. Call with the gate held."""
    file = take_daemon_lock(run)
    if file is not None:
        os.close(file)
    return file is None


@contextmanager
def lease(run: Path) -> Iterator[None]:
    """Be a user of the services until the end of the block or of this process."""
    users = run / "users"
    path = users / f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
    with gate(run):
        users.mkdir(mode=0o700, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try_lock(file)
    try:
        yield
    finally:
        with suppress(FileNotFoundError):
            path.unlink()
        os.close(file)


def live_users(run: Path) -> list[int]:
    """The pids of the users that live; forgets the others. Call with the gate held."""
    living = []
    for path in sorted((run / "users").glob("*")):
        try:
            file = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            continue
        if try_lock(file):
            with suppress(FileNotFoundError):
                path.unlink()
        else:
            living.append(int(path.name.partition("-")[0]))
        os.close(file)
    return living
