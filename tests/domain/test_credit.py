"""What counts in the credit of a merchant."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from domain.calendar import day_of
from domain.complaint import ending, handling, mediation, negotiation
from domain.complaint.negotiation import Regime
from domain.credit import silence
from domain.credit.silence import CreditBasis, CreditEventRecorded, CreditEventWithdrawn
from domain.credit.state import credit_of
from domain.event import Event
from domain.merchant.state import Merchant
from domain.reactions import Reaction, reactions_to
from domain.streams import COMPLAINT, CREDIT
from domain.values import Origin
from tests.domain.lives import (
    FILED,
    ONE_CLICK,
    PERSON,
    REFUND,
    filing_step,
    lapsed,
    lived,
    receive_step,
    route_step,
    step,
)
from tests.domain.scenario import CONSUMER, FIRST, MEDIATOR, MERCHANT, MERCHANT_ID, REGULATOR, SERVICE, day, given, on

COMPLAINT_ID = "complaint-22222222-3333-4333-8333-444444444444"
OTHER = "complaint-33333333-3333-4333-8333-444444444444"
SILENT: dict[str, Any] = {
    "at": day(3),
    "by": SERVICE,
    "merchant_id": MERCHANT_ID,
    "complaint_id": COMPLAINT_ID,
    "deadline": "answer",
}
RECORDED = CreditEventRecorded(
    occurred_at=day(3),
    actor=SERVICE,
    merchant_id=MERCHANT_ID,
    number=1,
    basis=CreditBasis.SILENCE,
    complaint_id=COMPLAINT_ID,
    deadline="answer",
)
WITHDRAW: dict[str, Any] = {
    "at": day(9),
    "by": SERVICE,
    "merchant_id": MERCHANT_ID,
    "complaint_id": COMPLAINT_ID,
    "silences": [("answer", day(3))],
    "reason": "refused",
}
WITHDRAWN = CreditEventWithdrawn(
    occurred_at=day(9), actor=SERVICE, merchant_id=MERCHANT_ID, number=1, complaint_id=COMPLAINT_ID, reason="refused"
)


def test_b7_silence_beyond_a_term_is_a_credit_event_that_names_the_complaint() -> None:
    given(kind=CREDIT).when(silence.record_silence, **SILENT).then(RECORDED)
    given(RECORDED, kind=CREDIT).when(silence.record_silence, **SILENT).then()
    given(RECORDED, kind=CREDIT).when(silence.record_silence, **{**SILENT, "complaint_id": OTHER}).then(
        RECORDED.model_copy(update={"number": 2, "complaint_id": OTHER})
    )


def test_b7_silence_again_on_the_same_day_is_another_credit_event() -> None:
    again = {**SILENT, "at": day(3.2)}
    given(RECORDED, WITHDRAWN, kind=CREDIT).when(silence.record_silence, **again).then(
        RECORDED.model_copy(update={"occurred_at": day(3.2), "number": 2})
    )


def test_b7_credit_events_of_a_day_share_a_stream_and_those_of_another_day_have_their_own() -> None:
    first, second = date(2026, 3, 2), date(2026, 3, 3)
    assert credit_of(MERCHANT_ID, first) == credit_of(MERCHANT_ID, first) != credit_of(MERCHANT_ID, second)


def test_b7_exactly_the_credit_events_of_a_complaint_are_withdrawn_and_once() -> None:
    other = RECORDED.model_copy(update={"number": 2, "complaint_id": OTHER})
    later = RECORDED.model_copy(update={"number": 3, "occurred_at": day(3.2)})
    given(RECORDED, other, later, kind=CREDIT).when(silence.withdraw_silences, **WITHDRAW).then(WITHDRAWN)
    given(RECORDED, other, WITHDRAWN, kind=CREDIT).when(silence.withdraw_silences, **WITHDRAW).then()
    given(other, kind=CREDIT).when(silence.withdraw_silences, **WITHDRAW).then()
    given(kind=CREDIT).when(silence.withdraw_silences, **WITHDRAW).then()


def follows(history: tuple[Event, ...]) -> list[Reaction]:
    """What follows in the credit of merchants from the last event."""
    found = reactions_to(COMPLAINT_ID, history[-1], COMPLAINT.fold(history))
    return [one for one in found if one.stream.startswith("credit-")]


def late(history: tuple[Event, ...], at: datetime) -> tuple[Event, ...]:
    return history + lapsed(history, at)


def credit_events(history: tuple[Event, ...]) -> list[str]:
    """The deadlines of the credit events that a complaint led to."""
    found = [event for n in range(len(history)) for one in follows(history[: n + 1]) for event in decided(one)]
    return [event.deadline for event in found if isinstance(event, CreditEventRecorded)]


def decided(reaction: Reaction, *history: Event) -> list[Event]:
    return list(reaction.decide(CREDIT.fold(history), FIRST))


PROMISED = lived(route_step(regime=Regime.PROMISE, merchant=Merchant(promises=((day(-9), None),))), since=FILED)
ENTERPRISE = lived(route_step(regime=Regime.ENTERPRISE, merchant=Merchant(enrolments=((day(-9), None),))), since=FILED)
OFFER = step(negotiation.offer, day(0.5), MERCHANT, terms=(REFUND,))
ASKED = step(negotiation.offer, day(0.5), CONSUMER, terms=(REFUND,))
REOPENED = (
    step(ending.close, day(1), CONSUMER, ground="no_agreement"),
    step(ending.reopen, day(2), CONSUMER, reason="it did not come"),
)


@pytest.mark.parametrize(
    ("history", "deadlines"), [(PROMISED, ["answer"]), (ENTERPRISE, ["enterprise"]), (ONE_CLICK, ["escalation"])]
)
def test_b7_silence_under_an_arrangement_is_a_credit_event_and_an_offer_is_a_response(
    history: tuple[Event, ...], deadlines: list[str]
) -> None:
    end = on("2026-05-01 00:00")
    assert credit_events(late(history, end)) == deadlines
    assert credit_events(late(lived(ASKED, since=history), end)) == deadlines
    assert credit_events(late(lived(OFFER, since=history), end)) == []
    declined = step(negotiation.decline_offer, day(0.6), CONSUMER)
    assert credit_events(late(lived(OFFER, declined, since=history), end)) == []
    assert credit_events(late(lived(OFFER, *REOPENED, since=history), end)) == deadlines


def test_b7_a_register_of_origin_leads_to_no_credit_events() -> None:
    imported = lived(
        filing_step(origin=Origin(register_name="cfpb", reference="1")), route_step(day(0), answer_due=day(1))
    )
    missed = lived(step(ending.miss_answer, day(2), SERVICE), since=imported)
    assert credit_events(missed) == []


#: Silent for 96 hours, so that an office has to decide on it.
UPGRADED = late(ONE_CLICK, day(4.5))
WITH_OFFICE = lived(receive_step(day(5)), since=UPGRADED)
MEDIATED = lived(
    step(handling.accept, day(5), REGULATOR),
    step(mediation.consent_to_mediation, day(5), CONSUMER),
    step(mediation.consent_to_mediation, day(5), MERCHANT),
    step(mediation.assign_mediator, day(5), REGULATOR, candidates=(PERSON,)),
    step(mediation.begin_mediation, day(5), MEDIATOR),
    since=WITH_OFFICE,
)
SILENT_PROMISE = late(PROMISED, day(2))
REFUSE = step(handling.refuse, day(6), REGULATOR, ground="not-competent")
REFER = step(handling.refer, day(6), REGULATOR, addressee="court", reason="r")
MERGE = step(COMPLAINT.actions["merge"], day(6), REGULATOR, into=OTHER)
END = step(mediation.end_mediation, day(6), MEDIATOR, ground="other-proceedings")
UNFOUNDED = step(ending.close, day(6), REGULATOR, ground="unfounded")


@pytest.mark.parametrize(
    ("history", "end", "silent"),
    [
        (WITH_OFFICE, REFUSE, ("escalation", day(4))),
        (WITH_OFFICE, REFER, ("escalation", day(4))),
        (WITH_OFFICE, MERGE, ("escalation", day(4))),
        (MEDIATED, END, ("escalation", day(4))),
        (SILENT_PROMISE, UNFOUNDED, ("answer", day(1))),
    ],
)
def test_b7_a_credit_event_is_withdrawn_when_its_complaint_turns_out_not_to_count(
    history: tuple[Event, ...], end: Any, silent: tuple[str, datetime]
) -> None:
    deadline, due = silent
    (reaction,) = follows(lived(end, since=history))
    assert reaction.stream == credit_of(MERCHANT_ID, day_of(due))
    assert not reaction.begins
    recorded = RECORDED.model_copy(update={"occurred_at": due, "deadline": deadline})
    (withdrawn,) = decided(reaction, recorded)
    assert isinstance(withdrawn, CreditEventWithdrawn)
    assert (withdrawn.number, withdrawn.complaint_id, withdrawn.merchant_id) == (1, COMPLAINT_ID, MERCHANT_ID)
    assert withdrawn.occurred_at == day(6)
    assert withdrawn.reason


def test_b7_credit_events_of_several_days_are_withdrawn_on_each() -> None:
    again = lived(
        step(ending.close, day(3), CONSUMER, ground="no_agreement"),
        step(ending.reopen, day(4), CONSUMER, reason="it did not come"),
        since=SILENT_PROMISE,
    )
    found = follows(lived(UNFOUNDED, since=late(again, day(5.5))))
    assert {one.stream for one in found} == {credit_of(MERCHANT_ID, day_of(due)) for due in (day(1), day(5))}


@pytest.mark.parametrize(
    ("history", "end"),
    [
        (FILED, REFER),
        (FILED, MERGE),
        (MEDIATED, step(mediation.end_mediation, day(6), MEDIATOR, ground="no-agreement")),
        (SILENT_PROMISE, step(ending.close, day(6), CONSUMER, ground="no_agreement")),
    ],
)
def test_b7_nothing_is_withdrawn_of_a_complaint_that_counts_or_had_no_credit_event(
    history: tuple[Event, ...], end: Any
) -> None:
    assert follows(lived(end, since=history)) == []
