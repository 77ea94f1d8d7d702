"""Laws that hold for whatever is tried, in whatever order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from domain.complaint import decisions
from domain.complaint.events import AnswerKind, ComplaintEvent
from domain.complaint.state import NEW, Complaint, Status, evolve
from domain.errors import LedgerError
from domain.values import Channel, Money, Origin
from projections.complaint_details import COMPLAINT_DETAILS, Row
from projections.resolution_statistics import MEASURES, contributions
from tests.domain.scenario import CONSUMER, MERCHANT, MERCHANT_ID, REGULATOR, SERVICE, START

money = st.builds(Money, fen=st.integers(0, 10**9), currency=st.sampled_from(["CNY", "USD"]))
times = st.integers(0, 60 * 24 * 90).map(lambda minutes: START + timedelta(minutes=minutes))
actors = st.sampled_from([CONSUMER, MERCHANT, REGULATOR, SERVICE])
due = st.none() | times

commands: list[st.SearchStrategy[tuple[Any, dict[str, Any]]]] = [
    st.tuples(
        st.just(decisions.file),
        st.fixed_dictionaries(
            {
                "consumer_id": st.just(CONSUMER.id),
                "channel": st.sampled_from(Channel),
                "scheme": st.just("free"),
                "product": st.sampled_from(["a", "b"]),
                "origin": st.sampled_from([None, Origin(register_name="cfpb", reference="1")]),
            }
        ),
    ),
    st.tuples(
        st.just(decisions.route), st.fixed_dictionaries({"merchant_id": st.just(MERCHANT_ID), "answer_due": due})
    ),
    st.tuples(
        st.just(decisions.answer),
        st.fixed_dictionaries(
            {
                "kind": st.sampled_from(AnswerKind),
                "relief": st.none() | money,
                "stated": st.sampled_from([None, "in_time", "late", "not_stated"]),
            }
        ),
    ),
    st.tuples(st.just(decisions.miss_answer), st.just({})),
    st.tuples(
        st.just(decisions.resolve),
        st.fixed_dictionaries({"basis": st.just("agreement"), "recovered": st.none() | money}),
    ),
    st.tuples(
        st.just(decisions.close),
        st.fixed_dictionaries({"ground": st.sampled_from(["answered", "no_agreement", "unfounded"])}),
    ),
    st.tuples(st.just(decisions.dispute), st.just({})),
    st.tuples(st.just(decisions.withdraw), st.just({})),
    st.tuples(st.just(decisions.reopen), st.fixed_dictionaries({"reason": st.just("again"), "answer_due": due})),
    st.tuples(
        st.just(decisions.correct),
        st.fixed_dictionaries(
            {}, optional={"product": st.just("c"), "disputed": st.booleans(), "answer": st.sampled_from(AnswerKind)}
        ),
    ),
]
attempts = st.lists(st.tuples(st.one_of(commands), times, actors), max_size=25)


def histories() -> st.SearchStrategy[list[ComplaintEvent]]:
    """Histories that decisions have made."""
    return attempts.map(lambda tried: run(tried)[1]).filter(bool)


def run(tried: list[Any]) -> tuple[Complaint, list[ComplaintEvent]]:
    state, history = NEW, list[ComplaintEvent]()
    for (decide, arguments), at, by in tried:
        try:
            events = decide(state, at=at, by=by, **arguments)
        except LedgerError:
            continue
        for event in events:
            state = evolve(state, event)
            history.append(event)
    return state, history


@settings(max_examples=300, deadline=None)
@for_all(attempts)
def test_what_was_decided_replays_to_the_same_state(tried: list[Any]) -> None:
    state, history = run(tried)
    replayed = NEW
    for event in history:
        replayed = evolve(replayed, event)
    assert replayed == state


@settings(max_examples=300, deadline=None)
@for_all(attempts)
def test_a_withdrawn_complaint_only_ever_follows_its_register(tried: list[Any]) -> None:
    _, history = run(tried)
    names = [event.name for event in history]
    if "complaint.withdrawn" in names:
        after = names[names.index("complaint.withdrawn") + 1 :]
        assert set(after) <= {"complaint.corrected"}


@settings(max_examples=300, deadline=None)
@for_all(attempts)
def test_a_deadline_is_missed_once_between_two_reopenings(tried: list[Any]) -> None:
    _, history = run(tried)
    misses = 0
    for event in history:
        if event.name == "complaint.reopened":
            misses = 0
        misses += event.name == "complaint.deadline_missed"
        assert misses <= 1


@settings(max_examples=300, deadline=None)
@for_all(histories())
def test_the_row_agrees_with_the_state_and_contributes_the_same_to_every_dimension(
    history: list[ComplaintEvent],
) -> None:
    state = NEW
    row: Row | None = None
    for event in history:
        state = evolve(state, event)
        row = COMPLAINT_DETAILS.fold(row, event)
    assert row is not None
    assert row.disputed == state.disputed
    assert row.status == state.status
    assert row.resolved == (state.status is Status.RESOLVED)
    by_dimension = {key[0]: measures for key, measures in contributions(row).items()}
    assert len(set(by_dimension.values())) == 1
    measures = dict(zip(MEASURES, by_dimension["all"], strict=True))
    assert measures["answered_on_time"] <= measures["answered"] <= measures["valid"] <= measures["filed"] == 1
    assert measures["resolved"] <= measures["valid"]
