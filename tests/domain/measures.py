"""Measures of both ladders, and what was done against them, for scenarios."""

from __future__ import annotations

from typing import Any

from domain.complaint.state import RequestKind
from domain.complaint.state import Status as Standing
from domain.measure.imposing import Imposed
from domain.measure.remedies import Appealed, Decided, DecisionOutcome, ReviewSought, Sued
from domain.measure.state import MeasureKind, Remedy, RemedyKind, RuleReference
from domain.merchant.state import Merchant
from domain.merchant.state import Status as MerchantStatus
from domain.platform.state import Notice, NoticeStatus, Platform, RuleVersion
from domain.platform.state import Status as PlatformStatus
from domain.rulebook.book import TermName
from domain.rulebook.terms import RunningTerm
from domain.tracing import Traced
from domain.values import Actor, Money, Role
from tests.domain.scenario import (
    MERCHANT,
    MERCHANT_ID,
    PLATFORM,
    REGULATOR,
    day,
    on,
)

REVIEWER = Actor("55555555-5555-4555-8555-555555555555", Role.APPEAL_REVIEWER)
PLATFORM_ID = "platform-77777777-7777-4777-8777-777777777777"
OTHER = "merchant-99999999-9999-4999-8999-999999999999"
OFFICE = "office-55555555-5555-4555-8555-555555555555"
COMPLAINT = "complaint-44444444-4444-4444-8444-444444444444"
#: OLD was merged into the merchant.
OLD = "merchant-88888888-8888-4888-8888-888888888888"
GOING_ON = Merchant(status=MerchantStatus.REGISTERED, absorbed=frozenset({OLD}))
MERGED = Merchant(status=MerchantStatus.MERGED, merged_into=OTHER)
BEHIND: dict[str, Any] = {
    "complaints": (COMPLAINT,),
    "traced": (Traced(COMPLAINT, RequestKind.COMPLAINT, Standing.ROUTED, MERCHANT_ID),),
}
#: Version 1 was in force until day 5, version 2 is since then.
RULES = {"reviews": (RuleVersion(day(-30), day(5)), RuleVersion(day(5)))}
NOTICES = (
    Notice(MERCHANT_ID, day(9), day(12)),
    Notice(MERCHANT_ID, day(9), day(12), NoticeStatus.ANSWERED),
    Notice(OTHER, day(9), day(12)),
    Notice(OLD, day(9), day(12)),
)
ADMITTED = Platform(status=PlatformStatus.ADMITTED, rules=RULES, notices=NOTICES)
BY_PLATFORM: dict[str, Any] = {
    "at": day(10),
    "by": PLATFORM,
    "target": MERCHANT_ID,
    "target_state": GOING_ON,
    "imposed_by": PLATFORM_ID,
    "kind": MeasureKind.LIMITED_FUNCTIONS,
    "reason": "reviews were forged",
    "basis": "rule on reviews, section 3",
    "violation": "forged-reviews",
    "rule": RuleReference(rule_id="reviews", version=2),
    "until": day(40),
    "platform_id": PLATFORM_ID,
    "platform": ADMITTED,
    **BEHIND,
}
BY_OFFICE: dict[str, Any] = {
    "at": day(10),
    "by": REGULATOR,
    "target": MERCHANT_ID,
    "target_state": GOING_ON,
    "imposed_by": OFFICE,
    "kind": MeasureKind.FINE,
    "reason": "false advertising of a kettle",
    "basis": "Advertising Law, art. 55",
    "violation": "false-advertising",
    "case_number": "杭市监罚〔2026〕12号",
    "amount": Money(fen=200_000),
    **BEHIND,
}


def running(name: TermName, last: str, source: str) -> RunningTerm:
    due = on(last).replace(microsecond=999_999)
    return RunningTerm(name=name, due=due, rule_set="supervision-2019", source=source)


#: Imposed on 12 March.
APPEAL = Remedy(kind=RemedyKind.APPEAL, term=running(TermName.APPEAL, "2026-03-27 23:59:59", "chosen"))
REVIEW = Remedy(
    kind=RemedyKind.REVIEW,
    term=running(TermName.REVIEW, "2026-05-11 23:59:59", "Administrative Reconsideration Law, art. 20 (2023)"),
)
SUIT = Remedy(
    kind=RemedyKind.SUIT,
    term=running(TermName.SUIT, "2026-09-12 23:59:59", "Administrative Litigation Law, art. 46"),
)
LIMITED = Imposed(
    occurred_at=day(10),
    actor=PLATFORM,
    target=MERCHANT_ID,
    imposed_by=PLATFORM_ID,
    kind=MeasureKind.LIMITED_FUNCTIONS,
    reason="reviews were forged",
    basis="rule on reviews, section 3",
    remedies=(APPEAL,),
    rule=RuleReference(rule_id="reviews", version=2),
    until=day(40),
    violation="forged-reviews",
    complaints=(COMPLAINT,),
)
FINED = Imposed(
    occurred_at=day(10),
    actor=REGULATOR,
    target=MERCHANT_ID,
    imposed_by=OFFICE,
    kind=MeasureKind.FINE,
    reason="false advertising of a kettle",
    basis="Advertising Law, art. 55",
    remedies=(REVIEW, SUIT),
    case_number="杭市监罚〔2026〕12号",
    amount=Money(fen=200_000),
    violation="false-advertising",
    complaints=(COMPLAINT,),
)
CLOSED = LIMITED.model_copy(update={"kind": MeasureKind.ACCOUNT_CLOSURE, "until": None})
#: Appealed on 13 March.
DECISION = running(TermName.APPEAL_DECISION, "2026-03-28 23:59:59", "chosen")
APPEALED = Appealed(
    occurred_at=day(11), actor=MERCHANT, grounds="they are genuine", damages=Money(fen=5000), term=DECISION
)
SOUGHT = ReviewSought(occurred_at=day(11), actor=MERCHANT, grounds="it was true", body="City of Hangzhou")
SUED = Sued(occurred_at=day(12), actor=MERCHANT, court="Hangzhou Internet Court", reference="12", grounds="it was true")


def decided(remedy: RemedyKind, outcome: DecisionOutcome, by: Actor, **other: Any) -> Decided:
    revoked = outcome is DecisionOutcome.REVOKED
    return Decided(
        occurred_at=day(13), actor=by, remedy=remedy, outcome=outcome, reasons="as found", counts=not revoked, **other
    )


REVOKED = decided(RemedyKind.APPEAL, DecisionOutcome.REVOKED, PLATFORM, damages=Money(fen=0))
UPHELD = decided(RemedyKind.APPEAL, DecisionOutcome.UPHELD, PLATFORM)
