"""Who is in the simulated market: merchants, offices, mediators; and the cases that go on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import accumulate
from random import Random
from typing import Any
from uuid import UUID

from domain.complaint.mediation import Candidate, MediatorKind
from domain.complaint.state import NEW, Complaint
from domain.event import Event
from domain.merchant.membership import Enrolled, PromiseSigned
from domain.merchant.registration import Registered
from domain.office.establishment import Established, Level
from domain.office.mediators import MediatorEnrolled
from domain.values import Actor, Role

REGIONS = ("330106", "330108", "110105", "310115", "440305", "510107", "610113")


class Manner(StrEnum):
    """How a merchant deals with complaints."""

    FAIR = "fair"
    SLOW = "slow"
    SILENT = "silent"
    CHEAT = "cheat"


@dataclass(frozen=True, slots=True)
class Shopkeeper:
    """A merchant of the market. ``platform`` is empty for a shop that stands by itself."""

    merchant_id: str
    trade_name: str
    manner: Manner
    region: str
    signed: bool
    enrolled: bool
    platform: str

    @property
    def actor(self) -> Actor:
        return Actor(self.merchant_id.removeprefix("merchant-"), Role.MERCHANT)


def openings(market: Market) -> list[tuple[str, list[Event]]]:
    """Return the streams that the market begins with: merchants with what they signed, offices with their mediators."""
    at, by = market.opened, Actor(OFFICIALS[Role.REGULATOR], Role.REGULATOR)
    streams: list[tuple[str, list[Event]]] = []
    for shop in market.shopkeepers:
        events: list[Event] = [Registered(occurred_at=at, actor=by, trade_name=shop.trade_name)]
        if shop.signed:
            events.append(PromiseSigned(occurred_at=at, actor=shop.actor, batch="1"))
        if shop.enrolled:
            events.append(Enrolled(occurred_at=at, actor=shop.actor))
        streams.append((shop.merchant_id, events))
    top = Established(occurred_at=at, actor=by, title="国家市场监督管理总局", level=Level.NATIONAL, division="000000")
    streams.append((market.national, [top]))
    for region, office_id in market.offices.items():
        events = [
            Established(
                occurred_at=at,
                actor=by,
                title=f"office of {region}",
                level=Level.COUNTY,
                division=region,
                superior=market.national,
            )
        ]
        events += [
            MediatorEnrolled(
                occurred_at=at, actor=by, mediator_id=one.mediator_id, kind=one.kind, capacity=one.capacity
            )
            for one in market.mediators
        ]
        streams.append((office_id, events))
    return streams


@dataclass(frozen=True, slots=True)
class Market:
    """Who is there. ``shares`` are the accumulated weights of the merchants: few giants, many small."""

    shopkeepers: tuple[Shopkeeper, ...]
    shares: tuple[int, ...]
    offices: Mapping[str, str]
    mediators: tuple[Candidate, ...]
    national: str
    opened: datetime
    name: str

    def shop(self, chance: Random) -> Shopkeeper:
        """Draw a merchant by its size."""
        return chance.choices(self.shopkeepers, cum_weights=self.shares)[0]


def identifier(*seed: object) -> str:
    """Return the uuid that belongs to a seed."""
    return str(UUID(int=Random(":".join(map(str, seed))).getrandbits(128), version=4))


def make_market(name: str, merchants: int, opened: datetime) -> Market:
    """Make the market of the simulation ``name``: merchants whose sizes fall off as one over their rank, an office
    per region, and mediators of each kind."""
    shopkeepers = tuple(_shopkeeper(name, n) for n in range(merchants))
    weights = [1_000_000 // (n + 1) for n in range(merchants)]
    return Market(
        shopkeepers=shopkeepers,
        shares=tuple(accumulate(weights)),
        offices={region: f"office-{identifier(name, 'office', region)}" for region in REGIONS},
        mediators=tuple(
            Candidate(mediator_id=identifier(name, "mediator", n), kind=kind, capacity=10_000)
            for n, kind in enumerate(MediatorKind)
        ),
        national=f"office-{identifier(name, 'national office')}",
        opened=opened,
        name=name,
    )


def _shopkeeper(name: str, n: int) -> Shopkeeper:
    chance = Random(f"{name}:merchant:{n}")
    manner = chance.choices(tuple(Manner), weights=(60, 20, 12, 8))[0]
    return Shopkeeper(
        merchant_id=f"merchant-{identifier(name, 'merchant', n)}",
        trade_name=f"{chance.choice(('西湖', '钱塘', '玉泉', 'Lakeside', 'Harbour', 'Northern'))} {n + 1}",
        manner=manner,
        region=chance.choice(REGIONS),
        signed=chance.random() < (0.2 if manner is Manner.SILENT else 0.5),
        enrolled=chance.random() < 0.2,
        platform=identifier(name, "platform", n % 3) if chance.random() < 0.7 else "",
    )


_NOTHING = Random(0)


@dataclass(slots=True)
class Case:
    """A case that goes on: its stream's version and state. ``chance`` are the random numbers of the present step."""

    number: int
    stream: str
    shop: Shopkeeper
    consumer: Actor
    version: int = 0
    tries: int = 0
    state: Complaint = NEW
    chance: Random = _NOTHING


@dataclass(frozen=True, slots=True)
class Move:
    """Something that somebody may do next, after some hours, with a weight that may depend on the case."""

    action: str
    by: Role
    hours: tuple[float, float]
    weight: Callable[[Case], float]
    arguments: Callable[[Case, Market], dict[str, Any]] = lambda case, market: {}


#: Who acts for the authority, the mediators and so on.
OFFICIALS = {role: identifier("official", role) for role in Role}
