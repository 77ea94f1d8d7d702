"""The peer of the question ``projection``: eventsourcing's ProjectionRunner, as that library documents it.

It folds the same events, by the same pure functions, into the same two tables, cases and statistics: one event per
transaction, with its tracking record. Runs in the peer's environment.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psycopg  # type: ignore[import-not-found,unused-ignore]
from eventsourcing.application import Application
from eventsourcing.persistence import InfrastructureFactory, StoredEvent, Tracking, TrackingRecorder
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from eventsourcing.utils import Environment

from adapters.record import Recorded
from bench.two_tables import TWO_TABLES
from projections.projection import Key, change
from projections.projection import Projection as ReadModel

LIMIT_S = 600.0
LOADED_AT_ONCE = 500


class Complaints(Application[str]):
    """The application that is subscribed to: eventsourcing's recorder, our records."""

    name = "complaints"


class View(PostgresTrackingRecorder):
    """The read models' tables, which are there already."""

    def fold(self, recorded: Recorded, tracking: Tracking) -> None:
        """Change the rows and sums that an event touches, in one transaction with its tracking record."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            for model in TWO_TABLES:
                if recorded.originator_id.startswith(f"{model.kind.prefix}-"):
                    _fold(cursor, model, recorded, tracking.notification_id)


class ReadModels(Projection[View]):
    """Hands every event to the view."""

    name = "readmodels"

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        self.view.fold(domain_event, tracking)


def _fold(cursor: Any, model: ReadModel, recorded: Recorded, position: int) -> None:
    fields = ", ".join(model.row._fields)
    stream = recorded.originator_id
    before = None
    if recorded.originator_version > 1:
        cursor.execute(f"select {fields} from {model.table} where {model.key} = %s", (stream,), prepare=True)
        before = model.row(**cursor.fetchone())
    after = model.fold(before, recorded.event)
    columns = model.columns
    cursor.execute(
        f"insert into {model.table} ({', '.join(columns)}) values ({', '.join(['%s'] * len(columns))}) "
        f"on conflict ({model.key}) do update set "
        + ", ".join(f"{column} = excluded.{column}" for column in columns[1:]),
        (stream, recorded.originator_version, position, *after),
        prepare=True,
    )
    for sums in model.sums:
        delta: dict[Key, list[int]] = {}
        for key, measures in change(sums, before, after, stream).items():
            for one in (key, *sums.coarser(key)):
                total = delta.setdefault(one, [0] * len(measures))
                delta[one] = [a + b for a, b in zip(total, measures, strict=True)]
        if delta:
            names = (*sums.keys, *sums.measures)
            cursor.executemany(
                f"insert into {sums.table} as t ({', '.join(names)}) values ({', '.join(['%s'] * len(names))}) "
                f"on conflict ({', '.join(sums.keys)}) do update set "
                + ", ".join(f"{measure} = t.{measure} + excluded.{measure}" for measure in sums.measures),
                [(*key, *measures) for key, measures in delta.items()],
            )


def runner(settings: dict[str, str], source: dict[str, str], events: int, synchronous: bool) -> Callable[[], float]:
    """Store the first ``events`` events of ``source`` with the library's recorder; a run projects them.

    It gives the seconds. ``synchronous``: whether the database waits for the disk at each commit.
    """
    env = {**settings, "MAPPER_TOPIC": "adapters.record:RecordMapper", "ORIGINATOR_ID_TYPE": "text"}
    recorder = (
        InfrastructureFactory[TrackingRecorder].construct(Environment(Complaints.name, env)).application_recorder()
    )
    with psycopg.connect(**_address(source)) as conn, conn.cursor(name="source") as cursor:
        cursor.execute(
            "select stream, version, type, record from ledger.events where position <= %s order by position", (events,)
        )
        while batch := cursor.fetchmany(LOADED_AT_ONCE):
            recorder.insert_events([StoredEvent(*row) for row in batch])
    with psycopg.connect(**_address(settings), autocommit=True) as conn:
        conn.execute(f"alter database {settings['POSTGRES_DBNAME']} set synchronous_commit = {synchronous}")

    def run() -> float:
        started = time.perf_counter()
        with ProjectionRunner(
            application_class=Complaints, projection_class=ReadModels, view_class=View, env=env
        ) as running:
            running.wait(recorder.max_notification_id(), LIMIT_S)
            return time.perf_counter() - started

    return run


def _address(settings: dict[str, str]) -> dict[str, Any]:
    names = ("dbname", "host", "port", "user", "password")
    return {name: settings[f"POSTGRES_{name.upper()}"] for name in names}
