"""Scenarios: the frequent kinds of dispute, each with its law and a way to mediate it."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel

from domain.rulebook.codes import CodeValue, Slug
from domain.values import FROZEN, LongText, ShortText


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


def citations(scenario: Scenario, on: date) -> tuple[Citation, ...]:
    """Return what may be cited for facts of the day ``on``: the articles in force then."""
    return tuple(
        law for law in scenario.laws if law.in_force_from <= on and (law.in_force_to is None or on <= law.in_force_to)
    )
