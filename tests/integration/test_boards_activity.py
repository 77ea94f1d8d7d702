"""What the boards of offices, funds, persons and the rulebook answer, and what the events say: row for row."""

from __future__ import annotations

from datetime import date
from inspect import getmembers, isfunction, signature

import pytest

from adapters import boards_activity
from adapters.reports import report
from domain.periods import period
from domain.streams import FUND, OFFICE
from tests.integration import active_offices as active
from tests.integration.active_offices import AT, INSTANT, own
from tests.integration.boards_asked import REFERENCES, each, ids, same, times
from tests.integration.item_world import World
from tests.reference.effects import funds

BOARDS = [
    name
    for name, board in getmembers(boards_activity, isfunction)
    if board.__module__ == boards_activity.__name__ and not name.startswith("_")
]
#: Transfers of the complaint that went round, by the last digits of the offices, on each day in Shanghai.
MOVES = {
    date(2026, 2, 9): {("1", "2")},
    date(2026, 2, 10): {("2", "1"), ("1", "6"), ("6", "5")},
    date(2026, 2, 11): {("5", "1")},
}
#: From the first to the last day; some cut through the transfers at the boundary of two days.
DAYS = [
    (date(2000, 1, 1), date(2099, 12, 31)),
    (date(2026, 1, 5), date(2026, 2, 9)),
    (date(2026, 2, 9), date(2026, 2, 9)),
    (date(2026, 2, 10), date(2026, 2, 10)),
    (date(2026, 2, 10), date(2026, 2, 11)),
    (date(2026, 2, 11), date(2026, 12, 31)),
    (date(2025, 1, 1), date(2025, 1, 31)),
]
LAW_DAYS = [date(1990, 1, 1), date(2019, 12, 31), date(2026, 1, 4), date(2026, 1, 5), date(2099, 1, 1)]


@pytest.mark.parametrize("name", BOARDS)
def test_every_board_has_a_reference_that_is_asked_in_the_same_way(name: str) -> None:
    board, reference = getattr(boards_activity, name), REFERENCES[name]
    asked = [list(signature(one, eval_str=True).parameters.values())[1:] for one in (board, reference)]
    assert asked[0] == asked[1]


def test_b5_warnings_are_of_their_year_in_shanghai_with_theme_text_and_complaints(items: World) -> None:
    whole = same(items, "warnings")
    assert each(items, "warnings", "office_id", ids(items, OFFICE)) > 1
    years = {year: same(items, "warnings", year=year) for year in (2025, 2026, 2027, 2028)}
    assert sum(map(len, years.values())) == len(whole)
    assert [one["number"] for one in same(items, "warnings", office_id=active.NORTH, year=2025)] == [1]
    assert [one["number"] for one in years[2027]] == [4, 4]
    assert years[2028] == []


def test_b5_a_yearly_list_is_its_newest_edition_with_figures_of_others_behind(items: World) -> None:
    assert each(items, "yearly_lists", "office_id", ids(items, OFFICE), 2026) > 1
    assert [one["warning"] for one in same(items, "yearly_lists", 2027)] == [4]
    assert same(items, "yearly_lists", 2024) == []
    own_list = same(items, "yearly_lists", 2026, office_id=active.NORTH)
    assert [(one["edition"], one["external"], one["place"], one["warning"], one["value"]) for one in own_list] == [
        (2, False, 1, 3, None),
        (2, False, 2, 2, None),
        (2, True, 1, None, "2"),
        (2, True, 2, None, "0"),
    ]


def test_d6_d12_an_evaluation_is_told_in_every_edition_with_what_it_led_to(items: World) -> None:
    whole = same(items, "evaluations")
    assert each(items, "evaluations", "evaluated_id", {one["evaluated_id"] for one in whole}) > 1
    shop = same(items, "evaluations", evaluated_id=active.SHOP)
    of_north = [one for one in shop if one["office_id"] == active.NORTH]
    assert [(one["number"], one["newest"], one["finding"], one["measured_by"]) for one in of_north] == [
        (6, True, None, None),
        (3, True, None, None),
        (4, True, 3, 6),
        (1, False, 1, 3),
        (1, False, 2, None),
        (2, True, None, None),
    ]
    closed, unfound = of_north[3], of_north[5]
    assert [(one["taken_at"], one["text"]) for one in closed["actions"]] == [
        (active.day(301), "1 was z"),
        (active.day(301), "1 was x"),
    ]
    assert (closed["success_after"], of_north[2]["success_after"], unfound["actions"]) == (700, None, [])
    assert (closed["as_of"], unfound["as_of"], unfound["success_permille"]) == (None, 2, 0)


def test_offices_stand_behind_their_superiors_by_division_and_id(items: World) -> None:
    tree = same(items, "office_tree")
    assert len(tree) == len(ids(items, OFFICE))
    assert [(one["office_id"], one["depth"]) for one in tree if own("office", 0)[:-1] in one["office_id"]] == [
        (active.NATIONAL, 0),
        (active.WEST, 1),
        (active.NORTH, 1),
        (active.STATION, 2),
        (active.SOUTH, 1),
        (active.LOST, 0),
    ]


@pytest.mark.parametrize("days", DAYS)
def test_g2_transfers_are_of_days_in_shanghai_out_and_in(items: World, days: tuple[date, date]) -> None:
    whole = same(items, "transfers", *days)
    each(items, "transfers", "office_id", [*ids(items, OFFICE), active.NOWHERE], *days)
    ours = [one for one in whole if one["office_id"][:-1] == active.NORTH[:-1] and one["transferred_out"]]
    moves = set[tuple[str, str]]().union(*(own for day, own in MOVES.items() if days[0] <= day <= days[1]))
    assert {(one["office_id"][-1], one["with_office"][-1]) for one in ours} == moves


def test_d9_mediators_are_those_enrolled_at_a_time_and_conflicts_outlast_a_release(items: World) -> None:
    for at in times(items):
        each(items, "mediators", "office_id", ids(items, OFFICE), at)
    assert sum(one["open"] for one in same(items, "mediators", items.until)) > 2
    told = {
        n: [
            (one["kind"], one["open"], one["classes"], one["conflicts"])
            for one in same(items, "mediators", active.day(n), office_id=active.NORTH)
            if one["mediator_id"] == active.MEDIATOR
        ]
        for n in (1, 10, 20)
    }
    assert told == {
        1: [("person", 2, ["cars", "food"], ["c"])],
        10: [],
        20: [("association", 2, ["toys"], ["a", "b", "c"])],
    }


def test_d4_the_balance_of_a_fund_is_what_its_last_event_says(items: World) -> None:
    whole = same(items, "fund_balances")
    assert {one["status"] for one in whole} == {"open", "closed"}
    assert None in {one["office"] for one in whole}
    (fund,) = [one for one in whole if one["fund_id"] == active.FUND]
    assert (fund["balance_fen"], fund["outstanding_fen"], fund["written_off_fen"]) == (79_000, 6_000, 15_000)


@pytest.mark.parametrize("name", ["2000", "2025", "2026-01", "2026-02", "2026-03", "2026Q1", "2026H1", "2026", "2080"])
def test_d4_a_report_tells_what_moved_in_each_fund_in_its_days_and_what_was_left(items: World, name: str) -> None:
    own = period(name)
    found = report(items.pool, own, today=items.until.date())["funds"]
    assert found == funds(items.histories, own.first, own.last)
    assert bool(found) == (name != "2000")


def test_d4_an_advance_tells_what_came_back_and_what_was_refused_is_none(items: World) -> None:
    assert each(items, "advances", "fund_id", ids(items, FUND)) > 1
    own_advances = same(items, "advances", active.FUND)
    assert [(one["number"], one["recovered_fen"], one["outstanding_fen"]) for one in own_advances] == [
        (3, 4_000, 6_000),
        (1, 15_000, 0),
        (2, 20_000, 0),
    ]


def test_b12_leaks_are_told_with_their_complaints_and_consents_are_counted(items: World) -> None:
    at_once = [one for one in same(items, "leaks") if one["recorded_at"] == AT]
    assert [one["what"] for one in at_once] == ["names", "names", "names 1", "addresses 1", "names 2", "addresses 2"]
    consents = {(one["purpose"], one["recipient"]): one for one in same(items, "consents")}
    again = consents["marketing", "a shop"]
    assert (again["given"], again["withdrawn"], again["standing"]) == (3, 1, 2)


@pytest.mark.parametrize(
    "on", [date(1990, 1, 1), date(2019, 12, 31), date(2026, 1, 4), date(2026, 1, 5), date(2099, 1, 1)]
)
def test_b10_a_scenario_has_the_laws_of_the_day_in_their_order(items: World, on: date) -> None:
    laws = {one["scenario_id"]: [law for law, _, _ in one["laws"]] for one in same(items, "scenarios", on)}
    begun = on >= date(2026, 1, 5)
    assert laws["own-later"] == ["new"] * begun
    old = ["old"] * (date(2020, 1, 1) <= on <= date(2026, 1, 4))
    assert laws["own-changed"] == ["new"] * begun + old + ["always"] * (on.year >= 2000)


@pytest.mark.parametrize("name", ["credit_score", active.NUMBERS, "of no method"])
def test_numbers_are_those_of_the_edition_published_last_by_a_time(items: World, name: str) -> None:
    published = [time for n in (0, 1) for time in (active.day(n) - INSTANT, active.day(n))]
    found = [same(items, "parameters", name, at) for at in [*times(items), *published]]
    assert any(found) == (name != "of no method")
    if name == active.NUMBERS:
        assert [[(one["edition"], one["parameter"]) for one in rows] for rows in found[-4:]] == [
            [],
            [(1, "a"), (1, "b")],
            [(1, "a"), (1, "b")],
            [(3, "b")],
        ]
