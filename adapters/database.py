"""Connections to PostgreSQL: one role each, with time-outs, from a small pool."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Literal

import psycopg2
from psycopg2.extensions import connection as Connection

Role = Literal["ledger_api", "ledger_relay", "ledger_projector", "ledger_watcher", "ledger_log", "ledger_analyst"]

#: What psycopg2 raises when the server is away, went away, or was too slow, as opposed to refusing a statement.
UNAVAILABLE = (psycopg2.OperationalError, psycopg2.InterfaceError)


class _Cursor(psycopg2.extensions.cursor):
    """Tells of a server that died in the middle of an answer as of one that is away: by OperationalError."""

    def execute(self, query: Any, vars: Any = None) -> None:
        with _told_as_unavailable():
            super().execute(query, vars)

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        with _told_as_unavailable():
            super().copy_expert(sql, file, size)


@contextmanager
def _told_as_unavailable() -> Iterator[None]:
    try:
        yield
    except psycopg2.DatabaseError as error:
        # psycopg2 has no class of its own for it, since the server gave no code.
        if type(error) is psycopg2.DatabaseError:
            raise psycopg2.OperationalError(*error.args) from error
        raise


def connect(url: str, role: Role | None, *, autocommit: bool = True, statement_timeout_s: int = 60) -> Connection:
    """Open a connection that acts as ``role`` (None: as the user of the URL, for migrations)."""
    options = [
        "-c timezone=UTC",
        f"-c statement_timeout={statement_timeout_s}s",
        "-c lock_timeout=20s",
        # Compiling a query takes longer than most of them do.
        "-c jit=off",
        # What is read is in memory for the most part, or on a disk that does not turn.
        "-c random_page_cost=1.1",
        "-c standard_conforming_strings=on",
        "-c idle_in_transaction_session_timeout=60s",
    ]
    if role is not None:
        options.append(f"-c role={role}")
    conn = psycopg2.connect(
        url,
        options=" ".join(options),
        application_name=f"complaints {role or 'owner'}",
        connect_timeout=10,
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        cursor_factory=_Cursor,
    )
    conn.autocommit = autocommit
    return conn


class Pool:
    """Keeps idle autocommit connections of one role (None: the user of the URL). Any thread may take one; there is no
    upper limit."""

    def __init__(self, url: str, role: Role | None) -> None:
        self.url, self.role = url, role
        self._idle: queue.LifoQueue[Connection] = queue.LifoQueue()

    @contextmanager
    def cursor(self) -> Iterator[Any]:
        """Lend a cursor. A connection that failed is thrown away, not kept."""
        try:
            conn = self._idle.get_nowait()
        except queue.Empty:
            conn = connect(self.url, self.role)
        try:
            with conn.cursor() as cursor:
                yield cursor
        except UNAVAILABLE:
            conn.close()
            raise
        finally:
            if not conn.closed:
                self._idle.put(conn)

    def close(self) -> None:
        with suppress(queue.Empty):
            while True:
                self._idle.get_nowait().close()
