"""Figures that are read from PostgreSQL when Prometheus asks, so that they are right while a process is idle too.

Every relay, feed, projector and watcher shows those of its kind, whoever does the work: with several, take the max.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from adapters import dues, queries, reactions
from adapters.database import UNAVAILABLE, Pool

#: A scrape waits no longer for PostgreSQL; Prometheus itself gives up after 10 s by default.
PATIENCE_S = 1.0

_RELAY = """
select head.position, published.position, greatest(head.position - published.position, 0),
       coalesce((select greatest(extract(epoch from clock_timestamp() - e.recorded_at), 0)
                 from ledger.events e where e.position = published.position + 1), 0)
from ledger.head, ledger.published
"""


def relay_figures(pool: Pool) -> list[Metric]:
    """Read how far the ledger goes, and how far it is published."""
    with pool.cursor() as cursor:
        cursor.execute(_RELAY)
        (values,) = cursor.fetchall()
    names = (
        ("ledger_position", "The last position of the ledger."),
        ("relay_published_position", "Every event up to this position is on Kafka."),
        ("relay_lag_positions", "Events that are not on Kafka yet."),
        ("relay_lag_seconds", "Age of the oldest event that is not on Kafka yet; 0 if there is none."),
    )
    return [
        GaugeMetricFamily(f"complaints_{name}", what, float(value))
        for (name, what), value in zip(names, values, strict=True)
    ]


def feed_figures(pool: Pool) -> list[Metric]:
    """Read how far the public feed is."""
    with pool.cursor() as cursor:
        cursor.execute("select f.position, greatest(h.position - f.position, 0) from ledger.head h, ledger.feed f")
        ((position, lag),) = cursor.fetchall()
    return [
        GaugeMetricFamily(f"complaints_feed_{name}", what, float(value))
        for name, what, value in (
            ("position", "What every event up to this position changed in public is in the public feed.", position),
            ("lag_positions", "Positions from there to the end of the ledger.", lag),
        )
    ]


def projection_figures(pool: Pool) -> list[Metric]:
    """Read how complete each projection is, in the generation that answers queries."""
    found = queries.projections(pool)
    figures: list[Metric] = []
    for name, key, what in (
        ("watermark_position", "position", "The projection is complete up to this position."),
        ("lag_positions", "lag_positions", "Positions from there to the end of the ledger."),
        ("lag_seconds", "lag_s", "Age of the oldest event that is missing; 0 if there is none."),
        ("parked_records", "parked_records", "Records that were put aside, and those that wait behind them."),
    ):
        figure = GaugeMetricFamily(f"complaints_projection_{name}", what, labels=["projection"])
        for projection in found:
            figure.add_metric([projection["projection"]], projection[key])
        figures.append(figure)
    return figures


def watcher_figures(pool: Pool) -> list[Metric]:
    """Read how far the watchers are, and what is overdue."""
    with pool.cursor() as cursor:
        found = dues.standing(cursor)
        reacted = reactions.standing(cursor)
        cursor.execute("select position from ledger.head")
        ((head,),) = cursor.fetchall()
    return [
        GaugeMetricFamily(f"complaints_watcher_{name}", what, float(value))
        for name, what, value in (
            ("position", "Due times are known from every event up to this position.", found.position),
            ("lag_positions", "Positions from there to the end of the ledger.", max(head - found.position, 0)),
            ("dues_waiting", "Complaints with a clock that runs.", found.running),
            ("overdue", "Of those, the ones that are due and not recorded yet.", found.overdue),
            ("overdue_seconds", "For how long the oldest of them is due; 0 if there is none.", found.overdue_s),
            ("failed", "Complaints that could not be read or decided, and are tried again.", found.failed),
            ("reactions_position", "What follows elsewhere is recorded up to this position.", reacted.position),
            ("reactions_lag_positions", "Positions from there to the end.", max(head - reacted.position, 0)),
            ("reactions_waiting", "What follows but could not be recorded yet.", reacted.waiting),
        )
    ]


class LedgerFigures(Collector):
    """Reads figures at each scrape. Without an answer in time it shows complaints_database_up 0, and no figures."""

    def __init__(self, database_url: str, read: Callable[[Pool], list[Metric]]) -> None:
        self._pool = Pool(database_url, "ledger_api")
        self._read = read
        self._reader: threading.Thread | None = None
        self._lock = threading.Lock()

    def collect(self) -> list[Metric]:
        found: list[Metric] = []
        with self._lock:
            # A stopped server answers nothing, not even an error: its reader is left alone, and there is only one.
            if self._reader is None or not self._reader.is_alive():
                self._reader = threading.Thread(target=self._into, args=(found,), daemon=True)
                self._reader.start()
                self._reader.join(PATIENCE_S)
        figures = tuple(found)
        what = "1 if PostgreSQL answers; without it the figures that it knows are missing."
        return [GaugeMetricFamily("complaints_database_up", what, float(bool(figures))), *figures]

    def _into(self, found: list[Metric]) -> None:
        # The first connection may have broken since the last scrape.
        for _ in range(2):
            try:
                found.extend(self._read(self._pool))
                return
            except UNAVAILABLE:
                continue
