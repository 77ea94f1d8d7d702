"""The rules of a merchant: who it is, the promise, online dispute resolution."""

from __future__ import annotations

from domain.merchant import membership, registration
from domain.merchant.membership import Enrolled, EnrolmentEnded, PromiseLeft, PromiseSigned
from domain.merchant.registration import Registered
from domain.streams import MERCHANT as MERCHANTS
from domain.values import Code
from tests.domain.scenario import CONSUMER, MERCHANT, SERVICE, day, given

LICENCE = Code(scheme="GB 32100", value="91330106MA27XA1B2H")
REGISTERED = Registered(occurred_at=day(0), actor=SERVICE, trade_name="West Lake Appliances", identifier=LICENCE)
SIGNED = PromiseSigned(occurred_at=day(1), actor=MERCHANT, batch="2026-1")
LEFT = PromiseLeft(occurred_at=day(3), actor=MERCHANT, reason="too many complaints")
ENROLLED = Enrolled(occurred_at=day(1), actor=MERCHANT)
ENDED = EnrolmentEnded(occurred_at=day(3), actor=MERCHANT, reason="sold")


def test_g1_a_merchant_is_registered_under_its_unified_social_credit_code() -> None:
    given(kind=MERCHANTS).when(
        registration.register, at=day(0), by=SERVICE, trade_name="West Lake Appliances", identifier=LICENCE
    ).then(REGISTERED)


def test_g1_a_credit_code_with_a_wrong_check_character_is_refused() -> None:
    wrong = Code(scheme="GB 32100", value="91330106MA27XA1B2J")
    given(kind=MERCHANTS).when(
        registration.register, at=day(0), by=SERVICE, trade_name="West Lake Appliances", identifier=wrong
    ).invalid("'91330106MA27XA1B2J' is not a unified social credit code")


def test_g1_identifiers_of_other_schemes_stay_as_they_are() -> None:
    other = Code(scheme="LEI", value="5493001KJTIIGC8Y1R12")
    given(kind=MERCHANTS).when(registration.register, at=day(0), by=SERVICE, trade_name="x", identifier=other).then(
        Registered(occurred_at=day(0), actor=SERVICE, trade_name="x", identifier=other)
    )


def test_a_merchant_is_registered_once() -> None:
    given(REGISTERED, kind=MERCHANTS).when(registration.register, at=day(1), by=SERVICE, trade_name="x").refused(
        "merchant-registered-once"
    )


def test_b1_the_promise_is_signed_and_left_and_signed_again() -> None:
    given(REGISTERED, kind=MERCHANTS).when(membership.sign_promise, at=day(1), by=MERCHANT, batch="2026-1").then(SIGNED)
    given(REGISTERED, SIGNED, kind=MERCHANTS).when(
        membership.leave_promise, at=day(3), by=MERCHANT, reason="too many complaints"
    ).then(LEFT)
    given(REGISTERED, SIGNED, LEFT, kind=MERCHANTS).when(
        membership.sign_promise, at=day(5), by=MERCHANT, batch="2026-2"
    ).then(PromiseSigned(occurred_at=day(5), actor=MERCHANT, batch="2026-2"))


def test_b1_the_promise_is_signed_once_and_left_only_when_signed() -> None:
    given(REGISTERED, SIGNED, kind=MERCHANTS).when(
        membership.sign_promise, at=day(2), by=MERCHANT, batch="2026-1"
    ).refused("promise-signed-once")
    given(REGISTERED, kind=MERCHANTS).when(membership.leave_promise, at=day(2), by=MERCHANT, reason="x").refused(
        "promise-left-when-signed"
    )
    given(REGISTERED, SIGNED, kind=MERCHANTS).when(
        membership.leave_promise, at=day(0.5), by=MERCHANT, reason="x"
    ).refused("promise-left-when-signed")
    given(REGISTERED, SIGNED, LEFT, kind=MERCHANTS).when(
        membership.sign_promise, at=day(2), by=MERCHANT, batch="2026-2"
    ).refused("promise-signed-once")


def test_b1_what_counts_is_what_was_signed_at_a_time() -> None:
    merchant = MERCHANTS.fold([REGISTERED, SIGNED, LEFT])
    assert [merchant.had_signed(day(n)) for n in (0, 1, 2, 3, 4)] == [False, True, True, False, False]


def test_a5_an_enterprise_enrols_and_ends_it() -> None:
    given(REGISTERED, kind=MERCHANTS).when(membership.enrol, at=day(1), by=MERCHANT).then(ENROLLED)
    given(REGISTERED, ENROLLED, kind=MERCHANTS).when(
        membership.end_enrolment, at=day(3), by=MERCHANT, reason="sold"
    ).then(ENDED)
    given(REGISTERED, ENROLLED, kind=MERCHANTS).when(membership.enrol, at=day(2), by=MERCHANT).refused("enrolled-once")
    given(REGISTERED, kind=MERCHANTS).when(membership.end_enrolment, at=day(3), by=MERCHANT, reason="x").refused(
        "enrolment-ended-when-enrolled"
    )
    merchant = MERCHANTS.fold([REGISTERED, ENROLLED, ENDED])
    assert [merchant.was_enrolled(day(n)) for n in (0, 1, 2, 3, 4)] == [False, True, True, False, False]


def test_a5_a_consumer_does_not_enrol_a_merchant() -> None:
    given(REGISTERED, kind=MERCHANTS).when(membership.enrol, at=day(1), by=CONSUMER).refused("enrolled-once-by")
    given(REGISTERED, kind=MERCHANTS).when(membership.sign_promise, at=day(1), by=CONSUMER, batch="1").refused(
        "promise-signed-once-by"
    )
