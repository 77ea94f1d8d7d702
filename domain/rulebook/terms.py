"""Terms of supervision: those that run in the streams of merchants, platforms and measures."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from domain.calendar import SHANGHAI, due
from domain.rulebook.book import Authority, Rulebook, TermName
from domain.values import FROZEN, Instant, ShortText

COUNTRY = "000000"


class RunningTerm(BaseModel):
    """A term that runs: ``due`` is the last instant in time, by the article ``source`` of a rule set."""

    model_config = FROZEN
    name: TermName
    due: Instant
    rule_set: ShortText
    source: ShortText


def begin(name: TermName, at: datetime, book: Rulebook) -> RunningTerm | None:
    """Begin a term of supervision; None if the rules in force leave it out. Raises RuleViolation without rules."""
    rules = book.rules(Authority.SUPERVISION, COUNTRY, at.astimezone(SHANGHAI).date())
    term = rules.terms.get(name)
    if term is None:
        return None
    # Never provisional: rule sets of supervision do not count working days.
    return RunningTerm(name=name, due=due(at, term, book.calendar).at, rule_set=rules.id, source=term.source)
