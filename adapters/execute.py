"""Runs commands: read a stream, decide, append. The only way in which events come about."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, ClassVar, cast
from uuid import UUID, uuid4

from eventsourcing.application import Application

from adapters.database import Role
from adapters.ledger import Append, Appended, Conflict, Duplicate, PostgresRecorder
from adapters.record import Recorded, RecordMapper, canonical, read_record
from domain.errors import ReusedKey, StaleVersion, UnknownStream
from domain.event import Event
from domain.streams import kind_of

#: How often a command without an expected version is decided anew after losing a race.
ATTEMPTS = 10

Decide = Callable[[Any], Sequence[Event]]


@dataclass(frozen=True, slots=True)
class Command:
    """Identifies one run of a command. ``id`` is 32 hex digits, ``digest`` 64.

    ``causation_id`` is the id of the event that it follows from, where it follows from one: ``<stream>:<version>``.
    """

    id: str
    digest: str
    causation_id: str | None = None

    @property
    def new_id(self) -> str:
        """The id for what this command creates, so that the same command sent twice at once meets itself."""
        return str(UUID(self.id))


def command(service_key: bytes, actor_id: str, operation: str, key: str | None, body: Mapping[str, object]) -> Command:
    """Identify a command by who sends it, what it does, and the sender's idempotency key (minted where absent).

    ``digest`` is an HMAC, so that it tells two bodies apart without letting anybody guess at what they hold.
    """
    identity = canonical([actor_id, operation, key if key is not None else uuid4().hex])
    digest = hmac.digest(service_key, canonical([operation, dict(body)]), "sha256").hex()
    return Command(sha256(identity).hexdigest()[:32], digest)


@dataclass(frozen=True, slots=True)
class Result:
    """What a command did. ``position`` is that of its last event, ``version`` the stream's after it.

    ``repeated``: the same command had run before; this is what it did then. No events: it changed nothing.
    ``correlation_id`` is that of the stream's events: the id of the command that began it.
    """

    stream: str
    version: int
    position: int | None
    events: tuple[Event, ...]
    repeated: bool
    correlation_id: str


def seal(
    mapper: RecordMapper,
    stream: str,
    version: int,
    events: Sequence[Event],
    by_command: Command,
    *,
    correlation_id: str | None = None,
) -> Append:
    """Make the append of ``events`` behind ``version`` of ``stream``."""
    correlation = correlation_id or by_command.id
    return Append(
        [
            mapper.to_stored_event(
                Recorded(
                    stream,
                    version + n,
                    event,
                    by_command.id,
                    by_command.digest,
                    correlation,
                    by_command.causation_id,
                )
            )
            for n, event in enumerate(events, 1)
        ],
        by_command.id,
    )


class Ledger(Application[str]):
    """The application: executes commands and reads histories."""

    env: ClassVar[dict[str, str]] = {
        "PERSISTENCE_MODULE": "adapters.ledger:Factory",
        "MAPPER_TOPIC": "adapters.record:RecordMapper",
    }
    recorder: PostgresRecorder
    mapper: RecordMapper

    def execute(
        self,
        stream: str,
        decide: Decide,
        by_command: Command,
        *,
        expected: int | None = None,
        new: bool = False,
    ) -> Result:
        """Decide on the present state of ``stream`` and append what was decided.

        ``expected``: the version that the caller saw; StaleVersion is raised if the stream has moved on. Without
        it, a lost race is decided anew. ``new``: the stream may not exist yet. Raises UnknownStream, StaleVersion,
        ReusedKey, LedgerUnavailable, and whatever ``decide`` raises.
        """
        kind = kind_of(stream)
        for attempt in range(ATTEMPTS):
            history = self.history(stream)
            earlier = [n for n, recorded in enumerate(history) if recorded.command_id == by_command.id]
            if earlier:
                return self._repeated(by_command, history, earlier)
            if not history and not new:
                raise UnknownStream(f"there is no {kind.prefix} {stream!r}", hint="check the id")
            version = len(history)
            if expected is not None and expected != version:
                raise StaleVersion(stream, expected, version)
            events = tuple(decide(kind.fold(recorded.event for recorded in history)))
            correlation = history[0].correlation_id if history else by_command.id
            if not events:
                return Result(stream, version, None, (), repeated=False, correlation_id=correlation)
            append = seal(self.mapper, stream, version, events, by_command, correlation_id=correlation)
            match self.recorder.writer.append(append):
                case Appended(position=first):
                    last = first + len(events) - 1
                    return Result(
                        stream, version + len(events), last, events, repeated=False, correlation_id=correlation
                    )
                case Duplicate(position=position):
                    return self._duplicate(by_command, position)
                case Conflict(version=actual):
                    if expected is not None or attempt == ATTEMPTS - 1:
                        raise StaleVersion(stream, version, actual or 0)
        raise AssertionError("unreachable")

    def history(self, stream: str, *, version: int | None = None, known_at: datetime | None = None) -> list[Recorded]:
        """Read a stream up to ``version``, or as it was known at a time; empty when there is none."""
        stored = self.recorder.select_events(stream, lte=version)
        records = [self.mapper.to_domain_event(event) for event in stored]
        if known_at is not None:
            records = [r for r in records if r.recorded_at is not None and r.recorded_at <= known_at]
        return records

    def _repeated(self, by_command: Command, history: list[Recorded], earlier: list[int]) -> Result:
        run = [history[n] for n in earlier]
        if run[0].command_digest != by_command.digest:
            raise ReusedKey(
                "this idempotency key was used before for another command",
                hint="use a new key for a new command",
            )
        last = run[-1]
        return Result(
            last.originator_id,
            last.originator_version,
            self._position(last.originator_id, last.originator_version),
            tuple(recorded.event for recorded in run),
            repeated=True,
            correlation_id=last.correlation_id,
        )

    def _duplicate(self, by_command: Command, position: int) -> Result:
        (first,) = self.recorder.select_notifications(position, 1)
        history = self.history(cast(str, first.originator_id))
        return self._repeated(by_command, history, [n for n, r in enumerate(history) if r.command_id == by_command.id])

    def _position(self, stream: str, version: int) -> int:
        with self.recorder.reading() as cursor:
            cursor.execute("select position from ledger.events where stream = %s and version = %s", (stream, version))
            return int(cursor.fetchone()[0])

    def histories(self, streams: Sequence[str]) -> dict[str, list[Recorded]]:
        """Read many streams in one query; streams without events are absent."""
        found: dict[str, list[Recorded]] = {}
        with self.recorder.reading() as cursor:
            cursor.execute(
                "select record from ledger.events where stream = any(%s) order by stream, version",
                (list(streams),),
            )
            for (record,) in cursor:
                recorded = read_record(bytes(record))
                found.setdefault(recorded.originator_id, []).append(recorded)
        return found

    def close(self) -> None:
        super().close()
        self.recorder.close()


def open_ledger(database_url: str, role: Role = "ledger_api") -> Ledger:
    """Open the ledger on ``database_url``; the caller closes it. ``role``: of PostgreSQL, one that may append."""
    return Ledger(env={"COMPLAINTS_DATABASE_URL": database_url, "COMPLAINTS_DATABASE_ROLE": role})
