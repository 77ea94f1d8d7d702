"""What is in dispute, what came back, and what reports led to."""

from __future__ import annotations

from domain.complaint.advances import AdvancePaid
from domain.complaint.filing import MemberJoined, MemberLeft
from domain.complaint.reports import (
    CaseDeclined,
    CaseFiled,
    PenaltyImposed,
    PenaltyRevised,
)
from domain.complaint.settlement import Performed, Resolved
from domain.complaint.state import Deadline, OutcomeKind, RequestKind
from domain.values import Money
from tests.reference.counting import counted, valid
from tests.reference.history import Events, all_of, filing, has, kind, missed


def yuan(money: Money | None) -> int:
    """Money in fen; amounts in other currencies than CNY are not summed."""
    return money.fen if money is not None and money.currency == "CNY" else 0


def members(events: Events) -> dict[str, Money]:
    """Those who joined and did not leave, with their claims."""
    found: dict[str, Money] = {}
    for event in events:
        if isinstance(event, MemberJoined):
            found[event.consumer_id] = event.claim
        if isinstance(event, MemberLeft):
            del found[event.consumer_id]
    return found


def dispute_fen(events: Events) -> int:
    """The claim of a valid complaint, with those of who joined and did not leave, where it has a claim itself."""
    claim = filing(events).claim
    if not valid(events) or claim is None or claim.currency != "CNY":
        return 0
    return claim.fen + sum(yuan(one) for one in members(events).values())


def recovered_fen(events: Events) -> int:
    """What came back to the consumer of a valid complaint, by whomever, without punitive damages, over all rounds."""
    at_once = sum(yuan(event.recovered) for event in all_of(events, Resolved))
    performed = [event for event in all_of(events, Performed) if event.kind is not OutcomeKind.PUNITIVE_DAMAGES]
    advanced = [event for event in all_of(events, AdvancePaid) if not event.performs]
    came_back = at_once + sum(yuan(one.amount) for one in performed) + sum(yuan(one.amount) for one in advanced)
    return came_back if valid(events) else 0


def was_paid(events: Events) -> bool:
    """Whether anything was paid, in whatever currency, by whomever, for whatever."""
    told = [event.recovered for event in all_of(events, Resolved)]
    told += [event.amount for event in all_of(events, Performed)]
    told += [event.amount for event in all_of(events, AdvancePaid)]
    return any(money is not None and money.fen > 0 for money in told)


def punitive_fen(events: Events) -> int:
    """Punitive damages of a valid complaint."""
    punitive = [event for event in all_of(events, Performed) if event.kind is OutcomeKind.PUNITIVE_DAMAGES]
    return sum(yuan(event.amount) for event in punitive) if valid(events) else 0


def report(events: Events) -> bool:
    return counted(events) and kind(events) is RequestKind.REPORT


def verified(events: Events) -> bool:
    """Reports whose verification ended with a case or without."""
    return report(events) and has(events, CaseFiled, CaseDeclined)


def verified_on_time(events: Events) -> bool:
    """Verified; without having missed the term."""
    return verified(events) and not missed(events, Deadline.VERIFICATION)


def case_filed(events: Events) -> bool:
    """Reports that led to a case."""
    return report(events) and has(events, CaseFiled)


def standing_fine(events: Events) -> Money | None:
    """The fine that a report led to, as it was left when it was contested; none that was revoked."""
    penalties = [event for event in events if isinstance(event, (PenaltyImposed, PenaltyRevised))]
    if not report(events) or not penalties:
        return None
    left = penalties[-1]
    return None if isinstance(left, PenaltyRevised) and not left.counts else left.fine
