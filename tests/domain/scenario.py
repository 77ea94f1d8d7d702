"""given(events).when(decision, …).then(events): the only shape of a test of a rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.rulebook import FIRST_EDITION_AT, PUBLISHER, first_edition, publish_all
from domain.action import Action
from domain.calendar import SHANGHAI
from domain.errors import LedgerError, RuleViolation
from domain.event import Event
from domain.rulebook.book import EMPTY, Rulebook
from domain.streams import COMPLAINT, RULEBOOK, Kind
from domain.values import Actor, Role

#: A Monday, 09:00 in Shanghai.
START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)

CONSUMER = Actor("11111111-1111-4111-8111-111111111111", Role.CONSUMER)
MERCHANT = Actor("22222222-2222-4222-8222-222222222222", Role.MERCHANT)
REGULATOR = Actor("33333333-3333-4333-8333-333333333333", Role.REGULATOR)
SERVICE = Actor("44444444-4444-4444-8444-444444444444", Role.SERVICE)
MEDIATOR = Actor("66666666-6666-4666-8666-666666666666", Role.MEDIATOR)
PLATFORM = Actor("77777777-7777-4777-8777-777777777777", Role.PLATFORM)
ADJUDICATOR = Actor("88888888-8888-4888-8888-888888888888", Role.ADJUDICATOR)
PARTNER = Actor("99999999-9999-4999-8999-999999999999", Role.PARTNER)
MERCHANT_ID = "merchant-22222222-2222-4222-8222-222222222222"

#: The bundled rulebook.
FIRST: Rulebook = RULEBOOK.fold(publish_all(EMPTY, first_edition(), FIRST_EDITION_AT, PUBLISHER))


def day(n: float) -> datetime:
    """The instant n days after the start of the scenario."""
    return START + timedelta(days=n)


def on(text: str) -> datetime:
    """A time of day in Shanghai, such as ``2026-03-02 09:00``."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


@dataclass(frozen=True)
class Given:
    """What has happened."""

    history: tuple[Event, ...]
    kind: Kind
    book: Rulebook

    def when(self, decide: Action | Callable[..., Sequence[Event]], **arguments: Any) -> Outcome:
        """Decide; an action on a complaint under the rulebook of the scenario, behind what had fallen due by then."""
        state = self.kind.fold(self.history)
        try:
            if isinstance(decide, Action):
                return Outcome(tuple(self.kind.act(decide, state, book=self.book, **arguments)), None)
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


def given(*history: Event, kind: Kind = COMPLAINT, book: Rulebook = FIRST) -> Given:
    """Begin a scenario; under the bundled rulebook, unless it has one of its own."""
    return Given(history, kind, book)
