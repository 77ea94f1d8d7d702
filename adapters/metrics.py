"""What the processes count for Prometheus, and the functions to count it with.

Each process shows its own figures (``registry``). What PostgreSQL knows better, such as lags, is in
``adapters.ledger_figures``. Names are complaints_<what>_<unit>, and end in _total where they only grow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.registry import Collector

from domain.complaint.state import Deadline
from projections.catalogue import PROJECTIONS

Process = Literal["api", "relay", "feed", "projector", "watcher"]

#: Stands for a deadline where a watcher recorded that a new calendar moves due times.
REVISED = "revised"
#: How an append ends: as the outcomes of adapters.ledger, or without one.
OUTCOMES = ("appended", "duplicate", "conflict", "unavailable", "failed")

_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000)
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

# Otherwise every series has a second one with the time of its birth.
disable_created_metrics()  # type: ignore[no-untyped-call]


def _counter(name: str, what: str, *labels: str) -> Counter:
    return Counter(f"complaints_{name}", what, labels, registry=None)


def _histogram(name: str, what: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
    return Histogram(f"complaints_{name}", what, labels, registry=None, buckets=buckets)


_appends = _counter("appends_total", "Appends to the ledger, by how they ended.", "outcome")
_appended_events = _counter("appended_events_total", "Events that became part of the ledger.")
_append_batch = _histogram("append_batch_appends", "Appends that shared one call and one commit.", _SIZES)
_append_seconds = _histogram("append_batch_seconds", "Time of a batch from the call to its commit.", _SECONDS)
_requests = _counter("http_requests_total", "HTTP requests, by route.", "route", "method", "status")
_request_seconds = _histogram(
    "http_request_seconds", "Time from an HTTP request to its whole answer.", _SECONDS, "route", "method"
)
_leader = Gauge("complaints_relay_leader", "1 while this relay leads, 0 while it stands by.", registry=None)
_published_events = _counter("relay_published_events_total", "Events that this relay committed to Kafka.")
_relay_batch = _histogram("relay_batch_events", "Events of one Kafka transaction.", _SIZES)
_relay_restarts = _counter("relay_restarts_total", "How often the relay started over after an error.")
_feed_leader = Gauge("complaints_feed_leader", "1 while this feed leads, 0 while it stands by.", registry=None)
_fed_messages = _counter("feed_messages_total", "Changes of what is public that this feed committed to Kafka.")
_feed_failures = _counter("feed_failures_total", "Damaged events of complaints, which are hidden from there on.")
_feed_restarts = _counter("feed_restarts_total", "How often the feed started over after an error.")
_projected_events = _counter("projected_events_total", "Events that this projector took up.", "projection")
_projection_batch = _histogram("projection_batch_events", "Events of one transaction.", _SIZES, "projection")
_projection_seconds = _histogram(
    "projection_batch_seconds", "Time of one transaction, folding included.", _SECONDS, "projection"
)
_projector_restarts = _counter("projector_restarts_total", "How often the projector started over after an error.")
_recorded_dues = _counter("watcher_recorded_total", "What fell due and was recorded by this watcher.", "deadline")
_watcher_failures = _counter(
    "watcher_failures_total", "Complaints that this watcher could not read or decide, each time."
)
_reactions = _counter("reactions_total", "What followed from events elsewhere and was recorded.", "rule")
_reaction_failures = _counter("reaction_failures_total", "What could not be recorded, each time.", "rule")
_watcher_restarts = _counter("watcher_restarts_total", "How often the watcher started over after an error.")
_of_appends = (_appends, _appended_events, _append_batch, _append_seconds)

_of_process: dict[Process, tuple[Collector, ...]] = {
    "api": (*_of_appends, _requests, _request_seconds),
    "relay": (_leader, _published_events, _relay_batch, _relay_restarts),
    "feed": (_feed_leader, _fed_messages, _feed_failures, _feed_restarts),
    "projector": (_projected_events, _projection_batch, _projection_seconds, _projector_restarts),
    "watcher": (
        *_of_appends,
        _recorded_dues,
        _watcher_failures,
        _reactions,
        _reaction_failures,
        _watcher_restarts,
    ),
}

# Made beforehand: a figure that is not there is not the same as one that is 0.
_ended = {outcome: _appends.labels(outcome) for outcome in OUTCOMES}
for _projection in PROJECTIONS:
    _projected_events.labels(_projection.name)
for _deadline in (*Deadline, REVISED):
    _recorded_dues.labels(_deadline)


def registry(process: Process, *more: Collector) -> CollectorRegistry:
    """Collect the figures of a process, ``more``, and those of any process: start, memory, CPU, files, Python."""
    own = CollectorRegistry()
    for collector in (*_of_process[process], *more):
        own.register(collector)
    ProcessCollector(registry=own)
    PlatformCollector(registry=own)
    GCCollector(registry=own)
    return own


def appends_committed(outcomes: Mapping[str, int], events: int, seconds: float) -> None:
    """Count a batch that was committed: appends by outcome, and the events of those accepted."""
    for outcome, count in outcomes.items():
        _ended[outcome].inc(count)
    _appended_events.inc(events)
    _append_batch.observe(sum(outcomes.values()))
    _append_seconds.observe(seconds)


def appends_lost(outcome: Literal["unavailable", "failed"], count: int) -> None:
    """Count appends that ended in an error."""
    _ended[outcome].inc(count)


def answered(route: str, method: str, status: int, seconds: float) -> None:
    """Count an HTTP request. ``route`` is the template, so that ids make no series."""
    _requests.labels(route, method, status).inc()
    _request_seconds.labels(route, method).observe(seconds)


def leading(leads: bool) -> None:
    """Note whether this relay leads."""
    _leader.set(leads)


def published(events: int) -> None:
    """Count a batch that was committed to Kafka."""
    _published_events.inc(events)
    _relay_batch.observe(events)


def relay_started_over() -> None:
    """Count a start of the relay's loop after an error."""
    _relay_restarts.inc()


def feeding(leads: bool) -> None:
    """Note whether this feed leads."""
    _feed_leader.set(leads)


def fed(messages: int) -> None:
    """Count messages of the public feed that were committed to Kafka."""
    _fed_messages.inc(messages)


def feed_failed() -> None:
    """Count a damaged event, whose complaint is hidden, each time that it is met."""
    _feed_failures.inc()


def feed_started_over() -> None:
    """Count a start of the feed's loop after an error."""
    _feed_restarts.inc()


def projected(projection: str, events: int, seconds: float) -> None:
    """Count a batch that was committed to the tables of ``projection``."""
    _projected_events.labels(projection).inc(events)
    _projection_batch.labels(projection).observe(events)
    _projection_seconds.labels(projection).observe(seconds)


def projector_started_over() -> None:
    """Count a start of the projector's loop after an error."""
    _projector_restarts.inc()


def recorded_due(deadline: str) -> None:
    """Count a deadline that was recorded as missed, due times as ``REVISED``, or what else time brought about."""
    _recorded_dues.labels(deadline).inc()


def watcher_failed() -> None:
    """Count a complaint that could not be read or decided this time."""
    _watcher_failures.inc()


def reacted(rule: str) -> None:
    """Count what followed from an event and was recorded."""
    _reactions.labels(rule).inc()


def reaction_failed(rule: str) -> None:
    """Count what could not be recorded this time."""
    _reaction_failures.labels(rule).inc()


def watcher_started_over() -> None:
    """Count a start of the watcher's loop after an error."""
    _watcher_restarts.inc()
