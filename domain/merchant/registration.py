"""Who a merchant is."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from domain.action import action
from domain.errors import InvalidInput
from domain.event import Event
from domain.merchant.state import Merchant, Status
from domain.rulebook.codes import valid_credit_code
from domain.values import Actor, Code, Role, ShortText, TimePrecision

#: The code list of unified social credit codes.
CREDIT_CODES = "GB 32100"


class Registered(Event):
    """A merchant became known, under a name and, where there is one, an official identifier."""

    name = "merchant.registered"

    trade_name: ShortText
    identifier: Code | None = None
    register_name: ShortText | None = None
    precision: TimePrecision = TimePrecision.INSTANT


RegistrationEvent = Registered


def evolve(state: Merchant, event: RegistrationEvent) -> Merchant:
    return replace(state, status=Status.REGISTERED)


@action("merchant-registered-once", roles=tuple(Role), during=(Status.NONE,), to=Status.REGISTERED)
def register(
    state: Merchant,
    *,
    at: datetime,
    by: Actor,
    trade_name: ShortText,
    identifier: Code | None = None,
    register_name: ShortText | None = None,
    precision: TimePrecision = TimePrecision.INSTANT,
) -> list[RegistrationEvent]:
    """Make a merchant known to the ledger. A unified social credit code is checked (GB 32100)."""
    if identifier is not None and identifier.scheme == CREDIT_CODES and not valid_credit_code(identifier.value):
        raise InvalidInput(
            f"{identifier.value!r} is not a unified social credit code",
            hint="it has 18 digits and capitals, and the last checks the others (GB 32100); look at the licence",
        )
    return [
        Registered(
            occurred_at=at,
            actor=by,
            trade_name=trade_name,
            identifier=identifier,
            register_name=register_name,
            precision=precision,
        )
    ]
