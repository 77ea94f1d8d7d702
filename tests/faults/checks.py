"""What must hold once everything is healed, whatever happened before. Each check returns what it found wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from adapters.database import connect
from adapters.verify import verify
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
    for command_id in kept.keys() - known:
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
