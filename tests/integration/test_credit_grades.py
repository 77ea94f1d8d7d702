"""Grades of months through real Kafka and PostgreSQL: given once, a fall with its reason, and what HTTP tells of it."""

from __future__ import annotations

import secrets
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg2
import pytest
from fastapi.testclient import TestClient

from adapters import analysts, credit, credit_grades, queries
from adapters.credit_grades import grade_month
from adapters.execute import open_ledger
from adapters.projector import ProjectorSettings, run_projector, wait_until_projected
from adapters.rulebook import RulebookReader, publish_first_edition
from api import tokens
from api.http import create_app
from api.paging import write_cursor
from domain.errors import InvalidInput
from domain.grade.appealing import appeal_fall, decide_fall_appeal
from domain.grade.grading import Given
from domain.grade.state import Grade, Part, grades_of
from domain.streams import GRADE
from domain.values import Actor, Role
from tests.conftest import System, running
from tests.integration.credit_cases import complaint, merchant, named, person
from tests.integration.deadlines import Desk

SHOP, SMALL = named("merchant", 1), named("merchant", 2)
APRIL, MAY = date(2024, 4, 1), date(2024, 5, 1)
NOW = datetime(2024, 6, 3, tzinfo=UTC)
LIMIT = 60.0
KEY = b"k" * 32


def test_e5_grades_of_months_are_given_once_fall_with_their_reason_and_are_told(system: System) -> None:
    desk = Desk(system.database_url)
    publish_first_edition(desk.ledger)
    for n, shop in enumerate((SHOP, SMALL), 1):
        desk.append(shop, merchant(n))
    good = [complaint(80 + n, 1, consumer=n, resolved=85 + n) for n in range(12)]
    for n, life in enumerate([*good, complaint(81, 2, consumer=90, resolved=90)], 1):
        desk.append(named("complaint", n), *life)
    with system.relaying(), running(lambda stop: run_projector(ProjectorSettings(*system.where), stop)):
        ledger, book = desk.ledger, RulebookReader(desk.ledger).current()
        first = grade_month(ledger, book, APRIL, now=NOW, wait_s=LIMIT)
        assert (first.given, first.known, first.fell) == (2, 0, 0)
        for n in range(30):
            desk.append(named("complaint", 100 + n), *complaint(125, 1, consumer=200 + n, answered=None))
        second = grade_month(ledger, book, MAY, now=NOW, wait_s=LIMIT)
        assert (second.given, second.known, second.fell) == (2, 0, 1)
        third = grade_month(ledger, book, MAY, now=NOW + timedelta(days=9), wait_s=LIMIT)
        assert (third.given, third.known) == (0, 2)
        with pytest.raises(InvalidInput, match="2024-06 is not over"):
            grade_month(ledger, book, date(2024, 6, 1), now=NOW)
        april, may = (recorded.event for recorded in ledger.history(grades_of(SHOP)))
        assert isinstance(april, Given)
        assert isinstance(may, Given)
        assert april.grade.is_above(may.grade)
        assert may.fell is not None
        assert may.fell.part in (Part.RESPONSE, Part.RESOLUTION)
        assert set(may.fell.complaints) <= {named("complaint", 100 + n) for n in range(30)}
        assert len(may.fell.complaints) == 20
        small = GRADE.fold(recorded.event for recorded in ledger.history(grades_of(SMALL))).grade
        assert small is Grade.NR
        state = GRADE.fold((april, may))
        merchant_actor, office = Actor(person(1), Role.MERCHANT), Actor(person(5), Role.REGULATOR)
        at = may.occurred_at + timedelta(days=1)
        appealed = GRADE.act(appeal_fall, state, at=at, by=merchant_actor, book=book, grounds="by phone")
        desk.append(grades_of(SHOP), *appealed)
        state = GRADE.fold((april, may, *appealed))
        decided = GRADE.act(decide_fall_appeal, state, at=at, by=office, book=book, granted=True, reasons="so it was")
        desk.append(grades_of(SHOP), *decided)
        assert wait_until_projected(system.database_url, ledger.recorder.max_notification_id() or 0, LIMIT)
        pool = ledger.recorder.pool
        now, (latest, before) = credit.grades(pool, SHOP)
        assert (latest["grade"], latest["outcome"], before["fell"]) == (may.grade, "granted", "")
        assert latest["fell"] == may.fell.part
        assert latest["complaints"] == sorted(may.fell.complaints)
        assert now is not None
        assert (now["grade"], now["status"]) == (april.grade, "graded")
        told(system, queries.complete_to(pool))
    desk.close()


def told(system: System, position: int) -> None:
    """What HTTP tells; names of small merchants only to whom they concern."""
    with closing(open_ledger(system.database_url)) as ledger:
        app = create_app(ledger, KEY, 1e6)

        def client(role: Role, actor: str = person(9)) -> TestClient:
            token = tokens.issue(KEY, Actor(actor, role), now=datetime.now(UTC), valid_for=timedelta(hours=1))
            return TestClient(app, headers={"Authorization": f"Bearer {token}"})

        asked = {"as_of": "2024-05-31", "min_position": position}
        for role, actor, name in (
            (Role.CONSUMER, person(9), None),
            (Role.REGULATOR, person(9), "shop 2"),
            (Role.MERCHANT, SMALL.removeprefix("merchant-"), "shop 2"),
        ):
            found = client(role, actor).get(f"/merchants/{SMALL}/credit", params=asked).json()
            assert found["score"]["name"] == name
            assert found["score"]["grade_now"] == "NR"
        ranking = client(Role.CONSUMER).get("/credit/ranking", params=asked).json()
        assert [(one["rank"], one["merchant_id"], one["name"]) for one in ranking["items"]] == [(1, SHOP, "shop 1")]
        assert (ranking["ranked"], ranking["left_out"], ranking["next"]) == (1, 1, None)
        explained = client(Role.CONSUMER).get(f"/merchants/{SHOP}/credit/explain", params={**asked, "limit": 5}).json()
        assert (len(explained["items"]), explained["complaints"]) == (5, 42)
        assert Decimal(explained["rates"]["response"]["n"]) == Decimal(explained["score"]["response"]["n"])
        for role, actor, told in (
            (Role.CONSUMER, person(9), False),
            (Role.MERCHANT, SMALL.removeprefix("merchant-"), False),
            (Role.MERCHANT, SHOP.removeprefix("merchant-"), True),
            (Role.REGULATOR, person(9), True),
        ):
            items = client(role, actor).get(f"/merchants/{SHOP}/credit/explain", params=asked).json()["items"]
            assert all((one["consumer_id"] is not None) is told for one in items)
        history = client(Role.CONSUMER).get(f"/merchants/{SHOP}/credit", params=asked).json()["history"]
        assert [month["month"] for month in history] == ["2024-05-01", "2024-04-01"]
        assert client(Role.CONSUMER).get("/credit/ranking", params={"as_of": "1999-12-31"}).status_code == 422
        for cursor in (write_cursor(-1), write_cursor(2**40), write_cursor("1"), "rubbish"):
            for path in ("/credit/ranking", f"/merchants/{SHOP}/credit/explain"):
                refused = client(Role.CONSUMER).get(path, params={**asked, "cursor": cursor})
                assert (refused.status_code, "not one of ours" in refused.text) == (422, True)
        small = client(Role.CONSUMER).get(f"/merchants/{SMALL}/credit/explain", params=asked).json()["score"]
        assert (small["name"], small["merchant_id"]) == (None, SMALL)
        unknown = client(Role.CONSUMER).get(f"/merchants/{named('merchant', 99)}/credit")
        assert unknown.status_code == 404
        explained_in_sql(system, client(Role.REGULATOR), client(Role.CONSUMER))


def explained_in_sql(system: System, regulator: TestClient, consumer: TestClient) -> None:
    """Rankings are told with SQL that gives an analyst the same; of a past day, which complaints stood otherwise, and
    whose they are, is told only to whom it concerns."""
    # Some were resolved later.
    past: dict[str, Any] = {"as_of": "2024-03-28", "explain": True}
    name = f"c{secrets.token_hex(4)}"
    with closing(psycopg2.connect(analysts.create(system.database_url, name))) as conn, conn.cursor() as cursor:
        for client, asked in ((consumer, {"explain": True}), (regulator, past)):
            found = client.get("/credit/ranking", params=asked).json()
            (sql,) = found["explain"]
            cursor.execute(sql)
            columns = [column.name for column in cursor.description or ()]
            scored = [one for row in cursor if (one := dict(zip(columns, row, strict=True)))["grade_now"] != "NR"]
            assert [(one["group_id"], str(one["score"]), str(one["lower_score"])) for one in scored] == [
                (one["merchant_id"], one["score"], one["lower_score"]) for one in found["items"]
            ]
            (link,) = found["behind"]
            assert client.get(link).json()["score"] == {
                name: value for name, value in found["items"][0].items() if name != "rank"
            }
    assert analysts.drop(system.database_url, name)
    told = consumer.get("/credit/ranking", params=past).json()
    # With few complaints it was not named then, nor is it by a link.
    assert ([one["merchant_id"] for one in told["items"]], told["explain"], told["behind"]) == ([None], [], [])
    assert consumer.get("/credit/ranking", params={"as_of": "2024-03-28"}).json()["explain"] is None
    one = consumer.get(f"/merchants/{SHOP}/credit", params=past).json()
    assert (len(one["explain"]), one["behind"]) == (2, [f"/merchants/{SHOP}/credit/explain?as_of=2024-03-28"])


@pytest.mark.parametrize(
    ("deducted", "points"),
    [("0", 0), ("10", -10_000_000), ("5.1234564", -5_123_456), ("5.1234565", -5_123_457), ("0.0000004", 0)],
)
def test_e5_what_violations_take_is_told_to_the_millionth_of_a_point(deducted: str, points: int) -> None:
    rates = {part: Decimal(1) for part in ("response", "resolution", "confirmed", "volume")}
    weights = {f"weight_{part}": Decimal("0.25") for part in rates}
    found = credit_grades.points({**rates, "deducted": Decimal(deducted)}, weights)
    assert (found.violations, found.response) == (points, 25_000_000)
