"""What is not documented fails."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from adapters.database import connect
from api.cli import app
from api.settings import Settings
from projections.catalogue import PROJECTIONS
from tests.domain import procedures
from tests.domain.sources import AGAIN

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_in_the_readme_with_its_description(name: str) -> None:
    assert f"| `COMPLAINTS_{name.upper()}` | {Settings.model_fields[name].description} |" in README


def test_the_readme_names_no_setting_that_does_not_exist() -> None:
    named = set(re.findall(r"COMPLAINTS_([A-Z_]+)", README))
    assert named == {name.upper() for name in Settings.model_fields}


def test_every_command_is_in_the_readme_or_is_one_of_the_single_processes() -> None:
    commands = set(getattr(get_command(app), "commands")) - {"prepare", "api", "relay", "projector"}  # noqa: B009
    shown = set(re.findall(r"complaints ([a-z]+)", README))
    assert commands - {"demo"} <= shown


@pytest.mark.parametrize("name", ["Makefile", "CONTRIBUTING.md", "CHANGELOG.md", ".ci/run"])
def test_links_of_the_readme_lead_somewhere(name: str) -> None:
    assert (ROOT / name).exists()
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


@pytest.mark.parametrize("path", procedures.DOCUMENTS, ids=lambda path: path.name)
def test_the_procedures_are_documented_as_they_are(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == procedures.DOCUMENTS[path](), f"write it again: {AGAIN}"


def test_every_table_and_column_that_a_query_can_see_has_a_comment(database_url: str) -> None:
    conn = connect(database_url, None)
    with conn.cursor() as cursor:
        cursor.execute(
            "select c.oid::regclass || coalesce('.' || a.attname, '') from pg_class c "
            "join pg_namespace n on n.oid = c.relnamespace "
            "left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped "
            "where n.nspname in ('ledger', 'read', 'private') and c.relkind in ('r', 'p') and not c.relispartition "
            "and (col_description(c.oid, a.attnum) is null or obj_description(c.oid) is null)"
        )
        assert cursor.fetchall() == []
        for projection in PROJECTIONS:
            cursor.execute(f"select * from {projection.table} limit 0")
            assert tuple(column.name for column in cursor.description or ()) == projection.columns
            for sums in projection.sums:
                cursor.execute(f"select * from {sums.table} limit 0")
                assert tuple(column.name for column in cursor.description or ()) == (*sums.keys, *sums.measures)
    conn.close()
