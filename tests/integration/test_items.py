"""Tables of items through real Kafka and PostgreSQL: what a slow reading of the events says, and what boards answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from inspect import getmembers, isfunction
from typing import Any

import pytest

from adapters import boards, boards_activity
from domain.calendar import day_of
from domain.complaint.handling import Transferred
from domain.streams import COMPLAINT, kind_of
from projections.catalogue import PROJECTIONS
from projections.projection import Projection, Sums
from tests.integration.item_world import FUND, OFFICE, SHOPS, START, WARNED, World, incompressible
from tests.projections.reference_items import KINDS, expected

WITH_ITEMS = [one for one in PROJECTIONS if one.kind.prefix in KINDS]
TABLES = [(projection, sums) for projection in WITH_ITEMS for sums in projection.sums]


@pytest.fixture(scope="module")
def reference(items: World) -> dict[str, dict[tuple[Any, ...], list[int]]]:
    return expected(items.histories)


def rows(items: World, query: str) -> list[tuple[Any, ...]]:
    with items.pool.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def test_nothing_is_parked(items: World) -> None:
    assert rows(items, "select projection, stream, error from read.parked limit 3") == []


@pytest.mark.parametrize(("projection", "sums"), TABLES, ids=lambda one: one.table)
def test_a_table_holds_what_the_events_say(
    items: World, reference: dict[str, dict[tuple[Any, ...], list[int]]], projection: Projection, sums: Sums
) -> None:
    width = len(sums.keys)
    found = rows(items, f"select {', '.join((*sums.keys, *sums.measures))} from {sums.table}")
    assert {row[:width]: list(row[width:]) for row in found} == reference.get(sums.table, {})


@pytest.mark.parametrize("projection", WITH_ITEMS, ids=lambda one: one.name)
def test_a_row_per_stream_holds_a_fold_of_its_events(items: World, projection: Projection) -> None:
    kept = {row[0]: row[1:] for row in rows(items, f"select {', '.join(projection.columns)} from {projection.table}")}
    own = {stream: events for stream, events in items.histories.items() if kind_of(stream) is projection.kind}
    assert kept.keys() == own.keys()
    for stream, events in own.items():
        row: Any = None
        for event in events:
            row = projection.fold(row, event)
        version, _, *fields = kept[stream]
        assert (version, tuple(fields)) == (len(events), tuple(row))


#: How each board is asked, where it needs something; and those that a simulation leaves empty.
ASKED: dict[str, Callable[[Any, World], Any]] = {
    "listings": lambda board, items: board(items.pool, items.until, name="blacklist", standing=False),
    "notices": lambda board, items: board(items.pool, items.until),
    "measures_in_force": lambda board, items: board(items.pool, START + timedelta(days=60)),
    "measure_counts": lambda board, items: board(items.pool, START + timedelta(days=60), "violation"),
    "violations": lambda board, items: board(items.pool, date(2026, 1, 1), date(2026, 12, 31)),
    "grievances": lambda board, items: board(items.pool, "platform_id"),
    "yearly_lists": lambda board, items: board(items.pool, 2026),
    "policies_adopted": lambda board, items: board(items.pool, items.until),
    "transfers": lambda board, items: board(items.pool, date(2026, 1, 1), date(2026, 12, 31)),
    "mediators": lambda board, items: board(items.pool, items.until),
    "scenarios": lambda board, items: board(items.pool, date(2026, 1, 5)),
    "parameters": lambda board, items: board(items.pool, "credit_score", items.until),
}


def _plainly(board: Any, items: World) -> Any:
    return board(items.pool)


BOARDS = {
    name: board
    for module in (boards, boards_activity)
    for name, board in getmembers(module, isfunction)
    if board.__module__ == module.__name__ and name not in ("rows", "cited", "time_of")
}


@pytest.mark.parametrize("name", BOARDS)
def test_every_board_answers_with_rows_in_the_same_order_each_time(items: World, name: str) -> None:
    board = ASKED.get(name, _plainly)(BOARDS[name], items)
    found = list(board)
    assert found, name
    assert list(board) == found
    assert [*board.page(1), *board.page(2, 1), *board.page(None, 3)] == found


def test_g2_each_transfer_leaves_one_office_and_comes_to_another(items: World) -> None:
    moved = [
        (one.from_office, one.to_office)
        for stream, events in items.histories.items()
        if kind_of(stream) is COMPLAINT
        for one in events
        if isinstance(one, Transferred) and day_of(one.occurred_at).year == 2026
    ]
    board = boards_activity.transfers(items.pool, date(2026, 1, 1), date(2026, 12, 31))
    out = {(one["office_id"], one["with_office"]): one["transferred_out"] for one in board if one["transferred_out"]}
    into = {(one["with_office"], one["office_id"]): one["transferred_in"] for one in board if one["transferred_in"]}
    assert out == into == Counter(moved)


def test_e5_a_group_is_named_by_those_who_go_on_and_links_that_stand(items: World) -> None:
    groups = {
        one: (going_on, group)
        for one, going_on, group in rows(items, "select * from read.merchant_groups()")
        if one in SHOPS
    }
    # 0 is linked to 1, which was merged into 2, and that into 3; so is 4, whose own merger was undone.
    assert groups == {
        SHOPS[0]: (SHOPS[0], SHOPS[0]),
        SHOPS[1]: (SHOPS[3], SHOPS[0]),
        SHOPS[2]: (SHOPS[3], SHOPS[0]),
        SHOPS[3]: (SHOPS[3], SHOPS[0]),
        SHOPS[4]: (SHOPS[4], SHOPS[0]),
        SHOPS[5]: (SHOPS[5], SHOPS[5]),
        SHOPS[6]: (SHOPS[6], SHOPS[6]),
    }


def test_d4_the_balances_of_funds_add_up_and_what_was_written_off_stands_apart(items: World) -> None:
    found = {one["fund_id"]: one for one in boards_activity.fund_balances(items.pool)}
    assert all(one["adds_up"] and one["outstanding_fen"] >= 0 for one in found.values())
    by_hand = found[FUND]
    assert (by_hand["paid_in_fen"], by_hand["advanced_fen"], by_hand["written_off_fen"]) == (5_000, 5_000, 5_000)
    assert (by_hand["balance_fen"], by_hand["outstanding_fen"]) == (0, 0)


def test_b5_figures_of_others_are_marked_as_theirs_beside_own_warnings(items: World) -> None:
    own, theirs = boards_activity.yearly_lists(items.pool, 2026, office_id=OFFICE)
    assert (own["external"], own["warning"], own["complaints"]) == (False, 1, [WARNED])
    assert (theirs["external"], theirs["source"], theirs["value"]) == (True, "12315 yearly report", "2.63 million")


def test_b7_a_consequence_is_found_by_its_complaint_with_the_text_of_its_basis_whole(items: World) -> None:
    (warning,) = boards.consequences(items.pool, complaint_id=WARNED)
    assert (warning["kind"], warning["stream"], warning["authority"]) == ("warning", OFFICE, "Consumer council")
    assert warning["basis"] == incompressible(8_000)


def test_e6_a_listing_stands_until_its_end_whether_or_not_that_is_recorded(items: World) -> None:
    names = ("untrustworthy", "blacklist", "warning")
    ever = [one for name in names for one in boards.listings(items.pool, items.until, name=name, standing=False)]
    now = [one for name in names for one in boards.listings(items.pool, items.until, name=name)]
    later = items.until + timedelta(days=3660)
    then = [one for name in names for one in boards.listings(items.pool, later, name=name)]
    assert [one for one in ever if one["stands"]] == now
    assert [one["ends_due"] for one in then] == [None] * len(then)
    assert all(one["complaints"] and one["basis"] for one in ever)


def test_b12_analysts_see_how_many_consented_and_not_who(items: World) -> None:
    asked = "select has_table_privilege('ledger_analyst', %s, 'select')"
    with items.pool.cursor() as cursor:
        granted = {}
        for table in ("read.consents", "read.leaks", "read.subjects"):
            cursor.execute(asked, (table,))
            granted[table] = cursor.fetchone()[0]
    assert granted == {"read.consents": True, "read.leaks": True, "read.subjects": False}


def test_every_table_of_items_and_each_of_its_columns_has_a_comment(items: World) -> None:
    names = [table for one in WITH_ITEMS for table in (one.table, *(sums.table for sums in one.sums))]
    without = (
        "select c.oid::regclass::text, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid "
        "where c.oid = any(array[{}]::regclass[]) and a.attnum >= 0 "
        "and (col_description(c.oid, a.attnum) is null or obj_description(c.oid, 'pg_class') is null)"
    )
    assert rows(items, without.format(", ".join(f"'{name}'" for name in names))) == []
