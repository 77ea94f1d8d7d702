"""What is sent for an operation, made from the signature of its decision: a new action needs nothing here.

The body of a request and the NAME=VALUE of the command line are the same model. The domain's types say what an argument
may be; what the program itself adds is left out.
"""

from __future__ import annotations

import json
import types
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from inspect import Parameter, getdoc, signature
from typing import Annotated, Any, Union, cast, get_args, get_origin, get_type_hints

from pydantic import BaseModel, Field, Strict, ValidationError, create_model

from api import operations
from api.bodies import Command, Day, Time
from api.examples import example_for, plain_type
from api.operations import invalid
from domain.action import Action
from domain.complaint.action import CONSUMER_SIDE
from domain.errors import InvalidInput
from domain.streams import KINDS, kind_of
from domain.values import (
    Code,
    Instant,
    Money,
    Origin,
    Role,
    ShortText,
    format_instant,
    parse_instant,
)

#: What the program adds to what was sent, or what a register of origin alone can say.
_NOT_SENT = frozenset(
    {
        "at",
        "by",
        "book",
        "candidates",
        "grieved",
        "merchant",
        "order",
        "origin",
        "own_id",
        "platform",
        "precision",
        "register_name",
        "stated",
        "subject",
        "target_state",
        "traced",
    }
)
#: Sent in place of an argument that the program looks up: the field, its type, and what need not be sent then.
_BY_REFERENCE: dict[str, tuple[str, Any, str]] = {"file": ("order_reference", ShortText | None, "product")}

#: Paths that are words of their own; the others are ``actions/<name>``.
_PATHS = {
    "route": "routing",
    "answer": "answer",
    "resolve": "resolution",
    "close": "closing",
    "dispute": "dispute",
    "withdraw": "withdrawal",
    "reopen": "reopening",
}

#: For whom an operation is, by the roles that may carry it out.
AUDIENCES: dict[str, tuple[str, frozenset[Role]]] = {
    "consumer": ("Consumers, their agents and lawyers, and who reports.", CONSUMER_SIDE | {Role.WHISTLE_BLOWER}),
    "merchant": ("Merchants, and payment providers.", frozenset({Role.MERCHANT, Role.PAYMENT_PROVIDER})),
    "platform": ("Platforms, on which merchants sell.", frozenset({Role.PLATFORM})),
    "mediator": ("Mediators and adjudicators.", frozenset({Role.MEDIATOR, Role.ADJUDICATOR})),
    "regulator": ("Offices of the authority.", frozenset({Role.REGULATOR, Role.APPEAL_REVIEWER})),
    "auditor": ("Auditors and analysts.", frozenset({Role.AUDITOR, Role.ANALYST})),
    "rulebook editor": ("Who publishes the rules.", frozenset({Role.RULEBOOK_EDITOR})),
    "service": ("Services of other organisations and partners.", frozenset({Role.SERVICE, Role.PARTNER})),
}

#: Descriptions by the name of the argument, or of operation and argument.
_ABOUT = {
    "scheme": "Code list of product and issue.",
    "order_reference": "Of the payment order: what the order source knows of it is filled in.",
    "item": "Of the terms, counted from 0.",
    "number": "Of the suggestion, counted from 0.",
    "side": "For which party a service acts; the others leave it out.",
    "confidence": "Of the software, in permille.",
    "report": "SHA-256 of the report.",
    "announce_rule.text": "SHA-256 of the text of the rule.",
    "impose.platform_id": "Once more who imposes it, where that is a platform.",
    "complaints": "Ids of those that it rests on.",
    "violation": "A code of the list `violation`.",
    "stage": "A code of the list `product-stage`.",
    "first": "The first day.",
    "last": "The last day, which is included.",
    "notice": "Number of the notice that it answers.",
}


def path_of(name: str) -> str:
    """Return the path of an action, below that of its stream."""
    return _PATHS.get(name) or f"actions/{name.replace('_', '-')}"


def summary_of(action: Action) -> tuple[str, str]:
    """Return the first sentence of what an action is, and the rest."""
    first, _, rest = (getdoc(action.decide) or "").partition("\n")
    return first.rstrip("."), rest.strip()


def audiences_of(action: Action) -> list[str]:
    """Return the audiences of an action; what only services may do is for those."""
    return [audience for audience, (_, theirs) in AUDIENCES.items() if theirs & action.roles] or ["service"]


def names_of(body: type[Command]) -> tuple[list[str], list[str]]:
    """Return the names of the arguments, needed ones first, and which of them are needed."""
    fields = {name: field for name, field in body.model_fields.items() if name != "at"}
    required = [name for name, field in fields.items() if field.is_required()]
    return required + [name for name in fields if name not in required], required


@cache
def body_of(stream_kind: str | None, name: str) -> type[Command]:
    """Make the model of what is sent for an operation on streams of a kind (None: that begins one)."""
    action = operations.CREATING[name][1] if stream_kind is None else KINDS[stream_kind].actions[name]
    decide = action.decide
    hints = get_type_hints(decide, include_extras=True)
    reference, reference_type, replaced = _BY_REFERENCE.get(name, ("", None, ""))
    fields: dict[str, Any] = {}
    for parameter in signature(decide).parameters.values():
        if parameter.kind is not Parameter.KEYWORD_ONLY or parameter.name in _NOT_SENT:
            continue
        hint, default = _sent(hints[parameter.name]), parameter.default
        if parameter.name == replaced:
            hint, default = hint | None, None
        fields[parameter.name] = (hint, _field(name, parameter.name, hint, default))
    if reference:
        fields[reference] = (reference_type, _field(name, reference, reference_type, None))
    title = "".join(word.capitalize() for word in name.split("_"))
    return cast(type[Command], create_model(title, __base__=Command, __doc__=summary_of(action)[0] + ".", **fields))


def read_arguments(
    body: type[Command], given: Sequence[str], command: str, options: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Read NAME=VALUE arguments of a command line, beside those that have options; raises InvalidInput.

    Money is written 12.50 or 12.50:USD, a code SCHEME:VALUE, a truth true or false; what is nested as JSON, with money
    as text.
    """
    allowed, needed = names_of(body)
    values: dict[str, Any] = dict(options or {})
    takes = f"it takes: {', '.join(allowed) or 'nothing'}"
    for one in given:
        name, equals, text = one.partition("=")
        if not equals:
            raise InvalidInput(f"{one!r} is not NAME=VALUE", hint=takes)
        if name not in allowed:
            raise InvalidInput(f"{command} takes no {name!r}", hint=takes)
        if name in values:
            raise InvalidInput(f"{name} is given twice", hint="give it once")
        values[name] = _from_text(name, body.model_fields[name].annotation, text)
    if missing := [name for name in needed if name not in values]:
        raise InvalidInput(f"{command} needs {', '.join(f'{name}=…' for name in missing)}", hint=takes)
    return arguments_of(checked(body, values))


def checked(body: type[Command], values: Mapping[str, Any]) -> Command:
    """Make the body of what was given; raises InvalidInput."""
    try:
        return body.model_validate(values)
    except ValidationError as error:
        raise invalid(error) from None


def arguments_of(body: Command) -> dict[str, Any]:
    """Return what was sent, without ``at``."""
    given = [name for name in type(body).model_fields if name in body.model_fields_set and name != "at"]
    return {name: value for name in given if (value := getattr(body, name)) is not None}


def body_on(stream: str, name: str) -> type[Command]:
    """Return the model of what is sent for an operation on a stream; raises InvalidInput for an unknown one."""
    operations.operation_on(stream, name)
    return body_of(kind_of(stream).prefix, name)


def _field(operation: str, name: str, hint: Any, default: Any) -> Any:
    example = example_for(operation, name, hint, needed=default is Parameter.empty)
    return Field(
        ... if default is Parameter.empty else default,
        description=_ABOUT.get(f"{operation}.{name}", _ABOUT.get(name)),
        examples=None if example is None else [example],
    )


def _sent(hint: Any) -> Any:
    """Return the type of an argument as it may be sent: no number for a time or day, no text for a number or truth."""
    if hint == Instant:
        return Time
    if get_origin(hint) in (Union, types.UnionType):
        return Union[tuple(_sent(one) for one in get_args(hint))]  # noqa: UP007
    if get_origin(hint) is tuple:
        return tuple[tuple(one if one is ... else _sent(one) for one in get_args(hint))]  # type: ignore[misc]
    if hint is date:
        return Day
    if plain_type(hint) in (int, bool):
        return Annotated[hint, Strict()]
    return hint


def _from_text(name: str, hint: Any, text: str) -> Any:
    plain = plain_type(hint)
    if text.startswith(("{", "[")):
        try:
            return _money_in(plain, json.loads(text, parse_float=str))
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"{name} is not JSON: {error}", hint="correct it at that place") from None
    if plain is plain_type(Time):
        return format_instant(parse_instant(text))
    if get_origin(plain) is tuple:
        return [_from_text(name, get_args(plain)[0], text)]
    if not isinstance(plain, type):
        return text
    if issubclass(plain, Money):
        amount, _, currency = text.partition(":")
        return Money.parse(amount, currency or "CNY")
    if issubclass(plain, Code | Origin):
        first, colon, second = text.partition(":")
        if not (colon and first and second):
            raise InvalidInput(f"{name} is {text!r}, not SCHEME:VALUE", hint="write it as in GB/T 2260:330106")
        return dict(zip(plain.model_fields, (first, second), strict=True))
    if issubclass(plain, BaseModel):
        example = json.dumps(example_for("", name, plain, needed=True))
        raise InvalidInput(f"{name} is {text!r}, not JSON", hint=f"write it as in {example}")
    if issubclass(plain, bool):
        if text not in ("true", "false"):
            raise InvalidInput(f"{name} is {text!r}", hint="write true or false")
        return text == "true"
    if issubclass(plain, int):
        if not (text.isascii() and text.isdigit() and len(text) < 20):
            raise InvalidInput(f"{name} is {text!r}", hint="write a whole number")
        return int(text)
    return text


def _money_in(plain: Any, value: Any) -> Any:
    """Return JSON with the money that is written as text in it made into what the model takes."""
    if get_origin(plain) is tuple and isinstance(value, list):
        return [_money_in(plain_type(get_args(plain)[0]), one) for one in value]
    if isinstance(plain, type) and issubclass(plain, Money) and isinstance(value, str):
        return _from_text("amount", plain, value)
    if isinstance(plain, type) and issubclass(plain, BaseModel) and isinstance(value, dict):
        return {
            name: _money_in(plain_type(plain.model_fields[name].annotation), one) if name in plain.model_fields else one
            for name, one in value.items()
        }
    return value
