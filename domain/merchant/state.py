"""The state of a merchant: what its decisions need, and those of the complaints against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar

from domain.errors import InvalidInput
from domain.rulebook.policies import PolicyTemplate
from domain.rulebook.terms import RunningTerm
from domain.values import Code, format_instant

#: From when until when (None: still).
Membership = tuple[datetime, datetime | None]


class Status(StrEnum):
    """Where a merchant stands. NONE: not registered yet."""

    NONE = "none"
    REGISTERED = "registered"
    MERGED = "merged"


class ListName(StrEnum):
    """What a list says of those who are on it."""

    BLACKLIST = "blacklist"
    UNTRUSTWORTHY = "untrustworthy"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Adoption:
    """A policy that was adopted, as it stood then; ``over``: when it was dropped or replaced (None: it holds)."""

    policy: PolicyTemplate
    edition: int
    since: datetime
    over: datetime | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """On which list of which authority, why, and by which terms it ends or may be repaired.

    ``carried_from`` is the merchant that had been listed and was merged into this one; ``latest`` is when the last
    thing happened to it, ``active`` whether the merchant is on the list still, ``applied`` whether a repair is to be
    decided on.
    """

    name: ListName
    authority: str
    title: str
    basis: str
    conditions: str
    complaints: tuple[str, ...]
    ends: RunningTerm | None
    repair: RunningTerm | None
    carried_from: str
    latest: datetime
    active: bool = True
    applied: bool = False


@dataclass(frozen=True, slots=True)
class Merchant:
    """A merchant, or nobody before the first event. ``industry`` is what it does, as stated last.

    ``linked`` are those that it is linked to, ``linked_back`` those that are linked to it; ``absorbed`` all that merged
    into it. ``volumes`` counts the reports of a stage and period, ``corrections`` has when each took effect,
    ``frauds`` are the complaints whose verified fraud led to the blacklist of a platform, with the platform. Numbers
    count from 1 in the order of these tuples.
    """

    kind: ClassVar[str] = "merchant"
    # What happened to a merchant is told by many, in no order; each procedure checks its own.
    since: ClassVar[datetime | None] = None
    since_what: ClassVar[str] = ""

    status: Status = Status.NONE
    industry: Code | None = None
    promises: tuple[Membership, ...] = ()
    enrolments: tuple[Membership, ...] = ()
    circles: Mapping[str, tuple[Membership, ...]] = field(default_factory=dict)
    linked: Mapping[str, datetime] = field(default_factory=dict)
    linked_back: frozenset[str] = frozenset()
    absorbed: frozenset[str] = frozenset()
    merged_into: str = ""
    merged_at: datetime | None = None
    volumes: Mapping[tuple[str, date, date], int] = field(default_factory=dict)
    corrections: tuple[datetime, ...] = ()
    listings: tuple[Listing, ...] = ()
    frauds: frozenset[tuple[str, str]] = frozenset()
    adoptions: tuple[Adoption, ...] = ()

    def had_signed(self, at: datetime) -> bool:
        """Whether the promise was signed at a time."""
        return held(self.promises, at)

    def was_enrolled(self, at: datetime) -> bool:
        """Whether it was enrolled for online dispute resolution at a time."""
        return held(self.enrolments, at)

    def was_in_circle(self, circle: str, at: datetime) -> bool:
        """Whether it was in a quality circle at a time."""
        return held(self.circles.get(circle, ()), at)

    def listed(self, name: ListName, authority: str) -> int | None:
        """Return the number of the listing by which it is on a list of an authority; None if it is not."""
        return next(
            (
                number
                for number, one in enumerate(self.listings, 1)
                if one.active and (one.name, one.authority) == (name, authority)
            ),
            None,
        )

    def adopted(self, at: datetime) -> tuple[Adoption, ...]:
        """Return the policies that it had adopted at a time, in the order of adoption."""
        return tuple(one for one in self.adoptions if one.since <= at and (one.over is None or at < one.over))


def held(memberships: tuple[Membership, ...], at: datetime) -> bool:
    """Return whether one of the memberships held at a time."""
    return any(begun <= at and (over is None or at < over) for begun, over in memberships)


def joined(memberships: tuple[Membership, ...], at: datetime) -> tuple[Membership, ...]:
    """Return the memberships with one more."""
    return (*memberships, (at, None))


def ended(memberships: tuple[Membership, ...], at: datetime) -> tuple[Membership, ...]:
    """Return the memberships after the last one ended."""
    return (*memberships[:-1], (memberships[-1][0], at))


def not_before(earlier: datetime, at: datetime, what: str) -> None:
    """Raise InvalidInput for a time before that of what it follows."""
    if at < earlier:
        raise InvalidInput(
            f"{format_instant(at)} is before {what} at {format_instant(earlier)}",
            hint="give the time at which it happened",
        )


NEW = Merchant()
