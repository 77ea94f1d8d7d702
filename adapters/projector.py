"""Keeps the read models up to date from Kafka. All projections of a process share one read of the topics."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaError
from psycopg2.extensions import connection as Connection

from adapters import metrics, queries
from adapters.consumption import Decoded, collect_polled, collect_rarely
from adapters.database import UNAVAILABLE, Pool, connect
from adapters.generations import require_not_newer
from adapters.read_store import (
    LostPartition,
    Target,
    advance_watermark,
    apply_batch,
    ensure_progress,
    in_use,
    read_progress,
)
from adapters.rebuild import RebuildSettings
from adapters.renewal import renewing
from adapters.topics import all_partitions, consumer
from domain.streams import TOPICS
from projections.catalogue import PROJECTIONS
from projections.projection import Projection

log = logging.getLogger("projector")

MAX_BATCH = 40_000
POLL_MS = 250
#: Between looks while the relay has yet to note that it published what was read.
SOON_MS = 10
#: A broker that does not say where a partition ends within this time is asked anew.
PROBE_MS = 5_000
#: Longer than it takes the other members to hear of a rebalance, which they do with a heartbeat.
REBALANCE_MS = 3_000
#: Without progress for so long, though there is something to read, the consumer starts over.
STALLED_S = 10.0
LOOK_S = 1.0
#: Names of the moments at which ``reached`` is called: where a crash is most interesting.
POINTS = ("after_poll", "before_commit", "after_commit", "after_watermark")


@dataclass(frozen=True, slots=True)
class ProjectorSettings:
    """Where from and where to. Projectors of one deployment share the partitions among themselves.

    ``instance`` is a name that this one keeps over restarts: killed and started again under it, it gets its partitions
    back at once, while those of one without a name wait for the end of its session (10 s). ``rebuild_processes``: see
    RebuildSettings.
    """

    database_url: str
    kafka_bootstrap: str
    topic_prefix: str = ""
    max_batch: int = MAX_BATCH
    instance: str | None = None
    rebuild_processes: int | None = None


def run_projector(
    settings: ProjectorSettings,
    stop: threading.Event,
    reached: Callable[[str], None] = lambda _: None,
    projections: Sequence[Projection] = PROJECTIONS,
) -> None:
    """Project until ``stop`` is set. Connection errors start it over; what cannot be folded is parked.

    Read models of an older version stay as they are, and are built anew meanwhile. Raises RebuildError when one is of
    a newer version than this program's.
    """
    building = RebuildSettings(
        settings.database_url, settings.kafka_bootstrap, settings.topic_prefix, settings.rebuild_processes
    )
    collect_rarely()
    with renewing(building, projections):
        while not stop.is_set():
            try:
                conn = connect(settings.database_url, "ledger_projector", autocommit=False)
                try:
                    _Run(settings, conn, reached, projections).loop(stop)
                finally:
                    conn.close()
            except (*UNAVAILABLE, KafkaError) as error:
                metrics.projector_started_over()
                log.warning("starting over after %s: %s", type(error).__name__, str(error).strip())
                stop.wait(0.5)


class _Run(ConsumerRebalanceListener):  # type: ignore[misc]
    """One membership in the consumer group.

    ``_targets`` are the generations in use that the present versions made; those of ``_older`` are left alone.
    ``_offsets`` is their progress as last read or written, for the partitions assigned to us, of which ``_reading``
    are those that somebody wants.
    """

    def __init__(
        self,
        settings: ProjectorSettings,
        conn: Connection,
        reached: Callable[[str], None],
        projections: Sequence[Projection],
    ) -> None:
        self._conn, self._reached, self._projections = conn, reached, projections
        self._prefix, self._max_batch = settings.topic_prefix, settings.max_batch
        self._targets: dict[str, Target] = {}
        self._older: list[Projection] = []
        self._reading: list[TopicPartition] = []
        self._offsets: dict[str, dict[tuple[str, int], int]] = {}
        self._watermark = self._seen = -1
        self._goal: tuple[int, dict[TopicPartition, int]] | None = None
        self._looked_at = self._moved_at = time.monotonic()
        self._moved_to: tuple[int, int] = (-1, -1)
        self._reader: KafkaConsumer = consumer(
            settings.kafka_bootstrap,
            group_id=f"{settings.topic_prefix}complaint-ledger-projector",
            group_instance_id=settings.instance,
            max_poll_records=settings.max_batch,
            session_timeout_ms=10_000,
            heartbeat_interval_ms=1_000,
            fetch_max_wait_ms=POLL_MS,
        )
        # A connection answers in order: asking for ends on the reader's would wait for its pending fetch.
        # Uncommitted ends, since a commit is told before all partitions have its marker: the committed end of one may
        # still be before records that are published already.
        self._probe: KafkaConsumer = consumer(
            settings.kafka_bootstrap, isolation_level="read_uncommitted", request_timeout_ms=PROBE_MS
        )

    def loop(self, stop: threading.Event) -> None:
        try:
            partitions = [(tp.topic, tp.partition) for tp in all_partitions(self._reader, self._prefix)]
            with self._conn:
                ensure_progress(self._conn, self._projections, partitions)
            # The consumer swallows what a listener raises, so that this cannot wait for the first assignment.
            self._find_targets()
            self._reader.subscribe([self._prefix + topic for topic in TOPICS], listener=self)
            while not stop.is_set():
                try:
                    batches = self._poll()
                    if batches:
                        self._reached("after_poll")
                        self._apply(batches)
                        batches.clear()
                        collect_polled()
                    self._advance()
                except LostPartition as lost:
                    log.warning("%s", lost)
                    self._conn.rollback()
                    self._find_targets()
                    self.on_partitions_assigned(self._reader.assignment())
        finally:
            with suppress(KafkaError):
                self._probe.close()
                self._reader.close(autocommit=False)

    def on_partitions_revoked(self, revoked: Any) -> None:
        """Nothing to hand over: progress is in PostgreSQL, and a write after losing a partition is refused there."""

    def on_partitions_assigned(self, assigned: Any) -> None:
        """Go on where the slowest projection is."""
        with self._conn, self._conn.cursor() as cursor:
            progress = {name: read_progress(cursor, target) for name, target in self._targets.items()}
        mine = {(tp.topic, tp.partition): tp for tp in assigned}
        self._offsets = {
            name: {at: offset for at, offset in offsets.items() if at in mine} for name, offsets in progress.items()
        }
        self._watermark, self._goal = -1, None
        self._reading = []
        for at, tp in mine.items():
            offsets = [own[at] for own in self._offsets.values() if at in own]
            if offsets:
                self._reading.append(tp)
                self._reader.seek(tp, min(offsets))
        self._reader.pause(*(set(mine.values()) - set(self._reading)))
        self._reader.resume(*self._reading)
        self._probe.assign(self._reading)
        log.info("reading %d partitions", len(self._reading))

    def _find_targets(self) -> None:
        """Find which generations are in use; raises RebuildError for one of a newer version."""
        with self._conn, self._conn.cursor() as cursor:
            found = [in_use(cursor, projection) for projection in self._projections]
        for target in found:
            require_not_newer(target)
        self._targets = {one.projection.name: one for one in found if one.version == one.projection.version}
        self._older = [one.projection for one in found if one.version < one.projection.version]
        for projection in self._older:
            log.warning("%s stays as an older version made it, until it is built anew", projection.name)

    def _poll(self) -> dict[TopicPartition, list[ConsumerRecord]]:
        """Wait briefly for records, then take what else is there, up to the largest batch."""
        timeout = SOON_MS if self._seen > self._watermark else POLL_MS
        finish_rebalance(self._reader)
        batches: dict[TopicPartition, list[ConsumerRecord]] = self._reader.poll(timeout_ms=timeout)
        count = sum(map(len, batches.values()))
        while 0 < count < self._max_batch:
            more = self._reader.poll(timeout_ms=0, max_records=self._max_batch - count)
            if not more:
                break
            for tp, records in more.items():
                batches.setdefault(tp, []).extend(records)
                count += len(records)
        return batches

    def _apply(self, batches: dict[TopicPartition, list[ConsumerRecord]]) -> None:
        decoded = Decoded(batches, [target.projection for target in self._targets.values()])
        for name, target in self._targets.items():
            offsets = self._offsets[name]
            records, steps = decoded.of(target.projection, offsets)
            if not steps:
                continue
            self._reached("before_commit")
            started = time.perf_counter()
            folded = apply_batch(self._conn, target, records, steps)
            metrics.projected(name, folded, time.perf_counter() - started)
            self._reached("after_commit")
            self._seen = max(self._seen, *(record.position or 0 for record in records), 0)
            offsets.update({(step.topic, step.partition): step.next_offset for step in steps})

    def _advance(self) -> None:
        """Once a partition is read to the end that it had after the relay published up to P, P is its watermark."""
        with self._conn, self._conn.cursor() as cursor:
            cursor.execute("select position from ledger.published")
            ((published,),) = cursor.fetchall()
        self._require_progress(published)
        if not self._reading:
            return
        if self._goal is None:
            if published == self._watermark:
                return
            self._goal = published, self._probe.end_offsets(self._reading)
        position, ends = self._goal
        behind = [tp for tp in self._reading if self._reader.position(tp) < ends[tp]]
        at_end = {(tp.topic, tp.partition) for tp in self._reading if tp not in behind}
        for name, target in self._targets.items():
            steps = {at: offset for at, offset in self._offsets[name].items() if at in at_end}
            if steps:
                advance_watermark(self._conn, target, steps, position)
        self._reached("after_watermark")
        if not behind:
            self._watermark, self._goal = position, None

    def _require_progress(self, published: int) -> None:
        """Raise KafkaError when nobody has moved for a while, although not everything published is projected.

        Raises LostPartition when what was of an older version has been built anew.
        """
        now = time.monotonic()
        if now - self._looked_at < LOOK_S:
            return
        self._looked_at = now
        with self._conn, self._conn.cursor() as cursor:
            for projection in self._older:
                if in_use(cursor, projection).version != projection.version:
                    continue
                raise LostPartition(projection.name, f"version {projection.version} is in use now")
            cursor.execute(
                "select min(p.watermark), sum(p.next_offset) from read.progress p "
                "join read.active a using (projection, generation) where projection = any(%s)",
                (list(self._targets),),
            )
            ((complete, offsets),) = cursor.fetchall()
        if complete is None or complete >= published or (complete, offsets) != self._moved_to:
            self._moved_at, self._moved_to = now, (complete, offsets)
        elif now - self._moved_at > STALLED_S:
            raise KafkaError(f"nothing came for {STALLED_S:g} s, though {published - complete} positions are missing")


def finish_rebalance(reader: KafkaConsumer) -> None:
    """Join the group, or join it again, in one go where that is due.

    Left to polls that are shorter than it takes, kafka-python 3.0.12 loses rebalances: it forgets one that a leader
    began because the topics changed, and begins anew one that ended between two polls, over and over.
    """
    coordinator = reader._coordinator
    if coordinator.rejoining:
        coordinator.request_rejoin()
    if coordinator.need_rejoin():
        coordinator.poll(timeout_ms=REBALANCE_MS)


def wait_until_projected(database_url: str, position: int, timeout_s: float) -> bool:
    """Wait until all read models are complete to ``position``; False when they are not in time."""
    pool = Pool(database_url, "ledger_api")
    try:
        return queries.wait_until_complete(pool, position, timeout_s)
    finally:
        pool.close()
