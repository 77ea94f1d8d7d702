-- A session may set its own statement_timeout to 0: so the watcher looks as well. It ends the session rather than the
-- statement, which could catch that it is cancelled.
create function watch.end_overlong(p_longest interval) returns integer
language sql security definer set search_path = pg_catalog, pg_temp as $$
  select count(*) filter (where pg_terminate_backend(a.pid))::integer
  from pg_stat_activity a join pg_roles r on r.oid = a.usesysid
  where a.datname = current_database() and a.backend_type = 'client backend' and a.xact_start is not null
    and a.state_change < clock_timestamp() - p_longest and pg_has_role(r.oid, 'ledger_analyst', 'member')
    -- The program itself reads for analysts, as a user who may take on all roles.
    and not pg_has_role(r.oid, 'ledger_api', 'member')
$$;
comment on function watch.end_overlong is 'Ends sessions of analysts with a statement, or a transaction that does nothing, of longer than that; for watchers.';
revoke all on function watch.end_overlong from public;
grant execute on function watch.end_overlong to ledger_watcher;
