"""The units of systemd, read: valid, and in agreement with what compose does and with the handbook."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from compose import (
    DOCKER,
    PRODUCTION,
    PROJECT,
    by_name,
    image_environment,
    is_ours,
    load,
)
from systemd import UNITS, units

from telemetry_pipeline.broker import QUEUES
from telemetry_pipeline.stack.environment import SECRETS as NEEDED


def on_one_machine(words: list[str]) -> list[str]:
    return [word.replace("0.0.0.0", "127.0.0.1") for word in words]


def test_systemd_runs_the_commands_that_compose_runs() -> None:
    services = load("compose.yaml")["services"]
    composed = {
        f"telemetry-{name}": on_one_machine([word for word in spec["command"] if word != "--schedule"])
        for name, spec in services.items()
        if is_ours(spec) or name == "backup"
    }
    assert {name: unit.command[1:] for name, unit in units().items()} == composed
    assert {unit.command[0] for unit in units().values()} == {"/opt/telemetry/docker/entrypoint"}


def test_systemd_gives_the_settings_that_compose_gives() -> None:
    services = load("compose.yaml")["services"]
    for name, unit in units().items():
        spec = services[name.removeprefix("telemetry-")]
        if is_ours(spec):
            wanted = {key for key in image_environment() | spec["environment"] if key != "PYTHONDONTWRITEBYTECODE"}
            assert wanted <= set(unit.environment), name


def test_systemd_gives_each_process_the_secrets_that_it_needs_and_no_other() -> None:
    given = {name: unit.options["LoadCredential"] for name, unit in units().items()}
    needed = {name: NEEDED[name.removeprefix("telemetry-")] for name in given}
    wanted = {name: {f"{secret}:/etc/telemetry/secrets/{secret}.txt" for secret in needed[name]} for name in given}
    assert {name: set(credentials) for name, credentials in given.items()} == wanted


@pytest.mark.parametrize("files", PRODUCTION, ids=by_name)
def test_the_code_servers_socket_is_for_those_whom_it_serves_alone(files: list[str]) -> None:
    services = load(*files)["services"]
    mounted = {
        name for name, spec in services.items() if [each for each in spec.get("volumes", []) if each.startswith("code:")]
    }
    assert mounted == {"code-server", "webserver", "daemon"} & set(services)
    assert "--port" not in services["code-server"]["command"]
    options = units()["telemetry-code-server"].options
    assert (options["RuntimeDirectory"], options["RuntimeDirectoryMode"]) == (["telemetry"], ["0700"])


def test_systemd_restarts_every_process_for_ever_and_the_target_wants_them_all() -> None:
    lasting = {name: unit for name, unit in units().items() if name not in ("telemetry-migrate", "telemetry-backup")}
    assert {name for name, unit in lasting.items() if unit.options["Restart"] != ["always"]} == set()
    assert all(unit.options["StartLimitIntervalSec"] == ["0"] for unit in lasting.values())
    target = (UNITS / "telemetry.target").read_text()
    wanted = {word for line in re.findall(r"^Wants=(.*)$", target, re.MULTILINE) for word in line.split()}
    services = {f"{name}.service".replace("worker-", "worker@") for name in lasting}
    assert wanted == services | {"telemetry-backup.timer"}


def test_a_restart_of_the_target_migrates_and_restarts_every_process() -> None:
    """The backup alone goes on: a dump is not begun anew because there is an update."""
    belong = {name for name, unit in units().items() if unit.options.get("PartOf") == ["telemetry.target"]}
    assert units().keys() - belong == {"telemetry-backup"}


def test_systemd_lets_a_worker_and_the_code_server_end_their_work_as_long_as_compose_does() -> None:
    seconds = {f"{minutes}m": str(60 * minutes) for minutes in (1, 2)}
    for name, spec in load("compose.yaml")["services"].items():
        if name.startswith("worker-") or name == "code-server":
            assert units()[f"telemetry-{name}"].options["TimeoutStopSec"] == [seconds[spec["stop_grace_period"]]], name


def test_systemd_tries_a_failed_backup_again_every_five_minutes() -> None:
    options = units()["telemetry-backup"].options
    assert options["Restart"] == ["on-failure"]
    assert options["RestartSec"][-1] == "5min"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd")
def test_systemd_understands_every_unit(tmp_path: Path) -> None:
    for path in UNITS.rglob("*"):
        if path.is_file():
            copy = tmp_path / path.relative_to(UNITS)
            copy.parent.mkdir(exist_ok=True)
            # What is installed in production is here the project's own.
            copy.write_text(path.read_text().replace("/opt/telemetry/", f"{PROJECT}/"))
    names = [path.name for path in tmp_path.iterdir() if path.is_file() and "@" not in path.name]
    names += [f"telemetry-worker@{queue}.service" for queue in QUEUES]
    done = subprocess.run(["systemd-analyze", "verify", *(tmp_path / name for name in names)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_handbook_names_every_file_and_every_service() -> None:
    text = (PROJECT / "docs" / "production.md").read_text()
    files = {f"docker/{path.name}" for path in DOCKER.iterdir() if path.is_file()} - {"docker/.gitignore", "docker/connection"}
    services = {f"`{name}`" for name in load("compose.yaml")["services"]}
    assert {name for name in files | services if name not in text} == set()
