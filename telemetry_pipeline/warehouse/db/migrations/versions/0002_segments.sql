-- A number for each local date that goes up whenever the date's views change. Who computes from views notes it.
create table telemetry.view_days (
    local_date date   primary key,
    version    bigint not null
);
insert into telemetry.view_days (local_date, version) select distinct local_date, 1 from telemetry.views;

-- A copy of each day's views by column, for the analyses: an Arrow file, valid as long as its version is the day's.
create table telemetry.view_segments (
    local_date date   primary key,
    version    bigint not null,
    views      bigint not null,
    arrow      bytea  not null
);
-- The file is compressed already.
alter table telemetry.view_segments alter column arrow set storage external;

-- What a result was computed from, by which code, how long that took, what is to be said of it, how it looks, and when
-- somebody last wanted it.
alter table analysis.results
    add column input_version   text not null default '',
    add column code_version    text not null default '',
    add column compute_seconds double precision not null default 0,
    add column facts           jsonb not null default '{}',
    add column chart           text,
    add column wanted_at       timestamptz not null default now();

create table analysis.documents (
    document     text        not null,
    period_first date        not null,
    period_last  date        not null,
    generated_at timestamptz not null default now(),
    body         json        not null,
    primary key (document, period_last, period_first)
);
