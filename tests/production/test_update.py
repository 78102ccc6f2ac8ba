"""What the handbook says of updates, done: its commands, on an installation of a version before there were roles."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from compose import DOCKER, PROJECT, load

from telemetry_pipeline.stack.servers.postgres import LocalPostgres

HANDBOOK = (PROJECT / "docs" / "production.md").read_text()
# As docker/create-databases.sh and the first start left it.
BEFORE = ["create role telemetry login createdb", "create database telemetry owner telemetry"]
BEFORE += ["create database dagster owner telemetry"]
# Stands in for Docker: what is executed in the container of PostgreSQL is executed here.
STAND_IN = """#!/bin/bash
echo "$*" >>"$CALLS"
while [ $# -gt 0 ] && [ "$1" != exec ]; do shift; done
[ $# -gt 0 ] || exit 0
shift 2
[ "$1" != /docker-entrypoint-initdb.d/create-databases.sh ] || set -- docker/create-databases.sh
exec "$@"
"""


def commands(heading: str) -> list[str]:
    """The blocks of commands of a section."""
    section = HANDBOOK.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


@pytest.fixture
def server() -> Iterator[LocalPostgres]:
    """Of its own, for roles are the whole server's; as a version before left it."""
    with ExitStack() as stack:
        # Not in pytest's directory, see conftest.
        running = LocalPostgres(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="telemetry-"))))
        stack.callback(running.stop)
        running.start()
        with psycopg.connect(running.url, autocommit=True) as connection:
            for statement in BEFORE:
                connection.execute(statement)
        with psycopg.connect(running.url_of("telemetry", "dagster")) as connection:
            connection.execute("create table runs as select 1 as id")
            connection.execute("create sequence numbers")
        yield running


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Of a version before: its secrets are there."""
    folder = tmp_path / "checkout"
    shutil.copytree(DOCKER, folder / "docker", ignore=shutil.ignore_patterns("secrets"))
    shutil.copy(PROJECT / "flower.acl", folder)
    secrets = folder / "docker" / "secrets"
    secrets.mkdir()
    old = {
        "postgres_password": "one",
        "database_password": "two",
        "valkey_conf": "requirepass three",
        "database_url": "postgresql://telemetry:two@postgres:5432/telemetry",
        "dagster_database_url": "postgresql+psycopg2://telemetry:two@postgres:5432/dagster",
        "redis_url": "redis://:three@valkey:6379/0",
    }
    for name, text in old.items():
        (secrets / f"{name}.txt").write_text(f"{text}\n")
    return folder


def run(script: str, checkout: Path, server: LocalPostgres) -> subprocess.CompletedProcess[str]:
    programs = checkout.parent / "bin"
    programs.mkdir(exist_ok=True)
    for name, text in (("docker", STAND_IN), ("git", "#!/bin/sh\n")):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    surroundings = {
        "PATH": f"{programs}:{Path(server.command()[0]).parent}:{os.environ['PATH']}",
        "CALLS": str(checkout.parent / "calls"),
        "PGHOST": str(server.socket_directory),
        "SECRETS_DIRECTORY": str(checkout / "docker" / "secrets"),
    }
    return subprocess.run(["bash", "-euc", script], cwd=checkout, env=surroundings, capture_output=True, text=True)


def test_an_update_makes_the_roles_before_anything_needs_them_and_parts_the_databases(
    checkout: Path, server: LocalPostgres
) -> None:
    update, apart = commands("Update")
    *steps, last = update.strip().splitlines()
    for _ in range(2):
        done = run("\n".join([*steps, apart, last]), checkout, server)
        assert done.returncode == 0, done.stderr
        calls = (checkout.parent / "calls").read_text().splitlines()
        verbs = [
            call.split(" compose.yaml ")[-1].removeprefix("compose --file docker/compose.yaml ").split()[0] for call in calls
        ]
        assert verbs[-6:] == ["build", "down", "up", "exec", "exec", "up"]
    address = urlsplit((checkout / "docker" / "secrets" / "dagster_database_url.txt").read_text().strip())
    assert address.username == "dagster"
    assert "have one user" not in run("docker/make-secrets", checkout, server).stderr
    with psycopg.connect(server.url) as connection:
        owners: dict[str, str] = dict(connection.execute("select datname, pg_get_userbyid(datdba) from pg_database").fetchall())
        assert (owners["telemetry"], owners["dagster"]) == ("telemetry_owner", "dagster")
        [(may,)] = connection.execute("select has_database_privilege('telemetry', 'dagster', 'connect')").fetchall()
        assert not may
    with psycopg.connect(server.url_of("dagster", "dagster")) as connection:
        connection.execute("alter table runs add column status text")
        connection.execute("select nextval('numbers')")
        connection.execute("create table event_logs (id int)")
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(server.url_of("telemetry", "dagster"))


def test_without_the_roles_step_the_owner_of_the_new_address_is_not_there(checkout: Path, server: LocalPostgres) -> None:
    assert run("docker/make-secrets", checkout, server).returncode == 0
    owner = urlsplit((checkout / "docker" / "secrets" / "owner_database_url.txt").read_text().strip()).username
    assert owner
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(server.url_of(owner, "telemetry"))


def test_a_worker_elsewhere_gets_the_secrets_that_its_file_names_with_addresses_as_seen_from_there(
    checkout: Path, server: LocalPostgres
) -> None:
    [there] = commands("More workers")
    lines = there.split("# for there")[1].split("docker save")[0].split("\n", 1)[1]
    assert run("docker/make-secrets; cp docker/settings.env.example docker/settings.env", checkout, server).returncode == 0
    done = run(lines, checkout, server)
    assert done.returncode == 0, done.stderr
    secrets = {path.name: path.read_text() for path in (checkout / "there" / "secrets").iterdir()}
    compose = load("compose.worker.yaml")
    assert set(secrets) == {Path(secret["file"]).name for secret in compose["secrets"].values()}
    for name, text in secrets.items():
        here = urlsplit((checkout / "docker" / "secrets" / name).read_text().strip())
        address = urlsplit(text.strip())
        assert address.hostname == "10.8.0.1"
        assert (address.username, address.password, address.port, address.path) == (
            here.username,
            here.password,
            here.port,
            here.path,
        )
    assert {path.name for path in (checkout / "there").iterdir()} == {"compose.worker.yaml", "settings.env", "secrets"}
