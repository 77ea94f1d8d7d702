"""HTTP clients: one thread serves all connections, so that the clients take little of what they measure.

A client is a generator: it yields its next request and is sent the answer. Each has a connection of its own, which
stays open.
"""

from __future__ import annotations

import heapq
import json
import socket
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection
from selectors import EVENT_READ, DefaultSelector
from typing import Any
from uuid import uuid4

from bench.harness import percentile

CONNECT_LIMIT_S = 10.0
WARM_UP_S = 0.5
NARRATIVE = "The cooker stopped heating after two weeks, and the seller does not answer. " * 4


@dataclass(frozen=True, slots=True)
class Request:
    """The bytes to send, not before a monotonic time; ``expected`` is the status that the answer must have."""

    data: bytes
    expected: int
    not_before: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of an answer, and the monotonic times of sending and receiving."""

    body: bytes
    sent: float
    received: float


Client = Generator[Request, Answer, None]


@dataclass(slots=True)
class _Connection:
    socket: socket.socket
    client: Client
    request: Request
    buffer: bytearray = field(default_factory=bytearray)
    sent: float = 0.0


def run_clients(clients: Sequence[tuple[int, Client]]) -> None:
    """Let clients, each with the port on 127.0.0.1 that it talks to, run to their ends.

    Raises RuntimeError when an answer has another status than the request expects.
    """
    due: list[tuple[float, int, _Connection]] = []
    with DefaultSelector() as selector:
        for number, (port, client) in enumerate(clients):
            connected = socket.create_connection(("127.0.0.1", port), CONNECT_LIMIT_S)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = _Connection(connected, client, next(client))
            selector.register(connected, EVENT_READ, connection)
            heapq.heappush(due, (connection.request.not_before, number, connection))
        count = len(clients)
        while selector.get_map():
            now = time.monotonic()
            while due and due[0][0] <= now:
                _, _, connection = heapq.heappop(due)
                connection.sent = time.monotonic()
                connection.socket.sendall(connection.request.data)
            for key, _ in selector.select(max(0.0, due[0][0] - now) if due else None):
                connection = key.data
                answer = _receive(connection)
                if answer is None:
                    continue
                try:
                    connection.request = connection.client.send(answer)
                except StopIteration:
                    selector.unregister(connection.socket)
                    connection.socket.close()
                    continue
                count += 1
                heapq.heappush(due, (connection.request.not_before, count, connection))


def _receive(connection: _Connection) -> Answer | None:
    """Take what has come; returns the answer once it is whole."""
    chunk = connection.socket.recv(65_536)
    if not chunk:
        raise RuntimeError("the API closed a connection")
    buffer = connection.buffer
    buffer += chunk
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(buffer[:end]).lower()
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    if len(buffer) < end + 4 + length:
        return None
    body = bytes(buffer[end + 4 :])
    buffer.clear()
    status = int(head.split(b" ", 2)[1])
    if status != connection.request.expected:
        raise RuntimeError(f"an answer has status {status}, not {connection.request.expected}: {body[:500]!r}")
    return Answer(body, connection.sent, time.monotonic())


def get(path: str, token: str) -> bytes:
    """Write a GET."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


def command(path: str, body: dict[str, Any], token: str) -> bytes:
    """Write a POST of a command under a new idempotency key."""
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        f"Idempotency-Key: {uuid4().hex}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def file_body() -> dict[str, Any]:
    """Return a complaint of another consumer each time."""
    return {
        "consumer_id": str(uuid4()),
        "channel": "app",
        "product": "rice cooker",
        "issue": "does not heat",
        "region": {"scheme": "GB/T 2260", "value": "330106"},
        "claim": {"fen": 19900},
        "narrative": NARRATIVE,
    }


def answer_body() -> dict[str, Any]:
    """Return a merchant's answer."""
    return {"kind": "monetary_relief", "relief": {"fen": 5000}, "text": "We return 50 yuan."}


def acting(token: str, merchant_id: str) -> Client:
    """File a complaint, route it, answer it, then the next one, without end."""
    while True:
        filed = yield Request(command("/complaints", file_body(), token), 201)
        path = f"/complaints/{json.loads(filed.body)['id']}"
        yield Request(command(f"{path}/routing", {"merchant_id": merchant_id}, token), 200)
        yield Request(command(f"{path}/answer", answer_body(), token), 200)


def looking(token: str) -> Client:
    """Ask whether the process lives, without end."""
    while True:
        yield Request(get("/health/live", token), 200)


def until(end: float, client: Client, answers: list[Answer]) -> Client:
    """End a client at a monotonic time; ``answers`` collects what it got."""
    request = next(client)
    while time.monotonic() < end:
        answer = yield request
        answers.append(answer)
        request = client.send(answer)


def post(
    connection: HTTPConnection, path: str, body: dict[str, Any], token: str, key: str | None = None
) -> tuple[int, dict[str, Any]]:
    """Send one command; returns status and answer. Raises OSError and http.client.HTTPException."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    if key is not None:
        headers["Idempotency-Key"] = key
    connection.request("POST", path, json.dumps(body), headers)
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def register_merchant(port: int, token: str) -> str:
    """Register a merchant; returns its id."""
    connection = HTTPConnection("127.0.0.1", port, timeout=CONNECT_LIMIT_S)
    status, answer = post(connection, "/merchants", {"trade_name": f"West Lake Appliances {uuid4()}"}, token)
    connection.close()
    if status != 201:
        raise RuntimeError(f"registering a merchant was answered with {status}: {answer}")
    return str(answer["id"])


def clients(ports: list[int], token: str, merchant_id: str) -> Callable[[int, float, str], dict[str, float]]:
    """Keep APIs busy; a run takes the number of clients, the seconds, and ``commands`` or ``live`` (GET /health/live).

    Each client sends its next request when it has an answer; they take turns in the APIs. A run gives ``summary`` of
    the latencies, and the CPU seconds of this process.
    """

    def run(count: int, seconds: float, what: str) -> dict[str, float]:
        begin = time.monotonic() + WARM_UP_S
        end = begin + seconds
        answers: list[Answer] = []
        cpu = time.process_time()
        run_clients(
            [
                (
                    ports[number % len(ports)],
                    until(end, looking(token) if what == "live" else acting(token, merchant_id), answers),
                )
                for number in range(count)
            ]
        )
        cpu = time.process_time() - cpu
        latencies = [a.received - a.sent for a in answers if a.sent >= begin and a.received <= end]
        return {**summary(latencies, seconds), "cpu_seconds": cpu}

    return run


def summary(latencies: Sequence[float], seconds: float) -> dict[str, float]:
    """Sum up latencies in seconds: p50, p99 and mean in milliseconds, and how many there were per second."""
    return {
        "p50": 1000 * percentile(latencies, 50),
        "p99": 1000 * percentile(latencies, 99),
        "mean": 1000 * sum(latencies) / len(latencies),
        "per_s": len(latencies) / seconds,
    }
