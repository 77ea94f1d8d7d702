"""Runs a schedule of faults against a cluster under load, heals it, and holds what is left against what was said.

``python -m tests.faults.schedule --seed 7 --minutes 5`` runs a long one, ``--short`` that of the tests.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg2

from adapters.projector import wait_until_projected
from tests.faults import checks
from tests.faults.clients import Client, Shared
from tests.faults.cluster import PREFIX, SERVICE_KEY, Cluster
from tests.faults.plan import POINTS, Fault, long, short
from tests.faults.published import await_published
from tests.faults.strike import Striker
from tests.faults.test_projector_kill import forget, head, tables

CLIENTS = 4
START_LIMIT_S = 120.0
RECOVERY_LIMIT_S = 120.0
#: Before the first fault and after the last one is over, so that both ends see ordinary service.
CALM_S = 1.0
#: What falls due so soon after the clients are done is awaited, so that the ledger stands still while it is checked.
AHEAD = timedelta(minutes=1)


@dataclass
class Report:
    """What a run did, and what it found wrong."""

    seed: int
    history: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    #: Faults by kind and target, as they were struck.
    faults: Counter[str] = field(default_factory=Counter)
    #: Kills and stops at named points.
    struck: Counter[str] = field(default_factory=Counter)
    #: How often each point was reached at all.
    passed: Counter[str] = field(default_factory=Counter)
    commands: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    #: What became of the clocks of complaints.
    clocks: Counter[str] = field(default_factory=Counter)
    restarts: Counter[str] = field(default_factory=Counter)
    #: What ended without being killed, and was started again.
    crashes: Counter[str] = field(default_factory=Counter)
    events: int = 0
    longest_gap_s: float = 0.0
    longest_wait_s: float = 0.0
    recovery_s: float = 0.0

    def summary(self) -> list[str]:
        """The counts, a line each."""
        return [
            f"seed {self.seed}: {sum(self.faults.values())} faults, {self.events} events in the ledger",
            f"faults: {_counts(self.faults)}",
            f"at points: {_counts(self.struck)}",
            f"points reached: {_counts(self.passed)}",
            f"starts: {_counts(self.restarts)}",
            f"commands: {_counts(self.commands)}",
            f"answers to requests: {_counts(self.answers)}",
            f"clocks: {_counts(self.clocks)}",
            f"downtime: at most {self.longest_gap_s:.1f} s for everybody, {self.longest_wait_s:.1f} s for one command",
            f"recovery: {self.recovery_s:.1f} s from healing to complete read models",
            *(f"ended by itself: {crash}, {times} times" for crash, times in self.crashes.items()),
            *(f"WRONG: {wrong}" for wrong in self.wrong),
        ]


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(counter.items())) or "none"


class Run:
    """One run: a cluster, its clients, the faults, and the checks after them."""

    def __init__(self, seed: int, directory: Path, tell: Callable[[str], None]) -> None:
        self.report = Report(seed)
        self._tell = tell
        self._begun = time.monotonic()
        self._cluster = Cluster(directory)
        self._striker = Striker(self._cluster)
        self._shared = Shared()
        self._clients: list[Client] = []

    def carry_out(self, plan: Sequence[Fault]) -> Report:
        """Run it all. What is found wrong is in the report; errors of the harness are raised."""
        try:
            self._cluster.start(START_LIMIT_S)
            self._say("the cluster is there")
            self._strike(plan)
            self._heal()
            self._await_deadlines()
            self._hold_against_what_was_said()
            if self._recovers():
                self._hold_against_scratch()
        except psycopg2.Error as error:
            self.report.wrong.append(f"the database cannot be read: {str(error).strip()}")
        finally:
            self._cluster.close()
            self._count()
        return self.report

    def _say(self, what: str) -> None:
        line = f"{time.monotonic() - self._begun:7.2f} {what}"
        self.report.history.append(line)
        self._tell(line)

    def _strike(self, plan: Sequence[Fault]) -> None:
        ports = [self._cluster.links[f"http.api-{number}"].port for number in (0, 1)]
        self._clients = [
            Client(number, self.report.seed, ports, SERVICE_KEY.encode(), self._shared) for number in range(CLIENTS)
        ]
        for client in self._clients:
            client.start()
        time.sleep(CALM_S)
        self._shared.begin()
        begun = time.monotonic()
        for number, fault in enumerate(plan):
            time.sleep(max(0.0, begun + fault.at_s - time.monotonic()))
            self._striker.strike(number, fault)
            counter = self.report.struck if fault.kind.endswith("_at") else self.report.faults
            counter[f"{fault.kind} {fault.target}"] += 1
            self._say(f"{fault}; {self._seen()}")
        self._striker.await_all()
        self.report.wrong += self._striker.missed

    def _seen(self) -> str:
        """What clients have seen so far."""
        sent = [sent for client in self._clients for sent in list(client.sent)]
        answered = sum(one.answer is not None for one in sent)
        refused = sum(one.refused is not None for one in sent)
        unknown = sum(one.unknown for one in sent)
        return f"{answered} acknowledged, {refused} refused, {unknown} attempts without an answer"

    def _heal(self) -> None:
        for target in ("broker", "postgres"):
            self._cluster.fill(target, None)
        for link in self._cluster.links.values():
            link.heal()
        self._say(f"everything is healed; {self._seen()}")
        time.sleep(CALM_S)
        for client in self._clients:
            client.end()
        for client in self._clients:
            client.join()
        self._shared.served()
        self._say(f"the clients are done; {self._seen()}")

    def _await_deadlines(self) -> None:
        """Wait until all that falls due is recorded, without a hand."""
        give_up_at = time.monotonic() + RECOVERY_LIMIT_S
        while left := checks.unrecorded(self._cluster.database_url, datetime.now(UTC) + AHEAD):
            if time.monotonic() > give_up_at:
                self.report.wrong.append(f"the watchers were not done {RECOVERY_LIMIT_S:.0f} s after healing: {left}")
                break
            time.sleep(0.1)
        self._say("what fell due is recorded")

    def _recovers(self) -> bool:
        """Wait until everything is published and projected, without a hand."""
        url = self._cluster.database_url
        begun = time.monotonic()
        try:
            self.report.events = head(url)
            await_published(url)
        except AssertionError as error:
            self.report.wrong.append(f"publishing did not recover: {error}")
            return False
        if not wait_until_projected(url, self.report.events, RECOVERY_LIMIT_S):
            self.report.wrong.append(f"the read models were not complete {RECOVERY_LIMIT_S:.0f} s after healing")
            return False
        self.report.recovery_s = time.monotonic() - begun
        self._say(f"all {self.report.events} events are published and projected")
        return True

    def _hold_against_what_was_said(self) -> None:
        for client in self._clients:
            self.report.wrong += client.wrong
        url, now = self._cluster.database_url, datetime.now(UTC)
        self.report.wrong += checks.ledger(url, self._clients)
        self.report.wrong += checks.deadlines(url, self._clients, now, self._striker.fast_since, self.report.clocks)
        self.report.wrong += checks.followed(url, self.report.clocks)

    def _hold_against_scratch(self) -> None:
        url = self._cluster.database_url
        self.report.wrong += checks.everything_else(url, self._cluster.bootstrap, PREFIX)
        survived = tables(url)
        self._cluster.restart_projectors(lambda: forget(url))
        self._say("the read models are made again from scratch")
        if not wait_until_projected(url, self.report.events, RECOVERY_LIMIT_S):
            self.report.wrong.append("the read models could not be made again from scratch")
        else:
            scratch = tables(url)
            differ = [name for name in survived if survived[name] != scratch[name]]
            self.report.wrong += [f"{name} differs from a run from scratch" for name in differ]
        self._say("checked")

    def _count(self) -> None:
        report = self.report
        report.wrong += self._cluster.stubborn
        report.crashes = self._cluster.crashes()
        report.passed = self._cluster.passed()
        report.restarts = Counter({name: kept.starts for name, kept in self._cluster.kept.items()})
        for client in self._clients:
            report.answers += client.statuses
            report.longest_wait_s = max(report.longest_wait_s, client.longest_wait_s)
            for sent in client.sent:
                report.commands["acknowledged"] += sent.answer is not None
                report.commands["of these repeated after an unknown outcome"] += bool(sent.answer and sent.unknown)
                report.commands["of these had taken effect before"] += bool(sent.answer and sent.answer["repeated"])
                report.commands["refused"] += sent.refused is not None
                report.commands["without an answer"] += sent.answer is None and sent.refused is None
        report.longest_gap_s = self._shared.longest_gap_s


def main() -> int:
    """Run a schedule from the command line; the exit status is 1 when something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.schedule", description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--short", action="store_true", help="the schedule of the tests")
    chosen = parser.parse_args()
    # A broker that starts often had better start fast: it takes half the time without its best compiler.
    os.environ.setdefault("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
    plan = short(chosen.seed) if chosen.short else long(chosen.seed, chosen.minutes * 60)
    directory = Path(tempfile.mkdtemp(prefix="complaints-faults-"))
    report = Run(chosen.seed, directory, lambda line: print(line, flush=True)).carry_out(plan)
    print("", *report.summary(), sep="\n", flush=True)
    missed = [point for point in POINTS if not report.struck[f"kill_at {point}"]]
    if missed:
        print(f"too short for a kill at {', '.join(missed)}")
    if report.wrong:
        print(f"the logs are in {directory}")
        return 1
    shutil.rmtree(directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
