"""The embedded PostgreSQL and Kafka: real processes, shared by their users and stopped after the last."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import psutil
import psycopg2
import pytest
from kafka import KafkaAdminClient

from adapters.embedded import KafkaServer, PostgresServer, Restarts, ServicesError, Status, services, status
from adapters.embedded.maven import KAFKA_VERSION, kafka_jars
from adapters.embedded.process import choose_ports

LIMIT = 60.0
USER = """
import json, signal, sys
from pathlib import Path
from adapters.embedded import ServicesError, services
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(3))
given = json.loads(sys.argv[1])
try:
    with services(
        Path(given.pop("data_dir")), **given, report=lambda message: print("report", message, flush=True)
    ) as endpoints:
        print("ready", endpoints.database_url, endpoints.kafka_bootstrap, flush=True)
        sys.stdin.read()
except ServicesError as error:
    sys.exit(str(error))
"""
IDLE = [sys.executable, "-c", "import time; time.sleep(600)"]
# Takes its time to stop, so that another user can come meanwhile.
SLOW = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, lambda *_: (time.sleep(2), exit())); time.sleep(600)",
]
NOWHERE = "127.0.0.1:1"


class User:
    """A process that uses the services until it is told to leave."""

    def __init__(
        self,
        data_dir: Path,
        kafka_bootstrap: str | None,
        *,
        prepare: Sequence[str] = (),
        workers: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        given = {
            "data_dir": str(data_dir),
            "database_url": None,
            "kafka_bootstrap": kafka_bootstrap,
            "prepare": prepare,
            "workers": workers or {},
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER, json.dumps(given)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        self.reports: list[str] = []

    def ready(self) -> tuple[str, str]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            word, _, rest = line.strip().partition(" ")
            if word == "ready":
                database_url, bootstrap = rest.split(" ")
                return database_url, bootstrap
            self.reports.append(rest)
        assert self.process.stderr is not None
        raise AssertionError(self.process.stderr.read())

    def leave(self) -> None:
        self.process.communicate(timeout=LIMIT)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=LIMIT)


def eventually(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline, f"not within {LIMIT} s: {what}"
        time.sleep(0.05)


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def state(data_dir: Path) -> Status:
    now = status(data_dir)
    assert now is not None
    return now


def all_pids(data_dir: Path) -> list[int]:
    """The daemon, what it started, and what these started."""
    daemon = psutil.Process(state(data_dir).pids["daemon"])
    return [daemon.pid, *(child.pid for child in daemon.children(recursive=True))]


def query(url: str, sql: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(url, connect_timeout=5)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def answers(url: str) -> bool:
    try:
        return query(url, "select 1") == [(1,)]
    except psycopg2.OperationalError:
        return False


def topics(bootstrap: str) -> list[str]:
    client = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        return sorted(client.list_topics())
    finally:
        client.close()


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """A broker that stands for one of somebody else where a test is not about Kafka."""
    server = KafkaServer(tmp_path_factory.mktemp("broker"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def join(kafka: KafkaServer) -> Iterator[Callable[..., User]]:
    """Starts users, with the shared broker as theirs; ends those that the test has left."""
    users: list[User] = []

    def start(data_dir: Path, *, kafka_bootstrap: str | None = kafka.bootstrap, **options: object) -> User:
        users.append(User(data_dir, kafka_bootstrap, **options))  # type: ignore[arg-type]
        return users[-1]

    yield start
    for user in users:
        if user.process.poll() is None:
            user.leave()


def test_two_users_share_the_services_and_the_last_one_out_stops_them(
    tmp_path: Path, join: Callable[..., User]
) -> None:
    first = join(tmp_path, workers={"idle": IDLE})
    endpoints = first.ready()
    pids = all_pids(tmp_path)
    second = join(tmp_path)
    assert second.ready() == endpoints
    assert sorted(state(tmp_path).users) == sorted([first.process.pid, second.process.pid])
    first.leave()
    assert state(tmp_path).running
    assert answers(endpoints[0])
    assert all_pids(tmp_path)[0] == pids[0]
    second.leave()
    assert status(tmp_path) is None
    assert all(gone(pid) for pid in pids)


def test_the_services_stop_when_their_only_user_is_killed(tmp_path: Path, join: Callable[..., User]) -> None:
    user = join(tmp_path, workers={"idle": IDLE})
    user.ready()
    pids = all_pids(tmp_path)
    user.kill()
    eventually(lambda: all(gone(pid) for pid in pids), "everything stopped")
    assert status(tmp_path) is None


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_user_that_is_told_to_end_stops_the_services_first(
    tmp_path: Path, join: Callable[..., User], how: signal.Signals
) -> None:
    user = join(tmp_path)
    user.ready()
    pids = all_pids(tmp_path)
    user.process.send_signal(how)
    user.process.communicate(timeout=LIMIT)
    assert status(tmp_path) is None
    assert all(gone(pid) for pid in pids)


def test_a_worker_that_dies_is_started_again_with_the_same_environment(
    tmp_path: Path, join: Callable[..., User]
) -> None:
    out = tmp_path / "out"
    script = (
        "import os, sys, time; e = os.environ\n"
        "names = 'COMPLAINTS_DATABASE_URL', 'COMPLAINTS_KAFKA_BOOTSTRAP', 'COMPLAINTS_DATA_DIR'\n"
        f"open({str(out)!r}, 'a').write(' '.join(e[name] for name in names) + '\\n'); time.sleep(600)"
    )
    user = join(tmp_path / "data", workers={"writer": [sys.executable, "-c", script]})
    line = " ".join([*user.ready(), str(tmp_path / "data")])
    eventually(lambda: out.exists() and out.read_text().count("\n") == 1, "the worker runs")
    before = state(tmp_path / "data").workers["writer"]
    os.kill(before, signal.SIGKILL)
    eventually(lambda: out.read_text().splitlines() == [line, line], "the worker runs again")
    eventually(lambda: state(tmp_path / "data").workers.get("writer", before) != before, "its new pid is told")
    restarts = state(tmp_path / "data").restarts
    assert (restarts["writer"].count, restarts["writer"].ended) == (1, "SIGKILL")
    assert restarts["postgres"] == Restarts()
    log = (tmp_path / "data" / "logs" / "daemon.log").read_text()
    assert f"writer (process {before}) has ended (SIGKILL); starting it again in" in log
    assert f"writer runs again (process {state(tmp_path / 'data').workers['writer']})" in log


def test_a_worker_that_ends_again_and_again_is_started_after_growing_pauses(
    tmp_path: Path, join: Callable[..., User]
) -> None:
    join(tmp_path, workers={"brief": [sys.executable, "-c", "raise SystemExit(3)"], "idle": IDLE}).ready()
    log = tmp_path / "logs" / "daemon.log"
    ends = r"brief \(process \d+\) has ended \(exit status 3\); starting it again in (.*) s"
    eventually(lambda: len(re.findall(ends, log.read_text())) >= 3, "it has ended three times")
    assert re.findall(ends, log.read_text())[:3] == ["1.0", "2.0", "4.0"]
    assert state(tmp_path).restarts["brief"].count >= 2
    assert state(tmp_path).restarts["idle"].count == 0


def test_status_during_a_stop_says_that_the_services_are_stopping(tmp_path: Path, join: Callable[..., User]) -> None:
    script = (
        "import os, signal, time\n"
        "def end(*_):\n"
        f"    while not os.path.exists({str(tmp_path / 'go')!r}): time.sleep(0.05)\n"
        "    raise SystemExit\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "while True: time.sleep(600)"
    )
    data = tmp_path / "data"
    user = join(data, workers={"waiting": [sys.executable, "-c", script]})
    user.ready()
    user.kill()
    eventually(lambda: state(data).status == "stopping", "the services are stopping")
    # Both at once: after a while the daemon kills what does not stop.
    asked = [
        subprocess.Popen(
            [sys.executable, "-m", "api.cli", "status", *json_option],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "COMPLAINTS_DATA_DIR": str(data)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for json_option in ([], ["--json"])
    ]
    told = [process.communicate(timeout=LIMIT)[0] for process in asked]
    assert [process.returncode for process in asked] == [0, 0]
    (tmp_path / "go").touch()
    assert told[0] == f"the services of {data} are stopping\n"
    assert (json.loads(told[1])["running"], json.loads(told[1])["status"]) == (True, "stopping")
    eventually(lambda: status(data) is None, "the services have stopped")


def test_preparation_runs_before_the_workers_and_its_failure_is_told_with_its_output(
    tmp_path: Path, join: Callable[..., User], kafka: KafkaServer
) -> None:
    script = "import sys; print('table exists'); sys.exit(7)"
    with (
        pytest.raises(ServicesError, match=r"(?s)preparing .* failed \(exit status 7\).*table exists"),
        services(
            tmp_path,
            database_url=None,
            kafka_bootstrap=kafka.bootstrap,
            prepare=[sys.executable, "-c", script],
            workers={"idle": IDLE},
            report=print,
        ),
    ):
        pytest.fail("the services were said to be ready")
    failed = state(tmp_path)
    assert (failed.running, failed.status) == (False, "failed")
    assert not (tmp_path / "logs" / "idle.log").exists()
    script = (
        "import os, psycopg2; c = psycopg2.connect(os.environ['COMPLAINTS_DATABASE_URL'])\n"
        "c.cursor().execute('create table prepared ()'); c.commit()"
    )
    user = join(tmp_path, prepare=[sys.executable, "-c", script])
    assert query(user.ready()[0], "select * from prepared") == []


def test_after_a_stop_the_next_user_finds_the_data_at_the_same_address(
    tmp_path: Path, join: Callable[..., User]
) -> None:
    user = join(tmp_path)
    endpoints = user.ready()
    query(endpoints[0], "create table kept as select 42 as answer")
    user.leave()
    assert not answers(endpoints[0])
    again = join(tmp_path)
    assert again.ready() == endpoints
    assert query(endpoints[0], "select answer from kept") == [(42,)]


def test_a_user_who_comes_while_the_services_stop_gets_new_ones(tmp_path: Path, join: Callable[..., User]) -> None:
    first = join(tmp_path, workers={"slow": SLOW})
    first.ready()
    worker = state(tmp_path).workers["slow"]
    first.kill()
    eventually(lambda: state(tmp_path).status == "stopping", "the services are stopping")
    second = join(tmp_path, workers={"slow": SLOW})
    url, _ = second.ready()
    assert answers(url)
    assert state(tmp_path).workers["slow"] != worker
    assert gone(worker)
    assert any("stop before they are started again" in report for report in second.reports)


def test_servers_that_are_killed_come_back_and_sigterm_of_the_daemon_stops_everything(
    tmp_path: Path, join: Callable[..., User]
) -> None:
    user = join(tmp_path, kafka_bootstrap=None, workers={"idle": IDLE})
    url, bootstrap = user.ready()
    client = KafkaAdminClient(bootstrap_servers=bootstrap)
    client.create_topics({"kept": {"num_partitions": 2, "replication_factor": 1}})
    client.close()
    query(url, "create table kept as select 42 as answer")
    before = state(tmp_path).pids
    for name in ("postgres", "kafka"):
        os.kill(before[name], signal.SIGKILL)
    for name in ("postgres", "kafka"):
        eventually(lambda name=name: state(tmp_path).pids.get(name, before[name]) != before[name], name)  # type: ignore[misc]
    assert query(url, "select answer from kept") == [(42,)]
    assert "kept" in topics(bootstrap)
    pids = all_pids(tmp_path)
    assert len(pids) > 4
    os.kill(pids[0], signal.SIGTERM)
    eventually(lambda: all(gone(pid) for pid in pids), "everything stopped")
    assert status(tmp_path) is None


def test_nothing_survives_a_daemon_that_is_killed(tmp_path: Path, join: Callable[..., User]) -> None:
    user = join(tmp_path, workers={"idle": IDLE})
    endpoints = user.ready()
    pids = all_pids(tmp_path)
    os.kill(pids[0], signal.SIGKILL)
    if sys.platform == "linux":
        eventually(lambda: all(gone(pid) for pid in pids), "the children stopped")
    second = join(tmp_path)
    assert second.ready() == endpoints
    assert all(gone(pid) for pid in pids)


def test_a_server_left_over_in_the_data_directory_is_stopped_before_a_new_one_starts(tmp_path: Path) -> None:
    left, new = PostgresServer(tmp_path), PostgresServer(tmp_path)
    left.start()
    query(left.url, "create table kept as select 42 as answer")
    try:
        new.start()
        assert not left.running
        assert query(new.url, "select answer from kept") == [(42,)]
    finally:
        left.stop()
        new.stop()


def test_a_killed_postgresql_starts_again_on_its_port_and_is_not_run_by_root(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path)
    server.start()
    try:
        url = server.url
        assert server.pid is not None
        assert psutil.Process(server.pid).uids().effective != 0
        settings = "data_checksums fsync full_page_writes synchronous_commit password_encryption server_encoding"
        assert [query(url, f"show {name}")[0][0] for name in settings.split()] == [
            "on", "on", "on", "on", "scram-sha-256", "UTF8",
        ]  # fmt: skip
        assert (tmp_path / "postgres.password").stat().st_mode & 0o777 == 0o600
        password = (tmp_path / "postgres.password").read_text()
        with pytest.raises(psycopg2.OperationalError, match="password"):
            query(url.replace(password, "wrong"), "select 1")
        query(url, "create table kept as select 42 as answer")
        server.kill()
        assert not answers(url)
        server.start()
        assert server.url == url
        assert query(url, "select answer from kept") == [(42,)]
    finally:
        server.stop()


def test_a_directory_that_cannot_be_made_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(ServicesError, match=r"cannot write to .*file/data.*COMPLAINTS_DATA_DIR"),
        services(tmp_path / "file" / "data", database_url=None, kafka_bootstrap=None, report=print),
    ):
        pass


@pytest.mark.parametrize(
    ("database_url", "kafka_bootstrap", "message"),
    [
        (f"postgresql://someone:secret@{NOWHERE}/x", NOWHERE, "COMPLAINTS_DATABASE_URL does not answer"),
        ("postgresql://[", NOWHERE, "COMPLAINTS_DATABASE_URL does not answer"),
        (None, NOWHERE, f"COMPLAINTS_KAFKA_BOOTSTRAP at {NOWHERE} does not answer"),
        (None, "nonsense", "COMPLAINTS_KAFKA_BOOTSTRAP at nonsense does not answer"),
    ],
)
def test_a_server_of_others_that_does_not_answer_is_named(
    tmp_path: Path, database_url: str | None, kafka_bootstrap: str, message: str
) -> None:
    with (
        pytest.raises(ServicesError, match=message) as raised,
        services(tmp_path, database_url=database_url, kafka_bootstrap=kafka_bootstrap, report=print),
    ):
        pass
    assert "secret" not in str(raised.value)


def test_users_with_other_servers_than_the_running_services_are_refused(
    tmp_path: Path, join: Callable[..., User]
) -> None:
    join(tmp_path).ready()
    with (
        pytest.raises(ServicesError, match="run with another COMPLAINTS_DATABASE_URL"),
        services(tmp_path, database_url=None, kafka_bootstrap=NOWHERE, report=print),
    ):
        pass


def test_a_port_that_another_program_took_is_replaced_at_first_and_named_later(tmp_path: Path) -> None:
    [kept] = choose_ports(tmp_path, "postgres")
    server = PostgresServer(tmp_path)
    with socket.create_server(("127.0.0.1", kept)):
        server.start()
        server.stop()
        assert server.port is not None
        assert server.port != kept
    with (
        socket.create_server(("127.0.0.1", server.port)),
        pytest.raises(ServicesError, match=rf"port {server.port} of 127\.0\.0\.1, .*taken by another program"),
    ):
        server.start()


def test_a_database_of_a_newer_postgresql_is_refused(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("99\n")
    with pytest.raises(ServicesError, match="made by PostgreSQL 99 and this program brings PostgreSQL"):
        PostgresServer(tmp_path).start()


def test_without_network_the_download_fails_with_the_remedy_and_leaves_nothing_that_looks_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://{NOWHERE}")
    monkeypatch.setenv("https_proxy", f"http://{NOWHERE}")
    monkeypatch.setenv("M2_REPO", str(tmp_path / "none"))
    half = tmp_path / f"kafka-{KAFKA_VERSION}.part" / "jars"
    half.mkdir(parents=True)
    (half / "kafka.jar").write_bytes(b"half")
    with pytest.raises(ServicesError, match=r"cannot be downloaded.*HTTPS_PROXY.*COMPLAINTS_KAFKA_BOOTSTRAP"):
        kafka_jars(tmp_path, print)
    assert not (tmp_path / f"kafka-{KAFKA_VERSION}").exists()


def test_nothing_is_said_of_a_directory_without_services(tmp_path: Path) -> None:
    assert status(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
