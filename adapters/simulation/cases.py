"""A case in simulated time: filed, then brought forward step by step, by somebody's move or by time alone.

Pure and deterministic for a seed: what happens next follows from the state of the case, its merchant and its own random
numbers. Whatever happens goes through the decisions of the domain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from adapters.simulation.market import OFFICIALS, Case, Market, Move, identifier
from adapters.simulation.moves import MOVES
from domain.complaint import clocks, filing, life
from domain.complaint.state import RequestKind
from domain.errors import RuleViolation
from domain.event import Event
from domain.rulebook.book import Rulebook
from domain.streams import COMPLAINT
from domain.values import Actor, Channel, Code, Money, Role

STEP = timedelta(microseconds=1)
#: After so many steps a case goes on by the passing of time only.
LONGEST = 100
#: A case in which nobody does anything any more for so long is left as it is.
PATIENCE = timedelta(days=400)

GOODS = (
    ("电饭锅", "不加热"),
    ("rice cooker", "does not heat"),
    ("羽绒服", "掉色"),
    ("phone", "screen went black within a week"),
    ("健身卡", "门店关闭, 余额不退"),
    ("gym membership", "the studio closed, and the balance is gone"),
    ("机票", "退票费过高"),
    ("live-stream necklace", "not the gold that was promised"),
    ("奶粉", "过期"),
    ("hotel room", "double-booked"),
)
TALES = ("第二次维修后仍然无法使用。", "The second one within a month.", "商家拒绝退款。", "They stopped answering.")


def open_case(market: Market, number: int, at: datetime, book: Rulebook) -> tuple[Case, list[Event]]:
    """File case ``number`` at a time."""
    chance = Random(f"{market.name}:case:{number}")
    shop = market.shop(chance)
    consumer = Actor(identifier(market.name, "consumer", chance.randrange(1 << 30)), Role.CONSUMER)
    case = Case(number, f"complaint-{identifier(market.name, 'complaint', number)}", shop, consumer)
    kind = chance.choices(tuple(RequestKind), weights=(84, 9, 5, 2))[0]
    goods, fault = chance.choice(GOODS)
    joint = kind is RequestKind.COMPLAINT and chance.random() < 0.01
    price = Money(fen=int(10 ** chance.uniform(3, 6.5)))
    order = None
    if kind is RequestKind.COMPLAINT and chance.random() < 0.6:
        order = filing.Order(
            source="market",
            reference=f"{number}",
            purchased_at=at - timedelta(hours=chance.uniform(1, 24 * 50)),
            amount=price,
            merchant_id=shop.merchant_id,
            platform=shop.platform or None,
            payment_provider=identifier(market.name, "payment", 0),
            receipt=f"{chance.getrandbits(256):064x}",
        )
    events = COMPLAINT.act(
        filing.file,
        case.state,
        at=at,
        by=consumer,
        book=book,
        consumer_id=consumer.id,
        channel=chance.choice((Channel.APP, Channel.WEB, Channel.PHONE, Channel.WECHAT, Channel.ALIPAY)),
        product=goods,
        issue=fault,
        kind=kind,
        region=Code(scheme=filing.DIVISIONS, value=shop.region),
        claim=price if kind is RequestKind.COMPLAINT else None,
        narrative=chance.choice(TALES),
        anonymous=kind is RequestKind.REPORT and chance.random() < 0.3,
        order=order,
        joint=filing.Joint(incident=f"{goods}: {fault}", representatives=(consumer.id,)) if joint else None,
    )
    return case, take(case, events)


def take(case: Case, events: Sequence[Any]) -> list[Event]:
    """Bring the case forward by events that were decided."""
    for event in events:
        case.state = life.evolve(case.state, event)
    case.version += len(events)
    return list(events)


@dataclass(frozen=True, slots=True)
class Planned:
    """What happens next in a case, and when. No move: time alone makes something happen."""

    at: datetime
    move: Move | None


def plan(case: Case, market: Market, now: datetime, book: Rulebook) -> Planned | None:
    """Draw what happens next in a case; None when nothing does any more."""
    case.tries += 1
    case.chance = Random(f"{case.stream}:{case.tries}")
    legal = []
    for move in MOVES.get(case.state.status, ()) if case.tries < LONGEST else ():
        weight = move.weight(case)
        if weight > 0 and life.ACTIONS[move.action].illegal(case.state, now, _actor(case, move), book) is None:
            legal.append((move, weight))
    falls_due = clocks.next_due(case.state)
    chosen = None
    if legal:
        move = case.chance.choices([move for move, _ in legal], weights=[weight for _, weight in legal])[0]
        at = now + timedelta(hours=case.chance.uniform(*move.hours)) + STEP
        if falls_due is None or at <= falls_due:
            chosen = Planned(at, move)
    if chosen is None and falls_due is not None and falls_due < now + PATIENCE:
        chosen = Planned(max(falls_due, now) + STEP, None)
    return chosen


def carry_out(case: Case, market: Market, planned: Planned, book: Rulebook) -> list[Event]:
    """Do what was planned; returns the events: none when it is refused."""
    case.chance = Random(f"{case.stream}:{case.tries}:done")
    if planned.move is None:
        return take(case, life.fall_due(case.state, at=planned.at, book=book))
    move = planned.move
    action, by = life.ACTIONS[move.action], _actor(case, move)
    if action.illegal(case.state, planned.at, by, book) is not None:
        return []
    arguments = move.arguments(case, market)
    try:
        return take(case, COMPLAINT.act(action, case.state, at=planned.at, by=by, book=book, **arguments))
    except RuleViolation:
        return []


def _actor(case: Case, move: Move) -> Actor:
    if move.by is Role.CONSUMER:
        return case.consumer
    if move.by is Role.MERCHANT:
        return case.shop.actor
    return Actor(OFFICIALS[move.by], move.by)
