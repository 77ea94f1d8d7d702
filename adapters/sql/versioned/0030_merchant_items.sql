-- Existing rows get what the tables of items need when the projection is built anew.
alter table read.merchants
  add column industry_scheme text,
  add column industry text,
  add column merged_into text,
  add column untrustworthy boolean not null default false,
  add column circles text not null default '',
  add column items text not null default '{}';

comment on column read.merchants.industry_scheme is 'Code list of industry, such as GB/T 4754.';
comment on column read.merchants.industry is 'What the merchant does, as stated last.';
comment on column read.merchants.merged_into is 'Merchant that goes on in its place; null where it goes on itself. read.merchant_groups() follows mergers to the end.';
comment on column read.merchants.untrustworthy is 'Whether it is on an untrustworthy list, as recorded; by the time of asking see read.merchant_listings.';
comment on column read.merchants.circles is 'Quality circles that it is in, in alphabetical order, with a space between.';
comment on column read.merchants.items is 'What the tables of items are made of, as canonical JSON; for the projection, not for queries.';

create table read.merchant_memberships (
  merchant_id text        not null,
  number      integer     not null,
  kind        text        not null,
  circle      text        not null,
  begun_at    timestamptz not null,
  ended_at    timestamptz not null,
  ending      text        not null,
  items       bigint      not null,
  primary key (merchant_id, number, kind, circle, begun_at, ended_at, ending)
);

comment on table read.merchant_memberships is 'What merchants take part in, and when: the promise, online dispute resolution, quality circles.';
comment on column read.merchant_memberships.merchant_id is 'The stream: merchant-<uuid>.';
comment on column read.merchant_memberships.number is '1, 2, 3 … within the stream.';
comment on column read.merchant_memberships.kind is 'promise, enrolment or circle.';
comment on column read.merchant_memberships.circle is 'The quality circle; empty for the others.';
comment on column read.merchant_memberships.begun_at is 'From when on.';
comment on column read.merchant_memberships.ended_at is 'Until when; 9999-12-30 00:00 UTC: never, or not yet.';
comment on column read.merchant_memberships.ending is 'left or expelled; empty while it lasts.';
comment on column read.merchant_memberships.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.merchant_memberships to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.merchant_memberships to ledger_projector;

create table read.merchant_links (
  merchant_id text        not null,
  number      integer     not null,
  other_id    text        not null,
  relation    text        not null,
  linked_at   timestamptz not null,
  unlinked_at timestamptz not null,
  items       bigint      not null,
  primary key (merchant_id, number, other_id, relation, linked_at, unlinked_at)
);
create index on read.merchant_links (other_id);

comment on table read.merchant_links is 'Whom merchants belong with: each link once, with the merchant that has it.';
comment on column read.merchant_links.merchant_id is 'The stream: merchant-<uuid>.';
comment on column read.merchant_links.number is '1, 2, 3 … within the stream.';
comment on column read.merchant_links.other_id is 'The other merchant.';
comment on column read.merchant_links.relation is 'What this one is of the other: branch_of, same_owner, same_control, agent_of.';
comment on column read.merchant_links.linked_at is 'From when on.';
comment on column read.merchant_links.unlinked_at is 'Until when; 9999-12-30 00:00 UTC: never, or not yet.';
comment on column read.merchant_links.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.merchant_links to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.merchant_links to ledger_projector;

create table read.merchant_mergers (
  merchant_id text        not null,
  number      integer     not null,
  into_id     text        not null,
  merged_at   timestamptz not null,
  undone_at   timestamptz not null,
  items       bigint      not null,
  primary key (merchant_id, number, into_id, merged_at, undone_at)
);

comment on table read.merchant_mergers is 'Mergers of merchants, also those undone.';
comment on column read.merchant_mergers.merchant_id is 'The stream: merchant-<uuid>.';
comment on column read.merchant_mergers.number is '1, 2, 3 … within the stream.';
comment on column read.merchant_mergers.into_id is 'Who went on in its place.';
comment on column read.merchant_mergers.merged_at is 'When.';
comment on column read.merchant_mergers.undone_at is 'When it was undone; 9999-12-30 00:00 UTC: never, or not yet.';
comment on column read.merchant_mergers.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.merchant_mergers to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.merchant_mergers to ledger_projector;

create table read.merchant_policies (
  merchant_id text        not null,
  number      integer     not null,
  policy_id   text        not null,
  edition     integer     not null,
  kind        text        not null,
  adopted_at  timestamptz not null,
  ended_at    timestamptz not null,
  ending      text        not null,
  items       bigint      not null,
  primary key (merchant_id, number, policy_id, edition, kind, adopted_at, ended_at, ending)
);

comment on table read.merchant_policies is 'Policies that merchants adopted (C6).';
comment on column read.merchant_policies.merchant_id is 'The stream: merchant-<uuid>.';
comment on column read.merchant_policies.number is '1, 2, 3 … within the stream.';
comment on column read.merchant_policies.policy_id is 'The policy; read.policies has it.';
comment on column read.merchant_policies.edition is 'The edition that was adopted.';
comment on column read.merchant_policies.kind is 'return, exchange, repair or refund.';
comment on column read.merchant_policies.adopted_at is 'It holds for complaints filed from then on.';
comment on column read.merchant_policies.ended_at is 'Until when; 9999-12-30 00:00 UTC: never, or not yet.';
comment on column read.merchant_policies.ending is 'replaced (by another edition) or dropped; empty while it holds.';
comment on column read.merchant_policies.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.merchant_policies to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.merchant_policies to ledger_projector;

create table read.merchant_volumes (
  merchant_id  text        not null,
  stage        text        not null,
  first_day    date        not null,
  last_day     date        not null,
  edition      integer     not null,
  reported_at  timestamptz not null,
  items        bigint      not null,
  transactions bigint      not null,
  active_users bigint      not null,
  primary key (merchant_id, stage, first_day, last_day, edition, reported_at)
);

comment on table read.merchant_volumes is 'Transactions and active users that merchants report by product stage and period (B9): the newest edition of each.';
comment on column read.merchant_volumes.merchant_id is 'The stream: merchant-<uuid>.';
comment on column read.merchant_volumes.stage is 'Code of the list product-stage.';
comment on column read.merchant_volumes.first_day is 'First day of the period, in Shanghai.';
comment on column read.merchant_volumes.last_day is 'Last day of it.';
comment on column read.merchant_volumes.edition is 'How often this period was reported.';
comment on column read.merchant_volumes.reported_at is 'When this edition was.';
comment on column read.merchant_volumes.items is 'How many items are exactly this one; 1 but for duplicates.';
comment on column read.merchant_volumes.transactions is 'Transactions in the period.';
comment on column read.merchant_volumes.active_users is 'Active users in the period.';

grant select on read.merchant_volumes to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.merchant_volumes to ledger_projector;

create table read.merchant_corrections (
  merchant_id  text        not null,
  number       integer     not null,
  stage        text        not null,
  taken_at     timestamptz not null,
  effective_at timestamptz not null,
  results      integer     not null,
  result_at    timestamptz not null,
  items        bigint      not null,
  primary key (merchant_id, number, stage, taken_at, effective_at, results, result_at)
);

comment on table read.merchant_corrections is 'What merchants change because of complaints (B16).';
comment on column read.merchant_corrections.merchant_id is 'The stream: merchant-<uuid>.';
comment on column read.merchant_corrections.number is '1, 2, 3 … within the stream.';
comment on column read.merchant_corrections.stage is 'Code of the list product-stage; empty where none is given.';
comment on column read.merchant_corrections.taken_at is 'When it was recorded.';
comment on column read.merchant_corrections.effective_at is 'From when on it is in effect.';
comment on column read.merchant_corrections.results is 'How many results were reported.';
comment on column read.merchant_corrections.result_at is 'When the last one was; 9999-12-30 00:00 UTC: never, or not yet.';
comment on column read.merchant_corrections.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.merchant_corrections to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.merchant_corrections to ledger_projector;

create table read.merchant_listings (
  merchant_id  text        not null,
  number       integer     not null,
  list_name    text        not null,
  authority_id text        not null,
  listed_at    timestamptz not null,
  ends_due     timestamptz not null,
  repair_from  timestamptz not null,
  ended_at     timestamptz not null,
  ending       text        not null,
  carried_from text        not null,
  fraud        text        not null,
  items        bigint      not null,
  primary key (merchant_id, number, list_name, authority_id, listed_at, ends_due, repair_from, ended_at, ending, carried_from, fraud)
);
create index on read.merchant_listings (list_name);

comment on table read.merchant_listings is 'Lists that merchants are or were on (E6, B6): why, and how it ended.';
comment on column read.merchant_listings.merchant_id is 'The stream: merchant-<uuid>.';
comment on column read.merchant_listings.number is '1, 2, 3 … within the stream.';
comment on column read.merchant_listings.list_name is 'blacklist, untrustworthy or warning.';
comment on column read.merchant_listings.authority_id is 'The office or platform whose list it is.';
comment on column read.merchant_listings.listed_at is 'From when on.';
comment on column read.merchant_listings.ends_due is 'Last instant, if nothing ends it before; 9999-12-30 00:00 UTC: never, or not yet.';
comment on column read.merchant_listings.repair_from is 'After then its repair may be asked for.';
comment on column read.merchant_listings.ended_at is 'When it ended, as recorded; 9999-12-30 00:00 UTC: never, or not yet.';
comment on column read.merchant_listings.ending is 'removed, repaired or ended (by time); empty while it lasts.';
comment on column read.merchant_listings.carried_from is 'The merchant that had been listed and was merged into this one; or empty.';
comment on column read.merchant_listings.fraud is 'The complaint whose verified fraud led to it by itself; or empty.';
comment on column read.merchant_listings.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.merchant_listings to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.merchant_listings to ledger_projector;

create table read.merchant_repairs (
  merchant_id text        not null,
  number      integer     not null,
  listing     integer     not null,
  applied_at  timestamptz not null,
  decided_at  timestamptz not null,
  granted     text        not null,
  items       bigint      not null,
  primary key (merchant_id, number, listing, applied_at, decided_at, granted)
);

comment on table read.merchant_repairs is 'Repairs that merchants asked for, to get off a list (E6).';
comment on column read.merchant_repairs.merchant_id is 'The stream: merchant-<uuid>.';
comment on column read.merchant_repairs.number is '1, 2, 3 … within the stream.';
comment on column read.merchant_repairs.listing is 'Number of the listing.';
comment on column read.merchant_repairs.applied_at is 'When it was asked for.';
comment on column read.merchant_repairs.decided_at is 'When it was decided; 9999-12-30 00:00 UTC: never, or not yet.';
comment on column read.merchant_repairs.granted is 'yes or no; empty where it is not decided.';
comment on column read.merchant_repairs.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.merchant_repairs to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.merchant_repairs to ledger_projector;

create table read.merchant_citations (
  merchant_id  text        not null,
  item         text        not null,
  number       integer     not null,
  complaint_id text        not null,
  items        bigint      not null,
  primary key (merchant_id, item, number, complaint_id)
);
create index on read.merchant_citations (complaint_id);

comment on table read.merchant_citations is 'The complaints that items of merchants name.';
comment on column read.merchant_citations.merchant_id is 'The stream: merchant-<uuid>.';
comment on column read.merchant_citations.item is 'What names it: listing or correction.';
comment on column read.merchant_citations.number is 'Number of the item within the stream.';
comment on column read.merchant_citations.complaint_id is 'The complaint.';
comment on column read.merchant_citations.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.merchant_citations to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.merchant_citations to ledger_projector;

create table read.merchant_texts (
  merchant_id text        not null,
  item        text        not null,
  number      integer     not null,
  field       text        not null,
  part        integer     not null,
  text        text        not null,
  items       bigint      not null,
  primary key (merchant_id, item, number, field, part, text)
);

comment on table read.merchant_texts is 'What people wrote of the items of merchants: each text in parts of at most 500 characters, to be joined in order of part.';
comment on column read.merchant_texts.merchant_id is 'The stream: merchant-<uuid>.';
comment on column read.merchant_texts.item is 'What it is of: membership (batch, standard, reason), link, merger (basis, reason), policy (title_zh, title_en, reason), correction (title, description, result_1 …), listing (title, basis, conditions, reason), repair (undertaking, reasons).';
comment on column read.merchant_texts.number is 'Number of the item within the stream.';
comment on column read.merchant_texts.field is 'Which text of the item.';
comment on column read.merchant_texts.part is '1, 2, 3 … of the text.';
comment on column read.merchant_texts.text is 'The part.';
comment on column read.merchant_texts.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.merchant_texts to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.merchant_texts to ledger_projector;
