-- Who may come in at the front door, and what they did. No secret is in here that opens anything: only what one is known again by.

create table telemetry.users (
    name text primary key check (name ~ '^[a-z0-9][a-z0-9._@+-]{0,63}$'),
    password_hash text not null,
    role text not null check (role in ('viewer', 'operator')),
    personal boolean not null default false,
    created_at timestamptz not null default now(),
    disabled_at timestamptz
);
comment on column telemetry.users.password_hash is 'of argon2id, with its parameters and salt';
comment on column telemetry.users.personal is 'whether columns that name subscribers are shown to a viewer; an operator sees them anyway';
comment on column telemetry.users.disabled_at is 'null: the user may log in';

create table telemetry.web_sessions (
    session_hash bytea primary key,
    name text references telemetry.users on delete cascade,
    owner_hash bytea,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    check (num_nonnulls(name, owner_hash) = 1)
);
create index on telemetry.web_sessions (name);
comment on table telemetry.web_sessions is 'who is logged in; a session without a row has ended';
comment on column telemetry.web_sessions.session_hash is 'SHA-256 of what the cookie has';
comment on column telemetry.web_sessions.owner_hash is 'SHA-256 of the WEB_TOKEN of a local stack, which its owner came in with; null: a user';

create table telemetry.api_tokens (
    name text primary key check (name ~ '^[a-z0-9][a-z0-9._@+-]{0,63}$'),
    token_hash bytea not null unique,
    role text not null check (role in ('viewer', 'operator')),
    personal boolean not null default false,
    created_at timestamptz not null default now(),
    revoked_at timestamptz,
    last_used_at timestamptz
);
comment on column telemetry.api_tokens.token_hash is 'SHA-256 of 256 random bits';
comment on column telemetry.api_tokens.last_used_at is 'to within a minute';

create table telemetry.login_attempts (
    attempt_id bigint generated always as identity primary key,
    attempted_at timestamptz not null default now(),
    name_hash bytea not null,
    address text not null
);
create index on telemetry.login_attempts (name_hash, attempted_at);
create index on telemetry.login_attempts (address, attempted_at);
comment on table telemetry.login_attempts is 'log-ins of the last minutes that failed or are under way; more of them wait';
comment on column telemetry.login_attempts.name_hash is 'SHA-256 of what was typed as a name, which may have been a password';

create table telemetry.audit (
    audit_id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    who text not null,
    by text not null check (by in ('session', 'token', 'command', 'nobody')),
    what text not null,
    detail jsonb not null default '{}',
    address text not null default ''
);
create index on telemetry.audit (at);
comment on column telemetry.audit.who is 'user or token of the front door, or the user of the machine at the command line; empty: nobody known';
comment on column telemetry.audit.what is 'such as log-in, log-in failed, user added; detail says of whom';
