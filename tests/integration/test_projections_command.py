"""`complaints projections`: rebuilding and mending the read models from the command line."""

from __future__ import annotations

from pathlib import Path

from adapters.topics import partition_of
from tests.conftest import System
from tests.integration.program import Program, eventually
from tests.integration.test_parking import PARTITIONS, put

FILE = ("file", "--product", "网络购物", "--channel", "web", "--json")


def test_read_models_are_rebuilt_and_parked_streams_mended_by_command(system: System, tmp_path: Path) -> None:
    program = Program(
        tmp_path / "data",
        {
            "COMPLAINTS_DATABASE_URL": system.database_url,
            "COMPLAINTS_KAFKA_BOOTSTRAP": system.kafka_bootstrap,
            "COMPLAINTS_TOPIC_PREFIX": system.topic_prefix,
        },
    )
    with program.up():
        victim = program.run(*FILE).json["id"]
        put(system, victim.encode(), b"no \x1b record", position=b"1", partition=partition_of(victim, PARTITIONS))
        eventually(
            lambda: len(program.run("projections", "parked", "--json").json) == 2,
            "the record is parked by both read models of complaints",
        )
        parked = program.run("projections", "parked", "--json").json
        assert {(one["projection"], one["stream"], one["records"]) for one in parked} == {
            ("complaint_details", victim, 1),
            ("complaint_texts", victim, 1),
        }
        assert victim in program.run("projections", "parked").out

        program.run("act", victim, "withdraw", "--as", "consumer", "reason=settled", "--json")
        eventually(
            lambda: len(program.run("projections", "inspect", "complaint_details", victim, "--json").json) == 2,
            "the next event waits behind it",
        )
        first, second = program.run("projections", "inspect", "complaint_details", victim, "--json").json
        assert (first["record"], second["error"]) == ("no \x1b record", None)
        assert "\\x1b" in program.run("projections", "inspect", "complaint_details", victim).out

        failed = program.run("projections", "replay", "complaint_details", victim)
        assert (failed.code, "0 records taken up, 2 wait" in failed.out) == (8, True)
        done = program.run("projections", "skip", "complaint_details", victim, "--json").json
        assert (done["folded"], done["waiting"]) == (1, 0)
        assert program.run("projections", "skip", "complaint_texts", victim, "--json").json["waiting"] == 0
        assert program.run("projections", "parked").out == "nothing is parked\n"
        assert program.run("show", victim, "--json").json["status"] == "withdrawn"

        assert program.run("projections", "rebuild", "merchants", "--json").json["generation"] == 2
        cancelled = program.run("projections", "rebuild", "merchants", "--cancel", "--json").json
        assert cancelled == {"projection": "merchants", "cancelled": False}
        rows = {row["projection"]: row for row in program.run("projections", "status", "--json").json}
        assert (rows["merchants"]["generation"], rows["complaint_details"]["generation"]) == (2, 1)
        assert (rows["complaint_details"]["skipped_records"], rows["complaint_details"]["parked_records"]) == (1, 0)
        assert "complaint_details" in program.run("projections", "status").out

        unknown = program.run("projections", "replay", "complaint_details", victim, "--json")
        assert (unknown.code, "nothing parked" in unknown.error["message"]) == (4, True)
        wrong = program.run("projections", "rebuild", "compliants", "--json")
        named = "there are: complaint_details, complaint_texts, merchants" in wrong.error["message"]
        assert (wrong.code, named) == (3, True)
