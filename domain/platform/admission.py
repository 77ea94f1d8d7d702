"""Who a platform is."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from domain.action import action
from domain.errors import InvalidInput
from domain.event import Event
from domain.merchant.registration import CREDIT_CODES
from domain.platform.state import Platform, Status
from domain.rulebook.codes import valid_credit_code
from domain.values import Actor, Code, Role, ShortText


class Admitted(Event):
    """A platform became known, under a name and, where there is one, an official identifier."""

    name = "platform.admitted"

    title: ShortText
    identifier: Code | None = None


AdmissionEvent = Admitted


def evolve(state: Platform, event: AdmissionEvent) -> Platform:
    return replace(state, status=Status.ADMITTED, since=event.occurred_at)


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
    if identifier is not None and identifier.scheme == CREDIT_CODES and not valid_credit_code(identifier.value):
        raise InvalidInput(
            f"{identifier.value!r} is not a unified social credit code",
            hint="it has 18 digits and capitals, and the last checks the others (GB 32100); look at the licence",
        )
    return [Admitted(occurred_at=at, actor=by, title=title, identifier=identifier)]
