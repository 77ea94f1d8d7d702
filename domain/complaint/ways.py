"""Ways beside mediation: decision by the platform, arbitration, court. They are parallel, not a ladder."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, assert_never

from pydantic import Field

from domain.action import first_of
from domain.calendar import SHANGHAI
from domain.complaint.action import CONSUMER_SIDE, NEUTRAL, PARTIES, acting_side, action, side_of
from domain.complaint.clocks import ended
from domain.complaint.jurisdiction import CourtBasis, DivisionCode, Sale, competent_court
from domain.complaint.settlement import Resolved, agreed, check_terms
from domain.complaint.state import Complaint, Deadline, Outcome, Side, Status, Way
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.rulebook.book import Part, Rulebook
from domain.rulebook.fees import Complexity, FeeSchedule, fee
from domain.values import Actor, LongText, Money, Role, ShortText

#: From which another way may be begun: with the parties, or with an office that has accepted it, or after it failed.
BEFORE = frozenset({Status.ROUTED, Status.ANSWERED, Status.ACCEPTED, Status.MEDIATING, Status.CLOSED})


class AdjudicationOpened(Event):
    """The platform decides it, by its own published rules."""

    name = "complaint.adjudication_opened"

    platform_id: ShortText
    rules: ShortText


class ArbitrationAgreed(Event):
    """A party agreed to arbitration."""

    name = "complaint.arbitration_agreed"

    side: Side


class ArbitrationReferred(Event):
    """Both agreed: a commission arbitrates. Its award is final, and no court hears the matter."""

    name = "complaint.arbitration_referred"

    commission: ShortText
    reference: ShortText


class CourtReferred(Event):
    """The consumer goes to the court of a division; ``basis`` says why it is that one."""

    name = "complaint.court_referred"

    division: DivisionCode
    basis: CourtBasis


class Decided(Event):
    """The platform, the commission or the court decided; there is no decision without reasons."""

    name = "complaint.decided"

    way: Way
    for_consumer: bool
    reasons: LongText
    law: tuple[ShortText, ...] = ()


class FeeCharged(Event):
    """What the procedure costs, by the schedule in force, and who bears which share."""

    name = "complaint.fee_charged"

    schedule: ShortText
    edition: Annotated[int, Field(ge=1)]
    complexity: Complexity
    amount: Money
    total: Money
    consumer: Money
    merchant: Money


WayEvent = AdjudicationOpened | ArbitrationAgreed | ArbitrationReferred | CourtReferred | Decided | FeeCharged


def evolve(state: Complaint, event: WayEvent) -> Complaint:
    old = state.settlement
    match event:
        case AdjudicationOpened():
            return _elsewhere(state, Way.ADJUDICATION, holder_of(event))
        case ArbitrationAgreed():
            agreed_by = old.arbitration_agreed | {event.side}
            return state.changed(settlement=replace(old, arbitration_agreed=agreed_by))
        case ArbitrationReferred():
            return _elsewhere(state, Way.ARBITRATION, holder_of(event))
        case CourtReferred():
            return _elsewhere(state, Way.LITIGATION, holder_of(event))
        case Decided():
            state = state.changed(settlement=replace(old, decided=True))
            return state if event.for_consumer else ended(state, Status.CLOSED, event.occurred_at, unfounded=True)
        case FeeCharged():
            return state
        case _:
            assert_never(event)


#: What was awaited of the merchant or the mediator, who no longer has it.
OVER = frozenset({Deadline.ANSWER, Deadline.ESCALATION, Deadline.ENTERPRISE, Deadline.OFFER, Deadline.MEDIATION})


def holder_of(event: AdjudicationOpened | ArbitrationReferred | CourtReferred) -> str:
    """Return who has the matter now: the platform, the commission, or the court of a division."""
    match event:
        case AdjudicationOpened():
            return event.platform_id
        case ArbitrationReferred():
            return event.commission
        case CourtReferred():
            return f"court of {event.division}"


def _elsewhere(state: Complaint, way: Way, holder: str) -> Complaint:
    """A file that was complete is open again; what was decided or consented to before was about another way."""
    settlement = replace(
        state.settlement,
        way=way,
        arbitrated=state.settlement.arbitrated or way is Way.ARBITRATION,
        decided=False,
        decision_published=False,
        publication_agreed=frozenset(),
    )
    return state.with_clocks(
        (),
        OVER,
        status=Status.ADJUDICATING,
        holder=holder,
        offer=None,
        settlement=settlement,
        concluded=False,
        called_back=False,
    )


def not_final(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    """Refuse what an arbitration or a judgment excludes."""
    if not state.settlement.final:
        return None
    if not state.settlement.arbitrated:
        return RuleViolation(
            "judgment-is-final", "a court has decided it", hint="only an appeal to a higher court is left"
        )
    return RuleViolation(
        "arbitration-is-final",
        "it was referred to arbitration, which excludes every other way",
        hint="the award is final; a court may only set it aside",
        source="Arbitration Law, art. 9",
    )


def _not_to_be_arbitrated(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if state.settlement.arbitration_agreed < set(Side):
        return None
    return RuleViolation(
        "arbitration-excludes-court",
        "both parties have agreed to arbitration",
        hint="refer it to the commission",
        source="Arbitration Law, art. 5",
    )


def _has_platform(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if any(party == "platform" for party, _ in state.respondents):
        return None
    return RuleViolation("adjudicate-on-a-platform", "no platform is a respondent", hint="add the platform")


@action(
    "adjudicate-on-a-platform",
    roles=CONSUMER_SIDE,
    during=BEFORE,
    to=Status.ADJUDICATING,
    unless=first_of(not_final, _not_to_be_arbitrated, _has_platform),
)
def open_adjudication(state: Complaint, *, at: datetime, by: Actor, rules: ShortText) -> list[WayEvent]:
    """Have the platform decide it; ``rules`` are its published rules of procedure."""
    platform = next(party_id for party, party_id in state.respondents if party == "platform")
    return [AdjudicationOpened(occurred_at=at, actor=by, platform_id=platform, rules=rules)]


def _not_agreed_yet(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    agreed_by = state.settlement.arbitration_agreed
    own = agreed_by >= set(Side) if by.role is Role.SERVICE else side_of(by) in agreed_by
    return RuleViolation("arbitrate-with-both", "this is agreed already", hint="refer it") if own else None


@action(
    "arbitrate-with-both",
    roles=PARTIES,
    during=BEFORE,
    source="Arbitration Law, art. 4",
    unless=first_of(not_final, _not_agreed_yet),
)
def agree_arbitration(state: Complaint, *, at: datetime, by: Actor, side: Side | None = None) -> list[WayEvent]:
    """Agree to arbitration, as a party."""
    own = acting_side(by, side)
    if own in state.settlement.arbitration_agreed:
        raise RuleViolation("arbitrate-with-both", f"the {own} has agreed already", hint="the other party is asked")
    return [ArbitrationAgreed(occurred_at=at, actor=by, side=own)]


def _both_agreed(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    missing = sorted(set(Side) - state.settlement.arbitration_agreed)
    if not missing:
        return None
    return RuleViolation(
        "arbitrate-with-both",
        f"not agreed yet: {', '.join(missing)}",
        hint="arbitration needs an agreement of both parties",
        source="Arbitration Law, art. 4",
    )


@action(
    "arbitrate-with-both",
    roles=PARTIES | NEUTRAL,
    during=BEFORE,
    to=Status.ADJUDICATING,
    source="Arbitration Law, art. 4",
    unless=first_of(not_final, _both_agreed),
)
def refer_to_arbitration(
    state: Complaint, *, at: datetime, by: Actor, commission: ShortText, reference: ShortText
) -> list[WayEvent]:
    """Refer it to an arbitration commission, both having agreed."""
    return [ArbitrationReferred(occurred_at=at, actor=by, commission=commission, reference=reference)]


@action(
    "court-unless-arbitrated",
    roles=CONSUMER_SIDE | {Role.MERCHANT},
    during=BEFORE,
    to=Status.ADJUDICATING,
    source="Consumer Protection Law, art. 39",
    unless=first_of(not_final, _not_to_be_arbitrated),
)
def refer_to_court(state: Complaint, *, at: datetime, by: Actor, sale: Sale) -> list[WayEvent]:
    """Go to court; which one follows from the facts of the sale."""
    division, basis = competent_court(sale)
    return [CourtReferred(occurred_at=at, actor=by, division=division, basis=basis)]


def _not_theirs(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if state.settlement.way is Way.ADJUDICATION or by.role in (Role.ADJUDICATOR, Role.SERVICE):
        return None
    return RuleViolation(
        "decide-as-commission-or-court",
        f"a {by.role} does not decide a matter of {state.settlement.way}",
        hint="an adjudicator records the award or the judgment",
    )


@action(
    "decide-with-reasons",
    roles=(Role.PLATFORM, Role.ADJUDICATOR, Role.REGULATOR),
    during=(Status.ADJUDICATING,),
    to=(Status.RESOLVED, Status.CLOSED),
    unless=_not_theirs,
)
def decide(
    state: Complaint,
    *,
    at: datetime,
    by: Actor,
    book: Rulebook,
    reasons: LongText,
    terms: tuple[Outcome, ...] = (),
    law: tuple[ShortText, ...] = (),
) -> list[WayEvent | Resolved]:
    """Record the decision, award or judgment with its reasons: ``terms`` in favour of the consumer, or none."""
    if not reasons.strip():
        raise RuleViolation("decide-with-reasons", "there is no decision without reasons", hint="give them")
    way = state.settlement.way
    decided = Decided(occurred_at=at, actor=by, way=way, for_consumer=bool(terms), reasons=reasons, law=law)
    if not terms:
        return [decided]
    check_terms(state, terms)
    return [decided, agreed(state, terms, at, by, book, way=way, imposed=True)]


def _schedule(state: Complaint, at: datetime, book: Rulebook) -> FeeSchedule | None:
    try:
        return book.fee_schedule(state.region or "000000", at.astimezone(SHANGHAI).date())
    except RuleViolation:
        return None


def _no_schedule(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if _schedule(state, at, book) is not None:
        return None
    return RuleViolation("fee-by-the-schedule", "no fee schedule is in force there then", hint="publish one")


@action(
    "fee-by-the-schedule",
    roles=NEUTRAL | {Role.PLATFORM},
    during=(Status.ACCEPTED, Status.MEDIATING, Status.ADJUDICATING),
    unless=_no_schedule,
)
def charge_fee(
    state: Complaint, *, at: datetime, by: Actor, book: Rulebook, complexity: Complexity, amount: Money | None = None
) -> list[WayEvent]:
    """Charge the fee that the schedule in force asks for; ``amount`` in dispute: default the claim."""
    dispute = amount or state.in_dispute
    if dispute is None or dispute.currency != "CNY":
        raise InvalidInput("the amount in dispute is not known in CNY", hint="give the amount")
    schedule = _schedule(state, at, book)
    assert schedule is not None
    charged = fee(schedule, dispute.fen, complexity)
    return [
        FeeCharged(
            occurred_at=at,
            actor=by,
            schedule=schedule.id,
            edition=book.edition(Part.FEES, schedule.id),
            complexity=complexity,
            amount=dispute,
            total=Money(fen=charged.total),
            consumer=Money(fen=charged.consumer),
            merchant=Money(fen=charged.merchant),
        )
    ]
