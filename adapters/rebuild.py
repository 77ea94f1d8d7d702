"""Builds a new generation of a projection's tables from Kafka, beside the one in use, and puts it in its place.

Queries and projectors go on meanwhile. The progress of the new generation is kept with it, so that a build that was
stopped or killed goes on where it was.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaError
from psycopg2.errors import DependentObjectsStillExist, LockNotAvailable
from psycopg2.extensions import connection as Connection

from adapters.database import connect
from adapters.projector import POLL_MS, ProjectorSettings, consumed
from adapters.read_store import (
    Consumed,
    LostPartition,
    Step,
    Target,
    apply_batch,
    begin_progress,
    beside,
    hold_in_use,
    in_use,
    parked_streams,
    read_progress,
    take_up,
)
from adapters.topics import all_partitions, bounds, consumer, read_range
from domain.errors import LedgerError
from projections.projection import Projection

log = logging.getLogger("rebuild")

BUILD_LOCK = 0x6275696C64
#: How long a swap waits for those who read the tables, holding up other readers, before it lets them pass.
SWAP_WAIT_MS = 200
RETRY_S = 0.5


class RebuildError(LedgerError):
    """A generation cannot be built now."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The generation that is in use now, how many records were folded in this run, and how many streams are parked."""

    generation: int
    folded: int
    parked: int


def rebuild(
    settings: ProjectorSettings,
    projection: Projection,
    stop: threading.Event,
    progress: Callable[[int, int], None] = lambda *_: None,
    reached: Callable[[str], None] = lambda _: None,
) -> Rebuilt | None:
    """Build the next generation, or go on with one that was begun, and swap it in; None when stopped before.

    ``progress`` is told how far the offsets are, and of how many. Raises RebuildError while somebody else builds it,
    and when it is cancelled.
    """
    conn = connect(settings.database_url, "ledger_projector", autocommit=False)
    reader = consumer(settings.kafka_bootstrap, max_poll_records=settings.max_batch)
    try:
        topic = settings.topic_prefix + projection.kind.topic
        partitions = [tp for tp in all_partitions(reader, settings.topic_prefix) if tp.topic == topic]
        target = _begin(conn, projection, partitions)
        build = _Build(conn, reader, projection, target, partitions, settings.max_batch)
        while not stop.is_set():
            if not build.catch_up(stop, progress, reached):
                break
            reached("before_swap")
            if build.swap():
                reached("after_swap")
                with conn, conn.cursor() as cursor:
                    return Rebuilt(target.generation, build.folded, len(parked_streams(cursor, target)))
            stop.wait(RETRY_S)
        return None
    except LostPartition as lost:
        raise RebuildError(f"the rebuild of {projection.name} was cancelled ({lost})") from lost
    finally:
        conn.close()
        with suppress(KafkaError):
            reader.close()


def _names(used: Target) -> list[str]:
    return [table.partition(".")[2] for table in used.tables]


def _forget(cursor: Any, target: Target) -> None:
    for table in ("progress", "parked"):
        cursor.execute(
            f"delete from read.{table} where projection = %s and generation = %s",
            (target.projection.name, target.generation),
        )


def cancel(database_url: str, projection: Projection) -> bool:
    """Drop the generation that is being built; False when there is none. Whoever builds it is told."""
    conn = connect(database_url, "ledger_projector", autocommit=False)
    try:
        with conn, conn.cursor() as cursor:
            used = in_use(cursor, projection)
            target = beside(used)
            found = bool(read_progress(cursor, target))
            cursor.execute("select read.drop_next(%s)", (_names(used),))
            _forget(cursor, target)
            return found
    finally:
        conn.close()


def _begin(conn: Connection, projection: Projection, partitions: list[TopicPartition]) -> Target:
    """Find the generation that is being built, or begin it. The session then holds the lock of its builder."""
    with conn, conn.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s, hashtext(%s))", (BUILD_LOCK % 2**31, projection.name))
        if cursor.fetchone() != (True,):
            raise RebuildError(f"{projection.name} is being rebuilt already", hint="wait, or stop it with: --cancel")
        used = in_use(cursor, projection)
        target = beside(used)
        if not read_progress(cursor, target):
            cursor.execute("select read.create_next(%s)", (_names(used),))
            begin_progress(cursor, target, [(tp.topic, tp.partition) for tp in partitions])
        return target


class _Build:
    """A build at work: ``offsets`` is how far it has come, as in the database."""

    def __init__(
        self,
        conn: Connection,
        reader: KafkaConsumer,
        projection: Projection,
        target: Target,
        partitions: list[TopicPartition],
        batch: int,
    ) -> None:
        self._conn, self._reader, self._batch = conn, reader, batch
        self._projection, self._target = projection, target
        self._partitions = partitions
        self._offsets: dict[tuple[str, int], int] = {}
        self.folded = 0

    def catch_up(
        self, stop: threading.Event, progress: Callable[[int, int], None], reached: Callable[[str], None]
    ) -> bool:
        """Read to the ends that the partitions have now; False when stopped before."""
        _, ends = bounds(self._reader, self._partitions)
        with self._conn, self._conn.cursor() as cursor:
            self._offsets = read_progress(cursor, self._target)
        if not self._offsets:
            raise LostPartition("its progress is gone")
        self._seek()
        while any(self._reader.position(tp) < end for tp, end in ends.items()):
            if stop.is_set():
                return False
            batches = self._reader.poll(timeout_ms=POLL_MS, max_records=self._batch)
            records, steps = self._of(batches)
            if steps:
                self.folded += apply_batch(self._conn, self._target, records, steps)
                self._offsets.update({(step.topic, step.partition): step.next_offset for step in steps})
                reached("after_batch")
            progress(sum(self._reader.position(tp) for tp in self._partitions), sum(ends.values()))
        return True

    def swap(self) -> bool:
        """Take up the rest that the generation in use has, with its projectors held, and put the new one in its place.

        False when somebody reads the tables just now; then nothing has changed.
        """
        target, projection = self._target, self._projection
        try:
            with self._conn, self._conn.cursor() as cursor:
                used = in_use(cursor, projection, "for update")
                hold_in_use(cursor, target)
                there = read_progress(cursor, used)
                records, steps = self._up_to(there)
                folded = take_up(cursor, target, records, steps)
                cursor.execute(f"set local lock_timeout = {SWAP_WAIT_MS}")
                cursor.execute("select read.swap_next(%s)", (_names(used),))
                # Complete to a position by its offsets, a generation that has read as far is complete to it too.
                cursor.execute(
                    "update read.progress n set watermark = o.watermark from read.progress o "
                    "where n.projection = %s and n.generation = %s and o.projection = n.projection "
                    "and o.generation = %s and o.topic = n.topic and o.partition = n.partition",
                    (projection.name, target.generation, used.generation),
                )
                _forget(cursor, used)
                cursor.execute(
                    "update read.active set generation = %s where projection = %s", (target.generation, projection.name)
                )
            self.folded += folded
            return True
        except LockNotAvailable:
            log.info("%s is being read: trying again", projection.name)
            return False
        except DependentObjectsStillExist as error:
            raise RebuildError(
                f"the tables of {projection.name} cannot be replaced ({str(error).strip()})",
                hint="drop the views on them, and call it again to go on",
            ) from error

    def _up_to(self, there: dict[tuple[str, int], int]) -> tuple[list[Consumed], list[Step]]:
        """Read on to the offsets ``there``, where they are further."""
        ends = {tp: there.get((tp.topic, tp.partition), 0) for tp in self._partitions}
        starts = {tp: self._offsets[tp.topic, tp.partition] for tp in self._partitions}
        records = list(consumed(self._projection, read_range(self._reader, starts, ends)))
        steps = [Step(tp.topic, tp.partition, starts[tp], end) for tp, end in ends.items() if end > starts[tp]]
        return records, steps

    def _of(self, batches: dict[TopicPartition, list[ConsumerRecord]]) -> tuple[list[Consumed], list[Step]]:
        records: list[Consumed] = []
        steps: list[Step] = []
        for tp, own in batches.items():
            records.extend(consumed(self._projection, own))
            steps.append(Step(tp.topic, tp.partition, self._offsets[tp.topic, tp.partition], own[-1].offset + 1))
        return records, steps

    def _seek(self) -> None:
        self._reader.assign(self._partitions)
        for tp in self._partitions:
            self._reader.seek(tp, self._offsets[tp.topic, tp.partition])
