"""Awards, publication, funnel, rankings, evaluations and what stands beside them, where much is level or on a boundary,
against the reference."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest

from adapters import figures, volumes
from adapters.around import Turn, around
from adapters.database import Pool
from adapters.efficiency import efficiency
from adapters.evaluation import figures_of, with_cases
from domain.merchant.volumes import VolumeReported
from domain.office.state import Figures
from tests.integration import level
from tests.reference import counting
from tests.reference import figures as reference
from tests.reference.complaints import durations, merchant, office, scenario, stage
from tests.reference.figures import filed_between, share, total
from tests.reference.flows import end_of, on

SPANS = [
    (date(2024, 1, 1), date(2025, 12, 31)),
    (date(2024, 2, 29), date(2024, 12, 31)),
    (date(2024, 3, 1), date(2024, 6, 30)),
    (date(2024, 2, 29), date(2024, 2, 29)),
    (date(2025, 1, 1), date(2025, 2, 28)),
    (date(2025, 2, 15), date(2025, 3, 1)),
    (date(2025, 2, 28), date(2025, 3, 31)),
    (date(2023, 6, 1), date(2023, 6, 30)),
    (date(2023, 7, 1), date(2023, 7, 31)),
]
OVER = date(2026, 1, 1)
Lived = list[Any]


@pytest.fixture(scope="module")
def pool(level_pool: Pool) -> Pool:
    return level_pool


def by_merchant(streams: Sequence[Lived]) -> dict[str, list[Lived]]:
    found: dict[str, list[Lived]] = {}
    for events in streams:
        if (who := level.about(events)) and total([events], "requests"):
            found.setdefault(who, []).append(events)
    return found


@pytest.mark.parametrize("days", SPANS)
@pytest.mark.parametrize("least", [0, 1, 2, 5])
def test_b4_the_same_code_of_two_lists_is_two_industries_each_with_the_first_of_those_that_are_level(
    pool: Pool, days: tuple[date, date], least: int
) -> None:
    groups = by_merchant(level.filed(*days))
    expected = []
    for scheme, code in set(level.INDUSTRIES.values()):
        own = {key: some for key, some in groups.items() if level.INDUSTRIES.get(key) == (scheme, code)}
        if own:
            places, left_out = reference.ranking(own, "resolved_rate", max(least, 1))
            first = (places[0].key, places[0].n, reference.percent(places[0].share)) if places else None
            valid = sum(total(some, "valid") for some in own.values())
            expected.append((-valid, code, scheme, first, len(places), left_out))
    found = figures.awards(pool, first=days[0], last=days[1], least=least, today=OVER)
    assert [
        (
            *(one["industry"], one["scheme"]),
            one["winner"] and (one["winner"]["key"], one["winner"]["n"], one["winner"]["rate"]),
            *(one["ranked"], one["left_out"]),
        )
        for one in found
    ] == [one[1:] for one in sorted(expected, key=lambda one: one[:3])]
    for one in found:
        if won := one["winner"]:
            name = f"Merchant {level.MERCHANTS - int(won['key'][-12:]):02}"
            assert (won["rank"], won["title"], won["incomplete"]) == (1, name, False)
            assert (won["first_day"], won["last_day"]) == days
            assert won["count"] == won["measures"]["resolved"] == total(groups[won["key"]], "resolved")


def a_year_before(first: date, last: date) -> tuple[date, date]:
    """The same days a year ago; where they end with a month, so do those."""
    ends = (last + timedelta(days=1)).day == 1
    end = date(last.year - 1, last.month + 1, 1) - timedelta(days=1) if ends and last.month < 12 else None
    begin = date(first.year - 1, first.month, min(first.day, 28) if first.month == 2 else first.day)
    return begin, end or last.replace(year=last.year - 1)


@pytest.mark.parametrize("days", SPANS)
@pytest.mark.parametrize("least", [0, 2, 8])
def test_a9_growth_of_the_publication_is_against_the_same_days_a_year_ago(
    pool: Pool, days: tuple[date, date], least: int
) -> None:
    streams = level.filed(*days)
    groups, before = by_merchant(streams), by_merchant(level.filed(*a_year_before(*days)))
    counts = {key: total(own, "valid") for key, own in groups.items()}
    named = sorted((key for key, n in counts.items() if n >= max(least, 1)), key=lambda key: (-counts[key], key))
    for today in (OVER, days[1] + timedelta(days=1), days[1]):
        found, others, _ = figures.publication(pool, first=days[0], last=days[1], least=least, today=today)
        over = days[1] < today
        assert [(one["merchant_id"], one["complaints"], one["growth"], one["incomplete"]) for one in found] == [
            (
                *(key, counts[key]),
                reference.growth(counts[key], total(before.get(key, []), "valid")) if over else None,
                not over,
            )
            for key in named
        ]
        rest = total(streams, "valid") - sum(counts[key] for key in named)
        assert others == {"merchants": len(groups) - len(named), "complaints": rest}
        asked: dict[str, Any] = {"first": days[0], "last": days[1], "least": least, "today": today}
        page, same, _ = figures.publication(pool, **asked, limit=1, offset=1)
        assert (page, same) == (found[1:2], others)


@pytest.mark.parametrize("days", [*SPANS, (None, None), (None, date(2024, 3, 1)), (date(2025, 4, 1), None)])
def test_b10_the_funnel_has_no_scenario_without_valid_complaints(
    pool: Pool, days: tuple[date | None, date | None]
) -> None:
    own = level.filed(days[0] or date.min, days[1] or date.max)
    top, covered = reference.funnel(own)
    found = figures.funnel(pool, first=days[0], last=days[1], today=OVER)
    assert [(one["scenario"], one["valid"]) for one in found["scenarios"]] == top
    known = sum(counting.valid(events) and scenario(events) != "" for events in own)
    assert (found["known"], found["covered"]) == (known, sum(n for _, n in top))
    assert found["share"] == reference.percent(covered)


@pytest.mark.parametrize("of", volumes.VOLUMES)
@pytest.mark.parametrize("least", [0, 10_000, 30_000])
@pytest.mark.parametrize("last", [date(2025, 1, 31), date(2025, 1, 30)])
def test_b9_of_what_is_level_the_merchant_with_more_transactions_comes_first_and_then_the_id(
    pool: Pool, of: str, least: int, last: date
) -> None:
    first, places, left_out = date(2025, 1, 1), [], 0
    reports: dict[str, list[VolumeReported]] = {}
    reporting = {
        stream for stream, own in level.streams().items() if any(isinstance(one, VolumeReported) for one in own)
    }
    for stream, events in level.streams().items():
        told = [
            one for one in events if isinstance(one, VolumeReported) and one.stage == "payment" and one.last <= last
        ]
        if told:
            reports.setdefault(level.surviving(stream), []).extend(told)
    for who, told in reports.items():
        periods = {(one.first, one.last) for one in told}
        own = [events for events in level.requests() if level.about(events) == who and stage(events) == "payment"]
        # Those about one that reported nothing count once, in whichever period.
        silent = [events for events in own if merchant(events) not in reporting]
        loud = [events for events in own if merchant(events) in reporting]
        valid = sum(total(filed_between(loud, *period), "valid") for period in periods)
        valid += total(filed_between(silent, first, max(end for _, end in periods)), "valid")
        n = sum(getattr(one, of) for one in told)
        if n >= max(least, 1):
            places.append((Fraction(valid, n), -n, who, valid))
        else:
            left_out += 1
    found, small = volumes.ranking_per_10_000(pool, of, stage="payment", first=first, last=last, least=least)
    assert [(one["rank"], one["merchant_id"], one["n"], one["valid"]) for one in found] == [
        (rank, who, -n, valid) for rank, (_, n, who, valid) in enumerate(sorted(places), 1)
    ]
    assert small == left_out


def test_b9_what_merchants_reported_is_in_the_order_of_merchants_days_and_stages(pool: Pool) -> None:
    found = [(one["merchant_id"], one["first_day"], one["last_day"], one["stage"]) for one in volumes.per_10_000(pool)]
    assert found == sorted(found)
    assert [one[3] for one in found if one[0] == level.merchant_id(2)] == ["payment", "delivery", "payment"]


@pytest.mark.parametrize("of", [None, "payment"])
@pytest.mark.parametrize("today", [date(2024, 2, 28), date(2024, 3, 1), date(2024, 8, 27), date(2024, 8, 28), OVER])
def test_b8_b16_before_and_after_begin_and_end_with_days_in_shanghai(pool: Pool, of: str | None, today: date) -> None:
    days = (date(2024, 2, 29), date(2024, 3, 1), date(2024, 7, 1), date(2025, 1, 1))
    turns = [Turn(level.merchant_id(n), day, of) for n in (1, 2, 3, 12, 13) for day in days]
    for turn, found in zip(turns, around(pool, turns, today=today), strict=True):
        own = [one for one in level.requests() if level.about(one) == level.surviving(turn.merchant_id)]
        own = [one for one in own if of is None or stage(one) == of]
        for name, first in (("before", turn.day - timedelta(days=180)), ("after", turn.day)):
            last = first + timedelta(days=179)
            until = min(last, today - timedelta(days=1))
            over = max((until - first).days + 1, 0)
            valid = total(filed_between(own, first, until), "valid")
            assert found[name] == {
                "first": first,
                "last": until if over else None,
                "days": over,
                "valid": valid,
                "per_30_days": reference.rounded(share(valid * 30, over), 2),
                "incomplete": today <= last,
            }


def test_c4_nothing_is_compared_with_a_period_in_which_nothing_was_resolved(pool: Pool) -> None:
    nothing, something = (date(2023, 1, 1), date(2023, 1, 31)), (date(2025, 1, 1), date(2025, 3, 31))
    for before, after in ((nothing, something), (something, nothing), (nothing, nothing)):
        found = efficiency(pool, before, after, today=OVER)
        assert found["fell_by"] is None
        assert [found[side]["n"] > 0 for side in ("before", "after")] == [before == something, after == something]
    for before, after in pairwise(SPANS):
        found = efficiency(pool, before, after, today=OVER)
        assert found["fell_by"] == reference.efficiency(level.requests(), before, after)
        early = efficiency(pool, before, after, today=max(before[1], after[1]))
        assert early["fell_by"] is None


@pytest.mark.parametrize("days", SPANS)
def test_d6_an_evaluation_is_of_what_ended_from_the_first_to_the_last_instant(
    pool: Pool, days: tuple[date, date]
) -> None:
    cases: dict[str, list[Lived]] = {}
    for events in level.requests():
        if counting.ended(events) and days[0] <= on(end_of(events)) <= days[1]:
            cases.setdefault(level.about(events), []).append(events)
            cases.setdefault(office(events), []).append(events)
    cases.pop("", None)
    everybody = [level.merchant_id(n) for n in range(1, 15)] + [level.office_id(n) for n in range(1, 4)]
    for one in everybody:
        assert figures_of(pool, one, *days) == (_evaluated(cases[one]) if one in cases else None)
    large = [one for one in everybody if len(cases.get(one, ())) >= (30 if one.startswith("merchant") else 1)]
    assert with_cases(pool, *days) == large


def _evaluated(cases: list[Lived]) -> Figures:
    took = sorted(durations(events)["resolution"] for events in cases if counting.resolved(events))
    hours = None
    if took:
        # Half an hour more, rounded down; what was resolved before it was filed here took no time.
        middle = max(took[(len(took) - 1) // 2], timedelta(0))
        hours = (middle + timedelta(minutes=30)) // timedelta(hours=1)
    return Figures(
        cases=len(cases),
        resolution_hours_median=hours,
        satisfaction_permille=None,
        success_permille=(2_000 * len(took) + len(cases)) // (2 * len(cases)),
        resolved=len(took),
        rated=0,
    )
