"""Whether whoever reads by the last released contract can read by the present one.

The rule: a schema speaks of all records of its version, those to come and those that are there already. So nothing may
be in a record that the released schema did not foresee, and what it foresaw must still be. Free are words of
explanation, new fields that may be absent (readers ignore what they do not know), new events, new versions and new
topics. Whatever else changes is a new version of the event, beside the old one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

#: What says nothing about which records are valid, or about what they mean.
WORDS = frozenset({"$schema", "$id", "$defs", "title", "description", "examples"})


def breaks(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return what breaks a reader of the contract ``old``; empty when nothing does.

    A contract has ``schemas`` by ``<name>.<version>``, and ``topics``: which of them can be on each.
    """
    found: list[str] = []
    for topic, names in old["topics"].items():
        if topic not in new["topics"]:
            found.append(f"the topic {topic} is gone")
        else:
            found.extend(f"{name} is no longer on {topic}" for name in names if name not in new["topics"][topic])
    for name, schema in old["schemas"].items():
        if name not in new["schemas"]:
            found.append(f"{name} is gone")
        else:
            now = new["schemas"][name]
            found.extend(_changes(_resolved(schema, schema), _resolved(now, now), name))
    return found


def _changes(old: Schema, new: Schema, where: str) -> list[str]:
    found: list[str] = []
    for keyword in sorted((old.keys() | new.keys()) - WORDS - {"properties", "required"}):
        was, now = old.get(keyword), new.get(keyword)
        if keyword == "enum" and isinstance(was, list) and isinstance(now, list):
            found.extend(f"{where} may be {value!r}, which readers do not know" for value in now if value not in was)
            found.extend(f"{where} was {value!r} in records, and must not be" for value in was if value not in now)
        elif isinstance(was, dict) and isinstance(now, dict):
            found.extend(_changes(was, now, f"{where}[]" if keyword == "items" else f"{where}{{}}"))
        elif keyword == "anyOf" and isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
            for before, after in zip(was, now, strict=True):
                found.extend(_changes(before, after, where))
        elif was != now:
            found.append(f"{where}: {keyword} was {_told(was)}, and is {_told(now)}")
    needed, needs = set(old.get("required", ())), set(new.get("required", ()))
    found.extend(f"{where}.{name} may be absent, on which readers do not reckon" for name in sorted(needed - needs))
    found.extend(f"{where}.{name} is required, and records that are there lack it" for name in sorted(needs - needed))
    parts = new.get("properties", {})
    for name, part in old.get("properties", {}).items():
        if name in parts:
            found.extend(_changes(part, parts[name], f"{where}.{name}"))
        else:
            found.append(f"{where}.{name} is gone")
    return found


def _told(value: object) -> str:
    return "not limited" if value is None else json.dumps(value, ensure_ascii=False)


def _resolved(node: Any, root: Schema) -> Any:
    """Put in place of each reference what it refers to."""
    if isinstance(node, list):
        return [_resolved(item, root) for item in node]
    if not isinstance(node, dict):
        return node
    if isinstance(target := node.get("$ref"), str):
        beside = {key: value for key, value in node.items() if key != "$ref"}
        return _resolved(root["$defs"][target.rpartition("/")[2]] | beside, root)
    return {key: _resolved(value, root) for key, value in node.items() if key != "$defs"}
