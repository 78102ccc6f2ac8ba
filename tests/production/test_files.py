"""The production files, read: valid, true to their rules, and in agreement with each other and with the code."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import psutil
import pytest
import yaml
from compose import (
    ALL,
    DOCKER,
    PRODUCTION,
    PROJECT,
    WORKERS,
    Spec,
    by_name,
    env_file,
    image_environment,
    is_ours,
    load,
)
from systemd import UNITS, units
from terminal import wait_until

from telemetry_pipeline.broker import QUEUES
from telemetry_pipeline.settings.loading import DagsterSettings, PipelineSettings, Settings, StackSettings
from telemetry_pipeline.stack.environment import SECRETS as NEEDED

SCRIPTS = ["entrypoint", "health", "make-secrets", "create-databases.sh", "backup", "restore", "connection"]
SETTINGS = {name.upper() for name in StackSettings.model_fields}
SECRETS = {name.upper() for name, field in StackSettings.model_fields.items() if "SecretStr" in str(field.annotation)}
LOADED = {
    "daemon": DagsterSettings,
    **dict.fromkeys(("code-server", "worker-analysis", "worker-reports"), PipelineSettings),
    "worker-ingest": Settings,
}
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


def process_of(service: str, files: list[str]) -> str:
    """Which of the processes that have secrets a service is."""
    if service == "worker":
        return "worker-ingest" if "compose.worker.ingest.yaml" in files else "worker-analysis"
    return service


@pytest.fixture(params=PRODUCTION, ids=by_name)
def services(request: pytest.FixtureRequest) -> dict[str, Spec]:
    services: dict[str, Spec] = load(*request.param)["services"]
    return services


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


@pytest.mark.parametrize("files", ALL, ids=by_name)
def test_compose_gives_each_process_the_secrets_that_it_needs_and_no_other(files: list[str]) -> None:
    services = load(*files)["services"]
    given = {name: set(spec["secrets"]) for name, spec in services.items() if is_ours(spec) or name == "backup"}
    assert given == {name: set(NEEDED[process_of(name, files)]) for name in given}


def test_systemd_gives_each_process_the_secrets_that_it_needs_and_no_other() -> None:
    given = {name: unit.options["LoadCredential"] for name, unit in units().items()}
    needed = {name: NEEDED[name.removeprefix("telemetry-")] for name in given}
    wanted = {name: {f"{secret}:/etc/telemetry/secrets/{secret}.txt" for secret in needed[name]} for name in given}
    assert {name: set(credentials) for name, credentials in given.items()} == wanted


def test_the_handbook_says_which_process_needs_which_secrets() -> None:
    section = (PROJECT / "docs" / "production.md").read_text().split("## Who has which secrets")[1].split("\n## ")[0]
    rows = [re.findall(r"`(\w[\w-]*)`", line) for line in section.splitlines() if line.startswith("| `")]
    secrets = set().union(*NEEDED.values())
    said = {name: set(row) & secrets for row in rows for name in row if name in NEEDED}
    assert said == {name: set(secrets) for name, secrets in NEEDED.items()}


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


def checked(spec: Spec) -> bool:
    return bool(spec.get("healthcheck", {}).get("test", [])[1:2] == ["health"])


@pytest.mark.parametrize("files", [*PRODUCTION, *WORKERS], ids=by_name)
def test_whatever_lives_and_does_no_work_is_ended_so_that_it_is_started_again(files: list[str]) -> None:
    """Compose restarts what ends, not what is unhealthy. The watch's own check says how everything else is."""
    ours = {name for name, spec in load(*files)["services"].items() if is_ours(spec) and not checked(spec)}
    assert ours <= {"migrate", "watch"}


def test_systemd_asks_what_compose_asks() -> None:
    services = load("compose.yaml")["services"]
    asked = {name.removeprefix("telemetry-") for name, unit in units().items() if "CHECK" in unit.environment}
    assert asked == {name for name, spec in services.items() if checked(spec)}


@pytest.fixture
def main(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that the entrypoint became."""
    surroundings = {"PATH": os.environ["PATH"], "SECRETS_DIRECTORY": str(tmp_path / "none"), "TMPDIR": str(tmp_path)}
    with subprocess.Popen([DOCKER / "entrypoint", "sleep", "600"], env=surroundings) as process:
        wait_until((tmp_path / "main.pid").exists, seconds=10)
        wait_until(lambda: psutil.Process(process.pid).name() == "sleep", seconds=10)
        yield process
        process.kill()


def health(folder: Path, check: str) -> int:
    surroundings = {"PATH": os.environ["PATH"], "SECRETS_DIRECTORY": str(folder / "none"), "TMPDIR": str(folder)}
    return subprocess.run([DOCKER / "health", check], env=surroundings, check=False).returncode


def test_the_third_failed_check_in_a_row_ends_the_process(tmp_path: Path, main: subprocess.Popen[bytes]) -> None:
    for check in ("true", "false", "false", "true", "false", "false"):
        assert health(tmp_path, check) == (check == "false")
    assert main.poll() is None
    assert health(tmp_path, "false") == 1
    assert main.wait(10) == -signal.SIGTERM


def test_a_frozen_process_is_killed_at_the_check_after(tmp_path: Path, main: subprocess.Popen[bytes]) -> None:
    main.send_signal(signal.SIGSTOP)
    for check in ("true", "false", "false", "false"):
        health(tmp_path, check)
    assert main.poll() is None
    health(tmp_path, "false")
    assert main.wait(10) == -signal.SIGKILL


def test_what_never_worked_is_given_time_to_start(tmp_path: Path, main: subprocess.Popen[bytes]) -> None:
    for _ in range(6):
        health(tmp_path, "false")
    assert main.poll() is None


def test_what_is_run_beside_the_process_is_not_taken_for_it(tmp_path: Path, main: subprocess.Popen[bytes]) -> None:
    surroundings = {"PATH": os.environ["PATH"], "SECRETS_DIRECTORY": str(tmp_path / "none"), "TMPDIR": str(tmp_path)}
    subprocess.run([DOCKER / "entrypoint", "true"], env=surroundings, check=True)
    assert (tmp_path / "main.pid").read_text().strip() == str(main.pid)
