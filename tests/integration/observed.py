"""The processes of a deployment as whoever watches them sees them: their log lines, and their figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import System

LIMIT = 90.0
ROOT = Path(__file__).parents[2]
SERVICE_KEY = "a service key for tests"
T = TypeVar("T")

Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]


def eventually(look: Callable[[], T | None], what: str) -> T:
    """Look until there is something to see."""
    deadline = time.monotonic() + LIMIT
    while not (seen := look()):
        assert time.monotonic() < deadline, f"not within {LIMIT:.0f} s: {what}"
        time.sleep(0.05)
    return seen


class Watched:
    """A process of its own, started as a deployment starts it."""

    def __init__(self, name: str, system: System, data_dir: Path, **settings: str) -> None:
        self.name, self._data_dir = name, data_dir
        self.log_file = data_dir / f"{name}-{time.monotonic_ns()}.log"
        env = {name: value for name, value in os.environ.items() if not name.startswith("COMPLAINTS_")}
        with self.log_file.open("wb") as log:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "api.cli", name],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env=env
                | {
                    "COMPLAINTS_DATA_DIR": str(data_dir),
                    "COMPLAINTS_DATABASE_URL": system.database_url,
                    "COMPLAINTS_KAFKA_BOOTSTRAP": system.kafka_bootstrap,
                    "COMPLAINTS_TOPIC_PREFIX": system.topic_prefix,
                    "COMPLAINTS_SERVICE_KEY": SERVICE_KEY,
                    "COMPLAINTS_API_PORT": "0",
                    **settings,
                },
            )

    @property
    def target_file(self) -> Path:
        return self._data_dir / "run" / "metrics" / f"{self.name}-{self.child.pid}.json"

    def log(self) -> list[dict[str, Any]]:
        """Every line that is complete; all are JSON, with time, place and message."""
        texts = self.log_file.read_text("utf-8").splitlines(keepends=True)
        lines: list[dict[str, Any]] = [json.loads(text) for text in texts if text.endswith("\n")]
        for line in lines:
            assert (line["process"], line["pid"]) == (self.name, self.child.pid)
            assert datetime.fromisoformat(line["time"]).utcoffset() is not None
            assert line["level"]
            assert line["logger"]
            assert "\n" not in line["message"]
        return lines

    def await_line(self, **fields: object) -> dict[str, Any]:
        """Wait for a line with these fields."""

        def look() -> dict[str, Any] | None:
            assert self.child.poll() is None, self.log_file.read_text("utf-8")
            return next((line for line in self.log() if fields.items() <= line.items()), None)

        return eventually(look, f"a line with {fields} in {self.log_file}")

    def metrics_url(self) -> str:
        eventually(self.target_file.exists, f"{self.target_file}, see {self.log_file}")
        (noted,) = json.loads(self.target_file.read_text())
        assert noted["labels"] == {"process": self.name, "pid": str(self.child.pid)}
        (target,) = noted["targets"]
        return f"http://{target}/metrics"

    def figures(self) -> Figures:
        return scrape(self.metrics_url())

    def await_figure(self, value: float, name: str, **labels: str) -> None:
        """Scrape until a figure has this value."""
        eventually(lambda: figure(self.figures(), name, **labels) == value, f"{name} {labels} is {value}")

    def stop(self) -> None:
        self.child.terminate()
        assert self.child.wait(LIMIT) == 0, self.log_file.read_text("utf-8")


@contextmanager
def watched(name: str, system: System, data_dir: Path, **settings: str) -> Iterator[Watched]:
    """Run a process for the length of the block."""
    process = Watched(name, system, data_dir, **settings)
    try:
        yield process
    finally:
        process.child.kill()
        process.child.wait(LIMIT)


def api_url(api: Watched) -> str:
    """Wait for an API process; return its address."""
    eventually(lambda: [line for line in api.log() if line["message"].startswith("listening on")], "a listening API")
    (line,) = [line for line in api.log() if line["message"].startswith("listening on")]
    url: str = line["message"].removeprefix("listening on ")
    return url


def scrape(url: str) -> Figures:
    """Return the figures as Prometheus reads them."""
    with urllib.request.urlopen(url, timeout=LIMIT) as answer:
        text = answer.read().decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def figure(figures: Figures, name: str, **labels: str) -> float | None:
    """Return one figure, None where there is none."""
    return figures.get((f"complaints_{name}", frozenset(labels.items())))
