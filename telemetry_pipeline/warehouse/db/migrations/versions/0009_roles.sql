-- What only the owner of the tables may do, for the pipeline, which is not the owner: telemetry_pipeline.warehouse.db.partitions.

-- Make a month of records or views alone, with the rows of it that are in the default partition, and attach it.
create function telemetry.make_month(parent text, month date) returns void
language plpgsql strict security definer set search_path = pg_catalog, pg_temp as $$
declare
    child text := format('%s_%s', parent, to_char(month, 'YYYY_MM'));
    following date := month + interval '1 month';
    bounds text := format('local_date >= %L and local_date < %L', month, following);
begin
    call telemetry.check_month(parent, month);
    -- The check spares PostgreSQL reading the rows while it holds the default partition.
    execute format(
        'create table telemetry.%I (like telemetry.%I including all, constraint its_month check (%s))', child, parent, bounds
    );
    execute format(
        'with moved as (delete from telemetry.%I where %s returning *) insert into telemetry.%I select * from moved',
        parent || '_default', bounds, child
    );
    execute format(
        'alter table telemetry.%I attach partition telemetry.%I for values from (%L) to (%L)', parent, child, month, following
    );
    execute format('alter table telemetry.%I drop constraint its_month', child);
end
$$;

-- Move the rows of a month to the default partition.
create function telemetry.fold_month(parent text, month date) returns void
language plpgsql strict security definer set search_path = pg_catalog, pg_temp as $$
declare
    child text := format('%s_%s', parent, to_char(month, 'YYYY_MM'));
begin
    call telemetry.check_month(parent, month);
    execute format('alter table telemetry.%I detach partition telemetry.%I', parent, child);
    execute format('insert into telemetry.%I select * from telemetry.%I', parent, child);
    execute format('drop table telemetry.%I', child);
end
$$;

create procedure telemetry.check_month(parent text, month date)
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if parent not in ('records', 'views') or month <> date_trunc('month', month) then
        raise exception 'telemetry.% is no table of months, or % does not begin one', parent, month;
    end if;
end
$$;

-- As it was, but for the check.
create or replace function analysis.forget_results() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'TRUNCATE' then
        delete from analysis.results where asset = tg_table_name::text;
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

create function telemetry.analyze_views() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    analyze telemetry.views;
end
$$;
