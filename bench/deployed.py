"""The program's processes as they run in earnest, on a database and topics of their own, each started again at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from subprocess import Popen
from uuid import uuid4

import psutil

from adapters.database import UNAVAILABLE, Pool, connect
from adapters.embedded.process import choose_ports, spawn, stop, tail
from adapters.queries import complete_to
from api.tokens import issue
from bench.corpus import SERVICE_KEY
from bench.harness import Services
from bench.load import file_body, post
from bench.worker import ROOT
from domain.values import Actor, Role

START_LIMIT_S = 60.0
STOP_LIMIT_S = 15.0
RECOVERY_LIMIT_S = 90.0
LOOK_S = 0.005
RETRY_S = 0.02


class Kept:
    """A command that is started again at once whenever it ends."""

    def __init__(self, command: list[str], env: dict[str, str], log: Path) -> None:
        self._command, self._env, self.log = command, env, log
        self._ending = False
        self._changing = threading.Lock()
        self._child: Popen[bytes] | None = None
        self._started = threading.Event()
        # The children get a signal when the thread that started them ends: so it lives as long as they do.
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self._thread.start()
        self._started.wait(START_LIMIT_S)

    def _keep(self) -> None:
        while True:
            with self._changing:
                if self._ending:
                    return
                child = self._child = spawn(
                    self._command, self.log, death_signal=signal.SIGTERM, env=self._env, cwd=ROOT
                )
            self._started.set()
            child.wait()

    @property
    def pid(self) -> int:
        assert self._child is not None
        return self._child.pid

    def kill(self) -> None:
        """SIGKILL the process; the next one starts at once."""
        os.kill(self.pid, signal.SIGKILL)

    def stop(self) -> None:
        """End the process and start no other."""
        with self._changing:
            self._ending = True
        if self._child is not None:
            stop(self._child, signal.SIGTERM, STOP_LIMIT_S)
        self._thread.join()


class Deployed:
    """Processes on one database and one set of topics. ``kept`` are the running ones by name."""

    def __init__(self, services: Services, database_url: str, prefix: str | None) -> None:
        self.database_url, self.prefix = database_url, prefix
        self.kept: dict[str, Kept] = {}
        self.token = issue(
            SERVICE_KEY, Actor(str(uuid4()), Role.REGULATOR), now=datetime.now(UTC), valid_for=timedelta(hours=12)
        )
        self._pool = Pool(database_url, "ledger_api")
        self._directory = services.directory / "services"
        self._env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("COMPLAINTS_")},
            "COMPLAINTS_DATABASE_URL": database_url,
            "COMPLAINTS_SERVICE_KEY": SERVICE_KEY.decode(),
            "COMPLAINTS_REQUESTS_PER_S": "1000000",
        }
        if prefix is not None:
            self._env["COMPLAINTS_KAFKA_BOOTSTRAP"] = services.kafka_bootstrap
            self._env["COMPLAINTS_TOPIC_PREFIX"] = prefix

    def api(self, name: str = "api") -> int:
        """Start an API process; returns its port on 127.0.0.1 once it is ready."""
        [port] = choose_ports(self._directory, name)
        self._start(name, "api", {"COMPLAINTS_API_PORT": str(port)})
        self.await_(lambda: _is_ready(port), name)
        return port

    def relay(self, name: str = "relay") -> None:
        """Start a relay."""
        self._start(name, "relay", {})

    def projector(self, name: str = "projector") -> None:
        """Start a projector that keeps its name over restarts."""
        self._start(name, "projector", {}, "--instance", name)

    def _start(self, name: str, command: str, env: dict[str, str], *arguments: str) -> None:
        own = self._directory / f"deployed-{name}"
        self.kept[name] = Kept(
            [sys.executable, "-m", "api.cli", command, *arguments],
            {**self._env, "COMPLAINTS_DATA_DIR": str(own), **env},
            self._directory / "logs" / f"{name}.log",
        )

    def await_(self, condition: Callable[[], bool], name: str, limit_s: float = START_LIMIT_S) -> None:
        """Wait for a condition; RuntimeError with the log of the process ``name`` when it does not come true."""
        deadline = time.monotonic() + limit_s
        while not condition():
            if time.monotonic() > deadline:
                raise RuntimeError(f"{name} is not as it should be after {limit_s:g} s\n{tail(self.kept[name].log)}")
            time.sleep(LOOK_S)

    def connections(self, role: str) -> list[int]:
        """Return the client ports of the connections that processes of this kind have to PostgreSQL."""
        return self._client_ports(
            "select client_port from pg_stat_activity where datname = current_database() and application_name = %s",
            f"complaints ledger_{role}",
        )

    def leader(self) -> Kept:
        """Return the relay that leads: the one whose connection holds the advisory lock."""
        ports = self._client_ports(
            "select a.client_port from pg_locks l join pg_stat_activity a using (pid) "
            "where l.locktype = 'advisory' and l.granted and a.application_name = %s",
            "complaints ledger_relay",
        )
        for kept in self.kept.values():
            own = {c.laddr.port for c in psutil.Process(kept.pid).net_connections("tcp") if c.laddr}
            if own & set(ports):
                return kept
        raise RuntimeError("no relay leads")

    def _client_ports(self, sql: str, parameter: str) -> list[int]:
        conn = connect(self.database_url, None)
        try:
            with conn.cursor() as cursor:
                cursor.execute(sql, (parameter,))
                return [port for (port,) in cursor]
        finally:
            conn.close()

    def file(self, port: int) -> int:
        """File a complaint, repeated until it is acknowledged; returns its position."""
        deadline = time.monotonic() + RECOVERY_LIMIT_S
        body, key = file_body(), uuid4().hex
        while True:
            with suppress(OSError, HTTPException):
                connection = HTTPConnection("127.0.0.1", port, timeout=RECOVERY_LIMIT_S)
                try:
                    status, answer = post(connection, "/complaints", body, self.token, key)
                finally:
                    connection.close()
                if status == 201:
                    return int(answer["position"])
                if status != 503:
                    raise RuntimeError(f"a filing was answered with {status}: {answer}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"no filing was acknowledged within {RECOVERY_LIMIT_S:g} s")
            time.sleep(RETRY_S)

    def projected(self) -> int:
        """Return the position to which the read models are complete; -1 while PostgreSQL is away."""
        try:
            return complete_to(self._pool)
        except UNAVAILABLE:
            return -1

    def close(self) -> None:
        """End all processes, the last one first."""
        for kept in reversed(self.kept.values()):
            kept.stop()
        self._pool.close()


@contextmanager
def deployed(services: Services, *, topics: bool) -> Iterator[Deployed]:
    """Make a database, and topics where they are needed; all is gone when the block ends."""
    prefix = services.new_topics() if topics else None
    url = services.new_database()
    system = Deployed(services, url, prefix)
    try:
        yield system
    finally:
        system.close()
        services.drop_database(url)
        if prefix is not None:
            services.drop_topics(prefix)


def _is_ready(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
