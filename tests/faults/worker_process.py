"""A relay, feed, projector or watcher in a process of its own, as the tests see it."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from adapters.projector import ProjectorSettings
from adapters.public_feed import FeedSettings
from adapters.relay import RelaySettings
from adapters.watcher import WatcherSettings

LIMIT = 60.0
PROGRAM = Path(__file__).with_name("worker_main.py")
ROOT = Path(__file__).parents[2]


class WorkerProcess:
    """Starts a worker with faults such as ``after_flush:2:self``; kills it at the end of the block.

    ``clock``: a file with the time that it is for a watcher, instead of the real one.
    """

    def __init__(
        self,
        settings: RelaySettings | FeedSettings | ProjectorSettings | WatcherSettings,
        *faults: str,
        clock: Path | None = None,
    ) -> None:
        worker = type(settings).__name__.removesuffix("Settings").lower()
        self._child = subprocess.Popen(
            [sys.executable, str(PROGRAM), worker, json.dumps(asdict(settings)), *faults],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), **({} if clock is None else {"CLOCK": str(clock)})},
        )
        self.said: list[str] = []
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def await_line(self, beginning: str) -> str:
        """Wait for a line, passing over others; returns what follows the beginning."""
        deadline = time.monotonic() + LIMIT
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no line {beginning!r} within {LIMIT:.0f} s, only {self.said}") from None
            assert line is not None, f"the worker ended without a line {beginning!r}, after {self.said}"
            self.said.append(line)
            if line.startswith(beginning):
                return line.removeprefix(beginning).strip()

    def go_on(self) -> None:
        """Answer a process that waits."""
        assert self._child.stdin is not None
        self._child.stdin.write("go on\n")
        self._child.stdin.flush()

    def signal(self, number: signal.Signals) -> None:
        self._child.send_signal(number)

    def kill(self) -> None:
        """SIGKILL, which must find it alive."""
        self._child.kill()
        assert self.await_end() == -signal.SIGKILL

    def stop(self) -> None:
        """SIGTERM, after which it must end by itself."""
        self._child.terminate()
        assert self.await_end() == 0

    def await_end(self) -> int:
        """Wait for the end; returns the exit status, negative for a signal."""
        return self._child.wait(LIMIT)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.kill()
        self._child.wait(LIMIT)
        self._reader.join()
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.close()
        self._child.stdout.close()
