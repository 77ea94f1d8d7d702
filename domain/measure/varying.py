"""What a decision can make of a measure that is not simply upheld or revoked."""

from __future__ import annotations

from datetime import datetime

from domain.errors import RuleViolation
from domain.measure.state import Measure, Sanction, check_sanction, is_milder
from domain.values import Money


def check_varied(state: Measure, varied: Sanction, at: datetime) -> None:
    """Raise RuleViolation, InvalidInput for something that is not milder than what is in force."""
    assert state.sanction is not None
    if state.over:
        raise RuleViolation(
            "vary-what-is-in-force", "this measure has ended, so nothing of it is left to vary", hint="uphold or revoke"
        )
    check_sanction(varied, at)
    if not is_milder(varied, state.sanction):
        raise RuleViolation(
            "varied-to-something-milder",
            "what was contested cannot be made more severe, or stay the same, by the decision",
            hint="give something milder, or uphold it",
            source="Administrative Reconsideration Law, art. 63",
        )


def repaid(state: Measure, varied: Sanction | None) -> Money | None:
    """Return what was paid beyond what is due from now on, by ``varied`` or because the measure is revoked."""
    amount = None if state.sanction is None else state.sanction.amount
    if amount is None:
        return None
    due = 0 if varied is None or varied.amount is None else varied.amount.fen
    over = state.paid_fen - due
    return Money(fen=over, currency=amount.currency) if over > 0 else None
