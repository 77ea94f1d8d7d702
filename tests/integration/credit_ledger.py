"""Histories in a real ledger, and read models that are made of it at once, whenever a test says so."""

from __future__ import annotations

from contextlib import closing
from datetime import date

from adapters import credit
from adapters.credit import Scores
from adapters.database import connect
from adapters.execute import Ledger
from adapters.read_store import ensure_progress
from adapters.read_tables import write
from adapters.record import read_record
from domain.streams import TOPICS, kind_of
from projections.catalogue import PROJECTIONS
from projections.projection import Fact
from tests.integration.credit_cases import Histories
from tests.integration.deadlines import Desk


def record(desk: Desk, histories: Histories) -> None:
    """Append what happened."""
    for stream, events in histories.items():
        desk.append(stream, *events)


def made(desk: Desk, as_of: date) -> Scores:
    """The scores of a day, made anew."""
    return credit.scores(desk.ledger.recorder.pool, as_of, max_age_s=0)


def project(ledger: Ledger, but: str = "") -> int:
    """Make the read models anew from the whole ledger, ``but`` for a stream that cannot be read; returns the position
    that they are complete to."""
    with ledger.recorder.reading() as cursor:
        cursor.execute("select position, stream, version, record from ledger.events order by position")
        found = cursor.fetchall()
    facts = [
        Fact(position, stream, version, read_record(bytes(record)).event)
        for position, stream, version, record in found
        if stream != but
    ]
    with closing(connect(ledger.recorder.url, None, autocommit=False)) as conn:
        ensure_progress(conn, PROJECTIONS, [(topic, 0) for topic in TOPICS])
        with conn, conn.cursor() as cursor:
            for projection in PROJECTIONS:
                cursor.execute(f"truncate {', '.join([projection.table, *(sums.table for sums in projection.sums)])}")
                own = [fact for fact in facts if kind_of(fact.stream) is projection.kind]
                assert not write(cursor, projection, own, False, None)
            cursor.execute("update read.progress set watermark = %s", (len(found),))
    return len(found)
