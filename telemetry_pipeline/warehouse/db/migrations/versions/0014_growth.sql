-- What a tick and a night read follows what is new, however much there is.

-- Ids that were stored and not looked at since for whether they are stored more than once; at first, all that there are.
create table telemetry.unchecked_ids (
    noted_in        xid8   not null default pg_current_xact_id(),
    first_record_id bigint not null,
    last_record_id  bigint not null check (first_record_id <= last_record_id),
    primary key (noted_in, first_record_id)
);
comment on table telemetry.unchecked_ids is 'ids that were stored since it was last looked whether any is stored more than once, and those that were';
comment on column telemetry.unchecked_ids.noted_in is 'the transaction that stored them';
insert into telemetry.unchecked_ids (first_record_id, last_record_id) values (-9223372036854775808, 9223372036854775807);

-- Who stores records notes their ids before. Of all others, an earlier version of the pipeline among them, nobody knows which
-- ids they wrote. A trigger with the new rows could tell, and would copy each of them.
create function telemetry.note_unknown_ids() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into telemetry.unchecked_ids (first_record_id, last_record_id)
    select -9223372036854775808, 9223372036854775807
    where not exists (select from telemetry.unchecked_ids where noted_in = pg_current_xact_id());
    return null;
end
$$;
create trigger notes_unknown_ids after insert or update of record_id on telemetry.records
    for each statement execute function telemetry.note_unknown_ids();

-- Into the default partition itself: what only moves is not new.
create or replace function telemetry.fold_month(parent text, month date) returns void
language plpgsql strict security definer set search_path = pg_catalog, pg_temp as $$
declare
    child text := format('%s_%s', parent, to_char(month, 'YYYY_MM'));
begin
    call telemetry.check_month(parent, month);
    execute format('alter table telemetry.%I detach partition telemetry.%I', parent, child);
    execute format('insert into telemetry.%I select * from telemetry.%I', parent || '_default', child);
    execute format('drop table telemetry.%I', child);
end
$$;

-- How many views are of the future is said with every tick, and most views that do not count are duplicates.
create index views_future on telemetry.views (record_id) where excluded = 'future';

-- For what looks every few seconds at what is open or was over lately, of all that ever was.
create index problems_resolved on telemetry.problems (resolved_at);
create index problems_told on telemetry.problems (told_at);
create index problems_opened on telemetry.problems (key, opened_at);
create index dead_letters_open on telemetry.dead_letters (dead_letter_id) where settled_at is null;
create index rejected_records_answers on telemetry.rejected_records (reason) where record_id is null;

-- For the clean-up of messages; the other one there is twice.
create index outbox_settled on telemetry.outbox (settled_at);
drop index telemetry.outbox_settled_at_idx1;

-- For the clean-up of results, which leaves the results with default parameters alone, one a day.
create index results_wanted on analysis.results (asset, parameters_key, wanted_at);
