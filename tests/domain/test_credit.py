"""What counts in the credit of a merchant."""

from __future__ import annotations

from datetime import date

from domain.credit import silence
from domain.credit.silence import CreditBasis, CreditEventRecorded
from domain.credit.state import credit_of
from domain.streams import CREDIT
from tests.domain.scenario import MERCHANT_ID, SERVICE, day, given

COMPLAINT_ID = "complaint-22222222-3333-4333-8333-444444444444"
OTHER = "complaint-33333333-3333-4333-8333-444444444444"


def test_b7_silence_beyond_a_term_is_a_credit_event_that_names_the_complaint() -> None:
    silent = {
        "at": day(3),
        "by": SERVICE,
        "merchant_id": MERCHANT_ID,
        "complaint_id": COMPLAINT_ID,
        "deadline": "answer",
    }
    recorded = CreditEventRecorded(
        occurred_at=day(3),
        actor=SERVICE,
        merchant_id=MERCHANT_ID,
        number=1,
        basis=CreditBasis.SILENCE,
        complaint_id=COMPLAINT_ID,
        deadline="answer",
    )
    given(kind=CREDIT).when(silence.record_silence, **silent).then(recorded)
    given(recorded, kind=CREDIT).when(silence.record_silence, **silent).then()
    given(recorded, kind=CREDIT).when(silence.record_silence, **{**silent, "complaint_id": OTHER}).then(
        recorded.model_copy(update={"number": 2, "complaint_id": OTHER})
    )


def test_b7_credit_events_of_a_day_share_a_stream_and_those_of_another_day_have_their_own() -> None:
    first, second = date(2026, 3, 2), date(2026, 3, 3)
    assert credit_of(MERCHANT_ID, first) == credit_of(MERCHANT_ID, first) != credit_of(MERCHANT_ID, second)
