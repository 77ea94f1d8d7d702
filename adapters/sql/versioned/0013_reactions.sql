create table watch.reactions (
  one_row  boolean primary key default true check (one_row),
  position bigint  not null,
  rules    text[]  not null
) with (fillfactor = 10);
insert into watch.reactions (position, rules) values (0, '{}');

comment on table watch.reactions is 'How far the process managers have read the ledger; its lock keeps two from doing the same at once.';
comment on column watch.reactions.one_row is 'There is one row.';
comment on column watch.reactions.rules is 'By which rules that was done; a program that knows fewer leaves it to others, one that knows more begins anew.';
comment on column watch.reactions.position is 'What follows elsewhere from every event up to this position is in the ledger, or in watch.reactions_waiting.';

create table watch.reactions_waiting (
  position bigint      not null,
  rule     text        not null,
  stream   text        not null,
  error    text        not null,
  at       timestamptz not null,
  attempts integer     not null,
  again    timestamptz not null,
  primary key (position, rule, stream)
);
create index reactions_waiting_stream on watch.reactions_waiting (stream, position);

comment on table watch.reactions_waiting is 'What follows from events but could not be recorded, or waits behind such in its stream, until that works.';
comment on column watch.reactions_waiting.position is 'Position of the cause.';
comment on column watch.reactions_waiting.rule is 'The rule by which it follows; * where the cause itself cannot be read.';
comment on column watch.reactions_waiting.stream is 'The stream in which it is to be recorded; that of the cause where that cannot be read.';
comment on column watch.reactions_waiting.error is 'What was wrong the last time.';
comment on column watch.reactions_waiting.at is 'When that was.';
comment on column watch.reactions_waiting.attempts is 'How often it was tried.';
comment on column watch.reactions_waiting.again is 'When it is tried again; not before.';

comment on table watch.dues is 'One row per stream with a term that runs.';
comment on column watch.dues.stream is 'The stream: complaint-<uuid>, measure-<uuid> …';
comment on table watch.failed is 'Streams that could not be read or decided, until that works again.';
comment on column watch.failed.stream is 'The stream: complaint-<uuid>, measure-<uuid> …';

grant select on watch.reactions, watch.reactions_waiting to ledger_api;
grant select, update on watch.reactions to ledger_watcher;
grant select, insert, update, delete on watch.reactions_waiting to ledger_watcher;
