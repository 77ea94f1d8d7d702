"""What must hold once everything is healed, whatever happened before. Each check returns what it found wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from adapters.database import connect
from adapters.record import Recorded, read_record
from adapters.verify import verify
from domain.complaint import life
from domain.complaint.clocks import DeadlineMissed, OfferExpired
from domain.complaint.state import Complaint, Deadline
from domain.reactions import PROCESS, reactions_to
from domain.streams import kind_of
from domain.values import CLOCK
from tests.faults.clients import Client, Sent
from tests.faults.published import assert_published_once_and_in_order


@dataclass(frozen=True, slots=True)
class Kept:
    """A command as the ledger has it: where its events are."""

    stream: str
    positions: tuple[int, ...]
    versions: tuple[int, ...]
    types: tuple[str, ...]


def ledger(database_url: str, clients: Sequence[Client]) -> Iterator[str]:
    """Acknowledged commands are there once, as acknowledged and in order; others at most once; nothing else is."""
    conn = connect(database_url, None)
    try:
        with conn.cursor() as cursor:
            cursor.execute("select position, recorded_at from ledger.events order by position")
            rows = cursor.fetchall()
            cursor.execute(
                "select command_id, min(stream), count(distinct stream), array_agg(position order by command_index), "
                "array_agg(version order by command_index), array_agg(type order by command_index) "
                "from ledger.events group by command_id"
            )
            kept: dict[str, Kept] = {}
            for command_id, stream, streams, positions, versions, types in cursor:
                kept[command_id] = Kept(stream, tuple(positions), tuple(versions), tuple(types))
                if streams > 1:
                    yield f"the command {command_id} is in {streams} streams"
    finally:
        conn.close()
    if [position for position, _ in rows] != list(range(1, len(rows) + 1)):
        yield f"positions are not contiguous up to {len(rows)}"
    times = [at for _, at in rows]
    if times != sorted(times):
        yield "a time of recording went back"
    known: set[str] = set()
    for client in clients:
        last = 0
        for sent in client.sent:
            found = kept.get(sent.command_id)
            known.add(sent.command_id)
            yield from _one(sent, found)
            if sent.answer is not None and sent.answer["position"] is not None:
                if sent.answer["position"] <= last:
                    yield f"{sent.path} of client {client.number} was acknowledged before position {last}"
                last = sent.answer["position"]
    own = {one.command_id for _, one in everything(database_url) if one.event.actor in (CLOCK, PROCESS)}
    for command_id in kept.keys() - known - own:
        yield f"nobody sent the command {command_id} at position {kept[command_id].positions[0]}"


def _one(sent: Sent, found: Kept | None) -> Iterator[str]:
    what = f"{sent.operation} {sent.path} (key {sent.key})"
    if found is not None:
        for numbers in (found.positions, found.versions):
            if numbers != tuple(range(numbers[0], numbers[0] + len(numbers))):
                yield f"{what} is in the ledger with gaps, or more than once: {found}"
    if sent.answer is not None:
        told = sent.answer
        if found is None and not told["events"]:
            return
        if found is None:
            yield f"{what} was acknowledged at {told['position']}, and is not in the ledger"
        elif (found.stream, found.positions[-1], found.versions[-1], list(found.types)) != (
            told["id"],
            told["position"],
            told["version"],
            told["events"],
        ):
            yield f"{what} was acknowledged as {told}, and is in the ledger as {found}"
        elif sent.stream not in (None, found.stream):
            yield f"{what} ended up in {found.stream}"
    elif sent.refused is not None and not sent.unknown and found is not None:
        yield f"{what} was refused with {sent.refused}, and is in the ledger as {found}"


class Line(NamedTuple):
    """An event of a complaint, with the command that it came from."""

    stream: str
    command_id: str
    event: life.ComplaintEvent


def _lines(database_url: str) -> list[Line]:
    conn = connect(database_url, None)
    with conn.cursor() as cursor:
        cursor.execute("select record from ledger.events where stream like 'complaint-%' order by stream, version")
        records = [read_record(bytes(record)) for (record,) in cursor]
    conn.close()
    return [Line(one.originator_id, one.command_id, one.event) for one in records]  # type: ignore[arg-type]


def everything(database_url: str) -> list[tuple[int, Recorded]]:
    """All records, by position."""
    conn = connect(database_url, None)
    with conn.cursor() as cursor:
        cursor.execute("select position, record from ledger.events order by position")
        found = [(position, read_record(bytes(record))) for position, record in cursor]
    conn.close()
    return found


def followed(database_url: str, counted: Counter[str]) -> Iterator[str]:
    """What follows from an event in another stream is recorded there once; nothing else is. ``counted``: by rule."""
    recorded = everything(database_url)
    commands: Counter[tuple[str | None, str]] = Counter()
    for _, _, cause, stream in {
        (one.command_id, one.command_digest, one.causation_id, one.originator_id)
        for _, one in recorded
        if one.event.actor == PROCESS
    }:
        commands[cause, stream] += 1
    expected: Counter[tuple[str | None, str]] = Counter()
    states: dict[str, Any] = {}
    for _, one in recorded:
        stream, kind = one.originator_id, kind_of(one.originator_id)
        states[stream] = kind.evolve(states.get(stream, kind.new), one.event)
        for reaction in reactions_to(stream, one.event, states[stream]):
            expected[f"{stream}:{one.originator_version}", reaction.stream] += 1
            counted[f"followed by {reaction.rule}"] += 1
    for key in commands - expected:
        yield f"{key[0]} led to something in {key[1]} that does not follow, or twice"
    for key in expected - commands:
        yield f"{key[0]} led to nothing in {key[1]}"


def unrecorded(database_url: str, until: datetime) -> str:
    """Tell what watchers have still to do about what falls due before ``until``; empty when that is nothing."""
    conn = connect(database_url, None)
    with conn.cursor() as cursor:
        cursor.execute(
            "select h.position - p.position, (select count(*) from watch.dues where next_due < %s), "
            "(select count(*) from watch.failed), h.position - r.position, "
            "(select count(*) from watch.reactions_waiting) from ledger.head h, watch.progress p, watch.reactions r",
            (until,),
        )
        (found,) = cursor.fetchall()
    conn.close()
    what = "{} positions are not read, {} streams are due, {} failed, {} causes may be unread, {} reactions wait"
    return what.format(*found) if any(found) else ""


def deadlines(
    database_url: str, clients: Sequence[Client], now: datetime, fast_since: datetime | None, counted: Counter[str]
) -> Iterator[str]:
    """What fell due before ``now`` and was not met is recorded once, in its place, at its due time; nothing else is.

    A due time passes by the clock of whoever records it. So a miss may be recorded before its time after
    ``fast_since``, when the clock of an api or a watcher first was fast; but only then. ``counted`` takes up how many
    clocks ended in what way.
    """
    sent = {one.command_id: one for client in clients for one in client.sent}
    for stream, lines in groupby(_lines(database_url), key=lambda line: line.stream):
        state = Complaint()
        misses: list[tuple[Deadline, datetime]] = []
        for line in lines:
            event = line.event
            told_at = sent[line.command_id].told_at if line.command_id in sent else None
            running = {clock.deadline: clock.due for clock in state.clocks if clock.left is None}
            for deadline, due in running.items():
                if due < event.occurred_at:
                    yield f"{stream}: {event.name} at {event.occurred_at} is behind {deadline}, due {due}, unrecorded"
            missed = _missed(event)
            if missed is not None:
                if running.get(missed) != event.occurred_at:
                    yield f"{stream}: {missed} is recorded as missed at {event.occurred_at}, when it did not run out"
                misses.append((missed, event.occurred_at))
                counted["missed, recorded by a watcher" if told_at is None else "missed, recorded by an act"] += 1
            elif told_at is not None:
                # What stands behind a miss was told when that had been recorded already.
                yield from _early(stream, misses, told_at, fast_since)
            state = life.evolve(state, event)
            ended = running.keys() - {clock.deadline for clock in state.clocks} - {missed}
            counted["met or over in time"] += len(ended)
        yield from _early(stream, misses, now, fast_since)
        for clock in state.clocks:
            if clock.left is None and clock.due < now:
                yield f"{stream}: {clock.deadline} was due at {clock.due}, and is not recorded"
            counted["running on"] += 1


def _missed(event: life.ComplaintEvent) -> Deadline | None:
    match event:
        case DeadlineMissed():
            return event.deadline
        case OfferExpired():
            return Deadline.OFFER
        case _:
            return None


def _early(
    stream: str, misses: Sequence[tuple[Deadline, datetime]], known_at: datetime, fast_since: datetime | None
) -> Iterator[str]:
    for deadline, due in misses:
        if known_at < due and (fast_since is None or known_at < fast_since):
            yield f"{stream}: {deadline}, due {due}, was recorded as missed by {known_at}, when no clock had been fast"


def everything_else(database_url: str, bootstrap: str, prefix: str) -> Iterator[str]:
    """The topics equal the ledger, all of `verify` holds, and nothing is parked."""
    try:
        assert_published_once_and_in_order(database_url, bootstrap, prefix)
    except AssertionError as error:
        yield f"topics: {str(error)[:2_000]}"
    for check in verify(database_url, bootstrap, prefix, lambda *_: None):
        if check.wrong:
            yield f"verify: {check.name}: {check.wrong} wrong, such as {check.findings[0]}"
    conn = connect(database_url, None)
    with conn.cursor() as cursor:
        cursor.execute("select stream, error from read.parked where error is not null")
        for stream, why in cursor:
            yield f"{stream} is parked, though no record is damaged: {why}"
    conn.close()
