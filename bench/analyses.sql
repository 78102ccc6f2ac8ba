-- What the benchmark asks of rows: each general analysis as one select, with the columns and the order of its result.
-- Distinct values are counted over groups that were formed before, for hashing is two to three times as fast as the sort of
-- count(distinct ...). A header of two dashes and a name begins each statement.

-- fill
insert into telemetry.views (record_id, local_date, local_hour, ended_at, started_at, duration_seconds, channel_id,
                             channel_name, subscriber_code, device_id, country, isp)
select row_number() over (order by local_end), local_end::date, extract(hour from local_end),
       local_end at time zone :timezone, local_end at time zone :timezone - make_interval(secs => duration_seconds),
       duration_seconds, channel, case when random() > 0.01 then 'Canal ' || channel end,
       case when random() > 0.01 then 'S' || lpad(subscriber::text, 6, '0') end,
       case when random() > 0.01 then 10 * subscriber + floor(3 * random()) end,
       case when random() > 0.02 then 'País ' || subscriber % 10 end,
       case when random() > 0.02 then 'Proveedor ' || subscriber / 10 % 10 end
from (
    -- Most views end around 21 h; one day has twice as many as another.
    select cast(:first as date) + (20 + floor(31 * random())::int) % 30
               + interval '1 second' * (floor(43200 * (random() + random() + 0.75))::int % 86400) as local_end,
           1 + floor(120 * random() ^ 2.5)::int as channel,
           1 + floor(5000 * random() ^ 1.5)::int as subscriber,
           case when random() > 0.01 then 60 + floor(10740 * random() ^ 3)::int end as duration_seconds
    from generate_series(1, :views)
) as seen
order by local_end

-- names
insert into telemetry.channel_names (channel_id, name, first_record_id, last_record_id)
select channel_id, 'Canal ' || channel_id, min(record_id), max(record_id) from telemetry.views group by channel_id

-- counted
create temporary view counted as
select local_date, local_hour, ended_at, duration_seconds, channel_name, subscriber_code, device_id, country, isp
from telemetry.views
where local_date between '{first}' and '{last}' and duration_seconds is not null

-- anomalies
with daily as (select local_date as date, count(*) as views from counted group by local_date),
deviations as (
    select date, views, avg(views) over ()::double precision as mean, stddev_pop(views) over ()::double precision as std
    from daily
),
scores as (select *, (views - mean) / nullif(std, 0) as z_score from deviations)
select date, views, mean, std, z_score, case when z_score > 0 then 'above' else 'below' end as direction
from scores
where abs(z_score) > :threshold_std
order by date

-- average_duration
select channel_name as channel, sum(duration_seconds)::double precision / count(*) as average_seconds, count(*) as views,
       sum(duration_seconds) / 3600.0::double precision as watch_hours
from counted
where channel_name is not null
group by channel_name
order by average_seconds desc, channel_name

-- channel_audience
with devices as (
    select channel_name, count(device_id) as unique_devices, sum(views)::bigint as views, sum(seconds) as seconds
    from (
        select channel_name, device_id, count(*) as views, sum(duration_seconds) as seconds
        from counted where channel_name is not null group by channel_name, device_id
    ) as by_device
    group by channel_name
),
subscribers as (
    select channel_name, count(subscriber_code) as unique_subscribers
    from (select distinct channel_name, subscriber_code from counted where channel_name is not null) as by_subscriber
    group by channel_name
)
select channel_name as channel, unique_devices, unique_subscribers, views,
       seconds / 3600.0::double precision as watch_hours
from devices join subscribers using (channel_name)
order by channel_name

-- channel_performance
with devices as (
    select channel_name, count(device_id) as unique_devices
    from (select distinct channel_name, device_id from counted where channel_name is not null) as by_device
    group by channel_name
),
subscribers as (
    select channel_name, count(subscriber_code) as unique_subscribers
    from (select distinct channel_name, subscriber_code from counted where channel_name is not null) as by_subscriber
    group by channel_name
),
days as (
    select channel_name, sum(views)::bigint as views, sum(seconds)::double precision as seconds, count(*) as active_days
    from (
        select channel_name, local_date, count(*) as views, sum(duration_seconds) as seconds
        from counted where channel_name is not null group by channel_name, local_date
    ) as by_day
    group by channel_name
),
channels as (
    select channel_name as channel, unique_devices, unique_subscribers, views, seconds / 3600 as watch_hours,
           seconds / views as average_seconds, active_days
    from devices join subscribers using (channel_name) join days using (channel_name)
),
scores as (
    select *, views::double precision / nullif(unique_subscribers, 0) as views_per_subscriber,
           watch_hours / nullif(unique_subscribers, 0) as watch_hours_per_subscriber,
           100.0::double precision * views / max(views) over () as views_score,
           coalesce(100.0::double precision * unique_subscribers / nullif(max(unique_subscribers) over (), 0), 0)
               as subscribers_score,
           coalesce(100 * watch_hours / nullif(max(watch_hours) over (), 0), 0) as watch_time_score,
           coalesce(100 * average_seconds / nullif(max(average_seconds) over (), 0), 0) as average_duration_score
    from channels
),
means as (
    select *, (views_score + subscribers_score + watch_time_score + average_duration_score) / 4 as performance_score from scores
)
select *, row_number() over (order by performance_score desc, channel) as rank
from means
order by rank

-- cohorts
with active as (
    select subscriber_code, date_trunc('month', local_date::timestamp)::date as month, sum(duration_seconds) as seconds
    from counted where subscriber_code is not null group by 1, 2
),
members as (select *, min(month) over (partition by subscriber_code) as cohort_month from active),
months as (
    select cohort_month, month, count(*) as subscribers, sum(seconds)::double precision as seconds
    from members group by cohort_month, month
),
channels as (
    select cohort_month, month, count(*) as unique_channels
    from (
        select distinct cohort_month, date_trunc('month', local_date::timestamp)::date as month, channel_name
        from counted
        join (select distinct subscriber_code, cohort_month from members) as cohorts using (subscriber_code)
        where channel_name is not null
    ) as watched
    group by cohort_month, month
)
select cohort_month, month, subscribers, first_value(subscribers) over cohort as cohort_size,
       100.0::double precision * subscribers / first_value(subscribers) over cohort as retention_pct,
       coalesce(unique_channels, 0) as unique_channels, seconds / 3600 as watch_hours
from months left join channels using (cohort_month, month)
window cohort as (partition by cohort_month order by month)
order by cohort_month, month

-- correlation
with subscribers as (
    select sum(seconds)::double precision / 3600 as watch_hours, sum(seconds)::double precision / sum(views) as average_seconds,
           sum(views)::double precision as views, count(channel_name)::double precision as unique_channels,
           sum(hours)::double precision / sum(views) as average_hour
    from (
        select subscriber_code, channel_name, count(*) as views, sum(duration_seconds) as seconds, sum(local_hour) as hours
        from counted where subscriber_code is not null group by subscriber_code, channel_name
    ) as by_channel
    group by subscriber_code
),
pairs as (
    select unnest(array['watch_hours', 'watch_hours', 'watch_hours', 'watch_hours', 'average_seconds', 'average_seconds',
                        'average_seconds', 'views', 'views', 'unique_channels']) as feature_a,
           unnest(array['average_seconds', 'views', 'unique_channels', 'average_hour', 'views', 'unique_channels',
                        'average_hour', 'unique_channels', 'average_hour', 'average_hour']) as feature_b,
           unnest(array[corr(watch_hours, average_seconds), corr(watch_hours, views), corr(watch_hours, unique_channels),
                        corr(watch_hours, average_hour), corr(average_seconds, views), corr(average_seconds, unique_channels),
                        corr(average_seconds, average_hour), corr(views, unique_channels), corr(views, average_hour),
                        corr(unique_channels, average_hour)]) as pearson
    from subscribers
)
select *, case when abs(pearson) > 0.7 then 'fuerte' when abs(pearson) > 0.4 then 'moderada' else 'débil' end as strength
from pairs

-- day_over_day
with seen as (select local_date, count(*) as views from counted group by local_date),
daily as (
    select day::date as date, coalesce(views, 0) as views, lag(coalesce(views, 0)) over (order by day) as previous_views
    from generate_series(cast(:first as timestamp), :last, interval '1 day') as day left join seen on local_date = day
)
select *, views - previous_views as change,
       100.0::double precision * (views - previous_views) / nullif(previous_views, 0) as change_pct
from daily
order by date

-- general_summary
select views, active_subscribers, unique_devices, unique_channels,
       coalesce(seconds, 0) / 3600.0::double precision as watch_hours
from (select count(*) as views, sum(duration_seconds) as seconds from counted) as total
cross join (
    select count(subscriber_code) as active_subscribers from (select distinct subscriber_code from counted) as seen
) as subscribers
cross join (select count(device_id) as unique_devices from (select distinct device_id from counted) as seen) as devices
cross join (select count(channel_name) as unique_channels from (select distinct channel_name from counted) as seen) as channels

-- geography
with devices as (
    select country, isp, sum(views)::bigint as views, count(device_id) as unique_devices
    from (
        select country, isp, device_id, count(*) as views
        from counted where country is not null and isp is not null group by country, isp, device_id
    ) as by_device
    group by country, isp
),
subscribers as (
    select country, isp, count(subscriber_code) as unique_subscribers
    from (
        select distinct country, isp, subscriber_code from counted where country is not null and isp is not null
    ) as by_subscriber
    group by country, isp
)
select country, isp, views, unique_devices, unique_subscribers
from devices join subscribers using (country, isp)
order by country, isp

-- peak_hours
select channel_name as channel, local_hour as hour, count(*) as views,
       row_number() over (partition by channel_name order by count(*) desc, local_hour) as rank
from counted
where channel_name is not null and (cast(:channel as text) is null or channel_name = :channel)
group by channel_name, local_hour
order by channel_name, rank

-- subscriber_segments
select sum(views)::bigint as views, sum(seconds)::double precision / 3600 as watch_hours,
       sum(seconds)::double precision / sum(views)::double precision as average_seconds, count(channel_name) as unique_channels
from (
    select subscriber_code, channel_name, count(*) as views, sum(duration_seconds) as seconds
    from counted where subscriber_code is not null group by subscriber_code, channel_name
) as by_channel
group by subscriber_code
order by subscriber_code

-- time_slots
with moments as (
    select moment % 86400 / 3600 as hour, sum(sign) as moments, sum(sign * (moment % 86400)) as seconds,
           sum(sign * (moment / 86400)) as days
    from counted, lateral (
        values (extract(epoch from ended_at at time zone :timezone)::bigint, 1),
               (extract(epoch from (ended_at - make_interval(secs => duration_seconds)) at time zone :timezone)::bigint, -1)
    ) as ends (moment, sign)
    group by 1
),
watched as (
    select quarter, sum(days) * 21600 + sum(
        case when hour >= quarter * 6 + 6 then moments * 21600
             when hour >= quarter * 6 then seconds - moments * quarter * 21600 else 0 end
    ) as seconds
    from moments, generate_series(0, 3) as quarter
    group by quarter
)
select slot, coalesce(views, 0) as views, seconds / 3600.0::double precision as watch_hours,
       100.0::double precision * coalesce(views, 0) / nullif(sum(views) over (), 0)::double precision as share_pct
from (values (0, 'madrugada'), (1, 'mañana'), (2, 'tarde'), (3, 'noche')) as slots (quarter, slot)
join watched using (quarter)
left join (select local_hour / 6 as quarter, count(*) as views from counted group by 1) as seen using (quarter)
order by quarter

-- top_channels
select channel_name as channel, row_number() over (order by count(*) desc, channel_name) as rank, count(*) as views,
       100.0::double precision * count(*) / sum(count(*)) over ()::double precision as share_pct
from counted
where channel_name is not null
group by channel_name
order by rank
limit :limit

-- viewing_by_period
select local_date as period_start, sum(views)::bigint as views, count(subscriber_code) as unique_subscribers,
       sum(seconds) / 3600.0::double precision as watch_hours
from (
    select local_date, subscriber_code, count(*) as views, sum(duration_seconds) as seconds
    from counted group by local_date, subscriber_code
) as by_subscriber
group by local_date
order by local_date

-- viewing_forecast
with seen as (
    select local_date, count(*) as views from counted
    where cast(:channel as text) is null or channel_name = :channel
    group by local_date
),
history as (
    select day::date as date, coalesce(views, 0) as views,
           avg(coalesce(views, 0)) over (order by day rows 6 preceding) as average
    from generate_series((select min(local_date) from seen)::timestamp, :last, interval '1 day') as day
    left join seen on local_date = day
),
line as (
    select regr_slope(views, date - :last) as slope, regr_intercept(views, date - :last) as intercept,
           1.96 * sqrt((regr_syy(views, date - :last) - regr_slope(views, date - :last) * regr_sxy(views, date - :last))
                       / (count(*) - 2)) as margin
    from history
)
select date, views, average::double precision as moving_average_7d, intercept + slope * (date - :last) as trend,
       null::double precision as forecast, null::double precision as lower, null::double precision as upper, 'history' as kind
from history cross join line
union all
select :last + ahead, null, null, intercept + slope * ahead, greatest(intercept + slope * ahead, 0),
       greatest(greatest(intercept + slope * ahead, 0) - margin, 0), greatest(intercept + slope * ahead, 0) + margin, 'forecast'
from line cross join generate_series(1, :forecast_days) as ahead
order by date
