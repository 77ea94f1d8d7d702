"""Reads the records of the topics once for all projections that want them."""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from kafka import TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from adapters.read_store import NUL, REPLACEMENT, Consumed, Offsets, Step
from adapters.record import read_record
from adapters.topics import position_of
from domain.streams import KINDS
from projections.projection import Fact, Projection

NO_POSITION = "the record has no header 'position' with its place in the ledger"
#: In the place of a kind's prefix, for records whose key names no kind: each projection of their topic has them.
NOBODYS = ""

Records = Mapping[TopicPartition, Sequence[ConsumerRecord]]


def collect_rarely() -> None:
    """Let Python look less often for garbage in cycles: it took a third of the time. See ``collect_polled``."""
    gc.set_threshold(100_000, 50, 100)


def collect_polled() -> None:
    """Free the records of polls that ended with a time-out; to be called when a batch has been taken up.

    kafka-python 3.0.12 keeps the exception of such a poll in a cycle, with the frames of all that called it.
    """
    gc.collect(1)


class Decoded:
    """Records as they were polled, decoded once, and those of them that are for a projection."""

    def __init__(self, batches: Records, projections: Iterable[Projection]) -> None:
        wanted = {projection.kind.prefix for projection in projections}
        self._ends = {(tp.topic, tp.partition): records[-1].offset + 1 for tp, records in batches.items() if records}
        self._found = {
            (tp.topic, tp.partition): _by_kind(records, wanted) for tp, records in batches.items() if records
        }

    def of(self, projection: Projection, offsets: Offsets) -> tuple[list[Consumed], list[Step]]:
        """Return what a projection that has come to ``offsets`` has to take up, and how far that brings it."""
        taken: list[Consumed] = []
        steps: list[Step] = []
        for at, end in self._ends.items():
            offset = offsets.get(at)
            if offset is None or end <= offset:
                continue
            for kind in (projection.kind.prefix, NOBODYS):
                records = self._found[at].get(kind)
                if records:
                    ahead = records[0].offset < offset
                    taken.extend([record for record in records if record.offset >= offset] if ahead else records)
            steps.append(Step(*at, offset, end))
        return taken, steps


def _by_kind(records: Iterable[ConsumerRecord], wanted: set[str]) -> dict[str, list[Consumed]]:
    found: dict[str, list[Consumed]] = defaultdict(list)
    for record in records:
        stream = (record.key or b"").decode(errors="replace").replace(NUL, REPLACEMENT)
        kind = stream.partition("-")[0]
        if kind not in wanted:
            if kind in KINDS:
                continue
            kind = NOBODYS
        read: Fact | str
        try:
            position = position_of(record)
            read = read_fact(position, stream, record.value)
        except ValueError:
            position, read = None, NO_POSITION
        value = record.value or b""
        found[kind].append(Consumed(stream, record.topic, record.partition, record.offset, position, value, read))
    return found


def read_fact(position: int, stream: str, record: bytes) -> Fact | str:
    """Read a record of a stream; where that cannot be done, return why."""
    try:
        recorded = read_record(record)
    # Bytes that are no record can fail to be read in any way.
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if recorded.originator_id != stream:
        return f"the record is of {recorded.originator_id}, but its key says {stream}"
    return Fact(position, stream, recorded.originator_version, recorded.event)
