-- What tools for charts and tables read. Nothing in here names a subscriber or a device. The views of analyses are made when
-- results are stored: telemetry_pipeline.results.published.bi.
create schema bi;
comment on schema bi is 'for tools that make charts and tables: views whose columns all say what they are';

create view bi.views as
select record_id, local_date, local_hour, ended_at, started_at, duration_seconds, channel_id, channel_name, country, isp
from telemetry.views
where excluded is null and duration_seconds is not null;

comment on view bi.views is 'What was watched? A row for each view that counts.';
comment on column bi.views.record_id is 'id of the view, which is that of its stop';
comment on column bi.views.local_date is 'the operator''s day in which it ended; name days, and only their months are read';
comment on column bi.views.local_hour is 'the operator''s hour in which it ended, 0 to 23';
comment on column bi.views.ended_at is 'when it ended';
comment on column bi.views.started_at is 'when it began';
comment on column bi.views.duration_seconds is 'how long was watched, without a cap [seconds]';
comment on column bi.views.channel_id is 'channel, see bi.channels';
comment on column bi.views.channel_name is 'its name at the time of the view; null while nobody has told it';
comment on column bi.views.country is 'country of the address';
comment on column bi.views.isp is 'internet provider of the address';

-- By ids, one after the other: to gather those of all views would be to read all views.
create view bi.channels as
with recursive viewed as (
    select min(channel_id) as channel_id from telemetry.views
    union all
    select (select min(channel_id) from telemetry.views where channel_id > viewed.channel_id)
    from viewed where channel_id is not null
), every as (
    select channel_id from viewed where channel_id is not null
    union
    select channel_id from telemetry.channel_names
)
select every.channel_id, (
    select name from telemetry.channel_names where channel_id = every.channel_id order by last_record_id desc limit 1
) as channel_name, (
    select local_date from telemetry.views
    where channel_id = every.channel_id and excluded is null order by record_id limit 1
) as first_seen, (
    select local_date from telemetry.views
    where channel_id = every.channel_id and excluded is null order by record_id desc limit 1
) as last_seen
from every;

comment on view bi.channels is 'Which channels are there? A row for each.';
comment on column bi.channels.channel_id is 'id of the channel';
comment on column bi.channels.channel_name is 'its name now, whatever it was before; null while nobody has told it';
comment on column bi.channels.first_seen is 'the operator''s day of the view of it that came first; null: there is none';
comment on column bi.channels.last_seen is 'the operator''s day of the view of it that came last; null: there is none';

-- What makes a day complete is said in telemetry_pipeline.days.Completeness, and in warehouse.raw.completeness.
create view bi.days as
with state as (
    select complete_before, (
        select max(local_date) from (
            select local_date, lag(local_date) over (order by local_date) as day_before from telemetry.view_days
            where local_date <= coalesce(complete_before, 'infinity')
        ) as days
        where day_before is null or local_date - day_before > 28
    ) as first_day
    from telemetry.sync_state
)
select day.local_date, extract(isodow from day.local_date)::integer as weekday,
       to_char(day.local_date, 'IYYY-"W"IW') as iso_week, to_char(day.local_date, 'YYYY-MM') as month,
       (
           coalesce(day.local_date < (select complete_before from state), false)
           or exists (select from telemetry.complete_days where complete_days.local_date = day.local_date)
       )
       and coalesce(day.local_date > (select first_day from state), false)
       and not exists (
           select from telemetry.sync_gaps
           where resolved_at is null
             and day.local_date between coalesce(first_date, '-infinity') and coalesce(last_date, 'infinity')
       ) as is_complete,
       viewed.views, viewed.watch_hours
from telemetry.view_days as day cross join lateral (
    select count(*) as views, sum(duration_seconds) / 3600.0::double precision as watch_hours
    from telemetry.views
    where local_date = day.local_date and excluded is null and duration_seconds is not null
    having count(*) > 0
) as viewed;

comment on view bi.days is 'How much was watched each day? A row for each of the operator''s days that has views.';
comment on column bi.days.local_date is 'the operator''s day';
comment on column bi.days.weekday is 'its day of the week, from 1, Monday, to 7, Sunday';
comment on column bi.days.iso_week is 'its week by ISO 8601, such as 2026-W05';
comment on column bi.days.month is 'its month, such as 2026-01';
comment on column bi.days.is_complete is 'whether its views are all there; the first day of data never is';
comment on column bi.days.views is 'views that count and ended in it';
comment on column bi.days.watch_hours is 'how long they took, without a cap [hours]';
