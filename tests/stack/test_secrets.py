"""Which secrets each process of a stack can be seen to have, and what another user of the machine gets to."""

from __future__ import annotations

import os
import signal
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
import redis
import requests
from terminal import wait_until

from bench.up import Up, up
from telemetry_pipeline.errors import StackError
from telemetry_pipeline.settings.loading import SECRET_NAMES, PipelineSettings, Settings
from telemetry_pipeline.stack.environment import SECRETS, code_socket, environment
from telemetry_pipeline.stack.processes.service import private_directory
from telemetry_pipeline.stack.state import StackState, read_state

CANARY = "canary-of-the-operators-shell"
PROXY = "http://someone:canary-of-a-proxy@127.0.0.1:9"
PROXIED = {"worker", "worker-ingest", "watch"}
# By the local stack, at each start.
MADE = {"web": {"web_token"}}
# What people and programs have who come to the front door.
SHOWN = {"telemetry_token", "web_token"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A stack with secrets of every kind, some of them in ``.env``, and one in its surroundings that is nobody's."""
    folder = tmp_path_factory.mktemp("secrets")
    (folder / ".env").write_text("ALERT_URLS=json://127.0.0.1:9/canary\n")
    options = ["--records-count", "500", "--days", "1", "--live", "5"]
    proxy = {"HTTPS_PROXY": PROXY, "all_proxy": PROXY}
    with up(folder, *options, TICK_CRON="* * * * *", SOME_TOKEN=CANARY, PANACCESS_SALT=CANARY, **proxy) as running:
        yield running


def state_of(running: Up) -> StackState:
    state = read_state(running.home)
    assert state is not None
    return state


def seen(running: Up) -> dict[str, list[dict[str, str]]]:
    """The environments of the processes of each service, of all that they started, and of what is no service."""
    state = state_of(running)
    services = {pid: name for name, pid in state.processes.items()}
    found: dict[str, list[dict[str, str]]] = {}
    for process in psutil.Process(state.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            line = [process, *process.parents()]
            name = next((services[each.pid] for each in line if each.pid in services), "guardian")
            found.setdefault(name, []).append(process.environ())
    return found


def members(running: Up) -> list[psutil.Process]:
    return psutil.Process(state_of(running).pid).children(recursive=True)


@contextmanager
def another_user() -> Iterator[None]:
    """This process as one of a user without rights."""
    if os.geteuid() != 0:
        pytest.skip("may not become another user")
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def is_open(path: Path) -> bool:
    """Can it be listed, read, or connected to?"""
    with suppress(OSError):
        if path.is_socket():
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(path))
        elif path.is_dir():
            os.listdir(path)
        else:
            os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        return True
    return False


def is_run(process: psutil.Process) -> bool:
    """Was it forked from the process that has the code of runs loaded?"""
    parent = process.parent()
    return parent is not None and all("multiprocessing.forkserver" in " ".join(each.cmdline()) for each in (process, parent))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_each_process_and_what_it_starts_has_its_own_secrets_and_no_other(running: Up) -> None:
    code_server = psutil.Process(state_of(running).processes["code-server"])
    wait_until(lambda: any(map(is_run, code_server.children(recursive=True))), seconds=120)
    found = seen(running)
    assert {
        "guardian",
        "simulator",
        "postgres",
        "valkey",
        "code-server",
        "worker",
        "webserver",
        "web",
        "daemon",
        "watch",
    } <= set(found)
    assert len(found["code-server"]) > 2
    assert len(found["worker"]) > 1
    for name, environments in found.items():
        for each in environments:
            assert {secret for secret in SECRET_NAMES if secret.upper() in each} <= {
                *SECRETS.get(name, ()),
                *MADE.get(name, ()),
            }, name
            assert CANARY not in each.values(), name
            assert (PROXY in each.values()) <= (name in PROXIED), name
        if name in SECRETS:
            assert any(set(map(str.upper, SECRETS[name])) <= set(each) for each in environments), name
            assert any(PROXY in each.values() for each in environments) == (name in PROXIED), name


@pytest.mark.slow
def test_the_code_server_listens_on_a_socket_that_is_closed_to_others_and_on_no_port(running: Up) -> None:
    socket = code_socket(running.home)
    assert stat.S_ISSOCK(socket.stat().st_mode)
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    code_server = psutil.Process(state_of(running).processes["code-server"])
    for process in (code_server, *code_server.children(recursive=True)):
        assert [each for each in process.net_connections("inet") if each.status == psutil.CONN_LISTEN] == []


@pytest.mark.slow
def test_another_user_reads_no_file_reaches_no_socket_and_sees_no_secret(running: Up) -> None:
    paths = [Path(folder, name) for folder, folders, files in os.walk(running.home) for name in (".", *folders, *files)]
    processes = members(running)
    bound = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):  # that of a run which has ended meanwhile
            bound += [Path(str(each.laddr)) for each in process.net_connections("unix") if each.laddr]
    assert code_socket(running.home) in bound
    state = state_of(running)
    urls = (state.database_url, state.dagster_database_url, state.redis_url)
    secrets = {PROXY, CANARY, *filter(None, (urlsplit(url).password for url in urls))}
    with another_user():
        assert [path for path in {*paths, *bound, *(path.parent for path in bound)} if is_open(path)] == []
        assert [process for process in processes if is_open(Path(f"/proc/{process.pid}/environ"))] == []
        arguments = ""
        for process in processes:
            with suppress(FileNotFoundError, ProcessLookupError):
                arguments += Path(f"/proc/{process.pid}/cmdline").read_text()
    assert "postgres" in arguments
    assert [secret for secret in secrets if secret in arguments] == []


@pytest.mark.slow
def test_what_listens_is_on_the_loopback_and_asks_for_a_password_but_for_the_simulator(running: Up) -> None:
    state = state_of(running)
    services = {pid: name for name, pid in state.processes.items()}
    listening = []
    for process in members(running):
        with suppress(psutil.NoSuchProcess):  # that of a run which has ended meanwhile
            connections = process.net_connections("inet")
            listening += [(services.get(process.pid), each.laddr) for each in connections if each.status == psutil.CONN_LISTEN]
    assert {name for name, _ in listening} == {"valkey", "web", "simulator"}
    assert {address.ip for _, address in listening} == {"127.0.0.1"}
    ports = {name: address.port for name, address in listening}
    tried: list[dict[str, Any]] = [{}, {"password": ""}, {"username": "flower", "password": ""}]
    for credentials in tried:
        with redis.Redis(port=ports["valkey"], **credentials) as client, pytest.raises(redis.AuthenticationError):
            client.ping()
    for path in ("/", "/dagster/", "/flower/api/workers"):
        assert requests.get(f"http://127.0.0.1:{ports['web']}{path}", timeout=10).status_code == 401


@pytest.mark.slow
def test_a_code_server_that_is_killed_is_back_where_it_left_its_socket(running: Up) -> None:
    killed = state_of(running).processes["code-server"]
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: state_of(running).processes.get("code-server", killed) != killed, seconds=60)
    wait_until(lambda: is_open(code_socket(running.home)), seconds=60)
    assert stat.S_IMODE(code_socket(running.home).parent.stat().st_mode) == 0o700


def test_a_process_finds_no_other_secret_in_its_surroundings_or_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in SECRET_NAMES:
        scheme = "redis" if name.endswith("redis_url") else "smtp" if name == "smtp_url" else "postgresql"
        path = "canary-of-32-letters" if scheme == "postgresql" else "0" if scheme == "redis" else ""
        monkeypatch.setenv(name.upper(), f"{scheme}://:canary@127.0.0.1/{path}")
    monkeypatch.setenv("AWS_SESSION_TOKEN", CANARY)
    for name in ("http_proxy", "HTTPS_PROXY", "All_Proxy", "grpc_proxy"):
        monkeypatch.setenv(name, PROXY)
    settings = Settings.load(telemetry_home=tmp_path, panaccess_url="http://127.0.0.1:1/", panaccess_username="simulator")
    for process, needed in SECRETS.items():
        variables = environment(process, settings)
        assert {name for name in SECRET_NAMES if name.upper() in variables} == set(needed) - {"https_proxy"}
        assert [*variables.values()].count(PROXY) == (4 if process in PROXIED else 0), process
        assert CANARY not in variables.values()
        assert variables["TELEMETRY_ENV_FILE"] == ""
        assert variables["TICK_CRON"] == settings.tick_cron


@pytest.mark.parametrize(
    ("warehouse", "dagster", "has_it"),
    [
        ("postgresql://writer:own@db/telemetry", "postgresql://dagster:own@db/dagster", set()),
        ("postgresql://writer@db/telemetry", "postgresql://dagster:own@db/dagster", {"migrate", "daemon", "watch", "worker"}),
        ("postgresql://writer@db/telemetry", "postgresql://writer@db/dagster", {"migrate", "daemon", "webserver", "backup"}),
        ("postgresql://db/telemetry?user=a&password=own", "postgresql:///dagster?host=/run", {"daemon", "webserver"}),
    ],
    ids=["nobody", "who has the warehouse", "who has either", "who has Dagster's"],
)
def test_the_surroundings_password_of_postgresql_is_for_those_whose_address_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warehouse: str, dagster: str, has_it: set[str]
) -> None:
    monkeypatch.setenv("PGPASSWORD", CANARY)
    monkeypatch.setenv("PGSSLMODE", "require")
    addresses = {"database_url": warehouse, "dagster_database_url": dagster, "redis_url": "redis://127.0.0.1/0"}
    access = dict.fromkeys(("panaccess_username", "panaccess_password", "panaccess_api_token"), "simulator")
    settings = Settings.load(telemetry_home=tmp_path, panaccess_url="http://127.0.0.1:1/", **addresses, **access)
    found = {process for process in SECRETS if CANARY in environment(process, settings).values()}
    assert has_it <= found
    assert not {"simulator", "flower"} & found
    assert found == {name for name in found if "database_url" in SECRETS[name] or "webserver" in has_it}
    if not has_it:
        assert found == set()
    assert environment("webserver", settings)["PGSSLMODE"] == "require"


def test_whatever_a_process_loads_it_is_given() -> None:
    for process, kind in (
        ("code-server", PipelineSettings),
        ("worker-analysis", PipelineSettings),
        ("worker-reports", PipelineSettings),
        ("worker-ingest", Settings),
        ("worker", Settings),
    ):
        required = {name for name, field in kind.model_fields.items() if field.is_required()}
        assert required & SECRET_NAMES <= set(SECRETS[process]), process
    assert set().union(*SECRETS.values()) == (SECRET_NAMES - SHOWN) | {"https_proxy"}


def test_the_socket_of_a_home_with_a_long_name_is_short_and_its_folder_is_ones_own(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 30)
    socket = code_socket(home)
    assert len(str(socket)) < 104
    assert socket != code_socket(home.with_name("longer" * 20))
    socket.parent.symlink_to(tmp_path)
    try:
        with pytest.raises(StackError, match="belongs to another user"):
            private_directory(socket.parent, None)
    finally:
        socket.parent.unlink()
