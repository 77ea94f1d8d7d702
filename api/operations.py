"""The operations that people and services carry out, and what the program adds. HTTP and command line share it."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from inspect import signature
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python

from adapters import queries
from adapters.database import Pool
from adapters.execute import Ledger, Result, command
from adapters.orders import OrderSource
from adapters.rulebook import Publication, publish_all, stream_of
from api import logs
from domain.action import Action
from domain.complaint import filing
from domain.complaint.state import Complaint, Status
from domain.errors import InvalidInput, RuleViolation
from domain.event import Event
from domain.grievance.state import GrievanceId, grieved
from domain.kind import Kind
from domain.measure.state import Imposer, Target
from domain.office.state import Office
from domain.rulebook.book import Rulebook
from domain.streams import COMPLAINT, GRIEVANCE, KINDS, OFFICE, SUBJECT, kind_of
from domain.tracing import Traced, traced
from domain.values import (
    Actor,
    Code,
    ComplaintId,
    FundId,
    MeasureId,
    MerchantId,
    OfficeId,
    PlatformId,
    Role,
    StreamId,
    format_instant,
)

#: Clocks differ; an event may seem to come from the future by as much.
CLOCK_SKEW = timedelta(minutes=5)
#: Who may record what happened before now: what came on paper, by phone, or from another system.
RECORDING = frozenset({Role.REGULATOR, Role.MEDIATOR, Role.ADJUDICATOR, Role.PARTNER, Role.SERVICE})

#: Actions that begin a stream, by name.
CREATING: dict[str, tuple[Kind, Action]] = {
    kind.begin.name: (kind, kind.begin) for kind in KINDS.values() if kind.begin is not None
}
#: Kinds whose streams have the id of whom they are about: the argument that says it when one begins.
_NAMED_AFTER = {SUBJECT.prefix: "consumer_id"}
#: Types of arguments, and of what is in them, that name a stream, which has to exist.
STREAM_IDS = (
    ComplaintId,
    MerchantId,
    OfficeId,
    PlatformId,
    MeasureId,
    FundId,
    GrievanceId,
    StreamId,
    Target,
    Imposer,
)
#: What to do if it does not.
_ABSENT = {
    "merchant": "register the merchant first, or check the id",
    "office": "establish the office first, or check the id",
    "platform": "admit the platform first, or check the id",
    "fund": "open the fund first, or check the id",
}
#: Arguments that are the state of a stream: of which kind, and the argument that names it.
_STATE_OF = {"merchant": ("merchant", "merchant_id"), "platform": ("platform", "platform_id")}


def perform(
    ledger: Ledger,
    service_key: bytes,
    operation: str,
    stream: str | None,
    arguments: Mapping[str, Any],
    *,
    by: Actor,
    now: datetime,
    book: Rulebook,
    orders: OrderSource | None = None,
    at: datetime | None = None,
    key: str | None = None,
    expected: int | None = None,
) -> Result:
    """Carry out ``operation`` on ``stream`` (None: on a new one), under the rulebook as it is now.

    ``orders`` is where a payment order is looked up by its reference. ``at``: when it happened in the world (default:
    now). ``key``: the sender's idempotency key. ``expected``: the version of the stream that the sender saw. Raises the
    errors of domain.errors, LedgerUnavailable, OrdersUnavailable.
    """
    kind, action = operation_on(stream, operation)
    given = {name: value for name, value in arguments.items() if value is not None}
    try:
        body = {**to_jsonable_python(given), "stream": stream, "at": None if at is None else format_instant(at)}
        by_command = command(service_key, by.id, operation, key, body)
    except ValueError:
        raise InvalidInput("a text or the key is not valid UTF-8", hint="send UTF-8") from None
    if stream is None:
        own = given[_NAMED_AFTER[kind.prefix]] if kind.prefix in _NAMED_AFTER else by_command.new_id
        target = f"{kind.prefix}-{own}"
    else:
        target = stream
    logs.note(command_id=by_command.id, stream=target)

    def decided(state: Any) -> Sequence[Event]:
        # Looked up only now: a command that is repeated needs none of it, and it may be gone by then.
        when = now if at is None else _when(at, by, now)
        whole = _complete(ledger, orders, action, target, state, given)
        return kind.act(action, state, at=when, by=by, book=book, **whole)

    try:
        result = ledger.execute(target, decided, by_command, expected=expected, new=stream is None)
    except ValidationError as error:
        raise invalid(error) from None
    logs.note(position=result.position, event_correlation_id=result.correlation_id)
    return result


def _when(at: datetime, by: Actor, now: datetime) -> datetime:
    """Return when it happened in the world; raises InvalidInput, RuleViolation for what the sender may not say."""
    if at > now + CLOCK_SKEW:
        raise InvalidInput(f"{format_instant(at)} is in the future", hint="give the time at which it happened")
    if at < now - CLOCK_SKEW and by.role not in RECORDING:
        raise RuleViolation(
            "past-recorded-by-officials",
            f"a {by.role} acts now, and cannot say that it was {format_instant(at)}",
            hint="leave out the time; an office or a service records what happened on paper",
        )
    # Nothing is to fall due by a clock that is fast.
    return min(at, now)


def operation_on(stream: str | None, name: str) -> tuple[Kind, Action]:
    """Return what ``name`` is on a stream (None: on a new one), and the kind of it; raises InvalidInput."""
    if stream is None:
        return CREATING[name]
    kind = kind_of(stream)
    if name not in kind.actions:
        raise InvalidInput(
            f"{name!r} is nothing that can be done with a {kind.prefix}",
            hint=f"it is one of: {', '.join(kind.actions) or 'nothing'}",
        )
    return kind, kind.actions[name]


def stream_for(publications: Sequence[Publication], what: str = "this") -> str:
    """Return the stream of the rulebook that ``what`` publishes into; raises InvalidInput unless it is one."""
    streams = sorted({stream_of(one.part) for one in publications})
    if len(streams) != 1:
        raise InvalidInput(
            f"{what} publishes into {' and '.join(streams) or 'nothing'}",
            hint="give what belongs to one part of the rulebook, which is then published as a whole",
        )
    return streams[0]


def publish(
    ledger: Ledger,
    service_key: bytes,
    publications: Sequence[Publication],
    *,
    by: Actor,
    now: datetime,
    key: str | None = None,
) -> Result:
    """Publish rules of one part of the rulebook: all of them, or none.

    Raises InvalidInput, RuleViolation, ReusedKey, LedgerUnavailable.
    """
    stream = stream_for(publications)
    body = {"publications": [[one.kind, one.edition, one.content.model_dump(mode="json")] for one in publications]}
    by_command = command(service_key, by.id, f"publish {stream}", key, body)
    logs.note(command_id=by_command.id, stream=stream)
    result = ledger.execute(stream, lambda book: list(publish_all(book, publications, now, by)), by_command, new=True)
    logs.note(position=result.position, event_correlation_id=result.correlation_id)
    return result


def invalid(error: ValidationError) -> InvalidInput:
    """Make an error of ours of one that a model found: what is wrong, and where."""
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"]))
    if first["type"] == "missing":
        return InvalidInput(f"{where} is missing", hint="give it")
    if first["type"] == "string_unicode":
        return InvalidInput(f"{where} is not valid UTF-8", hint="send UTF-8")
    what = first["msg"].removeprefix("Value error, ")
    return InvalidInput(f"{where} is {str(first.get('input'))[:100]!r}: {what}")


def workload(pool: Pool, office: Office) -> Sequence[Any]:
    """Return the mediators of an office, each with the number of open cases that the read models know of."""
    return office.candidates(queries.mediator_loads(pool, list(office.mediators)))


def _complete(
    ledger: Ledger, orders: OrderSource | None, action: Action, stream: str, state: Any, given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the arguments with what the program knows: the order, what other streams are at, the mediators."""
    whole = dict(given)
    wanted = signature(action.decide).parameters
    # What stands behind complaints is read as a whole.
    read = {"complaints"} if "traced" in wanted else set()
    named = _check_named(ledger, action, {name: value for name, value in given.items() if name not in read})
    if {"office_id", "division"} <= whole.keys():
        _check_division(ledger, whole["office_id"], whole["division"])
    for argument, (prefix, naming) in _STATE_OF.items():
        if argument in wanted and naming in whole:
            whole[argument] = _state(ledger, KINDS[prefix], whole[naming])
    if "traced" in wanted:
        if "complaints" not in whole:
            # Those that are named within other arguments.
            whole["complaints"] = tuple(one for one in named if one.startswith(f"{COMPLAINT.prefix}-"))
        whole["traced"] = _traced(ledger, whole["complaints"])
    if "grieved" in wanted:
        whole["grieved"] = tuple(grieved(one, _state(ledger, GRIEVANCE, one)) for one in whole.get("grievances", ()))
    if "target_state" in wanted:
        whole["target_state"] = _state(ledger, kind_of(whole["target"]), whole["target"])
    if "own_id" in wanted:
        whole["own_id"] = stream
    if "subject" in wanted:
        whole["subject"] = _state(ledger, SUBJECT, f"{SUBJECT.prefix}-{state.consumer_id}")
    match action.name:
        case "file":
            if (reference := whole.pop("order_reference", None)) is not None:
                whole = _from_order(orders, reference) | whole
            if "product" not in whole:
                raise InvalidInput("product is missing", hint="give it, or an order_reference whose order tells it")
        case "merge":
            _check_goes_on(ledger, stream, whole["into"])
        case "supervise":
            _check_superior(ledger, state.office_id, whole["office_id"])
        case "assign_mediator":
            whole |= _mediators(ledger, stream, state)
            if "product" in given:
                whole["product"] = given["product"]
    return whole


@cache
def _hints(of: Any) -> dict[str, Any]:
    return get_type_hints(of, include_extras=True)


def _named(hint: Any, value: Any) -> Iterator[str]:
    """Find the ids of streams in an argument, by its type."""
    if hint in STREAM_IDS:
        yield value
    elif get_origin(hint) in (Union, types.UnionType):
        yield from _named(next(one for one in get_args(hint) if one is not type(None)), value)
    elif isinstance(value, BaseModel):
        for name, own in _hints(type(value)).items():
            if getattr(value, name, None) is not None:
                yield from _named(own, getattr(value, name))
    elif isinstance(value, tuple):
        (of, *_) = get_args(get_args(hint)[0] if get_origin(hint) is Annotated else hint)
        for one in value:
            yield from _named(of, one)


def _check_named(ledger: Ledger, action: Action, given: Mapping[str, Any]) -> list[str]:
    """Return the streams that arguments name; raises InvalidInput for one that is not there.

    What follows from an event that names it would wait for ever.
    """
    hints = _hints(action.decide)
    found = (stream for name, value in given.items() if name in hints for stream in _named(hints[name], value))
    named = list(dict.fromkeys(found))
    for stream in named:
        if not ledger.history(stream, version=1):
            hint = _ABSENT.get(stream.partition("-")[0], "check the id")
            raise InvalidInput(f"there is no {stream}", hint=hint)
    return named


def _state(ledger: Ledger, kind: Kind, stream: str) -> Any:
    return kind.fold(recorded.event for recorded in ledger.history(stream))


def _traced(ledger: Ledger, complaints: Sequence[str]) -> tuple[Traced, ...]:
    """Return what stands behind the complaints that are named; raises InvalidInput for one that is not there."""
    histories = ledger.histories(complaints)
    if missing := [complaint for complaint in complaints if complaint not in histories]:
        raise InvalidInput(f"there is no {missing[0]}", hint="check the id")
    return tuple(
        traced(complaint, COMPLAINT.fold(recorded.event for recorded in histories[complaint]))
        for complaint in complaints
    )


def _check_goes_on(ledger: Ledger, stream: str, into: str) -> None:
    if into == stream:
        raise InvalidInput("a request cannot be merged into itself", hint="name the earlier one")
    status = _state(ledger, COMPLAINT, into).status
    if status is Status.NONE:
        raise InvalidInput(f"there is no {into}", hint="check the id")
    if status is Status.MERGED:
        raise InvalidInput(f"{into} was itself merged into another", hint="name the one that goes on")


def _check_division(ledger: Ledger, office_id: str, division: str) -> None:
    (established, *_) = ledger.history(office_id, version=1)
    own = getattr(established.event, "division", division)
    if own != division:
        raise InvalidInput(f"{office_id} is the office of {own}, not of {division}", hint="check office and division")


def _check_superior(ledger: Ledger, office_id: str, superior: str) -> None:
    """Raise RuleViolation for an office that does not stand above the one that has the case."""
    above, at = set[str](), office_id
    while at and at not in above:
        above.add(at)
        (established, *_) = ledger.history(at, version=1) or (None,)
        at = getattr(established.event, "superior", None) or "" if established is not None else ""
    if office_id and superior not in above:
        raise RuleViolation(
            "supervise-from-above",
            f"{superior} does not stand above {office_id}",
            hint="name an office above the one that has the case",
        )


def _from_order(orders: OrderSource | None, reference: str) -> dict[str, Any]:
    if orders is None:
        raise InvalidInput(
            "there is no order source in which to look up the order",
            hint="set COMPLAINTS_ORDERS, or leave out the order's reference",
        )
    found = orders.find(reference)
    if found is None:
        raise InvalidInput(f"the order source knows no order {reference!r}", hint="check the reference")
    facts: dict[str, Any] = {"order": found.order}
    if found.product is not None:
        facts["product"] = found.product
    if found.region is not None:
        facts["region"] = Code(scheme=filing.DIVISIONS, value=found.region)
    return facts


def _mediators(ledger: Ledger, stream: str, state: Complaint) -> dict[str, Any]:
    history = ledger.history(state.office_id) if state.office_id else []
    office: Office = OFFICE.fold(recorded.event for recorded in history)
    filed = ledger.history(stream, version=1)
    product = next((r.event.product for r in filed if isinstance(r.event, filing.Filed)), None)
    return {"candidates": tuple(workload(ledger.recorder.pool, office)), "product": product}
