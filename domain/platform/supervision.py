"""How a platform is looked at, and looks at others: audits of privacy, and its reports on merchants."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import assert_never

from pydantic import BaseModel

from domain.action import action
from domain.calendar import day_of
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.platform.state import Platform, Status
from domain.rulebook.book import Rulebook
from domain.rulebook.codes import CodeValue
from domain.values import FROZEN, Actor, ComplaintId, MeasureId, MerchantId, Role, Sha256, ShortText
from domain.violations import check_violation

DURING = (Status.ADMITTED,)


class ReportedViolation(BaseModel):
    """What a merchant did, the complaints that show it, and the measure that the platform took."""

    model_config = FROZEN
    merchant_id: MerchantId
    violation: CodeValue
    complaints: tuple[ComplaintId, ...] = ()
    measure: MeasureId | None = None


class PrivacyAuditRecorded(Event):
    """How the platform handles personal data was audited for some days. ``number`` counts from 1."""

    name = "platform.privacy_audit_recorded"

    number: int
    auditor: ShortText
    scope: ShortText
    first: date
    last: date
    findings: tuple[ShortText, ...]
    conforms: bool
    report: Sha256


class SupervisionReported(Event):
    """What the platform found merchants doing in a period. A later edition replaces the one before."""

    name = "platform.supervision_reported"

    first: date
    last: date
    edition: int
    violations: tuple[ReportedViolation, ...]


SupervisionEvent = PrivacyAuditRecorded | SupervisionReported


def evolve(state: Platform, event: SupervisionEvent) -> Platform:
    state = replace(state, since=state.noted(event.occurred_at))
    match event:
        case PrivacyAuditRecorded():
            return replace(state, audits=event.number)
        case SupervisionReported():
            return replace(state, reports={**state.reports, (event.first, event.last): event.edition})
        case _:
            assert_never(event)


def _check_period(first: date, last: date, at: datetime) -> None:
    if not first <= last <= day_of(at):
        raise InvalidInput(
            f"{first} to {last} is no period that has passed", hint="give its first and last day, up to today"
        )


@action(
    "audit-of-a-platform",
    roles=(Role.REGULATOR, Role.AUDITOR, Role.PLATFORM),
    during=DURING,
    source="Personal Information Protection Law, art. 54",
)
def record_privacy_audit(
    state: Platform,
    *,
    at: datetime,
    by: Actor,
    auditor: ShortText,
    scope: ShortText,
    first: date,
    last: date,
    findings: tuple[ShortText, ...] = (),
    conforms: bool,
    report: Sha256,
) -> list[SupervisionEvent]:
    """Record an audit of how the platform handles personal data, with its findings and the digest of its report."""
    _check_period(first, last, at)
    if not conforms and not findings:
        raise InvalidInput("an audit that was not passed has no finding", hint="give what was found")
    return [
        PrivacyAuditRecorded(
            occurred_at=at,
            actor=by,
            number=state.audits + 1,
            auditor=auditor,
            scope=scope,
            first=first,
            last=last,
            findings=findings,
            conforms=conforms,
            report=report,
        )
    ]


@action("periods-apart", roles=(Role.PLATFORM,), during=DURING, source="E-Commerce Law, art. 29")
def report_supervision(
    state: Platform,
    *,
    at: datetime,
    by: Actor,
    book: Rulebook,
    first: date,
    last: date,
    violations: tuple[ReportedViolation, ...] = (),
) -> list[SupervisionEvent]:
    """Report what merchants were found doing in a period; none is a report too. The same period again replaces it."""
    _check_period(first, last, at)
    for one in violations:
        check_violation(one.violation, book)
    for begun, over in state.reports:
        if (begun, over) != (first, last) and begun <= last and first <= over:
            raise RuleViolation(
                "periods-apart",
                f"{first} to {last} overlaps {begun} to {over}, which was reported",
                hint="report the same period again, or one that does not overlap it",
            )
    edition = state.reports.get((first, last), 0) + 1
    return [
        SupervisionReported(occurred_at=at, actor=by, first=first, last=last, edition=edition, violations=violations)
    ]
