"""The report of a period (B5): every measure with its denominator, rankings, awards, funds, violations, warnings.

Terms and rounding are those of docs/definitions.md. All of it is read at one moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from adapters import boards, boards_activity, figures, flows
from adapters.database import Pool
from adapters.figures import LEAST
from adapters.read_store import complete_to
from adapters.snapshots import snapshot
from adapters.statistics import Query, aggregate
from domain.periods import Period
from projections.durations import KINDS
from projections.flows import RATES as FLOW_RATES
from projections.rates import RATES, growth, ratio
from projections.resolution_statistics import MEASURES

#: Of each ranking so many are shown; how many there are is told.
RANKED = 100
#: What is known of a period when it is over. Of what came of its requests later ones had less time for: it would always
#: seem to fall.
OF_FILING = ("requests", "filed", "valid", "dispute_fen", "reports")
#: What is told by where requests came from.
SOURCES = ("requests", "filed", "valid")
Report = dict[str, Any]


def report(pool: Pool, period: Period, *, today: date) -> Report:
    """Return the report of a period; ``incomplete`` where it is not over on the day ``today``, without growth then.

    ``measures`` are of what was filed in the period, with what has come of it since; ``flows`` of what happened in it.
    Growth of what was filed is told with the former, growth of what came of it with the latter. ``before`` and
    ``year_ago`` are the values of the period before and of the same one a year ago. ``external`` are figures of
    others, with their source, which are never counted here.
    """
    with snapshot(pool) as own:
        return _report(own, period, today)


def _report(pool: Pool, period: Period, today: date) -> Report:
    first, last = period.first, period.last
    with pool.cursor() as cursor:
        as_of = complete_to(cursor)
    incomplete = last >= today
    compared = (period, period.before(), period.a_year_ago())
    filed = [_all(pool, one, today) for one in compared]
    happened = [_happened(pool, one, today) for one in compared]
    named_from = figures.named_from(pool, last)
    lines, others, _ = figures.publication(pool, first=first, last=last, least=named_from, today=today)
    listed = list(boards_activity.yearly_lists(pool, first.year))
    return {
        "period": period.name,
        "kind": period.kind,
        "first_day": first,
        "last_day": last,
        "incomplete": incomplete,
        "period_before": period.before().name,
        "period_year_ago": period.a_year_ago().name,
        "complete_to": as_of,
        "least": LEAST,
        "measures": [_grown(name, filed, tell=name in OF_FILING and not incomplete) for name in MEASURES],
        "rates": _rates({**RATES, "satisfaction": ("satisfaction_points", "rated")}, *filed),
        "flows": [_grown(name, happened, tell=not incomplete) for name in flows.MEASURES],
        "flow_rates": _rates(FLOW_RATES, *happened),
        "durations": [
            {"what": what, **one}
            for what in KINDS
            for one in figures.durations(pool, Query(first=first, last=last), what, today=today)
        ],
        "sources": [
            {"by": by, "key": one["key"], **{name: one["measures"][name] for name in SOURCES}}
            for by in ("channel", "register", "kind")
            for one in aggregate(pool, Query(by=by, first=first, last=last, order="requests"), today=today).items
        ],
        "rankings": [_ranking(pool, by, first, last, today) for by in ("industry", "merchant")],
        "awards": figures.awards(pool, first=first, last=last, today=today),
        "publication": {"items": lines, "others": others, "least": named_from},
        "funnel": figures.funnel(pool, first=first, last=last, today=today),
        "funds": _funds(pool, first, last),
        "violations": list(boards.violations(pool, first, last)),
        "warnings": [one for one in listed if not one["external"]],
        "external": [one for one in listed if one["external"]],
    }


def _all(pool: Pool, period: Period, today: date) -> Mapping[str, int]:
    items = aggregate(pool, Query(first=period.first, last=period.last), today=today).items
    return items[0]["measures"] if items else dict.fromkeys(MEASURES, 0)


def _happened(pool: Pool, period: Period, today: date) -> Mapping[str, int]:
    items = flows.aggregate(pool, flows.Query(first=period.first, last=period.last), today=today).items
    return items[0]["measures"] if items else dict.fromkeys(flows.MEASURES, 0)


def _grown(name: str, periods: Sequence[Mapping[str, int]], *, tell: bool) -> dict[str, Any]:
    own, before, year_ago = (one[name] for one in periods)
    return {
        "name": name,
        "value": own,
        "before": before,
        "growth": growth(own, before) if tell else None,
        "year_ago": year_ago,
        "growth_on_year": growth(own, year_ago) if tell else None,
    }


def _rates(shares: Mapping[str, tuple[str, str]], *periods: Mapping[str, int]) -> list[dict[str, Any]]:
    found = []
    for name, (part, whole) in shares.items():
        factor = 1 if name == "satisfaction" else 100
        values = [ratio(one[part], one[whole], factor) for one in periods]
        own = periods[0]
        found.append(
            {
                "name": name,
                **dict(zip(("value", "before", "year_ago"), values, strict=True)),
                "numerator": own[part],
                "denominator": own[whole],
            }
        )
    return found


def _ranking(pool: Pool, by: str, first: date, last: date, today: date) -> dict[str, Any]:
    query = Query(by=by, first=first, last=last, order="resolved_rate", least=LEAST, known=True)
    items, ranked, left_out, _ = figures.ranking(pool, query, today=today, limit=RANKED)
    shown = ("rank", "key", "scheme", "title", "rate", "count", "n")
    return {
        "by": by,
        "rate": "resolved_rate",
        "items": [{name: one[name] for name in shown} for one in items],
        "ranked": ranked,
        "left_out": left_out,
    }


def _funds(pool: Pool, first: date, last: date) -> list[dict[str, Any]]:
    """Return what moved in each fund within the days, and what it had at their end, in fen; by title, then by id."""
    within = "coalesce(sum(w.{0}) filter (where w.day >= %(first)s), 0)::bigint as {0}"
    moved = ("paid_in_fen", "advanced_fen", "recovered_fen", "written_off_fen")
    moves = boards.rows(
        pool,
        f"select f.fund_id, f.title, f.currency, {', '.join(within.format(name) for name in moved)}, "
        "coalesce(sum(w.paid_in_fen - w.advanced_fen + w.recovered_fen), 0)::bigint as balance_fen, "
        "coalesce(sum(w.advanced_fen - w.recovered_fen - w.written_off_fen), 0)::bigint as outstanding_fen "
        "from read.funds f left join read.fund_flows w on w.fund_id = f.fund_id and w.day <= %(last)s "
        "where f.opened_at < ((%(last)s::date + 1)::timestamp at time zone 'Asia/Shanghai') "
        "group by 1, 2, 3 order by 2, 1",
        first=first,
        last=last,
    )
    return list(moves)
