"""What one process could leave for another one to execute: nothing, wherever it may write."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path, PurePosixPath

import pytest
from compose import ALL, Container, Machine, by_name, image_environment, image_workdir, is_ours, load, mounts
from systemd import units

# For `telemetry-pipeline logs`: text that nobody executes.
LOGS = "logs"
# Whose files are code or settings, by the name of the variable.
LOOKED_IN = ("HOME", "DAGSTER_HOME", "TELEMETRY_HOME")
TRACE = "from pathlib import Path\nPath({trace!r}).touch()\n"
PLANTED = {
    "celeryconfig.py": TRACE,
    "telemetry_pipeline/__init__.py": TRACE,
    "sitecustomize.py": TRACE,
    "celery/__init__.py": TRACE,
    "planted.py": TRACE + "class Instance: pass\n",
    "dagster.yaml": "instance_class: {{module: planted, class: Instance}}\n",
    ".env": "PYTHONSTARTUP={trace}\nPANACCESS_URL=http://127.0.0.1:1/planted\n",
}


def holds(folder: str, path: str) -> bool:
    return PurePosixPath(path).is_relative_to(folder)


@pytest.mark.parametrize("files", ALL, ids=by_name)
def test_services_share_nothing_that_another_one_writes_but_logs(files: list[str]) -> None:
    services = load(*files)["services"]
    users: Counter[str] = Counter()
    writers: Counter[str] = Counter()
    for spec in services.values():
        for source, writable in mounts(spec).values():
            users[source] += 1
            writers[source] += writable
    shared = {source for source, number in users.items() if number > 1 and writers[source]}
    # Of the sockets' who listens there alone.
    listening = {"code": "code-server", "sockets": "webserver", "flower": "flower"}
    wanted = {source for source, service in listening.items() if service in services}
    # Of reports, who serves the queue of that name; nobody executes them.
    wanted |= {"reports"} & set(users)
    assert {source: writers[source] for source in shared - {LOGS}} == dict.fromkeys(wanted, 1)
    assert mounts(services.get("flower", {})).keys() <= {"/run/telemetry-flower"}


def test_few_reach_dagsters_web_server_without_the_door() -> None:
    users = {name for name, spec in load("compose.yaml")["services"].items() if "/run/telemetry-web" in mounts(spec)}
    assert users == {"web", "webserver", "watch", "worker-ingest"}


def test_the_front_door_alone_publishes_a_port() -> None:
    services = load("compose.yaml")["services"]
    assert {name: spec["ports"] for name, spec in services.items() if "ports" in spec} == {"web": ["127.0.0.1:3000:3000"]}


@pytest.mark.parametrize("files", ALL, ids=by_name)
def test_no_process_looks_for_code_or_settings_where_another_one_writes(files: list[str]) -> None:
    environment = image_environment()
    looked_in = [image_workdir(), *(environment[name] for name in LOOKED_IN), *environment["PATH"].split(":")]
    for name, spec in load(*files)["services"].items():
        if is_ours(spec):
            kept = [target for target, (_, writable) in mounts(spec).items() if writable]
            assert [folder for folder in kept if any(holds(folder, path) for path in looked_in)] == [], name
            own = {path for path in (*looked_in, "/") for folder in spec["tmpfs"] if holds(folder, path)}
            assert own == {environment["HOME"]}, name
    assert environment["PYTHONSAFEPATH"] == "1"


def test_under_systemd_no_process_works_or_has_its_configuration_where_one_can_write() -> None:
    for name, unit in units().items():
        written = ["/tmp", "/var/lib/telemetry", "/var/log/telemetry", "/run/telemetry"]
        looked_in = [*unit.options["WorkingDirectory"], unit.environment["DAGSTER_HOME"], *unit.environment["PATH"].split(":")]
        assert [path for path in looked_in if any(holds(folder, path) for folder in written)] == [], name
        assert unit.environment["PYTHONSAFEPATH"] == "1"
        assert unit.options["ProtectSystem"] == ["strict"]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_another_service_leaves_behind_is_not_executed(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    nowhere = {"postgres:5432": "127.0.0.1:1", "valkey:6379": "127.0.0.1:1"}
    settings = {"PANACCESS_URL": "http://127.0.0.1:1/", "PANACCESS_USERNAME": "simulator"}
    machine = Machine(tmp_path / "machine", nowhere, settings, os.environ["PATH"])
    services = load("compose.yaml")["services"]
    webserver, worker = (Container(machine, name, services[name]) for name in ("webserver", "worker-ingest"))
    try:
        for folder in (Path(webserver.resolve(target)) for target, (_, may) in mounts(webserver.spec).items() if may):
            for place in (folder, folder / "dagster"):
                for name, text in PLANTED.items():
                    path = place / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(text.format(trace=str(trace)))
        assert not worker.is_healthy()
        told = [
            worker.execute("entrypoint", *command)
            for command in (
                ["celery", "-A", "telemetry_pipeline.orchestration.runtime.celery_app", "report"],
                ["python", "-m", "telemetry_pipeline", "--help"],
                ["python", "-c", "import telemetry_pipeline, celery"],
                ["dagster", "instance", "info"],
            )
        ]
        assert not trace.exists()
        assert not [done.args for done in told if "planted" in done.stdout + done.stderr]
    finally:
        machine.stop()
