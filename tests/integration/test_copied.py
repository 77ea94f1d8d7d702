"""Rows that are inserted by COPY are there as they were, whatever they hold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.database import connect
from adapters.read_tables import LINES, copy
from domain.complaint.state import Status

COLUMNS = ("word", "other", "number", "yes", "at", "day")
#: What COPY gives a meaning, and what stands for null.
MARKED = ("\\N", "\\.", "\\", "\t", "\n", "\r", "\r\n", "None", "\\None", "None of them", "", " ", "N\tone", *Status)
# PostgreSQL holds neither U+0000 nor halves of characters.
TEXTS = st.sampled_from(MARKED) | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
NUMBERS = st.integers(-(2**63), 2**63 - 1)
ROWS = st.tuples(
    st.none() | TEXTS,
    TEXTS,
    st.none() | NUMBERS,
    st.none() | st.booleans(),
    st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),
    st.none() | st.dates(date(1900, 1, 1), date(2200, 1, 1)),
)


@pytest.fixture(scope="module")
def cursor(postgres_url: str) -> Iterator[Any]:
    conn = connect(postgres_url, None, autocommit=False)
    with conn.cursor() as found:
        found.execute(
            "create temporary table copied (at_row serial, word text, other text, number bigint, yes boolean, "
            "at timestamptz, day date)"
        )
        yield found
    conn.close()


def copied(cursor: Any, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    cursor.execute("truncate copied")
    copy(cursor, "copied", COLUMNS, rows)
    cursor.execute(f"select {', '.join(COLUMNS)} from copied order by at_row")
    return list(cursor)


@given(st.lists(ROWS, max_size=5))
def test_any_rows_are_copied_as_they_are(cursor: Any, rows: list[tuple[Any, ...]]) -> None:
    assert copied(cursor, rows) == rows


def test_a_value_with_a_mark_leaves_the_lines_before_and_after_it_as_they_are(cursor: Any) -> None:
    for mark in MARKED:
        rows: list[tuple[Any, ...]] = [(None, f"n{n}", n, n % 2 == 0, None, None) for n in range(3 * LINES)]
        rows[LINES + 7] = (mark, mark, None, None, None, None)
        assert copied(cursor, rows) == rows
