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
from adapters.watcher import WatcherSettings
from domain.calendar import SHANGHAI
from domain.complaint import clocks, life
from domain.complaint.state import ENDED, NEW
from domain.errors import InvalidInput
from domain.fund.state import Fund
from domain.reactions import PROCESS
from domain.rulebook.book import EMPTY
from domain.streams import COMPLAINT, EVENT_TYPES, FUND, GRADE, KINDS, MERCHANT, RULEBOOK, kind_of
from tests.integration.actors import assert_all_followed_once
from tests.integration.deadlines import rows, watch_once
from tests.integration.item_world import histories

KEY = b"k" * 32
START = datetime(2026, 1, 5, tzinfo=SHANGHAI)
COMPLAINTS = 400


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    with closing(open_ledger(database_url)) as ledger:
        yield ledger


#: What a simulation does not come to: terms of three years, calendars that are published late, other registers.
NEVER = {"complaint.corrected", "complaint.dues_revised", "merchant.listing_ended"}


def run(ledger: Ledger, seed: int = 1, complaints: int = COMPLAINTS, days: int = 30) -> Traffic:
    publish_first_edition(ledger)
    book = RulebookReader(ledger).current()
    return simulate(ledger, KEY, book, complaints=complaints, seed=seed, start=START, days=days)


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


def test_repeated_after_all_has_followed_it_adds_nothing(ledger: Ledger, database_url: str) -> None:
    first = run(ledger)
    assert first.until is not None
    simulated = ledger.recorder.max_notification_id()
    watch_once(WatcherSettings(database_url), first.until)
    before = ledger.recorder.max_notification_id()
    assert simulated is not None
    assert before is not None
    assert before > simulated
    again = run(ledger)
    assert (again.events, again.ended, again.until) == (first.events, first.ended, first.until)
    watch_once(WatcherSettings(database_url), first.until)
    assert ledger.recorder.max_notification_id() == before


def test_what_follows_in_streams_that_go_on_is_found_there_by_the_process_managers(
    ledger: Ledger, database_url: str
) -> None:
    first = run(ledger)
    assert first.until is not None
    in_simulated_time = [event for events in histories(ledger).values() for event in events if event.actor == PROCESS]
    watch_once(WatcherSettings(database_url), first.until)
    all_of_them = [event for events in histories(ledger).values() for event in events if event.actor == PROCESS]
    assert 0 < len(in_simulated_time) < len(all_of_them)
    assert_all_followed_once(ledger, database_url)


def test_everybody_acts_and_every_stream_replays(ledger: Ledger, database_url: str) -> None:
    traffic = run(ledger, complaints=2_000, days=120)
    assert traffic.until is not None
    watch_once(WatcherSettings(database_url), traffic.until)
    assert rows(database_url, "select count(*) from watch.reactions_waiting") == [(0,)]
    found = histories(ledger)
    happened = {event.name for events in found.values() for event in events}
    # Grades are given from the read models at the end of a month, and neither a rulebook nor they are traffic.
    elsewhere = {*RULEBOOK.procedure_of, *GRADE.procedure_of}
    assert EVENT_TYPES.keys() - elsewhere - happened == NEVER
    ended = {stream: kind_of(stream).fold(events) for stream, events in found.items()}
    kinds = Counter(kind_of(stream).prefix for stream in ended)
    assert kinds.keys() == KINDS.keys() - {GRADE.prefix}
    funds: list[Fund] = [state for stream, state in ended.items() if kind_of(stream) is FUND]
    assert all(one.balance == one.paid_in - one.advanced + one.recovered >= 0 for one in funds)
    assert not any(one.outstanding for one in funds)
    merged = [state for stream, state in ended.items() if kind_of(stream) is MERCHANT and state.merged_into]
    assert all(ended[one.merged_into].absorbed for one in merged)


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
