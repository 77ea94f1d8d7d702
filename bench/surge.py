"""A night of filings: are all of a surge kept, how long do they wait, and what gives way first?

One process each of API, relay and projector. Filings come at a steady rate, whatever the answers take; then as fast as
they are answered, which is the most that this machine can take.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence

from adapters.database import connect
from bench.corpus import Corpora
from bench.deployed import Deployed, deployed
from bench.harness import Comparison, Figures, Finding, Scale, Services, percentile, say
from bench.load import Answer, Client, Request, command, file_body, run_clients, summary
from bench.usage import bottleneck, cores_used
from bench.worker import Run, worker

#: A hundred times the rate of a night with 20,000 filings in two hours.
FILINGS_PER_S = 280
CLIENTS = 64
CATCH_UP_S = 300.0

Filing = tuple[float, float, float, str]


def measure(services: Services, corpora: Corpora, scale: Scale) -> Sequence[Finding]:
    """Compare the rate of a surge with the most that can be taken in the same run; count what was kept."""
    with deployed(services, topics=True) as system:
        port = system.api()
        system.relay()
        system.projector()
        system.await_(lambda: system.file(port) > 0 and system.projected() > 0, "projector")
        kinds = {
            **{name: [kept.pid] for name, kept in system.kept.items()},
            "postgres": [_pid(services.postgres.pid)],
            "kafka": [_pid(services.kafka.pid)],
        }
        with (
            worker("bench.surge:steady", port=port, token=system.token) as steady,
            worker("bench.surge:flat_out", port=port, token=system.token) as flat_out,
        ):
            say(f"surge: {FILINGS_PER_S} filings/s for {scale.surge_seconds:g} s")
            surge, used = _surge(system, steady, scale.surge_seconds, kinds)
            services.checkpoint()
            say("surge: as many as are answered")
            most, most_used = cores_used(lambda: dict(flat_out(seconds=scale.surge_limit_seconds)), kinds, "clients")
            system.await_(lambda: system.projected() >= _head(system.database_url), "projector", CATCH_UP_S)
    return [
        Comparison(
            f"surge of {FILINGS_PER_S} filings/s for {scale.surge_seconds:g} s",
            "filings acknowledged per second",
            "the most that one API process takes, with relay and projector at work",
            "filings/s",
            [(surge["per_s"], most["per_s"])],
        ),
        Figures(
            "what became of the filings of the surge",
            "filings",
            {name: [surge[name]] for name in ("sent", "acknowledged", "in the ledger once", "in the read model")},
        ),
        Figures(
            "latency of the filings",
            "ms",
            {
                "surge, p50": [surge["p50"]],
                "surge, p99": [surge["p99"]],
                "surge, the longest": [surge["longest"]],
                "surge, last position visible after the last answer": [surge["behind"]],
                "as many as are answered, p50": [most["p50"]],
                "as many as are answered, p99": [most["p99"]],
            },
        ),
        Figures(
            "cores used",
            "cores",
            {
                **{f"surge: {kind}": [share] for kind, share in used.items()},
                **{f"as many as are answered: {kind}": [share] for kind, share in most_used.items()},
            },
            [
                f"surge: {bottleneck(used, _python(system))}",
                f"as many as are answered: {bottleneck(most_used, _python(system))}",
            ],
        ),
    ]


def _python(system: Deployed) -> dict[str, int]:
    return dict.fromkeys(system.kept, 1)


def _pid(pid: int | None) -> int:
    assert pid is not None
    return pid


def _surge(
    system: Deployed, steady: Run, seconds: float, kinds: dict[str, list[int]]
) -> tuple[dict[str, float], dict[str, float]]:
    filings: list[Filing] = []

    def run() -> dict[str, float]:
        answer = steady(seconds=seconds)
        filings.extend(answer["filings"])
        return {"cpu_seconds": float(answer["cpu_seconds"])}

    _, used = cores_used(run, kinds, "clients")
    head = _head(system.database_url)
    before = time.monotonic()
    system.await_(lambda: system.projected() >= head, "projector", CATCH_UP_S)
    behind = time.monotonic() - before
    ids = [filing[3] for filing in filings]
    # From when it was planned: a filing that had to wait for its turn waited all the same.
    waits = [received - planned for planned, _, received, _ in filings]
    first, last = min(filing[1] for filing in filings), max(filing[2] for filing in filings)
    return {
        "sent": len(filings),
        "acknowledged": len(set(ids)),
        "in the ledger once": _count(
            system.database_url,
            "select count(*) from (select stream from ledger.events where stream = any(%s) "
            "group by stream having count(*) = 1) once",
            ids,
        ),
        "in the read model": _count(
            system.database_url, "select count(*) from read.complaint_details where complaint_id = any(%s)", ids
        ),
        "per_s": len(filings) / (last - first),
        "p50": 1000 * percentile(waits, 50),
        "p99": 1000 * percentile(waits, 99),
        "longest": 1000 * max(waits),
        "behind": 1000 * behind,
    }, used


def _count(url: str, statement: str, ids: list[str]) -> int:
    conn = connect(url, None)
    try:
        with conn.cursor() as cursor:
            cursor.execute(statement, (ids,))
            ((count,),) = cursor.fetchall()
            return int(count)
    finally:
        conn.close()


def _head(url: str) -> int:
    conn = connect(url, None)
    try:
        with conn.cursor() as cursor:
            cursor.execute("select position from ledger.head")
            ((position,),) = cursor.fetchall()
            return int(position)
    finally:
        conn.close()


def steady(port: int, token: str) -> Callable[[float], dict[str, object]]:
    """File at a steady rate; a run gives of each filing when it was planned, sent and acknowledged, and its id."""

    def run(seconds: float) -> dict[str, object]:
        filings: list[Filing] = []
        cpu = time.process_time()
        begin = time.monotonic() + 0.2

        def client(number: int) -> Client:
            for planned in range(number, round(seconds * FILINGS_PER_S), CLIENTS):
                at = begin + planned / FILINGS_PER_S
                done: Answer = yield Request(command("/complaints", file_body(), token), 201, at)
                filings.append((at, done.sent, done.received, json.loads(done.body)["id"]))

        run_clients([(port, client(number)) for number in range(CLIENTS)])
        return {"filings": filings, "cpu_seconds": time.process_time() - cpu}

    return run


def flat_out(port: int, token: str) -> Callable[[float], dict[str, float]]:
    """File as fast as it is answered; a run gives ``summary`` of the latencies, and the CPU seconds of this process."""

    def run(seconds: float) -> dict[str, float]:
        latencies: list[float] = []
        cpu = time.process_time()
        end = time.monotonic() + seconds

        def client() -> Client:
            while time.monotonic() < end:
                done: Answer = yield Request(command("/complaints", file_body(), token), 201)
                latencies.append(done.received - done.sent)

        run_clients([(port, client()) for _ in range(CLIENTS)])
        return {**summary(latencies, seconds), "cpu_seconds": time.process_time() - cpu}

    return run
