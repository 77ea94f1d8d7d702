"""What can happen to the rulebook: something is published, for the first time or in a new edition.

``edition`` counts the publications of the same thing: 1, 2, 3 … A new edition replaces the one before.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from domain.event import Event
from domain.rulebook.book import Parameters, RuleSet, WorkingYear
from domain.rulebook.codes import CodeList
from domain.rulebook.fees import FeeSchedule
from domain.rulebook.policies import PolicyTemplate
from domain.rulebook.scenarios import Scenario

Edition = Annotated[int, Field(ge=1, le=10**6, strict=True)]


class RuleSetPublished(Event):
    """The rules of an authority in a region were published, or corrected."""

    name = "rulebook.rule_set_published"

    edition: Edition
    rule_set: RuleSet


class CalendarPublished(Event):
    """The holidays and the worked weekends of a year were published."""

    name = "rulebook.calendar_published"

    edition: Edition
    calendar: WorkingYear


class FeeSchedulePublished(Event):
    """Fees were published."""

    name = "rulebook.fee_schedule_published"

    edition: Edition
    schedule: FeeSchedule


class CodeListPublished(Event):
    """A code list was published, in ``parts`` events that come together, since a long one does not fit one record."""

    name = "rulebook.code_list_published"

    edition: Edition
    part: Annotated[int, Field(ge=1, strict=True)]
    parts: Annotated[int, Field(ge=1, strict=True)]
    codes: CodeList


class ScenarioPublished(Event):
    """A kind of dispute was published, with its law and how to mediate it."""

    name = "rulebook.scenario_published"

    edition: Edition
    scenario: Scenario


class ParametersPublished(Event):
    """The numbers of a method were published."""

    name = "rulebook.parameters_published"

    edition: Edition
    parameters: Parameters


class PolicyPublished(Event):
    """A policy was published, which merchants may adopt."""

    name = "rulebook.policy_published"

    edition: Edition
    policy: PolicyTemplate


RulebookEvent = (
    RuleSetPublished
    | CalendarPublished
    | FeeSchedulePublished
    | CodeListPublished
    | ScenarioPublished
    | ParametersPublished
    | PolicyPublished
)
