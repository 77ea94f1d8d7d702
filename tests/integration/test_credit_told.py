"""How scores are told: over HTTP and by the command, worst first, with ids, plain decimals, and the reasons."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from fastapi.testclient import TestClient
from rich.console import Console

from adapters.credit_explained import explain
from adapters.execute import Ledger, open_ledger
from api import credit_command, render, tokens
from api.http import create_app
from api.running import Running
from api.settings import load_settings
from domain.errors import InvalidInput, UnknownStream
from domain.values import Actor, Role
from tests.conftest import create_database
from tests.integration.credit_cases import (
    Histories,
    closed,
    complaint,
    fill,
    merchant,
    named,
    on,
    person,
    reopened,
    solved,
)
from tests.integration.credit_ledger import project, record
from tests.integration.deadlines import Desk

AS_OF = date(2040, 1, 1)
KEY = b"k" * 32
SHOPS = 4
#: Whose complaints are all old and resolved, but for one.
OLD = named("merchant", 1)
EXPONENT = re.compile(r'"-?\d+(\.\d+)?[eE][+-]?\d+"')


def histories() -> Histories:
    """The first shop resolved 60 of 61 long ago; the others have ever fewer that were resolved lately."""
    found: Histories = {named("merchant", n): [merchant(n)] for n in range(1, SHOPS + 1)}
    lives = [complaint(100, 1, consumer=n, resolved=110) for n in range(60)]
    lives.append(complaint(100, 1, consumer=99, answered=False))
    today = (AS_OF - on(0).date()).days
    for shop in range(2, SHOPS + 1):
        lives += [complaint(today - 20, shop, consumer=100 + n, resolved=today - 10) for n in range(60 // shop)]
    return found | {named("complaint", n): life for n, life in enumerate(lives, 1)}


@pytest.fixture(scope="module")
def ledger(postgres_url: str) -> Iterator[Ledger]:
    url = create_database(postgres_url, f"told{os.getpid()}")
    fill(url, histories(), Random(1))
    with closing(open_ledger(url)) as found:
        yield found


@pytest.fixture(scope="module")
def http(ledger: Ledger) -> TestClient:
    by = Actor(person(9), Role.REGULATOR)
    token = tokens.issue(KEY, by, now=datetime.now(UTC), valid_for=timedelta(hours=1))
    return TestClient(create_app(ledger, KEY, 1e6), headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def command(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What commands print on a terminal of 100 columns; the services run already."""

    @contextmanager
    def running(*_: object) -> Iterator[Running]:
        yield Running(load_settings(), ledger.recorder.url, "", ledger, None, 0.0)

    written = io.StringIO()
    monkeypatch.setattr(credit_command, "running", running)
    monkeypatch.setattr(render, "out", Console(file=written, width=100, highlight=False, soft_wrap=True))
    return written


def ranked(http: TestClient, **asked: Any) -> dict[str, Any]:
    response = http.get("/credit/ranking", params={"as_of": str(AS_OF), **asked})
    assert response.status_code == 200, response.text
    assert not EXPONENT.search(response.text)
    found: dict[str, Any] = response.json()
    return found


def test_e5_worst_first_is_the_same_ranking_from_its_end_page_by_page(http: TestClient) -> None:
    best = ranked(http)["items"]
    assert [one["rank"] for one in best] == list(range(1, SHOPS + 1))
    pages, cursor = [], None
    while True:
        page = ranked(http, worst=True, limit=3, **({} if cursor is None else {"cursor": cursor}))
        pages.append(page["items"])
        if (cursor := page["next"]) is None:
            break
    assert [len(page) for page in pages] == [3, 1]
    assert [one for page in pages for one in page] == best[::-1]
    assert [one["rank"] for one in ranked(http, worst=True, least=30)["items"]] == [2, 1]


def test_e5_what_was_resolved_long_ago_hardly_weighs_against_one_that_is_not_resolved(http: TestClient) -> None:
    (last, *_) = ranked(http, worst=True)["items"]
    assert (last["merchant_id"], last["n"], last["weight"][:6]) == (OLD, "61.000000", "1.0000")


def test_e5_decimals_are_written_without_exponents(
    http: TestClient, command: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = {"as_of": str(AS_OF)}
    answers = [http.get(f"/merchants/{OLD}/credit{path}", params=asked) for path in ("", "/explain")]
    assert [answer.status_code for answer in answers] == [200, 200]
    told = [answer.text for answer in answers]
    for ask in (credit_command.show, credit_command.explain):
        ask(OLD, as_of=str(AS_OF), as_json=True)
        told.append(capsys.readouterr().out)
    credit_command.ranking(as_of=str(AS_OF), as_json=True)
    told.append(capsys.readouterr().out)
    for text in told:
        json.loads(text)
        assert "0.0000000" in text
        assert not EXPONENT.search(text)
    credit_command.explain(OLD, as_of=str(AS_OF))
    assert not re.search(r"\d[eE]-\d", command.getvalue())


def test_e5_the_ranking_on_a_terminal_of_100_columns_shows_ids_that_explain_takes(command: io.StringIO) -> None:
    credit_command.ranking(as_of=str(AS_OF), worst=True)
    lines = command.getvalue().splitlines()
    assert all(len(line) <= 100 for line in lines)
    assert any(line.split()[:3] == [str(SHOPS), "shop", "1"] for line in lines)
    ids = re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", command.getvalue())
    assert ids[0] == OLD.removeprefix("merchant-")
    assert len(ids) == SHOPS
    credit_command.explain(ids[0], as_of=str(AS_OF))
    assert "weighs" in command.getvalue()


@pytest.mark.parametrize("ask", [credit_command.show, credit_command.explain])
def test_e5_who_gives_a_name_is_told_where_ids_are(ask: Any, command: io.StringIO) -> None:
    with pytest.raises(InvalidInput) as refused:
        ask("shop 1")
    assert "complaints credit ranking" in str(refused.value.hint)
    with pytest.raises(UnknownStream) as unknown:
        ask(named("merchant", 99), as_of=str(AS_OF))
    assert "ranking" in str(unknown.value.hint)


MISSED, LATE, SILENT, AWAITED, REOPENED, CLOSED, SLOW = (named("complaint", n) for n in range(1, 8))


def test_e5_an_explanation_says_of_each_complaint_what_decided_each_part(database_url: str) -> None:
    lives: Histories = {named("merchant", 1): [merchant(1)]}
    lives[MISSED] = complaint(10, 1, consumer=1, answered=None)
    lives[MISSED][1] = lives[MISSED][1].model_copy(update={"answer_due": on(11)})
    lives[LATE] = complaint(10, 1, consumer=2, answered=False, resolved=20)
    lives[SILENT] = complaint(10, 1, consumer=3, resolved=20)
    lives[SILENT][2] = lives[SILENT][2].model_copy(update={"in_time": None})
    lives[AWAITED] = complaint(10, 1, consumer=4)[:2]
    lives[REOPENED] = complaint(10, 1, consumer=5, resolved=20, ends=[reopened(25), solved(30)])
    lives[CLOSED] = complaint(10, 1, consumer=6, ends=[closed(12)])
    lives[SLOW] = complaint(10, 1, consumer=7, late=True, resolved=20)
    with closing(Desk(database_url)) as desk:
        record(desk, lives)
        # How it stood on a past day is told of that day.
        desk.append(CLOSED, reopened(200), solved(201))
        project(desk.ledger)
        told = explain(desk.ledger.recorder.pool, named("merchant", 1), on(50).date())["complaints"]
        later = explain(desk.ledger.recorder.pool, named("merchant", 1), on(300).date())["complaints"]
    found = {one["complaint_id"]: one for one in told}
    assert {stream: tuple(one["why"].values()) for stream, one in found.items()} == {
        MISSED: ("answer_missed", "not_resolved", None),
        LATE: ("answered_late", "resolved_in_time", "not_reopened_soon"),
        SILENT: ("answered_not_stated", "resolved_in_time", "not_reopened_soon"),
        AWAITED: (None, "not_resolved", None),
        REOPENED: (None, "resolved_in_time", "reopened_soon"),
        CLOSED: ("answered_in_time", "not_resolved", None),
        SLOW: ("answered_in_time", "resolved_late", "not_reopened_soon"),
    }
    # Only what counts in a part has a reason there, and only good reasons add.
    good = {"answered_in_time", "resolved_in_time", "not_reopened_soon"}
    for one in told:
        for part, why in one["why"].items():
            assert (one["adds"][part]["n"] > 0, one["adds"][part]["k"] > 0) == (why is not None, why in good)
    assert [found[stream]["answer_due"] for stream in (MISSED, CLOSED)] == [on(11), None]
    assert (found[LATE]["answered_at"], found[CLOSED]["status"]) == (on(11), "closed")
    (again,) = (one for one in later if one["complaint_id"] == CLOSED)
    assert (again["status"], again["why"]["resolution"]) == ("resolved", "resolved_in_time")
    assert credit_command._why(found[MISSED], "response") == f"no answer in time, due {render.local(on(11))}"
    assert credit_command._why(found[CLOSED], "resolution") == "not resolved, status closed"
