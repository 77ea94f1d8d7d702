"""The composition root of commands: services and processes as they run, or started for the command."""

from __future__ import annotations

import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from types import FrameType
from urllib.parse import urlsplit

from adapters.embedded import ServicesError, services
from adapters.embedded import status as services_status
from adapters.embedded.address import CAN_SHARE
from adapters.execute import Ledger, open_ledger
from adapters.projector import wait_until_projected
from api.settings import Settings

PROGRAM = (sys.executable, "-m", "api.cli")
#: Where the API listens if nobody chose a port; any free one where this is taken.
DEFAULT_PORT = 8000


@dataclass(frozen=True, slots=True)
class Running:
    """The services that a command uses since a time (seconds since the epoch), and the ledger on them."""

    settings: Settings
    database_url: str
    kafka_bootstrap: str
    ledger: Ledger
    api_url: str | None
    since: float

    def head(self) -> int:
        """Return the highest position."""
        return self.ledger.recorder.max_notification_id() or 0

    def http_url(self, timeout_s: float = 15.0) -> str | None:
        """Return where the HTTP API listens; None if it does not start in time."""
        deadline = time.monotonic() + timeout_s
        while (url := listening(self.api_url)) is None and time.monotonic() < deadline:
            time.sleep(0.05)
        return url

    def wait_for_head(self, at_least_s: float = 0.0) -> tuple[bool, int]:
        """Wait until the read models are complete to the present head; returns whether they are, and the head."""
        head = self.head()
        return wait_until_projected(self.database_url, head, max(at_least_s, self.settings.wait_s)), head


def listening(url: str | None) -> str | None:
    """Return the URL if a process listens there, else None."""
    parts = urlsplit(url or "")
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), timeout=1).close()
    except OSError:
        return None
    return url


def api_ports(port: int | None) -> list[int]:
    """Return the ports on which the API may listen, best first."""
    return [DEFAULT_PORT, 0] if port is None else [port]


def workers(settings: Settings) -> dict[str, list[str]]:
    """Return the commands to be kept running, by name. Raises ServicesError if this system cannot run so many."""
    if settings.api_processes > 1 and not CAN_SHARE:
        raise ServicesError(
            "this system has no SO_REUSEPORT, so that several API processes cannot share a port; "
            "use --api 1 (or COMPLAINTS_API_PROCESSES=1)"
        )
    api = [*PROGRAM, "api", *(["--share-port"] if CAN_SHARE else [])]
    return {
        **dict.fromkeys(_names("api", settings.api_processes), api),
        **{name: [*PROGRAM, "relay"] for name in _names("relay", settings.relays)},
        **{name: [*PROGRAM, "feed"] for name in _names("feed", settings.feeds)},
        **{
            name: [*PROGRAM, "projector", "--instance", _instance(settings, name)]
            for name in _names("projector", settings.projectors)
        },
        **{name: [*PROGRAM, "watcher"] for name in _names("watcher", settings.watchers)},
    }


def require_workers(settings: Settings) -> None:
    """Raise ServicesError if somebody else has started other processes than are wanted."""
    found = services_status(settings.data_dir)
    started = set(found.restarts if found is not None else ()) - {"postgres", "kafka"}
    if started != (wanted := workers(settings).keys()):
        raise ServicesError(
            f"the services of {settings.data_dir} run already, with {', '.join(sorted(started))} instead of "
            f"{', '.join(sorted(wanted))}; end their users first (see: complaints status), or ask for the same numbers"
        )


@contextmanager
def running(settings: Settings, report: Callable[[str], None]) -> Iterator[Running]:
    """Use the running services of the data directory, or start them (all processes included).

    The last user out stops them; SIGTERM ends the block as Ctrl-C does. Raises ServicesError.
    """
    signal.signal(signal.SIGTERM, _exit)
    # A shell that starts this in the background has it ignore Ctrl-C; then it would never stop its services.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    since = time.time()
    with services(
        settings.data_dir,
        database_url=settings.database_url,
        kafka_bootstrap=settings.kafka_bootstrap,
        prepare=[*PROGRAM, "prepare"],
        workers=workers(settings),
        cache_dir=settings.cache_dir,
        api_host=settings.api_host,
        api_ports=api_ports(settings.api_port),
        metrics_host=settings.metrics_host,
        report=report,
    ) as endpoints:
        ledger = open_ledger(endpoints.database_url)
        try:
            yield Running(
                settings, endpoints.database_url, endpoints.kafka_bootstrap, ledger, endpoints.http_url, since
            )
        finally:
            ledger.close()


def _names(process: str, count: int) -> list[str]:
    return [process] if count == 1 else [f"{process}-{number}" for number in range(1, count + 1)]


def _instance(settings: Settings, name: str) -> str:
    place = f"{socket.gethostname()}:{settings.data_dir.resolve()}:{name}"
    return sha256(place.encode()).hexdigest()[:16]


def _exit(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
