"""docs/actors.md, about merchants, platforms and authorities, and about what follows in one stream from another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from enum import StrEnum
from importlib import import_module
from typing import Any

from domain.action import Action
from domain.action import actions_of as all_of
from domain.complaint.state import RequestKind
from domain.complaint.state import Status as Standing
from domain.event import Event
from domain.kind import Kind
from domain.measure.state import MeasureKind, RuleReference
from domain.merchant.state import Merchant
from domain.merchant.state import Status as MerchantStatus
from domain.platform.state import Platform, RuleVersion
from domain.reactions import RULES, Rule
from domain.rulebook.book import TermName
from domain.streams import COMPLAINT, KINDS, RULEBOOK
from domain.tracing import Traced
from tests.domain.scenario import FIRST, MERCHANT_ID, SERVICE, day
from tests.domain.sources import AGAIN, action_table, events_of, first_line, named, reached, row, short, table
from tests.domain.sources import statuses as listed

ACTORS = tuple(kind for kind in KINDS.values() if kind not in (COMPLAINT, RULEBOOK))
COMPLAINT_ID = "complaint-44444444-4444-4444-8444-444444444444"
PLATFORM_ID = "platform-77777777-7777-4777-8777-777777777777"
IMPOSED: dict[str, Any] = {
    "by": SERVICE,
    "target": MERCHANT_ID,
    "target_state": Merchant(MerchantStatus.REGISTERED),
    "imposed_by": PLATFORM_ID,
    "kind": MeasureKind.TRAFFIC_CONTROL,
    "reason": "r",
    "basis": "b",
    "violation": "forged-reviews",
    "complaints": (COMPLAINT_ID,),
    "traced": (Traced(COMPLAINT_ID, RequestKind.COMPLAINT, Standing.ROUTED, MERCHANT_ID),),
    "rule": RuleReference(rule_id="reviews", version=1),
    "until": day(30),
    "platform_id": PLATFORM_ID,
    "platform": Platform(rules={"reviews": (RuleVersion(day(-30)),)}),
}
COMPLAINED: dict[str, Any] = {
    "by": SERVICE,
    "merchant_id": MERCHANT_ID,
    "platform_id": PLATFORM_ID,
    "violation": "unfair-fee",
    "text": "t",
}
#: How streams of these kinds begin whose status changes by the passing of time.
WAITING = {"measure": IMPOSED, "grievance": COMPLAINED}


def _statuses(found: Iterable[StrEnum]) -> str:
    return listed(found, "not there yet")


def _begun(action: Action) -> str:
    return _statuses(action.during)


def actions_of(kind: Kind) -> list[Action]:
    """The actions on streams of a kind, those included that are not for people."""
    return list(all_of(*kind.procedures).values())


def diagram(kind: Kind) -> list[str]:
    """A Mermaid state diagram: what actions lead to, and in brackets what the passing of time does."""
    edges: dict[tuple[StrEnum, StrEnum], list[str]] = defaultdict(list)
    for action in actions_of(kind):
        for status in (one for one in type(kind.new.status) if one in action.during):
            for to in action.to:
                if to is not status:
                    edges[status, to].append(action.said)
    for status, to, event in _passing(kind):
        label = f"({short(event).strip('`').replace('_', ' ')})"
        if label not in edges[status, to]:
            edges[status, to].append(label)
    if not edges:
        return []
    lines = [
        f"    {'[*]' if status.value == 'none' else status} --> {to} : {', '.join(labels)}"
        for (status, to), labels in edges.items()
    ]
    return ["```mermaid", "stateDiagram-v2", *lines, "```", ""]


def _passing(kind: Kind) -> Iterator[tuple[StrEnum, StrEnum, type[Event]]]:
    """From which status to which the passing of time leads, and by which event."""
    if kind.prefix not in WAITING:
        return
    assert kind.begin is not None
    state = kind.fold(kind.act(kind.begin, kind.new, at=day(0), book=FIRST, **WAITING[kind.prefix]))
    for event in kind.fall_due(state, at=day(4000), book=FIRST):
        before, state = state, kind.evolve(state, event)
        if before.status is not state.status:
            yield before.status, state.status, type(event)


def by_time(kind: Kind) -> list[type[Event]]:
    """The events of a kind of stream that the passing of time alone can make."""
    return events_of(kind.fall_due)


def by_others(kind: Kind) -> list[type[Event]]:
    """The events of a kind of stream that follow from events in others, and from nothing else."""
    own = {event for action in actions_of(kind) for event in events_of(action)} | set(by_time(kind))
    return [event for event in follows(kind) if event not in own]


def follows(kind: Kind) -> list[type[Event]]:
    """The events of a kind of stream that process managers can record."""
    found = (event for rules in RULES.values() for rule in rules for event in events_of(rule.react))
    return [event for event in dict.fromkeys(found) if event in kind.events]


def terms(kind: Kind) -> list[TermName]:
    """The terms of supervision that begin in a kind of stream."""
    functions = [action.decide for action in actions_of(kind)]
    found: list[TermName] = []
    for one in (one for function in functions for each in reached(function) for one in named(each)):
        found += [term for term in (one.values() if isinstance(one, dict) else [one]) if isinstance(term, TermName)]
    return list(dict.fromkeys(found))


def section(kind: Kind) -> list[str]:
    """What there is to say of a kind of stream: its life, its actions, and what else happens to it."""
    package = import_module(kind.procedures[0].__package__ or "")
    lines = [f"## {kind.prefix.capitalize()}", "", f"`domain/{kind.prefix}/`: {first_line(package)}", ""]
    lines += diagram(kind)
    for procedure in kind.procedures:
        head, _, more = first_line(procedure).partition(":")
        lines += [f"### {head.rstrip('.')}", ""]
        lines += [f"{more.strip()[0].upper()}{more.strip()[1:]}", ""] if more else []
        lines += action_table(procedure, _begun, _statuses)
    lines += _told("By the passing of time", by_time(kind))
    lines += _told("Because of what happened elsewhere", by_others(kind))
    if begun := terms(kind):
        rules = FIRST.rule_sets["supervision-2019"].terms
        told = (f"{one.replace('_', ' ')} {rules[one].n} {rules[one].unit} ({rules[one].source})" for one in begun)
        lines += [f"Terms of the first edition: {'; '.join(told)}.", ""]
    return lines


def _told(how: str, events: list[type[Event]]) -> list[str]:
    if not events:
        return []
    return [f"{how}:", "", *(f"- {short(event)}: {first_line(event)}" for event in events), ""]


def _prefix(event: type[Event]) -> str:
    return event.name.partition(".")[0]


def _rules() -> list[Rule]:
    return [rule for rules in RULES.values() for rule in rules]


def follows_table() -> list[str]:
    """What the process managers do."""
    lines = table("event", "rule", "what follows", "where", "recorded there")
    for rule in _rules():
        found = events_of(rule.react)
        where = ", ".join(dict.fromkeys(map(_prefix, found)))
        lines.append(
            row(f"`{rule.event.name}`", f"`{rule.name}`", f"{rule.what}.", where, ", ".join(map(short, found)))
        )
    return [*lines, ""]


def flowchart() -> list[str]:
    """A Mermaid flowchart: which kind of stream leads to something in which other, by which events."""
    edges: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for rule in _rules():
        for event in events_of(rule.react):
            edges[_prefix(rule.event), _prefix(event)][short(rule.event).strip("`").replace("_", " ")] = None
    lines = [f'    {one} -- "{", ".join(labels)}" --> {other}' for (one, other), labels in edges.items()]
    return ["```mermaid", "flowchart LR", *lines, "```", ""]


def summary() -> list[str]:
    """The kinds of stream."""
    lines = table("stream", "topic", "begun by", "ends")
    for kind in ACTORS:
        begun = "what follows from other streams" if kind.begin is None else f"`{kind.begin.name}`"
        lines.append(row(f"`{kind.prefix}-…`", kind.topic, begun, _statuses(_ends(kind)) or "never"))
    return [*lines, ""]


def _ends(kind: Kind) -> list[StrEnum]:
    """The statuses that nothing leads out of and in which nothing can be done."""
    going_on = {status for action in kind.actions.values() for status in action.during}
    return [one for one in type(kind.new.status) if going_on and one.value != "none" and one not in going_on]


def document() -> str:
    """The text of docs/actors.md."""
    return "\n".join(
        [
            "# Merchants, platforms, authorities",
            "",
            f"Made from the code by `{AGAIN}`; do not edit. [procedures.md](procedures.md) has the life of a request.",
            "A service may take any action; the rule of each is refused by its name, with what would make the action",
            "legal. What stands in brackets in a diagram happens by the passing of time.",
            "",
            *summary(),
            *(line for kind in ACTORS for line in section(kind)),
            "## What follows elsewhere",
            "",
            "What must happen in one stream because of an event in another is recorded by process managers",
            "([ADR 9](adr/0009-process-managers.md)): once for each cause and rule, with the time of the cause.",
            "",
            *flowchart(),
            *follows_table(),
        ]
    )
