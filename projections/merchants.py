"""Read model ``merchants``: who the merchants are."""

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
from domain.merchant.volumes import VolumeReported
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


def fold(row: Row | None, event: MerchantEvent) -> Row:
    """Return the row after ``event``; raises ValueError when a stream does not begin with its registration."""
    if isinstance(event, Registered):
        return Row(
            trade_name=event.trade_name,
            registered_at=event.occurred_at,
            identifier_scheme=event.identifier.scheme if event.identifier else None,
            identifier=event.identifier.value if event.identifier else None,
            register_name=event.register_name,
        )
    if row is None:
        raise ValueError(f"{event.name} before merchant.registered")
    match event:
        case PromiseSigned():
            return row._replace(promise_since=event.occurred_at)
        case PromiseLeft():
            return row._replace(promise_since=None)
        case Enrolled():
            return row._replace(enrolled_since=event.occurred_at)
        case EnrolmentEnded():
            return row._replace(enrolled_since=None)
        case (
            Linked()
            | LinkedBack()
            | Unlinked()
            | UnlinkedBack()
            | MergedInto()
            | MergerUndone()
            | Absorbed()
            | Separated()
            | CircleJoined()
            | CircleLeft()
            | ExpelledFromCircle()
            | PolicyAdopted()
            | PolicyDropped()
            | VolumeReported()
            | CorrectiveActionTaken()
            | CorrectiveResultReported()
            | Listed()
            | ListingExtended()
            | ListingRemoved()
            | RepairAppliedFor()
            | RepairDecided()
            | ListingEnded()
        ):
            return row
        case _:
            assert_never(event)


MERCHANTS = Projection(name="merchants", kind=MERCHANT, table="read.merchants", key="merchant_id", row=Row, fold=fold)
