-- The complaint-handling score: docs/definitions.md. The bodies are strings, so that a new generation of a table can take
-- the place of the one in use. Weights, rates and bounds are rounded half-up to 12 decimals, from at least 30.

create or replace function read.credit_units(p_day date, p_half_life integer) returns numeric
language sql immutable parallel safe as $$
  select case
    when q >= 0 then within * power(2::numeric, q)
    else div(within + power(2::numeric, -q - 1), power(2::numeric, -q))
  end
  from (
    select floor(days::numeric / p_half_life) as q,
           round(power(2::numeric, 40 + (days - p_half_life * floor(days::numeric / p_half_life))::numeric(60, 40)
                                        / p_half_life)) as within
    from (select p_day - date '2000-01-01' as days) d
  ) s
$$;
comment on function read.credit_units is
  'What a complaint resolved on a day weighs, in units: 2^(40 + days since 2000-01-01 / half-life), rounded within a half-life. Divided by the units of a later day it is its weight on that day.';

create or replace function read.credit_parameters(p_as_of date)
returns table (
  edition integer, half_life integer, weight_response numeric, weight_resolution numeric, weight_confirmed numeric,
  weight_volume numeric, prior_strength numeric, prior_least numeric, z numeric, grade_a numeric, grade_b numeric,
  grade_c numeric, least_complaints numeric, consumer_cap numeric, violation_points numeric, volume_days integer,
  volume_zero numeric, naming_least numeric
)
language sql stable rows 1 as $$
  select
    coalesce(max(edition), 0),
    coalesce(max(value) filter (where parameter = 'half_life'), 180)::integer,
    coalesce(max(value) filter (where parameter = 'weight_response'), 350) / 1000::numeric,
    coalesce(max(value) filter (where parameter = 'weight_resolution'), 350) / 1000::numeric,
    coalesce(max(value) filter (where parameter = 'weight_confirmed'), 200) / 1000::numeric,
    coalesce(max(value) filter (where parameter = 'weight_volume'), 100) / 1000::numeric,
    coalesce(max(value) filter (where parameter = 'prior_strength'), 2)::numeric,
    coalesce(max(value) filter (where parameter = 'prior_least_complaints'), 30)::numeric,
    coalesce(max(value) filter (where parameter = 'z'), 1645) / 1000::numeric,
    coalesce(max(value) filter (where parameter = 'grade_a'), 85)::numeric,
    coalesce(max(value) filter (where parameter = 'grade_b'), 70)::numeric,
    coalesce(max(value) filter (where parameter = 'grade_c'), 50)::numeric,
    coalesce(max(value) filter (where parameter = 'least_complaints'), 5)::numeric,
    coalesce(max(value) filter (where parameter = 'consumer_cap'), 3)::numeric,
    coalesce(max(value) filter (where parameter = 'violation_points'), 10)::numeric,
    coalesce(max(value) filter (where parameter = 'volume_days'), 365)::integer,
    coalesce(max(value) filter (where parameter = 'volume_zero'), 2000) / 1000::numeric,
    coalesce(max(value) filter (where parameter = 'naming_least'), 30)::numeric
  from read.parameters
  where name = 'credit_score' and edition = (
    select coalesce(
      max(edition) filter (where published_at < (p_as_of + 1)::timestamp at time zone 'Asia/Shanghai'), min(edition)
    ) from read.parameters where name = 'credit_score'
  )
$$;
comment on function read.credit_parameters is
  'The parameters of the complaint-handling score in force at the end of a day: those published last by then; before the first edition, that one.';

create or replace function read.credit_bounds(p_k numeric, p_n numeric, p_mean numeric, p_strength numeric, p_z numeric)
returns table (smoothed numeric, lower numeric, upper numeric)
language sql immutable parallel safe rows 1 as $$
  -- "offset 0" has each value computed once.
  select round(p, 12), round((middle - spread) / whole, 12), round((middle + spread) / whole, 12)
  from (select (round(p_k, 40) + p_strength * p_mean) / (p_n + p_strength) as p, round(p_n + p_strength, 40) as n offset 0) s
  cross join lateral (
    select p + p_z * p_z / (2 * n) as middle,
           p_z * sqrt(p * (1 - p) / n + p_z * p_z / (4 * n * n)) as spread,
           1 + p_z * p_z / n as whole
    offset 0
  ) w
$$;
comment on function read.credit_bounds is
  'k of n, smoothed by a prior mean of a strength: the mean, and the one-sided Wilson bounds for z on the smoothed counts.';

-- It took all that is known once, whatever the day.
drop function if exists read.credit_violations();
create or replace function read.credit_violations(p_as_of date)
returns table (merchant_id text, found_on date, kind text, stream text, number integer, violation text)
language sql stable as $$
  select d.penalty_on, (coalesce(d.closed_at, d.filed_at) at time zone 'Asia/Shanghai')::date, 'penalty',
         d.complaint_id, 1, coalesce(d.violation, '')
  from read.complaint_details d
  where d.penalty_on is not null and d.counts and d.status <> 'merged'
    and coalesce(d.closed_at, d.filed_at) < (p_as_of + 1)::timestamp at time zone 'Asia/Shanghai'
  union all
  select s.target_id, (s.imposed_at at time zone 'Asia/Shanghai')::date, 'measure', s.measure_id, 1, s.violation
  from read.measures s
  where s.counts and s.violation is not null and s.report_id is null and s.target_id like 'merchant-%'
    and s.imposed_at < (p_as_of + 1)::timestamp at time zone 'Asia/Shanghai'
  union all
  select s.name, max((l.until_at at time zone 'Asia/Shanghai')::date), 'label_gap', l.room_id, l.session,
         min(l.violation)
  from read.room_label_gaps l
  join read.room_subjects s on s.room_id = l.room_id and s.from_at < l.until_at and s.until_at >= l.until_at
  where l.violation <> '' and s.subject = 'operator' and s.name like 'merchant-%'
    and l.until_at < (p_as_of + 1)::timestamp at time zone 'Asia/Shanghai'
  group by s.name, l.room_id, l.session
$$;
comment on function read.credit_violations is
  'Verified violations of merchants that stand, of those found by the end of a day: penalties that reports led to, other measures and penalties with a violation code, sessions in which labels of machine-made content lacked.';

create or replace function read.credit_volumes(p_as_of date)
returns table (merchant_id text, first_day date, last_day date, complaints numeric, transactions bigint)
language sql stable as $$
  select r.merchant_id, r.first_day, r.last_day, s.valid, r.transactions
  from (
    select v.merchant_id, v.first_day, v.last_day, max(v.transactions) as transactions
    from read.merchant_volumes v
    where v.last_day <= p_as_of and v.last_day > p_as_of - (select volume_days from read.credit_parameters(p_as_of))
    group by 1, 2, 3
  ) r
  cross join lateral (
    select coalesce(sum(t.valid), 0) as valid from read.resolution_statistics t
    where t.dimension = 'merchant' and t.scheme = '' and t.key = r.merchant_id
      and t.grain = case when extract(day from r.first_day) = 1 and extract(day from r.last_day + 1) = 1
                         then 'month' else 'day' end
      and t.first_day between r.first_day and r.last_day
    offset 0
  ) s
$$;
comment on function read.credit_volumes is
  'The periods for which a merchant reported transactions that ended lately, as the parameters of the score say, with the valid complaints filed in them; of several product stages the one with most transactions.';

-- Its arguments were fewer once.
drop function if exists read.credit_complaints(date, text[]);
create or replace function read.credit_complaints(p_as_of date, p_ids text[], p_then jsonb default null)
returns table (
  complaint_id text, version bigint, "position" bigint, group_id text, merchant_id text, consumer_id text,
  order_reference text, filed_on date, resolved_on date, ended boolean, on_time boolean, settled boolean,
  confirmed boolean, of_order bigint, full_units numeric, shared_units numeric, units numeric, count_units numeric,
  summed_units numeric
)
language sql stable as $$
  with
  p as materialized (
    select half_life, consumer_cap as cap, read.credit_units(p_as_of, half_life) as one
    from read.credit_parameters(p_as_of)
  ),
  stood as materialized (
    select t.*
    from jsonb_to_recordset(p_then) as t (
      complaint_id text, version bigint, "position" bigint, merchant_id text, consumer_id text, order_reference text,
      filed_at timestamptz, resolved boolean, resolved_at timestamptz, answered_at timestamptz, answer_missed boolean,
      answered_on_time boolean, resolution_missed boolean, reopened_soon integer, kind text, status text,
      counts boolean, ground text
    )
    join (select distinct unnest(p_ids) as complaint_id) i on i.complaint_id = t.complaint_id
  ),
  details (
    complaint_id, version, "position", merchant_id, consumer_id, order_reference, filed_at, resolved, resolved_at,
    answered_at, answer_missed, answered_on_time, resolution_missed, reopened_soon, kind, status, counts, ground
  ) as (
    select d.complaint_id, d.version, d.position, d.merchant_id, d.consumer_id, d.order_reference, d.filed_at,
           d.resolved, d.resolved_at, d.answered_at, d.answer_missed, d.answered_on_time, d.resolution_missed,
           d.reopened_soon, d.kind, d.status, d.counts, d.ground
    from read.complaint_details d
    where d.complaint_id = any (p_ids) and (p_then is null or d.complaint_id not in (select complaint_id from stood))
    union all
    select * from stood
  ),
  own as materialized (
    select d.complaint_id, d.version, d.position, coalesce(g.group_id, d.merchant_id) as group_id, d.merchant_id,
           d.consumer_id, d.order_reference, (d.filed_at at time zone 'Asia/Shanghai')::date as filed_on,
           case when d.resolved then (d.resolved_at at time zone 'Asia/Shanghai')::date end as resolved_on,
           d.answered_at is not null or d.answer_missed as ended,
           d.answered_at is not null and d.answered_on_time is true as on_time,
           d.resolved and d.resolved_at is not null and not d.resolution_missed as settled,
           d.resolved and d.resolved_at is not null and d.reopened_soon = 0 as confirmed
    from details d left join read.merchant_groups() g on g.merchant_id = d.merchant_id
    where d.merchant_id is not null and d.kind = 'complaint'
      and d.status not in ('withdrawn', 'refused', 'referred', 'merged')
      and (d.resolved or d.counts and d.ground is distinct from 'unfounded')
  ),
  -- The units of a day are costly: once for each day.
  days as materialized (
    select day, read.credit_units(least(day, p_as_of), p.half_life) as units, read.credit_units(day, 180) as summed
    from (select distinct resolved_on as day from own where resolved_on is not null) r cross join p
  ),
  weighed as (
    select o.*, case when o.filed_on > p_as_of then 0 else coalesce(d.units, p.one) end as full_units,
           coalesce(d.summed, p.one) as summed_units, o.filed_on <= p_as_of as counts, p.cap, p.one,
           greatest(1, count(*) filter (where o.filed_on <= p_as_of) over (
             partition by o.group_id, coalesce(o.order_reference, o.complaint_id), o.order_reference is null
           )) as of_order
    from own o cross join p left join days d on d.day = o.resolved_on
  ),
  shared as (
    select w.*, div(2 * w.full_units + w.of_order, 2 * w.of_order) as shared_units,
           case when w.counts then div(2 * 1099511627776::numeric + w.of_order, 2 * w.of_order) else 0 end as a_count
    from weighed w
  ),
  consumers as (
    select s.*, sum(s.shared_units) over c as of_consumer, sum(s.a_count) over c as count_of_consumer
    from shared s window c as (partition by s.group_id, s.consumer_id)
  )
  select c.complaint_id, c.version, c.position, c.group_id, c.merchant_id, c.consumer_id, c.order_reference, c.filed_on,
         c.resolved_on, c.ended, c.on_time, c.settled, c.confirmed, c.of_order, c.full_units, c.shared_units,
         case when c.of_consumer <= c.cap * c.one then c.shared_units
              else div(2 * c.shared_units * c.cap * c.one + c.of_consumer, 2 * c.of_consumer) end,
         case when c.count_of_consumer <= c.cap * 1099511627776 then c.a_count
              else div(2 * c.a_count * c.cap * 1099511627776 + c.count_of_consumer, 2 * c.count_of_consumer) end,
         c.summed_units
  from consumers c
$$;
comment on function read.credit_complaints is
  'What each of these complaints weighs in the score of a day, in units of read.credit_units: by its age, its share of the order, its share of what a consumer may weigh. Right only when all complaints of the same order, and of a consumer above the cap, are among them. count_units: what it counts for in n, of 2^40. p_then: rows of read.complaint_details in place of those that there are.';

create or replace function read.credit_scored(p_as_of date, p_members text[], p_means jsonb, p_then jsonb)
returns table (
  group_id text, industry_scheme text, industry text, members bigint, edition integer, n numeric, weight numeric,
  response_k numeric, response_n numeric, response_prior numeric, response_prior_of bigint, response numeric,
  response_lower numeric, response_upper numeric,
  resolution_k numeric, resolution_n numeric, resolution_prior numeric, resolution_prior_of bigint, resolution numeric,
  resolution_lower numeric, resolution_upper numeric,
  confirmed_k numeric, confirmed_n numeric, confirmed_prior numeric, confirmed_prior_of bigint, confirmed numeric,
  confirmed_lower numeric, confirmed_upper numeric,
  volume_complaints bigint, transactions bigint, per_10000 numeric, volume_mean numeric, volume_mean_of bigint,
  volume numeric, violations bigint, deducted numeric, paid_then_withdrawn bigint, score numeric, lower_score numeric,
  grade_now text
)
language sql stable as $$
  with
  p as materialized (
    select q.*, read.credit_units(p_as_of, q.half_life) as one,
           (p_as_of + 1)::timestamp at time zone 'Asia/Shanghai' as until
    from read.credit_parameters(p_as_of) q
  ),
  groups as materialized (select * from read.merchant_groups()),
  several as materialized (
    select g.merchant_id, g.group_id from groups g
    where g.group_id in (select h.group_id from groups h group by 1 having count(*) > 1)
  ),
  stood as materialized (
    select t.*
    from jsonb_to_recordset(p_then) as t (complaint_id text, consumer_id text, order_reference text)
  ),
  -- What the sums do not tell rightly: what came later, and orders and consumers with several complaints. "offset 0" has
  -- the rows looked up by key, whatever number of them is expected.
  apart as materialized (
    select array_agg(distinct a.complaint_id) as ids from (
      select d.complaint_id from read.complaint_details d where d.filed_at >= (select until from p)
      union all
      select d.complaint_id from read.complaint_details d where d.resolved and d.resolved_at >= (select until from p)
      union all
      select d.complaint_id
      from (
        select o.merchant_id, o.order_reference from read.credit_orders o where o.complaints > 1
        union
        select s.merchant_id, s.order_reference
        from (
          select s.merchant_id, o.order_reference,
                 sum(o.complaints) over (partition by s.group_id, o.order_reference) as complaints
          from several s cross join lateral (
            select o.order_reference, o.complaints from read.credit_orders o
            where o.merchant_id = s.merchant_id offset 0
          ) o
        ) s
        where s.complaints > 1
      ) o
      cross join lateral (
        select d.complaint_id from read.complaint_details d
        where d.order_reference = o.order_reference and d.merchant_id = o.merchant_id offset 0
      ) d
      union all
      select d.complaint_id
      from (
        select c.merchant_id, c.consumer_id from read.credit_consumers c
        where c.complaints > 1 and c.complaints > (select consumer_cap from p)
        union
        select s.merchant_id, s.consumer_id
        from (
          select s.merchant_id, c.consumer_id,
                 sum(c.complaints) over (partition by s.group_id, c.consumer_id) as complaints
          from several s cross join lateral (
            select c.consumer_id, c.complaints from read.credit_consumers c
            where c.merchant_id = s.merchant_id offset 0
          ) c
        ) s
        where s.complaints > (select consumer_cap from p)
      ) c
      cross join lateral (
        select d.complaint_id from read.complaint_details d
        where d.consumer_id = c.consumer_id and d.merchant_id = c.merchant_id offset 0
      ) d
      union all
      select d.complaint_id from read.complaint_details d where (select half_life from p) <> 180
      union all
      select t.complaint_id from stood t
      union all
      select d.complaint_id from read.complaint_details d
      where d.order_reference in (select t.order_reference from stood t)
         or d.consumer_id in (select t.consumer_id from stood t)
    ) a
    where p_members is null
  ),
  own as materialized (
    select c.* from read.credit_complaints(p_as_of, array(
      select d.complaint_id from read.complaint_details d where d.merchant_id = any (p_members)
      union
      select t.complaint_id from stood t where p_members is not null
    ), p_then) c where c.merchant_id = any (p_members)
  ),
  -- All that a group is made of, added up at once.
  parts (
    group_id, members, counted, units, ended, on_time, resolved, settled, confirmed, paid_then_withdrawn, complaints,
    transactions, violations, deducted
  ) as (
    select coalesce(g.group_id, s.merchant_id), 1, s.complaints * 1099511627776, s.units + s.unresolved * p.one,
           s.units_ended + s.unresolved_ended * p.one, s.units_on_time + s.unresolved_on_time * p.one, s.units,
           s.units_settled, s.units_confirmed, s.paid_then_withdrawn, 0, 0, 0, 0
    from read.credit_sums s left join groups g using (merchant_id) cross join p where p_members is null
    union all
    select coalesce(g.group_id, s.merchant_id), 1, 0, 0, 0, 0, 0, 0, 0, s.paid_then_withdrawn, 0, 0, 0, 0
    from read.credit_sums s left join groups g using (merchant_id) where s.merchant_id = any (p_members)
    union all
    select c.group_id, 0, c.count_units, c.units, case when c.ended then c.units else 0 end,
           case when c.on_time then c.units else 0 end, case when c.resolved_on is not null then c.units else 0 end,
           case when c.settled then c.units else 0 end, case when c.confirmed then c.units else 0 end, 0, 0, 0, 0, 0
    from own c
    union all
    select c.group_id, 0, c.count_units - 1099511627776, c.units - c.summed_units,
           case when c.ended then c.units - c.summed_units else 0 end,
           case when c.on_time then c.units - c.summed_units else 0 end,
           case when c.resolved_on is not null then c.units - c.summed_units else 0 end,
           case when c.settled then c.units - c.summed_units else 0 end,
           case when c.confirmed then c.units - c.summed_units else 0 end, 0, 0, 0, 0, 0
    from apart cross join lateral read.credit_complaints(p_as_of, apart.ids) c where p_then is null
    union all
    -- Where some stood otherwise, what they count for now is taken off by itself.
    select c.group_id, 0, -1099511627776, -c.summed_units, case when c.ended then -c.summed_units else 0 end,
           case when c.on_time then -c.summed_units else 0 end,
           case when c.resolved_on is not null then -c.summed_units else 0 end,
           case when c.settled then -c.summed_units else 0 end, case when c.confirmed then -c.summed_units else 0 end,
           0, 0, 0, 0, 0
    from apart cross join lateral read.credit_complaints(p_as_of, apart.ids) c where p_then is not null
    union all
    select c.group_id, 0, c.count_units, c.units, case when c.ended then c.units else 0 end,
           case when c.on_time then c.units else 0 end, case when c.resolved_on is not null then c.units else 0 end,
           case when c.settled then c.units else 0 end, case when c.confirmed then c.units else 0 end, 0, 0, 0, 0, 0
    from apart cross join lateral read.credit_complaints(p_as_of, apart.ids, p_then) c where p_then is not null
    union all
    select coalesce(g.group_id, d.merchant_id), 0, 0, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0
    from read.complaint_details d left join groups g using (merchant_id)
    where p_then is not null and d.kind = 'complaint' and d.status = 'withdrawn' and d.paid_when_withdrawn
      and d.withdrawn_at >= (select until from p) and (p_members is null or d.merchant_id = any (p_members))
    union all
    select coalesce(g.group_id, v.merchant_id), 0, 0, 0, 0, 0, 0, 0, 0, 0, v.complaints, v.transactions, 0, 0
    from read.credit_volumes(p_as_of) v left join groups g using (merchant_id)
    where p_members is null or v.merchant_id = any (p_members)
    union all
    select coalesce(g.group_id, v.merchant_id), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
           round(round(read.credit_units(v.found_on, p.half_life), 40) / p.one, 12) * p.violation_points
    from read.credit_violations(p_as_of) v left join groups g using (merchant_id) cross join p
    where (p_members is null or v.merchant_id = any (p_members))
  ),
  summed as (
    select t.group_id, sum(members) as members, round(sum(counted) / 1099511627776::numeric, 6) as n,
           sum(units) as units, sum(ended) as ended, sum(on_time) as on_time, sum(resolved) as resolved,
           sum(settled) as settled, sum(confirmed) as confirmed, sum(paid_then_withdrawn)::bigint as withdrawn,
           sum(complaints)::bigint as complaints, sum(transactions)::bigint as transactions,
           sum(violations) as violations, sum(deducted) as deducted
    from parts t group by 1
  ),
  groups_summed as materialized (
    select s.*, coalesce(m.industry_scheme, '') as industry_scheme, coalesce(m.industry, '') as industry,
           case when s.transactions > 0 then round(round(s.complaints * 10000, 40) / s.transactions, 12) end
             as per_10000,
           case when s.n >= p.prior_least and s.ended > 0 then round(round(s.on_time, 40) / s.ended, 12) end as own_a,
           case when s.n >= p.prior_least and s.units > 0 then round(round(s.settled, 40) / s.units, 12) end as own_b,
           case when s.n >= p.prior_least and s.resolved > 0 then round(round(s.confirmed, 40) / s.resolved, 12) end
             as own_c
    from summed s left join read.merchants m on m.merchant_id = s.group_id cross join p
  ),
  means as materialized (
    select s.industry_scheme, s.industry, grouping(s.industry) = 1 as of_all,
           round(round(sum(s.own_a), 40) / nullif(count(s.own_a), 0), 12) as a, count(s.own_a) as a_of,
           round(round(sum(s.own_b), 40) / nullif(count(s.own_b), 0), 12) as b, count(s.own_b) as b_of,
           round(round(sum(s.own_c), 40) / nullif(count(s.own_c), 0), 12) as c, count(s.own_c) as c_of,
           round(round(sum(s.per_10000), 40) / nullif(count(s.per_10000), 0), 12) as per_10000,
           count(s.per_10000) as per_10000_of
    from groups_summed s group by grouping sets ((s.industry_scheme, s.industry), ()) having p_means is null
    union all
    select m.industry_scheme, m.industry, false, m.a, m.a_of, m.b, m.b_of, m.c, m.c_of, m.per_10000, m.per_10000_of
    from jsonb_to_recordset(p_means) as m (
      industry_scheme text, industry text, a numeric, a_of bigint, b numeric, b_of bigint, c numeric, c_of bigint,
      per_10000 numeric, per_10000_of bigint
    )
    union all
    select null, null, true, null, 0, null, 0, null, 0, null, 0 where p_means is not null
  ),
  weighed as (
    select s.*, p.*, round(round(s.units, 40) / p.one, 12) as weight,
           round(round(s.on_time, 40) / p.one, 12) as a_k, round(round(s.ended, 40) / p.one, 12) as a_n,
           round(round(s.settled, 40) / p.one, 12) as b_k,
           round(round(s.confirmed, 40) / p.one, 12) as c_k, round(round(s.resolved, 40) / p.one, 12) as c_n,
           coalesce(i.a, t.a, 0.5) as a_prior, case when i.a is null then t.a_of else i.a_of end as a_of,
           coalesce(i.b, t.b, 0.5) as b_prior, case when i.b is null then t.b_of else i.b_of end as b_of,
           coalesce(i.c, t.c, 0.5) as c_prior, case when i.c is null then t.c_of else i.c_of end as c_of,
           i.per_10000 as volume_mean, i.per_10000_of as volume_mean_of,
           case when s.per_10000 is null then 0.5 when i.per_10000 = 0 then 1
                else greatest(0, round(1 - round(s.per_10000, 40) / (p.volume_zero * i.per_10000), 12)) end as volume
    from groups_summed s cross join p
    join means i on i.industry_scheme = s.industry_scheme and i.industry = s.industry and not i.of_all
    join means t on t.of_all
    where s.n > 0
    offset 0
  ),
  scored as (
    select w.*, a.smoothed as a, a.lower as a_l, a.upper as a_u, b.smoothed as b, b.lower as b_l, b.upper as b_u,
           c.smoothed as c, c.lower as c_l, c.upper as c_u,
           greatest(0, round(100 * (w.weight_response * a.smoothed + w.weight_resolution * b.smoothed
             + w.weight_confirmed * c.smoothed + w.weight_volume * w.volume) - w.deducted, 2)) as score,
           greatest(0, round(100 * (w.weight_response * a.lower + w.weight_resolution * b.lower
             + w.weight_confirmed * c.lower + w.weight_volume * w.volume) - w.deducted, 2)) as lower_score
    from weighed w
    cross join lateral read.credit_bounds(w.a_k, w.a_n, w.a_prior, w.prior_strength, w.z) a
    cross join lateral read.credit_bounds(w.b_k, w.weight, w.b_prior, w.prior_strength, w.z) b
    cross join lateral read.credit_bounds(w.c_k, w.c_n, w.c_prior, w.prior_strength, w.z) c
    offset 0
  )
  select f.group_id, nullif(f.industry_scheme, ''), nullif(f.industry, ''), f.members, f.edition, f.n, f.weight,
         f.a_k, f.a_n, f.a_prior, f.a_of, f.a, f.a_l, f.a_u, f.b_k, f.weight, f.b_prior, f.b_of, f.b, f.b_l, f.b_u,
         f.c_k, f.c_n, f.c_prior, f.c_of, f.c, f.c_l, f.c_u,
         f.complaints, f.transactions, f.per_10000, f.volume_mean, f.volume_mean_of, f.volume, f.violations, f.deducted,
         f.withdrawn, f.score, f.lower_score,
         case when f.n < f.least_complaints then 'NR' when f.score >= f.grade_a then 'A' when f.score >= f.grade_b then 'B'
              when f.score >= f.grade_c then 'C' else 'D' end
  from scored f
$$;
comment on function read.credit_scored is
  'What read.credit_scores gives, of one history: of all members that share it, with the means of industries as given: as scores of the day have them (a, b, c: response_prior, resolution_prior, confirmed_prior; per_10000: volume_mean). Of all, with means of their own, where both are null. p_then: rows of complaints as they stood at the end of a past day, in place of those that there are.';

create or replace function read.credit_scores(p_as_of date)
returns table (
  group_id text, industry_scheme text, industry text, members bigint, edition integer, n numeric, weight numeric,
  response_k numeric, response_n numeric, response_prior numeric, response_prior_of bigint, response numeric,
  response_lower numeric, response_upper numeric,
  resolution_k numeric, resolution_n numeric, resolution_prior numeric, resolution_prior_of bigint, resolution numeric,
  resolution_lower numeric, resolution_upper numeric,
  confirmed_k numeric, confirmed_n numeric, confirmed_prior numeric, confirmed_prior_of bigint, confirmed numeric,
  confirmed_lower numeric, confirmed_upper numeric,
  volume_complaints bigint, transactions bigint, per_10000 numeric, volume_mean numeric, volume_mean_of bigint,
  volume numeric, violations bigint, deducted numeric, paid_then_withdrawn bigint, score numeric, lower_score numeric,
  grade_now text
)
language sql stable as $$
  select * from read.credit_scored(p_as_of, null, null, null)
$$;
comment on function read.credit_scores is
  'The complaint-handling score of every merchant with complaints, on a day, under the parameters in force then: docs/definitions.md. One row per group of linked merchants, by the least id of them. Complaints count as they stand now, and what was filed later does not; the program takes them as they stood at the end of a past day.';

revoke all on function read.credit_units, read.credit_parameters, read.credit_bounds, read.credit_violations, read.credit_volumes,
  read.credit_complaints, read.credit_scored, read.credit_scores from public;
grant execute on function read.credit_units, read.credit_parameters, read.credit_bounds, read.credit_violations, read.credit_volumes,
  read.credit_complaints, read.credit_scored, read.credit_scores to ledger_api, ledger_watcher, ledger_analyst;
