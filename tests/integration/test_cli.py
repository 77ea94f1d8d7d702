"""The command `complaints` as people and programs run it: its JSON, its exit codes, its errors."""

from __future__ import annotations

import csv
import json
import re
import signal
import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg2
import pytest

from adapters.database import connect
from adapters.rulebook import FIRST_EDITION_AT, PUBLISHER, first_edition, publish_all
from api.groups import GROUPS
from domain.calendar import SHANGHAI
from domain.rulebook.book import EMPTY
from domain.streams import COMPLAINT, CREDIT, GRADE, KINDS, RULEBOOK
from projections.catalogue import PROJECTIONS
from tests.integration.program import LIMIT, Program, eventually, stop

#: What an empty ledger begins with.
RULEBOOK_EVENTS = len(list(publish_all(EMPTY, first_edition(), FIRST_EDITION_AT, PUBLISHER)))
#: Those of the ledger, its topics and the public feed, and one for each table of a read model.
CHECKS = 6 + sum(1 + len(projection.sums) for projection in PROJECTIONS)
CONSUMER = "11111111-1111-4111-8111-111111111111"
FILE = ("file", "--product", "网络购物", "--channel", "web", "--consumer", CONSUMER)
DIMENSIONS = ("merchant", "product", "region", "channel", "month")
MEASURES = ("valid", "resolved", "answered", "answered_on_time", "disputed")
TOTALS = {"valid": 8339, "resolved": 1272, "answered": 6484, "answered_on_time": 6443, "disputed": 1047}
HEADER = (
    "Complaint ID,Product,Sub-product,Issue,Sub-issue,State,ZIP code,Submitted via,Date received,"
    "Date sent to company,Company,Company response,Timely response?,Consumer disputed?"
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Program, subprocess.Popen[str]]]:
    """`complaints demo --once` in an empty directory, on its way."""
    program = Program(tmp_path_factory.mktemp("demo") / "data")
    process = program.start("demo", "--once")
    yield program, process
    if process.poll() is None:
        process.terminate()
        process.communicate(timeout=LIMIT)


@pytest.fixture(scope="module")
def program(demo: object, sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """`complaints up` with the sample imported, and the statistics as they were then."""
    program = Program(tmp_path_factory.mktemp("cli") / "data")
    with program.up() as up:
        assert up.endpoints.keys() == {"database_url", "kafka_bootstrap", "http_url"}
        first = program.run("import", "cfpb", str(sample), "--json").json
        assert list(first) == ["read", "imported", "already", "updated", "refused"]
        assert (first["read"], first["imported"], first["already"], first["updated"]) == (8340, 8339, 0, 0)
        (refused,) = first["refused"]
        assert refused.keys() == {"line", "reason"}
        assert (refused["line"], "13 fields" in refused["reason"]) == (8341, True)
        answers = program.run_all([("stats", "--by", by, "--json") for by in DIMENSIONS])
        program.statistics = {by: answer.json for by, answer in zip(DIMENSIONS, answers, strict=True)}
        yield program
        assert stop(program, up, signal.SIGTERM) == 128 + signal.SIGTERM


def rate(resolved: int, valid: int) -> str:
    """Percent with one decimal, half-up, by the school's way of dividing."""
    tenths, rest = divmod(1000 * resolved, valid)
    tenths += 2 * rest >= valid
    return f"{tenths // 10}.{tenths % 10}"


def counted(sample: Path, key: Callable[[dict[str, str]], str]) -> dict[str, Counter[str]]:
    """The contract's figures straight from the file, by group."""
    groups: dict[str, Counter[str]] = defaultdict(Counter)
    with sample.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["Consumer disputed?"] is None:
                continue
            answered = row["Company response"] not in ("In progress", "Untimely response")
            groups[key(row)].update(
                valid=1,
                answered=answered,
                answered_on_time=answered and row["Timely response?"] == "Yes",
                resolved=row["Company response"] in ("Closed with monetary relief", "Closed with non-monetary relief"),
                disputed=row["Consumer disputed?"] == "Yes",
            )
    return groups


@pytest.mark.parametrize("by", DIMENSIONS)
def test_statistics_are_those_of_the_file_in_every_group(program: Program, sample: Path, by: str) -> None:
    rows = program.statistics[by]
    keys: dict[str, Callable[[dict[str, str]], str]] = {
        "merchant": lambda row: row["Company"].strip(),
        "product": lambda row: row["Product"],
        "region": lambda row: row["State"],
        "channel": lambda row: row["Submitted via"].lower().replace(" ", "_"),
        "month": lambda row: datetime.strptime(row["Date received"], "%m/%d/%Y").strftime("%Y-%m"),
    }
    expected = counted(sample, keys[by])
    assert {row["key"]: {name: row[name] for name in MEASURES} for row in rows} == {
        key: {name: counts[name] for name in MEASURES} for key, counts in expected.items()
    }
    assert {name: sum(row[name] for row in rows) for name in MEASURES} == TOTALS
    for row in rows:
        assert {"key", "valid", "resolved", "resolved_rate", "recovered_fen", *MEASURES} <= row.keys()
        assert row["resolved_rate"] == rate(row["resolved"], row["valid"])
        assert row["recovered_fen"] == 0
    if by == "month":
        assert [row["key"] for row in rows] == sorted(expected)
    else:
        order = [(-row["valid"], row["id"] if by != "merchant" else "") for row in rows]
        assert order == sorted(order)


def test_what_happened_by_day_comes_to_the_file_whenever_it_was_filed(program: Program) -> None:
    own = ("flows", "--by", "register", "--only", "register:cfpb")
    (whole,) = program.run(*own, "--json").json
    expected = {"filed": 8339, "answered_on_time": 6443, "resolved": 1272, "recovered_fen": 0}
    assert {name: whole[name] for name in expected} == expected
    months = program.run(*own, "--interval", "month", "--json").json
    assert [one["first_day"] for one in months] == sorted({one["first_day"] for one in months})
    assert {name: sum(one[name] for one in months) for name in expected} == expected
    assert "read.flow_events()" in program.run("flows", "--explain").out
    assert "cfpb" in program.run(*own).out


def test_a_second_import_changes_nothing(program: Program, sample: Path) -> None:
    before = program.head()
    again = program.run("import", "cfpb", str(sample), "--json").json
    assert (again["read"], again["imported"], again["already"], again["updated"]) == (8340, 0, 8339, 0)
    assert [refused["line"] for refused in again["refused"]] == [8341]
    assert program.head() == before


def test_ledger_and_read_models_are_open_to_sql(program: Program) -> None:
    ((events, streams, least),) = program.sql(
        "select count(*), count(distinct stream), min(version) from ledger.events "
        f"where position between {RULEBOOK_EVENTS + 1} and {RULEBOOK_EVENTS + 31_667} "
        "and type <> '' and record <> '' and recorded_at <= now()"
    )
    assert (events, streams, least) == (31_667, 9_152, 1)
    assert program.sql(
        "select count(*), count(*) filter (where resolved), count(*) filter (where answered_on_time), "
        "count(*) filter (where disputed) from read.complaint_details where register_name = 'cfpb'"
    ) == [(8339, 1272, 6443, 1047)]
    assert program.sql(
        "select sum(valid), sum(resolved) from read.resolution_statistics "
        "where dimension = 'product' and scheme = 'cfpb' and grain = 'year'"
    ) == [(8339, 1272)]


def test_a_complaint_goes_its_way_and_its_history_is_told_as_it_was_known(program: Program) -> None:
    merchant = program.run("register", "杭州商户", "--identifier", "USCC:91330106MA2CFLDG4R", "--json").json["id"]
    # Recent, so that no deadline passes meanwhile.
    at = (datetime.now(SHANGHAI) - timedelta(hours=1)).replace(microsecond=0)
    filed = program.run(
        *FILE,
        "--claim",
        "120.50",
        "--region",
        "GB/T 2260:330106",
        "--at",
        at.isoformat(),
        "--as",
        "regulator",
        "--json",
    ).json
    complaint = filed["id"]
    assert (filed["version"], filed["events"], filed["repeated"]) == (1, ["complaint.filed"], False)
    steps = [
        ("route", f"merchant_id={merchant}"),
        ("answer", "kind=monetary_relief", "relief=100", "--as", "merchant"),
        ("resolve", "basis=agreement", "recovered=100.25"),
    ]
    for version, step in enumerate(steps, 2):
        done = program.run("act", complaint, *step, "--expected-version", str(version - 1), "--json").json
        assert done["version"] == version
    whole, shown = (program.run(command, complaint, "--json").json for command in ("history", "show"))
    assert [event["version"] for event in whole] == [1, 2, 3, 4]
    assert {"version", "type", "occurred_at", "recorded_at", "data"} <= whole[0].keys()
    assert datetime.fromisoformat(whole[0]["occurred_at"]) == at
    assert (shown["status"], shown["merchant"], shown["claim_fen"], shown["recovered_fen"]) == (
        "resolved", "杭州商户", 12_050, 10_025
    )  # fmt: skip
    known = datetime.fromisoformat(whole[1]["recorded_at"])
    asked = [
        ("--version", "2"),
        ("--version", "9"),
        ("--at", known.isoformat()),
        ("--at", known.astimezone().isoformat()),
        ("--at", (known - timedelta(microseconds=1)).isoformat()),
        ("--at", "2026-01-31T10:00:00+08:00"),
    ]
    answers = program.run_all([("history", complaint, *how, "--json") for how in asked])
    assert [len(answer.json) for answer in answers] == [2, 4, 2, 2, 1, 0]
    assert all(answer.json == whole[: len(answer.json)] for answer in answers)


def test_a_published_complaint_is_found_by_its_number(program: Program) -> None:
    by_number = program.run("show", "cfpb:1114245", "--json").json
    assert (by_number["reference"], by_number["merchant"]) == ("1114245", "Choice Recovery, Inc.")
    bare = by_number["complaint_id"].removeprefix("complaint-")
    assert program.run("show", bare, "--json").json == by_number
    table = program.run("show", bare)
    assert (table.code, "Choice Recovery, Inc." in table.out) == (0, True)


def test_a_command_under_one_key_runs_once_and_its_key_is_not_for_another(program: Program) -> None:
    key = ("--key", uuid4().hex, "--json")
    first, again = program.run(*FILE, *key).json, program.run(*FILE, *key).json
    assert (first["repeated"], again["repeated"]) == (False, True)
    assert {**again, "repeated": False} == first
    other = program.run(*FILE, "--claim", "1", *key)
    assert (other.code, other.error["error"]) == (6, "ReusedKey")
    elsewhere = program.run("act", first["id"], "withdraw", *key).json
    assert (elsewhere["repeated"], elsewhere["version"]) == (False, 2)


REFUSED: list[tuple[tuple[str | bytes, ...], int, str, str]] = [
    ((*FILE, "--claim", "-1"), 3, "InvalidInput", "'-1' is not an amount"),
    ((*FILE, "--claim", "1.234"), 3, "InvalidInput", "at most two decimals"),
    ((*FILE, "--claim", "1", "--currency", "yuan"), 3, "InvalidInput", "ISO 4217"),
    ((*FILE, "--at", "2026-01-31T09:30:00"), 3, "InvalidInput", "has no zone"),
    ((*FILE, "--at", "2026-02-30T09:30:00Z"), 3, "InvalidInput", "is not a time"),
    ((*FILE, "--at", "2126-01-31T09:30:00Z"), 3, "InvalidInput", "is in the future"),
    ((*FILE, "--region", "x:" + "y" * 501), 3, "InvalidInput", "too long"),
    ((*FILE, "--narrative", "投" * 32_000), 3, "InvalidInput", "more than 60000"),
    ((*FILE, "--narrative", b"\xff"), 3, "InvalidInput", "not valid UTF-8"),
    (("show", "nonsense"), 3, "InvalidInput", "does not name a complaint"),
    (("show", "cfpb:999"), 4, "UnknownStream", "there is no complaint 'cfpb:999'"),
    (("history", str(uuid4())), 4, "UnknownStream", "there is no complaint"),
    (("history", "cfpb:1114245", "--at", "2026-01-01T00:00:00"), 3, "InvalidInput", "has no zone"),
    (("history", "cfpb:1114245", "--at", "2026-01-01T00:00:00Z", "--version", "1"), 3, "InvalidInput", "exclude"),
    (("act", str(uuid4()), "withdraw"), 4, "UnknownStream", "there is no complaint"),
    (("act", "cfpb:1114245", "route", f"merchant_id=merchant-{CONSUMER}"), 3, "InvalidInput", "no merchant-"),
    (("act", "cfpb:1114245", "route", "merchant_id=me"), 3, "InvalidInput", "merchant_id is 'me'"),
    (("act", "cfpb:1114245", "answer", "kind=explanation"), 5, "RuleViolation", "not legal for a complaint that is"),
    (("act", "cfpb:1114245", "answer", "kind=shrug"), 3, "InvalidInput", "kind is 'shrug'"),
    (("act", "cfpb:1114245", "dance"), 3, "InvalidInput", "nothing that can be done with a complaint"),
    (("act", "cfpb:1114245", "correct", "product=x"), 3, "InvalidInput", "nothing that can be done"),
    (("act", "cfpb:1114245", "withdraw", "--expected-version", "1"), 6, "StaleVersion", "at version 4, not 1"),
    (("act", "cfpb:1114245", "reopen", "reason="), 3, "InvalidInput", "reason"),
    (("act", "cfpb:1114245", "answer"), 3, "InvalidInput", "answer needs kind="),
    (("act", "cfpb:1114245", "withdraw", "amount=1"), 3, "InvalidInput", "takes no 'amount'"),
    (("act", "cfpb:1114245", "withdraw", "settled"), 3, "InvalidInput", "not NAME=VALUE"),
    (("act", "cfpb:1114245", "withdraw", "reason=a", "reason=b"), 3, "InvalidInput", "given twice"),
    (("act", "cfpb:1114245", "answer", "kind=relief", "relief=1.234"), 3, "InvalidInput", "at most two decimals"),
    (("act", "cfpb:1114245", "answer", "kind=relief", "relief=1:yuan"), 3, "InvalidInput", "ISO 4217"),
    (("act", "cfpb:1114245", "reopen", "reason=x", "answer_due=2026-01-01"), 3, "InvalidInput", "has no zone"),
    (("act", "cfpb:1114245", "settle", "terms=[{"), 3, "InvalidInput", "terms is not JSON"),
    (("act", "cfpb:1114245", "settle", 'terms=[{"kind":"return","x":1}]'), 3, "InvalidInput", "terms.0.x"),
    (("act", "cfpb:1114245", "call_back", "reached=maybe"), 3, "InvalidInput", "true or false"),
    (("act", "cfpb:1114245", "perform", "item=-1"), 3, "InvalidInput", "whole number"),
    (("act", "cfpb:1114245", "link-attempt", "attempt=x", "made_at=2026-01-01T00:00:00Z", "outcome=x"),
        3, "InvalidInput", "SCHEME:VALUE"),
    (("actions", str(uuid4())), 4, "UnknownStream", "there is no complaint"),
    (("merchant", "act", "x", "enrol"), 3, "InvalidInput", "does not name a merchant"),
    (("office", "workload", str(uuid4())), 4, "UnknownStream", "there is no office-"),
    (("platform", "admit-platform"), 3, "InvalidInput", "admit_platform needs title=…"),
    (("platform", "admit-platform", "title=x", "colour=red"), 3, "InvalidInput", "takes no 'colour'"),
    (("platform", "act", str(uuid4()), "dance"), 3, "InvalidInput", "nothing that can be done with a platform"),
    (("platform", "history", str(uuid4())), 4, "UnknownStream", "there is no platform"),
    (("measure", "impose", "rule=1"), 3, "InvalidInput", "rule is '1', not JSON"),
    (("measure", "act", "x", "lift", "reason=x"), 3, "InvalidInput", "does not name a measure"),
    (("grievance", "complain-of-platform", f"merchant_id=merchant-{CONSUMER}", f"platform_id=platform-{CONSUMER}",
        "violation=unfair-fee", "text=x"), 3, "InvalidInput", "there is no merchant-"),
    (("room", "open-room", "platform_id=me", "operator=x", "host=x"), 3, "InvalidInput", "platform_id is 'me'"),
    (("fund", "open-fund", "title=x", f"office_id=office-{CONSUMER}"), 3, "InvalidInput", "there is no office-"),
    (("fund", "actions", str(uuid4())), 4, "UnknownStream", "there is no fund-"),
    (("subject", "open-consents", f"consumer_id={uuid4()}"), 5, "RuleViolation", "consents of somebody else"),
    (("merchant", "act", str(uuid4()), "report-volume", "first=soon", "last=2026-01-31", "stage=use",
        "transactions=1", "active_users=1"), 3, "InvalidInput", "first is 'soon': write a day"),
    (("office", "act", str(uuid4()), "publish-yearly-list", "year=2026", "warnings=one"),
        3, "InvalidInput", "warnings is 'one'"),
    (("reactions", "replay", "--from", "-1"), 2, "", "--from"),
    (("office", "establish", "x", "--level", "county", "--division", "330106"), 3, "InvalidInput", "its superior"),
    (("file", "--channel", "web"), 3, "InvalidInput", "product is missing"),
    (("file", "--channel", "web", "--order", "P-1"), 3, "InvalidInput", "COMPLAINTS_ORDERS"),
    (("stats", "--from", "January"), 3, "InvalidInput", "is neither a month nor a day"),
    (("stats", "--by", "weather"), 3, "InvalidInput", "there is no dimension 'weather'"),
    (("flows", "--by", "scenario"), 3, "InvalidInput", "there are no flows by 'scenario'"),
    (("flows", "--only", "region:330106"), 3, "InvalidInput", "flows by all cannot be filtered by 'region'"),
    (("import", "cfpb"), 2, "", "FILE"),
    (("up", "--api", "0"), 2, "", "Invalid value for '--api'"),
    (("up", "--projectors", "65"), 2, "", "Invalid value for '--projectors'"),
    (("up", "--api", "2"), 7, "ServicesError", "with api, feed, projector, relay, watcher instead of api-1, api-2, "),
]  # fmt: skip


def test_what_cannot_be_done_says_why_and_leaves_everything_as_it_was(program: Program) -> None:
    before = program.head()
    wrong = []
    answers = program.run_all([(*arguments, "--json") for arguments, *_ in REFUSED])
    for (arguments, code, kind, message), ran in zip(REFUSED, answers, strict=True):
        if kind:
            told = (ran.code, ran.error["error"]) == (code, kind) and message in ran.error["message"]
        else:
            told = ran.code == code and message.lower() in ran.err.lower() and ran.out == ""
        if not told:
            wrong.append((arguments, ran))
    assert wrong == []
    assert program.head() == before


def test_a_complaint_goes_its_whole_life_on_the_command_line(
    program: Program, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    def do(*arguments: str) -> Any:
        return program.run(*arguments, "--json").json

    seller = do("register", "west lake")["id"]
    bought = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    orders = tmp_path / "orders.csv"
    orders.write_text(f"reference,purchased_at,amount,merchant_id,product\nP-1,{bought},201.00,{seller},kettle\n")
    program.settings["COMPLAINTS_ORDERS"] = str(orders)
    request.addfinalizer(lambda: program.settings.pop("COMPLAINTS_ORDERS"))
    national = do("office", "establish", "national", "--level", "national", "--division", "000000")["id"]
    county = ("--level", "county", "--division", "330106", "--superior", national)
    office = do("office", "establish", "Xihu", *county)["id"]
    mediator = str(uuid4())
    do("office", "act", office, "enrol-mediator", f"mediator_id={mediator}", "kind=person", "classes=kettle")
    do("merchant", "act", seller, "enrol")
    filing = ("file", "--channel", "app", "--order", "P-1", "--consumer", CONSUMER)
    complaint = do(*filing, "region=GB/T 2260:330106")["id"]
    steps: list[tuple[str, ...]] = [
        ("consumer", "route", f"merchant_id={seller}", "regime=one_click"),
        ("consumer", "upgrade"),
        ("regulator", "receive", f"office_id={office}", "division=330106", 'shop={"division":"330106"}'),
        ("regulator", "accept"),
        ("consumer", "consent-to-mediation"),
        ("merchant", "consent-to-mediation"),
        ("regulator", "assign-mediator"),
        ("mediator", "begin-mediation"),
        ("merchant", "offer", 'terms=[{"kind":"return"},{"kind":"partial_refund","amount":"100.50"}]'),
        ("consumer", "accept-offer"),
        ("merchant", "perform", "item=1", "amount=100.50", "reference=pay-1"),
        ("merchant", "perform", "item=0"),
        ("regulator", "conclude"),
        ("regulator", "call-back", "reached=true", "satisfaction=4"),
    ]
    for role, action, *given in steps:
        (told,) = [one for one in do("actions", complaint, "--as", role) if one["name"] == action.replace("-", "_")]
        names = {one.partition("=")[0] for one in given}
        assert set(told["required"]) <= names <= set(told["arguments"])
        do("act", complaint, action, *given, "--as", role)
        if action == "assign-mediator":
            ((load),) = [one["load"] for one in do("office", "workload", office)]
            assert load == 1
    shown = do("show", complaint)
    assert (shown["status"], shown["recovered_fen"], shown["satisfaction"]) == ("resolved", 10_050, 4)
    assert [item["done"] for item in shown["terms"]] == [True, True]
    assert shown["mediator_id"] == mediator
    refused = program.run("act", complaint, "accept", "--json")
    assert refused.code == 5
    assert {name: refused.error[name] for name in ("rule", "source", "hint")} == {
        "rule": "accept-what-was-received",
        "source": "Order 121, art. 15",
        "hint": "it would have to be received",
    }
    line = program.run("act", complaint, "accept").err
    assert "(rule accept-what-was-received, Order 121, art. 15)" in line
    table = program.run("actions", complaint, "--as", "consumer")
    assert "reopen" in table.out
    assert "reason=" in table.out


def test_the_help_of_act_names_every_action(program: Program) -> None:
    kinds = [kind for prefix, kind in KINDS.items() if prefix in GROUPS]
    commands = [("act", "--help"), *((kind.prefix, "act", "--help") for kind in kinds)]
    for kind, ran in zip([COMPLAINT, *kinds], program.run_all(commands), strict=True):
        told = "".join(ran.out.split()).replace("│", "")
        for name in kind.actions:
            assert name in told, (kind.prefix, name)


def test_platforms_measures_and_what_follows_from_them_on_the_command_line(program: Program) -> None:
    def do(*arguments: str) -> Any:
        return program.run(*arguments, "--json").json

    def ago(days: int) -> tuple[str, ...]:
        return ("--as", "service", "--at", (datetime.now(UTC) - timedelta(days=days)).isoformat())

    seller, digest = do("register", "east lake")["id"], "ab" * 32
    platform = do("platform", "admit-platform", "title=West Lake Market", *ago(30))["id"]
    rule = ("rule_id=fees", "title=Fees", f"text={digest}")
    since = (datetime.now(UTC) - timedelta(days=5)).isoformat()
    do("platform", "act", platform, "announce-rule", *rule, f"effective_from={since}", *ago(20))
    early = program.run("platform", "act", platform, "announce-rule", *rule, f"effective_from={since}", "--json")
    assert (early.code, early.error["rule"]) == (5, "announce-before-effect")
    assert early.error["source"] == "E-Commerce Law, art. 34"
    complaint = do(*FILE)["id"]
    do("act", complaint, "route", f"merchant_id={seller}")
    imposed = (
        f"imposed_by={platform}", f"platform_id={platform}", f"target={seller}", "kind=warning", "reason=late",
        "basis=fees", "violation=unfair-fee", f"complaints={complaint}", 'rule={"rule_id":"fees","version":1}',
    )  # fmt: skip
    measure = do("measure", "impose", *imposed, "--as", "platform")["id"]
    (appeal,) = do("measure", "actions", measure, "--as", "merchant")
    assert (appeal["name"], appeal["required"]) == ("appeal", ["grounds"])
    do("measure", "act", measure, "appeal", "grounds=none", "--as", "merchant", "--expected-version", "1")
    assert [one["type"] for one in do("measure", "history", measure)] == ["measure.imposed", "measure.appealed"]
    eventually(lambda: do("reactions", "status")["position"] == program.head(), "the process managers are there")
    linked = do("history", complaint)[-1]
    assert (linked["type"], linked["data"]["stream"]) == ("complaint.consequence_linked", measure)
    before = program.head()
    assert do("reactions", "replay")["waiting"] == 0
    eventually(lambda: do("reactions", "status") == {"position": before, "waiting": 0, "first": []}, "read again")
    assert program.head() == before
    rules = do("reactions", "rules")
    assert {"complaints-behind-a-measure", "advance-that-was-requested"} <= {one["rule"] for one in rules}
    person = str(uuid4())
    opened = do("subject", "open-consents", f"consumer_id={person}", "--actor", person)
    assert opened["id"] == f"subject-{person}"
    assert [one["name"] for one in do("subject", "actions")] == list(KINDS["subject"].actions)


def test_exports_and_logins_for_analysts_on_the_command_line(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "merchants.jsonl"
    done = program.run("export", "merchants", "--output", str(file), "--columns", "merchant_id", "--json").json
    assert (done["source"], done["format"], done["bytes"]) == ("read.merchants", "jsonl", file.stat().st_size)
    login = program.run("analyst", "create", "cli_test", "--json").json
    with closing(psycopg2.connect(login["database_url"])) as conn, conn.cursor() as cursor:
        cursor.execute("select merchant_id from read.merchants order by 1")
        assert [json.loads(line)["merchant_id"] for line in file.read_text().splitlines()] == [id for (id,) in cursor]
    assert {"name": "cli_test"} in program.run("analyst", "list", "--json").json
    assert program.run("analyst", "drop", "cli_test", "--json").json == {"name": "cli_test", "dropped": True}
    assert program.run("analyst", "drop", "cli_test", "--json").code == 4
    figures = tmp_path / "figures.csv"
    program.run("export", "statistics/product", "--output", str(figures), "--order", "valid", "--json")
    with figures.open(newline="") as lines:
        valid = [int(row["valid"]) for row in csv.DictReader(lines)]
    assert valid == [one["valid"] for one in program.run("stats", "--order", "valid", "--json").json]
    for arguments, code in (
        (("export", "subjects", "--output", str(tmp_path / "a.csv")), 4),
        (("export", "merchants", "--output", str(tmp_path / "a.xlsx")), 3),
        (("export", "merchants", "--interval", "week", "--output", str(tmp_path / "a.csv")), 3),
        (("analyst", "create", "No Name"), 3),
    ):
        assert program.run(*arguments, "--json").code == code
    assert {one.name for one in tmp_path.iterdir()} == {"merchants.jsonl", "figures.csv"}


def test_complaints_are_found_by_text_and_field(program: Program) -> None:
    about = "concat_ws(' ', product, sub_product, issue, sub_issue) ~* '\\mmortgage' and channel = 'web'"
    ((count,),) = program.sql(f"select count(*) from read.complaint_details where {about}")
    asked = ("search", "mortgage*", "--only", "channel:web")
    told = program.run(*asked, "--limit", "3", "--facets", "--json").json
    assert (told["facets"]["count"], len(told["items"])) == (min(count, 10_000), 3)
    assert all("ortgage" in str(item) for item in told["items"])
    shown = program.run(*asked, "--facets").out
    assert f"{count:,} found" in shown
    assert program.run("search", "…", "--json").code == 3


def test_an_error_without_json_is_one_line_that_obeys_no_control_character(program: Program) -> None:
    ran = program.run("show", "\x1b[31mred")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("error: ")
    assert len(ran.err.splitlines()) == 1
    assert "\x1b" not in ran.err


def test_a_file_that_cannot_be_used_is_refused_as_a_whole(program: Program, tmp_path: Path, sample: Path) -> None:
    lines = sample.read_bytes()[:1_000]
    files = {
        "other.csv": (b"a,b,c\n1,2,3\n", "no column 'Product'"),
        "empty.csv": (b"", "is empty"),
        "bom.csv": (b"\xef\xbb\xbf", "line 1 is empty"),
        "utf16.csv": (lines.decode().encode("utf-16"), "iconv -f UTF-16"),
        "nul.csv": (b"\0" + lines, "NUL bytes"),
        "latin.csv": (HEADER.replace("State", "\xc9tat").encode("cp1252"), "not UTF-8"),
        "quote.csv": (b'"' + lines.partition(b"\n")[0] + b"\n", "not CSV"),
        "archive.zip": (b"PK\x03\x04...", "unpack"),
    }
    for name, (content, _) in files.items():
        (tmp_path / name).write_bytes(content)
    expected = {name: reason for name, (_, reason) in files.items()}
    expected |= {".": "Is a directory", "missing.csv": "No such file"}
    before = program.head()
    answers = program.run_all([("import", "cfpb", str(tmp_path / name), "--json") for name in expected])
    for (name, reason), ran in zip(expected.items(), answers, strict=True):
        assert (ran.code, ran.error["error"], reason in ran.error["message"]) == (3, "NotCfpbError", True), (name, ran)
        assert str(tmp_path / name) in ran.error["message"]
    assert program.head() == before


def test_bad_rows_are_named_and_the_rest_goes_in_whatever_surrounds_them(program: Program, tmp_path: Path) -> None:
    good = "{},Mortgage,,Servicing,,FL,32219,Web,11/3/2014,11/04/2014,Acme,Closed with explanation,Yes,No"
    bad = {
        3: good.format(900_003).replace("11/3/2014", "02/30/2014"),
        5: good.format(900_005).replace("11/04/2014", "11/04/2114"),
        7: good.format(900_007).replace("Servicing", "x" * 501),
        9: good.format(900_009).replace("FL", "F\0L"),
        11: good.format(900_011).replace("Acme", "Caf\udce9"),
        13: good.format(900_013).replace("Acme", '"Acme'),
    }
    lines = [HEADER, *(bad.get(line, good.format(900_000 + line)) for line in range(2, 16))]
    path = tmp_path / "rows.csv"
    path.write_bytes(b"\xef\xbb\xbf" + "\n".join(lines).encode(errors="surrogateescape"))
    report = program.run("import", "cfpb", str(path), "--json").json
    assert (report["read"], report["imported"]) == (14, 8)
    reasons = ["does not exist", "future", "501 characters", "U+0000", "0xe9", "quote"]
    assert [refused["line"] for refused in report["refused"]] == list(bad)
    for refused, reason in zip(report["refused"], reasons, strict=True):
        assert reason in refused["reason"]
    ran = program.run("import", "cfpb", str(path))
    assert (ran.code, "already known 8" in ran.out, ran.out.count("refused line")) == (0, True, 6)


def test_a_simulation_tells_of_all_kinds_of_stream_and_repeated_it_changes_nothing(program: Program) -> None:
    simulate = ("simulate", "--complaints", "50", "--seed", "3", "--days", "20", "--json")
    told, again = program.run(*simulate).json, program.run(*simulate).json
    assert (told["requests"], told["already"], told["followed"]["complete"]) == (50, 0, True)
    assert told["followed"]["events"] > 0
    assert sum(told["ended"].values()) == 50
    counts = {kind: sum(sum(own.values()) for own in found.values()) for kind, found in told["procedures"].items()}
    assert {"complaint", "merchant", "platform", "office", "fund"} <= counts.keys() <= KINDS.keys()
    assert sum(counts.values()) == told["events"]
    assert again["already"] > 0
    assert again == {**told, "already": again["already"], "followed": {"events": 0, "complete": True}}


def test_verification_passes_on_what_all_this_has_left(program: Program) -> None:
    checks = program.run("verify", "--json").json
    assert len(checks) == CHECKS
    for check in checks:
        assert check.keys() == {"check", "passed", "checked", "wrong", "findings"}
        assert (check["passed"], check["wrong"], check["findings"]) == (True, 0, [])
    assert checks[0]["checked"] == program.head()


def test_verification_that_fails_says_so_by_its_exit_code(program: Program) -> None:
    url = program.status()["database_url"]
    change = (
        "update read.resolution_statistics set valid = valid {} 1 "
        "where dimension = 'channel' and key = 'fax' and grain = 'year'"
    )
    with closing(connect(url, None)) as conn, conn.cursor() as cursor:
        cursor.execute(change.format("+"))
        failed = program.run("verify", "--json")
        cursor.execute(change.format("-"))
    assert failed.code == 8
    assert [check["check"] for check in json.loads(failed.out) if not check["passed"]] == [
        "read.resolution_statistics equals the sum of contributions"
    ]


def test_tables_for_people_hold_the_totals(program: Program) -> None:
    ran = program.run("stats", "--by", "region", "--limit", "3")
    assert ran.code == 0
    assert "all " in ran.out
    assert len([line for line in ran.out.splitlines() if line.startswith("│")]) == 4


def test_the_demo_runs_by_itself_in_an_empty_directory_and_up_goes_on_from_there(
    demo: tuple[Program, subprocess.Popen[str]], program: Program
) -> None:
    fresh, process = demo
    out, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 0, err
    lines = [line for line in out.splitlines() if line]
    for line, start in zip(lines, ["complaints read 8,340, imported 8,339,", "  refused line 8341: "], strict=False):
        assert line.startswith(start)
    (counted,) = (line for line in lines if line.startswith("events in the ledger"))
    total, own, of_week, followed, of_rules = (
        int(text.replace(",", "")) for text in re.findall(r"[0-9][0-9,]*", counted)
    )
    assert (own, of_rules, total) == (31_667, RULEBOOK_EVENTS, own + of_week + followed + of_rules)
    assert f"events that followed from these in other streams {followed:,}" in lines
    assert f"events on Kafka {total:,}" in lines
    (filed,) = (line for line in lines if line.startswith("requests 300, events "))
    assert filed.startswith(f"requests 300, events {of_week:,}, until ")
    rows = [line.split("│") for line in lines[lines.index(filed) :] if line.startswith("│")]
    # Credit events follow from the week; rules are published, not simulated.
    assert {(row[1].strip(), row[2].strip()) for row in rows if row[1].strip()} == {
        (kind.prefix, procedure)
        for kind in KINDS.values()
        if kind not in (CREDIT, GRADE, RULEBOOK)
        for procedure in kind.procedure_of.values()
    }
    (whole,) = (line for line in lines if line.startswith("│ all"))
    assert [cell.strip() for cell in whole.split("│")[1:7]] == ["all", "8,339", "6,484", "6,443", "1,272", "15.3 %"]
    ends = lines[lines.index("verification passed") + 1 :]
    assert len(ends) == CHECKS
    assert all(line.startswith("  passed  ") for line in ends)
    assert fresh.status() == {"running": False, "data_dir": str(fresh.data_dir)}

    with fresh.up() as up:
        assert fresh.head() == total
        assert stop(fresh, up, signal.SIGINT) == 0
