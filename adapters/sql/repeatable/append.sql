-- The appends of a batch that cannot be accepted: outcome, and what ledger.append answers about it.
create or replace function ledger.refusals(
  p_append int[], p_stream text[], p_version bigint[], p_command text[], p_index int[]
) returns table (append_no int, outcome text, first_position bigint, stream text, last_version bigint)
language sql stable as $$
  select run.append_no, 'conflict', null::bigint, run.stream, run.present
  from (
    select g.append_no, g.stream, min(g.version) as first, max(g.version) as last, count(*) as n,
           (select e.version from ledger.events e where e.stream = g.stream order by e.version desc limit 1) as present
    from unnest(p_append, p_stream, p_version) as g(append_no, stream, version)
    group by g.append_no, g.stream
  ) run
  where run.last - run.first + 1 <> run.n
     or run.first <> coalesce(run.present + 1, least(run.first, 1))
     or run.first < 0
  union all
  select g.append_no, 'duplicate', e.position, null, null
  from unnest(p_append, p_command, p_index) as g(append_no, command, index)
  join ledger.events e on e.command_id = g.command and e.command_index = 0
  where g.index = 0
$$;

-- Appends a batch of independent appends, each all or nothing, and gives positions to the accepted ones.
--
-- One element per event, in order: the number of the append it belongs to, its stream, version, type, command
-- (empty for none) and index in the command, the offset (from 1) of the time of recording in its record, or 0 for
-- none, and where its record starts (from 1) in p_records, which holds all records, and how long it is.
--
-- Answers one row per append that is refused, and one, without number, for all others:
--   appended   position of the first event of the first of them, and the time of recording; the others follow in order
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
  refused int[] := '{}';
  new_position bigint;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'ledger.append needs the isolation level read committed';
  end if;

  -- The lock must be a statement of its own: the next one then sees all that was committed before the lock.
  select * into strict head from ledger.head h for update;
  appended_at := greatest(clock_timestamp(), head.recorded_at);
  stamp := convert_to(to_char(appended_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'UTF8');

  if exists (select from ledger.refusals(p_append, p_stream, p_version, p_command, p_index)) then
    -- A command that has run before is told so, whatever else is in its way.
    for append_no, outcome, first_position, conflict_stream, last_version in
      select distinct on (r.append_no) r.*
      from ledger.refusals(p_append, p_stream, p_version, p_command, p_index) r
      order by r.append_no, r.outcome desc, r.stream
    loop
      refused := refused || append_no;
      return next;
    end loop;
    return query
    select again.*
    from (
      select array_agg(g.append_no order by g.ord) as append_nos, array_agg(g.stream order by g.ord) as streams,
             array_agg(g.version order by g.ord) as versions, array_agg(g.type order by g.ord) as types,
             array_agg(g.command order by g.ord) as commands, array_agg(g.index order by g.ord) as indexes,
             array_agg(g.stamp_at order by g.ord) as stamps, array_agg(g.start order by g.ord) as starts,
             array_agg(g.length order by g.ord) as lengths
      from unnest(p_append, p_stream, p_version, p_type, p_command, p_index, p_stamp, p_start, p_length)
           with ordinality as g(append_no, stream, version, type, command, index, stamp_at, start, length, ord)
      where g.append_no <> all (refused)
      having count(*) > 0
    ) a
    cross join lateral ledger.append(
      a.append_nos, a.streams, a.versions, a.types, a.commands, a.indexes, a.stamps, a.starts, a.lengths, p_records
    ) again;
    return;
  end if;

  insert into ledger.events (position, stream, version, type, record, recorded_at, command_id, command_index)
  select head.position + g.ord, g.stream, g.version, g.type,
         case when g.stamp_at > 0
              then overlay(substring(p_records from g.start for g.length) placing stamp from g.stamp_at)
              else substring(p_records from g.start for g.length) end,
         appended_at, nullif(g.command, ''), g.index
  from unnest(p_stream, p_version, p_type, p_command, p_index, p_stamp, p_start, p_length)
       with ordinality as g(stream, version, type, command, index, stamp_at, start, length, ord);

  append_no := null;
  outcome := 'appended';
  first_position := head.position + 1;
  at := appended_at;
  conflict_stream := null;
  last_version := null;
  return next;

  new_position := head.position + coalesce(cardinality(p_append), 0);
  update ledger.head h set position = new_position, recorded_at = appended_at;
  perform pg_notify('ledger', new_position::text);
end $$;

revoke all on function ledger.append, ledger.refusals from public;
grant execute on function ledger.append to ledger_api, ledger_watcher;
