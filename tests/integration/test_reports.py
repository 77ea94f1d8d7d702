"""Evaluations, reports of periods, and figures beside volumes, circles and corrections: against figures by hand."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters import effects, volumes
from adapters.evaluation import ReadModelsBehind, figures_of, top_office
from adapters.report_table import COLUMNS, as_csv
from adapters.reports import report
from adapters.snapshots import snapshot
from api import reports
from domain.complaint.ending import Withdrawn
from domain.errors import InvalidInput, RuleViolation
from domain.office.state import Figures
from domain.periods import period
from domain.values import Actor, Role
from tests.integration.reported import (
    DAYS,
    FUND,
    GREAT,
    IDS,
    MAY,
    MERGED,
    OFFICE,
    PLATFORM,
    Q1,
    REGULATOR,
    SMALL,
    World,
    complaint,
    filled,
    shanghai,
)
from tests.integration.test_http import Server


@pytest.fixture(scope="module")
def changing(postgres_url: str) -> Iterator[World]:
    found = filled(postgres_url)
    yield found
    found.close()


def of(cases: int, hours: int | None, satisfied: int | None, resolved: int, rated: int) -> Figures:
    return Figures(
        cases=cases,
        resolution_hours_median=hours,
        satisfaction_permille=satisfied,
        success_permille=(2_000 * resolved + cases) // (2 * cases),
        resolved=resolved,
        rated=rated,
    )


@pytest.mark.parametrize(
    ("evaluated", "expected"),
    [
        # Resolved after 1 to 30 hours: the lower of the middle two; 4 of 10 told 4 or 5. Three were closed, and one of
        # the year before; one was closed on 1 April, and six are open: they are not in it.
        (GREAT, of(34, 15, 400, 30, 10)),
        # It counts for the one that goes on.
        (MERGED, None),
        # Nothing resolved, nobody asked: there is no median and no satisfaction, but there is success, of 0.
        (SMALL, of(3, None, None, 0, 0)),
        (OFFICE, of(4, 2, 250, 4, 4)),
        # Rated 1 2 3 4 5 1 2 3.
        (PLATFORM, of(8, 4, 250, 8, 8)),
        (FUND, of(2, None, None, 0, 0)),
    ],
)
def test_d6_an_evaluation_is_of_the_valid_complaints_that_ended_in_the_period(
    world: World, evaluated: str, expected: Figures | None
) -> None:
    assert figures_of(world.pool, evaluated, **DAYS) == expected


def test_d6_an_evaluation_stays_as_it_was_computed_and_a_new_edition_comes_only_when_asked_for(changing: World) -> None:
    world = changing
    head = world.ledger.recorder.max_notification_id()
    (first,) = world.evaluate(GREAT)
    assert (first.edition, first.as_of, first.figures) == (1, head, of(34, 15, 400, 30, 10))
    with pytest.raises(ReadModelsBehind):
        world.evaluate(SMALL)
    world.append(complaint(0), Withdrawn(occurred_at=MAY, actor=REGULATOR))
    head = world.follow()
    assert [(one["cases"], one["as_of"]) for one in world.evaluations()] == [(34, first.as_of)]
    with pytest.raises(RuleViolation) as refused:
        world.evaluate(GREAT)
    assert refused.value.rule == "evaluate-again-when-asked"
    # Of 2 to 30 hours the middle is 16; 4 of 9.
    (second,) = world.evaluate(GREAT, again=True)
    assert (second.edition, second.as_of, second.figures) == (2, head, of(33, 16, 444, 29, 9))
    world.follow()
    shown = [(one["edition"], one["newest"], one["cases"], one["resolved"]) for one in world.evaluations()]
    assert shown == [(1, False, 34, 30), (2, True, 33, 29)]
    # Of everybody else who has cases enough; then there is nothing left to do.
    assert top_office(world.pool) == OFFICE
    assert [one.evaluated for one in world.evaluate()] == [OFFICE, FUND, PLATFORM]
    world.follow()
    assert world.evaluate() == []
    assert {one["evaluated_id"]: one["satisfaction_permille"] for one in world.evaluations()}[FUND] is None


def test_d6_nothing_is_evaluated_that_is_not_over_not_there_or_without_cases(changing: World) -> None:
    changing.follow()
    with pytest.raises(RuleViolation, match="ends on 2026-03-31"):
        changing.evaluate(SMALL, now=shanghai(3, 31, 23))
    with pytest.raises(InvalidInput, match="no valid complaint"):
        changing.evaluate(MERGED)
    with pytest.raises(InvalidInput, match="there is no merchant-"):
        changing.evaluate(f"merchant-{IDS}9")
    with pytest.raises(InvalidInput, match="is not evaluated"):
        changing.evaluate(complaint(1))


def test_b5_a_report_has_every_measure_with_growth_and_every_rate_with_its_denominator(world: World) -> None:
    found = report(world.pool, Q1, today=date(2026, 4, 1))
    assert (found["incomplete"], found["complete_to"]) == (False, world.ledger.recorder.max_notification_id())
    measures = {one["name"]: one for one in found["measures"]}
    assert measures["valid"] == {
        "name": "valid",
        "value": 43,
        "before": 0,
        "growth": None,
        "year_ago": 20,
        "growth_on_year": "115.0",
    }
    rates = {one["name"]: one for one in found["rates"]}
    assert rates["resolved_rate"] == {
        "name": "resolved_rate",
        "value": "69.8",
        "before": None,
        "year_ago": "0.0",
        "numerator": 30,
        "denominator": 43,
    }
    assert (rates["satisfaction"]["value"], rates["satisfaction"]["denominator"]) == ("3.0", 10)
    industries, merchants = found["rankings"]
    assert [(one["key"], one["count"], one["n"]) for one in industries["items"]] == [("52", 30, 43)]
    assert [(one["key"], one["rate"], one["n"]) for one in merchants["items"]] == [(GREAT, "75.0", 40)]
    assert (merchants["ranked"], merchants["left_out"]) == (1, 1)
    assert [one["winner"]["key"] for one in found["awards"]] == [GREAT]
    assert [one["complaints"] for one in found["publication"]["items"]] == [40]
    assert found["publication"]["others"] == {"merchants": 1, "complaints": 3}
    (fund,) = found["funds"]
    assert {name: value for name, value in fund.items() if name.endswith("_fen")} == {
        "paid_in_fen": 10_000,
        "advanced_fen": 2_000,
        "recovered_fen": 0,
        "written_off_fen": 0,
        "balance_fen": 8_000,
        "outstanding_fen": 2_000,
    }
    assert [(one["theme"], one["complaints"]) for one in found["warnings"]] == [("pots", [complaint(0), complaint(2)])]
    assert [(one["source"], one["external"]) for one in found["external"]] == [("=1+1", True)]


def test_b5_the_report_of_a_period_that_is_not_over_says_so_and_tells_no_growth(world: World) -> None:
    found = report(world.pool, Q1, today=date(2026, 3, 31))
    assert found["incomplete"]
    told = {(one["growth"], one["growth_on_year"]) for of in ("measures", "flows") for one in found[of]}
    assert told == {(None, None)}


def test_g2_growth_of_what_came_of_requests_is_told_by_the_day_on_which_it_happened(world: World) -> None:
    found = report(world.pool, Q1, today=date(2026, 4, 1))
    by_filing, by_day = ({one["name"]: one for one in found[of]} for of in ("measures", "flows"))
    # Of those filed a year ago one has ended by now: whatever was filed later had less time to.
    assert [by_filing["ended"][name] for name in ("value", "year_ago", "growth_on_year")] == [37, 1, None]
    # It ended in this quarter; one of this quarter on the day after it.
    assert [by_day["ended"][name] for name in ("value", "year_ago", "growth_on_year")] == [37, 0, None]
    assert [by_day["filed"][name] for name in ("value", "year_ago", "growth_on_year")] == [43, 20, "115.0"]
    rates = {one["name"]: one for one in found["flow_rates"]}
    assert [rates["success_rate"][name] for name in ("value", "numerator", "denominator")] == ["81.1", 30, 37]
    after = report(world.pool, period("2026Q2"), today=date(2026, 7, 1))
    (ended,) = (one for one in after["flows"] if one["name"] == "ended")
    assert (ended["value"], ended["before"], ended["growth"]) == (1, 37, "-97.3")
    table = list(csv.reader(io.StringIO(as_csv(after))))
    assert ["flows", "", "ended", "37", "", "", "", "2026Q1"] in table
    assert ["flow_growth", "2026Q1", "ended", "-97.3", "1", "37", "", "2026Q2"] in table


def test_b5_a_report_in_csv_is_one_tidy_table_with_the_same_figures(world: World) -> None:
    found = report(world.pool, Q1, today=date(2026, 4, 1))
    header, *rows = csv.reader(io.StringIO(as_csv(found)))
    assert tuple(header) == COLUMNS
    assert {len(row) for row in rows} == {len(COLUMNS)}
    assert ["measures", "", "valid", "20", "", "", "", "2025Q1"] in rows
    # As exports have it.
    assert ["report", "", "incomplete", "false", "", "", "", "2026Q1"] in rows
    assert ["growth", "2025Q1", "valid", "115.0", "43", "20", "", "2026Q1"] in rows
    assert ["rates", "", "resolved_rate", "69.8", "30", "43", "", "2026Q1"] in rows
    assert ["ranking_merchant", GREAT, "resolved_rate", "75.0", "30", "40", "40", "2026Q1"] in rows
    assert ["funds", FUND, "balance_fen", "8000", "", "", "", "2026Q1"] in rows
    assert ["warnings", f"{OFFICE}/1", "complaint", complaint(2), "", "", "", "2026Q1"] in rows
    # Nothing that others wrote is a formula of a spreadsheet.
    assert ["external", "'=1+1", "requests", "2.63 million", "", "", "", "2026Q1"] in rows


def test_b5_a_report_sees_one_moment(changing: World) -> None:
    with snapshot(changing.pool) as pool:
        before = figures_of(pool, SMALL, **DAYS)
        changing.append(complaint(61), Withdrawn(occurred_at=MAY, actor=REGULATOR))
        changing.follow()
        assert figures_of(pool, SMALL, **DAYS) == before == of(3, None, None, 0, 0)
    assert figures_of(changing.pool, SMALL, **DAYS) == of(2, None, None, 0, 0)


def test_b5_a_report_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    place = tmp_path / "report.csv"
    place.write_text("before", encoding="utf-8")
    with pytest.raises(UnicodeEncodeError):
        reports._write(place, "half of it \ud800")
    assert (place.read_text(encoding="utf-8"), os.listdir(tmp_path)) == ("before", ["report.csv"])
    reports._write(place, "all of it\r\n")
    assert (place.read_bytes(), os.listdir(tmp_path)) == (b"all of it\r\n", ["report.csv"])


def test_b9_complaints_stand_beside_transactions_and_users_by_stage_and_reported_days(world: World) -> None:
    def told(**asked: Any) -> Sequence[tuple[Any, ...]]:
        names = ("stage", "last_day", "valid", "transactions", "per_10_000_transactions", "per_10_000_active_users")
        return [tuple(one[name] for name in names) for one in volumes.per_10_000(world.pool, **asked)]

    half, whole = date(2026, 1, 15), date(2026, 1, 31)
    expected = [
        # What the merged merchant reported for other days stands by itself, and its complaints are there only.
        ("delivery", half, 2, 1_000, "20.00", "200.00"),
        ("delivery", whole, 13, 13_000, "10.00", "26.00"),
        # The newest edition, and what the merged merchant reported for the same days.
        ("payment", whole, 16, 40_000, "4.00", "20.00"),
    ]
    assert told(merchant_id=GREAT) == told(merchant_id=MERGED) == expected
    assert told(merchant_id=SMALL) == [("payment", whole, 1, 15_000, "0.67", None)]
    assert told(merchant_id=GREAT, stage="payment", last=date(2026, 1, 30)) == []


def test_b9_merchants_of_an_industry_are_ranked_by_the_exact_ratio_and_the_small_are_left_out(world: World) -> None:
    asked: dict[str, Any] = {"stage": "payment", **DAYS, "industry": "52"}
    items, left_out = volumes.ranking_per_10_000(world.pool, "transactions", **asked)
    shown = [(one["rank"], one["merchant_id"], one["valid"], one["n"], one["per_10_000"]) for one in items]
    assert (shown, left_out) == ([(1, SMALL, 1, 15_000, "0.67"), (2, GREAT, 16, 40_000, "4.00")], 0)
    items, left_out = volumes.ranking_per_10_000(world.pool, "transactions", **asked, least=15_001)
    assert ([one["merchant_id"] for one in items], left_out) == ([GREAT], 1)
    items, left_out = volumes.ranking_per_10_000(world.pool, "active_users", **asked, least=0)
    assert ([(one["merchant_id"], one["per_10_000"]) for one in items], left_out) == ([(GREAT, "20.00")], 1)
    assert volumes.ranking_per_10_000(world.pool, "transactions", **{**asked, "industry": "53"}) == ([], 0)


def test_b8_every_membership_of_a_circle_has_its_complaints_before_and_after(world: World) -> None:
    (member,) = effects.circle_effects(world.pool, shanghai(2, 20))
    assert member["before"] == {
        "first": date(2025, 7, 24),
        "last": date(2026, 1, 19),
        "days": 180,
        "valid": 19,
        "per_30_days": "3.17",
        "incomplete": False,
    }
    assert member["after"] == {
        "first": date(2026, 1, 20),
        "last": date(2026, 2, 19),
        "days": 31,
        "valid": 21,
        "per_30_days": "20.32",
        "incomplete": True,
    }
    (later,) = effects.circle_effects(world.pool, shanghai(8, 1), circle="quality")
    assert (later["after"]["valid"], later["after"]["days"], later["after"]["incomplete"]) == (22, 180, False)
    (early,) = effects.circle_effects(world.pool, shanghai(1, 11))
    assert (early["before"]["days"], early["before"]["incomplete"], early["after"]["days"]) == (171, True, 0)
    assert early["after"]["per_30_days"] is None


def test_b16_a_corrective_action_is_held_against_the_complaints_of_its_stage(world: World) -> None:
    (action,) = effects.corrective_effects(world.pool, shanghai(2, 20), merchant_id=GREAT)
    assert (action["stage"], action["complaints"]) == ("payment", [complaint(0)])
    assert (action["before"]["valid"], action["after"]["valid"]) == (5, 15)
    assert list(effects.corrective_effects(world.pool, shanghai(2, 20), merchant_id=SMALL)) == []


def test_b5_reports_are_served_as_json_and_csv(http: httpx.Client) -> None:
    for name in ("2026-01", "2026Q1", "2026H1", "2026"):
        answer = http.get(f"/reports/{name}")
        assert (answer.status_code, answer.json()["period"]) == (200, name)
    assert answer.json()["first_day"] == "2026-01-01"
    table = http.get("/reports/2026Q1", params={"format": "csv"})
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.text.startswith("section,key,name,value,numerator,denominator,n,period\r\n")
    for wrong in ("2026Q5", "2026-13", "1066", "9999", "last"):
        refused = http.get(f"/reports/{wrong}")
        assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (422, "invalid")


def test_b9_b8_b16_figures_beside_others_are_served_with_their_queries(http: httpx.Client) -> None:
    explain = {"explain": True}
    answer = http.get(f"/merchants/{GREAT}/per-10000", params={"stage": "payment", **explain}).json()
    assert [one["per_10_000_transactions"] for one in answer["items"]] == ["4.00"]
    assert "read.merchant_volumes" in answer["explain"][0]
    days = {"from": "2026-01-01", "to": "2026-03-31", "stage": "payment"}
    ranked = http.get("/rankings/merchant/per-10000", params={**days, **explain}).json()
    assert (ranked["ranked"], ranked["left_out"], ranked["items"][0]["merchant_id"]) == (2, 0, SMALL)
    for board in ("circle-effects", "corrective-effects"):
        shown = http.get(f"/boards/{board}", params={"at": "2026-02-20T12:00:00+08:00", **explain}).json()
        assert [one["after"]["incomplete"] for one in shown["items"]] == [True]
        assert any("read.merged_merchants" in one for one in shown["explain"])


Q1_DAYS = {"from": "2026-01-01", "to": "2026-03-31"}


def test_long_answers_come_in_pages(http: httpx.Client) -> None:
    for path, params in (
        ("/boards/trend/merchant", {"interval": "week"}),
        ("/statistics/office/durations", {"what": "resolution"}),
        (f"/merchants/{GREAT}/per-10000", {}),
        ("/rankings/merchant/per-10000", {**Q1_DAYS, "stage": "payment"}),
    ):
        whole = http.get(path, params={**params, "limit": 500}).json()
        assert (len(whole["items"]) > 1, whole["next"]) == (True, None)
        seen: list[Any] = []
        cursor = None
        while cursor is not None or not seen:
            page = http.get(path, params={**params, "limit": 1, **({"cursor": cursor} if cursor else {})}).json()
            seen += page["items"]
            cursor = page["next"]
        assert seen == whole["items"]


def test_d6_an_evaluation_over_http_is_computed_and_refused_as_other_commands_are(world: World, server: Server) -> None:
    auditor, consumer = (server.client(Actor(REGULATOR.id, role)) for role in (Role.AUDITOR, Role.CONSUMER))

    def post(client: httpx.Client, body: dict[str, Any], key: str | None = None) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return client.post(f"/offices/{OFFICE}/evaluations", json=body, headers=headers)

    wanted = {"period": "2026H1", "evaluated": [GREAT]}
    with auditor, consumer:
        done = post(auditor, wanted, "e-1")
        assert (done.status_code, done.json()["items"][0]["cases"]) == (200, 35)
        again = post(auditor, wanted, "e-1").json()
        assert (again["repeated"], again["items"]) == (True, done.json()["items"])
        behind = post(auditor, {**wanted, "again": True})
        assert (behind.status_code, behind.json()["type"].rpartition(":")[2]) == (503, "read-model-behind")
        world.follow()
        refused = post(auditor, wanted)
        assert (refused.status_code, refused.json()["rule"]) == (409, "evaluate-again-when-asked")
        assert post(consumer, wanted).json()["rule"] == "evaluate-a-period-that-is-over-by"
        assert post(auditor, {"period": "2026"}).status_code == 422
