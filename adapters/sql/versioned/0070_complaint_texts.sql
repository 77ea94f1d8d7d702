create table private.complaint_texts (
  complaint_id text        not null,
  version      bigint      not null,
  position     bigint      not null,
  filed_at     timestamptz not null,
  length       integer     not null,
  words        tsvector    not null,
  primary key (complaint_id)
);
-- What waits to be sorted into the index is read through by each search.
create index complaint_texts_words on private.complaint_texts using gin (words) with (gin_pending_list_limit = 1024);
-- Words that very many have are found by looking through the newest complaints.
create index complaint_texts_filed on private.complaint_texts (filed_at, complaint_id);

comment on table private.complaint_texts is 'The words of all that was written in the course of a complaint, for search; personal data, not for analysts. The texts themselves are in the ledger only.';
comment on column private.complaint_texts.complaint_id is 'The stream: complaint-<uuid>.';
comment on column private.complaint_texts.version is 'Version of the last event with a text.';
comment on column private.complaint_texts.position is 'Ledger position of that event.';
comment on column private.complaint_texts.filed_at is 'When it was filed, as in read.complaint_details; for the order of pages.';
comment on column private.complaint_texts.length is 'Last place taken; 16000: what was written after that is not kept.';
comment on column private.complaint_texts.words is 'Words with their places, cut as docs/definitions.md says under "Search".';

grant select on private.complaint_texts to ledger_api;
grant select, insert, update, delete on private.complaint_texts to ledger_projector;
