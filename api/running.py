"""The composition root of commands: services, relay and projector as they run, or started for the command."""

from __future__ import annotations

import json
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import FrameType

import psutil

from adapters.embedded import services
from adapters.execute import Ledger, open_ledger
from adapters.projector import wait_until_projected
from api.settings import Settings

PROGRAM = (sys.executable, "-m", "api.cli")


@dataclass(frozen=True, slots=True)
class Running:
    """The services that a command uses, and the ledger on them."""

    settings: Settings
    database_url: str
    kafka_bootstrap: str
    ledger: Ledger

    def head(self) -> int:
        """Return the highest position."""
        return self.ledger.recorder.max_notification_id() or 0

    def http_url(self, timeout_s: float = 15.0) -> str | None:
        """Return where the HTTP API listens; None if it does not start in time."""
        deadline = time.monotonic() + timeout_s
        while (url := read_address(self.settings.data_dir)) is None and time.monotonic() < deadline:
            time.sleep(0.05)
        return url

    def wait_for_head(self, at_least_s: float = 0.0) -> tuple[bool, int]:
        """Wait until the read models are complete to the present head; returns whether they are, and the head."""
        head = self.head()
        return wait_until_projected(self.database_url, head, max(at_least_s, self.settings.wait_s)), head


def address_file(data_dir: Path) -> Path:
    """Where the API of a data directory notes its address, for `complaints status`."""
    return data_dir / "run" / "api.json"


def read_address(data_dir: Path) -> str | None:
    """Return the URL of the API of a data directory, None when it does not run."""
    try:
        noted = json.loads(address_file(data_dir).read_text())
        return str(noted["url"]) if psutil.pid_exists(noted["pid"]) else None
    except (OSError, ValueError, KeyError):
        return None


@contextmanager
def running(settings: Settings, report: Callable[[str], None]) -> Iterator[Running]:
    """Use the running services of the data directory, or start them (API, relay and projector included).

    The last user out stops them; SIGTERM ends the block as Ctrl-C does. Raises ServicesError.
    """
    signal.signal(signal.SIGTERM, _exit)
    # A shell that starts this in the background has it ignore Ctrl-C; then it would never stop its services.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with services(
        settings.data_dir,
        database_url=settings.database_url,
        kafka_bootstrap=settings.kafka_bootstrap,
        prepare=[*PROGRAM, "prepare"],
        workers={
            "api": [*PROGRAM, "api"],
            "relay": [*PROGRAM, "relay"],
            "projector": [*PROGRAM, "projector", "--instance", _instance(settings)],
        },
        cache_dir=settings.cache_dir,
        report=report,
    ) as endpoints:
        ledger = open_ledger(endpoints.database_url)
        try:
            yield Running(settings, endpoints.database_url, endpoints.kafka_bootstrap, ledger)
        finally:
            ledger.close()


def _instance(settings: Settings) -> str:
    place = f"{socket.gethostname()}:{settings.data_dir.resolve()}"
    return sha256(place.encode()).hexdigest()[:16]


def _exit(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
