"""How a platform is looked at, and looks at others: audits of privacy, and its reports on merchants."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, assert_never

from pydantic import BaseModel, Field

from domain.action import action
from domain.calendar import day_of
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.platform.state import Platform, Report, Status
from domain.rulebook.book import Rulebook
from domain.rulebook.codes import CodeValue
from domain.tracing import Traced, check_traced
from domain.values import FROZEN, Actor, ComplaintId, MeasureId, MerchantId, Role, Sha256, ShortText
from domain.violations import check_violation

DURING = (Status.ADMITTED,)


class ReportedViolation(BaseModel):
    """What a merchant did, the complaints that show it, and the measure that the platform took."""

    model_config = FROZEN
    merchant_id: MerchantId
    violation: CodeValue
    complaints: Annotated[tuple[ComplaintId, ...], Field(min_length=1)]
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
    """What the platform found merchants doing in a period. A later edition replaces the one before.

    ``new_complaints``: those behind it that no earlier edition named.
    """

    name = "platform.supervision_reported"

    first: date
    last: date
    edition: int
    violations: tuple[ReportedViolation, ...]
    new_complaints: tuple[ComplaintId, ...]


SupervisionEvent = PrivacyAuditRecorded | SupervisionReported


def evolve(state: Platform, event: SupervisionEvent) -> Platform:
    match event:
        case PrivacyAuditRecorded():
            return replace(state, audits=event.number)
        case SupervisionReported():
            period = (event.first, event.last)
            report = Report(event.edition, _named_before(state, period) | {*event.new_complaints})
            return replace(state, reports={**state.reports, period: report})
        case _:
            assert_never(event)


def _named_before(state: Platform, period: tuple[date, date]) -> frozenset[str]:
    return state.reports[period].complaints if period in state.reports else frozenset()


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
    complaints: tuple[ComplaintId, ...] = (),
    traced: tuple[Traced, ...] = (),
) -> list[SupervisionEvent]:
    """Report what merchants were found doing in a period; none is a report too. The same period again replaces it.

    Each violation names the complaints that show it; ``complaints`` are those of all violations.
    """
    _check_period(first, last, at)
    _check_named(violations, complaints)
    for one in violations:
        check_violation(one.violation, book)
        check_traced([found for found in traced if found.complaint_id in one.complaints], one.merchant_id)
    for begun, over in state.reports:
        if (begun, over) != (first, last) and begun <= last and first <= over:
            raise RuleViolation(
                "periods-apart",
                f"{first} to {last} overlaps {begun} to {over}, which was reported",
                hint="report the same period again, or one that does not overlap it",
            )
    before = _named_before(state, (first, last))
    return [
        SupervisionReported(
            occurred_at=at,
            actor=by,
            first=first,
            last=last,
            edition=state.reports[first, last].edition + 1 if (first, last) in state.reports else 1,
            violations=violations,
            new_complaints=tuple(one for one in dict.fromkeys(complaints) if one not in before),
        )
    ]


def _check_named(violations: tuple[ReportedViolation, ...], complaints: tuple[str, ...]) -> None:
    behind = {complaint for one in violations for complaint in one.complaints}
    if odd := sorted(behind ^ set(complaints)):
        where = "is not among the complaints" if odd[0] in behind else "is not what any violation names"
        raise InvalidInput(f"{odd[0]} {where}", hint="give as complaints those of all violations, and no others")
