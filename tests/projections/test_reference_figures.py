"""Rates, rankings, alerts and terms: the reference by numbers made by hand, and the rounding of figures against it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.complaint import filing, handling, mediation, negotiation, settlement
from domain.complaint.state import Deadline
from domain.complaint.ways import CourtReferred
from domain.event import Event
from domain.merchant.volumes import VolumeReported
from domain.subject.leaks import LeakRecorded
from projections import rates
from projections.resolution_statistics import MEASURES
from tests.domain.lives import (
    FROM_ORDER,
    MEDIATING,
    RECEIVED,
    RESOLVED,
    ROUTED,
    SETTLE,
    filing_step,
    lapsed,
    lived,
    route_step,
    step,
)
from tests.domain.scenario import CONSUMER, MERCHANT, MERCHANT_ID, REGULATOR, day, on
from tests.reference import figures

COUNT = st.integers(0, 10**7)
TODAY = date(2026, 3, 10)


@given(COUNT, COUNT, st.integers(1, 10_000), st.integers(1, 3))
def test_b3_every_ratio_is_rounded_half_up(part: int, whole: int, factor: int, decimals: int) -> None:
    exact = figures.share(part * factor, whole)
    assert rates.ratio(part, whole, factor, decimals) == figures.rounded(exact, decimals)


@given(COUNT, COUNT)
def test_b3_percentages_and_growth_are_those_of_the_reference(this: int, before: int) -> None:
    assert rates.percent(this, before) == figures.percent(figures.share(this, before))
    assert rates.growth(this, before) == figures.growth(this, before)


@given(st.lists(st.integers(0, 500), min_size=len(MEASURES), max_size=len(MEASURES)))
def test_g2_every_rate_is_that_of_the_reference(values: list[int]) -> None:
    sums = dict(zip(MEASURES, values, strict=True))
    assert rates.rates(sums) == figures.rates(sums)


def test_b3_rounding_by_hand() -> None:
    assert figures.percent(Fraction(15_325, 45_938)) == "33.4"
    assert figures.percent(Fraction(6_670, 20_000)) == "33.4"
    assert figures.percent(Fraction(66_699, 200_000)) == "33.3"
    assert figures.percent(None) is None
    assert (figures.growth(3, 2), figures.growth(1, 2), figures.growth(1, 0)) == ("50.0", "-50.0", None)


def group(resolved: int, open_: int) -> Sequence[tuple[Event, ...]]:
    return [RESOLVED] * resolved + [RECEIVED] * open_


def test_b4_a_ranking_is_by_the_exact_fraction_then_the_greater_n_then_the_id() -> None:
    groups = {"d": group(2, 2), "c": group(3, 3), "b": group(3, 3), "a": group(4, 5), "few": group(2, 0)}
    places, left_out = figures.ranking(groups, "resolved_rate", least=4)
    assert [(one.key, one.n) for one in places] == [("b", 6), ("c", 6), ("d", 4), ("a", 9)]
    assert left_out == 1


def test_b4_an_industry_in_which_nobody_has_enough_has_no_winner() -> None:
    groups = {"a": group(2, 2), "b": group(3, 1), "c": group(3, 0)}
    assert figures.awards(groups, {"a": "52", "b": "52", "c": "80"}, least=4) == {"52": "b", "80": None}


def test_b10_of_scenarios_that_are_as_frequent_the_id_that_sorts_first_is_the_more_frequent() -> None:
    def of(scenario: str) -> tuple[Event, ...]:
        return lived(step(filing.classify, day(2), REGULATOR, scenario=scenario), since=RECEIVED)

    streams = [of("price-fraud"), of("data-leak"), of("delivery"), of("delivery")]
    top, covered = figures.funnel(streams, top=2)
    assert (top, covered) == ([("delivery", 2), ("data-leak", 1)], Fraction(3, 4))


def test_b9_complaints_per_10_000_go_by_the_last_edition_of_what_was_reported() -> None:
    first, last = date(2026, 3, 1), date(2026, 3, 31)
    reports = [
        VolumeReported(
            occurred_at=day(30),
            actor=MERCHANT,
            first=first,
            last=last,
            stage="delivery",
            transactions=n,
            active_users=users,
            edition=edition,
        )
        for edition, n, users in ((2, 80_000, 0), (1, 10, 10))
    ]
    streams = [lived(filing_step(stage="delivery"))] * 3 + [lived(filing_step())]
    assert figures.per_10_000(streams, reports, "delivery", first, last) == ("0.38", None)


def test_b8_b16_before_and_after_are_per_30_days_of_those_that_are_over() -> None:
    turn = date(2026, 3, 2)
    streams = [lived(filing_step(at)) for at in (on("2025-09-03 09:00"), on("2025-09-02 09:00"), day(0), day(59))]
    assert figures.around(streams, turn, date(2026, 5, 1)) == ("0.17", "1.00", True)
    assert figures.around(streams, turn, date(2026, 8, 29)) == ("0.17", "0.33", False)


@pytest.mark.parametrize(("recent", "base", "rises"), [(10, 26, True), (10, 27, False), (9, 0, False), (12, 32, True)])
def test_a_sudden_rise_is_of_ten_and_of_three_times_the_average_of_the_eight_weeks_before(
    recent: int, base: int, rises: bool
) -> None:
    def filed(on_day: date) -> tuple[Event, ...]:
        at = datetime(on_day.year, on_day.month, on_day.day, 2, tzinfo=UTC)
        return lived(filing_step(at), route_step(at))

    last, before = filed(TODAY - timedelta(days=7)), filed(TODAY - timedelta(days=8))
    streams = [last] * recent + [before] * base + [filed(TODAY)] * 50 + [filed(TODAY - timedelta(days=64))] * 50
    found = figures.sudden_rises(streams, TODAY)
    assert found == ({MERCHANT_ID: [last] * recent} if rises else {})


def test_b12_a_leak_is_an_alert_for_30_days() -> None:
    recorded = [
        LeakRecorded(occurred_at=day(n), actor=REGULATOR, source="a courier", what="addresses", complaints=())
        for n in (0, 1)
    ]
    assert figures.leaks(recorded, day(30.5)) == recorded[1:]


def test_an_answer_that_is_due_is_at_risk_then_overdue_until_it_comes() -> None:
    asked = lived(route_step(answer_due=day(5)), since=FROM_ORDER)
    assert not figures.at_risk(asked, day(2.9))
    assert figures.at_risk(asked, day(3))
    assert figures.overdue(asked, day(5)) == set()
    assert figures.overdue(asked, day(5.1)) == {Deadline.ANSWER}
    late = (*asked, *lapsed(asked, day(6)))
    assert figures.overdue(late, day(6)) == {Deadline.ANSWER}
    answered = lived(step(negotiation.answer, day(7), MERCHANT, kind="explanation"), since=late)
    assert figures.overdue(answered, day(7)) == set()
    assert figures.overdue(ROUTED, day(3)) == set()


def test_a3_what_was_missed_is_overdue_until_it_is_done_or_somebody_else_has_it() -> None:
    late = (*RECEIVED, *lapsed(RECEIVED, day(120)))
    pledged = {Deadline.FIRST_RESPONSE, Deadline.ACCEPTANCE, Deadline.RESOLUTION}
    assert figures.overdue(late, day(120)) == pledged
    accepted = lived((handling.accept, day(121), REGULATOR, {}), since=late)
    assert figures.overdue(accepted, day(121)) == {Deadline.RESOLUTION}
    ended = lived(step(mediation.end_mediation, day(122), REGULATOR, ground="no-agreement"), since=accepted)
    assert figures.overdue(ended, day(999)) == set()
    court = CourtReferred(occurred_at=day(123), actor=REGULATOR, division="330106", basis="buyer_domicile")
    assert figures.overdue((*ended, court), day(999)) == set()


def test_d1_what_was_agreed_is_overdue_until_it_is_performed() -> None:
    agreed = lived(SETTLE, since=MEDIATING)
    due = figures.running(agreed)[0].due
    assert figures.waits(agreed)
    assert figures.at_risk(agreed, due)
    unperformed = (*agreed, *lapsed(agreed, due + timedelta(days=1)))
    assert figures.overdue(unperformed, due + timedelta(days=2)) == {Deadline.PERFORMANCE}
    done = lived(
        step(settlement.perform, due + timedelta(days=3), CONSUMER, item=0),
        step(settlement.perform, due + timedelta(days=3), CONSUMER, item=1, amount=SETTLE[3]["terms"][1].amount),
        since=unperformed,
    )
    assert figures.overdue(done, due + timedelta(days=9)) == set()
    assert not figures.waits(done)
