create table read.rooms (
  room_id     text        not null,
  version     bigint      not null,
  position    bigint      not null,
  status      text        not null,
  platform_id text        not null,
  operator    text        not null,
  host        text        not null,
  agency      text,
  opened_at   timestamptz not null,
  closed_at   timestamptz,
  items       text        not null,
  primary key (room_id)
);

comment on table read.rooms is 'Live rooms and their four subjects (E4).';
comment on column read.rooms.room_id is 'The stream: room-<uuid>.';
comment on column read.rooms.version is 'Version of the last event that is in the row.';
comment on column read.rooms.position is 'Ledger position of that event.';
comment on column read.rooms.status is 'open, live or closed.';
comment on column read.rooms.platform_id is 'The platform that it is on.';
comment on column read.rooms.operator is 'Who operates it now: an id or a name.';
comment on column read.rooms.host is 'Who hosts now: an id or a name.';
comment on column read.rooms.agency is 'Which agency serves it now, if any.';
comment on column read.rooms.opened_at is 'When it was opened.';
comment on column read.rooms.closed_at is 'When it was closed.';
comment on column read.rooms.items is 'What the tables of items are made of, as canonical JSON; for the projection, not for queries.';

grant select on read.rooms to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.rooms to ledger_projector;

create table read.room_sessions (
  room_id      text        not null,
  number       integer     not null,
  begun_at     timestamptz not null,
  ended_at     timestamptz not null,
  keep_until   timestamptz not null,
  records      integer     not null,
  destroyed_at timestamptz not null,
  items        bigint      not null,
  primary key (room_id, number, begun_at, ended_at, keep_until, records, destroyed_at)
);

comment on table read.room_sessions is 'Sessions of live rooms, and what is kept of them.';
comment on column read.room_sessions.room_id is 'The stream: room-<uuid>.';
comment on column read.room_sessions.number is '1, 2, 3 … within the stream.';
comment on column read.room_sessions.begun_at is 'When it began.';
comment on column read.room_sessions.ended_at is 'When it ended; 9999-12-30 00:00 UTC: never, or not yet.';
comment on column read.room_sessions.keep_until is 'Last instant up to which its records have to be kept; 9999-12-30 00:00 UTC: never, or not yet.';
comment on column read.room_sessions.records is 'Records that are kept of it.';
comment on column read.room_sessions.destroyed_at is 'When they were destroyed; 9999-12-30 00:00 UTC: never, or not yet.';
comment on column read.room_sessions.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.room_sessions to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.room_sessions to ledger_projector;

create table read.room_showings (
  room_id      text        not null,
  number       integer     not null,
  session      integer     not null,
  content_id   text        not null,
  kind         text        not null,
  from_at      timestamptz not null,
  until_at     timestamptz not null,
  items        bigint      not null,
  microseconds bigint      not null,
  primary key (room_id, number, session, content_id, kind, from_at, until_at)
);

comment on table read.room_showings is 'What machines made, and when it was shown.';
comment on column read.room_showings.room_id is 'The stream: room-<uuid>.';
comment on column read.room_showings.number is '1, 2, 3 … within the stream.';
comment on column read.room_showings.session is 'Number of the session.';
comment on column read.room_showings.content_id is 'What is shown, by its id in the room.';
comment on column read.room_showings.kind is 'ai_image or digital_host.';
comment on column read.room_showings.from_at is 'From when on.';
comment on column read.room_showings.until_at is 'Before when; 9999-12-30 00:00 UTC: never, or not yet.';
comment on column read.room_showings.items is 'How many items are exactly this one; 1 but for duplicates.';
comment on column read.room_showings.microseconds is 'For how long; 0 while it is shown.';

grant select on read.room_showings to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.room_showings to ledger_projector;

create table read.room_label_gaps (
  room_id      text        not null,
  number       integer     not null,
  session      integer     not null,
  content_id   text        not null,
  kind         text        not null,
  from_at      timestamptz not null,
  until_at     timestamptz not null,
  violation    text        not null,
  items        bigint      not null,
  microseconds bigint      not null,
  primary key (room_id, number, session, content_id, kind, from_at, until_at, violation)
);

comment on table read.room_label_gaps is 'Intervals in which what machines made was shown without its label.';
comment on column read.room_label_gaps.room_id is 'The stream: room-<uuid>.';
comment on column read.room_label_gaps.number is '1, 2, 3 … within the stream.';
comment on column read.room_label_gaps.session is 'Number of the session.';
comment on column read.room_label_gaps.content_id is 'What is shown, by its id in the room.';
comment on column read.room_label_gaps.kind is 'ai_image or digital_host.';
comment on column read.room_label_gaps.from_at is 'From when on.';
comment on column read.room_label_gaps.until_at is 'Before when.';
comment on column read.room_label_gaps.violation is 'Violation code; empty before the law asked for labels.';
comment on column read.room_label_gaps.items is 'How many items are exactly this one; 1 but for duplicates.';
comment on column read.room_label_gaps.microseconds is 'For how long.';

grant select on read.room_label_gaps to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.room_label_gaps to ledger_projector;
