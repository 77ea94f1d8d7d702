"""Who used the cores: CPU seconds of each kind of process over a run, and what that says of the bottleneck."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import psutil

from bench.harness import figure

#: From here on a core counts as full.
FULL_SHARE = 0.9
#: Cores that other programs may take before a run counts as disturbed.
DISTURBED = 0.2
MACHINE = "whole machine"


def cpu_seconds(pid: int) -> float:
    """Return what a process and its descendants have used, those included that it has waited for."""
    process = psutil.Process(pid)
    times = process.cpu_times()
    used = times.user + times.system + times.children_user + times.children_system
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            own = child.cpu_times()
            used += own.user + own.system
    return float(used)


def machine_seconds() -> float:
    """Return what all programs of the machine have used."""
    times = psutil.cpu_times()
    return float(sum(getattr(times, name, 0.0) for name in ("user", "nice", "system", "irq", "softirq")))


def cores_used(
    run: Callable[[], dict[str, float]], processes: Mapping[str, Sequence[int]], others: str
) -> tuple[dict[str, float], dict[str, float]]:
    """Make a run; returns its answer, and the cores that each kind of process kept busy on average.

    ``cpu_seconds`` in the answer are those of a kind that is not among ``processes``: of ``others``.
    """
    before = {kind: sum(map(cpu_seconds, pids)) for kind, pids in processes.items()}
    all_before, began = machine_seconds(), time.monotonic()
    answer = run()
    elapsed = time.monotonic() - began
    used = {kind: (sum(map(cpu_seconds, pids)) - before[kind]) / elapsed for kind, pids in processes.items()}
    used[others] = answer["cpu_seconds"] / elapsed
    used[MACHINE] = (machine_seconds() - all_before) / elapsed
    return answer, used


def bottleneck(used: Mapping[str, float], counts: Mapping[str, int]) -> str:
    """Say in a sentence what limits a run. ``counts``: processes of the kinds that are one thread of Python each."""
    cores = os.cpu_count() or 1
    own = {kind: share for kind, share in used.items() if kind != MACHINE}
    parts = ", ".join(f"{kind} {figure(share)}" for kind, share in sorted(own.items(), key=lambda item: -item[1]))
    others = max(0.0, used[MACHINE] - sum(own.values()))
    told = f"{figure(used[MACHINE])} of {cores} cores busy ({parts}, others {figure(others)})"
    if others > DISTURBED:
        return f"{told}: other programs took too much of the machine to say"
    full = [kind for kind, count in counts.items() if own[kind] / count >= FULL_SHARE]
    if used[MACHINE] >= FULL_SHARE * cores:
        return f"{told}: the cores are full, so what one kind of process takes, another lacks"
    if full:
        free = figure(cores - used[MACHINE])
        return f"{told}: each process of {full[0]} fills a core; another one can gain what is free, {free} of a core"
    return f"{told}: neither the cores nor a process is full; it waits, for the disk, for locks or for the other side"
