create table read.parked (
  projection text        not null,
  generation integer     not null,
  stream     text        collate "C" not null,
  topic      text        not null,
  partition  integer     not null,
  at_offset  bigint      not null,
  position   bigint,
  record     bytea,
  error      text,
  parked_at  timestamptz not null default clock_timestamp(),
  skipped_at timestamptz,
  primary key (projection, generation, topic, partition, at_offset)
);
create index parked_waiting on read.parked (projection, generation, stream) where skipped_at is null;

comment on table read.parked is
  'Records that a projection could not take up, and those of the same streams that wait behind them.';
comment on column read.parked.projection is 'Name of the projection.';
comment on column read.parked.generation is 'Generation of its tables.';
comment on column read.parked.stream is 'Whose record it is: its key.';
comment on column read.parked.topic is 'Kafka topic.';
comment on column read.parked.partition is 'Partition of that topic.';
comment on column read.parked.at_offset is 'Offset of the record.';
comment on column read.parked.position is 'Ledger position that its header gives, if it gives one.';
comment on column read.parked.record is 'Its exact bytes.';
comment on column read.parked.error is 'Why it could not be taken up; empty for one that waits behind another.';
comment on column read.parked.parked_at is 'When it was parked.';
comment on column read.parked.skipped_at is 'When somebody decided to go on without it.';

grant select on read.parked to ledger_api, ledger_watcher;
grant select, insert, update, delete on read.parked to ledger_projector;
