-- What is pending, and what stands missed of it. Rows of before have only the first, until they are built anew.
alter table read.complaint_details
  add column missed  text    not null default '',
  add column pending boolean not null default false,
  add column paid    boolean not null default false;
update read.complaint_details set pending = true
where status in ('filed', 'routed', 'answered', 'received', 'supplementing', 'accepted', 'mediating', 'adjudicating',
                 'verifying', 'case_filed')
   or status = 'resolved' and clocks <> '';
alter table read.complaint_details
  alter column missed drop default,
  alter column pending drop default,
  alter column paid drop default;

comment on column read.complaint_details.missed is 'Terms that passed without what was due having happened since: deadline=due, by deadline, with spaces between.';
comment on column read.complaint_details.pending is 'Whether it is open, or resolved while the performance of what was agreed is awaited.';
comment on column read.complaint_details.paid is 'Whether anything was ever paid, in whatever currency, by whomever.';
comment on column read.complaint_details.paid_when_withdrawn is 'Whether anything had been paid when the consumer withdrew it, in whatever currency.';
comment on column read.complaint_details.answered_at is 'When the merchant first answered, or offered terms, since it was filed or last reopened; for imports not known exactly, and then the day of routing.';
comment on column read.complaint_details.answer_missed is 'Whether a term of answering passed in silence, since it was filed or last reopened.';
comment on column read.complaint_details.human is 'Whether a person mediated, suggested or took over, or an official ended it.';
comment on column read.complaint_details.mediated is 'True if it was settled in mediation, or by agreement after an office had accepted it; false if mediation ended without; null if neither, since it was filed or last reopened.';
comment on column read.complaint_details.product is 'What it is about, as the code list names it; empty where that is in the consumer''s own words.';
comment on column read.complaint_details.sub_product is 'Finer than product.';
comment on column read.complaint_details.issue is 'What the trouble is, as the code list names it; null where that is in the consumer''s own words.';
comment on column read.complaint_details.sub_issue is 'Finer than issue.';

-- What is pending is a small part of all; boards and worklists look at nothing else, and count without the table.
drop index read.complaint_details_open, read.complaint_details_holder, read.complaint_details_mediator;
create index complaint_details_office on read.complaint_details
  (office_id, (coalesce(next_due, 'infinity'::timestamptz)), complaint_id)
  include (next_due, missed, status, merchant_id) where pending;
create index complaint_details_holder on read.complaint_details
  ((case when status = 'resolved' then merchant_id else holder end), (coalesce(next_due, 'infinity'::timestamptz)), complaint_id)
  include (next_due, missed, status, merchant_id, holder) where pending;
create index complaint_details_mediator on read.complaint_details
  (mediator_id, (coalesce(next_due, 'infinity'::timestamptz)), complaint_id)
  include (next_due, missed, status) where pending and mediator_id is not null;
create index complaint_details_unclaimed on read.complaint_details
  (region, (coalesce(next_due, 'infinity'::timestamptz)), complaint_id)
  include (next_due, missed) where pending and office_id is null and status in ('filed', 'received') and register_name is null;

alter table read.resolution_statistics
  add column valid_here  bigint not null default 0,
  add column routed_here bigint not null default 0,
  add column ended_here  bigint not null default 0;
alter table read.resolution_statistics
  alter column valid_here drop default,
  alter column routed_here drop default,
  alter column ended_here drop default;

comment on column read.resolution_statistics.valid_here is 'Valid complaints that no register of origin handles.';
comment on column read.resolution_statistics.routed_here is 'Of these, those that were sent to the merchant.';
comment on column read.resolution_statistics.ended_here is 'Of these, those that are resolved or closed.';
comment on column read.resolution_statistics.answer_ended is 'Valid complaints that were answered, or in which a term of answering passed in silence.';
comment on column read.resolution_statistics.answered is 'Valid complaints that were answered; a merchant''s offer is an answer, too.';
comment on column read.resolution_statistics.self_settled is 'Valid complaints that the parties settled among themselves before an office received them; without imports.';
comment on column read.resolution_statistics.mediated is 'Valid complaints that mediation settled, or whose mediation ended without an agreement.';
comment on column read.resolution_statistics.mediation_succeeded is 'Valid complaints that were settled in mediation, or by agreement after an office had accepted them.';
comment on column read.resolution_statistics.ended_without_person is 'Of those in ended_here, those in which no person mediated, suggested or took over, and no official ended it.';
comment on column read.resolution_statistics.concluded is 'Requests that an office received, whose file was closed.';
comment on column read.resolution_statistics.concluded_on_time is 'Of these, those in which the term of mediation did not pass before.';
