"""Writes docs/asyncapi again: ``python -m tests.contract.make``.

With ``--release``, what is written becomes the contract that later ones are held against; refused where that breaks
readers of the former one, unless ``--breaking`` says that this is meant.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import date
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from adapters.compatibility import breaks
from adapters.contract import (
    DIRECTORY,
    PUBLIC,
    document,
    example_of,
    schema_file,
    schemas,
    topics,
    written,
)
from adapters.record import SCHEMA
from domain.complaint.negotiation import AnswerKind
from domain.complaint.state import OutcomeKind, Status, Way
from domain.values import Channel, Code, Money
from projections.public_feed import PublicComplaint, PublicOutcome
from tests.golden.make import HERE, UUID

AGAIN = "python -m tests.contract.make"
RELEASED = DIRECTORY / "released" / "contract.json"


def examples() -> dict[str, list[dict[str, Any]]]:
    """Of each schema of an event its golden records, and a public complaint."""
    found: dict[str, list[dict[str, Any]]] = {PUBLIC: [example_of(A_PUBLIC_COMPLAINT)]}
    for path in sorted(HERE.glob("*.v*.json")):
        record = json.loads(path.read_bytes())
        name, version = record["dataschema"].removeprefix(f"{SCHEMA}:").split(":")
        found.setdefault(f"{name}.{version}", []).append(record)
    return found


def files() -> dict[Path, str]:
    """What stands in docs/asyncapi, but for the released contract."""
    shapes = schemas()
    return {
        DIRECTORY / "asyncapi.json": written(document(shapes, examples())),
        **{schema_file(name): written(schema) for name, schema in shapes.items()},
    }


def present() -> dict[str, Any]:
    """The contract as it is now, in the form in which it is released."""
    return {"release": version_of("complaint-ledger"), "topics": topics(), "schemas": schemas()}


def released() -> Mapping[str, Any]:
    """The contract of the last release."""
    return dict(json.loads(RELEASED.read_bytes()))


def main(arguments: list[str]) -> int:
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
    if "--release" in arguments:
        found = breaks(released(), present()) if RELEASED.exists() else []
        if found and "--breaking" not in arguments:
            print(*found, "not released: this breaks readers; make a new version of the event", sep="\n")
            return 1
        RELEASED.write_text(written(present()), encoding="utf-8")
    return 0


A_PUBLIC_COMPLAINT = PublicComplaint(
    complaint_id=f"complaint-{UUID}",
    publication=2,
    position=4711,
    status=Status.CLOSED,
    filed_on=date(2026, 3, 2),
    channel=Channel.APP,
    merchant_id=f"merchant-{UUID}",
    region=Code(scheme="GB/T 2260", value="330100"),
    scenario="quality",
    answer=AnswerKind.MONETARY_RELIEF,
    answered_in_time=True,
    resolved=False,
    reopened=0,
    outcome=PublicOutcome(
        way=next(iter(Way)),
        ended_on=date(2026, 4, 1),
        kinds=(next(iter(OutcomeKind)),),
        recovered=(Money(fen=5_000),),
        text="Filed in March, mediated in April; the price was paid back in part.",
    ),
)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
