create table ledger.published (
  one_row     boolean     primary key default true check (one_row),
  position bigint      not null,
  at       timestamptz not null
) with (fillfactor = 10);
insert into ledger.published (position, at) values (0, '-infinity');

comment on table ledger.published is 'How far the relay has committed to Kafka. May lag behind Kafka, never ahead of it.';
comment on column ledger.published.one_row is 'There is one row.';
comment on column ledger.published.position is 'Every event up to this position is on Kafka.';
comment on column ledger.published.at is 'When the relay wrote this.';

grant select on ledger.published to ledger_api, ledger_relay, ledger_projector, ledger_watcher, ledger_log;
grant update on ledger.published to ledger_relay;
