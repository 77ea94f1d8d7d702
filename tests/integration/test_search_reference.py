"""Search against the reference: every field, exclusion, order, page and facet, straight from the events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from adapters import search as search_module
from adapters.database import Pool
from adapters.search import FACETS, FIELDS, SORTS, YES_NO, Search, facets, search
from domain.calendar import day_of, start_of_day
from domain.complaint import ending
from domain.event import Event
from domain.merchant.registration import Registered
from domain.values import Code, Money
from tests.conftest import create_database
from tests.domain.lives import MEDIATING, SETTLE, lapsed, lived, step
from tests.domain.random_lives import a_life
from tests.domain.scenario import CONSUMER, MERCHANT_ID, REGULATOR, day
from tests.domain.test_advances import ASKED, LATE, paid
from tests.domain.test_publication import PROMISED
from tests.filled import fill
from tests.integration.test_worklists import fixed
from tests.reference import searched
from tests.reference.history import filing
from tests.reference.searched import Known

LIVES = 350
QUESTIONS = 200
NOW = datetime(2026, 4, 20, 4, tzinfo=UTC)
#: Divisions: some of counties whose code ends in one zero, or stands behind all cities; and codes of other lists, of
#: which one looks like a city.
GB_CODES = ("330106", "330110", "330100", "330199", "331002", "310115", "110101", "419001")
REGIONS = (
    *(Code(scheme="GB/T 2260", value=value) for value in GB_CODES),
    *(Code(scheme="zip", value=value) for value in ("33021", "94100", "330100", "CA")),
)
DIVISIONS = (
    "330000",
    "330100",
    "330110",
    "410000",
    "310000",
    "331000",
    "110000",
    "000000",
    "94100",
    "3300000",
    "33",
    "3300",
    "00",
)
TIES = (day(0), day(30), start_of_day(date(2026, 4, 1)), start_of_day(date(2026, 4, 1)) - timedelta(microseconds=1))
#: Withdrawn before the fund paid what it had been asked for.
PAID_LATER: Sequence[Event] = (
    *lived(step(ending.reopen, LATE, CONSUMER, reason="unpaid"), step(ending.withdraw, LATE, CONSUMER), since=ASKED),
    paid(performs=False),
)
#: Closed while the term runs after which it is public: that passes later, and leaves nothing overdue.
CLOSED_IN_TIME = lived(step(ending.close, day(1), REGULATOR, ground="no_agreement"), since=PROMISED)
LISTS = (("free", "my words"), ("own-list", "phone"), ("own-list", "cooker"), ("other-list", "phone"))


def moved(chance: Random, life: Sequence[Event]) -> Sequence[Event]:
    """The same life, filed in the same moment as others, or where a day begins; from anywhere; for any sum."""
    first, *rest = life
    scheme, product = chance.choice(LISTS)
    issue = chance.choice((None, "late", "broken"))
    changed: dict[str, Any] = {"scheme": scheme, "product": product, "issue": issue}
    changed |= {"occurred_at": min(chance.choice((*TIES, first.occurred_at)), first.occurred_at)}
    changed |= {"region": chance.choice((None, *REGIONS)), "stage": chance.choice((None, "before", "after"))}
    changed |= {"scenario": chance.choice([None, *(f"scenario-{n:02d}" for n in range(25))])}
    if filing(life).joint is None:
        changed["claim"] = chance.choice(
            (None, Money(fen=0), Money(fen=10_000), Money(fen=10_001), Money(fen=5, currency="USD"))
        )
    return [first.model_copy(update=changed), *rest]


def streams() -> dict[str, Sequence[Event]]:
    chance = Random(11)
    lives = [moved(chance, a_life(chance, chance.randint(0, 25))) for _ in range(LIVES)]
    agreed = lived(SETTLE, since=MEDIATING)
    lives += [*fixed(), agreed, (*agreed, *lapsed(agreed, day(200))), PAID_LATER, CLOSED_IN_TIME]
    chance.shuffle(lives)
    found: dict[str, Sequence[Event]] = {
        f"complaint-dddddddd-0000-4000-8000-{n:012x}": one for n, one in enumerate(lives)
    }
    found[MERCHANT_ID] = [Registered(occurred_at=day(0), actor=REGULATOR, trade_name="Great")]
    return found


@pytest.fixture(scope="module")
def complaints() -> list[Known]:
    """What is known of all complaints."""
    return [searched.known(stream, events) for stream, events in streams().items() if stream.startswith("complaint-")]


@pytest.fixture(scope="module")
def pool(postgres_url: str) -> Iterator[Pool]:
    """Connections of the API."""
    url = create_database(postgres_url, "searched_reference")
    fill(url, streams())
    pool = Pool(url, "ledger_api")
    yield pool
    pool.close()


def some(chance: Random, complaints: Sequence[Known], most: int) -> dict[str, list[str]]:
    """Conditions by chance, of values that complaints have, are not known to have, and of divisions."""
    wanted: dict[str, list[str]] = {}
    for name in chance.sample([*FIELDS, *YES_NO, "region", "overdue"], chance.randint(0, most)):
        if name in YES_NO:
            wanted[name] = chance.choice((["yes"], ["no"], ["yes", "no"]))
            continue
        values = [one.values[name] for one in complaints]
        chosen = [chance.choice(values) for _ in range(chance.randint(1, 3))]
        wanted[name] = [*chosen, chance.choice(DIVISIONS)] if name == "region" else chosen
    return wanted


def instants(complaints: Sequence[Known]) -> list[datetime]:
    """Moments in which something falls due, and those around them."""
    dues = [one.due for one in complaints if one.due != searched.FOREVER]
    near = timedelta(microseconds=1)
    return [NOW, *(due + by for due in dues for by in (-near, timedelta(0), near))]


def question(chance: Random, complaints: Sequence[Known]) -> Search:
    days = sorted(chance.choice([day_of(one.filed_at) for one in complaints]) for _ in range(2))
    sums = [0, 1, 9_999, 10_000, 10_001]
    return Search(
        some(chance, complaints, 2),
        some(chance, complaints, 1),
        first=days[0] if chance.random() < 0.2 else None,
        last=days[1] if chance.random() < 0.2 else None,
        least_fen=chance.choice(sums) if chance.random() < 0.1 else None,
        most_fen=chance.choice(sums) if chance.random() < 0.1 else None,
        sort=chance.choice(list(SORTS)),
        whose=("consumer", chance.choice(complaints).values["consumer"]) if chance.random() < 0.1 else None,
    )


def asked(pool: Pool, wanted: Search, now: datetime) -> list[str]:
    return [row["complaint_id"] for row in search(pool, wanted, now=now, limit=10_000)[0]]


def assert_facets(pool: Pool, complaints: Sequence[Known], wanted: Search, now: datetime) -> None:
    told = facets(pool, wanted, now=now)
    whole = len(searched.found(complaints, replace(wanted, sort="newest"), now))
    assert (told["count"], told["exact"]) == (whole, True)
    assert tuple(told["facets"]) == FACETS == searched.FACETS
    for name, one in told["facets"].items():
        own = one["of"], [(value["value"], value["count"]) for value in one["values"]]
        assert (name, *own) == (name, *searched.facet(complaints, wanted, name, now))
        assert one["exact"]


def test_whatever_is_asked_a_search_and_its_facets_answer_as_the_events_do(pool: Pool, complaints: list[Known]) -> None:
    chance = Random(5)
    times = instants(complaints)
    sizes = []
    for _ in range(QUESTIONS):
        wanted, now = question(chance, complaints), chance.choice(times)
        expected = searched.found(complaints, wanted, now)
        assert asked(pool, wanted, now) == expected, wanted
        sizes.append(len(expected))
        if chance.random() < 0.25:
            assert_facets(pool, complaints, wanted, now)
    assert sum(size > 0 for size in sizes) > QUESTIONS / 3


@pytest.mark.parametrize("field", [*FIELDS, *YES_NO])
def test_a_field_holds_and_is_excluded_as_the_events_say(pool: Pool, complaints: list[Known], field: str) -> None:
    values = ["yes", "no"] if field in YES_NO else sorted({one.values[field] for one in complaints})
    assert len(values) > 1 or field == "platform"
    for value in values[:25]:
        for wanted in (Search({field: [value]}), Search(exclude={field: [value]})):
            expected = searched.found(complaints, wanted, NOW)
            assert asked(pool, wanted, NOW) == expected, wanted
            assert expected or field not in YES_NO or value == "no"


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("size", [1, 7, 100])
def test_pages_follow_one_another_as_the_events_do(pool: Pool, complaints: list[Known], sort: str, size: int) -> None:
    wanted = Search({"kind": ["complaint", "report"]} if size > 1 else {"region": ["330000"]}, sort=sort)
    seen: list[str] = []
    after = None
    while page := search(pool, wanted, now=NOW, after=after, limit=size):
        rows, places, _ = page
        if not rows:
            break
        seen += [row["complaint_id"] for row in rows]
        after = places[-1]
        assert len(seen) <= len(complaints)
    assert seen == searched.found(complaints, wanted, NOW)
    assert len(seen) > 20


@pytest.mark.parametrize("division", DIVISIONS)
def test_a_division_stands_for_all_within_it_and_for_no_code_of_another_list(
    pool: Pool, complaints: list[Known], division: str
) -> None:
    for wanted in (Search({"region": [division]}), Search({"region": [division, ""]})):
        assert asked(pool, wanted, NOW) == searched.found(complaints, wanted, NOW)
    assert asked(pool, Search({"product": [division]}), NOW) == []
    without = Search(exclude={"region": [division]})
    assert asked(pool, without, NOW) == searched.found(complaints, without, NOW)


@pytest.mark.parametrize("first", [date(2026, 3, 31), date(2026, 4, 1)])
def test_a_day_of_filing_is_one_of_shanghai_to_its_last_instant(
    pool: Pool, complaints: list[Known], first: date
) -> None:
    for wanted in (Search(first=first, last=first), Search(first=first), Search(last=first)):
        expected = searched.found(complaints, wanted, NOW)
        assert expected
        assert asked(pool, wanted, NOW) == expected


def test_a_term_is_overdue_after_its_due_instant_and_not_in_it(pool: Pool, complaints: list[Known]) -> None:
    late = Search({"overdue": ["yes"]})
    dues = sorted({one.due for one in complaints if one.due != searched.FOREVER})
    passed = 0
    for due in (*dues[:: max(len(dues) // 15, 1)], dues[-1]):
        before, then, since = (due + timedelta(microseconds=by) for by in (-1, 0, 1))
        for now in (before, then, since):
            assert asked(pool, late, now) == searched.found(complaints, late, now)
        assert asked(pool, late, before) == asked(pool, late, then)
        passed += asked(pool, late, since) != asked(pool, late, then)
    assert passed > 5


def test_a_facet_says_that_products_in_own_words_are_not_known(pool: Pool, complaints: list[Known]) -> None:
    found = facets(pool, Search(), now=NOW)["facets"]["product"]["values"]
    unknown = [one["count"] for one in found if one["value"] is None]
    assert unknown == [sum(not one.values["product"] for one in complaints)]
    assert "" not in [one["value"] for one in found]
    assert len(asked(pool, Search({"product": [""]}), NOW)) == unknown[0]


def test_what_is_found_names_the_merchant_it_is_about_if_it_is_registered(pool: Pool, complaints: list[Known]) -> None:
    names: Mapping[str | None, str] = {MERCHANT_ID: "Great"}
    found, _, _ = search(pool, Search(), now=NOW, limit=10_000)
    assert len(found) == len(complaints)
    assert [row["merchant"] for row in found] == [names.get(row["merchant_id"]) for row in found]
    assert {row["merchant"] for row in found} == {"Great", None}
    told = facets(pool, Search(), now=NOW)["facets"]["merchant"]["values"]
    assert [one["title"] for one in told] == [names.get(one["value"]) for one in told]


@pytest.mark.parametrize("few", [0, search_module.FEW])
@pytest.mark.parametrize("above", [-1, 0, 1])
@pytest.mark.parametrize(
    "wanted",
    [
        Search(),
        Search({"kind": ["complaint"]}),
        Search(text="phone"),
        Search({"kind": ["complaint"]}, {"status": ["closed"]}, text="phone"),
        Search({"status": ["closed"]}, least_fen=1, text="phone"),
    ],
)
def test_counts_are_exact_up_to_so_many_matches_and_marked_from_the_next_one_on(
    pool: Pool, complaints: list[Known], monkeypatch: pytest.MonkeyPatch, wanted: Search, above: int, few: int
) -> None:
    written = [one for one in complaints if wanted.text is None or filing(one.events).product == "phone"]
    matches = len(searched.found(written, wanted, NOW))
    exact, some = matches + above, 2
    monkeypatch.setattr(search_module, "EXACT", exact)
    monkeypatch.setattr(search_module, "SOME", some)
    monkeypatch.setattr(search_module, "FEW", few)
    told = facets(pool, wanted, now=NOW)
    assert (told["count"], told["exact"]) == (min(matches, exact), above >= 0)
    for name, one in told["facets"].items():
        of, values = searched.facet(written, wanted, name, NOW)
        assert one["exact"] == (of <= exact)
        if one["exact"]:
            assert (one["of"], [(value["value"], value["count"]) for value in one["values"]]) == (of, values)
        else:
            # Those that were looked up one by one are counted to the first beyond.
            assert one["of"] == (some if above < 0 and (few == 0 or wanted.text is None) else exact + 1)
            assert sum(value["count"] for value in one["values"]) <= one["of"]
