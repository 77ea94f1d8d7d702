"""The tables of items hold what a slow, obvious reading of the events says; the rows agree with the domain's states."""

from __future__ import annotations

import re
from datetime import date, datetime
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.calendar import SHANGHAI
from domain.event import Event
from domain.office.establishment import Established, Level
from domain.office.evaluation import ActionTaken, EvaluationRecorded, FindingRecorded, MeasuredAgain
from domain.office.state import Figures
from domain.streams import kind_of
from projections.catalogue import PROJECTIONS
from projections.items import dump, load
from tests.domain.chance import UUIDS
from tests.domain.scenario import REGULATOR, day
from tests.projections.histories import interleaved, of_a_market, of_a_rulebook
from tests.projections.reference_items import KINDS, expected
from tests.projections.test_batches import Store, project

SEEDS = st.integers(0, 2**32)
#: What a market comes to within a few years; the others need longer than a test lasts.
FILLED = re.findall(
    r"\S+",
    """
merchant_memberships merchant_links merchant_mergers merchant_policies merchant_volumes merchant_corrections
merchant_listings merchant_repairs merchant_citations merchant_texts office_mediators office_conflicts
office_warnings office_yearly_lists office_yearly_entries office_evaluations office_findings office_actions
office_citations office_texts fund_flows fund_advances platform_rules platform_membership_changes
platform_notices platform_privacy_audits platform_reports platform_report_violations platform_report_complaints
platform_citations platform_texts measure_remedies measure_complaints measure_texts room_sessions room_showings
room_subjects room_label_gaps credit_events leaks consents leak_citations leak_texts
""",
)


def stores(histories: dict[str, list[Event]], chance: Random) -> dict[str, Store]:
    """All read models of streams, by the prefix of their kind; but those of complaints, which have no items."""
    found = {}
    for projection in PROJECTIONS:
        if projection.kind.prefix in KINDS:
            own = {stream: events for stream, events in histories.items() if kind_of(stream) is projection.kind}
            found[projection.kind.prefix] = project(projection, interleaved(own, chance), chance, 200)
    return found


def tables(of: dict[str, Store]) -> dict[str, dict[tuple[Any, ...], list[int]]]:
    """What all tables of sums hold, by name; those that hold nothing are left out."""
    return {
        sums.table: kept
        for store in of.values()
        for sums, kept in zip(store.projection.sums, store.sums, strict=True)
        if kept
    }


def check(histories: dict[str, list[Event]], chance: Random) -> None:
    """All tables equal the reference; and their keys fit an index, without nulls, in every zone."""
    found, reference = tables(stores(histories, chance)), expected(histories)
    assert found.keys() == reference.keys()
    for table, keys in reference.items():
        assert found[table] == keys, table
        for key in keys:
            assert None not in key, table
            assert sum(len(str(one).encode()) + 4 for one in key) < 2_600, table
            for one in key:
                if isinstance(one, datetime):
                    one.astimezone(SHANGHAI)


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_tables_of_items_hold_what_the_events_say(seed: int) -> None:
    check(of_a_market(seed, 500), Random(seed))


@settings(max_examples=2, deadline=None)
@given(SEEDS)
def test_g1_tables_of_the_rulebook_hold_what_was_published_last(seed: int) -> None:
    check(of_a_rulebook(Random(seed)), Random(seed))


def test_a_market_of_years_fills_the_tables() -> None:
    histories = of_a_market(1, 4_000)
    found = tables(stores(histories, Random(1)))
    assert [name for name in FILLED if f"read.{name}" not in found] == []
    reference = expected(histories)
    assert {table for table in found if found[table] != reference.get(table)} == set()


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_rows_agree_with_the_states_by_which_the_domain_decides(seed: int) -> None:
    histories = of_a_market(seed, 500)
    found = stores(histories, Random(seed))
    state = {stream: kind_of(stream).fold(events) for stream, events in histories.items()}
    for stream, (_, row) in found["fund"].rows.items():
        fund = state[stream]
        assert (row.paid_in_fen, row.advanced_fen, row.recovered_fen) == (fund.paid_in, fund.advanced, fund.recovered)
        assert row.paid_in_fen - row.advanced_fen + row.recovered_fen == row.stated_balance_fen == fund.balance
        left = row.advanced_fen - row.recovered_fen - row.written_off_fen
        assert left == sum(fund.outstanding.values())
        assert row.status == fund.status
    for stream, (_, row) in found["measure"].rows.items():
        measure, sanction = state[stream], state[stream].sanction
        assert (row.status, row.contested_by, row.paid_fen) == (measure.status, measure.contested_by, measure.paid_fen)
        assert (row.kind, row.ends_due) == (sanction.kind, sanction.until)
        assert row.amount_fen == (None if sanction.amount is None else sanction.amount.fen)
        assert (row.ended_at is not None) == measure.over
    for stream, (_, row) in found["grievance"].rows.items():
        assert (row.status, row.answered_at, bool(row.upheld)) == (
            state[stream].status,
            state[stream].answered,
            state[stream].upheld,
        )
    for stream, (_, row) in found["merchant"].rows.items():
        merchant = state[stream]
        industry = None if merchant.industry is None else (merchant.industry.scheme, merchant.industry.value)
        assert (None if row.industry is None else (row.industry_scheme, row.industry)) == industry
        assert (row.merged_into or "") == merchant.merged_into
        assert row.untrustworthy == any(one.active and one.name == "untrustworthy" for one in merchant.listings)
        assert row.circles.split() == sorted(name for name, own in merchant.circles.items() if own[-1][1] is None)
        assert (row.promise_since is not None) == bool(merchant.promises and merchant.promises[-1][1] is None)
    for stream, (_, row) in found["room"].rows.items():
        assert row.status == state[stream].status
        assert {row.operator, row.host, row.agency} - {None} == set(state[stream].subjects.values())
    for stream, (_, row) in found["credit"].rows.items():
        assert (row.recorded, row.withdrawn) == (len(state[stream].causes), len(state[stream].withdrawn))


def test_d12_a_finding_names_the_later_evaluation_that_it_was_measured_by() -> None:
    about = {"occurred_at": day(0), "actor": REGULATOR}
    figures = Figures(cases=3, resolution_hours_median=40, satisfaction_permille=700, success_permille=600)
    evaluated = f"platform-{UUIDS[0]}"
    quarters = [(date(2025, 1, 1), date(2025, 3, 31)), (date(2025, 4, 1), date(2025, 6, 30))]
    office: list[Event] = [
        Established(**about, title="t", level=Level.NATIONAL, division="000000"),
        *(
            EvaluationRecorded(
                **about, number=n, edition=1, evaluated=evaluated, first=first, last=last, figures=figures
            )
            for n, (first, last) in enumerate(quarters, 1)
        ),
        FindingRecorded(**about, number=1, evaluation=1, text="slow"),
        ActionTaken(**about, finding=1, text="two more mediators"),
        MeasuredAgain(**about, finding=1, evaluation=2, before=figures, after=figures),
    ]
    stream = f"office-{UUIDS[0]}"
    found = tables(stores({stream: office}, Random(0)))
    assert found == expected({stream: office})
    assert list(found["read.office_findings"]) == [(stream, 1, 1, day(0), day(0), 2)]


def test_items_are_written_the_same_whatever_their_order() -> None:
    assert dump({"b": {}, "a": {"2": {"y": 1, "x": "杭"}}}) == '{"a":{"2":{"x":"杭","y":1}},"b":{}}'
    assert load(dump({"a": {"1": {"x": 1}}})) == {"a": {"1": {"x": 1}}}
