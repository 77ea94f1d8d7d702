"""What counts as a request, and how it went: the terms of docs/definitions.md, each beside its words."""

from __future__ import annotations

from domain.complaint.clocks import DeadlineMissed, MediationEnded, Upgraded
from domain.complaint.ending import Closed, Corrected, Disputed, Reopened, Withdrawn
from domain.complaint.filing import Filed, Merged
from domain.complaint.handling import Accepted, CalledBack, Concluded, Received, Refused
from domain.complaint.handling import Referred as ReferredElsewhere
from domain.complaint.mediation import (
    MediatorAssigned,
    MediatorKind,
    MediatorRecused,
    PersonReached,
    PersonRequested,
    SuggestionAnswered,
    SuggestionMade,
)
from domain.complaint.negotiation import Answered, OfferMade, Routed
from domain.complaint.settlement import Resolved
from domain.complaint.state import Deadline, RequestKind, Side, Way
from domain.complaint.ways import Decided
from domain.event import Event
from domain.values import Role
from tests.reference.history import (
    ELSEWHERE,
    SETTLING,
    SOON,
    Events,
    after,
    all_of,
    before,
    ever_received,
    filing,
    has,
    is_ending,
    kind,
    last_round,
    missed,
    outcomes,
    resolution,
    standing_end,
    way,
)


def counted(events: Events) -> bool:
    """A request that was merged into another is not counted."""
    return not has(events, Merged)


def filed(events: Events) -> bool:
    """Requests that are complaints."""
    return counted(events) and kind(events) is RequestKind.COMPLAINT


def withdrawn(events: Events) -> bool:
    return filed(events) and isinstance(standing_end(events), Withdrawn)


def refused(events: Events) -> bool:
    return filed(events) and isinstance(standing_end(events), Refused)


def referred(events: Events) -> bool:
    return filed(events) and isinstance(standing_end(events), ReferredElsewhere)


def unfounded(events: Events) -> bool:
    """Closed as unfounded; or ended on a ground that, by the rule set, says nothing of the merchant."""
    if resolution(events) is not None:
        return False
    match standing_end(events):
        case Closed(ground=ground):
            return ground == "unfounded"
        case MediationEnded(counts=counts):
            return counts is False
        case _:
            return False


def valid(events: Events) -> bool:
    """Complaints, but for: withdrawn; refused; referred; closed as unfounded; ended on such a ground."""
    gone = withdrawn(events) or refused(events) or referred(events) or unfounded(events)
    return filed(events) and not gone


def routed(events: Events) -> bool:
    """Valid; were sent to the merchant."""
    return valid(events) and has(events, Routed)


def here(events: Events) -> bool:
    """Not imported: a register of origin handles its complaints itself."""
    return filing(events).origin is None


def valid_here(events: Events) -> bool:
    return valid(events) and here(events)


def routed_here(events: Events) -> bool:
    return routed(events) and here(events)


def first_answer(events: Events) -> Event | None:
    """The first that the merchant said in this round: his answer, or his offer while it was with him."""
    for event in last_round(events):
        offered = isinstance(event, OfferMade) and event.side is Side.MERCHANT
        if isinstance(event, Answered) or (offered and with_the_merchant(events, event)):
            return event
    return None


def with_the_merchant(events: Events, event: Event) -> bool:
    """Whether the merchant had it when this happened, and had not answered: no office, and nobody else."""
    earlier = before(events, event)
    sent = [one for one in earlier if isinstance(one, Routed) or (isinstance(one, Reopened) and one.status is None)]
    gone = (Answered, Upgraded, Received, *ELSEWHERE)
    return bool(sent) and not any(isinstance(one, gone) or is_ending(one) for one in after(earlier, sent[-1]))


def stands_answered(events: Events) -> bool:
    return first_answer(events) is not None


def answered(events: Events) -> bool:
    """Valid; the merchant answered."""
    return valid(events) and stands_answered(events)


def answered_on_time(events: Events) -> bool:
    """Answered; and in time, as recorded with the answer, or as the register of origin says since."""
    if not answered(events):
        return False
    said: list[bool | None] = []
    for event in last_round(events):
        if isinstance(event, Answered) or (isinstance(event, Corrected) and event.in_time is not None):
            said.append(event.in_time)
        elif event is first_answer(events):
            said.append(not kept_silent(before(events, event)))
    return said[-1] is True


def kept_silent(events: Events) -> bool:
    """Whether a term in which the merchant had to say something passed in this round before he said anything."""
    silence = (Deadline.ANSWER, Deadline.ESCALATION, Deadline.ENTERPRISE)
    for event in all_of(last_round(events), DeadlineMissed):
        if event.deadline is Deadline.ANSWER:
            return True
        if event.deadline in silence and first_answer(before(events, event)) is None:
            return True
    return False


def answer_ended(events: Events) -> bool:
    """Valid; answered, or a term passed in silence."""
    return answered(events) or (valid(events) and kept_silent(events))


def disputed(events: Events) -> bool:
    """Valid; the consumer disputes the answer."""
    said = [
        True if isinstance(event, Disputed) else event.disputed
        for event in last_round(events)
        if isinstance(event, (Disputed, Corrected))
    ]
    known = [one for one in said if one is not None]
    return valid(events) and bool(known) and known[-1] is True


def resolved(events: Events) -> bool:
    """Valid; stand resolved. What the merchant or a mediator merely closed is not."""
    return valid(events) and resolution(events) is not None


def resolved_on_time(events: Events) -> bool:
    """Resolved; and no term of settling passed in this round."""
    return resolved(events) and not missed(last_round(events), *SETTLING)


def reopened_soon(events: Events) -> bool:
    """Whether it was ever reopened within 30 days (720 hours) of a resolution."""
    for reopening in all_of(events, Reopened):
        solved = resolution(before(events, reopening))
        if solved is not None and reopening.occurred_at - solved.occurred_at <= SOON:
            return True
    return False


def confirmed(events: Events) -> bool:
    """Resolved; and never reopened within 30 days (720 hours) of a resolution."""
    return resolved(events) and not reopened_soon(events)


def reopened(events: Events) -> bool:
    """Valid; reopened at least once."""
    return valid(events) and has(events, Reopened)


def self_settled(events: Events) -> bool:
    """Resolved here; by negotiation or by itself, and no office ever received it."""
    return here(events) and resolved(events) and way(events) in (None, Way.NEGOTIATION) and not ever_received(events)


def ended(events: Events) -> bool:
    """Valid; resolved or closed now."""
    return valid(events) and bool(outcomes(events))


def ended_here(events: Events) -> bool:
    return ended(events) and here(events)


def officials_at_work(events: Events) -> bool:
    """Whether an officer or adjudicator ended it, or a mediator who is no software did anything while it was open."""
    is_open, software = True, ""
    for event in events:
        by = event.actor
        clerical = isinstance(event, (Filed, Routed, Answered, SuggestionMade))
        ending = isinstance(event, (Resolved, Closed, Decided, MediationEnded))
        person = by.role is Role.MEDIATOR and by.id != software
        person = person or (ending and by.role in (Role.REGULATOR, Role.ADJUDICATOR))
        if is_open and person and not clerical:
            return True
        if isinstance(event, MediatorAssigned):
            software = event.mediator_id
        if isinstance(event, (MediatorRecused, Reopened)):
            software = ""
        if is_ending(event):
            is_open = False
        elif isinstance(event, (Reopened, *ELSEWHERE)):
            is_open = True
    return False


def person_at_work(events: Events) -> bool:
    """Whether a person ever mediated, suggested or took over, or an official ended it."""
    assigned = any(event.kind is not MediatorKind.SOFTWARE for event in all_of(events, MediatorAssigned))
    proposed = any(event.model is None for event in all_of(events, SuggestionMade))
    return assigned or proposed or has(events, PersonReached) or officials_at_work(events)


def ended_without_person(events: Events) -> bool:
    """Ended here; and no person ever worked on it."""
    return ended_here(events) and not person_at_work(events)


def received(events: Events) -> bool:
    """Requests that an office received, or began to verify."""
    return counted(events) and ever_received(events)


def checked(events: Events) -> bool:
    """Complaints on whose acceptance an office decided in the last round."""
    return filed(events) and has(last_round(events), Accepted, Refused)


def checked_on_time(events: Events) -> bool:
    """Checked; without having missed the term."""
    return checked(events) and not missed(last_round(events), Deadline.ACCEPTANCE)


def accepted(events: Events) -> bool:
    """Complaints that stand accepted by an office, in the last round."""
    return filed(events) and has(last_round(events), Accepted)


def agreed_in_mediation(events: Events) -> bool:
    """Whether it was resolved by way of mediation, or by agreement after an office had accepted it."""
    settled = all_of(last_round(events), Resolved)
    if not settled:
        return False
    earlier = before(events, settled[-1])
    accepted_by_then = all_of(last_round(earlier), Accepted)
    at_the_office = bool(accepted_by_then) and not any(
        is_ending(one) or isinstance(one, ELSEWHERE) for one in after(earlier, accepted_by_then[-1])
    )
    return way(events) is Way.MEDIATION or (at_the_office and way(events) in (None, Way.NEGOTIATION))


def mediation_succeeded(events: Events) -> bool:
    """Valid; resolved by way of mediation, or by agreement after an office had accepted it."""
    return resolved(events) and agreed_in_mediation(events)


def mediated(events: Events) -> bool:
    """Valid; mediation ended, with or without an agreement."""
    return mediation_succeeded(events) or (valid(events) and has(last_round(events), MediationEnded))


def concluded(events: Events) -> bool:
    """Requests that an office received, whose file was closed; what was taken up again is open."""
    closings = all_of(last_round(events), Concluded)
    return received(events) and bool(closings) and not has(after(events, closings[-1]), *ELSEWHERE)


def concluded_on_time(events: Events) -> bool:
    """Concluded; and the term of mediation was not missed."""
    return concluded(events) and not missed(last_round(events), Deadline.MEDIATION)


def person_requested(events: Events) -> bool:
    """Requests in which a person was asked for."""
    return counted(events) and has(events, PersonRequested)


def person_reached(events: Events) -> bool:
    """Requests in which a person was asked for; and took over."""
    return person_requested(events) and has(events, PersonReached)


def suggested(events: Events) -> bool:
    """Requests with a suggestion of a mediator or software."""
    return counted(events) and has(events, SuggestionMade)


def suggestion_taken(events: Events) -> bool:
    """Requests with a suggestion of which a party took one."""
    return suggested(events) and any(event.taken for event in all_of(events, SuggestionAnswered))


def satisfaction(events: Events) -> tuple[bool, int]:
    """Whether the consumer was reached afterwards, and how satisfied he said he is (0: he did not say).

    What he said of an end that was none, since it went on elsewhere, was not afterwards.
    """
    reached = [
        event
        for event in all_of(last_round(events), CalledBack)
        if event.reached and not has(after(events, event), *ELSEWHERE)
    ]
    return bool(reached), (reached[-1].satisfaction or 0) if reached else 0


def called_back(events: Events) -> bool:
    """Requests whose consumer was reached afterwards."""
    return counted(events) and satisfaction(events)[0]


def satisfaction_points(events: Events) -> int:
    """What he told, 1 to 5."""
    return satisfaction(events)[1] if called_back(events) else 0
