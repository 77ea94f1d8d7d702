"""What came of requests by the day on which it happened: every day is looked up in the events of each request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from domain.complaint.advances import AdvancePaid
from domain.complaint.clocks import MediationEnded
from domain.complaint.ending import Withdrawn
from domain.complaint.handling import Accepted, Concluded, Received, Refused
from domain.complaint.reports import CaseDeclined, CaseFiled, PenaltyImposed, VerificationBegun
from domain.complaint.settlement import Performed, Resolved
from domain.complaint.state import OutcomeKind
from domain.event import Event
from tests.reference import counting, money
from tests.reference.complaints import MEASURES, dimensions, durations
from tests.reference.history import (
    SHANGHAI,
    Events,
    all_of,
    is_ending,
    last_round,
    outcomes,
    resolution,
)
from tests.reference.statistics import Key, bucket, first_day

DIMENSIONS = ("all", "kind", "merchant", "region", "channel", "register", "office")
Days = dict[date, int]


def on(event: Event | None) -> date:
    """The day in Shanghai on which something happened."""
    assert event is not None
    return event.occurred_at.astimezone(SHANGHAI).date()


def first_of(events: Events, *kinds: type[Event]) -> Event:
    return next(event for event in events if isinstance(event, kinds))


def last_of(events: Events, *kinds: type[Event]) -> Event:
    return [event for event in events if isinstance(event, kinds)][-1]


def end_of(events: Events) -> Event:
    """Since what it is at its end: its resolution; or else what closed it last, and if nothing did, a register's
    first correction that says so."""
    solved = resolution(events)
    if solved is not None:
        return solved
    said = [one for one in outcomes(events) if not isinstance(one, Resolved)]
    closings = [one for one in said if is_ending(one)]
    return closings[-1] if closings else said[0]


def end_of_mediation(events: Events) -> Event:
    """Its agreement, or what ended it without one."""
    own = last_round(events)
    return last_of(own, Resolved) if counting.mediation_succeeded(events) else first_of(own, MediationEnded)


#: Each measure that counts once for a request, and what it happened by.
HAPPENED: dict[str, Callable[[Events], Event | None]] = {
    "received": lambda events: first_of(events, Received, VerificationBegun),
    "checked": lambda events: last_of(last_round(events), Accepted, Refused),
    "accepted": lambda events: last_of(last_round(events), Accepted),
    "answered": counting.first_answer,
    "ended": end_of,
    "resolved": resolution,
    "withdrawn": lambda events: last_of(events, Withdrawn),
    "mediated": end_of_mediation,
    "mediation_succeeded": end_of_mediation,
    "concluded": lambda events: last_of(last_round(events), Concluded),
    "verified": lambda events: last_of(events, CaseFiled, CaseDeclined),
    "cases_filed": lambda events: last_of(events, CaseFiled),
    "fines": lambda events: last_of(events, PenaltyImposed),
}
#: What is said beside another measure happened with it.
WITH = {
    "checked_on_time": "checked",
    "answered_on_time": "answered",
    "concluded_on_time": "concluded",
    "verified_on_time": "verified",
    "fine_fen": "fines",
}


def recovered(events: Events) -> Days:
    """What came back to the consumer of a valid complaint, by the day on which it was paid."""
    found: Days = {}
    for event in events if counting.valid(events) else ():
        match event:
            case Resolved():
                paid = event.recovered
            case Performed() if event.kind is not OutcomeKind.PUNITIVE_DAMAGES:
                paid = event.amount
            case AdvancePaid() if not event.performs:
                paid = event.amount
            case _:
                continue
        found[on(event)] = found.get(on(event), 0) + money.yuan(paid)
    return found


def punitive(events: Events) -> Days:
    """Punitive damages of a valid complaint, by the day on which they were paid."""
    found: Days = {}
    for event in all_of(events, Performed) if counting.valid(events) else ():
        if event.kind is OutcomeKind.PUNITIVE_DAMAGES and money.yuan(event.amount):
            found[on(event)] = found.get(on(event), 0) + money.yuan(event.amount)
    return found


def of_a_request(events: Events) -> dict[str, Days]:
    """What a request counts for on which day, by the name of the measure."""
    found: dict[str, Days] = {}
    for name in (*HAPPENED, *WITH):
        counted = int(MEASURES[name](events))
        if counted:
            found[name] = {on(HAPPENED[WITH.get(name, name)](events)): counted}
    found["recovered_fen"], found["punitive_fen"] = recovered(events), punitive(events)
    if found["punitive_fen"]:
        found["punitive_cases"] = {min(found["punitive_fen"]): 1}
    return found


def flows(streams: Iterable[Events], names: Sequence[str], *grains: str) -> dict[Key, dict[str, int]]:
    """The sum of each of the measures under each key, by the day on which it happened."""
    found: dict[Key, dict[str, int]] = {}
    for events in streams:
        own = of_a_request(events)
        for dimension, scheme, key in (one for one in dimensions(events) if one[0] in DIMENSIONS):
            for name, days in own.items():
                for day, counted in days.items():
                    for grain in grains:
                        whole = (dimension, scheme, key, grain, first_day(day, grain))
                        found.setdefault(whole, dict.fromkeys(names, 0))[name] += counted
    return {key: sums for key, sums in found.items() if any(sums.values())}


def resolved_between(streams: Iterable[Events], first: date, last: date) -> list[timedelta]:
    """How long the resolutions took that came from the first to the last day, both included."""
    return [
        durations(events)["resolution"]
        for events in streams
        if counting.resolved(events) and first <= on(resolution(events)) <= last
    ]


def histograms_of_the_resolved(streams: Iterable[Events], *grains: str) -> dict[tuple[Any, ...], int]:
    """How many resolutions of a period took so long, by boundary."""
    found: dict[tuple[Any, ...], int] = {}
    for events in streams:
        if counting.resolved(events):
            for grain in grains:
                day = first_day(on(resolution(events)), grain)
                key = ("all", "", "", grain, day, "resolved", bucket(durations(events)["resolution"]))
                found[key] = found.get(key, 0) + 1
    return found
