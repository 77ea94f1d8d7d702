"""What stands out: rises, themes and leaks on the first and last instants of their days, against the reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import httpx
import pytest

from adapters import oversight
from adapters.database import Pool
from api.worklists import _behind_alert
from domain.calendar import start_of_day
from domain.complaint.ending import Closed, Withdrawn
from domain.complaint.filing import Filed
from domain.complaint.handling import Referred
from domain.complaint.negotiation import Routed
from domain.complaint.settlement import Resolved
from domain.complaint.state import RequestKind
from domain.event import Event
from domain.merchant.registration import MergedInto, Registered
from domain.subject.consents import ConsentsOpened
from domain.subject.leaks import LeakRecorded
from domain.values import Channel, Code
from tests.conftest import create_database
from tests.filled import fill
from tests.integration.level import ACTOR, BY, CONSUMER, complaint_id, merchant_id
from tests.integration.test_http import Server
from tests.reference import figures as reference

TODAY = date(2026, 3, 10)
INSTANT = timedelta(microseconds=1)
RECENT, END = start_of_day(TODAY - timedelta(days=7)), start_of_day(TODAY)
BASE = start_of_day(TODAY - timedelta(days=63))
MIDST, LONG_AGO = RECENT + timedelta(days=3, hours=5), BASE + timedelta(days=20)
WESTLAKE, BINJIANG, CITY, CIXI = (("GB/T 2260", code) for code in ("330106", "330108", "330100", "330282"))
PROVINCE, ELSEWHERE = ("GB/T 2260", "330000"), ("other list", "330106")
TWO_LISTS = [f"two-lists-{n}" for n in range(5)]
#: Into 6 was merged 5.
MERGED = {merchant_id(5): merchant_id(6)}

Group = tuple[str, int, str | None, tuple[str, str] | None, list[datetime]]


def groups() -> Iterator[Group]:
    """How it ended, the number of the merchant (0: not known), the scenario, the region, and when each was filed."""
    edges = [RECENT, END - INSTANT]
    # Ten and three times the average; ten and less than that; nine, and one on each side of the days.
    yield "open", 1, None, None, [*edges, *[MIDST] * 8, *[BASE, RECENT - INSTANT] * 13, BASE - INSTANT, END]
    yield "open", 2, None, None, [*edges, *[MIDST] * 8, *[LONG_AGO] * 26, RECENT - INSTANT]
    yield "open", 3, None, None, [*[MIDST] * 9, END, RECENT - INSTANT]
    yield "open", 4, "great", WESTLAKE, [MIDST + n * INSTANT for n in range(110, 0, -1)]
    yield "open", 5, None, None, [MIDST] * 5
    yield "open", 6, None, None, [MIDST] * 5
    # As many, but not all of them valid.
    yield "open", 7, None, None, [MIDST] * 9
    for ending in ("withdrawn", "unfounded", "referred", "consultation"):
        yield ending, 7, None, None, [MIDST] * 20
        yield ending, 8, "not-valid", WESTLAKE, [MIDST] * 30
    # Three times the average exactly.
    yield "resolved", 8, None, None, [*[MIDST] * 12, *[LONG_AGO] * 32]
    yield "open", 0, "exactly", BINJIANG, [*[MIDST] * 24, *[LONG_AGO] * 64]
    # The same scenario and code of two lists; just enough, and just too many before.
    for scenario in TWO_LISTS:
        yield "open", 0, scenario, WESTLAKE, [*edges, *[MIDST] * 18]
        yield "open", 0, scenario, ELSEWHERE, [*edges, *[MIDST] * 18]
    yield "closed", 0, "enough", WESTLAKE, [*edges, *[MIDST] * 18, BASE, RECENT - INSTANT, *[LONG_AGO] * 51, END]
    yield "withdrawn", 0, "enough", WESTLAKE, [MIDST] * 5
    yield "open", 0, "too-many-before", WESTLAKE, [*edges, *[MIDST] * 18, BASE, RECENT - INSTANT, *[LONG_AGO] * 52]
    yield "open", 0, "too-few", WESTLAKE, [RECENT - INSTANT, END, *[MIDST] * 19]
    yield "open", 0, "in-a-city", WESTLAKE, [MIDST] * 25
    yield "open", 0, "in-a-city", BINJIANG, [MIDST] * 12
    yield "open", 0, "in-a-city", CITY, [*[MIDST] * 8, *[LONG_AGO] * 50]
    yield "open", 0, "in-a-city", CIXI, [MIDST] * 15
    yield "open", 0, "in-a-province", CIXI, [MIDST] * 12
    yield "open", 0, "in-a-province", PROVINCE, [MIDST] * 8
    yield "open", 0, None, WESTLAKE, [MIDST] * 30
    yield "open", 0, "nowhere", None, [MIDST] * 30


def complaint(ending: str, merchant: int, scenario: str | None, region: tuple[str, str] | None, at: datetime) -> Any:
    by: dict[str, Any] = {"occurred_at": at, "actor": ACTOR}
    yield Filed(
        **by,
        kind=RequestKind.CONSULTATION if ending == "consultation" else RequestKind.COMPLAINT,
        consumer_id=CONSUMER,
        channel=Channel.APP,
        scheme="free",
        product="p",
        scenario=scenario,
        region=None if region is None else Code(scheme=region[0], value=region[1]),
    )
    if merchant:
        yield Routed(**by, merchant_id=merchant_id(merchant))
    match ending:
        case "withdrawn":
            yield Withdrawn(**by)
        case "unfounded":
            yield Closed(**by, ground="unfounded")
        case "closed":
            yield Closed(**by, ground="no_agreement")
        case "resolved":
            yield Resolved(**by, basis="agreement")
        case "referred":
            yield Referred(**by, addressee="a", reason="r")


@cache
def requests() -> Mapping[str, list[Event]]:
    lived = [
        list(complaint(ending, merchant, scenario, region, at))
        for ending, merchant, scenario, region, times in groups()
        for at in times
    ]
    # In an order of ids that is not that of their filing.
    return {complaint_id(n * 7 % len(lived)): events for n, events in enumerate(lived)}


LEAKS = {
    n: [ConsentsOpened(**BY, consumer_id=CONSUMER), *(LeakRecorded(**leak) for leak in told)]
    for n, told in enumerate(
        [
            [
                {"occurred_at": at, "actor": ACTOR, "source": source, "what": "addresses", "complaints": ()}
                for at, source in ((start_of_day(TODAY - timedelta(days=30)) - INSTANT, "too old"),)
            ],
            [
                {
                    "occurred_at": at,
                    "actor": ACTOR,
                    "source": source,
                    "what": "addresses",
                    "complaints": (complaint_id(2), complaint_id(1)),
                }
                for at, source in ((start_of_day(TODAY - timedelta(days=30)), "old"), (MIDST, "new"))
            ],
        ],
        1,
    )
}


@pytest.fixture(scope="module")
def url(postgres_url: str) -> str:
    url = create_database(postgres_url, "alerts")
    streams: dict[str, list[Event]] = {merchant_id(n): [Registered(**BY, trade_name=f"M {n}")] for n in range(1, 9)}
    streams[merchant_id(5)].append(MergedInto(**BY, into=merchant_id(6), basis="b"))
    streams |= {f"subject-77777777-0000-4000-8000-{n:012}": events for n, events in LEAKS.items()}
    fill(url, {**streams, **requests()})
    return url


@pytest.fixture(scope="module")
def pool(url: str) -> Iterator[Pool]:
    with closing(Pool(url, "ledger_api")) as pool:
        yield pool


def told(pool: Pool, kind: str) -> list[dict[str, Any]]:
    return [one for one in oversight.alerts(pool, today=TODAY) if one["kind"] == kind]


def cited(events: list[Any]) -> list[str]:
    """The first hundred by id."""
    ids = {id(own): stream for stream, own in requests().items()}
    return sorted(ids[id(one)] for one in events)[:100]


def test_a_rise_is_of_ten_in_seven_days_in_shanghai_and_cites_its_first_hundred_complaints(pool: Pool) -> None:
    rises = reference.sudden_rises(requests().values(), TODAY, survivors=MERGED)
    expected = sorted((-len(own), who) for who, own in rises.items())
    assert [who for _, who in expected] == [merchant_id(n) for n in (4, 8, 1, 6)]
    found = told(pool, "sudden_rise")
    assert [(one["merchant_id"], one["recent"], one["base"], one["complaints"]) for one in found] == [
        (who, -n, {merchant_id(1): 26, merchant_id(8): 32}.get(who, 0), cited(rises[who])) for n, who in expected
    ]
    assert {one["merchant"] for one in found} == {"M 4", "M 1", "M 6", "M 8"}
    assert {(one["first"], one["last"]) for one in found} == {
        (TODAY - timedelta(days=7), TODAY - timedelta(days=1)),
    }


def test_themes_are_in_order_also_those_of_one_code_of_two_lists(pool: Pool) -> None:
    themes = reference.themes(list(requests().values()), TODAY)
    assert {scenario for scenario, _ in themes} == {
        "great",
        "enough",
        "exactly",
        "in-a-city",
        "in-a-province",
        *TWO_LISTS,
    }
    expected = sorted((-len(own), scenario, code, scheme) for (scenario, (scheme, code)), own in themes.items())
    assert [one[1:] for one in expected if one[1] in TWO_LISTS] == [
        (scenario, "330106", scheme) for scenario in TWO_LISTS for scheme in ("GB/T 2260", "other list")
    ]
    found = told(pool, "theme")
    assert [(-one["recent"], one["scenario"], one["region"], one["scheme"]) for one in found] == expected
    for one in found:
        own = themes[one["scenario"], (one["scheme"], one["region"])]
        assert one["complaints"] == cited(own)
        assert one["base"] == {"enough": 53, "exactly": 64}.get(one["scenario"], 50 if one["region"] == "330100" else 0)


def test_all_complaints_of_a_rise_or_theme_are_listed_behind_it_and_those_of_another_code_list_are_not(
    pool: Pool, url: str
) -> None:
    server = Server(url)
    try:
        with server.client() as http:
            for one in (*told(pool, "sudden_rise"), *told(pool, "theme")):
                behind = _listed(http, _behind_alert(one)["behind"])
                assert len(behind) == one["recent"]
                assert behind[:100] == one["complaints"]
    finally:
        server.stop()


def _listed(http: httpx.Client, link: str) -> list[str]:
    page = http.get(f"{link}&limit=500").json()
    assert page["count"] == len(page["items"])
    return [one["complaint_id"] for one in page["items"]]


def test_b12_a_leak_is_an_alert_until_thirty_days_are_over(pool: Pool) -> None:
    assert [(one["source"], one["recorded_at"], one["complaints"]) for one in told(pool, "data_leak")] == [
        ("new", MIDST.astimezone(UTC), [complaint_id(1), complaint_id(2)]),
        ("old", start_of_day(TODAY - timedelta(days=30)), [complaint_id(1), complaint_id(2)]),
    ]
