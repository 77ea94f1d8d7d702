"""Questions to the read models."""

from __future__ import annotations

from datetime import date
from typing import Any

from adapters.database import Pool
from projections.complaint_details import COMPLAINT_DETAILS
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
