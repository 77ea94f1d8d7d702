"""What happened by day, on a real PostgreSQL over complaints by chance, against the reference and from beneath."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from adapters import flows
from adapters.database import Pool
from adapters.efficiency import efficiency
from adapters.evaluation import figures_of
from adapters.flows import MEASURES, Query
from adapters.oversight import IS_VALID
from domain.errors import InvalidInput
from domain.event import Event
from domain.merchant.state import Merchant
from domain.streams import COMPLAINT, MERCHANT
from projections.flows import DIMENSIONS, RATES
from tests.conftest import create_database
from tests.filled import fill, histories
from tests.integration.test_http import Server, refused
from tests.reference import counting
from tests.reference import figures as rounding
from tests.reference.complaints import merchant
from tests.reference.figures import LEAST, filed_between, total
from tests.reference.flows import end_of, on, resolved_between
from tests.reference.flows import flows as reference
from tests.reference.history import day_filed
from tests.reference.statistics import (
    Key,
    first_day,
    following,
    is_over,
    surviving,
)
from tests.reference.statistics import statistics as by_filing

INTERVALS = {"day": "day", "week": "week", "month": "month", "quarter": "quarter", "half-year": "half_year"}
INTERVALS |= {"year": "year"}


@pytest.fixture(scope="module")
def url(postgres_url: str) -> str:
    """A database with complaints by chance, some of whose merchants were merged."""
    url = create_database(postgres_url, "flows")
    fill(url)
    return url


@pytest.fixture(scope="module")
def pool(url: str) -> Iterator[Pool]:
    with closing(Pool(url, "ledger_api")) as pool:
        yield pool


@pytest.fixture(scope="module")
def streams() -> Sequence[Sequence[Event]]:
    return [events for stream, events in histories().items() if stream.startswith(COMPLAINT.prefix)]


@pytest.fixture(scope="module")
def merchants() -> Mapping[str, Merchant]:
    found = histories().items()
    return {stream: MERCHANT.fold(own) for stream, own in found if stream.startswith(MERCHANT.prefix)}


@pytest.fixture(scope="module")
def survivors(merchants: Mapping[str, Merchant]) -> dict[str, str]:
    found = {stream: one.merged_into for stream, one in merchants.items() if one.merged_into}
    assert found
    return found


@pytest.fixture(scope="module")
def today(streams: Sequence[Sequence[Event]]) -> date:
    """In the midst of it, so that some periods are over."""
    days = sorted(day_filed(events) for events in streams)
    return days[len(days) * 2 // 3]


Daily = dict[Key, dict[str, int]]


@pytest.fixture(scope="module")
def daily(streams: Sequence[Sequence[Event]], survivors: dict[str, str]) -> Daily:
    """The flows of the reference of each day, with what was filed, by who goes on for a merchant."""
    found: Daily = {}
    filed = {key: {"filed": sums["filed"]} for key, sums in by_filing(streams, "day").items() if key[0] in DIMENSIONS}
    for (dimension, scheme, value, grain, day), sums in (*reference(streams, MEASURES, "day").items(), *filed.items()):
        value = surviving(value, survivors) if dimension == "merchant" else value
        _add(found, (dimension, scheme, value, grain, day), sums)
    return found


def _add(found: Daily, key: Key, sums: Mapping[str, int]) -> None:
    total = found.setdefault(key, dict.fromkeys(MEASURES, 0))
    for name, n in sums.items():
        total[name] += n


def expected(daily: Daily, grain: str, first: date = date.min, last: date = date.max) -> Daily:
    """What it comes to in periods, of the days from first to last."""
    found: Daily = {}
    for (dimension, scheme, value, _, day), sums in daily.items():
        if first <= day <= last:
            _add(found, (dimension, scheme, value, grain, first_day(day, grain)), sums)
    return {key: sums for key, sums in found.items() if any(sums.values())}


def test_every_group_of_every_dimension_and_interval_equals_the_reference(
    pool: Pool, daily: Daily, today: date
) -> None:
    for interval, grain in INTERVALS.items():
        found: dict[Key, dict[str, int]] = {}
        for dimension in DIMENSIONS:
            for one in flows.aggregate(pool, Query(dimension, interval), today=today).items:
                found[dimension, one["scheme"], one["key"], grain, one["first_day"]] = one["measures"]
                assert one["last_day"] == following(one["first_day"], grain) - timedelta(days=1)
                assert one["incomplete"] == (not is_over(one["first_day"], grain, today))
                for name, (part, whole) in RATES.items():
                    share = rounding.share(one["measures"][part], one["measures"][whole])
                    assert one["rates"][name] == rounding.percent(share)
        assert found == expected(daily, grain)
    assert all(sum(sums[name] for sums in found.values()) for name in MEASURES)


def test_days_that_cut_months_are_summed_to_the_unit_and_the_cut_periods_are_incomplete(
    pool: Pool, streams: Sequence[Sequence[Event]], daily: Daily
) -> None:
    days = sorted({day_filed(events) for events in streams})
    first, last = days[len(days) // 4], days[len(days) * 3 // 4]
    for interval in ("week", "month"):
        items = flows.aggregate(pool, Query("merchant", interval, first, last), today=date(2199, 1, 1)).items
        found = {("merchant", "", one["key"], interval, one["first_day"]): one["measures"] for one in items}
        wanted = expected(daily, interval, first, last)
        assert found == {key: sums for key, sums in wanted.items() if key[0] == "merchant"}
        for one in items:
            assert one["incomplete"] == (one["first_day"] < first or one["last_day"] > last)


def test_a_merchant_counts_with_those_merged_into_it_and_for_its_industry(
    pool: Pool,
    streams: Sequence[Sequence[Event]],
    merchants: Mapping[str, Merchant],
    survivors: dict[str, str],
    daily: Daily,
    today: date,
) -> None:
    wanted = {key[2]: sums for key, sums in expected(daily, "year").items() if key[0] == "merchant"}
    about = [surviving(merchant(events), survivors) for events in streams]
    going_on = next(who for who in about if who in survivors.values())
    (one,) = flows.aggregate(pool, Query("merchant", only=[going_on]), today=today).items
    whole = expected(daily, "year")
    assert one["measures"] == {
        name: sum(sums[name] for key, sums in whole.items() if key[0] == "merchant" and key[2] == going_on)
        for name in MEASURES
    }
    gone = next(iter(survivors))
    assert flows.aggregate(pool, Query("merchant", only=[gone]), today=today).items == []
    left = flows.aggregate(pool, Query("merchant", without=[going_on, ""]), today=today).items
    assert {one["key"] for one in left} == wanted.keys() - {going_on, ""}
    industries: dict[str, int] = {}
    for key, sums in whole.items():
        if key[0] == "merchant":
            own = merchants.get(key[2])
            code = own.industry.value if own and own.industry else ""
            industries[code] = industries.get(code, 0) + sums["answered"]
    found = flows.aggregate(pool, Query("industry"), today=today).items
    assert {one["key"]: one["measures"]["answered"] for one in found} == industries
    chosen = next(code for code in industries if code)
    for query, wanted_ones in (
        (Query("industry", only=[chosen]), {chosen}),
        (Query("industry", without=[chosen]), industries.keys() - {chosen}),
    ):
        one_industry = flows.aggregate(pool, query, today=today).items
        assert [one["measures"] for one in one_industry] == [
            one["measures"] for one in found if one["key"] in wanted_ones
        ]
        with pool.cursor() as cursor:
            cursor.execute(flows.explain(pool, query))
            beneath = {row[1]: dict(zip(MEASURES, row[3:], strict=True)) for row in cursor}
        assert beneath == {one["key"]: one["measures"] for one in one_industry}
        assert beneath.keys() == wanted_ones


def test_what_is_behind_a_figure_adds_up_to_it_and_the_sql_from_beneath_says_the_same(pool: Pool, today: date) -> None:
    for by in ("all", "merchant", "region", "industry"):
        query = Query(by, "quarter")
        items = flows.aggregate(pool, query, today=today).items
        with pool.cursor() as cursor:
            cursor.execute(flows.explain(pool, query))
            beneath = {row[:3]: dict(zip(MEASURES, row[3:], strict=True)) for row in cursor}
        assert {(one["scheme"], one["key"], one["first_day"]): one["measures"] for one in items} == beneath
    one = flows.aggregate(pool, Query("region", order="recovered_fen"), today=today).items[0]
    for measure in MEASURES:
        found, count, _ = flows.behind(
            pool, Query("region"), measure, key=one["key"], scheme=one["scheme"], limit=10_000
        )
        assert (len(found), sum(own["adds"] for own in found)) == (count, one["measures"][measure])
    with pytest.raises(InvalidInput, match="no measure"):
        flows.behind(pool, Query(), "weather", key=None, scheme=None)


def test_what_themes_take_for_valid_is_what_is_valid_everywhere(pool: Pool) -> None:
    with pool.cursor() as cursor:
        cursor.execute(
            f"select count(*) filter (where {IS_VALID} and s.valid = 1), "
            f"count(*) filter (where ({IS_VALID}) is distinct from (coalesce(s.valid, 0) = 1)) "
            "from read.complaint_details d left join read.complaint_measures() s using (complaint_id)"
        )
        ((valid, otherwise),) = cursor.fetchall()
    assert valid > 0
    assert otherwise == 0


def test_pages_are_in_the_order_of_a_rate_and_together_they_are_all(pool: Pool, today: date) -> None:
    query = Query("merchant", order="success_rate")
    whole = flows.aggregate(pool, query, today=today)
    pages = [flows.aggregate(pool, query, today=today, limit=3, offset=n).items for n in range(0, whole.groups, 3)]
    assert [one for page in pages for one in page] == whole.items
    assert flows.aggregate(pool, query, today=today, limit=3, offset=10**6).groups == whole.groups == len(whole.items)


def test_c4_efficiency_is_of_what_was_resolved_in_each_period_and_tells_what_is_still_open(
    pool: Pool, streams: Sequence[Sequence[Event]], today: date
) -> None:
    days = sorted(day_filed(events) for events in streams)
    turn = days[len(days) // 2]
    periods = (days[0], turn - timedelta(days=1)), (turn, today)
    found = efficiency(pool, *periods, today=today + timedelta(days=1))
    medians = []
    for side, (first, last) in zip(("before", "after"), periods, strict=True):
        times = resolved_between(streams, first, last)
        ended = [events for events in streams if counting.ended(events) and first <= on(end_of(events)) <= last]
        filed = filed_between(streams, first, last)
        medians.append(rounding.median_minutes(times))
        assert found[side] == {
            "first": first,
            "last": last,
            "incomplete": False,
            "ended": len(ended),
            "n": len(times),
            "median_minutes": medians[-1],
            "filed": total(filed, "valid"),
            "open": total(filed, "valid") - total(filed, "ended"),
        }
        assert found[side]["open"] > 0
    assert found["fell_by"] == rounding.efficiency(streams, *periods) is not None
    # What is not over is not compared.
    early = efficiency(pool, *periods, today=today)
    assert (early["before"]["incomplete"], early["after"]["incomplete"], early["fell_by"]) == (False, True, None)


def test_d6_an_evaluation_is_of_what_ended_in_the_period(
    pool: Pool, streams: Sequence[Sequence[Event]], survivors: dict[str, str]
) -> None:
    ended = [events for events in streams if counting.ended(events)]
    groups: dict[str, list[Sequence[Event]]] = {}
    for events in ended:
        groups.setdefault(surviving(merchant(events), survivors), []).append(events)
    whose, own = max(((who, own) for who, own in groups.items() if who), key=lambda pair: len(pair[1]))
    days = sorted(on(end_of(events)) for events in own)
    first, last = days[len(days) // 3], days[-1]
    cases = [events for events in own if first <= on(end_of(events)) <= last]
    found = figures_of(pool, whose, first, last)
    assert found is not None
    assert (found.cases, found.resolved) == (len(cases), sum(map(counting.resolved, cases)))
    assert any(day_filed(events) < first for events in cases) or len(cases) < LEAST


def test_flows_are_served_with_their_sql_and_what_is_behind(url: str, pool: Pool) -> None:
    server = Server(url)
    try:
        with server.client() as http:
            _served(http)
    finally:
        server.stop()


def _served(http: httpx.Client) -> None:
    asked: dict[str, Any] = {"interval": "year", "order": "resolved", "limit": 2, "explain": True}
    page = http.get("/flows/region", params=asked).json()
    (first, second), more = page["items"], page["next"]
    assert first["measures"]["resolved"] >= second["measures"]["resolved"]
    following_page = http.get("/flows/region", params={**asked, "cursor": more}).json()
    assert following_page["items"][0] not in page["items"]
    assert "read.flow_events()" in page["explain"]["sql"]
    # As it is, it lists what the groups are ordered by.
    whole = http.get("/flows/region", params={"order": "resolved", "interval": "year"}).json()
    listed = http.get(page["explain"]["behind"]).json()
    assert listed["count"] == sum(one["measures"]["resolved"] for one in whole["items"]) > 0
    filtered = http.get("/flows/region", params={"filter": f"region:{first['key']}", "explain": True}).json()
    assert {one["key"] for one in filtered["items"]} == {first["key"]}
    link = f"{filtered['explain']['behind']}&measure=resolved&scheme={quote(first['scheme'])}"
    behind = http.get(link).json()
    (one,) = (one for one in filtered["items"] if one["scheme"] == first["scheme"])
    assert sum(own["adds"] for own in behind["items"]) == one["measures"]["resolved"]
    periods = {
        "before_from": "2019-01-01",
        "before_to": "2025-12-31",
        "after_from": "2026-01-01",
        "after_to": "2026-10-31",
    }
    told = http.get("/efficiency", params={**periods, "explain": True}).json()
    assert [http.get(link).json()["count"] for link in told["behind"]] == [told["before"]["n"], told["after"]["n"]]
    assert told["before"]["n"] + told["after"]["n"] > 0
    refused(http.get("/flows/region", params={"filter": "channel:app"}), 422, "invalid")
    refused(http.get("/flows/scenario"), 422, "invalid")
    refused(http.get("/flows/all/behind", params={"measure": "weather"}), 422, "invalid")
    refused(http.get("/flows/all", params={"from": "2026-02-01", "to": "2026-01-01"}), 422, "invalid")
