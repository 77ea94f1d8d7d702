"""Questions to the read models."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from adapters import read_store
from adapters.database import Pool
from projections.complaint_details import COMPLAINT_DETAILS
from projections.merchants import MERCHANTS
from projections.rates import percent


def details(pool: Pool, complaint_id: str) -> dict[str, Any] | None:
    """Return a complaint as it stands now, with its merchant's name; None when it is not known."""
    columns = COMPLAINT_DETAILS.columns
    with pool.cursor() as cursor:
        cursor.execute(
            f"select m.trade_name, {', '.join(f'd.{column}' for column in columns)} from read.complaint_details d "
            "left join read.merchants m using (merchant_id) where complaint_id = %s",
            (complaint_id,),
        )
        row = cursor.fetchone()
    if row is None:
        return None
    found = dict(zip(columns, row[1:], strict=True))
    return {**found, "merchant": row[0]}


def complete_to(pool: Pool) -> int:
    """Return the position up to which all read models are complete."""
    with pool.cursor() as cursor:
        return read_store.complete_to(cursor)


def wait_until_complete(pool: Pool, position: int, timeout_s: float) -> bool:
    """Wait until all read models are complete to ``position``; False when they are not in time."""
    deadline = time.monotonic() + timeout_s
    pause = 0.005
    while complete_to(pool) < position:
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
    return True


def merchants(pool: Pool, *, name: str | None, after: str | None, limit: int) -> tuple[list[dict[str, Any]], int]:
    """Return merchants by id, behind the id ``after``; and what they are complete to."""
    return _page(
        pool,
        f"select {_MERCHANT} from read.merchants where merchant_id > %s and trade_name = coalesce(%s, trade_name) "
        "order by merchant_id limit %s",
        [after or "", name, limit],
    )


def merchant(pool: Pool, merchant_id: str) -> dict[str, Any] | None:
    """Return a merchant; None when it is not known."""
    found, _ = _page(pool, f"select {_MERCHANT} from read.merchants where merchant_id = %s", [merchant_id])
    return found[0] if found else None


def mediator_loads(pool: Pool, mediator_ids: Sequence[str]) -> dict[str, int]:
    """Return how many open cases each of these mediators has; those without any are absent."""
    with pool.cursor() as cursor:
        cursor.execute(
            "select mediator_id, count(*) from read.complaint_details "
            "where mediator_id = any(%s) and pending and status <> 'resolved' group by 1",
            (list(mediator_ids),),
        )
        return dict(cursor.fetchall())


_MERCHANT = ", ".join(("merchant_id", *(field for field in MERCHANTS.row._fields if field != "items")))


def _page(pool: Pool, sql: str, parameters: list[object]) -> tuple[list[dict[str, Any]], int]:
    with pool.cursor() as cursor:
        complete = read_store.complete_to(cursor)
        cursor.execute(sql, parameters)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor], complete


def projections(pool: Pool) -> list[dict[str, Any]]:
    """Return how each projection stands, by name.

    ``position``: complete to it; ``lag_positions`` and ``lag_s`` (age of the first event that is missing) are against
    the ledger's head; ``parked_streams``, ``parked_records`` and ``skipped_records`` of the generation in use;
    ``version``: of the functions that made it; ``building``: None, or the generation that is being built, by which
    version, what share of its records it has read (percent, such as "43.1"), and by what error it stopped, if it did.
    """
    with pool.cursor() as cursor:
        cursor.execute(
            "select a.projection, a.generation, a.version, c.position, p.position as published, h.position as head, "
            "h.position - c.position as lag_positions, coalesce(round((select extract(epoch from clock_timestamp() "
            "- e.recorded_at) from ledger.events e where e.position = c.position + 1), 3), 0)::float as lag_s, "
            "w.streams as parked_streams, w.records as parked_records, w.skipped as skipped_records, "
            "b.generation, b.version, b.done, b.total, b.error "
            "from read.active a cross join ledger.head h cross join ledger.published p "
            "cross join lateral (select coalesce(min(watermark), 0) as position from read.progress "
            "where projection = a.projection and generation = a.generation) c "
            "cross join lateral (select count(distinct stream) filter (where skipped_at is null) as streams, "
            "count(*) filter (where skipped_at is null) as records, count(skipped_at) as skipped "
            "from read.parked where projection = a.projection and generation = a.generation) w "
            "left join read.builds b on b.projection = a.projection and b.generation > a.generation "
            "order by a.projection"
        )
        names = [column.name for column in cursor.description[:-5]]
        found = []
        for *values, generation, version, done, total, error in cursor:
            building = None
            if generation is not None:
                building = {"generation": generation, "version": version, "read": percent(done, total), "error": error}
            found.append({**dict(zip(names, values, strict=True)), "building": building})
        return found
