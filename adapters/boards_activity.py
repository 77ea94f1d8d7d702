"""Boards of what offices, platforms, funds, rooms and merchants do. What holds of ``adapters.boards`` holds here."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from adapters.boards import Row, Rows, cited, rows, time_of
from adapters.database import Pool
from adapters.worklists import IS_OPEN

#: Figures of an evaluation that there need not be.
_MAY_BE_UNKNOWN = ("resolution_hours_median", "satisfaction_permille", "success_permille", "resolved", "rated")


def warnings(pool: Pool, *, office_id: str | None = None, year: int | None = None) -> Rows:
    """Return the warnings to the public (B5), each with its theme, text and complaints. Latest first, then by office
    and number."""
    return rows(
        pool,
        "select w.office_id, o.title as office, w.number, w.year, w.issued_at, w.theme, "
        "read.office_text(w.office_id, 'warning', w.number, 'text') as text, "
        f"{cited('office', 'warning', 'w.office_id', 'w.number')} "
        "from read.office_warnings w join read.offices o using (office_id) "
        "where w.office_id = coalesce(%(office_id)s, w.office_id) and w.year = coalesce(%(year)s, w.year) "
        "order by w.issued_at desc, w.office_id, w.number",
        office_id=office_id,
        year=year,
    )


def yearly_lists(pool: Pool, year: int, *, office_id: str | None = None) -> Rows:
    """Return the curated lists of a year in their newest edition (B5): first the warnings in the list's order with
    their complaints, then the figures of others.

    ``external`` marks a figure of somebody else, with ``source``, ``what`` and ``value`` as published there; it is
    never counted here. By office, own warnings first, then by place.
    """
    return rows(
        pool,
        "with newest as (select office_id, year, max(edition) as edition from read.office_yearly_lists "
        "where year = %(year)s and office_id = coalesce(%(office_id)s, office_id) group by 1, 2) "
        "select n.office_id, o.title as office, n.year, n.edition, false as external, e.place, e.warning, w.theme, "
        "null as source, null as what, null as value, "
        f"{cited('office', 'warning', 'n.office_id', 'e.warning')} "
        "from newest n join read.offices o using (office_id) "
        "join read.office_yearly_entries e using (office_id, year, edition) "
        "join read.office_warnings w on w.office_id = n.office_id and w.number = e.warning "
        "union all select n.office_id, o.title, n.year, n.edition, true, "
        "row_number() over (partition by n.office_id order by f.number), null, null, "
        "read.office_text(n.office_id, 'external_figure', f.number, 'source'), "
        "read.office_text(n.office_id, 'external_figure', f.number, 'what'), "
        "read.office_text(n.office_id, 'external_figure', f.number, 'value'), array[]::text[] "
        "from newest n join read.offices o using (office_id) "
        "join read.office_external_figures f using (office_id, year, edition) order by 1, 5, 6",
        year=year,
        office_id=office_id,
    )


def fund_balances(pool: Pool) -> Rows:
    """Return the funds (D4), in hundredths of their currency: paid_in_fen - advanced_fen + recovered_fen = balance_fen.

    ``written_off_fen`` stands apart: it stays advanced. ``outstanding_fen`` is what is still to be recovered;
    ``adds_up``: the balance is the one that the events themselves state. By title, then by id.
    """
    return rows(
        pool,
        "select f.fund_id, f.title, f.office_id, o.title as office, f.currency, f.status, f.paid_in_fen, "
        "f.advanced_fen, f.recovered_fen, f.paid_in_fen - f.advanced_fen + f.recovered_fen as balance_fen, "
        "f.written_off_fen, "
        "f.advanced_fen - f.recovered_fen - f.written_off_fen as outstanding_fen, "
        "f.paid_in_fen - f.advanced_fen + f.recovered_fen = f.stated_balance_fen as adds_up "
        "from read.funds f left join read.offices o using (office_id) order by f.title, f.fund_id",
    )


def advances(pool: Pool, fund_id: str | None = None) -> Rows:
    """Return the advances of funds and what came back of each, in fen. Latest first, then by fund and number."""
    return rows(
        pool,
        "select a.fund_id, a.number, a.complaint_id, a.payer, nullif(a.debtor, '') as debtor, a.advanced_at, "
        "a.advanced_fen, a.recovered_fen, a.written_off_fen, "
        "a.advanced_fen - a.recovered_fen - a.written_off_fen as outstanding_fen, "
        "read.fund_text(a.fund_id, 'advance', a.number, 'reason') as reason from read.fund_advances a "
        "where a.fund_id = coalesce(%(fund_id)s, a.fund_id) order by a.advanced_at desc, a.fund_id, a.number",
        fund_id=fund_id,
    )


def supervision_reports(pool: Pool, *, platform_id: str | None = None) -> Rows:
    """Return what platforms reported of their merchants (D7), the newest edition of each period, a row per violation;
    a report of none has one row without. Latest period first, then by platform and place."""
    return rows(
        pool,
        "select r.platform_id, p.title as platform, r.first_day, r.last_day, r.edition, r.reported_at, v.place, "
        "v.merchant_id, m.trade_name, v.violation, c.name as violation_name, nullif(v.measure_id, '') as measure_id, "
        "array(select n.complaint_id from read.platform_report_complaints n where (n.platform_id, n.first_day, "
        "n.last_day, n.place) = (v.platform_id, v.first_day, v.last_day, v.place) order by 1) as complaints "
        "from read.platform_reports r join read.platforms p using (platform_id) "
        "left join read.platform_report_violations v using (platform_id, first_day, last_day) "
        "left join read.merchants m using (merchant_id) "
        "left join read.codes c on c.scheme = 'violation' and c.code = v.violation "
        "where r.platform_id = coalesce(%(platform_id)s, r.platform_id) "
        "order by r.first_day desc, r.platform_id, v.place",
        platform_id=platform_id,
    )


def privacy_audits(pool: Pool, *, platform_id: str | None = None) -> Rows:
    """Return the audits of privacy on platforms (D7), with the texts of their findings. Latest first, then by
    platform and number."""
    return rows(
        pool,
        "select a.platform_id, p.title as platform, a.number, a.first_day, a.last_day, a.recorded_at, a.conforms, "
        "read.platform_text(a.platform_id, 'privacy_audit', a.number, 'auditor') as auditor, "
        "read.platform_text(a.platform_id, 'privacy_audit', a.number, 'scope') as scope, a.digest, "
        "array(select read.platform_text(a.platform_id, 'privacy_audit', a.number, 'finding_' || n) "
        "from generate_series(1, a.findings) n order by n) as findings "
        "from read.platform_privacy_audits a join read.platforms p using (platform_id) "
        "where a.platform_id = coalesce(%(platform_id)s, a.platform_id) "
        "order by a.recorded_at desc, a.platform_id, a.number",
        platform_id=platform_id,
    )


def label_gaps(pool: Pool, *, platform_id: str | None = None, room_id: str | None = None) -> Rows:
    """Return the intervals in which what machines made was shown without its label (E4): from ``from_at`` and before
    ``until_at``, ``microseconds`` long. Latest first, then by room and number.

    ``violation`` is None before the law asked for labels; ``shown_microseconds``: how long the same content was shown
    in that session in all, but for what is shown still. ``operator`` and ``host`` are those at the end of the gap.
    """
    stood = (
        "({0}.room_id, {0}.subject) = (g.room_id, '{1}') and {0}.from_at < g.until_at and {0}.until_at >= g.until_at"
    )
    return rows(
        pool,
        "select g.room_id, r.platform_id, p.title as platform, o.name as operator, h.name as host, g.number, "
        "g.session, g.content_id, "
        "g.kind, g.from_at, g.until_at, g.microseconds, (select sum(s.microseconds)::bigint from read.room_showings s "
        "where (s.room_id, s.session, s.content_id) = (g.room_id, g.session, g.content_id)) as shown_microseconds, "
        "nullif(g.violation, '') as violation from read.room_label_gaps g join read.rooms r using (room_id) "
        "left join read.platforms p using (platform_id) "
        f"left join read.room_subjects o on {stood.format('o', 'operator')} "
        f"left join read.room_subjects h on {stood.format('h', 'host')} "
        "where r.platform_id = coalesce(%(platform_id)s, r.platform_id) "
        "and g.room_id = coalesce(%(room_id)s, g.room_id) order by g.from_at desc, g.room_id, g.number",
        platform_id=platform_id,
        room_id=room_id,
    )


def leaks(pool: Pool) -> Rows:
    """Return the leaks of personal data (B12): source, what, and the complaints that told of it. Latest first, then by
    source."""
    return rows(
        pool,
        "select l.recorded_at, l.source, read.leak_text(l.subject_id, 'leak', l.number, 'what') as what, "
        "array(select c.complaint_id from read.leak_citations c where c.subject_id = l.subject_id "
        "and c.item = 'leak' and c.number = l.number order by 1) as complaints "
        "from read.leaks l order by l.recorded_at desc, l.source, l.subject_id, l.number",
    )


def consents(pool: Pool) -> Rows:
    """Return how many consents were given, withdrawn and stand, by purpose and recipient (B12), in that order."""
    return rows(
        pool,
        "select purpose, recipient, given, withdrawn, given - withdrawn as standing from read.consents order by 1, 2",
    )


def evaluations(pool: Pool, *, evaluated_id: str | None = None) -> Rows:
    """Return the evaluations of a quarter or half-year (D6) and what they led to (D12). Latest period first (of those
    that begin together, the one that ends last), then by the one evaluated, the office, and the edition.

    ``newest``: no later edition of the same office, one and period. ``as_of``: the position as of which the figures
    were computed; None where somebody gave them. A figure that is not known is None. A row per finding; an evaluation
    without has one: ``finding`` its number, ``text``, ``actions`` in order with time and text, ``measured_by`` the
    number of the later evaluation and ``success_after`` its figure, which the finding is closed by.
    """

    def then(pool: Pool, found: list[Row]) -> list[Row]:
        # JSON has times as text.
        def timed(action: Row) -> Row:
            return {**action, "taken_at": datetime.fromisoformat(action["taken_at"])}

        return [{**one, "actions": [timed(action) for action in one["actions"]]} for one in found]

    found = rows(
        pool,
        "select e.office_id, o.title as office, e.number, e.edition, e.edition = max(e.edition) over "
        "(partition by e.office_id, e.evaluated_id, e.first_day, e.last_day) as newest, e.evaluated_id, e.first_day, "
        "e.last_day, e.recorded_at, nullif(e.as_of, 0) as as_of, e.cases, "
        + "".join(f"nullif(e.{name}, -1) as {name}, " for name in _MAY_BE_UNKNOWN)
        + "f.number as finding, read.office_text(f.office_id, 'finding', f.number, 'text') as text, "
        "(select coalesce(json_agg(json_build_object('taken_at', a.taken_at, 'text', "
        "read.office_text(a.office_id, 'action', a.number, 'text')) order by a.number), '[]') "
        "from read.office_actions a where a.office_id = f.office_id and a.finding = f.number) as actions, "
        f"{time_of('f.measured_at')}, nullif(f.measured_by, 0) as measured_by, "
        "nullif(b.success_permille, -1) as success_after "
        "from read.office_evaluations e join read.offices o using (office_id) "
        "left join read.office_findings f on f.office_id = e.office_id and f.evaluation = e.number "
        "left join read.office_evaluations b on b.office_id = f.office_id and b.number = f.measured_by "
        "where e.evaluated_id = coalesce(%(evaluated_id)s, e.evaluated_id) "
        "order by e.first_day desc, e.last_day desc, e.evaluated_id, e.office_id, e.edition, f.number",
        evaluated_id=evaluated_id,
    )
    return replace(found, then=then)


def circle_members(pool: Pool, *, circle: str | None = None, at: datetime | None = None) -> Rows:
    """Return the memberships of quality circles with their dates (B8), or those that held ``at`` a time.

    ``ending``: left, expelled, or None while it lasts. By circle, then first joined first, then by merchant.
    """
    return rows(
        pool,
        f"select s.circle, s.merchant_id, m.trade_name, s.begun_at, {time_of('s.ended_at')}, "
        "nullif(s.ending, '') as ending, "
        "read.merchant_text(s.merchant_id, 'membership', s.number, 'standard') as standard, "
        "read.merchant_text(s.merchant_id, 'membership', s.number, 'reason') as reason "
        "from read.merchant_memberships s join read.merchants m using (merchant_id) where s.kind = 'circle' "
        "and s.circle = coalesce(%(circle)s, s.circle) and (%(at)s::timestamptz is null "
        "or s.begun_at <= %(at)s and s.ended_at > %(at)s) order by s.circle, s.begun_at, s.merchant_id, s.number",
        circle=circle,
        at=at,
    )


def corrective_actions(pool: Pool, *, merchant_id: str | None = None) -> Rows:
    """Return what merchants changed because of complaints (B16), with results in order and the complaints. Latest
    effect first, then by merchant and number."""
    return rows(
        pool,
        "select a.merchant_id, m.trade_name, a.number, nullif(a.stage, '') as stage, a.taken_at, a.effective_at, "
        "read.merchant_text(a.merchant_id, 'correction', a.number, 'title') as title, "
        "read.merchant_text(a.merchant_id, 'correction', a.number, 'description') as description, "
        "array(select read.merchant_text(a.merchant_id, 'correction', a.number, 'result_' || n) "
        f"from generate_series(1, a.results) n order by n) as results, {time_of('a.result_at')}, "
        f"{cited('merchant', 'correction', 'a.merchant_id', 'a.number')} "
        "from read.merchant_corrections a join read.merchants m using (merchant_id) "
        "where a.merchant_id = coalesce(%(merchant_id)s, a.merchant_id) "
        "order by a.effective_at desc, a.merchant_id, a.number",
        merchant_id=merchant_id,
    )


def volumes(pool: Pool, *, merchant_id: str | None = None) -> Rows:
    """Return transactions and active users that merchants reported (B9), the newest edition of each stage and period.
    By merchant, first day and stage."""
    return rows(
        pool,
        "select v.merchant_id, m.trade_name, v.stage, v.first_day, v.last_day, v.edition, v.reported_at, "
        "v.transactions, v.active_users from read.merchant_volumes v join read.merchants m using (merchant_id) "
        "where v.merchant_id = coalesce(%(merchant_id)s, v.merchant_id) "
        "order by v.merchant_id, v.first_day, v.stage",
        merchant_id=merchant_id,
    )


def policies_adopted(pool: Pool, at: datetime, *, merchant_id: str | None = None) -> Rows:
    """Return the policies that merchants have adopted at a time (C6), in the edition that they adopted. By policy, then
    first adopted first, then by merchant."""
    return rows(
        pool,
        "select p.policy_id, p.edition, p.kind, read.merchant_text(p.merchant_id, 'policy', p.number, 'title_zh') "
        "as title_zh, read.merchant_text(p.merchant_id, 'policy', p.number, 'title_en') as title_en, "
        "p.merchant_id, m.trade_name, p.adopted_at from read.merchant_policies p "
        "join read.merchants m using (merchant_id) where p.adopted_at <= %(at)s and p.ended_at > %(at)s "
        "and p.merchant_id = coalesce(%(merchant_id)s, p.merchant_id) "
        "order by p.policy_id, p.adopted_at, p.merchant_id, p.number",
        at=at,
        merchant_id=merchant_id,
    )


def office_tree(pool: Pool) -> Rows:
    """Return the offices from the top down: each behind its superior, ``depth`` from 0, ``path`` of titles; offices of
    the same superior by division, then by id. One whose superior is not known stands at depth 0."""
    return rows(
        pool,
        "with recursive tree as (select o.*, 0 as depth, array[o.title] as path, "
        "array[o.division, o.office_id] as place from read.offices o "
        "where not exists (select from read.offices s where s.office_id = o.superior) "
        "union all select o.*, t.depth + 1, t.path || o.title, t.place || array[o.division, o.office_id] "
        "from read.offices o join tree t on t.office_id = o.superior) "
        "select office_id, title, level, division, superior, established_at, depth, path from tree order by place",
    )


def transfers(pool: Pool, first: date, last: date, *, office_id: str | None = None) -> Rows:
    """Return how many requests went from office to office from the ``first`` to the ``last`` day in Shanghai.

    Per office and other office (``with_office``): ``transferred_out`` to that one and ``transferred_in`` from it. By
    office, then most moved first, then by the other one.
    """
    return rows(
        pool,
        "with moved as (select from_office, to_office, sum(complaints)::bigint as complaints from read.transfers "
        "where day between %(first)s and %(last)s group by 1, 2), sides as ("
        "select from_office as office_id, to_office as with_office, complaints as transferred_out, 0 as transferred_in "
        "from moved union all select to_office, from_office, 0, complaints from moved) "
        "select s.office_id, o.title as office, s.with_office, w.title as with_title, "
        "sum(s.transferred_out)::bigint as transferred_out, sum(s.transferred_in)::bigint as transferred_in "
        "from sides s left join read.offices o using (office_id) "
        "left join read.offices w on w.office_id = s.with_office "
        "where s.office_id = coalesce(%(office_id)s, s.office_id) group by 1, 2, 3, 4 "
        "order by s.office_id, sum(s.transferred_out + s.transferred_in) desc, s.with_office",
        first=first,
        last=last,
        office_id=office_id,
    )


def mediators(pool: Pool, at: datetime, *, office_id: str | None = None) -> Rows:
    """Return the mediators enrolled at a time (D9): capacity, the requests open with each now, products (none: any),
    and whom each must not judge, which is declared to his office and stands after a release. By office, kind and id."""
    return rows(
        pool,
        "select e.office_id, o.title as office, e.mediator_id, e.kind, e.capacity, "
        f"(select count(*) from read.complaint_details d where d.mediator_id = e.mediator_id and {IS_OPEN}) as open, "
        "e.enrolled_at, "
        "array(select c.class from read.office_mediator_classes c where c.office_id = e.office_id "
        "and c.mediator = e.number order by 1) as classes, "
        "array(select c.party_id from read.office_conflicts c where c.office_id = e.office_id "
        "and c.mediator_id = e.mediator_id and c.declared_at <= %(at)s order by 1) as conflicts "
        "from read.office_mediators e join read.offices o using (office_id) "
        "where e.enrolled_at <= %(at)s and e.released_at > %(at)s "
        "and e.office_id = coalesce(%(office_id)s, e.office_id) order by e.office_id, e.kind, e.mediator_id, e.number",
        at=at,
        office_id=office_id,
    )


def merchant_groups(pool: Pool) -> Rows:
    """Return the merchants that were merged or are linked (E5): who goes on in the place of each, and the least id of
    those linked with that one, which names the group. By group, then by id."""
    return rows(
        pool,
        "select g.group_id, g.merchant_id, m.trade_name, g.going_on_id from read.merchant_groups() g "
        "join read.merchants m using (merchant_id) where (g.merchant_id, g.merchant_id) <> (g.going_on_id, g.group_id) "
        "or g.merchant_id in (select h.group_id from read.merchant_groups() h where h.merchant_id <> h.group_id) "
        'order by g.group_id collate "C", g.merchant_id collate "C"',
    )


def scenarios(pool: Pool, on: date) -> Rows:
    """Return the frequent kinds of dispute (B10), each with its class, tactic, and the laws in force on a day in their
    order (law, English name, article). By id."""
    return rows(
        pool,
        "select s.scenario_id, s.edition, s.problem_class, c.name as problem_class_name, "
        "read.rulebook_text(s.rulebook_id, 'scenario', s.number, 'title_zh') as title_zh, "
        "read.rulebook_text(s.rulebook_id, 'scenario', s.number, 'title_en') as title_en, "
        "read.rulebook_text(s.rulebook_id, 'scenario', s.number, 'tactic') as tactic, "
        "(select coalesce(json_agg(json_build_array("
        "read.rulebook_text(s.rulebook_id, 'scenario', s.number, 'law_' || l.place), "
        "read.rulebook_text(s.rulebook_id, 'scenario', s.number, 'law_en_' || l.place), "
        "read.rulebook_text(s.rulebook_id, 'scenario', s.number, 'article_' || l.place)) order by l.place), '[]') "
        "from read.scenario_laws l where l.scenario_id = s.scenario_id "
        "and l.in_force_from <= %(day)s and l.in_force_to >= %(day)s) as laws "
        "from read.scenarios s left join read.codes c on c.scheme = 'problem-class' and c.code = s.problem_class "
        "order by s.scenario_id",
        day=on,
    )


def parameters(pool: Pool, name: str, at: datetime) -> Rows:
    """Return the numbers of a method as published at a time: the edition, each parameter, its value and what that
    counts. By parameter."""
    return rows(
        pool,
        "select name, edition, parameter, value, scale, published_at from read.parameters "
        "where name = %(name)s and published_at <= %(at)s and replaced_at > %(at)s order by parameter",
        name=name,
        at=at,
    )
