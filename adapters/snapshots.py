"""Reads that belong together: all of them see the read models as they were at one moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ
from psycopg2.extensions import connection as Connection

from adapters.database import Pool, connect
from projections.complaint_details import COMPLAINT_DETAILS
from projections.funds import FUNDS
from projections.grievances import GRIEVANCES
from projections.measures import MEASURES
from projections.merchants import MERCHANTS
from projections.offices import OFFICES
from projections.platforms import PLATFORMS
from projections.rooms import ROOMS
from projections.rulebook import RULEBOOKS

#: What reports, evaluations and scores are made of.
_READ = (COMPLAINT_DETAILS, MERCHANTS, OFFICES, PLATFORMS, MEASURES, GRIEVANCES, ROOMS, FUNDS, RULEBOOKS)
_TABLES = [table for one in _READ for table in (one.table, *(sums.table for sums in one.sums))]


class _Snapshot(Pool):
    def __init__(self, pool: Pool, conn: Connection) -> None:
        super().__init__(pool.url, pool.role)
        self._conn = conn

    @contextmanager
    def cursor(self) -> Iterator[Any]:
        """Lend a cursor."""
        with self._conn.cursor() as cursor:
            yield cursor


def hold(cursor: Any) -> None:
    """Keep the tables in their place until the transaction ends, as its first statement.

    Before anything is read: a generation that took the place of one later would look empty from here.
    """
    cursor.execute(f"lock table {', '.join(_TABLES)} in access share mode")


@contextmanager
def snapshot(pool: Pool) -> Iterator[Pool]:
    """Lend a pool whose reads, ``complete_to`` included, all see the same moment. For one thread."""
    conn = connect(pool.url, pool.role, autocommit=False)
    try:
        conn.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
        with conn.cursor() as cursor:
            hold(cursor)
        yield _Snapshot(pool, conn)
    finally:
        conn.close()
