"""The state of the rulebook, or of one of its streams: what is published."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from domain.calendar import Calendar, Year
from domain.rulebook.book import EMPTY, Part, Rulebook, WorkingYear
from domain.rulebook.codes import CodeList
from domain.rulebook.events import (
    CalendarPublished,
    CodeListPublished,
    FeeSchedulePublished,
    ParametersPublished,
    PolicyPublished,
    RulebookEvent,
    RuleSetPublished,
    ScenarioPublished,
)

NEW = EMPTY


def evolve(book: Rulebook, event: RulebookEvent) -> Rulebook:
    """Return the rulebook after ``event``. Checks nothing: what is in the ledger has happened."""
    match event:
        case RuleSetPublished(rule_set=rules):
            return _edited(
                replace(book, rule_sets={**book.rule_sets, rules.id: rules}), Part.RULES, rules.id, event.edition
            )
        case CalendarPublished(calendar=year):
            calendar = Calendar({**book.calendar.years, year.year: _year(year)})
            return _edited(replace(book, calendar=calendar), Part.CALENDARS, str(year.year), event.edition)
        case FeeSchedulePublished(schedule=fees):
            return _edited(
                replace(book, fee_schedules={**book.fee_schedules, fees.id: fees}), Part.FEES, fees.id, event.edition
            )
        case CodeListPublished(codes=codes):
            whole = codes if event.part == 1 else _joined(book.code_lists[codes.scheme], codes)
            return _edited(
                replace(book, code_lists={**book.code_lists, codes.scheme: whole}),
                Part.CODES,
                codes.scheme,
                event.edition,
            )
        case ScenarioPublished(scenario=scenario):
            return _edited(
                replace(book, scenarios={**book.scenarios, scenario.id: scenario}),
                Part.SCENARIOS,
                scenario.id,
                event.edition,
            )
        case ParametersPublished(parameters=parameters):
            return _edited(
                replace(book, parameters={**book.parameters, parameters.name: parameters}),
                Part.PARAMETERS,
                parameters.name,
                event.edition,
            )
        case PolicyPublished(policy=policy):
            return _edited(
                replace(book, policies={**book.policies, policy.id: policy}), Part.POLICIES, policy.id, event.edition
            )
        case _:
            assert_never(event)


def _edited(book: Rulebook, part: Part, key: str, edition: int) -> Rulebook:
    return replace(book, editions={**book.editions, (part, key): edition})


def _year(published: WorkingYear) -> Year:
    return Year(holidays=frozenset(published.holidays), workdays=frozenset(published.workdays))


def _joined(first: CodeList, more: CodeList) -> CodeList:
    return first.model_copy(update={"entries": {**first.entries, **more.entries}})
