#!/usr/bin/env bash
# Creates the two databases and the user that owns them, once, in a PostgreSQL that has just been set up.
# The password goes from its file to psql without being an argument.
set -euo pipefail

export PASSWORD_FILE=${PASSWORD_FILE:-/run/secrets/database_password}
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\set password `cat "$PASSWORD_FILE"`
create role telemetry login createdb password :'password';
-- Dagster writes and reads times without a zone as UTC, whatever zone the machine has.
alter role telemetry set timezone = 'UTC';
-- Errors quote rows, and PostgreSQL's log is not the place for people's data. Clients get to see them.
alter role telemetry set log_min_messages = 'log';
alter role telemetry set log_error_verbosity = 'terse';
alter role telemetry set log_min_error_statement = 'panic';
alter role telemetry set log_parameter_max_length_on_error = 0;
create database telemetry owner telemetry;
create database dagster owner telemetry;
SQL
