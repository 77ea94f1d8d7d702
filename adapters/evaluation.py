"""Periodic evaluation (D6): figures computed from the complete read models, recorded as they were then.

What the figures mean is in docs/definitions.md, "Periodic evaluation".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from adapters import queries
from adapters.database import Pool
from adapters.execute import Ledger, Result, command
from adapters.figures import LEAST
from adapters.flows import Query, aggregate
from adapters.read_store import complete_to
from adapters.snapshots import snapshot
from domain.calendar import start_of_day
from domain.errors import InvalidInput, LedgerError
from domain.event import Event
from domain.office.evaluation import EvaluationRecorded, check_evaluated, check_over, check_period, evaluate
from domain.office.state import Figures, Office
from domain.rulebook.book import Rulebook
from domain.streams import OFFICE
from domain.values import Actor, format_instant

#: Told so many of 5 or more, a consumer is satisfied.
SATISFIED = 4
HOUR_US = 3_600_000_000
#: The complaints that count for somebody, by the kind of stream.
_OF = {
    "merchant": "d.merchant_id in (select %(id)s::text "
    "where %(id)s not in (select merchant_id from read.merged_merchants()) "
    "union all select merchant_id from read.merged_merchants() where going_on_id = %(id)s)",
    "office": "d.office_id = %(id)s",
    "platform": "d.platform in (select %(id)s::text union all select identifier from read.platforms "
    "where platform_id = %(id)s and identifier is not null)",
    "fund": "d.complaint_id in (select complaint_id from read.fund_advances where fund_id = %(id)s)",
}


class ReadModelsBehind(LedgerError):
    """The read models did not reach the ledger's head in time, so that nothing can be computed from them."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose evaluation is asked for (None: everybody's who has cases enough), in which days; ``again``: anew."""

    evaluated: tuple[str, ...] | None
    first: date
    last: date
    again: bool = False


def record_evaluations(
    ledger: Ledger,
    service_key: bytes,
    office_id: str,
    wanted: Wanted,
    *,
    by: Actor,
    now: datetime,
    book: Rulebook,
    wait_s: float,
    key: str | None = None,
    expected: int | None = None,
) -> tuple[Result, list[EvaluationRecorded]]:
    """Compute and record what is wanted, all of it or nothing; returns what was recorded.

    Of everybody, those are left out whom this office has evaluated for that period, unless it is wanted ``again``.
    Raises ReadModelsBehind, InvalidInput for whom there are no cases, and what ``Ledger.execute`` and the action raise.
    """
    body = {
        "evaluated": None if wanted.evaluated is None else list(wanted.evaluated),
        "first": wanted.first.isoformat(),
        "last": wanted.last.isoformat(),
        "again": wanted.again,
    }
    by_command = command(service_key, by.id, f"evaluate {office_id}", key, body)

    def decided(state: Office) -> Sequence[Event]:
        # What is refused anyhow has nothing to wait for; and a command that is repeated comes not even here.
        if (refused := evaluate.illegal(state, now, by, book)) is not None:
            raise refused
        for one in wanted.evaluated or ():
            check_evaluated(one)
            if not ledger.history(one, version=1):
                raise InvalidInput(f"there is no {one}", hint="check the id")
        check_period(wanted.first, wanted.last)
        check_over(wanted.last, now)
        found, as_of = _computed(ledger, wanted, wait_s)
        events: list[Any] = []
        for one, figures in found:
            known = {(made.evaluated, made.first, made.last) for made in state.evaluations.values()}
            if wanted.evaluated is None and not wanted.again and (one, wanted.first, wanted.last) in known:
                continue
            days = {"first": wanted.first, "last": wanted.last}
            made = {"evaluated": one, **days, "computed": figures, "as_of": as_of, "again": wanted.again}
            for event in OFFICE.act(evaluate, state, at=now, by=by, book=book, **made):
                state = OFFICE.evolve(state, event)
                events.append(event)
        return events

    result = ledger.execute(office_id, decided, by_command, expected=expected)
    return result, [event for event in result.events if isinstance(event, EvaluationRecorded)]


def figures_of(pool: Pool, evaluated: str, first: date, last: date) -> Figures | None:
    """Return the figures of somebody for complaints that ended from ``first`` to ``last``; None: there are none."""
    with pool.cursor() as cursor:
        cursor.execute(
            "select count(*), count(d.resolved_at) filter (where s.resolved = 1), "
            "(percentile_disc(0.5) within group (order by extract(epoch from d.resolved_at - d.filed_at) * 1000000) "
            "filter (where s.resolved = 1))::bigint, sum(s.resolved)::bigint, count(d.satisfaction), "
            f"count(*) filter (where d.satisfaction >= {SATISFIED}) "
            "from read.complaint_measures() s join read.complaint_details d using (complaint_id) "
            "cross join lateral (select case when d.resolved then d.resolved_at else d.closed_at end as at) e "
            f"where s.ended = 1 and e.at >= %(since)s and e.at < %(until)s and {_OF[evaluated.partition('-')[0]]}",
            {"id": evaluated, "since": start_of_day(first), "until": start_of_day(last + timedelta(days=1))},
        )
        ((cases, timed, median_us, resolved, rated, satisfied),) = cursor.fetchall()
    if not cases:
        return None
    return Figures(
        cases=cases,
        resolution_hours_median=_rounded(max(median_us, 0), HOUR_US) if timed else None,
        satisfaction_permille=_rounded(1000 * satisfied, rated) if rated else None,
        success_permille=_rounded(1000 * resolved, cases),
        resolved=resolved,
        rated=rated,
    )


def with_cases(pool: Pool, first: date, last: date) -> list[str]:
    """Return every merchant with at least 30 complaints that ended in a period, and every office, platform, fund."""
    found = []
    for by, least in (("merchant", LEAST), ("office", 1)):
        query = Query(by=by, first=first, last=last, without=("",))
        items = aggregate(pool, query, today=last).items
        found += sorted(one["key"] for one in items if one["measures"]["ended"] >= least)
    with pool.cursor() as cursor:
        cursor.execute("select platform_id from read.platforms union all select fund_id from read.funds order by 1")
        return found + [one for (one,) in cursor]


def top_office(pool: Pool) -> str:
    """Return the office that stands above all others; raises InvalidInput where there is none, or more than one."""
    with pool.cursor() as cursor:
        cursor.execute("select office_id from read.offices where superior is null order by 1 limit 2")
        found = [one for (one,) in cursor]
    if len(found) != 1:
        raise InvalidInput(
            f"there is {'no' if not found else 'more than one'} office at the top", hint="name an office"
        )
    return str(found[0])


def _computed(ledger: Ledger, wanted: Wanted, wait_s: float) -> tuple[list[tuple[str, Figures]], int]:
    head = ledger.recorder.max_notification_id() or 0
    if not queries.wait_until_complete(ledger.recorder.pool, head, wait_s):
        raise ReadModelsBehind(f"the read models have not reached position {head} yet", hint="try again")
    with snapshot(ledger.recorder.pool) as pool:
        with pool.cursor() as cursor:
            as_of = complete_to(cursor)
        asked = wanted.evaluated
        found = []
        for one in with_cases(pool, wanted.first, wanted.last) if asked is None else asked:
            figures = figures_of(pool, one, wanted.first, wanted.last)
            if figures is not None:
                found.append((one, figures))
            elif asked is not None:
                raise InvalidInput(
                    f"{one} has no valid complaint that ended from {wanted.first} to {wanted.last}",
                    hint="there is nothing to evaluate",
                )
    return found, as_of


def _rounded(part: int, whole: int) -> int:
    """Half-up."""
    return (2 * part + whole) // (2 * whole)


def told(event: EvaluationRecorded) -> dict[str, Any]:
    """Return an evaluation for programs; a figure that there is none of is None."""
    return {
        "evaluated": event.evaluated,
        "number": event.number,
        "edition": event.edition,
        "first_day": event.first,
        "last_day": event.last,
        "recorded_at": format_instant(event.occurred_at),
        "as_of": event.as_of,
        **event.figures.model_dump(),
    }
