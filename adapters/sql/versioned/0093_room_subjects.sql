-- Who stood behind a room when: what happened under one operator is not the next one's. Until the read model is built
-- anew, whoever is there now was there all the time, as before.
create table read.room_subjects (
  room_id  text        not null,
  number   integer     not null,
  subject  text        not null,
  name     text        not null,
  from_at  timestamptz not null,
  until_at timestamptz not null,
  items    bigint      not null,
  primary key (room_id, number, subject, name, from_at, until_at)
);
insert into read.room_subjects
select r.room_id, s.number, s.subject, s.name, r.opened_at, '9999-12-30 00:00:00+00', 1
from read.rooms r
cross join lateral (values (1, 'operator', r.operator), (2, 'host', r.host), (3, 'agency', r.agency))
  as s (number, subject, name)
where s.name is not null;

comment on table read.room_subjects is 'Who operated, hosted and served live rooms, and when.';
comment on column read.room_subjects.room_id is 'The stream: room-<uuid>.';
comment on column read.room_subjects.number is '1, 2, 3 … within the stream.';
comment on column read.room_subjects.subject is 'operator, host or agency.';
comment on column read.room_subjects.name is 'An id or a name.';
comment on column read.room_subjects.from_at is 'From when on.';
comment on column read.room_subjects.until_at is 'Before when; 9999-12-30 00:00 UTC: never, or not yet.';
comment on column read.room_subjects.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.room_subjects to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.room_subjects to ledger_projector;
