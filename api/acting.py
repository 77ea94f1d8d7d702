"""Commands that act: filing, registering, actions on complaints; and what the other commands that act share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.table import Table

from adapters.cfpb_import import IMPORTER, REGISTER
from adapters.execute import Result, command
from adapters.orders import open_orders
from adapters.rulebook import RulebookReader
from api import operations, render
from api.arguments import body_of, body_on, read_arguments
from api.representation import next_actions
from api.running import running
from api.settings import Settings, load_settings
from domain.errors import InvalidInput, UnknownStream
from domain.kind import Kind
from domain.streams import (
    COMPLAINT,
    OFFICE,
    kind_of,
)
from domain.values import Actor, Channel, Code, Money, Role, parse_instant

CLI_ACTOR = "9a1d3c52-0b4e-4f0e-8a63-5d2f7c9e1b20"

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ComplaintId = Annotated[
    str, typer.Argument(help="complaint-<uuid>, the bare uuid, or REGISTER:REFERENCE such as cfpb:1114245.")
]
At = Annotated[str | None, typer.Option(help="When it happened, with zone: 2026-01-31T09:30:00+08:00. Default: now.")]
Key = Annotated[str | None, typer.Option(help="Idempotency key: the same command under the same key runs once.")]
As = Annotated[Role, typer.Option("--as", help="The role in which you act.")]
ActorId = Annotated[str, typer.Option("--actor", help="Random id of who acts.")]
Expected = Annotated[
    int | None, typer.Option("--expected-version", min=1, help="Refuse if it is at another version by now.")
]
KnownAt = Annotated[str | None, typer.Option("--at", help="As it was known at this time, with zone.")]
Version = Annotated[int | None, typer.Option("--version", min=1, help="Up to this version.")]
Given = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME=VALUE]...",
        help="Its arguments. Money as 12.50 or 12.50:USD, codes as SCHEME:VALUE, times with zone, days as 2026-01-31, "
        "lists of several and nested ones as JSON.",
    ),
]


def names_in(kind: Kind) -> str:
    """Return the names of the actions on a kind of stream, for the help."""
    return ", ".join(kind.actions)


def file(
    channel: Annotated[Channel, typer.Option(help="The door through which it came in.")],
    more: Given = None,
    product: Annotated[str | None, typer.Option(help="Product or service; needed without --order.")] = None,
    order: Annotated[str | None, typer.Option(help="Reference of the payment order; it fills in the rest.")] = None,
    consumer: Annotated[
        str | None, typer.Option(help="Random id of the consumer (a uuid). Default: a new one.")
    ] = None,
    scheme: Annotated[str, typer.Option(help="Code list of product and issue.")] = "free",
    issue: Annotated[str | None, typer.Option(help="What is wrong.")] = None,
    region: Annotated[str | None, typer.Option(help="Region as SCHEME:VALUE, such as GB/T 2260:330106.")] = None,
    claim: Annotated[str | None, typer.Option(help="Amount in dispute, such as 12.50.")] = None,
    currency: Annotated[str, typer.Option(help="ISO 4217 currency.")] = "CNY",
    narrative: Annotated[str | None, typer.Option(help="What happened, in the consumer's words.")] = None,
    at: At = None,
    key: Key = None,
    role: As = Role.CONSUMER,
    actor: ActorId = CLI_ACTOR,
    as_json: Json = False,
) -> None:
    """File a complaint, or with kind=report, kind=consultation or kind=suggestion another request; prints its id."""
    # The same key must give the same command, and so the same new consumer.
    new_consumer = command(load_settings().key(), actor, "new consumer", key, {}).new_id
    named = {
        "consumer_id": actor_id(consumer or new_consumer),
        "channel": channel,
        "scheme": scheme,
        "product": product,
        "order_reference": order,
        "issue": issue,
        "region": code(region),
        "claim": None if claim is None else Money.parse(claim, currency),
        "narrative": narrative,
    }
    arguments = {name: value for name, value in named.items() if value is not None}
    arguments = read_arguments(body_of(None, "file"), more or (), "file", arguments)
    perform("file", None, arguments, Actor(actor_id(actor), role), at, key, None, as_json)


def act(
    complaint: ComplaintId,
    action: Annotated[str, typer.Argument(help=f"What to do: {names_in(COMPLAINT)}.")],
    given: Given = None,
    at: At = None,
    expected: Expected = None,
    key: Key = None,
    role: As = Role.REGULATOR,
    actor: ActorId = CLI_ACTOR,
    as_json: Json = False,
) -> None:
    """Act on a complaint. `complaints actions` tells what is legal now, and its arguments."""
    stream = complaint_id(load_settings(), complaint)
    act_on(stream, action, given, Actor(actor_id(actor), role), at, key, expected, as_json)


def actions(complaint: ComplaintId, role: As = Role.REGULATOR, as_json: Json = False) -> None:
    """List what somebody in a role may do with a complaint now, with the arguments."""
    print_next(complaint_id(load_settings(), complaint), role, as_json)


def register(
    name: Annotated[str, typer.Argument(help="Name that the merchant trades under.")],
    identifier: Annotated[str | None, typer.Option(help="Official identifier as SCHEME:VALUE.")] = None,
    key: Key = None,
    actor: ActorId = CLI_ACTOR,
    as_json: Json = False,
) -> None:
    """Register a merchant; prints its id."""
    arguments = {"trade_name": name, "identifier": code(identifier)}
    perform("register", None, arguments, Actor(actor_id(actor), Role.SERVICE), None, key, None, as_json)


def perform(
    operation: str,
    stream: str | None,
    arguments: dict[str, Any],
    by: Actor,
    at: str | None,
    key: str | None,
    expected: int | None,
    as_json: bool,
) -> None:
    """Carry out an operation and print what it did."""
    occurred_at = None if at is None else parse_instant(at)
    with running(load_settings(), render.say) as system:
        orders = None if system.settings.orders is None else open_orders(system.settings.orders)
        result: Result = operations.perform(
            system.ledger,
            system.settings.key(),
            operation,
            stream,
            arguments,
            by=by,
            now=datetime.now(UTC),
            book=RulebookReader(system.ledger).current(),
            orders=orders,
            at=occurred_at,
            key=key,
            expected=expected,
        )
    answer = {
        "id": result.stream,
        "version": result.version,
        "position": result.position,
        "events": [event.name for event in result.events],
        "repeated": result.repeated,
    }
    if as_json:
        render.print_json(answer)
    else:
        again = " (had been done before)" if result.repeated else ""
        render.out.print(
            f"{result.stream} version {result.version}: {', '.join(event.name for event in result.events)}{again}"
        )


def print_history(stream: str, named: str, at: str | None, version: int | None, as_json: bool) -> None:
    """Print the events of a stream, which somebody had ``named`` so; raises InvalidInput, UnknownStream."""
    if at is not None and version is not None:
        raise InvalidInput("--at and --version exclude each other", hint="give one of them")
    known_at = None if at is None else parse_instant(at)
    with running(load_settings(), render.say) as system:
        events = system.ledger.history(stream, version=version, known_at=known_at)
        if not events and not system.ledger.history(stream, version=1):
            raise UnknownStream(f"there is no {kind_of(stream).prefix} {named!r}", hint="check the id")
    if as_json:
        render.print_json(render.history_json(events))
    elif events:
        render.print_history(stream, events)
    else:
        render.out.print(f"{stream} was not known yet at {at}")


def complaint_id(settings: Settings, text: str) -> str:
    """Turn what a person writes into the id of a complaint; raises InvalidInput."""
    register, colon, reference = text.strip().partition(":")
    if colon and register.lower() == REGISTER:
        by_command = command(settings.key(), IMPORTER.id, "import cfpb", reference, {})
        return f"{COMPLAINT.prefix}-{by_command.new_id}"
    return stream_id(COMPLAINT, text, f"complaint-<uuid>, the bare uuid, or {REGISTER}:<its number there>")


def code(text: str | None) -> Code | None:
    """Read SCHEME:VALUE; raises InvalidInput."""
    if text is None:
        return None
    scheme, colon, value = text.partition(":")
    if not (colon and scheme and value):
        raise InvalidInput(f"{text!r} is not SCHEME:VALUE", hint="write it as in GB/T 2260:330106")
    if max(len(scheme), len(value)) > 500:
        raise InvalidInput(f"{text[:40]!r}… is too long", hint="scheme and value have at most 500 characters each")
    return Code(scheme=scheme, value=value)


def act_on(
    stream: str,
    action: str,
    given: Iterable[str] | None,
    by: Actor,
    at: str | None,
    key: str | None,
    expected: int | None,
    as_json: bool,
) -> None:
    """Carry out an action on a stream as it was written, and print what it did."""
    name = action.replace("-", "_")
    arguments = read_arguments(body_on(stream, name), list(given or ()), name)
    perform(name, stream, arguments, by, at, key, expected, as_json)


def print_next(stream: str, role: Role, as_json: bool) -> None:
    """Print what somebody in a role may do with a stream now."""
    with running(load_settings(), render.say) as system:
        history = system.ledger.history(stream)
        if not history:
            raise UnknownStream(f"there is no {stream}", hint="check the id")
        state = kind_of(stream).fold(recorded.event for recorded in history)
        book = RulebookReader(system.ledger).current()
        found = next_actions(stream, state, at=datetime.now(UTC), by=Actor(CLI_ACTOR, role), book=book)
    if as_json:
        render.print_json([one.model_dump() for one in found])
        return
    table = Table(title=f"{stream} is {state.status}; a {role} may", title_justify="left")
    for column in ("action", "arguments", "what it does"):
        table.add_column(column, overflow="fold")
    for one in found:
        table.add_row(one.name, render.clean(told(one.arguments, one.required)), render.clean(one.summary))
    render.out.print(table)


def told(arguments: list[str], required: list[str]) -> str:
    """Tell arguments; what need not be given is in brackets."""
    return " ".join(f"{one}=" if one in required else f"[{one}=]" for one in arguments)


def stream_id(kind: Kind, text: str, forms: str = "") -> str:
    """Turn what a person writes into the id of a stream; raises InvalidInput."""
    bare = text.strip().removeprefix(f"{kind.prefix}-")
    try:
        return f"{kind.prefix}-{UUID(bare)}"
    except ValueError:
        article = "an" if kind is OFFICE else "a"
        raise InvalidInput(
            f"{text!r} does not name {article} {kind.prefix}",
            hint=f"write {forms or f'{kind.prefix}-<uuid> or the bare uuid'}",
        ) from None


def actor_id(text: str) -> str:
    """Read the id of who acts; raises InvalidInput."""
    try:
        return str(UUID(text))
    except ValueError:
        raise InvalidInput(f"{text!r} is not an id", hint="ids end in a uuid, 8-4-4-4-12 hexadecimal digits") from None
