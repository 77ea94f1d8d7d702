"""What boards tell of platforms, rooms, merchants, persons and the rulebook: slowly, as in ``boards_activity``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from domain.merchant.corrections import CorrectiveActionTaken, CorrectiveResultReported
from domain.merchant.membership import CircleJoined, CircleLeft, ExpelledFromCircle
from domain.merchant.policies import PolicyAdopted, PolicyDropped
from domain.merchant.registration import Linked, MergedInto, MergerUndone, Registered, Unlinked
from domain.merchant.volumes import VolumeReported
from domain.platform.supervision import PrivacyAuditRecorded, SupervisionReported
from domain.room import opening
from domain.room.showing import ContentShown, ContentStopped, LabelGapFound, SessionBegun, SessionEnded
from domain.room.state import Subject
from domain.rulebook.events import ParametersPublished, ScenarioPublished
from domain.subject.consents import ConsentGiven, ConsentWithdrawn
from domain.subject.leaks import LeakRecorded
from tests.reference.history import Events, after, all_of, before
from tests.reference.rooms import at_the_end_of
from tests.reference.rows import Histories, Row, by, called, code_name, latest_first, streams
from tests.reference.statistics import surviving


def microseconds(length: timedelta) -> int:
    return length // timedelta(microseconds=1)


# Platforms and rooms


def supervision_reports(histories: Histories, *, platform_id: str | None = None) -> list[Row]:
    """The last edition of the report on each period: each violation in its order, or one row that has none."""
    found: list[Row] = []
    for platform, events in streams(histories, "platform", platform_id):
        newest = {(one.first, one.last): one for one in all_of(events, SupervisionReported)}
        for report in newest.values():
            row: Row = {"platform_id": platform, "platform": called(histories, platform), "first_day": report.first}
            row |= {"last_day": report.last, "edition": report.edition, "reported_at": report.occurred_at}
            none = dict.fromkeys(("place", "merchant_id", "trade_name", "violation", "violation_name", "measure_id"))
            told: list[Row] = [
                {
                    "place": place,
                    "merchant_id": one.merchant_id,
                    "trade_name": called(histories, one.merchant_id),
                    "violation": one.violation,
                    "violation_name": code_name(histories, "violation", one.violation),
                    "measure_id": one.measure,
                    "complaints": sorted(set(one.complaints)),
                }
                for place, one in enumerate(report.violations, 1)
            ]
            found += [{**row, **one} for one in told or [{**none, "complaints": []}]]
    return latest_first(found, "first_day", "platform_id", "place")


def privacy_audits(histories: Histories, *, platform_id: str | None = None) -> list[Row]:
    found = [
        {
            "platform_id": platform,
            "platform": called(histories, platform),
            "number": one.number,
            "first_day": one.first,
            "last_day": one.last,
            "recorded_at": one.occurred_at,
            "conforms": one.conforms,
            "auditor": one.auditor,
            "scope": one.scope,
            "digest": one.report,
            "findings": list(one.findings),
        }
        for platform, events in streams(histories, "platform", platform_id)
        for one in all_of(events, PrivacyAuditRecorded)
    ]
    return latest_first(found, "recorded_at", "platform_id", "number")


def label_gaps(histories: Histories, *, platform_id: str | None = None, room_id: str | None = None) -> list[Row]:
    """Where labels lacked, and who ran the room at the end of it."""
    found = []
    for room, events in streams(histories, "room", room_id):
        opened = all_of(events, opening.Opened)[0]
        for number, gap in enumerate(all_of(events, LabelGapFound), 1):
            found.append(
                {
                    "room_id": room,
                    "platform_id": opened.platform_id,
                    "platform": called(histories, opened.platform_id),
                    "operator": at_the_end_of(gap, events, Subject.OPERATOR),
                    "host": at_the_end_of(gap, events, Subject.HOST),
                    "number": number,
                    "session": gap.session,
                    "content_id": gap.content_id,
                    "kind": gap.kind.value,
                    "from_at": gap.first,
                    "until_at": gap.until,
                    "microseconds": microseconds(gap.until - gap.first),
                    "shown_microseconds": sum(_shown(events, gap)),
                    "violation": gap.violation,
                }
            )
    own = [one for one in found if platform_id in (None, one["platform_id"])]
    return latest_first(own, "from_at", "room_id", "number")


def _shown(events: Events, gap: LabelGapFound) -> Iterator[int]:
    """How long the content of a gap was shown in its session, each time that it was; not what is shown still."""
    for one in all_of(events, ContentShown):
        if one.content_id == gap.content_id and len(all_of(before(events, one), SessionBegun)) == gap.session:
            for end in after(events, one):
                stopped = isinstance(end, ContentStopped) and end.content_id == one.content_id
                if stopped or isinstance(end, SessionEnded):
                    yield microseconds(end.occurred_at - one.occurred_at)
                    break


# Merchants


def circle_members(histories: Histories, *, circle: str | None = None, at: datetime | None = None) -> list[Row]:
    """Each membership with how it ended; at the instant of its end it holds no more."""
    found = []
    for merchant, events in streams(histories, "merchant"):
        for one in all_of(events, CircleJoined):
            ends = [
                end
                for end in after(events, one)
                if isinstance(end, (CircleLeft, ExpelledFromCircle)) and end.circle == one.circle
            ]
            end = ends[0] if ends else None
            if at is not None and not (one.occurred_at <= at and (end is None or at < end.occurred_at)):
                continue
            left = "expelled" if isinstance(end, ExpelledFromCircle) else "left"
            found.append(
                {
                    "circle": one.circle,
                    "merchant_id": merchant,
                    "trade_name": called(histories, merchant),
                    "begun_at": one.occurred_at,
                    "ended_at": None if end is None else end.occurred_at,
                    "ending": None if end is None else left,
                    "standard": one.standard,
                    "reason": None if end is None else end.reason,
                }
            )
    return by([one for one in found if circle in (None, one["circle"])], "circle", "begun_at", "merchant_id")


def corrective_actions(histories: Histories, *, merchant_id: str | None = None) -> list[Row]:
    found = []
    for merchant, events in streams(histories, "merchant", merchant_id):
        for one in all_of(events, CorrectiveActionTaken):
            results = [told for told in all_of(events, CorrectiveResultReported) if told.number == one.number]
            found.append(
                {
                    "merchant_id": merchant,
                    "trade_name": called(histories, merchant),
                    "number": one.number,
                    "stage": one.stage,
                    "taken_at": one.occurred_at,
                    "effective_at": one.effective_at,
                    "title": one.title,
                    "description": one.description,
                    "results": [told.text for told in results],
                    "result_at": results[-1].occurred_at if results else None,
                    "complaints": sorted(set(one.complaints)),
                }
            )
    return latest_first(found, "effective_at", "merchant_id", "number")


def volumes(histories: Histories, *, merchant_id: str | None = None) -> list[Row]:
    """What was reported last for each stage and period."""
    found = []
    for merchant, events in streams(histories, "merchant", merchant_id):
        newest = {(one.stage, one.first, one.last): one for one in all_of(events, VolumeReported)}
        for one in newest.values():
            found.append(
                {
                    "merchant_id": merchant,
                    "trade_name": called(histories, merchant),
                    "stage": one.stage,
                    "first_day": one.first,
                    "last_day": one.last,
                    "edition": one.edition,
                    "reported_at": one.occurred_at,
                    "transactions": one.transactions,
                    "active_users": one.active_users,
                }
            )
    return by(found, "merchant_id", "first_day", "stage")


def policies_adopted(histories: Histories, at: datetime, *, merchant_id: str | None = None) -> list[Row]:
    """What was adopted by then, and neither replaced by another edition nor dropped."""
    found = []
    for merchant, events in streams(histories, "merchant", merchant_id):
        for one in all_of(events, PolicyAdopted):
            ends = [
                end.occurred_at
                for end in after(events, one)
                if (isinstance(end, PolicyAdopted) and end.policy.id == one.policy.id)
                or (isinstance(end, PolicyDropped) and end.policy_id == one.policy.id)
            ]
            if one.occurred_at <= at and not (ends and ends[0] <= at):
                found.append(
                    {
                        "policy_id": one.policy.id,
                        "edition": one.edition,
                        "kind": one.policy.kind.value,
                        "title_zh": one.policy.title_zh,
                        "title_en": one.policy.title_en,
                        "merchant_id": merchant,
                        "trade_name": called(histories, merchant),
                        "adopted_at": one.occurred_at,
                    }
                )
    return by(found, "policy_id", "adopted_at", "merchant_id")


def merged(histories: Histories) -> dict[str, str]:
    """Into whom each merchant was merged, if that was not undone."""
    told = {
        merchant: [event for event in events if isinstance(event, (MergedInto, MergerUndone))]
        for merchant, events in streams(histories, "merchant")
    }
    return {merchant: own[-1].into for merchant, own in told.items() if own and isinstance(own[-1], MergedInto)}


def merchant_groups(histories: Histories) -> list[Row]:
    """Those that share a group with another one: by mergers, and by links among those that go on."""
    into = merged(histories)
    merchants = {merchant: events for merchant, events in streams(histories, "merchant") if all_of(events, Registered)}
    going_on = {merchant: surviving(merchant, into) for merchant in merchants}
    group = {one: {one} for one in going_on.values()}
    for merchant, events in merchants.items():
        for link in all_of(events, Linked):
            ended = [one for one in all_of(after(events, link), Unlinked) if one.other == link.other]
            if not ended and link.other in going_on:
                together = group[going_on[merchant]] | group[going_on[link.other]]
                group |= dict.fromkeys(together, together)
    found = [
        {
            "group_id": min(group[going_on[merchant]]),
            "merchant_id": merchant,
            "trade_name": called(histories, merchant),
            "going_on_id": going_on[merchant],
        }
        for merchant in merchants
    ]
    sizes = [one["group_id"] for one in found]
    return by([one for one in found if sizes.count(one["group_id"]) > 1], "group_id", "merchant_id")


# Persons


def leaks(histories: Histories) -> list[Row]:
    """What leaked; nobody is named, though what is alike goes by person."""
    found = [
        {
            "recorded_at": one.occurred_at,
            "source": one.source,
            "what": one.what,
            "complaints": sorted(set(one.complaints)),
        }
        for _, events in streams(histories, "subject")
        for one in all_of(events, LeakRecorded)
    ]
    return latest_first(found, "recorded_at", "source")


def consents(histories: Histories) -> list[Row]:
    told = [one for _, events in streams(histories, "subject") for one in events]
    given = [(one.purpose.value, one.recipient) for one in told if isinstance(one, ConsentGiven)]
    withdrawn = [(one.purpose.value, one.recipient) for one in told if isinstance(one, ConsentWithdrawn)]
    return [
        {
            "purpose": purpose,
            "recipient": recipient,
            "given": given.count((purpose, recipient)),
            "withdrawn": withdrawn.count((purpose, recipient)),
            "standing": given.count((purpose, recipient)) - withdrawn.count((purpose, recipient)),
        }
        for purpose, recipient in sorted({*given, *withdrawn})
    ]


# The rulebook


def scenarios(histories: Histories, on: date) -> list[Row]:
    """Each in its newest edition, with what of its laws is in force on a day."""
    published = [one for _, events in streams(histories, "rulebook") for one in all_of(events, ScenarioPublished)]
    newest = {one.scenario.id: one for one in published}
    return [
        {
            "scenario_id": own,
            "edition": newest[own].edition,
            "problem_class": one.problem_class,
            "problem_class_name": code_name(histories, "problem-class", one.problem_class),
            "title_zh": one.title_zh,
            "title_en": one.title_en,
            "tactic": one.tactic,
            "laws": [
                [law.law, law.law_en, law.article]
                for law in one.laws
                if law.in_force_from <= on and (law.in_force_to is None or on <= law.in_force_to)
            ],
        }
        for own, one in ((own, newest[own].scenario) for own in sorted(newest))
    ]


def parameters(histories: Histories, name: str, at: datetime) -> list[Row]:
    """The edition that was published last by then."""
    published = [one for _, events in streams(histories, "rulebook") for one in all_of(events, ParametersPublished)]
    by_then = [one for one in published if one.parameters.name == name and one.occurred_at <= at]
    return [
        {
            "name": name,
            "edition": one.edition,
            "parameter": parameter,
            "value": value.value,
            "scale": value.scale.value,
            "published_at": one.occurred_at,
        }
        for one in by_then[-1:]
        for parameter, value in sorted(one.parameters.values.items())
    ]
