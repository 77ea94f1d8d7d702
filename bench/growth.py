"""Does a command cost more in a large ledger, and by how much more in a long stream?

The same commands run in process, one after the other, in turn on a small and on a large ledger; then on streams of
different lengths.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from adapters.execute import command, open_ledger
from api import operations
from bench.corpus import SERVICE_KEY, Corpora
from bench.harness import Comparison, Figures, Finding, Scale, Services, alternate, paired, say
from bench.latency import BY, book_of_a_new_ledger, steps_of
from bench.worker import worker
from domain.complaint import filing, mediation
from domain.merchant.registration import register
from domain.streams import COMPLAINT
from domain.values import Actor, Channel, Role

SMALL = 1_000
LENGTHS = (10, 100, 1_000)
CONSUMER = Actor("11111111-1111-4111-8111-111111111111", Role.CONSUMER)
#: At most so much more in a ledger a thousand times as large.
TARGET = 1.25


def measure(services: Services, corpora: Corpora, scale: Scale) -> Sequence[Finding]:
    """Compare milliseconds a command: large and small ledger; a stream ten times as long."""
    large = corpora.at_least(scale.grown_events)
    small = services.new_database()
    say(f"growth: commands on {large.events:,} events and on about {SMALL:,}")
    with (
        worker("bench.growth:commands", url=large.url) as on_large,
        worker("bench.growth:commands", url=small) as on_small,
    ):
        on_small(commands=SMALL)
        on_large(commands=SMALL)
        pairs = alternate(
            scale.pairs,
            lambda: float(on_large(commands=scale.grown_commands)),
            lambda: float(on_small(commands=scale.grown_commands)),
        )
    say("growth: streams of " + ", ".join(f"{length:,}" for length in LENGTHS) + " events")
    with worker("bench.growth:lengths", url=small) as on_lengths:
        runs: list[dict[str, float]] = [dict(on_lengths(trials=scale.grown_trials)) for _ in range(scale.pairs)]
    services.drop_database(small)
    by_length = {length: [run[str(length)] for run in runs] for length in LENGTHS}
    short, middle, long = LENGTHS
    return [
        Comparison(
            f"a command in a ledger of {large.events:,} events, against about {SMALL:,} at first",
            "large ledger",
            "small ledger",
            "ms",
            paired(*pairs),
            TARGET,
            at_most=True,
        ),
        Comparison(
            f"a command on a stream of {long:,} events, against {middle:,}: at most linear",
            f"{long:,} events",
            f"{middle:,} events",
            "ms",
            paired(by_length[long], by_length[middle]),
            long / middle,
            at_most=True,
        ),
        Figures(
            "a command by the length of its stream",
            "ms",
            {f"{length:,} events": own for length, own in by_length.items()},
            [f"the shortest has {short} events"],
        ),
    ]


def commands(url: str) -> Callable[[int], float]:
    """File, route and answer in turn; a run gives milliseconds a command."""
    ledger = open_ledger(url)
    book = book_of_a_new_ledger()
    merchant = ledger.execute(
        f"merchant-{uuid4()}",
        lambda state: register(state, at=datetime.now(UTC), by=BY, book=book, trade_name="West Lake Appliances"),
        command(SERVICE_KEY, BY.id, "register", None, {}),
        new=True,
    )
    steps = steps_of(merchant.stream)

    def run(commands: int) -> float:
        stream = None
        before = time.perf_counter()
        for number in range(commands):
            operation, _, arguments = steps[number % len(steps)]
            target = None if number % len(steps) == 0 else stream
            done = operations.perform(
                ledger, SERVICE_KEY, operation, target, arguments, by=BY, now=datetime.now(UTC), book=book
            )
            stream = done.stream
        return 1000 * (time.perf_counter() - before) / commands

    return run


def lengths(url: str) -> Callable[[int], dict[str, float]]:
    """Act on streams of LENGTHS events; a run gives milliseconds a command for each length."""
    ledger = open_ledger(url)
    book = book_of_a_new_ledger()
    began = datetime.now(UTC) - timedelta(minutes=1)

    def stream_of(length: int) -> str:
        stream = f"complaint-{uuid4()}"
        ledger.execute(
            stream,
            lambda state: COMPLAINT.act(
                filing.file,
                state,
                at=began,
                by=CONSUMER,
                book=book,
                consumer_id=CONSUMER.id,
                channel=Channel.APP,
                product="rice cooker",
            ),
            command(SERVICE_KEY, CONSUMER.id, "file", None, {}),
            new=True,
        )
        for _ in range(length - 1):
            act(stream)
        return stream

    def act(stream: str) -> None:
        ledger.execute(
            stream,
            lambda state: COMPLAINT.act(mediation.request_person, state, at=datetime.now(UTC), by=CONSUMER, book=book),
            command(SERVICE_KEY, CONSUMER.id, "request_person", None, {}),
        )

    def run(trials: int) -> dict[str, float]:
        found = {}
        for length in LENGTHS:
            # A stream of its own for each run: acting makes it longer.
            stream = stream_of(length)
            before = time.perf_counter()
            for _ in range(trials):
                act(stream)
            found[str(length)] = 1000 * (time.perf_counter() - before) / trials
        return found

    return run
