-- Who goes on in place of each merchant that was merged into another; the others are not in it. The body is a string, so
-- that a new generation of the table can take the place of the one in use. A setting of its own keeps the planner from
-- reading through it: it would expect a hundred times the rows of a recursive query, and join by sorting.
create or replace function read.merged_merchants() returns table (merchant_id text, going_on_id text)
language sql stable rows 100 set search_path = pg_catalog, pg_temp as $$
  with recursive merged (merchant_id, into_id) as (
    select m.merchant_id, m.merged_into from read.merchants m where m.merged_into is not null
    union
    select g.merchant_id, m.merged_into
    from merged g join read.merchants m on m.merchant_id = g.into_id
    where m.merged_into is not null
  )
  select g.merchant_id, g.into_id
  from merged g
  where not exists (select from read.merchants m where m.merchant_id = g.into_id and m.merged_into is not null)
$$;
comment on function read.merged_merchants is 'Per merchant that was merged into another: who goes on in its place, after all mergers that stand.';
revoke all on function read.merged_merchants from public;
grant execute on function read.merged_merchants to ledger_api, ledger_watcher, ledger_analyst;
