"""What a published row adds to what the ledger knows of its complaint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.cfpb import Response, Row
from adapters.cfpb_import import ANSWER_DAYS, IMPORTER, plan
from domain.calendar import start_of_day
from domain.complaint import ending, negotiation, settlement
from domain.complaint.clocks import DeadlineMissed
from domain.complaint.ending import Closed, Corrected, Disputed
from domain.complaint.filing import Filed
from domain.complaint.negotiation import Answered, AnswerKind, Routed
from domain.complaint.state import Complaint, RequestKind, Status
from domain.errors import RuleViolation
from domain.event import Event
from domain.rulebook.book import EMPTY
from domain.streams import COMPLAINT
from domain.values import Channel, Code, Origin, Role, TimePrecision
from projections.complaint_details import Row as Details
from projections.complaint_details import fold

ACME, OTHER = (f"merchant-{digit * 8}-2222-4222-8222-222222222222" for digit in "ab")
RECEIVED, SENT = date(2014, 11, 3), date(2014, 11, 5)
ROW = Row(
    line=2, complaint_id="7", id_derived=False, product="Mortgage", sub_product="Fixed", issue="Servicing",
    sub_issue=None, state="FL", zip_code="32219", channel="postal_mail", received=RECEIVED, sent=SENT, company="Acme",
    response=Response.EXPLANATION, timely=True, disputed=None, narrative=None, public_response=None, tags=(),
    consent=None,
)  # fmt: skip
OPEN = replace(ROW, response=Response.IN_PROGRESS)
DISPUTED = replace(ROW, disputed=True)


def published(*editions: Row, merchant: str = ACME) -> list[Event]:
    """The history of a complaint after these editions of its row."""
    history: list[Event] = []
    for edition in editions:
        history += plan(edition, list(history), merchant)
    return history


def added(history: Sequence[Event], edition: Row, merchant: str = ACME) -> list[str]:
    return [event.name.removeprefix("complaint.") for event in plan(edition, list(history), merchant)]


def corrected(history: Sequence[Event], edition: Row, merchant: str = ACME) -> dict[str, Any]:
    """The facts of the only event that is added."""
    (event,) = plan(edition, list(history), merchant)
    assert isinstance(event, Corrected)
    return {n: v for n, v in event if v is not None and n not in ("occurred_at", "actor", "consumer_id")}


def shown(history: Sequence[Event]) -> Details:
    row: Details | None = None
    for event in history:
        row = fold(row, event)  # type: ignore[arg-type]
    assert row is not None
    return row


def state_of(history: Sequence[Event]) -> Complaint:
    state = COMPLAINT.fold(history)
    assert isinstance(state, Complaint)
    return state


@pytest.mark.parametrize(
    ("response", "kind", "end"),
    [
        (Response.CLOSED, AnswerKind.UNSTATED, "closed"),
        (Response.EXPLANATION, AnswerKind.EXPLANATION, "closed"),
        (Response.NO_RELIEF, AnswerKind.NO_RELIEF, "closed"),
        (Response.MONETARY_RELIEF, AnswerKind.MONETARY_RELIEF, "resolved"),
        (Response.NON_MONETARY_RELIEF, AnswerKind.OTHER_RELIEF, "resolved"),
        (Response.RELIEF, AnswerKind.RELIEF, "resolved"),
    ],
)
def test_an_answer_of_each_kind_ends_the_complaint(response: Response, kind: AnswerKind, end: str) -> None:
    row = replace(ROW, response=response)
    history = published(row)
    assert added([], row) == ["filed", "routed", "answered", end]
    assert isinstance(history[2], Answered)
    assert (history[2].kind, history[2].in_time) == (kind, True)
    assert state_of(history).status == end


@pytest.mark.parametrize("response", [Response.IN_PROGRESS, Response.NOT_STATED])
def test_a_complaint_without_an_answer_is_left_with_the_merchant(response: Response) -> None:
    assert added([], replace(ROW, response=response)) == ["filed", "routed"]


@pytest.mark.parametrize(
    ("response", "timely", "events", "in_time"),
    [
        (Response.EXPLANATION, True, ["answered", "closed"], True),
        (Response.EXPLANATION, False, ["deadline_missed", "answered", "closed"], False),
        (Response.EXPLANATION, None, ["answered", "closed"], None),
        (Response.IN_PROGRESS, True, [], None),
        (Response.IN_PROGRESS, False, ["deadline_missed"], None),
        (Response.IN_PROGRESS, None, [], None),
        (Response.UNTIMELY, True, ["deadline_missed"], None),
        (Response.UNTIMELY, False, ["deadline_missed"], None),
        (Response.UNTIMELY, None, ["deadline_missed"], None),
        (Response.NOT_STATED, False, ["deadline_missed"], None),
    ],
)
def test_what_is_said_of_its_timeliness_is_taken_over(
    response: Response, timely: bool | None, events: list[str], in_time: bool | None
) -> None:
    row = replace(ROW, response=response, timely=timely)
    assert added([], row) == ["filed", "routed", *events]
    assert shown(published(row)).answered_on_time is in_time


def test_the_filing_holds_what_the_row_says_in_our_words() -> None:
    filed, routed, answered, closed = published(replace(ROW, narrative="It broke", public_response="We did well"))
    assert isinstance(filed, Filed)
    assert filed == Filed(
        occurred_at=start_of_day(RECEIVED),
        actor=IMPORTER,
        kind=RequestKind.COMPLAINT,
        consumer_id=filed.consumer_id,
        channel=Channel.POSTAL_MAIL,
        scheme="cfpb",
        product="Mortgage",
        sub_product="Fixed",
        issue="Servicing",
        region=Code(scheme="us-state", value="FL"),
        narrative="It broke",
        postal_code="32219",
        origin=Origin(register_name="cfpb", reference="7"),
        precision=TimePrecision.DAY,
    )
    assert isinstance(routed, Routed)
    assert (routed.occurred_at, routed.merchant_id) == (start_of_day(SENT), ACME)
    # The whole of the last day counts.
    assert routed.answer_due == start_of_day(date(2014, 11, 5 + ANSWER_DAYS + 1))
    assert isinstance(answered, Answered)
    assert isinstance(closed, Closed)
    assert (answered.text, answered.precision, closed.precision) == ("We did well", "not_before", "not_before")


def test_a_missed_deadline_is_recorded_at_the_due_time_whoever_imports() -> None:
    _, routed, missed = published(replace(ROW, response=Response.UNTIMELY))
    assert isinstance(routed, Routed)
    assert isinstance(missed, DeadlineMissed)
    assert missed.occurred_at == routed.answer_due


def test_every_complaint_gets_a_consumer_of_its_own() -> None:
    first, second = published(ROW)[0], published(ROW)[0]
    assert isinstance(first, Filed)
    assert isinstance(second, Filed)
    assert first.consumer_id != second.consumer_id


@pytest.mark.parametrize("response", Response)
@pytest.mark.parametrize("timely", [True, False, None])
@pytest.mark.parametrize("disputed", [True, False, None])
@pytest.mark.parametrize("sent", [SENT, None])
def test_the_same_row_again_adds_nothing(
    response: Response, timely: bool | None, disputed: bool | None, sent: date | None
) -> None:
    row = replace(ROW, response=response, timely=timely, disputed=disputed, sent=sent, narrative="x")
    assert added(published(row), row) == []


def test_later_editions_add_only_what_is_new() -> None:
    history = published(OPEN)
    assert added(history, ROW) == ["answered", "closed"]
    history = published(OPEN, ROW)
    assert added(history, DISPUTED) == ["disputed"]
    assert added(published(OPEN, ROW, DISPUTED), DISPUTED) == []
    assert added(published(OPEN), DISPUTED) == ["answered", "closed", "disputed"]


def test_a_complaint_not_yet_sent_is_routed_when_it_is() -> None:
    unsent = replace(OPEN, sent=None)
    assert added([], unsent) == ["filed"]
    assert added(published(unsent, unsent), OPEN) == ["routed"]
    assert added(published(unsent, unsent), ROW) == ["routed", "answered", "closed"]


def test_a_missed_deadline_is_recorded_once_however_late_the_answer_comes() -> None:
    late = replace(OPEN, timely=False)
    assert added(published(OPEN), late) == ["deadline_missed"]
    assert added(published(OPEN, late), replace(ROW, timely=False)) == ["answered", "closed"]
    assert shown(published(OPEN, late, replace(ROW, timely=False))).deadlines_missed == 1


@pytest.mark.parametrize(
    ("change", "facts"),
    [
        ({"product": "Credit card"}, {"product": "Credit card"}),
        ({"sub_product": "Other", "issue": "Rates"}, {"sub_product": "Other", "issue": "Rates"}),
        ({"sub_issue": "New"}, {"sub_issue": "New"}),
        ({"state": "GA"}, {"region": Code(scheme="us-state", value="GA")}),
        ({"zip_code": "99"}, {"postal_code": "99"}),
        ({"channel": "web_referral"}, {"channel": Channel.WEB_REFERRAL}),
        ({"narrative": "It broke"}, {"narrative": "It broke"}),
        ({"public_response": "We did well"}, {"answer_text": "We did well"}),
        ({"timely": False}, {"in_time": False}),
        ({"response": Response.MONETARY_RELIEF}, {"answer": AnswerKind.MONETARY_RELIEF}),
    ],
)
def test_facts_that_are_stated_otherwise_are_corrected(change: dict[str, Any], facts: dict[str, Any]) -> None:
    row = replace(ROW, **change)
    assert corrected(published(ROW), row) == facts
    assert added(published(ROW, row), row) == []


def test_another_company_of_a_later_edition_is_a_correction() -> None:
    history = published(ROW)
    assert corrected(history, ROW, OTHER) == {"merchant_id": OTHER}
    assert shown([*history, *plan(ROW, history, OTHER)]).merchant_id == OTHER


def test_relief_that_is_stated_later_resolves_and_its_retraction_undoes_it() -> None:
    relief = replace(ROW, response=Response.NON_MONETARY_RELIEF)
    assert (shown(published(ROW, relief)).status, shown(published(ROW, relief)).resolved) == (Status.RESOLVED, True)
    back = published(ROW, relief, ROW)
    assert (shown(back).status, shown(back).resolved, state_of(back).status) == (Status.CLOSED, False, Status.CLOSED)


def test_a_dispute_is_taken_back_and_made_again_as_stated() -> None:
    undisputed = replace(ROW, disputed=False)
    history = published(DISPUTED)
    assert corrected(history, undisputed) == {"disputed": False}
    history = published(DISPUTED, undisputed)
    assert (state_of(history).disputed, shown(history).disputed) == (False, False)
    assert added(history, undisputed) == []
    assert added(history, DISPUTED) == ["disputed"]


@pytest.mark.parametrize(
    "older",
    [
        OPEN,
        replace(OPEN, timely=None),
        replace(OPEN, sent=None, sub_product=None, issue=None, state=None, zip_code=None),
        replace(ROW, response=Response.NOT_STATED),
        replace(ROW, timely=None, disputed=None),
    ],
)
def test_an_older_edition_that_knows_less_retracts_nothing(older: Row) -> None:
    newer = replace(DISPUTED, narrative="It broke", public_response="We did well")
    history = published(older, newer)
    assert added(history, older) == []
    assert added(published(newer), older) == []


def test_a_complaint_that_went_another_way_in_the_ledger_is_refused_with_the_rule() -> None:
    history = published(OPEN)
    history += ending.withdraw(state_of(history), at=start_of_day(date(2014, 12, 1)), by=IMPORTER, book=EMPTY)
    with pytest.raises(RuleViolation) as refused:
        plan(ROW, history, ACME)
    assert refused.value.rule == "answer-once-when-routed"
    assert "withdrawn" in str(refused.value)


def text_or_none() -> st.SearchStrategy[str | None]:
    return st.sampled_from([None, "a", "b"])


EDITIONS = st.builds(
    Row,
    line=st.integers(2, 9),
    complaint_id=st.just("7"),
    id_derived=st.booleans(),
    product=st.sampled_from(["Mortgage", "Credit card"]),
    sub_product=text_or_none(),
    issue=text_or_none(),
    sub_issue=text_or_none(),
    state=text_or_none(),
    zip_code=text_or_none(),
    channel=st.sampled_from(["web", "phone", "web_referral"]),
    received=st.sampled_from([RECEIVED, SENT]),
    sent=st.sampled_from([RECEIVED, SENT, None]),
    company=st.just("Acme"),
    response=st.sampled_from(Response),
    timely=st.sampled_from([True, False, None]),
    disputed=st.sampled_from([True, False, None]),
    narrative=text_or_none(),
    public_response=text_or_none(),
    tags=st.just(()),
    consent=text_or_none(),
)
#: What others may do with the complaint between two editions.
OTHERS: list[tuple[Any, dict[str, Any]]] = [
    (ending.withdraw, {}),
    (ending.reopen, {"reason": "again"}),
    (ending.close, {"ground": "unfounded"}),
    (settlement.resolve, {"basis": "agreement"}),
    (negotiation.answer, {"kind": AnswerKind.EXPLANATION}),
    (ending.dispute, {}),
]
REGULATOR = replace(IMPORTER, role=Role.REGULATOR)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(EDITIONS, st.sampled_from([ACME, OTHER])), min_size=1, max_size=6))
def test_any_editions_in_any_order_are_planned_and_the_last_again_adds_nothing(editions: list[tuple[Row, str]]) -> None:
    history: list[Event] = []
    for row, merchant in editions:
        history += plan(row, list(history), merchant)
        assert plan(row, list(history), merchant) == []
    assert isinstance(history[0], Filed)
    last = shown(history)
    row, merchant = editions[-1]
    assert last.product == row.product
    assert last.merchant_id in (merchant, None)
    assert state_of(history).status == last.status
    assert state_of(history).disputed == last.disputed
    # A blank tells nothing, so it takes nothing back.
    for known in (Disputed, DeadlineMissed, Answered, Routed):
        assert sum(isinstance(event, known) for event in history) <= (len(editions) if known is Disputed else 1)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(EDITIONS, st.sampled_from(OTHERS)), min_size=1, max_size=8))
def test_whatever_others_do_meanwhile_a_row_is_planned_or_refused_by_a_rule(
    happenings: list[Row | tuple[Any, dict[str, Any]]],
) -> None:
    history: list[Event] = []
    for happening in happenings:
        try:
            if isinstance(happening, Row):
                history += plan(happening, list(history), ACME)
                assert plan(happening, list(history), ACME) == []
            else:
                decide, arguments = happening
                history += decide(state_of(history), at=start_of_day(SENT), by=REGULATOR, book=EMPTY, **arguments)
        except RuleViolation:
            continue
        shown(history)
