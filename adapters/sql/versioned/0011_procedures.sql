alter table read.complaint_details
  add column kind text not null default 'complaint',
  add column regime text,
  add column holder text,
  add column office_id text,
  add column upgraded text,
  add column rule_set text,
  add column accepted_at timestamptz,
  add column mediator_id text,
  add column human boolean not null default false,
  add column way text,
  add column public boolean not null default false,
  add column counts boolean not null default true,
  add column punitive_fen bigint not null default 0,
  add column merged_into text,
  add column concluded_at timestamptz,
  add column satisfaction integer;

comment on column read.complaint_details.kind is 'complaint, report, consultation or suggestion.';
comment on column read.complaint_details.regime is 'By which arrangement the merchant got it first: promise, enterprise or one_click.';
comment on column read.complaint_details.holder is 'Who has it now: a merchant, an office, a partner organisation or another authority.';
comment on column read.complaint_details.office_id is 'The office that received it.';
comment on column read.complaint_details.upgraded is 'Why it went from the merchant to the authority: consumer, silence or enterprise_term.';
comment on column read.complaint_details.rule_set is 'Rule set that it was accepted under.';
comment on column read.complaint_details.accepted_at is 'When the office accepted it.';
comment on column read.complaint_details.mediator_id is 'Mediator who has it.';
comment on column read.complaint_details.human is 'Whether a person mediated or took over.';
comment on column read.complaint_details.way is 'How it was settled: negotiation, mediation, adjudication, arbitration or litigation.';
comment on column read.complaint_details.public is 'Whether the public may see it.';
comment on column read.complaint_details.counts is 'False when mediation ended on a ground that says nothing of the merchant.';
comment on column read.complaint_details.punitive_fen is 'Punitive damages paid, in fen; not part of recovered_fen.';
comment on column read.complaint_details.merged_into is 'The earlier complaint that it repeats.';
comment on column read.complaint_details.concluded_at is 'When the file was closed.';
comment on column read.complaint_details.satisfaction is 'From 1 to 5, as told when called back.';
comment on column read.complaint_details.status is 'Where it stands: filed, routed, answered, received, supplementing, accepted, mediating, adjudicating, verifying, case_filed, resolved, closed, refused, referred, merged or withdrawn.';

create index complaint_details_mediator on read.complaint_details (mediator_id) where mediator_id is not null;

alter table read.merchants
  add column promise_since timestamptz,
  add column enrolled_since timestamptz;

comment on column read.merchants.promise_since is 'Since when the seven-day promise is signed; null if it is not.';
comment on column read.merchants.enrolled_since is 'Since when it takes part in online dispute resolution; null if it does not.';
