create schema watch;
comment on schema watch is 'What the watchers know: everything here can be thrown away and is made again from the ledger.';

create table watch.progress (
  one_row  boolean primary key default true check (one_row),
  position bigint  not null
) with (fillfactor = 10);
insert into watch.progress (position) values (0);

comment on table watch.progress is 'How far the watchers have read the ledger; its lock keeps them from reading it twice at once.';
comment on column watch.progress.one_row is 'There is one row.';
comment on column watch.progress.position is 'What every event up to this position means for the due times is in watch.dues.';

create table watch.dues (
  stream      text        collate "C" primary key,
  version     bigint      not null,
  next_due    timestamptz not null,
  provisional boolean     not null,
  revise      boolean     not null
);
create index dues_next on watch.dues (next_due, stream);
create index dues_provisional on watch.dues (stream) where provisional;
create index dues_revise on watch.dues (next_due, stream) where revise;

comment on table watch.dues is 'One row per complaint with a clock that runs.';
comment on column watch.dues.stream is 'The stream: complaint-<uuid>.';
comment on column watch.dues.version is 'Version of the last event that is in the row.';
comment on column watch.dues.next_due is 'The last instant that is in time of the clock that ends first.';
comment on column watch.dues.provisional is 'Whether a clock runs into a year whose calendar was not published.';
comment on column watch.dues.revise is 'Whether a calendar that was published since may change that.';

create table watch.failed (
  stream   text        collate "C" primary key,
  error    text        not null,
  at       timestamptz not null,
  attempts integer     not null,
  again    timestamptz not null
);
create index failed_again on watch.failed (again);

comment on table watch.failed is 'Complaints that could not be read or decided, until that works again.';
comment on column watch.failed.stream is 'The stream: complaint-<uuid>.';
comment on column watch.failed.error is 'What was wrong the last time.';
comment on column watch.failed.at is 'When that was.';
comment on column watch.failed.attempts is 'How often it failed in a row.';
comment on column watch.failed.again is 'When it is tried again; not before.';

grant usage on schema watch to ledger_watcher, ledger_api;
grant select on watch.progress, watch.dues, watch.failed to ledger_api;
grant select, update on watch.progress to ledger_watcher;
grant select, insert, update, delete on watch.dues, watch.failed to ledger_watcher;
