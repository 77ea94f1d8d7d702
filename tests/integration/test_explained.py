"""Figures explained: the SQL that is told says the same when an analyst runs it, and so do the complaints behind."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import date
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import psycopg2
import pytest

from adapters import analysts
from projections.flows import MEASURES as FLOWS
from projections.resolution_statistics import MEASURES
from tests.integration.credit_cases import parameters
from tests.integration.reported import GREAT, OFFICE, SMALL, World, shanghai

Q1_DAYS = {"from": "2026-01-01", "to": "2026-03-31"}


@pytest.fixture(scope="module")
def analyst(world: World) -> Iterator[Any]:
    """A cursor of an analyst, as whoever pastes the SQL has one."""
    name = f"e{secrets.token_hex(4)}"
    with closing(psycopg2.connect(analysts.create(world.url, name))) as conn, conn.cursor() as cursor:
        yield cursor
    assert analysts.drop(world.url, name)


def rows(analyst: Any, sql: str) -> list[dict[str, Any]]:
    """The rows of a query, as it is pasted."""
    analyst.execute(sql)
    names = [column.name for column in analyst.description]
    return [dict(zip(names, row, strict=True)) for row in analyst]


def values(analyst: Any, queries: Iterable[str]) -> set[Any]:
    """All that is in the rows of queries, and in the lists in them."""
    cells: list[Any] = []
    for sql in queries:
        analyst.execute(sql)
        cells += [cell for row in analyst for cell in row]
    return {one for cell in cells for one in (cell if isinstance(cell, list) else [cell])}


@pytest.mark.parametrize(
    ("path", "params", "told"),
    [
        ("/publication", Q1_DAYS, lambda found: [one["complaints"] for one in found["items"]]),
        ("/funnel", Q1_DAYS, lambda found: [one["valid"] for one in found["scenarios"]]),
        ("/awards", Q1_DAYS, lambda found: [one["winner"][n] for one in found["items"] for n in ("count", "n")]),
        (
            "/statistics/industry/durations",
            {**Q1_DAYS, "what": "resolution", "key": "52"},
            lambda found: [one["complaints"] for one in found["items"]],
        ),
        (
            "/boards/trend/merchant",
            {**Q1_DAYS, "interval": "quarter", "filter": f"merchant:{GREAT}"},
            lambda found: [one["measures"]["valid"] for one in found["items"]],
        ),
        (
            f"/merchants/{SMALL}/per-10000",
            {**Q1_DAYS, "stage": "payment"},
            lambda found: [one["valid"] for one in found["items"]],
        ),
        (
            f"/merchants/{GREAT}/around",
            {"day": "2026-02-01"},
            lambda found: [found[side]["valid"] for side in ("before", "after")],
        ),
    ],
)
def test_b4_figures_are_told_with_queries_that_an_analyst_can_run_and_with_the_complaints_behind_them(
    http: httpx.Client, analyst: Any, path: str, params: dict[str, Any], told: Callable[[Any], list[int]]
) -> None:
    found = http.get(path, params={**params, "explain": True}).json()
    assert values(analyst, found["explain"]).issuperset(told(found))
    listed = [http.get(link).json() for link in found["behind"]]
    assert [sum(one["adds"] for one in each["items"]) for each in listed] == told(found)
    assert all(each["count"] == len(each["items"]) for each in listed)


def test_what_is_behind_a_key_is_of_its_code_list_and_links_may_hold_any_sign(http: httpx.Client) -> None:
    words = "Fees & charges #1+2"
    found = http.get("/statistics/product", params={"filter": f"issue:{words}", "explain": True}).json()
    assert parse_qs(urlsplit(found["explain"]["behind"]).query)["filter"] == [f"issue:{words}"]
    groups = http.get("/statistics/product").json()["items"]
    (one, *_) = [each for each in groups if each["measures"]["valid"]]
    for scheme, expected in ((one["scheme"], one["measures"]["valid"]), ("another", 0)):
        of = {"measure": "valid", "key": one["key"], "scheme": scheme}
        assert http.get("/statistics/product/behind", params=of).json()["count"] == expected


@pytest.mark.parametrize(
    ("path", "params", "names"),
    [
        ("/statistics/product", {"interval": "month", "filter": f"merchant:{GREAT}"}, MEASURES),
        ("/statistics/merchant", {**Q1_DAYS, "exclude": "issue:50% off, 'so it was'"}, MEASURES),
        ("/rankings/merchant", {**Q1_DAYS, "least": 0}, MEASURES),
        ("/rankings/merchant", {**Q1_DAYS, "least": 10, "rate": "reopened_rate"}, MEASURES),
        ("/flows/merchant", {**Q1_DAYS, "interval": "quarter"}, ("filed", *FLOWS)),
    ],
)
def test_b4_the_sql_beneath_statistics_says_the_same_when_an_analyst_runs_it(
    http: httpx.Client, analyst: Any, path: str, params: dict[str, Any], names: Iterable[str]
) -> None:
    found = http.get(path, params={**params, "explain": True}).json()
    beneath = rows(analyst, found["explain"]["sql"])
    said = [(one["scheme"], one["key"], one["first_day"], {name: one[name] for name in names}) for one in beneath]
    by_period = "interval" in params
    days = [date.fromisoformat(one["first_day"]) if by_period else None for one in found["items"]]
    assert said == [
        (one["scheme"], one["key"], day, one["measures"]) for one, day in zip(found["items"], days, strict=True)
    ]
    assert found["items"]
    cells = values(analyst, found["explain"]["queries"])
    assert cells.issuperset(one["measures"][name] for one in found["items"] for name in names)


@pytest.mark.parametrize("of", ["statistics", "flows"])
def test_b4_the_sql_beneath_a_list_lists_the_same_when_an_analyst_runs_it(
    http: httpx.Client, analyst: Any, of: str
) -> None:
    asked: dict[str, Any] = {**Q1_DAYS, "measure": "resolved", "key": GREAT, "limit": 500}
    found = http.get(f"/{of}/merchant/behind", params=asked).json()
    listed = rows(analyst, found["sql"])
    assert [tuple(one.values()) for one in listed] == [tuple(one.values()) for one in found["items"]]
    assert len(listed) == found["count"] > 0


def test_b5_a_report_is_told_with_its_queries_and_the_complaints_behind_each_figure(
    http: httpx.Client, analyst: Any
) -> None:
    found = http.get("/reports/2026Q1", params={"explain": True}).json()
    assert "explain" not in http.get("/reports/2026Q1").json()
    answered = values(analyst, found["explain"])
    assert answered.issuperset(one[of] for one in found["measures"] for of in ("value", "before", "year_ago"))
    assert answered.issuperset(one["balance_fen"] for one in found["funds"])
    counted = {}
    for link in found["behind"]:
        asked = {name: value for name, (value,) in parse_qs(urlsplit(link).query).items()}
        listed = http.get(link, params={**asked, "limit": 500}).json()
        own = (urlsplit(link).path, asked["from"], asked.get("key"), asked["measure"])
        counted[own] = sum(one["adds"] for one in listed["items"])
    for kind, path in (("measures", "/statistics/all/behind"), ("flows", "/flows/all/behind")):
        for value, first in (("value", "2026-01-01"), ("before", "2025-10-01"), ("year_ago", "2025-01-01")):
            shown = {(path, first, None, one["name"]): one[value] for one in found[kind] if one[value]}
            assert shown == {own: adds for own, adds in counted.items() if own[:3] == (path, first, None)}
    for ranking in found["rankings"]:
        for one in ranking["items"]:
            path = f"/statistics/{ranking['by']}/behind"
            assert counted[path, "2026-01-01", one["key"], "resolved"] == one["count"]
            assert counted[path, "2026-01-01", one["key"], "valid"] == one["n"]
    refused = http.get("/reports/2026Q1", params={"explain": True, "format": "csv"})
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (422, "invalid")


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/boards/alerts", {}),
        ("/boards/overdue/merchant", {}),
        ("/boards/fund-balances", {}),
        ("/boards/circle-effects", {}),
        ("/complaints", {"filter": f"merchant:{GREAT}"}),
        ("/complaints/facets", {}),
        (f"/worklists/merchant/{quote(GREAT)}", {}),
        (f"/worklists/office/{OFFICE}", {}),
        (
            "/efficiency",
            {
                "before_from": "2025-01-01",
                "before_to": "2025-12-31",
                "after_from": "2026-01-01",
                "after_to": "2026-03-31",
            },
        ),
    ],
)
def test_g2_the_queries_of_an_answer_can_be_run_by_an_analyst_as_they_are(
    http: httpx.Client, analyst: Any, path: str, params: dict[str, Any]
) -> None:
    found = http.get(path, params={**params, "explain": True}).json()
    for sql in found["explain"]:
        rows(analyst, sql)
    assert found["explain"]


def test_e5_who_is_named_is_for_the_rulebook_to_say_as_of_the_end_of_the_period(
    http: httpx.Client, world: World
) -> None:
    world.append(
        "rulebook-parameters",
        parameters(shanghai(1, 1, 0), 1, {}),
        parameters(shanghai(4, 1, 0), 2, {"naming_least": 3}),
    )
    world.follow()
    for last, least, named in (("2026-03-31", 30, [GREAT]), ("2026-04-01", 3, [GREAT, SMALL])):
        days = {**Q1_DAYS, "to": last}
        found = http.get("/publication", params=days).json()
        assert ([one["merchant_id"] for one in found["items"]], found["least"]) == (named, least)
        refused = http.get("/publication", params={**days, "least": least - 1})
        assert (refused.status_code, f"fewer than {least}" in refused.json()["detail"]) == (422, True)
        assert http.get("/publication", params={**days, "least": 42}).json()["items"] == []
    published = http.get("/reports/2026Q1").json()["publication"]
    assert ([one["merchant_id"] for one in published["items"]], published["least"]) == ([GREAT], 30)
