"""The authority: receiving, supplement, accepting or refusing, referring, transferring, supervising, concluding."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, assert_never

from pydantic import Field

from domain.action import first_of
from domain.complaint.action import CONSUMER_SIDE, OFFICE, action
from domain.complaint.clocks import ClocksResumed, ClocksStopped, ended, resume, rules_of, start, stop
from domain.complaint.jurisdiction import DivisionCode, OfficeBasis, Shop, competent_division, covers
from domain.complaint.state import ENDED, OPEN, Clock, Complaint, Deadline, RequestKind, Status
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.merchant.state import Merchant
from domain.merchant.state import Status as MerchantStatus
from domain.rulebook.book import Ground, Rulebook, TermName
from domain.subject.state import Purpose, Subject
from domain.values import Actor, LongText, MerchantId, OfficeId, Role, ShortText

ANY_KIND = tuple(RequestKind)
SUPPLEMENT = "supplement"


class Received(Event):
    """An office has it, and has to decide on accepting it within a term; ``basis`` says why it is this office.

    ``merchant_id``: whom it is about, where that was not known yet.
    """

    name = "complaint.received"

    office_id: OfficeId
    division: DivisionCode
    basis: OfficeBasis
    rule_set: ShortText | None = None
    clocks: tuple[Clock, ...] | None = None
    merchant_id: MerchantId | None = None


class SupplementAsked(Event):
    """Something is missing; the clocks of the office stand still until it is there, or its own term has passed."""

    name = "complaint.supplement_asked"

    items: Annotated[tuple[ShortText, ...], Field(min_length=1)]
    clocks: tuple[Clock, ...] | None = None


class Supplemented(Event):
    """The consumer gave what was missing."""

    name = "complaint.supplemented"

    text: LongText | None = None


class Accepted(Event):
    """The office accepted the complaint, which stays under this rule set from now on.

    ``merchant_id``: whom it is about, where that was not known yet.
    """

    name = "complaint.accepted"

    office_id: OfficeId
    rule_set: ShortText
    clocks: tuple[Clock, ...] | None = None
    merchant_id: MerchantId | None = None


class MerchantNamed(Event):
    """It was found out whom it is about."""

    name = "complaint.merchant_named"

    merchant_id: MerchantId


class Refused(Event):
    """The office did not accept the complaint. ``counts``: False for grounds that say nothing of the merchant."""

    name = "complaint.refused"

    ground: ShortText
    text: ShortText
    rule_set: ShortText
    source: ShortText
    counts: bool


class Referred(Event):
    """Another authority is competent."""

    name = "complaint.referred"

    addressee: ShortText
    reason: ShortText


class Transferred(Event):
    """Another office has it from now on; identity, clocks and history stay."""

    name = "complaint.transferred"

    from_office: OfficeId
    to_office: OfficeId
    region: DivisionCode
    reason: ShortText


class SentAbroad(Event):
    """A partner organisation has it, under a reference of its own."""

    name = "complaint.sent_abroad"

    partner: ShortText
    reference: ShortText


class ReturnedFromAbroad(Event):
    """The partner organisation gave it back, with what came of it."""

    name = "complaint.returned_from_abroad"

    partner: ShortText
    outcome: ShortText


class SupervisionOrdered(Event):
    """A superior office supervises how this is handled."""

    name = "complaint.supervision_ordered"

    office_id: OfficeId
    reason: ShortText


class Concluded(Event):
    """The file is complete."""

    name = "complaint.concluded"


class CalledBack(Event):
    """The consumer was asked afterwards. ``satisfaction`` from 1 to 5."""

    name = "complaint.called_back"

    reached: bool
    solved: bool | None = None
    satisfaction: Annotated[int, Field(ge=1, le=5)] | None = None


HandlingEvent = (
    Received
    | SupplementAsked
    | Supplemented
    | Accepted
    | MerchantNamed
    | Refused
    | Referred
    | Transferred
    | SentAbroad
    | ReturnedFromAbroad
    | SupervisionOrdered
    | Concluded
    | CalledBack
)

FIRST_DECISION = frozenset({Deadline.FIRST_RESPONSE, Deadline.ACCEPTANCE})


def evolve(state: Complaint, event: HandlingEvent) -> Complaint:
    match event:
        case Received():
            return state.with_clocks(
                event.clocks,
                status=Status.RECEIVED,
                office_id=event.office_id,
                holder=event.office_id,
                region=event.division,
                merchant_id=state.merchant_id or event.merchant_id or "",
            )
        case SupplementAsked():
            return state.with_clocks(event.clocks, status=Status.SUPPLEMENTING)
        case Supplemented():
            return state.with_clocks((), frozenset({Deadline.SUPPLEMENT}), status=Status.RECEIVED)
        case Accepted():
            state = state.with_clocks(event.clocks, FIRST_DECISION)
            merchant_id = state.merchant_id or event.merchant_id or ""
            return state.changed(
                status=Status.ACCEPTED, rules=event.rule_set, holder=event.office_id, merchant_id=merchant_id
            )
        case MerchantNamed():
            return state.changed(merchant_id=event.merchant_id)
        case Refused():
            return ended(state, Status.REFUSED, event.occurred_at)
        case Referred():
            return ended(state, Status.REFERRED, event.occurred_at)._replace(holder=event.addressee)
        case Transferred():
            return state.changed(office_id=event.to_office, holder=event.to_office, region=event.region)
        case SentAbroad():
            return state.changed(holder=event.partner)
        case ReturnedFromAbroad():
            return state.changed(holder=state.office_id)
        case SupervisionOrdered():
            return state
        case Concluded():
            return state.changed(concluded=True)
        case CalledBack():
            return state.changed(called_back=state.called_back or event.reached)
        case _:
            assert_never(event)


@action(
    "receive-after-filing",
    roles=OFFICE,
    during=(Status.FILED, Status.RECEIVED),
    to=Status.RECEIVED,
    source="Order 121, art. 15",
    unless=lambda state, at, by, book: (
        RuleViolation("receive-once", "an office has received it", hint="transfer it") if state.office_id else None
    ),
)
def receive(
    state: Complaint,
    *,
    at: datetime,
    by: Actor,
    book: Rulebook,
    office_id: OfficeId,
    division: DivisionCode,
    shop: Shop,
    merchant_id: MerchantId | None = None,
    merchant: Merchant | None = None,
) -> list[HandlingEvent]:
    """Receive a complaint at the office of ``division``, which has to be the competent one for the shop.

    ``merchant_id``: whom it is about, where that is not known yet.
    """
    competent, basis = competent_division(shop)
    if not covers(division, competent):
        raise RuleViolation(
            "competent-office",
            f"the office of {division} is not competent",
            hint=f"the one of {competent} is ({basis}); file it there, or transfer it",
            source="Order 121, art. 9",
        )
    rules = rules_of(state.changed(region=division), book, at)
    clocks: tuple[Clock, ...] = ()
    if state.clock(Deadline.ACCEPTANCE) is None and Deadline.ACCEPTANCE not in state.missed:
        clocks = start(Deadline.ACCEPTANCE, TermName.ACCEPTANCE, rules, at, book.calendar)
    return [
        Received(
            occurred_at=at,
            actor=by,
            office_id=office_id,
            division=division,
            basis=basis,
            rule_set=rules.id if rules is not None else None,
            clocks=clocks or None,
            merchant_id=_newly_named(state, merchant_id, merchant),
        )
    ]


def _newly_named(state: Complaint, merchant_id: str | None, merchant: Merchant | None) -> str | None:
    """Return the merchant that was not known yet; raises RuleViolation where another is, or it was merged."""
    if merchant_id is None or state.merchant_id == merchant_id:
        return None
    absorbed = frozenset[str]() if merchant is None else merchant.absorbed
    if state.merchant_id:
        if state.merchant_id in absorbed:
            return None
        raise _known(state)
    if merchant is not None and merchant.status is MerchantStatus.MERGED:
        raise RuleViolation(
            "name-who-goes-on",
            f"{merchant_id} was merged into {merchant.merged_into}",
            hint=f"name {merchant.merged_into}",
        )
    return merchant_id


def _known(state: Complaint) -> RuleViolation:
    return RuleViolation("name-one-merchant", f"it is about {state.merchant_id}", hint="a complaint has one merchant")


@action(
    "name-one-merchant",
    roles=OFFICE,
    during=OPEN,
    kinds=(RequestKind.COMPLAINT, RequestKind.REPORT),
    unless=lambda state, at, by, book: _known(state) if state.merchant_id else None,
)
def name_merchant(
    state: Complaint, *, at: datetime, by: Actor, merchant_id: MerchantId, merchant: Merchant
) -> list[HandlingEvent]:
    """Name the merchant that it is about, once that is known, so that it can be held responsible."""
    found = _newly_named(state, merchant_id, merchant)
    assert found is not None
    return [MerchantNamed(occurred_at=at, actor=by, merchant_id=found)]


def _here(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if state.holder == state.office_id:
        return None
    return RuleViolation("held-here", f"{state.holder} has it", hint="wait until it is given back")


@action(
    "supplement-before-acceptance",
    roles=OFFICE,
    during=(Status.RECEIVED,),
    to=Status.SUPPLEMENTING,
    source="Order 121, art. 15",
    unless=_here,
)
def ask_supplement(
    state: Complaint, *, at: datetime, by: Actor, book: Rulebook, items: tuple[ShortText, ...]
) -> list[HandlingEvent | ClocksStopped]:
    """Ask the consumer for what is missing; the clocks stand still meanwhile."""
    if not items:
        raise InvalidInput("nothing is asked for", hint="name what is missing")
    rules = rules_of(state, book, at)
    clocks = start(Deadline.SUPPLEMENT, TermName.SUPPLEMENT, rules, at, book.calendar)
    return [
        stop(state, SUPPLEMENT, at, by, book.calendar),
        SupplementAsked(occurred_at=at, actor=by, items=items, clocks=clocks or None),
    ]


@action("supplement-when-asked", roles=CONSUMER_SIDE | OFFICE, during=(Status.SUPPLEMENTING,), to=Status.RECEIVED)
def supplement(
    state: Complaint, *, at: datetime, by: Actor, book: Rulebook, text: LongText | None = None
) -> list[HandlingEvent | ClocksResumed]:
    """Give what was missing; the clocks go on."""
    return [Supplemented(occurred_at=at, actor=by, text=text), resume(state, SUPPLEMENT, at, by, book.calendar)]


def _has_office(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if state.office_id:
        return None
    return RuleViolation("office-has-it", "no office has received it", hint="receive it first")


def _has_rules(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if not state.office_id:
        return _has_office(state, at, by, book)
    if rules_of(state, book, at) is not None:
        return None
    return RuleViolation(
        "rules-in-force", f"no rule set is in force in {state.region} then", hint="publish one for that day"
    )


@action(
    "accept-what-was-received",
    roles=OFFICE,
    during=(Status.RECEIVED,),
    to=Status.ACCEPTED,
    source="Order 121, art. 15",
    unless=first_of(_has_rules, _here),
)
def accept(
    state: Complaint,
    *,
    at: datetime,
    by: Actor,
    book: Rulebook,
    merchant_id: MerchantId | None = None,
    merchant: Merchant | None = None,
) -> list[HandlingEvent]:
    """Accept the complaint, under the rule set in force now; the term of mediation begins.

    ``merchant_id``: whom it is about, where that is not known yet.
    """
    rules = rules_of(state, book, at)
    assert rules is not None
    clocks = start(Deadline.MEDIATION, TermName.MEDIATION, rules, at, book.calendar)
    return [
        Accepted(
            occurred_at=at,
            actor=by,
            office_id=state.office_id,
            rule_set=rules.id,
            clocks=clocks or None,
            merchant_id=_newly_named(state, merchant_id, merchant),
        )
    ]


def ground_of(code: str, grounds: tuple[Ground, ...], rule_set: str) -> Ground:
    """Return the ground with a code; raises InvalidInput naming those of the rule set."""
    for ground in grounds:
        if ground.code == code:
            return ground
    raise InvalidInput(
        f"{code!r} is not a ground of {rule_set}", hint=f"its grounds are: {', '.join(g.code for g in grounds)}"
    )


@action(
    "refuse-what-was-received",
    roles=OFFICE,
    during=(Status.RECEIVED,),
    to=Status.REFUSED,
    source="Order 121, art. 16",
    unless=first_of(_has_rules, _here),
)
def refuse(
    state: Complaint, *, at: datetime, by: Actor, book: Rulebook, ground: ShortText, text: ShortText | None = None
) -> list[HandlingEvent]:
    """Do not accept the complaint, on a coded ground of the rule set in force."""
    rules = rules_of(state, book, at)
    assert rules is not None
    found = ground_of(ground, rules.refusal_grounds, rules.id)
    return [
        Refused(
            occurred_at=at,
            actor=by,
            ground=ground,
            text=text or found.text,
            rule_set=rules.id,
            source=found.source,
            counts=found.counts,
        )
    ]


@action(
    "refer-while-undecided",
    roles=OFFICE,
    during=(Status.FILED, Status.RECEIVED, Status.VERIFYING),
    to=Status.REFERRED,
    kinds=ANY_KIND,
    unless=_here,
)
def refer(state: Complaint, *, at: datetime, by: Actor, addressee: ShortText, reason: ShortText) -> list[HandlingEvent]:
    """Refer it to the authority that is competent; it then counts nowhere here."""
    return [Referred(occurred_at=at, actor=by, addressee=addressee, reason=reason)]


@action(
    "transfer-between-offices",
    roles=OFFICE,
    during=OPEN - {Status.FILED, Status.ROUTED, Status.ANSWERED},
    kinds=ANY_KIND,
    unless=lambda state, at, by, book: _has_office(state, at, by, book) or _here(state, at, by, book),
)
def transfer(
    state: Complaint, *, at: datetime, by: Actor, office_id: OfficeId, division: DivisionCode, reason: ShortText
) -> list[HandlingEvent]:
    """Hand it to another office. Its clocks go on as they are."""
    if office_id == state.office_id:
        raise InvalidInput("this office has it already", hint="name another")
    return [
        Transferred(
            occurred_at=at,
            actor=by,
            from_office=state.office_id,
            to_office=office_id,
            region=division,
            reason=reason,
        )
    ]


@action(
    "send-abroad-from-office",
    roles=OFFICE,
    during=(Status.RECEIVED, Status.ACCEPTED, Status.MEDIATING),
    unless=lambda state, at, by, book: _has_office(state, at, by, book) or _here(state, at, by, book),
)
def send_abroad(
    state: Complaint,
    *,
    at: datetime,
    by: Actor,
    partner: ShortText,
    reference: ShortText,
    subject: Subject | None = None,
) -> list[HandlingEvent]:
    """Hand it to a partner organisation, to which the consumer has consented; ``reference`` is its number there.

    The clocks go on.
    """
    consented = subject is not None and subject.consented(Purpose.CROSS_BORDER_TRANSFER, partner, at)
    if not (consented or state.imported):
        raise RuleViolation(
            "abroad-with-consent",
            f"the consumer has not consented that it be sent abroad to {partner}",
            hint="the consumer gives consent for this purpose and recipient first",
            source="Personal Information Protection Law, art. 39",
        )
    return [SentAbroad(occurred_at=at, actor=by, partner=partner, reference=reference)]


@action(
    "return-what-was-sent",
    roles=OFFICE | {Role.PARTNER},
    during=(Status.RECEIVED, Status.ACCEPTED, Status.MEDIATING),
    unless=lambda state, at, by, book: (
        None
        if state.office_id and state.holder != state.office_id
        else RuleViolation("return-what-was-sent", "no partner has it", hint="it is here already")
    ),
)
def return_from_abroad(state: Complaint, *, at: datetime, by: Actor, outcome: ShortText) -> list[HandlingEvent]:
    """Give it back to the office that sent it, with what came of it."""
    return [ReturnedFromAbroad(occurred_at=at, actor=by, partner=state.holder, outcome=outcome)]


@action("supervise-while-open", roles=OFFICE, during=OPEN, kinds=ANY_KIND)
def supervise(
    state: Complaint, *, at: datetime, by: Actor, office_id: OfficeId, reason: ShortText
) -> list[HandlingEvent]:
    """Supervise, as a superior office, how it is handled. The original clocks stay."""
    if office_id == state.office_id:
        raise InvalidInput("an office does not supervise itself", hint="name the superior one")
    return [SupervisionOrdered(occurred_at=at, actor=by, office_id=office_id, reason=reason)]


@action(
    "conclude-after-end",
    roles=OFFICE | {Role.MEDIATOR},
    during=ENDED - {Status.MERGED},
    kinds=ANY_KIND,
    unless=lambda state, at, by, book: (
        RuleViolation("conclude-once", "the file is complete already", hint="nothing is left to do")
        if state.concluded
        else None
    ),
)
def conclude(state: Complaint, *, at: datetime, by: Actor) -> list[HandlingEvent]:
    """Close the file of a case that has come to its end."""
    return [Concluded(occurred_at=at, actor=by)]


@action(
    "call-back-after-end",
    roles=OFFICE | {Role.MEDIATOR},
    during=(Status.RESOLVED, Status.CLOSED, Status.REFUSED, Status.REFERRED),
    kinds=ANY_KIND,
    unless=lambda state, at, by, book: (
        RuleViolation("call-back-until-reached", "the consumer was asked already", hint="see the answer in the history")
        if state.called_back
        else None
    ),
)
def call_back(
    state: Complaint,
    *,
    at: datetime,
    by: Actor,
    reached: bool,
    solved: bool | None = None,
    satisfaction: Annotated[int, Field(ge=1, le=5)] | None = None,
) -> list[HandlingEvent]:
    """Ask the consumer afterwards whether it is solved, and how satisfied he is (1 to 5)."""
    if not reached and (solved is not None or satisfaction is not None):
        raise InvalidInput("who was not reached said nothing", hint="leave out solved and satisfaction")
    return [CalledBack(occurred_at=at, actor=by, reached=reached, solved=solved, satisfaction=satisfaction)]
