"""Golden records: one per event and version, never overwritten. What was once written must always read the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adapters.record import RecordMapper, canonical, read_record
from domain.complaint.filing import Filed
from domain.complaint.state import RequestKind
from domain.streams import EVENT_TYPES
from tests.golden.make import as_read, fields_shown

HERE = Path(__file__).parent
RECORDS = sorted(HERE.glob("*.v*.json"))


def is_of_present_version(path: Path) -> bool:
    name, _, version = path.stem.rpartition(".v")
    return int(version) == EVENT_TYPES[name.partition("-")[0]].version


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_every_version_of_every_event_has_a_golden_record(name: str) -> None:
    versions = {f"{name}.v{version}" for version in range(1, EVENT_TYPES[name].version + 1)}
    assert versions <= {path.stem for path in RECORDS}


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_every_field_of_every_event_is_in_a_golden_record(name: str) -> None:
    """After a new event or field: ``python -m tests.golden.make``."""
    assert fields_shown(EVENT_TYPES[name]) == EVENT_TYPES[name].model_fields.keys()


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_a_golden_record_is_canonical_and_reads_as_it_always_did(path: Path) -> None:
    assert canonical(json.loads(path.read_bytes())) == path.read_bytes()
    read, always = as_read(path), json.loads((HERE / "as_read" / path.name).read_text(encoding="utf-8"))
    # A newer version may say more; what was read stays.
    assert {name: value for name, value in read.items() if name in always or is_of_present_version(path)} == always


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_a_golden_record_of_the_present_version_is_written_the_same_again(path: Path) -> None:
    written = RecordMapper().to_stored_event(read_record(path.read_bytes())).state
    assert (written == path.read_bytes()) == is_of_present_version(path)


def test_version_1_of_a_filing_reads_as_the_version_2_that_names_the_code_list() -> None:
    old = read_record((HERE / "complaint.filed.v1.json").read_bytes())
    new = read_record((HERE / "complaint.filed.v2.json").read_bytes())
    assert old == new


def test_a_filing_of_version_2_is_a_complaint_since_there_was_nothing_else() -> None:
    old = read_record((HERE / "complaint.filed.v2.json").read_bytes()).event
    assert isinstance(old, Filed)
    assert old.kind is RequestKind.COMPLAINT
    assert old.clocks is None


def test_a_record_of_a_newer_version_than_the_program_knows_is_refused_by_name() -> None:
    newest = (HERE / "complaint.filed.v3.json").read_bytes().replace(b"complaint.filed:3", b"complaint.filed:4")
    with pytest.raises(ValueError, match=r"complaint\.filed version 4 is newer than this program"):
        read_record(newest)
