"""A stream in simulated time: brought forward step by step, by somebody's move or by time alone.

Pure and deterministic for a seed: what happens next follows from the state of the stream, of those around it, and its
own random numbers. Whatever happens goes through the decisions of the domain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from inspect import signature
from random import Random
from typing import Any

from adapters.simulation.market import OFFICIALS, Life, Move, Planned
from adapters.simulation.moves import MOVES
from domain.action import Action
from domain.errors import RuleViolation
from domain.event import Event
from domain.streams import SUBJECT
from domain.values import Actor, Role

STEP = timedelta(microseconds=1)
#: After so many steps a life goes on by the passing of time only; that of somebody who stays goes on.
LONGEST = 100
#: A life in which nobody does anything any more for so long is left as it is.
PATIENCE = timedelta(days=400)
#: Arguments that are the state of a stream, and those that name it.
STATE_OF = (("merchant", "merchant_id"), ("platform", "platform_id"), ("target_state", "target"))

#: An event, and the state of its stream after it.
Step = tuple[Event, Any]


def take(life: Life, events: Iterable[Event]) -> list[Step]:
    """Bring a life forward by events that were decided."""
    steps = []
    for event in events:
        life.state = life.kind.evolve(life.state, event)
        steps.append((event, life.state))
    life.version += len(steps)
    return steps


def act(life: Life, action: Action, at: datetime, by: Actor, arguments: Mapping[str, Any]) -> list[Step]:
    """Take an action; nothing comes of what a rule refuses."""
    book = life.market.book
    try:
        return take(life, life.kind.act(action, life.state, at=at, by=by, book=book, **_whole(life, action, arguments)))
    except RuleViolation:
        return []


def begin(life: Life, at: datetime, by: Actor, arguments: Mapping[str, Any]) -> list[Step]:
    """Begin a life."""
    assert life.kind.begin is not None
    return act(life, life.kind.begin, at, by, arguments)


@cache
def _wanted(decide: Callable[..., Sequence[Event]]) -> frozenset[str]:
    return frozenset(signature(decide).parameters)


def _whole(life: Life, action: Action, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments with what the program knows of other streams."""
    wanted, whole, market = _wanted(action.decide), dict(given), life.market
    if "own_id" in wanted:
        whole["own_id"] = life.stream
    if "traced" in wanted:
        whole["traced"] = market.traced(whole.get("complaints", ()))
    if "grieved" in wanted:
        whole["grieved"] = market.grieved(whole.get("grievances", ()))
    for argument, naming in STATE_OF:
        if argument in wanted and naming in whole:
            whole[argument] = market.lives[whole[naming]].state
    if "subject" in wanted:
        whole["subject"] = market.state(f"{SUBJECT.prefix}-{life.state.consumer_id}", SUBJECT.new)
    return whole


def actor(life: Life, role: Role) -> Actor:
    """Return who acts in a role."""
    if role is Role.CONSUMER:
        return life.consumer
    if role is Role.MERCHANT:
        return life.shop.actor
    return Actor(OFFICIALS[role], role)


def plan(life: Life, now: datetime) -> Planned | None:
    """Draw what happens next in a life; None when nothing does any more."""
    life.tries += 1
    life.at, life.chance = now, Random(f"{life.stream}:{life.tries}")
    going = life.stays or life.tries < LONGEST
    legal = []
    for move in MOVES[life.kind.prefix].get(life.state.status, ()) if going else ():
        weight = move.weight(life)
        if weight > 0 and _legal(life, move, now + timedelta(hours=move.hours[0])):
            legal.append((move, weight))
    falls_due = life.kind.next_due(life.state) if life.kind.next_due is not None else None
    if legal:
        move = life.chance.choices([move for move, _ in legal], weights=[weight for _, weight in legal])[0]
        at = now + timedelta(hours=life.chance.uniform(*move.hours)) + STEP
        if falls_due is None or at <= falls_due:
            return Planned(at, move)
    return until_due(life, now)


def until_due(life: Life, now: datetime) -> Planned | None:
    """Plan to wait for what time alone brings, if that is not too long."""
    falls_due = life.kind.next_due(life.state) if life.kind.next_due is not None else None
    if falls_due is None or falls_due >= now + PATIENCE:
        return None
    return Planned(max(falls_due, now) + STEP, None)


def _legal(life: Life, move: Move, at: datetime) -> bool:
    action = life.kind.actions[move.action]
    return action.illegal(life.state, at, actor(life, move.by), life.market.book) is None


def carry_out(life: Life, planned: Planned) -> list[Step]:
    """Do what was planned; nothing comes of what is not legal any more."""
    life.at, life.chance = planned.at, Random(f"{life.stream}:{life.tries}:done")
    move = planned.move
    if move is None:
        return take(life, life.kind.fall_due(life.state, at=planned.at, book=life.market.book))
    if not _legal(life, move, planned.at):
        return []
    arguments = move.arguments(life, life.market)
    return act(life, life.kind.actions[move.action], planned.at, actor(life, move.by), arguments)
