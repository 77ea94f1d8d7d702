-- Figures of an evaluation may be unknown, say of how many cases they are, and as of which position they were computed.
create temporary table evaluations_before on commit drop as select * from read.office_evaluations;
drop table read.office_evaluations;

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
  resolved                bigint      not null,
  rated                   bigint      not null,
  as_of                   bigint      not null,
  items                   bigint      not null,
  primary key (office_id, number, edition, evaluated_id, first_day, last_day, recorded_at, cases, resolution_hours_median, satisfaction_permille, success_permille, resolved, rated, as_of)
);

comment on table read.office_evaluations is 'Evaluations of a quarter or half-year (D6), each edition; they never change. See "Periodic evaluation" in docs/definitions.md.';
comment on column read.office_evaluations.office_id is 'The stream: office-<uuid>.';
comment on column read.office_evaluations.number is '1, 2, 3 … within the stream.';
comment on column read.office_evaluations.edition is 'Of the same one and period; the highest counts.';
comment on column read.office_evaluations.evaluated_id is 'The platform, office, fund or merchant.';
comment on column read.office_evaluations.first_day is 'First day of the period.';
comment on column read.office_evaluations.last_day is 'Last day of it.';
comment on column read.office_evaluations.recorded_at is 'When it was recorded.';
comment on column read.office_evaluations.cases is 'Valid complaints filed in the period.';
comment on column read.office_evaluations.resolution_hours_median is 'Median of the hours from the filing to the resolution; -1: none.';
comment on column read.office_evaluations.satisfaction_permille is 'Told 4 or 5 of 5, of 1,000 who told; -1: none.';
comment on column read.office_evaluations.success_permille is 'Resolved, of 1,000 cases; -1: not given.';
comment on column read.office_evaluations.resolved is 'Of how many resolved cases the median is; -1: not given.';
comment on column read.office_evaluations.rated is 'How many consumers told; -1: not given.';
comment on column read.office_evaluations.as_of is 'Position that the figures were complete to when they were computed; 0: somebody gave them.';
comment on column read.office_evaluations.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.office_evaluations to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.office_evaluations to ledger_projector;

insert into read.office_evaluations
select office_id, number, edition, evaluated_id, first_day, last_day, recorded_at, cases, resolution_hours_median,
       satisfaction_permille, success_permille, -1, -1, 0, items
from evaluations_before;
