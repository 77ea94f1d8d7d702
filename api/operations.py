"""The operations that people and services carry out, and the decision behind each. HTTP and command line share it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from inspect import signature
from typing import Any

from pydantic import BaseModel, ValidationError

from adapters.execute import Ledger, Result, command
from api import logs
from domain.complaint import decisions
from domain.errors import InvalidInput
from domain.merchant import decisions as merchant_decisions
from domain.streams import COMPLAINT, MERCHANT, Kind
from domain.values import Actor, format_instant

#: Clocks differ; an event may seem to come from the future by as much.
CLOCK_SKEW = timedelta(minutes=5)

#: Operations that begin a stream, and those on a complaint that exists.
CREATING: dict[str, tuple[Kind, Callable[..., Any]]] = {
    "file": (COMPLAINT, decisions.file),
    "register": (MERCHANT, merchant_decisions.register),
}
ACTIONS: dict[str, Callable[..., Any]] = {
    "route": decisions.route,
    "answer": decisions.answer,
    "resolve": decisions.resolve,
    "close": decisions.close,
    "dispute": decisions.dispute,
    "withdraw": decisions.withdraw,
    "reopen": decisions.reopen,
}


def perform(
    ledger: Ledger,
    service_key: bytes,
    operation: str,
    stream: str | None,
    arguments: Mapping[str, Any],
    *,
    by: Actor,
    now: datetime,
    at: datetime | None = None,
    key: str | None = None,
    expected: int | None = None,
) -> Result:
    """Carry out ``operation`` on ``stream`` (None: on a new one).

    ``at``: when it happened in the world (default: now). ``key``: the sender's idempotency key. ``expected``: the
    version of the stream that the sender saw. Raises the errors of domain.errors, LedgerUnavailable.
    """
    if at is not None and at > now + CLOCK_SKEW:
        raise InvalidInput(f"{format_instant(at)} is in the future", hint="give the time at which it happened")
    given = {name: value for name, value in arguments.items() if value is not None}
    body = {name: _plain(value) for name, value in given.items()}
    body |= {"stream": stream, "at": None if at is None else format_instant(at)}
    try:
        by_command = command(service_key, by.id, operation, key, body)
    except ValueError:
        raise InvalidInput("a text or the key is not valid UTF-8", hint="send UTF-8") from None
    merchant_id = given.get("merchant_id")
    if merchant_id is not None and not ledger.history(str(merchant_id), version=1):
        raise InvalidInput(f"there is no {merchant_id}", hint="register the merchant, or check the id")
    if stream is None:
        kind, decide = CREATING[operation]
        target = f"{kind.prefix}-{by_command.new_id}"
    else:
        decide, target = ACTIONS[operation], stream
    logs.note(command_id=by_command.id, stream=target)
    try:
        result = ledger.execute(
            target,
            lambda state: decide(state, at=at or now, by=by, **given),
            by_command,
            expected=expected,
            new=stream is None,
        )
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InvalidInput(f"{where} is {str(first.get('input'))[:100]!r}: {first['msg']}") from None
    logs.note(position=result.position, event_correlation_id=result.correlation_id)
    return result


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return format_instant(value) if isinstance(value, datetime) else value


def arguments_of(action: str) -> tuple[set[str], set[str]]:
    """Return the names of the arguments that an action may have, and of those that it must have."""
    parameters = signature(ACTIONS[action]).parameters.values()
    own = [p for p in parameters if p.kind is p.KEYWORD_ONLY and p.name not in ("at", "by", "stated", "precision")]
    return {p.name for p in own}, {p.name for p in own if p.default is p.empty}
