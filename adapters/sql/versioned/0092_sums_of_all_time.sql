-- What nobody limits by days is asked most, and of all merchants at once: one row each, instead of one of each year.
create table read.resolution_statistics_all_time partition of read.resolution_statistics
  for values in ('all_time') with (fillfactor = 80);
do $$
declare
  measures text[] := array(
    select quote_ident(attname) from pg_attribute
    where attrelid = 'read.resolution_statistics'::regclass and attnum > 0 and not attisdropped
      and attname not in ('dimension', 'scheme', 'key', 'grain', 'first_day')
    order by attnum
  );
begin
  execute format(
    'insert into read.resolution_statistics (dimension, scheme, key, grain, first_day, %s) '
    'select dimension, scheme, key, ''all_time'', date ''0001-01-01'', %s from read.resolution_statistics '
    'where grain = ''year'' group by 1, 2, 3 having sum(requests) <> 0 order by 1, 2, 3',
    array_to_string(measures, ', '),
    (select string_agg(format('sum(%s)::bigint', name), ', ') from unnest(measures) as m (name))
  );
  execute format('alter index read.%I rename to resolution_statistics_all_time_key', (
    select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid
    where i.indrelid = 'read.resolution_statistics_all_time'::regclass and not i.indisprimary
  ));
end $$;
comment on column read.resolution_statistics.grain is 'day, month, year or all_time.';
comment on column read.resolution_statistics.first_day is
  'The day of filing in Shanghai, or the first day of its month or year; 0001-01-01 of all time.';
analyze read.resolution_statistics;
