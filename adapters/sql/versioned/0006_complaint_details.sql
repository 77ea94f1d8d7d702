create table read.complaint_details (
  complaint_id     text        primary key,
  version          bigint      not null,
  position         bigint      not null,
  status           text        not null,
  consumer_id      text        not null,
  channel          text        not null,
  scheme           text        not null,
  product          text        not null,
  filed_at         timestamptz not null,
  sub_product      text,
  issue            text,
  sub_issue        text,
  region_scheme    text,
  region           text,
  register_name    text,
  reference        text,
  claim_fen        bigint,
  claim_currency   text,
  merchant_id      text,
  routed_at        timestamptz,
  answer_due       timestamptz,
  answer           text,
  answered_at      timestamptz,
  answered_on_time boolean,
  deadlines_missed integer     not null,
  resolved         boolean     not null,
  resolved_at      timestamptz,
  recovered_fen    bigint      not null,
  ground           text,
  closed_at        timestamptz,
  disputed         boolean     not null,
  reopened         integer     not null,
  withdrawn_at     timestamptz
);

comment on table read.complaint_details is 'One row per complaint, as it stands now. Holds no personal data.';
comment on column read.complaint_details.complaint_id is 'The stream: complaint-<uuid>.';
comment on column read.complaint_details.version is 'Version of the last event that is in the row.';
comment on column read.complaint_details.position is 'Ledger position of that event.';
comment on column read.complaint_details.status is 'filed, routed, answered, resolved, closed or withdrawn.';
comment on column read.complaint_details.consumer_id is 'Random id of the consumer.';
comment on column read.complaint_details.channel is 'The door through which it came in.';
comment on column read.complaint_details.scheme is 'Code list of product and issue.';
comment on column read.complaint_details.product is 'Product or service complained of.';
comment on column read.complaint_details.filed_at is 'When it was filed, in the world; imported days begin at midnight in Shanghai.';
comment on column read.complaint_details.sub_product is 'Finer kind of product.';
comment on column read.complaint_details.issue is 'What is wrong.';
comment on column read.complaint_details.sub_issue is 'Finer kind of issue.';
comment on column read.complaint_details.region_scheme is 'Code list of region.';
comment on column read.complaint_details.region is 'Region of the consumer.';
comment on column read.complaint_details.register_name is 'Register that it was imported from, if any.';
comment on column read.complaint_details.reference is 'Its id in that register.';
comment on column read.complaint_details.claim_fen is 'Amount in dispute, in hundredths of claim_currency.';
comment on column read.complaint_details.claim_currency is 'ISO 4217 currency of claim_fen.';
comment on column read.complaint_details.merchant_id is 'Merchant it was sent to; read.merchants has the name.';
comment on column read.complaint_details.routed_at is 'When it was sent to the merchant.';
comment on column read.complaint_details.answer_due is 'Until when an answer is due, if there is a term.';
comment on column read.complaint_details.answer is 'Kind of the answer: explanation, monetary_relief, other_relief, relief, no_relief, unstated.';
comment on column read.complaint_details.answered_at is 'When it was answered; for imports not known exactly, and then the day of routing.';
comment on column read.complaint_details.answered_on_time is 'Whether the answer came in time; null without an answer.';
comment on column read.complaint_details.deadlines_missed is 'How many due times passed unheeded.';
comment on column read.complaint_details.resolved is 'Whether the matter stands resolved; reopening takes it back.';
comment on column read.complaint_details.resolved_at is 'When it was resolved.';
comment on column read.complaint_details.recovered_fen is 'Money that came back, in fen; other currencies than CNY are not counted.';
comment on column read.complaint_details.ground is 'Why it was closed without a resolution.';
comment on column read.complaint_details.closed_at is 'When it was closed without a resolution.';
comment on column read.complaint_details.disputed is 'Whether the consumer disputes the answer.';
comment on column read.complaint_details.reopened is 'How often it was reopened.';
comment on column read.complaint_details.withdrawn_at is 'When the consumer withdrew it.';

grant select on read.complaint_details to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.complaint_details to ledger_projector;
