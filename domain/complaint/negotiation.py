"""Between the parties, before any authority steps in: routing to the merchant, answer, offers, upgrade."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, assert_never

from pydantic import Field

from domain.calendar import Term, Unit, day_of, due
from domain.complaint.action import CONSUMER_SIDE, MERCHANT_SIDE, OFFICE, PARTIES, acting_side, action, side_of
from domain.complaint.clocks import (
    DeadlineMissed,
    Published,
    Trigger,
    Upgraded,
    in_force,
    run,
    start,
    to_authority,
    until,
)
from domain.complaint.settlement import Resolved, agreed, check_terms, way_of
from domain.complaint.state import Clock, Complaint, Deadline, Offer, Outcome, OutcomeKind, Side, Status, Way
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.merchant.state import Adoption, Merchant
from domain.merchant.state import Status as MerchantStatus
from domain.rulebook.book import Authority, Rulebook, TermName, is_in_force, regions_around
from domain.rulebook.codes import Slug
from domain.rulebook.policies import LEAST_CONFIDENCE, POLICY_EXECUTION
from domain.rulebook.scenarios import CERTAIN
from domain.rulebook.terms import COUNTRY
from domain.values import CLOCK, Actor, Instant, LongText, MerchantId, Money, Role, ShortText, TimePrecision

INSTANT = TimePrecision.INSTANT


class AnswerKind(StrEnum):
    """What a merchant's answer consists of. UNSTATED: the source says that it answered, but not how."""

    EXPLANATION = "explanation"
    MONETARY_RELIEF = "monetary_relief"
    OTHER_RELIEF = "other_relief"
    RELIEF = "relief"
    NO_RELIEF = "no_relief"
    UNSTATED = "unstated"


RELIEF = frozenset({AnswerKind.MONETARY_RELIEF, AnswerKind.OTHER_RELIEF, AnswerKind.RELIEF})


class Regime(StrEnum):
    """By which arrangement the merchant gets the complaint first."""

    #: The public complaint platform: a merchant who has signed the promise answers within its terms, unpublished.
    PROMISE = "promise"
    #: An enterprise that is enrolled for online dispute resolution has its own term, then the regulator has it.
    ENTERPRISE = "enterprise"
    #: Direct settlement from the payment order; silence hands it to the regulator.
    ONE_CLICK = "one_click"


class Routed(Event):
    """The complaint was sent to a merchant, who has until ``answer_due`` (if there is a term) to answer.

    ``regime`` is the arrangement, ``signed`` whether the merchant had signed the promise when it was filed.
    """

    name = "complaint.routed"

    merchant_id: MerchantId
    answer_due: Instant | None = None
    precision: TimePrecision = INSTANT
    regime: Regime | None = None
    signed: bool | None = None
    rule_set: ShortText | None = None
    clocks: tuple[Clock, ...] | None = None


class PolicyExecuted(Event):
    """The merchant had adopted a policy for such a case when it was filed, which settles it at once by its terms."""

    name = "complaint.policy_executed"

    policy_id: Slug
    edition: Annotated[int, Field(ge=1)]
    scenario: Slug


class Answered(Event):
    """The merchant answered. ``relief`` is the amount offered, where one was stated.

    ``in_time`` is None where a register of origin does not say.
    """

    name = "complaint.answered"

    kind: AnswerKind
    in_time: bool | None = None
    relief: Money | None = None
    text: LongText | None = None
    precision: TimePrecision = INSTANT


class OfferMade(Event):
    """A party offers these terms, in place of what was on the table; they stand until the clock runs out."""

    name = "complaint.offer_made"

    number: Annotated[int, Field(ge=1)]
    side: Side
    terms: Annotated[tuple[Outcome, ...], Field(min_length=1)]
    text: LongText | None = None
    clocks: tuple[Clock, ...]


class OfferAccepted(Event):
    """The other party accepted the offer."""

    name = "complaint.offer_accepted"

    number: int


class OfferDeclined(Event):
    """The other party declined the offer."""

    name = "complaint.offer_declined"

    number: int
    text: LongText | None = None


NegotiationEvent = Routed | PolicyExecuted | Answered | OfferMade | OfferAccepted | OfferDeclined

#: An enterprise's own term is not among them: it is for settling the matter.
RESPONDING = frozenset({Deadline.ANSWER, Deadline.FIRST_RESPONSE, Deadline.ESCALATION})


def evolve(state: Complaint, event: NegotiationEvent) -> Complaint:
    match event:
        case Routed():
            if state.imported:
                # The register watches its terms: no clock runs here.
                return state.changed(
                    status=Status.ROUTED,
                    merchant_id=event.merchant_id,
                    holder=event.merchant_id,
                    stated_due=event.answer_due,
                )
            clocks = event.clocks or ()
            if event.answer_due is not None and not clocks:
                clocks = (until(Deadline.ANSWER, event.occurred_at, event.answer_due),)
            return state.with_clocks(
                clocks,
                status=Status.ROUTED,
                merchant_id=event.merchant_id,
                holder=event.merchant_id,
                regime=event.regime or "",
            )
        case PolicyExecuted():
            return state
        case Answered():
            return state.with_clocks((), RESPONDING, status=Status.ANSWERED, answered=True)
        case OfferMade():
            over = RESPONDING if event.side is Side.MERCHANT else frozenset[Deadline]()
            offer = Offer(event.number, event.side, event.terms)
            offered = state.offered or event.side is Side.MERCHANT
            return state.with_clocks(event.clocks, over, offer=offer, offers=event.number, offered=offered)
        case OfferAccepted() | OfferDeclined():
            return state.with_clocks((), frozenset({Deadline.OFFER}), offer=None)
        case _:
            assert_never(event)


@action(
    "route-after-filing",
    roles=OFFICE | CONSUMER_SIDE | {Role.PLATFORM},
    during=(Status.FILED,),
    to=(Status.ROUTED, Status.RESOLVED),
)
def route(
    state: Complaint,
    *,
    at: datetime,
    by: Actor,
    book: Rulebook,
    merchant: Merchant,
    merchant_id: MerchantId,
    regime: Regime | None = None,
    answer_due: Instant | None = None,
    precision: TimePrecision = INSTANT,
) -> list[NegotiationEvent | Published | Resolved]:
    """Send the complaint to the merchant first, by the terms of an arrangement, or with a due time of one's own.

    ``merchant`` is the merchant's state; what counts is what it had signed or adopted when the complaint was filed. A
    policy that it had adopted for such a case settles it at once.
    """
    if merchant.status is MerchantStatus.MERGED and not state.imported:
        raise RuleViolation(
            "route-to-who-goes-on",
            f"{merchant_id} was merged into {merchant.merged_into}",
            hint=f"send it to {merchant.merged_into}",
        )
    if answer_due is not None and answer_due < at:
        raise InvalidInput("the answer would be due before the complaint is routed", hint="give a later due time")
    if state.merchant_id not in ("", merchant_id) and state.merchant_id not in merchant.absorbed:
        raise InvalidInput(f"the order is from {state.merchant_id}", hint="send it there, or file it without the order")
    if regime is None and merchant.had_signed(state.filed_at or at) and not state.imported:
        raise RuleViolation(
            "promise-when-signed",
            "the merchant had signed the promise when this was filed",
            hint="route it under the arrangement promise; until it is unkept, the complaint stays private",
        )
    if answer_due is not None and regime is not None:
        raise InvalidInput(f"the arrangement {regime} has its own terms", hint="leave out answer_due")
    routed = Routed(
        occurred_at=at, actor=by, merchant_id=merchant_id, answer_due=answer_due, precision=precision, regime=regime
    )
    adoption = next((one for one in merchant.adopted(state.filed_at or at) if _covers(one, state, book)), None)
    sent = _sent(state, routed, merchant, book)
    return sent if adoption is None else _executed(state, sent, adoption, book)


def _sent(
    state: Complaint, routed: Routed, merchant: Merchant, book: Rulebook
) -> list[NegotiationEvent | Published | Resolved]:
    filed_at = state.filed_at or routed.occurred_at
    match routed.regime:
        case None:
            return [routed]
        case Regime.PROMISE:
            return _by_promise(state, routed, book, merchant.had_signed(filed_at))
        case Regime.ENTERPRISE:
            return [_by_enterprise(state, routed, book, merchant.was_enrolled(filed_at))]
        case Regime.ONE_CLICK:
            return [_by_one_click(state, routed, book)]
        case _:
            assert_never(routed.regime)


def _covers(adoption: Adoption, state: Complaint, book: Rulebook) -> bool:
    """Whether a policy settles such a complaint: of one consumer, about no more than a known price in yuan."""
    policy, price, filed_at = adoption.policy, state.paid, state.filed_at
    if state.imported or state.representatives or filed_at is None or state.purchased_at is None or price is None:
        return False
    within = Term(n=policy.within_days, unit=Unit.DAYS, source=policy.source)
    return (
        state.scenario in policy.scenarios
        and state.confidence >= _least_confidence(book)
        and price.currency == "CNY"
        and (state.claim is None or (state.claim.currency == price.currency and state.claim.fen <= price.fen))
        and (policy.most_fen is None or price.fen <= policy.most_fen)
        and filed_at <= due(state.purchased_at, within, book.calendar).at
        and is_in_force(policy, day_of(filed_at))
        and policy.region in regions_around(state.region or COUNTRY)
        and bool(_given(adoption, price))
    )


def _least_confidence(book: Rulebook) -> int:
    """How surely the scenario has to be known; where nothing is published, a person has to have said it."""
    published = book.parameters.get(POLICY_EXECUTION)
    least = None if published is None else published.values.get(LEAST_CONFIDENCE)
    return CERTAIN if least is None else least.value


def _given(adoption: Adoption, price: Money) -> tuple[Outcome, ...]:
    """Return what a policy gives for a price, to the fen, without what comes to nothing."""
    shares = [(OutcomeKind(term.kind), term.fen(price.fen)) for term in adoption.policy.terms]
    return tuple(Outcome(kind=kind, amount=None if fen is None else Money(fen=fen)) for kind, fen in shares if fen != 0)


def _executed(
    state: Complaint, sent: list[NegotiationEvent | Published | Resolved], adoption: Adoption, book: Rulebook
) -> list[NegotiationEvent | Published | Resolved]:
    """Settle by a policy what was sent to the merchant; no term of an arrangement begins."""
    routed, *published = sent
    at, by = routed.occurred_at, routed.actor
    assert state.paid is not None
    resolved = agreed(state, _given(adoption, state.paid), at, by, book, way=Way.NEGOTIATION)
    return [
        routed.model_copy(update={"answer_due": None, "clocks": None, "rule_set": None}),
        *published,
        PolicyExecuted(
            occurred_at=at,
            actor=by,
            policy_id=adoption.policy.id,
            edition=adoption.edition,
            scenario=state.scenario,
        ),
        resolved.model_copy(update={"basis": "policy"}),
    ]


def terms_of(state: Complaint, at: datetime, book: Rulebook) -> tuple[Clock, ...]:
    """Start the clocks of the arrangement under which the merchant has it: of a promise, unless it is public."""
    match state.regime:
        case Regime.PROMISE if not state.published:
            rules = in_force(book, Authority.PROMISE, state.region, at)
            clocks = start(Deadline.ANSWER, TermName.PROMISE_ANSWER, rules, at, book.calendar)
            if state.withheld or state.clock(Deadline.PUBLICATION) is not None:
                return clocks
            return clocks + start(Deadline.PUBLICATION, TermName.PROMISE_RESOLUTION, rules, at, book.calendar)
        case Regime.ENTERPRISE:
            rules = in_force(book, Authority.MARKET_REGULATOR, state.region, at)
            return start(Deadline.ENTERPRISE, TermName.ENTERPRISE, rules, at, book.calendar)
        case Regime.ONE_CLICK:
            rules = in_force(book, Authority.ONE_CLICK, state.region, at)
            return start(Deadline.ESCALATION, TermName.ESCALATION, rules, at, book.calendar)
        case _:
            return ()


def _by_promise(
    state: Complaint, routed: Routed, book: Rulebook, signed: bool
) -> list[NegotiationEvent | Published | Resolved]:
    at, by = routed.occurred_at, routed.actor
    if not signed:
        unsigned = routed.model_copy(update={"signed": False})
        if state.published or state.withheld:
            return [unsigned]
        return [unsigned, Published(occurred_at=at, actor=by, basis="no_promise")]
    return [_with(routed, state, book, signed=True)]


def _by_enterprise(state: Complaint, routed: Routed, book: Rulebook, enrolled: bool) -> Routed:
    if not enrolled:
        raise RuleViolation(
            "enterprise-first-when-enrolled",
            "the merchant was not enrolled for online dispute resolution when this was filed",
            hint="let an office receive it",
        )
    return _with(routed, state, book)


def _by_one_click(state: Complaint, routed: Routed, book: Rulebook) -> Routed:
    at = routed.occurred_at
    rules = in_force(book, Authority.ONE_CLICK, state.region, at)
    if rules is None:
        raise RuleViolation(
            "one-click-where-offered",
            f"one-click settlement is not offered in {state.region or 'an unknown region'}",
            hint="let an office receive it",
        )
    if state.purchased_at is None:
        raise RuleViolation("one-click-from-order", "there is no payment order", hint="file it from the order")
    within = rules.terms.get(TermName.ONE_CLICK_PURCHASE)
    if within is not None and at > due(state.purchased_at, within, book.calendar).at:
        raise RuleViolation(
            "one-click-after-purchase",
            f"the purchase is longer ago than {within.n} {within.unit}",
            hint="let an office receive it",
            source=within.source,
        )
    return _with(routed, state, book)


def _with(routed: Routed, state: Complaint, book: Rulebook, *, signed: bool | None = None) -> Routed:
    clocks = terms_of(state.changed(regime=routed.regime or ""), routed.occurred_at, book)
    rule_set = clocks[0].rule_set if clocks else None
    return routed.model_copy(update={"clocks": clocks or None, "rule_set": rule_set, "signed": signed})


@action(
    "answer-once-when-routed",
    roles=MERCHANT_SIDE | OFFICE,
    during=(Status.ROUTED,),
    to=Status.ANSWERED,
)
def answer(
    state: Complaint,
    *,
    at: datetime,
    by: Actor,
    kind: AnswerKind,
    relief: Money | None = None,
    text: LongText | None = None,
    stated: Literal["in_time", "late", "not_stated"] | None = None,
    precision: TimePrecision = INSTANT,
) -> list[NegotiationEvent | DeadlineMissed]:
    """Record the merchant's answer; it is late when its deadline has been missed.

    ``stated`` is what a register of origin says about its timeliness; otherwise the due time decides.
    """
    if relief is not None and kind not in RELIEF:
        raise InvalidInput(f"an answer of kind {kind} carries no money", hint="use monetary_relief, or no amount")
    missed = Deadline.ANSWER in state.missed
    late = missed if stated is None else stated == "late"
    events: list[NegotiationEvent | DeadlineMissed] = []
    if late and not missed and state.imported:
        events.append(DeadlineMissed(occurred_at=state.answer_due or at, actor=CLOCK, deadline=Deadline.ANSWER))
    return [
        *events,
        Answered(
            occurred_at=at,
            actor=by,
            kind=kind,
            in_time=None if stated == "not_stated" else not late,
            relief=relief,
            text=text,
            precision=precision,
        ),
    ]


@action("offer-while-with-the-parties", roles=PARTIES, during=(Status.ROUTED, Status.ANSWERED, Status.MEDIATING))
def offer(
    state: Complaint,
    *,
    at: datetime,
    by: Actor,
    book: Rulebook,
    terms: tuple[Outcome, ...],
    text: LongText | None = None,
    expires: Instant | None = None,
    side: Side | None = None,
) -> list[NegotiationEvent]:
    """Offer terms, or counter the offer on the table with others. ``expires``: default by the rule set."""
    check_terms(state, terms)
    if expires is not None and expires <= at:
        raise InvalidInput("the offer would have expired already", hint="give a later time")
    return [
        OfferMade(
            occurred_at=at,
            actor=by,
            number=state.offers + 1,
            side=acting_side(by, side),
            terms=terms,
            text=text,
            clocks=(_standing(state, at, book) if expires is None else until(Deadline.OFFER, at, expires),),
        )
    ]


#: How long an offer stands where no rule set says it.
OFFER_TERM = Term(n=72, unit=Unit.HOURS, source="chosen")


def _standing(state: Complaint, at: datetime, book: Rulebook) -> Clock:
    rules = in_force(book, Authority.ONE_CLICK, state.region, at)
    by_rule = start(Deadline.OFFER, TermName.OFFER, rules, at, book.calendar)
    return by_rule[0] if by_rule else run(Deadline.OFFER, OFFER_TERM, at, book.calendar)


def _of_the_other(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if state.offer is None:
        return RuleViolation("offer-on-the-table", "there is no offer on the table", hint="make one")
    if by.role is not Role.SERVICE and side_of(by) is state.offer.by:
        return RuleViolation("offer-of-the-other", "this is your own offer", hint="the other party accepts or declines")
    return None


@action(
    "accept-offer-of-the-other",
    roles=PARTIES,
    during=(Status.ROUTED, Status.ANSWERED, Status.MEDIATING),
    to=Status.RESOLVED,
    unless=_of_the_other,
)
def accept_offer(state: Complaint, *, at: datetime, by: Actor, book: Rulebook) -> list[NegotiationEvent | Resolved]:
    """Accept the offer of the other party: the matter is settled by agreement."""
    assert state.offer is not None
    return [
        OfferAccepted(occurred_at=at, actor=by, number=state.offer.number),
        agreed(state, state.offer.terms, at, by, book, way=way_of(state)),
    ]


@action(
    "decline-offer-of-the-other",
    roles=PARTIES,
    during=(Status.ROUTED, Status.ANSWERED, Status.MEDIATING),
    unless=_of_the_other,
)
def decline_offer(state: Complaint, *, at: datetime, by: Actor, text: LongText | None = None) -> list[NegotiationEvent]:
    """Decline the offer of the other party; negotiation goes on."""
    assert state.offer is not None
    return [OfferDeclined(occurred_at=at, actor=by, number=state.offer.number, text=text)]


@action(
    "upgrade-from-the-merchant",
    roles=CONSUMER_SIDE,
    during=(Status.ROUTED, Status.ANSWERED),
    to=Status.RECEIVED,
    unless=lambda state, at, by, book: (
        RuleViolation("upgrade-native-only", "a register of origin handles it", hint="file it here")
        if state.imported
        else None
    ),
)
def upgrade(state: Complaint, *, at: datetime, by: Actor, book: Rulebook) -> list[Upgraded]:
    """Hand it to the authority at once, as a dissatisfied consumer (one click)."""
    return [to_authority(state, Trigger.CONSUMER, at, by, book)]
