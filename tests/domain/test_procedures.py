"""Every requirement has its scenario, and every rule a test that is refused by it."""

from __future__ import annotations

import re

import pytest

from domain.complaint.action import side_of
from domain.complaint.life import ACTIONS
from domain.errors import RuleViolation
from domain.streams import COMPLAINT
from tests.domain.procedures import DEMONSTRATED, ROOT, scenarios
from tests.domain.scenario import REGULATOR

SOURCES = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "domain").glob("*/*.py"))]
TESTS = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "domain").glob("test_*.py"))
RULES = sorted(
    {rule for source in SOURCES for rule in re.findall(r'(?:RuleViolation|@action)\(\s*"([a-z-]+)"', source)}
)


@pytest.mark.parametrize("id", DEMONSTRATED)
def test_each_requirement_has_a_scenario(id: str) -> None:
    assert scenarios()[id]


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_is_refused_in_a_scenario(rule: str) -> None:
    assert f'"{rule}"' in TESTS, f"no scenario is refused by {rule}"


def test_a_rule_is_found_where_it_is_written() -> None:
    assert {action.rule for action in ACTIONS.values()} < set(RULES)
    assert len(RULES) > len(COMPLAINT.procedures)


def test_who_is_no_party_stands_for_none() -> None:
    with pytest.raises(RuleViolation) as refused:
        side_of(REGULATOR)
    assert refused.value.rule == "party-only"
