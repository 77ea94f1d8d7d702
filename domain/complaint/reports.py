"""The other three kinds: a report is verified and may become a case; questions and suggestions are answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from domain.calendar import due_again
from domain.complaint.action import OFFICE, action
from domain.complaint.clocks import ended, in_force, start
from domain.complaint.jurisdiction import DivisionCode
from domain.complaint.state import Clock, Complaint, Deadline, RequestKind, Status
from domain.errors import RuleViolation
from domain.event import Event
from domain.rulebook.book import Authority, LimitName, Rulebook, RuleSet, TermName
from domain.rulebook.codes import CodeValue
from domain.values import Actor, LongText, MeasureId, MerchantId, Money, OfficeId, RandomId, Role, ShortText
from domain.violations import check_violation

REPORT = (RequestKind.REPORT,)
PENALTIES = "Administrative Penalty Law, art. 54"


class VerificationBegun(Event):
    """An office verifies the report, within a term."""

    name = "complaint.verification_begun"

    office_id: OfficeId
    division: DivisionCode
    rule_set: ShortText | None = None
    clocks: tuple[Clock, ...] | None = None


class VerificationExtended(Event):
    """The office needs longer to verify; once."""

    name = "complaint.verification_extended"

    reason: ShortText
    clocks: tuple[Clock, ...] | None = None


class CaseFiled(Event):
    """The office has filed a case against the merchant."""

    name = "complaint.case_filed"

    case_number: ShortText


class CaseDeclined(Event):
    """No case is filed, for a stated reason."""

    name = "complaint.case_declined"

    reason: LongText


class PenaltyImposed(Event):
    """What the case led to. ``fine`` is absent where it is a warning only.

    ``merchant_id``: on whom it was imposed, where the ledger knows; ``violation`` is a code of the list ``violation``.
    """

    name = "complaint.penalty_imposed"

    case_number: ShortText
    basis: ShortText
    fine: Money | None = None
    merchant_id: MerchantId | None = None
    violation: CodeValue | None = None


class PenaltyRevised(Event):
    """The penalty was made milder or revoked when it was contested. ``fine``: what is left of it.

    ``counts``: False where it was revoked.
    """

    name = "complaint.penalty_revised"

    measure: MeasureId
    fine: Money | None = None
    counts: bool


class CaseDismissed(Event):
    """The case led to no penalty."""

    name = "complaint.case_dismissed"

    reason: LongText


class RewardGranted(Event):
    """The person who reported gets a share of the fine, by the published steps."""

    name = "complaint.reward_granted"

    recipient_id: RandomId
    amount: Money
    rule_set: ShortText


class ConsultationAnswered(Event):
    """The question was answered."""

    name = "complaint.consultation_answered"

    text: LongText


class SuggestionAcknowledged(Event):
    """The suggestion was acknowledged."""

    name = "complaint.suggestion_acknowledged"

    text: LongText | None = None


ReportEvent = (
    VerificationBegun
    | VerificationExtended
    | CaseFiled
    | CaseDeclined
    | PenaltyImposed
    | PenaltyRevised
    | CaseDismissed
    | RewardGranted
    | ConsultationAnswered
    | SuggestionAcknowledged
)


def evolve(state: Complaint, event: ReportEvent) -> Complaint:
    old = state.investigation
    match event:
        case VerificationBegun():
            # To be told that it is being verified is the first response to a report.
            return state.with_clocks(
                event.clocks,
                frozenset({Deadline.FIRST_RESPONSE}),
                status=Status.VERIFYING,
                office_id=event.office_id,
                holder=event.office_id,
                region=event.division,
            )
        case VerificationExtended():
            return state.with_clocks(event.clocks, investigation=replace(old, extended=True))
        case CaseFiled():
            over = frozenset({Deadline.VERIFICATION})
            return state.with_clocks((), over, status=Status.CASE_FILED)
        case PenaltyImposed():
            state = state.changed(investigation=replace(old, fine_fen=_in_fen(event.fine)))
            return ended(state, Status.CLOSED, event.occurred_at)
        case PenaltyRevised():
            return state.changed(investigation=replace(old, fine_fen=_in_fen(event.fine)))
        case RewardGranted():
            return state.changed(investigation=replace(old, rewarded=True))
        case CaseDeclined() | CaseDismissed() | ConsultationAnswered() | SuggestionAcknowledged():
            return ended(state, Status.CLOSED, event.occurred_at)
        case _:
            assert_never(event)


def _in_fen(fine: Money | None) -> int:
    return fine.fen if fine is not None and fine.currency == "CNY" else 0


@action(
    "verify-what-was-reported",
    roles=OFFICE,
    during=(Status.FILED,),
    to=Status.VERIFYING,
    kinds=REPORT,
    source="Order 121, art. 25",
)
def begin_verification(
    state: Complaint, *, at: datetime, by: Actor, book: Rulebook, office_id: OfficeId, division: DivisionCode
) -> list[ReportEvent]:
    """Verify a report at the office of ``division``; the term of verification begins."""
    rules = in_force(book, Authority.MARKET_REGULATOR, division, at)
    clocks = start(Deadline.VERIFICATION, TermName.VERIFICATION, rules, at, book.calendar)
    return [
        VerificationBegun(
            occurred_at=at,
            actor=by,
            office_id=office_id,
            division=division,
            rule_set=rules.id if rules is not None else None,
            clocks=clocks or None,
        )
    ]


def _extendable(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if state.investigation.extended:
        return RuleViolation("extend-once", "it was extended already", hint="decide on filing a case")
    if state.clock(Deadline.VERIFICATION) is None:
        return RuleViolation("extend-before-the-end", "its term has passed", hint="decide on filing a case")
    rules = in_force(book, Authority.MARKET_REGULATOR, state.region, at)
    if rules is None or TermName.VERIFICATION_EXTENSION not in rules.terms:
        return RuleViolation("extend-by-rule", "no rule set in force allows it", hint="decide on filing a case")
    return None


@action("extend-once", roles=OFFICE, during=(Status.VERIFYING,), kinds=REPORT, unless=_extendable)
def extend_verification(
    state: Complaint, *, at: datetime, by: Actor, book: Rulebook, reason: ShortText
) -> list[ReportEvent]:
    """Take longer to verify, once; the extension begins when the first term ends."""
    rules = in_force(book, Authority.MARKET_REGULATOR, state.region, at)
    first = state.clock(Deadline.VERIFICATION)
    assert first is not None
    (extension,) = start(Deadline.VERIFICATION, TermName.VERIFICATION_EXTENSION, rules, first.due, book.calendar)
    if extension.unit == first.unit:
        # Both are one term then, which is right whatever of the calendar is still to be published.
        again = due_again(first.since, first.n + extension.n, first.unit, book.calendar, rolls=bool(first.rolls))
        update = {"since": first.since, "n": first.n + extension.n, "due": again.at}
        extension = extension.model_copy(update={**update, "provisional": again.provisional or None})
    return [VerificationExtended(occurred_at=at, actor=by, reason=reason, clocks=(extension,))]


@action("file-case-or-decline", roles=OFFICE, during=(Status.VERIFYING,), to=Status.CASE_FILED, kinds=REPORT)
def file_case(state: Complaint, *, at: datetime, by: Actor, case_number: ShortText) -> list[ReportEvent]:
    """File a case against the merchant."""
    return [CaseFiled(occurred_at=at, actor=by, case_number=case_number)]


@action("file-case-or-decline", roles=OFFICE, during=(Status.VERIFYING,), to=Status.CLOSED, kinds=REPORT)
def decline_case(state: Complaint, *, at: datetime, by: Actor, reason: LongText) -> list[ReportEvent]:
    """File no case, and say why."""
    return [CaseDeclined(occurred_at=at, actor=by, reason=reason)]


@action("penalty-after-case", roles=OFFICE, during=(Status.CASE_FILED,), to=Status.CLOSED, kinds=REPORT)
def impose_penalty(
    state: Complaint,
    *,
    at: datetime,
    by: Actor,
    book: Rulebook,
    case_number: ShortText,
    basis: ShortText,
    violation: CodeValue,
    fine: Money | None = None,
    merchant_id: MerchantId | None = None,
) -> list[ReportEvent]:
    """Record the penalty that the case led to, with its legal basis, on whom, and for which named violation.

    ``merchant_id`` is needed where the report does not name the merchant.
    """
    if not case_number.strip() or not basis.strip():
        raise RuleViolation(
            "penalty-has-case-and-basis",
            "there is no penalty without a case and a basis",
            hint="give the number of the case and the law",
            source=PENALTIES,
        )
    check_violation(violation, book)
    return [
        PenaltyImposed(
            occurred_at=at,
            actor=by,
            case_number=case_number,
            basis=basis,
            fine=fine,
            merchant_id=_penalised(state, merchant_id),
            violation=violation,
        )
    ]


def _penalised(state: Complaint, merchant_id: str | None) -> str:
    if state.merchant_id and merchant_id not in (None, state.merchant_id):
        raise RuleViolation(
            "penalty-on-who-was-reported",
            f"the report is about {state.merchant_id}",
            hint="leave out merchant_id; what was found out about others needs a report of its own",
        )
    known = state.merchant_id or merchant_id
    if known is None:
        raise RuleViolation(
            "penalty-on-who-was-reported",
            "nobody is named on whom the penalty is imposed",
            hint="give merchant_id: the report does not name the merchant",
        )
    return known


def revise_penalty(
    state: Complaint, *, at: datetime, by: Actor, measure: MeasureId, fine: Money | None, counts: bool
) -> list[ReportEvent]:
    """Record what is left of the penalty after it was contested; nothing where there is none."""
    if state.investigation.fine_fen is None:
        return []
    return [PenaltyRevised(occurred_at=at, actor=by, measure=measure, fine=fine, counts=counts)]


@action("penalty-after-case", roles=OFFICE, during=(Status.CASE_FILED,), to=Status.CLOSED, kinds=REPORT)
def dismiss_case(state: Complaint, *, at: datetime, by: Actor, reason: LongText) -> list[ReportEvent]:
    """End the case without a penalty, and say why."""
    return [CaseDismissed(occurred_at=at, actor=by, reason=reason)]


def reward_for(fine_fen: int, rules: RuleSet) -> int:
    """Return the reward in fen for a fine by the steps of a rule set: of each step its share, rounded half-up once."""
    total = below = 0
    for step in rules.reward_steps:
        above = fine_fen if step.up_to_fen is None else min(fine_fen, step.up_to_fen)
        total += max(above - below, 0) * step.permille
        below = max(above, below)
    cap = rules.limits.get(LimitName.REWARD_CAP_FEN)
    reward = (total + 500) // 1000
    return reward if cap is None else min(reward, cap)


def _rewarding(state: Complaint, at: datetime, book: Rulebook) -> tuple[RuleSet | None, int]:
    rules = in_force(book, Authority.MARKET_REGULATOR, state.region, at)
    fine = state.investigation.fine_fen
    return rules, 0 if rules is None or fine is None else reward_for(fine, rules)


def _no_reward(state: Complaint, at: datetime, by: Actor, book: Rulebook) -> RuleViolation | None:
    if state.investigation.rewarded:
        return RuleViolation("reward-once", "the reward was granted already", hint="see the history")
    if _rewarding(state, at, book)[1] == 0:
        return RuleViolation("reward-of-a-fine", "there is no fine to share", hint="a reward needs a fine")
    return None


@action("reward-of-a-fine", roles=OFFICE, during=(Status.CLOSED,), kinds=REPORT, unless=_no_reward)
def grant_reward(
    state: Complaint,
    *,
    at: datetime,
    by: Actor,
    book: Rulebook,
    recipient_id: RandomId,
    injured: bool,
) -> list[ReportEvent]:
    """Grant the reward for a report that led to a fine, to who reported; never to whoever was injured by the deed.

    It is a share of the fine as it stands, if it was contested.
    """
    if recipient_id != state.consumer_id:
        raise RuleViolation(
            "reward-to-who-reported", "this is not who reported it", hint="give the id that the report was filed under"
        )
    if injured:
        raise RuleViolation(
            "reward-not-to-the-injured",
            "whoever was injured gets no reward",
            hint="the injured party claims compensation instead",
        )
    rules, reward = _rewarding(state, at, book)
    assert rules is not None
    return [
        RewardGranted(occurred_at=at, actor=by, recipient_id=recipient_id, amount=Money(fen=reward), rule_set=rules.id)
    ]


@action(
    "consultation-is-answered",
    roles=OFFICE | {Role.MEDIATOR},
    during=(Status.FILED,),
    to=Status.CLOSED,
    kinds=(RequestKind.CONSULTATION,),
)
def answer_consultation(state: Complaint, *, at: datetime, by: Actor, text: LongText) -> list[ReportEvent]:
    """Answer a question."""
    return [ConsultationAnswered(occurred_at=at, actor=by, text=text)]


@action(
    "suggestion-is-acknowledged",
    roles=OFFICE | {Role.MEDIATOR, Role.PLATFORM},
    during=(Status.FILED,),
    to=Status.CLOSED,
    kinds=(RequestKind.SUGGESTION,),
)
def acknowledge_suggestion(
    state: Complaint, *, at: datetime, by: Actor, text: LongText | None = None
) -> list[ReportEvent]:
    """Acknowledge a suggestion."""
    return [SuggestionAcknowledged(occurred_at=at, actor=by, text=text)]
