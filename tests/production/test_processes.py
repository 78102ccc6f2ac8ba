"""What compose would start, started without a container engine: the same commands, settings, secrets and health checks.

Each process has a home of its own and shares no folder with another one, but for those of compose: the logs, and the code
server's socket. PostgreSQL and the broker are all that the worker elsewhere has in common with the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from compose import Container
from deployment import Deployment
from terminal import wait_until

from telemetry_pipeline.simulator.options import Options
from telemetry_pipeline.simulator.server import SimulatorServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
RECORDS = 3_000
TERMINAL_STATES = {"SUCCESS", "FAILURE", "CANCELED"}


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with ExitStack() as running:
        upstream = running.enter_context(SimulatorServer(Options(records_count=RECORDS, days=1, late_ids=0)))
        yield Deployment(tmp_path_factory.mktemp("production"), upstream, running)


@pytest.fixture(scope="module")
def tick(deployment: Deployment) -> str:
    """The id of a tick that has ended."""
    launched = deployment.launches_a_tick("operator").json()["data"]["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    run_id: str = launched["run"]["runId"]
    query = "query Run($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"

    def status() -> str:
        return str(deployment.asks(query, id=run_id)["runOrError"]["status"])

    wait_until(lambda: status() in TERMINAL_STATES, seconds=240)
    assert status() == "SUCCESS", deployment.services["code-server"].log.read_text()[-3000:]
    return run_id


def test_a_tick_takes_in_everything(deployment: Deployment, tick: str) -> None:
    with psycopg.connect(deployment.secret("database_url")) as connection:
        assert connection.execute("select count(*) from telemetry.records").fetchone() == (RECORDS,)


def test_times_without_a_zone_are_utc_whatever_the_zone_of_postgresql(deployment: Deployment) -> None:
    for name in ("database_url", "dagster_database_url"):
        with psycopg.connect(deployment.secret(name).replace("+psycopg2", "")) as connection:
            assert connection.execute("select setting, source from pg_settings where name = 'TimeZone'").fetchone() == (
                "UTC",
                "user",
            )


def test_one_run_has_its_steps_on_every_worker_the_one_elsewhere_too(deployment: Deployment, tick: str) -> None:
    """The proof that a worker needs the image and the two addresses: homes are separate, and no folder is shared."""
    url = deployment.secret("dagster_database_url").replace("+psycopg2", "")
    with psycopg.connect(url) as connection:
        events = connection.execute("select event from event_logs where run_id = %s", [tick]).fetchall()
    workers = [name for name in deployment.services if name.startswith("worker-")] + ["elsewhere"]
    busy = {name: executed_by(deployment.services[name], tick) for name in workers}
    assert all(busy.values()), busy
    assert len(workers) == 4
    homes = {service.environment.get("TELEMETRY_HOME") for service in deployment.services.values()} - {None}
    assert len(homes) == len(deployment.services) - 1
    assert not [home for home in homes if any(home in event for (event,) in events)]


def test_what_is_installed_stays_as_it_was(deployment: Deployment, tick: str) -> None:
    """In a container it cannot be written to, and neither can the working directory."""
    place = deployment.machine.installation
    installed = {str(path.relative_to(place)) for path in place.rglob("*")}
    scripts = {f"docker/{name}" for name in ("entrypoint", "health", "answers", "backup", "restore", "connection")}
    # The daemon's upload of telemetry, which is switched off, makes these first; it gives up silently where it cannot.
    empty = {"logs", ".logs_queue"}
    assert installed - empty == {"dagster.yaml", "workspace.yaml", "flowerconfig.py", "docker"} | scripts


def executed_by(service: Container, run_id: str) -> int:
    """How many steps of the run the worker says that it finished."""
    lines = service.log.read_text().splitlines()
    return sum(run_id in line and "Finished execution of step" in line for line in lines)


def test_a_health_check_notices_a_process_that_is_gone(deployment: Deployment, tick: str) -> None:
    elsewhere = deployment.services["elsewhere"]
    elsewhere.stop()
    assert not elsewhere.is_healthy()


def test_viewers_see_runs_and_launch_none(deployment: Deployment, tick: str) -> None:
    found = deployment.sends("viewer", "{ runsOrError { ... on Runs { results { runId status } } } }").json()["data"]
    assert {"runId": tick, "status": "SUCCESS"} in found["runsOrError"]["results"]
    assert deployment.launches_a_tick("viewer").status_code == 403


def test_the_front_door_alone_listens_where_a_browser_gets(deployment: Deployment, tick: str) -> None:
    listening = {
        name
        for name, service in deployment.services.items()
        if service.exit_status is None
        for process in (psutil.Process(service.pid), *psutil.Process(service.pid).children(recursive=True))
        if any(each.status == psutil.CONN_LISTEN for each in process.net_connections("tcp"))
    }
    assert listening == {"web"}


@pytest.mark.parametrize("name", ["code-server", "webserver", "daemon"])
def test_dagsters_own_processes_log_json(deployment: Deployment, tick: str, name: str) -> None:
    """The child of the code server and the process of the run, which write to its output, too."""
    lines = deployment.services[name].log.read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    # Dagster's own format; ours has "message".
    assert [entry["event"] for entry in entries if "event" in entry and entry["logger"].startswith("dagster")]


@pytest.mark.parametrize("page", ["/", "/workers", "/api/workers", "/api/tasks", "/broker", "/metrics"])
def test_flower_shows_itself_to_operators_alone(deployment: Deployment, page: str) -> None:
    assert deployment.get(f"/flower{page}").status_code == 401
    assert deployment.get(f"/flower{page}", "viewer").status_code == 403
    assert deployment.get(f"/flower{page}", "operator").status_code == 200


def test_flower_sees_every_worker(deployment: Deployment) -> None:
    def seen() -> set[str]:
        return {name.split("@")[0] for name in deployment.get("/flower/api/workers?refresh=1", "operator").json()}

    wait_until(lambda: seen() >= {"ingest", "analysis", "reports"}, seconds=60)


def test_status_works_inside_although_people_open_the_web_ui_elsewhere(deployment: Deployment, tick: str) -> None:
    worker = deployment.services["worker-ingest"]
    assert worker.environment["WEB_URL"] == "https://telemetry.example.com"
    done = worker.execute("entrypoint", "telemetry-pipeline", "status")
    assert done.returncode == 0, done.stdout + done.stderr
    assert tick[:8] in done.stdout


def test_the_broker_wants_the_password_and_keeps_what_is_queued(deployment: Deployment) -> None:
    with redis.Redis(host="127.0.0.1", port=deployment.valkey.port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    with redis.Redis.from_url(deployment.secret("redis_url"), decode_responses=True) as broker:
        assert broker.config_get("appendonly", "maxmemory-policy") == {"appendonly": "yes", "maxmemory-policy": "noeviction"}


def test_the_pipeline_is_no_superuser_of_postgresql(deployment: Deployment) -> None:
    with psycopg.connect(deployment.secret("database_url")) as connection:
        assert connection.execute("select rolsuper from pg_roles where rolname = current_user").fetchone() == (False,)


def test_the_first_backup_is_made_at_the_start(deployment: Deployment) -> None:
    dumps = sorted(path.name.split("-")[0] for path in Path(deployment.services["backup"].resolve("/backups")).iterdir())
    assert dumps == ["dagster", "telemetry"]


def test_no_secret_is_an_argument_or_in_a_log(deployment: Deployment, tick: str) -> None:
    names = ("database_password", "postgres_password", "web_secret", "valkey_conf")
    secrets = [deployment.secret(name).split()[-1] for name in names]
    folders = {deployment.machine.folder, *(service.volumes for service in deployment.services.values())}
    logs = {path for folder in folders for path in folder.rglob("*.log*") if path.is_file()}
    assert {"pipeline.log", "watch.log"} <= {path.name for path in logs}
    for path in logs:
        written = path.read_text(errors="replace")
        assert not [secret for secret in secrets if secret in written], path
    for service in deployment.services.values():
        if service.exit_status is None:
            process = psutil.Process(service.pid)
            told = [word for each in (process, *process.children(recursive=True)) for word in each.cmdline()]
            assert not [secret for secret in secrets if any(secret in word for word in told)], service.name
