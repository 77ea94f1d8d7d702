"""The contract for subscribers: a JSON Schema per event and version, and an AsyncAPI 3 document of the topics.

Made from the event models, and kept in docs/asyncapi, from where it is served. The schema of a version that has no
model any more is the file that was made while it had one. ``SCHEMA:<name>:<version>`` of a record's ``dataschema`` is
``<name>.<version>`` here, and ``/schemas/<name>/<version>`` over HTTP.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from adapters.record import MAX_RECORD_BYTES, SCHEMA, SOURCE
from adapters.topics import CONTENT_TYPE, DEFAULT_PARTITIONS, PUBLIC_COMPLAINTS
from domain.event import Event
from domain.streams import EVENT_TYPES, KINDS, TOPICS
from domain.values import Personal, Role
from projections.public_feed import PublicComplaint

Schema = dict[str, Any]

DIRECTORY = Path(__file__).parent.parent / "docs" / "asyncapi"
DRAFT = "https://json-schema.org/draft/2020-12/schema"
RECORD = "record.1"
PUBLIC = "public.complaint.1"
GONE = "public.complaint.gone"
#: Fixed width in UTC, so that text sorts as time.
INSTANT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$"
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
STREAM = "^[a-z]+-[A-Za-z0-9._-]+$"
_DEFS = "#/$defs/"
_COMPONENTS = "#/components/schemas/"

TOPIC_TITLES = {
    "ledger.complaints": "Every event of every complaint",
    "ledger.merchants": "Merchants, their credit, platforms, measures, grievances and live rooms",
    "ledger.governance": "The rulebook, offices, funds and consents",
    PUBLIC_COMPLAINTS: "What everybody may see of each complaint at the time",
}
LEDGER_ABOUT = (
    "Key: the id of the stream. Order holds per key; the order of everything is the header `position`, which counts "
    "1, 2, 3 … over all topics of `ledger.*` together. Each event is there once and for ever. Written in transactions: "
    "read with `isolation.level=read_committed`, and expect gaps in offsets, where the markers of transactions are. "
    "To deduplicate, skip what has a position not above the last one that was taken up from the same partition; or "
    "let `id` (the stream and its version) be a unique key. Ignore fields, events and versions that are not known. "
    "For auditors, and for whom an agreement entitles: records of complaints that are not public are readable here."
)
PUBLIC_ABOUT = (
    "Key: the id of the complaint. The newest message of a key is all that everybody may see of it now; one without a "
    "value (a tombstone) says that this is nothing any more, so whoever copied it must delete it. The topic is "
    "compacted: older messages of a key disappear, and some time later its tombstone. The header `position` is that of "
    "the ledger's event which made it so, and ascends in a partition. To deduplicate, skip what has a position not "
    "above the last one that was taken up from the same partition. Nothing personal is in it. For everybody."
)
PERSONAL = (
    "Personal text about the person whose id is in `{subject}`. It stands here as it was written until records are "
    "sealed per person; take it for opaque text, which one day may say nothing any more."
)


def schema_of(event_type: type[Event]) -> Schema:
    """The schema of ``data`` in the records of an event, in its present version."""
    schema = _as_written(event_type.model_json_schema())
    for place in ("occurred_at", "actor"):  # They are attributes of the record.
        del schema["properties"][place]
        schema["required"].remove(place)
    for name, field in event_type.model_fields.items():
        for mark in field.metadata:
            if isinstance(mark, Personal):
                about = PERSONAL.format(subject=mark.subject)
                schema["properties"][name] = {"type": "string", "description": about, "x-personal": mark.subject}
    return _identified(f"{event_type.name}.{event_type.version}", schema)


def record_schema() -> Schema:
    """The schema of the record: a CloudEvents 1.0 envelope in its JSON form, with the ledger's extensions."""
    text, digest = {"type": "string"}, {"type": "string", "pattern": "^[0-9a-f]{64}$"}
    attributes: dict[str, Schema] = {
        "specversion": {"const": "1.0", "description": "Of CloudEvents."},
        "id": {**text, "description": "`subject`:`streamversion`; unique in the ledger."},
        "source": {"const": SOURCE},
        "type": {**text, "description": "The name of the event, fixed for ever.", "examples": ["complaint.filed"]},
        "subject": {**text, "pattern": STREAM, "description": "The stream, which is the key of the message too."},
        "time": _instant("When it happened in the world. An imported or late event may be older than the one before."),
        "datacontenttype": {"const": "application/json"},
        "dataschema": {
            **text,
            "pattern": f"^{SCHEMA}:[a-z_.]+:[1-9][0-9]*$",
            "description": f"`{SCHEMA}:NAME:VERSION`; that schema is served at /schemas/NAME/VERSION.",
        },
        "data": {"type": "object", "description": "What happened, in the shape of `dataschema`."},
        "streamversion": {"type": "integer", "minimum": 1, "description": "Counts the events of the stream from 1."},
        "actor": {**text, "pattern": f"^{UUID}$", "description": "Who did it: a random id."},
        "actorrole": {**text, "description": "In which role; there may be new ones.", "examples": list(Role)},
        "commandid": {**text, "description": "The command that it comes from; several events may share one."},
        "commanddigest": {**digest, "description": "HMAC of what the command said, under a key of the service."},
        "correlationid": {**text, "description": "The request that it goes back to."},
        "causationid": {**text, "description": "The event that it follows from, where there is one."},
        "recordedat": _instant("When the ledger took it up; never goes back from one position to the next."),
    }
    return _identified(
        RECORD,
        {
            "title": "Record",
            "description": f"The value of a message of `ledger.*`: RFC 8785 canonical JSON, up to {MAX_RECORD_BYTES} "
            "bytes. Its bytes never change; what the ledger proves, it proves about them.",
            "type": "object",
            "properties": attributes,
            "required": [name for name in attributes if name != "causationid"],
        },
    )


def schemas() -> dict[str, Schema]:
    """Every schema by its name and version; raises FileNotFoundError for that of a former version which is gone."""
    found = {RECORD: record_schema(), PUBLIC: _identified(PUBLIC, _as_written(PublicComplaint.model_json_schema()))}
    for name, event_type in EVENT_TYPES.items():
        for version in range(1, event_type.version):
            found[f"{name}.{version}"] = json.loads(schema_file(f"{name}.{version}").read_bytes())
        found[f"{name}.{event_type.version}"] = schema_of(event_type)
    return found


def schema_file(name: str) -> Path:
    """Where the schema ``<name>.<version>`` is kept."""
    return DIRECTORY / "schemas" / f"{name}.json"


def topics() -> dict[str, list[str]]:
    """The schemas of what can be on each topic."""
    found: dict[str, list[str]] = {topic: [] for topic in TOPICS}
    for kind in KINDS.values():
        for event in kind.events:
            found[kind.topic].extend(f"{event.name}.{version}" for version in range(1, event.version + 1))
    return {**found, PUBLIC_COMPLAINTS: [PUBLIC]}


def document(shapes: Mapping[str, Schema], examples: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """The AsyncAPI 3.0.0 document, with the ``examples`` of each schema: records, or public complaints."""
    channels, operations, messages = {}, {}, {}
    for topic, names in topics().items():
        public = topic == PUBLIC_COMPLAINTS
        channels[topic] = _channel(topic, names)
        operations[f"send.{topic}"] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{topic}"},
            "summary": f"{TOPIC_TITLES[topic]}.",
        }
        for name in names:
            messages[name] = _message(name, shapes[name], public, examples.get(name, ()))
    messages[GONE] = {
        "title": GONE,
        "summary": "Nothing of this complaint is public any more.",
        "traits": [{"$ref": "#/components/messageTraits/gone"}],
        "payload": {"type": "null", "description": "A message without a value."},
    }
    return {
        "asyncapi": "3.0.0",
        "id": SOURCE,
        "info": {
            "title": "Complaint ledger",
            "version": version_of("complaint-ledger"),
            "description": "What the complaint ledger publishes on Kafka. A deployment may put a prefix before all "
            "names of topics. A schema never changes for what was written in it: a new shape is a new version, and "
            "records of old versions stay on the topics. New fields that may be absent, new events and new versions "
            "come at any time: ignore what is not known.",
        },
        "defaultContentType": CONTENT_TYPE.decode(),
        "servers": {
            "kafka": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "description": "The deployment's broker. The address is an example: the real one is `kafka_bootstrap` "
                "in `complaints status --json`, or known to who runs the ledger. Who may read which topics is for the "
                "broker's access lists: the roles stand with each channel as `x-readers`.",
                "variables": {"bootstrap": {"default": "127.0.0.1:9092", "description": "host:port, for example"}},
            }
        },
        "channels": channels,
        "operations": operations,
        "components": {
            "schemas": dict(sorted(_hoisted(shapes))),
            "messages": messages,
            "messageTraits": {
                "record": _trait(CONTENT_TYPE.decode()),
                "public": _trait("application/json"),
                "gone": _trait(None),
            },
        },
    }


def written(value: object) -> str:
    """As it stands in the files."""
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def _channel(topic: str, names: Iterable[str]) -> dict[str, Any]:
    public = topic == PUBLIC_COMPLAINTS
    policy = {"cleanup.policy": ["compact"]} if public else {"cleanup.policy": ["delete"], "retention.ms": -1}
    gone = [GONE] if public else []
    return {
        "address": topic,
        "title": TOPIC_TITLES[topic],
        "description": PUBLIC_ABOUT if public else LEDGER_ABOUT,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in [*names, *gone]},
        "bindings": {
            "kafka": {
                "topic": topic,
                # By default; another number may be chosen before the first record, never after it.
                "partitions": DEFAULT_PARTITIONS,
                "topicConfiguration": policy,
                "bindingVersion": "0.5.0",
            }
        },
        "x-partitions": "Fixed for life, by default as stated. The partitioner is Kafka's default one (murmur2).",
        "x-readers": ["everybody"] if public else [Role.AUDITOR.value, "who is entitled by agreement"],
    }


def _message(name: str, schema: Schema, public: bool, examples: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    event, _, version = name.rpartition(".")
    payload: Schema = {"$ref": _COMPONENTS + name}
    if not public:
        own = {"type": {"const": event}, "dataschema": {"const": f"{SCHEMA}:{event}:{version}"}, "data": payload}
        payload = {"allOf": [{"$ref": _COMPONENTS + RECORD}, {"type": "object", "properties": own}]}
    message = {
        "name": event,
        "title": f"{event}, version {version}",
        "summary": str(schema.get("description", "")).split("\n\n")[0],
        "traits": [{"$ref": f"#/components/messageTraits/{'public' if public else 'record'}"}],
        "payload": payload,
    }
    if examples:
        message["examples"] = [{"payload": example} for example in examples]
    return message


def _trait(content_type: str | None) -> dict[str, Any]:
    position = {"type": "string", "pattern": "^[1-9][0-9]*$", "description": "The position in the ledger, in decimal."}
    headers: dict[str, Schema] = {"position": position}
    if content_type is not None:
        headers["content-type"] = {"const": content_type}
    return {
        **({} if content_type is None else {"contentType": content_type}),
        "headers": {"type": "object", "properties": headers, "required": list(headers)},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "pattern": STREAM, "description": "The id of the stream, in UTF-8."},
                "bindingVersion": "0.5.0",
            }
        },
    }


def _hoisted(shapes: Mapping[str, Schema]) -> Iterator[tuple[str, Schema]]:
    """The schemas, and what they define for themselves, as the components of one document."""
    shared: dict[str, Schema] = {}
    for name, schema in shapes.items():
        own = schema.get("$defs", {})
        # A former version may have meant less by the same name.
        names = {title: title if shared.get(title, part) == part else f"{title}.{name}" for title, part in own.items()}
        for title, part in own.items():
            shared[title] = shared.get(title, part)
            yield names[title], _referring(part, names)
        body = {key: value for key, value in schema.items() if key not in ("$schema", "$id", "$defs")}
        yield name, _referring(body, names)


def _referring(node: Any, names: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        if isinstance(target := node.get("$ref"), str):
            # What else stands beside a reference, readers of this dialect ignore.
            return {"$ref": _COMPONENTS + names[target.removeprefix(_DEFS)]}
        return {key: _referring(value, names) for key, value in node.items()}
    return [_referring(item, names) for item in node] if isinstance(node, list) else node


def _as_written(schema: Schema) -> Schema:
    """The schema of what is in a record: what is absent is left out, and what is not known may be there."""
    shape: Schema = _without_null(schema)
    shape.setdefault("required", [])
    return shape


def _without_null(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_null(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {key: _without_null(value) for key, value in node.items() if key not in ("properties", "anyOf", "default")}
    if found.get("additionalProperties") is False:
        del found["additionalProperties"]
    if found.get("format") == "date-time":
        found["pattern"] = INSTANT
    if node.get("default") is not None:
        found["default"] = node["default"]
    if "properties" in node:
        parts = {name: _without_null(part) for name, part in node["properties"].items()}
        found["properties"] = {name: {k: v for k, v in p.items() if k != "title"} for name, p in parts.items()}
    some = [_without_null(part) for part in node.get("anyOf", ()) if part != {"type": "null"}]
    return found | some[0] if len(some) == 1 else found | ({"anyOf": some} if some else {})


def _identified(name: str, schema: Schema) -> Schema:
    event, _, version = name.rpartition(".")
    used = _used({key: value for key, value in schema.items() if key != "$defs"}, schema.get("$defs", {}), set())
    parts = {title: part for title, part in schema.pop("$defs", {}).items() if title in used}
    return {
        "$schema": DRAFT,
        "$id": f"{SCHEMA}:{event}:{version}",
        **schema,
        **({"$defs": parts} if parts else {}),
    }


def _used(node: Any, parts: Mapping[str, Schema], found: set[str]) -> set[str]:
    for key, value in node.items() if isinstance(node, dict) else enumerate(node if isinstance(node, list) else ()):
        if key == "$ref" and (title := value.removeprefix(_DEFS)) not in found:
            found.add(title)
            _used(parts[title], parts, found)
        else:
            _used(value, parts, found)
    return found


def _instant(about: str) -> Schema:
    return {"type": "string", "format": "date-time", "pattern": INSTANT, "description": about}


def example_of(complaint: BaseModel) -> dict[str, Any]:
    """A public complaint as it stands in a message."""
    return complaint.model_dump(mode="json", exclude_none=True)
