"""Tables of items through real Kafka and PostgreSQL: what a slow reading of the events says, and what boards answer."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from inspect import getmembers, isfunction
from random import Random
from typing import Any

import pytest

from adapters import boards, boards_activity
from adapters.database import Pool
from adapters.execute import Ledger
from adapters.projector import ProjectorSettings, run_projector, wait_until_projected
from adapters.relay import RelaySettings, run_relay
from adapters.rulebook import PUBLISHER, RulebookReader, publish_first_edition
from adapters.simulation.run import simulate
from adapters.topics import ensure_topics
from adapters.watcher import WatcherSettings
from domain.calendar import SHANGHAI, day_of
from domain.complaint.handling import Transferred
from domain.event import Event
from domain.fund.advances import Advanced, WrittenOff
from domain.fund.keeping import Opened, PaidIn
from domain.grievance.complaining import Complained
from domain.merchant.membership import PromiseSigned
from domain.merchant.registration import Linked, MergedInto, MergerUndone, Registered, Relation, Unlinked
from domain.office.establishment import Established, Level
from domain.office.mediators import ConflictDeclared
from domain.office.warnings import ExternalFigure, WarningIssued, YearlyListPublished
from domain.rulebook.codes import CodeList, Entry
from domain.rulebook.events import CodeListPublished
from domain.streams import COMPLAINT, kind_of
from domain.values import Money
from projections.catalogue import PROJECTIONS
from projections.projection import Projection, Sums
from tests.conftest import create_database, running
from tests.integration.deadlines import Desk, watch_once
from tests.projections.reference_items import KINDS, expected

KEY = b"k" * 32
START = datetime(2026, 1, 5, tzinfo=SHANGHAI)
LIMIT = 60.0
OFFICE = "office-99999999-0000-4000-8000-000000000001"
SHOPS = tuple(f"merchant-99999999-0000-4000-8000-00000000000{n}" for n in range(7))
FUND = "fund-99999999-0000-4000-8000-000000000001"
GRIEVANCE = "grievance-99999999-0000-4000-8000-000000000001"
PLATFORM = "platform-99999999-0000-4000-8000-000000000001"
WARNED = "complaint-99999999-0000-4000-8000-000000000001"
WITH_ITEMS = [one for one in PROJECTIONS if one.kind.prefix in KINDS]
TABLES = [(projection, sums) for projection in WITH_ITEMS for sums in projection.sums]
_numbers = itertools.count(1)


@dataclass(frozen=True)
class World:
    """What was projected: where it can be asked, what it was made of, and when the last of it happened."""

    pool: Pool
    histories: dict[str, list[Event]]
    until: datetime


def incompressible(length: int) -> str:
    """The longest that so many characters can be in an index: four bytes each, and no two alike in order."""
    chance = Random(length)
    return "".join(chr(chance.randrange(0x20000, 0x2A000)) for _ in range(length))


def by_hand(desk: Desk) -> None:
    """What a simulation does not come to: the longest texts, figures of others, links and mergers in rows."""
    at, by = START, PUBLISHER
    longest = incompressible(500)
    desk.append(
        OFFICE,
        Established(occurred_at=at, actor=by, title="Consumer council", level=Level.NATIONAL, division="000000"),
        ConflictDeclared(occurred_at=at, actor=by, mediator_id=by.id, party_id=longest),
        WarningIssued(
            occurred_at=at, actor=by, number=1, theme=longest, text=incompressible(8_000), complaints=(WARNED,)
        ),
        YearlyListPublished(
            occurred_at=at,
            actor=by,
            year=2026,
            edition=1,
            warnings=(1,),
            external=(ExternalFigure(source="12315 yearly report", what="requests", value="2.63 million"),),
        ),
    )
    money = Money(fen=5_000)
    desk.append(
        FUND,
        Opened(occurred_at=at, actor=by, title="Protection fund", office_id=OFFICE, currency="CNY"),
        PaidIn(occurred_at=at, actor=by, contributor="c", amount=money, reference="r", balance=money),
        Advanced(
            occurred_at=at,
            actor=by,
            number=1,
            complaint_id=WARNED,
            request=1,
            item=0,
            amount=money,
            payer="merchant",
            debtor=longest,
            balance=Money(fen=0),
        ),
        WrittenOff(occurred_at=at, actor=by, advance=1, amount=money, reason=longest),
    )
    desk.append(
        GRIEVANCE,
        Complained(
            occurred_at=at, actor=by, merchant_id=SHOPS[0], platform_id=PLATFORM, violation="unfair-fee", text=longest
        ),
    )
    registered = (Registered(occurred_at=at, actor=by, trade_name=longest),)
    links: dict[int, tuple[Event, ...]] = {
        0: (
            Linked(occurred_at=at, actor=by, other=SHOPS[1], relation=Relation.BRANCH_OF, basis="b"),
            PromiseSigned(occurred_at=at, actor=by, batch=longest),
        ),
        1: (MergedInto(occurred_at=at, actor=by, into=SHOPS[2], basis="b"),),
        2: (MergedInto(occurred_at=at, actor=by, into=SHOPS[3], earlier=(SHOPS[1],), basis="b"),),
        4: (
            Linked(occurred_at=at, actor=by, other=SHOPS[3], relation=Relation.SAME_OWNER, basis="b"),
            MergedInto(occurred_at=at, actor=by, into=SHOPS[5], basis="b"),
            MergerUndone(occurred_at=at, actor=by, into=SHOPS[5], reason="r"),
        ),
        5: (
            Linked(occurred_at=at, actor=by, other=SHOPS[4], relation=Relation.SAME_OWNER, basis="b"),
            Unlinked(occurred_at=at, actor=by, other=SHOPS[4], reason="r"),
        ),
    }
    for n, shop in enumerate(SHOPS):
        desk.append(shop, *registered, *links.get(n, ()))
    entries = {"a": Entry(name=longest, name_en=longest), "b" * 64: Entry(name="b", parent="a")}
    codes = CodeList(scheme=longest, title="t", source="s", entries=entries)
    desk.append("rulebook-other", CodeListPublished(occurred_at=at, actor=by, edition=1, part=1, parts=1, codes=codes))


def histories(ledger: Ledger) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = {}
    for stored in ledger.recorder.select_notifications(1, 1_000_000):
        recorded = ledger.mapper.to_domain_event(stored)
        found.setdefault(recorded.originator_id, []).append(recorded.event)
    return found


@pytest.fixture(scope="module")
def world(postgres_url: str, kafka_bootstrap: str) -> Iterator[World]:
    name = f"i{os.getpid()}_{next(_numbers)}"
    url, prefix = create_database(postgres_url, name), f"{name}."
    ensure_topics(kafka_bootstrap, prefix)
    desk = Desk(url)
    publish_first_edition(desk.ledger)
    book = RulebookReader(desk.ledger).current()
    traffic = simulate(desk.ledger, KEY, book, complaints=150, seed=3, start=START, days=60)
    by_hand(desk)
    assert traffic.until is not None
    watch_once(WatcherSettings(url), traffic.until)
    where = (url, kafka_bootstrap, prefix)
    with (
        running(lambda stop: run_relay(RelaySettings(*where), stop)),
        running(lambda stop: run_projector(ProjectorSettings(*where), stop)),
    ):
        head = desk.ledger.recorder.max_notification_id()
        assert head is not None
        assert wait_until_projected(url, head, LIMIT)
    pool = Pool(url, "ledger_api")
    yield World(pool, histories(desk.ledger), traffic.until)
    pool.close()
    desk.close()


@pytest.fixture(scope="module")
def reference(world: World) -> dict[str, dict[tuple[Any, ...], list[int]]]:
    return expected(world.histories)


def rows(world: World, query: str) -> list[tuple[Any, ...]]:
    with world.pool.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def test_nothing_is_parked(world: World) -> None:
    assert rows(world, "select projection, stream, error from read.parked limit 3") == []


@pytest.mark.parametrize(("projection", "sums"), TABLES, ids=lambda one: one.table)
def test_a_table_holds_what_the_events_say(
    world: World, reference: dict[str, dict[tuple[Any, ...], list[int]]], projection: Projection, sums: Sums
) -> None:
    width = len(sums.keys)
    found = rows(world, f"select {', '.join((*sums.keys, *sums.measures))} from {sums.table}")
    assert {row[:width]: list(row[width:]) for row in found} == reference.get(sums.table, {})


@pytest.mark.parametrize("projection", WITH_ITEMS, ids=lambda one: one.name)
def test_a_row_per_stream_holds_a_fold_of_its_events(world: World, projection: Projection) -> None:
    kept = {row[0]: row[1:] for row in rows(world, f"select {', '.join(projection.columns)} from {projection.table}")}
    own = {stream: events for stream, events in world.histories.items() if kind_of(stream) is projection.kind}
    assert kept.keys() == own.keys()
    for stream, events in own.items():
        row: Any = None
        for event in events:
            row = projection.fold(row, event)
        version, _, *fields = kept[stream]
        assert (version, tuple(fields)) == (len(events), tuple(row))


#: How each board is asked, where it needs something; and those that a simulation leaves empty.
ASKED: dict[str, Callable[[Any, World], Any]] = {
    "listings": lambda board, world: board(world.pool, world.until, name="blacklist", standing=False),
    "notices": lambda board, world: board(world.pool, world.until),
    "measures_in_force": lambda board, world: board(world.pool, START + timedelta(days=60)),
    "measure_counts": lambda board, world: board(world.pool, START + timedelta(days=60), "violation"),
    "violations": lambda board, world: board(world.pool, date(2026, 1, 1), date(2026, 12, 31)),
    "grievances": lambda board, world: board(world.pool, "platform_id"),
    "yearly_lists": lambda board, world: board(world.pool, 2026),
    "policies_adopted": lambda board, world: board(world.pool, world.until),
    "transfers": lambda board, world: board(world.pool, date(2026, 1, 1), date(2026, 12, 31)),
    "mediators": lambda board, world: board(world.pool, world.until),
    "scenarios": lambda board, world: board(world.pool, date(2026, 1, 5)),
    "parameters": lambda board, world: board(world.pool, "credit_score", world.until),
}


def _plainly(board: Any, world: World) -> Any:
    return board(world.pool)


BOARDS = {
    name: board
    for module in (boards, boards_activity)
    for name, board in getmembers(module, isfunction)
    if board.__module__ == module.__name__ and name not in ("rows", "cited", "time_of")
}


@pytest.mark.parametrize("name", BOARDS)
def test_every_board_answers_with_rows_in_the_same_order_each_time(world: World, name: str) -> None:
    board = ASKED.get(name, _plainly)(BOARDS[name], world)
    found = list(board)
    assert found, name
    assert list(board) == found
    assert [*board.page(1), *board.page(2, 1), *board.page(None, 3)] == found


def test_g2_each_transfer_leaves_one_office_and_comes_to_another(world: World) -> None:
    moved = [
        (one.from_office, one.to_office)
        for stream, events in world.histories.items()
        if kind_of(stream) is COMPLAINT
        for one in events
        if isinstance(one, Transferred) and day_of(one.occurred_at).year == 2026
    ]
    board = boards_activity.transfers(world.pool, date(2026, 1, 1), date(2026, 12, 31))
    out = {(one["office_id"], one["with_office"]): one["transferred_out"] for one in board if one["transferred_out"]}
    into = {(one["with_office"], one["office_id"]): one["transferred_in"] for one in board if one["transferred_in"]}
    assert out == into == Counter(moved)


def test_e5_a_group_is_named_by_those_who_go_on_and_links_that_stand(world: World) -> None:
    groups = {
        one: (going_on, group)
        for one, going_on, group in rows(world, "select * from read.merchant_groups()")
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


def test_d4_the_balances_of_funds_add_up_and_what_was_written_off_stands_apart(world: World) -> None:
    found = {one["fund_id"]: one for one in boards_activity.fund_balances(world.pool)}
    assert all(one["adds_up"] and one["outstanding_fen"] >= 0 for one in found.values())
    by_hand = found[FUND]
    assert (by_hand["paid_in_fen"], by_hand["advanced_fen"], by_hand["written_off_fen"]) == (5_000, 5_000, 5_000)
    assert (by_hand["balance_fen"], by_hand["outstanding_fen"]) == (0, 0)


def test_b5_figures_of_others_are_marked_as_theirs_beside_own_warnings(world: World) -> None:
    own, theirs = boards_activity.yearly_lists(world.pool, 2026, office_id=OFFICE)
    assert (own["external"], own["warning"], own["complaints"]) == (False, 1, [WARNED])
    assert (theirs["external"], theirs["source"], theirs["value"]) == (True, "12315 yearly report", "2.63 million")


def test_b7_a_consequence_is_found_by_its_complaint_with_the_text_of_its_basis_whole(world: World) -> None:
    (warning,) = boards.consequences(world.pool, complaint_id=WARNED)
    assert (warning["kind"], warning["stream"], warning["authority"]) == ("warning", OFFICE, "Consumer council")
    assert warning["basis"] == incompressible(8_000)


def test_e6_a_listing_stands_until_its_end_whether_or_not_that_is_recorded(world: World) -> None:
    names = ("untrustworthy", "blacklist", "warning")
    ever = [one for name in names for one in boards.listings(world.pool, world.until, name=name, standing=False)]
    now = [one for name in names for one in boards.listings(world.pool, world.until, name=name)]
    later = world.until + timedelta(days=3660)
    then = [one for name in names for one in boards.listings(world.pool, later, name=name)]
    assert [one for one in ever if one["stands"]] == now
    assert [one["ends_due"] for one in then] == [None] * len(then)
    assert all(one["complaints"] and one["basis"] for one in ever)


def test_b12_analysts_see_how_many_consented_and_not_who(world: World) -> None:
    asked = "select has_table_privilege('ledger_analyst', %s, 'select')"
    with world.pool.cursor() as cursor:
        granted = {}
        for table in ("read.consents", "read.leaks", "read.subjects"):
            cursor.execute(asked, (table,))
            granted[table] = cursor.fetchone()[0]
    assert granted == {"read.consents": True, "read.leaks": True, "read.subjects": False}


def test_every_table_of_items_and_each_of_its_columns_has_a_comment(world: World) -> None:
    names = [table for one in WITH_ITEMS for table in (one.table, *(sums.table for sums in one.sums))]
    without = (
        "select c.oid::regclass::text, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid "
        "where c.oid = any(array[{}]::regclass[]) and a.attnum >= 0 "
        "and (col_description(c.oid, a.attnum) is null or obj_description(c.oid, 'pg_class') is null)"
    )
    assert rows(world, without.format(", ".join(f"'{name}'" for name in names))) == []
