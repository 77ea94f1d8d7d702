"""Laws of a merchant: whatever is tried, by whomever, and whatever other streams bring."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from itertools import pairwise
from random import Random
from typing import Any, ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from domain.action import actions_of
from domain.complaint.state import RequestKind
from domain.complaint.state import Status as ComplaintStatus
from domain.event import Event
from domain.kind import Kind
from domain.merchant import registration, standing, succession
from domain.merchant.registration import Absorbed, LinkedBack, MergerUndone, Relation, Separated, UnlinkedBack
from domain.merchant.standing import Listed, ListingEnded, ListingExtended, ListingRemoved
from domain.merchant.state import Listing, ListName, Membership, Merchant, Status
from domain.streams import MERCHANT as MERCHANTS
from domain.tracing import Traced
from domain.values import Actor, Code
from tests.domain.chance import SERVICE, UUIDS, Life, Makers, Occasion
from tests.domain.scenario import FIRST, on

OWN, *OTHERS = (f"merchant-{one}" for one in UUIDS)
COMPLAINTS = tuple(f"complaint-{one}" for one in UUIDS)
PLATFORM = f"platform-{UUIDS[0]}"
STANDING = actions_of(standing)
#: What may follow when a merchant was merged: what time brings, and what other streams tell.
STILL = (ListingEnded, LinkedBack, UnlinkedBack, Absorbed, Separated, Listed, ListingExtended)
#: What authorities may still do then.
TO_THE_END = (MergerUndone, ListingRemoved)


def listings_of_another(chance: Random) -> list[Listing]:
    """One for each list at most, as a merchant is on it once."""
    return [
        Listing(
            name=name,
            authority=PLATFORM,
            title="t",
            basis="b",
            conditions="c",
            complaints=(chance.choice(COMPLAINTS),),
            ends=None,
            repair=None,
            carried_from="",
            latest=on("2026-03-02 09:00"),
        )
        for name in chance.sample(list(ListName), chance.randint(0, 2))
    ]


def number(occasion: Occasion) -> int:
    """Of a listing or a corrective action."""
    return occasion.chance.randint(1, max(len(occasion.state.listings), len(occasion.state.corrections), 1))


def may_merge(state: Merchant) -> bool:
    """Whether there is one to merge into: not at once, since little happens after that."""
    return len(state.listings) >= 2


def who_goes_on(occasion: Occasion) -> Merchant:
    return Merchant(Status.REGISTERED) if may_merge(occasion.state) else Merchant(Status.MERGED, merged_into=OTHERS[0])


def a_stream(*prefixes: str) -> Callable[[Occasion], str]:
    """One of so many that there is always another."""
    return lambda occasion: f"{occasion.one_of(*prefixes)}-{occasion.chance.randint(1, 40):08d}{UUIDS[0][8:]}"


def one_known(known: Callable[[Merchant], Iterable[str]], another: Callable[[Occasion], str]) -> Any:
    """One that the merchant has to do with already, or another."""
    return lambda occasion: occasion.one_of(*known(occasion.state), another(occasion), another(occasion))


def a_day(occasion: Occasion) -> date:
    return occasion.at.date() - timedelta(days=occasion.chance.randint(1, 3000))


def effective(occasion: Occasion) -> Any:
    return occasion.at + timedelta(hours=occasion.chance.randint(-24, 24))


MAKERS: Makers = {
    "authority": a_stream("office", "platform", "merchant"),
    "circle": one_known(lambda state: state.circles, a_stream("circle")),
    "complaints": lambda occasion: COMPLAINTS[:1],
    "edition": lambda occasion: occasion.one_of(1, 1, 2),
    "effective_at": effective,
    "first": a_day,
    "granted": lambda occasion: occasion.one_of(True, False),
    "identifier": lambda occasion: None,
    "industry": lambda occasion: Code(scheme="GB/T 4754", value=occasion.one_of("52", "62", "F", "00")),
    "last": a_day,
    "list": lambda occasion: occasion.one_of(*ListName),
    "merchant": who_goes_on,
    "merchant_id": lambda occasion: occasion.one_of(OWN, *OTHERS),
    "number": number,
    "other": one_known(lambda state: state.linked, a_stream("merchant")),
    "own_id": lambda occasion: OWN,
    "policy_id": lambda occasion: occasion.one_of(*sorted(FIRST.policies), "unheard-of"),
    ("drop_policy", "policy_id"): one_known(
        lambda state: [one.policy.id for one in state.adoptions if one.over is None], lambda occasion: "unheard-of"
    ),
    "precision": lambda occasion: "instant",
    "relation": lambda occasion: occasion.one_of(*Relation),
    "stage": lambda occasion: occasion.one_of("delivery", "payment", "packing"),
    "transactions": lambda occasion: occasion.chance.randint(0, 99),
    "active_users": lambda occasion: occasion.chance.randint(0, 99),
    "traced": lambda occasion: (
        Traced(COMPLAINTS[0], RequestKind.COMPLAINT, ComplaintStatus.ROUTED, occasion.one_of(OWN, OWN, *OTHERS)),
    ),
}


class Trading(Life):
    """A merchant, to which everybody does what he can, and of which other streams tell."""

    kind: ClassVar[Kind] = MERCHANTS
    makers: ClassVar[Makers] = MAKERS

    @rule(seed=st.integers(0, 2**32), ago=st.sampled_from((timedelta(0), timedelta(days=400))))
    def other_streams_tell(self, seed: int, ago: timedelta) -> None:
        chance = Random(seed)
        now: dict[str, Any] = {"at": self.at - ago, "by": SERVICE}
        other, complaint = chance.choice(OTHERS), chance.choice(COMPLAINTS)
        found: tuple[list[Any], ...] = (
            registration.link_back(self.state, **now, other=other, relation=Relation.AGENT_OF, basis="b"),
            registration.unlink_back(self.state, **now, other=other, reason="r"),
            succession.absorb(self.state, **now, book=FIRST, merchant_id=other, listings=listings_of_another(chance)),
            succession.separate(self.state, **now, merchant_id=other, reason="r"),
            succession.blacklist(
                self.state, **now, book=FIRST, platform_id=PLATFORM, complaint_id=complaint, basis="b"
            ),
        )
        self.take(chance.choice(found))

    @rule(days=st.integers(300, 1200))
    def years_pass(self, days: int) -> None:
        self.at += timedelta(days=days)

    @rule(seed=st.integers(0, 2**32), days=st.sampled_from((0, 1, 400)))
    def its_standing_changes(self, seed: int, days: int) -> None:
        self.at += timedelta(days=days)
        chance = Random(seed)
        names = [name for name in self.legal(SERVICE) if name in STANDING]
        # Repair comes late, and seldom by chance.
        for name in names[-1:] if chance.random() < 0.5 else chance.sample(names, min(len(names), 1)):
            self.take(self.attempt(self.kind.actions[name], SERVICE, chance))

    def legal(self, by: Actor) -> Sequence[str]:
        return [name for name in super().legal(by) if name != "merge_merchant" or may_merge(self.state)]

    def happened(self, before: Any, event: Event) -> None:
        assert before.status is not Status.MERGED or isinstance(event, STILL + TO_THE_END), (
            "what is merged can only be read"
        )

    @invariant()
    def memberships_follow_one_another(self) -> None:
        for one in (self.state.promises, self.state.enrolments, *self.state.circles.values()):
            in_order(one)
        for policy_id in {one.policy.id for one in self.state.adoptions}:
            in_order(tuple((one.since, one.over) for one in self.state.adoptions if one.policy.id == policy_id))

    @invariant()
    def a_merchant_is_once_on_a_list_of_an_authority(self) -> None:
        active = [(one.name, one.authority) for one in self.state.listings if one.active]
        assert len(active) == len(set(active))
        assert all(one.active for one in self.state.listings if one.applied)
        numbers = [event.number for event in self.history if isinstance(event, Listed)]
        assert numbers == list(range(1, len(numbers) + 1))

    @invariant()
    def volumes_of_a_stage_do_not_overlap(self) -> None:
        for stage in {stage for stage, _, _ in self.state.volumes}:
            periods = sorted((first, last) for known, first, last in self.state.volumes if known == stage)
            assert all(before[1] < after[0] for before, after in pairwise(periods))


def in_order(memberships: tuple[Membership, ...]) -> None:
    """Each ends before the next begins, and only the last may be open."""
    for (since, over), (following, _) in pairwise(memberships):
        assert over is not None
        assert since <= over <= following


Trading.TestCase.settings = settings(max_examples=50, stateful_step_count=60, deadline=None)
TestTrading = Trading.TestCase
