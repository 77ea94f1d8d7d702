"""The events of a request as they are walked over: rounds, and what they end with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import takewhile
from typing import TypeVar
from zoneinfo import ZoneInfo

from domain.complaint.clocks import DeadlineMissed, MediationEnded
from domain.complaint.ending import Closed, Corrected, Reopened, Withdrawn
from domain.complaint.filing import Filed, Merged
from domain.complaint.handling import Received, Refused
from domain.complaint.handling import Referred as ReferredElsewhere
from domain.complaint.negotiation import RELIEF
from domain.complaint.reports import (
    CaseDeclined,
    CaseDismissed,
    ConsultationAnswered,
    PenaltyImposed,
    SuggestionAcknowledged,
    VerificationBegun,
)
from domain.complaint.settlement import Resolved
from domain.complaint.state import Deadline, RequestKind, Way
from domain.complaint.ways import AdjudicationOpened, ArbitrationReferred, CourtReferred, Decided
from domain.event import Event

Events = Sequence[Event]
E = TypeVar("E", bound=Event)

SHANGHAI = ZoneInfo("Asia/Shanghai")
SOON = timedelta(hours=720)
#: What goes on in another way after its end.
ELSEWHERE = (AdjudicationOpened, ArbitrationReferred, CourtReferred)
ENDINGS = (
    Resolved,
    Closed,
    MediationEnded,
    Withdrawn,
    Refused,
    ReferredElsewhere,
    Merged,
    PenaltyImposed,
    CaseDeclined,
    CaseDismissed,
    ConsultationAnswered,
    SuggestionAcknowledged,
)
#: The terms of settling: those of the enterprise, of escalation, of resolution, and of the promise.
SETTLING = {Deadline.ENTERPRISE, Deadline.ESCALATION, Deadline.RESOLUTION, Deadline.PUBLICATION}


def all_of(events: Events, kind: type[E]) -> list[E]:
    """Those events of a kind."""
    return [event for event in events if isinstance(event, kind)]


def last_of(events: Events, kind: type[E]) -> E | None:
    """The last event of a kind."""
    return all_of(events, kind)[-1] if all_of(events, kind) else None


def has(events: Events, *kinds: type[Event]) -> bool:
    return any(isinstance(event, kinds) for event in events)


def rounds(events: Events) -> list[list[Event]]:
    """The rounds: each but the first begins with a reopening."""
    found: list[list[Event]] = [[]]
    for event in events:
        if isinstance(event, Reopened):
            found.append([])
        found[-1].append(event)
    return found


def last_round(events: Events) -> Events:
    return rounds(events)[-1]


def before(events: Events, event: Event) -> Events:
    """What had happened before an event of the list."""
    return events[: next(n for n, one in enumerate(events) if one is event)]


def after(events: Events, event: Event) -> Events:
    """What has happened since an event of the list."""
    return events[next(n for n, one in enumerate(events) if one is event) + 1 :]


def missed(events: Events, *deadlines: Deadline) -> bool:
    return any(event.deadline in deadlines for event in all_of(events, DeadlineMissed))


def filing(events: Events) -> Filed:
    return all_of(events, Filed)[0]


def kind(events: Events) -> RequestKind:
    return filing(events).kind


def day_filed(events: Events) -> date:
    """Days are days in Shanghai; a request counts in the period in which it was filed."""
    return filing(events).occurred_at.astimezone(SHANGHAI).date()


def is_ending(event: Event) -> bool:
    """Whether a request is at its end by this; a decision against the consumer ends it too."""
    return isinstance(event, ENDINGS) or (isinstance(event, Decided) and not event.for_consumer)


def standing_end(events: Events) -> Event | None:
    """What ended the request, if it is at its end now: nothing after it took it up again."""
    endings = [event for event in last_round(events) if is_ending(event)]
    if not endings or has(after(events, endings[-1]), *ELSEWHERE):
        return None
    return endings[-1]


def outcomes(events: Events) -> list[Event]:
    """What is said of the outcome since the last round or way began: its ends, and what a register corrects."""
    own = last_round(events)
    elsewhere = [event for event in own if isinstance(event, ELSEWHERE)]
    since = after(own, elsewhere[-1]) if elsewhere else own
    return [one for one in since if is_ending(one) or (isinstance(one, Corrected) and one.answer is not None)]


def is_resolution(event: Event) -> bool:
    """Whether the consumer got what settles it, by this."""
    return isinstance(event, Resolved) or (isinstance(event, Corrected) and event.answer in RELIEF)


def resolution(events: Events) -> Event | None:
    """Since what it stands resolved, if it does."""
    unbroken = list(takewhile(is_resolution, reversed(outcomes(events))))
    return unbroken[-1] if unbroken else None


def way(events: Events) -> Way | None:
    """In which way it was resolved; None: by itself."""
    settled = all_of(last_round(events), Resolved)
    return settled[-1].way if settled else None


def ever_received(events: Events) -> bool:
    return has(events, Received, VerificationBegun)
