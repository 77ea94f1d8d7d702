-- What people wrote of an item, put together from its parts; null where there is no such text. The bodies are strings, so
-- that a new generation of a table can take the place of the one in use.
create or replace function read.merchant_text(p_id text, p_item text, p_number bigint, p_field text) returns text
language sql stable parallel safe as $$
  select string_agg(text, '' order by part) from read.merchant_texts
  where merchant_id = p_id and item = p_item and number = p_number and field = p_field
$$;
comment on function read.merchant_text is 'A text of an item of a merchant: see read.merchant_texts.';

create or replace function read.office_text(p_id text, p_item text, p_number bigint, p_field text) returns text
language sql stable parallel safe as $$
  select string_agg(text, '' order by part) from read.office_texts
  where office_id = p_id and item = p_item and number = p_number and field = p_field
$$;
comment on function read.office_text is 'A text of an item of an office: see read.office_texts.';

create or replace function read.platform_text(p_id text, p_item text, p_number bigint, p_field text) returns text
language sql stable parallel safe as $$
  select string_agg(text, '' order by part) from read.platform_texts
  where platform_id = p_id and item = p_item and number = p_number and field = p_field
$$;
comment on function read.platform_text is 'A text of an item of a platform: see read.platform_texts.';

create or replace function read.fund_text(p_id text, p_item text, p_number bigint, p_field text) returns text
language sql stable parallel safe as $$
  select string_agg(text, '' order by part) from read.fund_texts
  where fund_id = p_id and item = p_item and number = p_number and field = p_field
$$;
comment on function read.fund_text is 'A text of an item of a fund: see read.fund_texts.';

create or replace function read.measure_text(p_id text, p_item text, p_number bigint, p_field text) returns text
language sql stable parallel safe as $$
  select string_agg(text, '' order by part) from read.measure_texts
  where measure_id = p_id and item = p_item and number = p_number and field = p_field
$$;
comment on function read.measure_text is 'A text of an item of a measure: see read.measure_texts.';

create or replace function read.leak_text(p_id text, p_item text, p_number bigint, p_field text) returns text
language sql stable parallel safe as $$
  select string_agg(text, '' order by part) from read.leak_texts
  where subject_id = p_id and item = p_item and number = p_number and field = p_field
$$;
comment on function read.leak_text is 'A text of a leak: see read.leak_texts.';

create or replace function read.rulebook_text(p_id text, p_item text, p_number bigint, p_field text) returns text
language sql stable parallel safe as $$
  select string_agg(text, '' order by part) from read.rulebook_texts
  where rulebook_id = p_id and item = p_item and number = p_number and field = p_field
$$;
comment on function read.rulebook_text is 'A text of something published: see read.rulebook_texts.';
