create table read.active (
  projection text primary key,
  generation integer not null
);
comment on table read.active is 'Which generation of a projection''s tables answers queries.';
comment on column read.active.projection is 'Name of the projection.';
comment on column read.active.generation is 'Generation that is in use.';

create table read.progress (
  projection  text    not null,
  generation  integer not null,
  topic       text    not null,
  partition   integer not null,
  next_offset bigint  not null,
  watermark   bigint  not null,
  primary key (projection, generation, topic, partition)
) with (fillfactor = 50);
comment on table read.progress is 'How far each projection has read each partition, changed together with its rows.';
comment on column read.progress.projection is 'Name of the projection.';
comment on column read.progress.generation is 'Generation of its tables.';
comment on column read.progress.topic is 'Kafka topic.';
comment on column read.progress.partition is 'Partition of that topic.';
comment on column read.progress.next_offset is 'Offset of the next record to read.';
comment on column read.progress.watermark is
  'Ledger position up to which everything of this partition is in the rows; a projection is complete to the least.';

grant select on read.active, read.progress to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.active, read.progress to ledger_projector;
