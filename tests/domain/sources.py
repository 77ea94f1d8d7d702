"""What the code of the procedures says of itself: the events that a decision can make, and how that is written down."""

from __future__ import annotations

import dis
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from inspect import getdoc
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from domain.action import Action, actions_of
from domain.complaint.action import CONSUMER_SIDE, MERCHANT_SIDE
from domain.event import Event
from domain.values import Role

ROOT = Path(__file__).resolve().parents[2]
AGAIN = "python -m tests.domain.procedures"


def events_of(decide: Action | Callable[..., Any]) -> list[type[Event]]:
    """The events that a decision, or what it calls, can make, in the order in which its code names them."""
    function = decide.decide if isinstance(decide, Action) else decide
    found = (one for each in reached(function) for one in named(each))
    return list(dict.fromkeys(one for one in found if isinstance(one, type) and issubclass(one, Event)))


def reached(function: Callable[..., Any], seen: set[Any] | None = None) -> Iterator[Any]:
    """A function and the functions of the domain that it calls."""
    seen = set() if seen is None else seen
    seen.add(function)
    yield function
    for found in named(function):
        if isinstance(found, FunctionType) and found.__module__.startswith("domain.") and found not in seen:
            yield from reached(found, seen)


def named(function: Callable[..., Any]) -> Iterator[Any]:
    """What the code of a function names, by itself or as an attribute of a module or class that it names."""
    yield from _named(function.__code__, function.__globals__)


def _named(code: CodeType, known: dict[str, Any]) -> Iterator[Any]:
    last: Any = None
    for one in dis.get_instructions(code):
        if one.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            last = known.get(str(one.argval))
        elif one.opname in ("LOAD_ATTR", "LOAD_METHOD") and isinstance(last, ModuleType | type):
            last = getattr(last, str(one.argval), None)
        else:
            last = None
        if last is not None:
            yield last
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _named(inner, known)


def who(action: Action) -> str:
    """Who may take an action."""
    roles = set(action.roles)
    if roles == set(Role):
        return "anybody"
    told = []
    for side, title in ((CONSUMER_SIDE, "consumer side"), (MERCHANT_SIDE, "merchant side")):
        if side <= roles:
            told.append(title)
            roles -= side
    told += [role.replace("_", " ") for role in Role if role in roles]
    return ", ".join(told) or "service only"


def statuses(found: Iterable[StrEnum], none: str) -> str:
    """Statuses in the order of a life; ``none``: what stands for the one before it."""
    listed = set(found)
    ordered = (one for kind in {type(one) for one in listed} for one in kind.__members__.values() if one in listed)
    return ", ".join(none if one.value == "none" else str(one) for one in ordered)


def first_line(of: Any) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join((getdoc(of) or "").split("\n\n")[0].split())


def short(event: type[Event]) -> str:
    """The name of an event without that of its kind of stream."""
    return f"`{event.name.partition('.')[2]}`"


def row(*cells: str) -> str:
    """A line of a table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def table(*heads: str) -> list[str]:
    """The head of a table."""
    return [row(*heads), row(*["---"] * len(heads))]


def action_table(
    procedure: ModuleType, when: Callable[[Action], str], statuses: Callable[[Iterable[StrEnum]], str]
) -> list[str]:
    """The actions of a procedure; for one without any, the events that follow from elsewhere."""
    own = list(actions_of(procedure).values())
    if not own:
        return []
    lines = table("action", "who", "when", "leads to", "events", "rule (source)", "what")
    for action in own:
        source = f" ({action.source})" if action.source else ""
        cells = (who(action), when(action), statuses(action.to) or "as it was")
        events = ", ".join(map(short, events_of(action)))
        lines.append(row(f"`{action.name}`", *cells, events, f"{action.rule}{source}", first_line(action.decide)))
    return [*lines, ""]
