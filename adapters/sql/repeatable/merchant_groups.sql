-- Who goes on in place of each merchant, and with whom that one belongs, as recorded. The body is a string, so that a new
-- generation of a table can take the place of the one in use.
create or replace function read.merchant_groups()
returns table (merchant_id text, going_on_id text, group_id text)
language sql stable as $$
  with recursive
  -- Those that were not merged, and from them down to all that were merged into them.
  merged (merchant_id, going_on_id) as (
    select m.merchant_id, m.merchant_id from read.merchants m where m.merged_into is null
    union all
    select m.merchant_id, g.going_on_id from merged g join read.merchants m on m.merged_into = g.merchant_id
  ),
  -- Two that were merged into each other at once have nobody who goes on: each stands for itself.
  going_on as (
    select m.merchant_id, coalesce(g.going_on_id, m.merchant_id) as going_on_id
    from read.merchants m left join merged g using (merchant_id)
  ),
  edges as (
    select a.going_on_id as one, b.going_on_id as other
    from read.merchant_links l
    join going_on a on a.merchant_id = l.merchant_id
    join going_on b on b.merchant_id = l.other_id
    where l.unlinked_at = timestamptz '9999-12-30 00:00:00+00' and a.going_on_id <> b.going_on_id
  ),
  linked (one, other) as (
    select e.one, e.other from edges e union select e.other, e.one from edges e
  ),
  reached (one, other) as (
    select l.one, l.other from linked l
    union
    select r.one, l.other from reached r join linked l on l.one = r.other
  ),
  groups as (
    select r.one, least(r.one, min(r.other collate "C")) as group_id from reached r group by r.one
  )
  select g.merchant_id, g.going_on_id, coalesce(s.group_id, g.going_on_id)
  from going_on g left join groups s on s.one = g.going_on_id
$$;
comment on function read.merchant_groups is
  'Per merchant: who goes on in its place after all mergers that stand (itself if none), and the least id of those linked with that one, directly or through others, by links that stand.';
