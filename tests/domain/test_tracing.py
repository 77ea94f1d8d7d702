"""What a consequence can rest on."""

from __future__ import annotations

import pytest

from domain.complaint import ending, handling, mediation
from domain.complaint.state import RequestKind, Status
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.streams import COMPLAINT
from domain.tracing import Traced, check_traced, traced
from tests.domain.lives import FILED, MEDIATING, RECEIVED, RESOLVED, ROUTED, lived, step
from tests.domain.scenario import CONSUMER, MEDIATOR, MERCHANT_ID, REGULATOR, day

COMPLAINT_ID = "complaint-66666666-6666-4666-8666-666666666666"
MERGE = step(COMPLAINT.actions["merge"], day(1), REGULATOR, into="complaint-33333333-3333-4333-8333-333333333333")
UNFOUNDED = lived(step(ending.close, day(1), REGULATOR, ground="unfounded"), since=ROUTED)
NO_AGREEMENT = lived(step(ending.close, day(1), REGULATOR, ground="no_agreement"), since=ROUTED)
REFUSED = lived(step(handling.refuse, day(2), REGULATOR, ground="not-competent"), since=RECEIVED)
REFERRED = lived(step(handling.refer, day(1), REGULATOR, addressee="court", reason="r"), since=FILED)
WITHDRAWN = lived(step(ending.withdraw, day(1), CONSUMER), since=ROUTED)
GROUNDLESS = lived(step(mediation.end_mediation, day(4), MEDIATOR, ground="other-proceedings"), since=MEDIATING)


def check(history: tuple[Event, ...]) -> None:
    state = COMPLAINT.fold(history)
    check_traced([traced(COMPLAINT_ID, state)], state.merchant_id or None)


@pytest.mark.parametrize("history", [FILED, ROUTED, RECEIVED, MEDIATING, RESOLVED, NO_AGREEMENT])
def test_b7_a_consequence_rests_on_complaints_that_stand(history: tuple[Event, ...]) -> None:
    check(history)


@pytest.mark.parametrize("history", [REFUSED, REFERRED, WITHDRAWN, UNFOUNDED, GROUNDLESS])
def test_b7_a_consequence_does_not_rest_on_what_does_not_count(history: tuple[Event, ...]) -> None:
    with pytest.raises(RuleViolation, match=f"{COMPLAINT_ID} was .*: name complaints and reports that stand") as error:
        check(history)
    assert error.value.rule == "consequence-of-complaints-that-stand"


@pytest.mark.parametrize("kind", [RequestKind.CONSULTATION, RequestKind.SUGGESTION])
def test_b7_a_consequence_does_not_rest_on_who_accuses_nobody(kind: RequestKind) -> None:
    one = Traced(COMPLAINT_ID, kind, Status.FILED, "")
    with pytest.raises(RuleViolation, match=f"is a {kind}, which accuses nobody: name complaints or reports"):
        check_traced([one], None)


def test_b7_a_consequence_rests_on_what_was_filed_and_not_merged() -> None:
    with pytest.raises(InvalidInput, match="merged into another"):
        check(lived(MERGE, since=FILED))
    with pytest.raises(InvalidInput, match="not there"):
        check(())


def test_b7_what_was_unfounded_and_taken_up_again_stands() -> None:
    check(lived(step(ending.reopen, day(2), CONSUMER, reason="new facts"), since=UNFOUNDED))


def test_e1_a_consequence_is_about_the_merchant_that_the_complaint_was_sent_to_or_a_report() -> None:
    sent = Traced(COMPLAINT_ID, RequestKind.COMPLAINT, Status.ROUTED, MERCHANT_ID)
    check_traced([sent], MERCHANT_ID)
    check_traced([Traced(COMPLAINT_ID, RequestKind.REPORT, Status.FILED, "")], MERCHANT_ID)
    with pytest.raises(RuleViolation, match="is not about"):
        check_traced([sent], "merchant-33333333-3333-4333-8333-333333333333")
