"""Generations of a projection's tables: beginning the next one, putting it in its place, dropping it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from psycopg2.errors import DependentObjectsStillExist, LockNotAvailable
from psycopg2.extensions import connection as Connection

from adapters.consumption import Decoded
from adapters.database import connect
from adapters.read_store import (
    NUL,
    REPLACEMENT,
    LostPartition,
    Target,
    UnknownFailure,
    begin_progress,
    beside,
    hold_in_use,
    in_use,
    parked_streams,
    read_progress,
    take_up,
)
from adapters.topics import read_range
from domain.errors import LedgerError
from projections.projection import Projection

log = logging.getLogger("rebuild")

BUILD_LOCK = 0x6275696C64
#: How long a swap waits for those who read the tables, holding up other readers, before it lets them pass.
SWAP_WAIT_MS = 200


class RebuildError(LedgerError):
    """A generation cannot be built now."""


class BeingRebuilt(RebuildError):
    """Somebody else builds it."""


class RebuildStopped(RebuildError):
    """The generation of ``projection`` cannot be ended without somebody doing something about it."""

    def __init__(self, projection: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.projection = projection


def begin(conn: Connection, projection: Projection, partitions: Iterable[TopicPartition]) -> tuple[Target, bool]:
    """Find the generation that is being built, or begin it; returns it, and whether it is filled.

    The session then holds the lock of its builder. Raises BeingRebuilt, and RebuildError for a newer version in use.
    """
    with conn, conn.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s, hashtext(%s))", (BUILD_LOCK % 2**31, projection.name))
        if cursor.fetchone() != (True,):
            raise BeingRebuilt(f"{projection.name} is being rebuilt already", hint="wait, or stop it with: --cancel")
        used = in_use(cursor, projection)
        require_not_newer(used)
        target = beside(used)
        cursor.execute(
            "select filled from read.builds b where projection = %s and generation = %s and version = %s and "
            "(filled or exists (select from read.builds_whole w where w.projection = b.projection))",
            (projection.name, target.generation, target.version),
        )
        found = cursor.fetchone()
        if found is None:
            _forget(cursor, target)
            cursor.execute("select read.create_next(%s)", (_names(used),))
            cursor.execute(
                "insert into read.builds (projection, generation, version) values (%s, %s, %s)",
                (projection.name, target.generation, target.version),
            )
            cursor.execute("insert into read.builds_whole values (%s)", (projection.name,))
            begin_progress(cursor, target, [(tp.topic, tp.partition) for tp in partitions])
        cursor.execute("update read.builds set error = null where projection = %s", (projection.name,))
    return target, found == (True,)


def swap(
    conn: Connection, reader: KafkaConsumer, target: Target, partitions: Iterable[TopicPartition], *, park: bool
) -> int | None:
    """Take up the rest that the generation in use has, with its projectors held, and put the new one in its place.

    Returns how many records that were; None when somebody reads the tables just now, and nothing has changed.
    """
    projection = target.projection
    try:
        with conn, conn.cursor() as cursor:
            used = in_use(cursor, projection, "for update")
            hold_in_use(cursor, target)
            offsets = read_progress(cursor, target, hold=True)
            if not offsets:
                raise LostPartition(projection.name, "its progress is gone")
            there = read_progress(cursor, used)
            starts = {tp: offsets[at] for tp in partitions if (at := (tp.topic, tp.partition)) in offsets}
            ends = {tp: there.get((tp.topic, tp.partition), 0) for tp in starts}
            batches: dict[TopicPartition, list[Any]] = {}
            for record in read_range(reader, starts, ends):
                batches.setdefault(TopicPartition(record.topic, record.partition), []).append(record)
            records, steps = Decoded(batches, [projection]).of(projection, offsets)
            known = None if park else parked_streams(cursor, used, skipped=True)
            folded = take_up(cursor, target, records, steps, known)
            cursor.execute(f"set local lock_timeout = {SWAP_WAIT_MS}")
            cursor.execute("select read.swap_next(%s)", (_names(target),))
            # Complete to a position by its offsets, a generation that has read as far is complete to it too.
            cursor.execute(
                "update read.progress n set watermark = o.watermark from read.progress o "
                "where n.projection = %s and n.generation = %s and o.projection = n.projection "
                "and o.generation = %s and o.topic = n.topic and o.partition = n.partition",
                (projection.name, target.generation, used.generation),
            )
            _forget(cursor, used)
            cursor.execute(
                "update read.active set generation = %s, version = %s where projection = %s",
                (target.generation, target.version, projection.name),
            )
        return folded
    except LockNotAvailable:
        log.info("%s is being read: trying again", projection.name)
        return None
    except DependentObjectsStillExist as error:
        raise RebuildStopped(
            projection.name,
            f"the tables of {projection.name} cannot be replaced ({str(error).strip()})",
            hint="drop the views on them, and call it again to go on",
        ) from error


def outdated(cursor: Any, projections: Sequence[Projection]) -> list[Projection]:
    """Return those whose tables in use are of an older version; raises RebuildError for a newer one."""
    found = []
    for projection in projections:
        used = in_use(cursor, projection)
        require_not_newer(used)
        if used.version < projection.version:
            found.append(projection)
    return found


def require_not_newer(used: Target) -> None:
    """Raise RebuildError when a newer program than this one made the generation in use."""
    if used.version > used.projection.version:
        raise RebuildError(
            f"{used.projection.name} is in use in version {used.version}, and this program makes version "
            f"{used.projection.version}",
            hint="upgrade it",
        )


def cancel(database_url: str, projection: Projection) -> bool:
    """Drop the generation that is being built; False when there is none. Whoever builds it is told."""
    conn = connect(database_url, "ledger_projector", autocommit=False)
    try:
        with conn, conn.cursor() as cursor:
            used = in_use(cursor, projection)
            # In this order, which is that of a batch: progress first, then tables.
            found = _forget(cursor, beside(used))
            cursor.execute("select read.drop_next(%s)", (_names(used),))
            return found
    finally:
        conn.close()


def name_of(table: str) -> str:
    """Return the name by which the functions of generations know a table: without the schema, if that is read."""
    return table.removeprefix("read.").removesuffix("_next")


def _names(target: Target) -> list[str]:
    return [name_of(table) for table in target.tables]


def _forget(cursor: Any, target: Target) -> bool:
    """Delete what is noted of a generation; returns whether there was progress."""
    name, generation = target.projection.name, target.generation
    cursor.execute("delete from read.progress where projection = %s and generation = %s", (name, generation))
    found = bool(cursor.rowcount)
    cursor.execute("delete from read.parked where projection = %s and generation = %s", (name, generation))
    for table in ("builds", "builds_whole"):
        cursor.execute(f"delete from read.{table} where projection = %s", (name,))
    return found


def failed(database_url: str, failure: UnknownFailure) -> RebuildStopped:
    """Note why a build stopped, for whoever asks how the projection stands."""
    place = "" if failure.position is None else f" at position {failure.position}"
    version = "" if failure.version is None else f" version {failure.version}"
    text = f"{failure.stream}{version}{place} cannot be taken up: {failure.error}"
    conn = connect(database_url, "ledger_projector")
    with conn.cursor() as cursor:
        said = text.replace(NUL, REPLACEMENT)
        cursor.execute("update read.builds set error = %s where projection = %s", (said, failure.projection))
    conn.close()
    return RebuildStopped(
        failure.projection,
        f"the rebuild of {failure.projection} stopped, and the generation in use goes on: {text}",
        hint=f"mend it, or put such streams aside: complaints projections rebuild {failure.projection} --park",
    )
