"""The rules of a merchant: who it is, the promise, online dispute resolution, quality circles."""

from __future__ import annotations

from domain.merchant import membership, registration
from domain.merchant.membership import (
    CircleJoined,
    CircleLeft,
    Enrolled,
    EnrolmentEnded,
    ExpelledFromCircle,
    PromiseLeft,
    PromiseSigned,
)
from domain.merchant.registration import Classified, Registered
from domain.streams import MERCHANT as MERCHANTS
from domain.values import Code
from tests.domain.scenario import CONSUMER, MERCHANT, REGULATOR, SERVICE, day, given

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


RETAIL = Code(scheme="GB/T 4754", value="52")
CATERING = Code(scheme="GB/T 4754", value="62")
IN_RETAIL = Registered(occurred_at=day(0), actor=SERVICE, trade_name="x", industry=RETAIL)
IN_CATERING = Classified(occurred_at=day(1), actor=REGULATOR, industry=CATERING)


def test_b4_a_merchant_is_registered_with_its_industry() -> None:
    given(kind=MERCHANTS).when(registration.register, at=day(0), by=SERVICE, trade_name="x", industry=RETAIL).then(
        IN_RETAIL
    )


def test_g1_an_industry_that_is_not_in_the_published_list_is_refused() -> None:
    wrong = Code(scheme="GB/T 4754", value="00")
    given(kind=MERCHANTS).when(registration.register, at=day(0), by=SERVICE, trade_name="x", industry=wrong).invalid(
        "'00' is no industry of the published list GB/T 4754"
    )
    given(REGISTERED, kind=MERCHANTS).when(
        registration.classify_merchant, at=day(1), by=REGULATOR, industry=wrong
    ).invalid("'00' is no industry of the published list GB/T 4754")


def test_g1_industries_of_other_lists_stay_as_they_are() -> None:
    other = Code(scheme="NAICS", value="522110")
    given(kind=MERCHANTS).when(registration.register, at=day(0), by=SERVICE, trade_name="x", industry=other).then(
        Registered(occurred_at=day(0), actor=SERVICE, trade_name="x", industry=other)
    )


def test_b4_a_merchant_is_classified_anew_and_what_was_stated_before_stays_in_its_history() -> None:
    given(IN_RETAIL, kind=MERCHANTS).when(
        registration.classify_merchant, at=day(1), by=REGULATOR, industry=CATERING
    ).then(IN_CATERING)
    back = Classified(occurred_at=day(2), actor=MERCHANT, industry=RETAIL)
    given(IN_RETAIL, IN_CATERING, kind=MERCHANTS).when(
        registration.classify_merchant, at=day(2), by=MERCHANT, industry=RETAIL
    ).then(back)


def test_b4_a_merchant_is_not_classified_as_what_it_is() -> None:
    given(IN_RETAIL, kind=MERCHANTS).when(
        registration.classify_merchant, at=day(1), by=REGULATOR, industry=RETAIL
    ).refused("classified-anew")


def test_b4_a_consumer_does_not_classify_merchants() -> None:
    given(REGISTERED, kind=MERCHANTS).when(
        registration.classify_merchant, at=day(1), by=CONSUMER, industry=RETAIL
    ).refused("classified-anew-by")


def test_a_merchant_is_registered_once() -> None:
    given(REGISTERED, kind=MERCHANTS).when(registration.register, at=day(1), by=SERVICE, trade_name="x").refused(
        "merchant-registered-once"
    )


def test_b1_b2_the_promise_is_signed_and_left_and_signed_again() -> None:
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


JOINED = CircleJoined(occurred_at=day(1), actor=MERCHANT, circle="quality-west-lake", standard="T/ZJ 001-2026")
OTHER_CIRCLE = JOINED.model_copy(update={"circle": "honest-prices"})
QUIT = CircleLeft(occurred_at=day(3), actor=MERCHANT, circle="quality-west-lake", reason="too dear")
EXPELLED = ExpelledFromCircle(occurred_at=day(3), actor=REGULATOR, circle="quality-west-lake", reason="failed a test")


def test_b8_a_merchant_joins_quality_circles_by_declaring_that_it_meets_their_standards() -> None:
    joining = {"at": day(1), "by": MERCHANT, "circle": "quality-west-lake", "standard": "T/ZJ 001-2026"}
    given(REGISTERED, kind=MERCHANTS).when(membership.join_circle, **joining).then(JOINED)
    given(REGISTERED, JOINED, kind=MERCHANTS).when(membership.join_circle, **joining).refused("circle-joined-once")
    given(REGISTERED, JOINED, kind=MERCHANTS).when(
        membership.join_circle, **{**joining, "circle": "honest-prices"}
    ).then(OTHER_CIRCLE)
    given(REGISTERED, JOINED, QUIT, kind=MERCHANTS).when(membership.join_circle, **joining).refused(
        "circle-joined-once"
    )
    given(REGISTERED, JOINED, QUIT, kind=MERCHANTS).when(membership.join_circle, **{**joining, "at": day(4)}).then(
        JOINED.model_copy(update={"occurred_at": day(4)})
    )


def test_b8_a_merchant_leaves_a_circle_that_it_is_in() -> None:
    leaving = {"at": day(3), "by": MERCHANT, "circle": "quality-west-lake", "reason": "too dear"}
    given(REGISTERED, JOINED, kind=MERCHANTS).when(membership.leave_circle, **leaving).then(QUIT)
    for history in ((), (JOINED, QUIT), (OTHER_CIRCLE,)):
        given(REGISTERED, *history, kind=MERCHANTS).when(membership.leave_circle, **leaving).refused(
            "circle-left-when-joined"
        )
    given(REGISTERED, JOINED, kind=MERCHANTS).when(membership.leave_circle, **{**leaving, "at": day(0)}).refused(
        "circle-left-when-joined"
    )


def test_b8_a_merchant_is_expelled_from_a_circle_with_a_reason_by_others() -> None:
    expelling = {"at": day(3), "circle": "quality-west-lake", "reason": "failed a test"}
    given(REGISTERED, JOINED, kind=MERCHANTS).when(membership.expel_from_circle, by=REGULATOR, **expelling).then(
        EXPELLED
    )
    given(REGISTERED, JOINED, kind=MERCHANTS).when(membership.expel_from_circle, by=MERCHANT, **expelling).refused(
        "circle-left-when-joined-by"
    )


def test_b8_it_is_known_whether_a_merchant_was_in_a_circle_when_it_was_complained_of() -> None:
    merchant = MERCHANTS.fold([REGISTERED, OTHER_CIRCLE, JOINED, EXPELLED])
    assert [merchant.was_in_circle("quality-west-lake", day(n)) for n in (0, 1, 2, 3)] == [False, True, True, False]
    assert merchant.was_in_circle("honest-prices", day(9))
    assert not merchant.was_in_circle("unheard-of", day(9))
