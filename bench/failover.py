"""How long from SIGKILL of a process to normal service, against the same without a kill?

Normal service: a command that is sent after the kill is acknowledged, and the read models are complete to it. What was
killed is started again at once; a client that is refused tries again at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from bench.corpus import Corpora
from bench.deployed import RECOVERY_LIMIT_S, Deployed, deployed
from bench.harness import Comparison, Finding, Scale, Services, figure, say

RELAYS = 2
VISIBLE, ACKNOWLEDGED = "a command is visible", "a command is acknowledged"


def measure(services: Services, corpora: Corpora, scale: Scale) -> Sequence[Finding]:
    """Compare the seconds until a command is visible (or acknowledged) after a kill with those without one."""
    with deployed(services, topics=True) as system:
        port = system.api()
        for number in range(1, RELAYS + 1):
            system.relay(f"relay-{number}")
        system.projector("projector-1")

        def trials(
            what: str, count: int, goal: str, kill: Callable[[], None], again: Callable[[], None] = lambda: None
        ) -> Comparison:
            say(f"failover: {what}")
            reach = _visible if goal == VISIBLE else Deployed.file
            pairs: list[tuple[float, float]] = []
            for number in range(1, count + 1):
                _await_normal(system, port)
                usual = _seconds(lambda: None, lambda: None, lambda: reach(system, port))
                after = _seconds(kill, again, lambda: reach(system, port))
                pairs.append((after, usual))
                say(f"  {number}/{count}: {figure(after)} s, without a kill {figure(usual)} s")
            return Comparison(
                f"from SIGKILL until {goal}: {what}", "after the kill", "without one", "s", pairs, at_most=True
            )

        def kill_projector() -> None:
            system.kept["projector-1"].kill()

        kills, servers = scale.kills, scale.server_kills
        found = [
            trials("the active relay, another stands by", kills, VISIBLE, lambda: system.leader().kill()),
            trials("the only projector", kills, VISIBLE, kill_projector),
        ]
        system.projector("projector-2")
        return [
            *found,
            trials("one of two projectors", kills, VISIBLE, kill_projector),
            trials("the only API process", kills, ACKNOWLEDGED, lambda: system.kept["api"].kill()),
            trials("the Kafka broker", servers, VISIBLE, services.kafka.kill, services.kafka.start),
            trials("PostgreSQL", servers, ACKNOWLEDGED, services.postgres.kill, services.postgres.start),
        ]


def _seconds(kill: Callable[[], None], again: Callable[[], None], reach: Callable[[], object]) -> float:
    began = time.monotonic()
    kill()

    def wait() -> float:
        reach()
        return time.monotonic()

    with ThreadPoolExecutor(1) as thread:
        reached = thread.submit(wait)
        # Here, not in the other thread: a server ends with the thread that started it.
        again()
        return reached.result() - began


def _visible(system: Deployed, port: int) -> None:
    position = system.file(port)
    system.await_(lambda: system.projected() >= position, "projector-1", RECOVERY_LIMIT_S)


def _await_normal(system: Deployed, port: int) -> None:
    """Wait until every process has its connections again, and a command has gone all the way."""
    for kind in ("relay", "projector"):
        names = [name for name in system.kept if name.startswith(kind)]
        system.await_(partial(_connected, system, kind, len(names)), names[0], RECOVERY_LIMIT_S)
    _visible(system, port)


def _connected(system: Deployed, kind: str, count: int) -> bool:
    return len(system.connections(kind)) >= count
