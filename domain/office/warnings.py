"""Warnings to the public: cases that group complaints under a theme, and the curated list of a year."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, assert_never

from pydantic import BaseModel, Field

from domain.action import action
from domain.calendar import SHANGHAI
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.office.state import Office, Status
from domain.rulebook.book import Rulebook
from domain.tracing import Traced, check_traced
from domain.values import FROZEN, Actor, ComplaintId, LongText, Role, ShortText

BY_OFFICE = (Role.REGULATOR,)
DURING = (Status.ESTABLISHED,)
Number = Annotated[int, Field(ge=1)]
Year = Annotated[int, Field(ge=1949, le=9998)]


class ExternalFigure(BaseModel):
    """A figure that somebody else published. It is quoted as theirs, and never counted here."""

    model_config = FROZEN
    source: ShortText
    what: ShortText
    value: ShortText


class WarningIssued(Event):
    """The office warns of something that these complaints have in common."""

    name = "office.warning_issued"

    number: Number
    theme: ShortText
    text: LongText
    complaints: Annotated[tuple[ComplaintId, ...], Field(min_length=1)]


class YearlyListPublished(Event):
    """The office published its choice of a year's warnings, once more perhaps; ``external``: figures of others."""

    name = "office.yearly_list_published"

    year: Year
    edition: Number
    warnings: Annotated[tuple[Number, ...], Field(min_length=1)]
    external: tuple[ExternalFigure, ...] = ()


WarningEvent = WarningIssued | YearlyListPublished


def evolve(state: Office, event: WarningEvent) -> Office:
    match event:
        case WarningIssued():
            year = event.occurred_at.astimezone(SHANGHAI).year
            return replace(state, warnings={**state.warnings, event.number: year})
        case YearlyListPublished():
            return replace(state, yearly_lists={**state.yearly_lists, event.year: event.edition})
        case _:
            assert_never(event)


@action("warning-from-an-office", roles=BY_OFFICE, during=DURING)
def issue_warning(
    state: Office,
    *,
    at: datetime,
    by: Actor,
    theme: ShortText,
    text: LongText,
    complaints: tuple[ComplaintId, ...],
    traced: tuple[Traced, ...],
) -> list[WarningEvent]:
    """Warn the public under a theme, citing the complaints that show it."""
    check_traced(traced, None)
    return [
        WarningIssued(
            occurred_at=at, actor=by, number=len(state.warnings) + 1, theme=theme, text=text, complaints=complaints
        )
    ]


def _no_warnings(state: Office, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if state.warnings:
        return None
    return RuleViolation("list-warnings-of-the-year", "no warning was issued", hint="issue one first")


@action("list-warnings-of-the-year", roles=BY_OFFICE, during=DURING, unless=_no_warnings)
def publish_yearly_list(
    state: Office,
    *,
    at: datetime,
    by: Actor,
    year: Year,
    warnings: tuple[Number, ...],
    external: tuple[ExternalFigure, ...] = (),
) -> list[WarningEvent]:
    """Publish a choice of the warnings of a year, by number; a year again is a new edition.

    ``external``: figures of others, which stay marked as theirs.
    """
    if not warnings or len(set(warnings)) < len(warnings):
        raise InvalidInput("the list names no warning, or one twice", hint="name each once")
    if others := [number for number in warnings if state.warnings.get(number) != year]:
        raise RuleViolation(
            "list-warnings-of-the-year",
            f"these are no warnings of {year}: {', '.join(map(str, others))}",
            hint="name warnings that were issued in that year",
        )
    edition = state.yearly_lists.get(year, 0) + 1
    return [
        YearlyListPublished(occurred_at=at, actor=by, year=year, edition=edition, warnings=warnings, external=external)
    ]
