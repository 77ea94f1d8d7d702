"""Commands: each runs once, whoever sends it how often, and what was decided on old facts is not recorded."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from adapters.execute import Command, Decide, Ledger, Result, command, open_ledger
from adapters.record import MAX_RECORD_BYTES, UNSTAMPED, canonical
from domain.complaint.ending import Disputed, Reopened, Withdrawn
from domain.complaint.negotiation import Answered, AnswerKind
from domain.complaint.settlement import Resolved
from domain.errors import InvalidInput, LedgerError, ReusedKey, RuleViolation, StaleVersion, UnknownStream
from domain.event import Event
from domain.values import CLOCK, format_instant

AT = datetime(2026, 1, 31, 1, 30, tzinfo=UTC)
LIMIT = 60.0
SENDERS = 8


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    ledger = open_ledger(database_url)
    yield ledger
    ledger.close()


@pytest.fixture
def stream(ledger: Ledger) -> str:
    """A complaint with one event."""
    stream = new_stream()
    ledger.execute(stream, noting("first"), new_command(), new=True)
    return stream


def new_stream() -> str:
    return f"complaint-{uuid4()}"


def new_command(key: str | None = None, **body: object) -> Command:
    return command(b"key of the service", CLOCK.id, "note", key, body)


def note(text: str) -> Withdrawn:
    return Withdrawn(occurred_at=AT, actor=CLOCK, reason=text)


def noting(*texts: str) -> Decide:
    return lambda state: [note(text) for text in texts]


def notes(ledger: Ledger, stream: str) -> list[str | None]:
    return [recorded.event.reason for recorded in ledger.history(stream) if isinstance(recorded.event, Withdrawn)]


def count(ledger: Ledger) -> int:
    return ledger.recorder.max_notification_id() or 0


def never(state: Any) -> Sequence[Event]:
    raise AssertionError("decided though the command had run")


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Call all in threads that start together; returns results or errors."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        barrier.wait(LIMIT)
        try:
            return call()
        except LedgerError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as executor:
        return list(executor.map(run, calls))


def test_a_command_says_what_it_did(ledger: Ledger) -> None:
    stream, mine = new_stream(), new_command()
    result = ledger.execute(stream, noting("a", "b"), mine, new=True)
    assert result == Result(stream, 2, 2, (note("a"), note("b")), repeated=False, correlation_id=mine.id)
    history = ledger.history(stream)
    assert [(r.originator_id, r.originator_version, r.event) for r in history] == [
        (stream, 1, note("a")),
        (stream, 2, note("b")),
    ]
    assert {(r.command_id, r.command_digest, r.causation_id) for r in history} == {(mine.id, mine.digest, None)}
    assert history[0].recorded_at is not None
    assert history[0].recorded_at == history[1].recorded_at


def test_the_same_command_again_returns_its_first_result_even_later(ledger: Ledger) -> None:
    stream, mine = new_stream(), new_command("key", text="a")
    first = ledger.execute(stream, noting("a", "b"), mine, new=True)
    ledger.execute(stream, noting("c"), new_command())
    for expected in (None, 0, 2, 7):
        again = ledger.execute(stream, never, new_command("key", text="a"), expected=expected)
        assert again == replace(first, repeated=True)
    assert notes(ledger, stream) == ["a", "b", "c"]


def test_a_key_with_another_body_is_refused(ledger: Ledger, stream: str) -> None:
    ledger.execute(stream, noting("a"), new_command("key", text="a"))
    with pytest.raises(ReusedKey, match="used before for another command"):
        ledger.execute(stream, noting("b"), new_command("key", text="b"))
    with pytest.raises(ReusedKey):
        ledger.execute(new_stream(), noting("b"), new_command("key", text="b"), new=True)
    assert count(ledger) == 2


def test_a_command_that_has_run_on_another_stream_returns_that_result(ledger: Ledger, stream: str) -> None:
    first = ledger.execute(stream, noting("a", "b"), new_command("key"))
    again = ledger.execute(new_stream(), noting("a"), new_command("key"), new=True)
    assert (again.stream, again.version, again.position, again.repeated) == (stream, 3, first.position, True)
    assert again.events == first.events
    assert count(ledger) == 3


def test_keys_of_other_actors_and_operations_are_other_keys() -> None:
    first = command(b"k", CLOCK.id, "file", "key", {"a": 1})
    assert first == command(b"k", CLOCK.id, "file", "key", {"a": 1})
    others = [
        command(b"k", str(uuid4()), "file", "key", {"a": 1}),
        command(b"k", CLOCK.id, "route", "key", {"a": 1}),
        command(b"k", CLOCK.id, "file", "yek", {"a": 1}),
        command(b"k", CLOCK.id, "file", None, {"a": 1}),
        command(b"k", CLOCK.id, "file", None, {"a": 1}),
    ]
    assert len({first.id, *(other.id for other in others)}) == 6
    assert command(b"k", CLOCK.id, "file", "key", {"a": 2}).id == first.id
    assert first.digest not in (
        command(b"k", CLOCK.id, "file", "key", {"a": 2}).digest,
        command(b"l", CLOCK.id, "file", "key", {"a": 1}).digest,
        command(b"k", CLOCK.id, "route", "key", {"a": 1}).digest,
    )


def test_the_same_command_sent_at_once_by_threads_runs_once(ledger: Ledger) -> None:
    for n in range(10):
        mine = new_command(f"key {n}")
        stream = f"complaint-{mine.new_id}"
        results = at_once([lambda: ledger.execute(stream, noting("a", "b"), mine, new=True)] * SENDERS)  # noqa: B023
        assert {(r.stream, r.version, r.position) for r in results} == {(stream, 2, 2 * n + 2)}
        assert sum(not r.repeated for r in results) == 1
        assert notes(ledger, stream) == ["a", "b"]


def test_one_command_id_sent_at_once_for_different_streams_runs_once(ledger: Ledger) -> None:
    for n in range(10):
        mine = new_command(f"key {n}")
        results = at_once([lambda: ledger.execute(new_stream(), noting("a"), mine, new=True)] * SENDERS)  # noqa: B023
        assert len({(r.stream, r.version, r.position) for r in results}) == 1
        assert sum(not r.repeated for r in results) == 1
    assert count(ledger) == 10


def test_one_key_sent_at_once_with_different_bodies_is_refused_to_all_but_one(ledger: Ledger, stream: str) -> None:
    calls = [lambda n=n: ledger.execute(stream, noting(f"{n}"), new_command("key", text=n)) for n in range(SENDERS)]
    results = at_once(calls)
    assert sorted(type(r).__name__ for r in results) == ["Result", *["ReusedKey"] * (SENDERS - 1)]
    assert count(ledger) == 2


def test_the_same_command_sent_at_once_by_processes_runs_once(ledger: Ledger, database_url: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    processes = [
        subprocess.Popen(
            [sys.executable, __file__, database_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    outputs = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        output, _ = process.communicate(timeout=LIMIT)
        assert process.returncode == 0
        outputs.append(json.loads(output))
    for runs in zip(*outputs, strict=True):
        assert len({(stream, version, position) for stream, version, position, _ in runs}) == 1
        assert sum(not repeated for *_, repeated in runs) == 1
    assert count(ledger) == 2 * len(outputs[0])


def test_a_stale_version_is_refused_and_nothing_is_written(ledger: Ledger, stream: str) -> None:
    ledger.execute(stream, noting("second"), new_command(), expected=1)
    for expected in (1, 0, 3):
        with pytest.raises(StaleVersion, match=f"at version 2, not {expected}: read it again") as raised:
            ledger.execute(stream, never, new_command(), expected=expected)
        assert (raised.value.stream, raised.value.expected, raised.value.actual) == (stream, expected, 2)
    assert notes(ledger, stream) == ["first", "second"]
    assert count(ledger) == 2


def test_of_commands_that_expect_the_same_version_one_wins(ledger: Ledger, stream: str) -> None:
    barrier = threading.Barrier(SENDERS)

    def call(n: int) -> Result:
        def decide(state: Any) -> list[Event]:
            barrier.wait(LIMIT)  # all have read version 1
            return [note(f"by {n}"), note(f"also by {n}")]

        return ledger.execute(stream, decide, new_command(), expected=1)

    results = at_once([lambda n=n: call(n) for n in range(SENDERS)])  # type: ignore[misc]
    assert sorted(type(r).__name__ for r in results) == ["Result", *["StaleVersion"] * (SENDERS - 1)]
    assert {(r.expected, r.actual) for r in results if isinstance(r, StaleVersion)} == {(1, 3)}
    (winner,) = [r for r in results if isinstance(r, Result)]
    assert [note("first"), *winner.events] == [recorded.event for recorded in ledger.history(stream)]


def test_a_lost_race_is_decided_anew_on_what_the_winner_recorded(ledger: Ledger, stream: str) -> None:
    barrier = threading.Barrier(SENDERS)
    decisions: list[int] = []

    def call(n: int) -> Result:
        tries = itertools.count(1)

        def decide(state: Any) -> list[Event]:
            decisions.append(n)
            if next(tries) == 1:
                barrier.wait(LIMIT)  # all have read version 1
            return [note(f"by {n}")]

        return ledger.execute(stream, decide, new_command())

    results = at_once([lambda n=n: call(n) for n in range(SENDERS)])  # type: ignore[misc]
    assert sorted(r.version for r in results) == list(range(2, SENDERS + 2))
    assert sorted(r.position for r in results) == list(range(2, SENDERS + 2))
    assert sorted(map(str, notes(ledger, stream))) == [*(f"by {n}" for n in range(SENDERS)), "first"]
    assert len(decisions) > SENDERS


def test_a_rule_that_the_winner_of_a_race_made_apply_refuses_the_loser(ledger: Ledger, stream: str) -> None:
    barrier = threading.Barrier(2)

    def decide(state: Any) -> list[Event]:
        if state.disputed:
            raise RuleViolation("dispute-once", "this answer is disputed already")
        barrier.wait(LIMIT)
        return [Disputed(occurred_at=AT, actor=CLOCK)]

    results = at_once([lambda: ledger.execute(stream, decide, new_command())] * 2)
    assert sorted(type(r).__name__ for r in results) == ["Result", "RuleViolation"]
    assert count(ledger) == 2


def test_an_unknown_stream_is_refused_unless_it_may_be_new(ledger: Ledger) -> None:
    missing = new_stream()
    with pytest.raises(UnknownStream, match=f"there is no complaint '{missing}'"):
        ledger.execute(missing, never, new_command())
    with pytest.raises(StaleVersion, match="at version 0, not 1"):
        ledger.execute(missing, never, new_command(), expected=1, new=True)
    with pytest.raises(InvalidInput, match="ids begin with"):
        ledger.execute("parcel-1", never, new_command(), new=True)
    assert ledger.history(missing) == []
    assert count(ledger) == 0
    assert ledger.execute(missing, noting("a"), new_command(), expected=0, new=True).version == 1


def test_a_decision_that_fails_leaves_nothing(ledger: Ledger, stream: str) -> None:
    def decide(state: Any) -> Iterator[Event]:
        yield note("half of it")
        raise RuleViolation("some-rule", "not so")

    mine = new_command("key")
    with pytest.raises(RuleViolation, match="not so"):
        ledger.execute(stream, decide, mine)  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError):
        ledger.execute(stream, lambda state: [note("a"), note(str(1 // 0))], mine)
    assert count(ledger) == 1
    assert ledger.execute(stream, noting("a"), mine).repeated is False


def test_a_decision_for_no_event_changes_nothing_and_may_be_repeated(ledger: Ledger, stream: str) -> None:
    mine = new_command("key")
    begun_by = ledger.history(stream)[0].command_id
    expected = Result(stream, 1, None, (), repeated=False, correlation_id=begun_by)
    assert ledger.execute(stream, noting(), mine) == expected
    assert count(ledger) == 1
    assert ledger.execute(stream, noting("a"), mine).position == 2


def test_all_events_of_a_stream_carry_the_correlation_id_of_its_first(ledger: Ledger) -> None:
    stream, first = new_stream(), new_command()
    ledger.execute(stream, noting("a", "b"), first, new=True)
    ledger.execute(stream, noting("c"), new_command())
    assert [r.correlation_id for r in ledger.history(stream)] == [first.id] * 3


def answer(text: str) -> Answered:
    return Answered(occurred_at=AT, actor=CLOCK, kind=AnswerKind.EXPLANATION, in_time=True, text=text)


def test_an_event_too_long_for_a_record_is_refused_with_its_size(ledger: Ledger, stream: str) -> None:
    with pytest.raises(InvalidInput, match=rf"complaint\.answered takes \d+ bytes, more than {MAX_RECORD_BYTES}"):
        ledger.execute(stream, lambda state: [note("a"), answer("诉" * 20_000)], new_command())
    assert count(ledger) == 1
    ledger.execute(stream, lambda state: [answer("诉" * 19_500)], new_command())
    assert ledger.history(stream)[1].event == answer("诉" * 19_500)


@pytest.mark.parametrize(
    "text",
    [
        f'"recordedat":"{UNSTAMPED}"',
        f'x","recordedat":"{UNSTAMPED}","y":"',
        f'\\","recordedat":"{UNSTAMPED}"',
        f'\\\\"recordedat":"{UNSTAMPED}"',
        UNSTAMPED,
    ],
)
def test_a_text_that_looks_like_the_place_of_the_time_is_left_alone(ledger: Ledger, stream: str, text: str) -> None:
    ledger.execute(stream, lambda state: [answer(text), note(text)], new_command())
    for recorded, event in zip(ledger.history(stream)[1:], (answer(text), note(text)), strict=True):
        assert recorded.event == event
        assert recorded.recorded_at is not None
    for stored in ledger.recorder.select_events(stream):
        envelope = json.loads(stored.state)
        assert envelope["recordedat"] != UNSTAMPED
        assert canonical(envelope) == stored.state


def test_a_history_can_be_read_as_it_was_known(ledger: Ledger, stream: str) -> None:
    for n in range(3):
        ledger.execute(stream, noting(f"{n}"), new_command())
    history = ledger.history(stream)
    for n, recorded in enumerate(history, 1):
        assert ledger.history(stream, known_at=recorded.recorded_at) == history[:n]
        assert ledger.history(stream, version=n) == history[:n]
    assert ledger.history(stream, known_at=AT) == []
    other = new_stream()
    assert ledger.histories([stream, other]) == {stream: history}


def test_the_ledger_is_an_application_of_the_library(ledger: Ledger, stream: str) -> None:
    settled = Resolved(occurred_at=AT, actor=CLOCK, basis="agreement")
    again = Reopened(occurred_at=AT, actor=CLOCK, reason="not settled")
    ledger.execute(stream, lambda state: [settled, again], new_command())
    assert [r.event for r in ledger.events.get(stream)] == [note("first"), settled, again]  # type: ignore[attr-defined]
    assert [r.originator_version for r in ledger.events.get(stream, gt=1, desc=True)] == [3, 2]
    section = ledger.notification_log["1,10"]
    assert [(n.id, n.originator_id, n.originator_version, n.topic) for n in section.items] == [
        (1, stream, 1, "complaint.withdrawn"),
        (2, stream, 2, "complaint.resolved"),
        (3, stream, 3, "complaint.reopened"),
    ]
    for notification, recorded in zip(ledger.notification_log.select(1, 10), ledger.history(stream), strict=True):
        assert ledger.mapper.to_domain_event(notification) == recorded
        assert recorded.recorded_at is not None
        assert format_instant(recorded.recorded_at).encode() in notification.state


def send(url: str) -> None:
    """As one of several processes: run the same commands as the others, when told to."""
    ledger = open_ledger(url)
    ledger.recorder.max_notification_id()
    print("ready", flush=True)
    sys.stdin.readline()
    results = []
    for n in range(30):
        mine = new_command(f"key {n}")
        done = ledger.execute(f"complaint-{mine.new_id}", noting("a", "b"), mine, new=True)
        results.append([done.stream, done.version, done.position, done.repeated])
    ledger.close()
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    send(sys.argv[1])
