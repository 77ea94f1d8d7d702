"""Boards of supervision: every row is looked up in the events of its own stream, and names in those of others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from domain.credit.silence import CreditEventRecorded, CreditEventWithdrawn
from domain.grievance.complaining import Answered, AnswerMissed, Complained, Settled, Withdrawn
from domain.grievance.deciding import Decided as GrievanceDecided
from domain.grievance.deciding import TakenUp
from domain.measure.ending import Paid
from domain.measure.imposing import Imposed
from domain.measure.remedies import Appealed, Decided, ReviewSought, Sued
from domain.merchant.standing import (
    Listed,
    ListingEnded,
    ListingExtended,
    ListingRemoved,
    RepairAppliedFor,
    RepairDecided,
)
from domain.office.warnings import WarningIssued
from domain.platform.notices import NoticeAnswered, NoticeDeclined, NoticeGiven, NoticeMissed
from domain.platform.rules import HiddenChangeReported
from domain.room.showing import LabelGapFound
from tests.reference.history import SHANGHAI, all_of, has, last_of
from tests.reference.standing import (
    Histories,
    Row,
    behind_listing,
    cited,
    each,
    end_of_listing,
    end_of_measure,
    in_effect,
    is_past,
    is_revoking,
    last_instant,
    latest_first,
    most_first,
    name_of,
    newest_reports,
    of_listing,
    open_remedy,
    stands,
    time_of,
    violation_name,
)

ENDINGS = {type(None): "", ListingRemoved: "removed", ListingEnded: "ended", RepairDecided: "repaired"}
REMEDIES = {type(None): None, Appealed: "appeal", ReviewSought: "review", Sued: "suit"}
#: What is counted per violation code.
WHAT = ("by_platforms", "by_authorities", "revoked", "grievances", "upheld", "reported", "hidden_changes", "label_gaps")


def listings(
    histories: Histories,
    at: datetime,
    *,
    name: str = "untrustworthy",
    standing: bool = True,
    merchant_id: str | None = None,
) -> list[Row]:
    """Who is on a list (E6). Repair may be asked for at once where there is no term for it."""
    found = []
    for merchant, events, listed in each(histories, Listed):
        extended = of_listing(events, listed, ListingExtended)
        ends_due = last_instant(listed.ends, *(one.ends for one in extended))
        repair_from = last_instant(listed.repair, *(one.repair for one in extended))
        end = end_of_listing(events, listed)
        applied = of_listing(events, listed, RepairAppliedFor)
        waits = len(applied) > len(of_listing(events, listed, RepairDecided))
        row = {
            "merchant_id": merchant,
            "trade_name": name_of(histories, merchant),
            "number": listed.number,
            "list_name": listed.list,
            "authority_id": listed.authority,
            "authority": name_of(histories, listed.authority),
            "title": listed.title,
            "basis": listed.basis,
            "conditions": listed.conditions,
            "listed_at": listed.occurred_at,
            "ends_due": ends_due,
            "repair_from": repair_from or listed.occurred_at,
            "ended_at": time_of(end),
            "ending": ENDINGS[type(end)],
            "stands": stands(listed.occurred_at, ends_due, time_of(end), at),
            "repairs": len(applied),
            "repair_open": waits and end is None and not is_past(ends_due, at),
            "complaints": behind_listing(events, listed),
        }
        if listed.list == name and (row["stands"] or not standing) and merchant_id in (None, merchant):
            found.append(row)
    return latest_first(found, "listed_at", "merchant_id", "number")


def repairs(histories: Histories, *, merchant_id: str | None = None) -> list[Row]:
    """The repairs that were asked for (E6); of one listing, each is decided on before the next is asked for."""
    found = []
    for merchant, events, listed in each(histories, Listed):
        of_merchant = [id(one) for one in all_of(events, RepairAppliedFor)]
        decisions = of_listing(events, listed, RepairDecided)
        for n, applied in enumerate(of_listing(events, listed, RepairAppliedFor)):
            decided = decisions[n] if n < len(decisions) else None
            row = {
                "merchant_id": merchant,
                "trade_name": name_of(histories, merchant),
                "number": of_merchant.index(id(applied)) + 1,
                "listing": listed.number,
                "list_name": listed.list,
                "authority_id": listed.authority,
                "applied_at": applied.occurred_at,
                "decided_at": time_of(decided),
                "granted": None if decided is None else decided.granted,
                "undertaking": applied.undertaking,
                "reasons": None if decided is None else decided.reasons,
            }
            if merchant_id in (None, merchant):
                found.append(row)
    return latest_first(found, "applied_at", "merchant_id", "number")


def _followed(histories: Histories) -> Iterator[tuple[Any, ...]]:
    """What followed from complaints: kind, stream, number, merchant, authority, name, basis, since, ended, complaints.

    Of a credit event, name and basis are why it was recorded and the deadline; of a report, the violation and the days.
    """
    what: tuple[Any, ...]
    for own, events, listed in each(histories, Listed):
        what = (listed.authority, listed.list, listed.basis, listed.occurred_at)
        over = time_of(end_of_listing(events, listed))
        yield "listing", own, listed.number, own, *what, over, behind_listing(events, listed)
    for own, events, silence in each(histories, CreditEventRecorded):
        taken_back = [one for one in all_of(events, CreditEventWithdrawn) if one.number == silence.number]
        what = (None, silence.basis, silence.deadline, silence.occurred_at)
        over = time_of(taken_back[0] if taken_back else None)
        yield "credit_event", own, silence.number, silence.merchant_id, *what, over, [silence.complaint_id]
    for own, events, imposed in each(histories, Imposed):
        merchant = imposed.target if imposed.target.startswith("merchant-") else None
        what = (imposed.imposed_by, in_effect(events).kind, imposed.basis, imposed.occurred_at)
        yield "measure", own, 1, merchant, *what, time_of(end_of_measure(events)), cited(*imposed.complaints)
    for own, _, warning in each(histories, WarningIssued):
        what = (own, warning.theme, warning.text, warning.occurred_at)
        yield "warning", own, warning.number, None, *what, None, cited(*warning.complaints)
    for own, _, notice in each(histories, NoticeGiven):
        what = (notice.office_id, "notice", notice.basis, notice.occurred_at)
        yield "notice", own, notice.number, notice.merchant_id, *what, None, cited(*notice.complaints)
    for own, report in newest_reports(histories):
        for place, one in enumerate(report.violations, 1):
            what = (own, one.violation, f"{report.first}/{report.last}", report.occurred_at)
            yield "report", own, place, one.merchant_id, *what, None, cited(*one.complaints)


def consequences(histories: Histories, *, complaint_id: str | None = None, merchant_id: str | None = None) -> list[Row]:
    """What followed from complaints (B7)."""
    names = ("kind", "stream", "number", "merchant_id", "authority_id", "name", "basis", "since", "ended", "complaints")
    rows: list[Row] = [dict(zip(names, one, strict=True)) for one in _followed(histories)]
    found = [
        {**row, "authority": name_of(histories, row["authority_id"])}
        for row in rows
        if complaint_id in (None, *row["complaints"]) and merchant_id in (None, row["merchant_id"])
    ]
    return latest_first(found, "since", "stream", "kind", "number", "basis")


def notices(histories: Histories, at: datetime, *, platform_id: str | None = None) -> list[Row]:
    """The notices to platforms (E7): a measure answers one even where it was declined or missed before."""
    found = []
    for platform, events, notice in each(histories, NoticeGiven):
        own = [one for one in events if getattr(one, "number", None) == notice.number]
        missed, declined = last_of(own, NoticeMissed), last_of(own, NoticeDeclined)
        answered, due_at = last_of(own, NoticeAnswered), last_instant(notice.term)
        reply = answered or declined
        unmet = "missed" if missed is not None or is_past(due_at, at) else "open"
        row = {
            "platform_id": platform,
            "platform": name_of(histories, platform),
            "number": notice.number,
            "office_id": notice.office_id,
            "office": name_of(histories, notice.office_id),
            "merchant_id": notice.merchant_id,
            "trade_name": name_of(histories, notice.merchant_id),
            "demand": notice.demand,
            "basis": notice.basis,
            "given_at": notice.occurred_at,
            "due_at": due_at,
            "missed_at": time_of(missed),
            "declined_at": time_of(declined),
            "answered_at": time_of(answered),
            "status": "answered" if answered else "declined" if declined else unmet,
            "late": None if reply is None else reply.late,
            "measure_id": None if answered is None else answered.measure,
            "complaints": cited(*notice.complaints),
        }
        if platform_id in (None, platform):
            found.append(row)
    return latest_first(found, "given_at", "platform_id", "number")


def measures_in_force(
    histories: Histories, at: datetime, *, merchant_id: str | None = None, platform_id: str | None = None
) -> list[Row]:
    """The measures and penalties in force at a time (E1, E2); what is contested goes on."""
    found = []
    for own, events, imposed in each(histories, Imposed):
        now, remedy = in_effect(events), open_remedy(events)
        repaid = sum(one.repay.fen for one in all_of(events, Decided) if one.repay is not None)
        row = {
            "measure_id": own,
            "target_id": imposed.target,
            "target": name_of(histories, imposed.target),
            "imposed_by": imposed.imposed_by,
            "authority": name_of(histories, imposed.imposed_by),
            "ladder": "platform" if imposed.imposed_by.startswith("platform-") else "authority",
            "kind": now.kind,
            "violation": imposed.violation,
            "reason": imposed.reason,
            "basis": imposed.basis,
            "case_number": imposed.case_number,
            "imposed_at": imposed.occurred_at,
            "ends_due": now.until,
            "amount_fen": None if now.amount is None else now.amount.fen,
            "currency": None if now.amount is None else now.amount.currency,
            "paid_fen": sum(one.amount.fen for one in all_of(events, Paid)) - repaid,
            "contested_by": REMEDIES[type(remedy)],
            "contested_at": time_of(remedy),
            "decision_due": last_instant(remedy.term) if isinstance(remedy, Appealed) else None,
            "complaints": cited(*imposed.complaints),
        }
        concerned = merchant_id in (None, imposed.target) and platform_id in (None, imposed.imposed_by, imposed.target)
        if concerned and stands(imposed.occurred_at, now.until, time_of(end_of_measure(events)), at):
            found.append(row)
    return latest_first(found, "imposed_at", "measure_id")


def measure_counts(histories: Histories, at: datetime, by: str) -> list[Row]:
    """How many measures are in force, and contested; only streams and violations have names."""
    in_force, found = measures_in_force(histories, at), []
    for key in {row[by] for row in in_force}:
        own = [row for row in in_force if row[by] == key]
        name = violation_name(histories, key) if by == "violation" else name_of(histories, key)
        contested = sum(row["contested_by"] is not None for row in own)
        found.append({"key": key, "name": name, "in_force": len(own), "contested": contested})
    return most_first(found, "in_force")


def _told(histories: Histories) -> Iterator[tuple[str | None, str, datetime]]:
    """A violation code, what it is counted as, and when that was."""
    for _, events, imposed in each(histories, Imposed):
        by_platform = imposed.imposed_by.startswith("platform-")
        yield imposed.violation, "by_platforms" if by_platform else "by_authorities", imposed.occurred_at
        if any(is_revoking(one) for one in events):
            yield imposed.violation, "revoked", imposed.occurred_at
    for _, _, complained in each(histories, Complained):
        yield complained.violation, "grievances", complained.occurred_at
    for _, _, decided in each(histories, GrievanceDecided):
        if decided.upheld:
            yield decided.violation, "upheld", decided.occurred_at
    for _, report in newest_reports(histories):
        for one in report.violations:
            yield one.violation, "reported", report.occurred_at
    for _, _, hidden in each(histories, HiddenChangeReported):
        yield hidden.violation, "hidden_changes", hidden.occurred_at
    for _, _, gap in each(histories, LabelGapFound):
        yield gap.violation, "label_gaps", gap.until


def violations(histories: Histories, first: date, last: date) -> list[Row]:
    """What happened per violation code, by its day in Shanghai (E3). One that was revoked is not one more in all."""
    found: dict[str, Row] = {}
    for code, what, when in _told(histories):
        if code is not None and first <= when.astimezone(SHANGHAI).date() <= last:
            row = found.setdefault(
                code, {"code": code, "name": violation_name(histories, code), **dict.fromkeys(WHAT, 0)}
            )
            row[what] += 1
    return sorted(found.values(), key=lambda row: (row["revoked"] - sum(row[one] for one in WHAT), row["code"]))


def grievances(histories: Histories, by: str) -> list[Row]:
    """How grievances of merchants stand (E9)."""
    found: dict[str, Row] = {}
    for _, events, complained in each(histories, Complained):
        key = getattr(complained, by)
        answered, decided = last_of(events, Answered), last_of(events, GrievanceDecided)
        counts = {
            "complained": True,
            "answered": answered is not None,
            "answered_in_time": answered is not None and not answered.late,
            "missed": has(events, AnswerMissed),
            "taken_up": has(events, TakenUp),
            "settled": has(events, Settled),
            "withdrawn": has(events, Withdrawn),
            "decided": decided is not None,
            "upheld": decided is not None and decided.upheld,
        }
        name = violation_name(histories, key) if by == "violation" else name_of(histories, key)
        row = found.setdefault(key, {"key": key, "name": name, **dict.fromkeys(counts, 0)})
        for what, counted in counts.items():
            row[what] += counted
    return most_first(found.values(), "complained")
