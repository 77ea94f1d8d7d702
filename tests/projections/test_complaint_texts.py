"""How texts are cut into words, and what is kept of the texts of a complaint."""

from __future__ import annotations

from random import Random
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.complaint.clocks import Published
from domain.complaint.ending import Corrected, Disputed
from domain.complaint.filing import Filed, Order
from domain.complaint.handling import SupplementAsked
from domain.complaint.life import ComplaintEvent
from domain.complaint.state import RequestKind
from domain.event import Event
from domain.values import Channel, Money, Origin
from projections.complaint_texts import (
    COMPLAINT_TEXTS,
    MAX_OF_A_WORD,
    MAX_PLACES,
    MAX_WORD_BYTES,
    TEXTS,
    Row,
    fold,
    has_text,
    words,
)
from projections.projection import Fact, fold_batch
from tests.domain.scenario import CONSUMER, MERCHANT_ID, SERVICE, START
from tests.projections.histories import interleaved
from tests.projections.test_batches import project

ABOUT: dict[str, Any] = {"occurred_at": START, "actor": SERVICE}
#: Long texts, and others, that are not for search: names of rules, and ids.
APART = {"rule_set", "source", "schedule", "rules", "model", "model_version", "scheme", "ground", "session", "payer"}


def filed(**more: Any) -> Filed:
    """A filing."""
    about: dict[str, Any] = {"kind": RequestKind.COMPLAINT, "consumer_id": CONSUMER.id, "channel": Channel.WEB}
    return Filed(**ABOUT, **about, **{"scheme": "free", "product": "手机", **more})


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("Late fee, charged TWICE", ["late", "fee", "charged", "twice"]),
        ("退款难", ["退款", "款难", "难"]),
        ("好", ["好"]),
        ("退款，难", ["退款", "款", "难"]),
        ("iPhone15坏了 2026年", ["iphone15", "坏了", "了", "2026", "年"]),
        ("ＡＰＰ　退款！１２３", ["app", "退款", "款", "123"]),
        ("Straße CAFÉ cafe\u0301", ["strasse", "café", "café"]),
        ("don't snake_case 1,000.50", ["don", "t", "snake", "case", "1", "000", "50"]),
        ("スマホが", ["スマ", "マホ", "ホが", "が"]),
        ("𠮷野", ["𠮷野", "野"]),
        ("a & b | !c:* <-> 'd' \\ \x00", ["a", "b", "c", "d"]),
        ("…—，。\n\t😀", []),
        ("", []),
    ],
)
def test_text_is_cut_into_words_and_chinese_into_pairs(text: str, cut: list[str]) -> None:
    assert words(text) == cut


@given(st.text())
def test_a_word_is_short_and_has_nothing_in_it_that_means_something_to_postgresql(text: str) -> None:
    for word in words(text):
        assert word
        assert len(word.encode()) <= MAX_WORD_BYTES
        assert not set(word) & set("\0 '\\:,&|!<>()*\"")


def test_a_long_word_is_cut_at_a_character() -> None:
    assert words("x" * 100) == ["x" * MAX_WORD_BYTES]
    assert words("é" * 100) == ["é" * (MAX_WORD_BYTES // 2)]
    assert words("𐐀" * 100) == ["𐐨" * (MAX_WORD_BYTES // 4)]


def test_what_is_written_anywhere_in_the_course_of_a_complaint_is_kept_with_its_places() -> None:
    order = Order(source="shop", reference="TB-7", merchant_id=MERCHANT_ID, purchased_at=START, amount=Money(fen=1))
    row = fold(None, filed(narrative="退款 fee", order=order, origin=Origin(register_name="cfpb", reference="42")))
    # Between two texts a place is free.
    assert row == Row(START, 12, "'42':11 '7':9 'fee':6 'tb':8 '手机':1 '机':2 '款':5 '退款':4")
    later = fold(row, Disputed(**ABOUT, text="fee"))
    assert "'fee':6,13" in later.words
    asked = fold(later, SupplementAsked(**ABOUT, items=("photo", "fee")))
    assert "'fee':6,13,17" in asked.words
    assert "'photo':15" in asked.words


def test_an_event_without_a_text_passes_by() -> None:
    assert has_text(filed())
    assert has_text(Disputed(**ABOUT, text="no"))
    assert not has_text(Disputed(**ABOUT))
    assert not has_text(Published(**ABOUT, basis="law"))
    facts = [
        Fact(5, "complaint-1", 1, filed()),
        Fact(6, "complaint-1", 2, Disputed(**ABOUT)),
        Fact(7, "complaint-1", 3, Disputed(**ABOUT, text="no")),
        Fact(9, "complaint-1", 4, Disputed(**ABOUT)),
    ]
    ((stream, version, position, *_, kept),) = fold_batch(COMPLAINT_TEXTS, {}, facts).rows
    assert (stream, version, position, kept) == ("complaint-1", 3, 7, "'no':4 '手机':1 '机':2")
    assert fold_batch(COMPLAINT_TEXTS, {}, facts[1:2]).rows == []


def test_what_comes_before_the_filing_or_comes_again_fails_at_its_place_among_all_facts() -> None:
    lost = [Fact(6, "complaint-1", 2, Disputed(**ABOUT)), Fact(7, "complaint-1", 3, Disputed(**ABOUT, text="no"))]
    ((done, error),) = fold_batch(COMPLAINT_TEXTS, {}, lost).failed.values()
    assert (done, error) == (1, "ValueError: complaint.disputed before complaint.filed")
    again = fold_batch(COMPLAINT_TEXTS, {"complaint-1": (3, Row(START, 0, ""))}, lost)
    assert again.failed == {"complaint-1": (1, "version 3 comes behind version 3")}


def test_what_is_kept_is_bounded_and_says_so() -> None:
    row = fold(None, filed(narrative=" ".join(f"w{n}" for n in range(5_000)), issue="退款" * 200))
    for _ in range(3):
        row = fold(row, filed(narrative=" ".join(f"v{n}" for n in range(5_000))))
    assert row.length == MAX_PLACES
    assert max(int(one) for word in row.words.split() for one in word.split(":")[1].split(",")) == MAX_PLACES
    assert all(word.count(",") < MAX_OF_A_WORD for word in row.words.split())
    assert fold(row, Disputed(**ABOUT, text="fee")) == row
    chance = Random(1)
    for _ in range(20):
        row = fold(row if row.length < MAX_PLACES else None, filed(narrative=_letters(chance)))
        assert len(row.words.encode()) < 2**20


def _letters(chance: Random) -> str:
    return " ".join("".join(chance.choices("abcdefgh𐐀𐐁", k=30)) for _ in range(1_000))


@given(st.lists(st.lists(st.text("退款难 a,b", max_size=9), max_size=4), min_size=1, max_size=4), st.integers(0, 2**32))
def test_any_batching_comes_to_the_same(texts: list[list[str]], seed: int) -> None:
    streams: dict[str, list[Event]] = {
        f"complaint-{n}": [filed(), *(Disputed(**ABOUT, text=text or None) for text in own)]
        for n, own in enumerate(texts)
    }
    chance = Random(seed)
    once = project(COMPLAINT_TEXTS, interleaved(streams, Random(0)), Random(0), 1_000)
    assert project(COMPLAINT_TEXTS, interleaved(streams, chance), chance, 3).rows == once.rows


def test_every_text_of_every_event_is_kept_or_known_not_to_be() -> None:
    for event in get_args(ComplaintEvent):
        for name, field in event.model_fields.items():
            if "max_length=32000" in f"{field.annotation} {field.metadata}":
                assert name in TEXTS[event], (event, name)
    for event, fields in TEXTS.items():
        assert set(fields) <= event.model_fields.keys()
        assert not set(fields) & APART
    assert {"narrative", "answer_text"} <= set(TEXTS[Corrected])
