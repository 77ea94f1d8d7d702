-- Sums of years, months and days apart: those of a year are few, and read often; among those of days each would lie on
-- a page of its own.
alter table read.resolution_statistics rename to resolution_statistics_old;
alter index read.resolution_statistics_pkey rename to resolution_statistics_old_pkey;
alter index read.resolution_statistics_key rename to resolution_statistics_old_key;

create table read.resolution_statistics (like read.resolution_statistics_old including all excluding indexes)
  partition by list (grain);
create table read.resolution_statistics_day partition of read.resolution_statistics
  for values in ('day') with (fillfactor = 80);
create table read.resolution_statistics_month partition of read.resolution_statistics
  for values in ('month') with (fillfactor = 80);
create table read.resolution_statistics_year partition of read.resolution_statistics
  for values in ('year') with (fillfactor = 80);
insert into read.resolution_statistics select * from read.resolution_statistics_old
  order by dimension, grain, first_day, scheme, key;
alter table read.resolution_statistics
  add constraint resolution_statistics_pkey primary key (dimension, grain, first_day, scheme, key);
create index resolution_statistics_key on read.resolution_statistics (dimension, key, grain, first_day);
do $$
declare
  grain text;
begin
  foreach grain in array array['day', 'month', 'year'] loop
    execute format('alter index read.resolution_statistics_%s_dimension_key_grain_first_day_idx '
                   'rename to resolution_statistics_%s_key', grain, grain);
  end loop;
  execute format('comment on table read.resolution_statistics is %L',
                 obj_description('read.resolution_statistics_old'::regclass, 'pg_class'));
end $$;
drop table read.resolution_statistics_old;

grant select on read.resolution_statistics to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.resolution_statistics to ledger_projector;
analyze read.resolution_statistics;
