"""What happened by day: by hand what is hard about it, and that over all days it comes to the statistics."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from random import Random

import pytest
from hypothesis import given, settings

from domain.complaint import ending, negotiation, reports, settlement
from domain.complaint.clocks import MediationEnded
from domain.complaint.ending import Reopened
from domain.complaint.filing import Merged
from domain.complaint.life import ComplaintEvent
from domain.complaint.settlement import Resolved
from domain.complaint.state import Outcome, OutcomeKind
from domain.complaint.ways import CourtReferred
from domain.event import Event
from projections.complaint_details import fold
from projections.flows import DIMENSIONS, MEASURES, WHEN, contributions, days
from projections.resolution_statistics import MEASURES as COUNTED
from projections.resolution_statistics import is_counted
from projections.resolution_statistics import measures as counted_by
from tests.domain.lives import (
    ACCEPTED,
    CASE,
    MEDIATING,
    RECEIVED,
    RESOLVED,
    ROUTED,
    SETTLE,
    lived,
    row_of,
    step,
    yuan,
)
from tests.domain.random_lives import histories
from tests.domain.scenario import CONSUMER, MERCHANT, MERCHANT_ID, REGULATOR, SERVICE, day
from tests.projections.tables import assert_as_the_reference, folded
from tests.projections.test_reference_cases import IMPORTED
from tests.reference.flows import flows

SHANGHAI_DAY = {n: day(n).date() for n in range(60)}


def happened(history: Sequence[Event], *measures: str) -> dict[date, tuple[int, ...]]:
    """The measures by day, where one of them is not 0; tables and reference agree on all of them."""
    assert_as_the_reference(folded({"complaint-1": history}, Random(0)).sums, {"complaint-1": history})
    found = flows([history], MEASURES, "day")
    by_day = {key[4]: tuple(sums[one] for one in measures) for key, sums in found.items() if key[0] == "all"}
    return {on: counted for on, counted in by_day.items() if any(counted)}


def reopened(n: int, history: Sequence[Event]) -> tuple[Event, ...]:
    return (*history, Reopened(occurred_at=day(n), actor=CONSUMER, reason="it broke again", status="received"))


@settings(max_examples=200, deadline=None)
@given(histories())
def test_g2_over_all_days_what_happened_comes_to_what_is_counted_by_filing(life: list[ComplaintEvent]) -> None:
    row = None
    for event in life:
        row = fold(row, event)
        whole = dict(zip(COUNTED, counted_by(row), strict=True)) if is_counted(row) else dict.fromkeys(COUNTED, 0)
        summed = dict(zip(MEASURES, map(sum, zip(*days(row).values(), strict=True)), strict=False))
        assert {name: summed.get(name, 0) for name in MEASURES} == {name: whole[name] for name in MEASURES}


def test_every_measure_is_one_of_the_statistics_and_counts_once_in_each_dimension() -> None:
    assert set(MEASURES) <= set(COUNTED)
    assert {*MEASURES} - {*WHEN} == {"recovered_fen", "punitive_cases", "punitive_fen"}
    found = contributions(row_of(RESOLVED))
    assert {name: sum(key[0] == name for key in found) for name in DIMENSIONS} == dict.fromkeys(
        DIMENSIONS, len(days(row_of(RESOLVED)))
    )


def test_what_is_only_filed_and_sent_keeps_nothing() -> None:
    assert contributions(row_of(ROUTED)) == {}


TERMS = (
    Outcome(kind=OutcomeKind.FULL_REFUND, amount=yuan("199.00")),
    Outcome(kind=OutcomeKind.PUNITIVE_DAMAGES, amount=yuan("500.00")),
)
AGREED = lived((SETTLE[0], day(4), SETTLE[2], {"terms": TERMS}), since=MEDIATING)


def test_a7_b3_money_counts_on_the_day_of_each_payment_and_several_of_a_day_together() -> None:
    paid = lived(
        step(settlement.perform, day(5), CONSUMER, item=0, amount=yuan("100.00")),
        step(settlement.perform, day(5), CONSUMER, item=0, amount=yuan("49.00")),
        step(settlement.perform, day(40), CONSUMER, item=0, amount=yuan("50.00")),
        step(settlement.perform, day(41), CONSUMER, item=1, amount=yuan("200.00")),
        step(settlement.perform, day(42), CONSUMER, item=1, amount=yuan("300.00")),
        since=AGREED,
    )
    assert happened(paid, "recovered_fen", "punitive_cases", "punitive_fen") == {
        SHANGHAI_DAY[5]: (14_900, 0, 0),
        SHANGHAI_DAY[40]: (5_000, 0, 0),
        SHANGHAI_DAY[41]: (0, 1, 20_000),
        SHANGHAI_DAY[42]: (0, 0, 30_000),
    }
    assert row_of(paid).payments == f"{SHANGHAI_DAY[5]}=14900 {SHANGHAI_DAY[40]}=5000"
    # It was paid, whatever became of the case; but not to the consumer of a valid complaint, if that is withdrawn.
    again = reopened(43, paid)
    assert happened(again, "recovered_fen") == {SHANGHAI_DAY[5]: (14_900,), SHANGHAI_DAY[40]: (5_000,)}
    assert happened(lived(step(ending.withdraw, day(44), CONSUMER), since=again), "recovered_fen", "withdrawn") == {
        SHANGHAI_DAY[44]: (0, 1)
    }


@pytest.mark.parametrize(
    ("at", "on"),
    [
        (datetime(2026, 12, 31, 15, 59, tzinfo=UTC), date(2026, 12, 31)),
        (datetime(2026, 12, 31, 16, 0, tzinfo=UTC), date(2027, 1, 1)),
    ],
)
def test_what_happens_counts_on_its_own_day_in_shanghai_however_late_it_is_recorded(at: datetime, on: date) -> None:
    # Recorded behind what came later.
    told = reopened(4, (*RECEIVED, Resolved(occurred_at=day(3), actor=REGULATOR, basis="consumer_confirmed")))
    late = (*told, Resolved(occurred_at=at, actor=REGULATOR, basis="consumer_confirmed", recovered=yuan("1.00")))
    assert happened(late, "resolved", "ended", "recovered_fen") == {on: (1, 1, 100)}


def test_what_was_taken_back_by_reopening_counts_no_more_and_what_comes_then_does() -> None:
    assert happened(RESOLVED, "resolved", "ended", "mediation_succeeded") == {SHANGHAI_DAY[4]: (1, 1, 1)}
    again = reopened(6, RESOLVED)
    assert happened(again, "resolved", "ended", "mediated", "accepted") == {}
    assert happened(again, "received") == {SHANGHAI_DAY[1]: (1,)}
    solved = (*again, Resolved(occurred_at=day(50), actor=REGULATOR, basis="consumer_confirmed"))
    assert happened(solved, "resolved", "ended") == {SHANGHAI_DAY[50]: (1, 1)}


def test_a11_what_happened_to_one_that_was_merged_into_another_is_not_counted() -> None:
    into = "complaint-31313131-3131-4131-8131-313131313131"
    merged = Merged(occurred_at=day(3), actor=REGULATOR, into=into)
    assert happened(RECEIVED, *MEASURES) != {}
    assert happened((*RECEIVED, merged), *MEASURES) == {}


def test_a9_mediation_that_failed_counts_on_its_day_also_when_the_case_goes_to_court() -> None:
    ended = lived(step(ending.close, day(5), REGULATOR, ground="no_agreement"), since=ROUTED)
    assert happened(ended, "ended", "mediated") == {SHANGHAI_DAY[5]: (1, 0)}
    failed = (*ACCEPTED, MediationEnded(occurred_at=day(5), actor=REGULATOR, ground="no_agreement"))
    assert happened(failed, "ended", "mediated", "mediation_succeeded") == {SHANGHAI_DAY[5]: (1, 1, 0)}
    court = (*failed, CourtReferred(occurred_at=day(9), actor=CONSUMER, division="310115", basis="buyer_domicile"))
    assert happened(court, "ended", "mediated", "mediation_succeeded") == {SHANGHAI_DAY[5]: (0, 1, 0)}


def test_what_a_register_of_origin_corrects_ends_it_on_that_day() -> None:
    closed = lived(step(ending.correct, day(7), SERVICE, answer="explanation"), since=IMPORTED[:-1])
    assert happened(closed, "ended", "resolved") == {SHANGHAI_DAY[7]: (1, 0)}
    again = lived(step(ending.correct, day(8), SERVICE, answer="explanation"), since=closed)
    assert happened(again, "ended", "resolved") == {SHANGHAI_DAY[7]: (1, 0)}
    relieved = lived(step(ending.correct, day(9), SERVICE, answer="relief"), since=again)
    assert happened(relieved, "ended", "resolved") == {SHANGHAI_DAY[9]: (1, 1)}
    assert happened(IMPORTED, "answered", "resolved", "recovered_fen") == {date(2014, 2, 20): (1, 1, 1234)}


def test_g2_a_fine_counts_on_the_day_of_its_imposition_as_it_stands() -> None:
    penalty = {"case_number": "2026-17", "basis": "Advertising Law, art. 56", "violation": "price-fraud"}
    imposed = step(reports.impose_penalty, day(9), REGULATOR, **penalty, fine=yuan("20000.00"), merchant_id=MERCHANT_ID)
    fined = lived(imposed, since=CASE)
    assert happened(fined, "cases_filed", "verified", "fines", "fine_fen") == {
        SHANGHAI_DAY[2]: (1, 1, 0, 0),
        SHANGHAI_DAY[9]: (0, 0, 1, 2_000_000),
    }
    measure = "measure-98989898-9898-4898-8898-989898989898"
    revised = {"occurred_at": day(30), "actor": SERVICE, "measure": measure}
    less = reports.PenaltyRevised.model_validate({**revised, "fine": yuan("5000.00"), "counts": True})
    assert happened((*fined, less), "fines", "fine_fen") == {SHANGHAI_DAY[9]: (1, 500_000)}
    gone = reports.PenaltyRevised.model_validate({**revised, "fine": None, "counts": False})
    assert happened((*fined, gone), "fines", "fine_fen") == {}


def test_an_answer_counts_on_the_day_of_the_first_one_of_the_round() -> None:
    answered = lived(step(negotiation.answer, day(2), MERCHANT, kind="explanation"), since=ROUTED)
    assert happened(answered, "answered", "answered_on_time") == {SHANGHAI_DAY[2]: (1, 1)}
