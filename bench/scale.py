"""What do two API processes gain over one, and two projectors over one, and what is the bottleneck?"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from statistics import median

from adapters.database import Pool
from adapters.projector import ProjectorSettings, run_projector
from adapters.queries import complete_to
from bench.corpus import Corpora
from bench.deployed import deployed
from bench.harness import Comparison, Figures, Finding, Scale, Services, figure, say
from bench.load import register_merchant
from bench.projection import set_published
from bench.usage import MACHINE, bottleneck, cores_used
from bench.worker import Run, worker

CLIENTS = 32
SIDES = (2, 1)
LOOK_S = 0.02
RUN_LIMIT_S = 250.0

Side = list[tuple[float, dict[str, float]]]


def measure(services: Services, corpora: Corpora, scale: Scale) -> Sequence[Finding]:
    """Compare commands per second of two API processes and one, events per second of two projectors and one."""
    return [*_apis(services, scale), *_projectors(services, corpora, scale)]


def _apis(services: Services, scale: Scale) -> list[Finding]:
    say(f"scale: two API processes against one, clients: {CLIENTS}")
    with deployed(services, topics=False) as system, ExitStack() as workers:
        ports = [system.api(f"api-{number}") for number in (1, 2)]
        merchant_id = register_merchant(ports[0], system.token)
        servers = _servers(services)
        loads: dict[int, Run] = {
            count: workers.enter_context(
                worker("bench.load:clients", ports=ports[:count], token=system.token, merchant_id=merchant_id)
            )
            for count in SIDES
        }

        def run(count: int) -> tuple[float, dict[str, float]]:
            services.checkpoint()
            answer, used = cores_used(
                lambda: dict(loads[count](count=CLIENTS, seconds=scale.scaled_seconds, what="commands")),
                {
                    "api": [system.kept[f"api-{number}"].pid for number in range(1, count + 1)],
                    **servers,
                },
                "clients",
            )
            return answer["per_s"], used

        sides = _alternate(run, scale.scaled_rounds, "commands/s")
    return _findings(
        f"commands over HTTP, clients: {CLIENTS}", ("two API processes", "one API process"), "commands/s", "api", sides
    )


def _projectors(services: Services, corpora: Corpora, scale: Scale) -> list[Finding]:
    corpus = corpora.at_least(scale.scaled_events)
    prefix, bootstrap = services.new_topics(), services.kafka_bootstrap
    say(f"scale: publishing {corpus.events:,} events for two projectors against one")
    with worker("bench.relay:relay", url=corpus.url, bootstrap=bootstrap, prefix=prefix) as publish:
        publish(events=corpus.events)
    servers = _servers(services)

    def run(count: int) -> tuple[float, dict[str, float]]:
        url = services.new_database()
        set_published(url, corpus.events)
        with ExitStack() as workers, ThreadPoolExecutor(count) as threads:
            projectors = [
                workers.enter_context(worker("bench.scale:projector", url=url, bootstrap=bootstrap, prefix=prefix))
                for _ in range(count)
            ]

            def project() -> dict[str, float]:
                asked = [threads.submit(projector, position=corpus.events) for projector in projectors]
                answers = [future.result() for future in asked]
                # The clocks of all processes of a machine are one.
                return {
                    "seconds": max(a["ended"] for a in answers) - min(a["started"] for a in answers),
                    "cpu_seconds": sum(a["cpu_seconds"] for a in answers),
                }

            answer, used = cores_used(project, servers, "projector")
        services.drop_database(url)
        return corpus.events / answer["seconds"], used

    sides = _alternate(run, scale.scaled_rounds, "events/s")
    services.drop_topics(prefix)
    return _findings(
        f"projecting {corpus.events:,} events into all read models",
        ("two projectors", "one projector"),
        "events/s",
        "projector",
        sides,
    )


def _servers(services: Services) -> dict[str, list[int]]:
    postgres, kafka = services.postgres.pid, services.kafka.pid
    assert postgres is not None
    assert kafka is not None
    return {"postgres": [postgres], "kafka": [kafka]}


def _alternate(run: Callable[[int], tuple[float, dict[str, float]]], rounds: int, unit: str) -> dict[int, Side]:
    sides: dict[int, Side] = {count: [] for count in SIDES}
    for number in range(1, rounds + 1):
        for count, side in sides.items():
            side.append(run(count))
        say(f"  {number}/{rounds}: " + ", ".join(f"{c}: {figure(side[-1][0])} {unit}" for c, side in sides.items()))
    return sides


def _findings(what: str, names: tuple[str, str], unit: str, kind: str, sides: dict[int, Side]) -> list[Finding]:
    two, one = ([rate for rate, _ in sides[count]] for count in SIDES)
    rows: dict[str, list[float]] = {}
    costs: dict[str, list[float]] = {}
    notes: list[str] = []
    for name, (count, side) in zip(names, sides.items(), strict=True):
        shares = {part: [used[part] for _, used in side] for part in side[0][1]}
        rows |= {f"{name}: {part}": runs for part, runs in shares.items()}
        costs |= {
            f"{name}: {part}": [1000 * used[part] / rate for rate, used in side] for part in shares if part != MACHINE
        }
        notes.append(f"{name}: {bottleneck({part: median(runs) for part, runs in shares.items()}, {kind: count})}")
    return [
        Comparison(what, *names, unit, list(zip(two, one, strict=True))),
        Figures(f"CPU milliseconds for one of the {unit.removesuffix('/s')}: {what}", "ms", costs),
        Figures(f"CPU seconds per second: {what}", "cores", rows, notes),
    ]


def projector(url: str, bootstrap: str, prefix: str) -> Callable[[int], dict[str, float]]:
    """Project, alone or with others, until all read models are complete to ``position``.

    A run gives the monotonic times of start and end, and the CPU seconds of this process.
    """

    def run(position: int) -> dict[str, float]:
        stop = threading.Event()
        pool = Pool(url, "ledger_api")
        started, cpu = time.monotonic(), time.process_time()
        ended = 0.0

        def watch() -> None:
            nonlocal ended
            while complete_to(pool) < position and time.monotonic() < started + RUN_LIMIT_S:
                stop.wait(LOOK_S)
            ended = time.monotonic()
            stop.set()

        watching = threading.Thread(target=watch)
        watching.start()
        run_projector(ProjectorSettings(url, bootstrap, prefix), stop)
        watching.join()
        if complete_to(pool) < position:
            raise RuntimeError(f"not projected within {RUN_LIMIT_S:g} s")
        pool.close()
        return {"started": started, "ended": ended, "cpu_seconds": time.process_time() - cpu}

    return run
