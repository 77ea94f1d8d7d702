"""Read model ``merchants``: who the merchants are, what they take part in, report and change, and how they stand."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, assert_never

from domain.merchant.corrections import CorrectiveActionTaken, CorrectiveResultReported
from domain.merchant.life import MERCHANT, MerchantEvent
from domain.merchant.membership import (
    CircleJoined,
    CircleLeft,
    Enrolled,
    EnrolmentEnded,
    ExpelledFromCircle,
    PromiseLeft,
    PromiseSigned,
)
from domain.merchant.policies import PolicyAdopted, PolicyDropped
from domain.merchant.registration import (
    Absorbed,
    Classified,
    Linked,
    LinkedBack,
    MergedInto,
    MergerUndone,
    Registered,
    Separated,
    Unlinked,
    UnlinkedBack,
)
from domain.merchant.standing import (
    Listed,
    ListingEnded,
    ListingExtended,
    ListingRemoved,
    RepairAppliedFor,
    RepairDecided,
)
from domain.merchant.state import ListName
from domain.merchant.volumes import VolumeReported
from projections.items import NONE, cited, day, dump, instant, load, number, table, text, texts
from projections.merchant_items import adopt, circles, correct, on_list, relate, report, stand, take_part
from projections.projection import Projection


class Row(NamedTuple):
    """See the comments on the columns of ``read.merchants``."""

    trade_name: str
    registered_at: datetime
    identifier_scheme: str | None = None
    identifier: str | None = None
    register_name: str | None = None
    promise_since: datetime | None = None
    enrolled_since: datetime | None = None
    industry_scheme: str | None = None
    industry: str | None = None
    merged_into: str | None = None
    untrustworthy: bool = False
    circles: str = ""
    items: str = NONE


def fold(row: Row | None, event: MerchantEvent) -> Row:
    """Return the row after ``event``; raises ValueError when a stream does not begin with its registration."""
    if isinstance(event, Registered):
        return Row(
            trade_name=event.trade_name,
            registered_at=event.occurred_at,
            identifier_scheme=event.identifier.scheme if event.identifier else None,
            identifier=event.identifier.value if event.identifier else None,
            register_name=event.register_name,
            industry_scheme=event.industry.scheme if event.industry else None,
            industry=event.industry.value if event.industry else None,
        )
    if row is None:
        raise ValueError(f"{event.name} before merchant.registered")
    items = load(row.items)
    match event:
        case Classified():
            return row._replace(industry_scheme=event.industry.scheme, industry=event.industry.value)
        case Linked() | Unlinked() | MergedInto() | MergerUndone():
            relate(items, event)
        case PromiseSigned() | PromiseLeft() | Enrolled() | EnrolmentEnded():
            take_part(items, event)
        case CircleJoined() | CircleLeft() | ExpelledFromCircle():
            take_part(items, event)
            row = row._replace(circles=circles(items))
        case PolicyAdopted() | PolicyDropped():
            adopt(items, event)
        case VolumeReported():
            report(items, event)
        case CorrectiveActionTaken() | CorrectiveResultReported():
            correct(items, event)
        case Listed() | ListingExtended() | ListingRemoved() | RepairAppliedFor() | RepairDecided() | ListingEnded():
            stand(items, event)
            row = row._replace(untrustworthy=on_list(items, ListName.UNTRUSTWORTHY))
        case LinkedBack() | UnlinkedBack() | Absorbed() | Separated():
            # Told by another merchant, in whose items it stands.
            return row
        case _:
            assert_never(event)
    return _now(row, event)._replace(items=dump(items))


def _now(row: Row, event: MerchantEvent) -> Row:
    """What the row says of itself beside its items."""
    match event:
        case PromiseSigned():
            return row._replace(promise_since=event.occurred_at)
        case PromiseLeft():
            return row._replace(promise_since=None)
        case Enrolled():
            return row._replace(enrolled_since=event.occurred_at)
        case EnrolmentEnded():
            return row._replace(enrolled_since=None)
        case MergedInto():
            return row._replace(merged_into=event.into)
        case MergerUndone():
            return row._replace(merged_into=None)
        case _:
            return row


ID = "merchant_id"
MERCHANTS = Projection(
    name="merchants",
    kind=MERCHANT,
    table="read.merchants",
    key=ID,
    row=Row,
    fold=fold,
    version=2,
    sums=(
        table(
            "merchant_memberships",
            ID,
            "membership",
            *(number("number"), text("kind"), text("circle")),
            *(instant("begun_at"), instant("ended_at"), text("ending")),
        ),
        table(
            "merchant_links",
            ID,
            "link",
            *(number("number"), text("other_id"), text("relation"), instant("linked_at"), instant("unlinked_at")),
        ),
        table(
            "merchant_mergers",
            ID,
            "merger",
            *(number("number"), text("into_id"), instant("merged_at"), instant("undone_at")),
        ),
        table(
            "merchant_policies",
            ID,
            "policy",
            *(number("number"), text("policy_id"), number("edition"), text("kind")),
            *(instant("adopted_at"), instant("ended_at"), text("ending")),
        ),
        table(
            "merchant_volumes",
            ID,
            "volume",
            *(text("stage"), day("first_day"), day("last_day"), number("edition"), instant("reported_at")),
            amounts=("transactions", "active_users"),
        ),
        table(
            "merchant_corrections",
            ID,
            "correction",
            *(number("number"), text("stage"), instant("taken_at"), instant("effective_at")),
            *(number("results"), instant("result_at")),
        ),
        table(
            "merchant_listings",
            ID,
            "listing",
            *(number("number"), text("list_name"), text("authority_id"), instant("listed_at"), instant("ends_due")),
            *(instant("repair_from"), instant("ended_at"), text("ending"), text("carried_from"), text("fraud")),
        ),
        table(
            "merchant_repairs",
            ID,
            "repair",
            *(number("number"), number("listing"), instant("applied_at"), instant("decided_at")),
            *(text("granted"),),
        ),
        cited("merchant_citations", ID, "listing", "correction"),
        texts("merchant_texts", ID),
    ),
)
