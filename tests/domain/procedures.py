"""docs/procedures.md, made from the code of the procedures and from the names of their tests.

``python -m tests.domain.procedures`` writes it again.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from inspect import getdoc, getsource, signature
from pathlib import Path
from types import CodeType
from typing import Any, get_args

from domain.action import Action
from domain.complaint import clocks, filing, handling, negotiation
from domain.complaint.action import CONSUMER_SIDE, MERCHANT_SIDE
from domain.complaint.clocks import STOPPABLE, TimeEvent
from domain.complaint.life import ACTIONS
from domain.complaint.negotiation import Regime
from domain.complaint.state import ENDED, OPEN, Deadline, RequestKind, Status
from domain.event import Event
from domain.merchant.state import Merchant
from domain.streams import COMPLAINT
from domain.values import Role
from tests.domain import lives
from tests.domain.lives import lapsed, lived, route_step, step
from tests.domain.scenario import CONSUMER, FIRST, MERCHANT, REGULATOR, day

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "procedures.md"
AGAIN = "python -m tests.domain.procedures"

#: What each requirement is about, in short.
WHAT = {
    "A1": "four kinds of request, each with its path",
    "A2": "many doors, one ledger",
    "A3": "pledged terms in working days",
    "A4": "the law that was in force, and what follows from its change",
    "A5": "enrolled enterprises have it first",
    "A6": "transfer between regions",
    "A7": "recovered money, exact to the fen",
    "A8": "outcomes compose",
    "A10": "rules differ by authority, region and date",
    "A11": "earlier attempts, supervision, counted once",
    "A12": "referral to the competent authority",
    "A13": "the states of a complaint with an office; grounds; competence; call-back",
    "A14": "reports: verification, case, penalty, reward",
    "B1": "seven-day promise and publication",
    "B2": "joining and leaving the promise",
    "B7": "silence has consequences",
    "B10": "frequent scenarios with law and tactic",
    "B11": "which court hears it",
    "B13": "the caller is known",
    "B14": "one incident, many victims",
    "B15": "punitive damages apart",
    "B17": "the payment provider as second respondent",
    "C1": "from a payment order; the parties talk directly",
    "C2": "settled before the administration",
    "C3": "one click, or 96 hours of silence",
    "C4": "suggestions of software",
    "C5": "always a person",
    "C6": "standard policies that merchants adopt",
    "C7": "partners abroad",
    "D1": "ways of settlement and their entry conditions",
    "D2": "fees by complexity and amount",
    "D3": "reasons, and what is published",
    "D9": "mediators by kind, load and conflict",
    "D10": "expert appraisal",
    "E5": "parameters of the credit score",
    "E3": "named practices",
    "G1": "code lists; registers of origin",
    "G3": "who acts: offices, mediators, roles",
}
#: Those that these tests have to demonstrate.
DEMONSTRATED = re.findall(
    r"\w+", "A1 A2 A3 A4 A5 A6 A7 A8 A10 A11 A12 A13 A14 B1 B11 B13 B14 B15 B17 C1 C3 C4 C5 C7 D1 D2 D3 D9 D10 G1 G3"
)

TITLES = {
    "filing": "Filing",
    "negotiation": "Between the parties",
    "handling": "The office",
    "mediation": "Mediation",
    "ways": "Other ways: platform, arbitration, court",
    "settlement": "Settlement",
    "publication": "Publication",
    "reports": "Reports, consultations, suggestions",
    "ending": "Endings",
}


def events_of(action: Action) -> list[type[Event]]:
    """The events that a decision, or what it calls, can make, in the order in which its code names them."""
    return _events(action.decide)


def by_time() -> list[type[Event]]:
    """The events that the passing of time alone can make."""
    named = _events(clocks._fallen_due)
    return [event for event in get_args(TimeEvent) if event in named]


def _events(function: Callable[..., Any]) -> list[type[Event]]:
    found = (each.__globals__.get(name) for each in reached(function) for name in _names(each.__code__))
    return list(dict.fromkeys(one for one in found if isinstance(one, type) and issubclass(one, Event)))


def reached(function: Callable[..., Any], seen: set[Any] | None = None) -> Iterator[Any]:
    """A function and the functions of the complaint that it calls."""
    seen = set() if seen is None else seen
    seen.add(function)
    yield function
    for name in _names(function.__code__):
        found: Any = function.__globals__.get(name)
        of_a_complaint = getattr(found, "__module__", "").startswith("domain.complaint.")
        if of_a_complaint and hasattr(found, "__code__") and found not in seen:
            yield from reached(found, seen)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)


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


def _who(action: Action) -> str:
    roles = set(action.roles)
    named = []
    for side, title in ((CONSUMER_SIDE, "consumer side"), (MERCHANT_SIDE, "merchant side")):
        if side <= roles:
            named.append(title)
            roles -= side
    named += [role.replace("_", " ") for role in Role if role in roles]
    return ", ".join(named) or "service only"


def _when(action: Action) -> str:
    if action.during == OPEN:
        return "open"
    if len(action.during) > len(OPEN) / 2 and action.during < OPEN:
        return f"open, but not {_statuses(OPEN - action.during)}"
    return _statuses(action.during)


def _statuses(found: Iterable[StrEnum]) -> str:
    return ", ".join("not filed" if one is Status.NONE else str(one) for one in Status if one in set(found))


def _first_line(of: Any) -> str:
    return " ".join((getdoc(of) or "").split("\n\n")[0].split())


def _short(event: type[Event]) -> str:
    return f"`{event.name.removeprefix('complaint.')}`"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def procedure_tables() -> list[str]:
    lines: list[str] = []
    for procedure in COMPLAINT.procedures:
        if procedure is clocks:
            continue
        name = procedure.__name__.rpartition(".")[2]
        lines += [f"### {TITLES[name]}", "", f"`domain/complaint/{name}.py`: {_first_line(procedure)}", ""]
        lines += [_row("action", "who", "when", "leads to", "events", "rule (source)", "what"), _row(*["---"] * 7)]
        own = [one for one in vars(procedure).values() if isinstance(one, Action)]
        for action in own:
            if action.decide.__module__ != procedure.__name__:
                continue
            lines.append(
                _row(
                    f"`{action.name}`",
                    _who(action),
                    _when(action),
                    _statuses(action.to) or "as it was",
                    ", ".join(map(_short, events_of(action))),
                    f"{action.rule}{f' ({action.source})' if action.source else ''}",
                    _first_line(action.decide),
                )
            )
        lines.append("")
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
    lines = [
        _row("deadline", "begun by", "terms of the first edition", "stands still", "when it passes"),
        _row(*["---"] * 5),
    ]
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
            _row(
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


def scenarios() -> dict[str, list[tuple[str, str]]]:
    """For each requirement: the tests that name it, with their files."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for path in sorted((ROOT / "tests" / "domain").glob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            named = re.match(r"test_((?:[a-g][0-9]+_)+)", getattr(node, "name", ""))
            for id in named[1].split("_")[:-1] if named else ():
                name = str(getattr(node, "name", ""))
                found[id.upper()].append((name.removeprefix(f"test_{named[1] if named else ''}"), path.name))
    return found


def scenario_table() -> list[str]:
    lines = [_row("requirement", "what", "scenario", "file"), _row(*["---"] * 4)]
    found = scenarios()
    for id in sorted(found, key=lambda id: (id[0], int(id[1:]))):
        if id not in WHAT:
            raise KeyError(f"say in WHAT of {__name__} what {id} is about")
        for name, file in found[id]:
            lines.append(_row(id, WHAT[id], name.replace("_", " "), f"`tests/domain/{file}`"))
    return [*lines, ""]


def document() -> str:
    """The text of docs/procedures.md."""
    others = tuple(set(RequestKind) - {RequestKind.COMPLAINT})
    return "\n".join(
        [
            "# Procedures",
            "",
            f"Made from the code and from the names of its tests by `{AGAIN}`; do not edit.",
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
            "## Scenarios",
            "",
            *scenario_table(),
        ]
    )


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
