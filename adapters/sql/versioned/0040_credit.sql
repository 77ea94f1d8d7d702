create table read.credit_sums (
  merchant_id         text    not null primary key,
  complaints          bigint  not null,
  unresolved          bigint  not null,
  unresolved_ended    bigint  not null,
  unresolved_on_time  bigint  not null,
  units               numeric not null,
  units_ended         numeric not null,
  units_on_time       numeric not null,
  units_settled       numeric not null,
  units_confirmed     numeric not null,
  paid_then_withdrawn bigint  not null
);

comment on table read.credit_sums is 'What the complaint-handling score of a merchant is made of, before orders and consumers with several complaints are corrected for: docs/definitions.md. Ask read.credit_scores.';
comment on column read.credit_sums.merchant_id is 'The merchant that the complaints are about.';
comment on column read.credit_sums.complaints is 'Valid complaints.';
comment on column read.credit_sums.unresolved is 'Those that do not stand resolved.';
comment on column read.credit_sums.unresolved_ended is 'Of those, whose answer came, or its term passed.';
comment on column read.credit_sums.unresolved_on_time is 'Of those, answered in time.';
comment on column read.credit_sums.units is 'Those that stand resolved, each with the units of the day of its resolution: 2^(40 + days since 2000-01-01 / 180). Divided by the units of a later day it is their weight on that day.';
comment on column read.credit_sums.units_ended is 'Of those, whose answer came, or its term passed.';
comment on column read.credit_sums.units_on_time is 'Of those, answered in time.';
comment on column read.credit_sums.units_settled is 'Of those, resolved in time.';
comment on column read.credit_sums.units_confirmed is 'Of those, never reopened within 30 days of a resolution.';
comment on column read.credit_sums.paid_then_withdrawn is 'Complaints that were withdrawn when money had come back; they are not valid.';

create table read.credit_consumers (
  merchant_id text   not null,
  consumer_id text   not null,
  complaints  bigint not null,
  primary key (merchant_id, consumer_id)
);
create index credit_consumers_several on read.credit_consumers (merchant_id, consumer_id) where complaints > 1;

comment on table read.credit_consumers is 'Valid complaints of a consumer about a merchant: what one consumer weighs is bounded.';
comment on column read.credit_consumers.merchant_id is 'The merchant.';
comment on column read.credit_consumers.consumer_id is 'Random id of the consumer.';
comment on column read.credit_consumers.complaints is 'Valid complaints.';

create table read.credit_orders (
  merchant_id     text   not null,
  order_reference text   not null,
  complaints      bigint not null,
  primary key (merchant_id, order_reference)
);
create index credit_orders_several on read.credit_orders (merchant_id, order_reference) where complaints > 1;

comment on table read.credit_orders is 'Valid complaints about an order: an order counts once.';
comment on column read.credit_orders.merchant_id is 'The merchant.';
comment on column read.credit_orders.order_reference is 'Source and reference of the order.';
comment on column read.credit_orders.complaints is 'Valid complaints.';

create index complaint_details_order on read.complaint_details (order_reference) where order_reference is not null;
create index complaint_details_resolved on read.complaint_details (resolved_at) where resolved;
create index complaint_details_penalty on read.complaint_details (penalty_on) where penalty_on is not null;

grant select on read.credit_sums, read.credit_consumers, read.credit_orders
  to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.credit_sums, read.credit_consumers, read.credit_orders
  to ledger_projector;
