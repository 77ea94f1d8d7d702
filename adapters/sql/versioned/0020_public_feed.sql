create table ledger.feed (
  one_row  boolean     primary key default true check (one_row),
  position bigint      not null,
  ends     bigint[]    not null,
  at       timestamptz not null
) with (fillfactor = 10);
insert into ledger.feed (position, ends, at) values (0, '{}', '-infinity');

comment on table ledger.feed is 'How far the public feed is. May lag behind Kafka, never ahead of it.';
comment on column ledger.feed.one_row is 'There is one row.';
comment on column ledger.feed.position is 'What every event up to this position changed in public is on public.complaints.';
comment on column ledger.feed.ends is 'Where each partition of public.complaints ended then, in the order of their numbers: an offset, at most the true one.';
comment on column ledger.feed.at is 'When the feed wrote this.';

grant select on ledger.feed to ledger_api, ledger_relay;
grant update on ledger.feed to ledger_relay;
