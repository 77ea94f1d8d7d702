"""The rulebook on a real ledger: its first edition, reading what is new, and the commands."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.execute import Ledger, command, open_ledger
from adapters.rulebook import (
    FIRST_EDITION_AT,
    PUBLISHER,
    STREAMS,
    RulebookReader,
    first_edition,
    publish_all,
    publish_first_edition,
    read_publications,
)
from domain.errors import InvalidInput, RuleViolation
from domain.rulebook import decisions
from domain.rulebook.book import EMPTY, Authority, Part, WorkingYear
from domain.streams import RULEBOOK
from domain.values import Actor, Role
from tests.conftest import System
from tests.integration.program import Program

EDITOR = Actor("66666666-6666-4666-8666-666666666666", Role.RULEBOOK_EDITOR)
WHOLE = RULEBOOK.fold(publish_all(EMPTY, first_edition(), FIRST_EDITION_AT, PUBLISHER))
NEW_YEAR = WorkingYear(year=2027, holidays=(date(2027, 1, 1),), workdays=(date(2027, 1, 3),), source="test")


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    opened = open_ledger(database_url)
    yield opened
    opened.close()


def publish_year(ledger: Ledger, edition: int, calendar: WorkingYear) -> None:
    ledger.execute(
        "rulebook-calendars",
        lambda book: decisions.publish_calendar(
            book, at=datetime.now(UTC), by=EDITOR, edition=edition, calendar=calendar
        ),
        command(b"key", EDITOR.id, "publish", None, {}),
    )


def test_a4_the_first_edition_is_published_once_on_an_empty_ledger(ledger: Ledger) -> None:
    appended = publish_first_edition(ledger)
    assert appended == sum(len(ledger.history(stream)) for stream in STREAMS) == ledger.recorder.max_notification_id()
    assert RulebookReader(ledger).current() == WHOLE
    assert publish_first_edition(ledger) == 0
    assert ledger.recorder.max_notification_id() == appended


def test_a4_processes_that_publish_the_first_edition_at_once_publish_it_once(database_url: str) -> None:
    ledgers = [open_ledger(database_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        appended = list(pool.map(publish_first_edition, ledgers))
    assert sum(appended) == ledgers[0].recorder.max_notification_id()
    assert RulebookReader(ledgers[0]).current() == WHOLE
    for ledger in ledgers:
        ledger.close()


def test_a4_a_part_that_exists_is_left_as_it_is(ledger: Ledger) -> None:
    ledger.execute(
        "rulebook-calendars",
        lambda book: decisions.publish_calendar(book, at=datetime.now(UTC), by=EDITOR, edition=1, calendar=NEW_YEAR),
        command(b"key", EDITOR.id, "publish", None, {}),
        new=True,
    )
    publish_first_edition(ledger)
    book = RulebookReader(ledger).current()
    assert book.calendar.years.keys() == {2027}
    assert book.rule_sets == WHOLE.rule_sets


def test_a4_a_reader_sees_what_was_published_since_it_last_looked(database_url: str, ledger: Ledger) -> None:
    reader = RulebookReader(ledger)
    assert reader.current() == EMPTY
    publish_first_edition(ledger)
    before = reader.current()
    assert before == WHOLE
    assert reader.current() is before
    other = open_ledger(database_url)
    publish_year(other, 1, NEW_YEAR)
    other.close()
    assert reader.current().calendar.published(2027)
    assert not before.calendar.published(2027)
    assert reader.current().edition(Part.CALENDARS, "2027") == 1
    with pytest.raises(RuleViolation, match="2027 in rulebook-calendars is at edition 1"):
        publish_year(ledger, 1, NEW_YEAR)


def test_a4_threads_share_a_reader(ledger: Ledger) -> None:
    publish_first_edition(ledger)
    reader = RulebookReader(ledger)
    with ThreadPoolExecutor(8) as pool:
        books = list(pool.map(lambda _: reader.current(), range(32)))
    assert all(book == WHOLE for book in books)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda one: one.update(publish="ruleset"), "'ruleset' is nothing that the rulebook holds: publish one of"),
        (lambda one: one.pop("edition"), r"f.json\[0\].edition: Field required"),
        (lambda one: one["content"].update(region="33"), r"f.json\[0\].content.region: String should match"),
        (
            lambda one: one["content"].update(in_force_from="soon"),
            r"content.in_force_from: Input should be a valid date",
        ),
        (lambda one: one["content"]["terms"].update(naptime={}), r"content.terms.naptime.\[key\]: Input should be"),
        (
            lambda one: one["content"]["terms"]["acceptance"].update(n=0, unit="weeks"),
            r"content.terms.acceptance.n: .*greater than or equal to 1 \(and 1 more\)",
        ),
        (lambda one: one["content"].update(colour="red"), r"content.colour: Extra inputs are not permitted"),
    ],
)
def test_a10_a_file_that_is_wrong_is_refused_with_the_place(
    tmp_path: Path, change: Callable[[Any], Any], message: str
) -> None:
    one = {
        "publish": "rule_set",
        "edition": 1,
        "content": json.loads(WHOLE.rule_set("samr-order-121").model_dump_json(exclude_none=True)),
    }
    change(one)
    file = tmp_path / "f.json"
    file.write_text(json.dumps([one]), encoding="utf-8")
    with pytest.raises(InvalidInput, match=message):
        read_publications(file)


def test_a10_a_file_that_is_no_json_or_not_there_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "f.json"
    with pytest.raises(InvalidInput, match="cannot be read: No such file"):
        read_publications(file)
    file.write_text("[}")
    with pytest.raises(InvalidInput, match="is not JSON"):
        read_publications(file)
    file.write_text("[3]")
    with pytest.raises(InvalidInput, match=r"f.json\[0\]: Input should be"):
        read_publications(file)


def test_the_rulebook_is_seen_reckoned_with_and_changed_by_command(system: System, tmp_path: Path) -> None:
    program = Program(
        tmp_path / "data",
        {
            "COMPLAINTS_DATABASE_URL": system.database_url,
            "COMPLAINTS_KAFKA_BOOTSTRAP": system.kafka_bootstrap,
            "COMPLAINTS_TOPIC_PREFIX": system.topic_prefix,
        },
    )
    with closing(open_ledger(system.database_url)) as ledger:
        publish_first_edition(ledger)

    def run(*arguments: str) -> Any:
        return program.run("rulebook", *arguments, "--json").json

    def refused(*arguments: str) -> tuple[int, str]:
        ran = program.run("rulebook", *arguments, "--json")
        return ran.code, ran.error["message"]

    with program.up():
        assert {one["id"] for one in run("list")} == WHOLE.rule_sets.keys()
        assert "samr-order-121" in program.run("rulebook", "list").out
        assert run("show", "samr-order-20")["terms"]["mediation"]["n"] == 45
        assert "45 working days" in program.run("rulebook", "show", "samr-order-20").out
        assert refused("show", "order-20")[0] == 3

        found = run("terms", "--authority", Authority.ONE_CLICK.value, "--region", "330106", "--on", "2026-05-01")
        assert found["id"] == "one-click-hangzhou"
        assert run("terms", "--on", "2026-04-14")["id"] == "samr-order-20"
        assert refused("terms", "--on", "2001-01-01") == (
            5,
            "no rules of market_regulator are in force in 000000 on 2001-01-01: "
            "publish a rule set for that day, or take the case elsewhere",
        )

        assert run("calendar", "2026")["workdays"][0] == "2026-01-04"
        assert "Sat 02-14" in program.run("rulebook", "calendar", "2026").out
        due = ("due", "--from", "2026-12-28T10:00:00+08:00", "--term", "7")
        assert run(*due) == {"due": "2027-01-06T15:59:59.999999Z", "provisional": True}
        assert "provisional" in program.run("rulebook", *due).out

        assert {one["scheme"] for one in run("codes")} == WHOLE.code_lists.keys()
        assert {"code": "330106", "name": "西湖区", "parent": "330100"} in run(
            "codes", "GB/T 2260", "--under", "330100"
        )
        assert "西湖区" in program.run("rulebook", "codes", "GB/T 2260").out
        assert refused("codes", "GB/T 2260", "--under", "339999")[0] == 3

        file = tmp_path / "2027.json"
        given = {"publish": "calendar", "edition": 1, "content": json.loads(NEW_YEAR.model_dump_json())}
        file.write_text(json.dumps(given), encoding="utf-8")
        assert run("publish", str(file), "--dry-run")["position"] is None
        assert refused("calendar", "2027")[0] == 3
        published = run("publish", str(file), "--key", "once")
        assert (published["events"], published["repeated"]) == (["rulebook.calendar_published"], False)
        again = run("publish", str(file), "--key", "once")
        assert again == {**published, "repeated": True}
        assert refused("publish", str(file))[0] == 5
        assert run(*due) == {"due": "2027-01-06T15:59:59.999999Z", "provisional": False}

        mixed = tmp_path / "mixed.json"
        fees = {"publish": "parameters", "edition": 2, "content": {}}
        mixed.write_text(json.dumps([given, fees]), encoding="utf-8")
        assert refused("publish", str(mixed))[0] == 3
