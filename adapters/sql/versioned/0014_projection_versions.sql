alter table read.active add column version integer not null default 1;
comment on column read.active.version is 'Version of the projection''s functions that made the tables in use.';

create table read.builds (
  projection text        primary key,
  generation integer     not null,
  version    integer     not null,
  filled     boolean     not null default false,
  done       bigint      not null default 0,
  total      bigint      not null default 0,
  begun_at   timestamptz not null default clock_timestamp(),
  error      text
);
comment on table read.builds is 'Generations that are being built beside those in use.';
comment on column read.builds.projection is 'Name of the projection.';
comment on column read.builds.generation is 'Generation that is being built.';
comment on column read.builds.version is 'Version of the projection''s functions that make it.';
comment on column read.builds.filled is 'Whether it is filled, so that it only has to follow the topics until it is swapped in.';
comment on column read.builds.done is 'Offsets that are read, about a second ago.';
comment on column read.builds.total is 'Offsets that there are to read.';
comment on column read.builds.begun_at is 'When it was begun.';
comment on column read.builds.error is 'Why it stopped, if it did so by an error.';

-- Sums of a generation are gathered in unlogged tables, which a crash of PostgreSQL empties. It empties this one too.
create unlogged table read.builds_whole (
  projection text primary key
);
comment on table read.builds_whole is 'Builds that have lost nothing: all unlogged tables are emptied together.';
comment on column read.builds_whole.projection is 'Name of the projection.';

grant select on read.builds to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.builds, read.builds_whole to ledger_projector;
