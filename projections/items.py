"""Items within a stream: kept in its row as canonical JSON, and made into tables of their own by contributions.

See docs/adr/0011. A table of items is a table of sums whose key is the whole item; when that changes, the old key falls
to zero and is deleted, and the new one appears. Texts that people write stand apart, in parts, since a key has to fit
an index.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from domain.values import LAST_INSTANT, format_instant
from projections.projection import Key, Measures, Sums

Item = dict[str, Any]
#: By the name of what they are, then by what tells them apart within the stream.
Items = dict[str, dict[str, Item]]

#: No end, or not yet: behind every time that happens. A time that every zone can write.
NEVER = LAST_INSTANT
NO_DAY = NEVER.date()
#: The items of a stream that has none.
NONE = "{}"
#: Characters in a part of a text. Four bytes each at most; an entry of an index takes 2,704 bytes.
PART = 500
COUNT = ("items",)
_ONE = (1,)


def load(text: str) -> Items:
    """Read the items of a row; they are the caller's to change."""
    items: Items = json.loads(text)
    return items


def dump(items: Items) -> str:
    """Write items as canonical JSON."""
    return json.dumps(items, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def put(items: Items, name: str, key: object, /, **values: Any) -> None:
    """Put an item in the place of the one of that key, if there is any. What is None is left out."""
    items.setdefault(name, {})[str(key)] = _plain(values)


def alter(items: Items, name: str, key: object, /, **values: Any) -> None:
    """Change some values of an item, which is there; raises KeyError otherwise. Texts are added to those it has."""
    item = items[name][str(key)]
    texts = item.get("texts", {}) | values.pop("texts", {})
    item.update(_plain(values | ({"texts": texts} if texts else {})))


def following(items: Items, name: str) -> int:
    """Return the number of the item that comes next, if they are counted from 1 and never removed."""
    return len(items.get(name, {})) + 1


def _plain(values: Mapping[str, Any]) -> Item:
    return {name: _as_json(value) for name, value in values.items() if value is not None}


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        return str(value)
    if isinstance(value, tuple):
        return [_as_json(one) for one in value]
    if isinstance(value, dict):
        return _plain(value)
    return value


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table of items: ``absent`` stands where the item has no such value."""

    name: str
    absent: Any
    read: Callable[[Any], Any]

    def of(self, item: Item) -> Any:
        value = item.get(self.name)
        return self.absent if value is None else self.read(value)


def text(name: str) -> Column:
    """An id, a code, or one short text; '' where there is none."""
    return Column(name, "", str)


def number(name: str) -> Column:
    """An integer; 0 where there is none."""
    return Column(name, 0, int)


def flag(name: str) -> Column:
    """Whether something is so; false where nothing is said."""
    return Column(name, False, bool)


def instant(name: str) -> Column:
    """A time; NEVER where there is none."""
    return Column(name, NEVER, datetime.fromisoformat)


def day(name: str) -> Column:
    """A day; NO_DAY where there is none."""
    return Column(name, NO_DAY, date.fromisoformat)


@lru_cache(maxsize=1024)
def _read(text: str) -> Items:
    """Read items that nobody changes: all tables of a row ask for the same ones."""
    return load(text)


def items_of(row: Any, name: str) -> Iterator[Item]:
    """The items of one name that a row has; they are not to be changed."""
    return iter(_read(row.items).get(name, {}).values())


def table(name: str, stream: str, items: str, *columns: Column, amounts: tuple[str, ...] = ()) -> Sums:
    """Make a table of items: a row for each, with the id of its stream as column ``stream``, and ``columns``.

    ``amounts`` are values of the item that are summed beside the count, zero where there is none. No ``stream``: items
    of different streams do not differ by it.
    """

    def contributions(row: Any) -> dict[Key, Measures]:
        found: dict[Key, Measures] = {}
        for item in items_of(row, items):
            key = tuple(column.of(item) for column in columns)
            measures = (1, *(item.get(amount, 0) for amount in amounts)) if amounts else _ONE
            found[key] = measures if key not in found else tuple(map(sum, zip(found[key], measures, strict=True)))
        return found

    keys = tuple(column.name for column in columns)
    return made(name, stream, keys, contributions, COUNT + amounts)


def listed(name: str, stream: str, keys: tuple[str, ...], of_row: Callable[[Any], Iterator[Key]]) -> Sums:
    """Make a table of what items hold several of: ``of_row`` gives the keys, each of which counts once."""

    def contributions(row: Any) -> dict[Key, Measures]:
        return dict.fromkeys(of_row(row), _ONE)

    return made(name, stream, keys, contributions, COUNT)


def cited(name: str, stream: str, *items: str) -> Sums:
    """Make the table of the complaints that items name: which item, its number, a complaint."""

    def of_row(row: Any) -> Iterator[Key]:
        for named in items:
            for item in items_of(row, named):
                for complaint in item.get("complaints", ()):
                    yield named, item["number"], complaint

    return listed(name, stream, ("item", "number", "complaint_id"), of_row)


def texts(name: str, stream: str) -> Sums:
    """Make the table of what people wrote: which item, its number, which text of it, and the parts of that in order."""

    def of_row(row: Any) -> Iterator[Key]:
        for named, own in _read(row.items).items():
            for item in own.values():
                for field, whole in item.get("texts", {}).items():
                    for n in range(0, len(whole), PART):
                        yield named, item["number"], field, n // PART + 1, whole[n : n + PART]

    return listed(name, stream, ("item", "number", "field", "part", "text"), of_row)


def made(
    name: str,
    stream: str,
    keys: tuple[str, ...],
    contributions: Callable[[Any], dict[Key, Measures]],
    measures: tuple[str, ...],
) -> Sums:
    """Make a table of sums, with the id of the stream as its first column where that has a name."""
    whole = (stream, *keys) if stream else keys
    return Sums(f"read.{name}", whole, measures, contributions, by_stream=bool(stream))
