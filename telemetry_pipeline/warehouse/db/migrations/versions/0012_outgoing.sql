-- What goes out to people: reports that were made, who subscribed to them, and every message with what became of it.

create table telemetry.made_reports (
    report_id bigint generated always as identity primary key,
    report text not null,
    channel text not null default '',
    period_first date not null,
    period_last date not null check (period_first <= period_last),
    made_at timestamptz not null default now(),
    is_scheduled boolean not null,
    is_complete boolean not null,
    files jsonb not null,
    run_id text not null default ''
);
create index on telemetry.made_reports (report, period_last);
create index on telemetry.made_reports (made_at);
comment on table telemetry.made_reports is 'reports that are kept where REPORTS_URL says';
comment on column telemetry.made_reports.channel is 'of a report about one channel; empty: of all';
comment on column telemetry.made_reports.is_scheduled is 'whether it was due, or somebody asked for it';
comment on column telemetry.made_reports.is_complete is 'whether every day of it was read to its end';
comment on column telemetry.made_reports.files is 'a list of objects: format, path below REPORTS_URL, bytes';

create table telemetry.subscriptions (
    subscription_id bigint generated always as identity primary key,
    report text not null,
    channel text not null default '',
    formats text[] not null check (cardinality(formats) > 0),
    recipients text[] not null check (cardinality(recipients) > 0),
    created_at timestamptz not null default now(),
    created_by text not null,
    ended_at timestamptz,
    ended_by text not null default ''
);
comment on table telemetry.subscriptions is 'who gets a report by mail whenever it is due';
comment on column telemetry.subscriptions.ended_at is 'null: it goes on';

create table telemetry.outbox (
    message_id bigint generated always as identity primary key,
    topic text not null,
    about text not null,
    transport text not null check (transport in ('mail', 'alert')),
    recipient text not null,
    subject text not null,
    body text not null,
    html text not null default '',
    parts jsonb not null default '[]',
    created_at timestamptz not null default now(),
    not_before timestamptz not null default now(),
    state text not null default 'waiting' check (state in ('waiting', 'leased', 'sending', 'sent', 'failed', 'doubtful')),
    lease uuid,
    leased_until timestamptz,
    tries integer not null default 0,
    outcome text not null default '',
    settled_at timestamptz,
    unique (about, transport, recipient),
    check ((state in ('leased', 'sending')) = (lease is not null and leased_until is not null)),
    check ((state in ('sent', 'failed', 'doubtful')) = (settled_at is not null))
);
create index on telemetry.outbox (not_before) where state = 'waiting';
create index on telemetry.outbox (leased_until) where state in ('leased', 'sending');
create index on telemetry.outbox (settled_at) where state in ('failed', 'doubtful');
create index on telemetry.outbox (created_at);
create index on telemetry.outbox (settled_at) where state in ('failed', 'doubtful');
comment on table telemetry.outbox is 'every message to a person, once for what it is about and each recipient, and what became of it';
comment on column telemetry.outbox.topic is 'report or problem: which room asked for it';
comment on column telemetry.outbox.about is 'what it is about; the same is never told twice to a recipient';
comment on column telemetry.outbox.recipient is 'a mail address, or a channel of ALERT_URLS without its secrets';
comment on column telemetry.outbox.parts is 'a list of objects: path below REPORTS_URL, name, media type, inline; read when it is sent';
comment on column telemetry.outbox.state is 'leased: somebody may send it, nothing went out; sending: it goes out now; doubtful: whoever sent it came to an end meanwhile, it may have been sent and is not sent again';
comment on column telemetry.outbox.tries is 'how often somebody tried';
comment on column telemetry.outbox.outcome is 'what the server said last, or why there was no answer';
