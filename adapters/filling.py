"""Fills new generations of read models in bulk, each process from partitions of its own.

A transaction takes up a long stretch. Rows go to their tables batch by batch, sums gather in memory and are put aside
at its end, together with the progress: so nothing that processes share is written by more than one, and a stretch that
was broken off is taken up again. Memory is bounded by a batch of decoded records and by ``MAX_KEYS`` sums.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from psycopg2.extensions import connection as Connection

from adapters.consumption import Decoded, Records, collect_polled
from adapters.read_store import (
    LostPartition,
    Step,
    Target,
    apply_batch,
    fold,
    move_progress,
    parked_streams,
    read_progress,
)
from adapters.read_tables import UNFIT, stage
from adapters.topics import KafkaLostData
from projections.projection import Key

#: Records that are decoded at a time.
BATCH = 10_000
#: Records and sums after which a stretch ends.
STRETCH = 100_000
MAX_KEYS = 100_000
#: Where some value is not for a column, batches are so small, since their streams are then written one by one.
CAREFUL_BATCH = 1_000
POLL_MS = 250
SILENCE_S = 30.0

At = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Work:
    """What to fill, from which partitions and up to which offsets. ``park``: failures that are not known, too.

    ``stretch``: records of a transaction.
    """

    targets: tuple[Target, ...]
    ends: Mapping[TopicPartition, int]
    park: bool
    stretch: int = STRETCH

    def partitions(self, target: Target) -> list[At]:
        """Return the partitions that the projection reads."""
        return [(tp.topic, tp.partition) for tp in self.ends if tp.topic.endswith(target.projection.kind.topic)]


class Filler:
    """Works off a ``Work``. ``told`` hears how many offsets of its partitions are passed."""

    def __init__(
        self,
        conn: Connection,
        reader: KafkaConsumer,
        work: Work,
        stopped: Callable[[], bool],
        told: Callable[[int], None],
        reached: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._conn, self._reader, self._work = conn, reader, work
        self._targets = [target for target in work.targets if work.partitions(target)]
        self._stopped, self._told, self._reached = stopped, told, reached
        self.folded: Counter[str] = Counter()

    def fill(self) -> None:
        """Fill in bulk until all is read, or until stopped. Raises LostPartition and UnknownFailure."""
        while not self._stopped():
            try:
                if not self._stretch():
                    return
            except UNFIT:
                self.follow(CAREFUL_BATCH, {tp: self._reader.position(tp) for tp in self._work.ends})
            self._reached("after_batch")

    def follow(self, batch: int, ends: Mapping[TopicPartition, int]) -> None:
        """Take up what there is up to ``ends``, each batch and projection in a transaction as a projector does."""
        with self._conn, self._conn.cursor() as cursor:
            offsets = self._offsets(cursor, hold=False)
            known = self._known(cursor)
        self._seek(offsets)
        while not self._stopped() and (batches := self._gather(batch, ends)):
            self._apply(batches, offsets, known)
            batches.clear()
            collect_polled()
            self._reached("after_batch")

    def _apply(self, batches: Records, offsets: dict[str, dict[At, int]], known: Mapping[str, set[str] | None]) -> None:
        decoded = Decoded(batches, [target.projection for target in self._targets])
        for target in self._targets:
            name = target.projection.name
            records, steps = decoded.of(target.projection, offsets[name])
            if steps:
                self.folded[name] += apply_batch(self._conn, target, records, steps, known[name])
                offsets[name].update({(step.topic, step.partition): step.next_offset for step in steps})

    def _stretch(self) -> bool:
        """Take up a stretch in one transaction; False when all is read."""
        folded: Counter[str] = Counter()
        with self._conn, self._conn.cursor() as cursor:
            cursor.execute("set local synchronous_commit = off")
            # One that was killed may have a stretch under way yet: it ends before this goes on behind it.
            offsets = self._offsets(cursor, hold=True)
            if all(_least(offsets, tp) >= end for tp, end in self._work.ends.items()):
                return False
            known = self._known(cursor)
            sums: dict[str, list[dict[Key, Sequence[int]]]] = {
                target.projection.name: [{} for _ in target.projection.sums] for target in self._targets
            }
            self._seek(offsets)
            read = 0
            while read < self._work.stretch and sum(len(total) for own in sums.values() for total in own) < MAX_KEYS:
                batches = self._gather(min(BATCH, self._work.stretch - read), self._work.ends)
                if not batches:
                    break
                read += sum(map(len, batches.values()))
                folded += self._fold(cursor, batches, offsets, known, sums)
                batches.clear()
                collect_polled()
            for target in self._targets:
                name = target.projection.name
                for own, total in zip(target.projection.sums, sums[name], strict=True):
                    stage(cursor, own, total)
                move_progress(cursor, target, self._steps(offsets[name]))
        self.folded.update(folded)
        return True

    def _fold(
        self,
        cursor: Any,
        batches: Records,
        offsets: Mapping[str, Mapping[At, int]],
        known: Mapping[str, set[str] | None],
        sums: Mapping[str, Sequence[dict[Key, Sequence[int]]]],
    ) -> Counter[str]:
        decoded = Decoded(batches, [target.projection for target in self._targets])
        folded: Counter[str] = Counter()
        for target in self._targets:
            name = target.projection.name
            records, _ = decoded.of(target.projection, offsets[name])
            waiting = parked_streams(cursor, target)
            folded[name] = fold(cursor, target, records, waiting, known=known[name], sums=sums[name])
        return folded

    def _offsets(self, cursor: Any, *, hold: bool) -> dict[str, dict[At, int]]:
        found = {}
        for target in self._targets:
            name = target.projection.name
            found[name] = read_progress(cursor, target, self._work.partitions(target), hold=hold)
            if not found[name]:
                raise LostPartition(name, "its progress is gone")
        return found

    def _known(self, cursor: Any) -> dict[str, set[str] | None]:
        """Return the streams that may be parked, since those in use have failed too; None: all may."""
        found: dict[str, set[str] | None] = {}
        for target in self._targets:
            used = replace(target, generation=target.generation - 1)
            found[target.projection.name] = None if self._work.park else parked_streams(cursor, used, skipped=True)
        return found

    def _seek(self, offsets: Mapping[str, Mapping[At, int]]) -> None:
        if self._reader.assignment() != set(self._work.ends):
            self._reader.assign(list(self._work.ends))
        for tp in self._work.ends:
            self._reader.seek(tp, _least(offsets, tp))

    def _gather(self, limit: int, ends: Mapping[TopicPartition, int]) -> dict[TopicPartition, list[ConsumerRecord]]:
        """Poll so many records, fewer at the ends or when stopped; raises KafkaLostData when nothing comes."""
        batches: dict[TopicPartition, list[ConsumerRecord]] = {}
        count, before = 0, -1
        deadline = time.monotonic() + SILENCE_S
        while count < limit and not self._stopped():
            passed = {tp: self._reader.position(tp) for tp in ends}
            if all(passed[tp] >= end for tp, end in ends.items()):
                break
            if sum(passed.values()) != before:
                before, deadline = sum(passed.values()), time.monotonic() + SILENCE_S
            elif time.monotonic() > deadline:
                raise KafkaLostData("Kafka delivers no more records, although there should be some")
            for tp, records in self._reader.poll(timeout_ms=POLL_MS, max_records=limit - count).items():
                batches.setdefault(tp, []).extend(records)
                count += len(records)
        self._told(sum(self._reader.position(tp) for tp in ends))
        return batches

    def _steps(self, offsets: Mapping[At, int]) -> list[Step]:
        positions = {at: self._reader.position(TopicPartition(*at)) for at in offsets}
        return [Step(*at, offset, positions[at]) for at, offset in offsets.items() if positions[at] > offset]


def _least(offsets: Mapping[str, Mapping[At, int]], tp: TopicPartition) -> int:
    return min(own[tp.topic, tp.partition] for own in offsets.values() if (tp.topic, tp.partition) in own)
