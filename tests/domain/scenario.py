"""given(events).when(decision, …).then(events): the only shape of a test of a rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.errors import LedgerError, RuleViolation
from domain.event import Event
from domain.streams import COMPLAINT, Kind
from domain.values import Actor, Role

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)

CONSUMER = Actor("11111111-1111-4111-8111-111111111111", Role.CONSUMER)
MERCHANT = Actor("22222222-2222-4222-8222-222222222222", Role.MERCHANT)
REGULATOR = Actor("33333333-3333-4333-8333-333333333333", Role.REGULATOR)
SERVICE = Actor("44444444-4444-4444-8444-444444444444", Role.SERVICE)
MERCHANT_ID = "merchant-22222222-2222-4222-8222-222222222222"


def day(n: float) -> datetime:
    """The instant n days after the start of the scenario."""
    return START + timedelta(days=n)


@dataclass(frozen=True)
class Given:
    """What has happened."""

    history: tuple[Event, ...]
    kind: Kind

    def when(self, decide: Callable[..., Sequence[Event]], **arguments: Any) -> Outcome:
        state = self.kind.fold(self.history)
        try:
            return Outcome(tuple(decide(state, **arguments)), None)
        except LedgerError as error:
            return Outcome((), error)


@dataclass(frozen=True)
class Outcome:
    """What was decided, or why it was refused."""

    events: tuple[Event, ...]
    error: LedgerError | None

    def then(self, *expected: Event) -> None:
        assert self.error is None, self.error
        assert self.events == expected

    def refused(self, rule: str) -> None:
        """The rule that forbids it, with a message that says what would help."""
        assert isinstance(self.error, RuleViolation), f"accepted: {self.events}" if self.error is None else self.error
        assert self.error.rule == rule

    def invalid(self, part: str) -> None:
        """A value that no state could accept."""
        assert self.error is not None, f"accepted: {self.events}"
        assert not isinstance(self.error, RuleViolation)
        with pytest.raises(LedgerError, match=part):
            raise self.error


def given(*history: Event, kind: Kind = COMPLAINT) -> Given:
    """Begin a scenario."""
    return Given(history, kind)
