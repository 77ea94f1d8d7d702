"""Builds new generations of read models from Kafka, beside those in use, and puts them in their place.

Queries and projectors go on meanwhile. Many projections share one read of the topics, which processes divide among
themselves by partition (``adapters.filling``). A build keeps its progress, so that one that was stopped or killed goes
on where it was.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from psycopg2.extensions import connection as Connection

from adapters.consumption import collect_rarely
from adapters.database import connect
from adapters.filling import BATCH, STRETCH, Filler, Work
from adapters.filling_processes import fill_in_processes
from adapters.generations import RebuildStopped, begin, failed, name_of, swap
from adapters.read_store import LostPartition, Target, UnknownFailure, parked_streams, read_progress
from adapters.read_tables import add_staged
from adapters.topics import all_partitions, consumer
from projections.catalogue import PROJECTIONS
from projections.projection import Projection

RETRY_S = 0.5
#: A further process is worth its start for so many records.
RECORDS_PER_PROCESS = 50_000
#: What came while it was filled is taken up in bulk too, while it is more than this.
TAIL = 50_000
TELL_S = 1.0


@dataclass(frozen=True, slots=True)
class RebuildSettings:
    """Where from and where to. ``processes``: None for as many as there are cores, fewer when there is little to do.

    ``stretch``: records that a process takes up in one transaction.
    """

    database_url: str
    kafka_bootstrap: str
    topic_prefix: str = ""
    processes: int | None = None
    stretch: int = STRETCH


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The generation that is in use now, how many records were folded in this run, and how many streams are parked."""

    projection: str
    generation: int
    folded: int
    parked: int


def rebuild(
    settings: RebuildSettings,
    projections: Sequence[Projection],
    stop: threading.Event,
    progress: Callable[[int, int], None] = lambda *_: None,
    reached: Callable[[str], None] = lambda _: None,
    *,
    park: bool = False,
) -> list[Rebuilt] | None:
    """Build their next generations, or go on with those that were begun, and swap them in; None when stopped before.

    ``progress`` is told how far the offsets are, and of how many. A record that fails without its stream being parked
    or skipped in the generation in use ends it, unless ``park``. Raises RebuildError: BeingRebuilt while somebody else
    builds one of them, RebuildStopped at such a failure, and when one is cancelled or cannot take its place.
    """
    conn = connect(settings.database_url, "ledger_projector", autocommit=False, statement_timeout_s=0)
    reader = consumer(settings.kafka_bootstrap, max_poll_records=BATCH)
    # Ends are asked for on a consumer of their own: one that was last assigned to other topics finds only some.
    probe = consumer(settings.kafka_bootstrap)
    try:
        return _Builds(settings, conn, reader, probe, projections, stop, progress, reached, park).run()
    except UnknownFailure as failure:
        raise failed(settings.database_url, failure) from failure
    except LostPartition as lost:
        raise RebuildStopped(lost.projection, f"the rebuild of {lost.projection} was cancelled ({lost.why})") from lost
    finally:
        conn.close()
        with suppress(KafkaError):
            probe.close()
            reader.close()


class _Builds:
    """Builds at work, of one call."""

    def __init__(
        self,
        settings: RebuildSettings,
        conn: Connection,
        reader: KafkaConsumer,
        probe: KafkaConsumer,
        projections: Sequence[Projection],
        stop: threading.Event,
        progress: Callable[[int, int], None],
        reached: Callable[[str], None],
        park: bool,
    ) -> None:
        self._settings, self._conn, self._reader, self._probe = settings, conn, reader, probe
        self._stop, self._progress, self._reached, self._park = stop, progress, reached, park
        topics = {settings.topic_prefix + projection.kind.topic for projection in projections}
        self._partitions = [tp for tp in all_partitions(probe, settings.topic_prefix) if tp.topic in topics]
        probe.assign(self._partitions)
        # Other processes know no others.
        self._in_catalogue = all(projection in PROJECTIONS for projection in projections)
        self._targets: list[Target] = []
        self._empty: list[Target] = []
        # One order for all, so that two who begin the same builds cannot wait for each other.
        for projection in sorted(projections, key=lambda projection: projection.name):
            target, filled = begin(conn, projection, self._partitions)
            self._targets.append(target)
            if not filled:
                self._empty.append(target)
        self._folded: Counter[str] = Counter()
        self._told_at = 0.0

    def run(self) -> list[Rebuilt] | None:
        if self._empty and not self._fill():
            return None
        done: list[Rebuilt] = []
        left = list(self._targets)
        while not self._stop.is_set():
            self._follow(left)
            if self._stop.is_set():
                break
            for target in list(left):
                self._reached("before_swap")
                folded = swap(self._conn, self._reader, target, self._partitions, park=self._park)
                if folded is None:
                    continue
                self._reached("after_swap")
                left.remove(target)
                with self._conn, self._conn.cursor() as cursor:
                    parked = len(parked_streams(cursor, target))
                name = target.projection.name
                done.append(Rebuilt(name, target.generation, self._folded[name] + folded, parked))
            if not left:
                return done
            self._stop.wait(RETRY_S)
        return None

    def _fill(self) -> bool:
        """Read in bulk, until little is left; then add up the sums, and index. False when stopped."""
        first = True
        while True:
            ends = self._ends(self._empty)
            missing = sum(ends.values()) - self._passed(self._empty, ends)
            if not first and missing <= TAIL:
                break
            first = False
            work = Work(tuple(self._empty), ends, self._park, self._settings.stretch)
            told = self._teller(sum(ends.values()))
            wanted = self._settings.processes or min(os.cpu_count() or 1, 1 + missing // RECORDS_PER_PROCESS)
            if wanted == 1 or not self._in_catalogue:
                collect_rarely()
                conn = connect(self._settings.database_url, "ledger_projector", autocommit=False)
                try:
                    filler = Filler(conn, self._reader, work, self._stop.is_set, told, self._reached)
                    filler.fill()
                    self._folded.update(filler.folded)
                finally:
                    conn.close()
            else:
                where = self._settings.database_url, self._settings.kafka_bootstrap
                self._folded.update(fill_in_processes(*where, work, wanted, self._stop.is_set, told))
            if self._stop.is_set():
                return False
        self._reached("after_fill")
        self._finish()
        return True

    def _finish(self) -> None:
        """Add up what the processes put aside, and make the indexes, a table at a time on each core."""
        url = self._settings.database_url

        def finish(target: Target, number: int) -> None:
            conn = connect(url, "ledger_projector", autocommit=False, statement_timeout_s=0)
            try:
                with conn, conn.cursor() as cursor:
                    if number:
                        add_staged(cursor, target.projection.sums[number - 1])
                    cursor.execute("select read.index_next(%s)", (name_of(target.tables[number]),))
            finally:
                conn.close()

        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            tasks = [(target, number) for target in self._empty for number in range(len(target.tables))]
            for task in [pool.submit(finish, *task) for task in tasks]:
                task.result()
        with self._conn, self._conn.cursor() as cursor:
            for target in self._empty:
                cursor.execute("update read.builds set filled = true where projection = %s", (target.projection.name,))

    def _follow(self, targets: list[Target]) -> None:
        """Read to the ends that the partitions have now."""
        ends = self._ends(targets)
        work = Work(tuple(targets), ends, self._park)
        filler = Filler(
            self._conn, self._reader, work, self._stop.is_set, self._teller(sum(ends.values())), self._reached
        )
        try:
            filler.follow(BATCH, ends)
        finally:
            self._folded.update(filler.folded)

    def _ends(self, targets: Sequence[Target]) -> dict[TopicPartition, int]:
        topics = {self._settings.topic_prefix + target.projection.kind.topic for target in targets}
        ends: dict[TopicPartition, int] = self._probe.end_offsets([tp for tp in self._partitions if tp.topic in topics])
        return ends

    def _passed(self, targets: Sequence[Target], ends: Mapping[TopicPartition, int]) -> int:
        """Return how many offsets all of them have passed."""
        with self._conn, self._conn.cursor() as cursor:
            found = [read_progress(cursor, target) for target in targets]
        return sum(
            min((own[tp.topic, tp.partition] for own in found if (tp.topic, tp.partition) in own), default=0)
            for tp in ends
        )

    def _teller(self, total: int) -> Callable[[int], None]:
        """Make what tells how many offsets are passed, the database too about once a second."""

        def told(done: int) -> None:
            self._progress(min(done, total), total)
            now = time.monotonic()
            if now - self._told_at < TELL_S:
                return
            self._told_at = now
            conn = connect(self._settings.database_url, "ledger_projector")
            with conn.cursor() as cursor:
                cursor.execute(
                    "update read.builds set done = %s, total = %s where projection = any(%s)",
                    (min(done, total), total, [target.projection.name for target in self._targets]),
                )
            conn.close()

        return told
