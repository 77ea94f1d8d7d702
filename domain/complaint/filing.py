"""Filing: who asks for what, through which door, about which purchase; and what is linked to it afterwards."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, assert_never

from pydantic import BaseModel, Field

from domain.complaint.action import CONSUMER_SIDE, OFFICE, action
from domain.complaint.clocks import ended, in_force, start
from domain.complaint.state import OPEN, Clock, Complaint, Deadline, RequestKind, Status
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.merchant.volumes import STAGES
from domain.rulebook.book import Authority, LimitName, Rulebook, TermName
from domain.rulebook.codes import CodeValue, Slug
from domain.rulebook.scenarios import CERTAIN, match
from domain.values import (
    FROZEN,
    Actor,
    Channel,
    Code,
    Instant,
    LongText,
    MerchantId,
    Money,
    Origin,
    Personal,
    RandomId,
    Role,
    Sha256,
    ShortText,
    TimePrecision,
)

DIVISIONS = "GB/T 2260"
UNSPECIFIED = "unspecified"
ANY_KIND = tuple(RequestKind)


class Order(BaseModel):
    """A payment order, as its source knows it. ``receipt`` is the SHA-256 of the receipt, which is evidence."""

    model_config = FROZEN
    source: ShortText
    reference: ShortText
    purchased_at: Instant
    amount: Money
    merchant_id: MerchantId | None = None
    platform: ShortText | None = None
    payment_provider: ShortText | None = None
    receipt: Sha256 | None = None


class Joint(BaseModel):
    """One incident with many victims, who are represented by a few of them."""

    model_config = FROZEN
    incident: ShortText
    representatives: Annotated[tuple[RandomId, ...], Field(min_length=1)]


class Filed(Event):
    """A consumer asked for something. Product and issue are values of the code list ``scheme``.

    ``stage`` is where in the life of the product it went wrong, a code of the list ``product-stage``; ``scenario`` what
    kind of dispute the text was found to be about, and ``scenario_confidence`` how surely, in permille.

    Version 1 did not name the list; it was that of the register of origin, or nobody's. Version 2 knew complaints only.
    """

    name = "complaint.filed"
    version = 3

    kind: RequestKind
    consumer_id: RandomId
    channel: Channel
    scheme: ShortText
    product: ShortText
    sub_product: ShortText | None = None
    issue: ShortText | None = None
    sub_issue: ShortText | None = None
    region: Code | None = None
    claim: Money | None = None
    narrative: Annotated[LongText | None, Personal("consumer_id")] = None
    postal_code: Annotated[ShortText | None, Personal("consumer_id")] = None
    agent_id: RandomId | None = None
    anonymous: bool | None = None
    order: Order | None = None
    joint: Joint | None = None
    forwarded: Origin | None = None
    origin: Origin | None = None
    clocks: tuple[Clock, ...] | None = None
    precision: TimePrecision = TimePrecision.INSTANT
    stage: CodeValue | None = None
    scenario: Slug | None = None
    scenario_confidence: Annotated[int, Field(ge=0, le=1000)] | None = None

    @staticmethod
    def upcast_v1(data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "scheme": data.get("origin", {}).get("register_name", UNSPECIFIED)}

    @staticmethod
    def upcast_v2(data: dict[str, Any]) -> dict[str, Any]:
        return {**data, "kind": "complaint"}


class AccountMatched(Event):
    """The caller was found to be a known consumer; ``region`` and ``postal_code`` are those of the account."""

    name = "complaint.account_matched"

    consumer_id: RandomId
    basis: Literal["phone_number", "account", "identity_document"]
    region: Code | None = None
    postal_code: Annotated[ShortText | None, Personal("consumer_id")] = None


class MatchCorrected(Event):
    """The account was somebody else's; ``consumer_id`` is who really asked."""

    name = "complaint.match_corrected"

    consumer_id: RandomId
    reason: ShortText


class AttemptLinked(Event):
    """The consumer had tried elsewhere before. The matter is counted once, and its clocks are not begun anew."""

    name = "complaint.attempt_linked"

    attempt: Origin
    made_at: Instant
    outcome: ShortText


class RespondentAdded(Event):
    """Somebody else answers for it too."""

    name = "complaint.respondent_added"

    party: Literal["platform", "payment_provider"]
    party_id: ShortText


class MemberJoined(Event):
    """One more victim of the incident, with an own sum."""

    name = "complaint.member_joined"

    consumer_id: RandomId
    claim: Money


class MemberLeft(Event):
    """A victim is no longer of the party; ``claim`` is what leaves the sum in dispute with him."""

    name = "complaint.member_left"

    consumer_id: RandomId
    claim: Money | None = None


class Merged(Event):
    """The same matter had been filed before, as ``into``, which goes on; this one is not counted."""

    name = "complaint.merged"

    into: Annotated[str, Field(pattern=r"^complaint-[0-9a-f-]{36}$")]


class ScenarioClassified(Event):
    """A person said what kind of dispute it is."""

    name = "complaint.scenario_classified"

    scenario: Slug


FilingEvent = (
    Filed
    | AccountMatched
    | MatchCorrected
    | AttemptLinked
    | RespondentAdded
    | MemberJoined
    | MemberLeft
    | Merged
    | ScenarioClassified
)


def evolve(state: Complaint, event: FilingEvent) -> Complaint:
    match event:
        case Filed():
            return _filed(event)
        case AccountMatched():
            region = state.region or division_of(event.region)
            return state.changed(consumer_id=event.consumer_id, matched=True, region=region)
        case MatchCorrected():
            return state.changed(consumer_id=event.consumer_id, matched=False)
        case AttemptLinked():
            return state.changed(attempts=state.attempts | {_key(event.attempt)})
        case RespondentAdded():
            return state.changed(respondents=(*state.respondents, (event.party, event.party_id)))
        case MemberJoined():
            return state.changed(members={**state.members, event.consumer_id: event.claim.fen})
        case MemberLeft():
            left = {member: fen for member, fen in state.members.items() if member != event.consumer_id}
            return state.changed(members=left)
        case Merged():
            return ended(state, Status.MERGED, event.occurred_at)
        case ScenarioClassified():
            return state.changed(scenario=event.scenario, confidence=CERTAIN)
        case _:
            assert_never(event)


def _filed(event: Filed) -> Complaint:
    if event.origin is not None:
        return Complaint(
            Status.FILED, kind=event.kind, consumer_id=event.consumer_id, imported=True, filed_at=event.occurred_at
        )
    order, joint = event.order, event.joint
    return Complaint(
        status=Status.FILED,
        kind=event.kind,
        consumer_id=event.consumer_id,
        clocks=event.clocks or (),
        filed_at=event.occurred_at,
        region=division_of(event.region),
        claim=event.claim,
        merchant_id=(order.merchant_id or "") if order is not None else "",
        purchased_at=order.purchased_at if order is not None else None,
        paid=order.amount if order is not None else None,
        scenario=event.scenario or "",
        confidence=event.scenario_confidence or 0,
        respondents=tuple(
            (party, party_id)
            for party, party_id in (("platform", order.platform), ("payment_provider", order.payment_provider))
            if party_id is not None
        )
        if order is not None
        else (),
        representatives=frozenset(joint.representatives) if joint is not None else frozenset(),
    )


def division_of(region: Code | None) -> str:
    """Return the administrative division (GB/T 2260) that a region is; empty for none, or of another code list."""
    return region.value if region is not None and region.scheme == DIVISIONS else ""


def _key(origin: Origin) -> str:
    return f"{origin.register_name}:{origin.reference}"


@action(
    "file-once",
    roles=CONSUMER_SIDE | {Role.REGULATOR, Role.MEDIATOR, Role.WHISTLE_BLOWER, Role.PARTNER},
    during=(Status.NONE,),
    to=Status.FILED,
    kinds=ANY_KIND,
)
def file(
    state: Complaint,
    *,
    at: datetime,
    by: Actor,
    book: Rulebook,
    consumer_id: RandomId,
    channel: Channel,
    product: ShortText,
    scheme: ShortText = "free",
    kind: RequestKind = RequestKind.COMPLAINT,
    sub_product: ShortText | None = None,
    issue: ShortText | None = None,
    sub_issue: ShortText | None = None,
    region: Code | None = None,
    claim: Money | None = None,
    narrative: LongText | None = None,
    postal_code: ShortText | None = None,
    agent_id: RandomId | None = None,
    anonymous: bool | None = None,
    order: Order | None = None,
    joint: Joint | None = None,
    forwarded: Origin | None = None,
    origin: Origin | None = None,
    precision: TimePrecision = TimePrecision.INSTANT,
    stage: CodeValue | None = None,
) -> list[FilingEvent]:
    """File a complaint, a report, a consultation or a suggestion.

    The pledge of a first response and of a resolution begins to run, where one is in force. ``order`` is the payment
    order that it is about; ``forwarded`` the organisation that it comes from, with its reference there; ``stage`` where
    in the life of the product it went wrong. What kind of dispute it is, is found by the words that it is told in.
    """
    if anonymous and kind is not RequestKind.REPORT:
        raise RuleViolation(
            "anonymous-reports-only", f"a {kind} cannot be anonymous", hint="give the name, or file a report"
        )
    if origin is None:
        _check_code(scheme, product, book)
        if region is not None:
            _check_code(region.scheme, region.value, book)
        if stage is not None:
            _check_code(STAGES, stage, book)
    if order is not None and order.purchased_at > at:
        raise InvalidInput("the purchase is later than the filing", hint="check the time of the order")
    division = division_of(region)
    if joint is not None:
        _check_joint(joint, kind, in_force(book, Authority.MARKET_REGULATOR, division, at))
    clocks: tuple[Clock, ...] = ()
    found = None
    if origin is None:
        told = "\n".join(filter(None, (product, sub_product, issue, sub_issue, narrative)))
        found = match(told, book.scenarios.values())
        pledge = in_force(book, Authority.PLEDGE, division, at)
        clocks = start(Deadline.FIRST_RESPONSE, TermName.FIRST_RESPONSE, pledge, at, book.calendar)
        if kind is RequestKind.COMPLAINT:
            clocks += start(Deadline.RESOLUTION, TermName.RESOLUTION, pledge, at, book.calendar)
    return [
        Filed(
            occurred_at=at,
            actor=by,
            kind=kind,
            consumer_id=consumer_id,
            channel=channel,
            scheme=scheme,
            product=product,
            sub_product=sub_product,
            issue=issue,
            sub_issue=sub_issue,
            region=region,
            claim=claim if claim is not None or order is None else order.amount,
            narrative=narrative,
            postal_code=postal_code,
            agent_id=agent_id,
            anonymous=anonymous or None,
            order=order,
            joint=joint,
            forwarded=forwarded,
            origin=origin,
            clocks=clocks or None,
            precision=precision,
            stage=stage,
            scenario=found.scenario if found is not None else None,
            scenario_confidence=found.confidence if found is not None else None,
        )
    ]


def _check_code(scheme: str, value: str, book: Rulebook) -> None:
    """Raise InvalidInput for a value that its code list, if that is published, does not have."""
    if scheme in book.code_lists and book.code(scheme, value) is None:
        raise InvalidInput(
            f"{value!r} is no value of the code list {scheme}", hint="choose one that is published in it"
        )


def _check_joint(joint: Joint, kind: RequestKind, rules: Any) -> None:
    if kind is not RequestKind.COMPLAINT:
        raise RuleViolation("joint-complaints-only", f"a {kind} is not joint", hint="file a complaint")
    most = rules.limits.get(LimitName.REPRESENTATIVES) if rules is not None else None
    if len(set(joint.representatives)) != len(joint.representatives):
        raise InvalidInput("a representative is named twice", hint="name each once")
    if most is not None and len(joint.representatives) > most:
        raise RuleViolation(
            "representatives-at-most",
            f"{len(joint.representatives)} representatives are more than {most}",
            hint=f"name at most {most}; the others join as members",
            source=rules.source,
        )


@action(
    "match-while-open",
    roles=OFFICE | {Role.MEDIATOR},
    during=OPEN,
    kinds=ANY_KIND,
    unless=lambda state, at, by, book: (
        RuleViolation("match-once", "an account is matched already", hint="correct the match if it is wrong")
        if state.matched
        else None
    ),
)
def match_account(
    state: Complaint,
    *,
    at: datetime,
    by: Actor,
    consumer_id: RandomId,
    basis: Literal["phone_number", "account", "identity_document"],
    region: Code | None = None,
    postal_code: ShortText | None = None,
) -> list[FilingEvent]:
    """Take over the account of a caller who is known, with what it says of where he lives."""
    return [
        AccountMatched(
            occurred_at=at,
            actor=by,
            consumer_id=consumer_id,
            basis=basis,
            region=region,
            postal_code=postal_code,
        )
    ]


@action(
    "correct-match-of-account",
    roles=OFFICE | CONSUMER_SIDE | {Role.MEDIATOR},
    during=OPEN,
    kinds=ANY_KIND,
    unless=lambda state, at, by, book: (
        None if state.matched else RuleViolation("correct-match-of-account", "no account was matched", hint="match one")
    ),
)
def correct_match(
    state: Complaint, *, at: datetime, by: Actor, consumer_id: RandomId, reason: ShortText
) -> list[FilingEvent]:
    """Put right whose request it is, when the wrong account was matched."""
    if consumer_id == state.consumer_id:
        raise InvalidInput("this is the account that was matched", hint="name who really asked")
    return [MatchCorrected(occurred_at=at, actor=by, consumer_id=consumer_id, reason=reason)]


@action("link-attempt-while-open", roles=OFFICE | CONSUMER_SIDE | {Role.MEDIATOR}, during=OPEN, kinds=ANY_KIND)
def link_attempt(
    state: Complaint, *, at: datetime, by: Actor, attempt: Origin, made_at: Instant, outcome: ShortText
) -> list[FilingEvent]:
    """Link what the consumer had tried elsewhere before, with its outcome."""
    if made_at > at:
        raise InvalidInput("the attempt is later than now", hint="check its time")
    if _key(attempt) in state.attempts:
        raise RuleViolation("link-attempt-once", f"the attempt {_key(attempt)} is linked already")
    return [AttemptLinked(occurred_at=at, actor=by, attempt=attempt, made_at=made_at, outcome=outcome)]


@action("respondent-while-open", roles=OFFICE | CONSUMER_SIDE | {Role.MEDIATOR}, during=OPEN)
def add_respondent(
    state: Complaint, *, at: datetime, by: Actor, party: Literal["platform", "payment_provider"], party_id: ShortText
) -> list[FilingEvent]:
    """Name the platform, or the payment provider, as a further respondent."""
    if (party, party_id) in state.respondents:
        raise RuleViolation("respondent-once", f"{party_id} is a respondent already")
    return [RespondentAdded(occurred_at=at, actor=by, party=party, party_id=party_id)]


def _joint_only(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if state.representatives:
        return None
    return RuleViolation("members-of-joint", "this is not a joint complaint", hint="file one with representatives")


@action("members-while-open", roles=CONSUMER_SIDE | OFFICE, during=OPEN, unless=_joint_only)
def join(state: Complaint, *, at: datetime, by: Actor, consumer_id: RandomId, claim: Money) -> list[FilingEvent]:
    """Join a joint complaint, with an own sum."""
    if consumer_id in state.members or consumer_id in state.representatives:
        raise RuleViolation("member-once", "this consumer is of the party already")
    if state.claim is not None and claim.currency != state.claim.currency:
        raise InvalidInput(f"the complaint is in {state.claim.currency}, not {claim.currency}", hint="use the same")
    return [MemberJoined(occurred_at=at, actor=by, consumer_id=consumer_id, claim=claim)]


def _has_member(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if state.members:
        return None
    return RuleViolation(
        "representatives-stay", "nobody but the representatives is of the party", hint="withdraw the complaint"
    )


@action("members-while-open", roles=CONSUMER_SIDE | OFFICE, during=OPEN, unless=_has_member)
def leave(state: Complaint, *, at: datetime, by: Actor, consumer_id: RandomId) -> list[FilingEvent]:
    """Leave a joint complaint."""
    if consumer_id not in state.members:
        raise InvalidInput("this consumer is not of the party", hint="check the id")
    whole = state.claim
    claim = None if whole is None else whole.model_copy(update={"fen": state.members[consumer_id]})
    return [MemberLeft(occurred_at=at, actor=by, consumer_id=consumer_id, claim=claim)]


@action("merge-while-open", roles=OFFICE | {Role.MEDIATOR}, during=OPEN, to=Status.MERGED, kinds=ANY_KIND)
def merge(
    state: Complaint,
    *,
    at: datetime,
    by: Actor,
    into: Annotated[str, Field(pattern=r"^complaint-[0-9a-f-]{36}$")],
) -> list[FilingEvent]:
    """End a request that repeats an earlier one, ``into``, which goes on."""
    return [Merged(occurred_at=at, actor=by, into=into)]


@action("classify-while-open", roles=OFFICE | {Role.MEDIATOR}, during=OPEN, kinds=ANY_KIND)
def classify(state: Complaint, *, at: datetime, by: Actor, book: Rulebook, scenario: Slug) -> list[FilingEvent]:
    """Say what kind of dispute it is, in place of what its words were taken for."""
    if scenario not in book.scenarios:
        published = ", ".join(sorted(book.scenarios)) or "none"
        raise InvalidInput(f"there is no scenario {scenario!r}", hint=f"published are: {published}")
    return [ScenarioClassified(occurred_at=at, actor=by, scenario=scenario)]
