"""How listings, measures and reports stand, by the events of their streams; and what others are called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from domain.event import Event
from domain.measure.ending import Ended, Lifted
from domain.measure.imposing import Imposed
from domain.measure.remedies import Appealed, Decided, DecisionOutcome, RemedyWithdrawn, ReviewSought, Sued
from domain.merchant.registration import Registered
from domain.merchant.standing import Listed, ListingEnded, ListingExtended, ListingRemoved, RepairDecided
from domain.office.establishment import Established
from domain.platform.admission import Admitted
from domain.platform.supervision import SupervisionReported
from domain.rulebook.codes import Entry
from domain.rulebook.events import CodeListPublished
from domain.rulebook.terms import RunningTerm
from tests.reference.history import E, Events, after, all_of, has

Histories = Mapping[str, Events]
Row = dict[str, Any]
Contesting = Appealed | ReviewSought | Sued
ListingEnd = ListingRemoved | ListingEnded | RepairDecided


def each(histories: Histories, kind: type[E]) -> Iterator[tuple[str, Events, E]]:
    """Every event of a kind, with its stream and the events of that."""
    for stream, events in histories.items():
        for event in all_of(events, kind):
            yield stream, events, event


def name_of(histories: Histories, stream: str | None) -> str | None:
    """The title of an office or a platform, or the name under which a merchant trades."""
    for event in histories.get(stream or "", ()):
        if isinstance(event, Established | Admitted):
            return event.title
        if isinstance(event, Registered):
            return event.trade_name
    return None


def violation_name(histories: Histories, code: str | None) -> str | None:
    """What the newest edition of the list of violations calls a code."""
    lists = [one for _, _, one in each(histories, CodeListPublished) if one.codes.scheme == "violation"]
    newest = max(one.edition for one in lists)
    entries: dict[str, Entry] = {}
    for one in lists:
        if one.edition == newest:
            entries.update(one.codes.entries)
    return entries[code].name if code in entries else None


def cited(*complaints: str) -> list[str]:
    """Each complaint once, by id."""
    return sorted(set(complaints))


def last_instant(*terms: RunningTerm | None) -> datetime | None:
    """The end of the term that was given last, if any was."""
    given = [term for term in terms if term is not None]
    return given[-1].due if given else None


def time_of(event: Event | None) -> datetime | None:
    return None if event is None else event.occurred_at


def is_past(last: datetime | None, at: datetime) -> bool:
    """The last instant of a term belongs to it."""
    return last is not None and last < at


def stands(since: datetime, last: datetime | None, over: datetime | None, at: datetime) -> bool:
    """From its beginning on, through the last instant of its time, or until what ended it sooner than that."""
    ended_sooner = over is not None and over <= at and (last is None or over < last)
    return since <= at and not is_past(last, at) and not ended_sooner


def latest_first(rows: Iterable[Row], time: str, *ties: str) -> list[Row]:
    in_order = sorted(rows, key=lambda row: [row[tie] for tie in ties])
    return sorted(in_order, key=lambda row: row[time], reverse=True)


def most_first(rows: Iterable[Row], count: str) -> list[Row]:
    """Then by key; what has none comes last."""
    return sorted(rows, key=lambda row: (-row[count], row["key"] is None, row["key"] or ""))


def of_listing(events: Events, listed: Listed, kind: type[E]) -> list[E]:
    """What of a kind happened to a listing."""
    return [one for one in all_of(after(events, listed), kind) if getattr(one, "number", None) == listed.number]


def end_of_listing(events: Events, listed: Listed) -> ListingEnd | None:
    """What took the merchant off the list: who had listed it, time, or a repair that was granted."""
    ends: list[ListingEnd] = [*of_listing(events, listed, ListingRemoved), *of_listing(events, listed, ListingEnded)]
    ends += [one for one in of_listing(events, listed, RepairDecided) if one.granted]
    assert len(ends) <= 1
    return ends[0] if ends else None


def behind_listing(events: Events, listed: Listed) -> list[str]:
    extended = of_listing(events, listed, ListingExtended)
    return cited(*listed.complaints, *(complaint for one in extended for complaint in one.complaints))


def is_revoking(event: Event) -> bool:
    return isinstance(event, Decided) and event.outcome is DecisionOutcome.REVOKED


def end_of_measure(events: Events) -> Event | None:
    """What ended it first: who imposed it, time, or a decision that it was wrong."""
    return next((one for one in events if isinstance(one, Lifted | Ended) or is_revoking(one)), None)


def in_effect(events: Events) -> Imposed | Decided:
    """By what it was said last what the measure does: a decision that varied it says it anew."""
    varied = [one for one in all_of(events, Decided) if one.outcome is DecisionOutcome.VARIED]
    return varied[-1] if varied else all_of(events, Imposed)[0]


def open_remedy(events: Events) -> Contesting | None:
    """What was begun last against the measure, and neither decided nor withdrawn."""
    begun: list[Contesting] = [one for one in events if isinstance(one, Appealed | ReviewSought | Sued)]
    return None if not begun or has(after(events, begun[-1]), RemedyWithdrawn, Decided) else begun[-1]


def newest_reports(histories: Histories) -> Iterator[tuple[str, SupervisionReported]]:
    """The reports of platforms, but for those that a later one of the same days replaced."""
    for own, events, report in each(histories, SupervisionReported):
        later = all_of(after(events, report), SupervisionReported)
        if not any((one.first, one.last) == (report.first, report.last) for one in later):
            yield own, report
