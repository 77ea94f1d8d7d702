-- What came of requests, by the day on which it happened; rows and sums come with the next version of the read model.
alter table read.complaint_details
  add column mediated_at timestamptz,
  add column penalty_at timestamptz,
  add column payments text not null default '',
  add column damages text not null default '';
comment on column read.complaint_details.mediated_at is 'When mediation ended, in the last round, with an agreement or without.';
comment on column read.complaint_details.penalty_at is 'When a penalty was imposed after a report.';
comment on column read.complaint_details.payments is 'Days on which what is in recovered_fen was paid, as day=fen with spaces between.';
comment on column read.complaint_details.damages is 'Days on which what is in punitive_fen was paid, as day=fen with spaces between.';

create table read.flows (
  dimension text not null,
  scheme text not null,
  key text not null,
  grain text not null,
  first_day date not null,
  received bigint not null,
  checked bigint not null,
  checked_on_time bigint not null,
  accepted bigint not null,
  answered bigint not null,
  answered_on_time bigint not null,
  ended bigint not null,
  resolved bigint not null,
  withdrawn bigint not null,
  mediated bigint not null,
  mediation_succeeded bigint not null,
  concluded bigint not null,
  concluded_on_time bigint not null,
  verified bigint not null,
  verified_on_time bigint not null,
  cases_filed bigint not null,
  fines bigint not null,
  fine_fen bigint not null,
  recovered_fen bigint not null,
  punitive_cases bigint not null,
  punitive_fen bigint not null,
  primary key (dimension, grain, first_day, scheme, key)
) with (fillfactor = 80);
create index flows_key on read.flows (dimension, key, grain, first_day);

comment on table read.flows is
  'What came of requests, by the day on which it happened, for one dimension and length of time: choose one of both. What was filed by the same keys is in read.resolution_statistics; the measures are those of that table. See "By day of the event" in docs/definitions.md.';
comment on column read.flows.dimension is 'all, kind, merchant, region, channel, register or office.';
comment on column read.flows.scheme is 'Code list of key, empty where there is none.';
comment on column read.flows.key is 'Value of the dimension; empty where it is not known. Merchants and offices by id.';
comment on column read.flows.grain is 'day or month.';
comment on column read.flows.first_day is 'The day in Shanghai on which it happened, or the first day of its month.';
comment on column read.flows.received is 'Requests that an office received first.';
comment on column read.flows.checked is 'Complaints on whose acceptance an office decided.';
comment on column read.flows.checked_on_time is 'Complaints on whose acceptance an office decided in time.';
comment on column read.flows.accepted is 'Complaints that were accepted, and stand so.';
comment on column read.flows.answered is 'Valid complaints that were answered.';
comment on column read.flows.answered_on_time is 'Valid complaints that were answered in time.';
comment on column read.flows.ended is 'Valid complaints that came to the end at which they stand: resolved or closed.';
comment on column read.flows.resolved is 'Of these, those that were resolved, and stand so.';
comment on column read.flows.withdrawn is 'Complaints that the consumer withdrew.';
comment on column read.flows.mediated is 'Valid complaints whose mediation ended, with an agreement or without.';
comment on column read.flows.mediation_succeeded is 'Valid complaints whose mediation ended with an agreement.';
comment on column read.flows.concluded is 'Requests whose file was closed.';
comment on column read.flows.concluded_on_time is 'Requests whose file was closed, and the term of mediation did not pass before.';
comment on column read.flows.verified is 'Reports whose verification ended.';
comment on column read.flows.verified_on_time is 'Reports whose verification ended in time.';
comment on column read.flows.cases_filed is 'Reports that led to a case.';
comment on column read.flows.fines is 'Reports after which a fine was imposed that stands.';
comment on column read.flows.fine_fen is 'Sum of these fines as they stand, in fen; CNY only.';
comment on column read.flows.recovered_fen is 'Money that was paid to consumers of valid complaints, in fen, without punitive damages; CNY only.';
comment on column read.flows.punitive_cases is 'Valid complaints in which punitive damages were first paid.';
comment on column read.flows.punitive_fen is 'Punitive damages that were paid in valid complaints, in fen; CNY only.';

comment on column read.durations.first_day is 'The day of filing in Shanghai (with resolved: of the resolution), or the first day of its month or year.';
comment on column read.durations.what is
  'answer: from being sent to the merchant to its answer; resolution: from the filing to the resolution; resolved: the same by the day of the resolution, of the dimension all only.';
comment on column read.office_evaluations.cases is 'Valid complaints that ended in the period.';

grant select on read.flows to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.flows to ledger_projector;
