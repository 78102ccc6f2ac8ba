-- Which attempt at each step of the runs in flight counts; who executes another one stores nothing.
create table telemetry.step_attempts (
    run_id text not null,
    step text not null,
    number integer not null,
    execution text,
    executions integer not null default 0,
    changed_at timestamptz not null default now(),
    primary key (run_id, step)
);
comment on column telemetry.step_attempts.number is 'of the attempt that counts, from 0';
comment on column telemetry.step_attempts.execution is 'of the process that executes it; null: none does yet';
comment on column telemetry.step_attempts.executions is 'how often this attempt was begun: the broker may hand a message out again';
