"""Every message of the public feed against the reference, message by message, over lives by chance and by hand."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from adapters.public_feed import take_up
from domain.complaint import ending, publication, settlement
from domain.complaint.clocks import Published
from domain.complaint.ending import Corrected
from domain.complaint.filing import Filed
from domain.complaint.publication import OutcomePublished
from domain.complaint.state import Status
from domain.event import Event
from domain.streams import COMPLAINT
from domain.values import Channel, Code, Money, Origin
from projections.projection import Fact
from tests.domain.lives import RESOLVED, lived, step
from tests.domain.random_lives import a_life
from tests.domain.scenario import CONSUMER, MEDIATOR, REGULATOR, SERVICE, day, on
from tests.domain.test_publication import BOTH, TEXT
from tests.projections.test_reference_cases import IMPORTED
from tests.reference import public

STREAM = "complaint-aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
OTHER = "merchant-23232323-2323-4232-8232-232323232323"


def assert_told_as_the_reference(history: Sequence[Event]) -> list[dict[str, Any] | None]:
    row, found = None, []
    for version, event in enumerate(history, 1):
        row, change = take_up(row, Fact(10 * version, STREAM, version, event))
        if change is not None:
            found.append((version, None if change.value is None else json.loads(change.value)))
    same = {"complaint_id": STREAM}
    expected = [
        (version, None if value is None else {**value, **same, "position": 10 * version})
        for version, value in public.told(history)
    ]
    assert found == expected
    return [value for _, value in found]


def corrections(chance: Random, filed: Filed) -> list[Corrected]:
    """What a register may state otherwise, some of it each time."""
    stated: dict[str, Any] = {
        "merchant_id": OTHER,
        "channel": chance.choice([Channel.PHONE, Channel.WEB]),
        "region": Code(scheme="us-state", value=chance.choice(["NY", "CA"])),
        "in_time": chance.choice([True, False]),
        **{name: chance.choice("abc") for name in ("product", "sub_product", "issue", "sub_issue")},
    }
    return [
        Corrected(
            occurred_at=filed.occurred_at,
            actor=SERVICE,
            consumer_id=filed.consumer_id,
            **{name: value for name, value in stated.items() if chance.random() < 0.4},
        )
        for _ in range(chance.randint(0, 2))
    ]


def published_early(history: Sequence[Event], chance: Random) -> list[Event]:
    """The same life, public soon; of every second outcome is told, and of what a register knew it is corrected."""
    filed = history[0]
    assert isinstance(filed, Filed)
    imported = chance.random() < 0.5
    if imported:
        origin = Origin(register_name="R", reference="1")
        filed = filed.model_copy(update={"origin": origin, "scheme": chance.choice(["R", "free"]), "scenario": None})
    life: list[Event] = [filed, *history[1:]]
    for correction in corrections(chance, filed) if imported else ():
        life.insert(chance.randint(1, len(life)), correction)
    if chance.random() < 0.7:
        public_at = chance.randint(1, len(life))
        life.insert(public_at, Published(occurred_at=filed.occurred_at, actor=CONSUMER, basis="consumer_wish"))
    told: list[Event] = []
    for event in life:
        told.append(event)
        state = COMPLAINT.fold(told)
        if state.status in (Status.RESOLVED, Status.CLOSED) and chance.random() < 0.3 and _has_ended(state):
            said = OutcomePublished(
                occurred_at=event.occurred_at, actor=MEDIATOR, way=state.settlement.way, text=f"text {len(told)}"
            )
            told.append(said)
    return told


def _has_ended(state: Any) -> bool:
    return state.ended_at is not None and not state.settlement.decision_published


def test_b1_every_message_of_any_life_is_that_of_the_reference() -> None:
    chance = Random(20261123)
    told: Counter[str] = Counter()
    for seed in range(400):
        life = published_early(a_life(Random(seed), 25), chance)
        for value in assert_told_as_the_reference(life):
            told.update(list(value or ["tombstone"]))
            told["recovered"] += bool(value and value.get("outcome", {}).get("recovered"))
    assert min(told[name] for name in ("tombstone", "outcome", "recovered", "scenario", "product", "answer")) > 10, told


NOW = on("2026-03-02 09:30")


def test_b1_what_is_told_again_after_it_was_taken_back_counts_on_from_the_values_before() -> None:
    first = lived(*BOTH, step(publication.publish_outcome, day(10), MEDIATOR, text=TEXT), since=RESOLVED)
    again = lived(
        step(ending.reopen, day(11), CONSUMER, reason="again"),
        step(settlement.resolve, day(12), REGULATOR, basis="agreement", recovered=Money(fen=500, currency="USD")),
        since=first,
    )
    public_again = (*again, Published(occurred_at=day(13), actor=CONSUMER, basis="consumer_wish"))
    told = assert_told_as_the_reference(public_again)
    assert [value and value["publication"] for value in told] == [1, None, 2]


def test_d3_the_outcome_of_a_later_round_is_told_with_its_own_words_way_and_day() -> None:
    first = lived(*BOTH, step(publication.publish_outcome, day(10), MEDIATOR, text=TEXT), since=RESOLVED)
    # At half past midnight in Shanghai it is the day before in UTC.
    solved = [
        settlement.Resolved(
            occurred_at=on("2026-04-02 00:30"),
            actor=REGULATOR,
            basis="agreement",
            recovered=Money(fen=fen, currency=currency),
        )
        for fen, currency in ((700, "USD"), (0, "CNY"), (100, "EUR"))
    ]
    second = OutcomePublished(occurred_at=on("2026-04-03 00:30"), actor=MEDIATOR, way="adjudication", text="another")
    reopened = lived(step(ending.reopen, day(11), CONSUMER, reason="again"), since=first)
    (*_, last) = assert_told_as_the_reference((*reopened, *solved, second))
    assert last is not None
    assert (last["outcome"]["text"], last["outcome"]["way"]) == ("another", "adjudication")
    assert last["outcome"]["ended_on"] == "2026-04-02"
    assert last["outcome"]["recovered"] == [
        {"fen": 100, "currency": "EUR"},
        {"fen": 700, "currency": "USD"},
    ]


@pytest.mark.parametrize(
    "stated",
    [
        {"channel": Channel.PHONE},
        {"product": "Loan"},
        {"sub_product": "Car loan"},
        {"issue": "Fees"},
        {"sub_issue": "Late fees"},
        {"region": Code(scheme="us-state", value="CA")},
        {"merchant_id": OTHER},
        {"answer": "explanation"},
        {"in_time": False},
    ],
    ids=lambda stated: next(iter(stated)),
)
def test_b1_whatever_a_register_corrects_is_corrected_in_public_and_nothing_else(stated: dict[str, Any]) -> None:
    public_import = (*IMPORTED, Published(occurred_at=NOW, actor=CONSUMER, basis="consumer_wish"))
    history = lived(step(ending.correct, day(0), SERVICE, **stated), since=public_import)
    before, after = assert_told_as_the_reference(history)
    assert before is not None
    assert after is not None
    changed = {name for name in after if after[name] != before.get(name)} - {"publication", "position"}
    assert stated.keys() <= {"in_time", *changed}
    assert changed <= {*stated, "answered_in_time", "status", "resolved"}


def test_b1_an_answer_of_which_a_register_does_not_say_when_is_neither_late_nor_in_time() -> None:
    silent = [
        event.model_copy(update={"in_time": None}) if event.name == "complaint.answered" else event
        for event in IMPORTED
    ]
    (told,) = assert_told_as_the_reference((*silent, Published(occurred_at=NOW, actor=CONSUMER, basis="consumer_wish")))
    assert told is not None
    assert "answered_in_time" not in told
