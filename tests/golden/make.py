"""Writes the golden records that are missing: ``python -m tests.golden.make``. Those that exist are never touched.

A sample has every field of its event filled in, so that each has a record that says how it reads. An event that gained
a field gets a further sample beside the first: ``complaint.routed-2.v1.json``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from adapters.record import Recorded, RecordMapper, read_record
from domain.event import Event
from domain.streams import EVENT_TYPES
from domain.values import parse_instant

HERE = Path(__file__).parent
AT = "2026-03-02T01:00:00.000000Z"
UUID = "11111111-1111-4111-8111-111111111111"
#: A text for each pattern that the models know; any other text is the name of its field.
PATTERNS = {
    r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$": UUID,
    r"^merchant-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$": f"merchant-{UUID}",
    r"^office-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$": f"office-{UUID}",
    r"^platform-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$": f"platform-{UUID}",
    r"^fund-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$": f"fund-{UUID}",
    r"^measure-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$": f"measure-{UUID}",
    r"^grievance-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$": f"grievance-{UUID}",
    r"^(merchant|platform)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$": f"merchant-{UUID}",
    r"^(platform|office)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$": f"office-{UUID}",
    r"^complaint-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$": f"complaint-{UUID}",
    r"^[a-z]+-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$": f"office-{UUID}",
    r"^[a-z0-9]+([-_][a-z0-9]+)*$": "quality",
    r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$": "delivery",
    r"^complaint-[0-9a-f-]{36}$": f"complaint-{UUID}",
    r"^[0-9a-f]{64}$": "ab" * 32,
    r"^[0-9]{6}$": "330106",
    r"^[A-Z]{3}$": "CNY",
    r"^(merchant|platform|payment_provider)$": "platform",
}


def as_read(path: Path) -> dict[str, Any]:
    """What the present program makes of a golden record."""
    recorded = read_record(path.read_bytes())
    return {"event": recorded.event.name, **recorded.event.model_dump(mode="json", exclude_none=True)}


def fields_shown(event_type: type[Event]) -> set[str]:
    """The fields of an event that its golden records of the present version have."""
    shown: set[str] = set()
    for path in HERE.glob(f"{event_type.name}*.v{event_type.version}.json"):
        if path.stem.rpartition(".v")[0].partition("-")[0] == event_type.name:
            shown |= read_record(path.read_bytes()).event.model_dump(exclude_none=True).keys()
    return shown


def sample(event_type: type[Event]) -> Event:
    """An event with all its fields."""
    schema = event_type.model_json_schema()
    return event_type.model_validate_json(json.dumps(_value(schema, schema.get("$defs", {}), event_type.name)))


def _value(schema: dict[str, Any], known: dict[str, Any], name: str) -> Any:
    if "$ref" in schema:
        return _value(known[schema["$ref"].rpartition("/")[2]], known, name)
    if "anyOf" in schema:
        return _value(schema["anyOf"][0], known, name)
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    match schema["type"]:
        case "object":
            return {field: _value(inner, known, field) for field, inner in schema["properties"].items()}
        case "array":
            return [_value(schema["items"], known, name)] if "items" in schema else []
        case "integer":
            return max(schema.get("minimum", 0), schema.get("exclusiveMinimum", 0) + 1)
        case "boolean":
            return True
        case _ if schema.get("format") == "date-time":
            return AT
        case _ if schema.get("format") == "date":
            return AT[:10]
        case _:
            return PATTERNS.get(schema.get("pattern", ""), f"{name} 之一")


def write(path: Path, event: Event) -> None:
    """Write a record of ``event``, and what it reads as."""
    stream = f"{event.name.partition('.')[0]}-{UUID}"
    made = Recorded(stream, 1, event, "c" * 32, "d" * 64, "e" * 32, "f" * 32, parse_instant(AT))
    path.write_bytes(RecordMapper().to_stored_event(made).state)
    read = json.dumps(as_read(path), ensure_ascii=False, indent=2, sort_keys=True)
    (HERE / "as_read" / path.name).write_text(read + "\n", encoding="utf-8")


def main() -> None:
    for name, event_type in EVENT_TYPES.items():
        if fields_shown(event_type) >= event_type.model_fields.keys():
            continue
        taken = len(list(HERE.glob(f"{name}.v{event_type.version}.json"))) + len(
            list(HERE.glob(f"{name}-*.v{event_type.version}.json"))
        )
        path = HERE / f"{name}{f'-{taken + 1}' if taken else ''}.v{event_type.version}.json"
        write(path, sample(event_type))
        print(path.name)


if __name__ == "__main__":
    main()
