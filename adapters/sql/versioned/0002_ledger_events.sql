create table ledger.events (
  position      bigint      not null unique,
  stream        text        collate "C" not null,
  version       bigint      not null,
  type          text        not null,
  record        bytea       not null check (octet_length(record) <= 60000),
  recorded_at   timestamptz not null,
  command_id    text,
  command_index integer     not null,
  primary key (stream, version)
);
alter table ledger.events alter column record set storage external;

-- One command runs once: its first event is unique. The other events of the run follow it.
create unique index events_command on ledger.events (command_id) where command_index = 0;
create index events_recorded_at on ledger.events using brin (recorded_at);

comment on table ledger.events is 'Every event, in the order in which it was recorded. Insert-only.';
comment on column ledger.events.position is 'Place in the total order: 1, 2, 3 … without gaps.';
comment on column ledger.events.stream is 'Whose event it is, such as complaint-<uuid>.';
comment on column ledger.events.version is 'Place in the stream, contiguous.';
comment on column ledger.events.type is 'Name of the event on the wire, such as complaint.filed.';
comment on column ledger.events.record is 'The exact bytes: canonical JSON (RFC 8785) of a CloudEvents 1.0 envelope.';
comment on column ledger.events.recorded_at is 'When it was appended; never lower than at a lower position.';
comment on column ledger.events.command_id is 'The command that caused it.';
comment on column ledger.events.command_index is 'Place among the events of that command, from 0.';

grant select on ledger.events to ledger_api, ledger_relay, ledger_watcher, ledger_log;
