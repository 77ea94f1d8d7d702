"""Lives by chance: whatever actors try, with what the passing of time does in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from hypothesis import strategies as st

from domain.action import Action
from domain.calendar import Calendar, Year
from domain.complaint import advances, filing, life
from domain.complaint.advances import AdvanceRequested
from domain.complaint.life import ACTIONS, OF_A_REGISTER, ComplaintEvent
from domain.complaint.links import Consequence, link
from domain.complaint.reports import revise_penalty
from domain.complaint.state import ENDED, NEW, Complaint, Status
from domain.errors import LedgerError
from domain.rulebook.book import Rulebook
from domain.streams import COMPLAINT
from domain.values import Actor, Money, Role
from tests.domain.arguments import ACTORS, IDS, Occasion, arguments
from tests.domain.lives import ACCEPTED, ALLEGED, CASE, DEFRAUDED, MEDIATING, ONE_CLICK, RESOLVED
from tests.domain.scenario import FIRST, day, on

CONSUMER = next(one for one in ACTORS if one.role is Role.CONSUMER)
SERVICE = next(one for one in ACTORS if one.role is Role.SERVICE)
#: Lives that have come some way, since chance seldom brings them there.
BEGUN: tuple[Any, ...] = (ONE_CLICK, ACCEPTED, MEDIATING, RESOLVED, CASE, ALLEGED, DEFRAUDED)
#: A quiet time, the days before the law changes, those before two years of which one has no calendar yet.
BEGINNINGS = (on("2026-03-02 09:00"), on("2026-04-10 23:59"), on("2019-12-27 00:00"), on("2026-12-21 18:30"))
PAUSES = (
    timedelta(0),
    timedelta(microseconds=1),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=7),
    timedelta(days=1),
    timedelta(days=1),
    timedelta(days=4),
    timedelta(days=12),
    timedelta(days=70),
)
#: The first edition, and the same when the next year's calendar is published: a week off, and two weekends worked.
BOOKS = (
    FIRST,
    replace(
        FIRST,
        calendar=Calendar(
            {
                **FIRST.calendar.years,
                2027: Year(
                    holidays=frozenset(on(f"2027-01-{n:02d} 12:00").date() for n in range(1, 9)),
                    workdays=frozenset(on(f"2027-01-{n} 12:00").date() for n in ("09", "10", "16", "17")),
                ),
            }
        ),
    ),
)


def attempt(
    action: Action, state: Complaint, at: datetime, by: Actor, book: Rulebook, chance: Random
) -> list[ComplaintEvent]:
    """Try an action with arguments by chance; nothing happens where it is refused."""
    lapsed = state
    for event in life.fall_due(state, at=at, book=book):
        lapsed = life.evolve(lapsed, event)
    try:
        return COMPLAINT.act(
            action, state, at=at, by=by, book=book, **arguments(action, Occasion(lapsed, at, by, book, chance))
        )
    except LedgerError:
        return []


def choose(state: Complaint, at: datetime, by: Actor, book: Rulebook, chance: Random) -> Action:
    """Choose an action: mostly one that is legal, and one that ends it less often than one that leads on."""
    names: Sequence[str] = COMPLAINT.legal_actions(state, at=at, by=by, book=book)
    if state.imported and by.role is Role.SERVICE:
        names = [*names, *sorted(OF_A_REGISTER)]
    if not names or chance.random() < 0.1:
        return ACTIONS[chance.choice(sorted(ACTIONS))]
    legal = [ACTIONS[name] for name in names]
    return chance.choices(legal, [_weight(action) for action in legal])[0]


def _weight(action: Action) -> int:
    if action.name in PREPARING:
        return 30
    if set(action.to) & (ENDED - {Status.RESOLVED, Status.CLOSED}):
        return 1
    if set(action.to) & ENDED:
        return 4
    return 30 if action.to else 6


#: What another step waits for, and what chance seldom brings.
PREPARING = frozenset(
    {
        "consent_to_mediation",
        "assign_mediator",
        "suggest",
        "answer_suggestion",
        "offer",
        "accept_offer",
        "decline_offer",
        "agree_arbitration",
        "order_appraisal",
        "perform",
        "request_advance",
    }
)


def answered(
    history: Sequence[ComplaintEvent], state: Complaint, at: datetime, chance: Random
) -> Sequence[ComplaintEvent]:
    """What comes back from other streams: a fund's answer to what it was asked for, a revision, a consequence."""
    if not state.advances.pending and chance.random() < 0.3:
        fine = chance.choice((None, Money(fen=chance.randint(1, 10**6))))
        counts = fine is not None
        return revise_penalty(state, at=at, by=SERVICE, measure=f"measure-{IDS[0]}", fine=fine, counts=counts)
    if not state.advances.pending:
        consequence = chance.choice(list(Consequence))
        return link(state, at=at, by=SERVICE, consequence=consequence, stream=f"measure-{IDS[0]}", number=None)
    request = chance.choice(sorted(state.advances.pending))
    if chance.random() < 0.3:
        return advances.advance_refused(state, at=at, by=SERVICE, request=request, reason="balance")
    (asked,) = (one for one in history if isinstance(one, AdvanceRequested) and one.request == request)
    return advances.advance_paid(
        state, at=at, by=SERVICE, request=request, fund_id=asked.fund_id, number=1, amount=asked.amount
    )


def a_life(chance: Random, steps: int) -> list[ComplaintEvent]:
    """The history of a request after some steps; never empty."""
    at, book = chance.choice(BEGINNINGS), BOOKS[0]
    state, history = NEW, list[ComplaintEvent]()
    if chance.random() < 0.5:
        at, history = day(5), list(chance.choice(BEGUN))
    while not history:
        history = attempt(filing.file, NEW, at, CONSUMER, book, chance)
    for event in history:
        state = life.evolve(state, event)
    for _ in range(steps):
        at += chance.choice(PAUSES)
        if chance.random() < 0.05:
            book = BOOKS[1]
        by = SERVICE if chance.random() < 0.6 else chance.choice(ACTORS)
        happened: Sequence[ComplaintEvent]
        if state.advances.pending and chance.random() < 0.3:
            happened = answered(history, state, at, chance)
        elif chance.random() < 0.1:
            happened = life.fall_due(state, at=at, book=book)
        else:
            happened = attempt(choose(state, at, by, book, chance), state, at, by, book, chance)
        for event in happened:
            state = life.evolve(state, event)
            history.append(event)
    return history


def histories() -> st.SearchStrategy[list[ComplaintEvent]]:
    """Histories that decisions have made."""
    return st.builds(lambda seed, steps: a_life(Random(seed), steps), st.integers(0, 2**32), st.integers(0, 25))
