"""What is done at the beginning of each month, quarter and year: reports, rules, audits, evaluations."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from adapters.simulation.lives import Step, act, actor
from adapters.simulation.market import Life, Market
from adapters.simulation.openings import FAIR_TRADE, text_of
from domain.calendar import day_of, start_of_day
from domain.merchant.state import Status
from domain.merchant.volumes import STAGES
from domain.platform.supervision import ReportedViolation
from domain.values import Role
from domain.violations import VIOLATIONS

#: A rule that comes and goes.
PROMOTION = "promotion"
PROGRAMME = "Gold"
#: Product stages that merchants report.
REPORTED_STAGES = 2
#: Transactions of the largest merchant in a month.
LARGEST = 2_000_000


def next_month(at: datetime) -> datetime:
    """Return the beginning of the month after."""
    return start_of_day((day_of(at).replace(day=1) + timedelta(days=32)).replace(day=1))


def month_before(at: datetime, months: int = 1) -> tuple[date, date]:
    """Return the first and last day of the last whole period of so many months: a month, a quarter, a year."""
    first = day_of(at).replace(day=1)
    ends = first.replace(month=(first.month - 1) // months * months + 1)
    begins = ends
    for _ in range(months):
        begins = (begins - timedelta(days=1)).replace(day=1)
    return begins, ends - timedelta(days=1)


def duties(market: Market, at: datetime, *, first: bool) -> Iterator[tuple[Life, list[Step]]]:
    """Do what is to be done at the beginning of a month, and with the ``first`` of all what is due anyway."""
    chance = Random(f"{market.name}:duties:{at.isoformat()}")
    month = day_of(at).month
    for shop in market.shopkeepers:
        yield from _volumes(market.lives[shop.merchant_id], at, chance)
    for stream in market.platforms:
        platform = market.lives[stream]
        yield from _rules(platform, at, chance)
        if first or month % 3 == 1:
            yield _done(platform, "report_supervision", at, Role.PLATFORM, _supervision(platform, at, chance))
        if first or month == 1:
            yield _done(platform, "record_privacy_audit", at, Role.AUDITOR, _audit(platform, at, chance))
    if first or month % 3 == 1:
        national = market.lives[market.national]
        for evaluated in (*market.platforms, *market.funds[:1]):
            yield _done(national, "record_evaluation", at, Role.REGULATOR, _evaluation(evaluated, at, chance))


def _done(life: Life, name: str, at: datetime, role: Role, arguments: dict[str, Any]) -> tuple[Life, list[Step]]:
    return life, act(life, life.kind.actions[name], at, actor(life, role), arguments)


def _volumes(life: Life, at: datetime, chance: Random) -> Iterator[tuple[Life, list[Step]]]:
    stages = life.market.book.code_lists.get(STAGES)
    if life.state.status is not Status.REGISTERED or stages is None:
        return
    begins, ends = month_before(at)
    for stage in tuple(stages.entries)[:REPORTED_STAGES]:
        transactions = int(LARGEST / (life.number + 1) * chance.uniform(0.8, 1.2))
        volume = {
            "first": begins,
            "last": ends,
            "stage": stage,
            "transactions": transactions,
            "active_users": transactions // 3,
        }
        yield _done(life, "report_volume", at, Role.MERCHANT, volume)


def _rules(platform: Life, at: datetime, chance: Random) -> Iterator[tuple[Life, list[Step]]]:
    state, later = platform.state, at + timedelta(days=8 + chance.randrange(10))
    if chance.random() < 0.4:
        yield _announced(platform, FAIR_TRADE, at, later)
    if PROMOTION in state.rules and PROMOTION not in state.withdrawn:
        gone = {"rule_id": PROMOTION, "effective_at": later}
        yield _done(platform, "withdraw_rule", at, Role.PLATFORM, gone)
    else:
        yield _announced(platform, PROMOTION, at, later)
    change = {"programme": PROGRAMME, "change": "free delivery from 99 yuan only"}
    if chance.random() < 0.6:
        announced = {**change, "effective_from": later}
        yield _done(platform, "announce_membership_change", at, Role.PLATFORM, announced)
    else:
        found = {**change, "took_effect_at": at - timedelta(days=3), "complaints": _shown(platform, chance)}
        if found["complaints"]:
            yield _done(platform, "report_hidden_change", at, Role.REGULATOR, found)


def _announced(platform: Life, rule: str, at: datetime, effective_from: datetime) -> tuple[Life, list[Step]]:
    arguments = {
        "rule_id": rule,
        "title": rule.replace("-", " ").capitalize(),
        "text": text_of(platform.stream, rule, at),
        "effective_from": effective_from,
    }
    return _done(platform, "announce_rule", at, Role.PLATFORM, arguments)


def _shown(platform: Life, chance: Random) -> tuple[str, ...]:
    """The complaints about one of the platform's merchants."""
    return platform.market.complaints_of(platform.market.shop(chance).merchant_id)


def _supervision(platform: Life, at: datetime, chance: Random) -> dict[str, Any]:
    market = platform.market
    begins, ends = month_before(at, 3)
    codes = market.book.code_lists.get(VIOLATIONS)
    shops = {market.shop(chance).merchant_id for _ in range(3)}
    found = [(shop, complaints) for shop in sorted(shops) if (complaints := market.complaints_of(shop))]
    violations = tuple(
        ReportedViolation(merchant_id=shop, violation=chance.choice(tuple(codes.entries)), complaints=complaints[-2:])
        for shop, complaints in found
        if codes is not None
    )
    return {
        "first": begins,
        "last": ends,
        "violations": violations,
        "complaints": tuple(complaint for one in violations for complaint in one.complaints),
    }


def _audit(platform: Life, at: datetime, chance: Random) -> dict[str, Any]:
    begins, ends = month_before(at, 12)
    conforms = chance.random() < 0.7
    return {
        "auditor": "an institute",
        "scope": "orders and addresses",
        "first": begins,
        "last": ends,
        "findings": () if conforms else ("addresses are kept for too long",),
        "conforms": conforms,
        "report": text_of(platform.stream, "audit", at),
    }


def _evaluation(evaluated: str, at: datetime, chance: Random) -> dict[str, Any]:
    begins, ends = month_before(at, 3)
    return {
        "evaluated": evaluated,
        "first": begins,
        "last": ends,
        "cases": chance.randrange(50, 5_000),
        "resolution_hours_median": chance.randrange(20, 600),
        "satisfaction_permille": chance.randrange(500, 950),
        "success_permille": chance.randrange(400, 900),
    }
