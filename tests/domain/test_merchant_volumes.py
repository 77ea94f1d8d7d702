"""What complaints are read beside, and what a merchant changes because of them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from domain.event import Event
from domain.merchant import corrections, volumes
from domain.merchant.corrections import CorrectiveActionTaken, CorrectiveResultReported
from domain.merchant.volumes import VolumeReported
from domain.rulebook.book import EMPTY
from domain.streams import MERCHANT as MERCHANTS
from tests.domain.scenario import CONSUMER, FIRST, MERCHANT, MERCHANT_ID, REGULATOR, Given, day, given
from tests.domain.test_merchant_links import COMPLAINT_ID, OTHER, REGISTERED, sent_to

FEBRUARY: dict[str, Any] = {"first": date(2026, 2, 1), "last": date(2026, 2, 28), "stage": "delivery"}
COUNTED: dict[str, Any] = {**FEBRUARY, "transactions": 12_000, "active_users": 3_100}
REPORTED = VolumeReported(occurred_at=day(0), actor=MERCHANT, **COUNTED, edition=1)


def after(*history: Event) -> Given:
    return given(REGISTERED, *history, kind=MERCHANTS)


def test_b9_transactions_and_active_users_are_reported_by_period_and_stage() -> None:
    after().when(volumes.report_volume, at=day(0), by=MERCHANT, **COUNTED).then(REPORTED)


def test_b9_a_period_that_is_reported_again_is_a_new_edition() -> None:
    corrected = {**COUNTED, "transactions": 12_500}
    after(REPORTED).when(volumes.report_volume, at=day(3), by=MERCHANT, **corrected).then(
        VolumeReported(occurred_at=day(3), actor=MERCHANT, **corrected, edition=2)
    )


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2026, 1, 1), date(2026, 2, 1)),
        (date(2026, 2, 28), date(2026, 3, 1)),
        (date(2026, 2, 10), date(2026, 2, 12)),
        (date(2026, 2, 1), date(2026, 2, 27)),
    ],
)
def test_b9_periods_of_a_stage_do_not_overlap(first: date, last: date) -> None:
    other = {**COUNTED, "first": first, "last": last}
    after(REPORTED).when(volumes.report_volume, at=day(3), by=MERCHANT, **other).refused("volumes-do-not-overlap")
    after(REPORTED).when(volumes.report_volume, at=day(3), by=MERCHANT, **{**other, "stage": "payment"}).then(
        VolumeReported(occurred_at=day(3), actor=MERCHANT, **{**other, "stage": "payment"}, edition=1)
    )


def test_b9_periods_beside_each_other_do_not_overlap() -> None:
    march = {**COUNTED, "first": date(2026, 3, 1), "last": date(2026, 3, 1)}
    after(REPORTED).when(volumes.report_volume, at=day(3), by=MERCHANT, **march).then(
        VolumeReported(occurred_at=day(3), actor=MERCHANT, **march, edition=1)
    )


def test_b9_a_period_has_its_days_in_order_and_has_been() -> None:
    backwards = {**COUNTED, "first": date(2026, 2, 28), "last": date(2026, 2, 1)}
    after().when(volumes.report_volume, at=day(0), by=MERCHANT, **backwards).invalid("before it begins")
    future = {**COUNTED, "last": date(2026, 3, 3)}
    after().when(volumes.report_volume, at=day(0), by=MERCHANT, **future).invalid("is not over yet")
    today = {**COUNTED, "last": date(2026, 3, 2)}
    after().when(volumes.report_volume, at=day(0), by=MERCHANT, **today).invalid("is not over yet")


def test_b9_a_stage_is_one_of_the_published_list() -> None:
    unknown = {**COUNTED, "stage": "packing"}
    after().when(volumes.report_volume, at=day(0), by=MERCHANT, **unknown).invalid("'packing' is no stage of a product")
    given(REGISTERED, kind=MERCHANTS, book=EMPTY).when(volumes.report_volume, at=day(0), by=MERCHANT, **unknown).then(
        VolumeReported(occurred_at=day(0), actor=MERCHANT, **unknown, edition=1)
    )


def test_b9_a_consumer_reports_no_volume() -> None:
    after().when(volumes.report_volume, at=day(0), by=CONSUMER, **COUNTED).refused("volume-of-a-merchant-by")
    given(kind=MERCHANTS).when(volumes.report_volume, at=day(0), by=MERCHANT, **COUNTED).refused("volume-of-a-merchant")


def test_b9_the_first_edition_has_the_stages_in_the_life_of_a_product() -> None:
    assert [entry.name_en for entry in FIRST.code_lists[volumes.STAGES].entries.values()] == [
        "browsing",
        "ordering",
        "payment",
        "delivery",
        "use",
        "after-sales service",
        "cancellation",
    ]


TAKEN = CorrectiveActionTaken(
    occurred_at=day(1),
    actor=MERCHANT,
    number=1,
    title="Stronger boxes",
    description="Each cooker goes out in a box with corners.",
    complaints=(COMPLAINT_ID,),
    stage="delivery",
    effective_at=day(10),
)
TAKING: dict[str, Any] = {
    "at": day(1),
    "by": MERCHANT,
    "own_id": MERCHANT_ID,
    "title": "Stronger boxes",
    "description": "Each cooker goes out in a box with corners.",
    "complaints": (COMPLAINT_ID,),
    "traced": (sent_to(MERCHANT_ID),),
    "stage": "delivery",
    "effective_at": day(10),
}


def test_b16_a_corrective_action_names_the_complaints_behind_it() -> None:
    after().when(corrections.take_corrective_action, **TAKING).then(TAKEN)
    after(TAKEN).when(corrections.take_corrective_action, **TAKING).then(TAKEN.model_copy(update={"number": 2}))


def test_b16_a_corrective_action_without_own_complaints_is_refused() -> None:
    none = {**TAKING, "complaints": (), "traced": ()}
    after().when(corrections.take_corrective_action, **none).refused("consequence-traces-to-complaints")
    others = {**TAKING, "traced": (sent_to(OTHER),)}
    after().when(corrections.take_corrective_action, **others).refused("consequence-of-own-complaints")


def test_b16_a_corrective_action_is_the_merchants_and_at_a_known_stage() -> None:
    after().when(corrections.take_corrective_action, **{**TAKING, "by": REGULATOR}).refused(
        "correction-by-the-merchant-by"
    )
    given(kind=MERCHANTS).when(corrections.take_corrective_action, **TAKING).refused("correction-by-the-merchant")
    after().when(corrections.take_corrective_action, **{**TAKING, "stage": "packing"}).invalid("no stage of a product")


def test_b16_what_came_of_it_is_reported_once_it_has_taken_effect() -> None:
    telling = {"at": day(10), "by": MERCHANT, "number": 1, "text": "Half as many broken ones."}
    after(TAKEN).when(corrections.report_corrective_result, **telling).then(
        CorrectiveResultReported(occurred_at=day(10), actor=MERCHANT, number=1, text="Half as many broken ones.")
    )
    after(TAKEN).when(corrections.report_corrective_result, **{**telling, "at": day(9)}).refused(
        "result-of-a-correction"
    )
    after().when(corrections.report_corrective_result, **telling).refused("result-of-a-correction")
    after(TAKEN).when(corrections.report_corrective_result, **{**telling, "number": 2}).invalid(
        "no corrective action 2"
    )
    later = TAKEN.model_copy(update={"number": 2, "effective_at": day(20)})
    after(TAKEN, later).when(corrections.report_corrective_result, **{**telling, "number": 2}).invalid(
        "before corrective action 2 takes effect"
    )
    told = CorrectiveResultReported(occurred_at=day(10), actor=MERCHANT, number=1, text="Half as many broken ones.")
    assert MERCHANTS.fold([REGISTERED, TAKEN, told]) == MERCHANTS.fold([REGISTERED, TAKEN])
