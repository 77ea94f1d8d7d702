-- Rows and sums of the measures as docs/definitions.md defines them. What was there under the earlier definitions is
-- rebuilt from Kafka.
truncate read.complaint_details, read.resolution_statistics;
delete from read.progress where projection = 'complaint_details';
delete from read.parked where projection = 'complaint_details';
delete from read.active where projection = 'complaint_details';

alter table read.complaint_details
  add column scenario text,
  add column scenario_confidence integer,
  add column stage text,
  add column violation text,
  add column platform text,
  add column order_reference text,
  add column dispute_fen bigint not null,
  add column consumers integer not null,
  add column received_at timestamptz,
  add column checked_at timestamptz,
  add column checked_on_time boolean,
  add column acceptance_missed boolean not null,
  add column answer_missed boolean not null,
  add column resolution_missed boolean not null,
  add column mediation_missed boolean not null,
  add column mediated boolean,
  add column reopened_soon integer not null,
  add column paid_when_withdrawn boolean not null,
  add column called_back boolean not null,
  add column person_requests integer not null,
  add column persons_reached integer not null,
  add column sessions_cut integer not null,
  add column suggestions integer not null,
  add column suggestions_taken integer not null,
  add column verified_at timestamptz,
  add column verified_on_time boolean,
  add column verification_missed boolean not null,
  add column case_filed boolean not null,
  add column penalty_on text,
  add column fined boolean not null,
  add column fine_fen bigint not null,
  add column reward_fen bigint not null,
  add column transfers text not null,
  add column consequences integer not null,
  add column clocks text not null,
  add column next_due timestamptz,
  add column next_deadline text;

comment on column read.complaint_details.scenario is 'Kind of dispute, a scenario of the rulebook; null where none is known.';
comment on column read.complaint_details.scenario_confidence is 'How surely the scenario is known, in permille; 1000 where a person said it.';
comment on column read.complaint_details.stage is 'Where in the life of the product it went wrong, a code of the list product-stage.';
comment on column read.complaint_details.violation is 'What the penalty that a report led to was for, a code of the list violation.';
comment on column read.complaint_details.platform is 'Platform on which it was bought, as the payment order names it.';
comment on column read.complaint_details.order_reference is 'Payment order that it is about: source/reference.';
comment on column read.complaint_details.dispute_fen is 'Amount in dispute in fen, with the claims of those who joined; CNY only.';
comment on column read.complaint_details.consumers is 'How many consumers it is of: 1, and those who joined.';
comment on column read.complaint_details.received_at is 'When an office first received it.';
comment on column read.complaint_details.checked_at is 'When it was last decided whether to accept it.';
comment on column read.complaint_details.checked_on_time is 'Whether that was within the term; null as long as it is not decided.';
comment on column read.complaint_details.acceptance_missed is 'Whether the term of deciding on acceptance passed, since it was filed or last reopened.';
comment on column read.complaint_details.answer_missed is 'Whether the term of the answer passed without one, since it was filed or last reopened.';
comment on column read.complaint_details.resolution_missed is 'Whether a term of settling the matter passed, since it was filed or last reopened.';
comment on column read.complaint_details.mediation_missed is 'Whether the term of mediation passed, since it was filed or last reopened.';
comment on column read.complaint_details.mediated is 'True if mediation ended with an agreement, false if without; null if there was none, since it was filed or last reopened.';
comment on column read.complaint_details.reopened_soon is 'How often it was reopened within 30 days of a resolution.';
comment on column read.complaint_details.paid_when_withdrawn is 'Whether money had come back when the consumer withdrew it.';
comment on column read.complaint_details.called_back is 'Whether the consumer was reached afterwards.';
comment on column read.complaint_details.person_requests is 'How often a person was asked for in place of software.';
comment on column read.complaint_details.persons_reached is 'How often a person took over.';
comment on column read.complaint_details.sessions_cut is 'How often a session broke off.';
comment on column read.complaint_details.suggestions is 'How many suggestions mediators made, software among them.';
comment on column read.complaint_details.suggestions_taken is 'How often a party took one.';
comment on column read.complaint_details.verified_at is 'When the verification of a report ended, with a case or without.';
comment on column read.complaint_details.verified_on_time is 'Whether that was within the term.';
comment on column read.complaint_details.verification_missed is 'Whether the term of verification passed.';
comment on column read.complaint_details.case_filed is 'Whether a report led to a case.';
comment on column read.complaint_details.penalty_on is 'Merchant on whom a penalty was imposed, where the ledger knows it.';
comment on column read.complaint_details.fined is 'Whether the case led to a fine that stands.';
comment on column read.complaint_details.fine_fen is 'The fine, in fen; CNY only.';
comment on column read.complaint_details.reward_fen is 'What was granted to whoever reported it, in fen; CNY only.';
comment on column read.complaint_details.transfers is 'How it went from office to office: from>to@day, with spaces between.';
comment on column read.complaint_details.consequences is 'How many consequences elsewhere cite it: credit events, measures, listings, warnings.';
comment on column read.complaint_details.clocks is 'The terms that run: deadline=due, by deadline, with spaces between; stopped for one that stands still.';
comment on column read.complaint_details.next_due is 'Last instant in time of the term that ends first; null if none runs.';
comment on column read.complaint_details.next_deadline is 'What has to happen until then.';

-- What is open is a small part of all; boards and worklists look at nothing else.
create index complaint_details_open on read.complaint_details (office_id, next_due, complaint_id)
  where status in ('filed', 'routed', 'answered', 'received', 'supplementing', 'accepted', 'mediating', 'adjudicating',
                   'verifying', 'case_filed');
create index complaint_details_holder on read.complaint_details (holder, next_due, complaint_id)
  where status in ('filed', 'routed', 'answered', 'received', 'supplementing', 'accepted', 'mediating', 'adjudicating',
                   'verifying', 'case_filed');
create index complaint_details_consumer on read.complaint_details (consumer_id, filed_at, complaint_id);
create index complaint_details_theme on read.complaint_details (scenario, region, filed_at) where scenario is not null;

drop table read.resolution_statistics;
create table read.resolution_statistics (
  dimension text not null,
  scheme    text not null,
  key       text not null,
  grain     text not null,
  first_day date not null,
  requests bigint not null,
  filed bigint not null,
  valid bigint not null,
  withdrawn bigint not null,
  refused bigint not null,
  referred bigint not null,
  routed bigint not null,
  answer_ended bigint not null,
  answered bigint not null,
  answered_on_time bigint not null,
  resolved bigint not null,
  resolved_on_time bigint not null,
  confirmed bigint not null,
  disputed bigint not null,
  reopened bigint not null,
  self_settled bigint not null,
  received bigint not null,
  checked bigint not null,
  checked_on_time bigint not null,
  accepted bigint not null,
  mediated bigint not null,
  mediation_succeeded bigint not null,
  ended bigint not null,
  ended_without_person bigint not null,
  concluded bigint not null,
  concluded_on_time bigint not null,
  person_requested bigint not null,
  person_reached bigint not null,
  suggested bigint not null,
  suggestion_taken bigint not null,
  called_back bigint not null,
  rated bigint not null,
  satisfaction_points bigint not null,
  dispute_fen bigint not null,
  recovered_fen bigint not null,
  punitive_cases bigint not null,
  punitive_fen bigint not null,
  reports bigint not null,
  verified bigint not null,
  verified_on_time bigint not null,
  cases_filed bigint not null,
  fines bigint not null,
  fine_fen bigint not null,
  primary key (dimension, grain, first_day, scheme, key)
) with (fillfactor = 80);
create index resolution_statistics_key on read.resolution_statistics (dimension, key, grain, first_day);

comment on table read.resolution_statistics is
  'Sums over requests by one dimension and the time of filing. Every request counts once in each dimension and grain: choose one of both. Terms are defined in docs/definitions.md.';
comment on column read.resolution_statistics.dimension is 'all, kind, merchant, product, issue, region, channel, register, scenario, stage, violation or office.';
comment on column read.resolution_statistics.scheme is 'Code list of key, empty where there is none.';
comment on column read.resolution_statistics.key is 'Value of the dimension; empty where it is not known. Merchants and offices by id.';
comment on column read.resolution_statistics.grain is 'day, month or year.';
comment on column read.resolution_statistics.first_day is 'The day of filing in Shanghai, or the first day of its month or year.';
comment on column read.resolution_statistics.requests is 'Requests of all kinds, without those that were merged into another.';
comment on column read.resolution_statistics.filed is 'Of these, complaints.';
comment on column read.resolution_statistics.valid is 'Valid complaints.';
comment on column read.resolution_statistics.withdrawn is 'Complaints that the consumer withdrew.';
comment on column read.resolution_statistics.refused is 'Complaints that an office did not accept.';
comment on column read.resolution_statistics.referred is 'Complaints that were referred to another authority.';
comment on column read.resolution_statistics.routed is 'Valid complaints that were sent to the merchant.';
comment on column read.resolution_statistics.answer_ended is 'Valid complaints that were answered, or whose term for an answer passed.';
comment on column read.resolution_statistics.answered is 'Valid complaints that were answered.';
comment on column read.resolution_statistics.answered_on_time is 'Valid complaints that were answered in time.';
comment on column read.resolution_statistics.resolved is 'Valid complaints that stand resolved.';
comment on column read.resolution_statistics.resolved_on_time is 'Valid complaints that stand resolved, and no term of settling the matter passed before.';
comment on column read.resolution_statistics.confirmed is 'Valid complaints that stand resolved and were never reopened within 30 days of a resolution.';
comment on column read.resolution_statistics.disputed is 'Valid complaints with an answer that the consumer disputes.';
comment on column read.resolution_statistics.reopened is 'Valid complaints that were reopened at least once.';
comment on column read.resolution_statistics.self_settled is 'Valid complaints that the parties settled among themselves before an office received them.';
comment on column read.resolution_statistics.received is 'Requests that an office received.';
comment on column read.resolution_statistics.checked is 'Complaints on whose acceptance an office decided.';
comment on column read.resolution_statistics.checked_on_time is 'Complaints on whose acceptance an office decided in time.';
comment on column read.resolution_statistics.accepted is 'Complaints that stand accepted.';
comment on column read.resolution_statistics.mediated is 'Valid complaints whose mediation ended, with an agreement or without.';
comment on column read.resolution_statistics.mediation_succeeded is 'Valid complaints whose mediation ended with an agreement.';
comment on column read.resolution_statistics.ended is 'Valid complaints that are at their end: resolved or closed.';
comment on column read.resolution_statistics.ended_without_person is 'Of these, those in which no person mediated or took over.';
comment on column read.resolution_statistics.concluded is 'Requests whose file was closed.';
comment on column read.resolution_statistics.concluded_on_time is 'Requests whose file was closed, and the term of mediation did not pass before.';
comment on column read.resolution_statistics.person_requested is 'Requests in which a person was asked for in place of software.';
comment on column read.resolution_statistics.person_reached is 'Of these, those in which a person took over.';
comment on column read.resolution_statistics.suggested is 'Requests in which a mediator, software among them, made a suggestion.';
comment on column read.resolution_statistics.suggestion_taken is 'Of these, those in which a party took one.';
comment on column read.resolution_statistics.called_back is 'Requests whose consumer was reached afterwards.';
comment on column read.resolution_statistics.rated is 'Of these, those in which the consumer told how satisfied he is.';
comment on column read.resolution_statistics.satisfaction_points is 'Sum of what they told, from 1 to 5 each.';
comment on column read.resolution_statistics.dispute_fen is 'Amounts in dispute of valid complaints, in fen; CNY only.';
comment on column read.resolution_statistics.recovered_fen is 'Money that came back to consumers of valid complaints, in fen, without punitive damages; CNY only.';
comment on column read.resolution_statistics.punitive_cases is 'Valid complaints with punitive damages.';
comment on column read.resolution_statistics.punitive_fen is 'Punitive damages of valid complaints, in fen; CNY only.';
comment on column read.resolution_statistics.reports is 'Reports.';
comment on column read.resolution_statistics.verified is 'Reports whose verification ended.';
comment on column read.resolution_statistics.verified_on_time is 'Reports whose verification ended in time.';
comment on column read.resolution_statistics.cases_filed is 'Reports that led to a case.';
comment on column read.resolution_statistics.fines is 'Reports that led to a fine that stands.';
comment on column read.resolution_statistics.fine_fen is 'Sum of these fines, in fen; CNY only.';

create table read.durations (
  dimension  text    not null,
  scheme     text    not null,
  key        text    not null,
  grain      text    not null,
  first_day  date    not null,
  what       text    not null,
  minutes    integer not null,
  complaints bigint  not null,
  primary key (dimension, grain, what, first_day, scheme, key, minutes)
) with (fillfactor = 80);

comment on table read.durations is
  'Histograms of how long answers and resolutions of valid complaints took, by the same keys as read.resolution_statistics.';
comment on column read.durations.dimension is 'all, kind, merchant, product, issue, region, channel, register, scenario, stage, violation or office.';
comment on column read.durations.scheme is 'Code list of key, empty where there is none.';
comment on column read.durations.key is 'Value of the dimension; empty where it is not known. Merchants and offices by id.';
comment on column read.durations.grain is 'day, month or year.';
comment on column read.durations.first_day is 'The day of filing in Shanghai, or the first day of its month or year.';
comment on column read.durations.what is 'answer: from being sent to the merchant to its answer; resolution: from the filing to the resolution.';
comment on column read.durations.minutes is 'Upper boundary of the bucket; the one below is at most a tenth, or a minute, less.';
comment on column read.durations.complaints is 'Valid complaints in the bucket.';

create table read.transfers (
  from_office text   not null,
  to_office   text   not null,
  day         date   not null,
  complaints  bigint not null,
  primary key (from_office, to_office, day)
);
create index transfers_to on read.transfers (to_office, day);
comment on table read.transfers is 'Requests that went from one office to another.';
comment on column read.transfers.from_office is 'Office that had it.';
comment on column read.transfers.to_office is 'Office that got it.';
comment on column read.transfers.day is 'Day in Shanghai.';
comment on column read.transfers.complaints is 'How many requests.';

grant select on read.resolution_statistics, read.durations, read.transfers to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.resolution_statistics, read.durations, read.transfers to ledger_projector;
