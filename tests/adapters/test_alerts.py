"""Where themes stand out: each complaint is told in one division at most, the smallest that has enough."""

from __future__ import annotations

import pytest

from adapters.oversight import outstanding

WESTLAKE, BINJIANG, CIXI = ("GB/T 2260", "330106"), ("GB/T 2260", "330108"), ("GB/T 2260", "330282")
CITY, PROVINCE = ("GB/T 2260", "330100"), ("GB/T 2260", "330000")
STATE = ("us-state", "330107")


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({WESTLAKE: (20, 0)}, [("330106", [WESTLAKE])]),
        ({WESTLAKE: (19, 0)}, []),
        # Three times the average of a week: 20 against 53 in eight weeks, not against 54.
        ({WESTLAKE: (20, 53)}, [("330106", [WESTLAKE])]),
        ({WESTLAKE: (20, 54)}, []),
        # Neither county has enough; the city has.
        ({WESTLAKE: (10, 0), BINJIANG: (10, 0)}, [("330100", [WESTLAKE, BINJIANG])]),
        # What a county has told is not told again of its city, and is not in the base of it.
        ({WESTLAKE: (25, 0), BINJIANG: (10, 0)}, [("330106", [WESTLAKE])]),
        (
            {WESTLAKE: (25, 60), BINJIANG: (12, 0), CITY: (8, 0)},
            [("330106", [WESTLAKE]), ("330100", [BINJIANG, CITY])],
        ),
        # What is left in several cities, and what was filed of the province itself.
        ({BINJIANG: (8, 0), CIXI: (8, 0), PROVINCE: (4, 0)}, [("330000", [BINJIANG, CIXI, PROVINCE])]),
        # Codes of other lists have no cities.
        ({STATE: (10, 0), BINJIANG: (10, 0)}, []),
        ({STATE: (20, 0)}, [("330107", [STATE])]),
    ],
)
def test_a_theme_is_told_of_the_smallest_division_that_has_enough_of_it(
    counts: dict[tuple[str, str], tuple[int, int]], expected: list[tuple[str, list[tuple[str, str]]]]
) -> None:
    assert outstanding(counts) == expected
