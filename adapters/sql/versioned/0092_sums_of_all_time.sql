-- What nobody limits by days is asked most, and of all merchants at once: one row each, instead of one of each year.
create table read.resolution_statistics_all_time partition of read.resolution_statistics
  for values in ('all_time') with (fillfactor = 80);

-- What came of requests has sums of years, too, and is divided as those of filing are.
alter table read.flows rename to flows_old;
alter index read.flows_pkey rename to flows_old_pkey;
alter index read.flows_key rename to flows_old_key;
create table read.flows (like read.flows_old including all excluding indexes) partition by list (grain);
create table read.flows_day partition of read.flows for values in ('day') with (fillfactor = 80);
create table read.flows_month partition of read.flows for values in ('month') with (fillfactor = 80);
create table read.flows_year partition of read.flows for values in ('year') with (fillfactor = 80);
create table read.flows_all_time partition of read.flows for values in ('all_time') with (fillfactor = 80);
insert into read.flows select * from read.flows_old order by dimension, grain, first_day, scheme, key;
alter table read.flows add constraint flows_pkey primary key (dimension, grain, first_day, scheme, key);
create index flows_key on read.flows (dimension, key, grain, first_day);

do $$
declare
  made record;
  sums text[];
begin
  for made in
    select * from (values
      ('resolution_statistics', 'year', 'all_time', $sql$date '0001-01-01'$sql$),
      ('flows', 'month', 'year', $sql$date_trunc('year', first_day)::date$sql$),
      ('flows', 'month', 'all_time', $sql$date '0001-01-01'$sql$)
    ) as m (name, finer, grain, first_day)
  loop
    sums := array(
      select quote_ident(attname) from pg_attribute
      where attrelid = format('read.%I', made.name)::regclass and attnum > 0 and not attisdropped
        and attname not in ('dimension', 'scheme', 'key', 'grain', 'first_day')
      order by attnum
    );
    -- No row stands for what comes to nothing.
    execute format(
      'insert into read.%I (dimension, scheme, key, grain, first_day, %s) '
      'select dimension, scheme, key, %L, %s, %s from read.%I where grain = %L '
      'group by 1, 2, 3, 5 having greatest(%s) > 0 order by 1, 5, 2, 3',
      made.name, array_to_string(sums, ', '), made.grain, made.first_day,
      (select string_agg(format('sum(%s)::bigint', one), ', ') from unnest(sums) as s (one)), made.name, made.finer,
      (select string_agg(format('sum(%s)', one), ', ') from unnest(sums) as s (one))
    );
  end loop;
  for made in
    select c.relname as index, p.relname as name
    from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class p on p.oid = i.indrelid
    where not i.indisprimary and i.indrelid in (
      'read.resolution_statistics_all_time'::regclass, 'read.flows_day'::regclass, 'read.flows_month'::regclass,
      'read.flows_year'::regclass, 'read.flows_all_time'::regclass)
  loop
    execute format('alter index read.%I rename to %I', made.index, made.name || '_key');
  end loop;
  execute format('comment on table read.flows is %L', obj_description('read.flows_old'::regclass, 'pg_class'));
end $$;
drop table read.flows_old;
grant select on read.flows to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.flows to ledger_projector;

comment on column read.resolution_statistics.grain is 'day, month, year or all_time.';
comment on column read.resolution_statistics.first_day is
  'The day of filing in Shanghai, or the first day of its month or year; 0001-01-01 of all time.';
comment on column read.flows.grain is 'day, month, year or all_time.';
comment on column read.flows.first_day is
  'The day in Shanghai on which it happened, or the first day of its month or year; 0001-01-01 of all time.';
analyze read.resolution_statistics;
analyze read.flows;
