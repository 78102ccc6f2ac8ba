"""Secrets of production: made once, closed to others, given to who needs them and to nobody else."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from compose import (
    ALL,
    DOCKER,
    PROJECT,
    by_name,
    env_file,
    image_environment,
    is_ours,
    load,
)
from production_files import SECRETS, process_of

from telemetry_pipeline.settings.loading import DagsterSettings, PipelineSettings, Settings, StackSettings
from telemetry_pipeline.stack.environment import SECRETS as NEEDED

LOADED = {
    "daemon": DagsterSettings,
    **dict.fromkeys(("code-server", "worker-analysis", "worker-reports"), PipelineSettings),
    "worker-ingest": Settings,
}


@pytest.mark.parametrize("files", ALL, ids=by_name)
def test_secrets_come_by_file_only(files: list[str]) -> None:
    whole = load(*files)
    for name, spec in whole["services"].items():
        assert not SECRETS & set(spec.get("environment", {})), name
    assert all(set(secret) == {"file"} for secret in whole["secrets"].values())
    assert not SECRETS & set(env_file((DOCKER / "settings.env.example").read_text()))
    assert not SECRETS & set(image_environment())


@pytest.mark.parametrize("files", ALL, ids=by_name)
def test_every_process_that_runs_our_code_is_given_every_setting_that_it_cannot_do_without(files: list[str]) -> None:
    example = set(env_file((DOCKER / "settings.env.example").read_text()))
    for name, spec in load(*files)["services"].items():
        if is_ours(spec):
            fields = LOADED.get(process_of(name, files), StackSettings).model_fields
            required = {each.upper() for each, field in fields.items() if field.is_required()}
            assert required <= example | {secret.upper() for secret in spec["secrets"]}, name


def test_secrets_are_made_once_and_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    subprocess.run([DOCKER / "make-secrets", folder], check=True, capture_output=True)
    made = {path.name: path.read_text() for path in folder.iterdir()}
    wanted = {Path(secret["file"]).name for files in ALL for secret in load(*files)["secrets"].values()}
    assert set(made) == wanted
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (folder / "alert_urls.txt").write_text("json://localhost\n")
    again = subprocess.run([DOCKER / "make-secrets", folder], check=True, capture_output=True, text=True)
    assert {path.name: path.read_text() for path in folder.iterdir()} == made | {"alert_urls.txt": "json://localhost\n"}
    assert "alert_urls" not in again.stdout
    assert not [name for name, text in made.items() if text.strip() and text.strip() in again.stdout]


def test_what_a_new_release_needs_besides_goes_to_the_servers_that_are_there(tmp_path: Path) -> None:
    def made() -> dict[str, str]:
        subprocess.run([DOCKER / "make-secrets", tmp_path], check=True, capture_output=True)
        return {path.stem: path.read_text() for path in tmp_path.glob("*_url.txt")}

    for name, place in made().items():
        moved = place.replace("@postgres:5432", "@db.example:5433").replace("@valkey:6379", "@10.0.0.1:7000")
        (tmp_path / f"{name}.txt").write_text(moved)
    before = made()
    for name in ("owner_database_url", "dagster_database_url", "flower_redis_url"):
        (tmp_path / f"{name}.txt").unlink()
    assert made() == before


@pytest.mark.parametrize("user", ["dagster", "telemetry"])
def test_one_user_for_both_databases_is_warned_of(tmp_path: Path, user: str) -> None:
    """As every version before had it."""
    (tmp_path / "dagster_database_url.txt").write_text(f"postgresql+psycopg2://{user}:secret@postgres:5432/dagster\n")
    done = subprocess.run([DOCKER / "make-secrets", tmp_path], check=True, capture_output=True, text=True)
    assert ("have one user" in done.stderr) == (user == "telemetry")
    assert "secret" not in done.stderr.replace("make-secrets", "")


def test_what_is_secret_is_neither_in_git_nor_in_the_image() -> None:
    for path in ("docker/secrets/redis_url.txt", "docker/settings.env", ".env"):
        assert subprocess.run(["git", "check-ignore", "--quiet", path], cwd=PROJECT).returncode == 0, path
    kept = {line[1:] for line in (PROJECT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    text = (DOCKER / "Dockerfile").read_text()
    copied = {word for line in re.findall(r"^COPY (.*)$", text, re.MULTILINE) for word in line.split()[:-1]}
    assert kept == {word for word in copied if not word.startswith(("--", "/"))}


def test_the_entrypoint_gives_a_command_its_secrets_and_leaves_what_is_none(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "redis_url").write_text('redis://:it\'s a "secret" $HOME\n')
    for name, empty in (("https_proxy.txt", "\n"), ("alert_urls", ""), ("panaccess_salt.txt", "\r\n\r\n")):
        (tmp_path / "secrets" / name).write_text(empty)
    of_the_operator = {"HTTPS_PROXY": "http://proxy.example:3128", "ALERT_URLS": "json://localhost"}
    surroundings = {"PATH": os.environ["PATH"], "SECRETS_DIRECTORY": str(tmp_path / "secrets"), **of_the_operator}
    program = "import json, os, sys; print(json.dumps([dict(os.environ), sys.argv[1:]]))"
    done = subprocess.run(
        [DOCKER / "entrypoint", sys.executable, "-c", program, "two words"],
        env=surroundings,
        check=True,
        capture_output=True,
        text=True,
    )
    environment, arguments = json.loads(done.stdout)
    assert environment["REDIS_URL"] == 'redis://:it\'s a "secret" $HOME'
    assert environment.items() >= of_the_operator.items()
    assert "PANACCESS_SALT" not in environment
    assert arguments == ["two words"]


@pytest.mark.parametrize("files", ALL, ids=by_name)
def test_compose_gives_each_process_the_secrets_that_it_needs_and_no_other(files: list[str]) -> None:
    services = load(*files)["services"]
    given = {name: set(spec["secrets"]) for name, spec in services.items() if is_ours(spec) or name == "backup"}
    assert given == {name: set(NEEDED[process_of(name, files)]) for name in given}


def test_the_handbook_says_which_process_needs_which_secrets() -> None:
    section = (PROJECT / "docs" / "production.md").read_text().split("## Who has which secrets")[1].split("\n## ")[0]
    rows = [re.findall(r"`(\w[\w-]*)`", line) for line in section.splitlines() if line.startswith("| `")]
    secrets = set().union(*NEEDED.values())
    said = {name: set(row) & secrets for row in rows for name in row if name in NEEDED}
    assert said == {name: set(secrets) for name, secrets in NEEDED.items()}
