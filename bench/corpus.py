"""Real events to measure with: the bundled complaints, imported as often as it takes under other ids."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from eventsourcing.persistence import StoredEvent

from adapters.cfpb_import import import_cfpb
from adapters.execute import open_ledger
from adapters.ledger import Append, iterate_events
from adapters.record import STAMP, UNSTAMPED
from bench.harness import Services, say
from bench.worker import ROOT, peak_mb, worker

SAMPLE = ROOT / "adapters" / "data" / "cfpb_2014.csv"
SERVICE_KEY = b"a key for measurements only"
#: Events that a row of the sample comes to, at the least.
EVENTS_PER_ROW = 3.3


def write_csv(path: Path, events: int) -> None:
    """Write the sample's rows, again and again under new ids, until they come to at least ``events`` events."""
    with SAMPLE.open(newline="", encoding="utf-8-sig") as source:
        header, *rows = csv.reader(source)
    column = header.index("Complaint ID")
    wanted = round(events / EVENTS_PER_ROW)
    with path.open("w", newline="", encoding="utf-8") as target:
        out = csv.writer(target)
        out.writerow(header)
        for number in range(wanted):
            row = list(rows[number % len(rows)])
            row[column] = f"{1 + number // len(rows)}{row[column]}"
            out.writerow(row)


def importer(url: str) -> Callable[[str], dict[str, float]]:
    """Import files; a run gives its seconds and the process's peak memory in MB."""
    import time

    def run(path: str) -> dict[str, float]:
        ledger = open_ledger(url)
        try:
            started = time.perf_counter()
            import_cfpb(ledger, Path(path), service_key=SERVICE_KEY, today=datetime.now(UTC).date())
            return {"seconds": time.perf_counter() - started, "peak_mb": peak_mb()}
        finally:
            ledger.close()

    return run


@dataclass(frozen=True, slots=True)
class Corpus:
    """A ledger that holds ``events`` events."""

    url: str
    events: int


class Corpora:
    """The ledgers of this run. One is filled when there is none that is large enough."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._corpora: list[Corpus] = []

    def at_least(self, events: int) -> Corpus:
        """Return a ledger of at least ``events`` events."""
        for corpus in self._corpora:
            if corpus.events >= events:
                return corpus
        say(f"importing {events:,} events")
        file = self._services.directory / f"{events}.csv"
        write_csv(file, events)
        url = self._services.new_database()
        with worker("bench.corpus:importer", url=url) as run:
            run(path=str(file))
        file.unlink()
        corpus = Corpus(url, head(url))
        if corpus.events < events:
            raise RuntimeError(f"{corpus.events} events came of the file, not {events}: correct EVENTS_PER_ROW")
        self._corpora.append(corpus)
        self._services.checkpoint()
        return corpus

    def record_of(self, length: int) -> str:
        """Return a record of a filing, without its time of recording, of about ``length`` bytes."""
        corpus = self.at_least(10_000)
        ((record,),) = iterate_events(
            corpus.url,
            "ledger_api",
            "select record from ledger.events where type = 'complaint.filed' "
            "order by abs(length(record) - %s), position limit 1",
            (length,),
        )
        return unstamped(bytes(record)).decode()


def head(url: str) -> int:
    """Return the highest position."""
    ((position,),) = iterate_events(url, "ledger_api", "select position from ledger.head")
    return int(position)


def unstamped(record: bytes) -> bytes:
    """Return a record as it was before it was appended."""
    at = record.rindex(STAMP) + len(STAMP)
    return record[:at] + UNSTAMPED.encode() + record[at + len(UNSTAMPED) :]


COLUMNS = "position, stream, version, type, record, recorded_at, command_id, command_index"


def rows(url: str, events: int) -> Iterator[tuple[Any, ...]]:
    """Read the first ``events`` rows of the ledger, whole."""
    return iterate_events(
        url, "ledger_api", f"select {COLUMNS} from ledger.events where position <= %s order by position", (events,)
    )


def appends(events: list[tuple[Any, ...]]) -> list[Append]:
    """Make of rows the appends that they came from."""
    return [
        Append(
            [
                StoredEvent(stream, version, type_, unstamped(bytes(record)))
                for _, stream, version, type_, record, *_ in run
            ],
            command_id,
        )
        for command_id, run in groupby(events, key=lambda row: row[6])
    ]
