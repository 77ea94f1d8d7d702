"""Who is in the simulated market, and the streams that go on in it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import accumulate
from random import Random
from typing import Any
from uuid import UUID

from domain.complaint.state import NEW
from domain.complaint.state import Status as Stands
from domain.grievance.state import Grieved, grieved
from domain.kind import Kind
from domain.merchant.state import Status
from domain.rulebook.book import Rulebook
from domain.tracing import VOID, Traced, traced
from domain.values import FIRST_INSTANT, Actor, Role

REGIONS = ("330106", "330108", "110105", "310115", "440305", "510107", "610113")
#: Divisions of GB/T 4754: wholesale, retail, hotels, catering, internet services, repair, education.
TRADES = ("51", "52", "61", "62", "64", "81", "83")
PLATFORMS = 3
FUNDS = 3
#: So many of its complaints are remembered of a merchant: what is done about it rests on them.
REMEMBERED = 5


class Manner(StrEnum):
    """How a merchant deals with complaints."""

    FAIR = "fair"
    SLOW = "slow"
    SILENT = "silent"
    CHEAT = "cheat"


@dataclass(frozen=True, slots=True)
class Shopkeeper:
    """A merchant of the market, and its ``rank`` by size. ``platform`` is empty for a shop that stands by itself."""

    merchant_id: str
    trade_name: str
    manner: Manner
    region: str
    signed: bool
    enrolled: bool
    platform: str
    rank: int
    industry: str = TRADES[0]

    @property
    def actor(self) -> Actor:
        return Actor(self.merchant_id.removeprefix("merchant-"), Role.MERCHANT)


def identifier(*seed: object) -> str:
    """Return the uuid that belongs to a seed."""
    return str(UUID(int=Random(":".join(map(str, seed))).getrandbits(128), version=4))


#: Who acts for the authority, the mediators and so on.
OFFICIALS = {role: identifier("official", role) for role in Role}
NOBODY = Actor(OFFICIALS[Role.CONSUMER], Role.CONSUMER)
#: Stands where a stream is about no merchant.
NO_SHOP = Shopkeeper("", "", Manner.FAIR, REGIONS[0], False, False, "", 0)


@dataclass(slots=True)
class Market:
    """Who is there, and the rules in force. ``shares`` are the accumulated weights of the merchants: few giants, many
    small. Complaints are filed until ``ends``; ``lives`` are the streams that go on, by id."""

    name: str
    book: Rulebook
    opened: datetime
    ends: datetime
    shopkeepers: tuple[Shopkeeper, ...]
    shares: tuple[int, ...]
    platforms: tuple[str, ...]
    funds: tuple[str, ...]
    offices: dict[str, str]
    national: str
    lives: dict[str, Life] = field(default_factory=dict)
    _recent: dict[str, deque[str]] = field(default_factory=dict)
    _known: dict[str, Traced] = field(default_factory=dict)
    _upheld: dict[str, Grieved] = field(default_factory=dict)

    def shop(self, chance: Random) -> Shopkeeper:
        """Draw a merchant by its size: who goes on in its place, if it was merged."""
        return self.going_on(chance.choices(self.shopkeepers, cum_weights=self.shares)[0])

    def going_on(self, shop: Shopkeeper) -> Shopkeeper:
        """Return who goes on in place of a merchant that was merged, or the merchant itself."""
        while (state := self.lives[shop.merchant_id].state).status is Status.MERGED:
            shop = self.lives[state.merged_into].shop
        return shop

    def remember(self, case: Life) -> None:
        """Remember a complaint of a merchant, as it stands."""
        state = case.state
        if (known := self._known.get(case.stream)) is not None:
            if known.status is not state.status:
                self._known[case.stream] = traced(case.stream, state)
        elif state.status is Stands.ROUTED and state.regime:
            recent = self._recent.setdefault(state.merchant_id, deque())
            recent.append(case.stream)
            self._known[case.stream] = traced(case.stream, state)
            if len(recent) > REMEMBERED:
                del self._known[recent.popleft()]

    def remember_decision(self, grievance: Life) -> None:
        """Remember the last grievance that was upheld against a platform."""
        if grievance.state.upheld:
            self._upheld[grievance.state.platform_id] = grieved(grievance.stream, grievance.state)

    def grievances_against(self, platform_id: str) -> tuple[str, ...]:
        """Return the last grievance that was upheld against a platform, if any was."""
        return (self._upheld[platform_id].grievance_id,) if platform_id in self._upheld else ()

    def grieved(self, grievances: Sequence[str]) -> tuple[Grieved, ...]:
        """Return what stands behind grievances that are remembered."""
        return tuple(one for one in self._upheld.values() if one.grievance_id in grievances)

    def complaints_of(self, merchant_id: str) -> tuple[str, ...]:
        """Return the last complaints that were sent to a merchant, and stand."""
        return tuple(one for one in self._recent.get(merchant_id, ()) if self._stands(self._known[one]))

    def _stands(self, known: Traced) -> bool:
        return known.status not in VOID | {Stands.MERGED} and not known.unfounded

    def traced(self, complaints: Sequence[str]) -> tuple[Traced, ...]:
        """Return what stands behind complaints that are remembered, or go on."""
        return tuple(self._known.get(one) or traced(one, self.state(one, NEW)) for one in complaints)

    def state(self, stream: str, absent: Any) -> Any:
        """Return the state of a stream that goes on."""
        return self.lives[stream].state if stream in self.lives else absent


@dataclass(slots=True, eq=False)
class Life:
    """A stream that goes on: its version and state. ``shop`` is the merchant that it is about.

    ``number`` tells those of a kind apart; ``at`` is the time of the present step, ``chance`` its random numbers;
    ``stays``: it goes on when nothing is planned.
    """

    kind: Kind
    stream: str
    market: Market
    number: int = 0
    shop: Shopkeeper = NO_SHOP
    consumer: Actor = NOBODY
    stays: bool = False
    version: int = 0
    tries: int = 0
    state: Any = None
    at: datetime = FIRST_INSTANT
    chance: Random = field(init=False)
    planned: Planned | None = None

    def __post_init__(self) -> None:
        self.state, self.chance = self.kind.new, Random(f"{self.stream}:0")


@dataclass(frozen=True, slots=True)
class Move:
    """Something that somebody may do next, after some hours, with a weight that may depend on the life."""

    action: str
    by: Role
    hours: tuple[float, float]
    weight: Callable[[Life], float]
    arguments: Callable[[Life, Market], dict[str, Any]] = lambda life, market: {}


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """What happens next in a life, and when. No move: time alone makes something happen."""

    at: datetime
    move: Move | None


def make_market(name: str, merchants: int, opened: datetime, ends: datetime, book: Rulebook) -> Market:
    """Make the market of the simulation ``name``: merchants whose sizes fall off as one over their rank, platforms, an
    office per region, and funds."""
    platforms = tuple(f"platform-{identifier(name, 'platform', n)}" for n in range(PLATFORMS))
    return Market(
        name=name,
        book=book,
        opened=opened,
        ends=ends,
        shopkeepers=tuple(_shopkeeper(name, n, platforms) for n in range(merchants)),
        shares=tuple(accumulate(1_000_000 // (n + 1) for n in range(merchants))),
        platforms=platforms,
        funds=tuple(f"fund-{identifier(name, 'fund', n)}" for n in range(FUNDS)),
        offices={region: f"office-{identifier(name, 'office', region)}" for region in REGIONS},
        national=f"office-{identifier(name, 'national office')}",
    )


def _shopkeeper(name: str, n: int, platforms: Sequence[str]) -> Shopkeeper:
    chance = Random(f"{name}:merchant:{n}")
    manner = chance.choices(tuple(Manner), weights=(60, 20, 12, 8))[0]
    return Shopkeeper(
        merchant_id=f"merchant-{identifier(name, 'merchant', n)}",
        trade_name=f"{chance.choice(('西湖', '钱塘', '玉泉', 'Lakeside', 'Harbour', 'Northern'))} {n + 1}",
        manner=manner,
        region=chance.choice(REGIONS),
        signed=chance.random() < (0.2 if manner is Manner.SILENT else 0.5),
        enrolled=chance.random() < 0.2,
        platform=platforms[n % len(platforms)] if chance.random() < 0.7 else "",
        rank=n,
        industry=chance.choice(TRADES),
    )
