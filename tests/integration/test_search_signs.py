"""What signs in a searched text mean: quotes, asterisks, and all others, which part words; against plain Python."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.database import Pool
from adapters.search_text import query
from domain.errors import InvalidInput
from tests.conftest import create_database
from tests.filled import fill
from tests.integration.test_search_text import HISTORIES, found_by, texts_of


@pytest.fixture(scope="module")
def pool(postgres_url: str) -> Iterator[Pool]:
    """Connections of the API."""
    url = create_database(postgres_url, "searched_signs")
    fill(url, HISTORIES)
    pool = Pool(url, "ledger_api")
    yield pool
    pool.close()


@pytest.mark.parametrize(
    "text", ["ipho*", '"ipho*"', '"ipho* "', "ipho*,", "(ipho*)", "ＩＰＨＯ＊。", "ipho﹡", "ipho**"]
)
def test_an_asterisk_counts_right_behind_its_word_whatever_sign_follows(pool: Pool, text: str) -> None:
    assert found_by(pool, text) == following("ipho*") != set()


@pytest.mark.parametrize("text", ["ipho *", "ipho-*", "*ipho", "ipho*late", "ipho_*", '"ipho" *'])
def test_an_asterisk_that_is_not_right_behind_a_word_means_nothing(pool: Pool, text: str) -> None:
    assert found_by(pool, text) == set()


@pytest.mark.parametrize(
    "quotes", ['""', "“”", "„”", "„‟", "«»", "‹›", "「」", "『』", "｢｣", "﹁﹂", "〝〞", "〝〟", "＂＂", "❝❞"]
)
def test_quotes_of_any_kind_hold_words_next_to_each_other(pool: Pool, quotes: str) -> None:
    assert found_by(pool, f"{quotes[0]}fee late{quotes[1]}") == following("fee", "late") != found_by(pool, "fee late")


@pytest.mark.parametrize(
    "phrase", ["ipho* late", "lat* ipho*", "fee iphone15*", "lat* iphone15 fee", "lat* 退", "lat* 退 fee", "ip* late"]
)
def test_a_beginning_stands_for_its_words_within_a_phrase_too(pool: Pool, phrase: str) -> None:
    assert found_by(pool, f'"{phrase}"') == (following(*phrase.split()) if phrase != "ip* late" else set())


def following(*wanted: str) -> set[str]:
    """The complaints with a text in which such words stand next to each other; what has an asterisk begins a word."""

    def is_so(atom: str, want: str) -> bool:
        return atom.startswith(want[:-1]) if want.endswith("*") else atom == want

    found = set()
    for stream, events in HISTORIES.items():
        for text in texts_of(events):
            parts = [text[at : at + len(wanted)] for at in range(len(text) - len(wanted) + 1)]
            if any(all(is_so(atom, want) for (atom, _), want in zip(part, wanted, strict=True)) for part in parts):
                found.add(stream)
    return found


@pytest.mark.parametrize("text", ['"fee late', 'fee"late', '"fee" "late', 'fee late"', '"" fee "late', "fee“late"])
def test_a_quote_that_is_not_closed_parts_words_and_holds_none_together(pool: Pool, text: str) -> None:
    assert found_by(pool, text) == found_by(pool, "fee late") > found_by(pool, '"fee late"') > set()


def test_an_open_quote_parts_a_run_of_chinese(pool: Pool) -> None:
    assert found_by(pool, '退"款') == found_by(pool, "退 款") > found_by(pool, "退款")


def test_of_words_that_a_sign_parts_the_last_alone_is_a_beginning(pool: Pool) -> None:
    assert found_by(pool, "late-ipho*") == found_by(pool, "late") & following("ipho*") > set()
    assert found_by(pool, "lat-ipho*") == set()
    assert found_by(pool, "lat*-ipho*") == following("lat*") & following("ipho*")


def test_a_text_has_at_most_five_hundred_characters() -> None:
    assert query("x" * 500)
    with pytest.raises(InvalidInput):
        query("x" * 501)
