"""How long does a command take from the request to the durable answer, against one row inserted and committed?

Each client sends its next command when it has an answer. The parts are measured one after the other in the same
round: the decision alone; the command in process, from as many threads; the command over HTTP.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any
from uuid import uuid4

from eventsourcing.persistence import StoredEvent

from adapters.database import connect
from adapters.execute import command, open_ledger, seal
from adapters.record import RecordMapper
from adapters.rulebook import FIRST_EDITION_AT, PUBLISHER, RulebookReader, first_edition, publish_all
from api import arguments, operations
from bench.corpus import SERVICE_KEY, Corpora
from bench.deployed import deployed
from bench.harness import Comparison, Figures, Finding, Scale, Services, figure, say
from bench.load import WARM_UP_S, answer_body, file_body, register_merchant, summary
from bench.peer import peer_python, peer_settings
from bench.worker import Run, worker
from domain.action import Action
from domain.complaint import filing, negotiation
from domain.merchant.state import Merchant
from domain.rulebook.book import EMPTY, Rulebook
from domain.streams import COMPLAINT, RULEBOOK
from domain.values import Actor, Role

CLIENTS = (1, 8, 32)
PAGE = 8192
BY = Actor("70b4ce15-138d-4df5-8005-9a022e761b8d", Role.REGULATOR)
LIMIT = "insert of one row, committed"
DECISIONS: dict[str, Action] = {"file": filing.file, "route": negotiation.route, "answer": negotiation.answer}

Work = Generator[None, None, None]
Step = tuple[str, dict[str, Any], dict[str, Any]]
Runs = dict[str, list[dict[str, float]]]


def measure(services: Services, corpora: Corpora, scale: Scale) -> Sequence[Finding]:
    """Compare latencies at 1, 8 and 32 clients of one API process, and tell where the time goes."""
    peer_url = services.new_database("template1")
    file = services.directory / "sync"
    found: list[Finding] = []
    with deployed(services, topics=False) as system:
        port = system.api()
        merchant_id = register_merchant(port, system.token)
        record = _record_of_a_filing(merchant_id)
        peer_setup = {"settings": peer_settings(peer_url, pool_size=max(CLIENTS)), "record": record}
        with (
            worker("bench.load:clients", ports=[port], token=system.token, merchant_id=merchant_id) as http,
            worker("bench.latency:in_process", url=system.database_url, merchant_id=merchant_id) as in_process,
            worker("bench.latency:decisions", merchant_id=merchant_id) as decisions,
            worker("bench.latency:inserts", url=system.database_url, record=record) as inserts,
            worker("bench.peer_recorder:appender", python=peer_python(), **peer_setup) as peer,
            worker("bench.latency:syncs", path=str(file)) as syncs,
        ):
            seconds = scale.latency_seconds
            for clients in CLIENTS:
                sides: dict[str, Callable[[], Any]] = {
                    "http": partial(http, count=clients, seconds=seconds, what="commands"),
                    "live": partial(http, count=clients, seconds=seconds / 2, what="live"),
                    "process": partial(in_process, threads=clients, seconds=seconds),
                    "decision": partial(decisions, seconds=seconds / 4),
                    "insert": partial(inserts, threads=clients, seconds=seconds),
                    "peer": partial(_of_rate, peer, clients, seconds),
                }
                if clients == 1:
                    sides["sync"] = partial(syncs, seconds=seconds / 4)
                found += _findings(clients, seconds, _rounds(services, sides, clients, scale.latency_rounds))
    services.drop_database(peer_url)
    file.unlink()
    return found


def _rounds(services: Services, sides: dict[str, Callable[[], Any]], clients: int, rounds: int) -> Runs:
    say(f"latency: clients: {clients}")
    runs: Runs = {name: [] for name in sides}
    for number in range(1, rounds + 1):
        for name, side in sides.items():
            services.checkpoint()
            runs[name].append(side())
        say(f"  {number}/{rounds}: " + ", ".join(f"{name} {figure(own[-1]['mean'])} ms" for name, own in runs.items()))
    return runs


def _of_rate(peer: Run, clients: int, seconds: float) -> dict[str, float]:
    # What the peer's writers tell is a rate; each of them waits for its append before it makes the next.
    rate = float(peer(writers=clients, seconds=seconds))
    return {"mean": 1000 * clients / rate}


def _findings(clients: int, seconds: float, runs: Runs) -> list[Finding]:
    def of(side: str, what: str) -> list[float]:
        return [run[what] for run in runs[side]]

    found: list[Finding] = [
        Comparison(
            f"command over HTTP, {what}, clients: {clients}",
            "POST to one API process",
            f"{LIMIT}, as many connections",
            "ms",
            list(zip(of("http", what), of("insert", what), strict=True)),
            at_most=True,
        )
        for what in ("p50", "p99")
    ]
    found.append(
        Comparison(
            f"command in process, mean, threads: {clients}",
            "operations.perform (read, decide, append)",
            "eventsourcing.postgres (append only)",
            "ms",
            list(zip(of("process", "mean"), of("peer", "mean"), strict=True)),
            at_most=True,
        )
    )
    means = list(zip(of("decision", "mean"), of("process", "mean"), of("http", "mean"), strict=True))
    found += [
        Figures(
            f"share of the mean latency of a command, clients: {clients}",
            "%",
            {
                "domain (decision alone)": [100 * decision / http for decision, _, http in means],
                "database (in process, less the decision)": [
                    100 * (own - decision) / http for decision, own, http in means
                ],
                "HTTP (less in process)": [100 * (http - own) / http for _, own, http in means],
            },
        ),
        Figures(
            f"parts of a command, clients: {clients}",
            "ms",
            {
                f"{label}, {what}": of(side, what)
                for side, label in (
                    ("http", "POST"),
                    ("live", "GET /health/live, the least that HTTP takes"),
                    ("process", "in process"),
                    ("decision", "decision alone, one thread"),
                    ("insert", LIMIT),
                    ("sync", "8 kB written and fdatasync, one thread"),
                )
                if side in runs
                for what in ("p50", "p99", "mean")
            },
        ),
        Figures(
            f"commands per second over HTTP, clients: {clients}",
            "commands/s",
            {"one API process": of("http", "per_s"), "in process": of("process", "per_s")},
            [
                "the clients are one process that used "
                + figure(max(100 * run["cpu_seconds"] / (seconds + WARM_UP_S) for run in runs["http"]))
                + " % of a core at the most"
            ],
        ),
    ]
    return found


def in_process(url: str, merchant_id: str) -> Callable[[int, float], dict[str, float]]:
    """Carry out the same commands as the API does, from threads of this process."""
    ledger = open_ledger(url)
    rulebook = RulebookReader(ledger)
    steps = steps_of(merchant_id)

    def work() -> Work:
        while True:
            stream = None
            for operation, _, given in steps:
                now, book = datetime.now(UTC), rulebook.current()
                done = operations.perform(ledger, SERVICE_KEY, operation, stream, given, by=BY, now=now, book=book)
                stream = done.stream
                yield

    return lambda threads, seconds: closed_loop([work() for _ in range(threads)], seconds)


def decisions(merchant_id: str) -> Callable[[float], dict[str, float]]:
    """Do all that a command does but for the database: read the records, evolve, decide, make the new records."""
    mapper = RecordMapper()
    steps = steps_of(merchant_id)

    def work() -> Work:
        while True:
            stream = f"complaint-{uuid4()}"
            stored: list[StoredEvent] = []
            for step in steps:
                stored.extend(_decided(mapper, stream, stored, step))
                yield

    return lambda seconds: closed_loop([work()], seconds)


def _decided(mapper: RecordMapper, stream: str, stored: Sequence[StoredEvent], step: Step) -> Sequence[StoredEvent]:
    operation, sent, arguments = step
    by_command = command(SERVICE_KEY, BY.id, operation, None, sent)
    state = COMPLAINT.fold(mapper.to_domain_event(event).event for event in stored)
    looked_up = {"merchant": Merchant()} if operation == "route" else {}
    events = COMPLAINT.act(
        DECISIONS[operation], state, at=datetime.now(UTC), by=BY, book=book_of_a_new_ledger(), **arguments, **looked_up
    )
    return seal(mapper, stream, len(stored), events, by_command).events


@cache
def book_of_a_new_ledger() -> Rulebook:
    """Return the rulebook as a new ledger has it."""
    book: Rulebook = RULEBOOK.fold(publish_all(EMPTY, first_edition(), FIRST_EDITION_AT, PUBLISHER))
    return book


def _record_of_a_filing(merchant_id: str) -> str:
    [filed] = _decided(RecordMapper(), f"complaint-{uuid4()}", [], steps_of(merchant_id)[0])
    return filed.state.decode()


def steps_of(merchant_id: str) -> list[Step]:
    """Return the operations in turn: name, body as it is sent, arguments of the decision."""
    sent: list[tuple[str, str | None, dict[str, Any]]] = [
        ("file", None, file_body()),
        ("route", COMPLAINT.prefix, {"merchant_id": merchant_id}),
        ("answer", COMPLAINT.prefix, answer_body()),
    ]
    return [
        (operation, body, arguments.arguments_of(arguments.body_of(prefix, operation).model_validate(body)))
        for operation, prefix, body in sent
    ]


def inserts(url: str, record: str) -> Callable[[int, float], dict[str, float]]:
    """Insert a record and commit, each thread on its own connection."""
    owner = connect(url, None)
    with owner.cursor() as cursor:
        cursor.execute("create table bench_rows (id bigint generated always as identity primary key, record bytea)")
    owner.close()

    def work() -> Work:
        conn = connect(url, None)
        try:
            with conn.cursor() as cursor:
                while True:
                    cursor.execute("insert into bench_rows (record) values (%s)", (record.encode(),))
                    yield
        finally:
            conn.close()

    return lambda threads, seconds: closed_loop([work() for _ in range(threads)], seconds)


def syncs(path: str) -> Callable[[float], dict[str, float]]:
    """Write a page to a file and wait for the disk."""

    def work() -> Work:
        file = os.open(path, os.O_WRONLY | os.O_CREAT)
        try:
            while True:
                os.pwrite(file, bytes(PAGE), 0)
                os.fdatasync(file)
                yield
        finally:
            os.close(file)

    return lambda seconds: closed_loop([work()], seconds)


def closed_loop(works: Sequence[Work], seconds: float) -> dict[str, float]:
    """Go on with each work in a thread of its own; returns the ``summary`` of the time that the steps took."""
    begin = time.monotonic() + WARM_UP_S
    end = begin + seconds
    latencies: list[float] = []
    errors: list[BaseException] = []

    def go_on(work: Work) -> None:
        try:
            while (before := time.monotonic()) < end:
                next(work)
                after = time.monotonic()
                if before >= begin and after <= end:
                    latencies.append(after - before)
            work.close()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=go_on, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return summary(latencies, seconds)
