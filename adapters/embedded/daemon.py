"""The process that owns the services and workers of one data directory, for as long as somebody uses them.

`python -m adapters.embedded.daemon LOCK` takes its orders as JSON on standard input; LOCK is the number of an
inherited file that holds the daemon's lock. It reports through run/state.json and ends when the last user has
gone, on SIGTERM, or when a service cannot be started.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import psutil

from adapters.embedded import address, lease
from adapters.embedded.figures import Figures
from adapters.embedded.kafka import KafkaServer, require_kafka
from adapters.embedded.lease import Endpoints, Notice, Process, Restarts, State, Wanted
from adapters.embedded.postgres import PostgresServer, require_postgres
from adapters.embedded.process import ServicesError, ending, nothing, run, spawn, stop, tail

TICK = 0.1
PREPARE_LIMIT = 600.0
WORKER_PATIENCE = 15.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
STEADY_AFTER = 60.0
NOTICES_KEPT = 100


class Ended(BaseException):
    """Nobody uses the services any more, or SIGTERM came. Not an Exception: no library may swallow it."""


@dataclass(frozen=True)
class Orders:
    """What the first user asked for. `cwd` is where `prepare` and the workers run.

    The workers share the port of `api_host` that is the first free one of `api_ports` (0: any); none: no port.
    """

    data_dir: Path
    cache_dir: Path | None
    wanted: Wanted
    prepare: Sequence[str]
    workers: Mapping[str, Sequence[str]]
    cwd: Path
    api_host: str
    api_ports: Sequence[int]
    metrics_host: str


class Service(Protocol):
    """A server or a worker."""

    @property
    def pid(self) -> int | None: ...
    @property
    def running(self) -> bool: ...
    @property
    def exit_code(self) -> int | None: ...
    def start(self, check: Callable[[], None] = nothing) -> None: ...
    def stop(self) -> None: ...


@dataclass
class Worker:
    """One command that is to be kept running."""

    command: Sequence[str]
    log: Path
    env: Mapping[str, str]
    cwd: Path
    child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return None if self.child is None else self.child.pid

    @property
    def running(self) -> bool:
        return self.child is not None and self.child.poll() is None

    @property
    def exit_code(self) -> int | None:
        return None if self.child is None else self.child.poll()

    def start(self, check: Callable[[], None] = nothing) -> None:
        self.child = spawn(self.command, self.log, death_signal=signal.SIGTERM, env=self.env, cwd=self.cwd)

    def stop(self) -> None:
        if self.child is not None:
            stop(self.child, signal.SIGTERM, WORKER_PATIENCE)


@dataclass
class Kept:
    """A service that is kept running; `pause` before a start (seconds) doubles while starts do not last."""

    service: Service
    pause: float = FIRST_PAUSE
    begun: float = field(default_factory=time.monotonic)
    due: float | None = None
    ended: str | None = None
    restarts: Restarts = field(default_factory=Restarts)


class Daemon:
    """Starts, watches and stops the services of one data directory."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.run = orders.data_dir / "run"
        self.state = State("starting", "starting", os.getpid(), orders.wanted)
        self.kept: dict[str, Kept] = {}
        self.reviving: set[str] = set()
        self.figures: Figures | None = None
        self.held: socket.socket | None = None
        self.told_to_end = False
        self.looked = 0.0

    def live(self) -> int:
        """Serve until the end; returns the exit status."""
        former = lease.read_state(self.run)
        self.say("starting", "starting")
        try:
            _stop_left_over(former)
            self.start()
            while True:
                self.check()
                self.revive()
                time.sleep(TICK)
        except Ended as why:
            log(str(why))
            self.say("stopping", "stopping")
            self.stop()
            (self.run / "state.json").unlink()
            return 0
        except Exception as error:
            message = str(error)
            if not isinstance(error, ServicesError):
                traceback.print_exc()
                message = f"the services failed: {error!r}\n{tail(self.orders.data_dir / 'logs' / 'daemon.log')}"
            self.say("failed", message)
            self.stop()
            return 1

    def start(self) -> None:
        orders = self.orders
        database_url, kafka_bootstrap = orders.wanted.database_url, orders.wanted.kafka_bootstrap
        port = None
        if orders.api_ports:
            port, self.held = address.hold(orders.api_host, orders.api_ports)
        self.figures = Figures(self.run, orders.metrics_host)
        if database_url is not None:
            require_postgres(database_url)
        if kafka_bootstrap is not None:
            require_kafka(kafka_bootstrap)
        self.check()
        if database_url is None:
            postgres = PostgresServer(orders.data_dir, self.progress)
            self.keep("postgres", postgres)
            database_url = postgres.url
        if kafka_bootstrap is None:
            kafka = KafkaServer(orders.data_dir, self.progress, orders.cache_dir)
            self.keep("kafka", kafka)
            kafka_bootstrap = kafka.bootstrap
        env = {
            **os.environ,
            "COMPLAINTS_DATABASE_URL": database_url,
            "COMPLAINTS_KAFKA_BOOTSTRAP": kafka_bootstrap,
            "COMPLAINTS_DATA_DIR": str(orders.data_dir),
            **({} if port is None else {"COMPLAINTS_API_HOST": orders.api_host, "COMPLAINTS_API_PORT": str(port)}),
        }
        logs = orders.data_dir / "logs"
        if orders.prepare:
            self.progress("preparing the database and the topics")
            run(
                orders.prepare,
                logs / "prepare.log",
                what="preparing the database and the topics",
                timeout=PREPARE_LIMIT,
                check=self.check,
                env=env,
                cwd=orders.cwd,
            )
        for name, command in orders.workers.items():
            self.keep(name, Worker(command, logs / f"{name}.log", env, orders.cwd))
        http_url = None if port is None else "http://" + address.reached_at(orders.api_host, port)
        self.state = replace(self.state, endpoints=Endpoints(database_url, kafka_bootstrap, http_url))
        self.say("ready", "ready")

    def keep(self, name: str, service: Service) -> None:
        service.start(self.check)
        self.kept[name] = Kept(service)

    def revive(self) -> None:
        """Start again what has ended, each after its pause."""
        for name, kept in self.kept.items():
            if name in self.reviving:
                continue
            now = time.monotonic()
            if not kept.service.running and kept.due is None:
                kept.pause = FIRST_PAUSE if now - kept.begun > STEADY_AFTER else min(2 * kept.pause, LONGEST_PAUSE)
                kept.due = now + kept.pause
                kept.ended = ending(kept.service.exit_code)
                self.tell(
                    f"{name} (process {kept.service.pid}) has ended ({kept.ended}); "
                    f"starting it again in {kept.pause:.1f} s"
                )
            elif kept.due is not None and now >= kept.due:
                self.start_again(name, kept)
        if self.figures is not None:
            self.figures.show({name: kept.service.running for name, kept in self.kept.items()})

    def start_again(self, name: str, kept: Kept) -> None:
        """Start a service that has ended. A start that fails for whatever reason is tried again later."""
        kept.begun, kept.due = time.monotonic(), None
        self.reviving.add(name)
        try:
            kept.service.start(self.tend)
        except Exception as error:
            kept.pause = min(2 * kept.pause, LONGEST_PAUSE)
            kept.due = time.monotonic() + kept.pause
            self.tell(f"{name} cannot be started; trying again in {kept.pause:.1f} s: {error}")
        else:
            kept.restarts = Restarts(kept.restarts.count + 1, time.time(), kept.ended)
            if self.figures is not None:
                self.figures.restarted(name)
            self.tell(f"{name} runs again (process {kept.service.pid})")
        finally:
            self.reviving.discard(name)

    def tend(self) -> None:
        """Look after the other services while one of them is starting again."""
        self.check()
        self.revive()

    def stop(self) -> None:
        """Workers first, then Kafka, then PostgreSQL; each within its own limit."""
        if self.figures is not None:
            self.figures.close()
        services = [kept.service for kept in self.kept.values()]
        for worker in services:
            if isinstance(worker, Worker) and worker.running and worker.child is not None:
                worker.child.terminate()
        for service in reversed(services):
            try:
                service.stop()
            except Exception:
                traceback.print_exc()

    def check(self) -> None:
        """Raise Ended when it is time; cheap enough to be called in every waiting loop."""
        if self.told_to_end:
            raise Ended("told to end")
        if time.monotonic() - self.looked < TICK:
            return
        with suppress(ServicesError), lease.gate(self.run, patience=1):
            if not lease.live_users(self.run):
                # Said with the gate held: whoever comes next sees it and waits for the end.
                self.say("stopping", "stopping")
                raise Ended("the last user has gone")
        self.looked = time.monotonic()

    def progress(self, message: str) -> None:
        log(message)
        self.say("starting" if self.state.status == "starting" else "ready", message)
        self.check()

    def tell(self, message: str) -> None:
        """Note for whoever follows what was done without being asked."""
        log(message)
        last = self.state.notices[-1].number if self.state.notices else 0
        # A message may bring the end of a log with it; those who follow get the first line.
        notice = Notice(last + 1, time.time(), message.partition("\n")[0])
        self.state = replace(self.state, notices=(*self.state.notices, notice)[-NOTICES_KEPT:])
        self.say("ready", "ready")

    def say(self, status: lease.Status, message: str) -> None:
        pids = {name: kept.service.pid for name, kept in self.kept.items() if kept.service.running}
        processes = {name: Process.of(pid) for name, pid in pids.items() if pid is not None}
        known = {name: process for name, process in processes.items() if process is not None}
        restarts = {name: kept.restarts for name, kept in self.kept.items()}
        self.state = replace(self.state, status=status, message=message, processes=known, restarts=restarts)
        try:
            lease.write_state(self.run, self.state)
        except OSError as error:
            # On a full disk the services go on; whoever looks sees the state as it was.
            log(f"cannot write {self.run / 'state.json'}: {error}")


def _stop_left_over(former: State | None) -> None:
    """Stop the workers of a daemon that was killed. The servers look for their own predecessors."""
    for name, process in ({} if former is None else former.processes).items():
        if name not in ("postgres", "kafka") and Process.of(process.pid) == process:
            log(f"stopping the left-over {name} (process {process.pid})")
            with suppress(psutil.Error):
                worker = psutil.Process(process.pid)
                worker.terminate()
                try:
                    worker.wait(5)
                except psutil.TimeoutExpired:
                    worker.kill()


def log(message: str) -> None:
    with suppress(OSError):
        print(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), message, flush=True)


def main() -> None:
    os.set_inheritable(int(sys.argv[1]), False)
    given = json.load(sys.stdin)
    if os.fork():
        os._exit(0)
    daemon = Daemon(
        Orders(
            data_dir=Path(given["data_dir"]),
            cache_dir=given["cache_dir"] and Path(given["cache_dir"]),
            wanted=Wanted(**given["wanted"]),
            prepare=given["prepare"],
            workers=given["workers"],
            cwd=Path(given["cwd"]),
            api_host=given["api_host"],
            api_ports=given["api_ports"],
            metrics_host=given["metrics_host"],
        )
    )

    def end(number: int, frame: object) -> None:
        daemon.told_to_end = True

    signal.signal(signal.SIGTERM, end)
    # Handlers, since ignored signals would stay ignored in the children.
    for other in (signal.SIGINT, signal.SIGHUP):
        signal.signal(other, lambda number, frame: None)
    sys.exit(daemon.live())


if __name__ == "__main__":
    main()
