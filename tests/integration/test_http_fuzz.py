"""Whatever is sent over HTTP, the answer is one of those documented, and the ledger keeps complete commands only."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import quote

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from adapters.database import connect
from adapters.execute import Ledger, command
from adapters.read_store import ensure_progress
from adapters.rulebook import RulebookReader, publish_first_edition
from api.bodies import EARLIER, OFFICE, OTHER_MERCHANT, PERSON, example_of
from api.http import create_app
from domain.action import Action
from domain.complaint.state import RequestKind, Status
from domain.measure.state import MeasureKind
from domain.merchant.state import Merchant
from domain.merchant.state import Status as MerchantStatus
from domain.office.establishment import Level
from domain.streams import KINDS, MERCHANT, TOPICS, kind_of
from domain.tracing import Traced
from domain.values import Channel, Money
from projections.catalogue import PROJECTIONS
from tests.conftest import create_database
from tests.integration.test_http import COMPLAINT, KEY, REGULATOR, Server, refused, token
from tests.integration.test_http_life import SERVICE

MEDIA_TYPE = "application/problem+json"
COMPLAINT_ID, MERCHANT_ID, PLATFORM_ID = (example_of(prefix) for prefix in ("complaint", "merchant", "platform"))
#: What a stream of each kind begins with.
BEGUN: dict[str, dict[str, Any]] = {
    "complaint": {"consumer_id": PERSON, "channel": Channel.APP, "scheme": "free", "product": "kettle"},
    "merchant": {"trade_name": "West Lake Appliances"},
    "office": {"title": "national", "level": Level.NATIONAL, "division": "330106"},
    "platform": {"title": "West Lake Market"},
    "fund": {"title": "Protection fund", "office_id": OFFICE},
    "subject": {"consumer_id": PERSON},
    "grievance": {"merchant_id": MERCHANT_ID, "platform_id": PLATFORM_ID, "violation": "unfair-fee", "text": "fees"},
    "room": {"platform_id": PLATFORM_ID, "operator": MERCHANT_ID, "host": "the host"},
    "measure": {
        "target": MERCHANT_ID,
        "imposed_by": OFFICE,
        "kind": MeasureKind.FINE,
        "reason": "a discount that there was not",
        "basis": "Advertising Law, art. 55",
        "violation": "false-advertising",
        "complaints": (COMPLAINT_ID,),
        "traced": (Traced(COMPLAINT_ID, RequestKind.COMPLAINT, Status.ROUTED, MERCHANT_ID),),
        "target_state": Merchant(MerchantStatus.REGISTERED),
        "case_number": "2026-0042",
        "amount": Money(fen=2_000_000),
    },
}
#: A good answer goes on until somebody closes it: that is what tests/integration/test_progress.py is about.
ENDLESS = "/complaints/{complaint_id}/events/stream"
# What is documented does not depend on the ledger.
DOCUMENT = create_app(cast(Ledger, None), KEY, 1e6).openapi()
schema = schemathesis.openapi.from_dict(
    DOCUMENT,
    config=SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "generation": {"deterministic": True, "database": "none", "with-security-parameters": False},
            "phases": {"coverage": {"unexpected-methods": ["DELETE", "PATCH", "TRACE"]}},
        }
    ),
)


@pytest.fixture(scope="module")
def server(postgres_url: str) -> Iterator[Server]:
    """The API alone. What the documented examples name exists, and so do the rules; read models stay at 0."""
    database_url = create_database(postgres_url, f"fuzz_{uuid.uuid4().hex[:8]}")
    conn = connect(database_url, "ledger_projector")
    ensure_progress(conn, PROJECTIONS, [(topic, 0) for topic in TOPICS])
    conn.close()
    server = Server(database_url)
    publish_first_edition(server.ledger)
    book = RulebookReader(server.ledger).current()

    def take(stream: str, action: Action, **arguments: Any) -> None:
        # Before what the examples say.
        acting: dict[str, Any] = {"at": datetime(2026, 3, 1, tzinfo=UTC), "by": SERVICE, "book": book}
        by_command = command(KEY, SERVICE.id, f"{action.name} {stream}", None, {})
        server.ledger.execute(stream, lambda state: action(state, **acting, **arguments), by_command, new=True)

    for prefix, facts in [*BEGUN.items(), ("complaint", BEGUN["complaint"]), ("merchant", BEGUN["merchant"])]:
        begin = KINDS[prefix].begin
        assert begin is not None
        again = {"complaint": EARLIER, "merchant": OTHER_MERCHANT}
        own = example_of(prefix)
        take(again[prefix] if server.ledger.history(own) else own, begin, **facts)
    # So that the example of merging does not end the merchant of all others.
    going_on = {"own_id": OTHER_MERCHANT, "merchant_id": MERCHANT_ID, "basis": "merger"}
    state = MERCHANT.fold(recorded.event for recorded in server.ledger.history(MERCHANT_ID))
    take(OTHER_MERCHANT, MERCHANT.actions["merge_merchant"], merchant=state, **going_on)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """A connection that is kept: this file asks more than ten thousand times."""
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {token(REGULATOR)}"
        yield session


@schema.exclude(path=ENDLESS).parametrize()
@settings(max_examples=2, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_operation_answers_as_documented_to_valid_and_invalid_data(
    case: Any, server: Server, session: requests.Session
) -> None:
    query = case.query if isinstance(case.query, dict) else {}
    if query.get("min_position") not in (None, 0, "0"):
        query["wait_s"] = 0.01  # Nothing will come: the projector does not run.
    response = case.call(base_url=f"http://127.0.0.1:{server.port}", session=session)
    checks = [
        status_code_conformance,
        content_type_conformance,
        response_schema_conformance,
        negative_data_rejection,
        unsupported_method,
    ]
    if not (response.status_code == 503 and response.json()["type"].endswith(":read-model-behind")):
        checks.append(not_a_server_error)
    case.validate_response(response, checks=checks)


OPERATIONS = [(method, path) for path, methods in DOCUMENT["paths"].items() for method in methods if path != ENDLESS]


def field_value(raw: bytes) -> bytes:
    """Keep the bytes that the value of a header may hold (RFC 9110, section 5.5)."""
    return bytes(byte for byte in raw if byte >= 0x20 and byte != 0x7F).strip()


field_values = st.binary(max_size=60).map(field_value)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
KNOWN_FIELDS = sorted({name for shape in SCHEMAS.values() for name in shape.get("properties", {})})
bodies = st.one_of(
    st.binary(max_size=200),
    json_values.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(st.sampled_from(KNOWN_FIELDS), json_values, max_size=6).map(lambda body: json.dumps(body).encode()),
    # A filing that would do, but for one field.
    st.tuples(st.sampled_from(KNOWN_FIELDS), json_values).map(lambda at: json.dumps(COMPLAINT | dict([at])).encode()),
    st.sampled_from([b"{}", json.dumps(COMPLAINT).encode(), b'{"trade_name":"x"}', b'{"reason":"x"}']),
)
#: An operation and a body; some that are likely to be accepted.
LIKELY = [
    ("/complaints", COMPLAINT),
    ("/merchants", {"trade_name": "x"}),
    ("/complaints/{complaint_id}/actions/request-person", {}),
]
sent = st.tuples(st.sampled_from(OPERATIONS), bodies) | st.sampled_from(
    [(("post", path), json.dumps(body).encode()) for path, body in LIKELY]
)
header_fields = st.just(dict[str, bytes]()) | st.fixed_dictionaries(
    {},
    optional={
        "Idempotency-Key": field_values,
        "If-Match": field_values | st.from_regex(rb'\A"[0-9]{1,20}"\Z'),
        "Content-Type": field_values | st.just(b"text/plain"),
        "Authorization": field_values | field_values.map(lambda value: (b"Bearer " + value).strip()),
        "Accept": field_values,
    },
)
PARAMETERS = ["version", "at", "after", "limit", "cursor", "merchant_id", "status", "first_month", "last_month", "name"]
query_values = (
    st.binary(max_size=20)
    | st.integers().map(lambda n: b"%d" % n)
    | st.text(max_size=20).map(lambda text: text.encode("utf-8", "surrogatepass"))
    # Cursors that decode.
    | json_values.map(lambda value: base64.urlsafe_b64encode(json.dumps([value]).encode()))
)
queries = st.lists(st.tuples(st.sampled_from([*PARAMETERS, "min_position", "other"]), query_values), max_size=3)
identifiers = st.sampled_from([*map(example_of, BEGUN), "month"]) | st.binary(min_size=1, max_size=30)


def events_in(ledger: Ledger) -> list[tuple[int, str, int, bytes]]:
    with ledger.recorder.reading() as cursor:
        cursor.execute("select position, stream, version, record from ledger.events order by position")
        return [(position, stream, version, bytes(record)) for position, stream, version, record in cursor]


def test_the_ledger_holds_just_the_commands_that_were_accepted_whatever_bytes_are_sent(server: Server) -> None:
    before = len(events_in(server.ledger))
    accepted: dict[int, list[str]] = {}

    @given(sent, identifiers, queries, header_fields)
    @settings(max_examples=300, derandomize=True, deadline=None, database=None)
    def send(
        operation: tuple[tuple[str, str], bytes],
        identifier: str | bytes,
        query: list[tuple[str, bytes]],
        headers: dict[str, bytes],
    ) -> None:
        (method, template), body = operation
        path = "/".join(quote(identifier, safe="") if part.startswith("{") else part for part in template.split("/"))
        known = {
            one["name"] for one in DOCUMENT["paths"][template][method].get("parameters", ()) if one["in"] == "query"
        }
        asked = [(name, value) for name, value in [*query, ("wait_s", b"0")] if name in {*known, "other"}]
        text = "&".join(f"{name}={quote(value)}" for name, value in asked)
        content = body if method == "post" else None
        fields: dict[str, Any] = {"Content-Type": "application/json"} | headers
        answer = http.request(method, f"{path}?{text}", headers=fields, content=content)
        if answer.is_success:
            assert all(name in known for name, _ in asked)
            media_type = answer.headers["content-type"].partition(";")[0]
            assert media_type in DOCUMENT["paths"][template][method]["responses"][str(answer.status_code)]["content"]
            if method == "post" and not (done := answer.json())["repeated"]:
                accepted[done["position"]] = done["events"]
            return
        assert answer.headers["content-type"] == MEDIA_TYPE
        problem = answer.json()
        assert problem["status"] == answer.status_code
        assert problem["detail"]
        assert answer.status_code < 500 or problem["type"].endswith(":read-model-behind"), answer.text
        # An identifier with a slash may name no route at all.
        documented = DOCUMENT["paths"][template][method]["responses"]
        assert str(answer.status_code) in documented or answer.status_code in (404, 405)

    with server.client() as http:
        send()

    events = events_in(server.ledger)[before:]
    assert accepted
    first = min(accepted) - len(accepted[min(accepted)]) + 1
    assert [position for position, *_ in events] == list(range(first, first + len(events)))
    assert [json.loads(record)["type"] for *_, record in events] == [
        name for _, names in sorted(accepted.items()) for name in names
    ]
    for stream in {stream for _, stream, *_ in events}:
        history = server.ledger.history(stream)
        assert [recorded.originator_version for recorded in history] == list(range(1, len(history) + 1))
        kind_of(stream).fold(recorded.event for recorded in history)


def example(described: dict[str, Any]) -> Any:
    """The first example of a parameter or property, or a value that it surely may have."""
    (value, *_) = described.get("examples") or described.get("enum") or [described.get("default")]
    return value


ROUTED = [operation for operation in OPERATIONS if not operation[1].startswith("/health/")]


@pytest.mark.parametrize(("method", "path"), ROUTED)
def test_the_example_of_every_operation_is_valid(server: Server, method: str, path: str) -> None:
    operation = DOCUMENT["paths"][path][method]
    given = {
        p["name"]: example(p["schema"] | p) for p in operation.get("parameters", ()) if p["name"] != "min_position"
    }
    body = None
    if method == "post":
        name = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        properties = SCHEMAS[name]["properties"]
        body = {field: example(described) for field, described in properties.items()}
        assert {field for field, value in body.items() if value is not None} >= set(SCHEMAS[name].get("required", []))
        assert any("examples" in described for described in properties.values())
    else:
        assert given == {} or any(value is not None for value in given.values())
    where = {p["name"]: p["in"] for p in operation.get("parameters", ())}
    address = path.format(**{name: value for name, value in given.items() if where[name] == "path"})
    headers = {name: value for name, value in given.items() if where[name] == "header" and value is not None}
    query = {name: value for name, value in given.items() if where[name] == "query" and value is not None}
    with server.client() as http:
        answer = http.request(method, address, params=query, headers=headers, json=body)
    # What the example names may be absent or in another state by now; but it is well-formed.
    # What is computed from the read models waits for them in vain.
    behind = answer.status_code == 503 and answer.json()["type"].endswith(":read-model-behind")
    assert answer.status_code in (200, 201, 404, 409, 412) or behind, answer.text


@pytest.mark.parametrize(("method", "path"), [*ROUTED, ("get", ENDLESS)])
def test_every_operation_documents_the_errors_that_it_can_answer_with(method: str, path: str) -> None:
    operation = DOCUMENT["paths"][path][method]
    expected = {"401", "422", "429", "503"}
    if method == "post":
        expected |= {"400", "408", "409", "413", "415"}
    if path.startswith((*(f"/{prefix}s/" for prefix in KINDS), "/rulebook/")) and "{" in path:
        expected |= {"404"}
    if path.startswith("/exports"):
        expected |= {"403", "404"} if path == "/exports/{table}" else {"403"}
    if method == "get" and (path in ("/complaints", "/complaints/facets") or "_id}/events" in path):
        expected |= {"403"}
    if any(parameter["name"] == "if-match" for parameter in operation.get("parameters", ())):
        expected |= {"412"}
    assert operation["responses"].keys() - {"200", "201"} == expected
    for status in expected:
        assert operation["responses"][status]["content"] == {
            MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}
        }


def cursor(*values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode()


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/merchants", {"name": "a\0b"}),
        ("/merchants", {"cursor": cursor("a\0b")}),
        ("/complaints", {"merchant_id": "merchant-\0"}),
        ("/complaints", {"cursor": cursor("0001-01-01T00:00:00+23:00", "x")}),
        ("/complaints", {"cursor": cursor("9999-12-31T23:59:59-23:00", "x")}),
        ("/statistics/all", {"from": "0000-01-01"}),
        ("/statistics/all", {"cursor": cursor(True)}),
        ("/statistics/all", {"cursor": cursor(2**40)}),
        ("/statistics/all", {"filter": "region:a\0b"}),
        ("/statistics/all", {"filter": "nothing"}),
        ("/statistics/nothing", {}),
        ("/boards/fund-balances", {"cursor": cursor(-1)}),
        ("/worklists/consumer/x", {"cursor": cursor("x", "y")}),
        (f"/complaints/{COMPLAINT_ID}", {"at": "0001-01-01T00:00:00+23:00"}),
        (f"/complaints/{COMPLAINT_ID}", {"at": "12"}),
    ],
)
def test_a_value_that_postgresql_or_the_calendar_cannot_hold_is_refused(
    server: Server, path: str, query: dict[str, str]
) -> None:
    with server.client() as http:
        refused(http.get(path, params=query), 422, "invalid")


@pytest.mark.parametrize(
    "change",
    [
        {"product": "a\0b"},
        {"region": {"scheme": "a\0b", "value": "1"}},
        {"at": "0001-01-01T00:00:00+23:00"},
        {"at": "9999-12-31T23:59:59-23:00"},
        {"at": 12},
        {"claim": {"fen": True}},
        {"claim": {"fen": "12"}},
    ],
    ids=str,
)
def test_a_filing_that_no_read_model_could_hold_or_that_means_something_else_is_refused(
    server: Server, change: dict[str, Any]
) -> None:
    with server.client() as http:
        refused(http.post("/complaints", json=COMPLAINT | change), 422, "invalid")
