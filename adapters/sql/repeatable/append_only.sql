create or replace function ledger.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'ledger.events is append-only: % is refused', tg_op
    using errcode = 'insufficient_privilege',
          hint = 'Record a new event that states the correction.';
end $$;

-- Statement triggers also see TRUNCATE and statements that match no row; row triggers also see logical
-- replication. ALWAYS makes them fire under session_replication_role = replica.
create or replace trigger refuse_change_statement before update or delete or truncate on ledger.events
  for each statement execute function ledger.refuse_change();
create or replace trigger refuse_change_row before update or delete on ledger.events
  for each row execute function ledger.refuse_change();
alter table ledger.events enable always trigger refuse_change_statement;
alter table ledger.events enable always trigger refuse_change_row;
