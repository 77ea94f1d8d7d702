"""A merchant's complaints before and from a day on (B8, B16), by docs/definitions.md."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from adapters.database import Pool
from adapters.snapshots import snapshot
from adapters.spans import spans
from adapters.statistics_sources import MERGED
from domain.calendar import start_of_day
from projections.rates import ratio

AROUND_DAYS = 180


class Turn(NamedTuple):
    """A day from which on something is to have helped a merchant, and the stage of the product, or None for all."""

    merchant_id: str
    day: date
    stage: str | None = None


class _Side(NamedTuple):
    merchant_id: str
    stage: str | None
    first: date
    until: date
    last: date


def around(pool: Pool, turns: Sequence[Turn], *, today: date) -> list[dict[str, Any]]:
    """Return for each turn the valid complaints ``before`` and ``after`` it: at most 180 days each, and per 30 days.

    What is not over before ``today`` is ``incomplete``; ``last`` is None where no day is over. Complaints of merchants
    that were merged count for the one that goes on.
    """
    sides = [
        _Side(merchant, stage, first, min(last, _on(today, -1)), last)
        for merchant, day, stage in turns
        for first, last in ((_on(day, -AROUND_DAYS), _on(day, -1)), (day, _on(day, AROUND_DAYS - 1)))
    ]
    with snapshot(pool) as moment, moment.cursor() as cursor:
        counted = {**_summed(cursor, sides), **_counted(cursor, sides)}
    found = []
    for n, side in enumerate(sides):
        days, valid = max((side.until - side.first).days + 1, 0), counted.get(n, 0)
        found.append(
            {
                "first": side.first,
                "last": side.until if days else None,
                "days": days,
                "valid": valid,
                "per_30_days": ratio(valid, days, 30, 2),
                "incomplete": side.until < side.last,
            }
        )
    return [{"before": before, "after": after} for before, after in zip(found[::2], found[1::2], strict=True)]


def _summed(cursor: Any, sides: Sequence[_Side]) -> dict[int, int]:
    """Return the valid complaints of each side that is of all stages."""
    parts = [
        (n, side.merchant_id, *span)
        for n, side in enumerate(sides)
        if side.stage is None and side.first <= side.until
        for span in spans(side.first, side.until)
    ]
    return _of(
        cursor,
        parts,
        ("int", "text", "text", "date", "date", "int"),
        "n, merchant_id, grain, first, last, sign",
        "sum(w.sign * s.valid) as valid from read.resolution_statistics s where s.dimension = 'merchant' "
        "and s.grain = w.grain and s.key = i.id and s.first_day between w.first and w.last",
    )


def _counted(cursor: Any, sides: Sequence[_Side]) -> dict[int, int]:
    """Return the valid complaints of each side that is of one stage."""
    parts = [
        (n, side.merchant_id, side.stage, start_of_day(side.first), start_of_day(_on(side.until, 1)))
        for n, side in enumerate(sides)
        if side.stage is not None and side.first <= side.until
    ]
    return _of(
        cursor,
        parts,
        ("int", "text", "text", "timestamptz", "timestamptz"),
        "n, merchant_id, stage, first_at, after",
        "sum(s.valid) as valid from read.complaint_measures() s where s.merchant_id = i.id and s.stage = w.stage "
        "and s.filed_at >= w.first_at and s.filed_at < w.after",
    )


def _of(cursor: Any, parts: Sequence[tuple[Any, ...]], types: Sequence[str], names: str, summed: str) -> dict[int, int]:
    if not parts:
        return {}
    arrays = ", ".join(f"%s::{one}[]" for one in types)
    cursor.execute(
        f"with {MERGED}, wanted as (select * from unnest({arrays}) as w ({names})), "
        "going_on as (select distinct w.merchant_id, coalesce(g.going_on_id, w.merchant_id) as id from wanted w "
        "left join merged g on g.merchant_id = w.merchant_id), "
        "ids as (select merchant_id, id from going_on union all "
        "select o.merchant_id, g.merchant_id from going_on o join merged g on g.going_on_id = o.id) "
        "select w.n, coalesce(sum(c.valid), 0)::bigint from wanted w join ids i on i.merchant_id = w.merchant_id "
        f"cross join lateral (select {summed}) as c group by 1",
        [list(column) for column in zip(*parts, strict=True)],
    )
    return dict(cursor.fetchall())


def _on(day: date, days: int) -> date:
    """So many days on, as far as there are days: what takes effect may be stated for any of them."""
    return date.fromordinal(min(max(day.toordinal() + days, date.min.toordinal()), date.max.toordinal()))
