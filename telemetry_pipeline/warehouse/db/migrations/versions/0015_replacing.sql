-- As it was, but that who writes rows and their line (``results.changes``) keeps the line: somebody who takes rows away meanwhile
-- waits for it, and would not find another one in its place.
create or replace function analysis.forget_results() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'TRUNCATE' then
        delete from analysis.results where asset = tg_table_name::text;
        return null;
    end if;
    if current_setting('telemetry.replaces', true) = tg_table_name::text then
        return null;
    end if;
    -- To compare another type may take a cast, which may be anybody's code and would run with the owner's rights.
    if exists (
        select from pg_attribute
        where attrelid = tg_relid and attname in ('period_last', 'period_first', 'parameters_key')
          and atttypid not in ('date'::regtype, 'text'::regtype)
    ) then
        raise insufficient_privilege using message = format('%s is no table of results', tg_relid::regclass);
    end if;
    delete from analysis.results
    where asset = tg_table_name::text
      and (period_last, period_first, parameters_key) in (select period_last, period_first, parameters_key from gone);
    return null;
end
$$;
