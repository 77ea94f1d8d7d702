"""The record: canonical JSON by the letter of RFC 8785, a CloudEvents envelope, and the way back."""

from __future__ import annotations

import json
import types
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import orjson
import pytest
import rfc8785
from annotated_types import Ge, Gt, Le, MaxLen, MinLen
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka_event
from cloudevents.core.formats.json import JSONFormat
from eventsourcing.cipher import AESCipher
from eventsourcing.persistence import MapperDeserialisationError, StoredEvent
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from adapters.record import MAX_RECORD_BYTES, UNSTAMPED, Recorded, RecordMapper, canonical, read_record
from domain.complaint.ending import Withdrawn
from domain.complaint.negotiation import Answered, AnswerKind
from domain.errors import InvalidInput
from domain.event import Event
from domain.streams import EVENT_TYPES
from domain.values import CLOCK, TEXT, format_instant

AT = datetime(2026, 1, 31, 1, 30, tzinfo=UTC)
MAPPER = RecordMapper()
SAFE = 2**53 - 1

texts = st.text(st.characters(codec="utf-8"))
names = st.text(st.characters(codec="ascii"))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-SAFE, SAFE) | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(names, inner, max_size=5),
    max_leaves=30,
)


@given(json_values)
@settings(deadline=None)
def test_canonical_json_is_what_the_reference_writes(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)
    assert canonical(orjson.loads(canonical(value))) == canonical(value)


def test_the_example_of_rfc_8785_comes_out_as_published_where_it_has_no_fractions() -> None:
    value = {"string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/", "literals": [None, True, False]}
    published = r"""{"literals":[null,true,false],"string":"€$\u000f\nA'B\"\\\\\"/"}"""  # section 3.2.3
    assert canonical(value) == published.encode()


def test_names_are_sorted_and_controls_escaped_as_rfc_8785_says() -> None:
    # The names of section 3.2.3 that are ASCII.
    assert canonical({"1": "One", "\r": "Carriage Return"}) == rb'{"\r":"Carriage Return","1":"One"}'
    short = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r"}  # section 3.2.2.2
    for code in range(0x20):
        assert canonical(chr(code)).decode() == '"' + short.get(code, f"\\u{code:04x}") + '"'
    assert canonical("\x7f\x80\u2028\ud7ff\ue000😀") == '"\x7f\x80\u2028\ud7ff\ue000😀"'.encode()
    assert canonical([0, -0, SAFE, -SAFE]) == b"[0,0,9007199254740991,-9007199254740991]"


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        2**53,
        -(2**53),
        {"größe": 1},
        {"a": {"名": "x"}},
        {1: "a"},
        {None: "a"},
        b"bytes",
        Decimal(1),
        (1, 2),
        {1, 2},
        AT,
        date(2026, 1, 31),
        UUID(int=1),
        "\ud800",
        pytest.param(object(), id="object"),
    ],
    ids=repr,
)
def test_what_a_record_cannot_hold_is_refused_at_any_depth(value: Any) -> None:
    for wrapped in (value, [value], {"a": [{"b": value}]}):
        with pytest.raises(ValueError, match=r"."):
            canonical(wrapped)


def test_nesting_beyond_what_readers_take_is_refused() -> None:
    value: Any = 1
    for _ in range(500):
        value = [value]
    with pytest.raises(ValueError, match=r"(?i)recursion"):
        canonical(value)


# A strategy for any event, from the annotations of its model.


def values(annotation: Any, bounds: tuple[Any, ...] = ()) -> st.SearchStrategy[Any]:
    if hasattr(annotation, "__value__"):
        return values(annotation.__value__, bounds)
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return values(args[0], (*bounds, *args[1:]))
    if origin is Literal:
        return st.sampled_from(args)
    if origin in (Union, types.UnionType):
        return st.one_of([values(arg, bounds) for arg in args])
    if origin in (list, tuple, frozenset):
        return st.lists(values(args[0]), min_size=limit(bounds, MinLen, "min_length", 0), max_size=3).map(origin)
    if origin is dict:
        return st.dictionaries(values(args[0]), values(args[1]), max_size=3)
    if annotation in (None, type(None)):
        return st.none()
    if annotation is str:
        return strings(bounds)
    if annotation is bool:
        return st.booleans()
    if annotation is int:
        least = max(limit(bounds, Ge, "ge", -SAFE), limit(bounds, Gt, "gt", -SAFE - 1) + 1)
        return st.integers(least, limit(bounds, Le, "le", SAFE))
    if annotation is date:
        return st.dates(date(1900, 1, 1))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return st.sampled_from(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return st.fixed_dictionaries(
            {name: values(field.annotation, tuple(field.metadata)) for name, field in annotation.model_fields.items()}
        ).flatmap(lambda made: valid(annotation, made))
    if is_dataclass(annotation) and isinstance(annotation, type):
        hints = get_type_hints(annotation, include_extras=True)
        return st.builds(annotation, **{field.name: values(hints[field.name]) for field in fields(annotation)})
    zones = st.integers(-840, 840).map(lambda minutes: timezone(timedelta(minutes=minutes)))
    return st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=zones | st.just(UTC))


def valid(model: type[BaseModel], made: dict[str, Any]) -> st.SearchStrategy[BaseModel]:
    """The model of these values, unless one of its own rules forbids them together."""
    try:
        return st.just(model.model_validate(made))
    except ValidationError as error:
        if any(one["type"] != "value_error" for one in error.errors()):
            raise
        return st.nothing()


def flat(bounds: tuple[Any, ...]) -> list[Any]:
    """Constraints, also those that a pydantic Field holds."""
    return [inner for bound in bounds for inner in (bound, *getattr(bound, "metadata", ()))]


def limit(bounds: tuple[Any, ...], kind: type, name: str, default: int) -> int:
    return next((int(getattr(bound, name)) for bound in flat(bounds) if isinstance(bound, kind)), default)


def strings(bounds: tuple[Any, ...]) -> st.SearchStrategy[str]:
    shortest = limit(bounds, MinLen, "min_length", 0)
    longest = limit(bounds, MaxLen, "max_length", 100)
    for bound in flat(bounds):
        pattern = getattr(bound, "pattern", None)
        if pattern is not None and pattern != TEXT:
            # Python's $ also matches before a final newline.
            whole = st.from_regex(pattern.removeprefix("^").removesuffix("$"), fullmatch=True)
            return whole.filter(lambda text: len(text) <= longest)
    return st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=shortest, max_size=min(longest, 100))


hexes = st.binary(min_size=16, max_size=16).map(bytes.hex)


@cache
def recorded(event_type: type[Event]) -> st.SearchStrategy[Recorded]:
    return st.builds(
        Recorded,
        originator_id=st.uuids().map("complaint-{}".format),
        originator_version=st.integers(1, SAFE),
        event=values(event_type),
        command_id=hexes,
        command_digest=hexes.map(lambda digits: digits * 2),
        correlation_id=hexes,
        causation_id=st.none() | hexes,
        recorded_at=st.none() | st.datetimes(datetime(1900, 1, 1), timezones=st.just(UTC)),
    )


@pytest.mark.parametrize("name", EVENT_TYPES)
@given(data=st.data())
@settings(deadline=None, max_examples=30)
def test_an_event_comes_back_from_its_record_and_makes_the_same_bytes(name: str, data: st.DataObject) -> None:
    made = data.draw(recorded(EVENT_TYPES[name]))
    stored = MAPPER.to_stored_event(made)
    assert (stored.originator_id, stored.originator_version) == (made.originator_id, made.originator_version)
    assert stored.topic == name
    assert read_record(stored.state) == made == MAPPER.to_domain_event(stored)
    assert MAPPER.to_stored_event(read_record(stored.state)) == stored
    assert stored.state == rfc8785.dumps(orjson.loads(stored.state))
    parsed = from_kafka_event(KafkaMessage({"content-type": b"application/cloudevents+json"}, None, stored.state))
    assert parsed.get_id() == f"{made.originator_id}:{made.originator_version}"
    assert parsed.get_time() == made.event.occurred_at


def example(**changes: Any) -> Recorded:
    event = Answered(occurred_at=AT, actor=CLOCK, kind=AnswerKind.EXPLANATION, in_time=True, text='"诉"')
    return Recorded("complaint-1", 3, event, "c" * 32, "d" * 64, "e" * 32, **changes)


def test_a_record_is_a_valid_cloudevent_to_the_public_sdk() -> None:
    stored = MAPPER.to_stored_event(example(causation_id="f" * 32, recorded_at=AT + timedelta(microseconds=1)))
    for parsed in (
        JSONFormat().read(None, stored.state),
        from_kafka_event(KafkaMessage({"content-type": b"application/cloudevents+json"}, None, stored.state)),
    ):
        attributes = parsed.get_attributes()
        assert {name: value for name, value in attributes.items() if name != "time"} == {
            "specversion": "1.0",
            "id": "complaint-1:3",
            "source": "urn:complaint-ledger",
            "type": "complaint.answered",
            "subject": "complaint-1",
            "datacontenttype": "application/json",
            "dataschema": "urn:complaint-ledger:schema:complaint.answered:1",
            "streamversion": 3,
            "actor": CLOCK.id,
            "actorrole": "service",
            "commandid": "c" * 32,
            "commanddigest": "d" * 64,
            "correlationid": "e" * 32,
            "causationid": "f" * 32,
            "recordedat": "2026-01-31T01:30:00.000001Z",
        }
        assert parsed.get_time() == AT
        assert parsed.get_data() == {
            "kind": "explanation",
            "in_time": True,
            "text": '"诉"',
            "precision": "instant",
        }


def test_the_place_of_the_time_has_the_width_of_every_time() -> None:
    for at in (AT, AT.replace(year=1900), AT + timedelta(microseconds=123456), datetime.max.replace(tzinfo=UTC)):
        assert len(format_instant(at)) == len(UNSTAMPED)
    assert MAPPER.to_stored_event(example()).state.count(UNSTAMPED.encode()) == 1


def sized(size: int) -> Recorded:
    made = example()
    spare = size - len(MAPPER.to_stored_event(made).state)
    return example_with('"诉"' + "\x01" * (spare // 6) + "x" * (spare % 6))


def example_with(text: str) -> Recorded:
    event = Answered(occurred_at=AT, actor=CLOCK, kind=AnswerKind.EXPLANATION, in_time=True, text=text)
    return Recorded("complaint-1", 3, event, "c" * 32, "d" * 64, "e" * 32)


def test_a_record_may_have_60000_bytes_and_no_more() -> None:
    assert len(MAPPER.to_stored_event(sized(MAX_RECORD_BYTES)).state) == MAX_RECORD_BYTES
    with pytest.raises(InvalidInput, match=r"complaint\.answered takes 60001 bytes, more than 60000: shorten"):
        MAPPER.to_stored_event(sized(MAX_RECORD_BYTES + 1))


GOOD = orjson.loads(MAPPER.to_stored_event(example()).state)


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"dataschema": "urn:complaint-ledger:schema:complaint.answered:99"}, "version 99 is newer than this program"),
        ({"dataschema": "urn:complaint-ledger:schema:complaint.answered:0"}, "version 0"),
        ({"dataschema": "urn:complaint-ledger:schema:complaint.eaten:1"}, r"complaint\.eaten:1 is not known"),
        ({"dataschema": "urn:another:complaint.answered:1"}, "is not known"),
        ({"dataschema": "complaint"}, "unpack"),
        ({"dataschema": 5}, "unpack"),
        ({"data": {**GOOD["data"], "kind": "bribe"}}, "kind"),
        ({"data": {**GOOD["data"], "extra": 1}}, "extra"),
        ({"data": []}, "list"),
        ({"time": "2026-01-31T01:30:00"}, "occurred_at"),
        ({"actorrole": "king"}, "king"),
        ({"recordedat": "yesterday"}, "yesterday"),
    ],
)
def test_a_record_that_cannot_be_read_is_named_with_the_cause(changes: dict[str, Any], cause: str) -> None:
    stored = StoredEvent("complaint-1", 3, "complaint.answered", orjson.dumps({**GOOD, **changes}))
    with pytest.raises(
        MapperDeserialisationError, match=rf"(?s)complaint-1 version 3 \(complaint\.answered\).*{cause}"
    ):
        MAPPER.to_domain_event(stored)


@given(st.sampled_from(sorted(GOOD)), st.none() | json_values)
@settings(deadline=None, max_examples=200)
def test_whatever_stands_in_an_attribute_reading_succeeds_or_says_that_it_cannot(name: str, value: Any) -> None:
    for changed in ({**GOOD, name: value}, {key: value for key, value in GOOD.items() if key != name}):
        stored = StoredEvent("complaint-1", 3, "complaint.answered", orjson.dumps(changed))
        try:
            MAPPER.to_domain_event(stored)
        except MapperDeserialisationError:
            continue


@pytest.mark.parametrize("record", [b"", b"{", b"[]", b"null", b"1", b"\xff", b"state1"])
def test_bytes_that_are_no_record_are_refused(record: bytes) -> None:
    with pytest.raises(MapperDeserialisationError, match="complaint-1 version 3"):
        MAPPER.to_domain_event(StoredEvent("complaint-1", 3, "complaint.answered", record))


def test_compressing_or_encrypting_whole_records_is_refused() -> None:
    with pytest.raises(ValueError, match="neither compressed nor encrypted as a whole"):
        RecordMapper(cipher=AESCipher({"CIPHER_KEY": AESCipher.create_key(16)}))  # type: ignore[arg-type]


def test_events_of_the_present_version_are_not_changed_by_reading() -> None:
    event = Withdrawn(occurred_at=AT, actor=CLOCK, reason="x")
    stored = MAPPER.to_stored_event(Recorded("complaint-1", 1, event, "c" * 32, "d" * 64, "e" * 32))
    assert read_record(stored.state).event == event


@pytest.mark.parametrize("event_type", EVENT_TYPES.values(), ids=EVENT_TYPES.keys())
def test_no_event_has_a_field_that_canonical_json_could_not_hold(event_type: type[Event]) -> None:
    schema = event_type.model_json_schema()
    objects = [schema, *schema.get("$defs", {}).values()]
    for properties in (found.get("properties", {}) for found in objects):
        assert all(name.isascii() for name in properties)
    assert '"type": "number"' not in json.dumps(schema)
