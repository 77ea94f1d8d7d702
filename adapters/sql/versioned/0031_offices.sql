create table read.offices (
  office_id      text        not null,
  version        bigint      not null,
  position       bigint      not null,
  title          text        not null,
  level          text        not null,
  division       text        not null,
  superior       text,
  established_at timestamptz not null,
  items          text        not null,
  primary key (office_id)
);

comment on table read.offices is 'Offices of the authority and bodies that mediate, one row each.';
comment on column read.offices.office_id is 'The stream: office-<uuid>.';
comment on column read.offices.version is 'Version of the last event that is in the row.';
comment on column read.offices.position is 'Ledger position of that event.';
comment on column read.offices.title is 'Name.';
comment on column read.offices.level is 'national, province, city, county or station.';
comment on column read.offices.division is 'Administrative division, GB/T 2260.';
comment on column read.offices.superior is 'The office above it; null at the top.';
comment on column read.offices.established_at is 'When it was established.';
comment on column read.offices.items is 'What the tables of items are made of, as canonical JSON; for the projection, not for queries.';

grant select on read.offices to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.offices to ledger_projector;

create table read.office_mediators (
  office_id   text        not null,
  number      integer     not null,
  mediator_id text        not null,
  kind        text        not null,
  capacity    integer     not null,
  enrolled_at timestamptz not null,
  released_at timestamptz not null,
  items       bigint      not null,
  primary key (office_id, number, mediator_id, kind, capacity, enrolled_at, released_at)
);

comment on table read.office_mediators is 'Mediators of offices, also those released (D9).';
comment on column read.office_mediators.office_id is 'The stream: office-<uuid>.';
comment on column read.office_mediators.number is '1, 2, 3 … within the stream.';
comment on column read.office_mediators.mediator_id is 'Random id of the mediator.';
comment on column read.office_mediators.kind is 'What the mediator is: person, association, peoples_committee, institution or software.';
comment on column read.office_mediators.capacity is 'Most cases at a time.';
comment on column read.office_mediators.enrolled_at is 'From when on.';
comment on column read.office_mediators.released_at is 'Until when; 9999-12-30 00:00 UTC: never, or not yet.';
comment on column read.office_mediators.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.office_mediators to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.office_mediators to ledger_projector;

create table read.office_mediator_classes (
  office_id text        not null,
  mediator  integer     not null,
  class     text        not null,
  items     bigint      not null,
  primary key (office_id, mediator, class)
);

comment on table read.office_mediator_classes is 'Kinds of product that a mediator takes; none here: any.';
comment on column read.office_mediator_classes.office_id is 'The stream: office-<uuid>.';
comment on column read.office_mediator_classes.mediator is 'Number of the enrolment in read.office_mediators.';
comment on column read.office_mediator_classes.class is 'Kind of product.';
comment on column read.office_mediator_classes.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.office_mediator_classes to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.office_mediator_classes to ledger_projector;

create table read.office_conflicts (
  office_id   text        not null,
  number      integer     not null,
  mediator_id text        not null,
  party_id    text        not null,
  declared_at timestamptz not null,
  items       bigint      not null,
  primary key (office_id, number, mediator_id, party_id, declared_at)
);

comment on table read.office_conflicts is 'Whom a mediator must not judge; that holds after a release too (D9).';
comment on column read.office_conflicts.office_id is 'The stream: office-<uuid>.';
comment on column read.office_conflicts.number is '1, 2, 3 … within the stream.';
comment on column read.office_conflicts.mediator_id is 'Random id of the mediator.';
comment on column read.office_conflicts.party_id is 'The merchant, consumer, platform or payment provider.';
comment on column read.office_conflicts.declared_at is 'From when on.';
comment on column read.office_conflicts.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.office_conflicts to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.office_conflicts to ledger_projector;

create table read.office_warnings (
  office_id text        not null,
  number    integer     not null,
  year      integer     not null,
  issued_at timestamptz not null,
  theme     text        not null,
  items     bigint      not null,
  primary key (office_id, number, year, issued_at, theme)
);

comment on table read.office_warnings is 'Warnings to the public (B5); read.office_citations has the complaints.';
comment on column read.office_warnings.office_id is 'The stream: office-<uuid>.';
comment on column read.office_warnings.number is '1, 2, 3 … within the stream.';
comment on column read.office_warnings.year is 'Year of issue in Shanghai.';
comment on column read.office_warnings.issued_at is 'When.';
comment on column read.office_warnings.theme is 'What the complaints have in common.';
comment on column read.office_warnings.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.office_warnings to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.office_warnings to ledger_projector;

create table read.office_yearly_lists (
  office_id    text        not null,
  year         integer     not null,
  edition      integer     not null,
  published_at timestamptz not null,
  items        bigint      not null,
  primary key (office_id, year, edition, published_at)
);

comment on table read.office_yearly_lists is 'Curated lists of the warnings of a year, each edition (B5).';
comment on column read.office_yearly_lists.office_id is 'The stream: office-<uuid>.';
comment on column read.office_yearly_lists.year is 'The year.';
comment on column read.office_yearly_lists.edition is '1, 2, 3 …; the highest counts.';
comment on column read.office_yearly_lists.published_at is 'When.';
comment on column read.office_yearly_lists.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.office_yearly_lists to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.office_yearly_lists to ledger_projector;

create table read.office_yearly_entries (
  office_id text        not null,
  year      integer     not null,
  edition   integer     not null,
  place     integer     not null,
  warning   integer     not null,
  items     bigint      not null,
  primary key (office_id, year, edition, place, warning)
);

comment on table read.office_yearly_entries is 'The warnings on a yearly list, in its order.';
comment on column read.office_yearly_entries.office_id is 'The stream: office-<uuid>.';
comment on column read.office_yearly_entries.year is 'The year.';
comment on column read.office_yearly_entries.edition is 'Edition of the list.';
comment on column read.office_yearly_entries.place is 'Place on the list, from 1.';
comment on column read.office_yearly_entries.warning is 'Number of the warning.';
comment on column read.office_yearly_entries.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.office_yearly_entries to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.office_yearly_entries to ledger_projector;

create table read.office_external_figures (
  office_id text        not null,
  number    integer     not null,
  year      integer     not null,
  edition   integer     not null,
  items     bigint      not null,
  primary key (office_id, number, year, edition)
);

comment on table read.office_external_figures is 'Figures of others that a yearly list quotes; never counted here. read.office_texts has source, what and value.';
comment on column read.office_external_figures.office_id is 'The stream: office-<uuid>.';
comment on column read.office_external_figures.number is '1, 2, 3 … within the stream.';
comment on column read.office_external_figures.year is 'The year.';
comment on column read.office_external_figures.edition is 'Edition of the list.';
comment on column read.office_external_figures.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.office_external_figures to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.office_external_figures to ledger_projector;

create table read.office_evaluations (
  office_id               text        not null,
  number                  integer     not null,
  edition                 integer     not null,
  evaluated_id            text        not null,
  first_day               date        not null,
  last_day                date        not null,
  recorded_at             timestamptz not null,
  cases                   bigint      not null,
  resolution_hours_median bigint      not null,
  satisfaction_permille   integer     not null,
  success_permille        integer     not null,
  items                   bigint      not null,
  primary key (office_id, number, edition, evaluated_id, first_day, last_day, recorded_at, cases, resolution_hours_median, satisfaction_permille, success_permille)
);

comment on table read.office_evaluations is 'Evaluations of a quarter or half-year (D6), each edition.';
comment on column read.office_evaluations.office_id is 'The stream: office-<uuid>.';
comment on column read.office_evaluations.number is '1, 2, 3 … within the stream.';
comment on column read.office_evaluations.edition is 'Of the same one and period; the highest counts.';
comment on column read.office_evaluations.evaluated_id is 'The platform, office, fund or merchant.';
comment on column read.office_evaluations.first_day is 'First day of the period.';
comment on column read.office_evaluations.last_day is 'Last day of it.';
comment on column read.office_evaluations.recorded_at is 'When it was recorded.';
comment on column read.office_evaluations.cases is 'Cases in the period.';
comment on column read.office_evaluations.resolution_hours_median is 'Median of the hours to resolve.';
comment on column read.office_evaluations.satisfaction_permille is 'Satisfied, of 1,000.';
comment on column read.office_evaluations.success_permille is 'Mediated with success, of 1,000.';
comment on column read.office_evaluations.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.office_evaluations to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.office_evaluations to ledger_projector;

create table read.office_findings (
  office_id   text        not null,
  number      integer     not null,
  evaluation  integer     not null,
  found_at    timestamptz not null,
  measured_at timestamptz not null,
  measured_by integer     not null,
  items       bigint      not null,
  primary key (office_id, number, evaluation, found_at, measured_at, measured_by)
);

comment on table read.office_findings is 'What evaluations show has to change, and whether it was measured again (D12).';
comment on column read.office_findings.office_id is 'The stream: office-<uuid>.';
comment on column read.office_findings.number is '1, 2, 3 … within the stream.';
comment on column read.office_findings.evaluation is 'Number of the evaluation.';
comment on column read.office_findings.found_at is 'When.';
comment on column read.office_findings.measured_at is 'When it was measured again, which closes it; 9999-12-30 00:00 UTC: never, or not yet.';
comment on column read.office_findings.measured_by is 'Number of the later evaluation; 0: none yet.';
comment on column read.office_findings.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.office_findings to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.office_findings to ledger_projector;

create table read.office_actions (
  office_id text        not null,
  number    integer     not null,
  finding   integer     not null,
  taken_at  timestamptz not null,
  items     bigint      not null,
  primary key (office_id, number, finding, taken_at)
);

comment on table read.office_actions is 'What was done about findings (D12).';
comment on column read.office_actions.office_id is 'The stream: office-<uuid>.';
comment on column read.office_actions.number is '1, 2, 3 … within the stream.';
comment on column read.office_actions.finding is 'Number of the finding.';
comment on column read.office_actions.taken_at is 'When.';
comment on column read.office_actions.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.office_actions to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.office_actions to ledger_projector;

create table read.office_citations (
  office_id    text        not null,
  item         text        not null,
  number       integer     not null,
  complaint_id text        not null,
  items        bigint      not null,
  primary key (office_id, item, number, complaint_id)
);
create index on read.office_citations (complaint_id);

comment on table read.office_citations is 'The complaints that items of offices name.';
comment on column read.office_citations.office_id is 'The stream: office-<uuid>.';
comment on column read.office_citations.item is 'What names it: warning.';
comment on column read.office_citations.number is 'Number of the item within the stream.';
comment on column read.office_citations.complaint_id is 'The complaint.';
comment on column read.office_citations.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.office_citations to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.office_citations to ledger_projector;

create table read.office_texts (
  office_id text        not null,
  item      text        not null,
  number    integer     not null,
  field     text        not null,
  part      integer     not null,
  text      text        not null,
  items     bigint      not null,
  primary key (office_id, item, number, field, part, text)
);

comment on table read.office_texts is 'What people wrote of the items of offices: each text in parts of at most 500 characters, to be joined in order of part.';
comment on column read.office_texts.office_id is 'The stream: office-<uuid>.';
comment on column read.office_texts.item is 'What it is of: mediator (reason), warning (text), external_figure (source, what, value), finding (text), action (text).';
comment on column read.office_texts.number is 'Number of the item within the stream.';
comment on column read.office_texts.field is 'Which text of the item.';
comment on column read.office_texts.part is '1, 2, 3 … of the text.';
comment on column read.office_texts.text is 'The part.';
comment on column read.office_texts.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.office_texts to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.office_texts to ledger_projector;
