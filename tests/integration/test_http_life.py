"""A complaint's whole life over HTTP: each step is one of the legal next actions that the API had told before."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.orders import FileOrders
from adapters.projector import ProjectorSettings, run_projector
from adapters.relay import RelaySettings, run_relay
from adapters.rulebook import publish_first_edition
from adapters.topics import ensure_topics
from api.arguments import AUDIENCES
from domain.streams import KINDS
from domain.values import Actor, Role
from tests.conftest import create_database, running
from tests.integration.test_http import COMPLAINT, CONSUMER, REGULATOR, Server, file, merchant, ok, refused

SELLER = Actor("22222222-2222-4222-8222-222222222222", Role.MERCHANT)
MEDIATOR = Actor("55555555-5555-4555-8555-555555555555", Role.MEDIATOR)
EDITOR = Actor("66666666-6666-4666-8666-666666666666", Role.RULEBOOK_EDITOR)
SERVICE = Actor("77777777-7777-4777-8777-777777777777", Role.SERVICE)
RECEIPT = "ab" * 32
TERMS = [{"kind": "return"}, {"kind": "partial_refund", "amount": {"fen": 10_050}}]


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("orders") / "orders.jsonl"


@pytest.fixture(scope="module")
def server(postgres_url: str, kafka_bootstrap: str, orders: Path) -> Iterator[Server]:
    """The whole system with the first edition of the rulebook and a file of orders."""
    database_url = create_database(postgres_url, f"life_{uuid.uuid4().hex[:8]}")
    prefix = f"life-{uuid.uuid4().hex[:8]}."
    ensure_topics(kafka_bootstrap, prefix)
    where = (database_url, kafka_bootstrap, prefix)
    with (
        running(lambda stop: run_relay(RelaySettings(*where), stop)),
        running(lambda stop: run_projector(ProjectorSettings(*where), stop)),
    ):
        server = Server(database_url, orders=FileOrders(orders))
        publish_first_edition(server.ledger)
        yield server
        server.stop()


class Case:
    """A complaint, acted on by whoever asks: a step is looked up among the legal next actions, then taken."""

    def __init__(self, server: Server, complaint: str) -> None:
        self.server, self.complaint = server, complaint

    def read(self, by: Actor = REGULATOR) -> dict[str, Any]:
        with self.server.client(by) as client:
            return ok(client.get(f"/complaints/{self.complaint}"))

    def take(self, by: Actor, action: str, **body: Any) -> dict[str, Any]:
        (found,) = [one for one in self.read(by)["actions"] if one["name"] == action]
        assert set(found["required"]) <= body.keys() <= set(found["arguments"])
        with self.server.client(by) as client:
            return ok(client.post(found["path"], json=body))


def order(path: Path, merchant_id: str, reference: str, days_ago: float = 2) -> None:
    line = {
        "reference": reference,
        "purchased_at": (datetime.now(UTC) - timedelta(days=days_ago)).isoformat(),
        "amount": "201.00",
        "merchant_id": merchant_id,
        "platform": "market-7",
        "payment_provider": "pay-3",
        "receipt": RECEIPT,
        "product": "电饭锅",
        "region": "330106",
    }
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def office_with(http: httpx.Client, *mediators: str, **facts: Any) -> str:
    national = ok(http.post("/offices", json={"title": "national", "level": "national", "division": "000000"}), 201)
    county = {"title": "Xihu", "level": "county", "division": "330106", "superior": national["id"]}
    office = str(ok(http.post("/offices", json=county), 201)["id"])
    for mediator_id in mediators:
        body = {"mediator_id": mediator_id, "kind": "person"} | facts
        ok(http.post(f"/offices/{office}/actions/enrol-mediator", json=body))
    return office


def accepted(server: Server, office: str, **filing: Any) -> Case:
    """A complaint that an office has accepted, with the consent of both parties to mediation."""
    with server.client() as http:
        case = Case(server, file(http, **filing)["id"])
    case.take(REGULATOR, "receive", office_id=office, division="330106", shop={"division": "330106"})
    case.take(REGULATOR, "accept")
    case.take(CONSUMER, "consent_to_mediation")
    case.take(SELLER, "consent_to_mediation")
    return case


def test_c1_c3_a13_from_the_payment_order_to_the_call_back(server: Server, http: httpx.Client, orders: Path) -> None:
    seller = merchant(http)["id"]
    order(orders, seller, "P-1")
    office = office_with(http, MEDIATOR.id)
    body = {"consumer_id": CONSUMER.id, "channel": "alipay", "order_reference": "P-1"}
    with server.client(CONSUMER) as consumer:
        case = Case(server, ok(consumer.post("/complaints", json=body), 201)["id"])

    filed = case.read()
    assert (filed["product"], filed["claim_fen"], filed["merchant_id"]) == ("电饭锅", 20_100, seller)
    assert (filed["region"], filed["status"], filed["holder"]) == ("330106", "filed", None)
    with server.client() as client:
        (event,) = ok(client.get(f"/complaints/{case.complaint}/events"))["items"]
    assert event["data"]["order"]["receipt"] == RECEIPT
    assert (event["data"]["order"]["platform"], event["data"]["order"]["payment_provider"]) == ("market-7", "pay-3")
    assert [clock["deadline"] for clock in filed["clocks"]] == ["first_response", "resolution"]

    case.take(CONSUMER, "route", merchant_id=seller, regime="one_click")
    routed = case.read()
    (escalation,) = [clock for clock in routed["clocks"] if clock["deadline"] == "escalation"]
    assert (escalation["rule_set"], escalation["overdue"], escalation["stopped"]) == (
        "one-click-hangzhou",
        False,
        False,
    )
    assert (routed["holder"], routed["regime"]) == (seller, "one_click")
    case.take(CONSUMER, "upgrade")
    case.take(REGULATOR, "receive", office_id=office, division="330106", shop={"division": "330106"})
    assert case.read()["holder"] == office
    case.take(REGULATOR, "ask_supplement", items=["photograph of the label"])
    waiting = case.read()
    assert {clock["deadline"]: clock["due"] for clock in waiting["clocks"] if clock["stopped"]} == {
        "acceptance": None,
        "resolution": None,
        "first_response": None,
    }
    case.take(CONSUMER, "supplement", text="attached")
    case.take(REGULATOR, "accept")
    case.take(CONSUMER, "consent_to_mediation")
    case.take(SELLER, "consent_to_mediation")
    case.take(REGULATOR, "assign_mediator")
    case.take(MEDIATOR, "begin_mediation")
    assert case.read()["rule_set"] == "samr-order-121"
    case.take(SELLER, "offer", terms=TERMS)
    assert case.read()["offer"]["terms"][1]["amount"] == {"fen": 10_050, "currency": "CNY"}
    case.take(CONSUMER, "accept_offer")
    agreed = case.read()
    assert (agreed["status"], agreed["way"], agreed["offer"]) == ("resolved", "mediation", None)
    assert [(item["kind"], item["performed_fen"], item["done"]) for item in agreed["terms"]] == [
        ("return", 0, False),
        ("partial_refund", 0, False),
    ]
    case.take(SELLER, "perform", item=1, amount={"fen": 10_000}, reference="pay-1")
    case.take(SELLER, "perform", item=0)
    case.take(SELLER, "perform", item=1, amount={"fen": 50}, reference="pay-2")
    case.take(REGULATOR, "conclude")
    case.take(REGULATOR, "call_back", reached=True, solved=True, satisfaction=5)

    done = case.read()
    assert (done["status"], done["recovered_fen"], done["satisfaction"], done["human"]) == ("resolved", 10_050, 5, True)
    assert all(item["done"] for item in done["terms"])
    assert done["concluded_at"] is not None
    assert done["clocks"] == []
    past = ok(http.get(f"/complaints/{case.complaint}", params={"version": 1}))
    assert (past["status"], past["actions"]) == ("filed", [])


def test_c1_an_order_that_is_not_known_or_too_old_for_one_click_is_refused_clearly(
    server: Server, http: httpx.Client, orders: Path
) -> None:
    seller = merchant(http)["id"]
    order(orders, seller, "old", days_ago=70)
    body = {"consumer_id": CONSUMER.id, "channel": "app", "order_reference": "nobody's"}
    assert "no order" in refused(http.post("/complaints", json=body), 422, "invalid")["detail"]
    nothing = {"consumer_id": CONSUMER.id, "channel": "app"}
    assert "product is missing" in refused(http.post("/complaints", json=nothing), 422, "invalid")["detail"]
    filed = ok(http.post("/complaints", json=body | {"order_reference": "old", "claim": {"fen": 1}}), 201)["id"]
    assert ok(http.get(f"/complaints/{filed}"))["claim_fen"] == 1
    routing = {"merchant_id": seller, "regime": "one_click"}
    problem = refused(http.post(f"/complaints/{filed}/routing", json=routing), 409, "rule-violation")
    assert (problem["rule"], problem["hint"]) == ("one-click-after-purchase", "let an office receive it")


def test_c1_without_an_order_source_an_order_reference_is_refused_and_says_why(database_url: str) -> None:
    server = Server(database_url)
    try:
        with server.client() as http:
            body = {"consumer_id": CONSUMER.id, "channel": "app", "order_reference": "P-1"}
            assert "COMPLAINTS_ORDERS" in refused(http.post("/complaints", json=body), 422, "invalid")["hint"]
    finally:
        server.stop()


def test_b1_a_merchant_that_signed_the_promise_is_held_to_it(server: Server, http: httpx.Client) -> None:
    seller = merchant(http)["id"]
    with server.client(SELLER) as own:
        signed = own.post(f"/merchants/{seller}/actions/sign-promise", json={"batch": "2026-11"})
        assert ok(signed)["events"] == ["merchant.promise_signed"]
        again = own.post(f"/merchants/{seller}/actions/sign-promise", json={"batch": "2026-11"})
        assert refused(again, 409, "rule-violation") | {"version": 2, "rule": "promise-signed-once"} == again.json()
        assert again.headers["etag"] == '"2"'
    case = Case(server, file(http)["id"])
    case.take(CONSUMER, "route", merchant_id=seller, regime="promise")
    assert [clock["deadline"] for clock in case.read()["clocks"]][:2] == ["answer", "publication"]
    assert "publish" not in [action["name"] for action in case.read(CONSUMER)["actions"]]


def test_d9_a_mediator_is_assigned_by_kind_load_and_conflict(server: Server, http: httpx.Client) -> None:
    busy, biased = (str(uuid.uuid4()) for _ in range(2))
    office = office_with(http, busy, biased, capacity=1, classes=["kettle"])
    conflict = {"mediator_id": biased, "party_id": CONSUMER.id}
    ok(http.post(f"/offices/{office}/actions/declare-conflict", json=conflict))
    wrong = accepted(server, office, product="bicycle")
    named = refused(http.post(f"/complaints/{wrong.complaint}/actions/assign-mediator", json={}), 409, "rule-violation")
    assert named["rule"] == "mediator-who-fits"
    first, second = (accepted(server, office, product="kettle") for _ in range(2))
    path = f"/complaints/{second.complaint}/actions/assign-mediator"
    partial = refused(http.post(path, json={"mediator_id": biased}), 409, "rule-violation")
    assert partial["rule"] == "mediator-without-conflict"
    position = first.take(REGULATOR, "assign_mediator")["position"]
    loads = {"min_position": position, "wait_s": 10, "explain": True}
    told = ok(http.get(f"/offices/{office}/workload", params=loads))
    assert {one["mediator_id"]: one["load"] for one in told["items"]} == {busy: 1, biased: 0}
    assert {link.rpartition("/")[2]: ok(http.get(link))["total"] for link in told["behind"]} == {busy: 1, biased: 0}
    assert told["complete_to"] >= position
    assert refused(http.post(path, json={}), 409, "rule-violation")["rule"] == "mediator-who-fits"
    ok(http.post(f"/offices/{office}/actions/release-mediator", json={"mediator_id": biased, "reason": "retired"}))
    assert [one["mediator_id"] for one in ok(http.get(f"/offices/{office}/workload"))["items"]] == [busy]
    assert ok(http.get(f"/offices/{office}"))["title"] == "Xihu"


@pytest.mark.parametrize("versioned", [True, False])
def test_of_two_commands_racing_on_one_complaint_one_wins_and_the_other_learns_how_it_stands(
    server: Server, http: httpx.Client, versioned: bool
) -> None:
    seller = merchant(http)["id"]
    for _ in range(5):
        path = f"/complaints/{file(http)['id']}"
        start = threading.Barrier(2)
        answers: list[httpx.Response] = []

        def send(
            to: str, body: dict[str, Any], start: threading.Barrier = start, answers: list[httpx.Response] = answers
        ) -> None:
            with server.client() as client:
                start.wait()
                answers.append(client.post(to, json=body, headers={"If-Match": '"1"'} if versioned else {}))

        racers = [
            threading.Thread(target=send, args=(f"{path}/routing", {"merchant_id": seller})),
            threading.Thread(target=send, args=(f"{path}/actions/refer", {"addressee": "court", "reason": "suit"})),
        ]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()
        won, lost = sorted(answers, key=lambda answer: answer.status_code)
        now = ok(http.get(path))
        assert ok(won)["version"] == now["version"] == 2
        problem = refused(lost, 412, "stale-version") if versioned else refused(lost, 409, "rule-violation")
        assert (problem["version"], problem["complaint_status"]) == (2, now["status"])
        assert lost.headers["etag"] == '"2"'


def test_an_error_names_the_rule_its_source_and_what_would_make_the_action_legal(
    server: Server, http: httpx.Client
) -> None:
    office = office_with(http)
    case = accepted(server, office)
    early = http.post(f"/complaints/{case.complaint}/actions/begin-mediation", json={})
    problem = refused(early, 409, "rule-violation")
    assert (problem["rule"], problem["hint"], problem["complaint_status"]) == (
        "mediate-with-a-mediator",
        "assign one",
        "accepted",
    )
    late = refused(http.post(f"/complaints/{case.complaint}/actions/accept", json={}), 409, "rule-violation")
    assert (late["rule"], late["source"], late["hint"]) == (
        "accept-what-was-received",
        "Order 121, art. 15",
        "it would have to be received",
    )
    with server.client(SELLER) as own:
        role = refused(own.post(f"/complaints/{case.complaint}/actions/conclude", json={}), 409, "rule-violation")
    assert role["rule"] == "conclude-after-end"
    other = {"office_id": office, "division": "330108", "reason": "moved"}
    wrong = refused(http.post(f"/complaints/{case.complaint}/actions/transfer", json=other), 422, "invalid")
    assert "330106" in wrong["detail"]
    nowhere = other | {"office_id": f"office-{uuid.uuid4()}"}
    unknown = refused(http.post(f"/complaints/{case.complaint}/actions/transfer", json=nowhere), 422, "invalid")
    assert "there is no office-" in unknown["detail"]


def test_g3_each_audience_is_told_its_own_actions_and_no_others(server: Server, http: httpx.Client) -> None:
    seller = merchant(http)["id"]
    case = Case(server, file(http)["id"])
    case.take(REGULATOR, "route", merchant_id=seller)
    told = {by.role: {one["name"] for one in case.read(by)["actions"]} for by in (CONSUMER, SELLER, REGULATOR, EDITOR)}
    assert {"upgrade", "withdraw", "request_person", "offer"} <= told[Role.CONSUMER]
    assert {"answer", "offer"} <= told[Role.MERCHANT]
    assert "upgrade" not in told[Role.MERCHANT] | told[Role.REGULATOR]
    assert "answer" not in told[Role.CONSUMER]
    assert told[Role.RULEBOOK_EDITOR] == set()
    service = {one["name"] for one in case.read(SERVICE)["actions"]}
    assert service >= told[Role.CONSUMER] | told[Role.MERCHANT] | told[Role.REGULATOR]

    document = ok(http.get("/openapi.json"))
    tags = {
        operation["operationId"]: set(operation["tags"])
        for methods in document["paths"].values()
        for operation in methods.values()
    }
    assert tags["answer_complaint"] == {"merchant", "regulator"}
    assert tags["upgrade_complaint"] == {"consumer"}
    assert tags["publish_rulebook"] == {"rulebook editor", "service"}
    assert set(AUDIENCES) <= set().union(*tags.values())
    names = {f"{name}_{prefix}" for prefix, kind in KINDS.items() for name in kind.actions}
    assert names <= tags.keys()


def test_a_complaint_is_merged_into_another_that_goes_on(server: Server, http: httpx.Client) -> None:
    first, second = (Case(server, file(http)["id"]) for _ in range(2))
    path = f"/complaints/{second.complaint}/actions/merge"
    assert "itself" in refused(http.post(path, json={"into": second.complaint}), 422, "invalid")["detail"]
    second.take(REGULATOR, "merge", into=first.complaint)
    assert second.read()["merged_into"] == first.complaint
    back = http.post(f"/complaints/{first.complaint}/actions/merge", json={"into": second.complaint})
    assert "was itself merged" in refused(back, 422, "invalid")["detail"]


def test_each_action_has_one_path(http: httpx.Client) -> None:
    document = ok(http.get("/openapi.json"))
    paths = [path for path in document["paths"] if path.startswith("/complaints/{complaint_id}/")]
    assert len(paths) == len(set(paths)) == len(KINDS["complaint"].actions) + 2  # and its events, once and as they come
    assert not {path for path in paths if "correct" in path} - {"/complaints/{complaint_id}/actions/correct-match"}
    assert "/complaints/{complaint_id}/actions/answer" not in paths


def test_a10_the_rules_in_force_are_read_and_a_due_time_is_reckoned(http: httpx.Client) -> None:
    found = ok(http.get("/rulebook/rule-sets", params={"region": "330106", "on": "2026-05-01"}))["items"]
    assert {"samr-order-121", "one-click-hangzhou"} <= {one["id"] for one in found}
    assert "samr-order-20" not in {one["id"] for one in found}
    elsewhere = ok(http.get("/rulebook/rule-sets", params={"authority": "one_click", "region": "110000"}))
    assert elsewhere["items"] == []
    rules = ok(http.get("/rulebook/rule-sets/samr-order-121"))
    assert (rules["terms"]["acceptance"]["n"], rules["edition"]) == (7, 1)
    refused(http.get("/rulebook/rule-sets/none"), 404, "unknown")
    seven: dict[str, Any] = {"from": "2026-02-13T09:00:00+08:00", "n": 7}
    due = ok(http.get("/rulebook/due", params=seven))
    calendar = ok(http.get("/rulebook/calendars/2026"))
    assert datetime.fromisoformat(due["due"]) > datetime.fromisoformat("2026-02-24T00:00:00+08:00")
    assert (due["provisional"], "2026-02-17" in calendar["holidays"]) == (False, True)
    refused(http.get("/rulebook/calendars/2101"), 404, "unknown")
    seven["rolls"] = True
    refused(http.get("/rulebook/due", params=seven), 422, "invalid")


def test_g1_code_lists_are_read_in_pages(http: httpx.Client) -> None:
    assert "GB/T 2260" in {one["scheme"] for one in ok(http.get("/rulebook/codes"))["items"]}
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = ok(http.get("/rulebook/codes/GB/T 2260", params={"under": "330000", "limit": "4"} | after))
        seen += [one["code"] for one in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert seen == sorted(set(seen))
    assert {"330100", "330200"} <= set(seen)
    refused(http.get("/rulebook/codes/GB%2FT 9999"), 404, "unknown")


def test_a4_the_editor_publishes_law_and_what_is_wrong_is_said(server: Server, http: httpx.Client) -> None:
    content = {"year": 2041, "holidays": ["2041-01-01"], "workdays": [], "source": "notice"}
    one = {"publish": "calendar", "edition": 1, "content": content}
    refused_to = http.post("/rulebook/publications", json={"publications": [one]})
    assert refused(refused_to, 409, "rule-violation")["hint"]
    with server.client(EDITOR) as editor:
        wrong = one | {"content": content | {"holidays": ["2041-13-01"]}}
        problem = refused(editor.post("/rulebook/publications", json={"publications": [one, wrong]}), 422, "invalid")
        assert "publications[1].content.holidays" in problem["detail"]
        fees = one | {"publish": "parameters", "content": {"name": "x", "values": {}, "source": "x"}}
        two = refused(editor.post("/rulebook/publications", json={"publications": [one, fees]}), 422, "invalid")
        assert "rulebook-calendars and rulebook-parameters" in two["detail"]
        key = {"Idempotency-Key": uuid.uuid4().hex}
        done = ok(editor.post("/rulebook/publications", json={"publications": [one]}, headers=key), 201)
        assert (done["id"], done["events"]) == ("rulebook-calendars", ["rulebook.calendar_published"])
        again = ok(editor.post("/rulebook/publications", json={"publications": [one]}, headers=key), 201)
        assert again["repeated"]
        stale = refused(editor.post("/rulebook/publications", json={"publications": [one]}), 409, "rule-violation")
        assert stale["rule"]
    assert ok(http.get("/rulebook/calendars/2041"))["holidays"] == ["2041-01-01"]


@pytest.mark.parametrize(
    ("kind", "by", "steps", "status"),
    [
        ("report", REGULATOR, ["begin_verification", "file_case", "impose_penalty", "grant_reward"], "closed"),
        ("consultation", MEDIATOR, ["answer_consultation"], "closed"),
        ("suggestion", REGULATOR, ["acknowledge_suggestion"], "closed"),
    ],
)
def test_a1_each_kind_of_request_goes_its_own_path(
    server: Server, http: httpx.Client, kind: str, by: Actor, steps: list[str], status: str
) -> None:
    bodies: dict[str, dict[str, Any]] = {
        "begin_verification": {"office_id": office_with(http), "division": "330106"},
        "file_case": {"case_number": "2026-1"},
        "impose_penalty": {
            "case_number": "2026-1",
            "basis": "Advertising Law, art. 55",
            "fine": {"fen": 5_000_000},
            "violation": "false-advertising",
            "merchant_id": merchant(http)["id"],
        },
        "answer_consultation": {"text": "seven days"},
    }
    case = Case(server, file(http, kind=kind, region={"scheme": "GB/T 2260", "value": "330106"})["id"])
    assert "route" not in {one["name"] for one in case.read()["actions"]}
    bodies["grant_reward"] = {"recipient_id": case.read()["consumer_id"], "injured": False}
    for step in steps:
        case.take(by, step, **bodies.get(step, {}))
    assert (case.read()["status"], case.read()["kind"]) == (status, kind)


def test_a_body_made_from_a_decision_takes_no_more_and_no_other_than_it_says(http: httpx.Client) -> None:
    path = f"/complaints/{file(http)['id']}/actions"
    for action, body in (
        ("assign-mediator", {"candidates": []}),
        ("perform", {"item": "0"}),
        ("call-back", {"reached": 1}),
        ("call-back", {"reached": True, "satisfaction": 6}),
        ("offer", {"terms": [{"kind": "full_refund", "amount": {"fen": 1.0}}]}),
        ("link-attempt", {"attempt": {"register_name": "x", "reference": "1"}, "outcome": "none", "made_at": 5}),
    ):
        refused(http.post(f"{path}/{action}", json=body), 422, "invalid")
    refused(
        http.post("/complaints", json=COMPLAINT | {"origin": {"register_name": "x", "reference": "1"}}), 422, "invalid"
    )


def test_a11_only_an_office_above_supervises(server: Server) -> None:
    with server.client() as http:
        office, elsewhere = office_with(http), office_with(http)
        case = accepted(server, office)
        national = {"office_id": elsewhere, "reason": "the consumer had tried everywhere"}
        path = f"/complaints/{case.complaint}/actions/supervise"
        assert refused(http.post(path, json=national), 409, "rule-violation")["rule"] == "supervise-from-above"
        above = http.get(f"/offices/{office}").json()["superior"]
        ok(http.post(path, json=national | {"office_id": above}))


def test_only_officials_say_that_it_was_earlier(server: Server) -> None:
    earlier = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    body = {"consumer_id": CONSUMER.id, "channel": "app", "product": "rice cooker", "at": earlier}
    with server.client(CONSUMER) as consumer:
        problem = refused(consumer.post("/complaints", json=body), 409, "rule-violation")
        assert problem["rule"] == "past-recorded-by-officials"
    with server.client(REGULATOR) as regulator:
        ok(regulator.post("/complaints", json=body | {"channel": "phone"}), 201)


def test_a_sender_whose_clock_is_fast_acts_now_and_may_repeat_it(server: Server) -> None:
    soon = (datetime.now(UTC) + timedelta(minutes=2)).isoformat()
    body = {"consumer_id": CONSUMER.id, "channel": "app", "product": "rice cooker", "at": soon}
    key = {"Idempotency-Key": uuid.uuid4().hex}
    with server.client(CONSUMER) as consumer:
        filed = ok(consumer.post("/complaints", json=body, headers=key), 201)
        assert ok(consumer.get(f"/complaints/{filed['id']}"))["filed_at"] < soon
        assert ok(consumer.post("/complaints", json=body, headers=key), 201)["repeated"]
