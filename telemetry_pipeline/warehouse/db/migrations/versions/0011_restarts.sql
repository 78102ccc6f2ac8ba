-- What a person asks of workers: they look here, for what the broker says may come from anybody.

create table telemetry.worker_restarts (
    only_row boolean primary key default true check (only_row),
    asked_at timestamptz not null
);
comment on table telemetry.worker_restarts is 'when somebody last had the workers start anew: those end that were at work then';
