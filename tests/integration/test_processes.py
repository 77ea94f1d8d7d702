"""Several processes of each kind under `complaints up`: service goes on when some are killed, and all come back."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import threading
import uuid
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from adapters.database import connect
from adapters.embedded import lease
from adapters.embedded.address import hold, join, listen_alone
from adapters.embedded.process import ServicesError
from adapters.relay import LEADER_LOCK
from tests.integration.deadlines import Desk, days, of_time
from tests.integration.program import Program, Up, eventually

TWO_OF_EACH = ("--api", "2", "--relays", "2", "--feeds", "2", "--projectors", "2", "--watchers", "2")
WORKERS = {f"{name}-{number}" for name in ("api", "relay", "feed", "projector", "watcher") for number in (1, 2)}


class Clients:
    """Threads that file complaints, each again under its key until it is acknowledged, until the block ends."""

    def __init__(self, url: str, tokens: list[str]) -> None:
        self.url = url
        self.acknowledged: dict[str, dict[str, Any]] = {}
        self.wrong: list[str] = []
        self._enough = threading.Event()
        self._threads = [threading.Thread(target=self._file, args=(token,)) for token in tokens]

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join()

    def await_more(self, count: int) -> int:
        """Wait for so many further acknowledgements; returns a position that all of these have reached."""
        wanted = len(self.acknowledged) + count
        eventually(lambda: self.wrong or len(self.acknowledged) >= wanted, f"{count} more complaints are acknowledged")
        assert self.wrong == []
        return max(answer["position"] or 0 for answer in list(self.acknowledged.values()))

    def _file(self, token: str) -> None:
        # A connection for every request: each may meet another process.
        limits = httpx.Limits(max_keepalive_connections=0)
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=self.url, headers=headers, limits=limits, timeout=30) as client:
            while not self._enough.wait(0.1):
                key = str(uuid.uuid4())
                body = {"consumer_id": str(uuid.uuid4()), "channel": "app", "product": "电饭锅", "narrative": key}
                while (answer := self._send(client, key, body)) is None:
                    if self._enough.wait(0.05):
                        break
                else:
                    self.acknowledged[key] = answer

    def _send(self, client: httpx.Client, key: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """What was answered; None if it is to be sent again."""
        try:
            response = client.post("/complaints", json=body, headers={"Idempotency-Key": key})
        except httpx.TransportError:
            return None
        if response.status_code not in (200, 201):
            if response.status_code != 503:
                self.wrong.append(response.text)
            return None
        answer: dict[str, Any] = response.json()
        return answer


def leading_relay(database_url: str) -> int | None:
    """The pid of the relay process that holds the leader's lock."""
    with closing(connect(database_url, None)) as conn, conn.cursor() as cursor:
        cursor.execute(
            "select a.client_port from pg_locks l join pg_stat_activity a using (pid) "
            "where l.locktype = 'advisory' and l.granted and (l.classid::bigint << 32) + l.objid::bigint = %s",
            [LEADER_LOCK],
        )
        ports = {port for (port,) in cursor.fetchall()}
    for process in psutil.process_iter():
        try:
            own = {connection.laddr.port for connection in process.net_connections("tcp") if connection.raddr}
            if ports & own and "relay" in process.cmdline():
                return process.pid
        except psutil.Error:
            continue
    return None


def least_watermark(database_url: str) -> int:
    with closing(connect(database_url, "ledger_api")) as conn, conn.cursor() as cursor:
        cursor.execute("select min(p.watermark) from read.progress p join read.active a using (projection, generation)")
        ((least,),) = cursor.fetchall()
    return int(least)


def listens(pid: int, port: int) -> bool:
    return any(
        own.status == psutil.CONN_LISTEN and own.laddr.port == port
        for own in psutil.Process(pid).net_connections("tcp")
    )


def figures(data_dir: Path) -> str:
    """What the supervisor shows Prometheus, found as Prometheus finds it."""
    (file,) = (data_dir / "run" / "metrics").glob("supervisor-*.json")
    (group,) = json.loads(file.read_text())
    assert group["labels"]["process"] == "supervisor"
    (target,) = group["targets"]
    return httpx.get(f"http://{target}/metrics").text


def kill_where_nobody_helps(program: Program, daemon: int, victims: list[int]) -> None:
    """SIGKILL processes while the supervisor is stopped, so that only the others can go on in their place."""
    with lease.gate(program.data_dir / "run"):
        os.kill(daemon, signal.SIGSTOP)
    for pid in victims:
        os.kill(pid, signal.SIGKILL)


def assert_told(program: Program, up: Up, name: str, pid: int) -> None:
    ended = rf"{name} \(process {pid}\) has ended \(SIGKILL\); starting it again in \d+\.\d s"
    for text in (up.said, (program.data_dir / "logs" / "daemon.log").read_text):
        eventually(lambda text=text: re.search(ended, text()), f"{name} is said to have ended")  # type: ignore[misc]
        eventually(lambda text=text: f"{name} runs again (process " in text(), f"{name} is said to run again")  # type: ignore[misc]


def test_service_goes_on_when_one_of_each_process_is_killed_and_all_are_started_again(tmp_path: Path) -> None:
    program = Program(tmp_path / "data")
    tokens = [program.run("token", "--as", "consumer", "--json").json["token"] for _ in range(2)]
    with program.up(*TWO_OF_EACH) as up:
        eventually(lambda: program.status()["http_url"], "the API listens")
        before = program.status()
        database_url, url = up.endpoints["database_url"], before["http_url"]
        # `up` does not wait for ever.
        assert up.endpoints["http_url"] in (url, None)
        assert before["pids"].keys() >= WORKERS
        assert before["restarts"].keys() == {*WORKERS, "postgres", "kafka"}
        assert all(told == {"count": 0, "last": None, "ended": None} for told in before["restarts"].values())
        pids, port = before["pids"], urlsplit(url).port
        assert port is not None
        eventually(lambda: all(listens(pids[name], port) for name in ("api-1", "api-2")), "both listen on one port")
        with Clients(url, tokens) as clients:
            position = clients.await_more(20)
            eventually(lambda: least_watermark(database_url) >= position, "the read models follow")
            eventually(lambda: leading_relay(database_url) is not None, "a relay leads")
            leader = next(name for name in ("relay-1", "relay-2") if pids[name] == leading_relay(database_url))
            standby = "relay-2" if leader == "relay-1" else "relay-1"
            killed = ("api-1", leader, "projector-1", "watcher-1")

            kill_where_nobody_helps(program, pids["daemon"], [pids[name] for name in killed])
            try:
                position = clients.await_more(20)
                eventually(lambda: leading_relay(database_url) == pids[standby], "the standby relay has taken over")
                eventually(lambda: least_watermark(database_url) >= position, "the other projector has taken over")
                with closing(Desk(database_url)) as desk:
                    late = desk.promised(datetime.now(UTC) - days(2))
                    eventually(
                        lambda: [line[:2] for line in of_time(desk.ledger)] == [(late, "answer")], "it is missed"
                    )
            finally:
                os.kill(pids["daemon"], signal.SIGCONT)

            for name in killed:
                assert_told(program, up, name, pids[name])
            after = program.status()
            for name in killed:
                assert after["restarts"][name]["ended"] == "SIGKILL"
                assert after["restarts"][name]["last"] is not None
                assert after["restarts"][name]["count"] == 1
                assert after["pids"][name] != pids[name]
                assert f'complaints_restarts_total{{process="{name}"}} 1.0' in figures(program.data_dir)
            for name in WORKERS - set(killed):
                assert (after["pids"][name], after["restarts"][name]["count"]) == (pids[name], 0)
            assert after["http_url"] == url
            assert f"{killed[0]:16} process {after['pids'][killed[0]]}, restarts 1, last" in program.run("status").out
            eventually(lambda: listens(after["pids"]["api-1"], port), "the new one listens on the port, too")
            clients.await_more(20)

        head = program.head()
        eventually(lambda: least_watermark(database_url) >= head, "the read models reach the head")
        stored = {row for (row,) in program.sql("select complaint_id from read.complaint_details")}
        acknowledged = {answer["id"] for answer in clients.acknowledged.values()}
        assert len(acknowledged) == len(clients.acknowledged)
        assert acknowledged | {late} <= stored
        assert len(stored - acknowledged - {late}) <= len(tokens), "only what was being sent at the end is missing"
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {tokens[0]}"}, timeout=30) as client:
            for answer in list(clients.acknowledged.values())[::10]:
                assert client.get(f"/complaints/{answer['id']}").status_code == 200
        told = program.status()
        assert told["clocks"].items() >= {"overdue": 0, "overdue_s": 0, "failed": 0, "failures": []}.items()
        assert told["clocks"]["running"] == len(stored)
        with closing(Desk(database_url)) as desk:
            desk.append_rubbish(late)
        eventually(lambda: program.status()["clocks"]["failed"] == 1, "the watchers tell what they cannot read")
        told = program.status()
        assert told["watched"] == told["head"]
        assert [failure["stream"] for failure in told["clocks"]["failures"]] == [late]
        assert f"not handled by the watchers: {late} (" in program.run("status").out
        up_figures = figures(program.data_dir)
        for name in (*WORKERS, "postgres", "kafka"):
            assert f'complaints_up{{process="{name}"}} 1.0' in up_figures


def test_a_chosen_port_that_is_taken_is_named_by_up_itself(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        ran = Program(tmp_path / "data", {"COMPLAINTS_API_PORT": str(taken)}).run("up", "--json")
    assert ran.code == 7
    assert f"cannot listen on 127.0.0.1:{taken}" in ran.err
    assert "COMPLAINTS_API_PORT" in ran.err


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("COMPLAINTS_API_PROCESSES", "0", "greater than or equal to 1"),
        ("COMPLAINTS_RELAYS", "5", "less than or equal to 4"),
        ("COMPLAINTS_PROJECTORS", "many", "valid integer"),
        ("COMPLAINTS_WATCHERS", "9", "less than or equal to 8"),
    ],
)
def test_a_number_of_processes_that_makes_no_sense_is_refused(tmp_path: Path, name: str, value: str, why: str) -> None:
    ran = Program(tmp_path / "data", {name: value}).run("up", "--json")
    assert (ran.code, ran.error["error"]) == (3, "InvalidInput")
    assert name in ran.error["message"]
    assert why in ran.error["message"]


def test_status_tells_when_postgresql_is_silent_and_up_when_somebody_else_stops_the_services(tmp_path: Path) -> None:
    program = Program(tmp_path / "data")
    with program.up() as up:
        pids = program.status()["pids"]
        os.kill(pids["postgres"], signal.SIGSTOP)
        silent = program.status()
        os.kill(pids["postgres"], signal.SIGCONT)
        assert (silent["running"], silent["head"], silent["pids"]) == (True, None, pids)
        assert silent["problem"].startswith("PostgreSQL does not answer: ")
        os.kill(pids["daemon"], signal.SIGTERM)
        up.process.communicate(timeout=120)
        assert up.process.returncode == 7
        assert "stopped by somebody else" in up.said()
    assert program.status()["running"] is False


def test_a_held_port_is_shared_by_those_who_join_it_and_kept_from_everybody_else() -> None:
    port, held = hold("127.0.0.1", [0])
    assert held is not None
    with held:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        with pytest.raises(ServicesError, match=rf"cannot listen on 127\.0\.0\.1:{port} .*COMPLAINTS_API_PORT"):
            hold("127.0.0.1", [port])
        with pytest.raises(ServicesError, match=str(port)):
            listen_alone("127.0.0.1", [port])
        with join("127.0.0.1", port) as first, join("127.0.0.1", port) as second:
            first.listen()
            second.listen()
            other, also_held = hold("127.0.0.1", [port, 0])
            assert also_held is not None
            also_held.close()
            assert other != port
            socket.create_connection(("127.0.0.1", port)).close()
        with pytest.raises(ServicesError, match=str(port)):
            listen_alone("127.0.0.1", [port])
    listen_alone("127.0.0.1", [port]).close()
