#!/usr/bin/env bash
# Creates the two databases and who uses them, in a PostgreSQL that has just been set up; what is there already stays.
# As a superuser of the server: nothing that runs later is one. The passwords go from their files to psql without being arguments.
set -euo pipefail

directory=${SECRETS_DIRECTORY:-/run/secrets}
for name in database owner dagster; do
    file=$directory/${name}_password
    [ -e "$file" ] || file=$file.txt
    export "${name^^}_PASSWORD_FILE=$file"
done
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\set owner `cat "$OWNER_PASSWORD_FILE"`
\set writer `cat "$DATABASE_PASSWORD_FILE"`
\set dagster `cat "$DAGSTER_PASSWORD_FILE"`
select format('create role %I', name) from unnest(array['telemetry_owner', 'telemetry', 'telemetry_reader', 'dagster']) as name
where to_regrole(name) is null \gexec
-- Tools for charts and tables write nothing, ask nothing that lasts, and are not many at once, unless somebody sets that otherwise.
select unnest(array[
    'create role telemetry_bi connection limit 20', 'alter role telemetry_bi set default_transaction_read_only = on',
    'alter role telemetry_bi set statement_timeout = ''60s''',
    'alter role telemetry_bi set idle_in_transaction_session_timeout = ''60s'''
]) where to_regrole('telemetry_bi') is null \gexec
-- Who migrates, backs up and restores.
alter role telemetry_owner login createdb password :'owner';
-- The pipeline.
alter role telemetry login nocreatedb password :'writer';
-- It may do what the pipeline may: results are the pipeline's tables.
grant telemetry to telemetry_owner;
-- Dagster makes its own tables.
alter role dagster login password :'dagster';
-- Dagster writes and reads times without a zone as UTC, whatever zone the machine has. Errors quote rows, and PostgreSQL's log is
-- not the place for people's data; clients get to see them.
select format('alter role %I set %I = %L', role, name, value)
from unnest(array['telemetry_owner', 'telemetry', 'dagster']) as role, (values
    ('timezone', 'UTC'), ('log_min_messages', 'log'), ('log_error_verbosity', 'terse'), ('log_min_error_statement', 'panic'),
    ('log_parameter_max_length_on_error', '0')
) as setting (name, value) \gexec
select format('create database %I owner %I', name, owner)
from (values ('telemetry', 'telemetry_owner'), ('dagster', 'dagster')) as wanted (name, owner)
where name not in (select datname from pg_database) \gexec
alter database telemetry owner to telemetry_owner;
revoke connect, temporary on database telemetry, dagster from public;
grant connect, temporary on database telemetry to telemetry;
grant connect on database telemetry to telemetry_reader, telemetry_bi;
-- Up to PostgreSQL 14, and in what was upgraded from it, anybody may make a function there that others then run unawares.
\connect telemetry
revoke create on schema public from public;
-- Locks that the pipeline would wait for, and large objects, are nobody else's: limits keep no tool from either, and a tool may lift
-- them. The owner may give these rights to another writer.
select format('grant execute on function %s to telemetry_owner with grant option', name),
    format('grant execute on function %s to telemetry, dagster', name), format('revoke execute on function %s from public', name)
from (
    select oid::regprocedure as name from pg_proc where pronamespace = 'pg_catalog'::regnamespace and (
        proname ~ '^pg_(try_)?advisory_(xact_)?lock(_shared)?$'
        or proname in (
            'lo_creat', 'lo_create', 'lo_from_bytea', 'lo_put', 'lo_truncate', 'lo_truncate64', 'lo_unlink', 'lowrite'
        )
    )
) as functions \gexec
SQL
