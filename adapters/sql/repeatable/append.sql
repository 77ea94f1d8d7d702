-- Appends a batch of independent appends, each all or nothing, and gives positions to the accepted ones.
--
-- One element per event, in order: the number of the append it belongs to, its stream, version, type, command
-- (empty for none) and index in the command, the offset (from 1) of the time of recording in its record, or 0 for
-- none, and where its record starts (from 1) in p_records, which holds all records, and how long it is.
--
-- Answers one row per append:
--   appended   position of its first event, and the time of recording
--   duplicate  its command has run before: position of the first event of that run
--   conflict   a stream is not where the append expects it: that stream, and its last version
create or replace function ledger.append(
  p_append int[], p_stream text[], p_version bigint[], p_type text[], p_command text[], p_index int[],
  p_stamp int[], p_start int[], p_length int[], p_records bytea
) returns table (append_no int, outcome text, first_position bigint, at timestamptz, conflict_stream text, last_version bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  head ledger.head;
  appended_at timestamptz;
  stamp bytea;
  new_position bigint;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'ledger.append needs the isolation level read committed';
  end if;

  -- The lock must be a statement of its own: the next one then sees all that was committed before the lock.
  select * into strict head from ledger.head h for update;
  appended_at := greatest(clock_timestamp(), head.recorded_at);
  stamp := convert_to(to_char(appended_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'UTF8');

  return query
  with given as materialized (
    select g.append_no, g.stream, g.version, g.type, nullif(g.command, '') as command, g.index, g.stamp_at, g.start,
           g.length, g.ord
    from unnest(p_append, p_stream, p_version, p_type, p_command, p_index, p_stamp, p_start, p_length)
         with ordinality as g(append_no, stream, version, type, command, index, stamp_at, start, length, ord)
  ), runs as (
    select g.append_no, g.stream, min(g.version) as first, max(g.version) as last, count(*) as n
    from given g group by g.append_no, g.stream
  ), conflicts as materialized (
    select distinct on (r.append_no) r.append_no, r.stream, present.version
    from runs r
    left join lateral (
      select e.version from ledger.events e where e.stream = r.stream order by e.version desc limit 1
    ) present on true
    where r.last - r.first + 1 <> r.n
       or case when present.version is null then r.first not in (0, 1) else r.first <> present.version + 1 end
    order by r.append_no, r.stream
  ), duplicates as materialized (
    select g.append_no, e.position
    from given g join ledger.events e on e.command_id = g.command and e.command_index = 0
    where g.index = 0
  ), accepted as (
    select g.*, row_number() over (order by g.ord) as n
    from given g
    where not exists (select from conflicts c where c.append_no = g.append_no)
      and not exists (select from duplicates d where d.append_no = g.append_no)
  ), inserted as (
    insert into ledger.events (position, stream, version, type, record, recorded_at, command_id, command_index)
    select head.position + a.n, a.stream, a.version, a.type,
           case when a.stamp_at > 0
                then overlay(substring(p_records from a.start for a.length) placing stamp from a.stamp_at)
                else substring(p_records from a.start for a.length) end,
           appended_at, a.command, a.index
    from accepted a
  ), first_positions as (
    select a.append_no, head.position + min(a.n) as position from accepted a group by a.append_no
  )
  select f.append_no, 'appended', f.position, appended_at, null::text, null::bigint from first_positions f
  union all
  select d.append_no, 'duplicate', d.position, null, null, null from duplicates d
  union all
  select c.append_no, 'conflict', null, null, c.stream, c.version from conflicts c
  where not exists (select from duplicates d where d.append_no = c.append_no);

  select max(e.position) into new_position from ledger.events e;
  if new_position > head.position then
    update ledger.head h set position = new_position, recorded_at = appended_at;
    perform pg_notify('ledger', new_position::text);
  end if;
end $$;

revoke all on function ledger.append from public;
grant execute on function ledger.append to ledger_api, ledger_watcher;
