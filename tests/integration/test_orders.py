"""Groups that are level, of two code lists, or cut by days: their order and their pages, against the reference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from functools import partial
from typing import Any

import pytest

from adapters import figures, flows, statistics
from adapters.database import Pool
from adapters.statistics import FILED, Query
from projections.durations import KINDS
from projections.flows import RATES as FLOW_RATES
from tests.integration import level
from tests.reference import figures as reference
from tests.reference.complaints import dimensions, durations, measures
from tests.reference.flows import of_a_request
from tests.reference.history import day_filed
from tests.reference.statistics import bucket, exact_quantile, first_day, following

EVER = date(1900, 1, 1), date(2199, 12, 31)
TODAY = date(2025, 2, 10)
#: All days, and such as cut weeks, months, half-years and years.
DAYS = [(None, None), (date(2024, 2, 29), date(2024, 12, 31)), (date(2024, 3, 2), None), (None, date(2025, 1, 1)),
        (date(2024, 1, 20), date(2025, 1, 4))]  # fmt: skip
INTERVALS = {None: None, "day": "day", "week": "week", "month": "month", "quarter": "quarter"}
INTERVALS |= {"half-year": "half_year", "year": "year"}

#: Code list, key, and the first day of the period.
Key = tuple[str, str, date | None]
Sums = Mapping[Key, Mapping[str, int]]
#: What counts for something on a day: the day, the keys under each dimension, and for what.
Counted = Sequence[tuple[date, Mapping[str, Iterable[tuple[str, str]]], Mapping[str, int]]]


@pytest.fixture(scope="module")
def pool(level_pool: Pool) -> Pool:
    return level_pool


def keys(events: list[Any]) -> dict[str, list[tuple[str, str]]]:
    """Code list and key of a request in each dimension, of the merchant that goes on."""
    found: dict[str, list[tuple[str, str]]] = {"industry": [level.industry(events)]}
    for dimension, scheme, key in dimensions(events):
        found.setdefault(dimension, []).append((scheme, level.surviving(key) if dimension == "merchant" else key))
    return found


@pytest.fixture(scope="module")
def filed() -> Counted:
    return [(day_filed(events), keys(events), measures(events)) for events in level.requests()]


@pytest.fixture(scope="module")
def happened() -> Counted:
    found: list[Any] = []
    for events in level.requests():
        own = keys(events)
        found.append((day_filed(events), own, {"filed": measures(events)["filed"]}))
        for name, days in of_a_request(events).items():
            found += [(day, own, {name: counted}) for day, counted in days.items()]
    return found


def groups(
    counted: Counted, by: str, grain: str | None, days: tuple[date | None, date | None], names: Sequence[str]
) -> dict[Key, dict[str, int]]:
    """The sums of each group; one that comes to nothing is none."""
    first, last = days[0] or EVER[0], days[1] or EVER[1]
    found: dict[Key, dict[str, int]] = {}
    for day, own, sums in counted:
        if first <= day <= last:
            for scheme, key in own[by]:
                of = (scheme, key, None if grain is None else first_day(day, grain))
                total = found.setdefault(of, dict.fromkeys(names, 0))
                for name, n in sums.items():
                    total[name] += n
    return {key: sums for key, sums in found.items() if any(sums.values())}


def in_order(
    sums: Sums, order: str | None, rates: Mapping[str, tuple[str, str]], main: str, *, by_period: bool
) -> list[Key]:
    """By a rate, exactly, ties by the greater n, then by key; by a measure, ties by key; or periods in order."""

    def of_rate(one: Key) -> Any:
        part, whole = rates[order or ""]
        share = reference.share(sums[one][part], sums[one][whole])
        return share is None, -(share or Fraction(0)), -sums[one][whole], one[1], one[0], one[2] or EVER[0]

    def of_measure(one: Key) -> Any:
        if order is None and by_period:
            return one[2], one[1], one[0]
        return -sums[one][order or main], one[1], one[0], one[2] or EVER[0]

    return sorted(sums, key=of_rate if order in rates else of_measure)


def shown(items: Iterable[Mapping[str, Any]], *, by_period: bool) -> list[tuple[Key, Mapping[str, int]]]:
    return [((one["scheme"], one["key"], one["first_day"] if by_period else None), one["measures"]) for one in items]


def paged(page: Callable[[int, int], list[Any]], size: int) -> list[Any]:
    """All pages, one behind the other, up to the first that has nothing."""
    found: list[Any] = []
    while more := page(size, len(found)):
        found += more
    return found


@pytest.mark.parametrize("by", ["merchant", "industry", "product", "region", "office"])
def test_statistics_are_in_order_on_every_page_and_what_is_level_is_ordered_by_key_and_code_list(
    pool: Pool, filed: Counted, by: str
) -> None:
    names = FILED.measures
    for interval, grain in INTERVALS.items():
        for days in DAYS:
            own = groups(filed, by, grain, days, names)
            for order in (None, "resolved", "filed", "resolved_rate", "self_settlement_rate"):
                query = Query(by, interval, *days, order=order)
                wanted = in_order(own, order, reference.RATES, "valid", by_period=interval is not None)
                whole = statistics.aggregate(pool, query, today=TODAY)
                found = shown(whole.items, by_period=interval is not None)
                assert found == [(key, own[key]) for key in wanted]
                assert (whole.groups, whole.left_out) == (len(wanted), 0)
                if interval not in ("day", "week"):
                    pages = paged(partial(_page, pool, query), max(len(wanted) // 3, 1))
                    assert pages == whole.items


def _page(pool: Pool, query: Query, limit: int, offset: int) -> list[Any]:
    return statistics.aggregate(pool, query, today=TODAY, limit=limit, offset=offset).items


@pytest.mark.parametrize("by", ["all", "merchant", "industry", "region", "office"])
def test_flows_are_in_order_on_every_page_and_the_sql_beneath_says_the_same_in_that_order(
    pool: Pool, happened: Counted, by: str
) -> None:
    for interval, grain in INTERVALS.items():
        for days in DAYS:
            own = groups(happened, by, grain, days, flows.MEASURES)
            for order in (None, "resolved", "withdrawn", "success_rate", "case_rate"):
                query = flows.Query(by, interval, *days, order=order)
                wanted = in_order(own, order, FLOW_RATES, "filed", by_period=interval is not None)
                whole = flows.aggregate(pool, query, today=TODAY)
                assert shown(whole.items, by_period=interval is not None) == [(key, own[key]) for key in wanted]
                assert whole.groups == len(wanted)
            if interval in (None, "month", "half-year"):
                pages = paged(partial(_happened, pool, query), max(len(wanted) // 3, 1))
                assert pages == whole.items
                with pool.cursor() as cursor:
                    cursor.execute(flows.explain(pool, query))
                    assert [tuple(row[:3]) for row in cursor] == wanted


def _happened(pool: Pool, query: flows.Query, limit: int, offset: int) -> list[Any]:
    return flows.aggregate(pool, query, today=TODAY, limit=limit, offset=offset).items


def test_periods_are_incomplete_when_they_are_not_over_or_cut_by_the_days_asked_for(pool: Pool) -> None:
    for interval, grain in INTERVALS.items():
        for first, last in DAYS:
            for today in (TODAY, date(2025, 1, 1), date(2024, 12, 31), date(2024, 12, 30)):
                for one in statistics.aggregate(pool, Query("all", interval, first, last), today=today).items:
                    if grain is None:
                        days = first, last
                        over = last is not None and last < today
                    else:
                        begun = one["first_day"]
                        days = begun, following(begun, grain) - timedelta(days=1)
                        over = days[1] < today and (first or EVER[0]) <= begun and days[1] <= (last or EVER[1])
                    assert (one["first_day"], one["last_day"], one["incomplete"]) == (*days, not over)


@pytest.mark.parametrize("order", [None, "answered", "resolved_rate"])
def test_each_group_has_what_came_before_it_and_the_small_and_unknown_are_left_out_and_counted(
    pool: Pool, filed: Counted, order: str | None
) -> None:
    for by in ("merchant", "product", "region", "industry"):
        for interval in ("month", "half-year", "year", "week"):
            grain = INTERVALS[interval]
            assert grain is not None
            for days in DAYS:
                own = groups(filed, by, grain, days, FILED.measures)
                for least in (0, 1, 3):
                    query = Query(by, interval, *days, order=order, least=least, known=least > 0)
                    kept = {key: sums for key, sums in own.items() if not query.known or key[1]}
                    big = {key: sums for key, sums in kept.items() if sums["valid"] >= least}
                    wanted = in_order(big, order, reference.RATES, "valid", by_period=True)
                    found = statistics.aggregate(pool, query, today=TODAY, limit=50, before=True)
                    told = [(one["scheme"], one["key"], one["first_day"], one["before"]) for one in found.items]
                    assert told == [(*key, _before(own, key, grain)) for key in wanted[:50]]
                    assert (found.groups, found.left_out) == (len(big), len(kept) - len(big))
                    assert found.valid == sum(sums["valid"] for sums in own.values())
                    assert found.valid_of_groups == sum(sums["valid"] for sums in big.values())


def _before(sums: Sums, key: Key, grain: str) -> int:
    assert key[2] is not None
    earlier = (key[0], key[1], first_day(key[2] - timedelta(days=1), grain))
    return sums[earlier]["valid"] if earlier in sums else 0


@pytest.mark.parametrize(
    ("filters", "exclude"),
    [
        ({"merchant": ["", level.merchant_id(1), level.merchant_id(11)]}, {}),
        ({"merchant": [level.merchant_id(12)]}, {}),
        ({}, {"merchant": ["", level.merchant_id(1), level.merchant_id(13)]}),
        ({"industry": ["52"]}, {"merchant": [level.merchant_id(2)]}),
        ({"industry": [""]}, {}),
        ({}, {"industry": ["", "62"]}),
        ({"region": ["", "330106"]}, {}),
        ({}, {"region": [""], "merchant": [level.merchant_id(1)]}),
        ({"region": ["330106"], "merchant": [level.merchant_id(1), ""]}, {"stage": [""]}),
        ({"stage": ["", "payment"], "industry": ["52", ""]}, {"channel": ["web"]}),
        ({"product": [""]}, {"office": ["", level.office_id(1)]}),
        ({"all": [""], "kind": ["complaint"]}, {}),
        ({"all": ["x"]}, {}),
        ({}, {"all": [""], "region": [""]}),
    ],
)
def test_filters_hold_together_exclusions_remove_and_an_empty_value_is_what_is_not_known(
    pool: Pool, filed: Counted, filters: Mapping[str, Sequence[str]], exclude: Mapping[str, Sequence[str]]
) -> None:
    def fits(own: Mapping[str, Iterable[tuple[str, str]]]) -> bool:
        return all(any(key in values for _, key in own[name]) for name, values in filters.items()) and not any(
            any(key in values for _, key in own[name]) for name, values in exclude.items()
        )

    of = [one for one in filed if fits(one[1])]
    for by in ("all", "merchant", "industry", "region", "product", "channel"):
        for interval, days in ((None, DAYS[0]), ("quarter", DAYS[1]), (None, DAYS[4]), ("week", DAYS[3])):
            query = Query(by, interval, *days, filters, exclude)
            own = groups(of, by, INTERVALS[interval], days, FILED.measures)
            wanted = in_order(own, None, reference.RATES, "valid", by_period=interval is not None)
            whole = statistics.aggregate(pool, query, today=TODAY).items
            assert shown(whole, by_period=interval is not None) == [(key, own[key]) for key in wanted]
            assert paged(partial(_page, pool, query), max(len(wanted) // 3, 1)) == whole
            with pool.cursor() as cursor:
                cursor.execute(statistics.explain(pool, query))
                beneath = [(row[:3], dict(zip(FILED.measures, row[3:], strict=True))) for row in cursor]
            assert beneath == [(key, own[key]) for key in wanted]


def test_c4_durations_are_those_of_the_groups_with_most_first_and_what_is_level_by_code_list_and_key(
    pool: Pool,
) -> None:
    for what in KINDS:
        for by in ("all", "merchant", "industry", "product", "region"):
            for interval, days in ((None, DAYS[0]), ("quarter", DAYS[1]), ("week", DAYS[4]), ("half-year", DAYS[0])):
                query = Query(by, interval, *days)
                found = _durations(pool, query, what)
                assert [_line(one, interval) for one in found] == _took(by, INTERVALS[interval], days, what)
                pages = paged(partial(_durations, pool, query, what), 7)
                assert pages == found


def _durations(pool: Pool, query: Query, what: str, limit: int | None = None, offset: int = 0) -> list[Any]:
    return figures.durations(pool, query, what, (500, 900), today=TODAY, limit=limit, offset=offset)


def _line(one: Mapping[str, Any], interval: str | None) -> tuple[Any, ...]:
    begun = one["first_day"] if interval else None
    return begun, one["complaints"], one["scheme"], one["key"], *one["minutes"].values()


def _took(by: str, grain: str | None, days: tuple[date | None, date | None], what: str) -> list[tuple[Any, ...]]:
    times: dict[Key, list[timedelta]] = {}
    for events in level.filed(days[0] or EVER[0], days[1] or EVER[1]):
        if (took := durations(events).get(what)) is not None:
            begun = None if grain is None else first_day(day_filed(events), grain)
            for scheme, key in keys(events)[by]:
                times.setdefault((scheme, key, begun), []).append(took)
    lines = [
        (day, len(own), scheme, key, *(bucket(exact_quantile(own, Fraction(n, 10))) for n in (5, 9)))
        for (scheme, key, day), own in times.items()
    ]
    return sorted(lines, key=lambda one: (one[0] or EVER[0], -one[1], *one[2:4]))


def test_a_list_of_requests_behind_a_group_goes_on_behind_the_last_one_and_is_of_its_code_list(pool: Pool) -> None:
    for source, asked in ((statistics, Query("region")), (flows, flows.Query("region"))):
        ids: dict[str, set[str]] = {}
        for scheme in ("GB/T 2260", "other list"):
            of: dict[str, Any] = {"key": "330106", "scheme": scheme}
            found, count, _ = source.behind(pool, asked, "resolved", **of, limit=1_000)
            ids[scheme] = {one["complaint_id"] for one in found}
            assert [one["complaint_id"] for one in found] == sorted(ids[scheme])
            assert (len(found), len(ids[scheme])) == (count, count)
            assert ids[scheme] == {
                stream
                for stream, events in level.streams().items()
                if events in level.requests()
                and (scheme, "330106") in keys(events)["region"]
                and measures(events)["resolved"]
            }
            page, of_all, _ = source.behind(pool, asked, "resolved", **of, after=found[3]["complaint_id"], limit=2)
            assert (page, of_all) == (found[4:6], count)
        any_list = {"key": "330106", "scheme": None}
        assert source.behind(pool, asked, "resolved", **any_list, limit=1_000)[1] == sum(map(len, ids.values()))
