"""Boards of supervision: what stands against merchants and platforms, and why.

Every function returns rows, dicts that are read when they are asked for, in a stable order that it states. Times are
aware; one that has not come is None. Money is in fen. ``at`` decides what stands: what is recorded as ended, or whose
last instant has passed, does so no longer, but in its last instant it does; it does not go back to what was known then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from adapters.database import Pool
from adapters.snapshots import snapshot

Row = dict[str, Any]
#: How a time that has not come stands in a table of items (docs/adr/0011).
NEVER = "timestamptz '9999-12-30 00:00:00+00'"


@dataclass(frozen=True, slots=True)
class Rows(Iterable[Row]):
    """The rows of an ordered query, all or a page of them; ``then`` adds to the rows of a page what is found apart,
    at the same moment."""

    pool: Pool
    sql: str
    parameters: Mapping[str, object]
    then: Callable[[Pool, list[Row]], list[Row]] | None = None

    def __iter__(self) -> Iterator[Row]:
        return iter(self.page(None))

    def page(self, limit: int | None, offset: int = 0) -> list[Row]:
        """Return so many rows behind the first ``offset``."""
        with nullcontext(self.pool) if self.then is None else snapshot(self.pool) as pool:
            with pool.cursor() as cursor:
                page = {"page_limit": limit, "page_offset": offset}
                cursor.execute(f"{self.sql} limit %(page_limit)s offset %(page_offset)s", {**self.parameters, **page})
                names = [column.name for column in cursor.description]
                found = [dict(zip(names, row, strict=True)) for row in cursor]
            return found if self.then is None else self.then(pool, found)


def rows(pool: Pool, sql: str, **parameters: object) -> Rows:
    """Return the rows of a query, which has to be ordered."""
    return Rows(pool, sql, parameters)


def time_of(column: str) -> str:
    """A time, or null where it never came."""
    return f"nullif({column}, {NEVER}) as {column.rpartition('.')[2]}"


def cited(kind: str, item: str, stream: str, number: str) -> str:
    """The complaints that an item names, in order of their ids."""
    return (
        f"array(select cited.complaint_id from read.{kind}_citations cited where cited.{kind}_id = {stream} "
        f"and cited.item = '{item}' and cited.number = {number} order by 1) as complaints"
    )


#: Names of offices and platforms.
_AUTHORITIES = (
    "(select office_id as id, title from read.offices union all select platform_id, title from read.platforms)"
)
#: What ends in the last instant of its time, as what time ends does, stands in it; what ends sooner stands until then.
_LISTING_STANDS = "l.listed_at <= %(at)s and l.ends_due >= %(at)s and (l.ended_at > %(at)s or l.ended_at = l.ends_due)"


def listings(
    pool: Pool, at: datetime, *, name: str = "untrustworthy", standing: bool = True, merchant_id: str | None = None
) -> Rows:
    """Return who is on a list (E6): the list, its authority, basis, conditions, terms, repairs asked for, complaints.

    ``name``: untrustworthy, blacklist or warning. ``standing``: only what stands at ``at``; without, also what is over,
    with ``ending``. ``repairs``: how often repair was asked for, ``repair_open``: whether one is to be decided on, as
    none is once the listing is over. Latest first, then by merchant and number.
    """
    return rows(
        pool,
        f"select l.merchant_id, m.trade_name, l.number, l.list_name, l.authority_id, a.title as authority, "
        "read.merchant_text(l.merchant_id, 'listing', l.number, 'title') as title, "
        "read.merchant_text(l.merchant_id, 'listing', l.number, 'basis') as basis, "
        "read.merchant_text(l.merchant_id, 'listing', l.number, 'conditions') as conditions, "
        f"l.listed_at, {time_of('l.ends_due')}, l.repair_from, {time_of('l.ended_at')}, l.ending, "
        f"({_LISTING_STANDS}) as stands, r.repairs, r.repair_open, "
        f"{cited('merchant', 'listing', 'l.merchant_id', 'l.number')} "
        "from read.merchant_listings l join read.merchants m using (merchant_id) "
        f"left join {_AUTHORITIES} a on a.id = l.authority_id "
        "cross join lateral (select count(*) as repairs, "
        f"coalesce(bool_or(decided_at = {NEVER}), false) and l.ended_at = {NEVER} and l.ends_due >= %(at)s "
        "as repair_open "
        "from read.merchant_repairs where merchant_id = l.merchant_id and listing = l.number) r "
        f"where l.list_name = %(name)s and (not %(standing)s or {_LISTING_STANDS}) "
        "and l.merchant_id = coalesce(%(merchant_id)s, l.merchant_id) "
        "order by l.listed_at desc, l.merchant_id, l.number",
        at=at,
        name=name,
        standing=standing,
        merchant_id=merchant_id,
    )


def repairs(pool: Pool, *, merchant_id: str | None = None) -> Rows:
    """Return the repairs that merchants asked for (E6), with decisions. Latest first, then by merchant and number."""
    return rows(
        pool,
        "select r.merchant_id, m.trade_name, r.number, r.listing, l.list_name, l.authority_id, r.applied_at, "
        f"{time_of('r.decided_at')}, nullif(r.granted, '') = 'yes' as granted, "
        "read.merchant_text(r.merchant_id, 'repair', r.number, 'undertaking') as undertaking, "
        "read.merchant_text(r.merchant_id, 'repair', r.number, 'reasons') as reasons "
        "from read.merchant_repairs r join read.merchants m using (merchant_id) "
        "join read.merchant_listings l on l.merchant_id = r.merchant_id and l.number = r.listing "
        "where r.merchant_id = coalesce(%(merchant_id)s, r.merchant_id) "
        "order by r.applied_at desc, r.merchant_id, r.number",
        merchant_id=merchant_id,
    )


def consequences(pool: Pool, *, complaint_id: str | None = None, merchant_id: str | None = None) -> Rows:
    """Return what followed from complaints (B7): listings, credit events, measures, warnings, notices, reports.

    Each: ``kind``, ``stream`` and ``number`` where it is recorded, ``merchant_id`` (None: of a platform, or nobody),
    ``authority_id`` and ``authority``, ``name`` of the list, measure or theme, ``basis``, ``since``, ``ended`` (None:
    it stands, as recorded) and the ids of all complaints behind it. Of a credit event, ``name`` is why it was recorded
    and ``basis`` the deadline; of a report, the violation and the days that it is of. Latest first, then by stream,
    kind, number and basis.
    """
    return rows(
        pool,
        "with found as ("
        "select 'listing' as kind, l.merchant_id as stream, l.number::bigint, l.merchant_id, l.authority_id, "
        "l.list_name as name, read.merchant_text(l.merchant_id, 'listing', l.number, 'basis') as basis, "
        f"l.listed_at as since, {time_of('l.ended_at')}, {cited('merchant', 'listing', 'l.merchant_id', 'l.number')} "
        "from read.merchant_listings l "
        "union all select 'credit_event', e.credit_id, e.number, e.merchant_id, null, e.basis, e.deadline, "
        f"e.missed_at, {time_of('e.withdrawn_at')}, array[e.complaint_id] from read.credit_events e "
        "union all select 'measure', s.measure_id, 1, case when s.target_id like 'merchant-%%' then s.target_id end, "
        "s.imposed_by, s.kind, s.basis, s.imposed_at, s.ended_at, array(select c.complaint_id "
        "from read.measure_complaints c where c.measure_id = s.measure_id order by 1) from read.measures s "
        "union all select 'warning', w.office_id, w.number, null, w.office_id, w.theme, "
        "read.office_text(w.office_id, 'warning', w.number, 'text'), w.issued_at, null, "
        f"{cited('office', 'warning', 'w.office_id', 'w.number')} from read.office_warnings w "
        "union all select 'notice', n.platform_id, n.number, n.merchant_id, n.office_id, 'notice', "
        "read.platform_text(n.platform_id, 'notice', n.number, 'basis'), n.given_at, null, "
        f"{cited('platform', 'notice', 'n.platform_id', 'n.number')} from read.platform_notices n "
        "union all select 'report', v.platform_id, v.place, v.merchant_id, v.platform_id, v.violation, "
        "v.first_day || '/' || v.last_day, r.reported_at, null, array(select c.complaint_id "
        "from read.platform_report_complaints c where (c.platform_id, c.first_day, c.last_day, c.place) = "
        "(v.platform_id, v.first_day, v.last_day, v.place) order by 1) "
        "from read.platform_report_violations v join read.platform_reports r using (platform_id, first_day, last_day)"
        ") select f.kind, f.stream, f.number, f.merchant_id, f.authority_id, a.title as authority, f.name, f.basis, "
        f"f.since, f.ended_at as ended, f.complaints from found f left join {_AUTHORITIES} a on a.id = f.authority_id "
        "where (%(complaint_id)s::text is null or %(complaint_id)s = any(f.complaints)) "
        "and (%(merchant_id)s::text is null or f.merchant_id = %(merchant_id)s) "
        "order by f.since desc, f.stream, f.kind, f.number, f.basis",
        complaint_id=complaint_id,
        merchant_id=merchant_id,
    )


def notices(pool: Pool, at: datetime, *, platform_id: str | None = None) -> Rows:
    """Return the notices to platforms and their clocks (E7). Latest first, then by platform and number.

    ``status``: answered, declined, missed (its last instant passed before ``at``, or is recorded as missed) or open.
    ``late``: whether the answer or refusal came after the term; None where there is neither.
    """
    return rows(
        pool,
        "select n.platform_id, p.title as platform, n.number, n.office_id, o.title as office, n.merchant_id, "
        "m.trade_name, read.platform_text(n.platform_id, 'notice', n.number, 'demand') as demand, "
        "read.platform_text(n.platform_id, 'notice', n.number, 'basis') as basis, n.given_at, "
        f"{time_of('n.due_at')}, {time_of('n.missed_at')}, {time_of('n.declined_at')}, {time_of('n.answered_at')}, "
        f"case when n.answered_at < {NEVER} then 'answered' when n.declined_at < {NEVER} then 'declined' "
        f"when n.missed_at < {NEVER} or n.due_at < %(at)s then 'missed' else 'open' end as status, "
        f"case when least(n.answered_at, n.declined_at) < {NEVER} then n.late end as late, "
        f"nullif(n.measure_id, '') as measure_id, {cited('platform', 'notice', 'n.platform_id', 'n.number')} "
        "from read.platform_notices n join read.platforms p using (platform_id) "
        "left join read.offices o using (office_id) left join read.merchants m using (merchant_id) "
        "where n.platform_id = coalesce(%(platform_id)s, n.platform_id) "
        "order by n.given_at desc, n.platform_id, n.number",
        at=at,
        platform_id=platform_id,
    )


#: Measures whose time has come and not passed, its last instant included; what is contested goes on.
_IN_FORCE = (
    "s.imposed_at <= %(at)s and coalesce(s.ends_due, 'infinity') >= %(at)s "
    "and (coalesce(s.ended_at, 'infinity') > %(at)s or s.ended_at = s.ends_due)"
)


def measures_in_force(
    pool: Pool, at: datetime, *, merchant_id: str | None = None, platform_id: str | None = None
) -> Rows:
    """Return the measures and penalties in force at a time (E1, E2), with the remedy that is open against each.

    ``platform_id``: those that it imposed, or that are on it. Latest first, then by id.
    """
    return rows(
        pool,
        "select s.measure_id, s.target_id, coalesce(m.trade_name, p.title) as target, s.imposed_by, "
        "a.title as authority, s.ladder, s.kind, s.violation, s.reason, s.basis, s.case_number, s.imposed_at, "
        "s.ends_due, s.amount_fen, s.currency, s.paid_fen, s.contested_by, r.begun_at as contested_at, "
        "case when r.decision_due < timestamptz '9999-12-30 00:00:00+00' then r.decision_due end as decision_due, "
        "array(select c.complaint_id from read.measure_complaints c where c.measure_id = s.measure_id order by 1) "
        "as complaints from read.measures s left join read.merchants m on m.merchant_id = s.target_id "
        "left join read.platforms p on p.platform_id = s.target_id "
        f"left join {_AUTHORITIES} a on a.id = s.imposed_by "
        f"left join read.measure_remedies r on r.measure_id = s.measure_id and r.ended_at = {NEVER} "
        f"where {_IN_FORCE} and s.target_id = coalesce(%(merchant_id)s, s.target_id) "
        "and (%(platform_id)s::text is null or %(platform_id)s in (s.imposed_by, s.target_id)) "
        "order by s.imposed_at desc, s.measure_id",
        at=at,
        merchant_id=merchant_id,
        platform_id=platform_id,
    )


def measure_counts(
    pool: Pool, at: datetime, by: Literal["kind", "imposed_by", "target_id", "violation", "contested_by"]
) -> Rows:
    """Return how many measures are in force at a time, and how many of them are contested, by kind, imposer, target,
    violation code or open remedy: ``key`` (None: none is given) with ``name`` where it is a stream or a violation.

    Most first, then by key.
    """
    column = {one: one for one in ("kind", "imposed_by", "target_id", "violation", "contested_by")}[by]
    return rows(
        pool,
        f"select s.{column} as key, min(coalesce(a.title, m.trade_name, v.name)) as name, count(*) as in_force, "
        "count(s.contested_by) as contested from read.measures s "
        f"left join {_AUTHORITIES} a on a.id = s.{column} left join read.merchants m on m.merchant_id = s.{column} "
        f"left join read.codes v on v.scheme = 'violation' and v.code = s.{column} and '{by}' = 'violation' "
        f"where {_IN_FORCE} group by 1 order by 3 desc, 1",
        at=at,
    )


#: What is counted per violation code.
VIOLATION_MEASURES = (
    "by_platforms",
    "by_authorities",
    "revoked",
    "grievances",
    "upheld",
    "reported",
    "hidden_changes",
    "label_gaps",
)


def violations(pool: Pool, first: date, last: date) -> Rows:
    """Return per violation code what happened from the ``first`` to the ``last`` day in Shanghai, both included (E3).

    ``by_platforms`` and ``by_authorities``: measures imposed, ``revoked`` those of them that did not stand;
    ``grievances`` complained of and ``upheld`` (of those decided in the period, by what was found); ``reported`` by
    platforms (by the day of the report); ``hidden_changes``; ``label_gaps`` (by their end). Most in all first, then by
    code.
    """
    within = "(%(first)s::timestamp at time zone 'Asia/Shanghai') <= {0} and {0} < "
    within += "((%(last)s::date + 1)::timestamp at time zone 'Asia/Shanghai')"
    return rows(
        pool,
        "with told (code, what) as ("
        "select violation, case ladder when 'platform' then 'by_platforms' else 'by_authorities' end "
        f"from read.measures where {within.format('imposed_at')} "
        f"union all select violation, 'revoked' from read.measures where status = 'revoked' "
        f"and {within.format('imposed_at')} "
        f"union all select violation, 'grievances' from read.grievances where {within.format('complained_at')} "
        f"union all select found_violation, 'upheld' from read.grievances where upheld and {within.format('ended_at')} "
        "union all select v.violation, 'reported' from read.platform_report_violations v join read.platform_reports r "
        f"using (platform_id, first_day, last_day) where {within.format('r.reported_at')} "
        "union all select violation, 'hidden_changes' from read.platform_membership_changes "
        f"where hidden and {within.format('told_at')} "
        "union all select violation, 'label_gaps' from read.room_label_gaps "
        f"where violation <> '' and {within.format('until_at')}) "
        "select t.code, min(c.name) as name, "
        + ", ".join(f"count(*) filter (where t.what = '{what}') as {what}" for what in VIOLATION_MEASURES)
        + " from told t left join read.codes c on c.scheme = 'violation' and c.code = t.code "
        "where t.code is not null group by t.code order by count(*) filter (where t.what <> 'revoked') desc, t.code",
        first=first,
        last=last,
    )


def grievances(pool: Pool, by: Literal["platform_id", "merchant_id", "violation"]) -> Rows:
    """Return how grievances of merchants stand (E9), apart from what consumers complain of.

    ``complained``, ``answered`` and of those ``answered_in_time``, ``missed`` (the term passed unanswered, as
    recorded), ``taken_up``, ``settled``, ``withdrawn``, ``decided`` and of those ``upheld``. Most first, then by key.
    """
    column = {one: one for one in ("platform_id", "merchant_id", "violation")}[by]
    return rows(
        pool,
        f"select g.{column} as key, min(coalesce(p.title, m.trade_name, v.name)) as name, count(*) as complained, "
        "count(g.answered_at) as answered, count(*) filter (where not g.answered_late) as answered_in_time, "
        "count(g.missed_at) as missed, count(g.taken_up_at) as taken_up, "
        "count(*) filter (where g.status = 'settled') as settled, "
        "count(*) filter (where g.status = 'withdrawn') as withdrawn, count(g.upheld) as decided, "
        "count(*) filter (where g.upheld) as upheld from read.grievances g "
        f"left join read.platforms p on p.platform_id = g.{column} "
        f"left join read.merchants m on m.merchant_id = g.{column} "
        f"left join read.codes v on v.scheme = 'violation' and v.code = g.{column} "
        "group by 1 order by 3 desc, 1",
    )
