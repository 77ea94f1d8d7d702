"""Scenarios: the frequent kinds of dispute, each with its law and a way to mediate it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from pydantic import BaseModel

from domain.rulebook.codes import CodeValue, Slug
from domain.values import FROZEN, LongText, ShortText

#: The confidence, in permille, in what a person has said.
CERTAIN = 1000


class Citation(BaseModel):
    """An article of a law, and the days on which that wording of the law is in force."""

    model_config = FROZEN
    law: ShortText
    law_en: ShortText
    article: ShortText
    in_force_from: date
    in_force_to: date | None = None


class Scenario(BaseModel):
    """A kind of dispute. ``problem_class`` is a code of the list ``problem-class``; ``tactic`` is for the mediator."""

    model_config = FROZEN
    id: Slug
    title_zh: ShortText
    title_en: ShortText
    problem_class: CodeValue
    laws: tuple[Citation, ...]
    keywords_zh: tuple[ShortText, ...]
    keywords_en: tuple[ShortText, ...]
    tactic: LongText


class Match(NamedTuple):
    """The scenario that a text is about, and the confidence in permille."""

    scenario: str
    confidence: int


def citations(scenario: Scenario, on: date) -> tuple[Citation, ...]:
    """Return what may be cited for facts of the day ``on``: the articles in force then."""
    return tuple(
        law for law in scenario.laws if law.in_force_from <= on and (law.in_force_to is None or on <= law.in_force_to)
    )


def match(text: str, scenarios: Iterable[Scenario]) -> Match | None:
    """Return the scenario whose keywords make up most of what a text matches; None where it matches none.

    A scenario weighs as much as its keywords in the text are long, in characters, each counted once. The confidence is
    its share of the weight of all scenarios, rounded down; of equal ones the first by id is taken. Case and punctuation
    do not matter; an English keyword is found at the beginning of a word: ``defect`` in ``defective``.
    """
    folded = text.casefold()
    words = _words(folded)
    weights = {
        one.id: sum(len(key) for key in dict.fromkeys(one.keywords_zh) if key.casefold() in folded)
        + sum(len(key) - 1 for key in dict.fromkeys(map(_keyword, one.keywords_en)) if key in words)
        for one in scenarios
    }
    total = sum(weights.values())
    if total == 0:
        return None
    best = min(weights, key=lambda id: (-weights[id], id))
    return Match(best, weights[best] * 1000 // total)


@lru_cache(maxsize=4096)
def _keyword(text: str) -> str:
    return _words(text.casefold())


def _words(folded: str) -> str:
    """Return a text as words, a space before each."""
    return " " + re.sub(r"[\W_]+", " ", folded).strip()
