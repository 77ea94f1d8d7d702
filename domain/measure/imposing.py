"""Imposing a measure: on either ladder, with reason, basis, term and remedy, because of complaints."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from domain.action import action
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.grievance.state import GrievanceId, Grieved
from domain.measure.state import (
    AUTHORITY_LADDER,
    PLATFORM_LADDER,
    Imposer,
    Measure,
    MeasureKind,
    Remedy,
    RemedyKind,
    RuleReference,
    Sanction,
    Status,
    Target,
    check_sanction,
)
from domain.measure.target import check_about
from domain.merchant.state import Merchant, not_before
from domain.platform.state import NoticeStatus, Platform, rule_in_force
from domain.rulebook.book import Rulebook, TermName
from domain.rulebook.codes import CodeValue
from domain.rulebook.terms import begin
from domain.tracing import Traced, check_traced
from domain.values import Actor, ComplaintId, Instant, LongText, Money, PlatformId, Role, ShortText, format_instant
from domain.violations import check_violation

RULES_APPLY = "E-Commerce Law, art. 32"
PENALTIES = "Administrative Penalty Law, art. 9"


class Imposed(Event):
    """A measure is in force: on whom, by whom, why, on what basis, until when, and what can be done against it.

    It rests on ``complaints``; on a platform also, or instead, on ``grievances`` of merchants that were upheld.
    ``rule``: the version of its rules that a platform applies; ``notice``: the number of the notice that it answers;
    ``report``: the one of which it is the penalty.
    """

    name = "measure.imposed"

    target: Target
    imposed_by: Imposer
    kind: MeasureKind
    reason: LongText
    basis: ShortText
    remedies: tuple[Remedy, ...]
    case_number: ShortText | None = None
    rule: RuleReference | None = None
    amount: Money | None = None
    until: Instant | None = None
    violation: CodeValue | None = None
    complaints: tuple[ComplaintId, ...]
    grievances: tuple[GrievanceId, ...] = ()
    notice: int | None = None
    report: ComplaintId | None = None


ImposingEvent = Imposed


def evolve(state: Measure, event: ImposingEvent) -> Measure:
    return replace(
        state,
        status=Status.IN_FORCE,
        since=event.occurred_at,
        target=Role.MERCHANT if event.target.startswith("merchant-") else Role.PLATFORM,
        sanction=Sanction(kind=event.kind, amount=event.amount, until=event.until),
        by_platform=event.kind in PLATFORM_LADDER,
        remedies={one.kind: None if one.term is None else one.term.due for one in event.remedies},
        report=event.report or "",
    )


@action("measure-imposed-once", roles=(Role.PLATFORM, Role.REGULATOR), during=(Status.NONE,), to=Status.IN_FORCE)
def impose(
    state: Measure,
    *,
    at: datetime,
    by: Actor,
    book: Rulebook,
    target: Target,
    target_state: Merchant | Platform,
    imposed_by: Imposer,
    kind: MeasureKind,
    reason: LongText,
    basis: ShortText,
    violation: CodeValue,
    complaints: tuple[ComplaintId, ...],
    traced: tuple[Traced, ...],
    grievances: tuple[GrievanceId, ...] = (),
    grieved: tuple[Grieved, ...] = (),
    case_number: ShortText | None = None,
    rule: RuleReference | None = None,
    amount: Money | None = None,
    until: Instant | None = None,
    notice: int | None = None,
    platform_id: PlatformId | None = None,
    platform: Platform | None = None,
) -> list[ImposingEvent]:
    """Impose a measure on a merchant, or as an authority on a platform too, because of complaints.

    On a platform it can rest on ``grievances`` of merchants as well, or alone, that were upheld against it.
    A platform warns, controls traffic, limits functions or closes the account, by a rule of its own that is in force:
    it gives ``platform_id`` and ``rule``, and the number of the ``notice`` that it answers. An authority warns, fines,
    confiscates, suspends or revokes a licence: it gives ``case_number``.
    """
    if not reason.strip() or not basis.strip():
        raise RuleViolation("measure-has-reason", "there is no measure without a reason and a basis", hint="give both")
    _check_ladder(kind, imposed_by, target, by)
    check_sanction(Sanction(kind=kind, amount=amount, until=until), at)
    check_violation(violation, book)
    _check_grounds(target, target_state, traced, grievances, grieved)
    if kind in PLATFORM_LADDER:
        _check_platform(imposed_by, platform_id, platform, rule, case_number, at)
        _check_notice(notice, target, target_state, platform, at)
    else:
        _check_authority(case_number, rule, notice, platform_id)
    return [
        Imposed(
            occurred_at=at,
            actor=by,
            target=target,
            imposed_by=imposed_by,
            kind=kind,
            reason=reason,
            basis=basis,
            remedies=_remedies(kind, at, book),
            case_number=case_number,
            rule=rule,
            amount=amount,
            until=until,
            violation=violation,
            complaints=complaints,
            grievances=grievances,
            notice=notice,
        )
    ]


def impose_from_report(
    state: Measure,
    *,
    at: datetime,
    by: Actor,
    merchant_id: str,
    office_id: str,
    case_number: str,
    basis: str,
    reason: str,
    amount: Money | None,
    violation: str | None,
    complaint_id: str,
    book: Rulebook,
) -> list[ImposingEvent]:
    """Begin the penalty to which a report led: a fine where there is an amount, else a warning."""
    if state.status is not Status.NONE:
        return []
    fined = amount is not None and amount.fen > 0
    kind = MeasureKind.FINE if fined else MeasureKind.PENALTY_WARNING
    try:
        remedies = _remedies(kind, at, book)
    except RuleViolation:
        # What an office decided when no rules of supervision were in force stands, and can be contested without end.
        remedies = tuple(Remedy(kind=one) for one in _OPEN_TO[False])
    return [
        Imposed(
            occurred_at=at,
            actor=by,
            target=merchant_id,
            imposed_by=office_id,
            kind=kind,
            reason=reason,
            basis=basis,
            remedies=remedies,
            case_number=case_number,
            amount=amount if fined else None,
            violation=violation,
            complaints=(complaint_id,),
            report=complaint_id,
        )
    ]


_TERMS = {
    RemedyKind.APPEAL: TermName.APPEAL,
    RemedyKind.REVIEW: TermName.REVIEW,
    RemedyKind.SUIT: TermName.SUIT,
}
#: What can be done against a measure of a platform (True), or a penalty.
_OPEN_TO = {True: (RemedyKind.APPEAL,), False: (RemedyKind.REVIEW, RemedyKind.SUIT)}


def remedy(kind: RemedyKind, at: datetime, book: Rulebook) -> Remedy:
    """Open a remedy; its term begins. Raises RuleViolation where no rules of supervision are in force."""
    return Remedy(kind=kind, term=begin(_TERMS[kind], at, book))


def _remedies(kind: MeasureKind, at: datetime, book: Rulebook) -> tuple[Remedy, ...]:
    return tuple(remedy(one, at, book) for one in _OPEN_TO[kind in PLATFORM_LADDER])


def _check_ladder(kind: MeasureKind, imposed_by: str, target: str, by: Actor) -> None:
    by_platform = imposed_by.startswith("platform-")
    ladder = PLATFORM_LADDER if by_platform else AUTHORITY_LADDER
    role = Role.PLATFORM if by_platform else Role.REGULATOR
    who = "a platform" if by_platform else "an authority"
    if kind not in ladder:
        raise RuleViolation(
            "measure-of-its-ladder",
            f"{kind.replace('_', ' ')} is not for {who} to impose",
            hint=f"{who} imposes: {', '.join(one.replace('_', ' ') for one in ladder)}",
            source=RULES_APPLY if by_platform else PENALTIES,
        )
    if by.role not in (role, Role.SERVICE):
        raise RuleViolation(
            "measure-of-its-ladder",
            f"a {by.role} does not act for {who}",
            hint=f"this is for a {role}",
            source=RULES_APPLY if by_platform else PENALTIES,
        )
    if by_platform and not target.startswith("merchant-"):
        raise RuleViolation(
            "platform-measures-merchants",
            "a platform cannot impose measures on a platform",
            hint="name a merchant, or go to the authority",
        )


def _check_grounds(
    target: str,
    target_state: Merchant | Platform,
    traced: tuple[Traced, ...],
    grievances: tuple[str, ...],
    grieved: tuple[Grieved, ...],
) -> None:
    if isinstance(target_state, Merchant):
        if grievances:
            raise InvalidInput("grievances are about platforms", hint="name complaints about the merchant")
        check_about(target, target_state, traced)
        return
    if traced or not grievances:
        check_traced(traced, None)
    upheld = {one.grievance_id for one in grieved if one.upheld and one.platform_id == target}
    if odd := [one for one in grievances if one not in upheld]:
        raise RuleViolation(
            "consequence-of-upheld-grievances",
            f"{odd[0]} was not upheld against {target}",
            hint="name grievances about this platform that were decided so",
        )


def _check_platform(
    imposed_by: str,
    platform_id: str | None,
    platform: Platform | None,
    rule: RuleReference | None,
    case_number: str | None,
    at: datetime,
) -> None:
    if case_number is not None:
        raise InvalidInput("a measure of a platform has no case number", hint="leave it out")
    if platform is None or platform_id != imposed_by:
        raise InvalidInput("platform_id is not who imposes the measure", hint="give the id of the platform in both")
    if rule is None or not rule_in_force(platform, rule.rule_id, rule.version, at):
        cited = "no rule" if rule is None else f"version {rule.version} of {rule.rule_id}, which is not in force"
        raise RuleViolation(
            "measure-cites-rule-in-force",
            f"at {format_instant(at)} the platform cites {cited}",
            hint="cite a rule, in the version that the platform had announced and that is in force at that time",
            source=RULES_APPLY,
        )


def _check_notice(
    notice: int | None, target: str, target_state: Merchant | Platform, platform: Platform | None, at: datetime
) -> None:
    if notice is None or platform is None:
        return
    if not 1 <= notice <= len(platform.notices):
        raise InvalidInput(f"the platform got no notice {notice}", hint="give its number, or leave it out")
    found = platform.notices[notice - 1]
    own = {target} | (target_state.absorbed if isinstance(target_state, Merchant) else set())
    if found.merchant_id not in own or found.status is NoticeStatus.ANSWERED:
        about = "is answered already" if found.merchant_id in own else f"is about {found.merchant_id}"
        raise RuleViolation(
            "measure-answers-its-notice", f"notice {notice} {about}", hint="name the notice that it answers, or none"
        )
    not_before(found.given, at, f"notice {notice} was given")


def _check_authority(
    case_number: str | None, rule: RuleReference | None, notice: int | None, platform_id: str | None
) -> None:
    if case_number is None or not case_number.strip():
        raise RuleViolation(
            "penalty-has-case",
            "there is no penalty without a case",
            hint="give its number",
            source="Administrative Penalty Law, art. 54",
        )
    if rule is not None or notice is not None or platform_id is not None:
        raise InvalidInput(
            "a penalty rests on law, not on a rule of a platform or a notice to one",
            hint="leave out rule, notice and platform_id; give the law as its basis",
        )
