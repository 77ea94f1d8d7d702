"""The report of a period as a table: it has every figure of the report, each once, and says of what it is."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import date
from typing import Any

import pytest

from adapters import figures, flows, statistics
from adapters.database import Pool
from adapters.report_table import COLUMNS, as_csv
from adapters.reports import Report, report
from domain.periods import period
from tests.conftest import create_database
from tests.filled import fill, histories
from tests.integration import level
from tests.reference import figures as reference

PERIODS = ("2024", "2024H1", "2024Q1", "2024-02", "2025", "2025H1", "2025-01", "2026Q1")
OVER = date(2027, 1, 1)


@pytest.fixture(scope="module")
def pool(postgres_url: str) -> Iterator[Pool]:
    url = create_database(postgres_url, "report_table")
    fill(url, {**histories(), **level.streams()})
    with closing(Pool(url, "ledger_api")) as pool:
        yield pool


def table(found: Report) -> list[dict[str, str]]:
    header, *lines = csv.reader(io.StringIO(as_csv(found)))
    assert tuple(header) == COLUMNS
    return [dict(zip(header, line, strict=True)) for line in lines]


def text(value: Any) -> str:
    return "" if value is None else str(value)


@pytest.mark.parametrize("name", PERIODS)
def test_b5_no_two_rows_of_the_table_are_of_the_same_figure(pool: Pool, name: str) -> None:
    rows = table(report(pool, period(name), today=OVER))
    # A warning has a row for each complaint that it cites; an external figure may be told twice.
    kept = [one for one in rows if one["section"] not in ("warnings", "external")]
    of = Counter((one["section"], one["key"], one["name"], one["period"]) for one in kept)
    assert [key for key, n in of.items() if n > 1] == []


@pytest.mark.parametrize("name", PERIODS)
def test_b5_the_table_has_every_figure_of_the_report(pool: Pool, name: str) -> None:
    found = report(pool, period(name), today=OVER)
    rows = table(found)
    own, before, year_ago = found["period"], found["period_before"], found["period_year_ago"]

    def row(section: str, key: Any, name: str, value: Any, *rest: Any, of: str = own) -> None:
        part, whole, n = (*rest, None, None, None)[:3]
        line = (section, key, name, value, part, whole, n, of)
        assert dict(zip(COLUMNS, map(text, line), strict=True)) in rows

    for section, grown in (("measures", "growth"), ("flows", "flow_growth")):
        for one in found[section]:
            row(section, None, one["name"], one["value"])
            row(section, None, one["name"], one["before"], of=before)
            row(section, None, one["name"], one["year_ago"], of=year_ago)
            row(grown, before, one["name"], one["growth"], one["value"], one["before"])
            row(grown, year_ago, one["name"], one["growth_on_year"], one["value"], one["year_ago"])
    for section in ("rates", "flow_rates"):
        for one in found[section]:
            row(section, None, one["name"], one["value"], one["numerator"], one["denominator"])
            row(section, None, one["name"], one["before"], of=before)
            row(section, None, one["name"], one["year_ago"], of=year_ago)
    for one in found["durations"]:
        for permille, minutes in one["minutes"].items():
            row("durations", one["what"], f"minutes_{permille}", minutes, None, None, one["complaints"])
    for one in found["sources"]:
        for measure in ("requests", "filed", "valid"):
            row(f"by_{one['by']}", one["key"], measure, one[measure])
    for ranking in found["rankings"]:
        for one in ranking["items"]:
            key = f"{one['scheme']}:{one['key']}" if ranking["by"] == "industry" else one["key"]
            row(f"ranking_{ranking['by']}", key, "rank", one["rank"], None, None, one["n"])
            row(f"ranking_{ranking['by']}", key, "resolved_rate", one["rate"], one["count"], one["n"], one["n"])
        row(f"ranking_{ranking['by']}", None, "left_out", ranking["left_out"])
    for one in found["awards"]:
        won = one["winner"] or {"key": None, "count": None, "n": None}
        row("awards", f"{one['scheme']}:{one['industry']}", "winner", won["key"], won["count"], won["n"], won["n"])
    for one in found["publication"]["items"]:
        for figure in ("complaints", "growth", "mediation_success_rate", "settled_before_authority_rate"):
            row("publication", one["merchant_id"], figure, one[figure], None, None, one["complaints"])
    others = found["publication"]["others"]
    row("publication", "others", "complaints", others["complaints"], None, None, others["merchants"])
    row("funnel", None, "share", found["funnel"]["share"], found["funnel"]["covered"], found["funnel"]["known"])
    for one in found["funnel"]["scenarios"]:
        row("funnel", one["scenario"], "valid", one["valid"])
    for one in found["funds"]:
        for figure in (key for key in one if key.endswith("_fen")):
            row("funds", one["fund_id"], figure, one[figure])
    for one in found["violations"]:
        for figure in (key for key in one if key not in ("code", "name")):
            row("violations", one["code"], figure, one[figure])


@pytest.mark.parametrize("name", PERIODS)
def test_b5_a_report_says_of_a_period_what_each_of_its_figures_says_when_it_is_asked_for_alone(
    pool: Pool, name: str
) -> None:
    own = period(name)
    found = report(pool, own, today=OVER)
    times = (own, own.before(), own.a_year_ago())
    filed = [_sums(statistics.aggregate(pool, statistics.Query(first=t.first, last=t.last), today=OVER)) for t in times]
    past = [_sums(flows.aggregate(pool, flows.Query(first=t.first, last=t.last), today=OVER)) for t in times]
    told_of_filing = {"requests", "filed", "valid", "dispute_fen", "reports"}
    for section, sums in (("measures", filed), ("flows", past)):
        for one in found[section]:
            values = [each.get(one["name"], 0) for each in sums]
            assert [one[of] for of in ("value", "before", "year_ago")] == values
            tell = section == "flows" or one["name"] in told_of_filing
            grown = [reference.growth(values[0], n) if tell else None for n in values[1:]]
            assert [one["growth"], one["growth_on_year"]] == grown
    for one in found["rates"]:
        if one["name"] in reference.RATES:
            part, whole = reference.RATES[one["name"]]
            shares = [reference.share(each.get(part, 0), each.get(whole, 0)) for each in filed]
            assert [one[of] for of in ("value", "before", "year_ago")] == [*map(reference.percent, shares)]
    for by in ("channel", "register", "kind"):
        of = {key: sums for key, sums in _groups(pool, by, own.first, own.last).items() if sums["requests"]}
        in_order = [key for _, key in sorted((-sums["requests"], key) for key, sums in of.items())]
        told = [
            (one["key"], one["requests"], one["filed"], one["valid"]) for one in found["sources"] if one["by"] == by
        ]
        assert told == [(key, *(of[key][name] for name in ("requests", "filed", "valid"))) for key in in_order]
    days: dict[str, Any] = {"first": own.first, "last": own.last, "today": OVER}
    assert found["awards"] == figures.awards(pool, **days)
    assert [one["by"] for one in found["rankings"]] == ["industry", "merchant"]
    for ranking in found["rankings"]:
        query = statistics.Query(ranking["by"], None, own.first, own.last, order="resolved_rate", least=30, known=True)
        items, ranked, left_out, _ = figures.ranking(pool, query, today=OVER, limit=1_000)
        assert (ranking["ranked"], ranking["left_out"]) == (ranked, left_out)
        assert [(one["rank"], one["scheme"], one["key"]) for one in ranking["items"]] == [
            (one["rank"], one["scheme"], one["key"]) for one in items
        ]


def _sums(answer: Any) -> Mapping[str, int]:
    items: Sequence[Mapping[str, Any]] = answer.items
    return items[0]["measures"] if items else {}


def _groups(pool: Pool, by: str, first: date, last: date) -> dict[str, Mapping[str, int]]:
    query = statistics.Query(by, None, first, last)
    return {one["key"]: one["measures"] for one in statistics.aggregate(pool, query, today=OVER).items}
