"""Conditions of statistics, as people write them."""

from __future__ import annotations

from collections.abc import Sequence

from domain.errors import InvalidInput


def conditions(given: Sequence[str] | None) -> dict[str, list[str]]:
    """Return dimension -> values of conditions ``dimension:value``; raises InvalidInput for what is none."""
    found: dict[str, list[str]] = {}
    for condition in given or ():
        dimension, colon, value = condition.partition(":")
        if not colon:
            raise InvalidInput(f"{condition!r} is not a condition", hint="write dimension:value, such as region:330106")
        found.setdefault(dimension, []).append(value)
    return found
