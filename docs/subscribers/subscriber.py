"""Follows topics of the complaint ledger and writes what comes as JSON lines.

Needs Python 3.11 and: pip install kafka-python lz4

    python subscriber.py --bootstrap 127.0.0.1:9092 --group my-service public.complaints
    python subscriber.py --bootstrap … --group … --from beginning --out complaints.jsonl ledger.complaints
    python subscriber.py --bootstrap … --group … --from 2026-03-01T00:00:00+08:00 ledger.complaints ledger.merchants

With --out, nothing is written twice, whatever dies and wherever it begins: the file itself says how far it has come.
Ctrl-C (SIGINT) or SIGTERM ends it and leaves the group, with status 130 or 143; wrong arguments end with status 2.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition

#: For so long a group waits for a member that died without leaving it.
SESSION_MS = 10_000
#: With nothing assigned to us for so long, the reader is told why.
PATIENCE_S = 5.0
WAITING = (
    "no partition is ours yet: other members of the group have them all, or had them and died without leaving; "
    f"what those had comes to us within {SESSION_MS // 1000} s"
)


def position_of(record: Any) -> int:
    """The record's place in the ledger: on a partition it only ascends."""
    return int(dict(record.headers)["position"])


def line_of(record: Any) -> str:
    """One line. ``event`` is the record, a public complaint, or null: nothing of it is public any more."""
    return json.dumps(
        {
            "position": position_of(record),
            "topic": record.topic,
            "partition": record.partition,
            "key": record.key.decode(),
            "event": None if record.value is None else json.loads(record.value),
        },
        ensure_ascii=False,
    )


def taken_up(path: Path) -> dict[tuple[str, int], int]:
    """The last position of each partition in a file of ours. A last line that is not whole is cut off."""
    found: dict[tuple[str, int], int] = {}
    with path.open("a+b") as file:
        file.seek(0)
        whole = 0
        for line in file:
            if not line.endswith(b"\n"):
                break
            whole += len(line)
            told = json.loads(line)
            found[told["topic"], told["partition"]] = told["position"]
        file.truncate(whole)
    return found


def begin_of(text: str) -> str | datetime:
    """``committed``, ``beginning``, or a time with its zone."""
    if text in ("committed", "beginning"):
        return text
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not committed, beginning, or a time with its zone, such as 2026-03-01T00:00:00+08:00"
        )
    return at


def starts(bootstrap: str, topics: list[str], begin: str | datetime) -> dict[TopicPartition, int]:
    """The offset to begin at in each partition; none where the group is to go on. LookupError: no such topic."""
    with closing(KafkaConsumer(bootstrap_servers=bootstrap, allow_auto_create_topics=False)) as asking:
        there = asking.topics()
        if missing := [topic for topic in topics if topic not in there]:
            others = ", ".join(sorted(topic for topic in there if not topic.startswith("__"))) or "none"
            raise LookupError(
                f"no topic {', '.join(missing)} at {bootstrap}, or none that you may read; there are: {others}"
            )
        if begin == "committed":
            return {}
        partitions = [TopicPartition(topic, n) for topic in topics for n in asking.partitions_for_topic(topic) or ()]
        asking.assign(partitions)
        if not isinstance(begin, datetime):
            return dict(asking.beginning_offsets(partitions))
        ends = asking.end_offsets(partitions)
        at = int(begin.timestamp() * 1000)
        found = asking.offsets_for_times(dict.fromkeys(partitions, at))
        # None: nothing is as young as that.
        return {one: ends[one] if found.get(one) is None else found[one].offset for one in partitions}


class Begin(ConsumerRebalanceListener):
    """Seeks to where we are to begin, in each partition when it comes to us for the first time."""

    def __init__(self, consumer: KafkaConsumer, offsets: dict[TopicPartition, int]) -> None:
        self.consumer, self.offsets = consumer, offsets

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        pass

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        for partition in assigned:
            if partition in self.offsets:
                self.consumer.seek(partition, self.offsets.pop(partition))


def follow(consumer: KafkaConsumer, out: TextIO, last: dict[tuple[str, int], int], once: bool) -> None:
    """Write what comes, for ever, or up to where the topics ended when it began."""
    ends: dict[TopicPartition, int] = {}
    patient_until = time.monotonic() + PATIENCE_S
    while True:
        for partition, records in consumer.poll(timeout_ms=200).items():
            place = (partition.topic, partition.partition)
            for record in records:
                position = position_of(record)
                if position > last.get(place, 0):
                    out.write(line_of(record) + "\n")
                    last[place] = position
        out.flush()
        if out is not sys.stdout:
            os.fsync(out.fileno())
        # Only when it is written: what dies before this comes again, and is known by its position.
        consumer.commit()
        assigned = consumer.assignment()
        if not assigned and time.monotonic() > patient_until:
            print(WAITING, file=sys.stderr)
            patient_until = float("inf")
        if once and assigned:
            ends = ends or consumer.end_offsets(assigned)
            if all(consumer.position(partition) >= end for partition, end in ends.items()):
                return


def end(number: int, frame: object) -> None:
    """End on a signal, as the shell tells it, and leave the group on the way."""
    sys.exit(128 + number)


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    arguments = argparse.ArgumentParser(description="Write topics of the complaint ledger as JSON lines.")
    arguments.add_argument("topics", nargs="+")
    arguments.add_argument("--bootstrap", required=True, help="host:port of the broker")
    arguments.add_argument("--group", required=True, help="name of the consumer group: it keeps how far we are")
    arguments.add_argument(
        "--from", dest="begin", type=begin_of, default="committed", help="committed, beginning, or a time with its zone"
    )
    arguments.add_argument("--out", type=Path, help="the file to go on with, instead of standard output")
    arguments.add_argument("--once", action="store_true", help="end where the topics end now")
    given = arguments.parse_args()
    try:
        offsets = starts(given.bootstrap, given.topics, given.begin)
    except LookupError as error:
        arguments.exit(2, f"{error}\n")
    last = taken_up(given.out) if given.out else {}
    consumer = KafkaConsumer(
        bootstrap_servers=given.bootstrap,
        group_id=given.group,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        allow_auto_create_topics=False,
        session_timeout_ms=SESSION_MS,
    )
    with closing(consumer), given.out.open("a", encoding="utf-8") if given.out else sys.stdout as out:
        consumer.subscribe(given.topics, listener=Begin(consumer, offsets))
        follow(consumer, out, last, given.once)


if __name__ == "__main__":
    main()
