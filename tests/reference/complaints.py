"""Every term of docs/definitions.md that is about one request, each answered by a walk over its events.

Nothing here knows of a read model: a request is the list of its events, in the order of its stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

from domain.complaint.ending import Corrected
from domain.complaint.filing import AccountMatched, ScenarioClassified
from domain.complaint.handling import Accepted, MerchantNamed, Received, Transferred
from domain.complaint.negotiation import Routed
from domain.complaint.reports import PenaltyImposed, VerificationBegun
from tests.reference import counting, money
from tests.reference.history import Events, all_of, before, filing, kind, resolution

MEASURES: dict[str, Callable[[Events], int]] = {
    "requests": counting.counted,
    "filed": counting.filed,
    "valid": counting.valid,
    "withdrawn": counting.withdrawn,
    "refused": counting.refused,
    "referred": counting.referred,
    "routed": counting.routed,
    "answer_ended": counting.answer_ended,
    "answered": counting.answered,
    "answered_on_time": counting.answered_on_time,
    "resolved": counting.resolved,
    "resolved_on_time": counting.resolved_on_time,
    "confirmed": counting.confirmed,
    "disputed": counting.disputed,
    "reopened": counting.reopened,
    "self_settled": counting.self_settled,
    "received": counting.received,
    "checked": counting.checked,
    "checked_on_time": counting.checked_on_time,
    "accepted": counting.accepted,
    "mediated": counting.mediated,
    "mediation_succeeded": counting.mediation_succeeded,
    "ended": counting.ended,
    "ended_without_person": counting.ended_without_person,
    "concluded": counting.concluded,
    "concluded_on_time": counting.concluded_on_time,
    "person_requested": counting.person_requested,
    "person_reached": counting.person_reached,
    "suggested": counting.suggested,
    "suggestion_taken": counting.suggestion_taken,
    "called_back": counting.called_back,
    "rated": lambda events: counting.satisfaction_points(events) > 0,
    "satisfaction_points": counting.satisfaction_points,
    "dispute_fen": money.dispute_fen,
    "recovered_fen": money.recovered_fen,
    "punitive_cases": lambda events: money.punitive_fen(events) > 0,
    "punitive_fen": money.punitive_fen,
    "reports": money.report,
    "verified": money.verified,
    "verified_on_time": money.verified_on_time,
    "cases_filed": money.case_filed,
    "fines": lambda events: money.standing_fine(events) is not None,
    "fine_fen": lambda events: money.yuan(money.standing_fine(events)),
    "valid_here": counting.valid_here,
    "routed_here": counting.routed_here,
    "ended_here": counting.ended_here,
}


def measures(events: Events) -> dict[str, int]:
    """What a request counts for, by the name of the measure."""
    return {name: int(measure(events)) for name, measure in MEASURES.items()}


def last_known(values: Iterable[str | None]) -> str:
    known = [value for value in values if value]
    return known[-1] if known else ""


def merchant(events: Events) -> str:
    """The merchant that it is about: as the order says, as it was sent, named, or corrected."""
    order = filing(events).order
    named = (Routed, Received, Accepted, MerchantNamed, Corrected)
    said = [event.merchant_id for event in events if isinstance(event, named)]
    return last_known([None if order is None else order.merchant_id, *said])


def scenario(events: Events) -> str:
    """As matched at the filing, or as a person said."""
    return last_known([filing(events).scenario, *(event.scenario for event in all_of(events, ScenarioClassified))])


def stage(events: Events) -> str:
    """Where in the life of the product it went wrong."""
    return filing(events).stage or ""


def region(events: Events) -> tuple[str, str]:
    """Of the consumer, as filed, or as corrected; what an account says where nothing was filed."""
    found = filing(events).region
    for event in events:
        if isinstance(event, Corrected) and event.region is not None:
            found = event.region
        if isinstance(event, AccountMatched) and found is None:
            found = event.region
    return ("", "") if found is None else (found.scheme, found.value)


def office(events: Events) -> str:
    """The office that has, or last had, the case."""
    came_to = [
        event.to_office if isinstance(event, Transferred) else event.office_id
        for event in events
        if isinstance(event, (Received, Accepted, VerificationBegun, Transferred))
    ]
    return last_known(came_to)


def by_a_list(events: Events, *values: str | None) -> str:
    """What is of a code list; in other words it is the consumer's own, and not told."""
    return "" if filing(events).scheme in ("free", "unspecified") else last_known(values)


def dimensions(events: Events) -> set[tuple[str, str, str]]:
    """Under which (dimension, scheme, key) a request counts: once in each; unknown values under the empty one."""
    own = filing(events)
    corrections = all_of(events, Corrected)
    return {
        ("all", "", ""),
        ("kind", "", kind(events).value),
        ("merchant", "", merchant(events)),
        ("product", own.scheme, by_a_list(events, own.product, *(event.product for event in corrections))),
        ("issue", own.scheme, by_a_list(events, own.issue, *(event.issue for event in corrections))),
        ("region", *region(events)),
        ("channel", "", last_known([own.channel, *(event.channel for event in corrections)])),
        ("register", "", "" if own.origin is None else own.origin.register_name),
        ("scenario", "", scenario(events)),
        ("stage", "", stage(events)),
        ("violation", "", last_known(event.violation for event in all_of(events, PenaltyImposed))),
        ("office", "", office(events)),
    }


def durations(events: Events) -> dict[str, timedelta]:
    """Times to the first answer (from being sent to the merchant) and to the resolution (from the filing) if valid."""
    found: dict[str, timedelta] = {}
    if counting.answered(events):
        answer = counting.first_answer(events)
        assert answer is not None
        sent = all_of(before(events, answer), Routed)
        if sent:
            found["answer"] = answer.occurred_at - sent[-1].occurred_at
    solved = resolution(events)
    if counting.resolved(events) and solved is not None:
        found["resolution"] = solved.occurred_at - filing(events).occurred_at
    return found
