"""What can happen to an office."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from domain.complaint.jurisdiction import DivisionCode
from domain.complaint.mediation import MediatorKind
from domain.event import Event
from domain.values import OfficeId, RandomId, ShortText


class Level(StrEnum):
    """The tree of offices, from the top."""

    NATIONAL = "national"
    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"
    STATION = "station"


class Established(Event):
    """An office exists, for a division (GB/T 2260), under its superior."""

    name = "office.established"

    title: ShortText
    level: Level
    division: DivisionCode
    superior: OfficeId | None = None


class MediatorEnrolled(Event):
    """A mediator takes cases of this office: of these kinds of product (none: any), at most ``capacity`` at a time."""

    name = "office.mediator_enrolled"

    mediator_id: RandomId
    kind: MediatorKind
    classes: tuple[ShortText, ...] = ()
    capacity: Annotated[int, Field(ge=1, le=10_000)]


class ConflictDeclared(Event):
    """The mediator must not judge this party: a merchant, a consumer, a platform or a payment provider."""

    name = "office.conflict_declared"

    mediator_id: RandomId
    party_id: ShortText


class MediatorReleased(Event):
    """The mediator takes no more cases of this office."""

    name = "office.mediator_released"

    mediator_id: RandomId
    reason: ShortText


OfficeEvent = Established | MediatorEnrolled | ConflictDeclared | MediatorReleased
