"""The progress of a complaint as server-sent events, over a real socket and a real PostgreSQL."""

from __future__ import annotations

import itertools
import json
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.database import connect
from adapters.embedded.process import choose_ports
from adapters.execute import Command
from api import progress
from domain.complaint.ending import Disputed
from domain.values import Actor, Role
from tests.conftest import create_database
from tests.integration.program import LIMIT, Program
from tests.integration.test_http import CONSUMER, KEY, REGULATOR, Server, file, merchant, ok, refused, token

#: The connection that waits is known by what it asked last.
LISTENING = (
    "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() "
    "and (query = 'listen ledger' or query like '%as asked')"
)


@pytest.fixture(scope="module")
def server(postgres_url: str) -> Iterator[Server]:
    server = Server(create_database(postgres_url, f"progress_{uuid.uuid4().hex[:8]}"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def routed_to(http: httpx.Client) -> str:
    return str(merchant(http)["id"])


@contextmanager
def following(http: httpx.Client, complaint: str, **request: Any) -> Iterator[Iterator[str]]:
    """The lines of a stream."""
    with http.stream("GET", f"/complaints/{complaint}/events/stream", **request) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        yield answer.iter_lines()


def next_event(lines: Iterator[str]) -> dict[str, str]:
    """The fields of the next event; comments and the time to wait are passed over."""
    found: dict[str, str] = {}
    for line in lines:
        if not line and "data" in found:
            return found
        name, _, value = line.partition(": ")
        if name:
            found[name] = value
    raise AssertionError("the stream ended")


def history(http: httpx.Client, complaint: str) -> list[dict[str, Any]]:
    return list(ok(http.get(f"/complaints/{complaint}/events"))["items"])


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def listening(server: Server) -> int:
    with closing(connect(server.ledger.recorder.url, None)) as conn, conn.cursor() as cursor:
        cursor.execute(LISTENING)
        ((count,),) = cursor.fetchall()
        return int(count)


def test_a3_every_event_comes_when_it_is_appended_and_as_the_history_tells_it(
    http: httpx.Client, routed_to: str
) -> None:
    complaint = file(http, narrative="two\nlines, 两行")["id"]
    with following(http, complaint) as lines:
        seen = [next_event(lines)]
        ok(http.post(f"/complaints/{complaint}/routing", json={"merchant_id": routed_to}))
        seen.append(next_event(lines))
        ok(http.post(f"/complaints/{complaint}/answer", json={"kind": "explanation"}))
        seen.append(next_event(lines))
    told = history(http, complaint)
    assert [json.loads(one["data"]) for one in seen] == told
    assert [(one["id"], one["event"]) for one in seen] == [(str(item["version"]), item["type"]) for item in told]


@pytest.mark.parametrize(
    ("request_", "first"),
    [
        ({"headers": {"Last-Event-ID": "1"}}, "2"),
        ({"params": {"after": 1}}, "2"),
        ({"headers": {"Last-Event-ID": "1"}, "params": {"after": 0}}, "2"),
        ({"headers": {"Last-Event-ID": "2"}}, "3"),
    ],
)
def test_a3_a_reader_who_comes_again_goes_on_after_what_it_saw(
    http: httpx.Client, routed_to: str, request_: dict[str, Any], first: str
) -> None:
    complaint = file(http)["id"]
    ok(http.post(f"/complaints/{complaint}/routing", json={"merchant_id": routed_to}))
    with following(http, complaint, **request_) as lines:
        ok(http.post(f"/complaints/{complaint}/answer", json={"kind": "explanation"}))
        ids = [next_event(lines)["id"] for _ in range(4 - int(first))]
    assert ids == [str(n) for n in range(int(first), 4)]


def test_only_who_may_read_the_complaint_may_follow_it(server: Server, http: httpx.Client) -> None:
    path = f"/complaints/{file(http)['id']}/events/stream"
    with httpx.Client(base_url=http.base_url) as nobody:
        refused(nobody.get(path), 401, "unauthorized")
    refused(http.get(f"/complaints/complaint-{uuid.uuid4()}/events/stream"), 404, "unknown")
    refused(http.get(path, headers={"Last-Event-ID": "x"}), 422, "invalid")


def test_one_connection_listens_for_all_streams_and_none_when_nobody_follows(
    server: Server, http: httpx.Client
) -> None:
    complaints = [file(http)["id"] for _ in range(3)]
    with ExitStack() as open_streams:
        streams = [open_streams.enter_context(following(http, complaint)) for complaint in complaints * 2]
        for lines in streams:
            next_event(lines)
        eventually(lambda: listening(server) == 1)
    eventually(lambda: listening(server) == 0)


def test_streams_are_bounded_per_sender_and_in_all_and_free_again_when_closed(
    server: Server, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "MAX_OF_ONE", 2)
    monkeypatch.setattr(progress, "MAX_STREAMS", 3)
    complaint = file(http)["id"]
    path = f"/complaints/{complaint}/events/stream"
    with server.client(CONSUMER) as other:
        with ExitStack() as open_streams:
            for _ in range(2):
                open_streams.enter_context(following(http, complaint))
            refused(http.get(path), 429, "too-many-requests")
            open_streams.enter_context(following(other, complaint))
            refused(other.get(path), 429, "too-many-requests")

        def admitted() -> bool:
            with http.stream("GET", path) as answer:
                return answer.status_code == 200

        eventually(admitted)


def test_a_word_that_is_lost_with_its_connection_is_made_up_for(
    server: Server, http: httpx.Client, routed_to: str
) -> None:
    complaint = file(http)["id"]
    with following(http, complaint) as lines:
        next_event(lines)
        eventually(lambda: listening(server) == 1)
        with closing(connect(server.ledger.recorder.url, None)) as conn, conn.cursor() as cursor:
            cursor.execute(LISTENING.replace("count(*)", "pg_terminate_backend(pid)"))
            assert cursor.fetchall() == [(True,)]
        ok(http.post(f"/complaints/{complaint}/routing", json={"merchant_id": routed_to}))
        assert next_event(lines)["id"] == "2"


def test_a_quiet_stream_is_kept_open_by_comments_and_ends_by_itself(
    http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "HEARTBEAT_S", 0.05)
    monkeypatch.setattr(progress, "MAX_STREAM_S", 0.5)
    with following(http, file(http)["id"]) as lines:
        told = list(lines)
    assert told[0] == "retry: 2000"
    assert told.count(": nothing new") > 1
    # Every event and comment is whole.
    assert told[-1] == ""


def test_a_quiet_stream_is_kept_open_although_looks_are_more_frequent_than_comments(
    http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in (("PAUSE_S", 0.01), ("LOOK_S", 0.05), ("HEARTBEAT_S", 0.5), ("MAX_STREAM_S", 3.0)):
        monkeypatch.setattr(progress, name, seconds)
    with following(http, file(http)["id"]) as lines:
        # One may come at the end, whatever was told before.
        assert list(lines).count(": nothing new") > 2


def test_a_process_that_is_told_to_stop_ends_its_streams_whole(
    server: Server, http: httpx.Client, tmp_path: Path
) -> None:
    complaint = file(http)["id"]
    (port,) = choose_ports(tmp_path, "api")
    settings = {
        "COMPLAINTS_DATABASE_URL": server.ledger.recorder.url,
        "COMPLAINTS_SERVICE_KEY": KEY.decode(),
        "COMPLAINTS_API_PORT": str(port),
    }
    errors = tmp_path / "api.log"
    with errors.open("w") as log:
        process = Program(tmp_path, settings).start("api", stderr=log)
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {token(REGULATOR)}"}, timeout=LIMIT
        ) as own:
            eventually(lambda: process.poll() is not None or answers(own))
            with following(own, complaint) as lines:
                first = list(itertools.takewhile(bool, lines))
                assert next_event(lines)["id"] == "1"
                process.send_signal(signal.SIGTERM)
                rest = list(lines)  # httpx raises RemoteProtocolError for an answer that is cut off.
        process.communicate(timeout=LIMIT)
    finally:
        process.kill()
    assert first == ["retry: 2000"]
    assert all(not line or line.startswith(":") for line in rest)
    assert "Traceback" not in errors.read_text("utf-8")


def answers(http: httpx.Client) -> bool:
    try:
        return http.get("/health/live").is_success
    except httpx.TransportError:
        return False


def dispute(server: Server, complaint: str, text: str = "no", times: int = 1) -> None:
    """Append what no action would decide again."""
    told = Disputed(occurred_at=datetime.now(UTC), actor=REGULATOR, text=text)
    server.ledger.execute(complaint, lambda state: [told] * times, Command(uuid.uuid4().hex, uuid.uuid4().hex))


def test_b4_an_analyst_may_not_follow_what_people_wrote(server: Server, http: httpx.Client) -> None:
    with server.client(Actor(str(uuid.uuid4()), Role.ANALYST)) as analyst:
        refused(analyst.get(f"/complaints/{file(http)['id']}/events/stream"), 403, "forbidden")


@pytest.mark.parametrize("last", ["", "-1", "1.0", "9" * 19])
def test_what_is_no_id_of_an_event_is_refused_and_not_taken_for_the_beginning(http: httpx.Client, last: str) -> None:
    path = f"/complaints/{file(http)['id']}/events/stream"
    refused(http.get(path, headers={"Last-Event-ID": last}), 422, "invalid")


def test_no_proxy_holds_a_stream_back_or_keeps_it(http: httpx.Client) -> None:
    with http.stream("GET", f"/complaints/{file(http)['id']}/events/stream") as answer:
        assert (answer.headers["cache-control"], answer.headers["x-accel-buffering"]) == ("no-store", "no")


def test_a3_a_reader_who_knows_more_than_there_is_is_told_of_what_is_above_that_only(
    server: Server, http: httpx.Client
) -> None:
    complaint = file(http)["id"]
    with following(http, complaint, headers={"Last-Event-ID": "3"}) as lines:
        for _ in range(4):
            dispute(server, complaint)
        assert next_event(lines)["id"] == "4"


def test_a3_what_is_appended_while_readers_come_and_go_reaches_each_once_and_in_order(
    server: Server, http: httpx.Client
) -> None:
    complaint, events = file(http)["id"], 40

    def append() -> None:
        for _ in range(events - 1):
            dispute(server, complaint)

    appending = threading.Thread(target=append)
    appending.start()
    try:
        with following(http, complaint) as whole:
            seen: list[str] = []
            # Each comes when something is under way, and leaves after two.
            while len(seen) < events:
                last = seen[-1] if seen else "0"
                with following(http, complaint, headers={"Last-Event-ID": last}) as lines:
                    seen += [next_event(lines)["id"] for _ in range(min(2, events - len(seen)))]
            assert [next_event(whole)["id"] for _ in range(events)] == seen == [str(n) for n in range(1, events + 1)]
    finally:
        appending.join()


def passed(moment: float) -> bool:
    return time.monotonic() > moment


@pytest.fixture
def long(server: Server, http: httpx.Client) -> str:
    """A complaint with more in its history than what sockets and servers hold for a reader."""
    complaint = str(file(http)["id"])
    for _ in range(10):
        dispute(server, complaint, "x" * 32_000, 50)
    return complaint


def test_a_reader_who_takes_nothing_is_let_go_when_its_time_is_over(
    server: Server, http: httpx.Client, long: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "MAX_STREAM_S", 0.5)
    monkeypatch.setattr(progress, "HEARTBEAT_S", 0.5)
    monkeypatch.setattr(progress, "MAX_OF_ONE", 1)
    with socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT) as silent:
        silent.sendall(
            f"GET /complaints/{long}/events/stream HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: Bearer {token(REGULATOR)}\r\n\r\n".encode()
        )
        assert silent.recv(15) == b"HTTP/1.1 200 OK"
        refused(http.get(f"/complaints/{long}/events/stream"), 429, "too-many-requests")

        def admitted() -> bool:
            with http.stream("GET", f"/complaints/{long}/events/stream", params={"after": 500}) as answer:
                return answer.status_code == 200

        eventually(admitted)


def test_a_reader_who_is_slow_is_sent_whole_events_until_its_time_is_over_and_goes_on_with_the_next(
    http: httpx.Client, long: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    monkeypatch.setattr(progress, "MAX_STREAM_S", 1.0)
    for _ in range(2):
        with following(http, long, headers={"Last-Event-ID": str(seen[-1] if seen else 0)}) as lines:
            first = next_event(lines)
            # It takes no more before its time is over.
            over = time.monotonic() + progress.MAX_STREAM_S
            eventually(partial(passed, over))
            text = list(lines)
        assert text[-1] == ""
        seen += [int(first["id"]), *(int(line.removeprefix("id: ")) for line in text if line.startswith("id: "))]
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) < 501
