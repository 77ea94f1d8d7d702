"""The report of a period as one tidy table: a figure in each row, with what it is a share of."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from adapters.reports import SOURCES, Report

COLUMNS = ("section", "key", "name", "value", "numerator", "denominator", "n", "period")
Row = tuple[Any, ...]
#: With these a spreadsheet takes a text for a formula.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def as_csv(report: Report) -> str:
    """Return the report in CSV (RFC 4180, UTF-8), with a header; true and false are written as in exports."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for section, key, name, value, *rest in rows(report):
        value = str(value).lower() if isinstance(value, bool) else _harmless(value)
        writer.writerow([section, _harmless(key), _harmless(name), value, *rest])
    return out.getvalue()


def rows(report: Report) -> Iterator[Row]:
    """Return the figures of a report in the order of COLUMNS; None where a column says nothing of one.

    Money is in fen, rates in percent, durations in minutes. ``n`` is of how many a rank or quantile is. ``key`` says
    what the figure is of; complaints that a warning cites have a row each.
    """
    period, before, year_ago = report["period"], report["period_before"], report["period_year_ago"]
    for name in ("first_day", "last_day", "incomplete", "complete_to", "least"):
        yield "report", None, name, report[name], None, None, None, period
    for section, grown in (("measures", "growth"), ("flows", "flow_growth")):
        for one in report[section]:
            name = one["name"]
            yield section, None, name, one["value"], None, None, None, period
            yield section, None, name, one["before"], None, None, None, before
            yield grown, before, name, one["growth"], one["value"], one["before"], None, period
            # The year before a year is the same one a year ago.
            if year_ago != before:
                yield section, None, name, one["year_ago"], None, None, None, year_ago
                yield grown, year_ago, name, one["growth_on_year"], one["value"], one["year_ago"], None, period
    for section in ("rates", "flow_rates"):
        for one in report[section]:
            yield section, None, one["name"], one["value"], one["numerator"], one["denominator"], None, period
            yield section, None, one["name"], one["before"], None, None, None, before
            if year_ago != before:
                yield section, None, one["name"], one["year_ago"], None, None, None, year_ago
    for one in report["durations"]:
        for permille, minutes in one["minutes"].items():
            yield "durations", one["what"], f"minutes_{permille}", minutes, None, None, one["complaints"], period
    for one in report["sources"]:
        for name in SOURCES:
            yield f"by_{one['by']}", one["key"], name, one[name], None, None, None, period
    for row in (*_ranked(report), *_published(report), *_supervised(report)):
        yield (*row, period)


def _ranked(report: Report) -> Iterator[Row]:
    for ranking in report["rankings"]:
        section = f"ranking_{ranking['by']}"
        for one in ranking["items"]:
            key = _of_list(one["scheme"], one["key"])
            yield section, key, "rank", one["rank"], None, None, one["n"]
            yield section, key, ranking["rate"], one["rate"], one["count"], one["n"], one["n"]
        yield section, None, "left_out", ranking["left_out"], None, None, None
    for one in report["awards"]:
        won, key = one["winner"], _of_list(one["scheme"], one["industry"])
        if won is None:
            yield "awards", key, "winner", None, None, None, None
        else:
            yield "awards", key, "winner", won["key"], won["count"], won["n"], won["n"]


def _of_list(scheme: str, code: str) -> str:
    """Return a code with its list, since the same code of two lists is two; without one, it alone."""
    return f"{scheme}:{code}" if scheme else code


def _published(report: Report) -> Iterator[Row]:
    for line in report["publication"]["items"]:
        for name in ("complaints", "growth", "mediation_success_rate", "settled_before_authority_rate"):
            yield "publication", line["merchant_id"], name, line[name], None, None, line["complaints"]
    others = report["publication"]["others"]
    yield "publication", "others", "complaints", others["complaints"], None, None, others["merchants"]
    funnel = report["funnel"]
    yield "funnel", None, "share", funnel["share"], funnel["covered"], funnel["known"], None
    for one in funnel["scenarios"]:
        yield "funnel", one["scenario"], "valid", one["valid"], None, None, None


def _supervised(report: Report) -> Iterator[Row]:
    for one in report["funds"]:
        for name in [name for name in one if name.endswith("_fen")]:
            yield "funds", one["fund_id"], name, one[name], None, None, None
    for one in report["violations"]:
        for name in [name for name in one if name not in ("code", "name")]:
            yield "violations", one["code"], name, one[name], None, None, None
    for one in report["warnings"]:
        key = f"{one['office_id']}/{one['warning']}"
        yield "warnings", key, "theme", one["theme"], None, None, len(one["complaints"])
        for complaint in one["complaints"]:
            yield "warnings", key, "complaint", complaint, None, None, None
    for one in report["external"]:
        yield "external", one["source"], one["what"], one["value"], None, None, None


def _harmless(value: Any) -> Any:
    """Keep text that people wrote from being run as a formula; figures are not text of theirs."""
    if isinstance(value, str) and value.startswith(_FORMULAS) and not _is_figure(value):
        return f"'{value}"
    return value


def _is_figure(text: str) -> bool:
    digits = text.removeprefix("-").replace(".", "", 1)
    return digits.isascii() and digits.isdigit()
