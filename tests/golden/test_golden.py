"""Golden records: one per event and version, never overwritten. What was once written must always read the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.record import RecordMapper, canonical, read_record
from domain.streams import EVENT_TYPES

HERE = Path(__file__).parent
RECORDS = sorted(HERE.glob("*.v*.json"))


def as_read(path: Path) -> dict[str, Any]:
    """What the present program makes of a golden record."""
    recorded = read_record(path.read_bytes())
    return {"event": recorded.event.name, **recorded.event.model_dump(mode="json", exclude_none=True)}


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_every_version_of_every_event_has_a_golden_record(name: str) -> None:
    versions = {f"{name}.v{version}" for version in range(1, EVENT_TYPES[name].version + 1)}
    assert versions <= {path.stem for path in RECORDS}


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_a_golden_record_is_canonical_and_reads_as_it_always_did(path: Path) -> None:
    assert canonical(json.loads(path.read_bytes())) == path.read_bytes()
    assert as_read(path) == json.loads((HERE / "as_read" / path.name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_a_golden_record_of_the_present_version_is_written_the_same_again(path: Path) -> None:
    name, _, version = path.stem.rpartition(".v")
    recorded = read_record(path.read_bytes())
    written = RecordMapper().to_stored_event(recorded).state
    assert (written == path.read_bytes()) == (int(version) == EVENT_TYPES[name].version)


def test_version_1_of_a_filing_reads_as_the_version_2_that_names_the_code_list() -> None:
    old = read_record((HERE / "complaint.filed.v1.json").read_bytes())
    new = read_record((HERE / "complaint.filed.v2.json").read_bytes())
    assert old == new


def test_a_record_of_a_newer_version_than_the_program_knows_is_refused_by_name() -> None:
    newest = (HERE / "complaint.filed.v2.json").read_bytes().replace(b"complaint.filed:2", b"complaint.filed:3")
    with pytest.raises(ValueError, match=r"complaint\.filed version 3 is newer than this program"):
        read_record(newest)
