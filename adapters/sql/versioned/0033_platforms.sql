create table read.platforms (
  platform_id       text        not null,
  version           bigint      not null,
  position          bigint      not null,
  title             text        not null,
  admitted_at       timestamptz not null,
  identifier_scheme text,
  identifier        text,
  items             text        not null,
  primary key (platform_id)
);

comment on table read.platforms is 'Platforms, one row each (E7).';
comment on column read.platforms.platform_id is 'The stream: platform-<uuid>.';
comment on column read.platforms.version is 'Version of the last event that is in the row.';
comment on column read.platforms.position is 'Ledger position of that event.';
comment on column read.platforms.title is 'Name.';
comment on column read.platforms.admitted_at is 'When it became known.';
comment on column read.platforms.identifier_scheme is 'Code list of identifier.';
comment on column read.platforms.identifier is 'Official identifier, where known.';
comment on column read.platforms.items is 'What the tables of items are made of, as canonical JSON; for the projection, not for queries.';

grant select on read.platforms to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.platforms to ledger_projector;

create table read.platform_rules (
  platform_id    text        not null,
  number         integer     not null,
  rule_id        text        not null,
  rule_version   integer     not null,
  digest         text        not null,
  announced_at   timestamptz not null,
  effective_from timestamptz not null,
  ended_at       timestamptz not null,
  items          bigint      not null,
  primary key (platform_id, number, rule_id, rule_version, digest, announced_at, effective_from, ended_at)
);

comment on table read.platform_rules is 'Versions of the rules of platforms (E8).';
comment on column read.platform_rules.platform_id is 'The stream: platform-<uuid>.';
comment on column read.platform_rules.number is '1, 2, 3 … within the stream.';
comment on column read.platform_rules.rule_id is 'The rule.';
comment on column read.platform_rules.rule_version is '1, 2, 3 … of the rule.';
comment on column read.platform_rules.digest is 'SHA-256 of the text.';
comment on column read.platform_rules.announced_at is 'When it was announced.';
comment on column read.platform_rules.effective_from is 'From when on it is in force.';
comment on column read.platform_rules.ended_at is 'Before when: another version, or withdrawn; 9999-12-30 00:00 UTC: never, or not yet. Not after effective_from: it never was in force.';
comment on column read.platform_rules.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.platform_rules to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.platform_rules to ledger_projector;

create table read.platform_membership_changes (
  platform_id  text        not null,
  number       integer     not null,
  hidden       boolean     not null,
  told_at      timestamptz not null,
  effective_at timestamptz not null,
  violation    text        not null,
  items        bigint      not null,
  primary key (platform_id, number, hidden, told_at, effective_at, violation)
);

comment on table read.platform_membership_changes is 'Changes of membership programmes, announced or found hidden (E3).';
comment on column read.platform_membership_changes.platform_id is 'The stream: platform-<uuid>.';
comment on column read.platform_membership_changes.number is '1, 2, 3 … within the stream.';
comment on column read.platform_membership_changes.hidden is 'Whether it was found without an announcement.';
comment on column read.platform_membership_changes.told_at is 'When it was announced, or found.';
comment on column read.platform_membership_changes.effective_at is 'When it takes effect, or took it.';
comment on column read.platform_membership_changes.violation is 'Violation code; empty for what was announced.';
comment on column read.platform_membership_changes.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.platform_membership_changes to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.platform_membership_changes to ledger_projector;

create table read.platform_notices (
  platform_id text        not null,
  number      integer     not null,
  office_id   text        not null,
  merchant_id text        not null,
  given_at    timestamptz not null,
  due_at      timestamptz not null,
  missed_at   timestamptz not null,
  declined_at timestamptz not null,
  answered_at timestamptz not null,
  late        boolean     not null,
  measure_id  text        not null,
  items       bigint      not null,
  primary key (platform_id, number, office_id, merchant_id, given_at, due_at, missed_at, declined_at, answered_at, late, measure_id)
);
create index on read.platform_notices (merchant_id);

comment on table read.platform_notices is 'Notices of authorities to platforms, and what came of them (E7).';
comment on column read.platform_notices.platform_id is 'The stream: platform-<uuid>.';
comment on column read.platform_notices.number is '1, 2, 3 … within the stream.';
comment on column read.platform_notices.office_id is 'Who gave it.';
comment on column read.platform_notices.merchant_id is 'On whom a measure is demanded.';
comment on column read.platform_notices.given_at is 'When.';
comment on column read.platform_notices.due_at is 'Last instant of its term; 9999-12-30 00:00 UTC: never, or not yet.';
comment on column read.platform_notices.missed_at is 'When the term passed, as recorded; 9999-12-30 00:00 UTC: never, or not yet.';
comment on column read.platform_notices.declined_at is 'When the platform declined it; 9999-12-30 00:00 UTC: never, or not yet.';
comment on column read.platform_notices.answered_at is 'When the measure was imposed; 9999-12-30 00:00 UTC: never, or not yet.';
comment on column read.platform_notices.late is 'Whether the answer, or else the refusal, came after the term.';
comment on column read.platform_notices.measure_id is 'The measure; or empty.';
comment on column read.platform_notices.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.platform_notices to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.platform_notices to ledger_projector;

create table read.platform_privacy_audits (
  platform_id text        not null,
  number      integer     not null,
  first_day   date        not null,
  last_day    date        not null,
  recorded_at timestamptz not null,
  findings    integer     not null,
  conforms    boolean     not null,
  digest      text        not null,
  items       bigint      not null,
  primary key (platform_id, number, first_day, last_day, recorded_at, findings, conforms, digest)
);

comment on table read.platform_privacy_audits is 'Audits of how platforms handle personal data (D7).';
comment on column read.platform_privacy_audits.platform_id is 'The stream: platform-<uuid>.';
comment on column read.platform_privacy_audits.number is '1, 2, 3 … within the stream.';
comment on column read.platform_privacy_audits.first_day is 'First day audited.';
comment on column read.platform_privacy_audits.last_day is 'Last day audited.';
comment on column read.platform_privacy_audits.recorded_at is 'When it was recorded.';
comment on column read.platform_privacy_audits.findings is 'How many findings.';
comment on column read.platform_privacy_audits.conforms is 'Whether it was passed.';
comment on column read.platform_privacy_audits.digest is 'SHA-256 of the report.';
comment on column read.platform_privacy_audits.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.platform_privacy_audits to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.platform_privacy_audits to ledger_projector;

create table read.platform_reports (
  platform_id text        not null,
  first_day   date        not null,
  last_day    date        not null,
  edition     integer     not null,
  reported_at timestamptz not null,
  items       bigint      not null,
  primary key (platform_id, first_day, last_day, edition, reported_at)
);

comment on table read.platform_reports is 'Reports of platforms on their merchants (D7): the newest edition of each period.';
comment on column read.platform_reports.platform_id is 'The stream: platform-<uuid>.';
comment on column read.platform_reports.first_day is 'First day of the period.';
comment on column read.platform_reports.last_day is 'Last day of it.';
comment on column read.platform_reports.edition is 'How often this period was reported.';
comment on column read.platform_reports.reported_at is 'When this edition was.';
comment on column read.platform_reports.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.platform_reports to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.platform_reports to ledger_projector;

create table read.platform_report_violations (
  platform_id text        not null,
  first_day   date        not null,
  last_day    date        not null,
  place       integer     not null,
  merchant_id text        not null,
  violation   text        not null,
  measure_id  text        not null,
  items       bigint      not null,
  primary key (platform_id, first_day, last_day, place, merchant_id, violation, measure_id)
);
create index on read.platform_report_violations (merchant_id);

comment on table read.platform_report_violations is 'What a report says that merchants did.';
comment on column read.platform_report_violations.platform_id is 'The stream: platform-<uuid>.';
comment on column read.platform_report_violations.first_day is 'First day of the period.';
comment on column read.platform_report_violations.last_day is 'Last day of it.';
comment on column read.platform_report_violations.place is 'Place in the report, from 1.';
comment on column read.platform_report_violations.merchant_id is 'The merchant.';
comment on column read.platform_report_violations.violation is 'Violation code.';
comment on column read.platform_report_violations.measure_id is 'The measure that the platform took; or empty.';
comment on column read.platform_report_violations.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.platform_report_violations to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.platform_report_violations to ledger_projector;

create table read.platform_report_complaints (
  platform_id  text        not null,
  first_day    date        not null,
  last_day     date        not null,
  place        integer     not null,
  complaint_id text        not null,
  items        bigint      not null,
  primary key (platform_id, first_day, last_day, place, complaint_id)
);
create index on read.platform_report_complaints (complaint_id);

comment on table read.platform_report_complaints is 'The complaints that show what a report says.';
comment on column read.platform_report_complaints.platform_id is 'The stream: platform-<uuid>.';
comment on column read.platform_report_complaints.first_day is 'First day of the period.';
comment on column read.platform_report_complaints.last_day is 'Last day of it.';
comment on column read.platform_report_complaints.place is 'Place of the violation in the report, from 1.';
comment on column read.platform_report_complaints.complaint_id is 'The complaint.';
comment on column read.platform_report_complaints.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.platform_report_complaints to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.platform_report_complaints to ledger_projector;

create table read.platform_citations (
  platform_id  text        not null,
  item         text        not null,
  number       integer     not null,
  complaint_id text        not null,
  items        bigint      not null,
  primary key (platform_id, item, number, complaint_id)
);
create index on read.platform_citations (complaint_id);

comment on table read.platform_citations is 'The complaints that items of platforms name.';
comment on column read.platform_citations.platform_id is 'The stream: platform-<uuid>.';
comment on column read.platform_citations.item is 'What names it: notice or membership_change.';
comment on column read.platform_citations.number is 'Number of the item within the stream.';
comment on column read.platform_citations.complaint_id is 'The complaint.';
comment on column read.platform_citations.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.platform_citations to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.platform_citations to ledger_projector;

create table read.platform_texts (
  platform_id text        not null,
  item        text        not null,
  number      integer     not null,
  field       text        not null,
  part        integer     not null,
  text        text        not null,
  items       bigint      not null,
  primary key (platform_id, item, number, field, part, text)
);

comment on table read.platform_texts is 'What people wrote of the items of platforms: each text in parts of at most 500 characters, to be joined in order of part.';
comment on column read.platform_texts.platform_id is 'The stream: platform-<uuid>.';
comment on column read.platform_texts.item is 'What it is of: rule (title), membership_change (programme, change), notice (demand, basis, reason), privacy_audit (auditor, scope, finding_1 …).';
comment on column read.platform_texts.number is 'Number of the item within the stream.';
comment on column read.platform_texts.field is 'Which text of the item.';
comment on column read.platform_texts.part is '1, 2, 3 … of the text.';
comment on column read.platform_texts.text is 'The part.';
comment on column read.platform_texts.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.platform_texts to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.platform_texts to ledger_projector;
