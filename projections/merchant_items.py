"""What changes the items of a merchant: memberships, policies, volumes, corrective actions, listings and repairs."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from domain.merchant.corrections import CorrectionEvent, CorrectiveActionTaken, CorrectiveResultReported
from domain.merchant.membership import (
    CircleJoined,
    CircleLeft,
    Enrolled,
    EnrolmentEnded,
    ExpelledFromCircle,
    MembershipEvent,
    PromiseLeft,
    PromiseSigned,
)
from domain.merchant.policies import PolicyAdopted, PolicyDropped, PolicyEvent
from domain.merchant.registration import Linked, MergedInto, MergerUndone, Unlinked
from domain.merchant.standing import (
    Listed,
    ListingEnded,
    ListingExtended,
    ListingRemoved,
    RepairAppliedFor,
    RepairDecided,
    StandingEvent,
)
from domain.merchant.state import ListName
from domain.merchant.volumes import VolumeReported
from projections.items import Items, alter, following, put


def relate(items: Items, event: Linked | Unlinked | MergedInto | MergerUndone) -> None:
    """Note whom the merchant belongs with, and who goes on in its place."""
    at = event.occurred_at
    match event:
        case MergedInto():
            n = following(items, "merger")
            put(items, "merger", n, number=n, into_id=event.into, merged_at=at, texts={"basis": event.basis})
        case MergerUndone():
            alter(items, "merger", len(items["merger"]), undone_at=at, texts={"reason": event.reason})
        case Linked():
            n = following(items, "link")
            stated = {"other_id": event.other, "relation": event.relation, "linked_at": at}
            put(items, "link", n, number=n, **stated, texts={"basis": event.basis})
        case Unlinked():
            link = _last(items, "link", "unlinked_at", other_id=event.other)
            alter(items, "link", link, unlinked_at=at, texts={"reason": event.reason})
        case _:
            assert_never(event)


def take_part(items: Items, event: MembershipEvent) -> None:
    """Note what the merchant takes part in."""
    at = event.occurred_at
    match event:
        case PromiseSigned():
            _join(items, "promise", "", at, {"batch": event.batch})
        case Enrolled():
            _join(items, "enrolment", "", at, {})
        case CircleJoined():
            _join(items, "circle", event.circle, at, {"standard": event.standard})
        case PromiseLeft():
            _leave(items, "promise", "", at, "left", event.reason)
        case EnrolmentEnded():
            _leave(items, "enrolment", "", at, "left", event.reason)
        case CircleLeft():
            _leave(items, "circle", event.circle, at, "left", event.reason)
        case ExpelledFromCircle():
            _leave(items, "circle", event.circle, at, "expelled", event.reason)
        case _:
            assert_never(event)


def circles(items: Items) -> str:
    """The quality circles that it is in now, in alphabetical order, with a space between."""
    held = (one for one in items.get("membership", {}).values() if one["circle"] and "ended_at" not in one)
    return " ".join(sorted(one["circle"] for one in held))


def adopt(items: Items, event: PolicyEvent) -> None:
    """Note which policies the merchant has adopted."""
    at = event.occurred_at
    match event:
        case PolicyAdopted():
            _over(items, event.policy.id, ended_at=at, ending="replaced")
            n, policy = following(items, "policy"), event.policy
            stated = {"policy_id": policy.id, "edition": event.edition, "kind": policy.kind, "adopted_at": at}
            titles = {"title_zh": policy.title_zh, "title_en": policy.title_en}
            put(items, "policy", n, number=n, **stated, texts=titles)
        case PolicyDropped():
            _over(items, event.policy_id, ended_at=at, ending="dropped", texts={"reason": event.reason})
        case _:
            assert_never(event)


def _last(items: Items, name: str, ended: str, **wanted: object) -> str:
    """The key of the last of these items that has not ended."""
    return [
        key
        for key, item in sorted(items.get(name, {}).items(), key=lambda one: one[1]["number"])
        if ended not in item and all(item.get(field) == value for field, value in wanted.items())
    ][-1]


def _join(items: Items, kind: str, circle: str, at: datetime, said: dict[str, str]) -> None:
    n = following(items, "membership")
    put(items, "membership", n, number=n, kind=kind, circle=circle, begun_at=at, texts=said)


def _leave(items: Items, kind: str, circle: str, at: datetime, ending: str, reason: str) -> None:
    n = _last(items, "membership", "ended_at", kind=kind, circle=circle)
    alter(items, "membership", n, ended_at=at, ending=ending, texts={"reason": reason})


def _over(items: Items, policy_id: str, **values: object) -> None:
    for key, item in items.get("policy", {}).items():
        if item["policy_id"] == policy_id and "ended_at" not in item:
            alter(items, "policy", key, **values)


def report(items: Items, event: VolumeReported) -> None:
    """Note the newest edition of what is reported of a stage and period."""
    put(
        items,
        "volume",
        f"{event.stage}/{event.first}/{event.last}",
        stage=event.stage,
        first_day=event.first,
        last_day=event.last,
        edition=event.edition,
        reported_at=event.occurred_at,
        transactions=event.transactions,
        active_users=event.active_users,
    )


def correct(items: Items, event: CorrectionEvent) -> None:
    """Note what the merchant changes, and what came of it."""
    match event:
        case CorrectiveActionTaken():
            put(
                items,
                "correction",
                event.number,
                number=event.number,
                stage=event.stage,
                taken_at=event.occurred_at,
                effective_at=event.effective_at,
                complaints=event.complaints,
                texts={"title": event.title, "description": event.description},
            )
        case CorrectiveResultReported():
            told = items["correction"][str(event.number)].get("results", 0) + 1
            result = {"results": told, "result_at": event.occurred_at, "texts": {f"result_{told}": event.text}}
            alter(items, "correction", event.number, **result)
        case _:
            assert_never(event)


def stand(items: Items, event: StandingEvent) -> None:
    """Note on which lists the merchant is, and how it gets off them."""
    at, n = event.occurred_at, event.number
    match event:
        case Listed():
            put(
                items,
                "listing",
                n,
                number=n,
                list_name=event.list,
                authority_id=event.authority,
                listed_at=at,
                ends_due=None if event.ends is None else event.ends.due,
                repair_from=at if event.repair is None else event.repair.due,
                carried_from=event.carried_from,
                fraud=event.fraud,
                complaints=event.complaints,
                texts={"title": event.title, "basis": event.basis, "conditions": event.conditions},
            )
        case ListingExtended():
            known = items["listing"][str(n)]["complaints"]
            later = {} if event.ends is None else {"ends_due": event.ends.due}
            later |= {} if event.repair is None else {"repair_from": event.repair.due}
            alter(items, "listing", n, complaints=tuple(dict.fromkeys((*known, *event.complaints))), **later)
        case ListingRemoved():
            alter(items, "listing", n, ended_at=at, ending="removed", texts={"reason": event.reason})
        case ListingEnded():
            alter(items, "listing", n, ended_at=at, ending="ended")
        case RepairAppliedFor():
            told = following(items, "repair")
            stated = {"listing": n, "applied_at": at, "texts": {"undertaking": event.undertaking}}
            put(items, "repair", told, number=told, **stated)
        case RepairDecided():
            repair = _last(items, "repair", "decided_at", listing=n)
            alter(
                items,
                "repair",
                repair,
                decided_at=at,
                granted="yes" if event.granted else "no",
                texts={"reasons": event.reasons},
            )
            if event.granted:
                alter(items, "listing", n, ended_at=at, ending="repaired")
        case _:
            assert_never(event)


def on_list(items: Items, name: ListName) -> bool:
    """Whether the merchant is on a list of this name, as recorded."""
    return any(item["list_name"] == name and "ended_at" not in item for item in items["listing"].values())
