"""Search: complaints by any field, with facets, and pages that stay in place under writes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from adapters.database import Pool
from adapters.listed import require_listed
from adapters.read_store import complete_to
from adapters.search_text import query
from adapters.snapshots import snapshot
from adapters.worklists import IS_OPEN, OVERDUE, bounds
from domain.calendar import start_of_day
from domain.complaint.filing import DIVISIONS
from domain.errors import InvalidInput
from projections.complaint_details import COMPLAINT_DETAILS

#: Counts are exact up to so many matches.
EXACT = 10_000
TOP = 20
#: If more match, facets are counted among so many.
SOME = 3_000
#: What can be asked for, and the column; yes or no for those of YES_NO.
FIELDS = {
    "status": "status",
    "kind": "kind",
    "merchant": "merchant_id",
    "product": "product",
    "issue": "issue",
    "region": "region",
    "channel": "channel",
    "register": "register_name",
    "reference": "reference",
    "order": "order_reference",
    "scenario": "scenario",
    "stage": "stage",
    "violation": "violation",
    "office": "office_id",
    "mediator": "mediator_id",
    "consumer": "consumer_id",
    "holder": "holder",
    "platform": "platform",
    "regime": "regime",
    "way": "way",
    "ground": "ground",
}
YES_NO = {
    "open": IS_OPEN,
    "overdue": OVERDUE,
    "resolved": "d.resolved",
    "disputed": "d.disputed",
    "public": "d.public",
    "paid-when-withdrawn": "d.paid_when_withdrawn",
}
FACETS = ("status", "kind", "channel", "region", "product", "scenario", "stage", "merchant")
#: So many complaints with a text are looked up one by one; if there are more, the planner knows their frequency. Of
#: rare words it does not, and would look through all complaints for them.
FEW = 2_000
#: What is written: in one of few complaints, in a complaint, or in a row of texts.
OF_FEW = "d.complaint_id = any(%(few)s)"
OF_COMPLAINT = (
    "exists (select from private.complaint_texts t where t.complaint_id = d.complaint_id "
    "and t.words @@ %(words)s::tsquery)"
)
OF_TEXT = "d.words @@ %(words)s::tsquery"
#: How a page is ordered: what it is sorted by, and whether the greatest comes first. Ids break ties.
SORTS = {
    "newest": ("d.filed_at", "desc"),
    "oldest": ("d.filed_at", "asc"),
    "due": ("coalesce(d.next_due, 'infinity')", "asc"),
    "amount": ("d.dispute_fen", "desc"),
}
#: Where a page goes on: the value that it is sorted by, as text, and the id.
Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Search:
    """Values of one field are alternatives, different fields hold together; what is excluded is left out.

    ``first`` and ``last``: days of filing in Shanghai; ``least_fen`` and ``most_fen``: the amount in dispute. A
    division that ends in zeros, such as 330000, stands for all in it; an empty value for what is not known. ``text``:
    words that were written in the course of the complaint (``adapters.search_text``). ``whose``: a field and its value
    that hold for facets, too.
    """

    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    exclude: Mapping[str, Sequence[str]] = field(default_factory=dict)
    first: date | None = None
    last: date | None = None
    least_fen: int | None = None
    most_fen: int | None = None
    sort: str = "newest"
    text: str | None = None
    whose: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        if self.text is not None:
            query(self.text)
        for name in (*self.filters, *self.exclude):
            if name not in FIELDS and name not in YES_NO:
                fields = ", ".join((*FIELDS, *YES_NO))
                raise InvalidInput(f"there is no field {name!r}", hint=f"fields are: {fields}")
        for name, values in (*self.filters.items(), *self.exclude.items()):
            if name in YES_NO and not set(values) <= {"yes", "no"}:
                raise InvalidInput(f"{name} is yes or no", hint=f"write {name}:yes or {name}:no")
        require_listed(self.filters)
        require_listed(self.exclude)
        if self.sort not in SORTS:
            raise InvalidInput(f"nothing is sorted by {self.sort!r}", hint=f"sorts are: {', '.join(SORTS)}")
        if self.first and self.last and self.first > self.last:
            raise InvalidInput(f"{self.first} is after {self.last}", hint="exchange them")

    @property
    def is_text_alone(self) -> bool:
        """Whether a page is of what was written, and when, and of nothing else."""
        others = self.filters or self.exclude or self.whose or self.least_fen is not None or self.most_fen is not None
        return self.text is not None and not others and SORTS[self.sort][0] == "d.filed_at"


def search(
    pool: Pool, asked: Search, *, now: datetime, after: Place | None = None, limit: int = 100
) -> tuple[list[dict[str, Any]], list[Place], int]:
    """Return complaints with the names of their merchants, the place of each, and what they are complete to.

    A page begins behind a place, not at a number: what is written meanwhile moves no other complaint from page to page.
    """
    with pool.cursor() as cursor:
        complete = complete_to(cursor)
        few = _few(cursor, asked)
        found = _page(cursor, asked, now, after, limit, few, alone=few is None and asked.is_text_alone)
        if any(row[2] is None for row in found):
            # The texts are ahead of the complaints, as when a projector is under way.
            found = _page(cursor, asked, now, after, limit, None, alone=False)
    items = [{"merchant": name, **dict(zip(COMPLAINT_DETAILS.columns, row, strict=True))} for name, _, *row in found]
    return items, [(place, row[0]) for _, place, *row in found], complete


def _few(cursor: Any, asked: Search) -> list[str] | None:
    """Return the complaints with a text; None where they are not few, or no text is asked for."""
    if asked.text is None:
        return None
    cursor.execute(
        f"select d.complaint_id from private.complaint_texts d where {OF_TEXT} limit {FEW + 1}",
        {"words": query(asked.text)},
    )
    found = [stream for (stream,) in cursor]
    return found if len(found) <= FEW else None


def _page(
    cursor: Any,
    asked: Search,
    now: datetime,
    after: Place | None,
    limit: int,
    few: list[str] | None,
    *,
    alone: bool,
) -> list[tuple[Any, ...]]:
    """Find a page; ``alone``: by texts alone, of which there may be some of complaints that are not there yet."""
    where, given = _where(asked, now, few, OF_TEXT if alone else OF_COMPLAINT)
    value, direction = SORTS[asked.sort]
    order = f"order by {value} {direction}, d.complaint_id {direction}"
    if after is not None:
        kind = {"dispute_fen": "bigint"}.get(value.removeprefix("d."), "timestamptz")
        where += f" and ({value}, d.complaint_id) {'<' if direction == 'desc' else '>'} (%(place)s::{kind}, %(id)s)"
        given |= {"place": after[0], "id": after[1]}
    cursor.execute(
        f"select m.trade_name, {value}::text, {', '.join(f'd.{column}' for column in COMPLAINT_DETAILS.columns)} "
        f"from (select d.complaint_id from {'private.complaint_texts' if alone else 'read.complaint_details'} d "
        f"where {where} {order} limit %(limit)s) p "
        f"left join read.complaint_details d using (complaint_id) left join read.merchants m using (merchant_id) "
        f"{order}",
        {**given, "limit": limit},
    )
    return list(cursor.fetchall())


def facets(pool: Pool, asked: Search, *, now: datetime) -> dict[str, Any]:
    """Return how many complaints match, and how many with each value of a facet match all but the facet's own filters.

    ``count`` and each facet say whether they are ``exact``: up to 10,000 matches. Beyond, a facet counts some of them:
    ``of`` says how many. Each facet has its twenty most frequent values; ties in the order of the values.
    """
    free = [name for name in FACETS if name not in asked.filters]
    with snapshot(pool) as moment, moment.cursor() as cursor:
        complete = complete_to(cursor)
        few = _few(cursor, asked)
        many = few is None and _are_many(cursor, asked, now)
        limit = SOME if many else EXACT + 1
        count, told = _count(cursor, asked, free, now, few, limit)
        for name in FACETS:
            if name in asked.filters:
                others = {other: values for other, values in asked.filters.items() if other != name}
                told |= _count(cursor, replace(asked, filters=others), [name], now, few, limit)[1]
        names = _names(cursor, [one["value"] for one in told["merchant"]["values"]])
    for one in told["merchant"]["values"]:
        one["title"] = names.get(one["value"])
    exact = not many and count <= EXACT
    return {
        "count": count if exact else EXACT,
        "exact": exact,
        # With a filter less no fewer match.
        "facets": {name: {"exact": not many and told[name]["of"] <= EXACT, **told[name]} for name in FACETS},
        "complete_to": complete,
    }


def _are_many(cursor: Any, asked: Search, now: datetime) -> bool:
    """Whether more match than are counted exactly; it takes less than to count what they are."""
    where, given = _where(asked, now, None, OF_TEXT if asked.is_text_alone else OF_COMPLAINT)
    table = "private.complaint_texts" if asked.is_text_alone else "read.complaint_details"
    cursor.execute(f"select count(*) > {EXACT} from (select from {table} d where {where} limit {EXACT + 1}) d", given)
    return bool(cursor.fetchone()[0])


def _count(
    cursor: Any, asked: Search, names: Sequence[str], now: datetime, few: list[str] | None, limit: int
) -> tuple[int, dict[str, Any]]:
    """Count matches up to a limit, and the values of facets among them."""
    where, given = _where(asked, now, few)
    columns = [FIELDS[name] for name in names]
    listed = ", ".join(columns)
    # Words of the consumer's own are empty, as what is not known.
    known = ", ".join(f"nullif(d.{column}, '') as {column}" for column in columns)
    value, grouped = (f"coalesce({listed})", f"grouping({listed})") if columns else ("null::text", "0")
    cursor.execute(
        f"select grouped, value, count from (select {grouped} as grouped, {value} as value, count(*) as count, "
        f"row_number() over (partition by {grouped} order by count(*) desc, {value} nulls first) as place "
        f"from (select {known or '1'} from read.complaint_details d where {where} limit {limit}) d "
        f"group by grouping sets ({', '.join(['()', *(f'({column})' for column in columns)])})) c "
        f"where place <= {TOP} order by grouped, place",
        given,
    )
    # In the number that tells what a row is not grouped by, the last column has the lowest bit.
    everything = 2 ** len(names) - 1
    own = {everything - 2 ** (len(names) - 1 - at): name for at, name in enumerate(names)}
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    total = 0
    for grouped, value, count in cursor:
        if grouped == everything:
            total = count
        else:
            found[own[grouped]].append({"value": value, "count": count})
    return total, {name: {"of": total, "values": values} for name, values in found.items()}


def _names(cursor: Any, ids: Sequence[str | None]) -> dict[str, str]:
    cursor.execute(
        "select merchant_id, trade_name from read.merchants where merchant_id = any(%s)", ([one for one in ids if one],)
    )
    return dict(cursor.fetchall())


def _where(
    asked: Search, now: datetime, few: list[str] | None, written: str = OF_COMPLAINT
) -> tuple[str, dict[str, Any]]:
    conditions, given = ["true"], dict[str, Any](now=now)
    if asked.whose is not None:
        name, given["whose"] = asked.whose
        conditions.append(f"d.{FIELDS[name]} = %(whose)s")
    if few is not None:
        conditions.append(OF_FEW)
        given["few"] = few
    elif asked.text is not None:
        conditions.append(written)
        given["words"] = query(asked.text)
    for excluded, chosen in ((False, asked.filters), (True, asked.exclude)):
        for name, values in chosen.items():
            condition = _yes_no(name, values) if name in YES_NO else _among(name, values, given)
            conditions.append(f"{condition} is not true" if excluded else condition)
    if asked.first is not None:
        conditions.append("d.filed_at >= %(first)s")
        given["first"] = start_of_day(asked.first)
    if asked.last is not None:
        conditions.append("d.filed_at < %(last)s")
        given["last"] = start_of_day(asked.last + timedelta(days=1))
    if asked.least_fen is not None:
        conditions.append("d.dispute_fen >= %(least)s")
        given["least"] = asked.least_fen
    if asked.most_fen is not None:
        conditions.append("d.dispute_fen <= %(most)s")
        given["most"] = asked.most_fen
    return " and ".join(conditions), given


def _yes_no(name: str, values: Sequence[str]) -> str:
    either = [YES_NO[name] if value == "yes" else f"not {YES_NO[name]}" for value in sorted(set(values))]
    return f"({' or '.join(either)})"


def _among(name: str, values: Sequence[str], given: dict[str, Any]) -> str:
    column, either = FIELDS[name], []
    wholes = [value for value in values if name == "region" and re.fullmatch("[0-9]{4}00", value)]
    if others := [value for value in values if value not in wholes]:
        parameter = f"v{len(given)}"
        given[parameter] = others
        either.append(f"d.{column} = any(%({parameter})s)")
    if "" in values:
        either.append(f"d.{column} is null")
    for value in wholes:
        # Codes of other lists that look like one within are none: a postal code, say. One that is the same fits, and
        # the lowest is the division itself.
        low, high = f"v{len(given)}", f"v{len(given) + 1}"
        given[low], given[high] = bounds(value)
        either.append(
            f"(d.region between %({low})s and %({high})s and (d.region_scheme = '{DIVISIONS}' or d.region = %({low})s))"
        )
    return f"({' or '.join(either)})"
