"""Conditions of statistics and searches, as people write them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Query

from domain.errors import InvalidInput
from domain.values import TEXT

#: How many conditions a request may have: more make a head that is longer than the server reads.
MAX_CONDITIONS = 50
Condition = Annotated[str, Query(max_length=600, pattern=TEXT)]
Excluded = Annotated[list[Condition], Query(max_length=MAX_CONDITIONS, description="What is left out, as in filter.")]


def filters(description: str, *examples: str) -> Any:
    """Return the parameter with the conditions of which each has to hold."""
    return Query(max_length=MAX_CONDITIONS, description=description, examples=list(examples) or None)


def conditions(given: Sequence[str] | None) -> dict[str, list[str]]:
    """Return dimension -> values of conditions ``dimension:value``; raises InvalidInput for what is none."""
    found: dict[str, list[str]] = {}
    for condition in given or ():
        dimension, colon, value = condition.partition(":")
        if not colon:
            raise InvalidInput(f"{condition!r} is not a condition", hint="write dimension:value, such as region:330106")
        found.setdefault(dimension, []).append(value)
    return found
