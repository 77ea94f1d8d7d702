"""Merchants, platforms and authorities over HTTP, on a real ledger, with process managers running."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.orders import FileOrders
from adapters.rulebook import publish_first_edition
from adapters.watcher import WatcherSettings, run_watcher
from api.operations import CREATING
from domain.streams import KINDS, kind_of
from domain.values import Actor, Role
from tests.conftest import create_database, running
from tests.integration.test_http import CONSUMER, REGULATOR, Server, file, merchant, ok, refused
from tests.integration.test_http_life import SELLER, SERVICE, office_with, order

PLATFORM = Actor("88888888-8888-4888-8888-888888888888", Role.PLATFORM)
REVIEWER = Actor("99999999-9999-4999-8999-999999999999", Role.APPEAL_REVIEWER)
AUDITOR = Actor("aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa", Role.AUDITOR)
LIMIT_S = 60.0
DIGEST = "cd" * 32
FEE = {"kind": "full_refund", "amount": {"fen": 10_000}}


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("orders") / "orders.jsonl"


@pytest.fixture(scope="module")
def server(postgres_url: str, orders: Path) -> Iterator[Server]:
    """The API and a watcher on a ledger with the first edition of the rulebook."""
    database_url = create_database(postgres_url, f"actors_{uuid.uuid4().hex[:8]}")
    server = Server(database_url, orders=FileOrders(orders))
    publish_first_edition(server.ledger)
    with running(lambda stop: run_watcher(WatcherSettings(database_url), stop)):
        yield server
    server.stop()


def ago(**how_long: float) -> str:
    return (datetime.now(UTC) - timedelta(**how_long)).isoformat()


def ahead(**how_long: float) -> str:
    return (datetime.now(UTC) + timedelta(**how_long)).isoformat()


class Town:
    """Whoever acts on streams of any kind; a step is looked up among the legal next actions, then taken."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def begin(self, by: Actor, kind: str, /, **body: Any) -> str:
        with self.server.client(by) as client:
            answer = client.post(f"/{kind}s", json=body)
        done = ok(answer, 201)
        assert answer.headers["location"] == f"/{kind}s/{done['id']}"
        return str(done["id"])

    def read(self, stream: str, by: Actor = REGULATOR) -> dict[str, Any]:
        kind = kind_of(stream).prefix
        with self.server.client(by) as client:
            return ok(client.get(f"/{kind}s/{stream}" + ("/standing" if kind in ("merchant", "office") else "")))

    def may(self, stream: str, by: Actor) -> set[str]:
        return {one["name"] for one in self.read(stream, by)["actions"]}

    def take(self, stream: str, by: Actor, action: str, /, **body: Any) -> list[str]:
        (found,) = [one for one in self.read(stream, by)["actions"] if one["name"] == action]
        assert set(found["required"]) <= body.keys() <= {*found["arguments"], "at"}
        with self.server.client(by) as client:
            events: list[str] = ok(client.post(found["path"], json=body))["events"]
        return events

    def send(self, stream: str, by: Actor, action: str, /, **body: Any) -> httpx.Response:
        path = f"/{kind_of(stream).prefix}s/{stream}/actions/{action.replace('_', '-')}"
        with self.server.client(by) as client:
            return client.post(path, json=body)

    def against_a_rule(self, stream: str, by: Actor, action: str, /, **body: Any) -> dict[str, Any]:
        """The problem of an action that a rule forbids."""
        problem = refused(self.send(stream, by, action, **body), 409, "rule-violation")
        assert problem["hint"]
        assert problem["version"] == self.read(stream)["version"]
        return problem

    def invalid(self, stream: str, by: Actor, action: str, /, **body: Any) -> dict[str, Any]:
        return refused(self.send(stream, by, action, **body), 422, "invalid")

    def events(self, stream: str) -> list[dict[str, Any]]:
        with self.server.client() as client:
            items: list[dict[str, Any]] = ok(client.get(f"/{kind_of(stream).prefix}s/{stream}/events"))["items"]
        return items

    def event(self, stream: str, name: str) -> dict[str, Any]:
        """The data of the last event of a name, once it is there."""
        deadline = time.monotonic() + LIMIT_S
        while True:
            found = [one for one in self.events(stream) if one["type"] == name]
            if found:
                data: dict[str, Any] = found[-1]["data"]
                return data
            assert time.monotonic() < deadline, f"no {name} in {stream}"
            time.sleep(0.05)

    def linked(self, complaint: str, consequence: str) -> dict[str, Any]:
        """What a complaint says of a consequence, once it does."""
        deadline = time.monotonic() + LIMIT_S
        while True:
            for one in self.events(complaint):
                if one["type"] == "complaint.consequence_linked" and one["data"]["consequence"] == consequence:
                    found: dict[str, Any] = one["data"]
                    return found
            assert time.monotonic() < deadline, f"{complaint} tells of no {consequence}"
            time.sleep(0.05)


@pytest.fixture(scope="module")
def town(server: Server) -> Town:
    return Town(server)


@pytest.fixture(scope="module")
def office(http: httpx.Client) -> str:
    return office_with(http)


@pytest.fixture(scope="module")
def platform(town: Town) -> str:
    """A platform with a rule in force since long ago."""
    platform = town.begin(SERVICE, "platform", title="West Lake Market", at=ago(days=60))
    town.take(
        platform,
        SERVICE,
        "announce_rule",
        rule_id="opened-goods",
        title="Returns of opened goods",
        text=DIGEST,
        effective_from=ago(days=30),
        at=ago(days=50),
    )
    return platform


@pytest.fixture
def seller(http: httpx.Client) -> str:
    return str(merchant(http)["id"])


def routed(town: Town, http: httpx.Client, seller: str, **facts: Any) -> str:
    """A complaint that the merchant has, with some time to answer."""
    complaint = str(file(http, **facts)["id"])
    with town.server.client() as client:
        ok(client.post(f"/complaints/{complaint}/routing", json={"merchant_id": seller, "answer_due": ahead(days=9)}))
    return complaint


def unkept(town: Town, http: httpx.Client, seller: str) -> str:
    """A complaint that was settled long ago, for money that was never paid."""
    complaint = str(file(http, at=ago(days=90))["id"])
    routing = {"merchant_id": seller, "answer_due": ahead(days=9), "at": ago(days=89)}
    ok(http.post(f"/complaints/{complaint}/routing", json=routing))
    ok(http.post(f"/complaints/{complaint}/actions/settle", json={"terms": [FEE], "at": ago(days=88)}))
    return complaint


def test_e1_e2_e7_e8_a_notice_is_answered_by_a_measure_that_cites_a_rule_and_is_appealed(
    town: Town, http: httpx.Client, office: str, platform: str, seller: str
) -> None:
    soon = town.against_a_rule(
        platform, PLATFORM, "announce_rule", rule_id="fees", title="Fees", text=DIGEST, effective_from=ahead(days=3)
    )
    assert (soon["rule"], soon["source"]) == ("announce-before-effect", "E-Commerce Law, art. 34")
    town.take(
        platform,
        PLATFORM,
        "announce_rule",
        rule_id="opened-goods",
        title="Returns of opened goods",
        text=DIGEST,
        effective_from=ahead(days=20),
    )
    complaint = routed(town, http, seller)
    demand = {"office_id": office, "merchant_id": seller, "demand": "limit its reach", "complaints": [complaint]}
    town.take(platform, REGULATOR, "give_notice", **demand, basis="E-Commerce Law, art. 29")
    due = datetime.fromisoformat(town.read(platform)["next_due"])
    assert timedelta(hours=71) < due - datetime.now(UTC) < timedelta(hours=73)
    assert town.linked(complaint, "notice") == {
        "consequence": "notice",
        "stream": platform,
        "number": 1,
    }

    measure: dict[str, Any] = {
        "target": seller,
        "imposed_by": platform,
        "platform_id": platform,
        "kind": "traffic_control",
        "until": ahead(days=30),
        "reason": "It refuses returns that its customers may ask for.",
        "basis": "rule of the platform",
        "violation": "return-refused",
        "complaints": [complaint],
        "notice": 1,
    }
    with town.server.client(PLATFORM) as client:
        for cited in ({}, {"rule": {"rule_id": "opened-goods", "version": 2}}):
            problem = refused(client.post("/measures", json=measure | cited), 409, "rule-violation")
            assert (problem["rule"], problem["source"]) == ("measure-cites-rule-in-force", "E-Commerce Law, art. 32")
            assert "in force at that time" in problem["hint"]
        wordless = measure | {"reason": " ", "rule": {"rule_id": "opened-goods", "version": 1}}
        assert refused(client.post("/measures", json=wordless), 409, "rule-violation")["rule"] == "measure-has-reason"
    imposed = town.begin(PLATFORM, "measure", **measure, rule={"rule_id": "opened-goods", "version": 1})
    answered = town.event(platform, "platform.notice_answered")
    assert answered == {"number": 1, "measure": imposed, "late": False}
    assert town.linked(complaint, "measure")["stream"] == imposed
    assert town.read(platform)["next_due"] is None
    (remedy,) = town.event(imposed, "measure.imposed")["remedies"]
    assert (remedy["kind"], remedy["term"]["rule_set"]) == ("appeal", "supervision-2019")

    assert town.may(imposed, SELLER) == {"appeal"}
    assert "lift" in town.may(imposed, PLATFORM)
    town.take(imposed, SELLER, "appeal", grounds="They were opened by a courier.", damages={"fen": 50_000})
    assert town.read(imposed)["status"] == "contested"
    decision = {"outcome": "revoked", "reasons": "The courier says so too.", "damages": {"fen": 20_000}}
    by_merchant = town.against_a_rule(imposed, SELLER, "decide_appeal", **decision)
    assert by_merchant["rule"].endswith("-by")
    town.take(imposed, PLATFORM, "decide_appeal", **decision)
    assert town.read(imposed)["status"] == "revoked"
    decided = town.event(imposed, "measure.decided")
    assert (decided["counts"], decided["damages"]["fen"]) == (False, 20_000)


def test_a14_e2_the_penalty_of_a_report_is_a_measure_that_can_be_reviewed_and_paid(
    town: Town, http: httpx.Client, office: str, seller: str
) -> None:
    report = str(file(http, kind="report", region={"scheme": "GB/T 2260", "value": "330106"})["id"])
    town.take(report, REGULATOR, "begin_verification", office_id=office, division="330106")
    town.take(report, REGULATOR, "file_case", case_number="2026-7")
    penalty = {"case_number": "2026-7", "basis": "Advertising Law, art. 55", "fine": {"fen": 300_000}}
    nobody = penalty | {"merchant_id": f"merchant-{uuid.uuid4()}", "violation": "false-advertising"}
    assert "there is no merchant-" in town.invalid(report, REGULATOR, "impose_penalty", **nobody)["detail"]
    town.take(report, REGULATOR, "impose_penalty", **penalty, merchant_id=seller, violation="false-advertising")
    measure = town.linked(report, "penalty")["stream"]
    assert town.event(measure, "measure.imposed")["target"] == seller
    assert {"seek_review", "sue", "pay"} <= town.may(measure, SELLER)
    town.take(measure, SELLER, "pay", amount={"fen": 100_000}, reference="p-1")
    over = town.against_a_rule(measure, SELLER, "pay", amount={"fen": 200_001}, reference="p-2")
    assert over["rule"] == "pay-what-is-due"
    town.take(measure, SELLER, "seek_review", grounds="It was marked.", body="Market Supervision of Hangzhou")
    town.take(
        measure, REVIEWER, "decide_appeal", outcome="varied", reasons="The first time.", kind="fine",
        amount={"fen": 50_000},
    )  # fmt: skip
    decided = town.event(measure, "measure.decided")
    assert (decided["repay"]["fen"], [one["kind"] for one in decided["remedies"]]) == (50_000, ["suit"])
    town.take(measure, SELLER, "sue", court="Hangzhou Railway Court", reference="s-1", grounds="Not even once.")
    assert town.read(measure)["status"] == "contested"


def test_b6_a_verified_fraud_is_paid_for_by_the_platform_and_puts_the_merchant_on_its_blacklist(
    town: Town, http: httpx.Client, platform: str, seller: str
) -> None:
    complaint = routed(town, http, seller)
    town.take(complaint, CONSUMER, "allege_fraud", text="The goods do not exist.", platform_id=platform)
    early = town.against_a_rule(complaint, PLATFORM, "verify_fraud", verified=True, reasons="none were sent")
    assert early["rule"] == "verify-fraud-on-evidence"
    town.take(complaint, SELLER, "submit_evidence", digest=DIGEST, what="a waybill")
    town.take(
        complaint, PLATFORM, "verify_fraud", verified=True, reasons="The waybill is of another parcel.",
        legal_steps=True,
    )  # fmt: skip
    listed = town.event(seller, "merchant.listed")
    assert (listed["list"], listed["authority"], listed["complaints"]) == ("blacklist", platform, [complaint])
    assert town.linked(complaint, "listing")["stream"] == seller
    with town.server.client() as client:
        (item,) = ok(client.get(f"/complaints/{complaint}"))["terms"]
    assert (item["payer"], item["amount"]["fen"]) == ("platform", 19_900)


def test_d4_a_fund_advances_what_was_not_performed_and_recovers_it_or_says_no(
    town: Town, http: httpx.Client, office: str, seller: str
) -> None:
    fund = town.begin(REGULATOR, "fund", title="Protection fund", office_id=office)
    town.take(fund, REGULATOR, "pay_in", contributor="West Lake Market", amount={"fen": 15_000}, reference="i-1")
    first, second = (unkept(town, http, seller) for _ in range(2))
    nowhere = f"fund-{uuid.uuid4()}"
    assert town.invalid(first, CONSUMER, "request_advance", item=0, fund_id=nowhere)["hint"].startswith("open the fund")
    town.take(first, CONSUMER, "request_advance", item=0, fund_id=fund)
    paid = town.event(first, "complaint.advance_paid")
    assert (paid["fund_id"], paid["number"], paid["amount"]["fen"]) == (fund, 1, 10_000)
    performed = town.event(first, "complaint.performed")
    assert (performed["amount"]["fen"], performed["complete"]) == (10_000, True)
    assert "request_advance" not in town.may(first, CONSUMER)
    town.take(second, CONSUMER, "request_advance", item=0, fund_id=fund)
    assert town.event(second, "complaint.advance_refused")["reason"] == "balance"
    left = town.against_a_rule(fund, REGULATOR, "close_fund", reason="the year ends")
    assert left["rule"] == "close-with-nothing-outstanding"
    town.take(fund, REGULATOR, "recover", advance=1, amount={"fen": 10_000}, reference="r-1")
    assert town.event(fund, "fund.recovered")["balance"]["fen"] == 15_000
    town.take(fund, REGULATOR, "close_fund", reason="the year ends")
    assert town.read(fund)["actions"] == []


def test_b12_c7_a_complaint_goes_abroad_only_with_the_consent_of_the_person(
    town: Town, http: httpx.Client, office: str
) -> None:
    person = Actor(str(uuid.uuid4()), Role.CONSUMER)
    partner = "Consumer Council, Hong Kong"
    complaint = str(file(http, consumer_id=person.id)["id"])
    town.take(complaint, REGULATOR, "receive", office_id=office, division="330106", shop={"division": "330106"})
    abroad = {"partner": partner, "reference": "HK-1"}
    problem = town.against_a_rule(complaint, REGULATOR, "send_abroad", **abroad)
    assert (problem["rule"], partner in problem["detail"]) == ("abroad-with-consent", True)
    subject = town.begin(person, "subject", consumer_id=person.id)
    assert subject == f"subject-{person.id}"
    with town.server.client(person) as client:
        again = refused(client.post("/subjects", json={"consumer_id": person.id}), 409, "rule-violation")
        assert again["rule"] == "consents-opened-once"
        other = refused(client.post("/subjects", json={"consumer_id": CONSUMER.id}), 409, "rule-violation")
        assert other["rule"] == "consent-by-the-person"
    use = {"purpose": "cross_border_transfer", "recipient": partner}
    town.take(subject, person, "give_consent", **use, text=DIGEST)
    assert town.may(subject, CONSUMER) == set()
    town.take(complaint, REGULATOR, "send_abroad", **abroad)
    assert town.may(subject, person) == {"give_consent", "withdraw_consent"}
    town.take(subject, person, "withdraw_consent", **use)
    leak = {"source": "a courier", "what": "the address", "complaints": [complaint]}
    town.take(subject, REGULATOR, "record_leak", **leak)


def test_c6_d11_a_policy_that_the_merchant_adopted_settles_a_matching_complaint_at_once(
    town: Town, http: httpx.Client, orders: Path, seller: str
) -> None:
    stale = town.against_a_rule(seller, SELLER, "adopt_policy", policy_id="seven-day-return", edition=2)
    assert stale["rule"] == "policy-as-published"
    assert "seven-day-return" in town.invalid(seller, SELLER, "adopt_policy", policy_id="none", edition=1)["hint"]
    town.take(seller, SELLER, "adopt_policy", policy_id="seven-day-return", edition=1)
    reference = f"P-{uuid.uuid4()}"
    order(orders, seller, reference)
    body = {"consumer_id": CONSUMER.id, "channel": "app", "order_reference": reference, "issue": "七天无理由退货"}
    complaint = town.begin(CONSUMER, "complaint", **body)
    with town.server.client() as client:
        done = ok(client.post(f"/complaints/{complaint}/routing", json={"merchant_id": seller}))
        assert {"complaint.policy_executed", "complaint.resolved"} <= set(done["events"])
        settled = ok(client.get(f"/complaints/{complaint}"))
    assert (settled["status"], [one["kind"] for one in settled["terms"]]) == ("resolved", ["return", "full_refund"])
    executed = town.event(complaint, "complaint.policy_executed")
    assert (executed["policy_id"], executed["edition"]) == ("seven-day-return", 1)


def test_b5_a_warning_cites_its_complaints_and_enters_the_list_of_its_year(
    town: Town, http: httpx.Client, office: str, seller: str
) -> None:
    complaints = [routed(town, http, seller) for _ in range(2)]
    issue: dict[str, Any] = {"theme": "rice cookers", "text": "They catch fire.", "complaints": complaints}
    nothing = town.against_a_rule(office, REGULATOR, "issue_warning", **issue | {"complaints": []})
    assert nothing["rule"] == "consequence-traces-to-complaints"
    absent = issue | {"complaints": [complaints[0], f"complaint-{uuid.uuid4()}"]}
    assert "there is no complaint-" in town.invalid(office, REGULATOR, "issue_warning", **absent)["detail"]
    town.take(office, REGULATOR, "issue_warning", **issue)
    number = town.event(office, "office.warning_issued")["number"]
    for complaint in complaints:
        link = town.linked(complaint, "warning_case")
        assert (link["stream"], link["number"]) == (office, number)
    figures = [{"source": "another register", "what": "fires", "value": "3"}]
    town.take(
        office, REGULATOR, "publish_yearly_list", year=datetime.now(UTC).year, warnings=[number], external=figures
    )
    assert town.event(office, "office.yearly_list_published")["external"] == figures


def test_e9_a_merchant_complains_of_a_platform_and_an_office_decides(
    town: Town, office: str, platform: str, seller: str
) -> None:
    body = {"merchant_id": seller, "platform_id": platform, "violation": "unfair-fee", "text": "Each sale costs twice."}
    with town.server.client(SELLER) as client:
        wrong = refused(client.post("/grievances", json=body | {"violation": "rudeness"}), 422, "invalid")
        assert "rudeness" in wrong["detail"]
        by_consumer = town.server.client(CONSUMER)
        with by_consumer:
            assert refused(by_consumer.post("/grievances", json=body), 409, "rule-violation")["rule"].endswith("-by")
    grievance = town.begin(SELLER, "grievance", **body)
    assert town.may(grievance, PLATFORM) == {"answer_grievance"}
    early = town.against_a_rule(grievance, REGULATOR, "take_up", office_id=office)
    assert early["rule"] == "take-up-after-the-answer"
    town.take(grievance, PLATFORM, "answer_grievance", text="That is the contract.")
    town.take(grievance, REGULATOR, "take_up", office_id=office)
    town.take(grievance, REGULATOR, "decide_grievance", upheld=True, reasons="Nobody was told.")
    assert town.read(grievance)["status"] == "decided"
    assert town.event(grievance, "grievance.decided")["violation"] == "unfair-fee"


def test_e4_a_label_that_was_missing_for_a_while_is_found_in_a_live_room(town: Town, platform: str) -> None:
    room = town.begin(
        SERVICE, "room", platform_id=platform, operator="the operator", host="a digital host", at=ago(minutes=60)
    )
    town.take(room, SERVICE, "begin_session", at=ago(minutes=50))
    town.take(room, SERVICE, "show_content", content_id="host-1", kind="digital_host", at=ago(minutes=40))
    town.take(room, SERVICE, "show_label", content_id="host-1", text="made by a machine", at=ago(minutes=30))
    twice = town.against_a_rule(room, PLATFORM, "show_content", content_id="host-1", kind="ai_image")
    assert twice["rule"] == "shown-once-at-a-time"
    assert "room.label_gap_found" in town.take(room, PLATFORM, "end_session")
    gap = town.event(room, "room.label_gap_found")
    lasted = datetime.fromisoformat(gap["until"]) - datetime.fromisoformat(gap["first"])
    assert (round(lasted / timedelta(minutes=1)), gap["violation"]) == (10, "unlabelled-ai")
    town.take(room, PLATFORM, "keep_record", session=1, digest=DIGEST, what="the recording")
    kept = town.against_a_rule(room, PLATFORM, "destroy_record", session=1, reason="space")
    assert (kept["rule"], kept["source"]) == ("records-kept-for-their-term", "E-Commerce Law, art. 31")


def test_e6_a_listing_is_repaired_after_its_term(
    town: Town, http: httpx.Client, office: str, platform: str, seller: str
) -> None:
    complaint = routed(town, http, seller)
    facts: dict[str, Any] = {
        "list": "untrustworthy",
        "authority": office,
        "title": "Seriously untrustworthy",
        "basis": "Order 44, art. 8",
        "conditions": "pay what is owed",
        "complaints": [complaint],
    }
    town.take(seller, REGULATOR, "list_merchant", **facts, at=ago(days=400))
    assert town.linked(complaint, "listing")["number"] == 1
    town.take(seller, REGULATOR, "list_merchant", **facts | {"list": "warning"})
    early = town.against_a_rule(seller, SELLER, "apply_for_repair", number=2, undertaking="I shall pay.")
    assert early["rule"] == "repair-after-its-term"
    of_platform = town.against_a_rule(seller, PLATFORM, "list_merchant", **facts | {"authority": platform})
    assert of_platform["rule"] == "list-of-the-authority"
    town.take(seller, SELLER, "apply_for_repair", number=1, undertaking="All is paid.")
    town.take(seller, REGULATOR, "decide_repair", number=1, granted=True, reasons="All is paid.")
    assert town.event(seller, "merchant.repair_decided")["granted"] is True
    assert datetime.fromisoformat(town.read(seller)["next_due"]) > datetime.now(UTC) + timedelta(days=1_000)


def test_b7_silence_beyond_its_term_is_a_credit_event_that_is_found_from_the_complaint(
    town: Town, http: httpx.Client, seller: str
) -> None:
    complaint = str(file(http, at=ago(days=9))["id"])
    routing = {"merchant_id": seller, "answer_due": ago(days=2), "at": ago(days=8)}
    ok(http.post(f"/complaints/{complaint}/routing", json=routing))
    credit = town.linked(complaint, "credit_event")["stream"]
    recorded = town.event(credit, "credit.event_recorded")
    assert (recorded["merchant_id"], recorded["complaint_id"]) == (seller, complaint)
    assert town.read(credit)["actions"] == []


def test_b9_b16_a_merchant_reports_its_volume_and_what_it_changed(town: Town, http: httpx.Client, seller: str) -> None:
    volume = {"first": "2026-01-01", "last": "2026-01-31", "stage": "payment", "transactions": 9_000}
    town.take(seller, SELLER, "report_volume", **volume, active_users=400)
    overlap = volume | {"first": "2026-01-15", "last": "2026-02-14"}
    assert town.against_a_rule(seller, SELLER, "report_volume", **overlap, active_users=1)["rule"]
    for wrong in ({"first": 1}, {"first": "2026-01-01T00:00:00Z"}, {"stage": "dreaming"}, {"active_users": "1"}):
        town.invalid(seller, SELLER, "report_volume", **volume | {"active_users": 1} | wrong)
    complaint = routed(town, http, seller)
    town.take(
        seller, SELLER, "take_corrective_action", title="The fee is shown", description="Before the order.",
        complaints=[complaint], effective_at=ago(minutes=1), stage="payment",
    )  # fmt: skip
    assert town.linked(complaint, "corrective_action")["stream"] == seller
    town.take(seller, SELLER, "report_corrective_result", number=1, text="No complaint since.")


def test_d7_platforms_are_audited_and_report_what_they_found(
    town: Town, http: httpx.Client, platform: str, seller: str
) -> None:
    period = {"first": "2026-01-01", "last": "2026-03-31"}
    audit = {"auditor": "an auditor", "scope": "orders", "conforms": True, "report": DIGEST}
    town.take(platform, AUDITOR, "record_privacy_audit", **period, **audit)
    complaint = routed(town, http, seller)
    found = {"merchant_id": seller, "violation": "false-advertising", "complaints": [complaint]}
    for absent in (
        {"measure": f"measure-{uuid.uuid4()}"},
        {"merchant_id": f"merchant-{uuid.uuid4()}"},
        {"complaints": [f"complaint-{uuid.uuid4()}"]},
    ):
        problem = town.invalid(platform, PLATFORM, "report_supervision", **period, violations=[found | absent])
        assert "there is no " in problem["detail"]
    town.take(platform, PLATFORM, "report_supervision", **period, violations=[found])
    assert town.linked(complaint, "supervision_report")["stream"] == platform


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/funds", {"title": "x", "office_id": "office-{}"}),
        ("/rooms", {"platform_id": "platform-{}", "operator": "x", "host": "x"}),
        ("/grievances", {"platform_id": "platform-{}", "merchant_id": "merchant-{}", "violation": "x", "text": "x"}),
        ("/merchants/{}/actions/link-merchant", {"other": "merchant-{}", "relation": "branch_of", "basis": "x"}),
        ("/offices/{}/actions/record-evaluation",
            {"evaluated": "platform-{}", "first": "2026-01-01", "last": "2026-03-31", "cases": 1,
             "resolution_hours_median": 1, "satisfaction_permille": 1, "success_permille": 1}),
    ],
)  # fmt: skip
def test_what_is_named_has_to_be_there(
    http: httpx.Client, office: str, seller: str, path: str, body: dict[str, Any]
) -> None:
    own = {"merchants": seller, "offices": office}.get(path.split("/")[1], "")
    sent = json.loads(json.dumps(body).replace("{}", str(uuid.uuid4())))
    problem = refused(http.post(path.replace("{}", own), json=sent), 422, "invalid")
    assert problem["detail"].startswith("there is no ")
    assert problem["hint"]


def test_streams_of_every_kind_have_versions_and_keys(town: Town, platform: str) -> None:
    key = {"Idempotency-Key": uuid.uuid4().hex}
    body = {"platform_id": platform, "operator": "the operator", "host": "the host"}
    with town.server.client(PLATFORM) as client:
        first = ok(client.post("/rooms", json=body, headers=key), 201)
        again = ok(client.post("/rooms", json=body, headers=key), 201)
        assert again == first | {"repeated": True}
        other = client.post("/rooms", json=body | {"host": "another"}, headers=key)
        assert refused(other, 409, "reused-key")["hint"]
        path = f"/rooms/{first['id']}"
        begun = client.post(f"{path}/actions/begin-session", json={}, headers={"If-Match": '"1"'})
        assert (ok(begun)["version"], begun.headers["etag"]) == (2, '"2"')
        stale = client.post(f"{path}/actions/end-session", json={}, headers={"If-Match": '"1"'})
        assert refused(stale, 412, "stale-version")["version"] == 2
        assert stale.headers["etag"] == client.get(path).headers["etag"] == '"2"'
        page = ok(client.get(f"{path}/events", params={"limit": 1}))
        assert ([one["type"] for one in page["items"]], page["next"]) == (["room.opened"], 1)
        refused(client.get(f"/rooms/room-{uuid.uuid4()}"), 404, "unknown")
        refused(client.get(f"/rooms/{platform}"), 422, "invalid")


def test_g3_every_kind_is_begun_by_an_action_of_its_own_name_and_shown_to_its_audience(http: httpx.Client) -> None:
    begun = [kind.begin.name for kind in KINDS.values() if kind.begin is not None]
    assert len(begun) == len(set(begun)) == len(CREATING)
    document = ok(http.get("/openapi.json"))
    tags = {
        operation["operationId"]: set(operation["tags"])
        for methods in document["paths"].values()
        for operation in methods.values()
    }
    assert tags["announce_rule_platform"] == {"platform"}
    assert tags["give_notice_platform"] == {"regulator"}
    assert tags["appeal_measure"] == {"merchant"}
    assert tags["give_consent_subject"] == {"consumer"}
    assert tags["record_evaluation_office"] == {"regulator", "auditor"}
    for prefix, kind in KINDS.items():
        names = [*kind.actions, *([kind.begin.name] if kind.begin is not None else [])]
        assert {f"{name}_{prefix}" for name in names} <= tags.keys()
