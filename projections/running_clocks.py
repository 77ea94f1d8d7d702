"""Which terms of a complaint run, and which passed unheeded, told from its events alone: what worklists go by."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from domain.complaint.clocks import (
    AFTER_CLOSING,
    AFTER_SETTLING,
    DeadlineMissed,
    MediationEnded,
    OfferExpired,
    Published,
    Upgraded,
)
from domain.complaint.ending import Closed, Reopened, Withdrawn
from domain.complaint.filing import Merged
from domain.complaint.fraud import FraudEvidenceSubmitted, FraudRejected
from domain.complaint.handling import FIRST_DECISION, Accepted, Referred, Refused, Supplemented
from domain.complaint.life import ComplaintEvent
from domain.complaint.negotiation import RESPONDING, Answered, OfferAccepted, OfferDeclined, OfferMade, Routed
from domain.complaint.reports import (
    CaseDeclined,
    CaseDismissed,
    CaseFiled,
    ConsultationAnswered,
    PenaltyImposed,
    SuggestionAcknowledged,
    VerificationBegun,
)
from domain.complaint.settlement import Performed, Resolved
from domain.complaint.state import Clock, Deadline, Side
from domain.complaint.ways import OVER, AdjudicationOpened, ArbitrationReferred, CourtReferred, Decided
from domain.values import format_instant, parse_instant

#: In place of the due time of a clock that stands still.
STOPPED = "stopped"
_ALL = frozenset(Deadline)
_AT_SETTLEMENT, _AT_CLOSING = _ALL - AFTER_SETTLING, _ALL - AFTER_CLOSING
_OFFER = frozenset({Deadline.OFFER})
_WITH_MERCHANT = frozenset({Deadline.ANSWER, Deadline.ESCALATION, Deadline.ENTERPRISE, Deadline.OFFER})
_NONE: frozenset[Deadline] = frozenset()
#: Those whose passing leaves something undone. The others take the case on, or give a party up what it could have done.
BINDING = frozenset(
    {
        Deadline.ANSWER,
        Deadline.FIRST_RESPONSE,
        Deadline.RESOLUTION,
        Deadline.ACCEPTANCE,
        Deadline.MEDIATION,
        Deadline.VERIFICATION,
        Deadline.PERFORMANCE,
    }
)


def over(event: ComplaintEvent) -> frozenset[Deadline]:
    """Return the deadlines whose clocks end by ``event``."""
    match event:
        case Answered():
            return RESPONDING
        case OfferMade():
            return RESPONDING if event.side is Side.MERCHANT else _NONE
        case OfferAccepted() | OfferDeclined() | OfferExpired():
            return _OFFER
        case Supplemented():
            return frozenset({Deadline.SUPPLEMENT})
        case Accepted():
            return FIRST_DECISION
        case DeadlineMissed():
            return frozenset({event.deadline})
        case Upgraded():
            return _WITH_MERCHANT
        case Published():
            return frozenset({Deadline.PUBLICATION})
        case VerificationBegun():
            return frozenset({Deadline.FIRST_RESPONSE})
        case CaseFiled():
            return frozenset({Deadline.VERIFICATION})
        case Performed():
            return frozenset({Deadline.PERFORMANCE}) if event.complete else _NONE
        case FraudEvidenceSubmitted():
            return frozenset({Deadline.EVIDENCE}) if event.side is Side.MERCHANT else _NONE
        case FraudRejected():
            return frozenset({Deadline.EVIDENCE})
        case AdjudicationOpened() | ArbitrationReferred() | CourtReferred():
            return OVER
        case Reopened():
            return _ALL - {Deadline.PUBLICATION}
        case Resolved() | Withdrawn() | Refused() | Referred() | Merged():
            return _AT_SETTLEMENT
        case Closed():
            return _ALL if event.ground == "unfounded" else _AT_CLOSING
        case MediationEnded():
            return _ALL if event.counts is False else _AT_CLOSING
        case Decided():
            return _NONE if event.for_consumer else _ALL
        case PenaltyImposed() | CaseDeclined() | CaseDismissed() | ConsultationAnswered() | SuggestionAcknowledged():
            return _AT_CLOSING
        case _:
            return _NONE


def started(event: ComplaintEvent) -> tuple[tuple[str, str], ...]:
    """Return the clocks that ``event`` starts or sets anew, as (deadline, due time or STOPPED)."""
    clocks: Iterable[Clock] = getattr(event, "clocks", None) or ()
    found = tuple(
        (str(clock.deadline), STOPPED if clock.left is not None else format_instant(clock.due)) for clock in clocks
    )
    stated = event.answer_due if isinstance(event, Reopened) or (isinstance(event, Routed) and not found) else None
    return found if stated is None else (*found, (str(Deadline.ANSWER), format_instant(stated)))


def run_on(clocks: str, event: ComplaintEvent) -> str:
    """Return the clocks after ``event``: ``deadline=due`` by deadline, with spaces between."""
    ends, begins = over(event), started(event)
    if not begins and not (ends and clocks):
        return clocks
    running = dict(item.split("=") for item in clocks.split())
    running = {deadline: due for deadline, due in running.items() if deadline not in ends}
    return " ".join(f"{deadline}={due}" for deadline, due in sorted({**running, **dict(begins)}.items()))


def missed_on(missed: str, event: ComplaintEvent) -> str:
    """Return the deadlines that were missed and still stand, after ``event``, as ``deadline=due``, with spaces between.

    What ends a clock, or starts it anew, ends what stands against it, too.
    """
    noticed = isinstance(event, DeadlineMissed) and event.deadline in BINDING
    if not (missed or noticed):
        return missed
    ends = over(event) | {deadline for deadline, _ in started(event)}
    standing = dict(item.split("=") for item in missed.split())
    standing = {deadline: due for deadline, due in standing.items() if deadline not in ends}
    if isinstance(event, DeadlineMissed) and noticed:
        standing[str(event.deadline)] = format_instant(event.occurred_at)
    return " ".join(f"{deadline}={due}" for deadline, due in sorted(standing.items()))


def first_due(clocks: str) -> tuple[datetime | None, str | None]:
    """Return when the clock that ends first is due, the last instant in time, and its deadline."""
    running = [(due, deadline) for deadline, _, due in (item.partition("=") for item in clocks.split())]
    due, deadline = min((one for one in running if one[0] != STOPPED), default=("", ""))
    return (parse_instant(due), deadline) if due else (None, None)
