"""Logins of analysts: users of PostgreSQL who may read the read models, and nothing else, within limits."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Mapping
from contextlib import closing
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from psycopg2 import sql
from psycopg2.extensions import encrypt_password

from adapters.database import connect
from domain.errors import InvalidInput

log = logging.getLogger("watcher")

PREFIX = "analyst_"
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
#: What a session of an analyst begins with. It may change all but the last, which PostgreSQL lets nobody but a
#: superuser set; of the others, the first and the third are enforced by end_overlong.
LIMITS = {
    "statement_timeout": "5min",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "1min",
    "idle_session_timeout": "1h",
    "work_mem": "64MB",
    "hash_mem_multiplier": "1",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "timezone": "UTC",
    "search_path": "read",
    "default_transaction_read_only": "on",
    "temp_file_limit": "2GB",
}
CONNECTIONS = 4
#: When a session is ended that has set itself other limits: a little later, so that who keeps to them is only told.
LONGEST_S = 330


def create(url: str, name: str, limits: Mapping[str, str] = LIMITS) -> str:
    """Make a login of this name, or give it a new password; returns its URL. ``url``: of the owner.

    Raises InvalidInput for a name that is none.
    """
    user, password = user_of(name), secrets.token_urlsafe(24)
    with closing(connect(url, None, autocommit=False)) as conn, conn, conn.cursor() as cursor:
        # So that the password itself is in no log of the server.
        verifier = encrypt_password(password, user, conn, "scram-sha-256")
        cursor.execute("select exists (select from pg_roles where rolname = %s)", (user,))
        verb = "alter" if cursor.fetchone() == (True,) else "create"
        _run(cursor, f"{verb} role {{}} login password %s connection limit %s", user, verifier, CONNECTIONS)
        _run(cursor, "grant ledger_analyst to {}", user)
        cursor.execute("select has_parameter_privilege('temp_file_limit', 'set')")
        may_limit_files = cursor.fetchone() == (True,)
        for setting, value in limits.items():
            if setting != "temp_file_limit" or may_limit_files:
                _run(cursor, f"alter role {{}} set {setting} = %s", user, value)
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{place}"))


def drop(url: str, name: str) -> bool:
    """End the sessions of a login and remove it; False when there is none."""
    user = user_of(name)
    with closing(connect(url, None, autocommit=False)) as conn, conn, conn.cursor() as cursor:
        cursor.execute("select exists (select from pg_roles where rolname = %s)", (user,))
        if cursor.fetchone() != (True,):
            return False
        _run(cursor, "alter role {} nologin", user)
        cursor.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = %s", (user,))
        _run(cursor, "drop role {}", user)
    return True


def existing(url: str) -> list[str]:
    """Return the names of the logins, sorted."""
    with closing(connect(url, None)) as conn, conn.cursor() as cursor:
        cursor.execute("select rolname from pg_roles where starts_with(rolname, %s) order by 1", (PREFIX,))
        return [user.removeprefix(PREFIX) for (user,) in cursor]


def end_overlong(cursor: Any, longest_s: float = LONGEST_S) -> int:
    """End sessions of analysts that have been in one statement, or idle in a transaction, for longer; returns how many.

    ``cursor``: of a watcher. Needs an owner of the database who may see and end the sessions of others: a superuser,
    or a member of pg_monitor and pg_signal_backend. Otherwise it ends none.
    """
    cursor.execute("select watch.end_overlong(make_interval(secs => %s))", (longest_s,))
    ((ended,),) = cursor.fetchall()
    if ended:
        log.warning("ended sessions of analysts that took too long: %d", ended)
    return int(ended)


def user_of(name: str) -> str:
    """Return the user of PostgreSQL for a name; raises InvalidInput."""
    if not NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} is no name for a login", hint="at most 40 lower-case letters, digits and _, a letter first"
        )
    return PREFIX + name


def _run(cursor: Any, statement: str, user: str, *values: object) -> None:
    cursor.execute(sql.SQL(statement).format(sql.Identifier(user)), values or None)
