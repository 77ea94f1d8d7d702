create table read.resolution_statistics (
  dimension        text   not null,
  scheme           text   not null,
  key              text   not null,
  month            date   not null,
  filed            bigint not null,
  valid            bigint not null,
  answered         bigint not null,
  answered_on_time bigint not null,
  resolved         bigint not null,
  disputed         bigint not null,
  reopened         bigint not null,
  recovered_fen    bigint not null,
  primary key (dimension, scheme, key, month)
);

comment on table read.resolution_statistics is
  'Sums over complaints by one dimension and the month of filing. Every complaint counts once in each dimension.';
comment on column read.resolution_statistics.dimension is 'all, merchant, product, region or channel.';
comment on column read.resolution_statistics.scheme is 'Code list of key, empty where there is none.';
comment on column read.resolution_statistics.key is 'Value of the dimension; empty where it is not known. Merchants by id.';
comment on column read.resolution_statistics.month is 'First day of the month of filing, in Shanghai.';
comment on column read.resolution_statistics.filed is 'Complaints filed.';
comment on column read.resolution_statistics.valid is 'Of those, neither withdrawn nor found unfounded. All further columns count valid complaints.';
comment on column read.resolution_statistics.answered is 'Answered by the merchant.';
comment on column read.resolution_statistics.answered_on_time is 'Answered in time.';
comment on column read.resolution_statistics.resolved is 'Resolved, and not reopened since.';
comment on column read.resolution_statistics.disputed is 'With an answer that the consumer disputes.';
comment on column read.resolution_statistics.reopened is 'Reopened at least once.';
comment on column read.resolution_statistics.recovered_fen is 'Money recovered, in fen; CNY only.';

grant select on read.resolution_statistics to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.resolution_statistics to ledger_projector;
