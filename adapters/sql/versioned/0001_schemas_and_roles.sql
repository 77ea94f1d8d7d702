-- Roles are shared by all databases of a server, so another database may have made them already.
do $$
declare
  name text;
begin
  foreach name in array array['ledger_api', 'ledger_relay', 'ledger_projector',
                              'ledger_watcher', 'ledger_log', 'ledger_analyst'] loop
    begin
      execute format('create role %I nologin', name);
    exception when duplicate_object or unique_violation then
      null;
    end;
    execute format('grant %I to current_user', name);
  end loop;
end $$;

create schema ledger;
create schema read;
create schema private;
comment on schema ledger is 'The ledger: what happened, append-only.';
comment on schema read is 'Read models: everything here can be thrown away and rebuilt from Kafka.';
comment on schema private is 'Read models that hold personal data; not for analysts.';

grant usage on schema ledger to ledger_api, ledger_relay, ledger_projector, ledger_watcher, ledger_log;
grant usage on schema read to ledger_api, ledger_relay, ledger_projector, ledger_watcher, ledger_analyst;
grant usage on schema private to ledger_api, ledger_projector;
grant create on schema read, private to ledger_projector;
