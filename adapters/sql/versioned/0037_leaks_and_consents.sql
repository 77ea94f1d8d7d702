create table read.subjects (
  subject_id text        not null,
  version    bigint      not null,
  position   bigint      not null,
  leaks      integer     not null,
  items      text        not null,
  primary key (subject_id)
);

comment on table read.subjects is 'What the counts of leaks and consents are made of, by person; not for analysts.';
comment on column read.subjects.subject_id is 'The stream: subject-<uuid>, of a person by random id.';
comment on column read.subjects.version is 'Version of the last event that is in the row.';
comment on column read.subjects.position is 'Ledger position of that event.';
comment on column read.subjects.leaks is 'Leaks recorded.';
comment on column read.subjects.items is 'What the tables of items are made of, as canonical JSON; for the projection, not for queries.';

grant select on read.subjects to ledger_api;
grant select, insert, update, delete on read.subjects to ledger_projector;

create table read.leaks (
  subject_id  text        not null,
  number      integer     not null,
  recorded_at timestamptz not null,
  source      text        not null,
  items       bigint      not null,
  primary key (subject_id, number, recorded_at, source)
);

comment on table read.leaks is 'Leaks of personal data (B12).';
comment on column read.leaks.subject_id is 'The stream: subject-<uuid>, of a person by random id.';
comment on column read.leaks.number is '1, 2, 3 … within the stream.';
comment on column read.leaks.recorded_at is 'When it was recorded.';
comment on column read.leaks.source is 'From where the data leaked.';
comment on column read.leaks.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.leaks to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.leaks to ledger_projector;

create table read.consents (
  purpose   text        not null,
  recipient text        not null,
  given     bigint      not null,
  withdrawn bigint      not null,
  primary key (purpose, recipient)
);

comment on table read.consents is 'How many consents there are, by use and recipient (B12); nobody is named.';
comment on column read.consents.purpose is 'What the data are used for.';
comment on column read.consents.recipient is 'By whom.';
comment on column read.consents.given is 'Consents given.';
comment on column read.consents.withdrawn is 'Consents withdrawn; given less withdrawn stand.';

grant select on read.consents to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.consents to ledger_projector;

create table read.leak_citations (
  subject_id   text        not null,
  item         text        not null,
  number       integer     not null,
  complaint_id text        not null,
  items        bigint      not null,
  primary key (subject_id, item, number, complaint_id)
);
create index on read.leak_citations (complaint_id);

comment on table read.leak_citations is 'The complaints that items of leaks name.';
comment on column read.leak_citations.subject_id is 'The stream: subject-<uuid>, of a person by random id.';
comment on column read.leak_citations.item is 'What names it: leak.';
comment on column read.leak_citations.number is 'Number of the item within the stream.';
comment on column read.leak_citations.complaint_id is 'The complaint.';
comment on column read.leak_citations.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.leak_citations to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.leak_citations to ledger_projector;

create table read.leak_texts (
  subject_id text        not null,
  item       text        not null,
  number     integer     not null,
  field      text        not null,
  part       integer     not null,
  text       text        not null,
  items      bigint      not null,
  primary key (subject_id, item, number, field, part, text)
);

comment on table read.leak_texts is 'What people wrote of the items of leaks: each text in parts of at most 500 characters, to be joined in order of part.';
comment on column read.leak_texts.subject_id is 'The stream: subject-<uuid>, of a person by random id.';
comment on column read.leak_texts.item is 'What it is of: leak (what).';
comment on column read.leak_texts.number is 'Number of the item within the stream.';
comment on column read.leak_texts.field is 'Which text of the item.';
comment on column read.leak_texts.part is '1, 2, 3 … of the text.';
comment on column read.leak_texts.text is 'The part.';
comment on column read.leak_texts.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.leak_texts to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.leak_texts to ledger_projector;
