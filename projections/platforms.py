"""Read model ``platforms``: their rules, the notices that they got, and how they are supervised and supervise."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import NamedTuple, assert_never

from domain.platform.admission import Admitted
from domain.platform.life import PLATFORM, PlatformEvent
from domain.platform.notices import NoticeAnswered, NoticeDeclined, NoticeEvent, NoticeGiven, NoticeMissed
from domain.platform.rules import (
    HiddenChangeReported,
    MembershipChangeAnnounced,
    RuleAnnounced,
    RuleEvent,
    RuleWithdrawn,
)
from domain.platform.supervision import PrivacyAuditRecorded, SupervisionEvent, SupervisionReported
from domain.values import format_instant
from projections.items import (
    NONE,
    Items,
    alter,
    cited,
    day,
    dump,
    flag,
    following,
    instant,
    items_of,
    listed,
    load,
    number,
    put,
    table,
    text,
    texts,
)
from projections.projection import Key, Projection


class Row(NamedTuple):
    """See the comments on the columns of ``read.platforms``."""

    title: str
    admitted_at: datetime
    identifier_scheme: str | None = None
    identifier: str | None = None
    items: str = NONE


def fold(row: Row | None, event: PlatformEvent) -> Row:
    """Return the row after ``event``; raises ValueError when a stream does not begin with its admission."""
    if isinstance(event, Admitted):
        known = event.identifier
        return Row(event.title, event.occurred_at, known.scheme if known else None, known.value if known else None)
    if row is None:
        raise ValueError(f"{event.name} before platform.admitted")
    items = load(row.items)
    match event:
        case RuleAnnounced() | RuleWithdrawn() | MembershipChangeAnnounced() | HiddenChangeReported():
            _rule(items, event)
        case NoticeGiven() | NoticeDeclined() | NoticeAnswered() | NoticeMissed():
            _notice(items, event)
        case PrivacyAuditRecorded() | SupervisionReported():
            _supervise(items, event)
        case _:
            assert_never(event)
    return row._replace(items=dump(items))


def _rule(items: Items, event: RuleEvent) -> None:
    at = event.occurred_at
    match event:
        case RuleAnnounced():
            _end_versions(items, event.rule_id, event.effective_from)
            n = following(items, "rule")
            version = {"rule_id": event.rule_id, "rule_version": event.rule_version, "digest": event.text}
            times = {"announced_at": at, "effective_from": event.effective_from}
            put(items, "rule", n, number=n, **version, **times, texts={"title": event.title})
        case RuleWithdrawn():
            _end_versions(items, event.rule_id, event.effective_at)
        case MembershipChangeAnnounced():
            n = following(items, "membership_change")
            said = {"programme": event.programme, "change": event.change}
            times = {"told_at": at, "effective_at": event.effective_from}
            put(items, "membership_change", n, number=n, hidden=False, **times, texts=said)
        case HiddenChangeReported():
            n = following(items, "membership_change")
            said = {"programme": event.programme, "change": event.change}
            found = {"violation": event.violation, "complaints": event.complaints}
            times = {"told_at": at, "effective_at": event.took_effect_at}
            put(items, "membership_change", n, number=n, hidden=True, **found, **times, texts=said)
        case _:
            assert_never(event)


def _end_versions(items: Items, rule_id: str, at: datetime) -> None:
    """From ``at`` on no version that there is now is in force."""
    ended = format_instant(at)
    for key, item in items.get("rule", {}).items():
        if item["rule_id"] == rule_id and item.get("ended_at", ended) >= ended:
            alter(items, "rule", key, ended_at=at)


def _notice(items: Items, event: NoticeEvent) -> None:
    at, n = event.occurred_at, event.number
    match event:
        case NoticeGiven():
            put(
                items,
                "notice",
                n,
                number=n,
                office_id=event.office_id,
                merchant_id=event.merchant_id,
                given_at=at,
                due_at=None if event.term is None else event.term.due,
                complaints=event.complaints,
                texts={"demand": event.demand, "basis": event.basis},
            )
        case NoticeDeclined():
            alter(items, "notice", n, declined_at=at, late=event.late, texts={"reason": event.reason})
        case NoticeAnswered():
            alter(items, "notice", n, answered_at=at, late=event.late, measure_id=event.measure)
        case NoticeMissed():
            alter(items, "notice", n, missed_at=at)
        case _:
            assert_never(event)


def _supervise(items: Items, event: SupervisionEvent) -> None:
    at = event.occurred_at
    match event:
        case PrivacyAuditRecorded():
            said = {"auditor": event.auditor, "scope": event.scope}
            said |= {f"finding_{n}": finding for n, finding in enumerate(event.findings, 1)}
            put(
                items,
                "privacy_audit",
                event.number,
                number=event.number,
                first_day=event.first,
                last_day=event.last,
                recorded_at=at,
                findings=len(event.findings),
                conforms=event.conforms,
                digest=event.report,
                texts=said,
            )
        case SupervisionReported():
            period = {"first_day": event.first, "last_day": event.last}
            found = tuple(one.model_dump() for one in event.violations)
            stated = {"edition": event.edition, "reported_at": at, "violations": found}
            put(items, "report", f"{event.first}/{event.last}", **period, **stated)
        case _:
            assert_never(event)


def _period(item: dict[str, str]) -> tuple[date, date]:
    return date.fromisoformat(item["first_day"]), date.fromisoformat(item["last_day"])


def _violations(row: Row) -> Iterator[Key]:
    for report in items_of(row, "report"):
        for place, one in enumerate(report["violations"], 1):
            yield *_period(report), place, one["merchant_id"], one["violation"], one.get("measure", "")


def _reported_complaints(row: Row) -> Iterator[Key]:
    for report in items_of(row, "report"):
        for place, one in enumerate(report["violations"], 1):
            for complaint in one["complaints"]:
                yield *_period(report), place, complaint


ID = "platform_id"
PLATFORMS = Projection(
    name="platforms",
    kind=PLATFORM,
    table="read.platforms",
    key=ID,
    row=Row,
    fold=fold,
    sums=(
        table(
            "platform_rules",
            ID,
            "rule",
            *(number("number"), text("rule_id"), number("rule_version"), text("digest")),
            *(instant("announced_at"), instant("effective_from"), instant("ended_at")),
        ),
        table(
            "platform_membership_changes",
            ID,
            "membership_change",
            *(number("number"), flag("hidden"), instant("told_at"), instant("effective_at"), text("violation")),
        ),
        table(
            "platform_notices",
            ID,
            "notice",
            *(number("number"), text("office_id"), text("merchant_id"), instant("given_at"), instant("due_at")),
            *(instant("missed_at"), instant("declined_at"), instant("answered_at"), flag("late")),
            text("measure_id"),
        ),
        table(
            "platform_privacy_audits",
            ID,
            "privacy_audit",
            *(number("number"), day("first_day"), day("last_day"), instant("recorded_at")),
            *(number("findings"), flag("conforms"), text("digest")),
        ),
        table(
            "platform_reports",
            ID,
            "report",
            *(day("first_day"), day("last_day"), number("edition"), instant("reported_at")),
        ),
        listed(
            "platform_report_violations",
            ID,
            ("first_day", "last_day", "place", "merchant_id", "violation", "measure_id"),
            _violations,
        ),
        listed(
            "platform_report_complaints",
            ID,
            ("first_day", "last_day", "place", "complaint_id"),
            _reported_complaints,
        ),
        cited("platform_citations", ID, "notice", "membership_change"),
        texts("platform_texts", ID),
    ),
)
