create table read.funds (
  fund_id            text        not null,
  version            bigint      not null,
  position           bigint      not null,
  title              text        not null,
  office_id          text        not null,
  currency           text        not null,
  status             text        not null,
  opened_at          timestamptz not null,
  closed_at          timestamptz,
  paid_in_fen        bigint      not null,
  advanced_fen       bigint      not null,
  recovered_fen      bigint      not null,
  written_off_fen    bigint      not null,
  stated_balance_fen bigint      not null,
  items              text        not null,
  primary key (fund_id)
);

comment on table read.funds is 'Protection funds (D4). paid_in_fen - advanced_fen + recovered_fen is the balance; what was written off stays advanced.';
comment on column read.funds.fund_id is 'The stream: fund-<uuid>.';
comment on column read.funds.version is 'Version of the last event that is in the row.';
comment on column read.funds.position is 'Ledger position of that event.';
comment on column read.funds.title is 'Name.';
comment on column read.funds.office_id is 'The office that keeps it.';
comment on column read.funds.currency is 'ISO 4217.';
comment on column read.funds.status is 'open or closed.';
comment on column read.funds.opened_at is 'When it was opened.';
comment on column read.funds.closed_at is 'When it was closed.';
comment on column read.funds.paid_in_fen is 'Paid in, in hundredths of the currency of the fund.';
comment on column read.funds.advanced_fen is 'Advanced to consumers, in hundredths of the currency of the fund.';
comment on column read.funds.recovered_fen is 'Recovered from who owed it, in hundredths of the currency of the fund.';
comment on column read.funds.written_off_fen is 'Will not be recovered, in hundredths of the currency of the fund; part of advanced_fen.';
comment on column read.funds.stated_balance_fen is 'Balance as the last event that moved money says, in hundredths of the currency of the fund.';
comment on column read.funds.items is 'What the tables of items are made of, as canonical JSON; for the projection, not for queries.';

grant select on read.funds to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.funds to ledger_projector;

create table read.fund_flows (
  fund_id         text        not null,
  day             date        not null,
  items           bigint      not null,
  paid_in_fen     bigint      not null,
  advanced_fen    bigint      not null,
  recovered_fen   bigint      not null,
  written_off_fen bigint      not null,
  primary key (fund_id, day)
);

comment on table read.fund_flows is 'What moved in funds on each day.';
comment on column read.fund_flows.fund_id is 'The stream: fund-<uuid>.';
comment on column read.fund_flows.day is 'Day in Shanghai.';
comment on column read.fund_flows.items is 'How many items are exactly this one; 1 but for duplicates.';
comment on column read.fund_flows.paid_in_fen is 'Paid in, in hundredths of the currency of the fund.';
comment on column read.fund_flows.advanced_fen is 'Advanced, in hundredths of the currency of the fund.';
comment on column read.fund_flows.recovered_fen is 'Recovered, in hundredths of the currency of the fund.';
comment on column read.fund_flows.written_off_fen is 'Written off, in hundredths of the currency of the fund.';

grant select on read.fund_flows to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.fund_flows to ledger_projector;

create table read.fund_advances (
  fund_id         text        not null,
  number          integer     not null,
  complaint_id    text        not null,
  request         integer     not null,
  item            integer     not null,
  payer           text        not null,
  debtor          text        not null,
  advanced_at     timestamptz not null,
  items           bigint      not null,
  advanced_fen    bigint      not null,
  recovered_fen   bigint      not null,
  written_off_fen bigint      not null,
  primary key (fund_id, number, complaint_id, request, item, payer, debtor, advanced_at)
);
create index on read.fund_advances (complaint_id);

comment on table read.fund_advances is 'Advances of funds to consumers, and what came back.';
comment on column read.fund_advances.fund_id is 'The stream: fund-<uuid>.';
comment on column read.fund_advances.number is '1, 2, 3 … within the stream.';
comment on column read.fund_advances.complaint_id is 'The complaint that asked for it.';
comment on column read.fund_advances.request is 'Number of the request of that complaint.';
comment on column read.fund_advances.item is 'Item of the terms that it is of, from 0.';
comment on column read.fund_advances.payer is 'Who has to pay: merchant, platform or payment_provider.';
comment on column read.fund_advances.debtor is 'Id or name of the payer; empty where not known.';
comment on column read.fund_advances.advanced_at is 'When.';
comment on column read.fund_advances.items is 'How many items are exactly this one; 1 but for duplicates.';
comment on column read.fund_advances.advanced_fen is 'Advanced, in hundredths of the currency of the fund.';
comment on column read.fund_advances.recovered_fen is 'Recovered, in hundredths of the currency of the fund.';
comment on column read.fund_advances.written_off_fen is 'Written off, in hundredths of the currency of the fund.';

grant select on read.fund_advances to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.fund_advances to ledger_projector;

create table read.fund_refusals (
  fund_id      text        not null,
  number       integer     not null,
  complaint_id text        not null,
  request      integer     not null,
  item         integer     not null,
  reason       text        not null,
  refused_at   timestamptz not null,
  currency     text        not null,
  items        bigint      not null,
  amount_fen   bigint      not null,
  primary key (fund_id, number, complaint_id, request, item, reason, refused_at, currency)
);
create index on read.fund_refusals (complaint_id);

comment on table read.fund_refusals is 'Advances that funds refused.';
comment on column read.fund_refusals.fund_id is 'The stream: fund-<uuid>.';
comment on column read.fund_refusals.number is '1, 2, 3 … within the stream.';
comment on column read.fund_refusals.complaint_id is 'The complaint that asked for it.';
comment on column read.fund_refusals.request is 'Number of the request of that complaint.';
comment on column read.fund_refusals.item is 'Item of the terms that it is of, from 0.';
comment on column read.fund_refusals.reason is 'balance, closed or currency.';
comment on column read.fund_refusals.refused_at is 'When.';
comment on column read.fund_refusals.currency is 'ISO 4217, of the request.';
comment on column read.fund_refusals.items is 'How many items are exactly this one; 1 but for duplicates.';
comment on column read.fund_refusals.amount_fen is 'Amount asked for, in hundredths of currency.';

grant select on read.fund_refusals to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.fund_refusals to ledger_projector;

create table read.fund_texts (
  fund_id text        not null,
  item    text        not null,
  number  integer     not null,
  field   text        not null,
  part    integer     not null,
  text    text        not null,
  items   bigint      not null,
  primary key (fund_id, item, number, field, part, text)
);

comment on table read.fund_texts is 'What people wrote of the items of funds: each text in parts of at most 500 characters, to be joined in order of part.';
comment on column read.fund_texts.fund_id is 'The stream: fund-<uuid>.';
comment on column read.fund_texts.item is 'What it is of: advance (reason of writing it off).';
comment on column read.fund_texts.number is 'Number of the item within the stream.';
comment on column read.fund_texts.field is 'Which text of the item.';
comment on column read.fund_texts.part is '1, 2, 3 … of the text.';
comment on column read.fund_texts.text is 'The part.';
comment on column read.fund_texts.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.fund_texts to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.fund_texts to ledger_projector;
