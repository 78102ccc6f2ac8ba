-- The catalogue names no result whose rows were deleted or changed by anybody: who stores one writes its line behind its rows.
create function analysis.forget_results() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'TRUNCATE' then
        delete from analysis.results where asset = tg_table_name::text;
    else
        delete from analysis.results
        where asset = tg_table_name::text
          and (period_last, period_first, parameters_key) in (select period_last, period_first, parameters_key from gone);
    end if;
    return null;
end
$$;

-- PostgreSQL shows a trigger the rows of one kind of statement only.
create procedure analysis.watch_rows(stored regclass)
language plpgsql as $$
begin
    execute format(
        'create trigger forgets_deleted after delete on %1$s
             referencing old table as gone for each statement execute function analysis.forget_results();
         create trigger forgets_changed after update on %1$s
             referencing old table as gone for each statement execute function analysis.forget_results();
         create trigger forgets_all after truncate on %1$s for each statement execute function analysis.forget_results()',
        stored
    );
end
$$;

do $$
declare stored regclass;
begin
    for stored in
        select attrelid from pg_attribute join pg_class on pg_class.oid = attrelid
        where relnamespace = 'analysis'::regnamespace and relkind = 'r' and relname <> 'results' and attname = 'parameters_key'
    loop
        call analysis.watch_rows(stored);
    end loop;
end
$$;

alter table analysis.documents add column results timestamptz[];
comment on column analysis.documents.results is 'when the results in it were computed, in the order of the names of their analyses';
