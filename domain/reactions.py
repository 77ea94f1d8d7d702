"""Process managers: what must happen in one stream because of an event in another.

A rule looks at an event, and at the state of its stream right after it, and names what follows where. Whoever carries
that out does so under a command made of cause, rule and stream, so that it is in the ledger once, however often it is
tried. What follows has the time of its cause.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from inspect import getdoc
from typing import Any, NamedTuple
from uuid import UUID

from domain.calendar import day_of
from domain.complaint import advances, links, reports
from domain.complaint.advances import AdvanceRequested
from domain.complaint.clocks import DeadlineMissed, MediationEnded
from domain.complaint.ending import Closed
from domain.complaint.filing import Merged
from domain.complaint.fraud import FraudVerified
from domain.complaint.handling import Referred, Refused
from domain.complaint.links import Consequence
from domain.complaint.reports import PenaltyImposed
from domain.complaint.state import Complaint
from domain.credit import silence
from domain.credit.silence import CreditEventRecorded
from domain.credit.state import credit_of
from domain.event import Event
from domain.fund import advances as funds
from domain.fund.advances import Advanced, AdvanceRefused
from domain.grievance import links as grievances
from domain.grievance.state import Grievance
from domain.measure import imposing
from domain.measure.imposing import Imposed
from domain.measure.remedies import Decided, DecisionOutcome
from domain.measure.state import AUTHORITY_LADDER, Measure
from domain.merchant import registration, succession
from domain.merchant.corrections import CorrectiveActionTaken
from domain.merchant.registration import Absorbed, Linked, MergedInto, MergerUndone, Separated, Unlinked
from domain.merchant.standing import Listed, ListingExtended
from domain.merchant.state import Merchant
from domain.merchant.state import Status as MerchantStatus
from domain.office.warnings import WarningIssued
from domain.platform import notices
from domain.platform.notices import NoticeGiven
from domain.platform.supervision import SupervisionReported
from domain.rulebook.book import Rulebook
from domain.values import Actor, Role

#: Who records what follows from events elsewhere.
PROCESS = Actor("3b8f5c1e-6d2a-4e97-9c40-7a15d8e2b6f3", Role.SERVICE)


class Follows(NamedTuple):
    """What follows: ``decide(state, book)`` on ``stream``, which it begins if ``begins``.

    It returns no events where nothing is to be done, and raises nothing for a state that can occur.
    """

    stream: str
    decide: Callable[[Any, Rulebook], Sequence[Event]]
    begins: bool = False


#: What follows from an event on a stream that is at a state after it; it names each stream once.
React = Callable[[str, Any, Any], Iterable[Follows]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a process manager; its name is that of the function, ``what`` the first sentence of its docstring."""

    name: str
    event: type[Event]
    what: str
    react: React


class Reaction(NamedTuple):
    """What follows by a rule."""

    rule: str
    stream: str
    decide: Callable[[Any, Rulebook], Sequence[Event]]
    begins: bool


RULES: dict[str, list[Rule]] = {}


def _on(event: type[Event]) -> Callable[[React], React]:
    def wrap(react: React) -> React:
        what = " ".join((getdoc(react) or "").split("\n\n")[0].split())
        rule = Rule(react.__name__.replace("_", "-"), event, what.rstrip("."), react)
        RULES.setdefault(event.name, []).append(rule)
        return react

    return wrap


def reactions_to(stream: str, event: Event, state: Any) -> list[Reaction]:
    """Return what follows from an event on a stream that is at ``state`` after it."""
    return [
        Reaction(rule.name, follows.stream, follows.decide, follows.begins)
        for rule in RULES.get(event.name, ())
        for follows in rule.react(stream, event, state)
    ]


def _linked(
    complaints: Iterable[str], at: datetime, consequence: Consequence, stream: str, number: int | None = None
) -> list[Follows]:
    """Record with each complaint what was done because of it."""

    def decide(state: Complaint, book: Rulebook) -> Sequence[Event]:
        return links.link(state, at=at, by=PROCESS, consequence=consequence, stream=stream, number=number)

    return [Follows(complaint, decide) for complaint in dict.fromkeys(complaints)]


@_on(DeadlineMissed)
def silence_of_a_merchant(stream: str, event: DeadlineMissed, state: Complaint) -> list[Follows]:
    """The merchant's silence beyond a term is a credit event that names the complaint."""
    if (event.deadline, event.occurred_at) not in state.silences:
        return []
    return [
        Follows(
            credit_of(state.merchant_id, day_of(event.occurred_at)),
            lambda credit, book: silence.record_silence(
                credit,
                at=event.occurred_at,
                by=PROCESS,
                merchant_id=state.merchant_id,
                complaint_id=stream,
                deadline=event.deadline,
            ),
            begins=True,
        )
    ]


@_on(CreditEventRecorded)
def complaint_behind_a_credit_event(stream: str, event: CreditEventRecorded, state: Any) -> list[Follows]:
    """A credit event is linked with its complaint."""
    return _linked([event.complaint_id], event.occurred_at, Consequence.CREDIT_EVENT, stream, event.number)


@_on(Refused)
@_on(Referred)
@_on(MediationEnded)
@_on(Closed)
@_on(Merged)
def silence_that_does_not_count(
    stream: str, event: Refused | Referred | MediationEnded | Closed | Merged, state: Complaint
) -> list[Follows]:
    """A credit event is withdrawn when its complaint turns out not to count."""
    if (reason := _void(event)) is None:
        return []
    by_day: dict[date, list[tuple[str, datetime]]] = {}
    for deadline, due in state.silences:
        by_day.setdefault(day_of(due), []).append((deadline, due))

    def of(silences: list[tuple[str, datetime]]) -> Callable[[Any, Rulebook], Sequence[Event]]:
        return lambda credit, book: silence.withdraw_silences(
            credit,
            at=event.occurred_at,
            by=PROCESS,
            merchant_id=state.merchant_id,
            complaint_id=stream,
            silences=silences,
            reason=reason,
        )

    return [Follows(credit_of(state.merchant_id, day), of(silences)) for day, silences in by_day.items()]


def _void(event: Refused | Referred | MediationEnded | Closed | Merged) -> str | None:
    """Return why a complaint that ended so does not count; None where it does."""
    match event:
        case Refused():
            return None if event.counts else "the complaint was refused"
        case Referred():
            return "the complaint was referred to another authority"
        case MediationEnded():
            return "its mediation ended on a ground that does not count" if event.counts is False else None
        case Closed():
            return "the complaint was closed as unfounded" if event.ground == "unfounded" else None
        case Merged():
            return "the complaint repeats another"


@_on(Listed)
def complaints_behind_a_listing(stream: str, event: Listed, state: Any) -> list[Follows]:
    """A listing is linked with the complaints that it names."""
    return _linked(event.complaints, event.occurred_at, Consequence.LISTING, stream, event.number)


@_on(ListingExtended)
def complaints_behind_a_listing_that_was_extended(stream: str, event: ListingExtended, state: Any) -> list[Follows]:
    """A listing is linked with the complaints that came to it."""
    return _linked(event.complaints, event.occurred_at, Consequence.LISTING, stream, event.number)


@_on(CorrectiveActionTaken)
def complaints_behind_a_corrective_action(stream: str, event: CorrectiveActionTaken, state: Any) -> list[Follows]:
    """A corrective action is linked with the complaints that led to it."""
    return _linked(event.complaints, event.occurred_at, Consequence.CORRECTIVE_ACTION, stream, event.number)


@_on(Imposed)
def complaints_behind_a_measure(stream: str, event: Imposed, state: Any) -> list[Follows]:
    """A measure or a penalty is linked with the complaints that it rests on."""
    kind = Consequence.PENALTY if event.kind in AUTHORITY_LADDER else Consequence.MEASURE
    return _linked(event.complaints, event.occurred_at, kind, stream)


@_on(Imposed)
def grievances_behind_a_measure(stream: str, event: Imposed, state: Any) -> list[Follows]:
    """A penalty on a platform is linked with the grievances that it rests on."""

    def decide(grievance: Grievance, book: Rulebook) -> Sequence[Event]:
        return grievances.link(grievance, at=event.occurred_at, by=PROCESS, stream=stream)

    return [Follows(grievance, decide) for grievance in dict.fromkeys(event.grievances)]


@_on(Imposed)
def notice_answered_by_a_measure(stream: str, event: Imposed, state: Any) -> list[Follows]:
    """A measure that cites a regulator's notice answers it."""
    number = event.notice
    if number is None:
        return []
    return [
        Follows(
            event.imposed_by,
            lambda platform, book: notices.answer_notice(
                platform, at=event.occurred_at, by=PROCESS, number=number, measure=stream
            ),
        )
    ]


@_on(NoticeGiven)
def complaints_behind_a_notice(stream: str, event: NoticeGiven, state: Any) -> list[Follows]:
    """A notice to a platform is linked with the complaints that it names."""
    return _linked(event.complaints, event.occurred_at, Consequence.NOTICE, stream, event.number)


@_on(SupervisionReported)
def complaints_behind_a_report_of_a_platform(stream: str, event: SupervisionReported, state: Any) -> list[Follows]:
    """A platform's report of violations is linked with the complaints behind them, each once for all editions."""
    return _linked(event.new_complaints, event.occurred_at, Consequence.SUPERVISION_REPORT, stream, event.edition)


@_on(WarningIssued)
def complaints_behind_a_warning(stream: str, event: WarningIssued, state: Any) -> list[Follows]:
    """A warning case is linked with the complaints that it cites."""
    return _linked(event.complaints, event.occurred_at, Consequence.WARNING_CASE, stream, event.number)


@_on(FraudVerified)
def merchant_of_a_verified_fraud(stream: str, event: FraudVerified, state: Complaint) -> list[Follows]:
    """A merchant whose fraud was verified is put on the platform's blacklist."""
    return [
        Follows(
            event.merchant_id,
            lambda merchant, book: succession.blacklist(
                merchant,
                at=event.occurred_at,
                by=PROCESS,
                book=book,
                platform_id=event.platform_id,
                complaint_id=stream,
                basis=event.reasons,
            ),
        )
    ]


@_on(AdvanceRequested)
def advance_that_was_requested(stream: str, event: AdvanceRequested, state: Complaint) -> list[Follows]:
    """A fund that is asked for an advance pays it, or refuses."""
    return [
        Follows(
            event.fund_id,
            lambda fund, book: funds.advance(
                fund,
                at=event.occurred_at,
                by=PROCESS,
                complaint_id=stream,
                request=event.request,
                item=event.item,
                amount=event.amount,
                payer=event.payer,
                debtor=event.debtor,
            ),
        )
    ]


@_on(Advanced)
def complaint_of_an_advance(stream: str, event: Advanced, state: Any) -> list[Follows]:
    """What a fund has advanced was paid to the consumer."""
    return [
        Follows(
            event.complaint_id,
            lambda complaint, book: advances.advance_paid(
                complaint,
                at=event.occurred_at,
                by=PROCESS,
                request=event.request,
                fund_id=stream,
                number=event.number,
                amount=event.amount,
            ),
        )
    ]


@_on(AdvanceRefused)
def complaint_of_a_refused_advance(stream: str, event: AdvanceRefused, state: Any) -> list[Follows]:
    """An advance that was refused is awaited no longer."""
    return [
        Follows(
            event.complaint_id,
            lambda complaint, book: advances.advance_refused(
                complaint, at=event.occurred_at, by=PROCESS, request=event.request, reason=event.reason
            ),
        )
    ]


@_on(PenaltyImposed)
def penalty_of_a_report(stream: str, event: PenaltyImposed, state: Complaint) -> list[Follows]:
    """A penalty that a report led to is a measure of its own, with its remedies."""
    merchant_id, violation = event.merchant_id, event.violation
    if merchant_id is None or violation is None:
        return []
    digest = sha256(f"penalty of {stream}".encode()).hexdigest()[:32]
    return [
        Follows(
            f"measure-{UUID(digest)}",
            lambda measure, book: imposing.impose_from_report(
                measure,
                at=event.occurred_at,
                by=PROCESS,
                merchant_id=merchant_id,
                office_id=state.office_id,
                case_number=event.case_number,
                basis=event.basis,
                reason=event.basis,
                amount=event.fine,
                violation=violation,
                complaint_id=stream,
                book=book,
            ),
            begins=True,
        )
    ]


@_on(Decided)
def report_of_a_penalty_that_was_contested(stream: str, event: Decided, state: Measure) -> list[Follows]:
    """What is left of a penalty is what the reward of its report is a share of."""
    if not state.report or event.outcome is DecisionOutcome.UPHELD:
        return []
    return [
        Follows(
            state.report,
            lambda complaint, book: reports.revise_penalty(
                complaint, at=event.occurred_at, by=PROCESS, measure=stream, fine=event.amount, counts=event.counts
            ),
        )
    ]


@_on(Linked)
def other_side_of_a_link(stream: str, event: Linked, state: Any) -> list[Follows]:
    """A link between merchants is recorded on both."""
    return [
        Follows(
            event.other,
            lambda merchant, book: registration.link_back(
                merchant,
                at=event.occurred_at,
                by=PROCESS,
                other=stream,
                relation=event.relation,
                basis=event.basis,
            ),
        )
    ]


@_on(Unlinked)
def other_side_of_a_link_that_ended(stream: str, event: Unlinked, state: Any) -> list[Follows]:
    """The end of a link between merchants is recorded on both."""
    return [
        Follows(
            event.other,
            lambda merchant, book: registration.unlink_back(
                merchant, at=event.occurred_at, by=PROCESS, other=stream, reason=event.reason
            ),
        )
    ]


@_on(MergedInto)
def merchant_that_goes_on(stream: str, event: MergedInto, state: Merchant) -> list[Follows]:
    """A merchant that was merged into another is known there, and stays on the lists that it was on."""
    listings = tuple(one for one in state.listings if one.active)
    return [
        Follows(
            event.into,
            lambda merchant, book: succession.absorb(
                merchant,
                at=event.occurred_at,
                by=PROCESS,
                book=book,
                merchant_id=stream,
                earlier=event.earlier,
                listings=listings,
            ),
        )
    ]


@_on(Listed)
@_on(ListingExtended)
def fraud_of_a_merchant_that_was_merged(stream: str, event: Listed | ListingExtended, state: Merchant) -> list[Follows]:
    """A blacklist on which a merchant came for a fraud after it was merged is one of who goes on too."""
    if event.fraud is None or state.status is not MerchantStatus.MERGED:
        return []
    listings = (state.listings[event.number - 1],)
    return [
        Follows(
            state.merged_into,
            lambda merchant, book: succession.absorb(
                merchant, at=event.occurred_at, by=PROCESS, book=book, merchant_id=stream, listings=listings
            ),
        )
    ]


def _onward(stream: str, event: Absorbed | Separated, state: Merchant) -> str | None:
    """Return where a merchant that was merged itself leads on; None for one that was not, or in a circle."""
    led = {event.merchant_id, *event.earlier, *event.through, stream}
    return state.merged_into if state.merged_into and state.merged_into not in led else None


@_on(Absorbed)
def merchant_that_goes_on_further(stream: str, event: Absorbed, state: Merchant) -> list[Follows]:
    """What a merchant took over after it was merged itself is taken over by who goes on."""
    if (into := _onward(stream, event, state)) is None:
        return []
    listings = tuple(one for one in (state.listings[number - 1] for number in event.listings) if one.active)
    return [
        Follows(
            into,
            lambda merchant, book: succession.absorb(
                merchant,
                at=event.occurred_at,
                by=PROCESS,
                book=book,
                merchant_id=event.merchant_id,
                earlier=event.earlier,
                listings=listings,
                through=(*event.through, stream),
            ),
        )
    ]


@_on(MergerUndone)
def merchant_that_goes_on_by_itself(stream: str, event: MergerUndone, state: Merchant) -> list[Follows]:
    """A merger that was undone is undone on both sides."""
    return [
        Follows(
            event.into,
            lambda merchant, book: succession.separate(
                merchant,
                at=event.occurred_at,
                by=PROCESS,
                merchant_id=stream,
                earlier=event.earlier,
                reason=event.reason,
            ),
        )
    ]


@_on(Separated)
def merchant_that_was_separated_further_on(stream: str, event: Separated, state: Merchant) -> list[Follows]:
    """What was separated from a merchant that was merged itself is separated from who goes on."""
    if (into := _onward(stream, event, state)) is None:
        return []
    return [
        Follows(
            into,
            lambda merchant, book: succession.separate(
                merchant,
                at=event.occurred_at,
                by=PROCESS,
                merchant_id=event.merchant_id,
                earlier=event.earlier,
                reason=event.reason,
                through=(*event.through, stream),
            ),
        )
    ]
