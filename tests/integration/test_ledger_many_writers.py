"""Writers in several processes and readers that follow them: nothing missed, no gap, nothing twice, time never back.

Run as a program, this file is one of the writers: it prints what it was told of each of its appends.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eventsourcing.persistence import Notification, StoredEvent

from adapters.database import connect
from adapters.ledger import PLACEHOLDER, Append, Appended, Conflict, Duplicate, PostgresRecorder
from domain.values import format_instant

LIMIT = 60.0
PROCESSES = 4
THREADS = 4
ROUNDS = 40
SHARED_STREAMS = 3
SHARED_COMMANDS = 30

Event = tuple[str, int, str]  # stream, version, a text that no other event has


@dataclass(frozen=True)
class Told:
    """What a writer was told of an append. ``position``: of its first event, or of the duplicate's."""

    outcome: str
    position: int
    command_id: str | None
    events: list[Event]


class Writer:
    """One thread's appends: of its own streams and of shared ones, some stale, some under ids that others use."""

    def __init__(self, recorder: PostgresRecorder, name: str, seed: int) -> None:
        self.recorder, self.name = recorder, name
        self.random = random.Random(f"{seed} {name}")
        self.next_version: Counter[str] = Counter()
        self.told: list[Told] = []

    def run(self) -> None:
        for number in range(ROUNDS):
            streams = [f"shared-{self.random.randrange(SHARED_STREAMS)}"] if self.random.random() < 0.4 else []
            if not streams or self.random.random() < 0.2:
                streams += [f"own-{self.name}-{n}" for n in self.random.sample(range(4), self.random.choice([1, 1, 2]))]
            self.append(number, [(stream, self.guess(stream)) for stream in streams])

    def guess(self, stream: str) -> int:
        """The version to append at, sometimes one too low."""
        if stream.startswith("shared"):
            last = self.recorder.select_events(stream, desc=True, limit=1)
            following = last[0].originator_version + 1 if last else 0
        else:
            following = self.next_version[stream]
        return following - (following > 0 and self.random.random() < 0.1)

    def append(self, number: int, starts: list[tuple[str, int]]) -> None:
        events: list[Event] = [
            (stream, first + n, f"{self.name} {number} {stream} {n}")
            for stream, first in starts
            for n in range(self.random.choice([1, 1, 1, 2, 5, 20]))
        ]
        command_id = self.random.choice(
            [None, f"{self.name} {number}", f"{self.name} {number}", f"of all {self.random.randrange(SHARED_COMMANDS)}"]
        )
        stored = [StoredEvent(stream, version, "tried", record(text)) for stream, version, text in events]
        match self.recorder.writer.append(Append(stored, command_id)):
            case Appended(position):
                self.told.append(Told("appended", position, command_id, events))
                self.next_version.update(stream for stream, _, _ in events)
            case Duplicate(position):
                self.told.append(Told("duplicate", position, command_id, events))
            case Conflict():
                self.told.append(Told("conflict", 0, command_id, events))


def record(text: str, at: str | None = None) -> bytes:
    stamp = PLACEHOLDER if at is None else PLACEHOLDER[:14] + at.encode() + b'"'
    return b'{"text":' + json.dumps(text).encode() + b"," + stamp + b"}"


def write(url: str, process: str, seed: int) -> None:
    recorder = PostgresRecorder(url)
    writers = [Writer(recorder, f"{process}.{n}", seed) for n in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as executor:
        for finished in [executor.submit(writer.run) for writer in writers]:
            finished.result()
    recorder.close()
    json.dump([vars(told) for writer in writers for told in writer.told], sys.stdout)


class Followers:
    """Two readers that run while others write: one is told of appends, one asks again and again."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.delivered: list[Notification] = []
        self.polled: list[tuple[Any, ...]] = []
        self.end: int | None = None
        self.recorder = PostgresRecorder(url)
        self.subscription = self.recorder.subscribe()
        self.threads = [threading.Thread(target=self._deliver), threading.Thread(target=self._poll)]
        for thread in self.threads:
            thread.start()

    def _deliver(self) -> None:
        with self.subscription as subscription:
            self.delivered.extend(subscription)

    def _poll(self) -> None:
        conn = connect(self.url, "ledger_log")
        with conn.cursor() as cursor:
            while self.end is None or len(self.polled) < self.end:
                cursor.execute(
                    "select position, stream, version, command_id, command_index, recorded_at, record "
                    "from ledger.events where position > %s order by position limit 50",
                    (self.polled[-1][0] if self.polled else 0,),
                )
                self.polled.extend(cursor)
        conn.close()

    def stop(self, end: int) -> None:
        """Let them read on to the position ``end`` and no further."""
        self.end = end
        deadline = time.monotonic() + LIMIT
        while len(self.delivered) < end and time.monotonic() < deadline:
            time.sleep(0.02)
        self.subscription.stop()
        for thread in self.threads:
            thread.join(LIMIT)
        self.recorder.close()


@pytest.mark.parametrize("seed", [1, 2])
def test_followers_of_many_writers_miss_nothing_and_see_nothing_twice(database_url: str, seed: int) -> None:
    followers = Followers(database_url)
    told = run_writers(database_url, seed)
    reader = PostgresRecorder(database_url)
    end = reader.max_notification_id() or 0
    followers.stop(end)
    reader.close()

    counts = Counter(each.outcome for each in told)
    assert min(counts["appended"], counts["duplicate"], counts["conflict"]) > 10, counts
    assert end == sum(len(each.events) for each in told if each.outcome == "appended")

    rows = followers.polled
    assert [row[0] for row in rows] == list(range(1, end + 1))
    assert [event.id for event in followers.delivered] == list(range(1, end + 1))
    assert [(event.originator_id, event.originator_version, event.state) for event in followers.delivered] == [
        (row[1], row[2], bytes(row[6])) for row in rows
    ]
    times = [row[5] for row in rows]
    assert times == sorted(times)

    next_version: Counter[str] = Counter()
    for _, stream, version, *_ in rows:
        assert version == next_version[stream]
        next_version[stream] += 1

    check_what_was_told(told, rows)


def check_what_was_told(told: list[Told], rows: list[tuple[Any, ...]]) -> None:
    """An append that was acknowledged is where it was said to be, whole; one that was not is nowhere."""
    seen: set[int] = set()
    runs = Counter(each.command_id for each in told if each.outcome == "appended" and each.command_id)
    assert set(runs.values()) == {1}
    for each in told:
        if each.outcome == "appended":
            for n, (stream, version, text) in enumerate(each.events):
                position = each.position + n
                row = rows[position - 1]
                assert row[:5] == (position, stream, version, each.command_id, n)
                assert bytes(row[6]) == record(text, format_instant(row[5]))
                seen.add(position)
        elif each.outcome == "duplicate":
            assert rows[each.position - 1][3:5] == (each.command_id, 0)
    assert len(seen) == len(rows)


def run_writers(url: str, seed: int) -> list[Told]:
    root = str(Path(__file__).parents[2])
    processes = [
        subprocess.Popen(
            [sys.executable, __file__, url, str(number), str(seed)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": root},
        )
        for number in range(PROCESSES)
    ]
    told: list[Told] = []
    for process in processes:
        output, _ = process.communicate(timeout=LIMIT)
        assert process.returncode == 0
        for each in json.loads(output):
            events = [(stream, version, text) for stream, version, text in each.pop("events")]
            told.append(Told(**each, events=events))
    return told


if __name__ == "__main__":
    write(sys.argv[1], sys.argv[2], int(sys.argv[3]))
