-- Tables of a new generation stand beside those in use under the same name and "_next", until they take their place.
-- All take names of tables in the schema read, without it.

-- Creates empty tables like those in use, with their indexes, comments and grants, in place of any from before.
create or replace function read.create_next(p_tables text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  name text;
  granted record;
begin
  perform read.drop_next(p_tables);
  foreach name in array p_tables loop
    execute format('create table read.%I (like read.%I including all)', name || '_next', name);
    -- LIKE copies the comments of columns and indexes, but not that of the table.
    execute format('comment on table read.%I is %L', name || '_next',
                   obj_description(format('read.%I', name)::regclass, 'pg_class'));
    for granted in
      select a.privilege_type, a.grantee::regrole as grantee
      from pg_class c cross join lateral aclexplode(c.relacl) a
      where c.oid = format('read.%I', name)::regclass and a.grantee <> c.relowner
    loop
      execute format('grant %s on read.%I to %s', granted.privilege_type, name || '_next', granted.grantee);
    end loop;
  end loop;
end $$;

-- Drops what create_next made.
create or replace function read.drop_next(p_tables text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  name text;
begin
  foreach name in array p_tables loop
    execute format('drop table if exists read.%I', name || '_next');
  end loop;
end $$;

-- Puts the next tables in the place of those in use, which are dropped. Waits for whoever reads them, as long as the
-- caller's lock_timeout allows.
create or replace function read.swap_next(p_tables text[]) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  name text;
  index_name text;
begin
  foreach name in array p_tables loop
    execute format('drop table read.%I', name);
    execute format('alter table read.%I rename to %I', name || '_next', name);
    for index_name in
      select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid
      where i.indrelid = format('read.%I', name)::regclass and starts_with(c.relname, name || '_next_')
    loop
      execute format('alter index read.%I rename to %I', index_name, name || substr(index_name, length(name) + 6));
    end loop;
  end loop;
end $$;

revoke all on function read.create_next, read.drop_next, read.swap_next from public;
grant execute on function read.create_next, read.drop_next, read.swap_next to ledger_projector;
