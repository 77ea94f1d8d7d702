"""How long from an acknowledged command to its effect in a query, against one record's way through Kafka?

One process each: API, relay, projector. Commands come at a steady rate, whatever the answers take; what is published
and projected is looked up in PostgreSQL all the time.
"""

from __future__ import annotations

import json
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import uuid4

from kafka import KafkaProducer, TopicPartition

from adapters.database import Pool
from adapters.queries import complete_to
from adapters.topics import bounds, consumer
from bench.corpus import Corpora
from bench.deployed import Deployed, deployed
from bench.harness import Comparison, Figures, Finding, Scale, Services, figure, percentile, say
from bench.load import Answer, Client, Request, acting, get, register_merchant, run_clients
from bench.worker import Run, worker
from domain.streams import COMPLAINT

COMMANDS_PER_S = 100
CLIENTS = 50
#: Every so many clients ask after each of their commands.
ASKING = 10
TRIALS = 40
LOOK_S = 0.004
LIMIT_S = 60.0
RECORD = b"x" * 900

Sample = tuple[float, int, int]


def measure(services: Services, corpora: Corpora, scale: Scale) -> Sequence[Finding]:
    """Compare the time until read models are complete to a command's position with a round trip through Kafka."""
    runs: list[dict[str, float]] = []
    with deployed(services, topics=True) as system:
        port = system.api()
        system.relay()
        system.projector()
        system.await_(lambda: system.file(port) > 0 and system.projected() > 0, "projector")
        merchant_id = register_merchant(port, system.token)
        topic = services.new_topics() + COMPLAINT.topic
        with (
            worker("bench.visible:steady", port=port, token=system.token, merchant_id=merchant_id) as steady,
            worker("bench.visible:round_trips", bootstrap=services.kafka_bootstrap, topic=topic) as round_trips,
        ):
            say(f"visible: {COMMANDS_PER_S} commands/s for {scale.visible_seconds:g} s, against single round trips")
            for number in range(1, scale.visible_rounds + 1):
                services.checkpoint()
                run = _run(system, steady, scale.visible_seconds)
                trips = round_trips(trials=TRIALS)
                run |= {f"trip {p}": percentile(trips, p) for p in (50, 99)}
                runs.append(run)
                say(
                    f"  {number}/{scale.visible_rounds}: p50 {figure(run['visible 50'])} ms, "
                    f"limit {figure(run['trip 50'])} ms"
                )
        services.drop_topics(topic.removesuffix(COMPLAINT.topic))
    return [
        *(
            Comparison(
                f"from acknowledged to visible at {COMMANDS_PER_S} commands/s, p{p}",
                "read models complete to the command's position",
                "one record: Kafka transaction and read_committed poll",
                "ms",
                [(run[f"visible {p}"], run[f"trip {p}"]) for run in runs],
                at_most=True,
            )
            for p in (50, 99)
        ),
        Figures(
            f"where that time goes at {COMMANDS_PER_S} commands/s",
            "ms",
            {
                f"{label}, p{p}": [run[f"{part} {p}"] for run in runs]
                for part, label in (
                    ("command", "request to acknowledged"),
                    ("published", "acknowledged to published"),
                    ("projected", "published to projected"),
                    ("asked", "acknowledged to the answer of GET with min_position"),
                    ("late", "request sent later than planned"),
                )
                for p in (50, 99)
            },
            [f"published and projected are looked at every {1000 * LOOK_S:g} ms"],
        ),
        Figures(
            f"rate reached, of {COMMANDS_PER_S} commands/s planned",
            "commands/s",
            {"acknowledged": [run["per_s"] for run in runs]},
        ),
    ]


def _run(system: Deployed, steady: Run, seconds: float) -> dict[str, float]:
    samples: list[Sample] = []
    stop = threading.Event()
    errors: list[BaseException] = []

    def watch() -> None:
        try:
            _watch(system.database_url, samples, stop)
        except BaseException as error:
            errors.append(error)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        commands: list[list[float]] = steady(seconds=seconds)
        last = max(int(command[3]) for command in commands)
        system.await_(lambda: bool(errors) or (bool(samples) and samples[-1][2] >= last), "projector", LIMIT_S)
    finally:
        stop.set()
        watching.join()
    if errors:
        raise errors[0]
    published_at = [sample[1] for sample in samples]
    projected_at = [sample[2] for sample in samples]
    parts: dict[str, list[float]] = {
        name: [] for name in ("visible", "command", "published", "projected", "asked", "late")
    }
    for planned, sent, acknowledged, position, asked in commands:
        published = samples[bisect_left(published_at, position)][0]
        projected = samples[bisect_left(projected_at, position)][0]
        parts["late"].append(sent - planned)
        parts["command"].append(acknowledged - sent)
        # A position can be published before its command's answer has arrived.
        parts["published"].append(max(0.0, published - acknowledged))
        parts["projected"].append(projected - published)
        parts["visible"].append(max(0.0, projected - acknowledged))
        if asked:
            parts["asked"].append(asked - acknowledged)
    run = {f"{name} {p}": 1000 * percentile(values, p) for name, values in parts.items() for p in (50, 99)}
    first, last_answer = min(command[1] for command in commands), max(command[2] for command in commands)
    return {**run, "per_s": len(commands) / (last_answer - first)}


def _watch(url: str, samples: list[Sample], stop: threading.Event) -> None:
    """Note time, published position, and the position to which the read models are complete."""
    pool = Pool(url, "ledger_api")
    while not stop.is_set():
        with pool.cursor() as cursor:
            cursor.execute("select position from ledger.published")
            ((published,),) = cursor.fetchall()
        complete = complete_to(pool)
        samples.append((time.monotonic(), published, complete))
        stop.wait(LOOK_S)
    pool.close()


def steady(port: int, token: str, merchant_id: str) -> Callable[[float], list[list[float]]]:
    """Send commands at a steady rate.

    A run gives of each command the times at which it was planned, sent and acknowledged, its position, and the time at
    which a query that waited for it was answered (0: none was sent).
    """

    def run(seconds: float) -> list[list[float]]:
        begin = time.monotonic() + 0.2
        commands: list[list[float]] = []

        def client(number: int) -> Client:
            steps = acting(token, merchant_id)
            request = next(steps)
            for planned in range(number, round(seconds * COMMANDS_PER_S), CLIENTS):
                at = begin + planned / COMMANDS_PER_S
                done: Answer = yield replace(request, not_before=at)
                position = json.loads(done.body)["position"]
                asked = 0.0
                if number % ASKING == 0:
                    query = get(f"/complaints?limit=1&wait_s=10&min_position={position}", token)
                    asked = (yield Request(query, 200)).received
                commands.append([at, done.sent, done.received, position, asked])
                request = steps.send(done)

        run_clients([(port, client(number)) for number in range(CLIENTS)])
        return commands

    return run


def round_trips(bootstrap: str, topic: str) -> Callable[[int], list[float]]:
    """Send one record in a transaction and read it back, one after the other; a run gives milliseconds."""
    producer = KafkaProducer(
        bootstrap_servers=bootstrap, transactional_id=f"bench-{uuid4()}", acks="all", compression_type="lz4"
    )
    producer.init_transactions()
    reader = consumer(bootstrap)
    partition = TopicPartition(topic, 0)
    bounds(reader, [partition])

    def once() -> float:
        key = uuid4().bytes
        before = time.monotonic()
        producer.begin_transaction()
        producer.send(topic, key=key, value=RECORD, partition=0)
        producer.commit_transaction()
        while time.monotonic() < before + LIMIT_S:
            for records in reader.poll(timeout_ms=1000).values():
                if records[-1].key == key:
                    return 1000 * (time.monotonic() - before)
        raise RuntimeError(f"a record did not come back within {LIMIT_S:g} s")

    def run(trials: int) -> list[float]:
        once()
        return [once() for _ in range(trials)]

    return run
