"""Search against a filter that is plain Python, over complaints by chance in a real PostgreSQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from random import Random
from typing import Any

import pytest

from adapters.database import Pool, connect
from adapters.oversight import IS_VALID
from adapters.search import FACETS, FIELDS, Search, facets, search
from domain.calendar import day_of
from domain.complaint.state import OPEN
from domain.errors import InvalidInput
from projections.complaint_details import COMPLAINT_DETAILS
from projections.resolution_statistics import DIMENSIONS, GRAINS, MEASURES
from tests.conftest import create_database
from tests.filled import fill

NOW = datetime(2026, 4, 20, 4, tzinfo=UTC)
Row = dict[str, Any]


@pytest.fixture(scope="module")
def url(postgres_url: str) -> str:
    """A database with complaints by chance."""
    url = create_database(postgres_url, "searched")
    fill(url)
    return url


@pytest.fixture(scope="module")
def pool(url: str) -> Iterator[Pool]:
    """Connections of the API."""
    pool = Pool(url, "ledger_api")
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def rows(pool: Pool) -> list[Row]:
    """All complaints."""
    with pool.cursor() as cursor:
        cursor.execute(f"select {', '.join(COMPLAINT_DETAILS.columns)} from read.complaint_details")
        return [dict(zip(COMPLAINT_DETAILS.columns, row, strict=True)) for row in cursor]


def is_overdue(row: Row) -> bool:
    """The definition, in words of Python."""
    passed = row["next_due"] is not None and row["next_due"] < NOW
    return bool(row["status"] in (*OPEN, "resolved") and (passed or row["missed"]))


CASES: tuple[tuple[Search, Callable[[Row], bool]], ...] = (
    (Search(), lambda row: True),
    (Search({"status": ["closed", "resolved"]}), lambda row: row["status"] in ("closed", "resolved")),
    (
        Search({"kind": ["report"]}, {"channel": ["web"]}),
        lambda row: row["kind"] == "report" and row["channel"] != "web",
    ),
    (Search({"merchant": [""]}), lambda row: row["merchant_id"] is None),
    (Search({"scenario": ["", "delivery"]}), lambda row: row["scenario"] in (None, "delivery")),
    (Search(exclude={"merchant": [""]}), lambda row: row["merchant_id"] is not None),
    (Search({"region": ["330000"]}), lambda row: (row["region"] or "").startswith("33")),
    (
        Search({"region": ["330100", "310115"]}),
        lambda row: (row["region"] or "")[:4] == "3301" or row["region"] == "310115",
    ),
    (Search(exclude={"region": ["330000"]}), lambda row: not (row["region"] or "").startswith("33")),
    (Search({"overdue": ["yes"]}), is_overdue),
    (Search({"overdue": ["no"], "open": ["yes"]}), lambda row: row["status"] in OPEN and not is_overdue(row)),
    (Search({"open": ["yes", "no"]}), lambda row: True),
    (
        Search(first=date(2026, 3, 2), last=date(2026, 4, 10)),
        lambda row: date(2026, 3, 2) <= day_of(row["filed_at"]) <= date(2026, 4, 10),
    ),
    (Search(least_fen=1, most_fen=100_000), lambda row: 1 <= row["dispute_fen"] <= 100_000),
)


@pytest.mark.parametrize(("asked", "fits"), CASES)
def test_a_search_finds_what_plain_python_finds(
    pool: Pool, rows: list[Row], asked: Search, fits: Callable[[Row], bool]
) -> None:
    expected = {row["complaint_id"] for row in rows if fits(row)}
    found, _, _ = search(pool, asked, now=NOW, limit=10_000)
    assert {row["complaint_id"] for row in found} == expected
    assert facets(pool, asked, now=NOW)["count"] == len(expected)


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_every_field_can_be_asked_for_and_excluded(pool: Pool, rows: list[Row], field: str) -> None:
    values = Counter(row[FIELDS[field]] for row in rows if row[FIELDS[field]] is not None)
    ((value, _),) = values.most_common(1)
    fits = {row["complaint_id"] for row in rows if row[FIELDS[field]] == value}
    found, _, _ = search(pool, Search({field: [value]}), now=NOW, limit=10_000)
    assert {row["complaint_id"] for row in found} >= fits
    others, _, _ = search(pool, Search(exclude={field: [value]}), now=NOW, limit=10_000)
    assert {row["complaint_id"] for row in found} | {row["complaint_id"] for row in others} == {
        row["complaint_id"] for row in rows
    }


def test_a_facet_counts_what_matches_all_filters_but_its_own(pool: Pool, rows: list[Row]) -> None:
    asked = Search({"status": ["closed"], "kind": ["complaint"]})
    found = facets(pool, asked, now=NOW)
    for name in FACETS:
        own = {field: values for field, values in asked.filters.items() if field != name}
        matching = [row for row in rows if all(row[FIELDS[field]] in values for field, values in own.items())]
        counts = Counter(row[FIELDS[name]] or None for row in matching)
        expected = sorted(counts.items(), key=lambda item: (-item[1], item[0] or ""))[:20]
        told = found["facets"][name]
        assert told["exact"]
        assert told["of"] == len(matching)
        assert [(one["value"], one["count"]) for one in told["values"]] == expected


def test_beyond_ten_thousand_matches_counts_are_marked(url: str, pool: Pool) -> None:
    columns = ", ".join(column for column in COMPLAINT_DETAILS.columns if column != "complaint_id")
    conn = connect(url, None, autocommit=False)
    try:
        with conn.cursor() as cursor:
            cursor.execute(
                f"insert into read.complaint_details (complaint_id, {columns}) "
                f"select 'complaint-many-' || n, {columns} from generate_series(1, 10001) n, "
                "(select * from read.complaint_details order by 1 limit 1) d"
            )
            conn.commit()
        found = facets(pool, Search(), now=NOW)
        assert (found["count"], found["exact"]) == (10_000, False)
        for told in found["facets"].values():
            assert (told["exact"], told["of"]) == (False, 3_000)
        kinds = found["facets"]["kind"]["values"]
        assert sum(one["count"] for one in kinds) == 3_000
        narrowed = facets(pool, Search({"kind": ["report"]}), now=NOW)
        assert (narrowed["exact"], narrowed["facets"]["status"]["exact"]) == (True, True)
        # A facet's own filter does not narrow it.
        assert (narrowed["facets"]["kind"]["exact"], narrowed["facets"]["kind"]["of"]) == (False, 10_001)
    finally:
        with conn.cursor() as cursor:
            cursor.execute("delete from read.complaint_details where complaint_id like 'complaint-many-%'")
        conn.commit()
        conn.close()


@pytest.mark.parametrize("sort", ["newest", "oldest", "due", "amount"])
def test_pages_hold_everything_once_though_much_is_written_in_between(url: str, pool: Pool, sort: str) -> None:
    asked = Search(sort=sort)
    whole, _, _ = search(pool, asked, now=NOW, limit=10_000)
    expected = [row["complaint_id"] for row in whole]
    assert len(expected) > 100
    seen: list[str] = []
    after = None
    conn = connect(url, None)
    columns = ", ".join(column for column in COMPLAINT_DETAILS.columns if column != "complaint_id")
    try:
        with conn.cursor() as cursor:
            while True:
                items, places, _ = search(pool, asked, now=NOW, after=after, limit=37)
                if not items:
                    break
                seen += [row["complaint_id"] for row in items]
                after = places[-1]
                # Another one is filed that comes before, and one behind; others change in what is not sorted by.
                cursor.execute(
                    f"insert into read.complaint_details (complaint_id, {columns}) "
                    f"select 'complaint-0new-' || %s, {columns} from read.complaint_details where complaint_id = %s",
                    (len(seen), items[0]["complaint_id"]),
                )
                cursor.execute("update read.complaint_details set version = version + 1 where random() < 0.2")
    finally:
        with conn.cursor() as cursor:
            cursor.execute("delete from read.complaint_details where complaint_id like 'complaint-0new-%'")
        conn.close()
    assert [one for one in seen if "0new" not in one] == expected
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize(
    ("sort", "column", "values"),
    [
        ("due", "next_due", ("null", "timestamptz '2026-03-02 00:00Z'", "timestamptz '2030-01-01 00:00Z'")),
        ("amount", "dispute_fen", ("0", "1", "10000000000")),
        ("newest", "filed_at", ("timestamptz '2019-01-01 00:00Z'", "timestamptz '2030-01-01 00:00Z'")),
        ("oldest", "filed_at", ("timestamptz '2019-01-01 00:00Z'", "timestamptz '2030-01-01 00:00Z'")),
    ],
)
def test_what_others_are_sorted_by_may_change_between_pages_and_the_rest_comes_once_in_order(
    url: str, pool: Pool, sort: str, column: str, values: tuple[str, ...]
) -> None:
    chance = Random(9)
    asked = Search(sort=sort)
    whole = [row["complaint_id"] for row in search(pool, asked, now=NOW, limit=10_000)[0]]
    changing = set(chance.sample(whole, len(whole) // 2))
    seen: list[str] = []
    after = None
    with closing(connect(url, None, autocommit=False)) as conn, closing(conn.cursor()) as cursor:
        cursor.execute("create table before as select * from read.complaint_details")
        conn.commit()
        try:
            while page := search(pool, asked, now=NOW, after=after, limit=23)[:2]:
                if not page[0]:
                    break
                seen += [row["complaint_id"] for row in page[0]]
                after = page[1][-1]
                # The last one of the page, too: the next one begins behind where it stood.
                for one in {*chance.sample(sorted(changing), 20), *(changing & {seen[-1]})}:
                    told = (
                        f"update read.complaint_details set {column} = {chance.choice(values)} where complaint_id = %s"
                    )
                    cursor.execute(told, (one,))
                conn.commit()
        finally:
            cursor.execute(
                f"update read.complaint_details d set {column} = b.{column} from before b "
                "where d.complaint_id = b.complaint_id"
            )
            cursor.execute("drop table before")
            conn.commit()
    assert [one for one in seen if one not in changing] == [one for one in whole if one not in changing]


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ({"filters": {"nothing": ["x"]}}, "fields are: status,"),
        ({"exclude": {"open": ["maybe"]}}, "open:yes"),
        ({"sort": "random"}, "sorts are: newest,"),
        ({"first": date(2026, 2, 1), "last": date(2026, 1, 1)}, "exchange"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_can(wrong: Any, hint: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Search(**wrong)
    assert hint in str(refused.value.hint)


@pytest.mark.parametrize("grain", GRAINS)
@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_g2_the_function_for_any_filter_counts_the_same_as_the_sums(pool: Pool, dimension: str, grain: str) -> None:
    scheme = {"product": "product_scheme", "issue": "product_scheme", "region": "region_scheme"}.get(dimension, "''")
    key = "''" if dimension == "all" else dimension
    first_day = "date '0001-01-01'" if grain == "all_time" else f"date_trunc('{grain}', day)::date"
    of_requests = (
        f"select {scheme}, {key}, {first_day}, {', '.join(f'sum({name})::bigint' for name in MEASURES)} "
        "from read.complaint_measures() group by 1, 2, 3"
    )
    sums = (
        f"select scheme, key, first_day, {', '.join(MEASURES)} from read.resolution_statistics "
        "where dimension = %s and grain = %s"
    )
    with pool.cursor() as cursor:
        cursor.execute(of_requests)
        asked = set(cursor.fetchall())
        cursor.execute(sums, (dimension, grain))
        kept = set(cursor.fetchall())
    assert asked == kept
    assert asked


def test_g2_alerts_take_the_same_complaints_for_valid_as_the_figures(pool: Pool) -> None:
    with pool.cursor() as cursor:
        cursor.execute(f"select d.complaint_id from read.complaint_details d where {IS_VALID} order by 1")
        taken = cursor.fetchall()
        cursor.execute("select complaint_id from read.complaint_measures() where valid = 1 order by 1")
        assert taken == cursor.fetchall()
    assert taken
