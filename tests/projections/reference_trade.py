"""What the tables of merchants, platforms, measures, grievances, rooms and credit have to hold."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from domain.credit.silence import CreditEventRecorded, CreditEventWithdrawn
from domain.event import Event
from domain.grievance import links
from domain.measure import remedies
from domain.measure.imposing import Imposed
from domain.merchant import membership, registration, standing
from domain.merchant.corrections import CorrectiveActionTaken, CorrectiveResultReported
from domain.merchant.policies import PolicyAdopted, PolicyDropped
from domain.merchant.volumes import VolumeReported
from domain.platform.notices import NoticeAnswered, NoticeDeclined, NoticeGiven, NoticeMissed
from domain.platform.rules import HiddenChangeReported, MembershipChangeAnnounced, RuleAnnounced, RuleWithdrawn
from domain.platform.supervision import PrivacyAuditRecorded, SupervisionReported
from domain.room import opening, showing
from domain.room.records import RecordKept, RecordsDestroyed
from domain.room.state import Subject
from tests.projections.reference_found import OPEN, Found, History, behind, due, first_at, of, said


def merchant(found: Found, own: str, history: History) -> None:
    joins: tuple[Any, ...] = (membership.PromiseSigned, membership.Enrolled, membership.CircleJoined)
    leaves: dict[Any, tuple[Any, ...]] = {
        membership.PromiseSigned: (membership.PromiseLeft,),
        membership.Enrolled: (membership.EnrolmentEnded,),
        membership.CircleJoined: (membership.CircleLeft, membership.ExpelledFromCircle),
    }
    kinds: dict[Any, str] = {
        membership.PromiseSigned: "promise",
        membership.Enrolled: "enrolment",
        membership.CircleJoined: "circle",
    }
    for n, joined in enumerate(of(history, *joins), 1):
        circle = getattr(joined, "circle", "")
        left = [one for one in behind(history, joined, *leaves[type(joined)]) if getattr(one, "circle", "") == circle]
        expelled = bool(left) and isinstance(left[0], membership.ExpelledFromCircle)
        ending = ("expelled" if expelled else "left") if left else ""
        kind = kinds[type(joined)]
        found.add("merchant_memberships", own, n, kind, circle, joined.occurred_at, first_at(left), ending)
        told = {"batch": getattr(joined, "batch", None), "standard": getattr(joined, "standard", None)}
        reason = left[0].reason if left else None
        found.texts("merchant_texts", own, "membership", n, **told, reason=reason)
    for n, link in enumerate(of(history, registration.Linked), 1):
        ended = [one for one in behind(history, link, registration.Unlinked) if one.other == link.other]
        stated: tuple[Any, ...] = (link.other, str(link.relation), link.occurred_at, first_at(ended))
        found.add("merchant_links", own, n, *stated)
        reason = ended[0].reason if ended else None
        found.texts("merchant_texts", own, "link", n, basis=link.basis, reason=reason)
    for n, merger in enumerate(of(history, registration.MergedInto), 1):
        undone = behind(history, merger, registration.MergerUndone)
        found.add("merchant_mergers", own, n, merger.into, merger.occurred_at, first_at(undone))
        reason = undone[0].reason if undone else None
        found.texts("merchant_texts", own, "merger", n, basis=merger.basis, reason=reason)
    for n, adopted in enumerate(of(history, PolicyAdopted), 1):
        policy = adopted.policy
        over = [
            one
            for one in behind(history, adopted, PolicyAdopted, PolicyDropped)
            if (one.policy.id if isinstance(one, PolicyAdopted) else one.policy_id) == policy.id
        ][:1]
        dropped = of(over, PolicyDropped)
        ending = "" if not over else "dropped" if dropped else "replaced"
        stated = (policy.id, adopted.edition, str(policy.kind), adopted.occurred_at, first_at(over), ending)
        found.add("merchant_policies", own, n, *stated)
        reason = dropped[0].reason if dropped else None
        titles = {"title_zh": policy.title_zh, "title_en": policy.title_en}
        found.texts("merchant_texts", own, "policy", n, **titles, reason=reason)
    for volume in of(history, VolumeReported):
        period = (volume.stage, volume.first, volume.last)
        later = behind(history, volume, VolumeReported)
        if not any((one.stage, one.first, one.last) == period for one in later):
            amounts = (volume.transactions, volume.active_users)
            found.add("merchant_volumes", own, *period, volume.edition, volume.occurred_at, amounts=amounts)
    for action in of(history, CorrectiveActionTaken):
        results = [one for one in of(history, CorrectiveResultReported) if one.number == action.number]
        last = results[-1].occurred_at if results else OPEN
        times: tuple[Any, ...] = (action.occurred_at, action.effective_at)
        found.add("merchant_corrections", own, action.number, said(action.stage), *times, len(results), last)
        found.cite("merchant_citations", own, "correction", action.number, action.complaints)
        told = {f"result_{n}": one.text for n, one in enumerate(results, 1)}
        texts = {"title": action.title, "description": action.description}
        found.texts("merchant_texts", own, "correction", action.number, **texts, **told)
    _listings(found, own, history)


def _listings(found: Found, own: str, history: History) -> None:
    applied = of(history, standing.RepairAppliedFor)
    decisions: dict[int, standing.RepairDecided] = {}
    for n, repair in enumerate(applied, 1):
        later = [one for one in behind(history, repair, standing.RepairDecided) if one.number == repair.number]
        again = [one for one in behind(history, repair, standing.RepairAppliedFor) if one.number == repair.number]
        # A repair is asked for again only after the decision on it.
        if later and not (again and history.index(again[0]) < history.index(later[0])):
            decisions[n] = later[0]
        decided = decisions.get(n)
        granted = "" if decided is None else "yes" if decided.granted else "no"
        at = OPEN if decided is None else decided.occurred_at
        found.add("merchant_repairs", own, n, repair.number, repair.occurred_at, at, granted)
        reasons = decided.reasons if decided else None
        found.texts("merchant_texts", own, "repair", n, undertaking=repair.undertaking, reasons=reasons)
    for listing in of(history, standing.Listed):
        n = listing.number
        extended = [one for one in of(history, standing.ListingExtended) if one.number == n]
        ends, repair_from = due(listing.ends), due(listing.repair, listing.occurred_at)
        for one in extended:
            ends, repair_from = due(one.ends, ends), due(one.repair, repair_from)
        removed = [one for one in of(history, standing.ListingRemoved) if one.number == n]
        passed = [one for one in of(history, standing.ListingEnded) if one.number == n]
        repaired = [one for one in of(history, standing.RepairDecided) if one.number == n and one.granted]
        over = [*removed, *passed, *repaired]
        assert len(over) <= 1
        ending = "removed" if removed else "ended" if passed else "repaired" if repaired else ""
        stated = (str(listing.list), listing.authority, listing.occurred_at, ends, repair_from, first_at(over), ending)
        found.add("merchant_listings", own, n, *stated, said(listing.carried_from), said(listing.fraud))
        complaints = [*listing.complaints, *(each for one in extended for each in one.complaints)]
        found.cite("merchant_citations", own, "listing", n, complaints)
        reason = removed[0].reason if removed else None
        texts = {"title": listing.title, "basis": listing.basis, "conditions": listing.conditions}
        found.texts("merchant_texts", own, "listing", n, **texts, reason=reason)


def platform(found: Found, own: str, history: History) -> None:
    for n, rule in enumerate(of(history, RuleAnnounced), 1):
        ends = [
            one.effective_from if isinstance(one, RuleAnnounced) else one.effective_at
            for one in behind(history, rule, RuleAnnounced, RuleWithdrawn)
            if one.rule_id == rule.rule_id
        ]
        times: tuple[Any, ...] = (rule.occurred_at, rule.effective_from, min(ends, default=OPEN))
        found.add("platform_rules", own, n, rule.rule_id, rule.rule_version, rule.text, *times)
        found.texts("platform_texts", own, "rule", n, title=rule.title)
    for n, told in enumerate(of(history, MembershipChangeAnnounced, HiddenChangeReported), 1):
        item = "membership_change"
        found.texts("platform_texts", own, item, n, programme=told.programme, change=told.change)
        if isinstance(told, HiddenChangeReported):
            times = (told.occurred_at, told.took_effect_at)
            found.add("platform_membership_changes", own, n, True, *times, told.violation)
            found.cite("platform_citations", own, item, n, told.complaints)
        else:
            found.add("platform_membership_changes", own, n, False, told.occurred_at, told.effective_from, "")
    for notice in of(history, NoticeGiven):
        n = notice.number
        missed, declined, answered = (
            [one for one in of(history, kind) if one.number == n]
            for kind in (NoticeMissed, NoticeDeclined, NoticeAnswered)
        )
        late = bool([*declined, *answered]) and [*declined, *answered][-1].late
        times = tuple(first_at(one) for one in (missed, declined, answered))
        whose = (notice.office_id, notice.merchant_id, notice.occurred_at, due(notice.term))
        measure = answered[0].measure if answered else ""
        found.add("platform_notices", own, n, *whose, *times, late, measure)
        found.cite("platform_citations", own, "notice", n, notice.complaints)
        reason = declined[0].reason if declined else None
        found.texts("platform_texts", own, "notice", n, demand=notice.demand, basis=notice.basis, reason=reason)
    for audit in of(history, PrivacyAuditRecorded):
        passed = (len(audit.findings), audit.conforms, audit.report)
        days = (audit.first, audit.last, audit.occurred_at)
        found.add("platform_privacy_audits", own, audit.number, *days, *passed)
        findings = {f"finding_{n}": one for n, one in enumerate(audit.findings, 1)}
        texts = {"auditor": audit.auditor, "scope": audit.scope, **findings}
        found.texts("platform_texts", own, "privacy_audit", audit.number, **texts)
    for report in of(history, SupervisionReported):
        period = (report.first, report.last)
        if any((one.first, one.last) == period for one in behind(history, report, SupervisionReported)):
            continue
        found.add("platform_reports", own, *period, report.edition, report.occurred_at)
        for place, one in enumerate(report.violations, 1):
            what: tuple[Any, ...] = (one.merchant_id, one.violation, said(one.measure))
            found.add("platform_report_violations", own, *period, place, *what)
            for complaint in set(one.complaints):
                found.add("platform_report_complaints", own, *period, place, complaint)


def measure(found: Found, own: str, history: History) -> None:
    for imposed in of(history, Imposed):
        for complaint in set(imposed.complaints):
            found.add("measure_complaints", own, complaint)
        for grievance in set(imposed.grievances):
            found.add("measure_grievances", own, grievance)
    kinds: dict[Any, str] = {remedies.Appealed: "appeal", remedies.ReviewSought: "review", remedies.Sued: "suit"}
    begun: list[Any] = of(history, *kinds)
    for n, one in enumerate(begun, 1):
        later = behind(history, one, *kinds, remedies.DecisionMissed, remedies.RemedyWithdrawn, remedies.Decided)
        until = [id(event) for event in later]
        if n < len(begun):
            later = later[: until.index(id(begun[n]))]
        withdrawn, decided = of(later, remedies.RemedyWithdrawn), of(later, remedies.Decided)
        outcome = str(decided[0].outcome) if decided else "withdrawn" if withdrawn else ""
        times = (first_at(of(later, remedies.DecisionMissed)), first_at([*decided, *withdrawn]))
        decision_due = due(getattr(one, "term", None))
        found.add("measure_remedies", own, n, kinds[type(one)], one.occurred_at, decision_due, *times, outcome)
        body = getattr(one, "body", None) or getattr(one, "court", None)
        texts = {"grounds": one.grounds, "body": body, "reference": getattr(one, "reference", None)}
        texts |= {"reason": withdrawn[0].reason if withdrawn else None}
        found.texts("measure_texts", own, "remedy", n, **texts, reasons=decided[0].reasons if decided else None)


def grievance(found: Found, own: str, history: History) -> None:
    for stream in {one.stream for one in of(history, links.ConsequenceLinked)}:
        found.add("grievance_consequences", own, stream)


def room(found: Found, own: str, history: History) -> None:
    (opened,) = of(history, opening.Opened)
    begun = [(opened, subject, name) for subject in Subject if (name := getattr(opened, subject.value)) is not None]
    begun += [(one, one.which, one.to) for one in of(history, opening.SubjectChanged)]
    for n, (since, subject, name) in enumerate(begun, 1):
        following = [one for one in behind(history, since, opening.SubjectChanged) if one.which is subject]
        found.add("room_subjects", own, n, str(subject), name, since.occurred_at, first_at(following))
    sessions = of(history, showing.SessionBegun)
    ends = {one.session: one for one in of(history, showing.SessionEnded)}
    for one in sessions:
        kept = [event for event in of(history, RecordKept, RecordsDestroyed) if event.session == one.session]
        destroyed = of(kept, RecordsDestroyed)
        standing_records = 0
        for event in kept:
            standing_records = standing_records + 1 if isinstance(event, RecordKept) else 0
        end = ends.get(one.session)
        until = (OPEN, OPEN) if end is None else (end.occurred_at, due(end.term))
        last = destroyed[-1].occurred_at if destroyed else OPEN
        found.add("room_sessions", own, one.session, one.occurred_at, *until, standing_records, last)
    for n, shown in enumerate(of(history, showing.ContentShown), 1):
        session = len([one for one in sessions if any(event is shown for event in behind(history, one, Event))])
        over = [
            one
            for one in behind(history, shown, showing.ContentStopped, showing.SessionEnded)
            if isinstance(one, showing.SessionEnded) or one.content_id == shown.content_id
        ]
        until_at = first_at(over)
        length = (until_at - shown.occurred_at) // timedelta(microseconds=1) if over else 0
        what: tuple[Any, ...] = (session, shown.content_id, str(shown.kind), shown.occurred_at, until_at)
        found.add("room_showings", own, n, *what, amounts=(length,))
    for n, gap in enumerate(of(history, showing.LabelGapFound), 1):
        length = (gap.until - gap.first) // timedelta(microseconds=1)
        what = (gap.session, gap.content_id, str(gap.kind), gap.first, gap.until, said(gap.violation))
        found.add("room_label_gaps", own, n, *what, amounts=(length,))


def credit(found: Found, own: str, history: History) -> None:
    for one in of(history, CreditEventRecorded):
        taken_back = [event for event in of(history, CreditEventWithdrawn) if event.number == one.number]
        what = (one.merchant_id, one.complaint_id, str(one.basis), one.deadline, one.occurred_at)
        found.add("credit_events", own, one.number, *what, first_at(taken_back))
        reason = taken_back[0].reason if taken_back else None
        found.texts("credit_texts", own, "credit_event", one.number, reason=reason)
