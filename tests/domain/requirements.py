"""Which scenarios show what is required: made from the names of the tests."""

from __future__ import annotations

import ast
import re
from collections import defaultdict

from tests.domain.sources import AGAIN, ROOT, row, table

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
    "A9": "what can be published of each merchant: the events behind it",
    "A10": "rules differ by authority, region and date",
    "A11": "earlier attempts, supervision, counted once",
    "A12": "referral to the competent authority",
    "A13": "the states of a complaint with an office; grounds; competence; call-back",
    "A14": "reports: verification, case, penalty, reward",
    "B1": "seven-day promise and publication",
    "B2": "joining and leaving the promise",
    "B4": "rankings and awards",
    "B5": "warning cases and the yearly list",
    "B6": "fraud: evidence, blacklist, compensation",
    "B7": "silence has consequences",
    "B8": "quality circles",
    "B9": "transactions and users beside complaints",
    "B10": "frequent scenarios with law and tactic",
    "B11": "which court hears it",
    "B12": "one consent per use and recipient; leaks",
    "B13": "the caller is known",
    "B14": "one incident, many victims",
    "B15": "punitive damages apart",
    "B16": "complaints flow back into the product",
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
    "D4": "a fund advances, and recovers it",
    "D6": "evaluation of quarters and half-years",
    "D7": "privacy audits, and what platforms report of merchants",
    "D9": "mediators by kind, load and conflict",
    "D10": "expert appraisal",
    "D11": "agreements that execute themselves",
    "D12": "evaluation leads to change",
    "E1": "measures of platforms, penalties of authorities",
    "E2": "appeal, review, suit, damages",
    "E5": "parameters of the credit score",
    "E3": "named practices",
    "E4": "live rooms: subjects, labels, records; announcements",
    "E6": "lists, removal, repair",
    "E7": "platforms as actors; notices with a clock",
    "E8": "rules of platforms are published and versioned",
    "E9": "merchants complain about platforms",
    "G1": "code lists; registers of origin",
    "G3": "who acts: offices, mediators, roles",
}
#: Those that these tests have to demonstrate.
DEMONSTRATED = (
    *(f"A{n}" for n in range(1, 15)),
    *(f"B{n}" for n in (1, 2, *range(5, 18))),
    *(f"C{n}" for n in (1, *range(3, 8))),
    *(f"D{n}" for n in (1, 2, 3, 4, 6, 7, 9, 10, 11, 12)),
    *(f"E{n}" for n in range(1, 10)),
    "G1",
    "G3",
)


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
    lines = table("requirement", "what", "scenario", "file")
    found = scenarios()
    for id in sorted(found, key=lambda id: (id[0], int(id[1:]))):
        if id not in WHAT:
            raise KeyError(f"say in WHAT of {__name__} what {id} is about")
        for name, file in found[id]:
            lines.append(row(id, WHAT[id], name.replace("_", " "), f"`tests/domain/{file}`"))
    return [*lines, ""]


def document() -> str:
    """The text of docs/scenarios.md."""
    return "\n".join(
        [
            "# Scenarios",
            "",
            f"Made from the names of the tests by `{AGAIN}`; do not edit.",
            "",
            *scenario_table(),
        ]
    )
