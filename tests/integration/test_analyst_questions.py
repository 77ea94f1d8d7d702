"""The questions of docs/analyst-questions.md: their SQL, run by an analyst, says what the API says."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from adapters import analysts, boards, boards_activity, credit, figures
from adapters.database import Pool
from adapters.statistics import Query, aggregate
from domain.calendar import SHANGHAI
from projections.rates import ratio
from tests.conftest import create_database
from tests.filled import fill

TEXT = (Path(__file__).parents[2] / "docs" / "analyst-questions.md").read_text(encoding="utf-8")
QUESTIONS = re.findall(r"^## (.+?)$.*?^```sql$(.+?)^```$", TEXT, re.M | re.S)

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Asked:
    """The answers to all questions, in order, and where the API would look."""

    answers: list[Rows]
    pool: Pool
    today: date


@pytest.fixture(scope="module")
def asked(postgres_url: str) -> Iterator[Asked]:
    url = create_database(postgres_url, f"q{os.getpid()}_{secrets.token_hex(4)}")
    fill(url)
    name = f"q{secrets.token_hex(4)}"
    answers = []
    with closing(psycopg2.connect(analysts.create(url, name))) as conn, conn.cursor() as cursor:
        for _, sql in QUESTIONS:
            cursor.execute(sql)
            names = [column.name for column in cursor.description or ()]
            answers.append([dict(zip(names, row, strict=True)) for row in cursor])
    with closing(Pool(url, "ledger_api")) as pool:
        yield Asked(answers, pool, datetime.now(SHANGHAI).date())
    assert analysts.drop(url, name)


def said(value: Decimal | None) -> str | None:
    """A rate as the API tells it."""
    return None if value is None else str(value)


def groups(asked: Asked, query: Query) -> Rows:
    return aggregate(asked.pool, query, today=asked.today).items


def test_each_question_has_an_answer(asked: Asked) -> None:
    assert len(QUESTIONS) == 14
    for (title, _), rows in zip(QUESTIONS, asked.answers, strict=True):
        assert rows, title


def test_b4_resolved_rate_by_industry_and_quarter(asked: Asked) -> None:
    assert [
        (one["scheme"], one["industry"], one["quarter"], one["resolved"], one["valid"], said(one["resolved_rate"]))
        for one in asked.answers[0]
    ] == [
        (
            *(one["scheme"], one["key"], one["first_day"]),
            *(one["measures"]["resolved"], one["measures"]["valid"], one["rates"]["resolved_rate"]),
        )
        for one in groups(asked, Query("industry", "quarter"))
    ]


def test_b9_complaints_per_10_000_transactions(asked: Asked) -> None:
    rates = []
    for one in asked.answers[1]:
        of = {"merchant": [one["merchant_id"]], "stage": [one["stage"]]}
        found = groups(asked, Query("all", None, one["first_day"], one["last_day"], of))
        valid = sum(group["measures"]["valid"] for group in found)
        assert one["valid"] == valid
        assert said(one["per_10_000"]) == ratio(valid, int(one["transactions"]), 10_000, 2)
        rates.append(one["per_10_000"])
    assert rates == sorted(rates, reverse=True)


def test_c4_share_ended_without_a_person_by_month(asked: Asked) -> None:
    assert [(one["month"], one["ended_here"], said(one["without_person_rate"])) for one in asked.answers[2]] == [
        (one["first_day"], one["measures"]["ended_here"], one["rates"]["without_person_rate"])
        for one in groups(asked, Query("all", "month"))
    ]


def test_b10_funnel_share(asked: Asked) -> None:
    funnel = figures.funnel(asked.pool, first=None, last=None, today=asked.today)
    ((one),) = asked.answers[3]
    assert (one["covered"], one["known"], said(one["share"])) == (funnel["covered"], funnel["known"], funnel["share"])
    assert one["covered"] > 0


def test_d6_median_time_to_resolution_by_region(asked: Asked) -> None:
    assert [tuple(one.values()) for one in asked.answers[4]] == [
        (one["scheme"], one["key"], one["complaints"], one["minutes"]["500"])
        for one in figures.durations(asked.pool, Query("region"), "resolution", (500,), today=date.today())
    ]


def test_b8_before_and_after_joining_a_circle(asked: Asked) -> None:
    for one in asked.answers[5]:
        found = figures.around(asked.pool, one["merchant_id"], one["day"], today=asked.today)
        assert found["before"]["valid"] == one["before"]
        assert found["before"]["per_30_days"] == said(one["per_30_days_before"])
        assert found["after"]["valid"] == one["after"]
        assert found["after"]["days"] == one["days_after"]
        assert found["after"]["per_30_days"] == said(one["per_30_days_after"])
    assert any(one["before"] for one in asked.answers[5])


def test_d4_fund_balances(asked: Asked) -> None:
    board = boards_activity.fund_balances(asked.pool)
    assert asked.answers[6] == [{name: one[name] for name in asked.answers[6][0]} for one in board]
    assert all(one["adds_up"] for one in board)


def test_e3_measures_by_violation(asked: Asked) -> None:
    board = boards.violations(asked.pool, date(2000, 1, 1), date(2099, 12, 31))
    counted = ("by_platforms", "by_authorities", "revoked")
    of_measures = [one for one in board if any(one[name] for name in counted)]
    assert {one["violation"]: tuple(one[name] for name in counted) for one in asked.answers[7]} == {
        one["code"]: tuple(one[name] for name in counted) for one in of_measures
    }


def test_c2_self_settlement_by_merchant(asked: Asked) -> None:
    found = groups(asked, Query("merchant", order="routed_here", exclude={"merchant": [""]}))
    assert [
        (one["merchant_id"], one["merchant"], one["routed_here"], said(one["self_settlement_rate"]))
        for one in asked.answers[8]
    ] == [
        (one["key"], one["title"], one["measures"]["routed_here"], one["rates"]["self_settlement_rate"])
        for one in found
    ]


def test_b5_warnings_with_the_complaints_they_cite(asked: Asked) -> None:
    board = boards_activity.warnings(asked.pool)
    names = list(asked.answers[9][0])
    expected = [{name: one[name] for name in names} for one in board if one["complaints"]]
    assert asked.answers[9] == sorted(expected, key=lambda one: (one["office_id"], one["number"]))


def test_b15_punitive_damages_apart_from_what_came_back(asked: Asked) -> None:
    named = ("recovered_fen", "punitive_cases", "punitive_fen")
    assert [(one["year"], *(one[name] for name in named)) for one in asked.answers[10]] == [
        (one["first_day"].year, *(one["measures"][name] for name in named))
        for one in groups(asked, Query("all", "year"))
    ]
    assert any(one["punitive_fen"] for one in asked.answers[10])


def test_b4_merchants_ranked_by_resolved_rate(asked: Asked) -> None:
    query = Query("merchant", order="resolved_rate", least=30, known=True)
    ranked, *_ = figures.ranking(asked.pool, query, today=asked.today, limit=1_000)
    names = ("rank", "key", "title", "count", "n", "rate")
    assert [(*tuple(one.values())[:-1], said(one["resolved_rate"])) for one in asked.answers[11]] == [
        tuple(one[name] for name in names) for one in ranked
    ]


def test_e5_the_lowest_scores_and_their_parts(asked: Asked) -> None:
    found, *_ = credit.ranking(credit.scores(asked.pool, asked.today), worst=True, limit=20)
    parts = ("lower_score", "score", "n", "response", "resolution", "confirmed", "volume", "deducted")
    assert [(one["merchant_id"], one["grade"], *(one[name] for name in parts)) for one in asked.answers[12]] == [
        (
            one["group_id"],
            one["grade_now"],
            *(one[name] if one[name] is None else round(one[name], 2) for name in parts),
        )
        for one in found
    ]


def test_b4_the_complaints_behind_a_figure(asked: Asked) -> None:
    behind: dict[tuple[Any, ...], list[str]] = {}
    for one in asked.answers[13]:
        behind.setdefault((one["scheme"], one["industry"], one["quarter"]), []).append(one["complaint_id"])
    counted = [one for one in groups(asked, Query("industry", "quarter")) if one["measures"]["resolved"]]
    assert {key: len(ids) for key, ids in behind.items()} == {
        (one["scheme"], one["key"], one["first_day"]): one["measures"]["resolved"] for one in counted
    }
    assert all(len(ids) == len(set(ids)) for ids in behind.values())
