"""Carries out one fault on a cluster, and takes it back when its time is over."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

import psutil
import psycopg2

from tests.faults.cluster import Cluster
from tests.faults.network import Link
from tests.faults.plan import PROCESSES, Fault

#: How long a fault may wait for its moment: a point to be reached, a server to be back.
LIMIT_S = 120.0


class Striker:
    """Strikes faults, each in a thread of its own, so that they overlap as the plan has it."""

    def __init__(self, cluster: Cluster) -> None:
        self.missed: list[str] = []
        #: When the clock of an api or a watcher was first set forward: from then on, deadlines may pass early.
        self.fast_since: datetime | None = None
        self._cluster = cluster
        self._threads: list[threading.Thread] = []
        #: Only one fault at a time waits at a point.
        self._at_point: dict[str, threading.Lock] = {}

    def strike(self, number: int, fault: Fault) -> None:
        """Begin a fault and return."""
        thread = threading.Thread(target=self._strike, args=(number, fault), name=str(fault), daemon=True)
        self._threads.append(thread)
        thread.start()

    def await_all(self) -> None:
        """Wait until every fault is over."""
        for thread in self._threads:
            thread.join(LIMIT_S + 30)
            if thread.is_alive():
                self.missed.append(f"{thread.name} is not over")

    def _strike(self, number: int, fault: Fault) -> None:
        try:
            match fault.kind:
                case "kill":
                    self._kill(fault)
                case "stop":
                    self._stop(fault)
                case "cut":
                    for link in self._links(fault):
                        link.cut()
                case "stall" | "delay":
                    self._slow(fault)
                case "fill":
                    self._cluster.fill(fault.target, int(fault.amount))
                    time.sleep(fault.for_s)
                    self._cluster.fill(fault.target, None)
                case "forward" | "back":
                    self._move_clock(fault)
                case _:
                    self._at(number, fault)
        except Exception as error:  # a fault that cannot be struck belongs into the report of the run
            self.missed.append(f"{fault}: {error!r}")

    def _kill(self, fault: Fault) -> None:
        name = self._name(fault)
        # A server that has just been killed is killed again when it is back, not while it is away.
        deadline = time.monotonic() + LIMIT_S
        while not (family := self._cluster.family(name)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{name} never came back")
            time.sleep(0.02)
        _signal(family, signal.SIGKILL)

    def _stop(self, fault: Fault) -> None:
        name = self._name(fault)
        family = self._cluster.family(name)
        _signal(family, signal.SIGSTOP)
        # What it forked in between is stopped now; it forks no more.
        family += [member for member in self._cluster.family(name) if member not in family]
        _signal(family, signal.SIGSTOP)
        if fault.amount:
            for link in self._links(fault, name):
                link.cut()
        time.sleep(fault.for_s)
        _signal(family, signal.SIGCONT)

    def _slow(self, fault: Fault) -> None:
        links = self._links(fault)
        for link in links:
            if fault.kind == "stall":
                link.stall()
            else:
                link.delay(fault.amount)
        time.sleep(fault.for_s)
        for link in links:
            link.heal()

    def _move_clock(self, fault: Fault) -> None:
        name = fault.target if fault.target == "postgres" else f"{fault.target}-{fault.which}"
        if fault.kind == "forward" and fault.target in ("api", "watcher"):
            self.fast_since = self.fast_since or datetime.now(UTC)
        self._set_clock(name, fault.amount if fault.kind == "forward" else -fault.amount)
        time.sleep(fault.for_s)
        self._set_clock(name, 0)

    def _set_clock(self, name: str, seconds: float) -> None:
        deadline = time.monotonic() + LIMIT_S
        while True:
            try:
                self._cluster.set_clock(name, seconds)
                return
            except psycopg2.Error:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def _at(self, number: int, fault: Fault) -> None:
        """Wait until a process has killed or stopped itself at a named point."""
        directory = self._cluster.directory
        with self._at_point.setdefault(fault.target, threading.Lock()):
            note = directory / f"order.{number}"
            note.write_text(f"{number} {fault.kind.removesuffix('_at')}")
            note.rename(directory / "armed" / fault.target)
            struck = directory / "struck" / str(number)
            deadline = time.monotonic() + LIMIT_S
            while not struck.exists():
                if time.monotonic() > deadline:
                    raise TimeoutError("the point was never reached")
                time.sleep(0.01)
        if fault.kind == "stop_at":
            name, pid = struck.read_text().split()
            if fault.amount:
                self._cluster.links[f"database.{name}"].cut()
            time.sleep(fault.for_s)
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(int(pid))
                if name in process.cmdline():
                    process.send_signal(signal.SIGCONT)

    def _name(self, fault: Fault) -> str:
        if fault.target not in PROCESSES:
            return fault.target
        if fault.target != "relay":
            return f"{fault.target}-{fault.which}"
        leader = self._cluster.leading_relay()
        return leader if fault.which == 0 else {"relay-0": "relay-1", "relay-1": "relay-0"}[leader]

    def _links(self, fault: Fault, name: str | None = None) -> Sequence[Link]:
        links = self._cluster.links
        if fault.target == "broker":
            return [links["kafka"]]
        if fault.target == "postgres":
            return [link for key, link in links.items() if key.startswith("database.")]
        name = name or self._name(fault)
        return [link for key, link in links.items() if key.partition(".")[2] == name]


def _signal(family: Sequence[psutil.Process], number: signal.Signals) -> None:
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.send_signal(number)
