-- Raw telemetry as the upstream gave it: one row per record id. Partitioned by calendar month of the operator's local
-- date; the record id leads the key, so that a probe by id is one index look-up per partition.
create table telemetry.records (
    record_id        bigint      not null,
    action_id        integer,
    action_key       text,
    reason_key       text,
    subscriber_code  text,
    smartcard_id     text,
    device_id        bigint,
    data_id          bigint,
    data_name        text,
    duration_seconds integer,
    data_net_id      bigint,
    data_ts_id       bigint,
    data_service_id  bigint,
    data_price       bigint,
    profile_id       bigint,
    ip_id            bigint,
    reason_id        bigint,
    date             bigint,
    timestamp        timestamptz not null,
    created          timestamptz,
    data             text,
    ip               text,
    whois_country    text,
    whois_isp        text,
    anonymized       boolean,
    manual           boolean,
    extra            jsonb,
    local_date       date        not null,
    primary key (record_id, local_date)
) partition by range (local_date);

comment on column telemetry.records.extra is 'fields of the upstream that this schema does not know';
comment on column telemetry.records.local_date is 'the day of "timestamp" in the operator''s time zone';

-- What a start that becomes visible late needs: its neighbours among the starts of its channel.
create index records_starts on telemetry.records (data_id, record_id) where action_id = 7 and data_name <> '';
-- What a rebuild of some days needs; records arrive nearly in the order of time, so a block range index is exact enough.
create index records_local_date on telemetry.records using brin (local_date) with (autosummarize = on);

-- One finished OTT playback: a stop whose channel id is known.
create table telemetry.views (
    record_id        bigint      not null,
    local_date       date        not null,
    local_hour       smallint    not null,
    ended_at         timestamptz not null,
    started_at       timestamptz,
    duration_seconds integer,
    channel_id       bigint      not null,
    channel_name     text,
    subscriber_code  text,
    device_id        bigint,
    country          text,
    isp              text,
    primary key (record_id, local_date)
) partition by range (local_date);

create index views_channel on telemetry.views (channel_id, record_id);

-- The names that starts gave a channel: maximal runs of consecutive starts with the same name.
create table telemetry.channel_names (
    channel_id      bigint not null,
    name            text   not null,
    first_record_id bigint not null,
    last_record_id  bigint not null,
    primary key (channel_id, first_record_id)
);

-- One row: how far the sync has come.
create table telemetry.sync_state (
    only_row          boolean primary key default true check (only_row),
    cursor            bigint  not null default 0,
    operator_timezone text,
    synced_at         timestamptz
);
insert into telemetry.sync_state default values;

comment on column telemetry.sync_state.cursor is 'every record id up to this one was read, or is on record as a gap';

-- Ids that were stored and not yet merged into views, and the local dates that they are of.
create table telemetry.pending_merges (
    pending_id      bigint generated always as identity primary key,
    first_record_id bigint not null,
    last_record_id  bigint not null,
    days            date[] not null
);

-- Ids that the upstream could not deliver; tried again at growing intervals.
create table telemetry.sync_gaps (
    gap_id          bigint generated always as identity primary key,
    first_record_id bigint      not null,
    last_record_id  bigint      not null,
    reason          text        not null,
    raw             text,
    attempts        integer     not null default 1,
    found_at        timestamptz not null default now(),
    tried_at        timestamptz not null default now(),
    resolved_at     timestamptz
);
create unique index sync_gaps_open on telemetry.sync_gaps (first_record_id, last_record_id) where resolved_at is null;

-- Where a repair that takes longer than one step is to go on; named after its run.
create table telemetry.sync_repairs (
    repair   text primary key,
    day      date   not null,
    after_id bigint not null,
    up_to_id bigint not null
);

-- Records that cannot be stored, as JSON text with everything outside ASCII escaped.
create table telemetry.rejected_records (
    rejected_id bigint generated always as identity primary key,
    record_id   bigint,
    payload     text        not null,
    reason      text        not null,
    rejected_at timestamptz not null default now()
);
create unique index rejected_records_once on telemetry.rejected_records (md5(payload));

create schema analysis;

-- Every stored result of an analysis; one without rows stands nowhere else.
create table analysis.results (
    asset          text        not null,
    partition_date date,
    period_first   date        not null,
    period_last    date        not null,
    parameters     jsonb       not null,
    parameters_key text        not null,
    row_count      bigint      not null,
    computed_at    timestamptz not null,
    primary key (asset, period_last, period_first, parameters_key)
);
