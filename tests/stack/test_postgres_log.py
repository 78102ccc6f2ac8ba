"""PostgreSQL's log quotes no rows, whatever fails."""

from __future__ import annotations

import psycopg
import pytest

from telemetry_pipeline.errors import Warned
from telemetry_pipeline.monitoring.doctor.postgres import check_log
from telemetry_pipeline.stack.servers.postgres import LocalPostgres

CANARY = "canary-7391"


def fail_in_every_way(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create table people (name text primary key, age integer check (age > 0))")
        connection.execute("insert into people values (%s, 1)", [CANARY])
        for statement, values in (
            ("insert into people values (%s, 1)", [CANARY]),
            ("insert into people values (%s, -1)", [CANARY]),
            ("insert into people values ('x', cast(%s as text)::integer)", [CANARY]),
            ("select cast(%s as text)::timestamptz", [CANARY]),
            (f"select '{CANARY}' from nowhere", None),
        ):
            with pytest.raises(psycopg.Error):
                connection.execute(statement, values)
        for row in (f"{CANARY}\t1\n", f"y\t{CANARY}\n", f"{CANARY}\n"):
            with pytest.raises(psycopg.Error), connection.cursor() as cursor, cursor.copy("copy people from stdin") as copy:
                copy.write(row)


def test_the_log_of_our_own_server_quotes_no_row_when_a_statement_or_a_copy_fails(own_postgres: LocalPostgres) -> None:
    fail_in_every_way(own_postgres.url)
    assert CANARY not in own_postgres.log.read_text()
    assert check_log(own_postgres.url) == "it quotes no rows"


def test_the_doctor_says_what_a_superuser_has_to_set_and_that_helps(own_postgres: LocalPostgres) -> None:
    with psycopg.connect(own_postgres.url, autocommit=True) as connection:
        connection.execute('create role "Some one" login superuser')
        connection.execute("alter role \"Some one\" set log_min_messages = 'warning'")
        connection.execute("alter role \"Some one\" set log_error_verbosity = 'default'")
        url = own_postgres.url.replace("//postgres@", "//Some%20one@")
        with pytest.raises(Warned, match="quote rows: log_min_messages, log_error_verbosity") as told:
            check_log(url)
        connection.execute(told.value.advice.removeprefix("as a superuser: ").partition("; then")[0].encode())
    assert check_log(url) == "it quotes no rows"
