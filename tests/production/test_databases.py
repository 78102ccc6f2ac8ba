"""The script that sets up the databases, on a real server."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psycopg
import pytest
from compose import DOCKER
from role_servers import IN_THE_WAY, work

from telemetry_pipeline.stack.servers.postgres import LocalPostgres
from telemetry_pipeline.stack.servers.reach import at_database
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.roles.roles import Roles, migrate


def run(server: LocalPostgres, directory: Path) -> None:
    """Run it, as a superuser of the server."""
    for name in ("database", "owner", "dagster"):
        (directory / f"{name}_password.txt").write_text(f"{name}'s\n")
    programs = Path(server.command()[0]).parent
    surroundings = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PGHOST": str(server.socket_directory),
        "PGPORT": "5432",
        "SECRETS_DIRECTORY": str(directory),
    }
    done = subprocess.run([DOCKER / "create-databases.sh"], env=surroundings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_it_closes_the_schema_public_of_an_old_server_and_may_be_run_again(own_postgres: LocalPostgres, tmp_path: Path) -> None:
    with psycopg.connect(at_database(own_postgres.url, "template1"), autocommit=True) as connection:
        connection.execute("grant create on schema public to public")  # as up to PostgreSQL 14
    for _ in range(2):
        run(own_postgres, tmp_path)
    plants = "create function public.lower(varchar) returns text language sql as 'select null'"
    with (
        psycopg.connect(own_postgres.url_of("telemetry", "telemetry")) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(plants)
    with psycopg.connect(own_postgres.url_of("dagster", "dagster")) as connection:
        connection.execute("create table public.runs (id integer)")


def test_tools_are_kept_out_of_the_pipelines_way_and_the_pipeline_is_not(own_postgres: LocalPostgres, tmp_path: Path) -> None:
    run(own_postgres, tmp_path)
    owner, writer = (connect(own_postgres.url_of(user, "telemetry")) for user in ("telemetry_owner", "telemetry"))
    known = Roles("telemetry_owner", "telemetry", "telemetry_reader", "telemetry_bi", "dagster")
    assert migrate(owner, known).advice == []
    work(writer)
    run(own_postgres, tmp_path)
    assert migrate(owner, known).advice == []
    work(writer, first_id=100)
    with psycopg.connect(own_postgres.url_of("postgres", "telemetry"), autocommit=True) as connection:
        connection.execute("create role metabase login in role telemetry_bi")
    with psycopg.connect(own_postgres.url_of("metabase", "telemetry"), autocommit=True) as connection:
        assert connection.execute("select count(*) from bi.views").fetchall()
        for statement in IN_THE_WAY:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())
