create table read.merchants (
  merchant_id       text        primary key,
  version           bigint      not null,
  position          bigint      not null,
  trade_name        text        not null,
  registered_at     timestamptz not null,
  identifier_scheme text,
  identifier        text,
  register_name     text
);

comment on table read.merchants is 'One row per merchant.';
comment on column read.merchants.merchant_id is 'The stream: merchant-<uuid>.';
comment on column read.merchants.version is 'Version of the last event that is in the row.';
comment on column read.merchants.position is 'Ledger position of that event.';
comment on column read.merchants.trade_name is 'Name it trades under.';
comment on column read.merchants.registered_at is 'When it became known; for imports the day of its first complaint.';
comment on column read.merchants.identifier_scheme is 'Code list of identifier.';
comment on column read.merchants.identifier is 'Official identifier, where known.';
comment on column read.merchants.register_name is 'Register it was imported from, if any.';

grant select on read.merchants to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.merchants to ledger_projector;
