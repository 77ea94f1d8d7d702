"""Divides the filling of new generations among processes, by partition."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import replace
from typing import Any

from kafka import TopicPartition
from kafka.errors import KafkaError

from adapters.consumption import collect_rarely
from adapters.database import connect
from adapters.filling import BATCH, Filler, Work
from adapters.read_store import Target, beside
from adapters.topics import consumer
from domain.errors import LedgerError
from projections.catalogue import PROJECTIONS

LOOK_S = 0.2

#: In a process of the pool: how many offsets each has passed, and whether all are to stop.
_passed: Any = None
_ending: Any = None


class FillingBroken(LedgerError):
    """A process that filled died."""


def fill_in_processes(
    database_url: str,
    kafka_bootstrap: str,
    work: Work,
    processes: int,
    stopped: Callable[[], bool],
    told: Callable[[int], None],
) -> Counter[str]:
    """Fill as ``Filler.fill`` does; returns how many records were folded, by projection.

    Functions cannot be sent to other processes: these find the projections in the catalogue, by name.
    Raises what one of the processes raises; the others then end behind what they have under way.
    """
    shares = divide(work, processes)
    context = multiprocessing.get_context("spawn")
    passed, ending = context.Array("q", len(shares)), context.Event()
    with ProcessPoolExecutor(len(shares), context, _initialise, (passed, ending)) as pool:
        try:
            names = [(target.projection.name, target.generation) for target in work.targets]
            tasks = [
                pool.submit(_fill, database_url, kafka_bootstrap, names, replace(share, targets=()), number)
                for number, share in enumerate(shares)
            ]
            waiting: set[Future[Counter[str]]] = set(tasks)
            while waiting:
                done, waiting = wait(waiting, LOOK_S, FIRST_EXCEPTION)
                for task in done:
                    task.result()
                if stopped():
                    ending.set()
                told(sum(passed[:]))
            return sum((task.result() for task in tasks), Counter())
        except BrokenProcessPool as error:
            raise FillingBroken("a process of the rebuild was killed", hint="call it again to go on") from error
        finally:
            ending.set()


def divide(work: Work, processes: int) -> list[Work]:
    """Divide by partition, so that each has about as many offsets."""
    shares: list[dict[TopicPartition, int]] = [{} for _ in range(min(processes, len(work.ends)))]
    for tp, end in sorted(work.ends.items(), key=lambda item: (-item[1], item[0])):
        min(shares, key=lambda share: sum(share.values()))[tp] = end
    return [replace(work, ends=share) for share in shares if share]


def _initialise(passed: Any, ending: Any) -> None:
    global _passed, _ending
    _passed, _ending = passed, ending
    collect_rarely()
    # Ctrl-C on a terminal reaches all processes; the first one tells the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_first, daemon=True).start()


def _end_with_the_first() -> None:
    """End at once when the process that divides the work died: a pool would wait for more work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _fill(
    database_url: str, kafka_bootstrap: str, names: list[tuple[str, int]], work: Work, number: int
) -> Counter[str]:
    known = {projection.name: projection for projection in PROJECTIONS}
    used = [Target(known[name], generation - 1, known[name].version) for name, generation in names]
    work = replace(work, targets=tuple(beside(target) for target in used))

    def stopped() -> bool:
        return bool(_ending.is_set())

    def told(done: int) -> None:
        _passed[number] = done

    conn = connect(database_url, "ledger_projector", autocommit=False, statement_timeout_s=0)
    reader = consumer(kafka_bootstrap, max_poll_records=BATCH)
    try:
        filler = Filler(conn, reader, work, stopped, told)
        filler.fill()
        return filler.folded
    finally:
        conn.close()
        with suppress(KafkaError):
            reader.close()
