"""A side of a comparison in a process of its own, asked for one run after the other.

``python -m bench.worker MODULE:FACTORY`` reads JSON objects, one per line: the first holds the arguments of the
factory, each further one those of a run; every line is answered by one line. Also runs in the peer's environment,
so it may import the standard library only.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
END_LIMIT_S = 20.0
RUN_LIMIT_S = 300.0

Run = Callable[..., Any]


@contextmanager
def worker(factory: str, *, python: Path | str = sys.executable, **setup: Any) -> Iterator[Run]:
    """Start ``factory`` ("module:name") with ``setup``; yields the function that makes a run and gives its answer."""
    child = subprocess.Popen(
        [str(python), "-m", "bench.worker", factory],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    asked, answers = child.stdin, child.stdout

    def ask(**arguments: Any) -> Any:
        print(json.dumps(arguments), file=asked, flush=True)
        alarm = threading.Timer(RUN_LIMIT_S, child.kill)
        alarm.daemon = True
        alarm.start()
        try:
            answer = answers.readline()
        finally:
            alarm.cancel()
        if not answer:
            status = child.wait(END_LIMIT_S)
            late = status == -signal.SIGKILL
            why = f"gave no answer in {RUN_LIMIT_S:.0f} seconds" if late else "its error is above"
            raise RuntimeError(f"{factory} ended with status {status}: {why}")
        return json.loads(answer)

    try:
        ask(**setup)
        yield ask
        asked.close()
        child.wait(END_LIMIT_S)
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
        answers.close()


def peak_mb() -> float:
    """Return the most memory that this process has had resident so far, in MB (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this system does not tell the peak of a process's memory (VmHWM in /proc/self/status)")


def _serve(factory: str) -> None:
    module, _, name = factory.partition(":")
    # Whatever a library prints must not get between the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    run: Run | None = None
    for line in sys.stdin:
        arguments = json.loads(line)
        if run is None:
            run, answer = getattr(import_module(module), name)(**arguments), None
        else:
            answer = run(**arguments)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    _serve(sys.argv[1])
