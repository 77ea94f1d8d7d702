create table read.rulebook (
  rulebook_id  text        not null,
  version      bigint      not null,
  position     bigint      not null,
  publications integer     not null,
  items        text        not null,
  primary key (rulebook_id)
);

comment on table read.rulebook is 'The parts of the rulebook.';
comment on column read.rulebook.rulebook_id is 'The stream: rulebook-<part>.';
comment on column read.rulebook.version is 'Version of the last event that is in the row.';
comment on column read.rulebook.position is 'Ledger position of that event.';
comment on column read.rulebook.publications is 'Events of the part.';
comment on column read.rulebook.items is 'What the tables of items are made of, as canonical JSON; for the projection, not for queries.';

grant select on read.rulebook to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.rulebook to ledger_projector;

create table read.code_lists (
  rulebook_id  text        not null,
  number       integer     not null,
  scheme       text        not null,
  edition      integer     not null,
  published_at timestamptz not null,
  codes        integer     not null,
  items        bigint      not null,
  primary key (rulebook_id, number, scheme, edition, published_at, codes)
);

comment on table read.code_lists is 'Code lists that are published (G1), newest edition.';
comment on column read.code_lists.rulebook_id is 'The stream: rulebook-<part>.';
comment on column read.code_lists.number is '1, 2, 3 … within the stream.';
comment on column read.code_lists.scheme is 'Name of the list, such as GB/T 2260.';
comment on column read.code_lists.edition is '1, 2, 3 …: how often it was published.';
comment on column read.code_lists.published_at is 'When this edition was published.';
comment on column read.code_lists.codes is 'How many codes.';
comment on column read.code_lists.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.code_lists to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.code_lists to ledger_projector;

create table read.codes (
  scheme text        not null,
  code   text        not null,
  parent text        not null,
  name   text        not null,
  items  bigint      not null,
  primary key (scheme, code, parent, name)
);

comment on table read.codes is 'What codes stand for (G1), newest edition.';
comment on column read.codes.scheme is 'Name of the list; its first 100 characters.';
comment on column read.codes.code is 'The code.';
comment on column read.codes.parent is 'Code of the next wider class; empty at the top.';
comment on column read.codes.name is 'What it stands for.';
comment on column read.codes.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.codes to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.codes to ledger_projector;

create table read.codes_in_english (
  scheme  text        not null,
  code    text        not null,
  name_en text        not null,
  items   bigint      not null,
  primary key (scheme, code, name_en)
);

comment on table read.codes_in_english is 'English names of codes, where there are any.';
comment on column read.codes_in_english.scheme is 'Name of the list; its first 100 characters.';
comment on column read.codes_in_english.code is 'The code.';
comment on column read.codes_in_english.name_en is 'What it stands for.';
comment on column read.codes_in_english.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.codes_in_english to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.codes_in_english to ledger_projector;

create table read.scenarios (
  rulebook_id   text        not null,
  number        integer     not null,
  scenario_id   text        not null,
  edition       integer     not null,
  problem_class text        not null,
  published_at  timestamptz not null,
  items         bigint      not null,
  primary key (rulebook_id, number, scenario_id, edition, problem_class, published_at)
);

comment on table read.scenarios is 'Frequent kinds of dispute (B10), newest edition.';
comment on column read.scenarios.rulebook_id is 'The stream: rulebook-<part>.';
comment on column read.scenarios.number is '1, 2, 3 … within the stream.';
comment on column read.scenarios.scenario_id is 'The scenario.';
comment on column read.scenarios.edition is '1, 2, 3 …: how often it was published.';
comment on column read.scenarios.problem_class is 'Code of the list problem-class.';
comment on column read.scenarios.published_at is 'When this edition was published.';
comment on column read.scenarios.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.scenarios to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.scenarios to ledger_projector;

create table read.scenario_laws (
  scenario_id   text        not null,
  place         integer     not null,
  in_force_from date        not null,
  in_force_to   date        not null,
  items         bigint      not null,
  primary key (scenario_id, place, in_force_from, in_force_to)
);

comment on table read.scenario_laws is 'Legal basis of scenarios; read.rulebook_texts has law_1, law_en_1, article_1 and so on.';
comment on column read.scenario_laws.scenario_id is 'The scenario.';
comment on column read.scenario_laws.place is 'Place among its laws, from 1.';
comment on column read.scenario_laws.in_force_from is 'First day of that wording.';
comment on column read.scenario_laws.in_force_to is 'Last day; 9999-12-30: no end.';
comment on column read.scenario_laws.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.scenario_laws to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.scenario_laws to ledger_projector;

create table read.parameters (
  name         text        not null,
  edition      integer     not null,
  parameter    text        not null,
  value        bigint      not null,
  scale        text        not null,
  published_at timestamptz not null,
  replaced_at  timestamptz not null,
  items        bigint      not null,
  primary key (name, edition, parameter, value, scale, published_at, replaced_at)
);

comment on table read.parameters is 'Numbers of methods, such as credit_score, each edition.';
comment on column read.parameters.name is 'The method.';
comment on column read.parameters.edition is '1, 2, 3 …: how often it was published.';
comment on column read.parameters.parameter is 'The parameter.';
comment on column read.parameters.value is 'Its value, in units of scale.';
comment on column read.parameters.scale is 'count, days, points or permille.';
comment on column read.parameters.published_at is 'When this edition was published.';
comment on column read.parameters.replaced_at is 'When the next edition was published; 9999-12-30 00:00 UTC: never, or not yet.';
comment on column read.parameters.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.parameters to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.parameters to ledger_projector;

create table read.policies (
  rulebook_id   text        not null,
  number        integer     not null,
  policy_id     text        not null,
  edition       integer     not null,
  kind          text        not null,
  within_days   integer     not null,
  most_fen      bigint      not null,
  in_force_from date        not null,
  in_force_to   date        not null,
  region        text        not null,
  published_at  timestamptz not null,
  items         bigint      not null,
  primary key (rulebook_id, number, policy_id, edition, kind, within_days, most_fen, in_force_from, in_force_to, region, published_at)
);

comment on table read.policies is 'Standard policies that merchants may adopt (C6), newest edition.';
comment on column read.policies.rulebook_id is 'The stream: rulebook-<part>.';
comment on column read.policies.number is '1, 2, 3 … within the stream.';
comment on column read.policies.policy_id is 'The policy.';
comment on column read.policies.edition is '1, 2, 3 …: how often it was published.';
comment on column read.policies.kind is 'return, exchange, repair or refund.';
comment on column read.policies.within_days is 'Days after the purchase.';
comment on column read.policies.most_fen is 'Highest price, in fen; 0: any.';
comment on column read.policies.in_force_from is 'First day.';
comment on column read.policies.in_force_to is 'Last day; 9999-12-30: no end.';
comment on column read.policies.region is 'Administrative division, GB/T 2260; 000000: the whole country.';
comment on column read.policies.published_at is 'When this edition was published.';
comment on column read.policies.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.policies to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.policies to ledger_projector;

create table read.policy_terms (
  policy_id text        not null,
  place     integer     not null,
  kind      text        not null,
  permille  integer     not null,
  items     bigint      not null,
  primary key (policy_id, place, kind, permille)
);

comment on table read.policy_terms is 'What policies give.';
comment on column read.policy_terms.policy_id is 'The policy.';
comment on column read.policy_terms.place is 'Place among its terms, from 1.';
comment on column read.policy_terms.kind is 'What is given.';
comment on column read.policy_terms.permille is 'Share of the price that is paid, of 1,000; 0 where no money is.';
comment on column read.policy_terms.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.policy_terms to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.policy_terms to ledger_projector;

create table read.policy_scenarios (
  policy_id   text        not null,
  scenario_id text        not null,
  items       bigint      not null,
  primary key (policy_id, scenario_id)
);

comment on table read.policy_scenarios is 'In which scenarios policies apply.';
comment on column read.policy_scenarios.policy_id is 'The policy.';
comment on column read.policy_scenarios.scenario_id is 'The scenario.';
comment on column read.policy_scenarios.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.policy_scenarios to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.policy_scenarios to ledger_projector;

create table read.rule_sets (
  rulebook_id   text        not null,
  number        integer     not null,
  rule_set_id   text        not null,
  edition       integer     not null,
  authority     text        not null,
  region        text        not null,
  in_force_from date        not null,
  in_force_to   date        not null,
  published_at  timestamptz not null,
  items         bigint      not null,
  primary key (rulebook_id, number, rule_set_id, edition, authority, region, in_force_from, in_force_to, published_at)
);

comment on table read.rule_sets is 'Rules of authorities by region and days (A4, A10), newest edition.';
comment on column read.rule_sets.rulebook_id is 'The stream: rulebook-<part>.';
comment on column read.rule_sets.number is '1, 2, 3 … within the stream.';
comment on column read.rule_sets.rule_set_id is 'The rule set.';
comment on column read.rule_sets.edition is '1, 2, 3 …: how often it was published.';
comment on column read.rule_sets.authority is 'Under whose rules.';
comment on column read.rule_sets.region is 'Administrative division, GB/T 2260; 000000: the whole country.';
comment on column read.rule_sets.in_force_from is 'First day.';
comment on column read.rule_sets.in_force_to is 'Last day; 9999-12-30: no end.';
comment on column read.rule_sets.published_at is 'When this edition was published.';
comment on column read.rule_sets.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.rule_sets to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.rule_sets to ledger_projector;

create table read.rule_set_grounds (
  rule_set_id text        not null,
  kind        text        not null,
  code        text        not null,
  counts      boolean     not null,
  items       bigint      not null,
  primary key (rule_set_id, kind, code, counts)
);

comment on table read.rule_set_grounds is 'Grounds of refusing or ending (A13); read.rulebook_texts has what each says, as field refusal_<code> or ending_<code> of the rule set.';
comment on column read.rule_set_grounds.rule_set_id is 'The rule set.';
comment on column read.rule_set_grounds.kind is 'refusal or ending.';
comment on column read.rule_set_grounds.code is 'The ground.';
comment on column read.rule_set_grounds.counts is 'Whether it says something of the merchant: without that it stays outside credit and the denominator of mediation.';
comment on column read.rule_set_grounds.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.rule_set_grounds to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.rule_set_grounds to ledger_projector;

create table read.rulebook_texts (
  rulebook_id text        not null,
  item        text        not null,
  number      integer     not null,
  field       text        not null,
  part        integer     not null,
  text        text        not null,
  items       bigint      not null,
  primary key (rulebook_id, item, number, field, part, text)
);

comment on table read.rulebook_texts is 'What people wrote of the items of the rulebook: each text in parts of at most 500 characters, to be joined in order of part.';
comment on column read.rulebook_texts.rulebook_id is 'The stream: rulebook-<part>.';
comment on column read.rulebook_texts.item is 'What it is of: code_list (title, source), scenario (title_zh, title_en, tactic, law_1, law_en_1, article_1 …), policy (title_zh, title_en, source), rule_set (title, source, refusal_<code>, ending_<code>).';
comment on column read.rulebook_texts.number is 'Number of the item within the stream.';
comment on column read.rulebook_texts.field is 'Which text of the item.';
comment on column read.rulebook_texts.part is '1, 2, 3 … of the text.';
comment on column read.rulebook_texts.text is 'The part.';
comment on column read.rulebook_texts.items is 'How many items are exactly this one; 1 but for duplicates.';

grant select on read.rulebook_texts to ledger_api, ledger_watcher, ledger_analyst;
grant select, insert, update, delete on read.rulebook_texts to ledger_projector;
