"""What everybody may see of a complaint, by docs/adr/0010-public-feed.md, straight from its events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from domain.complaint.advances import AdvancePaid
from domain.complaint.clocks import Published
from domain.complaint.ending import Corrected, Reopened
from domain.complaint.filing import Merged
from domain.complaint.negotiation import Answered
from domain.complaint.publication import OutcomePublished, Withheld
from domain.complaint.settlement import Performed, Resolved
from domain.complaint.state import OutcomeKind, RequestKind
from domain.streams import COMPLAINT
from tests.reference.complaints import last_known, merchant, region, scenario
from tests.reference.history import (
    ELSEWHERE,
    SHANGHAI,
    Events,
    after,
    all_of,
    day_filed,
    filing,
    has,
    is_ending,
    kind,
    last_of,
    last_round,
    resolution,
)


def published_outcome(events: Events) -> OutcomePublished | None:
    """The outcome that was published in this round, unless it went on in another way since."""
    found = last_of(last_round(events), OutcomePublished)
    return None if found is None or has(after(events, found), *ELSEWHERE) else found


def is_public(events: Events) -> bool:
    """A complaint, published or with its outcome published, that was neither withheld nor merged."""
    if kind(events) is not RequestKind.COMPLAINT or has(events, Withheld, Merged):
        return False
    return has(events, Published) or published_outcome(events) is not None


def coarse(scheme: str, value: str, of_a_register: bool) -> dict[str, str] | None:
    """No finer than a city: the first four digits of a division; states of the USA as registers tell them."""
    if scheme == "us-state" and of_a_register:
        return {"scheme": scheme, "value": value}
    if scheme == "GB/T 2260" and len(value) == 6 and set(value) <= set("0123456789"):
        return {"scheme": scheme, "value": value[:4] + "00"}
    return None


def recovered(events: Events) -> list[dict[str, Any]]:
    """What has come back so far, by currency, punitive damages aside."""
    came = [one.recovered for one in all_of(events, Resolved)]
    own: list[Performed | AdvancePaid] = [*all_of(events, Performed)]
    own += [one for one in all_of(events, AdvancePaid) if not one.performs]
    came += [one.amount for one in own if one.kind is not OutcomeKind.PUNITIVE_DAMAGES]
    sums: Counter[str] = Counter()
    for money in came:
        if money is not None:
            sums[money.currency] += money.fen
    return [{"fen": sums[currency], "currency": currency} for currency in sorted(sums) if sums[currency]]


def outcome(events: Events) -> dict[str, Any] | None:
    told = published_outcome(events)
    if told is None:
        return None
    own = last_round(events)
    settled = last_of(own, Resolved)
    return {
        "way": told.way.value,
        "ended_on": [one for one in own if is_ending(one)][-1].occurred_at.astimezone(SHANGHAI).date().isoformat(),
        "kinds": sorted({term.kind.value for term in (settled.terms if settled else None) or ()}),
        "recovered": recovered(events),
        "text": told.text,
    }


def answer(events: Events) -> tuple[str | None, bool | None]:
    """The kind of the answer of this round, and whether it was in time; as corrected since."""
    said: tuple[str | None, bool | None] = (None, None)
    for event in last_round(events):
        if isinstance(event, Answered):
            said = event.kind, event.in_time
        if isinstance(event, Corrected):
            said = event.answer or said[0], said[1] if event.in_time is None else event.in_time
    return said


def words(events: Events) -> dict[str, str | None]:
    """Product and issue as a register of origin has them, of its code list."""
    own = filing(events)
    if own.origin is None or own.scheme in ("free", "unspecified"):
        return {}
    names = ("product", "sub_product", "issue", "sub_issue")
    told = {name: [getattr(own, name), *(getattr(one, name) for one in all_of(events, Corrected))] for name in names}
    return {"scheme": own.scheme} | {name: last_known(values) or None for name, values in told.items()}


def shown(events: Events) -> dict[str, Any] | None:
    """The public view as JSON, without its counts; None when there is none. Absent is what is not known."""
    if not is_public(events):
        return None
    kind_of_answer, in_time = answer(events)
    found = {
        "status": COMPLAINT.fold(events).status.value,
        "filed_on": day_filed(events).isoformat(),
        "channel": last_known([filing(events).channel, *(one.channel for one in all_of(events, Corrected))]),
        "merchant_id": merchant(events) or None,
        "region": coarse(*region(events), filing(events).origin is not None),
        "scenario": scenario(events) or None,
        **words(events),
        "answer": kind_of_answer,
        "answered_in_time": in_time,
        "resolved": resolution(events) is not None,
        "reopened": len(all_of(events, Reopened)),
        "outcome": outcome(events),
    }
    return {name: value for name, value in found.items() if value is not None}


def told(events: Events) -> Iterable[tuple[int, dict[str, Any] | None]]:
    """The messages about a complaint: after which event, from 1, and what is public from there on."""
    before, values = None, 0
    for version in range(1, len(events) + 1):
        now = shown(events[:version])
        if now != before:
            values += now is not None
            yield version, None if now is None else {**now, "publication": values}
        before = now
