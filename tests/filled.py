"""Databases with filled read models, without Kafka: what happened by chance, folded and written in one batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from random import Random

from psycopg2.extensions import connection as Connection

from adapters.database import connect
from adapters.read_store import ensure_progress
from adapters.read_tables import write
from domain.event import Event
from domain.streams import TOPICS, kind_of
from projections.catalogue import PROJECTIONS
from tests.domain.random_lives import a_life
from tests.projections.histories import interleaved, of_a_market, of_a_rulebook

#: Steps of the market, complaints beside it, and steps of each of them.
STEPS, LIVES, OF_A_LIFE = 2_000, 300, 20


@cache
def histories(seed: int = 1) -> Mapping[str, Sequence[Event]]:
    """What happens to streams of all kinds, by chance: a market, a rulebook, and complaints that come further."""
    chance = Random(seed)
    found: dict[str, Sequence[Event]] = {**of_a_market(seed, STEPS), **of_a_rulebook(chance)}
    for n in range(LIVES):
        found[f"complaint-ffffffff-0000-4000-8000-{n:012x}"] = a_life(chance, chance.randint(0, OF_A_LIFE))
    return found


def fill(database_url: str, streams: Mapping[str, Sequence[Event]] | None = None) -> int:
    """Fill all read models of a database with the events of streams; returns the position that they are complete to."""
    facts = interleaved(histories() if streams is None else streams, Random(0))
    conn = connect(database_url, "ledger_projector", autocommit=False)
    try:
        with conn, conn.cursor() as cursor:
            for projection in PROJECTIONS:
                own = [fact for fact in facts if kind_of(fact.stream) is projection.kind]
                assert write(cursor, projection, own, False, None) == {}
        _complete(conn, len(facts))
    finally:
        conn.close()
    return len(facts)


def _complete(conn: Connection, position: int) -> None:
    with conn:
        ensure_progress(conn, PROJECTIONS, [(topic, 0) for topic in TOPICS])
        with conn.cursor() as cursor:
            cursor.execute("update read.progress set watermark = %s", (position,))
