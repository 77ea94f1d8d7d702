"""What an analyst may do in the database: read the read models, within limits, and nothing else."""

from __future__ import annotations

import itertools
import os
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import Any

import psycopg2
import pytest
from psycopg2 import errors, sql

from adapters import analysts
from adapters.database import connect
from adapters.migrations import migrate
from domain.errors import InvalidInput
from projections.catalogue import PROJECTIONS
from tests import read_models

#: Tables of ``read`` that are not for analysts: bytes of records, what is only the rebuild's, and who consented.
CLOSED = {"parked", "builds_whole", "subjects"}
#: The least that shows the limits.
TIGHT = analysts.LIMITS | {"statement_timeout": "300ms", "temp_file_limit": "1MB", "work_mem": "64kB"}
DENIED = errors.InsufficientPrivilege


@pytest.fixture(scope="module")
def owner_url(postgres_url: str) -> str:
    # Migrated, not copied: a copy of a database does not have the privileges on it.
    name = f"a{os.getpid()}_{secrets.token_hex(4)}"
    with closing(connect(postgres_url, None)) as conn, conn.cursor() as cursor:
        cursor.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    url = f"{postgres_url.rpartition('/')[0]}/{name}"
    migrate(url)
    return url


@pytest.fixture(scope="module")
def analyst_url(owner_url: str) -> Iterator[str]:
    name = f"a{secrets.token_hex(4)}"
    yield analysts.create(owner_url, name, TIGHT)
    assert analysts.drop(owner_url, name)


@pytest.fixture
def analyst(analyst_url: str) -> Iterator[Any]:
    """A cursor of an analyst who has asked for what he could: to write."""
    with closing(psycopg2.connect(analyst_url)) as conn:
        conn.autocommit = True
        with conn.cursor() as cursor:
            cursor.execute("set default_transaction_read_only = off")
            yield cursor


@pytest.fixture
def owner(owner_url: str) -> Iterator[Any]:
    with closing(connect(owner_url, None)) as conn, conn.cursor() as cursor:
        yield cursor


def test_g2_each_table_of_the_read_models_is_for_analysts_or_is_known_not_to_be(owner: Any, analyst: Any) -> None:
    found = read_models.relations(owner)
    assert {name for name, one in found.items() if not one.open} == CLOSED
    for name, one in found.items():
        if one.open:
            analyst.execute(f"select * from {one.name} limit 0")
        else:
            with pytest.raises(DENIED):
                analyst.execute(f"select * from read.{name} limit 0")


def test_an_analyst_may_call_what_reads_and_not_what_changes_tables(owner: Any) -> None:
    closed = {one.name for one in read_models.functions(owner) if not one.open}
    assert closed == {f"read.{name}" for name in ("create_next", "index_next", "drop_next", "swap_next")}


def test_an_analyst_has_no_privilege_but_to_read(owner: Any) -> None:
    owner.execute(
        "select c.oid::regclass::text, a.privilege_type from pg_class c cross join aclexplode(c.relacl) a "
        "join pg_namespace n on n.oid = c.relnamespace "
        "where a.grantee in (0, 'ledger_analyst'::regrole) and n.nspname not in ('pg_catalog', 'information_schema') "
        "and (a.privilege_type <> 'SELECT' or n.nspname <> 'read')"
    )
    assert owner.fetchall() == []
    owner.execute(
        "select nspname, has_schema_privilege('ledger_analyst', oid, 'usage'), "
        "has_schema_privilege('ledger_analyst', oid, 'create') from pg_namespace where nspname !~ '^pg_' order by 1"
    )
    assert {name: may for name, *may in owner.fetchall()} == {
        "information_schema": [True, False],
        "ledger": [False, False],
        "private": [False, False],
        "public": [True, False],
        "read": [True, False],
        "watch": [False, False],
    }


@pytest.mark.parametrize(
    "statement",
    [
        "insert into read.transfers values ('a', 'b', '2026-01-01', 1)",
        "update read.transfers set complaints = 2",
        "delete from read.transfers",
        "truncate read.transfers",
        "do $$ begin lock table read.transfers in share mode; end $$",
        "create table read.own (a int)",
        "create table public.own (a int)",
        "create schema own",
        "create temporary table own (a int)",
        "create function read.own() returns int language sql return 1",
        "create role own",
        "comment on table read.transfers is 'own'",
        "drop table read.transfers",
        "select * from ledger.events",
        "select * from watch.dues",
        "select * from public.ledger_migrations",
        "select read.drop_next('{transfers}')",
        "select pg_read_file('/etc/hostname')",
        "select lo_from_bytea(0, 'own')",
        "select pg_advisory_lock(1)",
        "select pg_try_advisory_xact_lock(1, 2)",
        "copy read.transfers to program 'true'",
        "copy read.transfers to '/tmp/transfers'",
        "copy read.transfers from program 'true'",
        "set role ledger_api",
        "set role ledger_projector",
        "set temp_file_limit = '-1'",
        "alter system set work_mem = '1GB'",
    ],
)
def test_an_analyst_is_refused_whatever_is_not_reading(analyst: Any, statement: str) -> None:
    with pytest.raises(DENIED):
        analyst.execute(statement)


def test_an_analyst_begins_in_transactions_that_only_read(analyst_url: str) -> None:
    with closing(psycopg2.connect(analyst_url)) as conn, conn.cursor() as cursor:
        cursor.execute("show transaction_read_only")
        assert cursor.fetchone() == ("on",)


def test_a_statement_that_takes_too_long_is_cancelled(analyst: Any) -> None:
    with pytest.raises(errors.QueryCanceled, match="statement timeout"):
        analyst.execute("select pg_sleep(60)")


def test_who_takes_the_limit_off_is_ended_all_the_same(owner: Any, owner_url: str, analyst_url: str) -> None:
    ours = connect(owner_url, "ledger_api", autocommit=False)
    theirs = [psycopg2.connect(analyst_url) for _ in range(2)]
    with closing(ours), closing(theirs[0]), closing(theirs[1]):
        for conn in (ours, *theirs):
            with conn.cursor() as cursor:
                cursor.execute("set statement_timeout = 0; set idle_in_transaction_session_timeout = 0; select 1")
        with ThreadPoolExecutor(1) as threads:
            # One in a statement, one that only holds its transaction open.
            sleeping = threads.submit(lambda: theirs[0].cursor().execute("select pg_sleep(600)"))
            with closing(connect(owner_url, "ledger_watcher")) as conn, conn.cursor() as cursor:
                _await(lambda: _sessions(owner, "pg_sleep(600)") == 1)
                assert analysts.end_overlong(cursor, longest_s=3_600) == 0
                ended = itertools.accumulate(analysts.end_overlong(cursor, longest_s=0) for _ in itertools.count())
                _await(lambda: next(ended) == len(theirs))
            with pytest.raises(psycopg2.OperationalError):
                sleeping.result(timeout=30)
        with pytest.raises(psycopg2.OperationalError):
            theirs[1].cursor().execute("select 1")
        ours.cursor().execute("select 1")


def _sessions(owner: Any, statement: str) -> int:
    owner.execute(
        "select count(*) from pg_stat_activity where state = 'active' and strpos(query, %s) > 0 "
        "and pid <> pg_backend_pid()",
        (statement,),
    )
    ((count,),) = owner.fetchall()
    return int(count)


def _await(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_sort_that_takes_too_much_of_the_disk_is_stopped(analyst: Any) -> None:
    analyst.execute("set statement_timeout = '1min'")
    with pytest.raises(errors.ConfigurationLimitExceeded, match="temp_file_limit"):
        analyst.execute("select n, repeat('x', 100) from generate_series(1, 100000) n order by n % 1000 desc")


def test_a_login_has_so_many_connections_and_no_more(analyst_url: str) -> None:
    with ExitStack() as stack:
        for _ in range(analysts.CONNECTIONS):
            stack.enter_context(closing(psycopg2.connect(analyst_url)))
        with pytest.raises(psycopg2.OperationalError, match="too many connections"):
            psycopg2.connect(analyst_url)


def test_a_login_made_again_has_a_new_password_only(owner_url: str) -> None:
    name = f"b{secrets.token_hex(4)}"
    first, second = analysts.create(owner_url, name), analysts.create(owner_url, name)
    assert name in analysts.existing(owner_url)
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(first)
    with closing(psycopg2.connect(second)) as conn, conn.cursor() as cursor:
        cursor.execute("show statement_timeout")
        assert cursor.fetchone() == (analysts.LIMITS["statement_timeout"],)
        assert analysts.drop(owner_url, name)
        with pytest.raises(psycopg2.OperationalError):
            cursor.execute("select 1")
    assert not analysts.drop(owner_url, name)


@pytest.mark.parametrize("name", ["", "A", "a-b", "1a", "a" * 41, 'a"; drop role x'])
def test_a_name_that_is_none_is_refused(owner_url: str, name: str) -> None:
    with pytest.raises(InvalidInput):
        analysts.create(owner_url, name)


def test_what_is_granted_stays_so_when_a_new_generation_takes_its_place(owner: Any, analyst: Any) -> None:
    tables = [table for one in PROJECTIONS for table in (one.table, *(s.table for s in one.sums))]
    names = [table.removeprefix("read.") for table in tables if table.startswith("read.")]
    before = read_models.relations(owner)
    owner.execute("select read.create_next(%s)", (names,))
    building = read_models.relations(owner)
    for name in names:
        assert building[f"{name}_next"].open == before[name].open, name
        assert not building[f"{name}_parts"].open, name
    owner.execute("select read.swap_next(%s)", (names,))
    assert read_models.relations(owner) == before
    analyst.execute("select count(*) from read.complaint_measures()")


def test_every_table_column_and_function_of_the_read_models_has_a_comment(owner: Any) -> None:
    for one in read_models.relations(owner).values():
        assert one.comment, one.name
        for column in one.columns:
            assert column.comment, f"{one.name}.{column.name}"
    for function in read_models.functions(owner):
        assert function.comment, function.name


def test_the_read_models_are_documented_as_they_are(owner: Any) -> None:
    written = read_models.PATH.read_text(encoding="utf-8")
    assert written == read_models.document(owner), f"write it again: {read_models.AGAIN}"


def test_what_joins_with_what_is_said_of_tables_and_columns_that_there_are(owner: Any) -> None:
    found = read_models.relations(owner)
    columns = {column.name for one in found.values() for column in one.columns}
    columns |= {word for one in read_models.functions(owner) for word in one.result.replace("(", " ").split()}
    for name, tables in read_models.JOINS.items():
        assert name in columns, name
        for table in tables.partition(" by ")[0].split(", "):
            assert table.removeprefix("read.") in found, table
