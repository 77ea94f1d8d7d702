"""How rows of boards are found in the events, named and ordered: what all of their references share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from domain.merchant.registration import Registered
from domain.office.establishment import Established
from domain.platform.admission import Admitted
from domain.rulebook.events import CodeListPublished
from tests.reference.history import Events, all_of

#: The events of every stream, by its id.
Histories = Mapping[str, Events]
Row = dict[str, Any]


def streams(histories: Histories, kind: str, only: str | None = None) -> Iterator[tuple[str, Events]]:
    """The streams of a kind, or ``only`` one of them, by id."""
    for stream in sorted(histories):
        if stream.startswith(f"{kind}-") and only in (None, stream):
            yield stream, histories[stream]


def called(histories: Histories, stream: str) -> str | None:
    """The name of an office, platform or merchant; None if it is not known."""
    for event in histories.get(stream, ()):
        if isinstance(event, (Established, Admitted)):
            return event.title
        if isinstance(event, Registered):
            return event.trade_name
    return None


def code_name(histories: Histories, scheme: str, code: str) -> str | None:
    """What a code stands for in the newest edition of its list."""
    parts = [one for _, events in streams(histories, "rulebook") for one in all_of(events, CodeListPublished)]
    own = [one for one in parts if one.codes.scheme == scheme]
    newest = [one for one in own if one.edition == own[-1].edition]
    return next((one.codes.entries[code].name for one in newest if code in one.codes.entries), None)


def by(rows: Iterable[Row], *names: str) -> list[Row]:
    """In order of these columns; what a row does not have comes first."""
    return sorted(rows, key=lambda one: [(one[name] is not None, one[name]) for name in names])


def latest_first(rows: Iterable[Row], time: str, *names: str) -> list[Row]:
    """The latest first; of the same time in order of these columns, and then as they are."""
    return sorted(by(rows, *names), key=lambda one: one[time], reverse=True)
