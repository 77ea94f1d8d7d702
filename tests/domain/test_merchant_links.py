"""Merchants that belong together, and one that goes on in place of another."""

from __future__ import annotations

from typing import Any

import pytest

from domain.complaint.state import RequestKind
from domain.complaint.state import Status as ComplaintStatus
from domain.event import Event
from domain.merchant import registration
from domain.merchant.membership import sign_promise
from domain.merchant.registration import (
    Linked,
    LinkedBack,
    MergedInto,
    MergerUndone,
    Registered,
    Relation,
    Unlinked,
    UnlinkedBack,
    as_own,
)
from domain.merchant.state import NEW, Merchant, Status
from domain.streams import MERCHANT as MERCHANTS
from domain.tracing import Traced
from tests.domain.scenario import CONSUMER, MERCHANT, MERCHANT_ID, REGULATOR, SERVICE, Given, day, given

OTHER = "merchant-33333333-3333-4333-8333-333333333333"
THIRD = "merchant-44444444-4444-4444-8444-444444444444"
COMPLAINT_ID = "complaint-66666666-6666-4666-8666-666666666666"
BASIS = "the business licence"
REGISTERED = Registered(occurred_at=day(0), actor=SERVICE, trade_name="West Lake Appliances")
LINKED = Linked(occurred_at=day(1), actor=MERCHANT, other=OTHER, relation=Relation.BRANCH_OF, basis=BASIS)
BACK = LinkedBack(occurred_at=day(1), actor=SERVICE, other=OTHER, relation=Relation.BRANCH_OF, basis=BASIS)
MERGED = MergedInto(occurred_at=day(2), actor=REGULATOR, into=OTHER, basis="merger of 2026")
UNDONE = MergerUndone(occurred_at=day(4), actor=REGULATOR, into=OTHER, reason="the register refused it")
UNDO: dict[str, Any] = {"at": day(4), "by": REGULATOR, "reason": "the register refused it"}
LINK: dict[str, Any] = {
    "at": day(1),
    "by": MERCHANT,
    "own_id": MERCHANT_ID,
    "other": OTHER,
    "relation": Relation.BRANCH_OF,
    "basis": BASIS,
}
MERGE: dict[str, Any] = {
    "at": day(2),
    "by": REGULATOR,
    "own_id": MERCHANT_ID,
    "merchant_id": OTHER,
    "merchant": Merchant(Status.REGISTERED),
    "basis": "merger of 2026",
}


def sent_to(merchant_id: str) -> Traced:
    """A complaint that was sent to a merchant."""
    return Traced(COMPLAINT_ID, RequestKind.COMPLAINT, ComplaintStatus.ROUTED, merchant_id)


def after(*history: Event) -> Given:
    return given(REGISTERED, *history, kind=MERCHANTS)


def test_e5_a_merchant_is_linked_to_the_one_that_it_is_a_branch_of() -> None:
    after().when(registration.link_merchant, **LINK).then(LINKED)


def test_e5_a_merchant_is_linked_to_another_once_and_not_to_itself() -> None:
    after(LINKED).when(registration.link_merchant, **LINK).refused("linked-once")
    after().when(registration.link_merchant, **{**LINK, "other": MERCHANT_ID}).invalid("not linked to itself")
    after().when(registration.link_merchant, **{**LINK, "by": CONSUMER}).refused("linked-once-by")


def test_e5_a_link_is_ended_where_it_was_recorded() -> None:
    ending = {"at": day(3), "by": MERCHANT, "other": OTHER, "reason": "sold"}
    after(LINKED).when(registration.unlink_merchant, **ending).then(
        Unlinked(occurred_at=day(3), actor=MERCHANT, other=OTHER, reason="sold")
    )
    after().when(registration.unlink_merchant, **ending).refused("unlinked-when-linked")
    after(BACK).when(registration.unlink_merchant, **ending).refused("unlinked-when-linked")
    after(LINKED).when(registration.unlink_merchant, **{**ending, "other": THIRD}).refused("unlinked-when-linked")
    after(LINKED).when(registration.unlink_merchant, **{**ending, "at": day(0.5)}).invalid("before it was linked")
    over = Unlinked(occurred_at=day(3), actor=MERCHANT, other=OTHER, reason="sold")
    after(LINKED, over).when(registration.link_merchant, **{**LINK, "at": day(4)}).then(
        LINKED.model_copy(update={"occurred_at": day(4)})
    )


def test_e5_a_link_is_recorded_on_both_sides() -> None:
    back = {"at": day(1), "by": SERVICE, "other": OTHER, "relation": Relation.BRANCH_OF, "basis": BASIS}
    after().when(registration.link_back, **back).then(BACK)
    given(kind=MERCHANTS).when(registration.link_back, **back).then()
    ending = {"at": day(3), "by": SERVICE, "other": OTHER, "reason": "sold"}
    over = UnlinkedBack(occurred_at=day(3), actor=SERVICE, other=OTHER, reason="sold")
    after(BACK).when(registration.unlink_back, **ending).then(over)
    given(kind=MERCHANTS).when(registration.unlink_back, **ending).then()
    after(BACK, over).when(registration.link_back, **back).then(BACK)


def test_e5_what_follows_from_elsewhere_is_recorded_whatever_is_there_so_that_it_is_never_taken_for_new() -> None:
    back = {"at": day(1), "by": SERVICE, "other": OTHER, "relation": Relation.BRANCH_OF, "basis": BASIS}
    after(BACK).when(registration.link_back, **back).then(BACK)
    ending = {"at": day(3), "by": SERVICE, "other": OTHER, "reason": "sold"}
    after().when(registration.unlink_back, **ending).then(
        UnlinkedBack(occurred_at=day(3), actor=SERVICE, other=OTHER, reason="sold")
    )


def test_e5_a_regulator_merges_a_merchant_and_nobody_else() -> None:
    after().when(registration.merge_merchant, **{**MERGE, "by": MERCHANT}).refused("merged-once-by")


def test_e5_a_merger_can_be_undone() -> None:
    after(MERGED).when(registration.undo_merger, **UNDO).then(UNDONE)
    after(MERGED).when(registration.undo_merger, **{**UNDO, "by": MERCHANT}).refused("undone-when-merged-by")
    after(MERGED).when(registration.undo_merger, **{**UNDO, "at": day(1)}).invalid("before it was merged")
    after().when(registration.undo_merger, **UNDO).refused("undone-when-merged")
    after(MERGED, UNDONE).when(registration.merge_merchant, **{**MERGE, "at": day(5)}).then(
        MERGED.model_copy(update={"occurred_at": day(5)})
    )


def test_e5_a_merchant_merges_into_another_and_can_only_be_read_then() -> None:
    after().when(registration.merge_merchant, **MERGE).then(MERGED)
    after(MERGED).when(registration.merge_merchant, **MERGE).refused("merged-once")
    after(MERGED).when(sign_promise, at=day(3), by=MERCHANT, batch="1").refused("promise-signed-once")
    legal = MERCHANTS.legal_actions(MERCHANTS.fold([REGISTERED, MERGED]), at=day(3), by=SERVICE, book=after().book)
    assert legal == ["undo_merger"]


@pytest.mark.parametrize("into", [NEW, Merchant(Status.MERGED, merged_into=THIRD)])
def test_e5_a_merchant_merges_only_into_one_that_goes_on(into: Merchant) -> None:
    after().when(registration.merge_merchant, **{**MERGE, "merchant": into}).refused("merged-into-who-goes-on")


def test_e5_a_merchant_does_not_merge_into_itself() -> None:
    after().when(registration.merge_merchant, **{**MERGE, "merchant_id": MERCHANT_ID}).invalid("into itself")


def test_e5_complaints_of_a_merchant_that_merged_are_those_of_the_one_that_goes_on() -> None:
    own = Merchant(Status.REGISTERED, absorbed=frozenset({OTHER}))
    found = as_own(own, MERCHANT_ID, [sent_to(OTHER), sent_to(THIRD)])
    assert [(one.complaint_id, one.merchant_id) for one in found] == [
        (COMPLAINT_ID, MERCHANT_ID),
        (COMPLAINT_ID, THIRD),
    ]


def test_e5_a_regulator_records_what_the_register_says() -> None:
    after().when(registration.link_merchant, **{**LINK, "by": REGULATOR}).then(
        LINKED.model_copy(update={"actor": REGULATOR})
    )
