"""The rulebook on the ledger: the bundled first edition, publications from files, and the rulebook as it stands."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapters.execute import Command, Ledger
from adapters.record import read_record
from domain.errors import InvalidInput
from domain.rulebook import decisions
from domain.rulebook.book import EMPTY, Parameters, Part, Rulebook, RuleSet, WorkingYear
from domain.rulebook.codes import CodeList
from domain.rulebook.events import RulebookEvent
from domain.rulebook.fees import FeeSchedule
from domain.rulebook.policies import PolicyTemplate
from domain.rulebook.scenarios import Scenario
from domain.rulebook.state import evolve
from domain.values import Actor, Role

FIRST_EDITION = Path(__file__).resolve().parent / "data" / "rulebook"
#: When the first edition was put together; fixed, so that whoever publishes it publishes the same.
FIRST_EDITION_AT = datetime(2026, 11, 22, tzinfo=UTC)
PUBLISHER = Actor("6f1d2c3b-7a48-4c0e-9d55-1e8b7f2a9c46", Role.SERVICE)

#: For what a file calls it: the part of the rulebook, the model of its content, the name of the argument, the decision.
_Kind = tuple[Part, type[BaseModel], str, Callable[..., list[RulebookEvent]]]
KINDS: Mapping[str, _Kind] = {
    "rule_set": (Part.RULES, RuleSet, "rule_set", decisions.publish_rule_set),
    "calendar": (Part.CALENDARS, WorkingYear, "calendar", decisions.publish_calendar),
    "fee_schedule": (Part.FEES, FeeSchedule, "schedule", decisions.publish_fee_schedule),
    "code_list": (Part.CODES, CodeList, "codes", decisions.publish_code_list),
    "scenario": (Part.SCENARIOS, Scenario, "scenario", decisions.publish_scenario),
    "parameters": (Part.PARAMETERS, Parameters, "parameters", decisions.publish_parameters),
    "policy": (Part.POLICIES, PolicyTemplate, "policy", decisions.publish_policy),
}


Model = TypeVar("Model", bound=BaseModel)


class _Envelope(BaseModel):
    model_config = ConfigDict(extra="forbid")
    publish: str
    edition: int = Field(strict=True)
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Publication:
    """Something to be published, read from a file: ``kind`` is one of KINDS."""

    kind: str
    edition: int
    content: BaseModel

    @property
    def part(self) -> Part:
        """The part of the rulebook that it belongs to."""
        return KINDS[self.kind][0]

    def decide(self, book: Rulebook, at: datetime, by: Actor) -> list[RulebookEvent]:
        """Publish it; raises what the decision raises."""
        _, _, argument, decision = KINDS[self.kind]
        return decision(book, at=at, by=by, edition=self.edition, **{argument: self.content})


def stream_of(part: Part) -> str:
    """Return the id of the stream that holds a part of the rulebook."""
    return f"rulebook-{part.value}"


STREAMS = tuple(stream_of(part) for part in Part)


def read_publications(path: Path) -> list[Publication]:
    """Read a file of publications: one JSON object, or a list of them; raises InvalidInput saying what is wrong where.

    An object has ``publish`` (what: one of KINDS), ``edition`` and ``content``.
    """
    try:
        given = orjson.loads(path.read_bytes())
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}", hint="give a file that can be read") from None
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"{path} is not JSON: {error}", hint="correct it at that place") from None
    return publications_of(given, path.name)


def publications_of(given: Any, where: str) -> list[Publication]:
    """Read publications from parsed JSON, one or a list of them; raises InvalidInput saying what is wrong where."""
    if not isinstance(given, list):
        return [_publication(given, where)]
    return [_publication(one, f"{where}[{number}]") for number, one in enumerate(given)]


def _publication(given: Any, where: str) -> Publication:
    envelope = _checked(_Envelope, given, where)
    if envelope.publish not in KINDS:
        raise InvalidInput(
            f"{where}: {envelope.publish!r} is nothing that the rulebook holds",
            hint=f"publish one of: {', '.join(KINDS)}",
        )
    model = KINDS[envelope.publish][1]
    return Publication(envelope.publish, envelope.edition, _checked(model, envelope.content, f"{where}.content"))


def _checked(model: type[Model], given: Any, where: str) -> Model:
    try:
        return model.model_validate_json(orjson.dumps(given))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise InvalidInput(f"{where}{place}: {first['msg']}{more}", hint="correct it there") from None


def publish_first_edition(ledger: Ledger) -> int:
    """Publish the bundled rulebook on a ledger without one; returns how many events that took.

    A stream that exists is left as it is. Two processes that do this at once publish it once.
    """
    with ledger.recorder.reading() as cursor:
        cursor.execute("select stream from ledger.events where version = 1 and stream = any(%s)", (list(STREAMS),))
        existing = {stream for (stream,) in cursor}
    missing = [part for part in Part if stream_of(part) not in existing]
    publications = first_edition() if missing else []
    appended = 0
    for part in missing:
        stream = stream_of(part)
        identity = sha256(f"first edition of {stream}".encode()).hexdigest()
        first = [one for one in publications if one.part is part]
        done = ledger.execute(stream, _publish_if_empty(first), Command(identity[:32], identity), new=True)
        appended += 0 if done.repeated else len(done.events)
    return appended


def first_edition() -> list[Publication]:
    """Read the bundled rulebook."""
    return [one for path in sorted(FIRST_EDITION.glob("*.json")) for one in read_publications(path)]


def _publish_if_empty(publications: Sequence[Publication]) -> Callable[[Rulebook], list[RulebookEvent]]:
    def decide(book: Rulebook) -> list[RulebookEvent]:
        return [] if book.editions else list(publish_all(book, publications, FIRST_EDITION_AT, PUBLISHER))

    return decide


def publish_all(
    book: Rulebook, publications: Sequence[Publication], at: datetime, by: Actor
) -> Iterator[RulebookEvent]:
    """Publish one after another, each on what those before have made of the book; raises what a decision raises."""
    for publication in publications:
        for event in publication.decide(book, at, by):
            book = evolve(book, event)
            yield event


class RulebookReader:
    """The rulebook as it stands, kept between calls. Threads may share it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self._book = EMPTY
        self._versions = dict.fromkeys(STREAMS, 0)

    def current(self) -> Rulebook:
        """Return the rulebook with all that is published by now, at the cost of one look by primary key."""
        # Looked up without the lock, which commands would wait for one after another.
        if self._newer():
            with self._lock:
                for record in self._newer():
                    recorded = read_record(record)
                    # In this order: whoever sees the version may rely on the book.
                    self._book = evolve(self._book, recorded.event)  # type: ignore[arg-type]
                    self._versions[recorded.originator_id] = recorded.originator_version
        return self._book

    def _newer(self) -> list[bytes]:
        """Read the records that are not in the book yet."""
        with self._ledger.recorder.reading() as cursor:
            cursor.execute(
                # "offset 0" keeps the planner from joining with the whole ledger.
                "select e.record from unnest(%s::text[], %s::bigint[]) as known (stream, version), lateral ("
                "select record, version from ledger.events where stream = known.stream "
                "and version > known.version order by version offset 0) e order by known.stream, e.version",
                (list(self._versions), list(self._versions.values())),
            )
            return [bytes(record) for (record,) in cursor]
