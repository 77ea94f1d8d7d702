"""Credit events, lists of authorities, and how a merchant gets off them."""

from __future__ import annotations

from typing import Any

import pytest

from domain.event import Event
from domain.merchant import standing, succession
from domain.merchant.standing import (
    Listed,
    ListingEnded,
    ListingExtended,
    ListingRemoved,
    RepairAppliedFor,
    RepairDecided,
)
from domain.merchant.state import ListName
from domain.rulebook.book import EMPTY, TermName
from domain.rulebook.terms import RunningTerm
from domain.streams import MERCHANT as MERCHANTS
from domain.values import CLOCK, Actor
from tests.domain.scenario import (
    CONSUMER,
    FIRST,
    MERCHANT,
    MERCHANT_ID,
    PLATFORM,
    REGULATOR,
    SERVICE,
    Given,
    day,
    given,
    on,
)
from tests.domain.test_merchant_links import COMPLAINT_ID, OTHER, REGISTERED, sent_to

OFFICE = "office-55555555-5555-4555-8555-555555555555"
SHOPPING = "platform-77777777-7777-4777-8777-777777777777"
RULES = FIRST.rule_sets["supervision-2019"]


def term(name: TermName, last_day: str) -> RunningTerm:
    due = on(f"{last_day} 23:59:59.999999")
    return RunningTerm(name=name, due=due, rule_set=RULES.id, source=RULES.terms[name].source)


ENDS = term(TermName.LISTING, "2029-03-02")
REPAIR = term(TermName.REPAIR, "2027-03-02")
ABOUT: dict[str, Any] = {
    "title": "Seriously illegal and untrustworthy",
    "basis": "Order 44, art. 9",
    "conditions": "pay the fine and every consumer",
}
LISTED = Listed(
    occurred_at=day(0),
    actor=REGULATOR,
    number=1,
    list=ListName.UNTRUSTWORTHY,
    authority=OFFICE,
    **ABOUT,
    complaints=(COMPLAINT_ID,),
    ends=ENDS,
    repair=REPAIR,
)
BLACKLISTED = LISTED.model_copy(
    update={"actor": PLATFORM, "list": ListName.BLACKLIST, "authority": SHOPPING, "ends": None}
)
LIST: dict[str, Any] = {
    "at": day(0),
    "by": REGULATOR,
    "own_id": MERCHANT_ID,
    "list": ListName.UNTRUSTWORTHY,
    "authority": OFFICE,
    **ABOUT,
    "complaints": (COMPLAINT_ID,),
    "traced": (sent_to(MERCHANT_ID),),
}
BLACKLIST: dict[str, Any] = {**LIST, "by": PLATFORM, "list": ListName.BLACKLIST, "authority": SHOPPING}
APPLIED = RepairAppliedFor(occurred_at=day(366), actor=MERCHANT, number=1, undertaking="We keep our promises.")
APPLY: dict[str, Any] = {"at": day(366), "by": MERCHANT, "number": 1, "undertaking": "We keep our promises."}
DECIDE: dict[str, Any] = {"at": day(370), "by": REGULATOR, "number": 1, "granted": True, "reasons": "all is paid"}
GRANTED = RepairDecided(occurred_at=day(370), actor=REGULATOR, number=1, granted=True, reasons="all is paid")
REMOVED = ListingRemoved(occurred_at=day(5), actor=REGULATOR, number=1, reason="listed by mistake")
REMOVE: dict[str, Any] = {"at": day(5), "by": REGULATOR, "number": 1, "reason": "listed by mistake"}


def after(*history: Event) -> Given:
    return given(REGISTERED, *history, kind=MERCHANTS)


def test_e6_a_listing_has_authority_basis_conditions_and_an_end() -> None:
    after().when(standing.list_merchant, **LIST).then(LISTED)


def test_b6_a_blacklist_has_no_end() -> None:
    after().when(standing.list_merchant, **BLACKLIST).then(BLACKLISTED)
    assert MERCHANTS.next_due is not None
    assert MERCHANTS.next_due(MERCHANTS.fold([REGISTERED, BLACKLISTED])) is None


def test_e6_a_merchant_is_once_on_a_list_of_an_authority() -> None:
    after(LISTED).when(standing.list_merchant, **LIST).refused("listed-once")
    after(LISTED).when(standing.list_merchant, **{**LIST, "list": ListName.WARNING}).then(
        LISTED.model_copy(update={"number": 2, "list": ListName.WARNING})
    )
    after(LISTED, REMOVED).when(standing.list_merchant, **{**LIST, "at": day(0)}).then(
        LISTED.model_copy(update={"number": 2})
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"by": PLATFORM},
        {"by": PLATFORM, "authority": SHOPPING},
        {"authority": SHOPPING, "list": ListName.BLACKLIST},
        {"by": SERVICE, "authority": SHOPPING},
    ],
)
def test_e6_each_authority_keeps_its_own_lists_and_a_platform_a_blacklist_only(changed: dict[str, Any]) -> None:
    after().when(standing.list_merchant, **{**LIST, **changed}).refused("list-of-the-authority")


def test_e6_who_keeps_no_lists_lists_nobody() -> None:
    after().when(standing.list_merchant, **{**LIST, "authority": OTHER}).invalid("keeps no lists")
    after().when(standing.list_merchant, **{**LIST, "by": CONSUMER}).refused("listed-once-by")


def test_b7_a_listing_traces_back_to_complaints_against_this_merchant() -> None:
    after().when(standing.list_merchant, **{**LIST, "complaints": (), "traced": ()}).refused(
        "consequence-traces-to-complaints"
    )
    after().when(standing.list_merchant, **{**LIST, "traced": (sent_to(OTHER),)}).refused(
        "consequence-of-own-complaints"
    )


def test_e6_nobody_is_listed_where_no_rules_are_in_force() -> None:
    given(REGISTERED, kind=MERCHANTS, book=EMPTY).when(standing.list_merchant, **LIST).refused("rules-in-force")


def test_e6_who_listed_takes_it_off_again() -> None:
    after(LISTED).when(standing.remove_listing, **REMOVE).then(REMOVED)
    after(LISTED, REMOVED).when(standing.remove_listing, **REMOVE).refused("listing-that-stands")
    after(LISTED, BLACKLISTED.model_copy(update={"number": 2}), REMOVED).when(
        standing.remove_listing, **{**REMOVE, "by": SERVICE}
    ).refused("listing-that-stands")
    after(LISTED).when(standing.remove_listing, **{**REMOVE, "number": 2}).invalid("no listing 2")
    after(LISTED).when(standing.remove_listing, **{**REMOVE, "at": day(-1)}).invalid("happened last to listing 1")


def test_e6_another_authority_does_not_take_it_off() -> None:
    second = BLACKLISTED.model_copy(update={"number": 2})
    after(LISTED, second).when(standing.remove_listing, **{**REMOVE, "by": PLATFORM}).refused("list-of-the-authority")
    after(LISTED).when(standing.remove_listing, **{**REMOVE, "by": PLATFORM}).refused("listing-that-stands")


def test_e6_a_listing_ends_by_itself_with_the_last_instant_of_its_term() -> None:
    state = MERCHANTS.fold([REGISTERED, LISTED])
    assert MERCHANTS.next_due is not None
    assert MERCHANTS.next_due(state) == ENDS.due
    assert MERCHANTS.fall_due(state, at=ENDS.due, book=FIRST) == []
    over = ListingEnded(occurred_at=ENDS.due, actor=CLOCK, number=1)
    late = on("2029-03-03 00:00")
    assert MERCHANTS.fall_due(state, at=late, book=FIRST) == [over]
    assert MERCHANTS.fall_due(MERCHANTS.fold([REGISTERED, LISTED, over]), at=late, book=FIRST) == []
    again = RunningTerm(**{**dict(ENDS), "due": on("2032-03-03 23:59:59.999999")})
    repair = RunningTerm(**{**dict(REPAIR), "due": on("2030-03-03 23:59:59.999999")})
    after(LISTED).when(standing.list_merchant, **{**LIST, "at": late}).then(
        over, LISTED.model_copy(update={"occurred_at": late, "number": 2, "ends": again, "repair": repair})
    )


def test_e6_listings_end_in_the_order_of_their_terms() -> None:
    later = LISTED.model_copy(update={"list": ListName.WARNING, "ends": term(TermName.LISTING, "2029-04-02")})
    state = MERCHANTS.fold([REGISTERED, later, LISTED.model_copy(update={"number": 2})])
    ended = MERCHANTS.fall_due(state, at=on("2030-01-01 00:00"), book=FIRST)
    assert [event.number for event in ended] == [2, 1]


def test_e6_repair_is_asked_for_when_its_term_has_passed() -> None:
    after(LISTED).when(standing.apply_for_repair, **APPLY).then(APPLIED)
    last = after(LISTED).when(standing.apply_for_repair, **{**APPLY, "at": REPAIR.due})
    last.refused("repair-after-its-term")
    assert "until the end of 2027-03-02" in str(last.error)
    newer = BLACKLISTED.model_copy(update={"number": 2, "repair": term(TermName.REPAIR, "2027-06-02")})
    after(LISTED, newer).when(standing.apply_for_repair, **{**APPLY, "number": 2}).refused("repair-after-its-term")


def test_e6_repair_is_asked_for_once_and_by_the_merchant() -> None:
    after(LISTED, APPLIED).when(standing.apply_for_repair, **APPLY).refused("listing-that-stands")
    other = LISTED.model_copy(update={"number": 2, "list": ListName.WARNING})
    after(LISTED, other, APPLIED).when(standing.apply_for_repair, **APPLY).refused("listing-that-stands")
    after().when(standing.apply_for_repair, **APPLY).refused("listing-that-stands")
    after(LISTED).when(standing.apply_for_repair, **{**APPLY, "by": REGULATOR}).refused("listing-that-stands-by")


def test_e6_where_no_term_was_set_repair_may_be_asked_for_at_once() -> None:
    free = LISTED.model_copy(update={"repair": None})
    after(free).when(standing.apply_for_repair, **{**APPLY, "at": day(1)}).then(
        APPLIED.model_copy(update={"occurred_at": day(1)})
    )


def test_e6_a_repair_that_is_granted_takes_it_off_the_list() -> None:
    after(LISTED, APPLIED).when(standing.decide_repair, **DECIDE).then(GRANTED)
    after(LISTED, APPLIED, GRANTED).when(standing.apply_for_repair, **APPLY).refused("listing-that-stands")
    state = MERCHANTS.fold([REGISTERED, LISTED, APPLIED, GRANTED])
    assert MERCHANTS.fall_due(state, at=on("2030-01-01 00:00"), book=FIRST) == []


def test_e6_a_repair_that_is_declined_may_be_asked_for_again() -> None:
    declined = GRANTED.model_copy(update={"granted": False})
    after(LISTED, APPLIED).when(standing.decide_repair, **{**DECIDE, "granted": False}).then(declined)
    after(LISTED, APPLIED, declined).when(standing.decide_repair, **DECIDE).refused("listing-that-stands")
    after(LISTED, APPLIED, declined).when(standing.apply_for_repair, **{**APPLY, "at": day(380)}).then(
        APPLIED.model_copy(update={"occurred_at": day(380)})
    )


@pytest.mark.parametrize(("by", "rule"), [(PLATFORM, "listing-that-stands"), (MERCHANT, "repair-asked-for-by")])
def test_e6_who_listed_decides_on_the_repair(by: Actor, rule: str) -> None:
    after(LISTED, APPLIED).when(standing.decide_repair, **{**DECIDE, "by": by}).refused(rule)


def test_e6_only_a_repair_that_was_asked_for_is_decided_on() -> None:
    other = LISTED.model_copy(update={"number": 2, "list": ListName.WARNING})
    after(LISTED, other, APPLIED).when(standing.decide_repair, **{**DECIDE, "number": 2}).refused("repair-asked-for")


FRAUD: dict[str, Any] = {
    "at": day(0),
    "by": SERVICE,
    "book": FIRST,
    "platform_id": SHOPPING,
    "complaint_id": COMPLAINT_ID,
    "basis": "no such job",
}
FOR_FRAUD = Listed(
    occurred_at=day(0),
    actor=SERVICE,
    number=1,
    list=ListName.BLACKLIST,
    authority=SHOPPING,
    title="Verified fraud",
    basis="no such job",
    conditions="pay every consumer concerned what is owed, and undertake not to do it again",
    complaints=(COMPLAINT_ID,),
    repair=REPAIR,
    fraud=COMPLAINT_ID,
)


ANOTHER = "complaint-77777777-7777-4777-8777-777777777777"
ALSO = ListingExtended(occurred_at=day(0), actor=SERVICE, number=1, complaints=(ANOTHER,), fraud=ANOTHER)
BY_PLATFORM = REMOVED.model_copy(update={"actor": PLATFORM})


def test_b6_a_verified_fraud_puts_the_merchant_on_the_blacklist_once() -> None:
    after().when(succession.blacklist, **FRAUD).then(FOR_FRAUD)
    after(FOR_FRAUD).when(succession.blacklist, **FRAUD).then()
    after(FOR_FRAUD, BY_PLATFORM).when(succession.blacklist, **FRAUD).then()
    after(FOR_FRAUD, BY_PLATFORM).when(succession.blacklist, **{**FRAUD, "complaint_id": ANOTHER}).then(
        FOR_FRAUD.model_copy(update={"number": 2, "complaints": (ANOTHER,), "fraud": ANOTHER})
    )
    given(kind=MERCHANTS).when(succession.blacklist, **FRAUD).then()


def test_b6_a_fraud_of_who_is_on_the_blacklist_is_recorded_there_and_never_taken_for_new() -> None:
    another = {**FRAUD, "complaint_id": ANOTHER}
    after(FOR_FRAUD).when(succession.blacklist, **another).then(ALSO)
    after(FOR_FRAUD, ALSO, BY_PLATFORM).when(succession.blacklist, **another).then()
    after(BLACKLISTED).when(succession.blacklist, **another).then(ALSO)
    assert MERCHANTS.fold([REGISTERED, FOR_FRAUD, ALSO]).listings[0].complaints == (COMPLAINT_ID, ANOTHER)


def test_b6_a_listing_by_another_authority_does_not_shield_from_the_blacklist() -> None:
    second = FOR_FRAUD.model_copy(update={"number": 2})
    by_office = LISTED.model_copy(update={"list": ListName.BLACKLIST})
    after(by_office).when(succession.blacklist, **FRAUD).then(second)
    other = FOR_FRAUD.model_copy(update={"authority": OTHER_PLATFORM})
    after(other).when(succession.blacklist, **FRAUD).then(second)
    after(BLACKLISTED, BY_PLATFORM).when(succession.blacklist, **FRAUD).then(second)


OTHER_PLATFORM = "platform-88888888-7777-4777-8777-777777777777"


def test_b6_a_fraud_of_before_the_rules_is_listed_without_a_term_of_repair() -> None:
    after().when(succession.blacklist, **{**FRAUD, "book": EMPTY}).then(FOR_FRAUD.model_copy(update={"repair": None}))
