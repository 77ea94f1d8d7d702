"""Brings a database to the present schema: versioned files once and in order, repeatable ones when they change."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from adapters.database import connect
from domain.errors import LedgerError

SQL = Path(__file__).parent / "sql"
ADVISORY_LOCK = 0x6C656467657200


class MigrationError(LedgerError):
    """The database and the migrations of this program do not fit together."""


def migrate(url: str, report: Callable[[str], None] = lambda _: None) -> list[str]:
    """Apply what is missing, all of it in one transaction; returns the names of the files that were run.

    Raises MigrationError if a versioned file was edited after it had been applied, or if the database is ahead.
    """
    versioned = sorted((SQL / "versioned").glob("*.sql"))
    repeatable = sorted((SQL / "repeatable").glob("*.sql"))
    done: list[str] = []
    conn = connect(url, None, autocommit=False)
    try:
        with conn, conn.cursor() as cursor:
            cursor.execute("select pg_advisory_xact_lock(%s)", (ADVISORY_LOCK,))
            cursor.execute(
                "create table if not exists public.ledger_migrations "
                "(name text primary key, sha256 text not null, applied_at timestamptz not null default now())"
            )
            cursor.execute("select name, sha256 from public.ledger_migrations")
            applied = dict(cursor.fetchall())
            unknown = {n for n in applied if n.startswith("versioned/")} - {f"versioned/{f.name}" for f in versioned}
            if unknown:
                raise MigrationError(
                    f"the database has migrations that this program lacks: {', '.join(sorted(unknown))}",
                    hint="use the newer program",
                )
            for file in (*versioned, *repeatable):
                name = f"{file.parent.name}/{file.name}"
                text = file.read_text(encoding="utf-8")
                digest = hashlib.sha256(text.encode()).hexdigest()
                if applied.get(name) == digest:
                    continue
                if name in applied and file.parent.name == "versioned":
                    raise MigrationError(f"{name} was changed after it had been applied", hint="add a new file instead")
                report(f"migrating: {name}")
                cursor.execute(text)
                cursor.execute(
                    "insert into public.ledger_migrations (name, sha256) values (%s, %s) "
                    "on conflict (name) do update set sha256 = excluded.sha256, applied_at = now()",
                    (name, digest),
                )
                done.append(name)
    finally:
        conn.close()
    return done
