"""Offices of the authority, and bodies that mediate: their place in the tree."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from domain.action import action
from domain.complaint.jurisdiction import DivisionCode
from domain.errors import InvalidInput
from domain.event import Event
from domain.office.state import Office, Status
from domain.values import Actor, OfficeId, Role, ShortText


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


EstablishmentEvent = Established


def evolve(state: Office, event: EstablishmentEvent) -> Office:
    return replace(state, status=Status.ESTABLISHED, division=event.division)


@action("office-established-once", roles=(Role.REGULATOR,), during=(Status.NONE,), to=Status.ESTABLISHED)
def establish(
    state: Office,
    *,
    at: datetime,
    by: Actor,
    title: ShortText,
    level: Level,
    division: DivisionCode,
    superior: OfficeId | None = None,
) -> list[EstablishmentEvent]:
    """Establish an office for a division."""
    if (level is Level.NATIONAL) == (superior is not None):
        has = "has no superior" if level is Level.NATIONAL else "needs its superior"
        raise InvalidInput(f"an office of level {level} {has}", hint="only the national one stands at the top")
    return [Established(occurred_at=at, actor=by, title=title, level=level, division=division, superior=superior)]
