"""Who is there from the beginning: platforms with their rules, merchants with what they signed, offices, funds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from typing import Any

from adapters.simulation.lives import Step, act, actor, begin
from adapters.simulation.market import Life, Market, identifier
from adapters.simulation.moves.authorities import paid_in
from adapters.simulation.moves.merchants import adopt
from domain.complaint.mediation import MediatorKind
from domain.merchant.registration import INDUSTRIES
from domain.office.establishment import Level
from domain.streams import FUND, MERCHANT, OFFICE, PLATFORM, ROOM
from domain.values import Code, Role

#: The rule that every platform has from the beginning.
FAIR_TRADE = "fair-trade"
#: So many rooms were live long before the filings.
OLD_ROOMS = 3


def text_of(*parts: object) -> str:
    """Return the digest of a text."""
    return sha256(":".join(map(str, parts)).encode()).hexdigest()


def openings(market: Market) -> Iterator[tuple[Life, list[Step]]]:
    """Begin the streams that are there when the first complaint is filed."""
    for number, stream in enumerate(market.platforms):
        yield _platform(market, stream, number)
    for shop in market.shopkeepers:
        yield _opened(Life(MERCHANT, shop.merchant_id, market, shop.rank, shop, stays=True), _signing)
    yield _office(market, market.national, "000000")
    for region, stream in market.offices.items():
        yield _office(market, stream, region)
    for number, stream in enumerate(market.funds):
        yield _opened(Life(FUND, stream, market, number, stays=True), _funding)
    for number in range(-OLD_ROOMS, 0):
        room = Life(ROOM, f"room-{identifier(market.name, 'room', number)}", market, number, market.shopkeepers[number])
        yield room, begin(room, market.opened, actor(room, Role.MERCHANT), room_of(market, room))


def room_of(market: Market, room: Life) -> dict[str, Any]:
    """Say who stands behind a live room."""
    return {
        "platform_id": room.shop.platform or market.platforms[0],
        "operator": room.shop.merchant_id,
        "host": f"host {room.number}",
        "agency": "an agency" if room.number % 2 else None,
    }


def _opened(life: Life, what: Any) -> tuple[Life, list[Step]]:
    steps: list[Step] = []
    for name, role, arguments in what(life):
        action = life.kind.begin if life.version == 0 else life.kind.actions[name]
        assert action is not None
        steps += act(life, action, life.market.opened, actor(life, role), arguments)
    return life, steps


def _signing(life: Life) -> Iterator[tuple[str, Role, dict[str, Any]]]:
    shop = life.shop
    industry = {"industry": Code(scheme=INDUSTRIES, value=shop.industry)}
    stated = shop.rank % 5 != 4
    yield "register", Role.REGULATOR, {"trade_name": shop.trade_name} | (industry if stated else {})
    if not stated:
        yield "classify_merchant", Role.REGULATOR, industry
    if shop.signed:
        yield "sign_promise", Role.MERCHANT, {"batch": "1"}
    if shop.enrolled:
        yield "enrol", Role.MERCHANT, {}
    if shop.rank % 4 == 0 and life.market.book.policies:
        yield "adopt_policy", Role.MERCHANT, adopt(life, life.market)


def _funding(life: Life) -> Iterator[tuple[str, Role, dict[str, Any]]]:
    market = life.market
    yield "open_fund", Role.REGULATOR, {"title": f"Protection fund {life.number + 1}", "office_id": market.national}
    yield "pay_in", Role.REGULATOR, paid_in(life, market)


def _platform(market: Market, stream: str, number: int) -> tuple[Life, list[Step]]:
    life, by = Life(PLATFORM, stream, market, number, stays=True), Role.PLATFORM
    rule = {
        "rule_id": FAIR_TRADE,
        "title": "Fair trade",
        "text": text_of(stream, 1),
        "effective_from": market.opened + timedelta(days=10),
    }
    return _opened(
        life,
        lambda life: [("admit_platform", by, {"title": f"Platform {number + 1}"}), ("announce_rule", by, rule)],
    )


def _office(market: Market, stream: str, region: str) -> tuple[Life, list[Step]]:
    superior = None if stream == market.national else market.national
    whole = {
        "title": "国家市场监督管理总局" if superior is None else f"office of {region}",
        "level": Level.NATIONAL if superior is None else Level.COUNTY,
        "division": region,
        "superior": superior,
    }
    mediators = [
        ("enrol_mediator", Role.REGULATOR, {"mediator_id": mediator, "kind": kind, "capacity": 10_000})
        for n, kind in enumerate(MediatorKind if superior else ())
        for mediator in [identifier(market.name, "mediator", region, n)]
    ]
    life = Life(OFFICE, stream, market, stays=True)
    return _opened(life, lambda life: [("establish", Role.REGULATOR, whole), *mediators])
