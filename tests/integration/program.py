"""The command `complaints` with a data directory of its own, as the tests run it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from adapters.database import connect

LIMIT = 120.0
COMPLAINTS = Path(sys.executable).parent / "complaints"


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        """The only line on standard error, which is JSON; nothing is on standard output."""
        assert self.out == ""
        (line,) = self.err.splitlines()
        return json.loads(line)


@dataclass(frozen=True)
class Up:
    """A running `complaints up`: its process, what it printed as JSON, and where it says the rest."""

    process: subprocess.Popen[str]
    endpoints: dict[str, str]
    errors: Path

    def said(self) -> str:
        return self.errors.read_text("utf-8")


@dataclass
class Program:
    """The command with a data directory of its own, and settings (COMPLAINTS_*) beside it."""

    data_dir: Path
    settings: dict[str, str] = field(default_factory=dict)
    statistics: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def start(self, *arguments: str | bytes, stderr: Any = subprocess.PIPE) -> subprocess.Popen[str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith("COMPLAINTS_")}
        return subprocess.Popen(
            [COMPLAINTS, *arguments],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**env, "COMPLAINTS_DATA_DIR": str(self.data_dir), **self.settings},
        )

    def run(self, *arguments: str | bytes) -> Ran:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=LIMIT)
        return Ran(process.returncode, out, err)

    def run_all(self, commands: Sequence[Sequence[str | bytes]]) -> list[Ran]:
        """Run commands side by side."""
        with ThreadPoolExecutor(3) as pool:
            return list(pool.map(lambda arguments: self.run(*arguments), commands))

    @contextmanager
    def up(self, *options: str) -> Iterator[Up]:
        """`complaints up`, once it serves; ended at the end of the block, if it still runs."""
        errors = self.data_dir.with_suffix(".up")
        with errors.open("w", encoding="utf-8") as stderr:
            process = self.start("up", "--json", *options, stderr=stderr)
        try:
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                lines.append(line)
                if line == "}\n":
                    break
            else:
                raise AssertionError(errors.read_text("utf-8"))
            yield Up(process, json.loads("".join(lines)), errors)
        finally:
            if process.poll() is None:
                process.terminate()
            process.communicate(timeout=LIMIT)

    def status(self) -> Any:
        return self.run("status", "--json").json

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        with closing(connect(self.status()["database_url"], "ledger_api")) as conn, conn.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def head(self) -> int:
        return int(self.status()["head"])


def stop(program: Program, up: Up, number: signal.Signals) -> int:
    """Stop `complaints up` and see that nothing that it started runs on; returns its exit code."""
    status = program.status()
    assert {"daemon", "postgres", "kafka", "api", "relay", "projector", "watcher"} <= status["pids"].keys()
    assert up.process.pid in status["users"]
    started = [psutil.Process(pid) for pid in status["pids"].values()]
    started += [child for process in started for child in process.children(recursive=True)]
    up.process.send_signal(number)
    up.process.communicate(timeout=LIMIT)
    eventually(
        lambda: not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in started),
        "everything has ended",
    )
    assert program.status()["running"] is False
    return up.process.returncode


def eventually(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline, f"not within {LIMIT:g} s: {what}"
        time.sleep(0.05)
