-- When a record was stored last: the upstream is silent when ticks succeed and this does not move.
alter table telemetry.sync_state add column received_at timestamptz;

-- What is or was wrong. Who notices opens a problem under a key, and resolves it when it is over; who tells people
-- notes when that was done.
create table telemetry.problems (
    problem_id         bigint generated always as identity primary key,
    key                text        not null,
    summary            text        not null,
    detail             text        not null default '',
    advice             text        not null default '',
    run_id             text,
    opened_at          timestamptz not null default now(),
    last_at            timestamptz not null default now(),
    times              integer     not null default 1,
    told_at            timestamptz,
    resolved_at        timestamptz,
    resolution_told_at timestamptz
);
create unique index problems_open on telemetry.problems (key) where resolved_at is null;
create index problems_key on telemetry.problems (key, told_at);

-- How each way of telling people works, by its address without secrets.
create table telemetry.alert_channels (
    channel       text primary key,
    succeeded_at  timestamptz,
    failing_since timestamptz,
    failures      integer not null default 0,
    error         text
);

-- Steps that failed after all retries, until somebody runs them again or gives them up.
create table telemetry.dead_letters (
    dead_letter_id bigint generated always as identity primary key,
    run_id         text        not null,
    job            text        not null,
    step           text        not null,
    partition      text        not null default '',
    error          text        not null,
    failed_at      timestamptz not null default now(),
    settled_at     timestamptz,
    settled_by     text,
    unique (run_id, step)
);

comment on column telemetry.dead_letters.settled_by is 'the run that repeated the step, or why it was given up';
