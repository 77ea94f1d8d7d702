"""How fast are bulk appends and imports, against a raw COPY of the same bytes into the same table?"""

from __future__ import annotations

import io
import struct
import time
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median
from typing import Any

from eventsourcing.persistence import StoredEvent

from adapters.database import connect
from adapters.ledger import Append, Appended, GroupCommit
from bench.corpus import COLUMNS, SAMPLE, Corpora, appends, head, rows
from bench.harness import Comparison, Scale, Services, alternate, paired, say
from bench.worker import worker

TARGET = 0.4
IMPORT_TARGET = 0.15
TRIALS = 3


def measure(services: Services, corpora: Corpora, scale: Scale) -> list[Comparison]:
    """Compare events per second."""
    return [_bulk(services, corpora, scale), _import(services, scale)]


def _bulk(services: Services, corpora: Corpora, scale: Scale) -> Comparison:
    source = corpora.at_least(scale.bulk_events).url
    with (
        worker("bench.bulk:appender", source=source, events=scale.bulk_events) as append,
        worker("bench.bulk:copier", source=source, events=scale.bulk_events) as copy,
    ):
        fastest = _fastest(services, copy)
        say(f"bulk: GroupCommit against COPY ({fastest})")
        rates = alternate(
            scale.pairs,
            lambda: _on_empty_ledger(services, append),
            lambda: _on_empty_ledger(services, copy, form=fastest),
        )
    return Comparison(
        f"bulk append of {scale.bulk_events:,} ready records",
        "GroupCommit",
        f"COPY ({fastest})",
        "events/s",
        paired(*rates),
        TARGET,
    )


def _import(services: Services, scale: Scale) -> Comparison:
    imported = services.new_database()
    with worker("bench.corpus:importer", url=imported) as run:
        run(path=str(SAMPLE))
    events = head(imported)

    def once() -> float:
        url = services.new_database()
        with worker("bench.corpus:importer", url=url) as run:
            seconds = run(path=str(SAMPLE))["seconds"]
        if head(url) != events:
            raise RuntimeError(f"the import made {head(url)} events, not {events} as before")
        services.drop_database(url)
        return events / float(seconds)

    with worker("bench.bulk:copier", source=imported, events=events) as copy:
        fastest = _fastest(services, copy)
        say(f"import: CSV to ledger against COPY ({fastest}) of the {events:,} records that come of it")
        rates = alternate(scale.pairs, once, lambda: _on_empty_ledger(services, copy, form=fastest))
    services.drop_database(imported)
    return Comparison(
        f"import of the bundled CSV, {events:,} events",
        "import_cfpb",
        f"COPY ({fastest})",
        "events/s",
        paired(*rates),
        IMPORT_TARGET,
    )


def _fastest(services: Services, copy: Callable[..., Any]) -> str:
    rates = {
        form: median(_on_empty_ledger(services, copy, form=form) for _ in range(TRIALS)) for form in ("text", "binary")
    }
    return max(rates, key=lambda form: rates[form])


def _on_empty_ledger(services: Services, run: Callable[..., Any], **arguments: str) -> float:
    url = services.new_database()
    rate = float(run(url=url, **arguments))
    services.drop_database(url)
    return rate


def appender(source: str, events: int) -> Callable[[str], float]:
    """Hand over the appends of the first ``events`` events of ``source`` to a writer, one by one, and wait for all;
    a run gives events per second."""
    ready = appends(list(rows(source, events)))

    def run(url: str) -> float:
        waiting = [Append(append.events, append.command_id) for append in ready]
        writer = GroupCommit(url, "ledger_api")
        try:
            writer.append(Append([StoredEvent("refused-1", 2, "tried", b"")]))  # as with COPY, the connection is open
            started = time.perf_counter()
            for append in waiting:
                writer.submit(append)
            outcomes = [writer.wait(append) for append in waiting]
            seconds = time.perf_counter() - started
        finally:
            writer.close()
        if not all(isinstance(outcome, Appended) for outcome in outcomes) or head(url) != events:
            raise RuntimeError("not everything was appended")
        return events / seconds

    return run


def copier(source: str, events: int) -> Callable[[str, str], float]:
    """COPY the first ``events`` rows of ``source`` in a form made before; a run gives events per second."""
    kept = list(rows(source, events))
    forms = {"text": _text(kept), "binary": _binary(kept)}

    def run(url: str, form: str) -> float:
        conn = connect(url, None)
        try:
            with conn.cursor() as cursor:
                started = time.perf_counter()
                cursor.copy_expert(
                    f"copy ledger.events ({COLUMNS}) from stdin (format {form})", io.BytesIO(forms[form]), 1 << 16
                )
                seconds = time.perf_counter() - started
                if cursor.rowcount != events:
                    raise RuntimeError(f"{cursor.rowcount} rows were copied, not {events}")
        finally:
            conn.close()
        return events / seconds

    return run


def _text(kept: list[tuple[Any, ...]]) -> bytes:
    # None of the texts of a ledger needs escapes: ids, names of events, and hexadecimal digits.
    return "".join(
        f"{position}\t{stream}\t{version}\t{type_}\t\\\\x{bytes(record).hex()}\t{recorded_at.isoformat()}"
        f"\t{command_id}\t{command_index}\n"
        for position, stream, version, type_, record, recorded_at, command_id, command_index in kept
    ).encode()


def _binary(kept: list[tuple[Any, ...]]) -> bytes:
    """Write rows in the binary format of COPY (PostgreSQL documentation, COPY, "Binary Format")."""
    epoch = datetime(2000, 1, 1, tzinfo=UTC)
    parts = [b"PGCOPY\n\xff\r\n\0", struct.pack("!ii", 0, 0)]
    for position, stream, version, type_, record, recorded_at, command_id, command_index in kept:
        since = recorded_at - epoch
        microseconds = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
        fields = (
            struct.pack("!q", position),
            stream.encode(),
            struct.pack("!q", version),
            type_.encode(),
            bytes(record),
            struct.pack("!q", microseconds),
            command_id.encode(),
            struct.pack("!i", command_index),
        )
        parts.append(struct.pack("!h", len(fields)))
        for field in fields:
            parts += (struct.pack("!i", len(field)), field)
    parts.append(struct.pack("!h", -1))
    return b"".join(parts)
