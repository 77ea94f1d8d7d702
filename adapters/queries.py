"""Questions to the read models."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from adapters import read_store
from adapters.database import Pool
from domain.complaint.state import OPEN
from projections.complaint_details import COMPLAINT_DETAILS
from projections.merchants import MERCHANTS
from projections.resolution_statistics import DIMENSIONS, MEASURES


def percent(part: int, whole: int) -> str | None:
    """Return part / whole in percent with one decimal, half-up, such as "15.3"; None when there is no whole."""
    if whole == 0:
        return None
    tenths = (2000 * part + whole) // (2 * whole)
    return f"{tenths // 10}.{tenths % 10}"


def statistics(
    pool: Pool, by: str, *, first_month: date | None = None, last_month: date | None = None
) -> list[dict[str, Any]]:
    """Return the sums by merchant, product, region, channel or month, most complaints first (months in order).

    Each: ``key`` (a merchant's is its name), ``id`` and ``scheme`` of the key, the measures, and ``resolved_rate`` =
    resolved / valid in percent, a string with one decimal, half-up; None when nothing is valid.
    """
    if by != "month" and by not in DIMENSIONS:
        raise ValueError(f"unknown dimension {by!r}")
    sums = ", ".join(f"sum(s.{measure})::bigint" for measure in MEASURES)
    key = "to_char(s.month, 'YYYY-MM')" if by == "month" else "s.key"
    with pool.cursor() as cursor:
        cursor.execute(
            f"select s.scheme, {key} as id, {'m.trade_name' if by == 'merchant' else 'null'}, {sums} "
            "from read.resolution_statistics s "
            + ("left join read.merchants m on m.merchant_id = s.key " if by == "merchant" else "")
            + "where s.dimension = %s and s.month >= %s and s.month <= %s group by 1, 2, 3 "
            + ("order by 2" if by == "month" else "order by 5 desc, 3, 2"),
            ("all" if by == "month" else by, first_month or date.min, last_month or date.max),
        )
        return [
            {
                "key": name or id_,
                "id": id_,
                "scheme": scheme,
                **dict(zip(MEASURES, measures, strict=True)),
                "resolved_rate": percent(measures[MEASURES.index("resolved")], measures[MEASURES.index("valid")]),
            }
            for scheme, id_, name, *measures in cursor
        ]


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


def complaints(
    pool: Pool,
    *,
    merchant_id: str | None,
    status: str | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> tuple[list[dict[str, Any]], int]:
    """Return complaints, newest filing first, behind (filed_at, complaint_id); and what they are complete to."""
    conditions, parameters = ["true"], list[object]()
    for column, value in (("merchant_id", merchant_id), ("status", status)):
        if value is not None:
            conditions.append(f"{column} = %s")
            parameters.append(value)
    if after is not None:
        conditions.append("(filed_at, complaint_id) < (%s, %s)")
        parameters.extend(after)
    return _page(
        pool,
        f"select {', '.join(COMPLAINT_DETAILS.columns)} from read.complaint_details "
        f"where {' and '.join(conditions)} order by filed_at desc, complaint_id desc limit %s",
        [*parameters, limit],
    )


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
            "where mediator_id = any(%s) and status = any(%s) group by 1",
            (list(mediator_ids), sorted(OPEN)),
        )
        return dict(cursor.fetchall())


_MERCHANT = ", ".join(("merchant_id", *MERCHANTS.row._fields))


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
    ``building``: the generation that is being built and what share of its records it has read, or None.
    """
    with pool.cursor() as cursor:
        cursor.execute(
            "select a.projection, a.generation, c.position, h.position, p.position, "
            "(select extract(epoch from clock_timestamp() - e.recorded_at)::float from ledger.events e "
            "where e.position = c.position + 1), w.streams, w.records, w.skipped, b.generation, b.read, c.read "
            "from read.active a "
            "cross join ledger.head h cross join ledger.published p "
            "cross join lateral (select coalesce(min(watermark), 0) as position, sum(next_offset)::bigint as read "
            "from read.progress where projection = a.projection and generation = a.generation) c "
            "cross join lateral (select count(distinct stream) filter (where skipped_at is null) as streams, "
            "count(*) filter (where skipped_at is null) as records, count(skipped_at) as skipped "
            "from read.parked where projection = a.projection and generation = a.generation) w "
            "left join lateral (select generation, sum(next_offset)::bigint as read from read.progress "
            "where projection = a.projection and generation > a.generation group by generation) b on true "
            "order by a.projection"
        )
        return [
            {
                "projection": name,
                "generation": generation,
                "position": position,
                "published": published,
                "head": head,
                "lag_positions": head - position,
                "lag_s": round(age, 3) if age is not None else 0.0,
                "parked_streams": streams,
                "parked_records": records,
                "skipped_records": skipped,
                "building": None if built is None else {"generation": built, "read": percent(done, of)},
            }
            for name, generation, position, head, published, age, streams, records, skipped, built, done, of in cursor
        ]
