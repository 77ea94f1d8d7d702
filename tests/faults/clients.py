"""Clients that file and act over HTTP, repeat what they got no answer to, and remember what they were told."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from adapters.execute import command
from api import tokens
from domain.values import Actor, Role, format_instant

ANSWER_S = 4.0
PAUSE_S = 0.25
THINK_S = 0.1
#: How long a command may stay without an answer after everything is healed.
GIVE_UP_S = 90.0
#: Tokens are old and last long, so that an api whose clock has jumped takes them.
TOKEN_AGE = timedelta(days=4)
#: What a command may be refused with: the rules, another's act in between, a due time that a clock has passed.
REFUSALS = (409, 412, 422)
ACTIONS = {
    "route": "routing",
    "answer": "answer",
    "resolve": "resolution",
    "close": "closing",
    "dispute": "dispute",
    "withdraw": "withdrawal",
    "reopen": "reopening",
    "offer": "actions/offer",
    "accept_offer": "actions/accept-offer",
    "decline_offer": "actions/decline-offer",
}
#: Who may take it, where that is not the consumer and the regulator.
ROLES = {
    "answer": (Role.MERCHANT, Role.REGULATOR),
    "offer": (Role.CONSUMER, Role.MERCHANT),
    "accept_offer": (Role.CONSUMER, Role.MERCHANT),
    "decline_offer": (Role.CONSUMER, Role.MERCHANT),
}
#: Terms end while the schedule runs, some of them before anybody acts; or so late that none of them may be missed.
SOON_S, LATE_S = (0.3, 4.0), 86_400.0
#: How many complaints their client forgets when a clock has begun to run: a watcher alone can tell that it ran out.
FORGOTTEN = 0.4


@dataclass
class Sent:
    """A command of a client and what became of it: an answer, a refusal (its status), or neither.

    ``unknown``: how many attempts ended without telling. ``told_at``: when it was answered or refused.
    """

    operation: str
    key: str
    path: str
    body: dict[str, Any]
    actor: Actor
    stream: str | None
    if_match: int | None
    unknown: int = 0
    answer: dict[str, Any] | None = None
    refused: int | None = None
    told_at: datetime | None = None

    @property
    def command_id(self) -> str:
        return command(b"", self.actor.id, self.operation, self.key, {}).id


@dataclass
class Complaint:
    """A complaint as its client last saw it."""

    id: str
    version: int
    status: str = "filed"


class Shared:
    """What the clients know of each other's complaints, and when any of them last was served."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self.lock = threading.Lock()
        self.served_at = time.monotonic()
        self.longest_gap_s = 0.0

    def begin(self) -> None:
        """Count gaps in service from now on."""
        with self.lock:
            self.served_at, self.longest_gap_s = time.monotonic(), 0.0

    def served(self) -> None:
        with self.lock:
            now = time.monotonic()
            self.longest_gap_s = max(self.longest_gap_s, now - self.served_at)
            self.served_at = now


@dataclass
class Client:
    """One client with complaints and merchants of its own; now and then it acts on another's complaint."""

    number: int
    seed: int
    ports: Sequence[int]
    key: bytes
    shared: Shared
    sent: list[Sent] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    longest_wait_s: float = 0.0
    told_to_end: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._chance = Random(f"client {self.number} of {self.seed}")
        self._actors = {role: Actor(self._uuid(), role) for role in (Role.CONSUMER, Role.REGULATOR, Role.MERCHANT)}
        now = datetime.now(UTC)
        self._tokens = {
            actor.id: tokens.issue(self.key, actor, now=now - TOKEN_AGE, valid_for=2 * TOKEN_AGE)
            for actor in self._actors.values()
        }
        self._complaints: list[Complaint] = []
        self._merchant: str | None = None
        self._connections: dict[int, http.client.HTTPConnection] = {}
        self._api = self.number % len(self.ports)
        self._ended_at: float | None = None
        self._thread = threading.Thread(target=self._run, name=f"client {self.number}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Let it finish the command it is at."""
        self._ended_at = time.monotonic()
        self.told_to_end.set()

    def join(self) -> None:
        self._thread.join(GIVE_UP_S + 2 * ANSWER_S)
        if self._thread.is_alive():
            self.wrong.append(f"client {self.number} still waits for an answer")

    def _run(self) -> None:
        try:
            while not self.told_to_end.wait(THINK_S * self._chance.random()):
                self._step()
        except Exception as error:  # whatever it was, it belongs into the report of the run
            self.wrong.append(f"client {self.number} failed: {error!r}")
        finally:
            for connection in self._connections.values():
                connection.close()

    def _step(self) -> None:
        if self._merchant is None or self._chance.random() < 0.05:
            self._register()
        elif not self._complaints or self._chance.random() < 0.3:
            self._file()
        elif self._chance.random() < 0.15:
            with self.shared.lock:
                other = self._chance.choice(self.shared.complaints)
            self._act(Complaint(other, 0), self._chance.choice(list(ACTIONS)))
        else:
            complaint = self._chance.choice(self._complaints[-20:])
            if self._chance.random() < 0.15:
                self._read(complaint)
            else:
                self._act(complaint, self._next(complaint))

    def _register(self) -> None:
        sent = self._send("register", "/merchants", {"trade_name": f"商户 {self._uuid()}"}, None)
        if sent.answer is not None:
            self._merchant = sent.answer["id"]
            if self._chance.random() < 0.5:
                place = f"/merchants/{self._merchant}?min_position={sent.answer['position']}&wait_s=1"
                self._look(place, lambda found: found["merchant_id"] == self._merchant)

    def _file(self) -> None:
        body = {
            "consumer_id": self._uuid(),
            "channel": self._chance.choice(["app", "web", "phone"]),
            "product": "电饭锅",
            "claim": {"fen": self._chance.randrange(1, 100_000)},
            "narrative": "商家至今没有退款。" * self._chance.randrange(1, 60),
        }
        sent = self._send("file", "/complaints", body, None)
        if sent.answer is not None:
            self._complaints.append(Complaint(sent.answer["id"], sent.answer["version"]))
            with self.shared.lock:
                self.shared.complaints.append(sent.answer["id"])

    def _next(self, complaint: Complaint) -> str:
        match complaint.status:
            case "filed":
                return self._chance.choice(["route", "route", "route", "withdraw"])
            case "route" | "reopen":
                return self._chance.choice(["answer", "answer", "offer", "offer", "close", "withdraw"])
            case "offer":
                return self._chance.choice(["accept_offer", "decline_offer", "offer", "answer", "withdraw"])
            case "answer" | "dispute" | "decline_offer":
                return self._chance.choice(["resolve", "close", "dispute", "withdraw", "offer"])
            case "resolve" | "close" | "accept_offer":
                return self._chance.choice(["reopen", "dispute"])
            case _:
                return self._chance.choice(list(ACTIONS))

    def _act(self, complaint: Complaint, operation: str) -> None:
        body: dict[str, Any] = {}
        match operation:
            case "route":
                body = {"merchant_id": self._merchant}
                if self._chance.random() < 0.7:
                    body["answer_due"] = self._due()
            case "answer":
                body = {"kind": "monetary_relief", "relief": {"fen": self._chance.randrange(1, 9_000)}, "text": "退款"}
            case "resolve":
                body = {"basis": "agreement", "recovered": {"fen": self._chance.randrange(1, 9_000)}}
            case "close":
                body = {"ground": "no_agreement"}
            case "reopen":
                body = {"reason": "钱没有到账"}
                if self._chance.random() < 0.5:
                    body["answer_due"] = self._due()
            case "offer":
                amount = {"fen": self._chance.randrange(1, 9_000)}
                body = {"terms": [{"kind": "partial_refund", "amount": amount}], "expires": self._due()}
        if_match = complaint.version if complaint.version and self._chance.random() < 0.3 else None
        path = f"/complaints/{complaint.id}/{ACTIONS[operation]}"
        sent = self._send(operation, path, body, complaint.id, if_match)
        if sent.answer is not None:
            complaint.version, complaint.status = sent.answer["version"], operation
            if body.keys() & {"answer_due", "expires"} and self._chance.random() < FORGOTTEN:
                self._complaints = [one for one in self._complaints if one is not complaint]

    def _due(self) -> str:
        soon = self._chance.random() < 0.8
        return format_instant(datetime.now(UTC) + timedelta(seconds=self._chance.uniform(*SOON_S) if soon else LATE_S))

    def _read(self, complaint: Complaint) -> None:
        """What was acknowledged is there for everyone, through any api."""
        self._look(f"/complaints/{complaint.id}", lambda found: found["version"] >= complaint.version)

    def _send(
        self, operation: str, path: str, body: dict[str, Any], stream: str | None, if_match: int | None = None
    ) -> Sent:
        actor = self._actors[self._chance.choice(ROLES.get(operation, (Role.CONSUMER, Role.REGULATOR)))]
        sent = Sent(operation, self._uuid(), path, body, actor, stream, if_match)
        self.sent.append(sent)
        headers = {"Idempotency-Key": sent.key, "Content-Type": "application/json"}
        if if_match is not None:
            headers["If-Match"] = f'"{if_match}"'
        begun = time.monotonic()
        while True:
            status, answer = self._request("POST", path, sent.actor, json.dumps(body), headers)
            if status in (200, 201):
                sent.answer = answer
                self.shared.served()
                break
            if status in REFUSALS:
                sent.refused = status
                self.shared.served()
                break
            if status and status not in (500, 503):
                sent.refused = status
                self.wrong.append(f"{operation} {path} was answered with {status}: {answer}")
                break
            sent.unknown += 1
            if self._ended_at is not None and time.monotonic() - self._ended_at > GIVE_UP_S:
                self.wrong.append(f"{operation} {path} has no answer {GIVE_UP_S:.0f} s after everything was healed")
                break
            time.sleep(PAUSE_S)
        sent.told_at = datetime.now(UTC)
        self.longest_wait_s = max(self.longest_wait_s, time.monotonic() - begun)
        return sent

    def _look(self, path: str, is_right: Any) -> None:
        """Read, which may fail, but not answer wrongly."""
        status, answer = self._request("GET", path, self._actors[Role.CONSUMER], None, {})
        if status not in (0, 500, 503) and (status != 200 or not is_right(answer)):
            self.wrong.append(f"GET {path} answered {status} with {answer}")

    def _request(
        self, method: str, path: str, actor: Actor, body: str | None, headers: dict[str, str]
    ) -> tuple[int, Any]:
        """Ask one api; returns status and answer, status 0 when there was none. The next one is asked after that."""
        port = self.ports[self._api]
        try:
            connection = self._connections.get(port)
            if connection is None:
                connection = self._connections[port] = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
            connection.request(method, path, body, headers | {"Authorization": f"Bearer {self._tokens[actor.id]}"})
            answer = connection.getresponse()
            status, text = answer.status, answer.read()
            found = json.loads(text)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._connections.pop(port).close()
            self.statuses[type(error).__name__] += 1
            status, found = 0, None
        else:
            self.statuses[str(status)] += 1
        if status in (0, 500, 503) or self._chance.random() < 0.1:
            self._api = (self._api + 1) % len(self.ports)
        return status, found

    def _uuid(self) -> str:
        return str(UUID(int=self._chance.getrandbits(128), version=4))
