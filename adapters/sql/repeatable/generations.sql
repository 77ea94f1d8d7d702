-- Tables of a new generation stand beside those in use under the same name and "_next", until they take their place.
-- What is to be added to tables of sums gathers in tables of the same name and "_parts". All take names of tables:
-- those in the schema private as private.name, those in the schema read without it; no others.

-- Creates empty tables like those in use, in place of any from before, with their keys, comments and grants. Further
-- indexes come once they are filled (index_next).
create or replace function read.create_next(p_tables text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  given text;
  place text;
  name text;
  options text;
  divided text;
  granted record;
  kept record;
  part record;
begin
  perform read.drop_next(p_tables);
  foreach given in array p_tables loop
    place := case when given like 'private.%' then 'private' else 'read' end;
    name := regexp_replace(given, '^private\.', '');
    select coalesce(' partition by ' || pg_get_partkeydef(oid), ''), coalesce(' with (' || array_to_string(reloptions, ', ') || ')', '')
    into divided, options from pg_class where oid = format('%I.%I', place, name)::regclass;
    -- LIKE copies the comments of columns, but neither that of the table nor its partitions and options.
    execute format('create table %1$I.%2$I (like %1$I.%3$I including all excluding indexes)', place, name || '_next', name)
            || divided || options;
    for part in
      select c.relname, pg_get_expr(c.relpartbound, c.oid) as bound,
             coalesce(' with (' || array_to_string(c.reloptions, ', ') || ')', '') as options
      from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = format('%I.%I', place, name)::regclass
    loop
      execute format('create table %I.%I partition of %I.%I ', place, part.relname || '_next', place, name || '_next')
              || part.bound || part.options;
    end loop;
    execute format('comment on table %I.%I is %L', place, name || '_next',
                   obj_description(format('%I.%I', place, name)::regclass, 'pg_class'));
    for kept in
      select conname, pg_get_constraintdef(oid) as definition
      from pg_constraint where conrelid = format('%I.%I', place, name)::regclass and contype in ('p', 'u')
    loop
      execute format('alter table %I.%I add constraint %I %s', place, name || '_next', kept.conname || '_next',
                     kept.definition);
    end loop;
    for granted in
      select a.privilege_type, a.grantee::regrole as grantee
      from pg_class c cross join lateral aclexplode(c.relacl) a
      where c.oid = format('%I.%I', place, name)::regclass and a.grantee <> c.relowner
    loop
      execute format('grant %s on %I.%I to %s', granted.privilege_type, place, name || '_next', granted.grantee);
    end loop;
    execute format('create unlogged table %1$I.%2$I (like %1$I.%3$I including comments)', place,
                   name || '_parts', name);
    execute format('comment on table %I.%I is %L', place, name || '_parts',
                   'What is to be added to ' || name || '_next.');
    execute format('grant select, insert, truncate on %I.%I to ledger_projector', place, name || '_parts');
  end loop;
end $$;

-- Gives a filled table the indexes that the one in use has, and its statistics.
create or replace function read.index_next(p_table text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  place text := case when p_table like 'private.%' then 'private' else 'read' end;
  name text := regexp_replace(p_table, '^private\.', '');
  found record;
  definition text;
begin
  for found in
    select c.oid, c.relname, i.indisunique
    from pg_index i join pg_class c on c.oid = i.indexrelid
    where i.indrelid = format('%I.%I', place, name)::regclass
      and not exists (select from pg_constraint where conindid = i.indexrelid)
  loop
    definition := pg_get_indexdef(found.oid);
    execute format('create %s index if not exists %I on %I.%I %s', case when found.indisunique then 'unique' end,
                   found.relname || '_next', place, name || '_next', substr(definition, strpos(definition, ' USING ')));
    if obj_description(found.oid, 'pg_class') is not null then
      execute format('comment on index %I.%I is %L', place, found.relname || '_next',
                     obj_description(found.oid, 'pg_class'));
    end if;
  end loop;
  execute format('analyze %I.%I', place, name || '_next');
end $$;

-- Drops what create_next made.
create or replace function read.drop_next(p_tables text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  given text;
  place text;
  name text;
begin
  foreach given in array p_tables loop
    place := case when given like 'private.%' then 'private' else 'read' end;
    name := regexp_replace(given, '^private\.', '');
    execute format('drop table if exists %1$I.%2$I, %1$I.%3$I', place, name || '_next', name || '_parts');
  end loop;
end $$;

-- Puts the next tables in the place of those in use, which are dropped. Waits for whoever reads them, as long as the
-- caller's lock_timeout allows.
create or replace function read.swap_next(p_tables text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  given text;
  place text;
  name text;
  index_name text;
  part record;
  child record;
begin
  foreach given in array p_tables loop
    place := case when given like 'private.%' then 'private' else 'read' end;
    name := regexp_replace(given, '^private\.', '');
    execute format('drop table %I.%I', place, name);
    execute format('drop table if exists %I.%I', place, name || '_parts');
    execute format('alter table %I.%I rename to %I', place, name || '_next', name);
    for index_name in
      select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid
      where i.indrelid = format('%I.%I', place, name)::regclass and c.relname like '%\_next'
    loop
      execute format('alter index %I.%I rename to %I', place, index_name,
                     substr(index_name, 1, length(index_name) - 5));
    end loop;
    for part in
      select c.oid, c.relname, substr(c.relname, 1, length(c.relname) - 5) as name
      from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = format('%I.%I', place, name)::regclass
    loop
      execute format('alter table %I.%I rename to %I', place, part.relname, part.name);
      -- The indexes of partitions are named by PostgreSQL: here as those of the whole table.
      for child in
        select c.relname, part.name || substr(p.relname, length(name) + 1) as name
        from pg_index i join pg_class c on c.oid = i.indexrelid
        join pg_inherits h on h.inhrelid = c.oid join pg_class p on p.oid = h.inhparent
        where i.indrelid = part.oid
      loop
        execute format('alter index %I.%I rename to %I', place, child.relname, child.name);
      end loop;
    end loop;
  end loop;
end $$;

comment on function read.create_next is 'Makes the empty tables of a new generation beside those in use; for projectors.';
comment on function read.index_next is 'Gives a filled table of a new generation its indexes; for projectors.';
comment on function read.drop_next is 'Drops the tables of a new generation; for projectors.';
comment on function read.swap_next is 'Puts the tables of a new generation in the place of those in use; for projectors.';

revoke all on function read.create_next, read.index_next, read.drop_next, read.swap_next from public;
grant execute on function read.create_next, read.index_next, read.drop_next, read.swap_next to ledger_projector;
