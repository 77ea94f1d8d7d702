-- What each request counts for: the same measures as the sums in read.resolution_statistics, for any grouping and filter.
-- The body is text, so that the table beneath can be replaced by a new generation; the planner reads through it.
drop function if exists read.complaint_measures();
create function read.complaint_measures() returns table (
  complaint_id text, version bigint, "position" bigint, filed_at timestamptz, day date, kind text, merchant text,
  product_scheme text, product text, issue text, region_scheme text, region text, channel text, register text,
  scenario text, stage text, violation text, office text, status text, requests integer, filed integer,
  valid integer, withdrawn integer, refused integer, referred integer, routed integer, answer_ended integer,
  answered integer, answered_on_time integer, resolved integer, resolved_on_time integer, confirmed integer,
  disputed integer, reopened integer, self_settled integer, received integer, checked integer,
  checked_on_time integer, accepted integer, mediated integer, mediation_succeeded integer, ended integer,
  ended_without_person integer, concluded integer, concluded_on_time integer, person_requested integer,
  person_reached integer, suggested integer, suggestion_taken integer, called_back integer, rated integer,
  satisfaction_points integer, dispute_fen bigint, recovered_fen bigint, punitive_cases integer, punitive_fen bigint,
  reports integer, verified integer, verified_on_time integer, cases_filed integer, fines integer, fine_fen bigint,
  valid_here integer, routed_here integer, ended_here integer, merchant_id text
) language sql stable as $$
  select
    d.complaint_id, d.version, d.position, d.filed_at, (d.filed_at at time zone 'Asia/Shanghai')::date, d.kind,
    coalesce(d.merchant_id, ''), d.scheme, d.product, coalesce(d.issue, ''), coalesce(d.region_scheme, ''),
    coalesce(d.region, ''), d.channel, coalesce(d.register_name, ''), coalesce(d.scenario, ''),
    coalesce(d.stage, ''), coalesce(d.violation, ''), coalesce(d.office_id, ''), d.status, 1, v.complaint::int,
    v.valid::int, (v.complaint and d.status = 'withdrawn')::int, (v.complaint and d.status = 'refused')::int,
    (v.complaint and d.status = 'referred')::int, (v.valid and d.routed_at is not null)::int,
    (v.answered or v.valid and d.answer_missed)::int, v.answered::int,
    (v.answered and d.answered_on_time is true)::int, v.resolved::int, (v.resolved and not d.resolution_missed)::int,
    (v.resolved and d.reopened_soon = 0)::int, (v.valid and d.disputed)::int, (v.valid and d.reopened > 0)::int,
    (v.here and v.resolved and d.received_at is null and coalesce(d.way, 'negotiation') = 'negotiation')::int,
    (d.received_at is not null)::int, (v.complaint and d.checked_at is not null)::int,
    (v.complaint and d.checked_at is not null and d.checked_on_time is true)::int,
    (v.complaint and d.accepted_at is not null)::int, (v.valid and d.mediated is not null)::int,
    (v.valid and d.mediated is true)::int, v.ended::int, (v.here and v.ended and not d.human)::int,
    v.concluded::int, (v.concluded and not d.mediation_missed)::int,
    (d.person_requests > 0)::int, (d.person_requests > 0 and d.persons_reached > 0)::int, (d.suggestions > 0)::int,
    (d.suggestions_taken > 0)::int, d.called_back::int, (d.satisfaction is not null)::int,
    coalesce(d.satisfaction, 0), case when v.valid then d.dispute_fen else 0 end,
    case when v.valid then d.recovered_fen else 0 end, (v.valid and d.punitive_fen > 0)::int,
    case when v.valid then d.punitive_fen else 0 end, (d.kind = 'report')::int, (d.verified_at is not null)::int,
    (d.verified_at is not null and d.verified_on_time is true)::int, d.case_filed::int, (d.fined and d.counts)::int,
    case when d.fined and d.counts then d.fine_fen else 0 end,
    v.here::int, (v.here and d.routed_at is not null)::int, (v.here and v.ended)::int,
    -- As it stands in the table, whose index a condition on it can use.
    d.merchant_id
  from read.complaint_details d
  cross join lateral (
    select d.kind = 'complaint' as complaint,
           d.kind = 'complaint' and (d.resolved or d.counts and d.ground is distinct from 'unfounded')
             and d.status not in ('withdrawn', 'refused', 'referred', 'merged') as valid
  ) c
  cross join lateral (
    select c.complaint, c.valid, c.valid and d.answered_at is not null as answered, c.valid and d.resolved as resolved,
           c.valid and d.status in ('resolved', 'closed') as ended, c.valid and d.register_name is null as here,
           d.concluded_at is not null and d.received_at is not null as concluded
  ) v
  where d.status <> 'merged'
$$;
comment on function read.complaint_measures() is
  'One row per request that was not merged, with its dimensions and what it counts for; sum the columns you need. Terms are defined in docs/definitions.md.';
revoke all on function read.complaint_measures() from public;
grant execute on function read.complaint_measures() to ledger_api, ledger_watcher, ledger_analyst;
