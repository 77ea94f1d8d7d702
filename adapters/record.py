"""The record: the exact bytes of an event that the ledger stores, Kafka carries and the log hashes.

RFC 8785 canonical JSON of a CloudEvents 1.0 envelope. Records hold strings, integers, booleans, objects and
arrays only, with ASCII names, for which sorted keys without white space are exactly the canonical form.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
from eventsourcing.persistence import (
    Cipher,
    Compressor,
    Mapper,
    MapperDeserialisationError,
    StoredEvent,
    Transcoder,
)

from domain.errors import InvalidInput
from domain.event import Event, upcast
from domain.streams import EVENT_TYPES
from domain.values import Actor, Role, format_instant

#: Stands in a record until the append function overlays the time of recording, which has the same width.
UNSTAMPED = "0000-00-00T00:00:00.000000Z"
STAMP = b'"recordedat":"'
MAX_RECORD_BYTES = 60_000
SOURCE = "urn:complaint-ledger"
SCHEMA = "urn:complaint-ledger:schema"


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event with its place in its stream and the command it comes from.

    ``originator_id`` is the stream, ``originator_version`` counts its events from 1 (the eventsourcing library's
    names). ``recorded_at`` is None until the ledger has stamped it.
    """

    originator_id: str
    originator_version: int
    event: Event
    command_id: str
    command_digest: str
    correlation_id: str
    causation_id: str | None = None
    recorded_at: datetime | None = None


def canonical(value: object) -> bytes:
    """Return RFC 8785 canonical JSON; raises ValueError on what a record must not hold, such as a float."""
    try:
        _check(value)
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (TypeError, RecursionError) as error:
        raise ValueError(f"a record cannot hold this value: {error}") from None


def _check(value: object) -> None:
    match value:
        case str() | bool() | None:
            return
        case int():
            if abs(value) >= 2**53:
                raise ValueError(f"{value} is beyond the integers that JSON readers agree on")
        case dict():
            for key, item in value.items():
                if not (isinstance(key, str) and key.isascii()):
                    raise ValueError(f"the name {key!r} is not ASCII")
                _check(item)
        case list():
            for item in value:
                _check(item)
        case _:
            raise ValueError(f"a record cannot hold {type(value).__name__} {value!r}")


class RecordMapper(Mapper[str]):
    """Turns Recorded into the record and back. The one place where personal fields will be sealed and opened."""

    def __init__(
        self,
        transcoder: Transcoder | None = None,
        compressor: Compressor | None = None,
        cipher: Cipher | None = None,
    ) -> None:
        if compressor or cipher:
            raise ValueError(
                "a record is neither compressed nor encrypted as a whole: unset COMPRESSOR_TOPIC/CIPHER_KEY"
            )

    def to_stored_event(self, domain_event: Recorded) -> StoredEvent:  # type: ignore[override]
        """Make the record; raises InvalidInput when it would exceed 60,000 bytes."""
        event = domain_event.event
        data = event.model_dump(mode="json", exclude_none=True)
        actor: dict[str, str] = data.pop("actor")
        stream, version = domain_event.originator_id, domain_event.originator_version
        envelope = {
            "actor": actor["id"],
            "actorrole": actor["role"],
            "commanddigest": domain_event.command_digest,
            "commandid": domain_event.command_id,
            "correlationid": domain_event.correlation_id,
            "time": data.pop("occurred_at"),
            "data": data,
            "datacontenttype": "application/json",
            "dataschema": f"{SCHEMA}:{event.name}:{event.version}",
            "id": f"{stream}:{version}",
            "recordedat": UNSTAMPED if domain_event.recorded_at is None else format_instant(domain_event.recorded_at),
            "source": SOURCE,
            "specversion": "1.0",
            "streamversion": version,
            "subject": stream,
            "type": event.name,
        }
        if domain_event.causation_id is not None:
            envelope["causationid"] = domain_event.causation_id
        # Checked once for all in the tests: no event has a field that canonical JSON could not hold.
        record = orjson.dumps(envelope, option=orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER)
        if len(record) > MAX_RECORD_BYTES:
            raise InvalidInput(
                f"{event.name} takes {len(record)} bytes, more than {MAX_RECORD_BYTES}",
                hint="shorten its texts, or put long matter into evidence",
            )
        return StoredEvent(stream, version, event.name, record)

    def to_domain_event(self, stored_event: StoredEvent) -> Recorded:
        """Read a record of any version; raises MapperDeserialisationError naming stream, version and cause."""
        try:
            return read_record(stored_event.state)
        except (ValueError, KeyError, TypeError) as error:
            raise MapperDeserialisationError(
                f"{stored_event.originator_id} version {stored_event.originator_version} "
                f"({stored_event.topic}) cannot be read: {error}"
            ) from error


def read_record(record: bytes) -> Recorded:
    """Read a record of any version; raises ValueError, KeyError or TypeError when it is not one."""
    envelope: dict[str, Any] = orjson.loads(record)
    event_type, version = _schema(str(envelope["dataschema"]))
    data = envelope["data"]
    if version != event_type.version:
        data = upcast(event_type, version, data)
    data["occurred_at"] = envelope["time"]
    data["actor"] = _actor(envelope["actor"], envelope["actorrole"])
    stamp = envelope["recordedat"]
    return Recorded(
        originator_id=envelope["subject"],
        originator_version=envelope["streamversion"],
        event=event_type.model_validate(data),
        command_id=envelope["commandid"],
        command_digest=envelope["commanddigest"],
        correlation_id=envelope["correlationid"],
        causation_id=envelope.get("causationid"),
        recorded_at=None if stamp == UNSTAMPED else datetime.fromisoformat(stamp),
    )


@lru_cache(maxsize=1024)
def _schema(dataschema: str) -> tuple[type[Event], int]:
    base, name, version = dataschema.rsplit(":", 2)
    if base != SCHEMA or name not in EVENT_TYPES:
        raise ValueError(f"the schema {dataschema} is not known")
    event_type = EVENT_TYPES[name]
    if not 1 <= int(version) <= event_type.version:
        raise ValueError(f"{name} version {version} is newer than this program, which knows {event_type.version}")
    return event_type, int(version)


@lru_cache(maxsize=4096)
def _actor(actor_id: str, role: str) -> Actor:
    return Actor(actor_id, Role(role))
