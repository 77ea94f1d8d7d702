"""Reads that belong together: all of them see the read models as they were at one moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg2
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ
from psycopg2.extensions import connection as Connection

from adapters.database import Pool
from projections.catalogue import PROJECTIONS
from projections.subjects import SUBJECTS

#: All tables of the read models, and those of them that a watcher may read.
TABLES = [table for one in PROJECTIONS for table in (one.table, *(sums.table for sums in one.sums))]
OPEN = [table for table in TABLES if table.startswith("read.") and table != SUBJECTS.table]


class _Snapshot(Pool):
    """Lends the one cursor that it has, to one reader at a time."""

    def __init__(self, pool: Pool, cursor: Any) -> None:
        super().__init__(pool.url, pool.role)
        self._cursor, self._is_lent = cursor, False

    @contextmanager
    def cursor(self) -> Iterator[Any]:
        """Lend the cursor; raises RuntimeError while somebody else has it, whose rows would be lost."""
        if self._is_lent:
            raise RuntimeError("the cursor of a snapshot is lent: read its rows, and give it back first")
        self._is_lent = True
        try:
            yield self._cursor
        finally:
            self._is_lent = False


def begin(conn: Connection, tables: Sequence[str]) -> None:
    """Begin a transaction that only reads, and sees one moment. Until it ends, the tables keep their place."""
    conn.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True, autocommit=False)
    with conn.cursor() as cursor:
        # Before anything is read: a generation that took the place of one later would look empty from here.
        cursor.execute(f"lock table {', '.join(tables)} in access share mode")


@contextmanager
def snapshot(pool: Pool) -> Iterator[Pool]:
    """Lend a pool whose reads, ``complete_to`` included, all see the same moment. For one thread, and one cursor.

    Within another one, it is of the same moment. All tables are held that the pool's role may read: it takes half a
    millisecond in all.
    """
    with pool.cursor() as cursor:
        conn = cursor.connection
        if not conn.autocommit:
            yield _Snapshot(pool, cursor)
            return
        try:
            begin(conn, OPEN if pool.role == "ledger_watcher" else TABLES)
            yield _Snapshot(pool, cursor)
        finally:
            _end(conn)


def _end(conn: Connection) -> None:
    """Make the connection again what a pool keeps; where that fails, the pool throws it away."""
    try:
        conn.rollback()
        # Before it autocommits: there is nothing to tell the server of then.
        conn.set_session(isolation_level="default", readonly="default")
        conn.autocommit = True
    except psycopg2.Error:
        conn.close()
