"""The script that sets up the databases, on a real server."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psycopg
import pytest
from compose import DOCKER

from telemetry_pipeline.stack.servers.postgres import LocalPostgres
from telemetry_pipeline.stack.servers.reach import at_database


def test_it_closes_the_schema_public_of_an_old_server_and_may_be_run_again(own_postgres: LocalPostgres, tmp_path: Path) -> None:
    for name in ("database", "owner", "dagster"):
        (tmp_path / f"{name}_password.txt").write_text(f"{name}'s\n")
    programs = Path(own_postgres.command()[0]).parent
    surroundings = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PGHOST": str(own_postgres.socket_directory),
        "PGPORT": "5432",
        "SECRETS_DIRECTORY": str(tmp_path),
    }
    with psycopg.connect(at_database(own_postgres.url, "template1"), autocommit=True) as connection:
        connection.execute("grant create on schema public to public")  # as up to PostgreSQL 14
    for _ in range(2):
        done = subprocess.run([DOCKER / "create-databases.sh"], env=surroundings, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    plants = "create function public.lower(varchar) returns text language sql as 'select null'"
    with (
        psycopg.connect(own_postgres.url_of("telemetry", "telemetry")) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(plants)
    with psycopg.connect(own_postgres.url_of("dagster", "dagster")) as connection:
        connection.execute("create table public.runs (id integer)")
