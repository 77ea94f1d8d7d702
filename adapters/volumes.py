"""Complaints beside what merchants report of themselves (B9), by docs/definitions.md."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, NamedTuple

from adapters.database import Pool
from adapters.snapshots import snapshot
from adapters.statistics_sources import MERGED
from domain.errors import InvalidInput
from projections.rates import ratio

#: What merchants report of themselves; of less than so many of them a ratio says little.
VOLUMES = ("transactions", "active_users")
LEAST_VOLUME = 10_000
#: The valid complaints of a row v (merchant_id, stage, first_day, last_day), in SQL. One by one: the planner takes them
#: for rare, and would look at all complaints.
VALID = (
    "select coalesce(sum(s.valid), 0)::bigint from read.complaint_measures() s where s.merchant_id = v.merchant_id "
    "and s.stage = v.stage and s.filed_at >= v.first_day::timestamp at time zone 'Asia/Shanghai' "
    "and s.filed_at < (v.last_day + 1)::timestamp at time zone 'Asia/Shanghai'"
)


class Days(NamedTuple):
    """Days from first to last, both included."""

    first: date
    last: date


class Counted(NamedTuple):
    """Complaints about a merchant filed on these days are counted in a period."""

    period: Days
    merchant_id: str
    days: Days


def counted(
    reported: Mapping[str, Collection[Days]], members: Iterable[str], wanted: Collection[Days] | None = None
) -> Iterator[Counted]:
    """Return of whom, and from which days, complaints are counted in the periods of merchants that are one now.

    ``reported``: what each reported of one stage; the periods of one do not overlap. Complaints are counted with what
    was reported of their own merchant. Those about one that reported nothing for any day of a period are counted in it
    too, but once: in the shortest such period, and of these in the first. ``wanted``: only what is in these.
    """
    periods = sorted({days for own in reported.values() for days in own}, key=lambda one: (one.last - one.first, one))
    shown = frozenset(periods if wanted is None else wanted)
    of_silent = [one for one in _once(periods) if one[0] in shown]
    for merchant in members:
        own = reported.get(merchant, ())
        for period in sorted(shown.intersection(own)):
            yield Counted(period, merchant, period)
        others = [period for period in periods if not any(_meet(one, period) for one in own)] if own else ()
        for period, days in _once(others) if own else of_silent:
            if period in shown:
                yield Counted(period, merchant, days)


def _once(periods: Iterable[Days]) -> list[tuple[Days, Days]]:
    """Return each period with those of its days that are in none before it."""
    found: list[tuple[Days, Days]] = []
    taken: list[Days] = []
    for period in periods:
        left = [period]
        for one in (one for one in taken if _meet(one, period)):
            parts = (
                part
                for days in left
                for part in (
                    Days(days.first, min(days.last, one.first - timedelta(days=1))),
                    Days(max(days.first, one.last + timedelta(days=1)), days.last),
                )
            )
            left = [part for part in parts if part.first <= part.last]
        found += [(period, days) for days in left]
        taken.append(period)
    return found


def _meet(one: Days, other: Days) -> bool:
    return one.first <= other.last and one.last >= other.first


def per_10_000(
    pool: Pool,
    *,
    merchant_id: str | None = None,
    industry: str | None = None,
    stage: str | None = None,
    first: date | None = None,
    last: date | None = None,
) -> list[dict[str, Any]]:
    """Return valid complaints per 10,000 transactions and active users (B9), by merchant, stage and reported days.

    Only what was reported for days that are all from ``first`` to ``last``, in its newest edition. What merged
    merchants reported for the same stage and days is one. By merchant, first day, last day and stage.
    """
    wanted = Days(first or date.min, last or date.max)
    found: dict[tuple[str, Days, str], dict[str, Any]] = {}
    reported: dict[tuple[str, str], dict[str, list[Days]]] = {}
    merged: dict[str, list[str]] = {}
    with snapshot(pool) as moment, moment.cursor() as cursor:
        # Of merchants that were merged all periods are read: what is counted in one depends on the others.
        cursor.execute(
            f"with {MERGED}, members as (select going_on_id, array_agg(merchant_id) as ids from merged group by 1) "
            "select coalesce(g.going_on_id, v.merchant_id), v.merchant_id, m.trade_name, v.stage, v.first_day, "
            f"v.last_day, v.transactions, v.active_users, i.ids, case when i.ids is null then ({VALID}) end "
            "from read.merchant_volumes v left join merged g on g.merchant_id = v.merchant_id "
            "join read.merchants m on m.merchant_id = coalesce(g.going_on_id, v.merchant_id) "
            "left join members i on i.going_on_id = m.merchant_id "
            "where (%(stage)s::text is null or v.stage = %(stage)s) "
            "and (%(merchant)s::text is null or m.merchant_id = coalesce("
            "(select going_on_id from merged where merchant_id = %(merchant)s), %(merchant)s)) "
            "and (%(industry)s::text is null or m.industry = %(industry)s) "
            "and (v.first_day >= %(first)s and v.last_day <= %(last)s or v.merchant_id in "
            "(select merchant_id from merged union all select going_on_id from merged)) "
            "order by 1, 5, 6, 4",
            {
                "merchant": merchant_id,
                "industry": industry,
                "stage": stage,
                "first": wanted.first,
                "last": wanted.last,
            },
        )
        for key, merchant, name, of, begun, ended, transactions, users, ids, valid in cursor:
            days = Days(begun, ended)
            if ids:
                merged[key] = ids
                reported.setdefault((key, of), {}).setdefault(merchant, []).append(days)
            if wanted.first <= begun and ended <= wanted.last:
                names = {"merchant_id": key, "merchant": name, "stage": of, "first_day": begun, "last_day": ended}
                one = found.setdefault((key, days, of), {**names, "valid": 0, "transactions": 0, "active_users": 0})
                one["transactions"] += transactions
                one["active_users"] += users or 0
                one["valid"] += valid or 0
        shown: dict[tuple[str, str], set[Days]] = {}
        for key, days, of in found:
            shown.setdefault((key, of), set()).add(days)
        parts = [
            (found[key, one.period, of], of, one)
            for (key, of), own in reported.items()
            for one in counted(own, (key, *merged[key]), shown.get((key, of), ()))
        ]
        for (line, _, _), valid in zip(parts, _valid(cursor, [(of, one) for _, of, one in parts]), strict=True):
            line["valid"] += valid
    return [
        {**one, **{f"per_10_000_{of}": ratio(one["valid"], one[of], 10_000, 2) for of in VOLUMES}}
        for one in found.values()
    ]


def _valid(cursor: Any, wanted: list[tuple[str, Counted]]) -> list[int]:
    """Return how many valid complaints there are of each stage, merchant and days."""
    cursor.execute(
        f"select ({VALID}) from unnest(%s::text[], %s::text[], %s::date[], %s::date[]) "
        "with ordinality as v (stage, merchant_id, first_day, last_day, n) order by v.n",
        (
            [of for of, _ in wanted],
            [one.merchant_id for _, one in wanted],
            [one.days.first for _, one in wanted],
            [one.days.last for _, one in wanted],
        ),
    )
    return [valid for (valid,) in cursor]


def ranking_per_10_000(
    pool: Pool,
    of: str,
    *,
    stage: str,
    first: date,
    last: date,
    industry: str | None = None,
    least: int = LEAST_VOLUME,
) -> tuple[list[dict[str, Any]], int]:
    """Return merchants by complaints per 10,000 of what was reported at a stage, fewest first; how many left out.

    Periods within the days are added up. ``n``: transactions, or active users of all periods; who has less than
    ``least`` of them is not ranked. By the exact fraction, ties by the greater n, then by id.
    """
    if of not in VOLUMES:
        raise InvalidInput(f"nothing is counted per {of!r}", hint=f"choose {' or '.join(VOLUMES)}")
    sums: dict[str, dict[str, Any]] = {}
    for one in per_10_000(pool, industry=industry, stage=stage, first=first, last=last):
        empty = {"merchant_id": one["merchant_id"], "merchant": one["merchant"], "n": 0, "valid": 0, "periods": 0}
        total = sums.setdefault(one["merchant_id"], empty)
        total["n"] += one[of]
        total["valid"] += one["valid"]
        total["periods"] += 1
    ranked = [one for one in sums.values() if one["n"] >= max(least, 1)]
    ranked.sort(key=lambda one: (Fraction(one["valid"], one["n"]), -one["n"], one["merchant_id"]))
    items = [
        {"rank": rank, **one, "per_10_000": ratio(one["valid"], one["n"], 10_000, 2)}
        for rank, one in enumerate(ranked, 1)
    ]
    return items, len(sums) - len(ranked)
