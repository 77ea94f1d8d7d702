"""What complaints give occasion to: measures, notices, lists, warnings, corrections, grievances, rooms, consents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from adapters.simulation.lives import Step, act, actor, begin
from adapters.simulation.market import NO_SHOP, Life, Shopkeeper, identifier
from adapters.simulation.moves.common import violation
from adapters.simulation.openings import FAIR_TRADE, room_of
from domain.kind import Kind
from domain.measure.state import (
    AUTHORITY_LADDER,
    PLATFORM_LADDER,
    WITH_AMOUNT,
    WITH_END,
    MeasureKind,
    RuleReference,
)
from domain.merchant.state import ListName
from domain.platform.state import NoticeStatus, rule_in_force
from domain.streams import GRIEVANCE, MEASURE, ROOM, SUBJECT
from domain.values import Money, Role

#: A stream, what is done with it (nothing: it is begun), by whom, and how.
Doing = tuple[Life, str, Role, dict[str, Any]]
#: The violation of a grievance is one that platforms commit.
PRACTICES = ("refund-only-forced", "forced-choice", "unfair-fee")


@dataclass(frozen=True, slots=True)
class Occasion:
    """What happens once in so many complaints, if it can: ``find`` says what is to be done, None for nothing."""

    share: float
    find: Callable[[Life], Doing | None]


def take_occasions(case: Life) -> Iterator[tuple[Life, list[Step]]]:
    """Do what a complaint that was just filed gives occasion to, one thing after another."""
    for occasion in OCCASIONS:
        if case.chance.random() < occasion.share and (doing := occasion.find(case)) is not None:
            life, name, role, arguments = doing
            by = actor(life, role)
            if name:
                yield life, act(life, life.kind.actions[name], case.at, by, arguments)
            else:
                yield life, begin(life, case.at, by, arguments)


def _new(case: Life, kind: Kind, shop: Shopkeeper, about: str = "") -> Life:
    market = case.market
    own = identifier(market.name, kind.prefix, about, case.number)
    return Life(kind, f"{kind.prefix}-{own}", market, case.number, shop, case.consumer)


def _sanction(case: Life, kind: MeasureKind) -> dict[str, Any]:
    return {
        "kind": kind,
        "amount": Money(fen=case.chance.randrange(1, 90) * 100_000) if kind in WITH_AMOUNT else None,
        "until": case.at + timedelta(days=case.chance.randrange(3, 90)) if kind in WITH_END else None,
    }


def _measure(case: Life) -> Doing | None:
    """A platform answers a notice, or takes a measure by itself."""
    market, shop = case.market, case.shop
    platform = market.lives[market.platforms[case.chance.randrange(len(market.platforms))]]
    notices = ((number, one) for number, one in enumerate(platform.state.notices, 1))
    number, notice = next(((number, one) for number, one in notices if one.status is NoticeStatus.OPEN), (None, None))
    if notice is not None:
        shop = market.lives[notice.merchant_id].shop
    elif shop.platform:
        platform = market.lives[shop.platform]
    versions = range(1, 1 + len(platform.state.rules.get(FAIR_TRADE, ())))
    in_force = [one for one in versions if rule_in_force(platform.state, FAIR_TRADE, one, case.at)]
    complaints = market.complaints_of(shop.merchant_id)
    if not complaints or not in_force:
        return None
    arguments = {
        "target": shop.merchant_id,
        "imposed_by": platform.stream,
        "reason": "It sends what was not ordered, as these complaints show.",
        "basis": "rules of fair trade",
        "violation": violation(case),
        "complaints": complaints[-3:],
        "rule": RuleReference(rule_id=FAIR_TRADE, version=in_force[-1]),
        "notice": number,
        "platform_id": platform.stream,
        **_sanction(case, case.chance.choices(tuple(PLATFORM_LADDER), weights=(6, 5, 3, 1))[0]),
    }
    return _new(case, MEASURE, shop), "", Role.PLATFORM, arguments


def _penalty(case: Life) -> Doing | None:
    """An office penalises a merchant, or the platform."""
    market, shop = case.market, case.shop
    complaints = market.complaints_of(shop.merchant_id)
    if not complaints:
        return None
    on_platform = bool(shop.platform) and case.chance.random() < 0.2
    arguments = {
        "target": shop.platform if on_platform else shop.merchant_id,
        "imposed_by": market.offices[shop.region],
        "reason": "Consumers were told what is not so.",
        "basis": "Advertising Law, art. 55",
        "violation": violation(case),
        "complaints": complaints[-3:],
        "case_number": f"案{case.number}",
        "grievances": market.grievances_against(shop.platform) if on_platform else (),
        **_sanction(case, case.chance.choices(tuple(AUTHORITY_LADDER), weights=(3, 8, 3, 2, 1))[0]),
    }
    return _new(case, MEASURE, NO_SHOP if on_platform else shop, "penalty"), "", Role.REGULATOR, arguments


def _notice(case: Life) -> Doing | None:
    market, shop = case.market, case.shop
    complaints = market.complaints_of(shop.merchant_id)
    if not complaints or not shop.platform:
        return None
    arguments = {
        "office_id": market.offices[shop.region],
        "merchant_id": shop.merchant_id,
        "demand": "stop the sale until the goods were tested",
        "basis": "E-Commerce Law, art. 29",
        "complaints": complaints[-2:],
    }
    return market.lives[shop.platform], "give_notice", Role.REGULATOR, arguments


def _listing(case: Life) -> Doing | None:
    market, shop = case.market, case.shop
    complaints = market.complaints_of(shop.merchant_id)
    if not complaints:
        return None
    by_platform = bool(shop.platform) and case.chance.random() < 0.3
    arguments = {
        "list": ListName.BLACKLIST if by_platform else case.chance.choice(tuple(ListName)),
        "authority": shop.platform if by_platform else market.offices[shop.region],
        "title": "Merchants who do not pay",
        "basis": "It owes what was agreed.",
        "conditions": "pay every consumer",
        "complaints": complaints[-3:],
    }
    role = Role.PLATFORM if by_platform else Role.REGULATOR
    return market.lives[shop.merchant_id], "list_merchant", role, arguments


def _correction(case: Life) -> Doing | None:
    market, shop = case.market, case.shop
    complaints = market.complaints_of(shop.merchant_id)
    if len(complaints) < 2:
        return None
    arguments = {
        "title": "another supplier",
        "description": "The plug is bought elsewhere, and tested on arrival.",
        "complaints": complaints[-3:],
        "effective_at": case.at + timedelta(days=case.chance.randrange(20)),
    }
    return market.lives[shop.merchant_id], "take_corrective_action", Role.MERCHANT, arguments


def _warning(case: Life) -> Doing | None:
    complaints = case.market.complaints_of(case.shop.merchant_id)
    if not complaints:
        return None
    arguments = {
        "theme": "balances that are not paid back",
        "text": "Studios that close keep what was paid in advance.",
        "complaints": complaints,
    }
    return case.market.lives[case.market.national], "issue_warning", Role.REGULATOR, arguments


def _grievance(case: Life) -> Doing | None:
    shop = case.shop
    if not shop.platform:
        return None
    arguments = {
        "merchant_id": shop.merchant_id,
        "platform_id": shop.platform,
        "violation": case.chance.choice(PRACTICES),
        "text": "The platform pays back without asking us.",
        "claim": Money(fen=case.chance.randrange(10_000, 5_000_000)) if case.chance.random() < 0.5 else None,
    }
    return _new(case, GRIEVANCE, shop), "", Role.MERCHANT, arguments


def _room(case: Life) -> Doing | None:
    room = _new(case, ROOM, case.shop)
    return room, "", Role.MERCHANT, room_of(case.market, room)


def _consents(case: Life) -> Doing | None:
    subject = Life(SUBJECT, f"{SUBJECT.prefix}-{case.consumer.id}", case.market, case.number, case.shop, case.consumer)
    return subject, "", Role.CONSUMER, {"consumer_id": case.consumer.id}


OCCASIONS = (
    Occasion(0.03, _measure),
    Occasion(0.015, _penalty),
    Occasion(0.015, _notice),
    Occasion(0.01, _listing),
    Occasion(0.02, _correction),
    Occasion(0.012, _warning),
    Occasion(0.015, _grievance),
    Occasion(0.012, _room),
    Occasion(0.05, _consents),
)
