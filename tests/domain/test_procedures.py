"""Every requirement has its scenario, every rule a test that is refused by it, every event what makes it."""

from __future__ import annotations

import re

import pytest

from domain.complaint.action import side_of
from domain.errors import RuleViolation
from domain.kind import Kind
from domain.streams import KINDS, RULEBOOK
from tests.domain import actors
from tests.domain.requirements import DEMONSTRATED, WHAT, scenarios
from tests.domain.scenario import REGULATOR
from tests.domain.sources import ROOT, events_of

SOURCES = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "domain").glob("**/*.py"))]
TESTS = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "domain").glob("test_*.py"))
RULES = sorted(
    {rule for source in SOURCES for rule in re.findall(r'(?:RuleViolation|@action)\(\s*"([a-z-]+)"', source)}
)


@pytest.mark.parametrize("id", DEMONSTRATED)
def test_each_requirement_has_a_scenario(id: str) -> None:
    assert scenarios()[id]
    assert WHAT[id]


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_is_refused_in_a_scenario(rule: str) -> None:
    assert f'"{rule}"' in TESTS, f"no scenario is refused by {rule}"


def test_a_rule_is_found_where_it_is_written() -> None:
    assert {action.rule for kind in KINDS.values() for action in kind.actions.values()} <= set(RULES)
    assert len(RULES) > sum(len(kind.procedures) for kind in KINDS.values())


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS.values() if kind is not RULEBOOK], ids=lambda kind: kind.prefix
)
def test_each_event_is_made_by_an_action_by_time_or_by_what_happened_elsewhere(kind: Kind) -> None:
    by_actions = {event for action in actors.actions_of(kind) for event in events_of(action)}
    assert by_actions | {*actors.by_time(kind), *actors.follows(kind)} == set(kind.events)


def test_who_is_no_party_stands_for_none() -> None:
    with pytest.raises(RuleViolation) as refused:
        side_of(REGULATOR)
    assert refused.value.rule == "party-only"
