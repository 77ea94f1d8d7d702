"""A peer of the question ``projection``: Quix Streams with a batching sink that writes into PostgreSQL.

An application reads the topic of complaints that the relay publishes: a Deserializer makes facts of the records with
our reader, ``StreamingDataFrame.sink`` hands them to a BatchingSink, which folds them by the same pure functions into
the same two tables, cases and statistics, in the same PostgreSQL. Runs in the peer's environment.

How it is set up:

- With the defaults of Application: at least once, a checkpoint every 5 seconds whatever their number, committed
  transactions only; checkpoints of 20,000 or 50,000 records were no faster. It keeps no state, so it needs no changelog
  topics. The count of records after which it stops spares it the wait for the last checkpoint.
- The sink gathers the partitions of a checkpoint and writes them in one transaction, since they share the statistics.
- It writes set-wise: COPY into a temporary table, then INSERT … ON CONFLICT. The versions of the old rows tell which
  events are in already, so that a checkpoint that is delivered again changes nothing.
- Commits do not wait for the disk and the garbage collector looks as rarely as in our projector, which a user would
  have to find out. Strictly, the first is not safe here: Kafka would keep an offset whose rows a crash of PostgreSQL
  can lose. pydantic is older than ours, as the library demands; it decodes the records as fast.

The library's own PostgreSQLSink cannot do it: it writes each message as a row or over a row, and adds nothing up, nor
has it the row as it was.
"""

from __future__ import annotations

import gc
import io
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from tempfile import TemporaryDirectory
from typing import Any

import psycopg2
from quixstreams import Application
from quixstreams.models import Deserializer
from quixstreams.sinks import BatchingSink, SinkBatch

from adapters.record import read_record
from bench.two_tables import TWO_TABLES
from projections.projection import Fact, Projection, fold_batch

OPTIONS = "-c role=ledger_projector -c timezone=UTC -c synchronous_commit=off -c jit=off"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class Facts(Deserializer):  # type: ignore[misc]
    """Reads records."""

    def __call__(self, value: bytes, ctx: Any) -> Fact:
        recorded = read_record(value)
        position = int(dict(ctx.headers)["position"])
        return Fact(position, recorded.originator_id, recorded.originator_version, recorded.event)


class ReadModels(BatchingSink):  # type: ignore[misc]
    """Folds the facts of a checkpoint. ``taken`` counts them; ``ended`` is when the last ones were written."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._facts: list[Fact] = []
        self.taken, self.ended = 0, 0.0

    def setup(self) -> None:
        self._conn = psycopg2.connect(self._url, options=OPTIONS)

    def write(self, batch: SinkBatch) -> None:
        self._facts.extend(item.value for item in batch)

    def flush(self) -> None:
        super().flush()
        facts, self._facts = self._facts, []
        if not facts:
            return
        with self._conn, self._conn.cursor() as cursor:
            for model in TWO_TABLES:
                _fold(cursor, model, facts)
        self.taken += len(facts)
        self.ended = time.perf_counter()


def _fold(cursor: Any, model: Projection, facts: Sequence[Fact]) -> None:
    columns = model.columns
    cursor.execute(
        f"select {', '.join(columns)} from {model.table} where {model.key} = any(%s)",
        (list({fact.stream for fact in facts}),),
    )
    old = {stream: (version, model.row(*fields)) for stream, version, _, *fields in cursor}
    new = [fact for fact in facts if fact.stream not in old or fact.version > old[fact.stream][0]]
    batch = fold_batch(model, old, new)
    if batch.failed:
        raise RuntimeError(f"events could not be folded: {batch.failed}")
    _upsert(cursor, model.table, (model.key,), columns[1:], batch.rows, "excluded.{0}")
    for sums, delta in zip(model.sums, batch.deltas, strict=True):
        rows = [(*key, *measures) for key, measures in delta.items()]
        _upsert(cursor, sums.table, sums.keys, sums.measures, rows, "t.{0} + excluded.{0}")
        cursor.execute(f"delete from {sums.table} where " + " and ".join(f"{measure} = 0" for measure in sums.measures))


def _upsert(
    cursor: Any, table: str, keys: Sequence[str], others: Sequence[str], rows: Iterable[tuple[Any, ...]], new: str
) -> None:
    incoming = f"incoming_{table.partition('.')[2]}"
    cursor.execute(f"create temporary table if not exists {incoming} (like {table}) on commit delete rows")
    columns = ", ".join((*keys, *others))
    text = "".join(["\t".join([_text(value) for value in row]) + "\n" for row in rows])
    cursor.copy_expert(f"copy {incoming} ({columns}) from stdin", io.StringIO(text))
    cursor.execute(
        f"insert into {table} as t ({columns}) select {columns} from {incoming} on conflict ({', '.join(keys)}) "
        "do update set " + ", ".join(f"{column} = {new.format(column)}" for column in others)
    )


def _text(value: Any) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    return value.isoformat() if isinstance(value, datetime) else str(value)


def application(url: str, bootstrap: str, prefix: str, group: str) -> Callable[[int], float]:
    """Fold the topic of complaints into the tables; a run takes the number of its records, and gives the seconds."""
    gc.set_threshold(100_000, 50, 100)
    (name,) = {prefix + model.kind.topic for model in TWO_TABLES}

    def run(records: int) -> float:
        sink = ReadModels(url)
        with TemporaryDirectory() as state:
            started = time.perf_counter()
            app = Application(
                broker_address=bootstrap,
                consumer_group=group,
                auto_offset_reset="earliest",
                use_changelog_topics=False,
                state_dir=state,
                loglevel="WARNING",
            )
            topic = app.topic(name, key_deserializer="bytes", value_deserializer=Facts())
            app.dataframe(topic).sink(sink)
            app.run(count=records, collect=False)
        if sink.taken != records:
            raise RuntimeError(f"{sink.taken} records were taken up, not {records}")
        return sink.ended - started

    return run
