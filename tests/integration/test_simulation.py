"""The simulated market: the same traffic for a seed, through the decisions of the domain, over all procedures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime

import pytest

from adapters.execute import Ledger, open_ledger
from adapters.rulebook import RulebookReader, publish_first_edition
from adapters.simulation.run import SimulationDiffers, Traffic, simulate
from domain.calendar import SHANGHAI
from domain.complaint import clocks, life
from domain.complaint.state import ENDED, NEW
from domain.errors import InvalidInput
from domain.event import Event
from domain.rulebook.book import EMPTY
from domain.streams import COMPLAINT

KEY = b"k" * 32
START = datetime(2026, 1, 5, tzinfo=SHANGHAI)
COMPLAINTS = 400


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    with closing(open_ledger(database_url)) as ledger:
        yield ledger


def run(ledger: Ledger, seed: int = 1, complaints: int = COMPLAINTS) -> Traffic:
    publish_first_edition(ledger)
    book = RulebookReader(ledger).current()
    return simulate(ledger, KEY, book, complaints=complaints, seed=seed, start=START, days=30)


def histories(ledger: Ledger) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = {}
    for stored in ledger.recorder.select_notifications(1, 1_000_000):
        recorded = ledger.mapper.to_domain_event(stored)
        found.setdefault(recorded.originator_id, []).append(recorded.event)
    return found


def test_every_request_goes_its_way_to_an_end_and_its_history_replays(ledger: Ledger) -> None:
    traffic = run(ledger)
    complaints = {s: events for s, events in histories(ledger).items() if s.startswith(COMPLAINT.prefix)}
    assert len(complaints) == traffic.complaints == COMPLAINTS
    assert Counter(event.name for events in complaints.values() for event in events) == Counter(
        {name: n for name, n in traffic.events.items() if name.startswith("complaint.")}
    )
    ended: Counter[str] = Counter()
    for events in complaints.values():
        state = NEW
        for event in events:
            state = life.evolve(state, event)  # type: ignore[arg-type]
        assert state.status in ENDED
        assert clocks.next_due(state) is None
        ended[state.status] += 1
    assert ended == traffic.ended


def test_all_procedures_are_gone_through(ledger: Ledger) -> None:
    traffic = run(ledger)
    assert {COMPLAINT.procedure_of[name] for name in traffic.events if name in COMPLAINT.procedure_of} == set(
        COMPLAINT.procedure_of.values()
    )


def test_the_same_seed_gives_the_same_traffic_and_adds_nothing(ledger: Ledger) -> None:
    first = run(ledger)
    before = ledger.recorder.max_notification_id()
    again = run(ledger)
    assert (again.events, again.ended, again.until) == (first.events, first.ended, first.until)
    assert again.already > 0
    assert ledger.recorder.max_notification_id() == before


def test_another_seed_gives_other_traffic_beside_the_first(ledger: Ledger) -> None:
    first = run(ledger)
    second = run(ledger, seed=2)
    assert second.already == 0
    assert second.events != first.events


def test_what_goes_on_at_once_is_bounded_by_the_time_that_a_case_takes(ledger: Ledger) -> None:
    going_on: list[int] = []
    publish_first_edition(ledger)
    simulate(
        ledger,
        KEY,
        RulebookReader(ledger).current(),
        complaints=COMPLAINTS,
        seed=1,
        start=START,
        days=3_650,
        progress=lambda traffic: going_on.append(traffic.going_on),
    )
    assert max(going_on) < COMPLAINTS // 4


def test_a_ledger_that_went_on_otherwise_is_refused_by_name(ledger: Ledger) -> None:
    run(ledger)
    with pytest.raises(SimulationDiffers, match=r"is in the ledger already, but goes on otherwise: use another seed"):
        simulate(ledger, KEY, EMPTY, complaints=COMPLAINTS, seed=1, start=START, days=30)


def test_nothing_to_simulate_is_an_error(ledger: Ledger) -> None:
    with pytest.raises(InvalidInput, match="at least one complaint and one day"):
        simulate(ledger, KEY, RulebookReader(ledger).current(), complaints=0, seed=1, start=START, days=1)
