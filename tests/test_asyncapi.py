"""The contract for subscribers is valid, up to date, true of what is written, and breaks no reader of the last one."""

from __future__ import annotations

import asyncio
import copy
import json
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, cast, get_args

import httpx
import pytest
from jsonschema_rs import Draft7Validator, Draft202012Validator
from pydantic import BaseModel

from adapters.compatibility import breaks
from adapters.contract import DIRECTORY, GONE, PUBLIC, RECORD, document, example_of, schema_file, schemas, topics
from adapters.execute import Ledger
from adapters.record import SCHEMA, Recorded, RecordMapper
from api.http import create_app
from domain.event import Event
from domain.streams import EVENT_TYPES, TOPICS
from domain.values import Personal
from projections.projection import Fact
from projections.public_feed import fold, public_view
from tests.contract.make import AGAIN, examples, files, present, released
from tests.domain.random_lives import a_life
from tests.domain.world_lives import years
from tests.golden.make import HERE, UUID

GOLDEN = sorted(HERE.glob("*.v*.json"))
SCHEMAS = schemas()
COMPLAINT = f"complaint-{UUID}"


@pytest.fixture(scope="module")
def published() -> dict[str, Any]:
    """The document as it is checked in."""
    return dict(json.loads((DIRECTORY / "asyncapi.json").read_bytes()))


@cache
def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(SCHEMAS[name], validate_formats=True)


def assert_as_described(record: bytes) -> None:
    """A record fits the schema of records, and its data the one that it names."""
    value = json.loads(record)
    validator(RECORD).validate(value)
    name, version = value["dataschema"].removeprefix(f"{SCHEMA}:").split(":")
    assert SCHEMAS[f"{name}.{version}"]["$id"] == value["dataschema"]
    validator(f"{name}.{version}").validate(value["data"])


def test_the_contract_in_docs_is_that_of_the_models() -> None:
    wanted = files()
    assert set(DIRECTORY.glob("schemas/*")) == wanted.keys() - {DIRECTORY / "asyncapi.json"}
    stale = [path.name for path, text in wanted.items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], f"write it again: {AGAIN}"


def test_the_document_is_valid_by_the_schema_of_asyncapi(published: dict[str, Any]) -> None:
    official = json.loads((Path(__file__).parent / "data" / "asyncapi" / "asyncapi-3.0.0.json").read_bytes())
    Draft7Validator(official).validate(published)
    for target in references(published):
        found: Any = published
        for part in target.removeprefix("#/").split("/"):
            found = found[part]


def references(node: Any) -> Iterable[str]:
    if isinstance(node, dict):
        yield from [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        yield from (target for value in node.values() for target in references(value))
    elif isinstance(node, list):
        yield from (target for value in node for target in references(value))


def test_every_event_and_version_has_a_schema_and_is_a_message_of_its_topic(published: dict[str, Any]) -> None:
    known = {f"{name}.{n}" for name, event in EVENT_TYPES.items() for n in range(1, event.version + 1)}
    assert known | {RECORD, PUBLIC} == SCHEMAS.keys()
    told = {topic: set(channel["messages"]) for topic, channel in published["channels"].items()}
    assert set().union(*(told[topic] for topic in TOPICS)) == known
    assert told["public.complaints"] == {PUBLIC, GONE}


@pytest.mark.parametrize("name", sorted(SCHEMAS.keys() - {RECORD}))
def test_every_message_has_examples_that_fit_its_payload(published: dict[str, Any], name: str) -> None:
    message = published["components"]["messages"][name]
    payload = Draft7Validator(message["payload"] | {"components": published["components"]})
    assert message["examples"]
    for example in message["examples"]:
        payload.validate(example["payload"])


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_golden_record_is_as_its_schema_says(path: Path) -> None:
    assert_as_described(path.read_bytes())


def test_records_of_any_life_are_as_their_schemas_say() -> None:
    met: set[str] = set()

    def write(stream: str, version: int, event: Event) -> None:
        recorded = Recorded(stream, version, event, "c" * 32, "d" * 64, "e" * 32, recorded_at=event.occurred_at)
        assert_as_described(RecordMapper().to_stored_event(recorded).state)
        met.add(event.name)

    for seed in range(40):
        for version, event in enumerate(a_life(Random(seed), 25), start=1):
            write(COMPLAINT, version, event)
    for one in years(1, 600).world.log:
        write(one.stream, one.version, one.event)
    assert len(met) > 80
    assert {name.partition(".")[0] for name in met} >= {"complaint", "merchant", "measure", "platform", "office"}


def test_whatever_is_public_of_any_life_is_as_the_schema_says() -> None:
    shown = 0
    for seed in range(150):
        row = None
        for version, event in enumerate(a_life(Random(seed), 25), start=1):
            row = fold(row, Fact(version, COMPLAINT, version, event))
            if (view := public_view(row)) is not None:
                validator(PUBLIC).validate(example_of(view))
                shown += 1
    assert shown


def test_personal_text_is_marked_with_whose_it_is_and_promises_no_form() -> None:
    marked = 0
    for name, event_type in EVENT_TYPES.items():
        told = SCHEMAS[f"{name}.{event_type.version}"]["properties"]
        for field, info in event_type.model_fields.items():
            subjects = [mark.subject for mark in info.metadata if isinstance(mark, Personal)]
            marked += len(subjects)
            assert [told[field]["x-personal"]] == subjects if subjects else "x-personal" not in told.get(field, {})
            assert not subjects or told[field].keys() == {"type", "description", "x-personal"}
            assert not any(isinstance(mark, Personal) for inner in nested(info.annotation) for mark in inner), (
                f"{name}: what is personal inside {field} is not described"
            )
    assert marked


def nested(annotation: Any) -> Iterable[list[Any]]:
    """The marks on the fields of the models that an annotation speaks of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for info in annotation.model_fields.values():
            yield info.metadata
            yield from nested(info.annotation)
    for part in get_args(annotation):
        yield from nested(part)


def test_the_contract_breaks_no_reader_of_the_last_release() -> None:
    found = breaks(released(), present())
    assert found == [], f"make a new version of the event; if it was never released: {AGAIN} --release --breaking"


FILED: dict[str, Any] = {
    "type": "object",
    "required": ["channel", "order"],
    "properties": {
        "channel": {"$ref": "#/$defs/Channel"},
        "note": {"type": "string", "maxLength": 500},
        "count": {"type": "integer", "minimum": 0},
        "days": {"type": "array", "items": {"type": "string", "format": "date"}},
        "by_name": {"type": "object", "additionalProperties": {"type": "integer"}},
        "kind": {"type": "string", "default": "complaint"},
        "order": {"$ref": "#/$defs/Order"},
        "what": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
    },
    "$defs": {
        "Channel": {"type": "string", "enum": ["app", "web"]},
        "Order": {"type": "object", "properties": {"fen": {"type": "integer"}}, "required": ["fen"]},
    },
}
OLD: dict[str, Any] = {"topics": {"ledger.complaints": ["filed.1"]}, "schemas": {"filed.1": FILED}}


def changed(change: Callable[[dict[str, Any]], object]) -> list[str]:
    """What breaks when the schema changes so."""
    new = copy.deepcopy(OLD)
    change(new["schemas"]["filed.1"])
    return breaks(OLD, new)


def fields(schema: dict[str, Any]) -> dict[str, Any]:
    return cast(dict[str, Any], schema["properties"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda s: fields(s).pop("note"), "filed.1.note is gone"),
        (lambda s: fields(s).pop("channel"), "filed.1.channel is gone"),
        (lambda s: s["required"].remove("channel"), "filed.1.channel may be absent"),
        (lambda s: s["required"].append("note"), "filed.1.note is required"),
        (lambda s: s["$defs"]["Order"].update(required=[]), "filed.1.order.fen may be absent"),
        (lambda s: s["$defs"]["Order"]["properties"]["fen"].update(type="string"), "filed.1.order.fen: type"),
        (lambda s: fields(s)["note"].pop("type"), 'type was "string", and is not limited'),
        (lambda s: s["$defs"]["Channel"]["enum"].append("fax"), "may be 'fax', which readers do not know"),
        (lambda s: s["$defs"]["Channel"]["enum"].remove("web"), "was 'web' in records"),
        (lambda s: s["$defs"]["Channel"].pop("enum"), "filed.1.channel: enum was"),
        (lambda s: fields(s)["note"].update(maxLength=501), "maxLength was 500, and is 501"),
        (lambda s: fields(s)["note"].update(maxLength=499), "maxLength was 500, and is 499"),
        (lambda s: fields(s)["note"].pop("maxLength"), "maxLength was 500, and is not limited"),
        (lambda s: fields(s)["count"].update(minimum=-1), "filed.1.count: minimum"),
        (lambda s: fields(s)["days"]["items"].update(format="date-time"), "filed.1.days[]: format"),
        (lambda s: fields(s)["by_name"]["additionalProperties"].update(type="string"), "filed.1.by_name{}: type"),
        (lambda s: fields(s)["kind"].update(default="report"), "filed.1.kind: default"),
        (lambda s: fields(s)["what"]["anyOf"].append({"type": "boolean"}), "filed.1.what: anyOf"),
        (lambda s: fields(s)["what"]["anyOf"][1].update(type="boolean"), "filed.1.what: type"),
        (lambda s: s.update(additionalProperties=False), "filed.1: additionalProperties"),
    ],
)
def test_what_a_reader_of_the_last_release_cannot_read_is_told(change: Callable[[Any], object], told: str) -> None:
    (found,) = changed(change)
    assert told in found


@pytest.mark.parametrize(
    "change",
    [
        lambda s: fields(s).update(more={"type": "string"}),
        lambda s: s["$defs"]["Order"]["properties"].update(more={"$ref": "#/$defs/Channel"}),
        lambda s: s.update(description="in other words", title="Filing"),
        lambda s: fields(s)["note"].update(examples=["x"], description="a note"),
        lambda s: fields(s).update(channel=s["$defs"].pop("Channel")),
        lambda s: s["required"].reverse(),
    ],
)
def test_new_fields_that_may_be_absent_and_other_words_break_nobody(change: Callable[[Any], object]) -> None:
    assert changed(change) == []


def test_removed_events_versions_and_topics_are_told_and_new_ones_break_nobody() -> None:
    more = {
        "topics": {"ledger.complaints": ["filed.1", "filed.2"], "new": ["b.1"]},
        "schemas": {"filed.1": FILED, "filed.2": {}, "b.1": {}},
    }
    assert breaks(OLD, more) == []
    assert breaks(more, OLD) == [
        "filed.2 is no longer on ledger.complaints",
        "the topic new is gone",
        "filed.2 is gone",
        "b.1 is gone",
    ]


# What is documented does not depend on the ledger.
APP = create_app(cast(Ledger, None), b"a key", 1e6)


def get(path: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(APP), base_url="http://ledger") as http:
            return await http.request("GET", path)

    return asyncio.run(ask())


def test_the_contract_is_served_without_a_token(published: dict[str, Any]) -> None:
    answer = get("/asyncapi.json")
    assert answer.json() == published
    assert answer.headers["content-type"] == "application/vnd.aai.asyncapi+json;version=3.0.0"


def test_the_dataschema_of_a_record_leads_to_its_schema_as_served() -> None:
    for path in (HERE / "complaint.filed.v1.json", HERE / "complaint.filed.v3.json"):
        name, version = json.loads(path.read_bytes())["dataschema"].removeprefix(f"{SCHEMA}:").split(":")
        answer = get(f"/schemas/{name}/{version}")
        assert answer.headers["content-type"] == "application/schema+json"
        assert answer.json() == SCHEMAS[f"{name}.{version}"]
    assert all(schema_file(name).exists() for name in SCHEMAS)
    assert re.fullmatch(f"{SCHEMA}:record:1", get("/schemas/record/1").json()["$id"])


@pytest.mark.parametrize("path", ["complaint.filed/4", "nothing/1", "..%2Fasyncapi/1", "complaint.filed/01", "a%00/1"])
def test_a_schema_that_there_is_not_is_a_problem(path: str) -> None:
    answer = get(f"/schemas/{path}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_document_is_the_same_whenever_it_is_made() -> None:
    assert document(SCHEMAS, examples()) == document(schemas(), examples())
    assert topics() == topics()
