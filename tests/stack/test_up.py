"""``telemetry-pipeline up`` as a process: what it leaves behind, what it survives, what stands beside it.

The first tests build on each other: a stack takes its time to start.
"""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import grpc
import psutil
import psycopg
import pytest
import requests
from grpc_health.v1 import health_pb2, health_pb2_grpc
from terminal import wait_until

from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.stack.environment import code_socket
from telemetry_pipeline.stack.processes.orphans import MARKER

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SMALL = ("--records-count", "500", "--live", "0")


class Homes:
    """A folder of homes, and the last stack that was started in each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stacks: dict[str, subprocess.Popen[str]] = {}
        self.started: list[subprocess.Popen[str]] = []

    def up(self, name: str, *options: str, **environment: str) -> subprocess.Popen[str]:
        """Start a stack, and wait until it is up or has given up."""
        stack = self.begin(name, *options, **environment)
        wait_until(lambda: stack.poll() is not None or is_up(self.folder / name, stack.pid), seconds=240)
        return stack

    def begin(self, name: str, *options: str, **environment: str) -> subprocess.Popen[str]:
        """Start a stack, and do not wait."""
        unset = {name.upper() for name in StackSettings.model_fields}
        surroundings = {name: value for name, value in os.environ.items() if name not in unset}
        home = self.folder / name
        with (self.folder / f"{name}.log").open("w") as log:
            stack = subprocess.Popen(
                [sys.executable, "-m", "telemetry_pipeline", "up", *(options or SMALL)],
                env={**surroundings, "TELEMETRY_HOME": str(home), "TICK_CRON": "0 0 29 2 *", **environment},
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )
        self.started.append(stack)
        return stack

    def said(self, name: str) -> str:
        """What the last stack there printed."""
        return (self.folder / f"{name}.log").read_text()

    def token(self, name: str) -> dict[str, str]:
        """What the owner's programs show at the front door."""
        return {"Authorization": f"Bearer {self.state(name)['web_token']}"}

    def get(self, name: str, path: str) -> requests.Response:
        """What Dagster's web server has there."""
        return requests.get(f"{self.state(name)['webserver_url']}{path}", headers=self.token(name), timeout=30)

    def state(self, name: str) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.folder / name / "stack.json").read_text())
        return state


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Homes]:
    homes = Homes(tmp_path_factory.mktemp("up"))
    yield homes
    for stack in homes.started:
        if stack.poll() is None:
            stack.send_signal(signal.SIGINT)
            stack.wait(60)


def is_up(home: Path, pid: int) -> bool:
    try:
        return bool(json.loads((home / "stack.json").read_text())["pid"] == pid)
    except (OSError, ValueError):
        return False


def processes_of(home: Path) -> list[psutil.Process]:
    """Whatever runs for this home, however it came into being."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(home) in " ".join(process.cmdline()) or process.environ().get(MARKER) == str(home):
                found.append(process)
        except psutil.Error:
            continue
    return [process for process in found if process.status() != psutil.STATUS_ZOMBIE]


def test_after_a_kill_the_next_start_works_and_has_the_data(homes: Homes) -> None:
    killed = homes.stacks["one"] = homes.up("one")
    with psycopg.connect(homes.state("one")["database_url"]) as connection:
        connection.execute("update telemetry.sync_state set cursor = 4711")
    children = psutil.Process(killed.pid).children(recursive=True)
    killed.kill()
    killed.wait(60)
    assert children
    homes.stacks["one"] = homes.up("one")
    assert homes.stacks["one"].poll() is None, homes.said("one")
    with psycopg.connect(homes.state("one")["database_url"]) as connection:
        assert connection.execute("select cursor from telemetry.sync_state").fetchone() == (4711,)
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


def test_the_first_partition_of_every_process_is_the_first_simulated_day(homes: Homes) -> None:
    state = homes.state("one")
    end = json.loads((homes.folder / "one" / "upstream.json").read_text())["simulator"]["end"]
    first = (datetime.fromisoformat(end) - timedelta(days=90)).astimezone(ZoneInfo("America/Mexico_City")).date()
    assert state["first_partition"] == first.isoformat()
    for name in ("code-server", "worker", "webserver", "web", "daemon", "watch"):
        process = psutil.Process(state["processes"][name])
        assert process.environ()["FIRST_PARTITION"] == first.isoformat(), name


def test_another_home_has_a_stack_beside_it_with_the_servers_that_are_given(
    homes: Homes, postgres_url: str, redis_url: str
) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("create database given")
    url = postgres_url.replace("/postgres?", "/given?")
    homes.stacks["other"] = homes.up("other", DATABASE_URL=url, REDIS_URL=redis_url)
    assert homes.stacks["other"].poll() is None, homes.said("other")
    one, other = homes.state("one"), homes.state("other")
    assert one["web_url"] != other["web_url"]
    assert {"postgres", "valkey"}.isdisjoint(other["processes"])
    with psycopg.connect(url) as connection:
        assert connection.execute("select count(*) from telemetry.records").fetchone() == (0,)


def test_stacks_that_start_together_have_nothing_in_common_and_parts_that_are_killed_meanwhile_are_started_again(
    tmp_path: Path,
) -> None:
    """One took the other's web server for its own and launched runs there."""
    homes = Homes(tmp_path)
    names = ("one", "two")
    try:
        stacks = [homes.begin(name) for name in names]
        wait_until(lambda: "starting the worker and the code server" in homes.said("two"), seconds=240)
        victims = [
            process
            for process in processes_of(tmp_path / "two")
            if process.environ().get(MARKER) == str(tmp_path / "two") and "celery" in " ".join(process.cmdline())
        ]
        assert victims
        for victim in victims:
            victim.kill()
        wait_until(
            lambda: all(
                stack.poll() is not None or is_up(tmp_path / name, stack.pid) for name, stack in zip(names, stacks, strict=True)
            ),
            seconds=180,
        )
        assert [stack.poll() for stack in stacks] == [None, None], homes.said("one") + homes.said("two")
        assert "the worker ended during its start" in homes.said("two")
        for url in ("web_url", "socket_url", "flower_url", "panaccess_url", "redis_url"):
            one, two = (homes.state(name)[url] for name in names)
            assert one != two, url
        for name in names:
            web = psutil.Process(homes.state(name)["processes"]["web"])
            assert homes.state(name)["web_url"].endswith(web.cmdline()[web.cmdline().index("--port") + 1])
            assert homes.get(name, "/server_info").ok
    finally:
        for stack in homes.started:
            stack.send_signal(signal.SIGINT)
        for stack in homes.started:
            stack.wait(60)


def test_a_home_has_one_stack(homes: Homes) -> None:
    assert homes.up("one").wait(30) == 1
    assert homes.state("one")["pid"] == homes.stacks["one"].pid
    problem, advice = homes.said("one").splitlines()[-2:]
    assert str(homes.folder / "one") in problem
    assert advice == "-> stop it, or set TELEMETRY_HOME to another directory"


@pytest.mark.parametrize("blow", ["shut down over GraphQL", "killed with all that it started"])
def test_the_code_server_comes_back(homes: Homes, blow: str) -> None:
    """Its parent lived on, and no schedule, sensor or run worked until a person acted."""
    before = homes.state("one")["processes"]["code-server"]
    victims = [*psutil.Process(before).children(recursive=True), psutil.Process(before)]
    if blow == "shut down over GraphQL":
        mutation = 'mutation { shutdownRepositoryLocation(repositoryLocationName: "telemetry_pipeline") { __typename } }'
        token = homes.token("one")
        requests.post(homes.state("one")["graphql_url"], json={"query": mutation}, headers=token, timeout=30).raise_for_status()
    else:
        for victim in victims:
            victim.kill()
    wait_until(lambda: homes.state("one")["processes"]["code-server"] != before, seconds=60)
    with grpc.insecure_channel(f"unix:{code_socket(homes.folder / 'one')}") as channel:
        health = health_pb2_grpc.HealthStub(channel).Check
        request = health_pb2.HealthCheckRequest(service="DagsterApi")
        assert health(request, timeout=60, wait_for_ready=True).status == health_pb2.HealthCheckResponse.SERVING


def test_one_ctrl_c_stops_everything_and_leaves_no_process(homes: Homes) -> None:
    home = homes.folder / "one"
    assert homes.get("one", "/server_info").ok
    assert requests.get(homes.state("one")["webserver_url"], timeout=30).status_code == 401
    assert len(processes_of(home)) > 5
    assert stat.S_IMODE((home / "stack.json").stat().st_mode) == 0o600
    homes.stacks["one"].send_signal(signal.SIGINT)
    assert homes.stacks["one"].wait(60) == 0
    wait_until(lambda: not processes_of(home), seconds=60)


@pytest.mark.parametrize(
    ("options", "environment", "complaint"),
    [
        pytest.param(["--no-simulator"], {}, "PANACCESS_URL", id="no upstream at all"),
        pytest.param([], {"OPERATOR_TIMEZONE": "Mexico"}, "America/Mexico_City", id="an impossible setting"),
        pytest.param([], {"DATABASE_URL": "postgresql://x:hunter2@127.0.0.1:1/x"}, "127.0.0.1", id="no database"),
    ],
)
def test_what_cannot_start_says_why_in_the_end(
    tmp_path: Path, options: list[str], environment: dict[str, str], complaint: str
) -> None:
    homes = Homes(tmp_path)
    assert homes.up("home", *options, **environment).wait(60) == 1
    said = homes.said("home")
    assert complaint in said
    assert "Traceback" not in said
    assert "hunter2" not in said
    assert not processes_of(tmp_path / "home")
