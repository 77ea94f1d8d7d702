create table read.credit_days (
  credit_id   text        not null,
  version     bigint      not null,
  position    bigint      not null,
  merchant_id text        not null,
  recorded    integer     not null,
  withdrawn   integer     not null,
  items       text        not null,
  primary key (credit_id)
);

comment on table read.credit_days is 'Credit events of a merchant on a day: how many.';
comment on column read.credit_days.credit_id is 'The stream: credit-<uuid>, of a merchant and a day in Shanghai.';
comment on column read.credit_days.version is 'Version of the last event that is in the row.';
comment on column read.credit_days.position is 'Ledger position of that event.';
comment on column read.credit_days.merchant_id is 'The merchant.';
comment on column read.credit_days.recorded is 'Credit events recorded.';
comment on column read.credit_days.withdrawn is 'Those withdrawn since.';
comment on column read.credit_days.items is 'What the tables of items are made of, as canonical JSON; for the projection, not for queries.';

grant select on read.credit_days to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.credit_days to ledger_projector;

create table read.credit_events (
  credit_id    text        not null,
  number       integer     not null,
  merchant_id  text        not null,
  complaint_id text        not null,
  basis        text        not null,
  deadline     text        not null,
  missed_at    timestamptz not null,
  withdrawn_at timestamptz not null,
  items        bigint      not null,
  primary key (credit_id, number, merchant_id, complaint_id, basis, deadline, missed_at, withdrawn_at)
);
create index on read.credit_events (merchant_id);
create index on read.credit_events (complaint_id);

comment on table read.credit_events is 'Credit events (B7): a merchant let a deadline of a complaint pass in silence.';
comment on column read.credit_events.credit_id is 'The stream: credit-<uuid>, of a merchant and a day in Shanghai.';
comment on column read.credit_events.number is '1, 2, 3 … within the stream.';
comment on column read.credit_events.merchant_id is 'The merchant.';
comment on column read.credit_events.complaint_id is 'The complaint behind it.';
comment on column read.credit_events.basis is 'silence.';
comment on column read.credit_events.deadline is 'Which deadline of the complaint.';
comment on column read.credit_events.missed_at is 'When that passed.';
comment on column read.credit_events.withdrawn_at is 'When it was withdrawn, and counts no more; 9999-12-30 00:00 UTC: never, or not yet.';
comment on column read.credit_events.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.credit_events to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.credit_events to ledger_projector;

create table read.credit_texts (
  credit_id text        not null,
  item      text        not null,
  number    integer     not null,
  field     text        not null,
  part      integer     not null,
  text      text        not null,
  items     bigint      not null,
  primary key (credit_id, item, number, field, part, text)
);

comment on table read.credit_texts is 'What people wrote of the items of credit events: each text in parts of at most 500 characters, to be joined in order of part.';
comment on column read.credit_texts.credit_id is 'The stream: credit-<uuid>, of a merchant and a day in Shanghai.';
comment on column read.credit_texts.item is 'What it is of: credit_event (reason of withdrawing it).';
comment on column read.credit_texts.number is 'Number of the item within the stream.';
comment on column read.credit_texts.field is 'Which text of the item.';
comment on column read.credit_texts.part is '1, 2, 3 … of the text.';
comment on column read.credit_texts.text is 'The part.';
comment on column read.credit_texts.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.credit_texts to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.credit_texts to ledger_projector;
