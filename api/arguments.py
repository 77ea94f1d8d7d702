"""What is sent for an operation, made from the signature of its decision: a new action needs nothing here.

The body of a request and the NAME=VALUE of the command line are the same model. The domain's types say what an argument
may be; what the program itself adds is left out.
"""

from __future__ import annotations

import json
import types
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import cache
from inspect import Parameter, getdoc, signature
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from pydantic import BaseModel, Field, Strict, ValidationError, create_model

from api import operations
from api.bodies import EARLIER, MERCHANT, OFFICE, Command, Time
from api.operations import invalid
from domain.action import Action
from domain.complaint.action import CONSUMER_SIDE, RESPONDENTS
from domain.complaint.jurisdiction import DivisionCode
from domain.errors import InvalidInput
from domain.streams import KINDS, kind_of
from domain.values import (
    Code,
    Instant,
    MerchantId,
    Money,
    OfficeId,
    Origin,
    RandomId,
    Role,
    ShortText,
    format_instant,
    parse_instant,
)

#: What the program adds to what was sent, or what a register of origin alone can say.
_NOT_SENT = frozenset(
    {"at", "by", "book", "merchant", "stated", "precision", "origin", "order", "candidates", "register_name"}
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
    "merchant": ("Merchants, platforms and payment providers.", RESPONDENTS),
    "mediator": ("Mediators and adjudicators.", frozenset({Role.MEDIATOR, Role.ADJUDICATOR})),
    "regulator": ("Offices of the authority.", frozenset({Role.REGULATOR, Role.APPEAL_REVIEWER})),
    "rulebook editor": ("Who publishes the rules.", frozenset({Role.RULEBOOK_EDITOR})),
    "service": ("Services of other organisations and partners.", frozenset({Role.SERVICE, Role.PARTNER})),
}

_ABOUT = {
    "scheme": "Code list of product and issue.",
    "order_reference": "Of the payment order: what the order source knows of it is filled in.",
    "item": "Of the terms, counted from 0.",
    "number": "Of the suggestion, counted from 0.",
    "side": "For which party a service acts; the others leave it out.",
    "confidence": "Of the software, in permille.",
    "report": "SHA-256 of the appraisal.",
}
_SUBJECT = "70b4ce15-138d-4df5-8005-9a022e761b8d"
_TERMS = [{"kind": "return"}, {"kind": "partial_refund", "amount": {"fen": 5000}}]
#: Examples by the name of the argument, or of operation and argument; the others follow from the type.
_EXAMPLES: dict[str, Any] = {
    "channel": "app",
    "file.product": "rice cooker",
    "scheme": "GB/T 36431",
    "issue": "does not heat",
    "region": {"scheme": "GB/T 2260", "value": "330106"},
    "claim": {"fen": 19900, "currency": "CNY"},
    "narrative": "The second one within a month.",
    "division": "330106",
    "shop": {"division": "330106"},
    "sale": {"delivered": "otherwise", "receipt_division": "330106"},
    "terms": _TERMS,
    "law": ["Consumer Protection Law, art. 24"],
    "items": ["the receipt"],
    "attempt": {"register_name": "12315", "reference": "4401"},
    "addressee": "Health Commission of Hangzhou",
    "partner": "Consumer Council, Hong Kong",
    "reference": "HK-2026-0042",
    "into": EARLIER,
    "answer.kind": "monetary_relief",
    "answer.text": "We return 50 yuan.",
    "resolve.basis": "agreement",
    "close.ground": "no_agreement",
    "refuse.ground": "not-competent",
    "end_mediation.ground": "no-agreement",
    "reason": "the money did not come",
    "withdraw.reason": "settled in the shop",
    "trade_name": "West Lake Appliances",
    "identifier": {"scheme": "GB 32100", "value": "91330106MA27XA1B2H"},
    "title": "Market Supervision of Xihu District",
    "level": "county",
    "superior": OFFICE,
    "batch": "2026-03",
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
    given = {name: getattr(body, name) for name in body.model_fields_set if name != "at"}
    return {name: value for name, value in given.items() if value is not None}


def body_on(stream: str, name: str) -> type[Command]:
    """Return the model of what is sent for an operation on a stream; raises InvalidInput for an unknown one."""
    operations.operation_on(stream, name)
    return body_of(kind_of(stream).prefix, name)


def _field(operation: str, name: str, hint: Any, default: Any) -> Any:
    example = _EXAMPLES.get(f"{operation}.{name}", _EXAMPLES.get(name))
    if example is None and default is Parameter.empty:
        example = _example(hint)
    return Field(
        ... if default is Parameter.empty else default,
        description=_ABOUT.get(name),
        examples=None if example is None else [example],
    )


def _sent(hint: Any) -> Any:
    """Return the type of an argument as it may be sent: no number for a time, no text for a number or a truth."""
    if hint == Instant:
        return Time
    if get_origin(hint) in (Union, types.UnionType):
        return Union[tuple(_sent(one) for one in get_args(hint))]  # noqa: UP007
    if _plain(hint) in (int, bool):
        return Annotated[hint, Strict()]
    return hint


def _plain(hint: Any) -> Any:
    """Return a type without None and annotations."""
    if get_origin(hint) is Annotated:
        return _plain(get_args(hint)[0])
    if get_origin(hint) in (Union, types.UnionType):
        return _plain(next(one for one in get_args(hint) if one is not type(None)))
    return hint


#: Named types of the domain, and what is one of them.
_OF_TYPE: tuple[tuple[Any, str], ...] = (
    (RandomId, _SUBJECT),
    (MerchantId, MERCHANT),
    (OfficeId, OFFICE),
    (DivisionCode, "330106"),
)


def _example(hint: Any) -> Any:
    """Return something that a type surely takes."""
    named = next((found for known, found in _OF_TYPE if known == hint), None)
    if named is not None:
        return named
    plain = _plain(hint)
    if plain is _plain(Time):
        return "2026-03-02T09:00:00+08:00"
    if get_origin(plain) is tuple:
        return [_example(get_args(plain)[0])]
    if get_origin(plain) is Literal:
        return get_args(plain)[0]
    if isinstance(plain, type):
        if issubclass(plain, Enum):
            return next(iter(plain)).value
        if issubclass(plain, BaseModel):
            needed = {name: field for name, field in plain.model_fields.items() if field.is_required()}
            return {name: _example(field.annotation) for name, field in needed.items()}
        if issubclass(plain, bool):
            return True
        if issubclass(plain, int):
            return 1
    return "as agreed by telephone"


def _from_text(name: str, hint: Any, text: str) -> Any:
    plain = _plain(hint)
    if text.startswith(("{", "[")):
        try:
            return _money_in(plain, json.loads(text, parse_float=str))
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"{name} is not JSON: {error}", hint="correct it at that place") from None
    if plain is _plain(Time):
        return format_instant(parse_instant(text))
    if get_origin(plain) is tuple:
        return [text]
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
        raise InvalidInput(f"{name} is {text!r}, not JSON", hint="write it as in " + json.dumps(_EXAMPLES.get(name)))
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
        return [_money_in(_plain(get_args(plain)[0]), one) for one in value]
    if isinstance(plain, type) and issubclass(plain, Money) and isinstance(value, str):
        return _from_text("amount", plain, value)
    if isinstance(plain, type) and issubclass(plain, BaseModel) and isinstance(value, dict):
        return {
            name: _money_in(_plain(plain.model_fields[name].annotation), one) if name in plain.model_fields else one
            for name, one in value.items()
        }
    return value
