-- When the sync began that a record was last seen by: nothing in it is of a later moment, unless its clock is ahead.
-- Of what was stored before this column came, it is known that it was received by now.
alter table telemetry.records add column received_at timestamptz not null default now();
create index records_ahead on telemetry.records (record_id) where timestamp > received_at;
alter table telemetry.pending_merges add column seen_again boolean not null default false;
comment on column telemetry.pending_merges.seen_again is 'whether records of these ids were ahead of their reception and are not now';

-- Why a view counts nowhere: 'future' (it ends after its reception), 'duplicate' (the same playback under a higher record
-- id); null: it counts.
alter table telemetry.views add column excluded text;
create index views_local_date on telemetry.views (local_date, ended_at);
create index views_excluded on telemetry.views (record_id) where excluded is not null;

create view telemetry.excluded_views as
select views.record_id, views.local_date, views.ended_at, records.received_at, views.device_id, views.channel_name,
       views.duration_seconds, views.excluded as reason
from telemetry.views join telemetry.records using (record_id, local_date)
where views.excluded is not null;

-- One number for all days that goes up with every merge that changes views; a day has that of its last change, and, apart,
-- that of the last change of views that had begun before the day did.
create sequence telemetry.views_version;
select setval('telemetry.views_version', (select coalesce(max(version), 0) + 1 from telemetry.view_days));
alter table telemetry.view_days add column spill_version bigint not null default 0;

update telemetry.views set excluded = 'future' where ended_at > now();
with repeated as (
    select local_date, ended_at, device_id, channel_id, duration_seconds, min(record_id) as kept from telemetry.views
    where device_id is not null and excluded is null
    group by local_date, ended_at, device_id, channel_id, duration_seconds having count(*) > 1
)
update telemetry.views set excluded = 'duplicate'
from repeated
where (views.local_date, views.ended_at, views.device_id, views.channel_id)
    = (repeated.local_date, repeated.ended_at, repeated.device_id, repeated.channel_id)
  and views.duration_seconds is not distinct from repeated.duration_seconds
  and views.record_id > repeated.kept and views.excluded is null;
update telemetry.view_days set version = currval('telemetry.views_version'), spill_version = currval('telemetry.views_version')
where local_date in (select local_date from telemetry.views where excluded is not null);

comment on column telemetry.sync_state.received_at is 'when a record was stored last';
-- What is known of days. Every day before complete_before is read to its end, but for open gaps; so are complete_days, by
-- repairs. newest_receipt is the newest of telemetry.records.received_at, known_until what it was when the live edge was last
-- drained.
alter table telemetry.sync_state
    add column newest_receipt  timestamptz,
    add column known_until     timestamptz,
    add column complete_before date;
update telemetry.sync_state set newest_receipt = now() where exists (select from telemetry.records);
create table telemetry.complete_days (local_date date primary key);
alter table telemetry.sync_repairs add column began_at timestamptz not null default now();

-- Between which local dates the records of a gap lie, as its neighbours tell.
alter table telemetry.sync_gaps add column first_date date, add column last_date date;
update telemetry.sync_gaps set (first_date, last_date) = (
    select least(below.middle, above.middle), greatest(below.middle, above.middle)
    from (
        select percentile_disc(0.5) within group (order by local_date) as middle from (
            select local_date from telemetry.records
            where record_id < sync_gaps.first_record_id order by record_id desc limit 20
        ) as neighbours
    ) as below, (
        select coalesce(
            percentile_disc(0.5) within group (order by local_date),
            (found_at at time zone coalesce((select operator_timezone from telemetry.sync_state), 'UTC'))::date
        ) as middle from (
            select local_date from telemetry.records where record_id > sync_gaps.last_record_id order by record_id limit 20
        ) as neighbours
    ) as above
)
where resolved_at is null;

-- What came in, new records and such as were rejected for the first time, by the hour of their reception.
create table telemetry.receipts (
    hour     timestamptz primary key,
    records  bigint not null default 0,
    rejected bigint not null default 0
);

-- Of which version of the views a result is, when the views that it is of had changed last, and by which rules they counted.
alter table analysis.results
    add column views_version   bigint not null default 0,
    add column changed_version bigint not null default 0,
    add column rules           text not null default '';

-- Of a day that is not over, minutes are not whole.
alter table if exists analysis.average_audience alter column minutes type double precision;
