-- What people wrote of an item, put together from its parts; null where there is no such text. The bodies are strings, so
-- that a new generation of a table can take the place of the one in use.
do $do$
declare
  name text;
  key text;
  what text;
begin
  for name, key, what in values
    ('merchant', 'merchant_id', 'an item of a merchant'),
    ('office', 'office_id', 'an item of an office'),
    ('platform', 'platform_id', 'an item of a platform'),
    ('fund', 'fund_id', 'an item of a fund'),
    ('measure', 'measure_id', 'an item of a measure'),
    ('leak', 'subject_id', 'a leak'),
    ('rulebook', 'rulebook_id', 'something published')
  loop
    execute format($create$
      create or replace function read.%1$I(p_id text, p_item text, p_number bigint, p_field text) returns text
      language sql stable parallel safe as $$
        select string_agg(text, '' order by part) from read.%2$I
        where %3$I = p_id and item = p_item and number = p_number and field = p_field
      $$ $create$, name || '_text', name || '_texts', key);
    execute format('comment on function read.%I is %L', name || '_text',
                   format('A text of %s: see read.%s_texts.', what, name));
  end loop;
end $do$;
