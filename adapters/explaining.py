"""What a figure was computed with: the queries themselves, as they were run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from adapters.database import Pool


def filled(pool: Pool, query: str, parameters: Sequence[Any]) -> str:
    """Return a query as PostgreSQL gets it: with its parameters in their places."""
    with pool.cursor() as cursor:
        return str(cursor.mogrify(query, parameters).decode())


class RecordingPool(Pool):
    """Lends the cursors of another pool, and keeps the text of each query, with its parameters filled in."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool.url, pool.role)
        self._pool = pool
        self.queries: list[str] = []

    @contextmanager
    def cursor(self) -> Iterator[Any]:
        """Lend a cursor."""
        with self._pool.cursor() as cursor:
            yield _Recording(cursor, self.queries)


class _Recording:
    def __init__(self, cursor: Any, queries: list[str]) -> None:
        self._cursor, self._queries = cursor, queries

    def execute(self, query: str, parameters: Any = None) -> None:
        self._queries.append(self._cursor.mogrify(query, parameters).decode())
        self._cursor.execute(query, parameters)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._cursor)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)
