"""The HTTP API as its users meet it: over a real socket, on a real ledger, with relay and projector running."""

from __future__ import annotations

import base64
import itertools
import json
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import uvicorn

from adapters.embedded.postgres import PostgresServer
from adapters.execute import open_ledger
from adapters.migrations import migrate
from adapters.orders import OrderSource
from adapters.projector import ProjectorSettings, run_projector, wait_until_projected
from adapters.relay import RelaySettings, run_relay
from adapters.topics import ensure_topics
from api import tokens
from api.http import create_app
from api.limits import MAX_BODY_BYTES
from api.paging import write_cursor
from domain.values import Actor, Role
from tests.conftest import create_database, running

KEY = b"a service key for tests"
CONSUMER = Actor("11111111-1111-4111-8111-111111111111", Role.CONSUMER)
REGULATOR = Actor("33333333-3333-4333-8333-333333333333", Role.REGULATOR)
COMPLAINT = {
    "consumer_id": CONSUMER.id,
    "channel": "app",
    "scheme": "GB/T 36431",
    "product": "电饭锅",
    "claim": {"fen": 19_900},
}
_names = itertools.count(1)


def token(actor: Actor, valid_for: timedelta = timedelta(hours=1), key: bytes = KEY) -> str:
    return tokens.issue(key, actor, now=datetime.now(UTC), valid_for=valid_for)


class Server:
    """The application on a socket of its own."""

    def __init__(self, database_url: str, requests_per_s: float = 1e6, orders: OrderSource | None = None) -> None:
        self.ledger = open_ledger(database_url)
        app = create_app(self.ledger, KEY, requests_per_s, orders)
        # Named as TCP, or asyncio would leave Nagle's algorithm on, which costs 40 ms an answer.
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen()
        self.server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]})
        self.thread.start()
        self.port: int = self.socket.getsockname()[1]

    def client(self, actor: Actor = REGULATOR) -> httpx.Client:
        return httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}",
            headers={"Authorization": f"Bearer {token(actor)}"},
            timeout=60,
        )

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join()
        self.ledger.close()
        self.socket.close()


@pytest.fixture(scope="module")
def server(postgres_url: str, kafka_bootstrap: str) -> Iterator[Server]:
    """The whole system for this file: API, relay and projector."""
    database_url = create_database(postgres_url, f"http_{uuid.uuid4().hex[:8]}")
    prefix = f"http-{uuid.uuid4().hex[:8]}."
    ensure_topics(kafka_bootstrap, prefix)
    where = (database_url, kafka_bootstrap, prefix)
    with (
        running(lambda stop: run_relay(RelaySettings(*where), stop)),
        running(lambda stop: run_projector(ProjectorSettings(*where), stop)),
    ):
        server = Server(database_url)
        with server.client() as client:
            first = client.post("/merchants", json={"trade_name": "the first"}).json()["position"]
        # A projector may take a while to join its group; from then on it keeps up.
        assert wait_until_projected(database_url, first, 90)
        yield server
        server.stop()


def ok(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    return body


def refused(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    """A problem of this status and kind, with something said in it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["type"] == f"urn:complaint-ledger:problem:{kind}"
    assert body["status"] == status
    assert body["detail"]
    return body


def merchant(http: httpx.Client, name: str | None = None) -> dict[str, Any]:
    return ok(http.post("/merchants", json={"trade_name": name or f"merchant {next(_names)}"}), 201)


def file(http: httpx.Client, **changes: Any) -> dict[str, Any]:
    return ok(http.post("/complaints", json=COMPLAINT | changes), 201)


def test_a_complaint_goes_its_way_and_is_read_back_at_every_version(http: httpx.Client) -> None:
    filed = http.post("/complaints", json=COMPLAINT)
    complaint = ok(filed, 201)["id"]
    assert filed.headers["location"] == f"/complaints/{complaint}"
    assert filed.headers["etag"] == '"1"'
    path = f"/complaints/{complaint}"
    ok(http.post(f"{path}/routing", json={"merchant_id": merchant(http)["id"]}))
    relief = {"kind": "monetary_relief", "relief": {"fen": 5_000}}
    ok(http.post(f"{path}/answer", json=relief))
    done = http.post(f"{path}/resolution", json={"basis": "agreement", "recovered": {"fen": 5_000}})
    assert done.headers["etag"] == '"4"'

    now = http.get(path)
    assert now.headers["etag"] == '"4"'
    assert ok(now)["recovered_fen"] == 5_000
    statuses = [ok(http.get(path, params={"version": version}))["status"] for version in (1, 2, 3, 4)]
    assert statuses == ["filed", "routed", "answered", "resolved"]
    events = ok(http.get(f"{path}/events"))["items"]
    assert [event["type"] for event in events] == [
        "complaint.filed",
        "complaint.routed",
        "complaint.answered",
        "complaint.resolved",
    ]
    assert ok(http.get(path, params={"at": events[1]["recorded_at"]}))["status"] == "routed"
    refused(http.get(path, params={"at": "2001-01-01T00:00:00Z"}), 404, "unknown")
    refused(http.get(path, params={"version": 5}), 404, "unknown")


def test_a_history_is_read_in_pages(http: httpx.Client) -> None:
    complaint = file(http)["id"]
    ok(http.post(f"/complaints/{complaint}/routing", json={"merchant_id": merchant(http)["id"]}))
    ok(http.post(f"/complaints/{complaint}/withdrawal", json={}))
    path = f"/complaints/{complaint}/events"
    first = ok(http.get(path, params={"limit": 2}))
    second = ok(http.get(path, params={"limit": 2, "after": first["next"]}))
    assert [event["version"] for event in first["items"] + second["items"]] == [1, 2, 3]
    assert second["next"] is None


def test_a_time_without_zone_is_refused(http: httpx.Client) -> None:
    complaint = file(http)["id"]
    refused(http.get(f"/complaints/{complaint}", params={"at": "2026-01-01T00:00:00"}), 422, "invalid")
    refused(http.post("/complaints", json=COMPLAINT | {"at": "2026-01-01T00:00:00"}), 422, "invalid")


def test_an_event_from_the_future_is_refused(http: httpx.Client) -> None:
    future = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert "future" in refused(http.post("/complaints", json=COMPLAINT | {"at": future}), 422, "invalid")["detail"]


def test_the_same_command_under_the_same_key_runs_once(http: httpx.Client) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first = ok(http.post("/complaints", json=COMPLAINT, headers=key), 201)
    second = ok(http.post("/complaints", json=COMPLAINT, headers=key), 201)
    assert (first["repeated"], second["repeated"]) == (False, True)
    assert first | {"repeated": True} == second
    refused(http.post("/complaints", json=COMPLAINT | {"product": "other"}, headers=key), 409, "reused-key")


def test_the_same_filing_sent_many_times_at_once_meets_itself(server: Server) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    answers: list[dict[str, Any]] = []

    def send() -> None:
        with server.client() as client:
            answers.append(ok(client.post("/complaints", json=COMPLAINT, headers=key), 201))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8
    assert len({answer["id"] for answer in answers}) == 1
    assert [answer["repeated"] for answer in answers].count(False) == 1


def test_if_match_of_an_old_version_is_refused_with_the_present_one(http: httpx.Client) -> None:
    complaint = file(http)["id"]
    ok(http.post(f"/complaints/{complaint}/routing", json={"merchant_id": merchant(http)["id"]}))
    stale = http.post(f"/complaints/{complaint}/withdrawal", json={}, headers={"If-Match": '"1"'})
    assert refused(stale, 412, "stale-version")["version"] == 2
    assert stale.headers["etag"] == '"2"'
    ok(http.post(f"/complaints/{complaint}/withdrawal", json={}, headers={"If-Match": stale.headers["etag"]}))


def test_an_action_against_a_rule_names_the_rule_and_what_would_help(http: httpx.Client) -> None:
    complaint = file(http)["id"]
    problem = refused(http.post(f"/complaints/{complaint}/answer", json={"kind": "explanation"}), 409, "rule-violation")
    assert problem["rule"] == "answer-once-when-routed"
    assert problem["hint"] == "it would have to be routed"


def test_what_does_not_exist_is_not_found(http: httpx.Client) -> None:
    nobody = f"complaint-{uuid.uuid4()}"
    refused(http.get(f"/complaints/{nobody}"), 404, "unknown")
    refused(http.get(f"/complaints/{nobody}/events"), 404, "unknown")
    refused(http.post(f"/complaints/{nobody}/withdrawal", json={}), 404, "unknown")
    refused(http.get(f"/merchants/merchant-{uuid.uuid4()}"), 404, "unknown")
    refused(http.get("/nowhere"), 404, "not-found")
    refused(http.delete("/merchants"), 405, "method-not-allowed")


def test_who_is_not_known_is_turned_away(server: Server) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}") as client:
        for headers in (
            {},
            {"Authorization": "Bearer nonsense"},
            {"Authorization": "Basic Zm9vOmJhcg=="},
            {"Authorization": f"Bearer {token(REGULATOR, timedelta(seconds=-1))}"},
            {"Authorization": f"Bearer {token(REGULATOR, key=b'somebody else of the trade')}"},
        ):
            answer = client.get("/complaints", headers=headers)
            refused(answer, 401, "unauthorized")
            assert answer.headers["www-authenticate"] == "Bearer"


def test_every_route_but_health_needs_a_token(server: Server) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}") as client:
        document = ok(client.get("/openapi.json"))
        for path, operations in document["paths"].items():
            for method in operations:
                address = path.replace("{complaint_id}", f"complaint-{uuid.uuid4()}")
                address = address.replace("{merchant_id}", f"merchant-{uuid.uuid4()}")
                address = address.replace("{office_id}", f"office-{uuid.uuid4()}").replace("{dimension}", "month")
                address = address.replace("{year}", "2026")
                answer = client.request(method, address, json={} if method == "post" else None)
                assert answer.status_code == (200 if path.startswith("/health/") else 401), (method, path)


BAD_BODIES: list[tuple[str, bytes, int, str]] = [
    ("not JSON", b"{", 400, "malformed"),
    ("empty", b"", 422, "invalid"),
    ("bad UTF-8", b'{"product":"\xff"}', 400, "bad-request"),
    ("deep", b"[" * 100_000, 400, "bad-request"),
    ("an array", b"[]", 422, "invalid"),
    ("a huge number", b'{"product":"x","channel":"app","claim":{"fen":' + b"9" * 4_000 + b"}}", 422, "invalid"),
    ("a number too long to read", b'{"claim":{"fen":' + b"9" * 9_000 + b"}}", 400, "bad-request"),
    ("a float", json.dumps(COMPLAINT | {"claim": {"fen": 1.5}}).encode(), 422, "invalid"),
    ("a negative amount", json.dumps(COMPLAINT | {"claim": {"fen": -1}}).encode(), 422, "invalid"),
    ("an unknown field", json.dumps(COMPLAINT | {"surprise": 1}).encode(), 422, "invalid"),
    ("an unknown channel", json.dumps(COMPLAINT | {"channel": "pigeon"}).encode(), 422, "invalid"),
    ("half a surrogate", json.dumps(COMPLAINT | {"product": "\ud800"}).encode(), 422, "invalid"),
    ("too long a text", json.dumps(COMPLAINT | {"narrative": "x" * 32_001}).encode(), 422, "invalid"),
    ("too large", b'{"narrative":"' + b"x" * MAX_BODY_BYTES + b'"}', 413, "content-too-large"),
]


@pytest.mark.parametrize(("body", "status", "kind"), [case[1:] for case in BAD_BODIES], ids=[c[0] for c in BAD_BODIES])
def test_a_bad_body_is_refused_clearly(http: httpx.Client, body: bytes, status: int, kind: str) -> None:
    refused(http.post("/complaints", content=body, headers={"Content-Type": "application/json"}), status, kind)


def test_a_body_of_another_type_is_refused(http: httpx.Client) -> None:
    refused(
        http.post("/complaints", content=b"a=b", headers={"Content-Type": "text/plain"}), 415, "unsupported-media-type"
    )


def test_a_record_that_would_be_too_large_is_refused_as_invalid(http: httpx.Client) -> None:
    assert (
        "60000"
        in refused(http.post("/complaints", json=COMPLAINT | {"narrative": "好" * 25_000}), 422, "invalid")["detail"]
    )


def test_a_query_sees_what_was_written_before_the_position_it_names(http: httpx.Client) -> None:
    name = f"reads its own writes {uuid.uuid4()}"
    registered = merchant(http, name)
    found = ok(http.get("/merchants", params={"name": name, "min_position": registered["position"], "wait_s": 10}))
    assert [item["trade_name"] for item in found["items"]] == [name]
    assert found["complete_to"] >= registered["position"]
    assert ok(http.get(f"/merchants/{registered['id']}"))["trade_name"] == name
    filed = file(http)
    ok(http.post(f"/complaints/{filed['id']}/routing", json={"merchant_id": registered["id"]}))
    position = ok(http.post(f"/complaints/{filed['id']}/resolution", json={"basis": "agreement"}))["position"]
    sums = ok(http.get("/statistics/merchant", params={"min_position": position, "wait_s": 10, "limit": 500}))
    (own,) = [item for item in sums["items"] if item["key"] == registered["id"]]
    assert (own["title"], own["measures"]["valid"], own["measures"]["resolved"]) == (name, 1, 1)
    assert own["rates"]["resolved_rate"] == "100.0"


def test_a_position_that_does_not_come_is_waited_for_in_vain_but_not_for_ever(http: httpx.Client) -> None:
    answer = http.get("/complaints", params={"min_position": 2**40, "wait_s": 0.2})
    refused(answer, 503, "read-model-behind")
    assert int(answer.headers["retry-after"]) > 0


def test_pages_of_complaints_are_whole_and_without_repeats_while_others_write(http: httpx.Client) -> None:
    own = merchant(http)["id"]
    filed = []
    for n in range(7):
        complaint = file(http, at=f"2026-01-0{n % 3 + 1}T08:00:00+08:00")
        position = ok(http.post(f"/complaints/{complaint['id']}/routing", json={"merchant_id": own}))["position"]
        filed.append(complaint["id"])
    seen: list[str] = []
    cursor: str | None = None
    while True:
        parameters: dict[str, Any] = {"merchant_id": own, "limit": 2, "min_position": position, "wait_s": 10}
        page = ok(http.get("/complaints", params=parameters | ({"cursor": cursor} if cursor else {})))
        seen += [item["complaint_id"] for item in page["items"]]
        newer = ok(http.post(f"/complaints/{seen[-1]}/withdrawal", json={}))
        assert newer["version"] == 3
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 7
    assert set(seen) == set(filed)


@pytest.mark.parametrize("cursor", ["x", "", "W10", "!!!", "WzFd", base64.urlsafe_b64encode(b'["x",1]').decode()])
def test_a_cursor_that_is_not_ours_is_refused(http: httpx.Client, cursor: str) -> None:
    refused(http.get("/complaints", params={"cursor": cursor}), 422, "invalid")


@pytest.mark.parametrize(
    ("sort", "place"),
    [("amount", "9" * 30), ("amount", "-1"), ("amount", "x"), ("newest", "infinityx"), ("due", "2026-13-01T00:00:00Z")],
)
def test_a_place_that_no_page_ends_at_is_refused(http: httpx.Client, sort: str, place: str) -> None:
    refused(http.get("/complaints", params={"sort": sort, "cursor": write_cursor(place, "x")}), 422, "invalid")


def test_a_place_may_be_written_in_other_ways(http: httpx.Client) -> None:
    ok(http.get("/complaints", params={"cursor": write_cursor("2026-W01-1T00:00:00+08:00", "x")}))


def test_too_many_requests_of_one_sender_are_held_off_and_others_go_on(database_url: str) -> None:
    server = Server(database_url, requests_per_s=5)
    try:
        with server.client(CONSUMER) as greedy, server.client(REGULATOR) as other:
            answers = [greedy.get("/merchants") for _ in range(40)]
            held_off = [answer for answer in answers if answer.status_code != 200]
            assert held_off
            refused(held_off[0], 429, "too-many-requests")
            assert int(held_off[0].headers["retry-after"]) > 0
            assert other.get("/merchants").status_code == 200
    finally:
        server.stop()


def test_while_postgresql_is_away_commands_get_503_and_afterwards_they_go_on(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    postgres = PostgresServer(tmp_path_factory.mktemp("away"))
    postgres.start()
    migrate(postgres.url)
    server = Server(postgres.url)
    try:
        with server.client() as http:
            before = file(http)
            postgres.kill()
            assert ok(http.get("/health/live")) == {"status": "ok"}
            for answer in (
                http.get("/health/ready"),
                http.get(f"/complaints/{before['id']}"),
                http.get("/complaints"),
                http.post("/complaints", json=COMPLAINT, headers={"Idempotency-Key": "k"}),
            ):
                refused(answer, 503, "unavailable")
                assert int(answer.headers["retry-after"]) > 0
            postgres.start()
            deadline = time.monotonic() + 30
            while http.get("/health/ready").status_code != 200:
                assert time.monotonic() < deadline
            assert ok(http.get(f"/complaints/{before['id']}"))["version"] == 1
            ok(http.post("/complaints", json=COMPLAINT, headers={"Idempotency-Key": "k"}), 201)
    finally:
        server.stop()
        postgres.stop()


def test_a_slow_client_is_cut_off_and_holds_up_nobody(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.limits.BODY_TIMEOUT_S", 0.3)
    with socket.create_connection(("127.0.0.1", server.port)) as slow:
        slow.sendall(
            b"POST /complaints HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
        )
        with server.client() as http:
            file(http)
        slow.settimeout(30)
        assert slow.recv(1_000).startswith(b"HTTP/1.1 408")
