"""The documents that are made from the code of the procedures and from the names of their tests.

``python -m tests.domain.procedures`` writes them again. docs/procedures.md, about requests, is made here.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from enum import StrEnum
from inspect import getsource, signature
from typing import get_args

from domain.action import Action
from domain.complaint import clocks, filing, handling, negotiation
from domain.complaint.clocks import STOPPABLE, TimeEvent
from domain.complaint.life import ACTIONS
from domain.complaint.negotiation import Regime
from domain.complaint.state import ENDED, OPEN, Deadline, RequestKind, Status
from domain.event import Event
from domain.merchant.state import Merchant
from domain.streams import COMPLAINT
from tests.domain import actors, lives, requirements
from tests.domain.lives import lapsed, lived, route_step, step
from tests.domain.scenario import CONSUMER, FIRST, MERCHANT, REGULATOR, day
from tests.domain.sources import AGAIN, ROOT, action_table, events_of, first_line, reached, row, table
from tests.domain.sources import statuses as listed

TITLES = {
    "filing": "Filing",
    "negotiation": "Between the parties",
    "handling": "The office",
    "mediation": "Mediation",
    "ways": "Other ways: platform, arbitration, court",
    "fraud": "Fraud",
    "settlement": "Settlement",
    "advances": "Advances of a protection fund",
    "publication": "Publication",
    "reports": "Reports, consultations, suggestions",
    "ending": "Endings",
    "links": "What it led to elsewhere",
}


def by_time() -> list[type[Event]]:
    """The events that the passing of time alone can make."""
    named = events_of(clocks._fallen_due)
    return [event for event in get_args(TimeEvent) if event in named]


def _with_clock(regime: Regime) -> tuple[Event, ...]:
    merchant = Merchant(promises=((day(-1), None),), enrolments=((day(-1), None),))
    return lived(route_step(regime=regime, merchant=merchant), since=lives.FROM_ORDER)


def _waiting() -> list[tuple[Event, ...]]:
    """Requests on which clocks run, in each status in which one can change it."""
    enterprise = _with_clock(Regime.ENTERPRISE)
    return [
        _with_clock(Regime.ONE_CLICK),
        _with_clock(Regime.PROMISE),
        enterprise,
        lived(step(negotiation.answer, day(1), MERCHANT, kind="explanation"), since=enterprise),
        lived(
            step(handling.ask_supplement, day(2), REGULATOR, items=("x",)),
            since=lives.RECEIVED,
        ),
        lives.ACCEPTED,
        lives.MEDIATING,
        lives.RESOLVED,
        lives.VERIFYING,
        lived(step(negotiation.offer, day(0), CONSUMER, terms=(lives.REFUND,)), since=lives.ROUTED),
    ]


def lapses() -> dict[Deadline, tuple[set[tuple[Status, Status]], list[str]]]:
    """For each deadline: from which status to which it leads when it passes, and by which events."""
    found: dict[Deadline, tuple[set[tuple[Status, Status]], list[str]]] = {
        deadline: (set(), []) for deadline in Deadline
    }
    for history in _waiting():
        state, deadline = COMPLAINT.fold(history), Deadline.OFFER
        for event in lapsed(history, day(400)):
            before, state = state, COMPLAINT.evolve(state, event)
            if isinstance(event, clocks.OfferExpired):
                deadline = Deadline.OFFER
            if isinstance(event, clocks.DeadlineMissed):
                deadline = event.deadline
            moves, events = found[deadline]
            if event.name not in events:
                events.append(event.name)
            if before.status is not state.status:
                moves.add((before.status, state.status))
    return found


def _reachable(kinds: Iterable[RequestKind]) -> list[Status]:
    """The statuses of requests of these kinds, in the order of a life."""
    found: set[StrEnum] = {Status.FILED}
    while True:
        more = {
            to for action in ACTIONS.values() if action.kinds & set(kinds) and action.during & found for to in action.to
        } - found
        if not more:
            return [status for status in Status if status in found]
        found |= more


def diagram(kinds: tuple[RequestKind, ...]) -> list[str]:
    """A Mermaid state diagram: what actions lead to, and in italics what time alone does."""
    statuses = _reachable(kinds)
    running = [status for status in statuses if status in OPEN]
    edges: dict[tuple[str, str], list[str]] = defaultdict(list)
    for action in ACTIONS.values():
        if not action.kinds & set(kinds):
            continue
        for to in action.to:
            label = action.name.replace("_", " ")
            if set(running) <= action.during:
                edges["open", to].append(label)
                continue
            for status in statuses:
                if status in action.during and status is not to:
                    edges[status, to].append(label)
    for deadline, (moves, _) in lapses().items():
        for status, to in sorted(moves):
            if status in statuses and to in statuses:
                edges[status, to].append(f"({deadline.replace('_', ' ')} term passed)")
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> filed : file", "    state open {"]
    lines += [f"        {status}" for status in running]
    lines += ["    }"]
    lines += [f"    {status} --> {to} : {', '.join(labels)}" for (status, to), labels in edges.items()]
    return [*lines, "```", ""]


def _when(action: Action) -> str:
    if action.during == OPEN:
        return "open"
    if len(action.during) > len(OPEN) / 2 and action.during < OPEN:
        return f"open, but not {_statuses(OPEN - action.during)}"
    return _statuses(action.during)


def _statuses(found: Iterable[StrEnum]) -> str:
    return listed(found, "not filed")


def procedure_tables() -> list[str]:
    lines: list[str] = []
    for procedure in COMPLAINT.procedures:
        if procedure is clocks:
            continue
        name = procedure.__name__.rpartition(".")[2]
        lines += [f"### {TITLES[name]}", "", f"`domain/complaint/{name}.py`: {first_line(procedure)}", ""]
        lines += action_table(procedure, _when, _statuses)
    return lines


def _beginnings() -> dict[str, list[str]]:
    """For each deadline, by name: what starts its clock."""
    found: dict[str, list[str]] = defaultdict(list)
    begin = re.compile(r"\b(?:start|run|until)\(\s*Deadline\.([A-Z_]+)")
    functions = [(f"`{action.name}`", action.decide) for action in (filing.file, *ACTIONS.values())]
    for title, function in [*functions, ("silence, and the end of an enterprise's term", clocks._fallen_due)]:
        for each in reached(function):
            for deadline in begin.findall(getsource(each)):
                if title not in found[deadline]:
                    found[deadline].append(title)
        if "answer_due" in signature(function).parameters:
            found[Deadline.ANSWER.name].append(f"{title} with a due time")
    return found


def clock_table() -> list[str]:
    begun, passed = _beginnings(), lapses()
    lines = table("deadline", "begun by", "terms of the first edition", "stands still", "when it passes")
    for deadline in Deadline:
        terms = {
            f"{term.n} {term.unit.replace('_', ' ')} ({term.source})": None
            for rules in FIRST.rule_sets.values()
            for name, term in rules.terms.items()
            if name in _TERMS.get(deadline, (deadline.value,))
        }
        moves, events = passed[deadline]
        after = ", ".join(f"`{name.removeprefix('complaint.')}`" for name in events) or "`deadline_missed`"
        led = ", ".join(f"{before} to {to}" for before, to in sorted(moves))
        lines.append(
            row(
                deadline.replace("_", " "),
                ", ".join(begun[deadline.name]),
                "; ".join(terms) or "as given",
                "yes" if deadline in STOPPABLE else "no",
                f"{after}{f'; {led}' if led else ''}",
            )
        )
    return [*lines, ""]


#: Terms whose name is not that of the deadline.
_TERMS = {
    Deadline.ANSWER: ("promise_answer",),
    Deadline.PUBLICATION: ("promise_resolution",),
    Deadline.VERIFICATION: ("verification", "verification_extension"),
}


def document() -> str:
    """The text of docs/procedures.md."""
    others = tuple(set(RequestKind) - {RequestKind.COMPLAINT})
    return "\n".join(
        [
            "# Procedures",
            "",
            f"Made from the code by `{AGAIN}`; do not edit. [actors.md](actors.md) has the procedures of merchants,",
            "platforms and authorities, [scenarios.md](scenarios.md) which test shows what.",
            "",
            "## The life of a complaint",
            "",
            "An edge from `open` starts in any open status. A service may take any action; the rule of each is refused",
            "by its name, with what would make the action legal. What stands in brackets happens by itself.",
            "",
            *diagram((RequestKind.COMPLAINT,)),
            "## The life of a report, a consultation or a suggestion",
            "",
            *diagram(others),
            "## Actions",
            "",
            "`open`: not at its end. Ends are: " + _statuses(ENDED) + ".",
            "",
            *procedure_tables(),
            "## Clocks",
            "",
            "A due time is the last instant in time. Clocks that stand still go on with what was left of them. Terms",
            "are data of the rulebook; a complaint that was accepted stays under the rule set of that day.",
            "",
            *clock_table(),
        ]
    )


#: The files in docs/, and what makes each.
DOCUMENTS = {
    ROOT / "docs" / "procedures.md": document,
    ROOT / "docs" / "actors.md": actors.document,
    ROOT / "docs" / "scenarios.md": requirements.document,
}

if __name__ == "__main__":
    for path, make in DOCUMENTS.items():
        path.write_text(make(), encoding="utf-8")
