-- What happened to each request and when, in a row each: what read.flows is the sum of, and what was filed. The body is
-- text, so that the table beneath can be replaced by a new generation.
drop function if exists read.flow_events();
create function read.flow_events() returns table (
  complaint_id text, version bigint, "position" bigint, day date, kind text, merchant text, region_scheme text,
  region text, channel text, register text, office text, measure text, adds bigint
) language sql stable as $$
  select s.complaint_id, s.version, s.position, f.day, s.kind, s.merchant, s.region_scheme, s.region, s.channel,
         s.register, s.office, f.measure, f.adds
  from read.complaint_measures() s
  join read.complaint_details d using (complaint_id)
  cross join lateral (
    select v.measure, v.adds, (v.at at time zone 'Asia/Shanghai')::date as day
    from (values
      ('filed', s.filed::bigint, d.filed_at),
      ('received', s.received, d.received_at),
      ('checked', s.checked, d.checked_at),
      ('checked_on_time', s.checked_on_time, d.checked_at),
      ('accepted', s.accepted, d.accepted_at),
      ('answered', s.answered, d.answered_at),
      ('answered_on_time', s.answered_on_time, d.answered_at),
      ('ended', s.ended, case when d.resolved then d.resolved_at else d.closed_at end),
      ('resolved', s.resolved, d.resolved_at),
      ('withdrawn', s.withdrawn, d.withdrawn_at),
      ('mediated', s.mediated, d.mediated_at),
      ('mediation_succeeded', s.mediation_succeeded, d.mediated_at),
      ('concluded', s.concluded, d.concluded_at),
      ('concluded_on_time', s.concluded_on_time, d.concluded_at),
      ('verified', s.verified, d.verified_at),
      ('verified_on_time', s.verified_on_time, d.verified_at),
      ('cases_filed', s.cases_filed, d.verified_at),
      ('fines', s.fines, d.penalty_at),
      ('fine_fen', s.fine_fen, d.penalty_at)
    ) as v (measure, adds, at)
    where v.adds <> 0 and v.at is not null
    union all
    select 'recovered_fen', split_part(p.paid, '=', 2)::bigint, split_part(p.paid, '=', 1)::date
    from unnest(string_to_array(d.payments, ' ')) as p (paid)
    where s.recovered_fen <> 0
    union all
    select 'punitive_fen', split_part(p.paid, '=', 2)::bigint, split_part(p.paid, '=', 1)::date
    from unnest(string_to_array(d.damages, ' ')) as p (paid)
    where s.punitive_fen <> 0
    union all
    select 'punitive_cases', 1, min(split_part(p.paid, '=', 1)::date)
    from unnest(string_to_array(d.damages, ' ')) as p (paid)
    where s.punitive_cases <> 0
    having count(*) > 0
  ) f
$$;
comment on function read.flow_events() is
  'What happened to each request that was not merged: a row for each measure of read.flows, and for filed, with its day and what it adds.';
revoke all on function read.flow_events() from public;
grant execute on function read.flow_events() to ledger_api, ledger_watcher, ledger_analyst;
