"""Read model ``complaint_details``: one row per complaint, as it stands now. Holds no personal data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, assert_never

from domain.calendar import day_of
from domain.complaint.advances import AdvancePaid, AdvanceRefused, AdvanceRequested
from domain.complaint.clocks import (
    SILENCE,
    ClocksResumed,
    ClocksStopped,
    DeadlineMissed,
    DuesRevised,
    MediationEnded,
    OfferExpired,
    Published,
    Upgraded,
)
from domain.complaint.ending import Closed, Corrected, Disputed, Reopened, Withdrawn
from domain.complaint.filing import (
    AccountMatched,
    AttemptLinked,
    Filed,
    MatchCorrected,
    MemberJoined,
    MemberLeft,
    Merged,
    RespondentAdded,
    ScenarioClassified,
)
from domain.complaint.fraud import FraudAlleged, FraudEvidenceSubmitted, FraudRejected, FraudVerified
from domain.complaint.handling import (
    Accepted,
    CalledBack,
    Concluded,
    MerchantNamed,
    Received,
    Referred,
    Refused,
    ReturnedFromAbroad,
    SentAbroad,
    SupervisionOrdered,
    SupplementAsked,
    Supplemented,
    Transferred,
)
from domain.complaint.life import ComplaintEvent
from domain.complaint.links import ConsequenceLinked
from domain.complaint.mediation import (
    AppraisalOrdered,
    AppraisalReported,
    FastTracked,
    MediationBegun,
    MediationConsented,
    MediatorAssigned,
    MediatorRecused,
    PersonReached,
    PersonRequested,
    SessionCut,
    SessionResumed,
    SuggestionAnswered,
    SuggestionMade,
)
from domain.complaint.negotiation import (
    RELIEF,
    Answered,
    OfferAccepted,
    OfferDeclined,
    OfferMade,
    PolicyExecuted,
    Routed,
)
from domain.complaint.publication import OutcomePublished, PublicationConsented, Withheld
from domain.complaint.reports import (
    CaseDeclined,
    CaseDismissed,
    CaseFiled,
    ConsultationAnswered,
    PenaltyImposed,
    PenaltyRevised,
    RewardGranted,
    SuggestionAcknowledged,
    VerificationBegun,
    VerificationExtended,
)
from domain.complaint.settlement import JudiciallyConfirmed, Performed, Resolved
from domain.complaint.state import OPEN, Clock, Deadline, OutcomeKind, Side, Status, Way
from domain.complaint.ways import (
    AdjudicationOpened,
    ArbitrationAgreed,
    ArbitrationReferred,
    CourtReferred,
    Decided,
    FeeCharged,
    holder_of,
)
from domain.event import Event
from domain.rulebook.scenarios import CERTAIN
from domain.streams import COMPLAINT
from domain.values import Money
from projections.credit import CREDIT
from projections.durations import DURATIONS
from projections.flows import FLOWS
from projections.persons import is_persons_work
from projections.projection import Projection, Sums
from projections.public_feed import OWN_WORDS
from projections.resolution_statistics import RESOLUTION_STATISTICS
from projections.running_clocks import first_due, missed_on, run_on

#: A resolution is confirmed by the consumer unless it is reopened within this time.
CONFIRMED_AFTER = timedelta(days=30)


class Row(NamedTuple):
    """See the comments on the columns of ``read.complaint_details``."""

    status: str
    consumer_id: str
    channel: str
    scheme: str
    product: str
    filed_at: datetime
    sub_product: str | None = None
    issue: str | None = None
    sub_issue: str | None = None
    region_scheme: str | None = None
    region: str | None = None
    register_name: str | None = None
    reference: str | None = None
    claim_fen: int | None = None
    claim_currency: str | None = None
    merchant_id: str | None = None
    routed_at: datetime | None = None
    answer_due: datetime | None = None
    answer: str | None = None
    answered_at: datetime | None = None
    answered_on_time: bool | None = None
    deadlines_missed: int = 0
    resolved: bool = False
    resolved_at: datetime | None = None
    recovered_fen: int = 0
    ground: str | None = None
    closed_at: datetime | None = None
    disputed: bool = False
    reopened: int = 0
    withdrawn_at: datetime | None = None
    kind: str = "complaint"
    regime: str | None = None
    holder: str | None = None
    office_id: str | None = None
    upgraded: str | None = None
    rule_set: str | None = None
    accepted_at: datetime | None = None
    mediator_id: str | None = None
    human: bool = False
    way: str | None = None
    public: bool = False
    counts: bool = True
    punitive_fen: int = 0
    merged_into: str | None = None
    concluded_at: datetime | None = None
    satisfaction: int | None = None
    scenario: str | None = None
    scenario_confidence: int | None = None
    stage: str | None = None
    violation: str | None = None
    platform: str | None = None
    order_reference: str | None = None
    dispute_fen: int = 0
    consumers: int = 1
    received_at: datetime | None = None
    checked_at: datetime | None = None
    checked_on_time: bool | None = None
    acceptance_missed: bool = False
    answer_missed: bool = False
    resolution_missed: bool = False
    mediation_missed: bool = False
    mediated: bool | None = None
    reopened_soon: int = 0
    paid_when_withdrawn: bool = False
    called_back: bool = False
    person_requests: int = 0
    persons_reached: int = 0
    sessions_cut: int = 0
    suggestions: int = 0
    suggestions_taken: int = 0
    verified_at: datetime | None = None
    verified_on_time: bool | None = None
    verification_missed: bool = False
    case_filed: bool = False
    penalty_on: str | None = None
    fined: bool = False
    fine_fen: int = 0
    reward_fen: int = 0
    transfers: str = ""
    consequences: int = 0
    clocks: str = ""
    next_due: datetime | None = None
    next_deadline: str | None = None
    missed: str = ""
    pending: bool = True
    paid: bool = False
    mediated_at: datetime | None = None
    penalty_at: datetime | None = None
    payments: str = ""
    damages: str = ""


def fold(row: Row | None, event: ComplaintEvent) -> Row:
    """Return the row after ``event``; raises ValueError when a stream does not begin with its filing."""
    before = row
    row = _filed(event) if before is None and isinstance(event, Filed) else _dated(before, _fold(before, event), event)
    changed: dict[str, Any] = {}
    if before is not None and not row.human and is_persons_work(before.status, before.mediator_id, event):
        changed["human"] = True
    clocks = row.clocks if row.register_name is not None else run_on(row.clocks, event)
    if clocks != row.clocks:
        next_due, next_deadline = first_due(clocks)
        changed |= {"clocks": clocks, "next_due": next_due, "next_deadline": next_deadline}
    missed = missed_on(row.missed, event)
    if missed != row.missed:
        changed["missed"] = missed
    pending = row.status in OPEN or (row.status == Status.RESOLVED and bool(clocks or missed))
    if pending != row.pending:
        changed["pending"] = pending
    return row._replace(**changed) if changed else row


def _filed(event: Filed) -> Row:
    order = event.order
    own = event.scheme in OWN_WORDS
    return Row(
        status=Status.FILED,
        consumer_id=event.consumer_id,
        channel=event.channel,
        scheme=event.scheme,
        product="" if own else event.product,
        filed_at=event.occurred_at,
        sub_product=None if own else event.sub_product,
        issue=None if own else event.issue,
        sub_issue=None if own else event.sub_issue,
        region_scheme=event.region.scheme if event.region else None,
        region=event.region.value if event.region else None,
        register_name=event.origin.register_name if event.origin else None,
        reference=event.origin.reference if event.origin else None,
        claim_fen=event.claim.fen if event.claim else None,
        claim_currency=event.claim.currency if event.claim else None,
        kind=event.kind,
        merchant_id=order.merchant_id if order else None,
        scenario=event.scenario,
        scenario_confidence=event.scenario_confidence,
        stage=event.stage,
        platform=order.platform if order else None,
        order_reference=f"{order.source}/{order.reference}" if order else None,
        dispute_fen=_fen(event.claim),
    )


def _fold(row: Row | None, event: ComplaintEvent) -> Row:
    if row is None:
        raise ValueError(f"{event.name} before complaint.filed")
    if isinstance(event, Filed):
        return _filed(event)
    match event:
        case Routed():
            return row._replace(
                status=Status.ROUTED,
                merchant_id=event.merchant_id,
                routed_at=event.occurred_at,
                answer_due=event.answer_due or _answer_due(event.clocks),
                regime=event.regime,
                holder=event.merchant_id,
            )
        case Answered():
            return row._replace(
                status=Status.ANSWERED,
                answer=event.kind,
                answered_at=row.answered_at or event.occurred_at,
                answered_on_time=event.in_time,
            )
        case OfferMade():
            if event.side is not Side.MERCHANT or row.status != Status.ROUTED or row.answered_at is not None:
                return row
            return row._replace(answered_at=event.occurred_at, answered_on_time=not row.answer_missed)
        case Resolved():
            agreed = event.way in (None, Way.NEGOTIATION) and row.status in _IN_MEDIATION
            return row._replace(
                status=Status.RESOLVED,
                resolved=True,
                resolved_at=event.occurred_at,
                recovered_fen=row.recovered_fen + _fen(event.recovered),
                way=event.way,
                mediated=True if agreed or event.way == Way.MEDIATION else row.mediated,
                paid=row.paid or _is_paid(event.recovered),
            )
        case Closed():
            return row._replace(status=Status.CLOSED, ground=event.ground, closed_at=event.occurred_at)
        case DeadlineMissed():
            status = Status.RECEIVED if event.deadline is Deadline.SUPPLEMENT else row.status
            missed: dict[str, Any] = {_MISSED[event.deadline]: True} if event.deadline in _MISSED else {}
            if event.deadline is Deadline.ANSWER or (event.deadline in SILENCE and row.answered_at is None):
                missed["answer_missed"] = True
            return row._replace(deadlines_missed=row.deadlines_missed + 1, status=status, **missed)
        case Disputed():
            return row._replace(disputed=True)
        case Withdrawn():
            return row._replace(status=Status.WITHDRAWN, withdrawn_at=event.occurred_at, paid_when_withdrawn=row.paid)
        case Reopened():
            return row._replace(
                status=event.status or Status.ROUTED,
                holder=row.merchant_id if event.status is None else row.office_id,
                answer_due=event.answer_due or _answer_due(event.clocks),
                answer=None,
                answered_at=None,
                answered_on_time=None,
                resolved=False,
                resolved_at=None,
                ground=None,
                closed_at=None,
                disputed=False,
                reopened=row.reopened + 1,
                reopened_soon=row.reopened_soon + _is_soon(row, event),
                checked_at=None,
                checked_on_time=None,
                acceptance_missed=False,
                answer_missed=False,
                resolution_missed=False,
                mediation_missed=False,
                mediated=None,
                called_back=False,
                mediator_id=None,
                way=None,
                rule_set=None,
                accepted_at=None,
                counts=True,
                concluded_at=None,
                satisfaction=None,
            )
        case Corrected():
            return _correct(row, event)
        case Upgraded():
            return row._replace(status=Status.RECEIVED, upgraded=event.trigger, holder=row.office_id)
        case Received():
            return row._replace(
                status=Status.RECEIVED,
                office_id=event.office_id,
                holder=event.office_id,
                merchant_id=event.merchant_id or row.merchant_id,
                received_at=row.received_at or event.occurred_at,
            )
        case VerificationBegun():
            return row._replace(
                status=Status.VERIFYING,
                office_id=event.office_id,
                holder=event.office_id,
                received_at=row.received_at or event.occurred_at,
            )
        case MerchantNamed():
            return row._replace(merchant_id=event.merchant_id)
        case SupplementAsked():
            return row._replace(status=Status.SUPPLEMENTING)
        case Supplemented():
            return row._replace(status=Status.RECEIVED)
        case Accepted():
            return _checked(row, event.occurred_at)._replace(
                status=Status.ACCEPTED,
                accepted_at=event.occurred_at,
                rule_set=event.rule_set,
                holder=event.office_id,
                merchant_id=event.merchant_id or row.merchant_id,
            )
        case Transferred():
            step = f"{event.from_office}>{event.to_office}@{day_of(event.occurred_at)}"
            transfers = f"{row.transfers} {step}".lstrip()
            return row._replace(office_id=event.to_office, holder=event.to_office, transfers=transfers)
        case SentAbroad():
            return row._replace(holder=event.partner)
        case ReturnedFromAbroad():
            return row._replace(holder=row.office_id)
        case Refused():
            checked = _checked(row, event.occurred_at)
            return checked._replace(status=Status.REFUSED, ground=event.ground, closed_at=event.occurred_at)
        case Referred():
            return row._replace(status=Status.REFERRED, holder=event.addressee, closed_at=event.occurred_at)
        case Merged():
            return row._replace(status=Status.MERGED, merged_into=event.into, closed_at=event.occurred_at)
        case MediationEnded():
            return row._replace(
                status=Status.CLOSED,
                ground=event.ground,
                closed_at=event.occurred_at,
                counts=event.counts is not False,
                mediated=False if row.status in _IN_MEDIATION else row.mediated,
            )
        case MediatorAssigned():
            return row._replace(mediator_id=event.mediator_id)
        case MediatorRecused():
            return row._replace(mediator_id=None)
        case PersonReached():
            return row._replace(persons_reached=row.persons_reached + 1)
        case PersonRequested():
            return row._replace(person_requests=row.person_requests + 1)
        case SessionCut():
            return row._replace(sessions_cut=row.sessions_cut + 1)
        case MediationBegun():
            return row._replace(status=Status.MEDIATING)
        case AdjudicationOpened() | ArbitrationReferred() | CourtReferred():
            return row._replace(
                status=Status.ADJUDICATING,
                holder=holder_of(event),
                closed_at=None,
                ground=None,
                concluded_at=None,
                called_back=False,
                satisfaction=None,
                counts=True,
            )
        case ClocksResumed() | DuesRevised():
            return row._replace(answer_due=_answer_due(event.clocks) or row.answer_due)
        case SuggestionMade():
            return row._replace(suggestions=row.suggestions + 1)
        case SuggestionAnswered():
            return row._replace(suggestions_taken=row.suggestions_taken + event.taken)
        case ScenarioClassified():
            return row._replace(scenario=event.scenario, scenario_confidence=CERTAIN)
        case MemberJoined():
            disputed = 0 if row.claim_fen is None else _fen(event.claim)
            return row._replace(consumers=row.consumers + 1, dispute_fen=row.dispute_fen + disputed)
        case MemberLeft():
            return row._replace(consumers=row.consumers - 1, dispute_fen=row.dispute_fen - _fen(event.claim))
        case Decided():
            if event.for_consumer:
                return row
            return row._replace(status=Status.CLOSED, ground="decided_for_merchant", closed_at=event.occurred_at)
        case Performed():
            return _paid(row, event.kind, event.amount)
        case AdvancePaid():
            return row if event.performs else _paid(row, event.kind, event.amount)
        case Published():
            return row._replace(public=True)
        case Withheld():
            return row._replace(public=False)
        case AccountMatched():
            if row.region is not None or event.region is None:
                return row._replace(consumer_id=event.consumer_id)
            scheme, value = event.region.scheme, event.region.value
            return row._replace(consumer_id=event.consumer_id, region_scheme=scheme, region=value)
        case MatchCorrected():
            return row._replace(consumer_id=event.consumer_id)
        case Concluded():
            return row._replace(concluded_at=event.occurred_at)
        case CalledBack():
            return row._replace(satisfaction=event.satisfaction, called_back=row.called_back or event.reached)
        case CaseFiled():
            return _verified(row, event.occurred_at)._replace(status=Status.CASE_FILED, case_filed=True)
        case PenaltyImposed():
            return row._replace(
                status=Status.CLOSED,
                ground="penalty_imposed",
                closed_at=event.occurred_at,
                penalty_on=event.merchant_id,
                penalty_at=event.occurred_at,
                violation=event.violation,
                fined=event.fine is not None,
                fine_fen=_fen(event.fine),
            )
        case PenaltyRevised():
            return row._replace(counts=event.counts, fined=event.fine is not None, fine_fen=_fen(event.fine))
        case RewardGranted():
            return row._replace(reward_fen=row.reward_fen + _fen(event.amount))
        case ConsequenceLinked():
            return row._replace(consequences=row.consequences + 1)
        case CaseDeclined():
            declined = _verified(row, event.occurred_at)
            return declined._replace(status=Status.CLOSED, ground="case_declined", closed_at=event.occurred_at)
        case CaseDismissed() | ConsultationAnswered() | SuggestionAcknowledged():
            ground = event.name.removeprefix("complaint.")
            return row._replace(status=Status.CLOSED, ground=ground, closed_at=event.occurred_at)
        case (
            PolicyExecuted()
            | OfferAccepted()
            | OfferDeclined()
            | OfferExpired()
            | ClocksStopped()
            | AttemptLinked()
            | RespondentAdded()
            | SupervisionOrdered()
            | MediationConsented()
            | SessionResumed()
            | AppraisalOrdered()
            | AppraisalReported()
            | FastTracked()
            | ArbitrationAgreed()
            | FeeCharged()
            | JudiciallyConfirmed()
            | FraudAlleged()
            | FraudEvidenceSubmitted()
            | FraudVerified()
            | FraudRejected()
            | AdvanceRequested()
            | AdvanceRefused()
            | PublicationConsented()
            | OutcomePublished()
            | VerificationExtended()
        ):
            return row
        case _:
            assert_never(event)


#: Deadlines of others than the answer whose passing a measure looks at. A promise to resolve ends with publication.
_MISSED = {
    Deadline.RESOLUTION: "resolution_missed",
    Deadline.ENTERPRISE: "resolution_missed",
    Deadline.ESCALATION: "resolution_missed",
    Deadline.PUBLICATION: "resolution_missed",
    Deadline.MEDIATION: "mediation_missed",
    Deadline.VERIFICATION: "verification_missed",
    Deadline.ACCEPTANCE: "acceptance_missed",
}
_IN_MEDIATION = frozenset({Status.ACCEPTED, Status.MEDIATING})


def _is_soon(row: Row, event: Reopened) -> bool:
    return row.resolved_at is not None and event.occurred_at - row.resolved_at <= CONFIRMED_AFTER


def _checked(row: Row, at: datetime) -> Row:
    return row._replace(checked_at=at, checked_on_time=not row.acceptance_missed)


def _verified(row: Row, at: datetime) -> Row:
    return row._replace(verified_at=at, verified_on_time=not row.verification_missed)


def _answer_due(clocks: tuple[Clock, ...] | None) -> datetime | None:
    return next((clock.due for clock in clocks or () if clock.deadline is Deadline.ANSWER), None)


def _fen(money: Money | None) -> int:
    """Return an amount in fen; other currencies than CNY are not summed."""
    return money.fen if money is not None and money.currency == "CNY" else 0


def _is_paid(money: Money | None) -> bool:
    return money is not None and money.fen > 0


def _paid(row: Row, kind: OutcomeKind, amount: Money | None) -> Row:
    paid = row.paid or _is_paid(amount)
    if kind is OutcomeKind.PUNITIVE_DAMAGES:
        return row._replace(punitive_fen=row.punitive_fen + _fen(amount), paid=paid)
    return row._replace(recovered_fen=row.recovered_fen + _fen(amount), paid=paid)


def _dated(before: Row | None, row: Row, event: ComplaintEvent) -> Row:
    """Keep the days of what was paid, and when mediation ended: their sums and ends do not tell when."""
    if before is None:
        return row
    dated: dict[str, Any] = {}
    for days, fen in (
        ("payments", row.recovered_fen - before.recovered_fen),
        ("damages", row.punitive_fen - before.punitive_fen),
    ):
        if fen:
            paid = dict(one.split("=") for one in getattr(row, days).split())
            day = str(day_of(event.occurred_at))
            paid[day] = str(int(paid.get(day, 0)) + fen)
            dated[days] = " ".join(f"{day}={fen}" for day, fen in paid.items())
    if row.mediated is not before.mediated:
        dated["mediated_at"] = None if row.mediated is None else event.occurred_at
    return row._replace(**dated) if dated else row


#: What is of the code list ``scheme``. In other words than those of a list it is the consumer's own, and not kept here.
_CODES = ("product", "sub_product", "issue", "sub_issue")


def told(events: Iterable[Event]) -> dict[str, Any]:
    """Return product and issue as filed and corrected, also in words that are not kept: for the complaint alone."""
    found: dict[str, Any] = {}
    for event in events:
        if isinstance(event, Filed | Corrected):
            found |= {name: said for name in _CODES if (said := getattr(event, name)) is not None}
    return found


def _correct(row: Row, event: Corrected) -> Row:
    stated = {
        name: value
        for name in ("merchant_id", "channel", "disputed", *(() if row.scheme in OWN_WORDS else _CODES))
        if (value := getattr(event, name)) is not None
    }
    if event.region is not None:
        stated |= {"region_scheme": event.region.scheme, "region": event.region.value}
    if event.in_time is not None:
        stated["answered_on_time"] = event.in_time
    if event.answer is not None:
        relief = event.answer in RELIEF
        stated |= {
            "answer": event.answer,
            "resolved": relief,
            "status": Status.RESOLVED if relief else Status.CLOSED,
            "resolved_at": (row.resolved_at or event.occurred_at) if relief else None,
            "closed_at": row.closed_at if relief else row.closed_at or event.occurred_at,
        }
    return row._replace(**stated)


def _transferred(row: Row) -> Mapping[tuple[Any, ...], tuple[int, ...]]:
    moved: Counter[tuple[Any, ...]] = Counter()
    for transfer in row.transfers.split():
        offices, _, day = transfer.partition("@")
        moved[(*offices.split(">"), date.fromisoformat(day))] += 1
    return {key: (count,) for key, count in moved.items()}


TRANSFERS = Sums(
    table="read.transfers",
    keys=("from_office", "to_office", "day"),
    measures=("complaints",),
    contributions=_transferred,
)

COMPLAINT_DETAILS = Projection(
    name="complaint_details",
    kind=COMPLAINT,
    table="read.complaint_details",
    key="complaint_id",
    row=Row,
    fold=fold,
    sums=(RESOLUTION_STATISTICS, DURATIONS, TRANSFERS, *CREDIT, FLOWS),
    version=3,
)
