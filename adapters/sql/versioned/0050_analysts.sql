-- What PostgreSQL lets everybody do, but analysts are not to: make temporary tables, keep large objects, and take advisory
-- locks, by which one process of the program leads. Where the owner is not a superuser, only the first can be denied.
do $$
declare
  name text := current_database();
  programs text := 'ledger_api, ledger_relay, ledger_projector, ledger_watcher, ledger_log';
  denied record;
begin
  execute format('revoke temporary on database %I from public', name);
  execute format('grant temporary on database %I to %s', name, programs);
  if (select rolsuper from pg_roles where rolname = current_user) then
    for denied in
      select p.oid::regprocedure as signature
      from pg_proc p
      where p.pronamespace = 'pg_catalog'::regnamespace
        and (p.proname ~ '^pg_(try_)?advisory_' or p.proname ~ '^(lo_|lowrite|loread)')
        and has_function_privilege('public', p.oid, 'execute')
    loop
      execute format('revoke execute on function %s from public', denied.signature);
      execute format('grant execute on function %s to %s', denied.signature, programs);
    end loop;
  else
    raise notice 'advisory locks and large objects stay open to everybody: the owner is not a superuser';
  end if;
end $$;
