"""The read side on real servers against the reference: a simulated market, a restart, a rebuild, every figure."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from psycopg2 import sql

from adapters import figures, oversight, statistics
from adapters.database import Pool, connect
from adapters.efficiency import efficiency
from adapters.execute import open_ledger
from adapters.projector import ProjectorSettings, run_projector, wait_until_projected
from adapters.rebuild import RebuildSettings, rebuild
from adapters.rulebook import RulebookReader, publish_first_edition
from adapters.simulation.run import simulate
from adapters.statistics import Query
from adapters.topics import ensure_topics
from domain.calendar import SHANGHAI
from domain.event import Event
from domain.merchant.state import Merchant
from domain.streams import COMPLAINT, MERCHANT
from projections.complaint_details import COMPLAINT_DETAILS
from projections.merchants import MERCHANTS
from projections.rates import RATES, growth
from projections.resolution_statistics import DIMENSIONS
from tests.conftest import System, create_database, running
from tests.integration.item_world import histories
from tests.integration.test_simulation import KEY
from tests.projections.tables import Table, assert_as_the_reference
from tests.reference import figures as reference
from tests.reference.complaints import dimensions, durations, measures
from tests.reference.history import day_filed
from tests.reference.statistics import GRAINS, Key, bucket, exact_quantile, first_day, following, is_over
from tests.reference.statistics import statistics as reference_statistics
from tests.reference.trend import trend

LIMIT_S = 120.0
#: The filings go from the autumn of one year to the spring of the next.
START = datetime(2025, 10, 20, tzinfo=SHANGHAI)
FIRST, TURN, LAST = date(2025, 10, 1), date(2026, 1, 1), date(2026, 3, 31)
TODAY = date(2026, 2, 16)
LEAST = 3
INTERVALS = {one.replace("_", "-"): one for one in GRAINS}


@dataclass
class Market:
    """What was simulated: the history of each request, who goes on for a merged merchant, and what merchants do."""

    system: System
    streams: Mapping[str, list[Event]]
    merchants: Mapping[str, Merchant]
    pool: Pool
    filed: list[list[Event]] = field(default_factory=list)

    @property
    def survivors(self) -> dict[str, str]:
        return {stream: one.merged_into for stream, one in self.merchants.items() if one.merged_into}

    @property
    def industries(self) -> dict[str, str]:
        return {stream: one.industry.value for stream, one in self.merchants.items() if one.industry is not None}

    def between(self, first: date, last: date) -> list[list[Event]]:
        return [list(events) for events in reference.filed_between(self.filed, first, last)]

    def by_merchant(self, first: date, last: date) -> dict[str, list[Any]]:
        return dict(reference.by_merchant(self.between(first, last), self.survivors))


def project(system: System, position: int, max_batch: int) -> None:
    """Run a projector until the read models are complete to a position."""
    settings = ProjectorSettings(*system.where, max_batch=max_batch, instance="reference")
    with running(lambda stop: run_projector(settings, stop, projections=(COMPLAINT_DETAILS, MERCHANTS))):
        assert wait_until_projected(system.database_url, position, LIMIT_S)


def tables(system: System) -> dict[str, Table]:
    """The sums as they stand in the database."""
    found: dict[str, Table] = {}
    with closing(connect(system.database_url, "ledger_analyst")) as conn, conn.cursor() as cursor:
        for sums in COMPLAINT_DETAILS.sums:
            columns = sql.SQL(", ").join(map(sql.Identifier, (*sums.keys, *sums.measures)))
            cursor.execute(sql.SQL("select {} from {}").format(columns, sql.Identifier(*sums.table.split("."))))
            keys = len(sums.keys)
            found[sums.table] = {row[:keys]: row[keys:] for row in cursor}
    return found


@pytest.fixture(scope="module")
def market(postgres_url: str, kafka_bootstrap: str) -> Iterator[Market]:
    """A simulated market, projected by one projector up to its middle, and by another one from there."""
    name = f"reference{os.getpid()}"
    system = System(create_database(postgres_url, name), kafka_bootstrap, f"{name}.")
    ensure_topics(kafka_bootstrap, system.topic_prefix)
    with closing(open_ledger(system.database_url)) as ledger:
        publish_first_edition(ledger)
        simulate(ledger, KEY, RulebookReader(ledger).current(), complaints=200, seed=7, start=START, days=140)
        found = histories(ledger)
        last = ledger.recorder.max_notification_id()
    assert last is not None
    requests = {stream: events for stream, events in found.items() if stream.startswith(COMPLAINT.prefix)}
    merchants = {stream: MERCHANT.fold(own) for stream, own in found.items() if stream.startswith(MERCHANT.prefix)}
    with system.relaying():
        project(system, last // 2, 100)
        project(system, last, 1_000)
        with closing(Pool(system.database_url, "ledger_api")) as pool:
            yield Market(system, requests, merchants, pool, list(requests.values()))


def test_the_tables_equal_the_reference_after_a_restart_and_after_a_rebuild(market: Market) -> None:
    kept = tables(market.system)
    assert_as_the_reference(kept, market.streams)
    settings = RebuildSettings(*market.system.where)
    assert rebuild(settings, (COMPLAINT_DETAILS,), threading.Event()) is not None
    assert tables(market.system) == kept


def test_every_group_of_every_dimension_and_interval_equals_the_reference(market: Market) -> None:
    expected = reference_statistics(market.filed, *INTERVALS.values(), survivors=market.survivors)
    for interval, grain in INTERVALS.items():
        found: dict[Key, dict[str, int]] = {}
        for dimension in DIMENSIONS:
            for one in statistics.aggregate(market.pool, Query(by=dimension, interval=interval), today=TODAY).items:
                found[dimension, one["scheme"], one["key"], grain, one["first_day"]] = one["measures"]
                assert one["rates"] == reference.rates(one["measures"])
                assert one["last_day"] == following(one["first_day"], grain) - timedelta(days=1)
                assert one["incomplete"] == (not is_over(one["first_day"], grain, TODAY))
        assert found == {key: sums for key, sums in expected.items() if key[3] == grain}


def test_b4_what_is_filtered_by_another_dimension_equals_the_reference(market: Market) -> None:
    query = Query(by="region", filters={"kind": ["complaint"]}, exclude={"channel": ["app", "web"]}, first=TURN)
    expected: dict[tuple[str, str], dict[str, int]] = {}
    for events in market.between(TURN, date.max):
        own = dimensions(events)
        if ("kind", "", "complaint") not in own or {("channel", "", "app"), ("channel", "", "web")} & own:
            continue
        for _, scheme, key in (one for one in own if one[0] == "region"):
            before = expected.get((scheme, key), {})
            expected[scheme, key] = {name: before.get(name, 0) + n for name, n in measures(events).items()}
    found = statistics.aggregate(market.pool, query, today=TODAY).items
    assert {(one["scheme"], one["key"]): one["measures"] for one in found} == {
        key: sums for key, sums in expected.items() if any(sums.values())
    }


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2025, 10, 29), date(2026, 2, 10)),
        (date(2025, 11, 3), date(2025, 11, 12)),
        (date(2025, 11, 3), date(2025, 12, 29)),
        (None, date(2025, 12, 20)),
        (date(2026, 1, 20), None),
    ],
)
def test_days_that_are_no_whole_months_are_summed_as_the_reference_does(
    market: Market, first: date | None, last: date | None
) -> None:
    own = market.between(first or date.min, last or date.max)
    for interval, grain in INTERVALS.items():
        expected = reference_statistics(own, grain, survivors=market.survivors)
        for dimension in ("all", "merchant", "region"):
            query = Query(by=dimension, interval=interval, first=first, last=last)
            for limit in (None, 10_000):
                found = statistics.aggregate(market.pool, query, today=LAST, limit=limit).items
                groups = {(one["scheme"], one["key"], one["first_day"]): one["measures"] for one in found}
                assert groups == {(*key[1:3], key[4]): sums for key, sums in expected.items() if key[0] == dimension}


def test_growth_compares_complete_periods_that_are_whole_within_the_days_asked_for(market: Market) -> None:
    first, last = date(2025, 10, 29), date(2026, 2, 10)
    grown = 0
    for merchant, streams in list(market.by_merchant(date.min, date.max).items())[:3]:
        for interval in ("week", "month", "quarter"):
            query = Query("merchant", interval, first, last, {"merchant": [merchant]})
            found = oversight.trend(market.pool, query, today=TODAY)
            shown = {one["first_day"]: (one["measures"]["valid"], one["incomplete"], one["growth"]) for one in found}
            assert shown == trend(streams, interval, first, last, TODAY)
            grown += sum(one["growth"] is not None for one in found)
            pages = [oversight.trend(market.pool, query, today=TODAY, limit=3, offset=n) for n in range(0, 30, 3)]
            assert [one for page in pages for one in page] == found
    assert grown > 0


def test_b4_rankings_are_by_the_exact_fraction_then_n_then_id(market: Market) -> None:
    groups = market.by_merchant(FIRST, LAST)
    ranked = 0
    for rate in reference.RATES:
        assert RATES[rate] == reference.RATES[rate]
        query = Query(by="merchant", first=FIRST, last=LAST, order=rate, least=LEAST, known=True)
        found, of, _, _ = figures.ranking(market.pool, query, today=TODAY)
        places, _ = reference.ranking(groups, rate, LEAST)
        assert of == len(places)
        assert [(one["key"], one["n"], one["rank"], one["rate"]) for one in found] == [
            (place.key, place.n, rank, reference.percent(place.share)) for rank, place in enumerate(places, 1)
        ]
        pages = [figures.ranking(market.pool, query, today=TODAY, limit=2, offset=n)[0] for n in range(0, of + 2, 2)]
        assert [one for page in pages for one in page] == found
        ranked += len(places)
    assert ranked > len(reference.RATES)


def test_b4_awards_have_one_winner_per_industry(market: Market) -> None:
    found = figures.awards(market.pool, first=FIRST, last=LAST, least=LEAST, today=TODAY)
    groups = market.by_merchant(FIRST, LAST)
    industries = {key: one for key, one in market.industries.items() if key in groups}
    awarded = reference.awards(groups, industries, LEAST)
    # What nobody has classified is no industry.
    assert {one["industry"]: one["winner"] and one["winner"]["key"] for one in found} == awarded
    assert any(awarded.values())


def test_a9_merchants_are_named_above_the_least_number_and_the_others_are_one_line(market: Market) -> None:
    over = LAST + timedelta(days=1)
    found, others, _ = figures.publication(market.pool, first=TURN, last=LAST, least=LEAST, today=over)
    before = market.by_merchant(date(2025, 1, 1), date(2025, 3, 31))
    named, rest = reference.publication(market.between(TURN, LAST), market.survivors, LEAST)
    assert {one["merchant_id"] for one in found} == named.keys()
    for one in found:
        line = named[one["merchant_id"]]
        assert {name: one[name] for name in line} == line
        assert one["growth"] == growth(one["complaints"], reference.total(before.get(one["merchant_id"], []), "valid"))
    assert others["complaints"] == rest["complaints"]
    pages = [
        figures.publication(market.pool, first=TURN, last=LAST, least=LEAST, today=over, limit=2, offset=offset)
        for offset in range(0, len(found) + 2, 2)
    ]
    assert [line for lines, _, _ in pages for line in lines] == found
    assert all(same == others for _, same, _ in pages)
    # Days that are not over have no growth.
    early, _, _ = figures.publication(market.pool, first=TURN, last=LAST, least=LEAST, today=LAST)
    assert [(one["complaints"], one["growth"]) for one in early] == [(one["complaints"], None) for one in found]


def test_b10_the_funnel_is_the_share_of_the_ten_most_frequent_scenarios(market: Market) -> None:
    found = figures.funnel(market.pool, first=None, last=None, today=TODAY)
    top, covered = reference.funnel(market.filed)
    assert [(one["scenario"], one["valid"]) for one in found["scenarios"]] == top
    assert found["share"] == reference.percent(covered)


def test_c4_durations_are_within_the_stated_error_and_efficiency_compares_two_medians(market: Market) -> None:
    for what in ("answer", "resolution"):
        (found,) = figures.durations(market.pool, Query(), what, (1, 500, 900, 1000), today=TODAY)
        times = [took for events in market.filed if (took := durations(events).get(what)) is not None]
        assert found["complaints"] == len(times)
        for permille in (1, 500, 900, 1000):
            assert found["minutes"][str(permille)] == bucket(exact_quantile(times, Fraction(permille, 1000)))
    before, after = (FIRST, TURN - timedelta(days=1)), (TURN, LAST)
    found = efficiency(market.pool, before, after, today=LAST + timedelta(days=1))
    assert found["fell_by"] == reference.efficiency(market.filed, before, after) is not None


def test_c4_durations_are_by_merchant_industry_and_period_and_follow_mergers(market: Market) -> None:
    def expected(groups: Mapping[Any, list[Any]]) -> dict[Any, tuple[int, int]]:
        times = {
            key: [took for one in own if (took := durations(one).get("answer")) is not None]
            for key, own in groups.items()
        }
        return {key: (len(own), bucket(exact_quantile(own, Fraction(1, 2)))) for key, own in times.items() if own}

    def found(by: str, **asked: Any) -> dict[Any, tuple[int, int]]:
        query = Query(by, first=FIRST, last=TODAY, **asked)
        return {
            (one["key"], one.get("first_day")): (one["complaints"], one["minutes"]["500"])
            for one in figures.durations(market.pool, query, "answer", (500,), today=TODAY)
        }

    merchants = market.by_merchant(FIRST, TODAY)
    known = {key: own for key, own in found("merchant").items() if key[0]}
    assert known == expected({(key, None): own for key, own in merchants.items()})
    assert market.survivors
    assert not {key for key, _ in known} & market.survivors.keys()
    industries: dict[tuple[str, None], list[Any]] = {}
    for key, own in merchants.items():
        industries.setdefault((market.industries.get(key, ""), None), []).extend(own)
    classified = {key: own for key, own in expected(industries).items() if key[0]}
    assert {key: own for key, own in found("industry").items() if key[0]} == classified
    months: dict[tuple[str, date], list[Any]] = {}
    for one in market.between(FIRST, TODAY):
        months.setdefault(("", first_day(day_filed(one), "month")), []).append(one)
    assert found("all", interval="month") == expected(months)


def test_b8_b16_complaints_before_and_after_a_day_are_per_30_days(market: Market) -> None:
    for merchant, streams in list(market.by_merchant(date.min, date.max).items())[:5]:
        for day in (date(2025, 11, 30), TURN, TODAY):
            found = figures.around(market.pool, merchant, day, today=TODAY)
            before, after, incomplete = reference.around(streams, day, TODAY)
            assert found["before"]["per_30_days"] == before
            assert (found["after"]["per_30_days"], found["after"]["incomplete"]) == (after, incomplete)
        # Of days to come nothing is told: what is before one is not over, and what is after it has not begun.
        found = figures.around(market.pool, merchant, TODAY + timedelta(days=10), today=TODAY)
        assert (found["before"]["days"], found["before"]["incomplete"]) == (170, True)
        after_it = found["after"]
        assert (after_it["days"], after_it["last"], after_it["per_30_days"], after_it["incomplete"]) == (
            0,
            None,
            None,
            True,
        )


def test_alerts_cite_the_complaints_of_the_reference(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    # The market is too small for as many complaints a week as an alert takes.
    monkeypatch.setattr(oversight, "LEAST_RISE", 2)
    monkeypatch.setattr(oversight, "LEAST_THEME", 2)
    ids = {id(events): stream for stream, events in market.streams.items()}
    seen = 0
    for week in range(12):
        today = TURN + timedelta(days=7 * (week - 4))
        alerts = [one for one in oversight.alerts(market.pool, today=today) if one["kind"] != "data_leak"]
        found = {
            (one["kind"], one.get("merchant_id") or (one["scenario"], one["region"])): one["complaints"]
            for one in alerts
        }
        expected: dict[tuple[str, object], list[str]] = {}
        for merchant, cited in reference.sudden_rises(market.filed, today, 2, market.survivors).items():
            expected["sudden_rise", merchant] = sorted(ids[id(one)] for one in cited)
        for (scenario, (_, region)), cited in reference.themes(market.filed, today, 2).items():
            expected["theme", (scenario, region)] = sorted(ids[id(one)] for one in cited)
        assert found == expected
        seen += len(found)
        told = [complaint for one in alerts if one["kind"] == "theme" for complaint in one["complaints"]]
        assert len(told) == len(set(told))
        for one in alerts:
            by, key = (
                ("merchant", one["merchant_id"]) if one["kind"] == "sudden_rise" else ("scenario", one["scenario"])
            )
            of = {"region": one["regions"]} if one["kind"] == "theme" else {}
            query = Query(by, first=one["first"], last=one["last"], filters=of)
            listed, count, _ = statistics.behind(market.pool, query, "valid", key=key)
            assert ([row["complaint_id"] for row in listed], count) == (one["complaints"], one["recent"])
    assert seen > 0
