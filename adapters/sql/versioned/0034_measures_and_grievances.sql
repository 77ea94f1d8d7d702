create table read.measures (
  measure_id   text        not null,
  version      bigint      not null,
  position     bigint      not null,
  status       text        not null,
  target_id    text        not null,
  imposed_by   text        not null,
  ladder       text        not null,
  kind         text        not null,
  imposed_at   timestamptz not null,
  reason       text        not null,
  basis        text        not null,
  case_number  text,
  rule_id      text,
  rule_version integer,
  amount_fen   bigint,
  currency     text,
  ends_due     timestamptz,
  violation    text,
  notice       integer,
  report_id    text,
  contested_by text,
  counts       boolean     not null,
  paid_fen     bigint      not null,
  claimed_fen  bigint,
  awarded_fen  bigint,
  ended_at     timestamptz,
  ending       text,
  items        text        not null,
  primary key (measure_id)
);
create index on read.measures (target_id);

comment on table read.measures is 'Measures of platforms and penalties of authorities (E1, E2), as they stand now.';
comment on column read.measures.measure_id is 'The stream: measure-<uuid>.';
comment on column read.measures.version is 'Version of the last event that is in the row.';
comment on column read.measures.position is 'Ledger position of that event.';
comment on column read.measures.status is 'in_force, contested, ended or revoked, as recorded.';
comment on column read.measures.target_id is 'The merchant or platform that it is on.';
comment on column read.measures.imposed_by is 'The platform or office.';
comment on column read.measures.ladder is 'platform or authority.';
comment on column read.measures.kind is 'What it does, as decided last.';
comment on column read.measures.imposed_at is 'From when on.';
comment on column read.measures.reason is 'Why.';
comment on column read.measures.basis is 'The law or rule.';
comment on column read.measures.case_number is 'Case number of a penalty.';
comment on column read.measures.rule_id is 'Rule of the platform.';
comment on column read.measures.rule_version is 'Version of that rule.';
comment on column read.measures.amount_fen is 'Fine or confiscation, in hundredths of currency, as decided last.';
comment on column read.measures.currency is 'ISO 4217, of all its amounts that are of the fine.';
comment on column read.measures.ends_due is 'Last instant, if it has an end.';
comment on column read.measures.violation is 'Violation code.';
comment on column read.measures.notice is 'Number of the notice that it answers.';
comment on column read.measures.report_id is 'The report (complaint) of which it is the penalty.';
comment on column read.measures.contested_by is 'appeal, review or suit that is open now.';
comment on column read.measures.counts is 'Whether it counts in credit; not once it is revoked.';
comment on column read.measures.paid_fen is 'Paid and not to be paid back.';
comment on column read.measures.claimed_fen is 'Damages claimed last.';
comment on column read.measures.awarded_fen is 'Damages awarded.';
comment on column read.measures.ended_at is 'When it ended, as recorded.';
comment on column read.measures.ending is 'lifted, ended (by time) or revoked.';
comment on column read.measures.items is 'What the tables of items are made of, as canonical JSON; for the projection, not for queries.';

grant select on read.measures to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.measures to ledger_projector;

create table read.measure_remedies (
  measure_id   text        not null,
  number       integer     not null,
  remedy       text        not null,
  begun_at     timestamptz not null,
  decision_due timestamptz not null,
  missed_at    timestamptz not null,
  ended_at     timestamptz not null,
  outcome      text        not null,
  items        bigint      not null,
  primary key (measure_id, number, remedy, begun_at, decision_due, missed_at, ended_at, outcome)
);

comment on table read.measure_remedies is 'What was done against measures: appeal, review, suit (E2).';
comment on column read.measure_remedies.measure_id is 'The stream: measure-<uuid>.';
comment on column read.measure_remedies.number is '1, 2, 3 … within the stream.';
comment on column read.measure_remedies.remedy is 'appeal, review or suit.';
comment on column read.measure_remedies.begun_at is 'When.';
comment on column read.measure_remedies.decision_due is 'Last instant to decide; 9999-12-30 00:00 UTC: never, or not yet.';
comment on column read.measure_remedies.missed_at is 'When that passed, as recorded; 9999-12-30 00:00 UTC: never, or not yet.';
comment on column read.measure_remedies.ended_at is 'When it was decided or withdrawn; 9999-12-30 00:00 UTC: never, or not yet.';
comment on column read.measure_remedies.outcome is 'upheld, varied, revoked or withdrawn; empty while it is open.';
comment on column read.measure_remedies.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.measure_remedies to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.measure_remedies to ledger_projector;

create table read.measure_complaints (
  measure_id   text        not null,
  complaint_id text        not null,
  items        bigint      not null,
  primary key (measure_id, complaint_id)
);
create index on read.measure_complaints (complaint_id);

comment on table read.measure_complaints is 'The complaints that a measure rests on.';
comment on column read.measure_complaints.measure_id is 'The stream: measure-<uuid>.';
comment on column read.measure_complaints.complaint_id is 'The complaint.';
comment on column read.measure_complaints.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.measure_complaints to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.measure_complaints to ledger_projector;

create table read.measure_grievances (
  measure_id   text        not null,
  grievance_id text        not null,
  items        bigint      not null,
  primary key (measure_id, grievance_id)
);
create index on read.measure_grievances (grievance_id);

comment on table read.measure_grievances is 'The grievances of merchants that a measure on a platform rests on.';
comment on column read.measure_grievances.measure_id is 'The stream: measure-<uuid>.';
comment on column read.measure_grievances.grievance_id is 'The grievance.';
comment on column read.measure_grievances.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.measure_grievances to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.measure_grievances to ledger_projector;

create table read.measure_texts (
  measure_id text        not null,
  item       text        not null,
  number     integer     not null,
  field      text        not null,
  part       integer     not null,
  text       text        not null,
  items      bigint      not null,
  primary key (measure_id, item, number, field, part, text)
);

comment on table read.measure_texts is 'What people wrote of the items of measures: each text in parts of at most 500 characters, to be joined in order of part.';
comment on column read.measure_texts.measure_id is 'The stream: measure-<uuid>.';
comment on column read.measure_texts.item is 'What it is of: remedy (grounds, body, reference, reason, reasons).';
comment on column read.measure_texts.number is 'Number of the item within the stream.';
comment on column read.measure_texts.field is 'Which text of the item.';
comment on column read.measure_texts.part is '1, 2, 3 … of the text.';
comment on column read.measure_texts.text is 'The part.';
comment on column read.measure_texts.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.measure_texts to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.measure_texts to ledger_projector;

create table read.grievances (
  grievance_id    text        not null,
  version         bigint      not null,
  position        bigint      not null,
  status          text        not null,
  merchant_id     text        not null,
  platform_id     text        not null,
  violation       text        not null,
  complained_at   timestamptz not null,
  claim_fen       bigint,
  claim_currency  text,
  answer_due      timestamptz,
  missed_at       timestamptz,
  answered_at     timestamptz,
  answered_late   boolean,
  office_id       text,
  taken_up_at     timestamptz,
  ended_at        timestamptz,
  upheld          boolean,
  found_violation text,
  items           text        not null,
  primary key (grievance_id)
);

comment on table read.grievances is 'What merchants complain of about platforms (E9), apart from the complaints of consumers.';
comment on column read.grievances.grievance_id is 'The stream: grievance-<uuid>.';
comment on column read.grievances.version is 'Version of the last event that is in the row.';
comment on column read.grievances.position is 'Ledger position of that event.';
comment on column read.grievances.status is 'open, answered, unanswered, taken_up, settled, decided or withdrawn, as recorded.';
comment on column read.grievances.merchant_id is 'Who complains.';
comment on column read.grievances.platform_id is 'About whom.';
comment on column read.grievances.violation is 'Violation code complained of.';
comment on column read.grievances.complained_at is 'When.';
comment on column read.grievances.claim_fen is 'Amount claimed, in hundredths of claim_currency.';
comment on column read.grievances.claim_currency is 'ISO 4217.';
comment on column read.grievances.answer_due is 'Last instant for an answer.';
comment on column read.grievances.missed_at is 'When that passed without one, as recorded.';
comment on column read.grievances.answered_at is 'When the platform answered.';
comment on column read.grievances.answered_late is 'Whether that was after its term; null without an answer.';
comment on column read.grievances.office_id is 'The office that took it up.';
comment on column read.grievances.taken_up_at is 'When.';
comment on column read.grievances.ended_at is 'When it was settled, decided or withdrawn.';
comment on column read.grievances.upheld is 'Whether it was upheld; null where not decided.';
comment on column read.grievances.found_violation is 'Violation code that was found.';
comment on column read.grievances.items is 'What the tables of items are made of, as canonical JSON; for the projection, not for queries.';

grant select on read.grievances to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.grievances to ledger_projector;

create table read.grievance_consequences (
  grievance_id   text        not null,
  consequence_id text        not null,
  items          bigint      not null,
  primary key (grievance_id, consequence_id)
);

comment on table read.grievance_consequences is 'What rests on a grievance elsewhere.';
comment on column read.grievance_consequences.grievance_id is 'The stream: grievance-<uuid>.';
comment on column read.grievance_consequences.consequence_id is 'The stream: a measure.';
comment on column read.grievance_consequences.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.grievance_consequences to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.grievance_consequences to ledger_projector;
