"""What all questions share: the services, alternating runs, and how a comparison is told."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from itertools import count
from math import ceil
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

from kafka import KafkaAdminClient
from psycopg2 import sql

from adapters.database import connect
from adapters.embedded.kafka import KafkaServer
from adapters.embedded.maven import KAFKA_VERSION
from adapters.embedded.postgres import PostgresServer
from adapters.migrations import migrate
from adapters.topics import ensure_topics
from domain.streams import TOPICS

TEMPLATE = "bench_empty"


def say(message: str) -> None:
    """Tell progress, apart from the results."""
    print(f"{time.strftime('%H:%M:%S')} {message}", file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured. ``pairs`` counts the runs of each side."""

    pairs: int
    append_seconds: float
    bulk_events: int
    relay_events: int
    projected_pairs: int
    projected_events: int
    peer_projected_events: int
    memory_events: tuple[int, int]
    memory_pairs: int
    latency_rounds: int
    latency_seconds: float
    visible_rounds: int
    visible_seconds: float
    scaled_rounds: int
    scaled_seconds: float
    scaled_events: int
    kills: int
    server_kills: int
    surge_seconds: float
    surge_limit_seconds: float
    grown_events: int
    grown_commands: int
    grown_trials: int
    paged_complaints: int
    paged_requests: int

    def with_runs(self, runs: int) -> Scale:
        """Return the same with so many runs of each side, in every question."""
        return replace(
            self,
            pairs=runs,
            projected_pairs=runs,
            memory_pairs=runs,
            latency_rounds=runs,
            visible_rounds=runs,
            scaled_rounds=runs,
            kills=runs,
            server_kills=runs,
        )


FULL = Scale(
    pairs=7,
    append_seconds=2.5,
    bulk_events=40_000,
    relay_events=50_000,
    projected_pairs=3,
    projected_events=1_000_000,
    peer_projected_events=4_000,
    memory_events=(50_000, 200_000),
    memory_pairs=3,
    latency_rounds=5,
    latency_seconds=1.6,
    visible_rounds=5,
    visible_seconds=15.0,
    scaled_rounds=5,
    scaled_seconds=3.0,
    scaled_events=100_000,
    kills=5,
    server_kills=3,
    surge_seconds=120.0,
    surge_limit_seconds=20.0,
    grown_events=1_000_000,
    grown_commands=1_500,
    grown_trials=20,
    paged_complaints=1_000_000,
    paged_requests=60,
)
QUICK = Scale(
    pairs=1,
    append_seconds=1.0,
    bulk_events=10_000,
    relay_events=10_000,
    projected_pairs=1,
    projected_events=20_000,
    peer_projected_events=1_000,
    memory_events=(25_000, 50_000),
    memory_pairs=1,
    latency_rounds=1,
    latency_seconds=0.7,
    visible_rounds=1,
    visible_seconds=5.0,
    scaled_rounds=1,
    scaled_seconds=2.0,
    scaled_events=20_000,
    kills=1,
    server_kills=1,
    surge_seconds=8.0,
    surge_limit_seconds=4.0,
    grown_events=50_000,
    grown_commands=300,
    grown_trials=10,
    paged_complaints=50_000,
    paged_requests=20,
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs of two sides, in pairs. The ratio of a pair is ours / peer; ``target`` is the least that is asked for.

    With ``at_most`` a lower ratio is better, and ``target`` is the most that is allowed. No target: for comparison.
    """

    question: str
    ours: str
    peer: str
    unit: str
    pairs: Sequence[tuple[float, float]]
    target: float | None = None
    at_most: bool = False

    @property
    def ratios(self) -> list[float]:
        return [ours / peer for ours, peer in self.pairs]

    @property
    def met(self) -> bool | None:
        if self.target is None:
            return None
        return median(self.ratios) <= self.target if self.at_most else median(self.ratios) >= self.target

    def as_json(self) -> dict[str, Any]:
        """Return everything that is known, raw figures included."""
        return {
            "question": self.question,
            "ours": self.ours,
            "peer": self.peer,
            "unit": self.unit,
            "ratio": median(self.ratios),
            "ratio_range": [min(self.ratios), max(self.ratios)],
            "ours_median": median(ours for ours, _ in self.pairs),
            "peer_median": median(peer for _, peer in self.pairs),
            "target": self.target,
            "at_most": self.at_most,
            "met": self.met,
            "pairs": [list(pair) for pair in self.pairs],
        }

    def as_text(self) -> str:
        """Return one paragraph for people."""
        ratios = self.ratios
        text = (
            f"{self.question}: {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}, "
            f"{len(ratios)} {'pair' if len(ratios) == 1 else 'pairs'})"
        )
        if self.target is not None:
            text += f", {'at most' if self.at_most else 'at least'} {self.target:g}: {'met' if self.met else 'MISSED'}"
        ours, peer = zip(*self.pairs, strict=True)
        return f"{text}\n    {self.ours}: {told(ours, self.unit)}\n    {self.peer}: {told(peer, self.unit)}"


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured beside a comparison: the runs of each row, all in ``unit``. ``notes`` say what they mean."""

    question: str
    unit: str
    rows: Mapping[str, Sequence[float]]
    notes: Sequence[str] = ()

    def as_json(self) -> dict[str, Any]:
        """Return everything that is known, raw figures included."""
        return {
            "question": self.question,
            "unit": self.unit,
            "rows": {
                name: {"median": median(runs), "range": [min(runs), max(runs)], "runs": list(runs)}
                for name, runs in self.rows.items()
            },
            "notes": list(self.notes),
        }

    def as_text(self) -> str:
        """Return one paragraph for people."""
        rows = [f"    {name}: {told(runs, self.unit)}" for name, runs in self.rows.items()]
        return "\n".join([f"{self.question}:", *rows, *(f"    {note}" for note in self.notes)])


Finding = Comparison | Figures


def told(runs: Sequence[float], unit: str) -> str:
    """Write the median of runs, and their range where there are several."""
    text = f"{figure(median(runs))} {unit}"
    return f"{text} ({figure(min(runs))} to {figure(max(runs))})" if len(runs) > 1 else text


def figure(value: float) -> str:
    """Write a figure with at least three digits, and not many more."""
    return f"{value:,.{0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2}f}"


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that so many percent of all do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, ceil(len(ordered) * percent / 100) - 1)]


def alternate(pairs: int, *sides: Callable[[], float]) -> list[list[float]]:
    """Run the sides in turn, A B A B …; returns the figures of each side."""
    figures: list[list[float]] = [[] for _ in sides]
    for number in range(1, pairs + 1):
        for side, own in zip(sides, figures, strict=True):
            own.append(side())
        say(f"  {number}/{pairs}: {', '.join(figure(own[-1]) for own in figures)}")
    return figures


def paired(ours: Sequence[float], peer: Sequence[float]) -> list[tuple[float, float]]:
    """Put the runs of two sides together by turn."""
    return list(zip(ours, peer, strict=True))


class Services:
    """PostgreSQL and Kafka of this run in a temporary directory, each started when it is first asked for."""

    def __init__(self) -> None:
        self._exit = ExitStack()
        self._numbers = count(1)

    def __enter__(self) -> Services:
        self.directory = Path(self._exit.enter_context(TemporaryDirectory(prefix="ledger-bench-")))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()

    @cached_property
    def postgres(self) -> PostgresServer:
        """A server that has an empty ledger as a template."""
        server = PostgresServer(self.directory / "services", say)
        server.start()
        self._exit.callback(server.stop)
        self._create(server.url, TEMPLATE, "template0")
        migrate(_sibling(server.url, TEMPLATE))
        return server

    @property
    def postgres_url(self) -> str:
        """URL of the server's owner."""
        return self.postgres.url

    @cached_property
    def kafka(self) -> KafkaServer:
        """A broker."""
        server = KafkaServer(self.directory / "services", say)
        server.start()
        self._exit.callback(server.stop)
        return server

    @property
    def kafka_bootstrap(self) -> str:
        """host:port of the broker."""
        return self.kafka.bootstrap

    def new_database(self, template: str = TEMPLATE) -> str:
        """Create a database with an empty ledger, or a bare one from ``template1``; returns its URL."""
        name = f"bench_{next(self._numbers)}"
        self._create(self.postgres_url, name, template)
        self.checkpoint()
        return _sibling(self.postgres_url, name)

    def drop_database(self, url: str) -> None:
        """Drop what ``new_database`` created, ending its connections."""
        name = url.rpartition("/")[2]
        self._owner(self.postgres_url, sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))

    def checkpoint(self) -> None:
        """Write everything to disk now, so that the next run does not pay for the last one."""
        self._owner(self.postgres_url, sql.SQL("checkpoint"))

    def new_topics(self) -> str:
        """Create the ledger's topics; returns their prefix."""
        prefix = f"bench{next(self._numbers)}."
        ensure_topics(self.kafka_bootstrap, prefix)
        return prefix

    def drop_topics(self, prefix: str) -> None:
        """Delete what ``new_topics`` created."""
        admin = KafkaAdminClient(bootstrap_servers=self.kafka_bootstrap)
        admin.delete_topics([prefix + topic for topic in TOPICS])
        admin.close()

    def facts(self) -> dict[str, str | int]:
        """Say what this machine and its programs are."""
        conn = connect(self.postgres_url, None)
        postgres = f"{conn.server_version // 10_000}.{conn.server_version % 10_000}"
        conn.close()
        return {
            "cores": os.cpu_count() or 0,
            "machine": platform.machine(),
            "python": platform.python_version(),
            "postgresql": postgres,
            "kafka": KAFKA_VERSION,
            "eventsourcing": version("eventsourcing"),
            "kafka-python": version("kafka-python"),
            "psycopg2": version("psycopg2-binary"),
        }

    def _create(self, url: str, name: str, template: str) -> None:
        create = sql.SQL("create database {} template {}")
        self._owner(url, create.format(sql.Identifier(name), sql.Identifier(template)))

    @staticmethod
    def _owner(url: str, statement: sql.Composable) -> None:
        conn = connect(url, None)
        try:
            with conn.cursor() as cursor:
                cursor.execute(statement)
        finally:
            conn.close()


def _sibling(url: str, database: str) -> str:
    return f"{url.rpartition('/')[0]}/{database}"
