"""The production files, read: valid, true to their rules, and in agreement with each other and with the code."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import jsonschema
import pytest
import yaml
from compose import (
    ALL,
    DOCKER,
    PRODUCTION,
    PROJECT,
    Spec,
    by_name,
    env_file,
    image_environment,
    is_ours,
    load,
)
from production_files import SETTINGS
from systemd import UNITS

from telemetry_pipeline.broker import QUEUES

SCRIPTS = ["entrypoint", "health", "make-secrets", "create-databases.sh", "backup", "restore", "connection"]
OTHER_NAMES = {
    "CODE_SERVER_SOCKET",  # workspace.yaml
    "DAGSTER_HOME",
    "HOME",
    "PATH",
    "PYTHONUNBUFFERED",
    "PYTHONSAFEPATH",
    "PYTHONDONTWRITEBYTECODE",
    "POSTGRES_PASSWORD_FILE",  # the image of PostgreSQL
    "POSTGRES_INITDB_ARGS",
    "BACKUP_DIRECTORY",  # docker/backup
    "BACKUP_HOURS",
    "BACKUP_KEEP",
    "CONCURRENCY",  # telemetry-worker@.service
    "CHECK",  # docker/entrypoint
    "HTTPS_PROXY",  # whatever calls others
}


@pytest.mark.parametrize("files", ALL, ids=by_name)
def test_compose_files_are_valid_alone_and_together(files: list[str]) -> None:
    schema = json.loads((Path(__file__).parent / "schema" / "compose-spec.json").read_text())
    validator = jsonschema.Draft7Validator(schema)
    for name in files:
        validator.validate(yaml.safe_load((DOCKER / name).read_text()))
    validator.validate(load(*files))


@pytest.mark.parametrize("files", ALL, ids=by_name)
def test_whatever_a_service_refers_to_is_there(files: list[str]) -> None:
    whole = load(*files)
    for name, spec in whole["services"].items():
        assert set(spec.get("depends_on", {})) <= set(whole["services"]), name
        assert set(spec.get("secrets", [])) <= set(whole["secrets"]), name
        assert set(spec.get("networks", [])) <= set(whole.get("networks", {})), name
        for volume in spec.get("volumes", []):
            source, target = volume.split(":")[:2]
            assert source in whole["volumes"] or (DOCKER / source).is_file(), (name, volume)
            assert target.startswith("/")


def test_the_servers_publish_no_port_and_reach_nothing(services: dict[str, Spec]) -> None:
    for name in ("postgres", "valkey"):
        assert "ports" not in services[name]
        assert services[name]["networks"] == ["inside"]
    assert load("compose.yaml")["networks"]["inside"] == {"internal": True}


def test_what_is_published_is_on_the_loopback_alone(services: dict[str, Spec]) -> None:
    published = [port for spec in services.values() for port in spec.get("ports", [])]
    assert published
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


def test_every_service_but_the_migration_restarts_for_ever(services: dict[str, Spec]) -> None:
    assert {name for name, spec in services.items() if spec["restart"] != "always"} == {"migrate"}


def test_every_service_that_stays_has_a_health_check(services: dict[str, Spec]) -> None:
    lasting = {name: spec for name, spec in services.items() if name != "migrate"}
    assert [name for name, spec in lasting.items() if "test" not in spec["healthcheck"]] == []


def test_every_service_has_limits_rotated_logs_and_no_rights_it_does_not_need(services: dict[str, Spec]) -> None:
    for name, spec in services.items():
        limits = spec["deploy"]["resources"]["limits"]
        assert {"memory", "cpus"} <= set(limits), name
        assert {"max-size", "max-file"} <= set(spec["logging"]["options"]), name
        assert "no-new-privileges:true" in spec["security_opt"], name
        assert spec["read_only"], name
        if is_ours(spec):
            assert spec["cap_drop"] == ["ALL"], name


def test_the_limits_of_the_small_machine_are_less_than_half_of_the_others() -> None:
    small, whole = (
        sum(megabytes(spec["deploy"]["resources"]["limits"]["memory"]) for spec in load(*files)["services"].values())
        for files in PRODUCTION[::-1]
    )
    assert small < whole / 2


def megabytes(text: str) -> int:
    return int(text[:-1]) * {"m": 1, "g": 1024}[text[-1]]


def queues_of(spec: Spec) -> set[str]:
    command = spec["command"]
    if "worker" not in command:
        return set()
    return set(re.sub(r"\$\{\w+:-(.*)\}", r"\1", command[command.index("-Q") + 1]).split(","))


def test_every_queue_has_one_kind_of_worker(services: dict[str, Spec]) -> None:
    served = sorted(queue for spec in services.values() for queue in queues_of(spec))
    assert served == sorted(QUEUES)


def test_the_small_machine_does_one_step_at_a_time_and_its_broker_writes_nothing() -> None:
    services = load("compose.yaml", "compose.small.yaml")["services"]
    [worker] = [spec["command"] for spec in services.values() if queues_of(spec)]
    assert worker[worker.index("--concurrency") + 1] == "1"
    valkey = services["valkey"]["command"]
    assert "--appendonly" not in valkey
    assert valkey[valkey.index("--save") + 1] == ""


def test_no_name_in_an_environment_is_a_slip_of_the_pen() -> None:
    names = set(image_environment()) | set(env_file((DOCKER / "settings.env.example").read_text()))
    for files in ALL:
        whole = load(*files)
        names |= {name for spec in whole["services"].values() for name in spec.get("environment", {})}
        of_files = {"POSTGRES_PASSWORD", "DATABASE_PASSWORD", "OWNER_PASSWORD", "DAGSTER_PASSWORD", "VALKEY_CONF"}
        names |= {secret.upper() for secret in whole["secrets"]} - of_files
    for path in UNITS.rglob("*.*"):
        names |= set(re.findall(r'^Environment="?(\w+)=', path.read_text(), re.MULTILINE)) if path.is_file() else set()
    assert names - SETTINGS - OTHER_NAMES == set()


def test_the_dockerfile_is_clean_pinned_and_not_root() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, "--no-color", DOCKER / "Dockerfile"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
    text = (DOCKER / "Dockerfile").read_text()
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"${PYTHON_IMAGE}"}
    [image] = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", text, re.MULTILINE)
    assert re.search(r":\d+\.\d+\.\d+-", image)
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["10001:10001"]
    assert "HEALTHCHECK" in text


@pytest.mark.parametrize("files", ALL, ids=by_name)
def test_every_foreign_image_has_an_exact_tag_and_can_be_pinned_by_its_digest(files: list[str]) -> None:
    for name, spec in load(*files)["services"].items():
        if not is_ours(spec):
            assert re.fullmatch(r"\$\{[A-Z]+_IMAGE:-[\w/]+:\d+\.\d+(\.\d+)?-\w+\}", spec["image"]), name


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_understood_by_the_shell(name: str) -> None:
    script = DOCKER / name
    subprocess.run(["bash", "-n", script], check=True)
    assert os.access(script, os.X_OK) == script.read_text().startswith("#!")
    if checker := shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}"):
        done = subprocess.run([checker, "-x", script], cwd=PROJECT, capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.slow
def test_the_image_has_every_file_of_the_package(tmp_path: Path) -> None:
    """The Dockerfile installs from these files; SQL and templates are easily left out."""
    for name in ("setup.py", "pyproject.toml", "LICENSE"):
        shutil.copy(PROJECT / name, tmp_path)
    ignored = shutil.ignore_patterns("__pycache__", ".mypy_cache")
    shutil.copytree(PROJECT / "telemetry_pipeline", tmp_path / "telemetry_pipeline", ignore=ignored)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", tmp_path / "wheel", tmp_path], check=True, capture_output=True)
    [wheel] = (tmp_path / "wheel").iterdir()
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("telemetry_pipeline/")}
    files = subprocess.run(
        ["find", "telemetry_pipeline", "-type", "f"], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert packed == set(files.stdout.split())
