"""``python -m bench [QUESTION …] [--quick] [--pairs N] [--json]``. Results go to stdout, progress to stderr."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable, Sequence

from bench import (
    appends,
    bulk,
    failover,
    growth,
    latency,
    memory,
    pages,
    projection,
    rebuild,
    relay,
    scale,
    surge,
    visible,
)
from bench.corpus import Corpora
from bench.harness import FULL, QUICK, Finding, Scale, Services

QUESTIONS: dict[str, Callable[[Services, Corpora, Scale], Sequence[Finding]]] = {
    "appends": appends.measure,
    "bulk": bulk.measure,
    "relay": relay.measure,
    "projection": projection.measure,
    "rebuild": rebuild.measure,
    "memory": memory.measure,
    "pages": pages.measure,
    "latency": latency.measure,
    "visible": visible.measure,
    "scale": scale.measure,
    "failover": failover.measure,
    "surge": surge.measure,
    "growth": growth.measure,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__import__("bench").__doc__)
    parser.add_argument("questions", nargs="*", metavar="QUESTION", help=f"{', '.join(QUESTIONS)}; default: all")
    parser.add_argument("--pairs", type=int, help="runs of each side (default: 7, or 3 to 5 where one takes longer)")
    parser.add_argument("--quick", action="store_true", help="one short pair of each, to see that it works")
    parser.add_argument("--json", action="store_true", help="print JSON, with the figures of all runs")
    options = parser.parse_args()
    for question in options.questions:
        if question not in QUESTIONS:
            parser.error(f"there is no question {question!r}; there are: {', '.join(QUESTIONS)}")
    if options.pairs is not None and options.pairs < 1:
        parser.error("--pairs must be at least 1")
    size = QUICK if options.quick else FULL
    if options.pairs is not None:
        size = size.with_runs(options.pairs)

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # the services are to be stopped
    found: list[Finding] = []
    with Services() as services:
        facts = services.facts()
        if not options.json:
            print(", ".join(f"{name} {value}" for name, value in facts.items()), flush=True)
        corpora = Corpora(services)
        for question in options.questions or QUESTIONS:
            findings = QUESTIONS[question](services, corpora, size)
            found += findings
            if not options.json:
                print(*(finding.as_text() for finding in findings), sep="\n", flush=True)
    if options.json:
        print(json.dumps({"machine": facts, "results": [finding.as_json() for finding in found]}, indent=2))


if __name__ == "__main__":
    main()
