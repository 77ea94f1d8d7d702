"""Migrations: once, in order, by one at a time, and never past what does not fit."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from eventsourcing.persistence import StoredEvent
from psycopg2 import sql

from adapters.database import connect
from adapters.embedded.postgres import PostgresServer
from adapters.ledger import PostgresRecorder
from adapters.migrations import SQL, MigrationError, migrate
from tests.filled import fill

FILES = [f"{part}/{file.name}" for part in ("versioned", "repeatable") for file in sorted((SQL / part).glob("*.sql"))]
_numbers = itertools.count(1)


def empty_database(server_url: str, name: str) -> str:
    query(server_url, sql.SQL("create database {}").format(sql.Identifier(name)))
    return f"{server_url.rpartition('/')[0]}/{name}"


def query(url: str, statement: Any, *parameters: object) -> list[tuple[Any, ...]]:
    conn = connect(url, None)
    try:
        with conn.cursor() as cursor:
            cursor.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []
    finally:
        conn.close()


@pytest.fixture
def empty_url(postgres_url: str) -> str:
    return empty_database(postgres_url, f"empty{next(_numbers)}")


def schema(url: str) -> list[tuple[Any, ...]]:
    """All tables, columns, functions, privileges and comments outside the system's schemas."""
    return query(
        url,
        "select n.nspname, c.relname, c.relacl::text, a.attname, a.atttypid::regtype::text, "
        "obj_description(c.oid), col_description(c.oid, a.attnum) "
        "from pg_class c join pg_namespace n on n.oid = c.relnamespace "
        "left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 "
        "where n.nspname in ('ledger', 'read', 'private', 'public') "
        "union all "
        "select n.nspname, p.proname, p.proacl::text, p.prosrc, p.proconfig::text, '', '' "
        "from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'ledger' "
        "order by 1, 2, 4, 5",
    )


def recorded(url: str) -> list[tuple[Any, ...]]:
    return query(url, "select name, sha256, applied_at from public.ledger_migrations order by applied_at, name")


def test_an_empty_database_gets_every_file_in_order_and_is_told(empty_url: str) -> None:
    told: list[str] = []
    assert migrate(empty_url, told.append) == FILES
    assert told == [f"migrating: {name}" for name in FILES]
    assert {name for name, *_ in recorded(empty_url)} == set(FILES)


def test_migrating_again_changes_nothing(database_url: str) -> None:
    before = schema(database_url), recorded(database_url)
    assert migrate(database_url, pytest.fail) == []
    assert (schema(database_url), recorded(database_url)) == before


def test_a_repeatable_file_is_run_again_when_it_has_changed(database_url: str) -> None:
    before = schema(database_url)
    query(database_url, "update public.ledger_migrations set sha256 = 'other' where name = 'repeatable/append.sql'")
    query(database_url, "drop function ledger.append")
    assert migrate(database_url) == ["repeatable/append.sql"]
    assert schema(database_url) == before
    assert migrate(database_url) == []


def test_every_repeatable_file_can_be_run_again_over_recorded_events(database_url: str) -> None:
    recorder = PostgresRecorder(database_url)
    recorder.insert_events([StoredEvent("a-1", 1, "tried", b"x")])
    before = schema(database_url)
    query(database_url, "update public.ledger_migrations set sha256 = 'other' where name like 'repeatable/%'")
    assert migrate(database_url) == [name for name in FILES if name.startswith("repeatable/")]
    assert schema(database_url) == before
    assert recorder.insert_events([StoredEvent("a-1", 2, "tried", b"y")]) == [2]
    recorder.close()


def refused(url: str, message: str, hint: str) -> None:
    before = schema(url), recorded(url)
    with pytest.raises(MigrationError, match=message) as raised:
        migrate(url, pytest.fail)
    assert hint in raised.value.hint
    assert (schema(url), recorded(url)) == before


def test_a_versioned_file_that_was_changed_after_it_was_applied_is_refused(database_url: str) -> None:
    query(
        database_url,
        "update public.ledger_migrations set sha256 = 'other' where name = 'versioned/0002_ledger_events.sql'",
    )
    refused(database_url, r"versioned/0002_ledger_events\.sql was changed after", "add a new file")


def test_a_database_of_a_newer_program_is_refused(database_url: str) -> None:
    query(database_url, "insert into public.ledger_migrations values ('versioned/9999_later.sql', 'x')")
    refused(database_url, r"lacks: versioned/9999_later\.sql", "newer program")


def test_a_migration_that_fails_leaves_the_database_as_it_was(empty_url: str) -> None:
    query(empty_url, "create schema read")
    with pytest.raises(Exception, match='schema "read" already exists'):
        migrate(empty_url)
    assert query(empty_url, "select to_regnamespace('ledger'), to_regclass('public.ledger_migrations')") == [
        (None, None)
    ]
    query(empty_url, "drop schema read")
    assert migrate(empty_url) == FILES


def at_once(calls: list[Callable[[], list[str]]]) -> list[list[str]]:
    with ThreadPoolExecutor(len(calls)) as executor:
        return [future.result() for future in [executor.submit(call) for call in calls]]


def test_sums_of_all_time_are_made_of_those_of_the_years_that_are_there(database_url: str) -> None:
    fill(database_url)
    kept = "select * from read.{} where grain = any(array['year', 'all_time']) order by 1, 2, 3, 4, 5"
    tables = ("resolution_statistics", "flows")
    folded = [query(database_url, kept.format(table)) for table in tables]
    query(database_url, "drop table read.resolution_statistics_all_time")
    query(database_url, "delete from read.flows where grain = any(array['year', 'all_time'])")
    for partition in ("day", "month", "year", "all_time"):
        for name, kind in (("flows_{}", "table"), ("flows_{}_key", "index"), ("flows_{}_pkey", "index")):
            own = name.format(partition)
            query(database_url, f"alter {kind} read.{own} rename to before_{own}")
    query(database_url, (SQL / "versioned" / "0092_sums_of_all_time.sql").read_text())
    assert [query(database_url, kept.format(table)) for table in tables] == folded
    assert all(folded)


def test_who_is_behind_a_room_was_all_the_time_until_the_read_model_is_built_anew(database_url: str) -> None:
    fill(database_url)
    now = (
        "select room_id, subject, name from read.room_subjects where until_at > now() + interval '1000 years' "
        "order by 1, 2"
    )
    folded = query(database_url, now)
    query(database_url, "drop table read.room_subjects")
    query(database_url, (SQL / "versioned" / "0093_room_subjects.sql").read_text())
    assert query(database_url, now) == folded != []
    since = "select count(*) from read.room_subjects s join read.rooms r using (room_id) where s.from_at <> r.opened_at"
    assert query(database_url, since) == [(0,)]


def test_of_several_who_migrate_one_database_at_once_one_does_it(empty_url: str) -> None:
    results = at_once([lambda: migrate(empty_url)] * 6)
    assert sorted(results) == [[]] * 5 + [FILES]


@pytest.fixture(scope="module")
def fresh_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server without any role of ours."""
    server = PostgresServer(Path(tmp_path_factory.mktemp("fresh")))
    server.start()
    yield server
    server.stop()


def test_databases_of_one_server_share_roles_even_when_migrated_at_once(fresh_server: PostgresServer) -> None:
    urls = [empty_database(fresh_server.url, f"shared{n}") for n in range(6)]
    assert query(urls[0], "select count(*) from pg_roles where rolname like 'ledger\\_%'") == [(0,)]
    assert at_once([lambda url=url: migrate(url) for url in urls]) == [FILES] * len(urls)  # type: ignore[misc]
    assert all(schema(url) == schema(urls[0]) for url in urls)
    for url in urls:
        recorder = PostgresRecorder(url)
        assert recorder.insert_events([StoredEvent("a-1", 1, "tried", b"x")]) == [1]
        recorder.close()
