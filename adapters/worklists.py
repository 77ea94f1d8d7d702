"""Worklists: what is open and whose, due next first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from adapters.database import Pool
from adapters.read_store import complete_to
from domain.complaint.state import OPEN
from domain.errors import InvalidInput

#: What is due within this time is at risk.
AT_RISK = timedelta(hours=48)
#: As the partial indexes are written, so that they are used.
IS_OPEN = (
    "d.status in ('filed', 'routed', 'answered', 'received', 'supplementing', 'accepted', 'mediating', 'adjudicating', "
    "'verifying', 'case_filed')"
)
#: A term passed and what was due has not happened since, or passed just now.
OVERDUE = (
    "(d.next_due < %(now)s or d.answer_missed and d.status = 'routed' or d.acceptance_missed and d.checked_at is null "
    "or d.mediation_missed or d.verification_missed and d.verified_at is null)"
)
COLUMNS = (
    "complaint_id",
    "version",
    "status",
    "kind",
    "consumer_id",
    "merchant_id",
    "office_id",
    "mediator_id",
    "holder",
    "product",
    "issue",
    "scenario",
    "filed_at",
    "dispute_fen",
    "next_due",
    "next_deadline",
    "clocks",
)
#: Whose list, and the condition that makes a request part of it. A consumer sees all of his own.
LISTS = {
    "merchant": f"d.holder = %(whose)s and {IS_OPEN}",
    "mediator": f"d.mediator_id = %(whose)s and {IS_OPEN}",
    "office": f"d.office_id = %(whose)s and {IS_OPEN}",
    "consumer": "d.consumer_id = %(whose)s",
}
#: Where a page goes on: when the last item is due, and its id.
Place = tuple[datetime | None, str]


@dataclass(frozen=True, slots=True)
class Worklist:
    """A page, due next first; ``total``, ``overdue`` and ``at_risk`` are of the whole list."""

    items: list[dict[str, Any]]
    total: int
    overdue: int
    at_risk: int
    complete_to: int


def worklist(
    pool: Pool, of: str, whose: str, *, now: datetime, after: Place | None = None, limit: int = 100
) -> Worklist:
    """Return the requests that a merchant, mediator, office or consumer has, behind a place; without a term: last."""
    if of not in LISTS:
        raise InvalidInput(f"nobody has a list as {of!r}", hint=f"there are lists of: {', '.join(LISTS)}")
    given: dict[str, Any] = {"whose": whose, "now": now, "risk": now + AT_RISK, "limit": limit}
    behind = ""
    if after is not None:
        behind = "and (coalesce(d.next_due, 'infinity'), d.complaint_id) > (coalesce(%(due)s, 'infinity'), %(id)s)"
        given |= {"due": after[0], "id": after[1]}
    with pool.cursor() as cursor:
        complete = complete_to(cursor)
        cursor.execute(
            f"select m.trade_name, {OVERDUE}, {', '.join(f'd.{name}' for name in COLUMNS)} "
            f"from read.complaint_details d left join read.merchants m using (merchant_id) where {LISTS[of]} {behind} "
            "order by coalesce(d.next_due, 'infinity'), d.complaint_id limit %(limit)s",
            given,
        )
        items = [_item(row, now) for row in cursor]
        cursor.execute(
            f"select count(*), count(*) filter (where {OVERDUE} and {IS_OPEN}), "
            f"count(*) filter (where {IS_OPEN} and not {OVERDUE} and d.next_due <= %(risk)s) "
            f"from read.complaint_details d where {LISTS[of]}",
            given,
        )
        ((total, overdue, at_risk),) = cursor.fetchall()
    return Worklist(items, total, overdue, at_risk, complete)


def _item(row: Sequence[Any], now: datetime) -> dict[str, Any]:
    merchant, overdue, *values = row
    found = dict(zip(COLUMNS, values, strict=True))
    clocks = dict(clock.split("=") for clock in found["clocks"].split())
    due = found["next_due"]
    is_open = found["status"] in OPEN
    soon = due is not None and now <= due <= now + AT_RISK
    return {
        **found,
        "clocks": clocks,
        "merchant": merchant,
        "overdue": is_open and overdue is True,
        "at_risk": is_open and overdue is not True and soon,
    }
