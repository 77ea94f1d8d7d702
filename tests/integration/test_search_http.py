"""Searches and worklists over HTTP: what is asked for reaches them, pages follow one another, cursors are checked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from adapters.search import SORTS, Search
from api.paging import write_cursor
from domain.values import Actor, Role
from tests.conftest import create_database
from tests.domain.scenario import CONSUMER, MERCHANT, MERCHANT_ID
from tests.filled import fill
from tests.integration.test_http import Server, ok, refused
from tests.integration.test_search_reference import NOW, streams
from tests.integration.test_worklists_reference import lists, merged
from tests.reference import searched
from tests.reference.history import filing
from tests.reference.searched import Known


@pytest.fixture(scope="module")
def complaints() -> list[Known]:
    """What is known of all complaints."""
    return [searched.known(stream, events) for stream, events in streams().items() if stream.startswith("complaint-")]


@pytest.fixture(scope="module")
def server(postgres_url: str) -> Iterator[Server]:
    """The API on these complaints."""
    url = create_database(postgres_url, "searched_http")
    fill(url, {**streams(), **merged()})
    server = Server(url)
    yield server
    server.stop()


def pages(http: httpx.Client, path: str, **params: Any) -> list[list[str]]:
    """The ids on each page, to the last."""
    found: list[list[str]] = []
    cursor = None
    while cursor is not None or not found:
        page = ok(http.get(path, params={**params, **({} if cursor is None else {"cursor": cursor})}))
        found.append([item["complaint_id"] for item in page["items"]])
        cursor = page["next"]
        assert len(found) < 500
    return found


@pytest.mark.parametrize("sort", SORTS)
def test_pages_of_a_search_follow_one_another_in_every_order(
    http: httpx.Client, complaints: list[Known], sort: str
) -> None:
    expected = searched.found(complaints, Search({"open": ["yes"]}, sort=sort), NOW)
    size = next(size for size in range(7, 20) if len(expected) % size == 0 or size == 19)
    found = pages(http, "/complaints", filter="open:yes", sort=sort, limit=size)
    assert [one for page in found for one in page] == expected
    assert {len(page) for page in found[:-1]} == {size}
    assert found[-1]
    assert len(pages(http, "/complaints", filter="open:yes", sort=sort, limit=500)) == 1
    exact = pages(http, "/complaints", filter="open:yes", sort=sort, limit=len(expected))
    assert [len(page) for page in exact] == [len(expected)]


def test_pages_of_worklists_follow_one_another(http: httpx.Client, complaints: list[Known]) -> None:
    longest = {of: (whose, own) for of, whose, own in sorted(lists(complaints), key=lambda one: len(one[2]))}
    for of, (whose, own) in longest.items():
        found = pages(http, f"/worklists/{of}/{whose}", limit=4)
        assert [one for page in found for one in page] == [one.stream for one in own]
        assert {len(page) for page in found[:-1]} <= {4}
        assert found[-1]
        assert len(pages(http, f"/worklists/{of}/{whose}", limit=len(own))) == 1


STRANGER = "merchant-99999999-9999-4999-8999-999999999999"
ASKED: tuple[tuple[list[Any], Search], ...] = (
    (
        [("filter", "region:330000"), ("filter", "region:310115"), ("filter", "kind:complaint")],
        Search({"region": ["330000", "310115"], "kind": ["complaint"]}),
    ),
    (
        [("exclude", "channel:web"), ("exclude", "overdue:yes")],
        Search(exclude={"channel": ["web"], "overdue": ["yes"]}),
    ),
    # What has a parameter of its own is an alternative like the others.
    ([("filter", "status:routed"), ("status", "answered")], Search({"status": ["routed", "answered"]})),
    (
        [("filter", f"merchant:{MERCHANT_ID}"), ("merchant_id", STRANGER)],
        Search({"merchant": [MERCHANT_ID, STRANGER]}),
    ),
    ([("merchant_id", MERCHANT_ID)], Search({"merchant": [MERCHANT_ID]})),
    ([("from", "2026-03-02"), ("to", "2026-03-31")], Search(first=date(2026, 3, 2), last=date(2026, 3, 31))),
    ([("least_fen", 1), ("most_fen", 10_000)], Search(least_fen=1, most_fen=10_000)),
)


@pytest.mark.parametrize(("params", "wanted"), ASKED)
def test_what_is_asked_over_http_is_asked_of_the_search(
    http: httpx.Client, complaints: list[Known], params: list[Any], wanted: Search
) -> None:
    expected = searched.found(complaints, wanted, datetime.now(UTC))
    found = ok(http.get("/complaints", params=[*params, ("limit", 500)]))["items"]
    assert [one["complaint_id"] for one in found] == expected
    assert ok(http.get("/complaints/facets", params=params))["count"] == len(expected)
    assert 0 < len(expected) < len(complaints)


FORGED = (
    ("newest", ["x", "complaint-1"]),
    ("newest", ["2026-03-02T00:00:00", "complaint-1"]),
    ("newest", [7, "complaint-1"]),
    ("due", ["2026-03-02T00:00:00+00:00"]),
    ("due", ["-infinity", "complaint-1"]),
    ("amount", ["-1", "complaint-1"]),
    ("amount", [str(2**63), "complaint-1"]),
    ("amount", ["infinity", "complaint-1"]),
    ("amount", ["１００", "complaint-1"]),
    ("amount", ["1_000", "complaint-1"]),
)


@pytest.mark.parametrize(("sort", "values"), FORGED)
def test_a_cursor_that_was_not_given_is_refused(http: httpx.Client, sort: str, values: list[Any]) -> None:
    told = refused(http.get("/complaints", params={"sort": sort, "cursor": write_cursor(*values)}), 422, "invalid")
    assert "next" in told["hint"]


@pytest.mark.parametrize("due", ["x", "2026-03-02T00:00:00", "infinity"])
def test_a_cursor_of_a_worklist_that_was_not_given_is_refused(http: httpx.Client, due: str) -> None:
    given = {"cursor": write_cursor(due, "complaint-1")}
    assert "next" in refused(http.get(f"/worklists/consumer/{CONSUMER.id}", params=given), 422, "invalid")["hint"]


@pytest.mark.parametrize("amount", [0, 2**63 - 1])
def test_a_page_begins_behind_any_sum(http: httpx.Client, complaints: list[Known], amount: int) -> None:
    cursor = write_cursor(str(amount), "complaint-")
    found = ok(http.get("/complaints", params={"sort": "amount", "cursor": cursor, "limit": 500}))["items"]
    assert len(found) == sum(one.fen < amount for one in complaints)


#: Who may search what everybody wrote.
ALL = {Role.REGULATOR, Role.APPEAL_REVIEWER, Role.MEDIATOR, Role.ADJUDICATOR, Role.AUDITOR, Role.SERVICE}


@pytest.mark.parametrize("role", Role)
def test_each_role_searches_all_texts_or_its_own_or_none(server: Server, complaints: list[Known], role: Role) -> None:
    own = {Role.CONSUMER: ("consumer", CONSUMER.id), Role.MERCHANT: ("merchant", MERCHANT_ID)}
    by = {Role.CONSUMER: CONSUMER, Role.MERCHANT: MERCHANT}.get(role, Actor(CONSUMER.id, role))
    with server.client(by) as client:
        # Without words anybody searches all.
        assert len(ok(client.get("/complaints", params={"limit": 500}))["items"]) == len(complaints)
        answer = client.get("/complaints", params={"limit": 500, "q": "phone"})
        counted = client.get("/complaints/facets", params={"q": "phone"})
    if role not in ALL and role not in own:
        refused(answer, 403, "forbidden")
        refused(counted, 403, "forbidden")
        return
    written = [one for one in complaints if "phone" in filing(one.events).product]
    expected = searched.found(written, Search(whose=own.get(role)), NOW)
    assert [one["complaint_id"] for one in ok(answer)["items"]] == expected
    assert ok(counted)["count"] == len(expected) > 0
