"""Does the memory of each process stay flat when there are four times as many events?"""

from __future__ import annotations

from collections.abc import Callable

from adapters.verify import verify
from bench.corpus import Corpora, head, write_csv
from bench.harness import Comparison, Scale, Services, say
from bench.worker import peak_mb, worker

TARGET = 1.2
PROCESSES = ("importer", "relay", "projector", "verify")


def measure(services: Services, corpora: Corpora, scale: Scale) -> list[Comparison]:
    """Compare the peak memory of fresh processes, each going once through all events."""
    few, many = scale.memory_events
    peaks: dict[str, list[tuple[float, float]]] = {name: [] for name in PROCESSES}
    for number in range(1, scale.memory_pairs + 1):
        say(f"memory: pair {number} of {scale.memory_pairs}")
        small, large = _peaks(services, few), _peaks(services, many)
        for name in PROCESSES:
            peaks[name].append((large[name], small[name]))
    return [
        Comparison(f"peak memory of the {name}", f"{many:,} events", f"{few:,} events", "MB", peaks[name], TARGET, True)
        for name in PROCESSES
    ]


def _peaks(services: Services, events: int) -> dict[str, float]:
    file = services.directory / "memory.csv"
    write_csv(file, events)
    url, prefix, bootstrap = services.new_database(), services.new_topics(), services.kafka_bootstrap
    peaks: dict[str, float] = {}
    with worker("bench.corpus:importer", url=url) as run:
        peaks["importer"] = run(path=str(file))["peak_mb"]
    end = head(url)
    with worker("bench.relay:relay", url=url, bootstrap=bootstrap, prefix=prefix) as run:
        peaks["relay"] = run(events=end)["peak_mb"]
    with worker("bench.projection:projector", url=url, bootstrap=bootstrap, prefix=prefix) as run:
        peaks["projector"] = run(position=end)["peak_mb"]
    with worker("bench.memory:verifier", url=url, bootstrap=bootstrap, prefix=prefix) as run:
        peaks["verify"] = run()
    say(f"  {end:,} events: " + ", ".join(f"{name} {peak:.0f} MB" for name, peak in peaks.items()))
    services.drop_database(url)
    services.drop_topics(prefix)
    return peaks


def verifier(url: str, bootstrap: str, prefix: str) -> Callable[[], float]:
    """Verify everything; gives the peak memory in MB. Raises RuntimeError when a check finds something wrong."""

    def run() -> float:
        for check in verify(url, bootstrap, prefix, lambda *_: None):
            if check.wrong:
                raise RuntimeError(f"{check.name}: {check.findings}")
        return peak_mb()

    return run
