"""Code lists against the libraries that keep them, and the check digit of the unified social credit code."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import example, settings
from hypothesis import given as for_all
from hypothesis import strategies as st
from stdnum.cn import uscc

from adapters.record import MAX_RECORD_BYTES
from adapters.rulebook import FIRST_EDITION, FIRST_EDITION_AT, PUBLISHER, first_edition, publish_all
from domain.rulebook import decisions as decide
from domain.rulebook.book import EMPTY, Part, Rulebook
from domain.rulebook.codes import CodeList, Entry, valid_credit_code
from domain.rulebook.events import CodeListPublished
from domain.streams import RULEBOOK
from tests.domain import rulebook_sources
from tests.domain.scenario import SERVICE, day, given

FIRST: Rulebook = RULEBOOK.fold(publish_all(EMPTY, first_edition(), FIRST_EDITION_AT, PUBLISHER))
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
DIVISIONS = FIRST.code_lists["GB/T 2260"].entries


def codes(entries: dict[str, Any], scheme: str = "own") -> CodeList:
    return CodeList(
        scheme=scheme,
        title="A list",
        source="test",
        entries={code: Entry.model_validate(entry) for code, entry in entries.items()},
    )


@pytest.mark.parametrize("number", ["91110000600037341L", "91330106673959654P", "91440300708461136T"])
def test_g1_the_credit_codes_of_well_known_companies_are_valid(number: str) -> None:
    assert valid_credit_code(number)
    assert uscc.is_valid(number)


bodies = st.tuples(st.text("0123456789", min_size=8, max_size=8), st.text(ALPHABET, min_size=9, max_size=9)).map(
    "".join
)


@settings(max_examples=500, deadline=None)
@for_all(bodies, st.sampled_from(ALPHABET))
@example("91110000600037341", "L")
def test_g1_the_check_digit_is_that_of_the_library(body: str, last: str) -> None:
    assert valid_credit_code(body + uscc.calc_check_digit(body))
    assert valid_credit_code(body + last) == uscc.is_valid(body + last)


@settings(max_examples=500, deadline=None)
@for_all(bodies, st.integers(0, 17), st.sampled_from(ALPHABET))
def test_g1_no_single_wrong_character_goes_unnoticed(body: str, place: int, wrong: str) -> None:
    number = body + uscc.calc_check_digit(body)
    changed = number[:place] + wrong + number[place + 1 :]
    assert valid_credit_code(changed) == (changed == number)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "91110000600037341",
        "91110000600037341LL",
        "91110000600037341l",
        " 91110000600037341",
        "9111000060003734IL",
        "91１10000600037341L",
        "911100A0600037341L",
    ],
)
def test_g1_what_is_not_written_as_a_credit_code_is_none(text: str) -> None:
    assert not valid_credit_code(text)


def test_g1_a_village_co_operative_has_a_credit_code_that_begins_with_a_letter() -> None:
    body = "N2330106MF1234567"
    assert valid_credit_code(body + uscc.calc_check_digit(body))


def test_g1_the_bundled_divisions_are_those_of_the_library() -> None:
    bundled = json.loads((FIRST_EDITION / "divisions.json").read_text(encoding="utf-8"))
    assert bundled == rulebook_sources.divisions()


def test_g1_the_names_of_divisions_agree_with_a_second_library() -> None:
    second = dict(_present(files("stdnum.cn").joinpath("loc.dat").read_text(encoding="utf-8")))
    assert {code: entry.name for code, entry in DIVISIONS.items() if second.get(code, entry.name) != entry.name} == {}
    # Two districts of Hangzhou, made in 2021, are missing there.
    assert DIVISIONS.keys() - second.keys() == {"330113", "330114"}


def _present(text: str) -> Iterator[tuple[str, str]]:
    province = ""
    for indent, code, name in re.findall(r'^( *)(\d+) (?:province|county)="(.*)"$', text, re.MULTILINE):
        if not indent:
            province = code
            continue
        for one in name.split(","):
            # "[1983-2015]name" was its name in these years, "[2015-]name" still is.
            if (of_years := re.fullmatch(r"\[\d*-(\d*)\](.*)", one)) is None:
                yield province + code, one
            elif not of_years[1]:
                yield province + code, of_years[2]


def test_g1_there_are_34_provinces_and_every_division_lies_in_one() -> None:
    provinces = {code for code, entry in DIVISIONS.items() if entry.parent is None}
    assert len(provinces) == 34
    assert all(code.endswith("0000") for code in provinces)
    for code, entry in DIVISIONS.items():
        assert entry.parent is None or entry.parent in (code[:4] + "00", code[:2] + "0000"), code


def test_g1_a_code_is_looked_up_with_what_lies_under_it() -> None:
    entry = FIRST.code("GB/T 2260", "330106")
    assert entry == Entry(name="西湖区", parent="330100")
    assert FIRST.code("GB/T 2260", "330199") is None
    assert FIRST.code("GB/T 9999", "330106") is None
    assert "330106" in FIRST.code_lists["GB/T 2260"].under("330100")


def test_g1_industries_are_20_sections_and_97_divisions() -> None:
    entries = FIRST.code_lists["GB/T 4754"].entries
    assert "".join(code for code, entry in entries.items() if entry.parent is None) == "ABCDEFGHIJKLMNOPQRST"
    assert sorted(code for code, entry in entries.items() if entry.parent) == [f"{n:02d}" for n in range(1, 98)]


def test_e3_the_named_practices_have_codes() -> None:
    assert FIRST.code_lists["violation"].entries.keys() >= {
        "refund-only-forced",
        "forced-choice",
        "data-price-discrimination",
        "unreasonable-restriction",
        "unfair-fee",
        "hidden-membership-change",
    }


def test_g1_a_short_code_list_is_one_event() -> None:
    colours = codes({"red": {"name": "red"}, "rose": {"name": "rose", "parent": "red"}})
    given(kind=RULEBOOK).when(decide.publish_code_list, at=day(0), by=SERVICE, edition=1, codes=colours).then(
        CodeListPublished(occurred_at=day(0), actor=SERVICE, edition=1, part=1, parts=1, codes=colours)
    )


def test_g1_a_long_code_list_comes_in_parts_that_fit_a_record_and_join_again() -> None:
    divisions = FIRST.code_lists["GB/T 2260"]
    events = decide.publish_code_list(EMPTY, at=day(0), by=SERVICE, edition=1, codes=divisions)
    numbered = [(event.part, event.parts) for event in events if isinstance(event, CodeListPublished)]
    assert numbered == [(n, len(events)) for n in range(1, len(events) + 1)]
    assert all(len(event.model_dump_json(exclude_none=True).encode()) < MAX_RECORD_BYTES - 2_000 for event in events)
    state = RULEBOOK.fold(events)
    assert state.code_lists["GB/T 2260"] == divisions
    assert state.edition(Part.CODES, "GB/T 2260") == 1


def test_g1_a_new_edition_drops_the_codes_that_it_does_not_name() -> None:
    state = EMPTY
    for edition, names in enumerate((["a", "b"], ["b", "c"]), 1):
        listed = codes({name: {"name": name} for name in names})
        for event in decide.publish_code_list(state, at=day(0), by=SERVICE, edition=edition, codes=listed):
            state = RULEBOOK.evolve(state, event)
    assert state.code_lists["own"].entries.keys() == {"b", "c"}


@pytest.mark.parametrize(
    ("scheme", "entries", "message"),
    [
        ("own", {}, "is empty"),
        ("GB/T 2260", {"33010": {"name": "x"}}, "'33010' is not a code of GB/T 2260"),
        ("GB/T 4754", {"Z": {"name": "x"}}, "'Z' is not a code of GB/T 4754"),
        ("own", {"a": {"name": "x", "parent": "b"}}, "the parent b of a is not in the list"),
        ("own", {"a": {"name": "x", "parent": "a"}}, "a is among its own parents"),
        (
            "own",
            {"a": {"name": "x", "parent": "b"}, "b": {"name": "x", "parent": "a"}},
            "a is among its own parents",
        ),
        (
            "own",
            {
                "a": {"name": "x", "parent": "b"},
                "b": {"name": "x", "parent": "c"},
                "c": {"name": "x", "parent": "b"},
            },
            "among its own parents",
        ),
    ],
)
def test_g1_a_code_list_that_makes_no_sense_is_refused(scheme: str, entries: dict[str, Any], message: str) -> None:
    given(kind=RULEBOOK).when(
        decide.publish_code_list, at=day(0), by=SERVICE, edition=1, codes=codes(entries, scheme)
    ).invalid(message)
