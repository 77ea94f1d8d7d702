"""A small cluster that may be broken: two of each process on servers of their own, all kept alive by a keeper."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import psutil

from adapters.database import connect
from adapters.embedded.kafka import KafkaServer
from adapters.embedded.postgres import PostgresServer
from adapters.embedded.process import ServicesError, choose_ports, spawn, stop
from adapters.migrations import migrate
from adapters.topics import ensure_topics
from tests.faults.network import Link, Network
from tests.faults.plan import PROCESSES

PROGRAM = Path(__file__).with_name("member_main.py")
ROOT = Path(__file__).parents[2]
SERVICE_KEY = "a service key for fault schedules"
PREFIX = "faults."
TICK_S = 0.03
AGAIN_S = 0.2
PATIENCE_S = 40.0
#: Small, so that there are many transactions to be hit in.
SETTINGS: dict[str, dict[str, object]] = {
    "relay": {"topic_prefix": PREFIX, "max_batch": 40},
    "projector": {"topic_prefix": PREFIX, "max_batch": 150},
    "watcher": {"max_batch": 40, "max_claim": 6},
}
_CLOCK = """
create schema faults;
create table faults.clock (shift interval not null);
insert into faults.clock values ('0 seconds');
create function faults.clock_timestamp() returns timestamptz language sql volatile
  as $$ select pg_catalog.clock_timestamp() + shift from faults.clock $$;
"""


class Service(Protocol):
    """What the keeper keeps: a server or a process."""

    @property
    def pid(self) -> int | None: ...
    @property
    def running(self) -> bool: ...
    def start(self, check: Callable[[], None]) -> None: ...
    def stop(self) -> None: ...


class Process:
    """An api, relay, projector or watcher."""

    def __init__(self, name: str, shared: Path, arguments: list[str], env: dict[str, str]) -> None:
        self.name, self.kind = name, name.partition("-")[0]
        self.log = shared / "logs" / f"{name}.log"
        self._command = [sys.executable, str(PROGRAM), self.kind, name, str(shared), *arguments]
        self._env = {**os.environ, "PYTHONPATH": str(ROOT), **env}
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return None if self._child is None else self._child.pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def ended_with(self) -> int | None:
        """Exit status of the last run, negative for a signal."""
        return None if self._child is None else self._child.returncode

    def start(self, check: Callable[[], None]) -> None:
        self._child = spawn(self._command, self.log, death_signal=signal.SIGKILL, env=self._env)

    def stop(self) -> None:
        if self._child is not None:
            stop(self._child, signal.SIGTERM, PATIENCE_S)


class Closing(Exception):
    """Interrupts the start of a server when the cluster is taken down."""


class Kept:
    """A service with the thread that starts it, again and again, and takes part in its life."""

    def __init__(self, name: str, service: Service) -> None:
        self.name, self.service = name, service
        self.starts = 0
        self.crashes: Counter[str] = Counter()
        self.wanted = threading.Event()
        self._closing = threading.Event()
        # The children end with the thread that started them, so this one lasts as long as they are needed.
        self._thread = threading.Thread(target=self._keep, name=f"keeper of {name}", daemon=True)
        self._thread.start()

    def _keep(self) -> None:
        while not self._closing.wait(TICK_S):
            if self.wanted.is_set() and not self.service.running:
                if isinstance(self.service, Process) and self.service.ended_with not in (None, 0, -signal.SIGKILL):
                    self.crashes[f"{self.name} with status {self.service.ended_with}"] += 1
                try:
                    self.starts += 1
                    self.service.start(self._check)
                except (ServicesError, OSError) as error:
                    self.crashes[f"{self.name}: {str(error).splitlines()[0]}"] += 1
                    self._closing.wait(AGAIN_S)
                except Closing:
                    break
        self.service.stop()

    def _check(self) -> None:
        if self._closing.is_set():
            raise Closing

    def close(self) -> None:
        self._closing.set()
        self._thread.join()


class Cluster:
    """PostgreSQL, Kafka, and two each of api, relay, projector and watcher, on files in ``directory``.

    ``links`` by name: ``http.api-0`` in front of an api, ``database.<process>`` per process, ``kafka`` for all.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        for name in ("armed", "struck", "logs"):
            (directory / name).mkdir()
        self.network = Network()
        self.postgres = PostgresServer(directory / "postgres")
        kafka_link = self.network.link("kafka", lambda: self.kafka.port)
        self.kafka = KafkaServer(directory / "kafka", advertised=f"127.0.0.1:{kafka_link.port}")
        self.bootstrap = f"127.0.0.1:{kafka_link.port}"
        self.links: dict[str, Link] = {"kafka": kafka_link}
        self.kept = {"postgres": Kept("postgres", self.postgres), "broker": Kept("broker", self.kafka)}
        self.processes: dict[str, Process] = {}
        self.stubborn: list[str] = []
        self._full: dict[str, int] = {}
        self._ended = threading.Event()
        self._filler = threading.Thread(target=self._keep_full, name="disk", daemon=True)
        self._filler.start()

    @property
    def database_url(self) -> str:
        """The owner's, past all links: for the test itself."""
        return self.postgres.url

    def start(self, limit_s: float) -> None:
        """Start everything; returns when every process is there."""
        for server in self.kept.values():
            server.wanted.set()
        await_true(lambda: self._answers(), limit_s, "the servers did not start")
        self._configure_postgres()
        await_true(lambda: self._answers(), limit_s, "PostgreSQL did not start again")
        migrate(self.database_url)
        self._make_clock()
        ensure_topics(self.bootstrap, PREFIX)
        for kind in PROCESSES:
            for number in (0, 1):
                self._add(kind, number)
        await_true(lambda: all(self._listens(number) for number in (0, 1)), limit_s, "the apis did not start")

    def family(self, target: str) -> list[psutil.Process]:
        """The processes of a target, the first one first; empty when it is down."""
        pid = self.kept[target].service.pid
        with suppress(psutil.NoSuchProcess):
            if pid is not None:
                first = psutil.Process(pid)
                if first.status() != psutil.STATUS_ZOMBIE:
                    return [first, *first.children(recursive=True)]
        return []

    def leading_relay(self) -> str:
        """The name of the relay that holds the leader's lock; the first when there is none, or no telling."""
        with suppress(Exception):
            conn = connect(self.database_url, None)
            try:
                with conn.cursor() as cursor:
                    cursor.execute(
                        "select a.client_port from pg_locks l join pg_stat_activity a using (pid) "
                        "where l.locktype = 'advisory' and l.granted and a.application_name = 'complaints ledger_relay'"
                    )
                    for (port,) in cursor.fetchall():
                        for name in ("relay-0", "relay-1"):
                            if port in self.links[f"database.{name}"].ports_at_target:
                                return name
            finally:
                conn.close()
        return "relay-0"

    def fill(self, target: str, size: int | None) -> None:
        """Let no file of a server grow beyond ``size`` bytes, over restarts too; None: let all grow again.

        This is RLIMIT_FSIZE, which needs no privilege and no disk. Writes fail with EFBIG where a full disk says
        ENOSPC; existing files cannot be written beyond that size either.
        """
        if size is None:
            self._full.pop(target, None)
            self._limit(target, None)
        else:
            self._full[target] = size
            self._limit(target, size)

    def set_clock(self, name: str, seconds: float) -> None:
        """Move the clock of a process, or the one by which PostgreSQL stamps events."""
        if name != "postgres":
            (self.directory / f"clock.{name}").write_bytes(b"%-32f" % seconds)
            return
        conn = connect(self.database_url, None)
        try:
            with conn.cursor() as cursor:
                cursor.execute("update faults.clock set shift = make_interval(secs => %s)", (seconds,))
        finally:
            conn.close()

    def passed(self) -> Counter[str]:
        """How often each named point was reached."""
        found: Counter[str] = Counter()
        for name in self.processes:
            file = self.directory / f"passed.{name}"
            if file.exists():
                found.update(file.read_text().split())
        return found

    def crashes(self) -> Counter[str]:
        """What ended by itself, or did not start, and how often."""
        return sum((kept.crashes for kept in self.kept.values()), Counter())

    def restart_projectors(self, meanwhile: Callable[[], None]) -> None:
        """Stop the projectors in order, do something, and let the keeper start them again."""
        mine = [kept for name, kept in self.kept.items() if name.startswith("projector")]
        for kept in mine:
            kept.wanted.clear()
        for kept in mine:
            kept.service.stop()
        meanwhile()
        for kept in mine:
            kept.wanted.set()

    def close(self) -> None:
        """Stop everything; a process that has to be killed for it is noted as ``stubborn``."""
        for name in list(self._full):
            self.fill(name, None)
        self._ended.set()
        self._filler.join()
        for name, process in self.processes.items():
            self.kept[name].close()
            if process.ended_with == -signal.SIGKILL:
                self.stubborn.append(f"{name} had to be killed, since it did not stop when told")
        for name in ("broker", "postgres"):
            self.kept[name].close()
        self.network.close()

    def _answers(self) -> bool:
        if self.postgres.port is None or not (self.kafka.running and self.postgres.running):
            return False
        try:
            connect(self.database_url, None).close()
            ensure_topics(self.bootstrap, PREFIX)
        except Exception:
            return False
        return True

    def _listens(self, number: int) -> bool:
        return b"listening" in self.processes[f"api-{number}"].log.read_bytes()

    def _configure_postgres(self) -> None:
        conn = connect(self.database_url, None)
        with conn.cursor() as cursor:
            # A limit of files is one of POSIX shared memory too, which a full disk is not.
            cursor.execute("alter system set dynamic_shared_memory_type = 'sysv'")
        conn.close()
        self.postgres.stop()

    def _make_clock(self) -> None:
        conn = connect(self.database_url, None)
        with conn.cursor() as cursor:
            cursor.execute(_CLOCK)
            cursor.execute("select oid::regprocedure::text from pg_proc where oid = 'ledger.append'::regproc")
            ((append,),) = cursor.fetchall()
            cursor.execute(f"alter function {append} set search_path = faults, pg_catalog, pg_temp")
        conn.close()

    def _add(self, kind: str, number: int) -> None:
        name = f"{kind}-{number}"
        link = self.links[f"database.{name}"] = self.network.link(f"database.{name}", lambda: self.postgres.port)
        credentials, _, place = self.database_url.rpartition("@")
        url = f"{credentials}@127.0.0.1:{link.port}/{place.partition('/')[2]}"
        self.set_clock(name, 0)
        arguments: list[str] = []
        env: dict[str, str] = {}
        if kind == "api":
            own = self.directory / name
            own.mkdir()
            [port] = choose_ports(own, name)
            self.links[f"http.{name}"] = self.network.link(f"http.{name}", lambda: port)
            env = {
                "COMPLAINTS_DATA_DIR": str(own),
                "COMPLAINTS_DATABASE_URL": url,
                "COMPLAINTS_API_PORT": str(port),
                "COMPLAINTS_SERVICE_KEY": SERVICE_KEY,
                "COMPLAINTS_REQUESTS_PER_S": "1000000",
            }
        else:
            settings = {"database_url": url, **SETTINGS[kind]}
            if kind != "watcher":
                settings["kafka_bootstrap"] = self.bootstrap
            # One of them keeps its place in the group over restarts, the other joins anew.
            if name == "projector-0":
                settings["instance"] = name
            arguments = [json.dumps(settings)]
        process = self.processes[name] = Process(name, self.directory, arguments, env)
        kept = self.kept[name] = Kept(name, process)
        kept.wanted.set()
        await_true(lambda: process.running and process.log.exists(), 30, f"{name} did not start")

    def _keep_full(self) -> None:
        while not self._ended.wait(TICK_S):
            for target, size in list(self._full.items()):
                self._limit(target, size)

    def _limit(self, target: str, size: int | None) -> None:
        wanted = "unlimited" if size is None else str(size)
        others = [member for member in self.family(target) if _largest_file(member) not in (wanted, "")]
        if not others:
            return
        with suppress(psutil.NoSuchProcess):
            # PostgreSQL may run as another user, to whom even root need not be allowed to do this. So it is done by a
            # child of that user, in the place where it is that user already and still this program.
            owner = {"user": others[0].uids().real, "group": others[0].gids().real, "extra_groups": []}
            subprocess.run(
                ["true"],
                check=True,
                cwd="/",
                preexec_fn=lambda: _set_largest_file(others, size),
                **(owner if os.geteuid() == 0 else {}),  # type: ignore[call-overload]
            )


def _set_largest_file(members: Sequence[psutil.Process], size: int | None) -> None:
    for member in members:
        with suppress(ProcessLookupError):
            _, hard = resource.prlimit(member.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(member.pid, resource.RLIMIT_FSIZE, (hard if size is None else size, hard))


def _largest_file(member: psutil.Process) -> str:
    """The largest file that a process may write, in bytes or ``unlimited``; "" when it is gone."""
    try:
        limits = Path(f"/proc/{member.pid}/limits").read_text()
    except OSError:
        return ""
    return next((line.split()[3] for line in limits.splitlines() if line.startswith("Max file size")), "")


def await_true(condition: Callable[[], bool], limit_s: float, otherwise: str) -> None:
    """Wait for a condition; AssertionError when it does not come true in time."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"{otherwise} within {limit_s:.0f} s"
        time.sleep(TICK_S)
