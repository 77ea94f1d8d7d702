"""Mergers: who goes on stands for all that merged into it, with their complaints and on their lists."""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from typing import Any

from domain.event import Event
from domain.merchant import registration, standing, succession
from domain.merchant.registration import Absorbed, MergedInto, Separated
from domain.merchant.standing import Listed, ListingEnded, ListingExtended, ListingRemoved
from domain.merchant.state import ListName, Merchant, Status
from domain.reactions import reactions_to
from domain.rulebook.book import TermName
from domain.streams import MERCHANT as MERCHANTS
from domain.values import CLOCK
from tests.domain.scenario import FIRST, MERCHANT_ID, PLATFORM, REGULATOR, SERVICE, Given, day, given
from tests.domain.test_merchant_links import BASIS, COMPLAINT_ID, OTHER, REGISTERED, THIRD
from tests.domain.test_merchant_standing import (
    ANOTHER,
    BLACKLISTED,
    ENDS,
    FRAUD,
    LISTED,
    REMOVE,
    REPAIR,
    SHOPPING,
    term,
)

ABSORBED = Absorbed(occurred_at=day(2), actor=SERVICE, merchant_id=THIRD)
ABSORB: dict[str, Any] = {"at": day(2), "by": SERVICE, "book": FIRST, "merchant_id": THIRD}
CARRIED = LISTED.model_copy(update={"occurred_at": day(2), "actor": SERVICE, "carried_from": THIRD})


def after(*history: Event) -> Given:
    return given(REGISTERED, *history, kind=MERCHANTS)


def listings(*events: Event) -> Any:
    return MERCHANTS.fold([REGISTERED, *events]).listings


class Merchants:
    """Merchants, and what follows among them: when ``follow`` is called, in the order of the causes."""

    def __init__(self) -> None:
        self.history: dict[str, list[Event]] = {one: [REGISTERED] for one in (MERCHANT_ID, OTHER, THIRD)}
        self.causes: deque[tuple[str, Event, Merchant]] = deque()

    def state(self, stream: str) -> Merchant:
        found: Merchant = MERCHANTS.fold(self.history[stream])
        return found

    def record(self, stream: str, events: Any) -> None:
        for event in events:
            self.history[stream].append(event)
            self.causes.append((stream, event, self.state(stream)))

    def merge(self, stream: str, into: str) -> None:
        merged = {"own_id": stream, "merchant_id": into, "merchant": Merchant(Status.REGISTERED), "basis": BASIS}
        self.take(stream, registration.merge_merchant, at=day(2), by=REGULATOR, **merged)

    def undo(self, stream: str) -> None:
        self.take(stream, registration.undo_merger, at=day(3), by=REGULATOR, reason="by mistake")

    def verify_fraud(self, stream: str) -> None:
        self.record(stream, succession.blacklist(self.state(stream), **{**FRAUD, "at": day(2)}))

    def take(self, stream: str, action: Any, **arguments: Any) -> None:
        self.record(stream, MERCHANTS.act(action, self.state(stream), book=FIRST, **arguments))

    def follow(self) -> None:
        for _ in range(50):
            if not self.causes:
                return
            for reaction in reactions_to(*self.causes.popleft()):
                if reaction.stream in self.history:
                    self.record(reaction.stream, reaction.decide(self.state(reaction.stream), FIRST))
        raise AssertionError("it does not end")

    def lists(self, stream: str) -> list[str]:
        """The lists that a merchant is on, and from whom each was carried."""
        return [f"{one.name} {one.carried_from}".strip() for one in self.state(stream).listings if one.active]


def test_e5_who_goes_on_stands_for_all_that_had_merged_before() -> None:
    after().when(succession.absorb, **ABSORB).then(ABSORBED)
    given(kind=MERCHANTS).when(succession.absorb, **ABSORB).then()
    merge = {"own_id": MERCHANT_ID, "merchant_id": OTHER, "merchant": Merchant(Status.REGISTERED), "basis": BASIS}
    after(ABSORBED).when(registration.merge_merchant, at=day(2), by=REGULATOR, **merge).then(
        MergedInto(occurred_at=day(2), actor=REGULATOR, into=OTHER, earlier=(THIRD,), basis=BASIS)
    )
    both = ABSORBED.model_copy(update={"merchant_id": OTHER, "earlier": (THIRD,)})
    after().when(succession.absorb, **{**ABSORB, "merchant_id": OTHER, "earlier": (THIRD,)}).then(both)
    assert MERCHANTS.fold([REGISTERED, both]).absorbed == {OTHER, THIRD}


def test_e5_a_merger_is_recorded_whatever_is_there_so_that_it_is_never_taken_for_new() -> None:
    after(ABSORBED).when(succession.absorb, **ABSORB).then(ABSORBED)


def test_e5_the_last_to_go_on_learns_of_mergers_right_after_each_other() -> None:
    town = Merchants()
    town.merge(OTHER, THIRD)
    town.merge(MERCHANT_ID, OTHER)
    town.follow()
    assert town.state(THIRD).absorbed == {MERCHANT_ID, OTHER}
    last = town.history[THIRD][-1]
    assert isinstance(last, Absorbed)
    assert (last.merchant_id, last.through) == (MERCHANT_ID, (OTHER,))
    town.undo(MERCHANT_ID)
    town.follow()
    assert not town.state(OTHER).absorbed
    assert town.state(THIRD).absorbed == {OTHER}


def test_e5_two_that_merged_into_each_other_at_once_have_a_way_on() -> None:
    town = Merchants()
    town.merge(MERCHANT_ID, OTHER)
    town.merge(OTHER, MERCHANT_ID)
    town.merge(THIRD, OTHER)
    town.follow()
    assert {town.state(one).status for one in town.history} == {Status.MERGED}
    town.undo(MERCHANT_ID)
    town.follow()
    assert town.state(MERCHANT_ID).status is Status.REGISTERED
    assert town.state(MERCHANT_ID).absorbed == {OTHER, THIRD}
    assert town.state(OTHER).merged_into == MERCHANT_ID


def test_e5_who_was_separated_is_on_its_own_again_on_both_sides() -> None:
    separate: dict[str, Any] = {"at": day(3), "by": SERVICE, "merchant_id": THIRD, "reason": "by mistake"}
    separated = Separated(occurred_at=day(3), actor=SERVICE, merchant_id=THIRD, reason="by mistake")
    after(ABSORBED).when(succession.separate, **separate).then(separated)
    assert MERCHANTS.fold([REGISTERED, ABSORBED, separated]).absorbed == frozenset()
    given(kind=MERCHANTS).when(succession.separate, **separate).then()
    removed = ListingRemoved(occurred_at=day(3), actor=SERVICE, number=1, reason="by mistake")
    after(CARRIED, LISTED.model_copy(update={"number": 2, "list": ListName.WARNING})).when(
        succession.separate, **separate
    ).then(removed, separated)


def test_e6_who_goes_on_is_on_the_lists_of_those_that_merged_into_it_with_their_terms() -> None:
    after().when(succession.absorb, **ABSORB, listings=listings(LISTED)).then(
        CARRIED, ABSORBED.model_copy(update={"listings": (1,)})
    )
    own = LISTED.model_copy(update={"list": ListName.WARNING})
    after(own).when(succession.absorb, **ABSORB, listings=listings(LISTED, BLACKLISTED)).then(
        CARRIED.model_copy(update={"number": 2}),
        BLACKLISTED.model_copy(update={"occurred_at": day(2), "actor": SERVICE, "number": 3, "carried_from": THIRD}),
        ABSORBED.model_copy(update={"listings": (2, 3)}),
    )


def test_e6_who_is_on_the_same_list_stays_on_it_with_the_complaints_and_the_later_terms_of_both() -> None:
    later = LISTED.model_copy(
        update={
            "complaints": (COMPLAINT_ID, ANOTHER),
            "ends": term(TermName.LISTING, "2030-03-02"),
            "repair": term(TermName.REPAIR, "2028-03-02"),
        }
    )
    extended = ListingExtended(
        occurred_at=day(2),
        actor=SERVICE,
        number=1,
        complaints=(ANOTHER,),
        ends=later.ends,
        repair=later.repair,
        carried_from=THIRD,
    )
    same = ABSORBED.model_copy(update={"listings": (1,)})
    after(LISTED).when(succession.absorb, **ABSORB, listings=listings(later)).then(extended, same)
    (one,) = MERCHANTS.fold([REGISTERED, LISTED, extended]).listings
    assert (one.ends, one.repair, one.complaints) == (later.ends, later.repair, (COMPLAINT_ID, ANOTHER))
    after(later).when(succession.absorb, **ABSORB, listings=listings(LISTED)).then(same)
    endless = LISTED.model_copy(update={"ends": None, "repair": None})
    after(endless).when(succession.absorb, **ABSORB, listings=listings(LISTED)).then(
        extended.model_copy(update={"complaints": (), "ends": None, "repair": REPAIR}), same
    )


def test_e6_a_list_that_it_was_off_by_then_is_a_new_one() -> None:
    late = ENDS.due + timedelta(days=1)
    lasting = LISTED.model_copy(update={"ends": term(TermName.LISTING, "2030-03-02")})
    after(LISTED).when(succession.absorb, **{**ABSORB, "at": late}, listings=listings(lasting)).then(
        ListingEnded(occurred_at=ENDS.due, actor=CLOCK, number=1),
        lasting.model_copy(update={"occurred_at": late, "actor": SERVICE, "number": 2, "carried_from": THIRD}),
        ABSORBED.model_copy(update={"occurred_at": late, "listings": (2,)}),
    )


def test_e6_merging_is_no_way_off_a_list() -> None:
    town = Merchants()
    town.record(MERCHANT_ID, [LISTED])
    town.merge(OTHER, THIRD)
    town.merge(MERCHANT_ID, OTHER)
    town.follow()
    assert town.lists(THIRD) == [f"untrustworthy {MERCHANT_ID}"]
    assert town.lists(MERCHANT_ID) == ["untrustworthy"]
    town.undo(MERCHANT_ID)
    town.follow()
    assert town.lists(THIRD) == town.lists(OTHER) == []
    assert town.lists(MERCHANT_ID) == ["untrustworthy"]


def test_e6_what_was_removed_before_is_not_carried_on() -> None:
    town = Merchants()
    town.record(MERCHANT_ID, [LISTED])
    town.take(MERCHANT_ID, standing.remove_listing, **REMOVE)
    town.merge(MERCHANT_ID, OTHER)
    town.follow()
    assert town.lists(OTHER) == []


def test_e6_a_listing_of_a_merchant_that_was_merged_is_removed_by_who_listed_it() -> None:
    merged = MergedInto(occurred_at=day(2), actor=REGULATOR, into=OTHER, basis=BASIS)
    after(LISTED, merged).when(standing.remove_listing, **REMOVE).then(
        ListingRemoved(occurred_at=day(5), actor=REGULATOR, number=1, reason="listed by mistake")
    )
    after(LISTED, merged).when(standing.remove_listing, **{**REMOVE, "by": PLATFORM}).refused("listing-that-stands")


def test_b6_a_fraud_that_is_verified_after_the_merger_lists_who_goes_on_to_the_last() -> None:
    town = Merchants()
    town.merge(MERCHANT_ID, OTHER)
    town.merge(OTHER, THIRD)
    town.follow()
    town.verify_fraud(MERCHANT_ID)
    town.follow()
    assert town.lists(THIRD) == town.lists(OTHER) == [f"blacklist {MERCHANT_ID}"]
    (listed,) = [one for one in town.history[THIRD] if isinstance(one, Listed)]
    assert (listed.authority, listed.complaints) == (SHOPPING, (COMPLAINT_ID,))
    town.undo(MERCHANT_ID)
    town.follow()
    assert (town.lists(MERCHANT_ID), town.lists(OTHER), town.lists(THIRD)) == (["blacklist"], [], [])


def test_b6_a_fraud_of_merchants_that_merged_into_each_other_lists_both() -> None:
    town = Merchants()
    town.merge(MERCHANT_ID, OTHER)
    town.merge(OTHER, MERCHANT_ID)
    town.merge(THIRD, OTHER)
    town.follow()
    town.verify_fraud(THIRD)
    town.verify_fraud(MERCHANT_ID)
    town.follow()
    assert all(town.lists(one) for one in town.history)
