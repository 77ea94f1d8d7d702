"""Terms: when they end, how they stand still and go on, and the traps that other systems fell into."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.calendar import MICROSECOND, SHANGHAI, Calendar, Term, Unit, Year, end_of_day
from domain.complaint import clocks, ending, filing, handling, mediation, negotiation, settlement
from domain.complaint.clocks import DuesRevised
from domain.complaint.filing import Filed
from domain.complaint.jurisdiction import Shop
from domain.complaint.negotiation import Answered, AnswerKind, Regime
from domain.complaint.state import Deadline, Side, Status
from domain.event import Event
from domain.rulebook.book import TermName
from domain.streams import COMPLAINT
from domain.values import Origin
from tests.domain.lives import (
    ACCEPTED,
    FILED,
    FROM_ORDER,
    MEDIATE,
    MEDIATING,
    ONE_CLICK,
    RECEIVED,
    REFUND,
    clock,
    filing_step,
    lapsed,
    lived,
    missed,
    receive_step,
    route_step,
    step,
)
from tests.domain.scenario import CONSUMER, FIRST, MEDIATOR, MERCHANT, REGULATOR, START, day, given, on


def due_of(history: tuple[Event, ...], deadline: Deadline) -> datetime:
    found = COMPLAINT.fold(history).clock(deadline)
    assert found is not None
    assert isinstance(found.due, datetime)
    return found.due.astimezone(SHANGHAI)


@pytest.mark.parametrize(
    ("filed", "last"),
    [
        # Spring Festival 2026: off from 15 to 23 February, worked on Saturdays 14 and 28.
        ("2026-02-09 09:00", "2026-02-25"),
        ("2026-02-13 23:59", "2026-03-02"),
        ("2026-02-14 00:00", "2026-03-03"),
        ("2026-02-14 23:59", "2026-03-03"),
        ("2026-02-16 12:00", "2026-03-03"),
        # National Day 2025 with Mid-Autumn: off from 1 to 8 October, worked on Sunday 28 September and Saturday 11.
        ("2025-09-26 17:00", "2025-10-13"),
        ("2025-09-28 17:00", "2025-10-14"),
        ("2025-09-30 23:59", "2025-10-16"),
        ("2025-10-05 00:00", "2025-10-16"),
        # National Day 2026: off from 1 to 7 October, worked on Saturday 10.
        ("2026-09-30 10:00", "2026-10-15"),
        # Spring Festival 2020, which was prolonged to 2 February.
        ("2020-01-23 10:00", "2020-02-11"),
    ],
)
def test_a3_what_is_filed_before_a_long_holiday_falls_due_on_the_right_day(filed: str, last: str) -> None:
    history = lived(filing_step(on(filed)))
    assert due_of(history, Deadline.FIRST_RESPONSE).isoformat() == f"{last}T23:59:59.999999+08:00"


@pytest.mark.parametrize("filed", ["2026-03-02 00:00", "2026-03-02 09:00", "2026-03-02 23:59"])
def test_a3_the_hour_of_filing_makes_no_difference_to_a_term_in_days(filed: str) -> None:
    assert due_of(lived(filing_step(on(filed))), Deadline.FIRST_RESPONSE).date().isoformat() == "2026-03-11"


def test_a3_midnight_in_shanghai_is_a_new_day_and_midnight_in_london_is_none() -> None:
    last = on("2026-03-03 00:00") - MICROSECOND
    assert due_of(lived(filing_step(last)), Deadline.FIRST_RESPONSE).date().isoformat() == "2026-03-11"
    assert due_of(lived(filing_step(last + MICROSECOND)), Deadline.FIRST_RESPONSE).date().isoformat() == "2026-03-12"
    london = datetime(2026, 3, 2, 23, 59, tzinfo=UTC)
    assert due_of(lived(filing_step(london)), Deadline.FIRST_RESPONSE).date().isoformat() == "2026-03-12"


def test_a3_there_is_no_gap_between_23_59_and_midnight() -> None:
    last = end_of_day(on("2026-03-12 12:00").date())
    assert last == on("2026-03-13 00:00") - MICROSECOND
    history = lived(receive_step(), since=FILED)
    for at in (on("2026-03-12 23:59"), last - timedelta(milliseconds=1), last):
        assert missed(Deadline.ACCEPTANCE, "2026-03-12") not in lapsed(history, at)
    assert missed(Deadline.ACCEPTANCE, last) in lapsed(history, last + MICROSECOND)


def test_a3_what_is_due_at_an_instant_is_in_time_at_that_instant() -> None:
    dated = lived(route_step(answer_due=day(8)), since=FILED)
    in_time = Answered(occurred_at=day(8), actor=MERCHANT, kind=AnswerKind.EXPLANATION, in_time=True)
    given(*dated).when(negotiation.answer, at=day(8), by=MERCHANT, kind=AnswerKind.EXPLANATION).then(in_time)
    later = day(8) + MICROSECOND
    given(*dated).when(negotiation.answer, at=later, by=MERCHANT, kind=AnswerKind.EXPLANATION).then(
        missed(Deadline.ANSWER, day(8)), in_time.model_copy(update={"occurred_at": later, "in_time": False})
    )


def test_c3_an_escalation_that_falls_on_midnight_happens_at_midnight() -> None:
    at = on("2026-03-02 00:00")
    history = lived(route_step(at, regime=Regime.ONE_CLICK), since=lived(
        filing_step(at, order=FROM_ORDER[0].order)  # type: ignore[attr-defined]
    ))  # fmt: skip
    midnight = on("2026-03-06 00:00")
    assert lapsed(history, midnight) == ()
    first, second = lapsed(history, midnight + MICROSECOND)
    assert (first, second.occurred_at, second.name) == (
        missed(Deadline.ESCALATION, midnight), midnight, "complaint.upgraded"
    )  # fmt: skip


def test_c3_an_answer_that_came_before_is_not_escalated_however_late_one_looks() -> None:
    answered = lived(step(negotiation.answer, day(3), MERCHANT, kind="explanation"), since=ONE_CLICK)
    assert lapsed(answered, day(4.5)) == ()
    assert COMPLAINT.fold(answered).status is Status.ANSWERED


def test_a3_a_miss_stays_missed_whatever_comes_after_it() -> None:
    late = lived(step(handling.accept, day(30), REGULATOR), since=RECEIVED)
    assert {Deadline.ACCEPTANCE, Deadline.FIRST_RESPONSE} <= COMPLAINT.fold(late).missed
    assert {Deadline.ACCEPTANCE, Deadline.FIRST_RESPONSE} <= COMPLAINT.fold(lived(*LATER, since=late)).missed


LATER = tuple((action, day(31), by, arguments) for action, _, by, arguments in MEDIATE)


def test_a3_what_fell_due_is_recorded_in_the_order_of_the_due_times_and_once() -> None:
    history = lived(route_step(answer_due=day(20)), since=FILED)
    late = lapsed(history, day(400))
    assert late == (
        missed(Deadline.FIRST_RESPONSE, "2026-03-11"),
        missed(Deadline.ANSWER, day(20)),
        missed(Deadline.RESOLUTION, "2026-05-28"),
    )
    assert lapsed((*history, *late), day(800)) == ()


def test_a3_whether_somebody_looks_every_day_or_once_the_same_has_happened() -> None:
    history = seen = lived(
        route_step(regime=Regime.ONE_CLICK),
        step(negotiation.offer, day(1), CONSUMER, terms=(REFUND,)),
        since=FROM_ORDER,
    )
    for n in range(2, 300):
        seen = (*seen, *lapsed(seen, day(n)))
    assert seen == (*history, *lapsed(history, day(299)))


def with_terms(rule_set: str, **terms: Term) -> Any:
    changed = FIRST.rule_sets[rule_set].model_copy(
        update={"terms": {**FIRST.rule_sets[rule_set].terms, **{TermName(name): term for name, term in terms.items()}}}
    )
    return replace(FIRST, rule_sets={**FIRST.rule_sets, rule_set: changed})


def test_a4_a_clock_that_runs_keeps_its_due_time_when_the_rules_are_corrected() -> None:
    book = with_terms("samr-order-20", mediation=Term(n=5, unit=Unit.WORKING_DAYS, source="a correction"))
    assert lapsed(MEDIATING, on("2026-05-11 12:00"), book) == ()
    assert lapsed(MEDIATING, on("2026-05-12 12:00"), book)[0] == missed(Deadline.MEDIATION, "2026-05-11")


def test_a4_a_clock_that_stands_still_is_not_lost_when_the_rule_set_changes() -> None:
    """Stopped under Order 20, gone on under Order 121: what was left of its 45 working days is left."""
    expert = {"appraiser": "laboratory", "question": "why?", "payer": Side.MERCHANT}
    stopped = lived(step(mediation.order_appraisal, day(7), MEDIATOR, **expert), since=MEDIATING)
    after = lived(step(mediation.report_appraisal, on("2026-04-20 10:00"), MEDIATOR, finding="x"), since=stopped)
    assert due_of(after, Deadline.MEDIATION).date().isoformat() == "2026-06-22"
    found = COMPLAINT.fold(after).clock(Deadline.MEDIATION)
    assert (found.rule_set, found.n) == ("samr-order-20", 42)


def test_a4_d10_nothing_falls_due_while_a_clock_stands_still_and_none_is_lost() -> None:
    expert = {"appraiser": "laboratory", "question": "why?", "payer": Side.MERCHANT}
    history = lived(step(mediation.order_appraisal, day(7), MEDIATOR, **expert), since=MEDIATING)
    assert clocks.next_due(COMPLAINT.fold(history)) is None
    assert lapsed(history, day(3000)) == ()
    asked = lived(step(handling.ask_supplement, on("2026-03-12 23:59"), REGULATOR, items=("x",)), since=RECEIVED)
    # Nothing is left on the last day but the day itself, whose like it gets back.
    given_back = lived(step(handling.supplement, on("2026-03-13 10:00"), CONSUMER), since=asked)
    assert due_of(given_back, Deadline.ACCEPTANCE).isoformat() == "2026-03-13T23:59:59.999999+08:00"


def test_d10_hours_stand_still_to_the_microsecond() -> None:
    term = Term(n=24, unit=Unit.HOURS, source="test")
    running = clocks.run(Deadline.ANSWER, term, START, FIRST.calendar)
    state = COMPLAINT.new._replace(status=Status.ACCEPTED, clocks=(running,))
    at = START + timedelta(hours=1, microseconds=1)
    stopped = clocks.evolve(state, clocks.stop(state, "appraisal", at, REGULATOR, FIRST.calendar))
    assert stopped.clocks[0].left == timedelta(hours=23) // MICROSECOND - 1
    later = clocks.evolve(stopped, clocks.resume(stopped, "appraisal", day(9), REGULATOR, FIRST.calendar))
    assert later.clocks[0].due == day(9) + timedelta(hours=23) - MICROSECOND


def test_d10_a_clock_that_two_things_stop_goes_on_when_both_are_there() -> None:
    running = clocks.run(Deadline.RESOLUTION, Term(n=60, unit=Unit.WORKING_DAYS, source="test"), START, FIRST.calendar)
    state = COMPLAINT.new._replace(status=Status.ACCEPTED, clocks=(running,))
    for reason in ("appraisal", "supplement"):
        state = clocks.evolve(state, clocks.stop(state, reason, day(1), REGULATOR, FIRST.calendar))
    state = clocks.evolve(state, clocks.resume(state, "appraisal", day(2), REGULATOR, FIRST.calendar))
    assert state.clocks[0].left is not None
    state = clocks.evolve(state, clocks.resume(state, "supplement", day(8), REGULATOR, FIRST.calendar))
    assert state.clocks[0].left is None
    assert state.clocks[0].n == 59


#: The calendar of 2026 only; a year later the notice for 2027 makes 4 to 8 January days off.
NEW_YEAR = Year(
    holidays=frozenset(on(f"2027-01-0{n} 12:00").date() for n in (1, 4, 5, 6, 7, 8)),
    workdays=frozenset({on("2027-01-09 12:00").date()}),
)
PUBLISHED = replace(FIRST, calendar=Calendar({**FIRST.calendar.years, 2027: NEW_YEAR}))
LATE_IN_2026 = lived(filing_step(on("2026-12-28 10:00")))


def test_a3_a_due_date_in_a_year_without_a_published_calendar_is_provisional() -> None:
    (filed,) = LATE_IN_2026
    assert isinstance(filed, Filed)
    assert filed.clocks is not None
    assert [(one.deadline, one.provisional) for one in filed.clocks] == [
        (Deadline.FIRST_RESPONSE, True),
        (Deadline.RESOLUTION, True),
    ]
    # Monday to Friday, until the notice says otherwise; even 1 January.
    assert due_of(LATE_IN_2026, Deadline.FIRST_RESPONSE).date().isoformat() == "2027-01-06"


def test_a3_it_is_revised_by_an_event_when_the_calendar_is_published() -> None:
    at = on("2026-12-30 09:00")
    (revised,) = lapsed(LATE_IN_2026, at, PUBLISHED)
    since = on("2026-12-28 10:00")
    assert isinstance(revised, DuesRevised)
    assert revised.clocks == (
        clock(Deadline.FIRST_RESPONSE, since, "2027-01-13", "12315-pledge-2017"),
        clock(Deadline.RESOLUTION, since, "2027-03-29", "12315-pledge-2017"),
    )
    assert lapsed((*LATE_IN_2026, revised), at, PUBLISHED) == ()
    assert lapsed(LATE_IN_2026, at) == ()


def test_a3_a_due_date_that_does_not_reach_the_new_year_is_not_revised() -> None:
    assert lapsed(FILED, day(1), PUBLISHED) == ()


def test_a4_replay_next_year_gives_the_same_due_dates() -> None:
    """The due time is in the event: neither another calendar nor other rules change what was decided."""
    before = COMPLAINT.fold(ACCEPTED).clocks
    again = [type(event).model_validate_json(event.model_dump_json()) for event in ACCEPTED]
    assert COMPLAINT.fold(again).clocks == before


def test_a4_all_orders_and_the_pledge_give_their_own_terms() -> None:
    found = {}
    for filed, accepted in (
        ("2018-05-07 09:00", "2018-05-08 09:00"),
        ("2021-05-06 09:00", "2021-05-07 09:00"),
        ("2026-05-06 09:00", "2026-05-07 09:00"),
    ):
        history = lived(filing_step(on(filed)), receive_step(on(filed)), step(handling.accept, on(accepted), REGULATOR))
        state = COMPLAINT.fold(history)
        found[state.rules] = (
            due_of(history, Deadline.MEDIATION).date().isoformat(),
            due_of(history, Deadline.RESOLUTION).date().isoformat(),
        )
    assert found == {
        "saic-order-62": ("2018-07-07", "2018-07-31"),
        "samr-order-20": ("2021-07-09", "2021-07-29"),
        "samr-order-121": ("2026-07-06", "2026-07-29"),
    }


def test_a10_the_same_facts_in_two_cities_get_two_due_dates() -> None:
    local = FIRST.rule_sets["samr-order-20"].model_copy(
        update={
            "id": "pudong-2026",
            "region": "310115",
            "terms": {
                **FIRST.rule_sets["samr-order-20"].terms,
                TermName.ACCEPTANCE: Term(n=3, unit=Unit.WORKING_DAYS, source="a pilot of Pudong"),
            },
        }
    )
    book = replace(FIRST, rule_sets={**FIRST.rule_sets, "pudong-2026": local})
    dues = {}
    for division in ("330106", "310115"):
        shop = Shop(division=division)
        history = lived(filing_step(), receive_step(division=division, shop=shop), book=book)
        dues[division] = due_of(history, Deadline.ACCEPTANCE).date().isoformat()
    assert dues == {"330106": "2026-03-12", "310115": "2026-03-06"}


def test_a11_an_attempt_elsewhere_and_supervision_leave_the_original_clock() -> None:
    origin = Origin(register_name="hotline", reference="1")
    history = lived(
        step(filing.link_attempt, day(3), CONSUMER, attempt=origin, made_at=day(-60), outcome="none"),
        step(handling.supervise, day(3), REGULATOR, office_id="office-" + CONSUMER.id, reason="x"),
        since=ACCEPTED,
    )
    assert COMPLAINT.fold(history).clocks == COMPLAINT.fold(ACCEPTED).clocks


def test_a13_no_clock_runs_on_after_an_end_but_what_may_follow_it() -> None:
    for last, running in (
        (step(mediation.refuse_mediation, day(5), MERCHANT), set()),
        (step(ending.withdraw, day(5), CONSUMER), set()),
        (step(settlement.settle, day(5), MEDIATOR, terms=(REFUND,)), {Deadline.PERFORMANCE}),
    ):
        state = COMPLAINT.fold(lived(last, since=MEDIATING))
        assert {one.deadline for one in state.clocks} == running


def test_a3_ninety_days_of_a_whole_life_under_an_injected_clock() -> None:
    """Filed from an order, silent for 96 hours, supplemented, accepted, mediated, appraised, settled, performed."""
    expert = {"appraiser": "laboratory", "question": "why?", "payer": Side.MERCHANT}
    history = lived(
        receive_step(day(5)),
        step(handling.ask_supplement, day(6), REGULATOR, items=("invoice",)),
        step(handling.supplement, day(9), CONSUMER),
        step(handling.accept, day(10), REGULATOR),
        *((action, day(12), by, arguments) for action, _, by, arguments in MEDIATE),
        step(mediation.order_appraisal, day(14), MEDIATOR, **expert),
        step(mediation.report_appraisal, day(40), MEDIATOR, finding="a short circuit"),
        step(settlement.settle, day(60), MEDIATOR, terms=(REFUND,)),
        step(settlement.perform, day(80), CONSUMER, item=0, amount=REFUND.amount),
        step(handling.conclude, day(85), REGULATOR),
        step(handling.call_back, day(90), REGULATOR, reached=True, satisfaction=5),
        since=ONE_CLICK,
    )
    assert [event.name.removeprefix("complaint.") for event in history] == [
        "filed", "routed", "deadline_missed", "upgraded", "received", "clocks_stopped", "supplement_asked",
        "supplemented", "clocks_resumed", "accepted", "mediation_consented", "mediation_consented",
        "mediator_assigned", "mediation_begun", "clocks_stopped", "appraisal_ordered", "appraisal_reported",
        "clocks_resumed", "resolved", "performed", "concluded", "called_back",
    ]  # fmt: skip
    assert COMPLAINT.fold(history).missed == {Deadline.ESCALATION}
