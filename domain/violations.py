"""Codes of practices that break a rule, as the rulebook publishes them."""

from __future__ import annotations

from domain.errors import InvalidInput
from domain.rulebook.book import Rulebook

#: The code list of violations.
VIOLATIONS = "violation"


def check_violation(value: str, book: Rulebook) -> None:
    """Raise InvalidInput for a code that the list of violations, if that is published, does not have."""
    if VIOLATIONS in book.code_lists and book.code(VIOLATIONS, value) is None:
        raise InvalidInput(
            f"{value!r} is no violation of the published list", hint="choose a code that is published in it"
        )
