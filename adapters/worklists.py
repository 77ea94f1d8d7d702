"""Worklists: what is pending and whose, due next first. What pending and overdue mean is in docs/definitions.md."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from adapters.database import Pool
from adapters.read_store import complete_to
from domain.complaint.filing import DIVISIONS
from domain.errors import InvalidInput
from domain.rulebook.terms import COUNTRY

#: What is due within this time is at risk.
AT_RISK = timedelta(hours=48)
#: So that the partial indexes of what is pending are used.
IS_OPEN = "(d.pending and d.status <> 'resolved')"
#: Of what is pending: a term passed and what was due has not happened since, or passed just now.
IS_LATE = "(d.missed <> '' or coalesce(d.next_due < %(now)s, false))"
OVERDUE = f"(d.pending and {IS_LATE})"
_RISKS = f"(not {IS_LATE} and coalesce(d.next_due <= %(risk)s, false))"
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
    "missed",
)
#: Whose list, and the condition that makes a request part of it. A consumer sees all of his own; who was merged into a
#: merchant left his to it, and performance is awaited of the merchant, whoever had the case.
LISTS = {
    "merchant": "d.pending and case when d.status = 'resolved' then d.merchant_id else d.holder end = any(%(whose)s)",
    "mediator": f"d.mediator_id = any(%(whose)s) and {IS_OPEN}",
    "office": "d.office_id = any(%(whose)s) and d.pending",
    "division": "d.pending and d.office_id is null and d.status in ('filed', 'received') and d.register_name is null",
    "consumer": "d.consumer_id = any(%(whose)s)",
}
#: Within a division: codes of the same digits up to its zeros. What has no region is on the list of the country.
_WITHIN = " and d.region_scheme = %(scheme)s and d.region between %(lowest)s and %(highest)s"
_ORDER = "coalesce(d.next_due, 'infinity'), d.complaint_id"
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
    """Return what a merchant, mediator, office or consumer has, or no office of a division yet; without a term: last.

    ``whose`` is an id, or the code of the division (GB/T 2260; ending in zeros: all within). A page begins behind a
    place. Raises InvalidInput.
    """
    if of not in LISTS:
        raise InvalidInput(f"nobody has a list as {of!r}", hint=f"there are lists of: {', '.join(LISTS)}")
    given: dict[str, Any] = {"now": now, "risk": now + AT_RISK, "limit": limit}
    condition, behind = LISTS[of], ""
    if of == "division":
        condition += _within(whose, given)
    if after is not None:
        behind = f"and ({_ORDER}) > (coalesce(%(due)s::timestamptz, 'infinity'), %(id)s)"
        given |= {"due": after[0], "id": after[1]}
    with pool.cursor() as cursor:
        complete = complete_to(cursor)
        given["whose"] = _and_merged(cursor, whose) if of == "merchant" else [whose]
        if len(given["whose"]) == 1:
            # The order of an index is that of a list of one only where this is written so.
            condition, given["whose"] = condition.replace("any(%(whose)s)", "%(whose)s"), given["whose"][0]
        counted = IS_LATE if of != "consumer" else OVERDUE
        risking = _RISKS if of != "consumer" else f"(d.pending and {_RISKS})"
        cursor.execute(
            f"select c.total, c.overdue, c.at_risk, m.trade_name, d.late, d.risks, "
            f"{', '.join(f'd.{name}' for name in COLUMNS)} "
            f"from (select count(*) as total, count(*) filter (where {counted}) as overdue, "
            f"count(*) filter (where {risking}) as at_risk from read.complaint_details d where {condition}) c "
            f"left join (select {counted} as late, {risking} as risks, {', '.join(f'd.{name}' for name in COLUMNS)} "
            "from read.complaint_details d where d.complaint_id in (select d.complaint_id "
            f"from read.complaint_details d where {condition} {behind} order by {_ORDER} limit %(limit)s)) d on true "
            f"left join read.merchants m using (merchant_id) order by {_ORDER}",
            given,
        )
        found = cursor.fetchall()
    total, overdue, at_risk = found[0][:3]
    items = [_item(row[3:]) for row in found if row[6] is not None]
    return Worklist(items, total, overdue, at_risk, complete)


def _within(division: str, given: dict[str, Any]) -> str:
    if not re.fullmatch("[0-9]{6}", division):
        raise InvalidInput(f"{division!r} is no division", hint="give six digits of GB/T 2260, such as 330100")
    if division == COUNTRY:
        return ""
    lowest, highest = bounds(division)
    given |= {"scheme": DIVISIONS, "lowest": lowest, "highest": highest}
    return _WITHIN


def bounds(division: str) -> tuple[str, str]:
    """Return the lowest and the highest code of what is within a division; of the country: of all there are."""
    digits = 0 if division == COUNTRY else 2 if division.endswith("0000") else 4 if division.endswith("00") else 6
    same = division[:digits]
    return same.ljust(6, "0"), same.ljust(6, "9")


def _and_merged(cursor: Any, merchant: str) -> list[str]:
    """Return a merchant and those that were merged into it."""
    cursor.execute("select merchant_id from read.merged_merchants() where going_on_id = %s", (merchant,))
    return [merchant, *(merged for (merged,) in cursor)]


def _item(row: Sequence[Any]) -> dict[str, Any]:
    merchant, overdue, at_risk, *values = row
    found = dict(zip(COLUMNS, values, strict=True))
    terms = {name: dict(term.split("=") for term in found[name].split()) for name in ("clocks", "missed")}
    return {**found, **terms, "merchant": merchant, "overdue": overdue, "at_risk": at_risk}
