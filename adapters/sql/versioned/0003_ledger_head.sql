create table ledger.head (
  one_row        boolean     primary key default true check (one_row),
  position    bigint      not null,
  recorded_at timestamptz not null
) with (fillfactor = 10);
insert into ledger.head (position, recorded_at) values (0, '-infinity');

comment on table ledger.head is 'The last position given and its time; its lock puts appends in one order.';
comment on column ledger.head.one_row is 'There is one row.';
comment on column ledger.head.position is 'Highest position in ledger.events, 0 when it is empty.';
comment on column ledger.head.recorded_at is 'recorded_at of that position.';

grant select on ledger.head to ledger_api, ledger_relay, ledger_projector, ledger_watcher, ledger_log;
