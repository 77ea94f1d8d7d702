"""Logs that lead from a request to its events and tell nothing of people; figures that equal what was done."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.database import connect
from adapters.metrics import OUTCOMES
from adapters.relay import LEADER_LOCK
from adapters.topics import ensure_topics
from api import tokens
from domain.values import Actor, Role
from projections.catalogue import PROJECTIONS
from tests.conftest import System, create_database
from tests.integration.observed import SERVICE_KEY, Watched, api_url, eventually, figure, scrape, watched

WHO = Actor("33333333-3333-4333-8333-333333333333", Role.REGULATOR)
TOKEN = tokens.issue(SERVICE_KEY.encode(), WHO, now=datetime.now(UTC), valid_for=timedelta(hours=1))
COMPLAINT = {"consumer_id": str(uuid.uuid4()), "channel": "app", "product": "kettle"}


class Deployed:
    """The three processes on a database and topics of their own."""

    def __init__(self, system: System, api: Watched, relay: Watched, projector: Watched) -> None:
        self.system, self.api, self.relay, self.projector = system, api, relay, projector
        self.url = api_url(api)
        self.http = httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60)

    def line(self, answer: httpx.Response) -> dict[str, Any]:
        """The one line of a request, found by what the answer says."""
        mine = answer.headers["x-correlation-id"]
        self.api.await_line(correlation_id=mine, status=answer.status_code)
        (line,) = [line for line in self.api.log() if line.get("correlation_id") == mine]
        return line


@pytest.fixture(scope="module")
def deployed(postgres_url: str, kafka_bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    name = uuid.uuid4().hex[:8]
    system = System(create_database(postgres_url, f"seen_{name}"), kafka_bootstrap, f"seen-{name}.")
    ensure_topics(kafka_bootstrap, system.topic_prefix)
    data_dir = tmp_path_factory.mktemp("deployed")
    with (
        watched("api", system, data_dir) as api,
        watched("relay", system, data_dir) as relay,
        watched("projector", system, data_dir) as projector,
    ):
        deployed = Deployed(system, api, relay, projector)
        yield deployed
        deployed.http.close()


def file(deployed: Deployed, **headers: str) -> httpx.Response:
    answer = deployed.http.post("/complaints", json=COMPLAINT, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer


def head(deployed: Deployed) -> int:
    conn = connect(deployed.system.database_url, "ledger_api")
    with conn, conn.cursor() as cursor:
        cursor.execute("select position from ledger.head")
        ((position,),) = cursor.fetchall()
    conn.close()
    return int(position)


def test_a_command_leaves_one_line_that_leads_to_its_events(deployed: Deployed) -> None:
    filed = file(deployed, **{"X-Correlation-ID": "order-4711.retry_2"})
    assert filed.headers["x-correlation-id"] == "order-4711.retry_2"
    complaint = filed.json()["id"]
    withdrawn = deployed.http.post(f"/complaints/{complaint}/withdrawal", json={})
    conn = connect(deployed.system.database_url, "ledger_api")
    with conn, conn.cursor() as cursor:
        cursor.execute(
            "select position, command_id, convert_from(record, 'UTF8')::jsonb ->> 'correlationid' "
            "from ledger.events where stream = %s order by version",
            (complaint,),
        )
        events = cursor.fetchall()
    conn.close()
    for answer, route, event in (
        (filed, "/complaints", events[0]),
        (withdrawn, "/complaints/{complaint_id}/withdrawal", events[1]),
    ):
        line = deployed.line(answer)
        assert (line["method"], line["route"], line["status"]) == ("POST", route, answer.status_code)
        assert line["duration_ms"] > 0
        assert line["stream"] == complaint
        assert (line["position"], line["command_id"], line["event_correlation_id"]) == event
    assert events[0][2] == events[1][2] == deployed.line(filed)["command_id"]


@pytest.mark.parametrize("given", [b"", b"two words", b"x" * 65, b"\xff", b'"; drop', b"a:b"])
def test_a_correlation_id_that_is_no_plain_word_is_replaced_and_the_request_goes_on(
    deployed: Deployed, given: bytes
) -> None:
    answer = deployed.http.get("/health/live", headers=[(b"X-Correlation-ID", given)])
    assert answer.status_code == 200
    assert len(answer.headers["x-correlation-id"]) == 32
    assert deployed.line(answer)["route"] == "/health/live"


def test_a_refusal_names_its_correlation_id_and_its_line_has_no_path(deployed: Deployed) -> None:
    nobody = f"complaint-{uuid.uuid4()}"
    for answer, status, route in (
        (deployed.http.post("/complaints", json={}), 422, "/complaints"),
        (deployed.http.post("/complaints", content=b"a=b"), 415, "/complaints"),
        (deployed.http.get("/complaints", headers={"Authorization": "Bearer no"}), 401, "/complaints"),
        (deployed.http.post(f"/complaints/{nobody}/answer", json={"kind": "explanation"}), 404, None),
        (deployed.http.delete(f"/complaints/{nobody}"), 405, "/complaints/{complaint_id}"),
        (deployed.http.get(f"/people/{nobody}"), 404, "unmatched"),
    ):
        assert answer.status_code == status, answer.text
        assert answer.json()["correlation_id"] == answer.headers["x-correlation-id"]
        line = deployed.line(answer)
        assert line["status"] == status
        assert line["route"] == (route or "/complaints/{complaint_id}/answer")


def test_no_log_line_has_what_people_wrote_or_a_token(deployed: Deployed) -> None:
    texts = {
        name: f"{name}-{uuid.uuid4().hex}"
        for name in ("product", "narrative", "postal_code", "sub_product", "issue", "scheme")
    }
    key, name, reason = (f"secret-{uuid.uuid4().hex}" for _ in range(3))
    consumer = str(uuid.uuid4())
    body = COMPLAINT | texts | {"consumer_id": consumer}
    post, get = deployed.http.post, deployed.http.get
    answers = [
        post("/complaints", json=body, headers={"Idempotency-Key": key}),
        post("/complaints", json=body | {"issue": reason}, headers={"Idempotency-Key": key}),
        post("/complaints", json=body | {"channel": reason}),
        post("/complaints", json=body | {reason: "unknown field"}),
        post("/complaints", json=body | {"narrative": name * 1_500}),
        post("/complaints", content=f'{{"narrative": "{reason}'.encode(), headers={"Content-Type": "application/json"}),
        post("/merchants", json={"trade_name": name}),
        get("/merchants", params={"name": name}),
        get("/complaints", params={"cursor": reason, "merchant_id": name}),
        get(f"/{name}"),
        get("/complaints", headers={"Authorization": f"Bearer {reason}"}),
        get("/complaints", headers={"X-Correlation-ID": TOKEN}),
    ]
    withdrawal = f"/complaints/{answers[0].json()['id']}/withdrawal"
    answers += [post(withdrawal, json={"reason": reason}), post(withdrawal, json={"reason": reason + "!"})]
    refusals = [409, 422, 422, 422, 400]
    assert [answer.status_code for answer in answers] == [201, *refusals, 201, 200, 422, 404, 401, 200, 200, 409]
    for answer in answers:
        deployed.line(answer)
    for projection in PROJECTIONS:
        deployed.projector.await_figure(head(deployed), "projection_watermark_position", projection=projection.name)
    for process in (deployed.api, deployed.relay, deployed.projector):
        assert process.log()
        written = process.log_file.read_text("utf-8")
        for secret in (*texts.values(), key, name, reason, consumer, WHO.id, TOKEN, TOKEN[-20:]):
            assert secret not in written


def test_the_api_counts_what_it_did(deployed: Deployed) -> None:
    shown_to_all = f"{deployed.url}/metrics"
    before = scrape(shown_to_all)
    for _ in range(7):
        filed = file(deployed)
    same = {"Idempotency-Key": str(uuid.uuid4())}
    assert file(deployed, **same).json()["id"] == file(deployed, **same).json()["id"]
    stale = deployed.http.post(f"{filed.headers['location']}/withdrawal", json={}, headers={"If-Match": '"7"'})
    assert stale.status_code == 412
    deployed.line(stale)
    after = scrape(shown_to_all)

    def grew(name: str, **labels: str) -> float:
        return (figure(after, name, **labels) or 0) - (figure(before, name, **labels) or 0)

    # The repeated command was found in the history, and the stale one refused, before anything was appended.
    assert grew("appends_total", outcome="appended") == 8
    others = set(OUTCOMES) - {"appended"}
    assert [grew("appends_total", outcome=other) for other in others] == [0] * len(others)
    assert grew("appended_events_total") == 8
    assert grew("append_batch_appends_sum") == 8
    assert grew("append_batch_appends_count") == grew("append_batch_seconds_count") == 8
    assert grew("append_batch_seconds_sum") > 0
    assert grew("http_requests_total", route="/complaints", method="POST", status="201") == 9
    assert grew("http_request_seconds_count", route="/complaints", method="POST") == 9
    withdrawal = {"route": "/complaints/{complaint_id}/withdrawal", "method": "POST"}
    assert grew("http_requests_total", **withdrawal, status="412") == 1
    assert ("process_start_time_seconds", frozenset[tuple[str, str]]()) in after
    assert not any(name.startswith(("complaints_relay", "complaints_proj")) for name, _ in after)


def test_a_process_of_the_api_can_be_asked_by_itself(deployed: Deployed) -> None:
    deployed.line(deployed.http.get("/health/ready"))
    asked = {"route": "/health/ready", "method": "GET", "status": "200"}
    own, shared = deployed.api.figures(), scrape(f"{deployed.url}/metrics")
    assert figure(own, "http_requests_total", **asked) == figure(shared, "http_requests_total", **asked) != 0


def test_the_figures_need_no_token_and_are_not_in_the_contract(deployed: Deployed) -> None:
    assert httpx.get(f"{deployed.url}/metrics").headers["content-type"].startswith("text/plain")
    assert "/metrics" not in deployed.http.get("/openapi.json").json()["paths"]


def test_relay_and_projector_tell_how_far_they_are(deployed: Deployed) -> None:
    file(deployed)
    last = head(deployed)
    relay, projector = deployed.relay, deployed.projector
    relay.await_figure(last, "relay_published_position")
    relay.await_figure(last, "relay_published_events_total")
    for projection in PROJECTIONS:
        projector.await_figure(last, "projection_watermark_position", projection=projection.name)
    seen = relay.figures()
    assert figure(seen, "ledger_position") == last
    assert figure(seen, "relay_leader") == figure(seen, "database_up") == 1
    assert figure(seen, "relay_lag_positions") == figure(seen, "relay_lag_seconds") == 0
    assert figure(seen, "relay_batch_events_sum") == last
    assert figure(seen, "relay_restarts_total") == 0
    seen = projector.figures()
    for projection in PROJECTIONS:
        for name in ("lag_positions", "lag_seconds", "parked_records"):
            assert figure(seen, f"projection_{name}", projection=projection.name) == 0
    # Each event is taken up by all read models of its kind.
    taken_up: dict[str, set[float]] = {}
    for projection in PROJECTIONS:
        count = figure(seen, "projected_events_total", projection=projection.name) or 0
        taken_up.setdefault(projection.kind.prefix, set()).add(count)
    assert sum(count for (count,) in taken_up.values()) == last
    assert figure(seen, "projector_restarts_total") == 0


def test_a_relay_that_stands_by_shows_the_lag_grow_until_it_leads(
    deployed: Deployed, system: System, tmp_path: Path
) -> None:
    conn = connect(system.database_url, "ledger_relay")
    with conn.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(%s)", (LEADER_LOCK,))
    with watched("relay", system, tmp_path) as relay, watched("api", system, tmp_path) as api:
        http = httpx.Client(base_url=api_url(api), headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60)
        relay.await_figure(0, "relay_lag_positions")
        for _ in range(7):
            assert http.post("/complaints", json=COMPLAINT).status_code == 201
        http.close()
        first, second = relay.figures(), relay.figures()
        assert figure(first, "relay_leader") == figure(first, "relay_published_position") == 0
        assert figure(first, "relay_lag_positions") == 7
        assert 0 < (figure(first, "relay_lag_seconds") or 0) < (figure(second, "relay_lag_seconds") or 0)
        conn.close()
        relay.await_figure(1, "relay_leader")
        relay.await_figure(0, "relay_lag_positions")
        relay.await_figure(0, "relay_lag_seconds")


def test_a_relay_that_loses_its_connection_counts_a_restart_and_says_so(system: System, tmp_path: Path) -> None:
    with watched("relay", system, tmp_path) as relay:
        relay.await_figure(1, "relay_leader")
        conn = connect(system.database_url, None)
        with conn.cursor() as cursor:
            cursor.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where application_name = 'complaints ledger_relay' and datname = current_database()"
            )
            assert cursor.fetchall() == [(True,)]
        conn.close()
        relay.await_figure(1, "relay_restarts_total")
        relay.await_figure(1, "relay_leader")
        (told,) = [line for line in relay.log() if line["level"] == "WARNING"]
        assert told["message"].startswith("starting over after")


@pytest.mark.parametrize("name", ["api", "relay", "feed", "projector", "watcher"])
def test_the_note_of_a_process_goes_with_it_and_that_of_a_killed_one_with_the_next(
    name: str, system: System, tmp_path: Path
) -> None:
    with watched(name, system, tmp_path) as killed:
        killed.metrics_url()
        killed.child.kill()
        killed.child.wait()
        assert killed.target_file.exists()
        with watched(name, system, tmp_path) as process:
            process.figures()
            assert not killed.target_file.exists()
            process.stop()
            assert list(process.target_file.parent.iterdir()) == []


def test_two_processes_with_one_port_both_work_and_the_second_says_where_it_is(system: System, tmp_path: Path) -> None:
    with watched("relay", system, tmp_path) as first:
        port = first.metrics_url().rpartition(":")[2].partition("/")[0]
        with watched("relay", system, tmp_path, COMPLAINTS_METRICS_PORT=port) as second:
            assert second.metrics_url() != first.metrics_url()
            assert figure(second.figures(), "relay_leader") == 0
            assert port in second.await_line(logger="metrics")["message"]


def test_what_ends_a_process_is_the_last_thing_that_it_logs(deployed: Deployed, tmp_path: Path) -> None:
    system = System(deployed.system.database_url, deployed.system.kafka_bootstrap, "nowhere-")
    with watched("projector", system, tmp_path) as projector:
        line = eventually(
            lambda: [text for text in projector.log_file.read_text("utf-8").splitlines() if "CRITICAL" in text],
            "the end of a projector without topics",
        )[0]
        assert "adapters.topics.TopicsError" in line
        assert "nowhere-" in line
