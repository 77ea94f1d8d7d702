"""Who a platform is."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from domain.action import action
from domain.event import Event
from domain.merchant.registration import check_identifier
from domain.platform.state import Platform, Status
from domain.values import Actor, Code, Role, ShortText


class Admitted(Event):
    """A platform became known, under a name and, where there is one, an official identifier."""

    name = "platform.admitted"

    title: ShortText
    identifier: Code | None = None


AdmissionEvent = Admitted


def evolve(state: Platform, event: AdmissionEvent) -> Platform:
    return replace(state, status=Status.ADMITTED)


@action(
    "platform-admitted-once",
    roles=(Role.REGULATOR, Role.PLATFORM),
    during=(Status.NONE,),
    to=Status.ADMITTED,
    source="E-Commerce Law, art. 9",
)
def admit_platform(
    state: Platform, *, at: datetime, by: Actor, title: ShortText, identifier: Code | None = None
) -> list[AdmissionEvent]:
    """Make a platform known to the ledger. A unified social credit code is checked (GB 32100)."""
    check_identifier(identifier)
    return [Admitted(occurred_at=at, actor=by, title=title, identifier=identifier)]
