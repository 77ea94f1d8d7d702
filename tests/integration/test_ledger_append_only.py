"""What the database itself refuses: changing the ledger, going round the append function, reading without leave."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, get_args
from uuid import uuid4

import psycopg2
import pytest
from eventsourcing.persistence import StoredEvent
from psycopg2 import errors

from adapters.database import Role, connect
from adapters.ledger import PLACEHOLDER, PostgresRecorder

ROLES: tuple[Role, ...] = get_args(Role)
APPEND = """
    select * from ledger.append(
    '{0}', array['s-1'], '{1}', array['tried'], '{c}', '{0}', '{0}', '{1}', '{1}', '\\x78'::bytea)
"""
INSERT = "insert into ledger.events values (2, 's-2', 1, 'tried', 'x', now(), null, 0)"

Run = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def recorder(database_url: str) -> Iterator[PostgresRecorder]:
    recorder = PostgresRecorder(database_url)
    recorder.insert_events([StoredEvent("kept-1", 1, "tried", b"as it was")])
    yield recorder
    recorder.close()


@pytest.fixture
def run(recorder: PostgresRecorder) -> Run:
    """Runs statements on one connection of a role (None: the owner); returns the rows of the last."""

    def run(role: Role | None, *statements: str) -> list[tuple[Any, ...]]:
        conn = connect(recorder.url, role)
        try:
            with conn.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            conn.close()

    return run


CHANGES = [
    "update ledger.events set record = 'forged'",
    "update ledger.events set version = 9 where position = 1",
    "update ledger.events set record = 'forged' where false",
    "delete from ledger.events",
    "delete from ledger.events where false",
    "truncate ledger.events",
    "truncate ledger.events, ledger.head, ledger.published cascade",
    "merge into ledger.events e using (select 1) x on true when matched then update set record = 'forged'",
    "merge into ledger.events e using (select 1) x on true when matched then delete",
    "insert into ledger.events values (1, 'kept-1', 1, 'tried', 'forged', now(), null, 0) "
    "on conflict (stream, version) do update set record = excluded.record",
    "with gone as (delete from ledger.events returning *) select count(*) from gone",
]


@pytest.mark.parametrize("before", [[], ["set session_replication_role = replica"]], ids=["origin", "replica"])
def test_even_the_owner_cannot_change_what_is_recorded(run: Run, recorder: PostgresRecorder, before: list[str]) -> None:
    for change in CHANGES:
        with pytest.raises(errors.InsufficientPrivilege, match="append-only"):
            run(None, *before, change)
    assert run(None, "select position, version, convert_from(record, 'UTF8') from ledger.events") == [
        (1, 1, "as it was")
    ]
    recorder.insert_events([StoredEvent("kept-1", 2, "tried", b"goes on")])


def test_the_refusal_says_what_to_do_instead(run: Run) -> None:
    with pytest.raises(errors.InsufficientPrivilege) as raised:
        run(None, "delete from ledger.events")
    assert raised.value.diag.message_primary == "ledger.events is append-only: DELETE is refused"
    assert raised.value.diag.message_hint == "Record a new event that states the correction."


FORBIDDEN = [
    INSERT,
    "update ledger.events set record = 'forged'",
    "delete from ledger.events",
    "truncate ledger.events",
    "copy ledger.events from stdin",
    "update ledger.head set position = 0",
    "delete from ledger.head",
    "insert into ledger.published (one_row, position, at) values (false, 1, now())",
    "delete from ledger.published",
    "alter table ledger.events disable trigger all",
    "drop table ledger.events",
    "create table ledger.own ()",
    "create table public.own ()",
    "create or replace function ledger.refuse_change() returns trigger language plpgsql as 'begin end'",
    "delete from public.ledger_migrations",
]


@pytest.mark.parametrize("role", ROLES)
def test_no_role_can_write_to_the_ledger_but_by_the_append_function(run: Run, role: Role) -> None:
    for statement in FORBIDDEN:
        with pytest.raises(errors.InsufficientPrivilege):
            run(role, statement)


PRIVILEGES: dict[str, set[Role]] = {
    "select position from ledger.events": {"ledger_api", "ledger_relay", "ledger_watcher", "ledger_log"},
    "select position from ledger.head": set(ROLES) - {"ledger_analyst"},
    "select position from ledger.published": set(ROLES) - {"ledger_analyst"},
    "update ledger.published set position = 0": {"ledger_relay"},
    APPEND: {"ledger_api", "ledger_watcher"},
    "select * from read.active": {"ledger_api", "ledger_watcher", "ledger_analyst", "ledger_projector"},
    "select * from read.progress": {"ledger_api", "ledger_watcher", "ledger_analyst", "ledger_projector"},
    "delete from read.progress": {"ledger_projector"},
    "create table read.own ()": {"ledger_projector"},
    "create table private.own ()": {"ledger_projector"},
}


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_do_what_it_is_for_and_no_more(run: Run, role: Role) -> None:
    may = set()
    for statement in PRIVILEGES:
        try:
            run(role, statement)
            may.add(statement)
        except errors.InsufficientPrivilege:
            pass
    assert may == {statement for statement, roles in PRIVILEGES.items() if role in roles}


def test_the_analyst_has_nothing_outside_the_read_schema(run: Run) -> None:
    found = run(
        None,
        "select n.nspname, c.relname, p from pg_class c join pg_namespace n on n.oid = c.relnamespace, "
        "unnest(array['select', 'insert', 'update', 'delete', 'truncate']) p "
        "where n.nspname in ('ledger', 'private', 'read', 'public') and c.relkind in ('r', 'v', 'm', 'p') "
        "and has_table_privilege('ledger_analyst', c.oid, p)",
    )
    assert {(schema, privilege) for schema, _, privilege in found} == {("read", "select")}
    schemas = "unnest(array['ledger', 'private', 'read', 'public']) s"
    assert run(None, f"select s from {schemas} where has_schema_privilege('ledger_analyst', s, 'create')") == []
    used = run(None, f"select s from {schemas} where has_schema_privilege('ledger_analyst', s, 'usage')")
    assert set(used) == {("read",), ("public",)}


def test_roles_cannot_log_in_and_are_members_of_nothing(run: Run) -> None:
    rows = run(
        None,
        "select rolname, rolcanlogin, rolsuper, rolcreaterole, rolbypassrls, "
        "exists (select from pg_auth_members m where m.member = r.oid) from pg_roles r where rolname like 'ledger\\_%'",
    )
    assert sorted(rows) == [(role, False, False, False, False, False) for role in sorted(ROLES)]


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_an_append_is_refused_at_a_level_that_would_not_see_the_latest(run: Run, level: str) -> None:
    with pytest.raises(errors.RaiseException, match="read committed"):
        run("ledger_api", f"begin isolation level {level}", APPEND)
    with pytest.raises(errors.RaiseException, match="read committed"):
        run("ledger_api", f"set default_transaction_isolation = '{level}'", APPEND)
    assert run("ledger_api", APPEND)[0][1:3] == ("appended", 2)


def test_a_callers_search_path_does_not_reach_into_the_append_function(run: Run, recorder: PostgresRecorder) -> None:
    run(
        None,
        "create schema evil; grant usage on schema evil to public",
        "create function evil.clock_timestamp() returns timestamptz language sql return timestamptz '1999-01-01Z'",
        "create function evil.to_char(timestamp, text) returns text language sql return 'forged'",
        "create function evil.pg_notify(text, text) returns void language sql as 'select 1/0'",
        "create function evil.greater(int, int) returns boolean language sql return false",
        "create operator evil.> (leftarg = int, rightarg = int, function = evil.greater)",
        "create table evil.events (position bigint, stream text, version bigint)",
        "create table evil.head (position bigint)",
        "create domain evil.int as text",
    )
    temporary = "create temp table {} (position bigint, stream text, version bigint, recorded_at timestamptz)"
    rows = run(
        "ledger_api",
        "set search_path = pg_temp, evil, ledger, pg_catalog",
        temporary.format("events"),
        temporary.format("head"),
        temporary.format("accepted"),
        APPEND,
    )
    assert rows[0][:3] == (None, "appended", 2)
    assert rows[0][3].year > 2000
    assert [event.originator_id for event in recorder.select_notifications(1, 9)] == ["kept-1", "s-1"]


def test_functions_that_run_as_the_owner_have_a_fixed_search_path(run: Run) -> None:
    rows = run(
        None,
        "select p.oid::regprocedure::text, p.proconfig from pg_proc p join pg_namespace n on n.oid = p.pronamespace "
        "where n.nspname not in ('pg_catalog', 'information_schema') and p.prosecdef",
    )
    assert any(name.startswith("ledger.append(") for name, _ in rows)
    assert {tuple(config) for _, config in rows} == {("search_path=pg_catalog, pg_temp",)}


def test_time_of_recording_never_goes_back_even_if_the_clock_does(run: Run, recorder: PostgresRecorder) -> None:
    run(None, "update ledger.head set recorded_at = '2200-01-01Z'")
    stream = str(uuid4())
    recorder.insert_events([StoredEvent(stream, 1, "tried", b"{" + PLACEHOLDER + b"}")])
    assert recorder.select_events(stream)[0].state == b'{"recordedat":"2200-01-01T00:00:00.000000Z"}'
    assert run(None, "select recorded_at::text from ledger.events where position = 2") == [("2200-01-01 00:00:00+00",)]


def test_a_record_of_more_than_60000_bytes_is_refused_by_the_table_too(recorder: PostgresRecorder) -> None:
    with pytest.raises(psycopg2.errors.CheckViolation, match="events_record_check"):
        recorder.insert_events([StoredEvent("long-1", 1, "tried", b"x" * 60_001)])
    assert recorder.insert_events([StoredEvent("long-1", 1, "tried", b"x" * 60_000)]) == [2]
